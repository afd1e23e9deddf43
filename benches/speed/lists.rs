//! Lists: pages of 30, newest first, unless their name says otherwise.

use serde_json::{Value, json};

use crate::questions::{
    ANY_STATUS, ByHand, DOCUMENT, Data, HEAD, INDEX, Question, STATUSES, TABLE, ago, condition,
    counters, created_between, day, far, largest, latest, merged, merged_statuses, millis, newest,
    of_collectors, one_pass, text,
};

pub(crate) fn all(data: &Data) -> Vec<Question> {
    let mut all = by_columns(data);
    all.extend(by_several(data));
    all.extend(by_time(data));
    all.extend(in_an_order(data));
    all.extend(by_id(data));
    all.extend(inside_documents(data));
    all
}

fn page() -> Value {
    json!({"limit": 30})
}

fn filtered(filter: impl serde::Serialize) -> Value {
    json!({"query": {"filter": filter, "page": page()}})
}

fn any_of(filter_or: impl serde::Serialize) -> Value {
    json!({"query": {"filter_or": filter_or, "page": page()}})
}

fn by_columns(data: &Data) -> Vec<Question> {
    let (collector, project) = (data.collector(0), data.project());
    vec![
        data.list(
            "first page",
            json!({"query": {"page": page()}}),
            ByHand::Page(newest(""), counters("status_counts", "")),
            [],
        ),
        data.list(
            "of a status",
            json!({"status": "ERROR", "query": {"page": page()}}),
            ByHand::Page(
                newest("AND status = ?2"),
                counters("status_counts", "AND status = ?2"),
            ),
            [text("ERROR")],
        ),
        data.list(
            "of a collector",
            json!({"collector_id": collector, "query": {"page": page()}}),
            ByHand::Page(
                merged_statuses(STATUSES, "AND collector_id = ?2"),
                counters("collector_counts", "AND collector_id = ?2"),
            ),
            [text(collector)],
        ),
        data.list(
            "of a collector and a status",
            json!({"collector_id": collector, "status": "SUCCESS", "query": {"page": page()}}),
            ByHand::Page(
                newest("AND collector_id = ?2 AND status = ?3"),
                counters("collector_counts", "AND collector_id = ?2 AND status = ?3"),
            ),
            [text(collector), text("SUCCESS")],
        ),
        data.list(
            "of a project",
            json!({"project_id": project, "query": {"page": page()}}),
            ByHand::Page(
                newest("AND project_id = ?2"),
                counters("project_counts", "AND project_id = ?2"),
            ),
            [text(project)],
        ),
        data.list(
            "of a project and a status",
            json!({"project_id": project, "status": "ERROR", "query": {"page": page()}}),
            // More jobs of a project have the status than jobs of the status have the project.
            ByHand::Page(
                newest("AND project_id = ?2 AND +status = ?3"),
                counters("project_counts", "AND project_id = ?2 AND status = ?3"),
            ),
            [text(project), text("ERROR")],
        ),
        data.list(
            "count_only of a status",
            json!({"status": "SUCCESS", "query": {"count_only": true}}),
            ByHand::Total(counters("status_counts", "AND status = ?2")),
            [text("SUCCESS")],
        ),
    ]
}

fn by_several(data: &Data) -> Vec<Question> {
    let collectors = [data.collector(0), data.collector(1)];
    let failed = ["ERROR", "TIMEOUT"];
    let failed_page = || {
        ByHand::Page(
            merged_statuses(failed, ""),
            counters("status_counts", "AND status IN ('ERROR', 'TIMEOUT')"),
        )
    };
    let no_success = STATUSES.into_iter().filter(|status| *status != "SUCCESS");
    vec![
        data.list(
            "status in two",
            filtered([condition("status", "in", failed)]),
            failed_page(),
            [],
        ),
        data.list(
            "status not SUCCESS",
            filtered([condition("status", "not", "SUCCESS")]),
            ByHand::Page(
                merged_statuses(no_success, ""),
                counters("status_counts", "AND status <> 'SUCCESS'"),
            ),
            [],
        ),
        data.list(
            "what runs now: status in two that are rare",
            filtered([condition("status", "in", ["CREATED", "IN_PROGRESS"])]),
            ByHand::Page(
                merged_statuses(["CREATED", "IN_PROGRESS"], ""),
                counters("status_counts", "AND status IN ('CREATED', 'IN_PROGRESS')"),
            ),
            [],
        ),
        data.list(
            "filter_or of two statuses",
            any_of(failed.map(|status| condition("status", "eq", status))),
            failed_page(),
            [],
        ),
        data.list(
            "filter_or of two collectors",
            any_of(collectors.map(|one| condition("collector_id", "eq", one))),
            ByHand::Page(
                merged(["?2", "?3"].into_iter().flat_map(|one| {
                    STATUSES
                        .map(|status| format!("AND collector_id = {one} AND status = '{status}'"))
                })),
                counters("collector_counts", "AND collector_id IN (?2, ?3)"),
            ),
            collectors.map(text),
        ),
    ]
}

fn by_time(data: &Data) -> Vec<Question> {
    let collector = data.collector(0);
    let [day_from, day_to] = [ago(30, 0), ago(29, 0)];
    let [week_from, week_to] = [ago(37, 0), ago(30, 0)];
    // Both ends are within a day.
    let [month_from, month_to] = [ago(60, 8), ago(30, 8)];
    vec![
        data.list(
            "of a day",
            filtered(created_between(day_from, day_to)),
            ByHand::Page(
                newest("AND created_at >= ?2 AND created_at < ?3"),
                counters("day_counts", &format!("AND {ANY_STATUS} AND day = ?4")),
            ),
            [millis(day_from), millis(day_to), day(day_from)],
        ),
        data.list(
            "of a week and a status",
            {
                let mut body = filtered(created_between(week_from, week_to));
                body["status"] = json!("ERROR");
                body
            },
            ByHand::Page(
                newest("AND created_at >= ?2 AND created_at < ?3 AND status = ?4"),
                counters("day_counts", "AND status = ?4 AND day >= ?5 AND day < ?6"),
            ),
            [
                millis(week_from),
                millis(week_to),
                text("ERROR"),
                day(week_from),
                day(week_to),
            ],
        ),
        data.list(
            "of a week and a collector",
            {
                let mut body = filtered(created_between(week_from, week_to));
                body["collector_id"] = json!(collector);
                body
            },
            ByHand::Page(
                merged_statuses(
                    STATUSES,
                    "AND collector_id = ?4 AND created_at >= ?2 AND created_at < ?3",
                ),
                format!(
                    "SELECT count(*) FROM jobs WHERE domain = ?1 AND collector_id = ?4 AND {ANY_STATUS} \
                     AND created_at >= ?2 AND created_at < ?3"
                ),
            ),
            [millis(week_from), millis(week_to), text(collector)],
        ),
        data.list(
            "of the last 24 hours by timediff, and a status",
            {
                let mut body = filtered([condition("created_at", "timediff_gte", "now-1d")]);
                body["status"] = json!("ERROR");
                body
            },
            ByHand::Page(
                newest("AND created_at >= ?2 AND status = ?3"),
                "SELECT count(*) FROM jobs WHERE domain = ?1 AND status = ?3 AND created_at >= ?2"
                    .to_owned(),
            ),
            [millis(ago(1, 0)), text("ERROR")],
        ),
        data.list(
            "count_only of 30 days",
            json!({"query": {"filter": created_between(month_from, month_to), "count_only": true}}),
            ByHand::Total(format!(
                "SELECT ({}) + (SELECT count(*) FROM jobs WHERE domain = ?1 AND created_at >= ?4 AND created_at < ?5) \
                 + (SELECT count(*) FROM jobs WHERE domain = ?1 AND created_at >= ?6 AND created_at < ?7)",
                counters("day_counts", &format!("AND {ANY_STATUS} AND day > ?2 AND day < ?3")),
            )),
            [
                day(month_from),
                day(month_to),
                millis(month_from),
                millis(ago(60, 0)),
                millis(ago(31, 0)),
                millis(month_to),
            ],
        ),
    ]
}

fn in_an_order(data: &Data) -> Vec<Question> {
    let sorted = |key: &str, desc: bool| json!({"query": {"sort": {"key": key, "desc": desc}, "page": page()}});
    let total = || counters("status_counts", "");
    let far_page = json!({"start": 50_001, "limit": 30});
    vec![
        data.list(
            "oldest first",
            sorted("created_at", false),
            ByHand::Page(
                format!(
                    "SELECT {DOCUMENT} FROM jobs WHERE domain = ?1 ORDER BY created_at, job_id DESC LIMIT 30"
                ),
                total(),
            ),
            [],
        ),
        data.list(
            "by updated_at",
            sorted("updated_at", true),
            ByHand::Page(latest("updated_at"), total()),
            [],
        ),
        data.list(
            "by finished_at",
            sorted("finished_at", true),
            ByHand::Page(latest("finished_at"), total()),
            [],
        ),
        data.list(
            "by total_tasks",
            sorted("total_tasks", true),
            ByHand::Page(largest("total_tasks"), total()),
            [],
        ),
        data.list(
            "page at 50,000",
            json!({"query": {"page": far_page}}),
            ByHand::Page(far(""), total()),
            [],
        ),
        data.list(
            "page at 50,000 of a status",
            json!({"status": "SUCCESS", "query": {"page": far_page}}),
            ByHand::Page(
                far("AND status = ?2"),
                counters("status_counts", "AND status = ?2"),
            ),
            [text("SUCCESS")],
        ),
    ]
}

fn by_id(data: &Data) -> Vec<Question> {
    let ids = data.jobs.each_ref().map(|job| job.job_id.as_str());
    let word = &ids[0]["job-".len()..][..6];
    vec![
        data.list(
            "one by its job_id",
            json!({"job_id": ids[0]}),
            ByHand::Whole(format!(
                "SELECT {DOCUMENT} FROM jobs WHERE domain = ?1 AND job_id = ?2"
            )),
            [text(ids[0])],
        ),
        data.list(
            "ten by their job_id",
            json!({"query": {"filter": [condition("job_id", "in", ids)]}}),
            ByHand::Whole(format!(
                "SELECT {DOCUMENT} FROM jobs WHERE domain = ?1 AND job_id IN (?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11) \
                 ORDER BY +created_at DESC, job_id"
            )),
            ids.map(text),
        ),
        data.list(
            "keyword of 6 characters",
            json!({"query": {"keyword": word, "page": page()}}),
            one_pass(INDEX, "AND instr(job_id, ?2)"),
            [text(word)],
        ),
    ]
}

fn inside_documents(data: &Data) -> Vec<Question> {
    let info = &data.jobs[0].collector_info.as_ref().unwrap().0;
    // The word itself, and as it is in JSON.
    let quoted = |value: &Value| [text(value.as_str().unwrap()), text(&value.to_string())];
    let (provider, plugin) = (&info["provider"], &info["plugin_info"]["plugin_id"]);
    let code = "ERROR_PLUGIN_CALL";
    let with_code = |condition: &str| {
        format!(
            "SELECT {DOCUMENT} FROM job_errors AS e CROSS JOIN jobs ON jobs.id = e.job \
             WHERE e.domain = ?1 AND error_code = ?2 {condition} ORDER BY e.created_at DESC, e.job_id LIMIT 30"
        )
    };
    vec![
        data.list(
            "of a provider",
            filtered([condition("collector_info.provider", "eq", provider)]),
            of_collectors("$.provider", ""),
            quoted(provider),
        ),
        data.list(
            "of a plugin and a status",
            {
                let key = "collector_info.plugin_info.plugin_id";
                let mut body = filtered([condition(key, "eq", plugin)]);
                body["status"] = json!("ERROR");
                body
            },
            of_collectors("$.plugin_info.plugin_id", "AND status = 'ERROR'"),
            quoted(plugin),
        ),
        data.list(
            "with an error code",
            filtered([condition("errors.error_code", "eq", code)]),
            ByHand::Page(
                with_code(""),
                counters("error_counts", "AND error_code = ?2"),
            ),
            [text(code)],
        ),
        data.list(
            "with an error code, of the last week",
            filtered([
                condition("errors.error_code", "eq", code),
                condition("created_at", "datetime_gte", ago(7, 0).to_string()),
            ]),
            ByHand::Page(
                with_code("AND e.created_at >= ?3"),
                "SELECT count(*) FROM job_errors WHERE domain = ?1 AND error_code = ?2 AND created_at >= ?3"
                    .to_owned(),
            ),
            [text(code), millis(ago(7, 0))],
        ),
        // A text without the word need not be parsed.
        data.list(
            "limited to a region",
            filtered([condition("filter.region_code", "eq", "us-east-1")]),
            one_pass(
                TABLE,
                &format!(
                    "AND instr(head, ?3) AND EXISTS \
                     (SELECT 1 FROM json_each({HEAD}, '$.filter.region_code') WHERE value = ?2)"
                ),
            ),
            quoted(&json!("us-east-1")),
        ),
        data.list(
            "minimal",
            json!({"query": {"minimal": true, "page": page()}}),
            ByHand::Page(
                format!(
                    // A null is left out.
                    "SELECT json_patch('{{}}', json_object('job_id', job_id, 'status', status, 'created_at', {}, 'finished_at', {})) \
                     FROM jobs WHERE domain = ?1 ORDER BY created_at DESC, job_id LIMIT 30",
                    time_text("created_at"),
                    time_text("finished_at")
                ),
                counters("status_counts", ""),
            ),
            [],
        ),
        data.list(
            "only three of the fields",
            json!({"query": {"only": ["job_id", "status", "collector_info.name"], "page": page()}}),
            ByHand::Page(
                "SELECT json_object('job_id', job_id, 'status', status, 'collector_info', json_object('name', \
                 (SELECT info ->> '$.name' FROM collector_infos WHERE id = collector_info))) \
                 FROM jobs WHERE domain = ?1 ORDER BY created_at DESC, job_id LIMIT 30"
                    .to_owned(),
                counters("status_counts", ""),
            ),
            [],
        ),
    ]
}

/// Formats a time as documents do.
fn time_text(column: &str) -> String {
    format!(
        "strftime('%Y-%m-%dT%H:%M:%S', {column} / 1000, 'unixepoch') || format('.%03dZ', {column} % 1000)"
    )
}
