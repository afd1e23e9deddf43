//! `ImportFilter`: which of the jobs that an import reads it writes.

use serde_json::{Map, Value as Json, json};

use super::mistakes::JobLocation;
use crate::job::{ImportedJob, ReadJob};
use crate::query::request::JobsQuery;
use crate::query::sql::Sql;
use crate::query::{QueryError, compile_matches};
use crate::store::{NewJob, Staging, StoreError};
use crate::time::Timestamp;

/// The bytes of documents that are decided together.
const BATCH_BYTES: usize = 256 << 10;

/// The conditions of an import, as a list of the API has them.
#[derive(Debug)]
pub struct ImportFilter {
    /// The only domain; `None` for all: each job is then decided as in a list of its own domain.
    domain_id: Option<String>,
    request: JobsQuery,
    now: Timestamp,
}

impl ImportFilter {
    /// Makes it of a domain and the members `filter`, `filter_or` and `keyword` of a query. `now` is the time that relative times
    /// are relative to.
    ///
    /// # Errors
    /// [`QueryError`] for the first condition that is wrong.
    pub fn new(
        domain_id: Option<String>,
        query: &Map<String, Json>,
        now: Timestamp,
    ) -> Result<Self, QueryError> {
        // The request needs a domain; that of a job takes its place.
        let any = domain_id.as_deref().unwrap_or("any");
        let body = json!({"domain_id": any, "query": query}).to_string();
        let request = JobsQuery::from_json(body.as_bytes())?;
        compile_matches(&request, now)?;
        Ok(Self {
            domain_id,
            request,
            now,
        })
    }

    /// Returns the statement that selects the jobs of a domain that match.
    fn statement(&mut self, domain_id: &str) -> Result<Sql, QueryError> {
        domain_id.clone_into(&mut self.request.domain_id);
        compile_matches(&self.request, self.now)
    }
}

/// A filter at work: jobs wait in it until there is a batch, of which those that match go on.
#[derive(Debug)]
pub(super) struct Filtering {
    filter: ImportFilter,
    staging: Staging,
    waiting: Vec<Waiting>,
    /// The bytes of their documents.
    bytes: usize,
    /// How many jobs did not match.
    pub(super) unmatched: u64,
}

#[derive(Debug)]
struct Waiting {
    read: ReadJob<ImportedJob>,
    location: JobLocation,
    row: NewJob,
}

impl Filtering {
    pub(super) fn new(filter: ImportFilter) -> Result<Self, StoreError> {
        Ok(Self {
            filter,
            staging: Staging::new()?,
            waiting: Vec::new(),
            bytes: 0,
            unmatched: 0,
        })
    }

    /// Takes a job. Where it completes a batch, the jobs of it that match are passed to `accept`, in the order in which they came.
    pub(super) fn add(
        &mut self,
        read: ReadJob<ImportedJob>,
        location: &JobLocation,
        accept: &mut impl FnMut(ReadJob<ImportedJob>, &JobLocation) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let domain_id = &read.job.job.domain_id;
        if self
            .filter
            .domain_id
            .as_ref()
            .is_some_and(|only| only != domain_id)
        {
            self.unmatched += 1;
            return Ok(());
        }
        let row = NewJob::of_import(&read.job);
        self.bytes += row.document_bytes();
        self.waiting.push(Waiting {
            read,
            location: location.clone(),
            row,
        });
        if self.bytes >= BATCH_BYTES {
            self.decide(accept)?;
        }
        Ok(())
    }

    /// Passes the jobs that wait and match to `accept`.
    pub(super) fn decide(
        &mut self,
        accept: &mut impl FnMut(ReadJob<ImportedJob>, &JobLocation) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        self.bytes = 0;
        let rows = self.waiting.iter_mut().map(|waiting| &mut waiting.row);
        let filter = &mut self.filter;
        let matches = self
            .staging
            .matches(rows, |domain_id| filter.statement(domain_id))?;
        for (waiting, is_match) in self.waiting.drain(..).zip(matches) {
            if is_match {
                accept(waiting.read, &waiting.location)?;
            } else {
                self.unmatched += 1;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;
    use crate::store::{Interrupt, Mode, OnConflict, Store};
    use crate::transfer::{ImportRules, Imported, Source, TransferError, dry_run, import};

    fn now() -> Timestamp {
        Timestamp::parse_rfc3339("2026-01-31T00:00:00Z").unwrap()
    }

    /// A job on the given day of the year 2026.
    fn job(domain_id: &str, id: &str, day: u32, members: &str) -> String {
        format!(
            r#"{{"job_id":"{id}","domain_id":"{domain_id}","created_at":"2026-01-{day:02}T00:00:00Z"{members}}}"#
        )
    }

    fn sources(files: &[Vec<String>]) -> Vec<Source> {
        let numbered = files.iter().zip(1..);
        numbered
            .map(|(lines, number)| {
                let reader = std::io::Cursor::new(lines.join("\n"));
                Source::new(format!("file {number}"), reader)
            })
            .collect()
    }

    fn status(name: &str) -> Json {
        json!({"filter": [{"k": "status", "v": name, "o": "eq"}]})
    }

    fn said(result: Result<Imported, TransferError>) -> String {
        match result {
            Err(error) => error.to_string(),
            Ok(imported) => {
                let numbers = format!(
                    "{} added, {} replaced, {} skipped, {} unmatched",
                    imported.added, imported.replaced, imported.skipped, imported.unmatched
                );
                let notes = imported.notes.translation_lines();
                let notes = notes.chain(imported.notes.doubt_lines());
                std::iter::once(numbers)
                    .chain(notes)
                    .collect::<Vec<_>>()
                    .join("\n")
            }
        }
    }

    struct Case<'c> {
        /// The jobs that the database has before.
        present: &'c [String],
        files: &'c [Vec<String>],
        domain_id: Option<&'c str>,
        query: Json,
        on_conflict: OnConflict,
    }

    impl<'c> Case<'c> {
        /// The jobs of files that have failed, imported into an empty database.
        fn of_failed(files: &'c [Vec<String>]) -> Self {
            Self {
                present: &[],
                files,
                domain_id: None,
                query: status("ERROR"),
                on_conflict: OnConflict::Replace,
            }
        }

        /// Checks what an import says, and a dry run of it, and the jobs that are stored then, as `ID STATUS`.
        #[track_caller]
        fn check(&self, expected: &str, stored: &[&str]) {
            let rules = || {
                let domain_id = self.domain_id.map(str::to_owned);
                let query = self.query.as_object().unwrap();
                ImportRules {
                    filter: Some(ImportFilter::new(domain_id, query, now()).unwrap()),
                    ..ImportRules::new(self.on_conflict, now())
                }
            };
            let folder = tempfile::tempdir().unwrap();
            let open = |name: &str| {
                let path = folder.path().join(name);
                Store::open(&path, Mode::Scratch, 1).unwrap()
            };
            let (store, scratch) = (open("x.db"), open("scratch.db"));
            let present = sources(&[self.present.to_vec()]);
            import(&store, present, ImportRules::new(OnConflict::Fail, now())).unwrap();
            let sources = || sources(self.files);
            let dry = dry_run(Some(&store), &scratch, sources(), rules());
            let real = import(&store, sources(), rules());
            let (dry, real) = (said(dry), said(real));
            assert_eq!(dry, real, "of a dry run");
            assert_eq!(real, expected);
            let interrupt = Arc::new(Interrupt::after(Duration::MAX));
            let mut reader = store.reader(&interrupt).unwrap();
            let mut jobs = Vec::new();
            let read = reader.begin().unwrap().every_document(&mut |document| {
                let job: Json = serde_json::from_str(&document.to_text()).unwrap();
                let text = |name: &str| job[name].as_str().unwrap().to_owned();
                jobs.push(format!("{} {}", text("job_id"), text("status")));
                Ok(())
            });
            read.unwrap();
            assert_eq!(jobs, stored);
        }
    }

    const ERROR: &str = r#","status":"ERROR""#;
    const SUCCESS: &str = r#","status":"SUCCESS""#;

    #[test]
    fn jobs_that_match_are_imported_in_every_domain_or_in_one() {
        let files = [
            vec![job("d", "a", 1, ERROR), job("e", "b", 2, ERROR)],
            vec![job("d", "c", 30, SUCCESS), job("d", "f", 30, ERROR)],
        ];
        let check = |domain_id, query, expected: &str, stored: &[&str]| {
            let case = Case {
                domain_id,
                query,
                ..Case::of_failed(&files)
            };
            case.check(expected, stored);
        };
        let numbers = |added: u32| {
            let unmatched = 4 - added;
            format!("{added} added, 0 replaced, 0 skipped, {unmatched} unmatched")
        };
        check(
            None,
            status("ERROR"),
            &numbers(3),
            &["a ERROR", "b ERROR", "f ERROR"],
        );
        check(
            Some("d"),
            status("ERROR"),
            &numbers(2),
            &["a ERROR", "f ERROR"],
        );
        check(Some("e"), json!({}), &numbers(1), &["b ERROR"]);
        check(
            Some("d"),
            json!({}),
            &numbers(3),
            &["a ERROR", "c SUCCESS", "f ERROR"],
        );
        check(Some("g"), json!({}), &numbers(0), &[]);
        let condition = json!({"k": "created_at", "v": "now - 7d", "o": "timediff_gte"});
        let recent = json!({"filter": [condition]});
        check(None, recent, &numbers(2), &["c SUCCESS", "f ERROR"]);
    }

    #[test]
    fn a_job_that_comes_twice_is_decided_by_its_content_each_time() {
        let files = [
            vec![job("d", "a", 1, ERROR), job("d", "a", 1, SUCCESS)],
            vec![job("d", "a", 2, ERROR), job("d", "b", 1, SUCCESS)],
        ];
        let check = |name: &str, on_conflict, expected: &str, stored: &[&str]| {
            let case = Case {
                present: &[job("d", "b", 1, ERROR)],
                files: &files,
                domain_id: None,
                query: status(name),
                on_conflict,
            };
            case.check(expected, stored);
        };
        check(
            "ERROR",
            OnConflict::Replace,
            "1 added, 1 replaced, 0 skipped, 2 unmatched",
            &["b ERROR", "a ERROR"],
        );
        check(
            "SUCCESS",
            OnConflict::Replace,
            "1 added, 1 replaced, 0 skipped, 2 unmatched",
            &["b SUCCESS", "a SUCCESS"],
        );
        check(
            "SUCCESS",
            OnConflict::Skip,
            "1 added, 0 replaced, 1 skipped, 2 unmatched",
            &["b ERROR", "a SUCCESS"],
        );
        check(
            "SUCCESS",
            OnConflict::Fail,
            "file 2: line 2: job b of domain d is present already\n1 mistake, in 1 of 4 jobs; nothing was changed",
            &["b ERROR"],
        );
        check(
            "ERROR",
            OnConflict::Fail,
            "file 2: line 1: job a of domain d is present already\n1 mistake, in 1 of 4 jobs; nothing was changed",
            &["b ERROR"],
        );
    }

    #[test]
    fn a_mistake_in_a_job_that_does_not_match_is_a_mistake() {
        let wrong = job("d", "x", 1, r#","status":"SUCCESS","stauts":"ERROR""#);
        let files = [
            vec![job("d", "a", 1, ERROR), wrong.clone()],
            vec![wrong, job("d", "b", 1, ERROR)],
        ];
        let place = "line LINE, column 86, job x, field stauts: unknown field `stauts`; did you mean `status`?";
        let expected = format!(
            "file 1: {}\nfile 2: {}\n2 mistakes, in 2 of 4 jobs; nothing was changed",
            place.replace("LINE", "2"),
            place.replace("LINE", "1")
        );
        Case::of_failed(&files).check(&expected, &[]);
    }

    #[test]
    fn notes_are_those_of_jobs_that_match() {
        let doubtful = |status: &str| format!(r#"{status},"total_tasks":1,"remained_tasks":2"#);
        let files = [vec![
            job("d", "a", 1, &doubtful(SUCCESS)).replace("00Z", "00"),
            job("d", "b", 1, &doubtful(ERROR)),
        ]];
        Case::of_failed(&files).check(
            "1 added, 0 replaced, 0 skipped, 1 unmatched\n\
             more tasks are left than there are: 1 job, first file 1: line 2, job b",
            &["b ERROR"],
        );
    }

    #[test]
    fn jobs_of_many_batches_are_written_in_the_order_of_the_files() {
        let long = "x".repeat(BATCH_BYTES / 10);
        let file = |from: usize| {
            let jobs = (from..from + 45).map(|number| {
                let status = if number % 3 == 0 { ERROR } else { SUCCESS };
                let members = format!(r#"{status},"filter":{{"text":"{long}"}}"#);
                job(["d", "e"][number % 2], &number.to_string(), 1, &members)
            });
            jobs.collect::<Vec<_>>()
        };
        let files = [file(0), file(45)];
        let expected = (0..90).step_by(3).map(|number| format!("{number} ERROR"));
        let expected: Vec<_> = expected.collect();
        let expected: Vec<_> = expected.iter().map(String::as_str).collect();
        Case::of_failed(&files).check("30 added, 0 replaced, 0 skipped, 60 unmatched", &expected);
    }

    #[test]
    fn a_wrong_condition_is_refused_at_the_start() {
        let query = json!({"filter": [{"k": "status", "v": "ERROR", "o": "equals"}]});
        let refused = ImportFilter::new(None, query.as_object().unwrap(), now());
        let error = refused.unwrap_err().to_string();
        let expected = "query.filter[0].operator: unknown operator `equals`";
        assert!(error.starts_with(expected), "{error}");
    }
}
