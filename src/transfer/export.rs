//! Export: writes every job as NDJSON.

use std::io::Write;

use super::error::TransferError;
use crate::store::{ReadTransaction, StoreError};

/// Writes every job as NDJSON, in the order in which they were first written, and returns their number.
///
/// # Errors
/// [`TransferError`] when the database can't be read or the output can't be written.
pub fn export(
    transaction: &ReadTransaction<'_>,
    name: &str,
    out: &mut impl Write,
) -> Result<u64, TransferError> {
    let mut count = 0;
    let mut output_error = None;
    let mut line = Vec::new();
    let result = transaction.every_document(&mut |document| {
        count += 1;
        line.clear();
        document.write_to(&mut line);
        line.push(b'\n');
        out.write_all(&line).map_err(|error| {
            output_error = Some(error);
            StoreError::Cancelled
        })
    });
    let io = |error| TransferError::Io {
        name: name.to_owned(),
        error,
    };
    match (result, output_error) {
        (_, Some(error)) => Err(io(error)),
        (Err(error), None) => Err(error.into()),
        (Ok(()), None) => out.flush().map(|()| count).map_err(io),
    }
}
