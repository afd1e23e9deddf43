//! Import: adds the jobs of all sources in one transaction.

use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender, SyncSender};
use std::thread;

use super::error::{Refusal, TransferError};
use super::filter::{Filtering, ImportFilter};
use super::mistakes::{JobLocation, Location, Mistake, Mistakes, SourceId};
use super::notes::Notes;
use super::reading::{LocatedJob, Source, read_jobs};
use crate::job::{Doubt, ImportedJob, ReadJob};
use crate::store::{IdIndex, NewJob, OnConflict, Store, StoreError, Written};
use crate::time::Timestamp;

/// The bytes of documents that make a batch.
const BATCH_BYTES: usize = 256 << 10;
/// The number of batches that may wait for the writer.
const BATCHES_AHEAD: usize = 4;

/// The result of an import.
#[derive(Debug, Default)]
pub struct Imported {
    pub added: u64,
    pub replaced: u64,
    pub skipped: u64,
    /// The jobs that were left out, since they did not match the filter.
    pub unmatched: u64,
    /// Of the others.
    pub notes: Notes,
}

impl Imported {
    /// Returns the number of jobs that were read.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.added + self.replaced + self.skipped + self.unmatched
    }

    fn count(&mut self, written: Written) {
        *match written {
            Written::Added => &mut self.added,
            Written::Replaced => &mut self.replaced,
            Written::Skipped => &mut self.skipped,
        } += 1;
    }
}

/// Successive jobs of one source.
struct Batch {
    source: Arc<SourceId>,
    jobs: Vec<(Location, NewJob)>,
}

/// How jobs are imported.
#[derive(Debug)]
pub struct ImportRules {
    /// What is done with a job that the database has already.
    pub on_conflict: OnConflict,
    /// Which jobs are imported; `None`: all.
    pub filter: Option<ImportFilter>,
    /// The time by which a job is of the future.
    pub now: Timestamp,
}

impl ImportRules {
    /// Makes rules by which all jobs are imported.
    #[must_use]
    pub fn new(on_conflict: OnConflict, now: Timestamp) -> Self {
        Self {
            on_conflict,
            filter: None,
            now,
        }
    }
}

/// Imports all sources or none of them, or of their jobs those that match the filter. A second thread reads ahead of the one that
/// writes. A mistake in a job that does not match is a mistake, too.
///
/// A job that can't be written ends the import immediately: if the reading thread is waiting for its source then, it is
/// left behind and ends with the source. A job that is a conflict does not, and neither does a mistake in a source.
///
/// # Errors
/// [`TransferError`]; the database is unchanged.
pub fn import(
    store: &Store,
    sources: impl IntoIterator<Item = Source> + Send + 'static,
    rules: ImportRules,
) -> Result<Imported, TransferError> {
    let on_conflict = rules.on_conflict;
    let mut writer = store.writer()?;
    writer.prepare_bulk_import()?;
    let mut transaction = writer.begin(on_conflict)?;
    // A mistake of a job that is there already has its line, so it must be noticed at once.
    transaction.defer_indexes(match on_conflict {
        OnConflict::Fail => IdIndex::Maintained,
        OnConflict::Replace | OnConflict::Skip => IdIndex::Deferred,
    })?;
    let import = Import {
        rules,
        to_row: |imported| NewJob::of_import(&imported),
    };
    let mut imported = import.run(sources, |job| transaction.put_new(job))?;
    let repeated = transaction.commit_import()?;
    imported.added -= repeated;
    *match on_conflict {
        OnConflict::Skip => &mut imported.skipped,
        OnConflict::Replace | OnConflict::Fail => &mut imported.replaced,
    } += repeated;
    // The jobs are committed. What stays in the write-ahead log, the next writer copies.
    if let Err(error) = writer.checkpoint_all() {
        log::warn!("the jobs are written, but stay in the write-ahead log for now: {error}");
    }
    Ok(imported)
}

/// An import, whatever its jobs are written to.
pub(super) struct Import {
    pub(super) rules: ImportRules,
    /// Makes a row of a job; called on the thread that reads.
    pub(super) to_row: fn(ImportedJob) -> NewJob,
}

impl Import {
    /// Reads all sources, and passes each job to `put`, which writes it.
    pub(super) fn run(
        self,
        sources: impl IntoIterator<Item = Source> + Send + 'static,
        put: impl FnMut(&mut NewJob) -> Result<Written, StoreError>,
    ) -> Result<Imported, TransferError> {
        let (batches, read) = mpsc::sync_channel(BATCHES_AHEAD);
        let (spent, returned) = mpsc::channel();
        let reading = thread::spawn(move || self.read_ahead(sources, &batches, &returned));
        let (mut imported, conflicts) = write_batches(read, &spent, put)?;
        let (read, mut mistakes) = reading
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        mistakes.merge(conflicts);
        mistakes.into_result()?;
        imported.notes = read.notes;
        imported.unmatched = read.unmatched;
        Ok(imported)
    }

    /// Reads all sources and sends their jobs, until a source can't be read or the writer has stopped.
    fn read_ahead(
        self,
        sources: impl IntoIterator<Item = Source>,
        batches: &SyncSender<Batch>,
        returned: &Receiver<Batch>,
    ) -> Result<(JobsRead, Mistakes), TransferError> {
        let Self { rules, to_row } = self;
        let ImportRules {
            on_conflict,
            filter,
            now,
        } = rules;
        let (mut notes, mut mistakes) = (Notes::default(), Mistakes::default());
        let mut filtering = filter.map(Filtering::new).transpose()?;
        for source in sources {
            let mut pending = PendingJobs {
                jobs: Vec::new(),
                bytes: 0,
                batches,
                returned,
            };
            let mut last = None;
            let mut accept = |read: ReadJob<ImportedJob>, location: &JobLocation| {
                notes.add_translations(&read.translations);
                let doubts = Doubt::of(&read.job.job, now);
                notes.add_doubts(&doubts, location, &read.job.job.job_id);
                let source = last.get_or_insert_with(|| Arc::clone(&location.source));
                pending.add(source, location, to_row(read.job))
            };
            read_jobs(
                source.decoded_ahead(),
                &mut mistakes,
                &mut |located: LocatedJob<'_, ImportedJob>| {
                    let LocatedJob { read, location, .. } = located;
                    // After a mistake nothing will be written, but there may be conflicts to list.
                    if located.is_after_mistake && on_conflict != OnConflict::Fail {
                        return Ok(());
                    }
                    match &mut filtering {
                        None => accept(read, location)?,
                        Some(filtering) => filtering.add(read, location, &mut accept)?,
                    }
                    Ok::<(), Refusal>(())
                },
            )?;
            if let Some(filtering) = &mut filtering {
                filtering.decide(&mut accept)?;
            }
            if let Some(source) = &last {
                pending.send(source)?;
            }
        }
        let unmatched = filtering.map_or(0, |filtering| filtering.unmatched);
        Ok((JobsRead { notes, unmatched }, mistakes))
    }
}

/// What the thread that reads says of all jobs.
struct JobsRead {
    notes: Notes,
    unmatched: u64,
}

/// Jobs that were read and not yet sent to the writer.
struct PendingJobs<'c> {
    jobs: Vec<(Location, NewJob)>,
    bytes: usize,
    batches: &'c SyncSender<Batch>,
    returned: &'c Receiver<Batch>,
}

impl PendingJobs<'_> {
    fn add(
        &mut self,
        source: &Arc<SourceId>,
        location: &JobLocation,
        job: NewJob,
    ) -> Result<(), StoreError> {
        self.bytes += job.document_bytes();
        self.jobs.push((location.location, job));
        if self.bytes >= BATCH_BYTES {
            self.send(source)?;
        }
        Ok(())
    }

    fn send(&mut self, source: &Arc<SourceId>) -> Result<(), StoreError> {
        if self.jobs.is_empty() {
            return Ok(());
        }
        // Spent batches are freed on this thread, which allocated them: freeing on another thread is slow, and delays
        // this one.
        self.returned.try_iter().for_each(drop);
        self.bytes = 0;
        let batch = Batch {
            source: Arc::clone(source),
            jobs: std::mem::take(&mut self.jobs),
        };
        // A writer that has stopped reports its own error, which comes before this one.
        self.batches.send(batch).or(Err(StoreError::Cancelled))
    }
}

/// Writes batches until the channel ends. Returns the numbers of jobs, and the conflicts.
fn write_batches(
    batches: Receiver<Batch>,
    spent: &Sender<Batch>,
    mut put: impl FnMut(&mut NewJob) -> Result<Written, StoreError>,
) -> Result<(Imported, Mistakes), TransferError> {
    let (mut imported, mut conflicts) = (Imported::default(), Mistakes::default());
    for mut batch in batches {
        for (location, job) in &mut batch.jobs {
            match put(job) {
                Ok(written) => imported.count(written),
                Err(error @ StoreError::Conflict { .. }) => {
                    let job = JobLocation {
                        source: Arc::clone(&batch.source),
                        location: *location,
                    };
                    conflicts.add_conflict(Mistake::conflict(&job, &error));
                }
                Err(error) => return Err(error.into()),
            }
        }
        // The reading thread may have ended.
        let _ = spent.send(batch);
    }
    Ok((imported, conflicts))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Mode;

    fn job(id: &str) -> String {
        format!(r#"{{"job_id":"{id}","domain_id":"d","created_at":"2022-06-17T08:00:00Z"}}"#)
    }

    fn sources(texts: &[&str]) -> Vec<Source> {
        texts
            .iter()
            .zip(1..)
            .map(|(text, number)| {
                let reader = std::io::Cursor::new((*text).to_owned());
                Source::new(format!("file {number}"), reader)
            })
            .collect()
    }

    fn now() -> Timestamp {
        Timestamp::parse_rfc3339("2026-01-01T00:00:00Z").unwrap()
    }

    /// Imports texts into an empty database, which must be empty afterwards if there are mistakes.
    #[track_caller]
    fn check_import(texts: &[&str], on_conflict: OnConflict, expected: &[&str]) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("x.db"), Mode::Scratch, 1).unwrap();
        let result = import(&store, sources(texts), ImportRules::new(on_conflict, now()));
        let (jobs, got) = match result {
            Ok(imported) => {
                let (added, replaced) = (imported.added, imported.replaced);
                (added, format!("{added} added, {replaced} replaced"))
            }
            Err(error) => (0, error.to_string()),
        };
        let got: Vec<_> = got.lines().collect();
        assert_eq!(got.len(), expected.len(), "{got:#?}");
        for (got, expected) in got.iter().zip(expected) {
            assert!(got.starts_with(expected), " got: {got}\nwant: {expected}");
        }
        let report = store.check().unwrap();
        assert_eq!((report.jobs, report.problems), (jobs, Vec::new()));
    }

    #[test]
    fn every_mistake_and_conflict_is_reported_in_the_order_of_the_sources() {
        let lines = |jobs: &[&str]| jobs.join("\n");
        let (a, b) = (job("a"), job("b"));
        let bad = &*job("x").replace("\"x\"", "7");
        let many = |from: u32| {
            let jobs: Vec<_> = (from..from + 9_000)
                .map(|id| job(&id.to_string()))
                .collect();
            jobs.join("\n")
        };
        let present = "line 2: job a of domain d is present already";
        let wrong = "column 11, field job_id: ";
        let count = |mistakes: u32, wrong: u32, jobs: u32| {
            let noun = if mistakes == 1 { "mistake" } else { "mistakes" };
            format!("{mistakes} {noun}, in {wrong} of {jobs} jobs; nothing was changed")
        };
        let check = |texts: &[&str], expected: &[&str]| {
            check_import(texts, OnConflict::Fail, expected);
        };
        check(
            &[&lines(&[&a, &a, bad])],
            &[
                &format!("file 1: {present}"),
                &format!("file 1: line 3, {wrong}"),
                &count(2, 2, 3),
            ],
        );
        check(
            &[bad, &lines(&[&a, &a]), bad],
            &[
                &format!("file 1: line 1, {wrong}"),
                &format!("file 2: {present}"),
                &format!("file 3: line 1, {wrong}"),
                &count(3, 3, 4),
            ],
        );
        check(
            &[&a, &lines(&[&b, &a, &many(0)])],
            &[&format!("file 2: {present}"), &count(1, 1, 9_003)],
        );
        check(
            &[&many(0), &lines(&[&many(9_000), bad]), &a],
            &[&format!("file 2: line 9001, {wrong}"), &count(1, 1, 18_002)],
        );
        check(
            &[&format!("[{a},\n{a}\n,\n{b}]")],
            &[&format!("file 1: {present}"), &count(1, 1, 3)],
        );
        check(&[&many(0), "", &many(9_000)], &["18000 added, 0 replaced"]);
    }

    #[test]
    fn a_job_given_twice_replaces_itself() {
        let (a, b) = (job("a"), job("b"));
        check_import(&[&a, &b, &a], OnConflict::Replace, &["2 added, 1 replaced"]);
        check_import(
            &[&a, "x", &a],
            OnConflict::Replace,
            &[
                "file 2: line 1, column 1: no job begins here; expected ",
                "1 mistake, in 0 of 2 jobs; nothing was changed",
            ],
        );
    }
}
