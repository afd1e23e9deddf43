//! Makes the bytes of a block.

use super::errors;
use super::numbers;
use super::row::{NumberColumn, Row, TextColumn};
use super::texts;

/// The bytes of a block.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Encoded {
    pub columns: Vec<u8>,
    pub errors: Vec<u8>,
    pub job_ids: Vec<u8>,
    /// The smallest and the largest `created_at`, in milliseconds.
    pub first: i64,
    pub last: i64,
}

/// Encodes jobs, which are in ascending order of their ids, and all of one block.
#[must_use]
pub fn encode(rows: &[Row]) -> Encoded {
    let mut columns = Vec::with_capacity(rows.len() * 32 + 512);
    columns.extend(u32::try_from(rows.len()).unwrap_or(u32::MAX).to_le_bytes());
    // Of a full block, each id is as far from the first as its position.
    let ids = rows
        .iter()
        .zip(0..)
        .map(|(row, position)| Some(row.id - position));
    numbers::encode(&ids.collect::<Vec<_>>(), &mut columns);
    for column in NumberColumn::ALL {
        let values: Vec<Option<i64>> = match column.base() {
            None => rows.iter().map(|row| row.number(column)).collect(),
            Some(base) => {
                let distance =
                    |row: &Row| Some(row.number(column)?.wrapping_sub(base_of(row, base)));
                rows.iter().map(distance).collect()
            }
        };
        numbers::encode(&values, &mut columns);
    }
    for column in TextColumn::ALL {
        let values: Vec<_> = rows.iter().map(|row| row.text(column)).collect();
        let start = columns.len();
        columns.extend([0; 4]);
        texts::encode(&values, &mut columns);
        let length = u32::try_from(columns.len() - start - 4).unwrap_or(u32::MAX);
        columns[start..start + 4].copy_from_slice(&length.to_le_bytes());
    }
    let created = || {
        rows.iter()
            .filter_map(|row| row.number(NumberColumn::CreatedAt))
    };
    Encoded {
        columns,
        errors: errors::encode(rows),
        job_ids: encode_job_ids(rows),
        first: created().min().unwrap_or(0),
        last: created().max().unwrap_or(0),
    }
}

/// Returns a number of which others are distances; 0 where the job has none.
fn base_of(row: &Row, column: NumberColumn) -> i64 {
    row.number(column).unwrap_or(0)
}

/// Encodes the job ids: the end of each as a column of numbers, then all ids, one after the other.
fn encode_job_ids(rows: &[Row]) -> Vec<u8> {
    let bytes: usize = rows.iter().map(|row| row.job_id.len()).sum();
    let mut out = Vec::with_capacity(bytes + rows.len() * 2 + 16);
    // Of ids of one length, each ends as far from its position as the others.
    let length = rows.first().map_or(0, |row| row.job_id.len());
    let length = i64::try_from(length).unwrap_or(0);
    numbers::encode(&[Some(length)], &mut out);
    let mut end = 0;
    let ends = rows.iter().zip(1..).map(|(row, position)| {
        end += i64::try_from(row.job_id.len()).unwrap_or(0);
        Some(end - position * length)
    });
    numbers::encode(&ends.collect::<Vec<_>>(), &mut out);
    for row in rows {
        out.extend(row.job_id.as_bytes());
    }
    out
}
