//! Statistics.

use serde_json::{Value, json};

use crate::questions::{
    DAYS_TO_1970, Data, HEAD, Question, TABLE, ago, condition, created_between, hour, millis, text,
};

pub(crate) fn all(data: &Data) -> Vec<Question> {
    let mut all = by_status_and_collector(data);
    all.extend(by_project_and_provider(data));
    all.extend(by_time(data));
    all.extend(by_others(data));
    all
}

fn key(key: &str, name: &str) -> Value {
    json!({"key": key, "name": name})
}

fn date(format: &str) -> Value {
    json!({"key": "created_at", "name": "date", "date_format": format})
}

/// Makes a group with a count.
fn counted(keys: impl serde::Serialize) -> Value {
    json!({"group": {"keys": keys, "fields": [{"name": "count", "operator": "count"}]}})
}

/// Makes the stages for the ten largest counts.
fn top_ten() -> [Value; 2] {
    [
        json!({"sort": {"key": "count", "desc": true}}),
        json!({"limit": 10}),
    ]
}

fn aggregate(stages: impl serde::Serialize) -> Value {
    json!({"aggregate": stages})
}

/// Groups by status and by collector.
fn by_status_and_collector(data: &Data) -> Vec<Question> {
    let [sort, limit] = top_ten();
    vec![
        data.stat(
            "stat: by status",
            &aggregate([counted([key("status", "status")])]),
            "SELECT status, jobs FROM status_counts WHERE domain = ?1 AND jobs > 0 ORDER BY status",
            [],
        ),
        data.stat(
            "stat: the ten collectors with most jobs",
            &aggregate([counted([key("collector_id", "collector_id")]), sort.clone(), limit.clone()]),
            "SELECT collector_id, sum(jobs) AS n FROM collector_counts WHERE domain = ?1 \
             GROUP BY collector_id HAVING n > 0 ORDER BY n DESC, collector_id LIMIT 10",
            [],
        ),
        data.stat(
            "stat: the ten collectors with most errors",
            &{
                let mut query = aggregate([counted([key("collector_id", "collector_id")]), sort, limit]);
                query["filter"] = json!([condition("status", "eq", "ERROR")]);
                query
            },
            "SELECT collector_id, jobs FROM collector_counts WHERE domain = ?1 AND status = ?2 AND jobs > 0 \
             ORDER BY jobs DESC, collector_id LIMIT 10",
            [text("ERROR")],
        ),
        data.stat(
            "stat: by collector and status",
            &aggregate([counted([
                key("collector_id", "collector_id"),
                key("status", "status"),
            ])]),
            "SELECT collector_id, status, jobs FROM collector_counts WHERE domain = ?1 AND jobs > 0 \
             ORDER BY collector_id, status",
            [],
        ),
        data.stat(
            "stat: distinct collectors",
            &json!({"distinct": "collector_id"}),
            "SELECT DISTINCT collector_id FROM collector_counts \
             WHERE domain = ?1 AND jobs > 0 AND collector_id IS NOT NULL ORDER BY collector_id",
            [],
        ),
    ]
}

/// Groups by project, and by a member of the collector.
fn by_project_and_provider(data: &Data) -> Vec<Question> {
    let project = data.project();
    vec![
        data.stat(
            "stat: by project",
            &aggregate([counted([key("project_id", "project_id")])]),
            "SELECT project_id, sum(jobs) FROM project_counts WHERE domain = ?1 AND jobs > 0 \
             GROUP BY project_id ORDER BY project_id",
            [],
        ),
        data.stat(
            "stat: by status of a project",
            &{
                let mut query = aggregate([counted([key("status", "status")])]);
                query["filter"] = json!([condition("project_id", "eq", project)]);
                query
            },
            "SELECT status, jobs FROM project_counts WHERE domain = ?1 AND project_id = ?2 AND jobs > 0 ORDER BY status",
            [text(project)],
        ),
        data.stat(
            "stat: distinct projects",
            &json!({"distinct": "project_id"}),
            "SELECT DISTINCT project_id FROM project_counts WHERE domain = ?1 AND jobs > 0 ORDER BY project_id",
            [],
        ),
        data.stat(
            "stat: by provider",
            &aggregate([counted([key("collector_info.provider", "provider")])]),
            "SELECT info ->> '$.provider' AS provider, sum(jobs) FROM \
                 (SELECT collector_info, sum(jobs) AS jobs FROM collector_info_counts \
                 WHERE domain = ?1 AND jobs > 0 GROUP BY collector_info) \
             LEFT JOIN collector_infos ON id = collector_info GROUP BY provider ORDER BY provider",
            [],
        ),
    ]
}

fn by_time(data: &Data) -> Vec<Question> {
    let of_day = format!("date((day - {DAYS_TO_1970}) * 86400, 'unixepoch')");
    vec![
        data.stat(
            "stat: by day",
            &aggregate([counted([date("%Y-%m-%d")])]),
            format!(
                "SELECT {of_day}, jobs FROM (SELECT day, sum(jobs) AS jobs FROM day_counts \
                 WHERE domain = ?1 AND jobs > 0 GROUP BY day) ORDER BY day"
            ),
            [],
        ),
        data.stat(
            "stat: by day of a status",
            &{
                let mut query = aggregate([counted([date("%Y-%m-%d")])]);
                query["filter"] = json!([condition("status", "eq", "SUCCESS")]);
                query
            },
            format!(
                "SELECT {of_day}, jobs FROM day_counts WHERE domain = ?1 AND status = ?2 AND jobs > 0 ORDER BY day"
            ),
            [text("SUCCESS")],
        ),
        data.stat(
            "stat: by day and status",
            &aggregate([counted([date("%Y-%m-%d"), key("status", "status")])]),
            format!(
                "SELECT {of_day}, status, jobs FROM day_counts WHERE domain = ?1 AND jobs > 0 ORDER BY day, status"
            ),
            [],
        ),
        data.stat(
            "stat: by month of a status",
            &{
                let mut query = aggregate([counted([date("%Y-%m")])]);
                query["filter"] = json!([condition("status", "eq", "ERROR")]);
                query
            },
            format!(
                "SELECT strftime('%Y-%m', (day - {DAYS_TO_1970}) * 86400, 'unixepoch') AS month, sum(jobs) \
                 FROM day_counts WHERE domain = ?1 AND status = ?2 AND jobs > 0 GROUP BY month ORDER BY month"
            ),
            [text("ERROR")],
        ),
        data.stat(
            "stat: by hour of the last day",
            &{
                let mut query = aggregate([counted([date("%Y-%m-%dT%H")])]);
                query["filter"] = json!([condition("created_at", "timediff_gte", "now-1d")]);
                query
            },
            // It may begin within an hour.
            format!(
                "SELECT strftime('%Y-%m-%dT%H', (hour - {DAYS_TO_1970} * 24) * 3600, 'unixepoch'), n FROM \
                 (SELECT ?3 AS hour, count(*) AS n FROM jobs WHERE domain = ?1 AND created_at >= ?2 \
                     AND created_at < (?3 + 1 - {DAYS_TO_1970} * 24) * 3600000 \
                 UNION ALL SELECT hour, sum(jobs) FROM hour_counts WHERE domain = ?1 AND hour > ?3 GROUP BY hour) \
                 WHERE n > 0 ORDER BY hour"
            ),
            [millis(ago(1, 0)), hour(ago(1, 0))],
        ),
    ]
}

/// Groups that read the jobs themselves.
fn by_others(data: &Data) -> Vec<Question> {
    let codes = |filter: Vec<Value>| {
        let [sort, limit] = top_ten();
        let group = counted([key("errors.error_code", "code")]);
        let mut query = aggregate([json!({"unwind": {"path": "errors"}}), group, sort, limit]);
        query["filter"] = json!(filter);
        query
    };
    let codes_by_hand = |condition: &str| {
        format!(
            "SELECT e.value ->> 'error_code' AS code, count(*) AS n FROM jobs, json_each({HEAD}, '$.errors') AS e \
             WHERE domain = ?1 {condition} AND error_count > 0 GROUP BY code ORDER BY n DESC, code LIMIT 10"
        )
    };
    vec![
        data.stat(
            "stat: error codes of a week by unwind",
            &codes(created_between(ago(7, 0), ago(0, 0)).into()),
            codes_by_hand("AND created_at >= ?2 AND created_at < ?3"),
            [millis(ago(7, 0)), millis(ago(0, 0))],
        ),
        data.stat(
            "stat: error codes of all by unwind",
            &codes(Vec::new()),
            codes_by_hand(""),
            [],
        ),
        data.stat(
            "stat: sum of total_tasks by collector",
            &aggregate([json!({"group": {
                "keys": [key("collector_id", "collector_id")],
                "fields": [{"name": "tasks", "key": "total_tasks", "operator": "sum"}],
            }})]),
            format!(
                "SELECT collector_id, sum(total_tasks) {TABLE} WHERE domain = ?1 GROUP BY collector_id ORDER BY collector_id"
            ),
            [],
        ),
        data.stat(
            "stat: average of total_tasks by status",
            &aggregate([json!({"group": {
                "keys": [key("status", "status")],
                "fields": [{"name": "tasks", "key": "total_tasks", "operator": "average"}],
            }})]),
            format!("SELECT status, avg(total_tasks) {TABLE} WHERE domain = ?1 GROUP BY status ORDER BY status"),
            [],
        ),
    ]
}
