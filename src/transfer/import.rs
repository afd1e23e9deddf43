//! Import: adds the jobs of all sources in one transaction.

use std::cell::RefCell;
use std::io::Read;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender, SyncSender};
use std::thread;

use super::error::{Refusal, TransferError};
use super::job_stream::read_numbered_jobs;
use super::source::Source;
use crate::job::Job;
use crate::store::{NewJob, OnConflict, Store, StoreError, WriteTransaction, Written};

/// The bytes of documents that make a batch.
const BATCH_BYTES: usize = 256 << 10;
/// The number of batches that may wait for the writer.
const BATCHES_AHEAD: usize = 4;

/// The numbers of jobs that were imported.
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

/// Successive jobs of one source.
struct Batch {
    source_name: Arc<str>,
    /// Each with the number of the line on which it ends.
    jobs: Vec<(usize, NewJob)>,
}

/// Imports all sources or none of them. A second thread reads ahead of the one that writes.
///
/// A job that can't be written ends the import immediately: if the reading thread is waiting for its source then, it is
/// left behind and ends with the source.
///
/// # Errors
/// [`TransferError`] for the first problem; the database is unchanged.
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
    // A job that can't be written comes before one that can't be read.
    let imported = write_batches(read, &spent, &mut transaction)?;
    reading
        .join()
        .unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
    transaction.commit()?;
    // The jobs are committed. What stays in the write-ahead log, the next writer copies.
    if let Err(error) = writer.checkpoint_all() {
        log::warn!("the jobs are written, but stay in the write-ahead log for now: {error}");
    }
    Ok(imported)
}

/// Reads all sources and sends their jobs, until one can't be read or the writer has stopped.
fn read_ahead(
    sources: impl IntoIterator<Item = Source>,
    batches: &SyncSender<Batch>,
    returned: &Receiver<Batch>,
) -> Result<(), TransferError> {
    for Source { name, reader } in sources {
        let pending = RefCell::new(PendingJobs {
            source_name: Arc::from(name.as_str()),
            jobs: Vec::new(),
            bytes: 0,
            batches,
            returned,
        });
        let reader = FlushingReader {
            reader,
            pending: &pending,
        };
        let result = read_numbered_jobs(&name, reader, &mut |job: Job, line| {
            Ok(pending.borrow_mut().add(&job, line)?)
        });
        // The jobs before one that can't be read are written first: one of them may be the first problem.
        pending.borrow_mut().send()?;
        result?;
    }
    Ok(())
}

/// Jobs that were read and not yet sent to the writer.
struct PendingJobs<'c> {
    source_name: Arc<str>,
    jobs: Vec<(usize, NewJob)>,
    bytes: usize,
    batches: &'c SyncSender<Batch>,
    returned: &'c Receiver<Batch>,
}

impl PendingJobs<'_> {
    fn add(&mut self, job: &Job, line: usize) -> Result<(), StoreError> {
        let job = NewJob::new(job);
        self.bytes += job.document_bytes();
        self.jobs.push((line, job));
        if self.bytes >= BATCH_BYTES {
            self.send()?;
        }
        Ok(())
    }

    fn send(&mut self) -> Result<(), StoreError> {
        if self.jobs.is_empty() {
            return Ok(());
        }
        // Spent batches are freed on this thread, which allocated them: freeing on another thread is slow, and delays
        // this one.
        self.returned.try_iter().for_each(drop);
        self.bytes = 0;
        let batch = Batch {
            source_name: Arc::clone(&self.source_name),
            jobs: std::mem::take(&mut self.jobs),
        };
        // A writer that has stopped reports its own error, which comes before this one.
        self.batches.send(batch).or(Err(StoreError::Cancelled))
    }
}

/// A reader that sends the pending jobs before it reads more, so that a problem in them is reported while a source
/// waits.
struct FlushingReader<'p, 'c> {
    reader: Box<dyn Read + Send>,
    pending: &'p RefCell<PendingJobs<'c>>,
}

impl Read for FlushingReader<'_, '_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.pending
            .borrow_mut()
            .send()
            .map_err(std::io::Error::other)?;
        self.reader.read(buffer)
    }
}

/// Writes batches until the channel ends.
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
                .map_err(|error| Refusal::Store(error).at(&batch.source_name, *line))?;
            match written {
                Written::Added => imported.added += 1,
                Written::Replaced => imported.replaced += 1,
                Written::Skipped => imported.skipped += 1,
            }
        }
        // The reading thread may have ended.
        let _ = spent.send(batch);
    }
    Ok(imported)
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
    fn the_first_problem_is_reported() {
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
