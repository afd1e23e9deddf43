//! What is in the tables of notifications.

use std::collections::HashMap;

use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};
use serde::{Deserialize, Serialize};

/// The most events that a rule has in the outbox; beyond them the oldest are dropped.
pub const MAX_PENDING: u64 = 10_000;
/// How many deliveries that are done stay in the database.
pub const MAX_DELIVERIES: u64 = 50;

/// What a rule sends events of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EventKind {
    /// A job has ended with `ERROR` or `TIMEOUT`.
    Failed,
    /// The newest ended job of a collector that had failed is a success.
    Recovered,
    /// A job runs for longer than it should.
    Stuck,
    /// A collector has had no success for too long.
    Missing,
}

impl EventKind {
    /// Every kind, in the order of their events.
    pub const ALL: [Self; 4] = [Self::Failed, Self::Recovered, Self::Stuck, Self::Missing];

    /// Returns the name, as files and events have it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Recovered => "recovered",
            Self::Stuck => "stuck",
            Self::Missing => "missing",
        }
    }
}

impl ToSql for EventKind {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.name().into())
    }
}

impl FromSql for EventKind {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let name = value.as_str()?;
        let mut all = Self::ALL.into_iter();
        all.find(|kind| kind.name() == name)
            .ok_or(FromSqlError::InvalidType)
    }
}

/// What a rule has noted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RuleNotes {
    /// What it watched for, as JSON; `None` for a rule that is new.
    pub watches: Option<String>,
    /// The jobs, with their `created_at` in milliseconds.
    pub jobs: HashMap<(EventKind, String), i64>,
    /// The collectors; an empty id is that of jobs without a collector.
    pub collectors: HashMap<(EventKind, String), CollectorNote>,
}

/// What a rule has noted of a collector.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CollectorNote {
    /// When an event of the kind was last put in the outbox, in milliseconds.
    pub sent_at: Option<i64>,
    /// `created_at` of the newest failure since the last recovery, in milliseconds.
    pub failed_at: Option<i64>,
}

/// An event for the outbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEvent {
    pub kind: EventKind,
    /// Empty for jobs without a collector.
    pub collector_id: String,
    /// As it is sent, as JSON.
    pub body: String,
}

/// An attempt to deliver some events of a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// The ids of the events.
    pub events: Vec<i64>,
    /// When it was made, in milliseconds.
    pub at: i64,
    /// The status of the answer; `None` where there was none.
    pub status: Option<u16>,
    /// The beginning of the answer, or why there was none.
    pub answer: String,
    /// When the next attempt is due, in milliseconds; `None` where the events were delivered.
    pub next_at: Option<i64>,
}

/// A delivery: the attempts to send some events of a rule until one succeeds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    pub rule: String,
    pub events: u64,
    pub attempts: u32,
    /// When it was tried first and last, in milliseconds.
    pub first_at: i64,
    pub last_at: i64,
    /// When it is tried next; `None`: it is done.
    pub next_at: Option<i64>,
    pub status: Option<u16>,
    pub answer: String,
}
