//! The errors of a block's jobs: code and message of each.
//!
//! The bytes: none where no job has errors. Otherwise the number of errors (4 bytes, little-endian), the position of the job
//! of each as a column of numbers, their codes and their messages as columns of texts; then the number of jobs whose errors
//! only the documents have, and the positions of these jobs.

use super::damaged::Damaged;
use super::numbers::{self, Numbers, push_length, take_length};
use super::row::Row;
use super::row_errors::{MAX_JOB_ERRORS, RowErrors};
use super::texts::{self, Dictionary};

/// Encodes the errors of a block's jobs.
pub(super) fn encode(rows: &[Row]) -> Vec<u8> {
    let mut positions = Vec::new();
    let (mut codes, mut messages) = (Vec::new(), Vec::new());
    let mut in_documents = Vec::new();
    for (row, position) in rows.iter().zip(0_i64..) {
        match &row.errors {
            RowErrors::InDocument => in_documents.push(Some(position)),
            RowErrors::Texts(errors) => {
                for (code, message) in errors {
                    positions.push(Some(position));
                    codes.push(code.as_deref());
                    messages.push(message.as_deref());
                }
            }
        }
    }
    let mut out = Vec::new();
    if positions.is_empty() && in_documents.is_empty() {
        return out;
    }
    push_length(positions.len(), &mut out);
    numbers::encode(&positions, &mut out);
    texts::encode(&codes, &mut out);
    texts::encode(&messages, &mut out);
    push_length(in_documents.len(), &mut out);
    numbers::encode(&in_documents, &mut out);
    out
}

/// The errors of a block's jobs, in the order of the jobs and of their documents.
#[derive(Debug, Default)]
pub struct BlockErrors<'b> {
    positions: Vec<usize>,
    codes: Dictionary<'b>,
    messages: Dictionary<'b>,
    in_documents: Vec<usize>,
}

impl<'b> BlockErrors<'b> {
    /// Reads the errors of a block of `jobs` jobs.
    ///
    /// # Errors
    /// [`Damaged`] where the bytes are not those of the errors of a block.
    pub fn new(bytes: &'b [u8], jobs: usize) -> Result<Self, Damaged> {
        if bytes.is_empty() {
            return Ok(Self::default());
        }
        let mut rest = bytes;
        let count = take_length(&mut rest)?;
        if count > jobs * MAX_JOB_ERRORS {
            return Err(Damaged);
        }
        let positions = take_positions(&mut rest, count, jobs)?;
        let codes = Dictionary::take(&mut rest, count)?;
        let messages = Dictionary::take(&mut rest, count)?;
        let count = take_length(&mut rest)?;
        if count > jobs {
            return Err(Damaged);
        }
        let in_documents = take_positions(&mut rest, count, jobs)?;
        rest.is_empty()
            .then_some(Self {
                positions,
                codes,
                messages,
                in_documents,
            })
            .ok_or(Damaged)
    }

    /// The position of the job of each error, ascending.
    #[must_use]
    pub fn positions(&self) -> &[usize] {
        &self.positions
    }

    /// The code of each error.
    #[must_use]
    pub fn codes(&self) -> &Dictionary<'b> {
        &self.codes
    }

    /// The message of each error.
    #[must_use]
    pub fn messages(&self) -> &Dictionary<'b> {
        &self.messages
    }

    /// The positions of the jobs whose errors only their documents have, ascending.
    #[must_use]
    pub fn in_documents(&self) -> &[usize] {
        &self.in_documents
    }

    /// Adds what the block has of each job's errors to its row.
    pub(super) fn add_to(&self, rows: &mut [Row]) {
        let (mut codes, mut messages) = (Vec::new(), Vec::new());
        self.codes.indexes(&mut codes);
        self.messages.indexes(&mut messages);
        for ((position, code), message) in self.positions.iter().zip(codes).zip(messages) {
            let text = |texts: &Dictionary<'_>, index| texts.text(index).map(str::to_owned);
            if let Some(row) = rows.get_mut(*position)
                && let RowErrors::Texts(errors) = &mut row.errors
            {
                errors.push((text(&self.codes, code), text(&self.messages, message)));
            }
        }
        for position in &self.in_documents {
            if let Some(row) = rows.get_mut(*position) {
                row.errors = RowErrors::InDocument;
            }
        }
    }
}

/// Takes positions of jobs, which ascend.
fn take_positions(bytes: &mut &[u8], count: usize, jobs: usize) -> Result<Vec<usize>, Damaged> {
    let mut numbers = Vec::new();
    Numbers::take(bytes, count)?.decode(&mut numbers);
    let positions = numbers
        .into_iter()
        .map(|number| usize::try_from(number).ok().filter(|at| *at < jobs));
    let positions: Vec<usize> = positions.collect::<Option<_>>().ok_or(Damaged)?;
    positions.is_sorted().then_some(positions).ok_or(Damaged)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::columns::row_errors::{ErrorTexts, MAX_JOB_BYTES};

    fn error(code: Option<&str>, message: Option<&str>) -> ErrorTexts {
        (code.map(str::to_owned), message.map(str::to_owned))
    }

    fn rows(errors: &[&[ErrorTexts]]) -> Vec<Row> {
        let rows = errors.iter().zip(0..).map(|(errors, id)| {
            let mut row = Row::new(id, "job");
            row.errors = RowErrors::new(errors);
            row
        });
        rows.collect()
    }

    #[test]
    fn the_errors_of_each_job_are_read_as_they_were_written() {
        let rows = rows(&[
            &[],
            &[error(Some("A"), Some("größe")), error(None, None)],
            &[error(Some("A"), Some(&"x".repeat(MAX_JOB_BYTES)))],
            &vec![error(None, None); MAX_JOB_ERRORS + 1],
            &vec![error(None, Some("")); MAX_JOB_ERRORS],
        ]);
        assert_eq!(rows[2].errors, RowErrors::InDocument);
        assert_eq!(rows[3].errors, RowErrors::InDocument);
        for count in 0..=rows.len() {
            let bytes = encode(&rows[..count]);
            let errors = BlockErrors::new(&bytes, count).unwrap();
            let mut read: Vec<_> = rows[..count]
                .iter()
                .map(|row| Row::new(row.id, "job"))
                .collect();
            errors.add_to(&mut read);
            assert_eq!(read, rows[..count]);
        }
        assert!(encode(&rows[..1]).is_empty());
    }

    #[test]
    fn damaged_bytes_are_noticed() {
        let rows = rows(&[
            &[error(Some("A"), None)],
            &vec![error(None, None); MAX_JOB_ERRORS + 1],
            &[error(Some("B"), Some("m"))],
        ]);
        let bytes = encode(&rows);
        for length in 1..bytes.len() {
            assert!(BlockErrors::new(&bytes[..length], 3).is_err(), "{length}");
        }
        assert!(BlockErrors::new(&bytes, 2).is_err());
        // No change of a byte leads to a panic.
        for at in 0..bytes.len() {
            for bit in 0..8 {
                let mut changed = bytes.clone();
                changed[at] ^= 1 << bit;
                if let Ok(errors) = BlockErrors::new(&changed, 3) {
                    errors.add_to(&mut rows.clone());
                }
            }
        }
    }
}
