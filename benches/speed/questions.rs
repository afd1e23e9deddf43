//! A question, the data it is about, and builders of hand-written statements.
//!
//! The questions themselves are in `lists.rs` and `statistics.rs`.

use jobdeck::demo::{Timeline, World};
use jobdeck::job::{Job, JobStatus};
use jobdeck::time::Timestamp;
use rusqlite::Connection;
use rusqlite::types::Value;
use serde_json::json;

use crate::common::NOW;

/// The document of a row of `jobs`, as columns that are its text when they are joined.
pub(crate) const DOCUMENT: &str = "head, ifnull(',\"collector_info\":' || (SELECT info FROM collector_infos WHERE id = collector_info), ''), tail";
/// The part of a document that has its filter and errors, as JSON.
pub(crate) const HEAD: &str = "head || '}'";
/// Scans the table in its own order: where most rows match, an index only makes it slower.
pub(crate) const TABLE: &str = "FROM jobs NOT INDEXED";
/// Reads the table by the index that fits the condition.
pub(crate) const INDEX: &str = "FROM jobs";
/// Every status. An index with the status before the column in question is searched six times instead of scanned.
pub(crate) const STATUSES: [&str; 6] = [
    "CREATED",
    "CANCELED",
    "IN_PROGRESS",
    "SUCCESS",
    "ERROR",
    "TIMEOUT",
];
/// [`STATUSES`] as a condition.
pub(crate) const ANY_STATUS: &str =
    "status IN ('CREATED', 'CANCELED', 'IN_PROGRESS', 'SUCCESS', 'ERROR', 'TIMEOUT')";
/// `day_counts.day` of the first of January 1970.
pub(crate) const DAYS_TO_1970: i64 = 719_528;
pub(crate) const DAY_MILLIS: i64 = 86_400_000;

/// A question, and the statements that answer it best by hand.
pub(crate) struct Question {
    pub(crate) name: &'static str,
    pub(crate) route: Route,
    /// The body of the request.
    pub(crate) body: serde_json::Value,
    pub(crate) by_hand: ByHand,
    /// The parameters of the statements: each takes as many of the first as it has. `?1` is the domain.
    pub(crate) values: Vec<Value>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Route {
    Search,
    Stat,
}

/// Hand-written statements, and where their result has the total.
pub(crate) enum ByHand {
    /// One statement for the rows of a page, one for the total.
    Page(String, String),
    /// The rows of a page, each with the total in its last column.
    Counted(String),
    /// All rows: their number is the total.
    Whole(String),
    /// The total alone.
    Total(String),
}

impl ByHand {
    pub(crate) fn statements(&self) -> Vec<&str> {
        match self {
            Self::Page(rows, total) => vec![rows, total],
            Self::Counted(one) | Self::Whole(one) | Self::Total(one) => vec![one],
        }
    }
}

/// The values in the questions, all of the first domain, which has 70 % of the jobs.
pub(crate) struct Data {
    domain_id: String,
    domain: i64,
    /// Successful jobs with a project, from the second half of the jobs.
    pub(crate) jobs: [Job; 10],
}

impl Data {
    /// Finds ten jobs among `size` generated ones.
    pub(crate) fn new(size: u64, database: &Connection) -> Self {
        let world = World::new(1, 4);
        let now = Timestamp::parse_rfc3339(NOW).unwrap();
        let timeline = Timeline::before(now, 365, size);
        let domain_id = world.domains()[0].clone();
        // Neighbours in time may be of one collector.
        let jobs = (size / 2..size)
            .step_by(97)
            .map(|number| world.life(&timeline, number).at(now))
            .filter(|job| {
                job.domain_id == domain_id
                    && job.status == JobStatus::Success
                    && job.project_id.is_some()
            });
        Self {
            domain: database
                .query_row(
                    "SELECT id FROM domains WHERE domain_id = ?",
                    [&domain_id],
                    |row| row.get(0),
                )
                .unwrap(),
            jobs: jobs.take(10).collect::<Vec<_>>().try_into().unwrap(),
            domain_id,
        }
    }

    pub(crate) fn collector(&self, number: usize) -> &str {
        self.jobs[number].collector_id().unwrap()
    }

    pub(crate) fn project(&self) -> &str {
        self.jobs[0].project_id.as_deref().unwrap()
    }

    /// Makes a question for a list with these members in its body.
    pub(crate) fn list<const N: usize>(
        &self,
        name: &'static str,
        body: serde_json::Value,
        by_hand: ByHand,
        values: [Value; N],
    ) -> Question {
        self.question(name, Route::Search, body, by_hand, values.into())
    }

    /// Makes a question for statistics with this query.
    pub(crate) fn stat<const N: usize>(
        &self,
        name: &'static str,
        query: &serde_json::Value,
        rows: impl Into<String>,
        values: [Value; N],
    ) -> Question {
        let by_hand = ByHand::Whole(rows.into());
        let body = json!({"query": query});
        self.question(name, Route::Stat, body, by_hand, values.into())
    }

    /// Makes a question for statistics with this query, whose total is that of a page.
    pub(crate) fn stat_page(
        &self,
        name: &'static str,
        query: &serde_json::Value,
        by_hand: ByHand,
        values: impl Into<Vec<Value>>,
    ) -> Question {
        let body = json!({"query": query});
        self.question(name, Route::Stat, body, by_hand, values.into())
    }

    fn question(
        &self,
        name: &'static str,
        route: Route,
        mut body: serde_json::Value,
        by_hand: ByHand,
        mut values: Vec<Value>,
    ) -> Question {
        body["domain_id"] = json!(self.domain_id);
        values.insert(0, self.domain.into());
        Question {
            name,
            route,
            body,
            by_hand,
            values,
        }
    }
}

/// Selects the newest 30 that match a condition, in the order of an index.
pub(crate) fn newest(condition: &str) -> String {
    format!(
        "SELECT {DOCUMENT} FROM jobs WHERE domain = ?1 {condition} ORDER BY created_at DESC, job_id LIMIT 30"
    )
}

/// Selects the newest 30 that match one of several conditions, each of which has an index with that order: SQLite merges
/// them.
pub(crate) fn merged(conditions: impl IntoIterator<Item = String>) -> String {
    let each = conditions.into_iter().map(|condition| {
        format!("SELECT id, created_at, job_id FROM jobs WHERE domain = ?1 {condition}")
    });
    let all = each.collect::<Vec<_>>().join(" UNION ALL ");
    of_page(
        &format!("page AS MATERIALIZED ({all} ORDER BY created_at DESC, job_id LIMIT 30)"),
        "",
    )
}

/// [`merged`] by status, each with another condition.
pub(crate) fn merged_statuses<'s>(
    statuses: impl IntoIterator<Item = &'s str>,
    more: &str,
) -> String {
    let conditions = statuses.into_iter();
    merged(conditions.map(|status| format!("AND status = '{status}' {more}")))
}

/// Selects the newest 30 that match a condition, and counts the matches, in one pass over [`TABLE`] or an [`INDEX`].
pub(crate) fn one_pass(from: &str, condition: &str) -> ByHand {
    let found = format!(
        "found AS MATERIALIZED (SELECT id, created_at, job_id {from} WHERE domain = ?1 {condition}), \
         page AS MATERIALIZED (SELECT * FROM found ORDER BY created_at DESC, job_id LIMIT 30)"
    );
    ByHand::Counted(of_page(&found, ", (SELECT count(*) FROM found)"))
}

/// Selects the documents of `page`, which has ids, in their order, with another column.
fn of_page(page: &str, column: &str) -> String {
    format!(
        "WITH {page} SELECT {DOCUMENT}{column} FROM page CROSS JOIN jobs ON jobs.id = page.id \
         ORDER BY page.created_at DESC, page.job_id"
    )
}

/// Selects the 30 with the largest values of a column without an index, in one pass over the table.
pub(crate) fn largest(column: &str) -> String {
    largest_of(column, "")
}

/// As [`largest`], of a time. The latest are no earlier than those of the newest 30, so all before these are skipped: in a
/// table that grows with time each job is later than all before it, and would be sorted into the 30. (At least 30 jobs
/// must have the time.)
pub(crate) fn latest(column: &str) -> String {
    let newest = format!(
        "SELECT {column} AS key FROM jobs WHERE domain = ?1 AND {column} IS NOT NULL \
         ORDER BY created_at DESC, job_id LIMIT 30"
    );
    largest_of(
        column,
        &format!("AND {column} >= (SELECT min(key) FROM ({newest}))"),
    )
}

fn largest_of(column: &str, condition: &str) -> String {
    format!(
        "WITH page AS MATERIALIZED (SELECT id, {column} AS key, job_id {TABLE} WHERE domain = ?1 {condition} \
         ORDER BY key DESC, job_id LIMIT 30) \
         SELECT {DOCUMENT} FROM page CROSS JOIN jobs ON jobs.id = page.id ORDER BY page.key DESC, page.job_id"
    )
}

/// Selects the 30 after the newest 50,000, beginning with the day in which they begin.
pub(crate) fn far(condition: &str) -> String {
    format!(
        "WITH days AS (SELECT day, sum(jobs) AS jobs, sum(sum(jobs)) OVER (ORDER BY day DESC) AS upto \
             FROM day_counts WHERE domain = ?1 {condition} GROUP BY day), \
         start AS MATERIALIZED (SELECT (day + 1 - {DAYS_TO_1970}) * {DAY_MILLIS} AS edge, 50000 - upto + jobs AS passed \
             FROM days WHERE upto > 50000 ORDER BY day DESC LIMIT 1) \
         SELECT {DOCUMENT} FROM jobs WHERE domain = ?1 {condition} AND created_at < (SELECT edge FROM start) \
         ORDER BY created_at DESC, job_id LIMIT 30 OFFSET ifnull((SELECT passed FROM start), 0)"
    )
}

/// Selects the newest 30 whose collector has the value `?2` at a path, and counts them; with another condition. `?3` is the
/// value with its quotes: a text without it need not be parsed.
pub(crate) fn of_collectors(path: &str, condition: &str) -> ByHand {
    let condition = format!(
        "{condition} AND collector_info IN (SELECT id FROM collector_infos \
         WHERE domain = ?1 AND instr(info, ?3) AND info ->> '{path}' = ?2)"
    );
    ByHand::Page(
        newest(&condition),
        counters("collector_info_counts", &condition),
    )
}

/// Sums up a counter table.
pub(crate) fn counters(table: &str, condition: &str) -> String {
    format!("SELECT ifnull(sum(jobs), 0) FROM {table} WHERE domain = ?1 {condition}")
}

/// Returns the time so long before now.
pub(crate) fn ago(days: i64, hours: i64) -> Timestamp {
    let millis = days * DAY_MILLIS + hours * (DAY_MILLIS / 24);
    Timestamp::parse_rfc3339(NOW).unwrap().plus_millis(-millis)
}

/// Returns a time as a parameter.
pub(crate) fn millis(time: Timestamp) -> Value {
    time.millis().into()
}

/// Returns the day of a time, as in `day_counts`.
pub(crate) fn day(time: Timestamp) -> Value {
    (time.millis().div_euclid(DAY_MILLIS) + DAYS_TO_1970).into()
}

/// Returns the hour of a time, as in `hour_counts`.
pub(crate) fn hour(time: Timestamp) -> Value {
    (time.millis().div_euclid(DAY_MILLIS / 24) + DAYS_TO_1970 * 24).into()
}

pub(crate) fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

/// Makes a condition of a request.
pub(crate) fn condition(
    key: &str,
    operator: &str,
    value: impl serde::Serialize,
) -> serde_json::Value {
    json!({"k": key, "o": operator, "v": value})
}

/// Makes the conditions for `created_at` between two times.
pub(crate) fn created_between(from: Timestamp, to: Timestamp) -> [serde_json::Value; 2] {
    [
        condition("created_at", "datetime_gte", from.to_string()),
        condition("created_at", "datetime_lt", to.to_string()),
    ]
}
