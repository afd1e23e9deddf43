//! `Mistakes`: what is wrong in the sources of an import, all of it in one run.

use std::fmt;
use std::sync::Arc;

use crate::job::JobTextError;
use crate::store::StoreError;

/// The most mistakes that are listed; the others are counted.
pub const MAX_LISTED: usize = 100;
/// The mistakes after which nothing more is read: an answer must not wait until millions are counted.
const MAX_COUNTED: u64 = 10_000;
/// The most characters of a problem, or of a job's id, that are repeated: both may quote the input.
const MAX_QUOTED_CHARS: usize = 500;

/// A source among those that are read together.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct SourceId {
    /// Its number in the order in which they are read.
    number: usize,
    name: String,
}

/// Where a text lies: 1-based line and column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Location {
    pub(super) line: usize,
    /// 0 where it is not known.
    pub(super) column: usize,
}

impl Location {
    /// Returns the same line, without a column.
    pub(super) fn of_line(self) -> Self {
        Self { column: 0, ..self }
    }

    /// Returns the location behind a text that begins here.
    pub(super) fn after(self, text: &[u8]) -> Self {
        match memchr::memrchr(b'\n', text) {
            Some(last) => Self {
                line: self.line + memchr::memchr_iter(b'\n', text).count(),
                column: text.len() - last,
            },
            None => Self {
                column: self.column + text.len(),
                ..self
            },
        }
    }
}

/// Where a job begins.
#[derive(Debug, Clone)]
pub struct JobLocation {
    pub(super) source: Arc<SourceId>,
    pub(super) location: Location,
}

impl JobLocation {
    /// Returns the name of the source.
    #[must_use]
    pub fn source_name(&self) -> &str {
        &self.source.name
    }

    /// Returns the 1-based line on which the job begins.
    #[must_use]
    pub fn line(&self) -> usize {
        self.location.line
    }
}

impl fmt::Display for JobLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: line {}", self.source.name, self.location.line)
    }
}

/// One mistake. Its text is one line: `FILE: line L, column C, job ID, field F: problem`.
#[derive(Debug, Clone)]
pub(super) struct Mistake {
    source: Arc<SourceId>,
    location: Option<Location>,
    job_id: Option<String>,
    /// The path of the field, or the name of the column; empty for the whole job.
    field: String,
    /// Whether it is the name of a column of CSV.
    is_column: bool,
    problem: String,
}

impl Mistake {
    pub(super) fn new(source: &Arc<SourceId>, location: Option<Location>, problem: &str) -> Self {
        Self {
            source: Arc::clone(source),
            location,
            job_id: None,
            field: String::new(),
            is_column: false,
            problem: quoted(problem),
        }
    }

    /// Makes the mistake of a text that begins at `start`.
    pub(super) fn in_text(source: &Arc<SourceId>, start: Location, error: &JobTextError) -> Self {
        let location = match error.line {
            0 | 1 => Location {
                line: start.line,
                column: start.column.saturating_sub(1) + error.column,
            },
            line => Location {
                line: start.line + line - 1,
                column: error.column,
            },
        };
        let mistake = Self::new(source, Some(location), &error.problem).of(error.job_id.as_deref());
        Self {
            field: quoted(&error.field),
            ..mistake
        }
    }

    /// Makes the mistake of a job that the database has already.
    pub(super) fn conflict(job: &JobLocation, error: &StoreError) -> Self {
        let location = Some(job.location.of_line());
        Self::new(&job.source, location, &error.to_string())
    }

    /// Makes the mistake of a cell of CSV.
    pub(super) fn in_column(
        source: &Arc<SourceId>,
        line: usize,
        column: &str,
        problem: &str,
    ) -> Self {
        let location = Location { line, column: 0 };
        Self {
            field: quoted(column),
            is_column: true,
            ..Self::new(source, Some(location), problem)
        }
    }

    /// Adds the id of the job.
    pub(super) fn of(mut self, job_id: Option<&str>) -> Self {
        self.job_id = job_id.filter(|id| !id.is_empty()).map(quoted);
        self
    }

    fn order(&self) -> (usize, Option<Location>) {
        (self.source.number, self.location)
    }
}

/// Shortens a text that quotes the input, and writes it on one line.
fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len().min(MAX_QUOTED_CHARS));
    for (number, letter) in text.chars().enumerate() {
        if number == MAX_QUOTED_CHARS {
            quoted.push('…');
            break;
        }
        if letter.is_control() {
            quoted.extend(letter.escape_default());
        } else {
            quoted.push(letter);
        }
    }
    quoted
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.source.name)?;
        let mut separator = ": ";
        let mut write = |f: &mut fmt::Formatter<'_>, part: fmt::Arguments<'_>| {
            let written = f.write_str(separator).and_then(|()| f.write_fmt(part));
            separator = ", ";
            written
        };
        if let Some(Location { line, column }) = self.location {
            write(f, format_args!("line {line}"))?;
            if column > 0 {
                write(f, format_args!("column {column}"))?;
            }
        }
        if let Some(job_id) = &self.job_id {
            write(f, format_args!("job {job_id}"))?;
        }
        if !self.field.is_empty() {
            let noun = if self.is_column { "column" } else { "field" };
            write(f, format_args!("{noun} {}", self.field))?;
        }
        write!(f, ": {}", self.problem)
    }
}

/// The mistakes in all sources: the first [`MAX_LISTED`], and their number.
#[derive(Debug, Default)]
pub struct Mistakes {
    listed: Vec<Mistake>,
    total: u64,
    conflicts: u64,
    wrong_jobs: u64,
    jobs: u64,
    sources: usize,
    /// Whether the reading ended because there were [`MAX_COUNTED`].
    is_cut: bool,
}

impl Mistakes {
    /// Begins a source.
    pub(super) fn begin_source(&mut self, name: &str) -> Arc<SourceId> {
        self.sources += 1;
        Arc::new(SourceId {
            number: self.sources,
            name: name.to_owned(),
        })
    }

    /// Counts a job that was read, with the mistakes in it.
    pub(super) fn add_job(&mut self, mistakes: impl IntoIterator<Item = Mistake>) {
        let before = self.total;
        mistakes.into_iter().for_each(|mistake| self.add(mistake));
        self.jobs += 1;
        self.wrong_jobs += u64::from(self.total > before);
    }

    /// Adds a mistake of a job that was counted as a good one: the database has the job already.
    pub(super) fn add_conflict(&mut self, mistake: Mistake) {
        self.conflicts += 1;
        self.wrong_jobs += 1;
        self.add(mistake);
    }

    /// Adds a mistake that is not in a job.
    pub(super) fn add(&mut self, mistake: Mistake) {
        self.total += 1;
        if self.listed.len() < MAX_LISTED {
            self.listed.push(mistake);
        }
    }

    /// Adds the mistakes that were found at the same time in the same sources, and sorts all of them.
    pub(super) fn merge(&mut self, other: Self) {
        self.listed.extend(other.listed);
        self.listed.sort_by_key(Mistake::order);
        self.listed.truncate(MAX_LISTED);
        self.total += other.total;
        self.conflicts += other.conflicts;
        self.wrong_jobs += other.wrong_jobs;
        self.jobs += other.jobs;
        self.is_cut |= other.is_cut;
    }

    pub(super) fn is_empty(&self) -> bool {
        self.total == 0
    }

    /// Returns whether there are so many that nothing more is to be read.
    pub(super) fn end_reading(&mut self) -> bool {
        self.is_cut |= self.total >= MAX_COUNTED;
        self.is_cut
    }

    /// Whether every mistake is a job that the database has already.
    #[must_use]
    pub fn are_conflicts(&self) -> bool {
        self.total == self.conflicts
    }
}

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { total, jobs, .. } = self;
        for mistake in &self.listed {
            writeln!(f, "{mistake}")?;
        }
        let more = total - self.listed.len() as u64;
        if more > 0 {
            writeln!(f, "and {more} more")?;
        }
        let noun = if *total == 1 { "mistake" } else { "mistakes" };
        write!(f, "{total} {noun}")?;
        match jobs {
            0 => {}
            1 => write!(f, ", in {} of 1 job", self.wrong_jobs)?,
            _ => write!(f, ", in {} of {jobs} jobs", self.wrong_jobs)?,
        }
        if self.is_cut {
            f.write_str("; what follows was not read")?;
        }
        f.write_str("; nothing was changed")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mistake(source: &Arc<SourceId>, line: usize) -> Mistake {
        Mistake::new(source, Some(Location { line, column: 0 }), "wrong")
    }

    #[test]
    fn the_first_mistakes_are_listed_and_all_are_counted() {
        let mut read = Mistakes::default();
        let (a, b) = (read.begin_source("a"), read.begin_source("b"));
        let mut written = Mistakes::default();
        for line in 1..=70 {
            read.add_job([mistake(&b, 2 * line), mistake(&b, 2 * line)]);
            read.add_job([]);
            written.add_conflict(mistake(if line < 3 { &a } else { &b }, 2 * line + 1));
        }
        assert!(!read.are_conflicts());
        assert!(written.are_conflicts());
        read.merge(written);
        let text = read.to_string();
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines.len(), MAX_LISTED + 2);
        let expected = [
            "a: line 3",
            "a: line 5",
            "b: line 2",
            "b: line 2",
            "b: line 4",
        ];
        for (line, expected) in lines.iter().zip(expected) {
            assert_eq!(*line, format!("{expected}: wrong"));
        }
        assert_eq!(lines[MAX_LISTED], "and 110 more");
        assert_eq!(
            lines[MAX_LISTED + 1],
            "210 mistakes, in 140 of 140 jobs; nothing was changed"
        );
    }

    #[test]
    fn a_mistake_is_one_line_however_long_and_broken_its_input_is() {
        let source = Mistakes::default().begin_source("a");
        let error = JobTextError {
            line: 1,
            column: 7,
            job_id: Some("j\n1".to_owned()),
            field: "errors[0].x".to_owned(),
            problem: format!("unknown field `x\r{}`", "y".repeat(9_000)),
        };
        let start = Location { line: 3, column: 5 };
        let text = Mistake::in_text(&source, start, &error).to_string();
        let beginning = "a: line 3, column 11, job j\\n1, field errors[0].x: unknown field `x\\ryy";
        assert!(text.starts_with(beginning), "{text}");
        assert!(text.ends_with("y…") && text.len() < 700, "{text}");
        let mistake = Mistake::in_column(&source, 2, "status", "wrong").of(Some("j"));
        assert_eq!(
            mistake.to_string(),
            "a: line 2, job j, column status: wrong"
        );
        let error = JobTextError { line: 2, ..error };
        let text = Mistake::in_text(&source, start, &error).to_string();
        assert!(text.starts_with("a: line 4, column 7, "), "{text}");
    }
}
