//! Reads jobs from CSV, a row for each.

use std::cell::RefCell;
use std::io::{ErrorKind, Read, Result as IoResult};
use std::marker::PhantomData;
use std::rc::Rc;

use csv::{ByteRecord, ReaderBuilder};
use serde_json::{Map, Value};

use super::csv_header::{FileColumn, MAX_HEADER_BYTES, columns, delimiter};
use super::csv_row::{CellProblem, members};
use super::json_value::MAX_JOB_BYTES;
use super::sink::{Interruption, LocatedJob, Sink, no_utf8};
use super::text_buffer::TextBuffer;
use crate::job::{JobTextError, Readable, read_job_members};
use crate::transfer::error::Refusal;
use crate::transfer::mistakes::{Location, Mistake};

/// The bytes that the parser of CSV reads at a time.
const BUFFER_BYTES: usize = 64 << 10;

/// Returns the byte that separates cells, if the text begins with a first line of CSV.
pub(super) fn delimiter_of<R: Read>(buffer: &mut TextBuffer<R>) -> IoResult<Option<u8>> {
    if matches!(buffer.text().first(), None | Some(b'{' | b'[')) {
        return Ok(None);
    }
    // A line that says to spreadsheets what separates cells.
    if buffer.fill_to(6)?
        && let [
            b's',
            b'e',
            b'p',
            b'=',
            given @ (b',' | b';' | b'\t'),
            b'\r' | b'\n',
            ..,
        ] = *buffer.text()
    {
        buffer.skip_line()?;
        return Ok(Some(given));
    }
    Ok(match buffer.fill_line(MAX_HEADER_BYTES)? {
        Some(length) => delimiter(&buffer.text()[..length]),
        None => None,
    })
}

/// A source of CSV, and the receiver of its jobs.
pub(super) struct CsvJobs<'b, 's, F, T> {
    sink: &'b mut Sink<'s, F>,
    /// The lines before the CSV.
    lines_before: usize,
    /// The line on which the next row begins.
    next_line: usize,
    item: PhantomData<T>,
}

impl<'b, 's, F, T> CsvJobs<'b, 's, F, T>
where
    F: FnMut(LocatedJob<'_, T>) -> Result<(), Refusal>,
    T: Readable,
{
    /// Reads the jobs to the end of the source.
    pub(super) fn read<R: Read>(
        buffer: &mut TextBuffer<R>,
        delimiter: u8,
        sink: &'b mut Sink<'s, F>,
    ) -> Result<(), Interruption> {
        let lines_before = buffer.location().line - 1;
        let mut jobs = Self {
            sink,
            lines_before,
            next_line: lines_before + 1,
            item: PhantomData,
        };
        let seen = Rc::new(RefCell::new(Seen::default()));
        let mut reader = ReaderBuilder::new()
            .delimiter(delimiter)
            .has_headers(false)
            .flexible(true)
            .buffer_capacity(BUFFER_BYTES)
            .from_reader(RowReader {
                reader: buffer,
                seen: Rc::clone(&seen),
            });
        let mut record = ByteRecord::new();
        let mut columns = None;
        loop {
            jobs.sink.go_on()?;
            seen.borrow_mut().row_bytes = 0;
            match reader.read_byte_record(&mut record) {
                Ok(true) => {}
                Ok(false) => return Ok(()),
                Err(error) => return jobs.failed(error),
            }
            let start = jobs.locate(&record, reader.position(), &seen.borrow());
            match &columns {
                None => columns = Some(jobs.header(&record, start)?),
                Some(columns) => jobs.row(columns, &record, start)?,
            }
        }
    }

    /// Returns where a row begins. The parser itself does not know that where lines end by CR LF, or are blank.
    fn locate(&mut self, record: &ByteRecord, end: &csv::Position, seen: &Seen) -> Location {
        let lines_within: usize = record
            .iter()
            .map(|cell| memchr::memchr_iter(b'\n', cell).count())
            .sum();
        let end_line = usize::try_from(end.line()).unwrap_or(usize::MAX);
        // Where a quote is open at the end of the source, the last line end is within the row.
        let is_within = record
            .iter()
            .next_back()
            .is_some_and(|cell| cell.ends_with(b"\n"))
            && seen.byte_before(end.byte().saturating_sub(1)) != Some(b'"');
        let is_on_next_line = seen.byte_before(end.byte()) == Some(b'\n') && !is_within;
        let line = (self.lines_before + end_line)
            .saturating_sub(lines_within + usize::from(is_on_next_line));
        self.next_line = line + lines_within + 1;
        Location { line, column: 0 }
    }

    /// Notes why the parser ended.
    fn failed(&mut self, error: csv::Error) -> Result<(), Interruption> {
        match error.into_kind() {
            csv::ErrorKind::Io(error) if error.kind() == ErrorKind::FileTooLarge => {
                let problem = format!(
                    "the row is longer than {MAX_JOB_BYTES} bytes: a quote may be missing; what follows was not read"
                );
                let location = Location {
                    line: self.next_line,
                    column: 0,
                };
                self.sink.mistake(Some(location), &problem);
                Err(Interruption::Noted)
            }
            csv::ErrorKind::Io(error) => Err(Interruption::Io(error)),
            // The parser refuses nothing else: rows of any length are allowed, and cells are bytes.
            other => Err(Interruption::Io(std::io::Error::other(format!(
                "{other:?}"
            )))),
        }
    }

    fn header(
        &mut self,
        record: &ByteRecord,
        start: Location,
    ) -> Result<Vec<Option<FileColumn>>, Interruption> {
        let names: Option<Vec<_>> = record
            .iter()
            .map(|cell| std::str::from_utf8(cell).ok())
            .collect();
        let Some(names) = names else {
            self.sink
                .mistake(Some(start), "the names of the columns are not UTF-8");
            return Err(Interruption::Noted);
        };
        columns(names.into_iter()).map_err(|problems| {
            for (column, problem) in problems {
                self.sink.mistake_in_column(start, &column, &problem);
            }
            Interruption::Noted
        })
    }

    fn row(
        &mut self,
        columns: &[Option<FileColumn>],
        record: &ByteRecord,
        start: Location,
    ) -> Result<(), Interruption> {
        if record.iter().all(<[u8]>::is_empty) {
            return Ok(());
        }
        let job_id = columns
            .iter()
            .zip(record)
            .find(|(column, _)| column.as_ref().is_some_and(|one| one.path == "job_id"))
            .map(|(_, cell)| String::from_utf8_lossy(cell).into_owned())
            .filter(|job_id| !job_id.is_empty());
        let problems = match row_members(columns, record) {
            Ok((members, problems)) => match (read_job_members::<T>(members), problems) {
                (Ok(read), problems) if problems.is_empty() => {
                    self.sink.accept(read, start, || job_id)?;
                    return Ok(());
                }
                (Ok(_), problems) => problems,
                (Err(errors), mut problems) => {
                    problems.extend(errors.into_iter().map(|error| in_column(columns, error)));
                    problems
                }
            },
            Err(problem) => vec![problem],
        };
        let source = self.sink.source();
        let mistakes = problems.iter().map(|(column, problem)| {
            let mistake = if column.is_empty() {
                Mistake::new(source, Some(start), problem)
            } else {
                Mistake::in_column(source, start.line, column, problem)
            };
            mistake.of(job_id.as_deref())
        });
        let mistakes = mistakes.collect();
        self.sink.refuse_job(mistakes);
        Ok(())
    }
}

/// Returns the problem of a member as that of its column.
fn in_column(columns: &[Option<FileColumn>], error: JobTextError) -> CellProblem {
    let column = columns
        .iter()
        .flatten()
        .find(|column| !column.path.is_empty() && error.field.starts_with(&column.path));
    let name = column.map_or(error.field, |column| column.name.clone());
    (name, error.problem)
}

/// Returns the members of the job of a row, and what is wrong in its cells.
///
/// # Errors
/// Where the cells are not those of the columns.
fn row_members(
    columns: &[Option<FileColumn>],
    record: &ByteRecord,
) -> Result<(Map<String, Value>, Vec<CellProblem>), CellProblem> {
    let mut extra = record.iter().skip(columns.len());
    if record.len() < columns.len() || extra.any(|cell| !cell.is_empty()) {
        let is_long = record.iter().any(|cell| cell.contains(&b'\n'));
        let hint = if is_long {
            "; a quote may be missing"
        } else {
            ""
        };
        let problem = format!(
            "the row has {} cells, and the first line {}{hint}",
            record.len(),
            columns.len()
        );
        return Err((String::new(), problem));
    }
    let mut cells = Vec::with_capacity(columns.len());
    let mut wrong = Vec::new();
    for (number, (column, cell)) in columns.iter().zip(record).enumerate() {
        match (column, std::str::from_utf8(cell)) {
            (Some(column), Ok(cell)) => cells.push((column, cell)),
            (Some(column), Err(error)) => wrong.push((column.name.clone(), no_utf8(cell, &error))),
            (None, _) if cell.is_empty() => {}
            (None, _) => {
                let problem = format!("column {} has no name, but a value", number + 1);
                wrong.push((String::new(), problem));
            }
        }
    }
    let (members, problems) = members(cells.into_iter());
    wrong.extend(problems);
    Ok((members, wrong))
}

/// The bytes that the parser of CSV has read last.
#[derive(Default)]
struct Seen {
    /// Where they begin in the CSV.
    start: u64,
    bytes: Vec<u8>,
    /// The number of bytes that were read since the last row ended.
    row_bytes: usize,
}

impl Seen {
    fn byte_before(&self, end: u64) -> Option<u8> {
        let index = end.checked_sub(self.start + 1)?;
        self.bytes.get(usize::try_from(index).ok()?).copied()
    }
}

/// A reader that fails at a row that is too long: an open quote makes one row of all that follows.
struct RowReader<'b, R> {
    reader: &'b mut TextBuffer<R>,
    seen: Rc<RefCell<Seen>>,
}

impl<R: Read> Read for RowReader<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> IoResult<usize> {
        let mut seen = self.seen.borrow_mut();
        if seen.row_bytes > MAX_JOB_BYTES {
            return Err(ErrorKind::FileTooLarge.into());
        }
        let length = self.reader.read(buffer)?;
        if length > 0 {
            seen.start += seen.bytes.len() as u64;
            seen.bytes.clear();
            seen.bytes.extend_from_slice(&buffer[..length]);
            seen.row_bytes += length;
        }
        Ok(length)
    }
}
