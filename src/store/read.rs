//! Executes the plans of lists and statistics, within one read transaction.

use std::cell::Cell;
use std::ops::Deref;
use std::sync::Arc;

use rusqlite::Connection;
use rusqlite::types::ValueRef;

use super::connection::cache::ConnectionCache;
use super::connection::reader::Reader;
use super::document::Document;
use super::error::StoreError;
use super::interrupt::Interrupt;
use super::trigrams;
use crate::query::counters::group::{CounterGroup, CounterSource};
use crate::query::counters::in_memory::{ByDay, ByHour};
use crate::query::list::candidates::{Candidates, MAX_CANDIDATES};
use crate::query::list::plan::{ListPlan, RowsPlan, TotalPlan};
use crate::query::list::seek::{Seek, Start};
use crate::query::list::statements::PageSql;
use crate::query::request::Page;
use crate::query::sql::{ParamRef, Sql};
use crate::query::stat::output::Statement;
use crate::query::stat::plan::{StatPlan, StatRows};
use crate::query::tenant::Tenant;

/// The most that an aggregate may answer, in bytes.
pub(super) const MAX_STAT_BYTES: usize = 64 << 20;

/// A read transaction as rusqlite's own, but with statements that are prepared once a connection and not once an answer.
#[derive(Debug)]
struct Deferred<'r>(&'r Connection);

impl<'r> Deferred<'r> {
    fn begin(connection: &'r Connection) -> rusqlite::Result<Self> {
        // An interrupted BEGIN may have begun all the same: then dropping this ends it.
        let begun = Self(connection);
        connection.prepare_cached("BEGIN DEFERRED")?.execute([])?;
        Ok(begun)
    }
}

impl Deref for Deferred<'_> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        self.0
    }
}

impl Drop for Deferred<'_> {
    fn drop(&mut self) {
        let ended = self.0.prepare_cached("ROLLBACK");
        let _ = ended.and_then(|mut statement| statement.execute([]));
        if self.0.is_autocommit() {
            return;
        }
        // The prepared ROLLBACK may have been interrupted before it did anything. A new statement is too short for that.
        if let Err(error) = self.0.execute_batch("ROLLBACK") {
            log::error!("a read transaction could not be ended: {error}");
        }
    }
}

/// A read transaction: one state of the database for all that an answer needs.
#[derive(Debug)]
pub struct ReadTransaction<'r> {
    transaction: Deferred<'r>,
    cache: &'r ConnectionCache,
    /// Whether the cache has the data of this transaction.
    is_cache_fresh: Cell<bool>,
    interrupt: Arc<Interrupt>,
}

impl Reader {
    /// Begins a read transaction, from which one answer reads all that it needs.
    ///
    /// # Errors
    /// [`StoreError`] when the database can't be read.
    pub fn begin(&mut self) -> Result<ReadTransaction<'_>, StoreError> {
        let interrupt = Arc::clone(&self.interrupt);
        let pooled = &*self.pooled;
        let transaction = Deferred::begin(&pooled.connection)?;
        Ok(ReadTransaction {
            transaction,
            cache: &pooled.cache,
            is_cache_fresh: Cell::new(false),
            interrupt,
        })
    }
}

impl ReadTransaction<'_> {
    pub(super) fn connection(&self) -> &Connection {
        &self.transaction
    }

    /// Returns the connection's cache, with nothing in it that this transaction does not see.
    pub(super) fn cache(&self) -> rusqlite::Result<&ConnectionCache> {
        if !self.is_cache_fresh.get() {
            self.cache.refresh(&self.transaction)?;
            self.is_cache_fresh.set(true);
        }
        Ok(self.cache)
    }

    /// Answers a list as its plan says: passes each document of the page to `each`, and returns the total.
    ///
    /// # Errors
    /// [`StoreError`] when the query is stopped or fails, or what `each` returns.
    pub fn list(
        &self,
        plan: &ListPlan,
        each: &mut impl FnMut(Document<'_>) -> Result<(), StoreError>,
    ) -> Result<u64, StoreError> {
        let rows = match &plan.rows {
            RowsPlan::Nothing => 0,
            RowsPlan::Page(sql) => self.page(&plan.tenant, sql, each)?,
            RowsPlan::Seek(seek) => match self.seek(&plan.tenant, seek)? {
                SeekResult::Hour(hour) => self.page(&plan.tenant, &seek.page_from(hour), each)?,
                SeekResult::BehindTheEnd => 0,
                SeekResult::Unknown => self.page(&plan.tenant, &seek.page(), each)?,
            },
            RowsPlan::Scan(scan) => self.scanned_page(&plan.tenant, scan, each)?,
            RowsPlan::Candidates(candidates) => {
                if let Some(jobs) = self.candidates(candidates)? {
                    self.page_among(plan, &candidates.among(&jobs), each)?
                } else if let Some(scan) = candidates.scan() {
                    self.scanned_page(&plan.tenant, &scan, each)?
                } else {
                    let rows = self.page(&plan.tenant, &candidates.page(), each)?;
                    if candidates.counts() {
                        self.number(&candidates.count())?
                    } else {
                        rows
                    }
                }
            }
        };
        match &plan.total {
            TotalPlan::FromRows => Ok(rows),
            TotalPlan::Scan(scan) => self.scanned_total(scan),
            TotalPlan::Statuses(passes) => {
                let jobs = self.cache()?.statuses(&self.transaction, &plan.tenant)?;
                Ok(u64::try_from(jobs.sum_of(passes)).unwrap_or(0))
            }
            TotalPlan::Sql(sql) => self.number(sql),
            TotalPlan::Candidates(candidates) => match self.candidates(candidates)? {
                Some(jobs) => self.number(&candidates.count_among(&jobs)),
                None => match candidates.scan() {
                    Some(scan) => self.scanned_total(&scan),
                    None => self.number(&candidates.count()),
                },
            },
        }
    }

    /// Passes the documents of a page to `each`; returns how many there are.
    pub(super) fn page(
        &self,
        tenant: &Tenant,
        sql: &PageSql,
        each: &mut impl FnMut(Document<'_>) -> Result<(), StoreError>,
    ) -> Result<u64, StoreError> {
        match sql {
            PageSql::Ids(sql) => {
                let jobs = self.ids(sql)?;
                self.documents_of(tenant, &jobs, each)?;
                Ok(jobs.len() as u64)
            }
            PageSql::Documents(sql) => self.documents(sql, each),
        }
    }

    /// Passes the documents of a page to `each`, from a statement that selects all matches; returns how many matches there are.
    fn page_among(
        &self,
        plan: &ListPlan,
        sql: &PageSql,
        each: &mut impl FnMut(Document<'_>) -> Result<(), StoreError>,
    ) -> Result<u64, StoreError> {
        let mut row = 0;
        let mut is_of_page = || {
            row += 1;
            plan.page.has(row - 1)
        };
        match sql {
            PageSql::Ids(sql) => {
                let mut jobs = self.ids(sql)?;
                let total = jobs.len() as u64;
                jobs.retain(|_| is_of_page());
                self.documents_of(&plan.tenant, &jobs, each)?;
                Ok(total)
            }
            PageSql::Documents(sql) => self.documents(sql, &mut |document| {
                if is_of_page() { each(document) } else { Ok(()) }
            }),
        }
    }

    /// Returns the ids of jobs that a statement selects.
    pub(super) fn ids(&self, sql: &Sql) -> Result<Vec<i64>, StoreError> {
        let mut ids = Vec::new();
        self.each_row(sql, &mut |row| {
            ids.push(row.get(0)?);
            Ok(())
        })?;
        Ok(ids)
    }

    /// Returns the integer that a statement of one row selects.
    pub(super) fn number(&self, sql: &Sql) -> Result<u64, StoreError> {
        let mut number: i64 = 0;
        self.each_row(sql, &mut |row| {
            number = row.get(0)?;
            Ok(())
        })?;
        Ok(u64::try_from(number).unwrap_or(0))
    }

    /// Passes the documents of these jobs of a domain to `each`.
    pub(super) fn documents_of(
        &self,
        tenant: &Tenant,
        jobs: &[i64],
        each: &mut impl FnMut(Document<'_>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let cache = self.cache()?;
        self.map_interrupt(cache.each_document(&self.transaction, tenant, jobs, each))
    }

    /// Returns the few jobs among which all matches are; `None` where they are unknown or too many.
    fn candidates(&self, candidates: &Candidates) -> Result<Option<Vec<i64>>, StoreError> {
        let words = candidates.words();
        Ok(trigrams::candidates(
            &self.transaction,
            words,
            MAX_CANDIDATES,
        )?)
    }

    /// Finds the hour in which a far page begins.
    fn seek(&self, tenant: &Tenant, seek: &Seek) -> Result<SeekResult, StoreError> {
        let connection = &self.transaction;
        let find = |days: &ByDay, _: &mut _| seek.find(days.iter(), 0);
        let day = match self.cache()?.with_days(connection, tenant, find)? {
            None => return Ok(SeekResult::Unknown),
            Some(None) => return Ok(SeekResult::BehindTheEnd),
            Some(Some(day)) => day,
        };
        let find = |hours: &ByHour| seek.find(hours.iter(), day.passed);
        let hour = self
            .cache()?
            .with_hours(connection, tenant, day.span, find)?;
        Ok(hour.map_or(SeekResult::BehindTheEnd, SeekResult::Hour))
    }

    /// Passes each document that a statement selects to `each`, whole or in the three pieces of a row of `jobs`; returns how
    /// many there were.
    pub(super) fn documents(
        &self,
        sql: &Sql,
        each: &mut impl FnMut(Document<'_>) -> Result<(), StoreError>,
    ) -> Result<u64, StoreError> {
        let mut count = 0;
        self.each_row(sql, &mut |row| {
            count += 1;
            let text = |index| -> rusqlite::Result<_> { Ok(row.get_ref(index)?.as_str()?) };
            if row.as_ref().column_count() == 1 {
                return each(Document::from_text(text(0)?));
            }
            let (head, tail) = (text(0)?, text(2)?);
            let info = match row.get(1)? {
                Some(key) => self.cache()?.collector_info(&self.transaction, key)?,
                None => None,
            };
            each(Document::from_pieces(head, info.as_deref(), tail))
        })?;
        Ok(count)
    }

    /// Answers statistics as their plan says: appends the rows of the page to `out`, separated by commas, and returns how
    /// many there are before paging.
    ///
    /// # Errors
    /// [`StoreError`] when the query is stopped or fails, or the answer is too large.
    pub fn stat(&self, plan: &StatPlan, out: &mut Vec<u8>) -> Result<u64, StoreError> {
        match &plan.rows {
            StatRows::Statement(statement) => self.stat_rows(statement, plan.page, out),
            StatRows::Groups(groups) => self.scanned_groups(groups, plan.page, out),
            StatRows::Top(top) => self.scanned_top(top, plan.page, out),
            StatRows::Counters { group, otherwise } => {
                match self.counter_rows(group, plan.page, out)? {
                    Some(rows) => Ok(rows),
                    None => self.stat_rows(&otherwise.compile(), plan.page, out),
                }
            }
        }
    }

    /// Appends the rows that a statement selects.
    pub(super) fn stat_rows(
        &self,
        statement: &Statement,
        page: Page,
        out: &mut Vec<u8>,
    ) -> Result<u64, StoreError> {
        let width = statement.output.width();
        let mut count = 0;
        self.each_row(&statement.sql, &mut |row| {
            if page.has(count) {
                if count > page.skip {
                    out.push(b',');
                }
                let values = (0..width)
                    .map(|index| param_ref(row.get_ref(index)?))
                    .collect::<rusqlite::Result<Vec<_>>>()?;
                let size: usize = values.iter().map(ParamRef::size).sum();
                if out.len() + size > MAX_STAT_BYTES {
                    return Err(too_large());
                }
                statement.output.write_row(&values, out);
            }
            count += 1;
            Ok(())
        })?;
        Ok(count)
    }

    /// Whether the time of the query is up.
    pub(super) fn is_due(&self) -> bool {
        self.interrupt.is_due()
    }

    /// Returns the key of a tenant's domain; `None` for a domain that never had a job.
    pub(super) fn domain_key(&self, tenant: &Tenant) -> Result<Option<i64>, StoreError> {
        Ok(self.cache()?.domain_key(&self.transaction, tenant)?)
    }

    /// Appends the rows of a group from counters in memory; `None` where these are too many.
    fn counter_rows(
        &self,
        group: &CounterGroup,
        page: Page,
        out: &mut Vec<u8>,
    ) -> Result<Option<u64>, StoreError> {
        let (connection, tenant) = (&self.transaction, &group.tenant);
        let written = match group.source() {
            CounterSource::Days => {
                self.cache()?
                    .with_days(connection, tenant, |days, labels| {
                        group.write_by_day(days, labels, page, MAX_STAT_BYTES, out)
                    })?
            }
            CounterSource::Collectors => {
                self.cache()?
                    .with_collectors(connection, tenant, |collectors| {
                        group.write_by_collector(collectors, page, MAX_STAT_BYTES, out)
                    })?
            }
        };
        written.map(|rows| rows.ok_or_else(too_large)).transpose()
    }

    /// Returns the domains by name, each with the number of its jobs.
    ///
    /// # Errors
    /// [`StoreError`] when the database can't be read.
    pub fn domains(&self) -> Result<Vec<(String, i64)>, StoreError> {
        let sql = Sql::new(
            "SELECT d.domain_id, sum(c.jobs) AS jobs FROM domains AS d JOIN status_counts AS c ON c.domain = d.id \
             GROUP BY d.id HAVING sum(c.jobs) > 0 ORDER BY d.domain_id",
        );
        let mut domains = Vec::new();
        self.each_row(&sql, &mut |row| {
            domains.push((row.get(0)?, row.get(1)?));
            Ok(())
        })?;
        Ok(domains)
    }

    /// Passes every document of the database to `each`, in the order in which the jobs were first written.
    ///
    /// # Errors
    /// [`StoreError`] when the database can't be read, or what `each` returns.
    pub fn every_document(
        &self,
        each: &mut impl FnMut(Document<'_>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let all = Sql::new("SELECT head, collector_info, tail FROM jobs ORDER BY id");
        self.documents(&all, each).map(|_| ())
    }

    /// Returns the number of all jobs.
    ///
    /// # Errors
    /// [`StoreError`] when the database can't be read.
    pub fn total(&self) -> Result<u64, StoreError> {
        let domains = self.domains()?;
        Ok(domains
            .iter()
            .map(|(_, jobs)| u64::try_from(*jobs).unwrap_or(0))
            .sum())
    }

    /// Returns how SQLite executes a statement, a line a step, so that tests can see which index it takes.
    ///
    /// # Errors
    /// [`StoreError`] when the statement is wrong.
    pub fn plan(&self, sql: &Sql) -> Result<Vec<String>, StoreError> {
        let mut explained = Sql::new("EXPLAIN QUERY PLAN ");
        explained.append(sql.clone());
        let mut steps = Vec::new();
        self.each_row(&explained, &mut |row| {
            steps.push(row.get("detail")?);
            Ok(())
        })?;
        Ok(steps)
    }

    pub(super) fn each_row(
        &self,
        sql: &Sql,
        each: &mut impl FnMut(&rusqlite::Row<'_>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        self.map_interrupt(run(&self.transaction, sql, each))
    }

    /// Distinguishes a query that was cancelled from one that took too long.
    pub(super) fn map_interrupt<T>(&self, result: Result<T, StoreError>) -> Result<T, StoreError> {
        match result {
            Err(StoreError::Timeout) if self.interrupt.is_cancelled() => Err(StoreError::Cancelled),
            other => other,
        }
    }
}

/// Where a far page begins.
enum SeekResult {
    Hour(Start),
    BehindTheEnd,
    Unknown,
}

fn param_ref(value: ValueRef<'_>) -> rusqlite::Result<ParamRef<'_>> {
    Ok(match value {
        ValueRef::Null => ParamRef::Null,
        ValueRef::Integer(integer) => ParamRef::Integer(integer),
        ValueRef::Real(real) => ParamRef::Real(real),
        ValueRef::Text(_) => ParamRef::Text(value.as_str()?),
        ValueRef::Blob(blob) => ParamRef::Blob(blob),
    })
}

pub(super) fn too_large() -> StoreError {
    StoreError::Query(crate::query::QueryError::Language {
        location: "query".to_owned(),
        problem: format!(
            "the answer is larger than {} MiB; narrow the filter, or add a limit or a page",
            MAX_STAT_BYTES >> 20
        ),
    })
}

fn run(
    connection: &Connection,
    sql: &Sql,
    each: &mut impl FnMut(&rusqlite::Row<'_>) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let mut statement = connection.prepare_cached(sql.text())?;
    let mut rows = statement.query(rusqlite::params_from_iter(sql.params()))?;
    while let Some(row) = rows.next()? {
        each(row)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::connection::open::{Mode, STEPS_PER_DEADLINE_CHECK};
    use super::super::database::Store;
    use super::super::write::{OnConflict, WriteTransaction};
    use super::*;
    use crate::job::Job;
    use crate::query::compile_list;
    use crate::query::request::JobsQuery;
    use crate::time::Timestamp;

    #[test]
    fn a_reader_that_is_interrupted_at_any_step_can_be_used_again() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("x.db"), Mode::Create, 1).unwrap();
        let overdue = Arc::new(Interrupt::after(Duration::ZERO));
        let in_time = Arc::new(Interrupt::after(Duration::from_mins(1)));
        // BEGIN and ROLLBACK must not reach the same step together.
        let reader = store.reader(&in_time).unwrap();
        let mut end = reader.pooled.connection.prepare_cached("ROLLBACK").unwrap();
        assert!(end.execute([]).is_err(), "there is nothing to end");
        drop(end);
        drop(reader);
        let mut interrupted = 0;
        // The steps of a cached statement are counted on, so each of them becomes the one at which the deadline is checked.
        for _ in 0..STEPS_PER_DEADLINE_CHECK {
            let mut reader = store.reader(&overdue).unwrap();
            let result = reader.begin().and_then(|transaction| transaction.total());
            interrupted += usize::from(matches!(result, Err(StoreError::Timeout)));
            assert!(reader.pooled.connection.is_autocommit());
        }
        let mut reader = store.reader(&in_time).unwrap();
        assert_eq!(reader.begin().unwrap().total().unwrap(), 0);
        assert!(interrupted > 0);
    }

    #[test]
    fn a_page_is_current_whatever_the_cache_holds() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("x.db"), Mode::Create, 1).unwrap();
        let job = |job_id: &str, tasks: u32| {
            let text = format!(
                r#"{{"job_id":"{job_id}","domain_id":"d","created_at":"2026-01-01T00:00:00Z","total_tasks":{tasks}}}"#
            );
            Job::from_json(text.as_bytes()).unwrap()
        };
        let write = |act: &dyn Fn(&mut WriteTransaction<'_>)| {
            let mut writer = store.writer().unwrap();
            let mut transaction = writer.begin(OnConflict::Replace).unwrap();
            act(&mut transaction);
            transaction.commit().unwrap();
        };
        let request = br#"{"domain_id":"d","query":{"page":{"limit":9}}}"#;
        let request = JobsQuery::from_json(request).unwrap();
        let plan = compile_list(&request, Timestamp::MIN).unwrap();
        let tasks = || {
            let minute = Arc::new(Interrupt::after(Duration::from_mins(1)));
            // On a busy machine the first may take longer to open than an answer waits for it.
            let tries = std::iter::repeat_with(|| store.inline_reader(&minute));
            let mut reader = tries.flatten().next().unwrap();
            let mut tasks = Vec::new();
            let mut each = |document: Document<'_>| {
                let job = Job::from_json(document.to_text().as_bytes()).unwrap();
                tasks.push((job.job_id, job.total_tasks));
                Ok(())
            };
            reader.begin().unwrap().list(&plan, &mut each).unwrap();
            let held = reader.pooled.cache.document_count();
            assert_eq!(held, tasks.len(), "else nothing is tested here");
            tasks
        };
        let pair = |job_id: &str, tasks| (job_id.to_owned(), tasks);
        write(&|transaction| {
            transaction.put(&job("a", 1)).unwrap();
            transaction.put(&job("b", 1)).unwrap();
        });
        assert_eq!(tasks(), [pair("a", 1), pair("b", 1)]);
        write(&|transaction| {
            transaction.put(&job("a", 2)).unwrap();
        });
        assert_eq!(tasks(), [pair("a", 2), pair("b", 1)]);
        // The last row is deleted, and its number is given to another.
        write(&|transaction| {
            assert!(transaction.delete("d", "b").unwrap());
        });
        write(&|transaction| {
            transaction.put(&job("c", 3)).unwrap();
        });
        assert_eq!(tasks(), [pair("a", 2), pair("c", 3)]);
    }

    #[test]
    fn among_few_candidates_the_page_is_answered_and_all_are_counted() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("x.db"), Mode::Scratch, 1).unwrap();
        let mut writer = store.writer().unwrap();
        let mut transaction = writer.begin(OnConflict::Fail).unwrap();
        // Of fewer jobs no candidates are known.
        let others = (0..trigrams::MAX_ID_WITHOUT_INDEX).map(|number| format!("other-{number}"));
        let job_ids = ["a-word", "b-word", "c-word"]
            .map(str::to_owned)
            .into_iter();
        for (second, job_id) in job_ids.chain(others).enumerate() {
            let text = format!(
                r#"{{"job_id":"{job_id}","domain_id":"d","created_at":"2026-01-01T00:00:{:02}Z"}}"#,
                second % 60
            );
            transaction
                .put(&Job::from_json(text.as_bytes()).unwrap())
                .unwrap();
        }
        transaction.commit().unwrap();
        drop(writer);
        let minute = Arc::new(Interrupt::after(Duration::from_mins(1)));
        let mut reader = store.reader(&minute).unwrap();
        let transaction = reader.begin().unwrap();
        for shape in ["", r#","only":["job_id"]"#] {
            let request = format!(
                r#"{{"domain_id":"d","query":{{"keyword":"word","page":{{"start":2,"limit":1}}{shape}}}}}"#
            );
            let request = JobsQuery::from_json(request.as_bytes()).unwrap();
            let plan = compile_list(&request, Timestamp::MIN).unwrap();
            let RowsPlan::Candidates(candidates) = &plan.rows else {
                panic!("a keyword is searched for among candidates");
            };
            assert!(transaction.candidates(candidates).unwrap().is_some());
            let mut found = Vec::new();
            let mut each = |document: Document<'_>| {
                let job: serde_json::Value = serde_json::from_str(&document.to_text()).unwrap();
                found.push(job["job_id"].clone());
                Ok(())
            };
            assert_eq!(transaction.list(&plan, &mut each).unwrap(), 3);
            assert_eq!(found, ["b-word"], "{shape}");
        }
    }
}
