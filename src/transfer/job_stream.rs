//! Reads a stream of jobs for import (NDJSON, a JSON array, or a saved answer of the API), and counts lines.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::io::{BufRead, BufReader, Read};
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess,
    Visitor,
};

use super::error::{Refusal, TransferError};
use super::source::Source;
use crate::job::{JobTextError, field_name, from_json};
use crate::json::ObjectOnly;

/// The bytes of a file that are held at a time.
const BUFFER_BYTES: usize = 1 << 20;
/// The largest line that is read as a job, and the largest job in an array, in bytes.
const MAX_LINE_BYTES: usize = 8 << 20;

/// Reads jobs, or drafts of jobs, from a source in any of the three forms, and passes each one to `each`.
///
/// # Errors
/// [`TransferError`] for the first problem.
pub fn read_jobs<T: DeserializeOwned>(
    source: Source,
    each: &mut impl FnMut(T) -> Result<(), Refusal>,
) -> Result<(), TransferError> {
    read_numbered_jobs(&source.name, source.reader, &mut |job, _| each(job))
}

/// As [`read_jobs`], with the number of the line on which each job ends.
pub(super) fn read_numbered_jobs<T: DeserializeOwned>(
    name: &str,
    reader: impl Read,
    each: &mut impl FnMut(T, usize) -> Result<(), Refusal>,
) -> Result<(), TransferError> {
    let mut reader = BufReader::with_capacity(BUFFER_BYTES, reader);
    let io = |error| TransferError::Io {
        name: name.to_owned(),
        error,
    };
    let start = skip_blank(&mut reader).map_err(io)?;
    match form(reader.buffer()) {
        Form::Lines => read_lines(name, &mut reader, start, each),
        Form::Document => read_document(name, &mut reader, start, each),
    }
}

/// The form of a text.
enum Form {
    /// One job a line.
    Lines,
    /// One array or one API answer.
    Document,
}

/// Recognizes the form by the first bytes: an array, an object that begins as an answer, or else a job.
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

/// Skips a byte order mark and white space, fills the buffer, and returns the number of lines skipped.
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
    skipped_lines: usize,
    each: &mut impl FnMut(T, usize) -> Result<(), Refusal>,
) -> Result<(), TransferError> {
    let mut text = Vec::new();
    for line in skipped_lines + 1.. {
        text.clear();
        let limit = u64::try_from(MAX_LINE_BYTES).unwrap_or(u64::MAX);
        let length = reader
            .by_ref()
            .take(limit)
            .read_until(b'\n', &mut text)
            .map_err(|error| TransferError::Io {
                name: name.to_owned(),
                error,
            })?;
        if length == 0 {
            break;
        }
        let job_error = |error: JobTextError| TransferError::Job {
            source_name: name.to_owned(),
            error: JobTextError { line, ..error },
        };
        if length == MAX_LINE_BYTES && text.last() != Some(&b'\n') {
            return Err(job_error(JobTextError {
                line,
                column: MAX_LINE_BYTES,
                field: String::new(),
                problem: too_long("the line") + "; a job must be on one line",
            }));
        }
        if text.trim_ascii().is_empty() {
            continue;
        }
        let job =
            from_json(text.trim_ascii_end()).map_err(|error| job_error(with_hint(error, &text)))?;
        each(job, line).map_err(|refusal| refusal.at(name, line))?;
    }
    Ok(())
}

fn too_long(what: &str) -> String {
    format!("{what} is longer than {MAX_LINE_BYTES} bytes")
}

/// Replaces the problem by what the line most likely is, if it ends too early or does not begin as JSON.
fn with_hint(error: JobTextError, line: &[u8]) -> JobTextError {
    let is_json_at_first = line.trim_ascii_start().starts_with(b"{");
    let problem = match error.problem.as_str() {
        problem if problem.starts_with("EOF while parsing") => {
            "the job does not end on its line; NDJSON holds one job a line, and a job over several lines must be in an \
             array: [{…}]"
        }
        "expected value" | "expected ident" if !is_json_at_first => {
            "no job begins here; expected NDJSON (one job, `{…}`, a line), a JSON array of jobs, or a saved answer of \
             the API"
        }
        _ => return error,
    };
    JobTextError {
        problem: problem.to_owned(),
        ..error
    }
}

fn read_document<T: DeserializeOwned>(
    name: &str,
    reader: &mut impl BufRead,
    skipped_lines: usize,
    each: &mut impl FnMut(T, usize) -> Result<(), Refusal>,
) -> Result<(), TransferError> {
    let details = RefCell::new(ErrorDetails::default());
    let line = Cell::new(skipped_lines + 1);
    let job_bytes = Cell::new(0);
    let reader = CountingReader {
        reader,
        line: &line,
        job_bytes: &job_bytes,
    };
    let mut deserializer = serde_json::Deserializer::from_reader(reader);
    let jobs = JobStream {
        each: &mut |job| {
            job_bytes.set(0);
            let line = line.get();
            each(job, line).map_err(|refusal| refusal.at(name, line))
        },
        details: &details,
        item: PhantomData,
    };
    let result = jobs
        .deserialize(&mut deserializer)
        .and_then(|()| deserializer.end());
    result.map_err(|error| {
        let ErrorDetails { field, refusal } = details.into_inner();
        if let Some(refusal) = refusal {
            return refusal;
        }
        if job_bytes.get() > MAX_LINE_BYTES {
            return TransferError::Job {
                source_name: name.to_owned(),
                error: JobTextError {
                    line: line.get(),
                    column: 0,
                    field: String::new(),
                    problem: too_long("the job"),
                },
            };
        }
        let text = error.to_string();
        let location = format!(" at line {} column {}", error.line(), error.column());
        let problem = text.strip_suffix(&location).unwrap_or(&text).to_owned();
        let error = JobTextError {
            line: error.line() + skipped_lines,
            column: error.column(),
            field,
            problem,
        };
        TransferError::Job {
            source_name: name.to_owned(),
            error,
        }
    })
}

/// The details of an error that a serde error can't carry.
#[derive(Default)]
struct ErrorDetails {
    field: String,
    refusal: Option<TransferError>,
}

/// A reader that counts lines, and fails at a job that is too long.
struct CountingReader<'r, R> {
    reader: &'r mut R,
    line: &'r Cell<usize>,
    /// The bytes read since the last job.
    job_bytes: &'r Cell<usize>,
}

impl<R: Read> Read for CountingReader<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.job_bytes.get() > MAX_LINE_BYTES {
            return Err(std::io::ErrorKind::FileTooLarge.into());
        }
        let count = self.reader.read(buffer)?;
        let lines = buffer[..count].iter().filter(|byte| **byte == b'\n');
        self.line.set(self.line.get() + lines.count());
        self.job_bytes.set(self.job_bytes.get() + count);
        Ok(count)
    }
}

/// Reads an array of jobs or an API answer, one job at a time.
struct JobStream<'f, F, T> {
    each: &'f mut F,
    details: &'f RefCell<ErrorDetails>,
    item: PhantomData<T>,
}

impl<'de, F, T> DeserializeSeed<'de> for JobStream<'_, F, T>
where
    F: FnMut(T) -> Result<(), TransferError>,
    T: DeserializeOwned,
{
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, F, T> Visitor<'de> for JobStream<'_, F, T>
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
            details: self.details,
            item: PhantomData,
        };
        while let Some(job) = access.next_element_seed(seed())? {
            if let Err(refusal) = (self.each)(job) {
                self.details.borrow_mut().refusal = Some(refusal);
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
                    access.next_value_seed(InArray(JobStream {
                        each: &mut *self.each,
                        details: self.details,
                        item: PhantomData,
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

/// Reads the array within an answer, which can't hold another answer.
struct InArray<'f, F, T>(JobStream<'f, F, T>);

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

/// Reads one job, and notes the field of an error.
struct OneJob<'f, T> {
    details: &'f RefCell<ErrorDetails>,
    item: PhantomData<T>,
}

impl<'de, T: DeserializeOwned> DeserializeSeed<'de> for OneJob<'_, T> {
    type Value = T;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<T, D::Error> {
        let mut track = serde_path_to_error::Track::new();
        let tracked = serde_path_to_error::Deserializer::new(deserializer, &mut track);
        ObjectOnly::<T>::deserialize(tracked)
            .map(|job| job.0)
            .inspect_err(|_| {
                self.details.borrow_mut().field = field_name(&track.path());
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
    fn jobs_are_read_in_every_form() {
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
    fn errors_name_line_column_and_field() {
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
            "x: line 1, column 1: no job begins here; expected NDJSON",
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
    fn a_job_in_an_array_may_be_no_longer_than_a_line() {
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
