//! `Sink`: takes the jobs and mistakes of one source.

use std::sync::Arc;

use crate::job::{JobTextError, ReadJob};
use crate::json::scan::members;
use crate::store::StoreError;
use crate::transfer::error::{Refusal, TransferError};
use crate::transfer::mistakes::{JobLocation, Location, Mistake, Mistakes, SourceId};

/// A job that was read, and where it begins.
#[derive(Debug)]
pub struct LocatedJob<'s, T> {
    pub read: ReadJob<T>,
    pub location: &'s JobLocation,
    /// Whether there was a mistake before this job, so that nothing will be written.
    pub is_after_mistake: bool,
}

/// Why the reading of a source ends before its end.
#[derive(Debug)]
pub(super) enum Interruption {
    /// The source can't be read.
    Io(std::io::Error),
    /// A job can't be written.
    Transfer(TransferError),
    /// What follows a mistake, which was noted, can't be read with certainty.
    Noted,
}

impl From<std::io::Error> for Interruption {
    fn from(error: std::io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<TransferError> for Interruption {
    fn from(error: TransferError) -> Self {
        Self::Transfer(error)
    }
}

/// The receiver of the jobs of one source, and the list of its mistakes.
pub(super) struct Sink<'s, F> {
    source: Arc<SourceId>,
    mistakes: &'s mut Mistakes,
    each: &'s mut F,
}

impl<'s, F> Sink<'s, F> {
    pub(super) fn new(source: Arc<SourceId>, mistakes: &'s mut Mistakes, each: &'s mut F) -> Self {
        Self {
            source,
            mistakes,
            each,
        }
    }

    /// Ends the reading where there are too many mistakes.
    pub(super) fn go_on(&mut self) -> Result<(), Interruption> {
        if self.mistakes.end_reading() {
            Err(Interruption::Noted)
        } else {
            Ok(())
        }
    }

    /// Passes on a job that begins at `start`. `job_id` finds its id, for a mistake.
    pub(super) fn accept<T>(
        &mut self,
        read: ReadJob<T>,
        start: Location,
        job_id: impl FnOnce() -> Option<String>,
    ) -> Result<(), TransferError>
    where
        F: FnMut(LocatedJob<'_, T>) -> Result<(), Refusal>,
    {
        let location = JobLocation {
            source: Arc::clone(&self.source),
            location: start,
        };
        let accepted = (self.each)(LocatedJob {
            read,
            location: &location,
            is_after_mistake: !self.mistakes.is_empty(),
        });
        match accepted {
            Ok(()) => self.mistakes.add_job([]),
            Err(Refusal::Job(problem)) => {
                let mistake = Mistake::new(&self.source, Some(start.of_line()), &problem);
                self.mistakes.add_job([mistake.of(job_id().as_deref())]);
            }
            Err(Refusal::Store(error @ StoreError::Conflict { .. })) => {
                self.mistakes.add_job([]);
                self.mistakes
                    .add_conflict(Mistake::conflict(&location, &error));
            }
            Err(Refusal::Store(error)) => return Err(error.into()),
        }
        Ok(())
    }

    /// Passes on a job that was read from a text, which begins at `start`.
    pub(super) fn accept_text<T>(
        &mut self,
        read: ReadJob<T>,
        start: Location,
        text: &[u8],
    ) -> Result<(), TransferError>
    where
        F: FnMut(LocatedJob<'_, T>) -> Result<(), Refusal>,
    {
        self.accept(read, start, || job_id_in(text))
    }

    /// Notes what is wrong in the text of a job that begins at `start`.
    pub(super) fn refuse(&mut self, text: &[u8], start: Location, errors: &[JobTextError]) {
        if let Err(error) = std::str::from_utf8(text) {
            // The other errors are most likely consequences.
            self.refuse_cut(text, start, error.valid_up_to(), &no_utf8(text, &error));
            return;
        }
        let job_id = job_id_in(text);
        let source = Arc::clone(&self.source);
        self.mistakes.add_job(errors.iter().map(|error| {
            let job_id = error.job_id.as_deref().or(job_id.as_deref());
            Mistake::in_text(&source, start, error).of(job_id)
        }));
    }

    /// Notes a problem at an index of the text of a job that begins at `start`; what follows is not looked at.
    pub(super) fn refuse_cut(&mut self, text: &[u8], start: Location, at: usize, problem: &str) {
        let before = &text[..at];
        let mistake = Mistake::new(&self.source, Some(start.after(before)), problem);
        self.mistakes
            .add_job([mistake.of(job_id_in(before).as_deref())]);
    }

    /// Notes mistakes in a job.
    pub(super) fn refuse_job(&mut self, mistakes: Vec<Mistake>) {
        self.mistakes.add_job(mistakes);
    }

    /// Notes a mistake in the name of a column.
    pub(super) fn mistake_in_column(&mut self, start: Location, column: &str, problem: &str) {
        let mistake = Mistake::in_column(&self.source, start.line, column, problem);
        self.mistakes.add(mistake);
    }

    /// Returns the source, for a mistake.
    pub(super) fn source(&self) -> &Arc<SourceId> {
        &self.source
    }

    /// Notes a mistake that is in no job.
    pub(super) fn mistake(&mut self, location: Option<Location>, problem: &str) {
        let mistake = Mistake::new(&self.source, location, problem);
        self.mistakes.add(mistake);
    }
}

/// Returns the problem of bytes that are no UTF-8.
pub(super) fn no_utf8(text: &[u8], error: &std::str::Utf8Error) -> String {
    let byte = text.get(error.valid_up_to()).copied().unwrap_or_default();
    format!("the byte 0x{byte:02x} is not UTF-8; save the file as UTF-8")
}

/// Returns the id of the job whose text this is, or begins so.
fn job_id_in(text: &[u8]) -> Option<String> {
    let member = members(text).find(|member| {
        let name = member.name.clone().map(|name| &text[name]);
        matches!(name, Some(b"\"job_id\"" | b"\"jobId\""))
    })?;
    serde_json::from_slice(&text[member.value]).ok()
}
