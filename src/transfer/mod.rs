//! Import and export: jobs as text, one JSON object a line; [`csv`] for spreadsheets.
//!
//! Import also reads a JSON array and a saved API answer (`{"results": […]}`). All of it is read as a stream, so memory
//! stays flat, and goes into one transaction: the first error stops it and nothing was imported.

pub mod csv;
mod read;

use std::cell::RefCell;
use std::fmt;
use std::io::{Read, Write};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender, SyncSender};
use std::thread;

pub use self::read::read_jobs;
use self::read::read_placed;
use crate::job::{Job, JobTextError};
use crate::store::{
    NewJob, OnConflict, ReadTransaction, Store, StoreError, WriteTransaction, Written,
};

/// From so many bytes of documents on they are handed over to be written.
const BATCH_BYTES: usize = 256 << 10;
/// How many batches may wait to be written.
const BATCHES_AHEAD: usize = 4;

/// Why jobs can't be moved; names the source, the line and the field.
#[derive(Debug, thiserror::Error)]
pub enum TransferError {
    #[error("{source_name}: line {}, {fault}", .fault.line)]
    Job {
        source_name: String,
        fault: JobTextError,
    },
    #[error("{source_name}: line {line}: {fault}")]
    Write {
        source_name: String,
        line: usize,
        fault: StoreError,
    },
    #[error("{name}: {fault}")]
    Io { name: String, fault: std::io::Error },
    /// A job that whoever takes them does not.
    #[error("{source_name}: line {line}: {problem}")]
    Refused {
        source_name: String,
        line: usize,
        problem: String,
    },
    #[error("{0}")]
    Store(#[from] StoreError),
}

/// Why a job that was read is not taken.
#[derive(Debug)]
pub enum Refusal {
    Store(StoreError),
    /// A sentence that names the member.
    Job(String),
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl Refusal {
    fn at(self, source_name: &str, line: usize) -> TransferError {
        let source_name = source_name.to_owned();
        match self {
            Self::Store(fault) => TransferError::Write {
                source_name,
                line,
                fault,
            },
            Self::Job(problem) => TransferError::Refused {
                source_name,
                line,
                problem,
            },
        }
    }
}

/// Where jobs come from, and the name that errors give it.
pub struct Source {
    pub name: String,
    pub reader: Box<dyn Read + Send>,
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// How many jobs were imported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Imported {
    pub added: u64,
    pub replaced: u64,
    pub skipped: u64,
}

impl Imported {
    #[must_use]
    pub fn total(self) -> u64 {
        self.added + self.replaced + self.skipped
    }
}

/// Jobs of one source, one after the other.
struct Batch {
    source_name: Arc<str>,
    /// Each with the line on which it ends.
    jobs: Vec<(usize, NewJob)>,
}

/// Imports all the sources, or none of them. They are read on a second thread, a little ahead of what is written.
///
/// What can't be written is told at once: where a source keeps its reader waiting by then, the second thread is left
/// behind, and ends when the source does.
///
/// # Errors
/// [`TransferError`] for the first fault; the database is as it was.
pub fn import(
    store: &Store,
    sources: impl IntoIterator<Item = Source> + Send + 'static,
    on_conflict: OnConflict,
) -> Result<Imported, TransferError> {
    let mut writer = store.writer()?;
    writer.prepare_bulk_import()?;
    let mut transaction = writer.begin(on_conflict)?;
    transaction.defer_indexes()?;
    let (batches, read) = mpsc::sync_channel(BATCHES_AHEAD);
    let (spent, returned) = mpsc::channel();
    let reading = thread::spawn(move || read_ahead(sources, &batches, &returned));
    // What can't be written was read before whatever can't be read.
    let imported = write_batches(read, &spent, &mut transaction)?;
    reading
        .join()
        .unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
    transaction.commit()?;
    // From here on the jobs are there, whatever becomes of the log, which the next to write goes on with.
    if let Err(error) = writer.checkpoint_all() {
        log::warn!("all is written, but stays in the write-ahead log for now: {error}");
    }
    Ok(imported)
}

/// Reads all the sources, and hands their jobs on until there is a fault, or nobody takes them any more.
fn read_ahead(
    sources: impl IntoIterator<Item = Source>,
    batches: &SyncSender<Batch>,
    returned: &Receiver<Batch>,
) -> Result<(), TransferError> {
    for Source { name, reader } in sources {
        let waiting = RefCell::new(Waiting {
            source_name: Arc::from(name.as_str()),
            jobs: Vec::new(),
            bytes: 0,
            batches,
            returned,
        });
        let reader = HandingOn {
            reader,
            waiting: &waiting,
        };
        let result = read_placed(&name, reader, &mut |job: Job, line| {
            Ok(waiting.borrow_mut().add(&job, line)?)
        });
        // The jobs before a fault are written first, since they may have one of their own.
        waiting.borrow_mut().hand_on()?;
        result?;
    }
    Ok(())
}

/// Jobs that were read and not yet handed on.
struct Waiting<'c> {
    source_name: Arc<str>,
    jobs: Vec<(usize, NewJob)>,
    bytes: usize,
    batches: &'c SyncSender<Batch>,
    returned: &'c Receiver<Batch>,
}

impl Waiting<'_> {
    fn add(&mut self, job: &Job, line: usize) -> Result<(), StoreError> {
        let job = NewJob::new(job);
        self.bytes += job.document_bytes();
        self.jobs.push((line, job));
        if self.bytes >= BATCH_BYTES {
            self.hand_on()?;
        }
        Ok(())
    }

    fn hand_on(&mut self) -> Result<(), StoreError> {
        if self.jobs.is_empty() {
            return Ok(());
        }
        // Memory is given back where it was taken: from another thread that is slow, and holds up this one.
        self.returned.try_iter().for_each(drop);
        self.bytes = 0;
        let batch = Batch {
            source_name: Arc::clone(&self.source_name),
            jobs: std::mem::take(&mut self.jobs),
        };
        // Whoever no longer takes them has a fault to tell, before which this one is not heard.
        self.batches.send(batch).or(Err(StoreError::Cancelled))
    }
}

/// Hands on what was read before it reads more: a source may keep it waiting, and a fault in what came is told by then.
struct HandingOn<'w, 'c> {
    reader: Box<dyn Read + Send>,
    waiting: &'w RefCell<Waiting<'c>>,
}

impl Read for HandingOn<'_, '_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.waiting
            .borrow_mut()
            .hand_on()
            .map_err(std::io::Error::other)?;
        self.reader.read(buffer)
    }
}

/// Writes what is read, until it ends.
fn write_batches(
    batches: Receiver<Batch>,
    spent: &Sender<Batch>,
    transaction: &mut WriteTransaction<'_>,
) -> Result<Imported, TransferError> {
    let mut imported = Imported::default();
    for mut batch in batches {
        for (line, job) in &mut batch.jobs {
            let written = transaction
                .put_new(job)
                .map_err(|fault| Refusal::Store(fault).at(&batch.source_name, *line))?;
            match written {
                Written::Added => imported.added += 1,
                Written::Replaced => imported.replaced += 1,
                Written::Skipped => imported.skipped += 1,
            }
        }
        // Whoever has read all does not wait for it.
        let _ = spent.send(batch);
    }
    Ok(imported)
}

/// Writes every job as NDJSON, in the order in which they were first written; returns how many.
///
/// # Errors
/// [`TransferError`] when the database can't be read or the output not be written to.
pub fn export(
    transaction: &ReadTransaction<'_>,
    name: &str,
    out: &mut impl Write,
) -> Result<u64, TransferError> {
    let mut count = 0;
    let mut fault = None;
    let mut line = Vec::new();
    let result = transaction.every_document(&mut |document| {
        count += 1;
        line.clear();
        document.write_to(&mut line);
        line.push(b'\n');
        out.write_all(&line).map_err(|error| {
            fault = Some(error);
            StoreError::Cancelled
        })
    });
    let io = |fault| TransferError::Io {
        name: name.to_owned(),
        fault,
    };
    match (result, fault) {
        (_, Some(fault)) => Err(io(fault)),
        (Err(error), None) => Err(error.into()),
        (Ok(()), None) => out.flush().map(|()| count).map_err(io),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Mode;

    fn job(id: &str) -> String {
        format!(r#"{{"job_id":"{id}","domain_id":"d","created_at":"2022-06-17T08:00:00Z"}}"#)
    }

    #[track_caller]
    fn check_import(texts: &[&str], expected: &str) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("x.db"), Mode::Scratch, 1).unwrap();
        let sources: Vec<_> = texts
            .iter()
            .zip(1..)
            .map(|(text, number)| Source {
                name: format!("file {number}"),
                reader: Box::new(std::io::Cursor::new((*text).to_owned())),
            })
            .collect();
        let result = import(&store, sources, OnConflict::Fail);
        let jobs = match &result {
            Ok(imported) => imported.added,
            Err(_) => 0,
        };
        let got = result.map_or_else(
            |error| error.to_string(),
            |imported| format!("{imported:?}"),
        );
        assert!(got.starts_with(expected), " got: {got}\nwant: {expected}");
        let report = store.check().unwrap();
        assert_eq!((report.jobs, report.problems), (jobs, Vec::new()));
    }

    #[test]
    fn of_all_faults_the_first_is_told() {
        let lines = |jobs: &[&str]| jobs.join("\n");
        let (a, b, bad) = (job("a"), job("b"), r#"{"job_id":7}"#);
        let many = |from: u32| {
            let jobs: Vec<_> = (from..from + 9_000)
                .map(|id| job(&id.to_string()))
                .collect();
            jobs.join("\n")
        };
        let present = "line 2: job a of domain d is present already";
        check_import(&[&lines(&[&a, &a, bad])], &format!("file 1: {present}"));
        check_import(&[&lines(&[&a, &a]), bad], &format!("file 1: {present}"));
        check_import(
            &[&a, &lines(&[&b, &a, &many(0)])],
            &format!("file 2: {present}"),
        );
        check_import(
            &[&lines(&[&a, bad, &a])],
            "file 1: line 2, column 11, field job_id",
        );
        check_import(
            &[&many(0), &lines(&[&many(9_000), bad]), &a],
            "file 2: line 9001, column 11, field job_id",
        );
        check_import(
            &[&format!("[{a},\n{a}\n,\n{b}]")],
            &format!("file 1: {present}"),
        );
        check_import(
            &[&many(0), "", &many(9_000)],
            "Imported { added: 18000, replaced: 0, skipped: 0 }",
        );
    }
}
