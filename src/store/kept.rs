//! What a connection holds in memory of what it has read, for as long as the data is the same: counts, collectors, and
//! documents.
//!
//! Rule: SQLite, `PRAGMA data_version`: within a connection the number changes when another has committed; asked within a
//! read transaction, it is that of what the transaction sees. A connection that reads makes no changes of its own, so
//! what was read under a number holds wherever the number is the same, and a write is seen by the next read.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, params_from_iter};

use super::documents::{Documents, Rows};
use super::read::Document;
use crate::job::JobStatus;
use crate::query::counters::group::{ByCollector, ByDay, ByHour, ByStatus, DayLabels};
use crate::query::counters::tables;
use crate::query::counters::tables::CounterTable;
use crate::query::sql::Sql;
use crate::query::tenant::Tenant;

/// The most that is held of collectors, in bytes of text.
const MAX_INFO_BYTES: usize = 512 << 10;
/// How many collectors are held at the most.
const INFO_PLACES: i64 = 1 << 10;
/// The most rows of counts of a domain that are held; where there are more, SQLite adds them up each time.
const MAX_ROWS: i64 = 50_000;
/// The most domains of which a connection holds counts.
const MAX_DOMAINS: usize = 16;
/// The most days of a domain whose hours are held.
const MAX_DAYS: usize = 32;
/// The most formats of which the labels of days are held.
const MAX_FORMATS: usize = 8;

/// What a connection holds.
#[derive(Debug, Default)]
pub(super) struct Kept(RefCell<Held>);

#[derive(Debug, Default)]
struct Held {
    /// That of all that is held.
    version: i64,
    domains: HashMap<String, Domain>,
    collector_infos: CollectorInfos,
    documents: Documents,
}

/// `collector_infos.info` by its id: each has one place, where the last that came is held. A job of every row is looked up
/// here, so it is one look, and not one a level of a tree.
#[derive(Debug, Default)]
struct CollectorInfos {
    places: Vec<Option<(i64, Arc<str>)>>,
    /// How many bytes of text are held.
    bytes: usize,
}

impl CollectorInfos {
    fn place_of(key: i64) -> usize {
        usize::try_from(key.rem_euclid(INFO_PLACES)).unwrap_or(0)
    }

    fn get(&self, key: i64) -> Option<&Arc<str>> {
        match self.places.get(Self::place_of(key)) {
            Some(Some((of, info))) if *of == key => Some(info),
            _ => None,
        }
    }

    /// The text of a key, held or read; `None` in a damaged database, where it is not there.
    fn get_or_read(
        &mut self,
        connection: &Connection,
        key: i64,
    ) -> rusqlite::Result<Option<Arc<str>>> {
        if let Some(info) = self.get(key) {
            return Ok(Some(Arc::clone(info)));
        }
        let found = connection
            .prepare_cached("SELECT info FROM collector_infos WHERE id = ?")?
            .query_row([key], |row| Ok(Arc::<str>::from(row.get_ref(0)?.as_str()?)))
            .optional()?;
        if let Some(info) = &found {
            self.keep(key, Arc::clone(info));
        }
        Ok(found)
    }

    fn keep(&mut self, key: i64, info: Arc<str>) {
        let place = Self::place_of(key);
        if self.places.len() <= place {
            self.places.resize(place + 1, None);
        }
        self.bytes += info.len();
        if let Some((_, before)) = self.places[place].replace((key, info)) {
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
    days: Known<(ByDay, DayLabels)>,
    collectors: Known<ByCollector>,
    /// Those of the days in which pages began of late.
    hours: HashMap<i64, ByHour>,
}

#[derive(Debug, Default)]
enum Known<T> {
    #[default]
    NotRead,
    TooMany,
    Here(T),
}

impl Kept {
    /// One that holds documents, too.
    pub(super) fn with_documents() -> Self {
        Self(RefCell::new(Held {
            documents: Documents::holding(),
            ..Held::default()
        }))
    }

    #[cfg(test)]
    pub(super) fn held_documents(&self) -> usize {
        self.0.borrow().documents.len()
    }

    /// Forgets what is no longer so. To be called first in every transaction that uses the rest.
    pub(super) fn bring_up_to_date(&self, connection: &Connection) -> rusqlite::Result<()> {
        let version = connection
            .prepare_cached("PRAGMA data_version")?
            .query_row([], |row| row.get(0))?;
        let mut held = self.0.borrow_mut();
        if held.version != version {
            let mut documents = std::mem::take(&mut held.documents);
            documents.forget();
            *held = Held {
                version,
                documents,
                ..Held::default()
            };
        }
        Ok(())
    }

    /// A collector by its key; `None` in a damaged database, where it is not there.
    pub(super) fn collector_info(
        &self,
        connection: &Connection,
        key: i64,
    ) -> rusqlite::Result<Option<Arc<str>>> {
        let infos = &mut self.0.borrow_mut().collector_infos;
        infos.get_or_read(connection, key)
    }

    /// Hands on the documents of some jobs of a domain, by their keys, in this order; `each` may end it.
    pub(super) fn each_document<E: From<rusqlite::Error>>(
        &self,
        connection: &Connection,
        tenant: &Tenant,
        jobs: &[i64],
        mut each: impl FnMut(Document<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        if jobs.is_empty() {
            return Ok(());
        }
        let domain = self.with(tenant, |domain| {
            if domain.key.is_none() {
                domain.key = read_key(connection, tenant)?;
            }
            // There is none where the domain has no jobs.
            Ok(domain.key.unwrap_or_default())
        })?;
        let held = &mut *self.0.borrow_mut();
        let infos = &mut held.collector_infos;
        let mut rows = Rows::of(connection)?;
        jobs.iter().try_for_each(|job| {
            held.documents.with((domain, *job), &mut rows, |pieces| {
                let info = match pieces.collector_info {
                    Some(key) => infos.get_or_read(connection, key)?,
                    None => None,
                };
                each(Document::new(pieces.head(), info.as_deref(), pieces.tail()))
            })?
        })
    }

    /// How many jobs a domain has in each status.
    pub(super) fn statuses(
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

    /// Does something with the days of a domain, and what formats made of them; `None` where they are too many.
    pub(super) fn with_days<T>(
        &self,
        connection: &Connection,
        tenant: &Tenant,
        act: impl FnOnce(&ByDay, &mut DayLabels) -> T,
    ) -> rusqlite::Result<Option<T>> {
        self.with(tenant, |domain| {
            if matches!(domain.days, Known::NotRead) {
                domain.days = match read_days(connection, tenant)? {
                    Some(days) => Known::Here((days, DayLabels::new())),
                    None => Known::TooMany,
                };
            }
            let Known::Here((days, labels)) = &mut domain.days else {
                return Ok(None);
            };
            if labels.len() >= MAX_FORMATS {
                labels.clear();
            }
            Ok(Some(act(days, labels)))
        })
    }

    /// Does something with the hours of a day; otherwise as [`Kept::with_days`].
    pub(super) fn with_hours<T>(
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

    /// As [`Kept::with_days`], of the collectors.
    pub(super) fn with_collectors<T>(
        &self,
        connection: &Connection,
        tenant: &Tenant,
        act: impl FnOnce(&ByCollector) -> T,
    ) -> rusqlite::Result<Option<T>> {
        self.with(tenant, |domain| {
            if matches!(domain.collectors, Known::NotRead) {
                domain.collectors = match read_collectors(connection, tenant)? {
                    Some(collectors) => Known::Here(collectors),
                    None => Known::TooMany,
                };
            }
            Ok(match &domain.collectors {
                Known::Here(collectors) => Some(act(collectors)),
                _ => None,
            })
        })
    }

    fn with<T>(
        &self,
        tenant: &Tenant,
        act: impl FnOnce(&mut Domain) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<T> {
        let mut held = self.0.borrow_mut();
        if held.domains.len() >= MAX_DOMAINS && !held.domains.contains_key(tenant.domain_id()) {
            held.domains.clear();
        }
        if let Some(domain) = held.domains.get_mut(tenant.domain_id()) {
            return act(domain);
        }
        act(held
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
    read(connection, &all, |row| {
        statuses[status(row, 0)? as usize] += row.get::<_, i64>(1)?;
        Ok(())
    })?;
    Ok(statuses)
}

fn read_days(connection: &Connection, tenant: &Tenant) -> rusqlite::Result<Option<ByDay>> {
    let mut days: BTreeMap<i64, ByStatus> = BTreeMap::new();
    let count = read(
        connection,
        &CounterTable::Days.all(tenant, MAX_ROWS + 1),
        |row| {
            days.entry(row.get(0)?).or_default()[status(row, 1)? as usize] +=
                row.get::<_, i64>(2)?;
            Ok(())
        },
    )?;
    Ok((count <= MAX_ROWS).then(|| days.into_iter().collect()))
}

fn read_hours(connection: &Connection, tenant: &Tenant, day: i64) -> rusqlite::Result<ByHour> {
    let mut hours: BTreeMap<i64, ByStatus> = BTreeMap::new();
    read(connection, &tables::hours(tenant, day), |row| {
        hours.entry(row.get(0)?).or_default()[status(row, 1)? as usize] += row.get::<_, i64>(2)?;
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
    let count = read(connection, &all, |row| {
        let counts = collectors.entry(row.get(0)?).or_default();
        counts[status(row, 1)? as usize] += row.get::<_, i64>(2)?;
        Ok(())
    })?;
    Ok((count <= MAX_ROWS).then(|| ByCollector::new(collectors.into_iter().collect())))
}

/// Reads the rows of a statement; tells how many there were.
fn read(
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

pub(super) fn status(row: &rusqlite::Row<'_>, column: usize) -> rusqlite::Result<JobStatus> {
    let name = row.get_ref(column)?.as_str()?;
    JobStatus::from_name(name).ok_or_else(|| {
        let problem = format!("unknown status {name}");
        rusqlite::Error::FromSqlConversionFailure(
            column,
            rusqlite::types::Type::Text,
            problem.into(),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_collectors_those_are_held_that_were_read_last() {
        let mut infos = CollectorInfos::default();
        let text = |length| Arc::<str>::from("x".repeat(length));
        assert!(infos.get(1).is_none());
        infos.keep(1, text(10));
        infos.keep(7, text(20));
        infos.keep(1, text(10));
        assert_eq!(infos.bytes, 30);
        infos.keep(1 + INFO_PLACES, text(5));
        assert!(infos.get(1).is_none(), "another has its place");
        assert_eq!(infos.get(1 + INFO_PLACES), Some(&text(5)));
        assert_eq!(infos.get(7), Some(&text(20)));
        assert_eq!(infos.bytes, 25);
        infos.keep(-1, text(1));
        assert_eq!(infos.get(-1), Some(&text(1)));
        infos.keep(2, text(MAX_INFO_BYTES));
        assert!(infos.get(2).is_none() && infos.get(7).is_none());
        assert_eq!(infos.bytes, 0, "too much is let go of");
    }
}
