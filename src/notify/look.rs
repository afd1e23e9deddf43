//! Looks at the jobs for a rule: reads what is there now, and the facts of an event.

use std::collections::HashMap;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::decide::{Due, Present, Seen, WINDOW_MILLIS, Watched, decide};
use super::event::{Event, MAX_MESSAGE_CHARS};
use super::filter::Conditions;
use super::rule::Rule;
use crate::query::overview::usual_of;
use crate::store::notifications::{EventKind, NewEvent, RuleNotes};
use crate::store::{ReadTransaction, StoreError};
use crate::time::{DAY_MILLIS, Timestamp};

/// The most failures that a rule looks at, the newest of the window.
const MAX_FAILED: usize = 100_000;
/// How many of its newest successes say how long the jobs of a collector take.
const USUAL_RUNS: usize = 30;
/// How many times as long as its collector's 95th percentile a job may run. One job in twenty takes longer than that itself.
const STUCK_FACTOR: i64 = 2;
/// For how long a collector is missed that has no success any more, unless the rule waits for longer.
const MISSED_MILLIS: i64 = 30 * DAY_MILLIS;
/// The most failures in a row that are counted.
const MAX_IN_ROW: usize = 1_000;

/// What a look has found.
pub(super) struct Found {
    pub(super) before: RuleNotes,
    pub(super) after: RuleNotes,
    pub(super) events: Vec<NewEvent>,
}

/// Looks at the jobs for a rule; returns nothing where all is as it was noted.
///
/// # Errors
/// [`StoreError`] when the database can't be read, or not in time.
pub(super) fn look(
    transaction: &ReadTransaction<'_>,
    rule: &Rule,
    now: Timestamp,
) -> Result<Option<Found>, StoreError> {
    let jobs = Jobs {
        transaction,
        rule,
        now,
    };
    let watches = rule.watches();
    let watched = Watched {
        on: &rule.on,
        watches: &watches,
    };
    let before = transaction.rule_notes(&rule.name)?;
    let present = jobs.present(watched)?;
    let mut newest_success = |collector_id: &str| jobs.newest_success(collector_id);
    let (after, due) = decide(watched, &before, &present, now, &mut newest_success)?;
    if after == before && due.is_empty() {
        return Ok(None);
    }
    let events = due.iter().map(|due| jobs.event(due));
    Ok(Some(Found {
        events: events.collect::<Result<_, _>>()?,
        before,
        after,
    }))
}

/// The jobs that a rule watches.
struct Jobs<'t> {
    transaction: &'t ReadTransaction<'t>,
    rule: &'t Rule,
    now: Timestamp,
}

/// A job, as far as events have it.
#[derive(Debug, Deserialize)]
struct JobFacts {
    job_id: String,
    #[serde(default)]
    status: Option<String>,
    #[serde(default)]
    collector_info: CollectorFacts,
    created_at: String,
    #[serde(default)]
    finished_at: Option<String>,
    #[serde(default)]
    errors: Vec<ErrorFacts>,
}

#[derive(Debug, Default, Deserialize)]
struct CollectorFacts {
    #[serde(default)]
    name: Value,
}

#[derive(Debug, Deserialize)]
struct ErrorFacts {
    #[serde(default)]
    error_code: Option<String>,
    #[serde(default)]
    message: Option<String>,
}

/// A job, as far as decisions have it.
#[derive(Debug, Deserialize)]
struct SeenFacts {
    job_id: String,
    #[serde(default)]
    collector_info: CollectorId,
    created_at: String,
}

#[derive(Debug, Default, Deserialize)]
struct CollectorId {
    #[serde(default)]
    collector_id: Option<String>,
}

/// A collector and its successes, as the statistics have them.
#[derive(Debug, Deserialize)]
struct Successes {
    collector_id: Option<String>,
    finished: Option<String>,
    created: Option<String>,
}

impl JobFacts {
    fn created_at(&self) -> Result<i64, StoreError> {
        millis(&self.created_at)
    }

    /// How long it took, in milliseconds.
    fn duration(&self) -> Result<Option<i64>, StoreError> {
        let finished_at = self.finished_at.as_deref().map(millis).transpose()?;
        let created_at = self.created_at()?;
        Ok(finished_at.map(|finished_at| finished_at - created_at))
    }
}

impl SeenFacts {
    fn seen(self) -> Result<Seen, StoreError> {
        Ok(Seen {
            created_at: millis(&self.created_at)?,
            collector_id: self.collector_info.collector_id.unwrap_or_default(),
            job_id: self.job_id,
        })
    }
}

fn millis(time: &str) -> Result<i64, StoreError> {
    let time = Timestamp::parse_rfc3339(time);
    time.map(Timestamp::millis)
        .map_err(|error| StoreError::Damaged(error.to_string()))
}

fn failures() -> Value {
    json!({"k": "status", "v": ["ERROR", "TIMEOUT"], "o": "in"})
}

fn with_status(status: &str) -> Value {
    json!({"k": "status", "v": status, "o": "eq"})
}

fn of_collector(collector_id: &str) -> Value {
    json!({"k": "collector_id", "v": collector_id, "o": "eq"})
}

fn created(operator: &str, time: Timestamp) -> Value {
    json!({"k": "created_at", "v": time.to_string(), "o": operator})
}

impl Jobs<'_> {
    fn present(&self, watched: Watched<'_>) -> Result<Present, StoreError> {
        let mut present = Present::default();
        if watched.needs_failures() {
            let since = self.now.plus_millis(-WINDOW_MILLIS);
            let conditions = [failures(), created("datetime_gte", since)];
            present.failed = self.seen(&conditions, MAX_FAILED)?;
            let has_all = present.failed.len() < MAX_FAILED;
            let oldest = present.failed.last().filter(|_| !has_all);
            // Of the jobs that were created together with the last one, some may be left out.
            present.failed_since = oldest.map_or(since.millis(), |oldest| oldest.created_at + 1);
        }
        if self.rule.sends(EventKind::Stuck) {
            present.stuck = self.stuck()?;
        }
        if let Some(missing_after) = self.rule.missing_after {
            present.missing = self.missing(missing_after)?;
        }
        Ok(present)
    }

    /// Lists jobs that match the rule's conditions and further ones, the newest first. Without paths in `only`, whole documents are
    /// read.
    fn list<T: DeserializeOwned>(
        &self,
        conditions: &Conditions,
        more: &[Value],
        only: &[&str],
        limit: usize,
    ) -> Result<Vec<T>, StoreError> {
        let rest = json!({"only": only, "page": {"limit": limit}});
        let plan = conditions.list_plan(&self.rule.domain_id, more, &rest, self.now);
        let plan = plan.map_err(StoreError::Query)?;
        let mut jobs = Vec::new();
        self.transaction.list(&plan, &mut |document| {
            let text = document.to_text();
            let job = serde_json::from_str(&text);
            jobs.push(job.map_err(|error| StoreError::Damaged(error.to_string()))?);
            Ok(())
        })?;
        Ok(jobs)
    }

    fn seen(&self, more: &[Value], limit: usize) -> Result<Vec<Seen>, StoreError> {
        // There may be many. To cut three members out of a document takes three times as long as to read it whole.
        let jobs = self.list(&self.rule.conditions, more, &[], limit)?;
        jobs.into_iter().map(SeenFacts::seen).collect()
    }

    /// Finds the jobs that run for too long.
    fn stuck(&self) -> Result<Vec<Seen>, StoreError> {
        let mut running = self.seen(&[with_status("IN_PROGRESS")], MAX_FAILED)?;
        let mut limits: HashMap<String, Option<i64>> = HashMap::new();
        let mut problem = None;
        running.retain(|job| {
            let limit = match (self.rule.stuck_after, limits.get(&job.collector_id)) {
                (Some(limit), _) => Some(limit),
                (None, Some(limit)) => *limit,
                (None, None) => {
                    let limit = self.usual_limit(&job.collector_id).unwrap_or_else(|error| {
                        problem = Some(error);
                        None
                    });
                    *limits.entry(job.collector_id.clone()).or_insert(limit)
                }
            };
            limit.is_some_and(|limit| self.now.millis() - job.created_at > limit)
        });
        problem.map_or(Ok(running), Err)
    }

    /// Returns how long a job of a collector may run by what is usual; `None` where too little is known.
    fn usual_limit(&self, collector_id: &str) -> Result<Option<i64>, StoreError> {
        if collector_id.is_empty() {
            return Ok(None);
        }
        let more = [with_status("SUCCESS"), of_collector(collector_id)];
        let only = &["job_id", "created_at", "finished_at"];
        let jobs: Vec<JobFacts> = self.list(&Conditions::default(), &more, only, USUAL_RUNS)?;
        let mut durations = Vec::with_capacity(jobs.len());
        for job in jobs {
            durations.extend(job.duration()?);
        }
        Ok(usual_of(durations).map(|usual| usual.p95.saturating_mul(STUCK_FACTOR)))
    }

    /// Finds the collectors that have had a success, but none for too long.
    fn missing(&self, missing_after: i64) -> Result<Vec<String>, StoreError> {
        let since = MISSED_MILLIS.max(missing_after.saturating_mul(2));
        let more = [
            with_status("SUCCESS"),
            created("datetime_gte", self.now.plus_millis(-since)),
        ];
        let max = |name: &str, key: &str| json!({"name": name, "operator": "max", "key": key});
        let stages = json!([{"group": {
            "keys": [{"key": "collector_info.collector_id", "name": "collector_id"}],
            "fields": [max("finished", "finished_at"), max("created", "created_at")],
        }}]);
        let Rule {
            conditions,
            domain_id,
            ..
        } = self.rule;
        let plan = conditions.stat_plan(domain_id, &more, &stages, self.now);
        let mut rows = b"[".to_vec();
        let plan = plan.map_err(StoreError::Query)?;
        self.transaction.stat(&plan, &mut rows)?;
        rows.push(b']');
        let rows: Vec<Successes> = serde_json::from_slice(&rows)
            .map_err(|error| StoreError::Damaged(error.to_string()))?;
        let mut missing = Vec::new();
        for row in rows {
            let Some(collector_id) = row.collector_id.filter(|id| !id.is_empty()) else {
                continue;
            };
            // A success counts when it ends, where that is known.
            let newest = row.finished.or(row.created);
            let newest = newest.as_deref().map(millis).transpose()?;
            if newest.is_some_and(|newest| self.now.millis() - newest > missing_after) {
                missing.push(collector_id);
            }
        }
        missing.sort();
        Ok(missing)
    }

    /// Finds the newest success of a collector: its id, and when it was created.
    fn newest_success(&self, collector_id: &str) -> Result<Option<(String, i64)>, StoreError> {
        let more = [with_status("SUCCESS"), of_collector(collector_id)];
        let newest = self.seen_of(&more)?;
        Ok(newest.map(|job| (job.job_id, job.created_at)))
    }

    /// Finds the newest job that matches the rule's conditions and further ones.
    fn seen_of(&self, more: &[Value]) -> Result<Option<Seen>, StoreError> {
        Ok(self.seen(more, 1)?.into_iter().next())
    }

    /// Collects the facts of an event.
    fn event(&self, due: &Due) -> Result<NewEvent, StoreError> {
        let mut event = Event {
            jobs: due.jobs,
            collector_id: Some(due.collector_id.clone()).filter(|id| !id.is_empty()),
            ..Event::new(due.kind)
        };
        if let Some(job_id) = &due.job_id {
            self.add_job(&mut event, job_id)?;
        }
        if let Some(collector_id) = event.collector_id.clone() {
            self.add_collector(&mut event, &collector_id)?;
        }
        let body = serde_json::to_string(&event);
        Ok(NewEvent {
            kind: due.kind,
            collector_id: due.collector_id.clone(),
            body: body.map_err(|error| StoreError::Damaged(error.to_string()))?,
        })
    }

    fn add_job(&self, event: &mut Event, job_id: &str) -> Result<(), StoreError> {
        let only = &[
            "job_id",
            "status",
            "collector_info.name",
            "created_at",
            "finished_at",
            "errors.error_code",
            "errors.message",
        ];
        let by_id = json!({"k": "job_id", "v": job_id, "o": "eq"});
        let found: Vec<JobFacts> = self.list(&Conditions::default(), &[by_id], only, 1)?;
        let Some(job) = found.into_iter().next() else {
            return Ok(());
        };
        event.duration = match job.duration()? {
            None if event.on == EventKind::Stuck => Some(self.now.millis() - job.created_at()?),
            duration => duration,
        };
        if let Some(error) = job.errors.into_iter().next() {
            event.error_code = error.error_code;
            let message = error.message;
            event.error = message.map(|text| text.chars().take(MAX_MESSAGE_CHARS).collect());
        }
        event.collector = job.collector_info.name.as_str().map(str::to_owned);
        event.status = job.status;
        event.created_at = Some(job.created_at);
        event.finished_at = job.finished_at;
        event.link = self.rule.link(&job.job_id);
        event.job_id = Some(job.job_id);
        Ok(())
    }

    fn add_collector(&self, event: &mut Event, collector_id: &str) -> Result<(), StoreError> {
        let only = &["job_id", "collector_info.name", "created_at", "finished_at"];
        let more = [with_status("SUCCESS"), of_collector(collector_id)];
        let newest: Vec<JobFacts> = self.list(&self.rule.conditions, &more, only, 1)?;
        let newest = newest.into_iter().next();
        if event.on == EventKind::Failed {
            let mut more = vec![failures(), of_collector(collector_id)];
            if let Some(success) = &newest {
                let since = Timestamp::from_millis(success.created_at()?);
                more.extend(since.map(|since| created("datetime_gt", since)));
            }
            let row: Vec<JobFacts> = self.list(
                &Conditions::default(),
                &more,
                &["job_id", "created_at"],
                MAX_IN_ROW,
            )?;
            event.failures_in_row = Some(row.len() as u64);
        }
        if let Some(success) = newest.filter(|_| event.on != EventKind::Recovered) {
            if event.collector.is_none() {
                let name = success.collector_info.name.as_str();
                event.collector = name.map(str::to_owned);
            }
            event.last_success = Some(success.finished_at.unwrap_or(success.created_at));
        }
        Ok(())
    }
}
