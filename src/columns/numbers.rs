//! Columns of numbers: each value as its distance from the smallest, in 0, 1, 2, 4 or 8 bytes.
//!
//! The bytes: the width of a distance, whether a value is missing, the smallest value (8 bytes, little-endian), and a
//! distance for each value. Where a column lacks a value, 0 is a missing one, and every distance is one more.

use super::damaged::Damaged;

/// Stands for a missing value in a decoded column. No time, count or id is so small.
pub const NULL: i64 = i64::MIN;

/// The bytes before the distances.
const HEAD_BYTES: usize = 10;

/// Appends a column to a block.
pub(super) fn encode(values: &[Option<i64>], out: &mut Vec<u8>) {
    let present = || values.iter().flatten().copied();
    let has_missing = values.iter().any(Option::is_none);
    let smallest = present().min().unwrap_or(0);
    let largest = present().max().unwrap_or(0);
    let offset = u64::from(has_missing);
    let distance = |value: i64| value.wrapping_sub(smallest).cast_unsigned() + offset;
    let width: u8 = match distance(largest) {
        // Where all values are missing, each takes no byte, either.
        _ if present().next().is_none() => 0,
        0 => 0,
        0x1..=0xff => 1,
        0x100..=0xffff => 2,
        0x1_0000..=0xffff_ffff => 4,
        _ => 8,
    };
    out.push(width);
    out.push(u8::from(has_missing));
    out.extend(smallest.to_le_bytes());
    for value in values {
        let bytes = value.map_or(0, distance).to_le_bytes();
        out.extend(&bytes[..usize::from(width)]);
    }
}

/// A column of numbers in a block.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Numbers<'b> {
    width: u8,
    has_missing: bool,
    smallest: i64,
    distances: &'b [u8],
    count: usize,
}

impl<'b> Numbers<'b> {
    /// Takes a column of `count` values from the beginning of `bytes`.
    pub(super) fn take(bytes: &mut &'b [u8], count: usize) -> Result<Self, Damaged> {
        let (head, rest) = bytes.split_at_checked(HEAD_BYTES).ok_or(Damaged)?;
        let width = head[0];
        if !matches!(width, 0 | 1 | 2 | 4 | 8) {
            return Err(Damaged);
        }
        let (distances, rest) = rest
            .split_at_checked(usize::from(width) * count)
            .ok_or(Damaged)?;
        *bytes = rest;
        let smallest = head[2..].try_into().map_or(0, i64::from_le_bytes);
        Ok(Self {
            width,
            has_missing: head[1] != 0,
            smallest,
            distances,
            count,
        })
    }

    /// Decodes all values into `out`, with [`NULL`] for those that are missing.
    pub(super) fn decode(&self, out: &mut Vec<i64>) {
        out.clear();
        let bytes = self.distances;
        match self.width {
            1 => self.extend(out, bytes.iter().map(|byte| u64::from(*byte))),
            2 => self.extend(
                out,
                chunks(bytes).map(|chunk| u64::from(u16::from_le_bytes(chunk))),
            ),
            4 => self.extend(
                out,
                chunks(bytes).map(|chunk| u64::from(u32::from_le_bytes(chunk))),
            ),
            8 => self.extend(out, chunks(bytes).map(u64::from_le_bytes)),
            _ => self.extend(out, std::iter::repeat_n(0, self.count)),
        }
    }

    fn extend(&self, out: &mut Vec<i64>, distances: impl Iterator<Item = u64>) {
        let smallest = self.smallest;
        if self.has_missing {
            out.extend(distances.map(|distance| match distance {
                0 => NULL,
                more => smallest.wrapping_add_unsigned(more - 1),
            }));
        } else {
            out.extend(distances.map(|distance| smallest.wrapping_add_unsigned(distance)));
        }
    }
}

/// Appends a length: 4 bytes, little-endian.
pub(super) fn push_length(length: usize, out: &mut Vec<u8>) {
    out.extend(u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes());
}

/// Takes a length from the beginning of `bytes`: 4 bytes, little-endian.
pub(super) fn take_length(bytes: &mut &[u8]) -> Result<usize, Damaged> {
    let (length, rest) = bytes.split_first_chunk::<4>().ok_or(Damaged)?;
    *bytes = rest;
    usize::try_from(u32::from_le_bytes(*length))
        .ok()
        .ok_or(Damaged)
}

fn chunks<const WIDTH: usize>(bytes: &[u8]) -> impl Iterator<Item = [u8; WIDTH]> {
    let (chunks, _) = bytes.as_chunks::<WIDTH>();
    chunks.iter().copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(values: &[Option<i64>], width: usize) {
        let mut bytes = Vec::new();
        encode(values, &mut bytes);
        assert_eq!(bytes.len(), HEAD_BYTES + width * values.len(), "{values:?}");
        bytes.push(7);
        let mut rest = bytes.as_slice();
        let column = Numbers::take(&mut rest, values.len()).unwrap();
        assert_eq!(rest, [7]);
        let mut decoded = vec![1];
        column.decode(&mut decoded);
        let expected: Vec<_> = values.iter().map(|value| value.unwrap_or(NULL)).collect();
        assert_eq!(decoded, expected);
    }

    #[test]
    fn values_take_as_few_bytes_as_their_range_needs() {
        let time = 1_700_000_000_000;
        check(&[], 0);
        check(&[Some(5), Some(5)], 0);
        check(&[None, None], 0);
        check(&[None, Some(5)], 1);
        check(&[Some(-1), Some(254)], 1);
        check(&[Some(-1), Some(254), None], 2);
        check(&[Some(time), Some(time + 65_535)], 2);
        check(&[Some(time), None, Some(time + 65_535)], 4);
        check(&[Some(0), Some(1 << 32)], 8);
        check(
            &[Some(-62_167_219_200_000), Some(253_402_300_799_999), None],
            8,
        );
    }

    #[test]
    fn a_column_that_ends_early_or_has_an_unknown_width_is_damaged() {
        let mut bytes = Vec::new();
        encode(&[Some(1), Some(2)], &mut bytes);
        for length in 0..bytes.len() {
            assert_eq!(Numbers::take(&mut &bytes[..length], 2).err(), Some(Damaged));
        }
        bytes[0] = 3;
        assert_eq!(Numbers::take(&mut bytes.as_slice(), 2).err(), Some(Damaged));
    }
}
