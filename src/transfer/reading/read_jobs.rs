//! Reads all jobs of a source.

use std::io::Read;

use super::csv_jobs::{CsvJobs, delimiter_of};
use super::json_jobs::{JsonJobs, skip_between};
use super::sink::{Interruption, LocatedJob, Sink};
use super::source::Source;
use super::text_buffer::TextBuffer;
use crate::job::Readable;
use crate::transfer::decode::{ContentProblem, decoded};
use crate::transfer::error::{Refusal, TransferError};
use crate::transfer::mistakes::{Location, Mistakes};

/// Reads jobs, or drafts of jobs, from a source in any form, and passes each one to `each`. Every mistake is added to
/// `mistakes`, and what follows is read as far as that is certain.
///
/// # Errors
/// [`TransferError`] when the source can't be read, or `each` returns an error of the store that is no conflict.
pub fn read_jobs<T, F>(
    source: Source,
    mistakes: &mut Mistakes,
    each: &mut F,
) -> Result<(), TransferError>
where
    T: Readable,
    F: FnMut(LocatedJob<'_, T>) -> Result<(), Refusal>,
{
    let Source {
        name,
        reader,
        decoding,
    } = source;
    let id = mistakes.begin_source(&name);
    let mut sink = Sink::new(id, mistakes, each);
    let reader = match decoded(reader, decoding) {
        Ok(reader) => reader,
        Err(error) => return end(&mut sink, name, None, error),
    };
    let mut buffer = TextBuffer::new(reader);
    let read = sink
        .go_on()
        .and_then(|()| read_text(&mut buffer, &mut sink));
    match read {
        Ok(()) | Err(Interruption::Noted) => Ok(()),
        Err(Interruption::Io(error)) => end(&mut sink, name, Some(buffer.location()), error),
        Err(Interruption::Transfer(error)) => Err(error),
    }
}

/// Reads the jobs of a text, whatever its form.
fn read_text<R, T, F>(
    buffer: &mut TextBuffer<R>,
    sink: &mut Sink<'_, F>,
) -> Result<(), Interruption>
where
    R: Read,
    T: Readable,
    F: FnMut(LocatedJob<'_, T>) -> Result<(), Refusal>,
{
    skip_between(buffer)?;
    if let Some(delimiter) = delimiter_of(buffer)? {
        CsvJobs::read(buffer, delimiter, sink)
    } else {
        JsonJobs::new(buffer, sink).read()
    }
}

/// Ends a source that can't be read to its end: what is wrong with its content is a mistake. `location` is where the text
/// ends that was read.
fn end<F>(
    sink: &mut Sink<'_, F>,
    name: String,
    location: Option<Location>,
    error: std::io::Error,
) -> Result<(), TransferError> {
    match ContentProblem::of(&error) {
        None => Err(TransferError::Io { name, error }),
        Some(ContentProblem::TooLarge(max_bytes)) => {
            let max_bytes = *max_bytes;
            Err(TransferError::TooLarge { name, max_bytes })
        }
        Some(ContentProblem::Wrong {
            location: at,
            is_within: true,
            problem,
        }) => {
            let problem = format!("{problem}; what follows was not read");
            sink.mistake(at.or(location), &problem);
            Ok(())
        }
        Some(ContentProblem::Wrong { problem, .. }) => {
            sink.mistake(None, problem);
            Ok(())
        }
    }
}
