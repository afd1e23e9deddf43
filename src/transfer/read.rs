//! Reading jobs: from NDJSON, an array, or a saved answer of the API, as a stream that knows where in the text it is.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::io::{BufRead, BufReader, Read};
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess,
    Visitor,
};

use super::{Refusal, Source, TransferError};
use crate::job::{self, JobTextError};
use crate::json::ObjectOnly;

/// How much of a file is held at a time.
const BUFFER_BYTES: usize = 1 << 20;
/// The longest line that is read as one job.
const MAX_LINE_BYTES: usize = 8 << 20;

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
pub(super) fn read_placed<T: DeserializeOwned>(
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::Job;

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
}
