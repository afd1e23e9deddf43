//! Cuts JSON text into jobs: NDJSON, objects over several lines, arrays, and saved answers of the API, one after the other.

use std::io::Read;
use std::marker::PhantomData;

use super::json_value::{Extent, MAX_JOB_BYTES, NextLine, extent, skip_value};
use super::sink::{Interruption, LocatedJob, Sink};
use super::text_buffer::TextBuffer;
use crate::job::{KnownCollectors, Readable, read_one_of_many};
use crate::json::names::unknown;
use crate::json::scan::{Scanned, ValueEnd, is_blank};
use crate::transfer::error::Refusal;

/// The byte before each text of a sequence of JSON texts (RFC 7464).
const RECORD_SEPARATOR: u8 = 0x1e;
/// The byte order mark in UTF-8; where files were joined, it is within the text, too.
const MARK: &[u8] = "\u{feff}".as_bytes();
/// The members by which a saved answer is recognised.
const ANSWER_MEMBERS: [&str; 3] = ["results", "total_count", "totalCount"];

const CUT_OFF: &str = "the job does not end: a bracket is missing, or its line was cut off";
const LINE_IN_TEXT: &str =
    "a text does not end on its line: a quote is missing, or the line was cut off";
const MISMATCH: &str = "this bracket does not close the one that was opened last";
const REST: &str = "; what follows was not read";

/// A source of JSON text, and the receiver of its jobs.
pub(super) struct JsonJobs<'b, 's, R, F, T> {
    buffer: &'b mut TextBuffer<R>,
    sink: &'b mut Sink<'s, F>,
    /// The line on which the last value at the top level ends.
    last_line: usize,
    /// What the next line says about a value that does not end. Once one did not, although a value might follow, all text
    /// is looked at only once: that bounds the time for many such lines.
    next_line: NextLine,
    collectors: KnownCollectors,
    item: PhantomData<T>,
}

/// What precedes a position in an array or an object.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Before {
    Bracket,
    Value,
    Comma,
}

impl<'b, 's, R, F, T> JsonJobs<'b, 's, R, F, T>
where
    R: Read,
    F: FnMut(LocatedJob<'_, T>) -> Result<(), Refusal>,
    T: Readable,
{
    pub(super) fn new(buffer: &'b mut TextBuffer<R>, sink: &'b mut Sink<'s, F>) -> Self {
        Self {
            buffer,
            sink,
            last_line: 0,
            next_line: NextLine::EndsUnlessValue,
            collectors: KnownCollectors::default(),
            item: PhantomData,
        }
    }

    /// Reads the jobs to the end of the source.
    pub(super) fn read(&mut self) -> Result<(), Interruption> {
        loop {
            self.sink.go_on()?;
            skip_between(self.buffer)?;
            match self.buffer.text().first().copied() {
                None => return Ok(()),
                Some(b'{') if self.begins_answer()? => self.answer()?,
                Some(b'{') => self.job_at_top()?,
                Some(b'[') => self.array(true)?,
                Some(_) => self.no_job()?,
            }
        }
    }

    fn skip_blank(&mut self) -> Result<(), Interruption> {
        Ok(self.buffer.skip_while(is_blank)?)
    }

    /// Whether the object that begins here is a saved answer: its first member is one of an answer.
    fn begins_answer(&mut self) -> Result<bool, Interruption> {
        let mut length = 1;
        loop {
            let text = &self.buffer.text()[length..];
            length += text.iter().take_while(|byte| is_blank(**byte)).count();
            let is_all = length == self.buffer.text().len();
            if !is_all || length > MAX_JOB_BYTES || !self.buffer.fill()? {
                break;
            }
        }
        for name in ANSWER_MEMBERS {
            let quoted_bytes = name.len() + 2;
            if self.buffer.fill_to(length + quoted_bytes)?
                && let [b'"', found @ .., b'"'] = &self.buffer.text()[length..length + quoted_bytes]
                && found == name.as_bytes()
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Reads the job that begins here, at the top level.
    fn job_at_top(&mut self) -> Result<(), Interruption> {
        let start = self.buffer.location();
        // The form of large files: a job a line. Nothing looks for the end of a job that can be read so. A line is tried
        // once, since trying it again for each of many values on it would take quadratic time.
        if start.line != self.last_line
            && let Some(length) = self.buffer.fill_line(MAX_JOB_BYTES)?
        {
            let line = self.buffer.text()[..length].trim_ascii_end();
            if line.ends_with(b"}") {
                match read_one_of_many::<T>(line, &mut self.collectors) {
                    Ok(read) => {
                        self.sink.accept_text(read, start, line)?;
                        self.buffer.consume_line(length);
                        return Ok(());
                    }
                    Err(errors) => {
                        if ValueEnd::default().scan(line) == Scanned::End(line.len()) {
                            self.sink.refuse(line, start, &errors);
                            self.buffer.consume_line(length);
                            return Ok(());
                        }
                    }
                }
            }
        }
        let (extent, next_job) = extent(self.buffer, self.next_line)?;
        let text = self.buffer.text();
        let trimmed = |at: usize| text[..at].trim_ascii_end().len();
        let (at, problem, next) = match (extent, next_job) {
            (Extent::Whole(length), _) => {
                let text = &text[..length];
                match read_one_of_many::<T>(text, &mut self.collectors) {
                    Ok(read) => self.sink.accept_text(read, start, text)?,
                    Err(errors) => self.sink.refuse(text, start, &errors),
                }
                self.buffer.consume(length);
                self.last_line = self.buffer.location().line;
                return Ok(());
            }
            (Extent::TooLong, _) => (0, too_long(), None),
            (_, Some(next)) | (Extent::NextJob(next), None) => {
                (trimmed(next), CUT_OFF.to_owned(), Some(next))
            }
            (Extent::EndOfSource(at), None) => (trimmed(at), CUT_OFF.to_owned(), None),
            (Extent::Mismatch(at), None) => (at, MISMATCH.to_owned(), None),
            (Extent::LineInString(at), None) => (at, LINE_IN_TEXT.to_owned(), None),
        };
        self.sink.refuse_cut(text, start, at, &problem);
        if next_job.is_some() {
            self.next_line = NextLine::Ends;
        }
        self.buffer.consume(next.unwrap_or(at));
        if next.is_none() {
            self.skip_to_value_line()?;
        }
        Ok(())
    }

    /// Skips to the next line that begins with a bracket.
    fn skip_to_value_line(&mut self) -> Result<(), Interruption> {
        loop {
            self.buffer.skip_line()?;
            self.buffer.fill_to(1)?;
            if matches!(
                self.buffer.text().first(),
                None | Some(b'{' | b'[' | &RECORD_SEPARATOR)
            ) {
                return Ok(());
            }
        }
    }

    /// Notes text at the top level that is no value, with the lines of the same kind after it.
    fn no_job(&mut self) -> Result<(), Interruption> {
        let start = self.buffer.location();
        if self.buffer.text().first() == Some(&b',') {
            let problem =
                "no comma belongs between jobs, unless they are in an array: `[{…}, {…}]`";
            self.sink.mistake(Some(start), problem);
            self.buffer.consume(1);
            return Ok(());
        }
        let mut more_lines = 0_u64;
        loop {
            self.buffer.skip_line()?;
            skip_between(self.buffer)?;
            if matches!(self.buffer.text().first(), None | Some(b'{' | b'[')) {
                break;
            }
            more_lines += 1;
        }
        let lines = match more_lines {
            0 => String::new(),
            1 => ", nor on 1 line after it".to_owned(),
            lines => format!(", nor on {lines} lines after it"),
        };
        self.sink.mistake(
            Some(start),
            &format!(
                "no job begins here{lines}; expected NDJSON (one job, `{{…}}`, a line), a JSON array of jobs, a saved \
                 answer of the API, or CSV whose first line names the columns"
            ),
        );
        Ok(())
    }

    /// Reads the array that begins here: its elements are jobs, or also answers where they are allowed.
    fn array(&mut self, has_answers: bool) -> Result<(), Interruption> {
        let start = self.buffer.location();
        self.buffer.consume(1);
        let mut before = Before::Bracket;
        loop {
            self.sink.go_on()?;
            self.skip_blank()?;
            let location = Some(self.buffer.location());
            match self.buffer.text().first() {
                None => {
                    let problem = format!(
                        "the array of line {} does not end: expected `,` or `]`",
                        start.line
                    );
                    return self.unreadable(&problem);
                }
                Some(b']') => {
                    if before == Before::Comma {
                        self.sink
                            .mistake(location, "expected a job after the comma");
                    }
                    self.buffer.consume(1);
                    self.last_line = self.buffer.location().line;
                    return Ok(());
                }
                Some(b',') => {
                    if before != Before::Value {
                        self.sink
                            .mistake(location, "expected a job before the comma");
                    }
                    self.buffer.consume(1);
                    before = Before::Comma;
                    continue;
                }
                Some(_) if before == Before::Value => {
                    self.sink.mistake(location, "expected `,` or `]`");
                }
                Some(_) => {}
            }
            before = Before::Value;
            match self.buffer.text().first().copied() {
                Some(b'{') if has_answers && self.begins_answer()? => self.answer()?,
                Some(b'{') => self.job_in_array()?,
                _ => {
                    self.sink.mistake(location, "expected a job, `{…}`");
                    self.skip_value()?;
                }
            }
        }
    }

    /// Reads the job that begins here, in an array.
    fn job_in_array(&mut self) -> Result<(), Interruption> {
        let start = self.buffer.location();
        let (extent, _) = extent(self.buffer, NextLine::Ignored)?;
        let text = self.buffer.text();
        let (at, problem) = match extent {
            Extent::Whole(length) => {
                let text = &text[..length];
                match read_one_of_many::<T>(text, &mut self.collectors) {
                    Ok(read) => self.sink.accept_text(read, start, text)?,
                    Err(errors) => self.sink.refuse(text, start, &errors),
                }
                self.buffer.consume(length);
                return Ok(());
            }
            Extent::TooLong => {
                self.sink.refuse_cut(text, start, 0, &too_long());
                return self.skip_value();
            }
            Extent::Mismatch(at) => (at, MISMATCH),
            Extent::LineInString(at) => (at, LINE_IN_TEXT),
            Extent::NextJob(at) | Extent::EndOfSource(at) => (at, CUT_OFF),
        };
        self.sink
            .refuse_cut(text, start, at, &format!("{problem}{REST}"));
        Err(Interruption::Noted)
    }

    /// Reads the saved answer that begins here.
    fn answer(&mut self) -> Result<(), Interruption> {
        let start = self.buffer.location();
        self.buffer.consume(1);
        let mut before = Before::Bracket;
        let mut has_results = false;
        loop {
            self.sink.go_on()?;
            self.skip_blank()?;
            let location = Some(self.buffer.location());
            match self.buffer.text().first() {
                None => {
                    let problem = format!(
                        "the answer of line {} does not end: expected `,` or `}}`",
                        start.line
                    );
                    return self.unreadable(&problem);
                }
                Some(b'}') => {
                    if before == Before::Comma {
                        self.sink
                            .mistake(location, "expected a member after the comma");
                    }
                    if !has_results {
                        self.sink.mistake(location, "missing field `results`");
                    }
                    self.buffer.consume(1);
                    self.last_line = self.buffer.location().line;
                    return Ok(());
                }
                Some(b',') => {
                    if before != Before::Value {
                        self.sink
                            .mistake(location, "expected a member before the comma");
                    }
                    self.buffer.consume(1);
                    before = Before::Comma;
                }
                Some(_) => {
                    if before == Before::Value {
                        self.sink.mistake(location, "expected `,` or `}`");
                    }
                    before = Before::Value;
                    self.answer_member(&mut has_results)?;
                }
            }
        }
    }

    /// Reads a member of an answer.
    fn answer_member(&mut self, has_results: &mut bool) -> Result<(), Interruption> {
        let location = Some(self.buffer.location());
        let Some(name) = self.member_name()? else {
            return self.unreadable("expected a member of the answer");
        };
        let at_value = Some(self.buffer.location());
        let first = self.buffer.text().first().copied();
        match name.as_str() {
            "results" if *has_results => {
                self.sink.mistake(location, "duplicate field `results`");
                self.skip_value()
            }
            "results" => {
                *has_results = true;
                if first == Some(b'[') {
                    return self.array(false);
                }
                self.sink
                    .mistake(at_value, "`results` must be an array of jobs");
                self.skip_value()
            }
            "total_count" | "totalCount" => {
                if matches!(first, Some(b'{' | b'[')) {
                    self.sink
                        .mistake(at_value, "`total_count` must be a number");
                }
                self.skip_value()
            }
            _ => {
                let problem = unknown("field", &name, &["results", "total_count"]);
                self.sink.mistake(location, &problem);
                self.skip_value()
            }
        }
    }

    /// Reads the name that begins here and the colon after it; `None` where there is none.
    fn member_name(&mut self) -> Result<Option<String>, Interruption> {
        if self.buffer.text().first() != Some(&b'"') {
            return Ok(None);
        }
        let (Extent::Whole(length), _) = extent(self.buffer, NextLine::Ignored)? else {
            return Ok(None);
        };
        let Ok(name) = serde_json::from_slice(&self.buffer.text()[..length]) else {
            return Ok(None);
        };
        self.buffer.consume(length);
        self.skip_blank()?;
        if self.buffer.text().first() != Some(&b':') {
            return Ok(None);
        }
        self.buffer.consume(1);
        self.skip_blank()?;
        Ok(Some(name))
    }

    fn skip_value(&mut self) -> Result<(), Interruption> {
        if skip_value(self.buffer)? {
            Ok(())
        } else {
            self.unreadable("a value is missing, or does not end")
        }
    }

    /// Notes a mistake after which nothing can be read with certainty.
    fn unreadable(&mut self, problem: &str) -> Result<(), Interruption> {
        let location = self.buffer.location();
        self.sink
            .mistake(Some(location), &format!("{problem}{REST}"));
        Err(Interruption::Noted)
    }
}

/// Skips what may lie between two values at the top level.
pub(super) fn skip_between<R: Read>(buffer: &mut TextBuffer<R>) -> std::io::Result<()> {
    loop {
        buffer.skip_while(|byte| is_blank(byte) || byte == RECORD_SEPARATOR)?;
        let has_mark = buffer.text().first() == MARK.first()
            && buffer.fill_to(MARK.len())?
            && buffer.text().starts_with(MARK);
        if !has_mark {
            return Ok(());
        }
        buffer.consume(MARK.len());
    }
}

fn too_long() -> String {
    format!("the job is longer than {MAX_JOB_BYTES} bytes")
}
