//! Reads the blocks of a domain for a scan ([`crate::query::scan`]).

use std::cell::Cell;
use std::cmp::Reverse;

use rusqlite::Connection;
use rusqlite::types::FromSql;

use crate::columns::{Block, Damaged, ErrorTexts};
use crate::query::check::filter::Filter;
use crate::query::list::scan::ListScan;
use crate::query::request::Page;
use crate::query::scan::{
    BlockFilter, BlockOrder, BlockReader, BlockTimes, Consumer, GroupScan, Loaded, Stopped, TopScan,
};
use crate::query::sql::{Param, ParamRef};
use crate::query::stat::output::Output;
use crate::query::stat::plan::{GroupRows, TopRows};
use crate::query::tenant::Tenant;
use crate::store::document::Document;
use crate::store::error::StoreError;
use crate::store::job_row::Errors;
use crate::store::read::{MAX_STAT_BYTES, ReadTransaction, too_large};
use crate::store::trigrams;

/// The most jobs with a word that are looked up before a scan.
const MAX_JOBS_WITH_WORDS: usize = 100_000;

impl ReadTransaction<'_> {
    /// Returns the first jobs of a scan in order, and the number of all; `None` where a statement must answer.
    pub(in crate::store) fn top(
        &self,
        scan: &TopScan,
    ) -> Result<Option<(Vec<i64>, u64)>, StoreError> {
        let Some(mut top) = scan.start() else {
            return Ok(None);
        };
        let is_whole = self.scan(&scan.tenant, &scan.filter, &mut top)?;
        Ok(is_whole.then(|| top.finish()))
    }

    /// Returns the groups of a scan in the order of their keys; `None` where a statement must answer.
    pub(in crate::store) fn groups(
        &self,
        scan: &GroupScan,
    ) -> Result<Option<Vec<Vec<Param>>>, StoreError> {
        let mut groups = scan.start();
        let is_whole = self.scan(&scan.tenant, &scan.filter, &mut groups)?;
        if !is_whole {
            return Ok(None);
        }
        Ok(groups.finish().ok())
    }

    /// Passes the documents of a page that a scan finds to `each`; returns how many matches there are.
    pub(in crate::store) fn scanned_page(
        &self,
        tenant: &Tenant,
        scan: &ListScan,
        each: &mut impl FnMut(Document<'_>) -> Result<(), StoreError>,
    ) -> Result<u64, StoreError> {
        let counted = scan.counted().map(|sql| self.number(sql)).transpose()?;
        if counted == Some(0) {
            return Ok(0);
        }
        if let Some((jobs, scanned)) = self.top(scan.scan())? {
            let jobs = scan.of_page(&jobs);
            match scan.documents(jobs) {
                None => self.documents_of(tenant, jobs, each)?,
                Some(sql) => {
                    self.documents(&sql, each)?;
                }
            }
            return Ok(counted.unwrap_or(scanned));
        }
        let rows = match scan.page() {
            Some(page) => self.page(tenant, &page, each)?,
            None => 0,
        };
        match (counted, scan.count()) {
            (Some(counted), _) => Ok(counted),
            (None, Some(count)) => self.number(&count),
            (None, None) => Ok(rows),
        }
    }

    /// Returns how many matches a scan finds.
    pub(in crate::store) fn scanned_total(&self, scan: &ListScan) -> Result<u64, StoreError> {
        match self.top(scan.scan())? {
            Some((_, total)) => Ok(total),
            None => scan.count().map_or(Ok(0), |count| self.number(&count)),
        }
    }

    /// Answers groups of a scan, and the stages after them; returns how many rows there are before paging.
    pub(in crate::store) fn scanned_groups(
        &self,
        groups: &GroupRows,
        page: Page,
        out: &mut Vec<u8>,
    ) -> Result<u64, StoreError> {
        let otherwise = &groups.otherwise;
        match (self.groups(&groups.scan)?, &groups.output) {
            (Some(rows), Some(output)) => write_rows(&rows, output, page, out),
            (Some(rows), None) => {
                let statement = otherwise.after(groups.stages, &groups.scan, &rows);
                self.stat_rows(&statement, page, out)
            }
            (None, _) => self.stat_rows(&otherwise.compile(), page, out),
        }
    }

    /// Answers stages over the first jobs of a scan; returns how many rows there are before paging.
    pub(in crate::store) fn scanned_top(
        &self,
        top: &TopRows,
        page: Page,
        out: &mut Vec<u8>,
    ) -> Result<u64, StoreError> {
        let Some((jobs, total)) = self.top(&top.scan)? else {
            return self.stat_rows(&top.otherwise.compile(), page, out);
        };
        let rows = self.stat_rows(&top.otherwise.among(&jobs), page, out)?;
        Ok(if top.has_total { total } else { rows })
    }

    /// Passes the jobs of a tenant that pass a filter to a consumer; returns false where a statement must answer.
    pub(in crate::store) fn scan(
        &self,
        tenant: &Tenant,
        filter: &Filter,
        consumer: &mut impl Consumer,
    ) -> Result<bool, StoreError> {
        match BlockFilter::new(tenant, filter) {
            Some(filter) => self.scan_blocks(tenant, filter, consumer),
            None => Ok(false),
        }
    }

    /// The same with a filter that is compiled.
    pub(in crate::store) fn scan_blocks(
        &self,
        tenant: &Tenant,
        mut filter: BlockFilter,
        consumer: &mut impl Consumer,
    ) -> Result<bool, StoreError> {
        let Some(domain) = self.domain_key(tenant)? else {
            // A domain without jobs.
            return Ok(true);
        };
        let scanned = self
            .read_collectors(domain, &mut filter, consumer)
            .and_then(|()| Ok(filter.look_up_words(&|words| self.jobs_with_words(words))?))
            .and_then(|()| self.read_blocks(domain, &filter, consumer));
        match scanned {
            Ok(()) => Ok(true),
            Err(Ended::Stopped(Stopped::Unsupported)) => Ok(false),
            Err(Ended::Stopped(Stopped::Damaged(damaged))) => Err(damaged.into()),
            // `read_blocks` returns the failure itself.
            Err(Ended::Stopped(Stopped::Unreadable)) => Err(Damaged.into()),
            Err(Ended::Failed(error)) => self.map_interrupt(Err(error)),
        }
    }

    fn read_collectors(
        &self,
        domain: i64,
        filter: &mut BlockFilter,
        consumer: &mut impl Consumer,
    ) -> Result<(), Ended> {
        let (of_filter, of_consumer) = (filter.needs_collectors(), consumer.needs_collectors());
        if !of_filter && !of_consumer {
            return Ok(());
        }
        let mut statement = self
            .connection()
            .prepare_cached("SELECT id, info FROM collector_infos WHERE domain = ?")?;
        let mut rows = statement.query([domain])?;
        while let Some(row) = rows.next()? {
            let (key, info) = (
                row.get(0)?,
                row.get_ref(1)?.as_str().map_err(rusqlite::Error::from)?,
            );
            if of_filter {
                filter.add_collector(key, info, &|| self.is_due())?;
            }
            if of_consumer {
                consumer.add_collector(key, info)?;
            }
        }
        Ok(())
    }

    /// Returns the jobs of all domains whose ids may have one of these words, ascending; `None` where the index does not know
    /// them, or they are so many that reading all ids is as fast.
    fn jobs_with_words(&self, words: &[String]) -> rusqlite::Result<Option<Vec<i64>>> {
        trigrams::candidates(self.connection(), words, MAX_JOBS_WITH_WORDS)
    }

    fn read_blocks(
        &self,
        domain: i64,
        filter: &BlockFilter,
        consumer: &mut impl Consumer,
    ) -> Result<(), Ended> {
        let needs_job_ids = filter.needs_job_ids() || consumer.needs_job_ids();
        let needs_errors = filter.needs_errors();
        let connection: &Connection = self.connection();
        let mut statement = connection.prepare_cached(&format!(
            "SELECT columns, {}, {} FROM job_columns WHERE rowid = ?",
            if needs_errors { "errors" } else { "NULL" },
            if needs_job_ids { "job_ids" } else { "NULL" },
        ))?;
        let mut positions = Vec::new();
        for (rowid, times) in self.blocks_in_range(domain, filter.range(), consumer.order())? {
            if consumer.is_complete_before(times) {
                break;
            }
            // SQLite checks the deadline once in a thousand steps, and each block is only a few.
            if self.is_due() {
                return Err(interrupted().into());
            }
            let mut rows = statement.query([rowid])?;
            let row = rows.next()?.ok_or(Damaged).map_err(Stopped::from)?;
            let blob = |index| {
                row.get_ref(index)?
                    .as_blob_or_null()
                    .map_err(rusqlite::Error::from)
            };
            let stored = StoredBlock {
                connection,
                rowid,
                failure: Cell::new(None),
            };
            let columns = blob(0)?.ok_or(Damaged).map_err(Stopped::from)?;
            let block = Block::new(columns).map_err(Stopped::from)?;
            let loaded = Loaded::new(block, blob(2)?, blob(1)?, &stored).map_err(Stopped::from)?;
            let taken = filter
                .select(&loaded, &|| self.is_due(), &mut positions)
                .and_then(|()| consumer.add_jobs(&loaded, &positions));
            if let Some(failure) = stored.failure.take() {
                return Err(Ended::Failed(failure));
            }
            taken?;
        }
        Ok(())
    }

    /// Returns the blocks of a domain that may have jobs of a range of `created_at`, both ends included: the `rowid` and the
    /// times of each, in an order.
    fn blocks_in_range(
        &self,
        domain: i64,
        (from, to): (i64, i64),
        order: BlockOrder,
    ) -> rusqlite::Result<Vec<(i64, BlockTimes)>> {
        let mut statement = self.connection().prepare_cached(
            "SELECT block, rowid, first, last FROM job_columns INDEXED BY job_columns_by_time \
             WHERE domain = ? AND last >= ? AND first <= ?",
        )?;
        let blocks = statement.query_map([domain, from, to], |row| {
            let times = BlockTimes {
                first: row.get(2)?,
                last: row.get(3)?,
            };
            Ok((row.get::<_, i64>(0)?, row.get(1)?, times))
        })?;
        let mut blocks: Vec<(i64, i64, BlockTimes)> = blocks.collect::<Result<_, _>>()?;
        match order {
            BlockOrder::Stored => blocks.sort_unstable_by_key(|(block, ..)| *block),
            BlockOrder::NewestFirst => {
                blocks.sort_unstable_by_key(|(block, _, times)| Reverse((times.last, *block)));
            }
            BlockOrder::OldestFirst => {
                blocks.sort_unstable_by_key(|(block, _, times)| (times.first, *block));
            }
        }
        let blocks = blocks.into_iter().map(|(_, rowid, times)| (rowid, times));
        Ok(blocks.collect())
    }
}

/// Reads what a scan needs of a block only sometimes.
struct StoredBlock<'c> {
    connection: &'c Connection,
    rowid: i64,
    /// Why something could not be read.
    failure: Cell<Option<StoreError>>,
}

impl StoredBlock<'_> {
    fn read<T: FromSql>(&self, sql: &str, id: i64) -> Result<T, Stopped> {
        let read = self
            .connection
            .prepare_cached(sql)
            .and_then(|mut statement| statement.query_row([id], |row| row.get(0)));
        read.map_err(|error| self.fail(error.into()))
    }

    fn fail(&self, error: StoreError) -> Stopped {
        self.failure.set(Some(error));
        Stopped::Unreadable
    }
}

impl BlockReader for StoredBlock<'_> {
    fn job_ids(&self) -> Result<Vec<u8>, Stopped> {
        let sql = "SELECT job_ids FROM job_columns WHERE rowid = ?";
        self.read(sql, self.rowid)
    }

    fn errors(&self) -> Result<Vec<u8>, Stopped> {
        let sql = "SELECT errors FROM job_columns WHERE rowid = ?";
        self.read(sql, self.rowid)
    }

    fn errors_of(&self, job: i64) -> Result<Vec<ErrorTexts>, Stopped> {
        let head: String = self.read("SELECT head FROM jobs WHERE id = ?", job)?;
        let errors = Errors::from_head(&head)
            .map_err(|not_json| self.fail(StoreError::Damaged(not_json.to_string())))?;
        Ok(errors.texts)
    }
}

/// Appends the rows of a page; returns how many there are before paging.
fn write_rows(
    rows: &[Vec<Param>],
    output: &Output,
    page: Page,
    out: &mut Vec<u8>,
) -> Result<u64, StoreError> {
    for (row, count) in rows.iter().zip(0..) {
        if !page.has(count) {
            continue;
        }
        if count > page.skip {
            out.push(b',');
        }
        let values: Vec<_> = row.iter().map(Param::as_ref).collect();
        let size: usize = values.iter().map(ParamRef::size).sum();
        if out.len() + size > MAX_STAT_BYTES {
            return Err(too_large());
        }
        output.write_row(&values, out);
    }
    Ok(rows.len() as u64)
}

/// Why a scan ended before its end.
enum Ended {
    Stopped(Stopped),
    Failed(StoreError),
}

impl From<Stopped> for Ended {
    fn from(stopped: Stopped) -> Self {
        Self::Stopped(stopped)
    }
}

impl From<rusqlite::Error> for Ended {
    fn from(error: rusqlite::Error) -> Self {
        Self::Failed(error.into())
    }
}

fn interrupted() -> rusqlite::Error {
    let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_INTERRUPT);
    rusqlite::Error::SqliteFailure(code, None)
}
