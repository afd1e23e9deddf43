//! The cache of a connection: counters, collectors and documents, valid for one `data_version`.
//!
//! From counters in memory, lists by status are counted and the groups of a dashboard computed without SQLite. Collectors
//! are found with one lookup a row instead of one per level of a tree. `document_cache.rs` says what documents gain.
//!
//! Rule: SQLite, `PRAGMA data_version`: within a connection the number changes when another one has committed; read
//! within a transaction, it is that of the data which the transaction sees. A reading connection makes no changes of its
//! own, so what was read under a number is true wherever the number is the same, and the next read sees every write.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, params_from_iter};

use super::document_cache::{DocumentCache, DocumentReader};
use crate::query::counters::in_memory::{ByCollector, ByDay, ByHour, ByStatus, DayLabels};
use crate::query::counters::tables;
use crate::query::counters::tables::CounterTable;
use crate::query::sql::Sql;
use crate::query::tenant::Tenant;
use crate::store::document::Document;
use crate::store::job_row::status_from_row;

/// The most that is cached of collectors, in bytes of text.
const MAX_INFO_BYTES: usize = 512 << 10;
/// The most collectors that are cached.
const INFO_SLOTS: i64 = 1 << 10;
/// The most rows of a counter table that are cached for a domain; where there are more, SQLite adds them up each time.
const MAX_ROWS: i64 = 50_000;
/// The most domains whose counters are cached.
const MAX_DOMAINS: usize = 16;
/// The most days of a domain whose hours are cached.
const MAX_DAYS: usize = 32;
/// The most date formats whose labels of days are cached.
const MAX_FORMATS: usize = 8;

/// The cache of a connection.
#[derive(Debug, Default)]
pub(in crate::store) struct ConnectionCache(RefCell<Contents>);

#[derive(Debug, Default)]
struct Contents {
    /// The `data_version` under which all of it was read.
    version: i64,
    domains: HashMap<String, Domain>,
    collector_infos: CollectorInfos,
    documents: DocumentCache,
}

/// `collector_infos.info` by its id. Each id has one slot, which it shares with others and which holds the one read last:
/// every row of an answer looks its collector up, and so it takes one lookup, not one per level of a tree.
#[derive(Debug, Default)]
struct CollectorInfos {
    slots: Vec<Option<(i64, Arc<str>)>>,
    /// The bytes of text in all slots.
    bytes: usize,
}

impl CollectorInfos {
    fn slot_of(key: i64) -> usize {
        usize::try_from(key.rem_euclid(INFO_SLOTS)).unwrap_or(0)
    }

    fn get(&self, key: i64) -> Option<&Arc<str>> {
        match self.slots.get(Self::slot_of(key)) {
            Some(Some((id, info))) if *id == key => Some(info),
            _ => None,
        }
    }

    /// Returns the text of a collector, cached or read; `None` in a damaged database that lacks it.
    fn get_or_read(
        &mut self,
        connection: &Connection,
        key: i64,
    ) -> rusqlite::Result<Option<Arc<str>>> {
        if let Some(info) = self.get(key) {
            return Ok(Some(Arc::clone(info)));
        }
        let info = connection
            .prepare_cached("SELECT info FROM collector_infos WHERE id = ?")?
            .query_row([key], |row| Ok(Arc::<str>::from(row.get_ref(0)?.as_str()?)))
            .optional()?;
        if let Some(info) = &info {
            self.insert(key, Arc::clone(info));
        }
        Ok(info)
    }

    fn insert(&mut self, key: i64, info: Arc<str>) {
        let slot = Self::slot_of(key);
        if self.slots.len() <= slot {
            self.slots.resize(slot + 1, None);
        }
        self.bytes += info.len();
        if let Some((_, before)) = self.slots[slot].replace((key, info)) {
            self.bytes -= before.len();
        }
        if self.bytes > MAX_INFO_BYTES {
            *self = Self::default();
        }
    }
}

#[derive(Debug, Default)]
struct Domain {
    /// `domains.id`.
    key: Option<i64>,
    statuses: Option<ByStatus>,
    days: Cached<(ByDay, DayLabels)>,
    collectors: Cached<ByCollector>,
    /// By day, for the days in which recent pages began.
    hours: HashMap<i64, ByHour>,
}

#[derive(Debug, Default)]
enum Cached<T> {
    #[default]
    NotRead,
    TooMany,
    Loaded(T),
}

impl ConnectionCache {
    /// A cache that holds documents, too.
    pub(super) fn with_documents() -> Self {
        Self(RefCell::new(Contents {
            documents: DocumentCache::new(),
            ..Contents::default()
        }))
    }

    #[cfg(test)]
    pub(in crate::store) fn document_count(&self) -> usize {
        self.0.borrow().documents.len()
    }

    /// Empties the cache where the data has changed. To be called first in every transaction that uses it.
    pub(in crate::store) fn refresh(&self, connection: &Connection) -> rusqlite::Result<()> {
        let version = connection
            .prepare_cached("PRAGMA data_version")?
            .query_row([], |row| row.get(0))?;
        let mut contents = self.0.borrow_mut();
        if contents.version != version {
            let mut documents = std::mem::take(&mut contents.documents);
            documents.clear();
            *contents = Contents {
                version,
                documents,
                ..Contents::default()
            };
        }
        Ok(())
    }

    /// Returns a collector by its key; `None` in a damaged database that lacks it.
    pub(in crate::store) fn collector_info(
        &self,
        connection: &Connection,
        key: i64,
    ) -> rusqlite::Result<Option<Arc<str>>> {
        let infos = &mut self.0.borrow_mut().collector_infos;
        infos.get_or_read(connection, key)
    }

    /// Returns the key of a tenant's domain; `None` for a domain that never had a job.
    pub(in crate::store) fn domain_key(
        &self,
        connection: &Connection,
        tenant: &Tenant,
    ) -> rusqlite::Result<Option<i64>> {
        self.with(tenant, |domain| {
            if domain.key.is_none() {
                domain.key = read_key(connection, tenant)?;
            }
            Ok(domain.key)
        })
    }

    /// Calls `each` with the documents of these jobs of a domain, in this order, until it returns an error.
    pub(in crate::store) fn each_document<E: From<rusqlite::Error>>(
        &self,
        connection: &Connection,
        tenant: &Tenant,
        jobs: &[i64],
        mut each: impl FnMut(Document<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        if jobs.is_empty() {
            return Ok(());
        }
        // A domain without jobs may have none.
        let domain = self.domain_key(connection, tenant)?.unwrap_or_default();
        let contents = &mut *self.0.borrow_mut();
        let infos = &mut contents.collector_infos;
        let mut reader = DocumentReader::new(connection)?;
        jobs.iter().try_for_each(|job| {
            contents
                .documents
                .with((domain, *job), &mut reader, |document| {
                    let info = match document.collector_info {
                        Some(key) => infos.get_or_read(connection, key)?,
                        None => None,
                    };
                    each(Document::from_pieces(
                        document.head(),
                        info.as_deref(),
                        document.tail(),
                    ))
                })?
        })
    }

    /// Returns how many jobs a domain has in each status.
    pub(in crate::store) fn statuses(
        &self,
        connection: &Connection,
        tenant: &Tenant,
    ) -> rusqlite::Result<ByStatus> {
        self.with(tenant, |domain| {
            if let Some(statuses) = domain.statuses {
                return Ok(statuses);
            }
            let statuses = read_statuses(connection, tenant)?;
            domain.statuses = Some(statuses);
            Ok(statuses)
        })
    }

    /// Calls `act` with the counters of a domain by day and the labels of the days; `None` where they are too many.
    pub(in crate::store) fn with_days<T>(
        &self,
        connection: &Connection,
        tenant: &Tenant,
        act: impl FnOnce(&ByDay, &mut DayLabels) -> T,
    ) -> rusqlite::Result<Option<T>> {
        self.with(tenant, |domain| {
            if matches!(domain.days, Cached::NotRead) {
                domain.days = match read_days(connection, tenant)? {
                    Some(days) => Cached::Loaded((days, DayLabels::new())),
                    None => Cached::TooMany,
                };
            }
            let Cached::Loaded((days, labels)) = &mut domain.days else {
                return Ok(None);
            };
            if labels.len() >= MAX_FORMATS {
                labels.clear();
            }
            Ok(Some(act(days, labels)))
        })
    }

    /// Calls `act` with the counters of a day by hour.
    pub(in crate::store) fn with_hours<T>(
        &self,
        connection: &Connection,
        tenant: &Tenant,
        day: i64,
        act: impl FnOnce(&ByHour) -> T,
    ) -> rusqlite::Result<T> {
        self.with(tenant, |domain| {
            if let Some(hours) = domain.hours.get(&day) {
                return Ok(act(hours));
            }
            if domain.hours.len() >= MAX_DAYS {
                domain.hours.clear();
            }
            let hours = read_hours(connection, tenant, day)?;
            Ok(act(domain.hours.entry(day).or_insert(hours)))
        })
    }

    /// Calls `act` with the counters of a domain by collector; `None` where they are too many.
    pub(in crate::store) fn with_collectors<T>(
        &self,
        connection: &Connection,
        tenant: &Tenant,
        act: impl FnOnce(&ByCollector) -> T,
    ) -> rusqlite::Result<Option<T>> {
        self.with(tenant, |domain| {
            if matches!(domain.collectors, Cached::NotRead) {
                domain.collectors = match read_collectors(connection, tenant)? {
                    Some(collectors) => Cached::Loaded(collectors),
                    None => Cached::TooMany,
                };
            }
            Ok(match &domain.collectors {
                Cached::Loaded(collectors) => Some(act(collectors)),
                _ => None,
            })
        })
    }

    fn with<T>(
        &self,
        tenant: &Tenant,
        act: impl FnOnce(&mut Domain) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<T> {
        let mut contents = self.0.borrow_mut();
        if contents.domains.len() >= MAX_DOMAINS
            && !contents.domains.contains_key(tenant.domain_id())
        {
            contents.domains.clear();
        }
        if let Some(domain) = contents.domains.get_mut(tenant.domain_id()) {
            return act(domain);
        }
        act(contents
            .domains
            .entry(tenant.domain_id().to_owned())
            .or_default())
    }
}

fn read_key(connection: &Connection, tenant: &Tenant) -> rusqlite::Result<Option<i64>> {
    connection
        .prepare_cached("SELECT id FROM domains WHERE domain_id = ?")?
        .query_row([tenant.domain_id()], |row| row.get(0))
        .optional()
}

fn read_statuses(connection: &Connection, tenant: &Tenant) -> rusqlite::Result<ByStatus> {
    let mut statuses = ByStatus::default();
    let all = CounterTable::Statuses.all(tenant, i64::MAX);
    for_each_row(connection, &all, |row| {
        statuses[status_from_row(row, 0)?] += row.get::<_, i64>(1)?;
        Ok(())
    })?;
    Ok(statuses)
}

fn read_days(connection: &Connection, tenant: &Tenant) -> rusqlite::Result<Option<ByDay>> {
    let mut days: BTreeMap<i64, ByStatus> = BTreeMap::new();
    let count = for_each_row(
        connection,
        &CounterTable::Days.all(tenant, MAX_ROWS + 1),
        |row| {
            days.entry(row.get(0)?).or_default()[status_from_row(row, 1)?] +=
                row.get::<_, i64>(2)?;
            Ok(())
        },
    )?;
    Ok((count <= MAX_ROWS).then(|| days.into_iter().collect()))
}

fn read_hours(connection: &Connection, tenant: &Tenant, day: i64) -> rusqlite::Result<ByHour> {
    let mut hours: BTreeMap<i64, ByStatus> = BTreeMap::new();
    for_each_row(connection, &tables::hours(tenant, day), |row| {
        hours.entry(row.get(0)?).or_default()[status_from_row(row, 1)?] += row.get::<_, i64>(2)?;
        Ok(())
    })?;
    Ok(hours.into_iter().collect())
}

fn read_collectors(
    connection: &Connection,
    tenant: &Tenant,
) -> rusqlite::Result<Option<ByCollector>> {
    let mut collectors: HashMap<Option<String>, ByStatus> = HashMap::new();
    let all = CounterTable::Collectors.all(tenant, MAX_ROWS + 1);
    let count = for_each_row(connection, &all, |row| {
        let counts = collectors.entry(row.get(0)?).or_default();
        counts[status_from_row(row, 1)?] += row.get::<_, i64>(2)?;
        Ok(())
    })?;
    Ok((count <= MAX_ROWS).then(|| ByCollector::new(collectors.into_iter().collect())))
}

/// Calls `each` with every row of a statement; returns how many there were.
fn for_each_row(
    connection: &Connection,
    sql: &Sql,
    mut each: impl FnMut(&rusqlite::Row<'_>) -> rusqlite::Result<()>,
) -> rusqlite::Result<i64> {
    let mut statement = connection.prepare_cached(sql.text())?;
    let mut rows = statement.query(params_from_iter(sql.params()))?;
    let mut count = 0;
    while let Some(row) = rows.next()? {
        each(row)?;
        count += 1;
    }
    Ok(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_holds_the_collector_that_was_read_last() {
        let mut infos = CollectorInfos::default();
        let text = |length| Arc::<str>::from("x".repeat(length));
        assert!(infos.get(1).is_none());
        infos.insert(1, text(10));
        infos.insert(7, text(20));
        infos.insert(1, text(10));
        assert_eq!(infos.bytes, 30);
        infos.insert(1 + INFO_SLOTS, text(5));
        assert!(infos.get(1).is_none(), "another has its slot");
        assert_eq!(infos.get(1 + INFO_SLOTS), Some(&text(5)));
        assert_eq!(infos.get(7), Some(&text(20)));
        assert_eq!(infos.bytes, 25);
        infos.insert(-1, text(1));
        assert_eq!(infos.get(-1), Some(&text(1)));
        infos.insert(2, text(MAX_INFO_BYTES));
        assert!(infos.get(2).is_none() && infos.get(7).is_none());
        assert_eq!(infos.bytes, 0, "beyond the limit the cache is emptied");
    }
}
