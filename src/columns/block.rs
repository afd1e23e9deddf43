//! Reads a block.

use super::damaged::Damaged;
use super::errors::BlockErrors;
use super::numbers::{NULL, Numbers, take_length};
use super::row::{BLOCK_JOBS, NumberColumn, Row, TextColumn};
use super::texts::Dictionary;

/// The columns of a block, which are decoded one by one.
#[derive(Debug)]
pub struct Block<'b> {
    count: usize,
    ids: Numbers<'b>,
    numbers: [Numbers<'b>; NumberColumn::COUNT],
    texts: [&'b [u8]; TextColumn::COUNT],
}

impl<'b> Block<'b> {
    /// Reads the heads of the columns.
    ///
    /// # Errors
    /// [`Damaged`] where the bytes are not those of a block.
    pub fn new(columns: &'b [u8]) -> Result<Self, Damaged> {
        let mut rest = columns;
        let count = take_length(&mut rest)?;
        if i64::try_from(count).map_or(true, |count| count > BLOCK_JOBS) {
            return Err(Damaged);
        }
        let ids = Numbers::take(&mut rest, count)?;
        let mut numbers = [ids; NumberColumn::COUNT];
        for column in &mut numbers {
            *column = Numbers::take(&mut rest, count)?;
        }
        let mut texts: [&[u8]; TextColumn::COUNT] = [&[]; TextColumn::COUNT];
        for column in &mut texts {
            let length = take_length(&mut rest)?;
            (*column, rest) = rest.split_at_checked(length).ok_or(Damaged)?;
        }
        Ok(Self {
            count,
            ids,
            numbers,
            texts,
        })
    }

    /// The number of jobs.
    #[must_use]
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether it has no jobs.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Decodes `jobs.id` of each job into `out`, ascending.
    pub fn ids(&self, out: &mut Vec<i64>) {
        self.ids.decode(out);
        for (id, position) in out.iter_mut().zip(0..) {
            *id = id.wrapping_add(position);
        }
    }

    /// Decodes a column of numbers into `out`, with [`NULL`] for a missing one.
    pub fn numbers(&self, column: NumberColumn, out: &mut Vec<i64>) {
        self.numbers[column as usize].decode(out);
        let Some(base) = column.base() else {
            return;
        };
        let mut bases = Vec::with_capacity(self.count);
        self.numbers(base, &mut bases);
        for (value, base) in out.iter_mut().zip(bases) {
            if *value != NULL {
                *value = value.wrapping_add(if base == NULL { 0 } else { base });
            }
        }
    }

    /// Reads a column of texts.
    ///
    /// # Errors
    /// [`Damaged`] where its bytes are not those of a column.
    pub fn texts(&self, column: TextColumn) -> Result<Dictionary<'b>, Damaged> {
        Dictionary::take(&mut { self.texts[column as usize] }, self.count)
    }

    /// Decodes every job, with its id and its errors.
    ///
    /// # Errors
    /// [`Damaged`] where the bytes are not those of a block.
    pub fn rows(&self, job_ids: &JobIds, errors: &BlockErrors<'_>) -> Result<Vec<Row>, Damaged> {
        let mut values = Vec::with_capacity(self.count);
        self.ids(&mut values);
        let mut rows = Vec::with_capacity(self.count);
        for (position, id) in values.iter().enumerate() {
            rows.push(Row::new(*id, job_ids.get(position).ok_or(Damaged)?));
        }
        for column in NumberColumn::ALL {
            self.numbers(column, &mut values);
            for (row, value) in rows.iter_mut().zip(&values) {
                row.set_number(column, (*value != NULL).then_some(*value));
            }
        }
        for column in TextColumn::ALL {
            let texts = self.texts(column)?;
            texts.indexes(&mut values);
            for (row, index) in rows.iter_mut().zip(&values) {
                row.set_text(column, texts.text(*index));
            }
        }
        errors.add_to(&mut rows);
        Ok(rows)
    }
}

/// The job ids of a block.
#[derive(Debug)]
pub struct JobIds {
    /// The end of each id in `text`.
    ends: Vec<usize>,
    text: String,
}

impl JobIds {
    /// Reads the ids of a block of `count` jobs.
    ///
    /// # Errors
    /// [`Damaged`] where the bytes are not those of the ids of a block.
    pub fn new(bytes: &[u8], count: usize) -> Result<Self, Damaged> {
        let mut rest = bytes;
        let mut numbers = Vec::with_capacity(count);
        Numbers::take(&mut rest, 1)?.decode(&mut numbers);
        let length = numbers[0];
        Numbers::take(&mut rest, count)?.decode(&mut numbers);
        let text = std::str::from_utf8(rest).ok().ok_or(Damaged)?;
        let ends = numbers.iter().zip(1_i64..).map(|(end, position)| {
            let end = position.checked_mul(length)?.checked_add(*end)?;
            usize::try_from(end).ok()
        });
        let ends: Vec<usize> = ends.collect::<Option<_>>().ok_or(Damaged)?;
        let is_sound = ends.is_sorted()
            && ends.last().copied().unwrap_or(0) == text.len()
            && ends.iter().all(|end| text.is_char_boundary(*end));
        if !is_sound {
            return Err(Damaged);
        }
        let text = text.to_owned();
        Ok(Self { ends, text })
    }

    /// Returns the id of the job at a position in the block.
    #[must_use]
    pub fn get(&self, position: usize) -> Option<&str> {
        let end = *self.ends.get(position)?;
        let start = position
            .checked_sub(1)
            .and_then(|before| self.ends.get(before));
        self.text.get(start.copied().unwrap_or(0)..end)
    }

    /// All ids, one after the other.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns the position of the job whose id has the byte at `offset` of [`JobIds::text`], and the end of that id.
    #[must_use]
    pub fn at(&self, offset: usize) -> Option<(usize, usize)> {
        let position = self.ends.partition_point(|end| *end <= offset);
        self.ends.get(position).map(|end| (position, *end))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::columns::{Encoded, RowErrors, encode};

    fn row(id: i64, job_id: &str, created: i64, finished: Option<i64>) -> Row {
        let mut row = Row::new(id, job_id);
        row.set_number(NumberColumn::CreatedAt, Some(created));
        row.set_number(NumberColumn::UpdatedAt, Some(created + 5));
        row.set_number(NumberColumn::FinishedAt, finished);
        row.set_number(NumberColumn::RemainedTasks, Some(-1));
        row.set_text(TextColumn::Status, Some("ERROR"));
        row.set_text(TextColumn::ProjectId, finished.map(|_| "project-1"));
        row.errors = RowErrors::new(&[(Some("E".to_owned()), Some(job_id.to_owned()))]);
        row
    }

    #[test]
    fn what_is_decoded_is_what_was_encoded() {
        let time = 1_700_000_000_000;
        let rows = [
            row(1_024, "job-1", time, None),
            row(1_025, "job-22", time - 9, Some(time)),
            row(1_030, "größe", time + 900_000, Some(time - 1)),
            row(2_047, "", time, None),
        ];
        for count in 0..=rows.len() {
            let rows = &rows[..count];
            let encoded = encode(rows);
            let block = Block::new(&encoded.columns).unwrap();
            let job_ids = JobIds::new(&encoded.job_ids, block.len()).unwrap();
            let errors = BlockErrors::new(&encoded.errors, count).unwrap();
            assert_eq!(block.rows(&job_ids, &errors).unwrap(), rows);
            let times = rows
                .iter()
                .filter_map(|row| row.number(NumberColumn::CreatedAt));
            assert_eq!(encoded.first, times.clone().min().unwrap_or(0));
            assert_eq!(encoded.last, times.max().unwrap_or(0));
            assert_eq!(job_ids.get(count), None);
        }
        let encoded = encode(&rows);
        let job_ids = JobIds::new(&encoded.job_ids, 4).unwrap();
        assert_eq!(job_ids.at(0), Some((0, 5)));
        assert_eq!(job_ids.at(5), Some((1, 11)));
        assert_eq!(job_ids.at(job_ids.text().len()), None);
    }

    #[test]
    fn damaged_bytes_are_noticed() {
        let rows = [row(1, "job-1", 1, None), row(2, "job-2", 2, Some(3))];
        let Encoded {
            columns, job_ids, ..
        } = encode(&rows);
        for length in 0..columns.len() {
            assert!(Block::new(&columns[..length]).is_err(), "{length}");
        }
        for length in 0..job_ids.len() {
            assert!(JobIds::new(&job_ids[..length], 2).is_err(), "{length}");
        }
        // No change of a byte leads to a panic.
        for at in 0..columns.len() {
            for bit in 0..8 {
                let mut changed = columns.clone();
                changed[at] ^= 1 << bit;
                if let Ok(block) = Block::new(&changed)
                    && let Ok(job_ids) = JobIds::new(&job_ids, block.len())
                {
                    let errors = BlockErrors::new(&[], block.len()).unwrap();
                    let _ = block.rows(&job_ids, &errors);
                }
            }
        }
    }
}
