//! Import and export: jobs as text, one JSON object a line; [`csv`] for spreadsheets.
//!
//! Import also reads a JSON array and a saved API answer (`{"results": […]}`). All of it is read as a stream, so memory
//! stays flat, and goes into one transaction: the first error stops it and nothing was imported.

pub mod csv;

use std::cell::{Cell, RefCell};
use std::fmt;
use std::io::{BufRead, BufReader, Read, Write};
use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender, SyncSender};
use std::thread;

use serde::Deserialize;
use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess,
    Visitor,
};

use crate::job::{self, Job, JobTextError};
use crate::json::ObjectOnly;
use crate::store::{OnConflict, ReadyJob, Snapshot, Store, StoreError, WriteTransaction, Written};

/// How much of a file is held at a time.
const BUFFER_BYTES: usize = 1 << 20;
/// The longest line that is read as one job.
const MAX_LINE_BYTES: usize = 8 << 20;
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
    jobs: Vec<(usize, ReadyJob)>,
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
    writer.expect_many()?;
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
    jobs: Vec<(usize, ReadyJob)>,
    bytes: usize,
    batches: &'c SyncSender<Batch>,
    returned: &'c Receiver<Batch>,
}

impl Waiting<'_> {
    fn add(&mut self, job: &Job, line: usize) -> Result<(), StoreError> {
        let job = ReadyJob::new(job);
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
                .put_ready(job)
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

/// Reads the jobs of a source, or drafts of them, in whichever form they come, and hands each on.
///
/// # Errors
/// [`TransferError`] for the first fault.
pub fn read_jobs<T: DeserializeOwned>(
    source: Source,
    each: &mut impl FnMut(T) -> Result<(), Refusal>,
) -> Result<(), TransferError> {
    read_placed(&source.name, source.reader, &mut |job, _| each(job))
}

/// As [`read_jobs`], with the line on which each job ends.
fn read_placed<T: DeserializeOwned>(
    name: &str,
    reader: impl Read,
    each: &mut impl FnMut(T, usize) -> Result<(), Refusal>,
) -> Result<(), TransferError> {
    let mut reader = BufReader::with_capacity(BUFFER_BYTES, reader);
    let io = |fault| TransferError::Io {
        name: name.to_owned(),
        fault,
    };
    let start = skip_blank(&mut reader).map_err(io)?;
    match form(reader.buffer()) {
        Form::Lines => read_lines(name, &mut reader, start, each),
        Form::Document => read_document(name, &mut reader, start, each),
    }
}

enum Form {
    /// A job a line.
    Lines,
    /// One array, or one API answer.
    Document,
}

/// Tells the forms apart by how the text begins: an array, an object that begins as an answer does, or else a job.
fn form(start: &[u8]) -> Form {
    let Some((b'{', rest)) = start.split_first() else {
        return if start.first() == Some(&b'[') {
            Form::Document
        } else {
            Form::Lines
        };
    };
    let rest = rest.trim_ascii_start();
    let is_answer = [&b"\"results\""[..], b"\"total_count\""]
        .iter()
        .any(|name| rest.starts_with(name));
    if is_answer {
        Form::Document
    } else {
        Form::Lines
    }
}

/// Passes over a byte order mark and white space, and fills the buffer; returns how many lines were passed.
fn skip_blank(reader: &mut impl BufRead) -> std::io::Result<usize> {
    const MARK: &[u8] = "\u{feff}".as_bytes();
    let mut lines = 0;
    if reader.fill_buf()?.starts_with(MARK) {
        reader.consume(MARK.len());
    }
    loop {
        let buffer = reader.fill_buf()?;
        let blank = buffer
            .iter()
            .take_while(|byte| byte.is_ascii_whitespace())
            .count();
        let is_all = blank == buffer.len() && blank > 0;
        lines += buffer[..blank].split(|byte| *byte == b'\n').count() - 1;
        reader.consume(blank);
        if !is_all {
            return Ok(lines);
        }
    }
}

fn read_lines<T: DeserializeOwned>(
    name: &str,
    reader: &mut impl BufRead,
    passed: usize,
    each: &mut impl FnMut(T, usize) -> Result<(), Refusal>,
) -> Result<(), TransferError> {
    let mut text = Vec::new();
    for line in passed + 1.. {
        text.clear();
        let limit = u64::try_from(MAX_LINE_BYTES).unwrap_or(u64::MAX);
        let length = reader
            .by_ref()
            .take(limit)
            .read_until(b'\n', &mut text)
            .map_err(|fault| TransferError::Io {
                name: name.to_owned(),
                fault,
            })?;
        if length == 0 {
            break;
        }
        let job_fault = |fault: JobTextError| TransferError::Job {
            source_name: name.to_owned(),
            fault: JobTextError { line, ..fault },
        };
        if length == MAX_LINE_BYTES && text.last() != Some(&b'\n') {
            return Err(job_fault(JobTextError {
                line,
                column: MAX_LINE_BYTES,
                field: String::new(),
                problem: too_long("the line") + "; one job stands on one line",
            }));
        }
        if text.trim_ascii().is_empty() {
            continue;
        }
        let job = job::from_json(text.trim_ascii_end())
            .map_err(|fault| job_fault(with_hint(fault, &text)))?;
        each(job, line).map_err(|refusal| refusal.at(name, line))?;
    }
    Ok(())
}

fn too_long(what: &str) -> String {
    format!("{what} is longer than {MAX_LINE_BYTES} bytes")
}

/// Says what a line most likely is that ends too early, or is no JSON from its beginning.
fn with_hint(fault: JobTextError, line: &[u8]) -> JobTextError {
    let is_json_at_first = line.trim_ascii_start().starts_with(b"{");
    let problem = match fault.problem.as_str() {
        problem if problem.starts_with("EOF while parsing") => {
            "the job does not end on its line; NDJSON holds a job a line, and a job over several lines stands in an \
             array: [{…}]"
        }
        "expected value" | "expected ident" if !is_json_at_first => {
            "no job begins here; what is read is NDJSON (a job, `{…}`, a line), a JSON array of jobs, or a saved answer \
             of the API"
        }
        _ => return fault,
    };
    JobTextError {
        problem: problem.to_owned(),
        ..fault
    }
}

fn read_document<T: DeserializeOwned>(
    name: &str,
    reader: &mut impl BufRead,
    passed: usize,
    each: &mut impl FnMut(T, usize) -> Result<(), Refusal>,
) -> Result<(), TransferError> {
    let found = RefCell::new(Fault::default());
    let line = Cell::new(passed + 1);
    let of_job = Cell::new(0);
    let counting = Counting {
        reader,
        line: &line,
        of_job: &of_job,
    };
    let mut deserializer = serde_json::Deserializer::from_reader(counting);
    let jobs = Jobs {
        each: &mut |job| {
            of_job.set(0);
            let line = line.get();
            each(job, line).map_err(|refusal| refusal.at(name, line))
        },
        fault: &found,
        of: PhantomData,
    };
    let result = jobs
        .deserialize(&mut deserializer)
        .and_then(|()| deserializer.end());
    result.map_err(|error| {
        let Fault { field, refusal } = found.into_inner();
        if let Some(refusal) = refusal {
            return refusal;
        }
        if of_job.get() > MAX_LINE_BYTES {
            return TransferError::Job {
                source_name: name.to_owned(),
                fault: JobTextError {
                    line: line.get(),
                    column: 0,
                    field: String::new(),
                    problem: too_long("the job"),
                },
            };
        }
        let text = error.to_string();
        let place = format!(" at line {} column {}", error.line(), error.column());
        let problem = text.strip_suffix(&place).unwrap_or(&text).to_owned();
        let fault = JobTextError {
            line: error.line() + passed,
            column: error.column(),
            field,
            problem,
        };
        TransferError::Job {
            source_name: name.to_owned(),
            fault,
        }
    })
}

/// What a serde error can't carry.
#[derive(Default)]
struct Fault {
    field: String,
    refusal: Option<TransferError>,
}

/// Counts the lines of what is read through it, as far as it was read, and ends at a job that is too long.
struct Counting<'r, R> {
    reader: &'r mut R,
    line: &'r Cell<usize>,
    /// How many bytes were read since the last job.
    of_job: &'r Cell<usize>,
}

impl<R: Read> Read for Counting<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.of_job.get() > MAX_LINE_BYTES {
            return Err(std::io::ErrorKind::FileTooLarge.into());
        }
        let count = self.reader.read(buffer)?;
        let lines = buffer[..count].iter().filter(|byte| **byte == b'\n');
        self.line.set(self.line.get() + lines.count());
        self.of_job.set(self.of_job.get() + count);
        Ok(count)
    }
}

/// Reads an array of jobs or an API answer, one job at a time.
struct Jobs<'f, F, T> {
    each: &'f mut F,
    fault: &'f RefCell<Fault>,
    of: PhantomData<T>,
}

impl<'de, F, T> DeserializeSeed<'de> for Jobs<'_, F, T>
where
    F: FnMut(T) -> Result<(), TransferError>,
    T: DeserializeOwned,
{
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, F, T> Visitor<'de> for Jobs<'_, F, T>
where
    F: FnMut(T) -> Result<(), TransferError>,
    T: DeserializeOwned,
{
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of jobs")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<(), A::Error> {
        let seed = || OneJob {
            fault: self.fault,
            of: PhantomData,
        };
        while let Some(job) = access.next_element_seed(seed())? {
            if let Err(refusal) = (self.each)(job) {
                self.fault.borrow_mut().refusal = Some(refusal);
                return Err(A::Error::custom("not written"));
            }
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<(), A::Error> {
        let mut has_results = false;
        while let Some(name) = access.next_key::<String>()? {
            match name.as_str() {
                "results" if has_results => return Err(A::Error::duplicate_field("results")),
                "results" => {
                    has_results = true;
                    access.next_value_seed(InArray(Jobs {
                        each: &mut *self.each,
                        fault: self.fault,
                        of: PhantomData,
                    }))?;
                }
                "total_count" => {
                    access.next_value::<IgnoredAny>()?;
                }
                _ => return Err(A::Error::unknown_field(&name, &["results", "total_count"])),
            }
        }
        if has_results {
            Ok(())
        } else {
            Err(A::Error::missing_field("results"))
        }
    }
}

/// Reads the array within an answer; another answer has no place there.
struct InArray<'f, F, T>(Jobs<'f, F, T>);

impl<'de, F, T> DeserializeSeed<'de> for InArray<'_, F, T>
where
    F: FnMut(T) -> Result<(), TransferError>,
    T: DeserializeOwned,
{
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self.0)
    }
}

struct OneJob<'f, T> {
    fault: &'f RefCell<Fault>,
    of: PhantomData<T>,
}

impl<'de, T: DeserializeOwned> DeserializeSeed<'de> for OneJob<'_, T> {
    type Value = T;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<T, D::Error> {
        let mut track = serde_path_to_error::Track::new();
        let tracked = serde_path_to_error::Deserializer::new(deserializer, &mut track);
        ObjectOnly::<T>::deserialize(tracked)
            .map(|job| job.0)
            .inspect_err(|_| {
                self.fault.borrow_mut().field = crate::job::field_name(&track.path());
            })
    }
}

/// Writes every job as NDJSON, in the order in which they were first written; returns how many.
///
/// # Errors
/// [`TransferError`] when the database can't be read or the output not be written to.
pub fn export(
    snapshot: &Snapshot<'_>,
    name: &str,
    out: &mut impl Write,
) -> Result<u64, TransferError> {
    let mut count = 0;
    let mut fault = None;
    let mut line = Vec::new();
    let result = snapshot.every_document(&mut |document| {
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
    fn check(text: &str, expected: &str) {
        let source = Source {
            name: "x".to_owned(),
            reader: Box::new(std::io::Cursor::new(text.to_owned())),
        };
        let mut ids = Vec::new();
        let result = read_jobs(source, &mut |job: Job| {
            ids.push(job.job_id.clone());
            Ok(())
        });
        let got = result.map_or_else(|error| error.to_string(), |()| ids.join(" "));
        assert!(
            got.starts_with(expected),
            "{text}\n got: {got}\nwant: {expected}"
        );
    }

    #[test]
    fn every_form_is_read() {
        let (a, b) = (job("a"), job("b"));
        check("", "");
        check(" \n\n", "");
        check(&a, "a");
        check(&format!("\u{feff}\n{a}\r\n\n{b}\n"), "a b");
        check(&format!("[{a},\n{b}]\n"), "a b");
        check("[]", "");
        check(
            &format!("{{\n \"results\": [{a},{b}], \"total_count\": 2}}"),
            "a b",
        );
        check(&format!(r#"{{"total_count":1,"results":[{a}]}}"#), "a");
    }

    #[test]
    fn faults_name_line_column_and_field() {
        let (a, b) = (job("a"), job("b").replace('}', r#","errors":[{"x":1}]}"#));
        check(
            &format!("{a}\n\n{b}\n"),
            "x: line 3, column 80, field errors[0].x: unknown field `x`",
        );
        check(
            &format!("[{a},\n{b}]"),
            "x: line 2, column 81, field errors[0].x: unknown field `x`",
        );
        check(
            &format!("{{\"results\":[\n{a},{b}]}}"),
            "x: line 2, column 148, field errors[0].x: unknown field `x`",
        );
        check(
            &format!("{{\"results\":[{a}],\"next\":1}}"),
            "x: line 1, column 87: unknown field `next`",
        );
        check(
            "{\n\"total_count\":2}",
            "x: line 2, column 16: missing field `results`",
        );
        check(
            &format!("{{\"results\":[{a}],\"results\":[]}}"),
            "x: line 1, column 90: duplicate field `results`",
        );
        check(
            r#"{"results":{}}"#,
            "x: line 1, column 12: invalid type: map, expected an array of jobs",
        );
        check(
            &format!("[{a}"),
            "x: line 1, column 67: EOF while parsing a list",
        );
        check(
            &format!("[{a}] x"),
            "x: line 1, column 70: trailing characters",
        );
        check(
            "3",
            "x: line 1, column 1: invalid type: integer `3`, expected an object",
        );
        check(
            "job_id,domain_id\na,d\n",
            "x: line 1, column 1: no job begins here; what is read is NDJSON",
        );
        check(
            &format!("{a}\nname,domain_id\n"),
            "x: line 2, column 2: no job begins here",
        );
        check("{\"job_id\": x}", "x: line 1, column 12: expected value");
        check(
            "{\"job_id\":\n",
            "x: line 1, column 10: the job does not end on its line",
        );
    }

    #[test]
    fn a_job_in_an_array_is_as_long_as_a_line_at_most() {
        let long = job("a").replace(
            '}',
            &format!(r#","filter":{{"x":"{}"}}}}"#, "x".repeat(MAX_LINE_BYTES)),
        );
        check(
            &format!("[{},\n{long}]", job("a")),
            "x: line 2, column 0: the job is longer than 8388608 bytes",
        );
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
