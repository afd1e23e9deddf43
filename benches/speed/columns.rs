//! Questions over many jobs. Their floor reads a table that a person would make by hand for them: narrow rows with the
//! numbers and times of a job, and keys into small tables instead of texts.

use std::path::{Path, PathBuf};

use rusqlite::Connection;
use rusqlite::types::Value as SqlValue;
use serde_json::{Value, json};

use crate::questions::{
    ByHand, DOCUMENT, Data, Question, ago, condition, counters, created_between, millis, text,
};

/// Makes the narrow rows of a database, and returns their file.
///
/// Texts that jobs share are numbers in the order of the texts, so that sorting by one is sorting by the other.
pub(crate) fn make_narrow(database: &Path) -> PathBuf {
    let path = database.with_extension("narrow.db");
    let connection = Connection::open(&path).unwrap();
    connection
        .execute("ATTACH ? AS wide", [database.to_str()])
        .unwrap();
    connection
        .execute_batch(
            "PRAGMA journal_mode = WAL;
             BEGIN;
             CREATE TABLE statuses AS SELECT DISTINCT status AS name FROM wide.status_counts ORDER BY status;
             CREATE TABLE projects AS SELECT DISTINCT project_id AS name FROM wide.project_counts ORDER BY project_id;
             CREATE TABLE collectors (id INTEGER PRIMARY KEY, collector_id, name, provider, plugin);
             INSERT INTO collectors SELECT id, info ->> 'collector_id', info ->> 'name', info ->> 'provider',
                 info ->> '$.plugin_info.plugin_id' FROM wide.collector_infos;
             CREATE TABLE narrow (id INTEGER PRIMARY KEY, domain INTEGER, status INTEGER, collector INTEGER, project INTEGER,
                 created INTEGER, updated INTEGER, finished INTEGER, total INTEGER, remained INTEGER, errors INTEGER, job_id TEXT);
             INSERT INTO narrow SELECT id, domain, (SELECT rowid FROM statuses WHERE name = status), collector_info,
                 (SELECT rowid FROM projects WHERE name = project_id), created_at, updated_at, finished_at, total_tasks,
                 remained_tasks, error_count, job_id FROM wide.jobs ORDER BY id;
             CREATE INDEX by_time ON narrow (domain, created);
             CREATE TABLE messages (job INTEGER, domain INTEGER, error_code, message);
             INSERT INTO messages SELECT jobs.id, domain, e.value ->> 'error_code', e.value ->> 'message'
                 FROM wide.jobs, json_each(head || '}', '$.errors') AS e WHERE error_count > 0 ORDER BY domain, jobs.id;
             COMMIT;
             DETACH wide;
             PRAGMA wal_checkpoint(TRUNCATE)",
        )
        .unwrap();
    path
}

pub(crate) fn all(data: &Data) -> Vec<Question> {
    let mut all = sorts(data);
    all.extend(averages(data));
    all.extend(words(data));
    all
}

fn page() -> Value {
    json!({"limit": 30})
}

/// Selects the documents of the 30 first in an order, of which the last term is the job id.
fn first(key: &str, desc: &str) -> String {
    format!(
        "WITH page AS MATERIALIZED (SELECT id, {key} AS key, job_id FROM narrow WHERE domain = ?1 \
             ORDER BY key {desc}, job_id LIMIT 30) \
         SELECT {DOCUMENT} FROM page CROSS JOIN jobs ON jobs.id = page.id ORDER BY page.key {desc}, page.job_id"
    )
}

/// The orders of the page's list.
fn sorts(data: &Data) -> Vec<Question> {
    let total = || counters("status_counts", "");
    let name = "(SELECT name FROM collectors AS c WHERE c.id = collector)";
    let listed = [
        ("sort: collector name", "collector_info.name", name),
        ("sort: status", "status", "status"),
        ("sort: tasks", "total_tasks", "total"),
        ("sort: project", "project_id", "project"),
        ("sort: updated_at", "updated_at", "updated"),
        ("sort: finished_at", "finished_at", "finished"),
    ];
    let mut all: Vec<_> = listed
        .into_iter()
        .map(|(label, key, column)| {
            let sort = json!({"keys": [{"key": key, "desc": true}, {"key": "job_id"}]});
            let query = json!({"query": {"sort": sort, "page": page()}});
            data.list(
                label,
                query,
                ByHand::Page(first(column, "DESC"), total()),
                [],
            )
        })
        .collect();
    let subtract = |one: &str, other: &str| json!({"operator": "subtract", "fields": [one, other]});
    let progress = json!({"operator": "divide", "fields": [
        subtract("total_tasks", "remained_tasks"), {"operator": "add", "fields": ["total_tasks", 0.000_001]}]});
    let computed = [
        (
            "sort: duration",
            subtract("finished_at", "created_at"),
            "finished - created",
        ),
        (
            "sort: progress",
            progress,
            "(total - remained) / (total + 0.000001)",
        ),
        (
            "sort: errors",
            json!({"operator": "size", "key": "errors"}),
            "errors",
        ),
    ];
    all.extend(computed.into_iter().map(|(label, mut value, by_hand)| {
        value["name"] = json!("value");
        let fields = json!([{"name": "job_id", "key": "job_id"}, value]);
        let keys = json!([{"key": "value", "desc": true}, {"key": "job_id"}]);
        let query = json!({
            "aggregate": [{"project": {"fields": fields}}, {"sort": {"keys": keys}}], "page": page()});
        let rows = format!(
            "SELECT job_id, {by_hand} AS value FROM narrow WHERE domain = ?1 ORDER BY value DESC, job_id LIMIT 30"
        );
        data.stat_page(label, &query, ByHand::Whole(rows), [])
    }));
    all
}

/// A key of a group: its path, a date format, and by hand the key of a narrow row and the text of that key.
struct Key {
    path: &'static str,
    format: Option<&'static str>,
    narrow: &'static str,
    text: &'static str,
}

const fn key(path: &'static str, narrow: &'static str, text: &'static str) -> Key {
    Key {
        path,
        format: None,
        narrow,
        text,
    }
}

const STATUS: Key = key(
    "status",
    "status",
    "(SELECT name FROM statuses WHERE rowid = {})",
);
const COLLECTOR: Key = key(
    "collector_id",
    "collector",
    "(SELECT collector_id FROM collectors WHERE id = {})",
);
const PROVIDER: Key = key(
    "collector_info.provider",
    "collector",
    "(SELECT provider FROM collectors WHERE id = {})",
);
const PLUGIN: Key = key(
    "collector_info.plugin_info.plugin_id",
    "collector",
    "(SELECT plugin FROM collectors WHERE id = {})",
);
const PROJECT: Key = key(
    "project_id",
    "project",
    "(SELECT name FROM projects WHERE rowid = {})",
);
const DAY: Key = Key {
    path: "created_at",
    format: Some("%Y-%m-%d"),
    narrow: "created / 86400000",
    text: "date({} * 86400, 'unixepoch')",
};
const HOUR: Key = Key {
    path: "created_at",
    format: Some("%Y-%m-%dT%H"),
    narrow: "created / 3600000",
    text: "strftime('%Y-%m-%dT%H', {} * 3600, 'unixepoch')",
};

/// Means, sums and extremes by one or two keys.
fn averages(data: &Data) -> Vec<Question> {
    let one = [
        ("mean: tasks by status", vec![STATUS]),
        ("mean: tasks by collector", vec![COLLECTOR]),
        ("mean: tasks by provider", vec![PROVIDER]),
        ("mean: tasks by plugin", vec![PLUGIN]),
        ("mean: tasks by project", vec![PROJECT]),
        ("mean: tasks by day", vec![DAY]),
        ("mean: tasks by hour", vec![HOUR]),
        (
            "mean: tasks by collector and status",
            vec![COLLECTOR, STATUS],
        ),
        ("mean: tasks by provider and day", vec![PROVIDER, DAY]),
    ];
    let mut all: Vec<_> = one
        .into_iter()
        .map(|(label, keys)| a_mean(data, label, &keys, false, None))
        .collect();
    all.push(a_mean(data, "mean: duration by day", &[DAY], true, None));
    all.push(a_mean(
        data,
        "mean: duration by plugin and status",
        &[PLUGIN, STATUS],
        true,
        None,
    ));
    let month = Some(30);
    all.push(a_mean(
        data,
        "month: tasks by collector",
        &[COLLECTOR],
        false,
        month,
    ));
    all.push(a_mean(
        data,
        "month: duration by hour",
        &[HOUR],
        true,
        month,
    ));
    all.push(a_mean(
        data,
        "month: duration by provider and day",
        &[PROVIDER, DAY],
        true,
        month,
    ));
    all
}

/// The mean, the sum, the smallest and the largest of the tasks or of the duration, by keys; of the last days alone.
fn a_mean(
    data: &Data,
    label: &'static str,
    keys: &[Key],
    is_duration: bool,
    days: Option<i64>,
) -> Question {
    let (value, column) = if is_duration {
        ("duration", "finished - created")
    } else {
        ("total_tasks", "total")
    };
    let names: Vec<_> = keys.iter().map(|key| key.path.replace('.', "_")).collect();
    let group_keys = keys.iter().zip(&names).map(|(key, name)| {
        let path = if is_duration { name } else { key.path };
        let mut group_key = json!({"key": path, "name": name});
        if let Some(format) = key.format {
            group_key["date_format"] = json!(format);
        }
        group_key
    });
    let fields = ["average", "sum", "min", "max"]
        .map(|operator| json!({"name": operator, "key": value, "operator": operator}));
    let mut stages =
        vec![json!({"group": {"keys": group_keys.collect::<Vec<_>>(), "fields": fields}})];
    if is_duration {
        let mut fields: Vec<_> = keys
            .iter()
            .zip(&names)
            .map(|(key, name)| json!({"name": name, "key": key.path}))
            .collect();
        fields.push(json!({"name": "duration", "operator": "subtract", "fields": ["finished_at", "created_at"]}));
        stages.insert(0, json!({"project": {"fields": fields}}));
    }
    let mut query = json!({"aggregate": stages});
    let mut values: Vec<SqlValue> = Vec::new();
    let mut range = "";
    if let Some(days) = days {
        query["filter"] = json!(created_between(ago(days, 0), ago(0, 0)));
        range = "AND created >= ?2 AND created < ?3";
        values.extend([millis(ago(days, 0)), millis(ago(0, 0))]);
    }
    // First by the numbers in the narrow rows, of which several may have one text.
    let numbers = (0..keys.len())
        .map(|number| format!("k{number}"))
        .collect::<Vec<_>>()
        .join(", ");
    let inner = keys
        .iter()
        .enumerate()
        .map(|(number, key)| format!("{} AS k{number}", key.narrow));
    let outer = keys.iter().enumerate().map(|(number, key)| {
        format!(
            "{} AS t{number}",
            key.text.replace("{}", &format!("k{number}"))
        )
    });
    let texts = (0..keys.len())
        .map(|number| format!("t{number}"))
        .collect::<Vec<_>>()
        .join(", ");
    let by_hand = format!(
        "SELECT {}, CAST(sum(s) AS REAL) / sum(n), ifnull(sum(s), 0), min(low), max(high) FROM \
             (SELECT {}, sum({column}) AS s, count({column}) AS n, min({column}) AS low, max({column}) AS high FROM narrow \
             WHERE domain = ?1 {range} GROUP BY {numbers}) GROUP BY {texts}",
        outer.collect::<Vec<_>>().join(", "),
        inner.collect::<Vec<_>>().join(", "),
    );
    data.stat_page(label, &query, ByHand::Whole(by_hand), values)
}

/// Searches for a word in one member, and in all that a search box tries.
fn words(data: &Data) -> Vec<Question> {
    const WORD: &str = "qu";
    let of_collectors = |column: &str| {
        format!("collector IN (SELECT id FROM collectors WHERE {column} LIKE '%' || ?2 || '%')")
    };
    let of_errors = |column: &str| {
        format!(
            "id IN (SELECT job FROM messages WHERE domain = ?1 AND {column} LIKE '%' || ?2 || '%')"
        )
    };
    let members = [
        (
            "word: error code",
            "errors.error_code",
            of_errors("error_code"),
        ),
        (
            "word: error message",
            "errors.message",
            of_errors("message"),
        ),
        (
            "word: collector name",
            "collector_info.name",
            of_collectors("name"),
        ),
        (
            "word: plugin",
            "collector_info.plugin_info.plugin_id",
            of_collectors("plugin"),
        ),
        (
            "word: provider",
            "collector_info.provider",
            of_collectors("provider"),
        ),
        (
            "word: project",
            "project_id",
            "project IN (SELECT rowid FROM projects WHERE name LIKE '%' || ?2 || '%')".to_owned(),
        ),
        (
            "word: job id",
            "job_id",
            "job_id LIKE '%' || ?2 || '%'".to_owned(),
        ),
    ];
    let question = |label: &'static str, word: &str, paths: &[&str], by_hand: &str| {
        let conditions: Vec<_> = paths
            .iter()
            .map(|path| condition(path, "contain", word))
            .collect();
        let found = format!(
            "WITH found AS MATERIALIZED (SELECT id, created, job_id FROM narrow WHERE domain = ?1 AND ({by_hand})), \
                 page AS MATERIALIZED (SELECT * FROM found ORDER BY created DESC, job_id LIMIT 30) \
             SELECT {DOCUMENT}, (SELECT count(*) FROM found) FROM page CROSS JOIN jobs ON jobs.id = page.id \
             ORDER BY page.created DESC, page.job_id"
        );
        let body = json!({"query": {"filter_or": conditions, "page": page()}});
        data.list(label, body, ByHand::Counted(found), [text(word)])
    };
    let mut all: Vec<_> = members
        .iter()
        .map(|(label, path, by_hand)| {
            let word = match *label {
                "word: error code" | "word: error message" => WORD,
                "word: job id" => "a1",
                _ => "a",
            };
            question(label, word, &[path], by_hand)
        })
        .collect();
    let paths: Vec<_> = members.iter().map(|(_, path, _)| *path).collect();
    let by_hand: Vec<_> = members
        .iter()
        .map(|(_, _, by_hand)| by_hand.as_str())
        .collect();
    all.push(question(
        "word: in all of these",
        WORD,
        &paths,
        &by_hand.join(" OR "),
    ));
    all
}
