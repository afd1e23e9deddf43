//! Answers from blocks of columns are those that the jobs themselves would give, after any write.
//!
//! Each question is asked twice: as it is, and with a condition that every job meets, but only its document shows; the
//! second answer comes from a statement over the jobs.

use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::{Map, Value, json};

use crate::app::{App, Setup};

const DOMAINS: [&str; 2] = ["d", "e"];
const STATUSES: [&str; 6] = [
    "CREATED",
    "CANCELED",
    "IN_PROGRESS",
    "SUCCESS",
    "ERROR",
    "TIMEOUT",
];
const WORDS: [&str; 5] = ["quota", "Quota exceeded", "größer", "timeout of 30 s", "K"];
const OPTIONAL: [&str; 5] = [
    "secret_id",
    "request_secret_id",
    "request_workspace_id",
    "resource_group",
    "workspace_id",
];

fn pick<'t>(random: &mut impl Rng, from: &[&'t str]) -> &'t str {
    from[random.random_range(0..from.len())]
}

/// A job of few values, so that many are equal, with every member that a block has.
fn a_job(random: &mut ChaCha8Rng, number: usize) -> Value {
    // About in the order of time, as jobs come, so that a page by time needs only some of the blocks.
    let minute = i64::try_from(number).unwrap() + random.random_range(0..900);
    let is_old = number < 800 && random.random_bool(0.3);
    let created = 1_655_452_800_000 + 60_000 * minute - if is_old { 1_700_000_000_000 } else { 0 };
    let time = |millis: i64| jiff_text(millis);
    let mut job = json!({
        "job_id": format!("{}-{number}", pick(random, &["job", "Job", "größe", "k"])),
        "domain_id": DOMAINS[number % 2],
        "status": pick(random, &STATUSES),
        "total_tasks": random.random_range(0..5),
        "remained_tasks": random.random_range(-1..4),
        "created_at": time(created),
        "updated_at": time(created + random.random_range(0..400_000)),
    });
    let members = job.as_object_mut().unwrap();
    let mut set = |name: &str, value: Value| members.insert(name.to_owned(), value);
    if random.random_bool(0.8) {
        set(
            "finished_at",
            json!(time(created + 1_000 * random.random_range(-5..600))),
        );
    }
    if random.random_bool(0.7) {
        set(
            "project_id",
            json!(format!("project-{}", random.random_range(0..4))),
        );
    }
    for name in OPTIONAL {
        if random.random_bool(0.2) {
            set(name, json!(format!("{name}-{}", random.random_range(0..3))));
        }
    }
    if random.random_bool(0.3) {
        set("success_tasks", json!(random.random_range(0..4)));
        set("failure_tasks", json!(random.random_range(0..300)));
    }
    if random.random_bool(0.9) {
        let collector = random.random_range(0..5);
        let labels = match collector {
            0 => Value::Null,
            1 => json!(["b", "a"]),
            2 => json!(7),
            _ => json!(format!("Label {collector}")),
        };
        set(
            "collector_info",
            json!({
                "collector_id": format!("c-{collector}"), "name": format!("Collector {collector}"), "labels": labels, "provider": pick(random, &["aws", "azure"]),
                "plugin_info": {"plugin_id": pick(random, &["p-1", "p-2"])},
            }),
        );
    }
    let errors: Vec<Value> = (0..random.random_range(0..4_usize).saturating_sub(1))
        .map(|_| match random.random_range(0..4) {
            0 => json!({}),
            1 => json!({"error_code": pick(random, &["E1", "E2"])}),
            // A block does not have long ones.
            2 if random.random_bool(0.2) => {
                let padding = "x".repeat(1_100);
                json!({"error_code": "E2", "message": format!("{padding} {}", pick(random, &WORDS))})
            }
            _ => json!({"error_code": "E1", "message": pick(random, &WORDS)}),
        })
        .collect();
    set("errors", json!(errors));
    job
}

fn jiff_text(millis: i64) -> String {
    jobdeck::time::Timestamp::from_millis(millis)
        .unwrap()
        .to_string()
}

fn condition(random: &mut ChaCha8Rng) -> Value {
    const TEXTS: [(&str, &[&str]); 10] = [
        ("status", &STATUSES),
        ("collector_id", &["c-1", "c-9", "C"]),
        ("project_id", &["project-1", "PROJECT", "2"]),
        ("workspace_id", &["workspace_id-1", "space", "x"]),
        ("job_id", &["job-1", "12", "größe-3", "K-", "b-"]),
        ("collector_info.provider", &["aws", "Z", "x"]),
        ("collector_info.name", &["Collector 3", "b", "lector"]),
        ("collector_info.plugin_info.plugin_id", &["p-1", "P", "2"]),
        ("errors.error_code", &["E1", "E2", "e", "x"]),
        (
            "errors.message",
            &["quota", "exceeded", "ß", "k", "timeout of 30 s"],
        ),
    ];
    if random.random_bool(0.35) {
        let key = pick(
            random,
            &[
                "total_tasks",
                "remained_tasks",
                "success_tasks",
                "failure_tasks",
            ],
        );
        let value = if random.random_bool(0.1) {
            json!(1.5)
        } else {
            json!(random.random_range(-1..5))
        };
        return match random.random_range(0..4) {
            0 => json!({"k": key, "v": value, "o": pick(random, &["eq", "not"])}),
            1 => json!({"k": key, "v": [value, 2], "o": pick(random, &["in", "not_in"])}),
            2 => json!({"k": key, "v": null, "o": pick(random, &["eq", "not"])}),
            _ => json!({"k": key, "v": value, "o": pick(random, &["lt", "lte", "gt", "gte"])}),
        };
    }
    if random.random_bool(0.2) {
        let key = pick(random, &["created_at", "updated_at", "finished_at"]);
        let time = jiff_text(1_655_452_800_000 + 60_000 * random.random_range(0..3_000_i64));
        let operator = pick(
            random,
            &["datetime_lt", "datetime_lte", "datetime_gt", "datetime_gte"],
        );
        return json!({"k": key, "v": time, "o": operator});
    }
    let (key, values) = TEXTS[random.random_range(0..TEXTS.len())];
    let value = pick(random, values);
    match random.random_range(0..7) {
        0 => json!({"k": key, "v": value, "o": pick(random, &["eq", "not"])}),
        1 => {
            json!({"k": key, "v": [value, pick(random, values)], "o": pick(random, &["in", "not_in"])})
        }
        2 => {
            json!({"k": key, "v": [value, pick(random, values)], "o": pick(random, &["contain_in", "not_contain_in"])})
        }
        3 => json!({"k": key, "v": format!("^.?{}", value.replace('-', "\\-")), "o": "regex"}),
        4 => json!({"k": key, "v": null, "o": pick(random, &["eq", "not"])}),
        _ => json!({"k": key, "v": value, "o": pick(random, &["contain", "not_contain"])}),
    }
}

fn conditions(random: &mut ChaCha8Rng, most: usize) -> Vec<Value> {
    (0..random.random_range(0..=most))
        .map(|_| condition(random))
        .collect()
}

fn a_list(random: &mut ChaCha8Rng) -> Map<String, Value> {
    const KEYS: [&str; 13] = [
        "job_id",
        "collector_info.name",
        "status",
        "total_tasks",
        "remained_tasks",
        "project_id",
        "created_at",
        "updated_at",
        "finished_at",
        "failure_tasks",
        "collector_info.provider",
        "collector_info.labels",
        "workspace_id",
    ];
    let keys: Vec<_> = (0..random.random_range(0..4))
        .map(|_| json!({"key": pick(random, &KEYS), "desc": random.random_bool(0.5)}))
        .collect();
    let mut query = json!({
        "sort": {"keys": keys},
        "page": {"start": random.random_range(1..40), "limit": random.random_range(1..30)},
    });
    match random.random_range(0..4) {
        0 => query["only"] = json!(["job_id", "collector_info.name"]),
        1 => query = json!({"count_only": true}),
        _ => {}
    }
    query.as_object().unwrap().clone()
}

/// The keys of groups, with their date formats.
const GROUP_KEYS: [(&str, Option<&str>); 13] = [
    ("status", None),
    ("collector_id", None),
    ("project_id", None),
    ("total_tasks", None),
    ("workspace_id", None),
    ("created_at", Some("%Y-%m-%d")),
    ("created_at", Some("%Y-%m-%dT%H")),
    ("created_at", Some("year")),
    ("finished_at", Some("%H")),
    ("collector_info.provider", None),
    ("collector_info.name", None),
    ("collector_info.labels", None),
    ("collector_info.plugin_info.plugin_id", None),
];
/// The numbers of a job, and then those that [`projection`] computes.
const NUMBERS: [&str; 6] = [
    "total_tasks",
    "remained_tasks",
    "failure_tasks",
    "duration",
    "left",
    "errors",
];

/// A stage `project` with the keys of groups, dots replaced by underlines, and with numbers.
fn projection() -> Value {
    let subtract = |one: &str, other: &str| json!({"operator": "subtract", "fields": [one, other]});
    let more = json!({"operator": "add", "fields": ["total_tasks", 0.5]});
    let mut fields = Map::new();
    let keys = GROUP_KEYS.iter().map(|(key, _)| *key);
    for key in keys.chain(["job_id", "remained_tasks", "failure_tasks"]) {
        fields.insert(key.replace('.', "_"), json!({"key": key}));
    }
    fields.insert("duration".to_owned(), subtract("finished_at", "created_at"));
    fields.insert(
        "left".to_owned(),
        json!({"operator": "divide", "fields": [subtract("total_tasks", "remained_tasks"), more]}),
    );
    fields.insert(
        "errors".to_owned(),
        json!({"operator": "size", "key": "errors"}),
    );
    let named = fields.into_iter().map(|(name, mut field)| {
        field["name"] = json!(name);
        field
    });
    json!({"project": {"fields": named.collect::<Vec<_>>()}})
}

fn a_number(random: &mut ChaCha8Rng, is_projected: bool) -> &'static str {
    pick(random, &NUMBERS[..if is_projected { 6 } else { 3 }])
}

/// The path of a key, in a job or after [`projection`].
fn path(key: &str, is_projected: bool) -> String {
    if is_projected {
        key.replace('.', "_")
    } else {
        key.to_owned()
    }
}

fn a_group(random: &mut ChaCha8Rng, is_projected: bool) -> Value {
    let group_keys: Vec<_> = (0..random.random_range(0..3))
        .map(|number| {
            let (key, format) = GROUP_KEYS[random.random_range(0..GROUP_KEYS.len())];
            let mut group_key =
                json!({"key": path(key, is_projected), "name": format!("k{number}")});
            if let Some(format) = format {
                group_key["date_format"] = json!(format);
            }
            group_key
        })
        .collect();
    let fields: Vec<_> = (0..random.random_range(1..5))
        .map(|number| {
            let operator = pick(random, &["count", "sum", "average", "min", "max"]);
            let mut field = json!({"name": format!("f{number}"), "operator": operator});
            if operator != "count" {
                field["key"] = json!(a_number(random, is_projected));
            }
            if matches!(operator, "count" | "sum" | "average") && random.random_bool(0.4) {
                let (key, operators, value) = match random.random_range(0..3) {
                    0 => ("status", &["eq"][..], json!(pick(random, &STATUSES))),
                    1 => ("project_id", &["lt", "gte"][..], json!("project-2")),
                    _ => (
                        a_number(random, is_projected),
                        &["lte", "gt", "eq"][..],
                        json!(random.random_range(-1..4)),
                    ),
                };
                let operator = pick(random, operators);
                field["conditions"] = json!([{"key": key, "operator": operator, "value": value}]);
            }
            field
        })
        .collect();
    json!({"group": {"keys": group_keys, "fields": fields}})
}

fn an_aggregate(random: &mut ChaCha8Rng) -> Map<String, Value> {
    let is_projected = random.random_bool(0.6);
    let mut stages = Vec::new();
    if is_projected {
        stages.push(projection());
    }
    let mut query = json!({});
    match random.random_range(0..10) {
        0..=2 if is_projected => {
            let mut keys: Vec<_> = (0..random.random_range(1..3))
                .map(|_| json!({"key": a_number(random, true), "desc": random.random_bool(0.5)}))
                .collect();
            keys.push(json!({"key": "created_at", "desc": true}));
            stages.push(json!({"sort": {"keys": keys}}));
            query["page"] = json!({"start": random.random_range(1..9), "limit": 7});
        }
        3 => stages.push(json!({"count": {"name": "n"}})),
        _ => {
            stages.push(a_group(random, is_projected));
            if random.random_bool(0.5) {
                stages.push(json!({"sort": {"keys": [{"key": "f0", "desc": true}]}}));
                query["page"] = json!({"start": 1, "limit": 5});
            }
        }
    }
    query["aggregate"] = json!(stages);
    query.as_object().unwrap().clone()
}

/// Asks the same by the columns and by the jobs.
#[track_caller]
fn check(app: &App, is_stat: bool, query: &Map<String, Value>, filter: &[Value]) -> String {
    let ask = |filter: Vec<Value>| {
        let mut query = query.clone();
        query.insert("filter".to_owned(), json!(filter));
        let body = json!({"domain_id": "d", "query": query});
        if is_stat {
            app.stat(&body)
        } else {
            app.search(&body)
        }
    };
    let scanned = ask(filter.to_vec());
    let mut with_document = filter.to_vec();
    with_document.push(json!({"k": "filter.none", "v": null, "o": "eq"}));
    let stated = ask(with_document);
    let about = || format!("{}", json!({"query": query, "filter": filter}));
    assert_eq!(scanned.status, stated.status, "{}", about());
    assert_eq!(scanned.text, stated.text, "{}", about());
    assert_eq!(scanned.status, 200, "{}: {}", about(), scanned.text);
    scanned.text
}

fn check_some(app: &App, random: &mut ChaCha8Rng, rounds: usize) {
    let mut with_rows = 0;
    for round in 0..rounds {
        let is_stat = round % 2 == 0;
        let mut query = if is_stat {
            an_aggregate(random)
        } else {
            a_list(random)
        };
        if random.random_bool(0.3) {
            query.insert("filter_or".to_owned(), json!(conditions(random, 3)));
        }
        let filter = conditions(random, 2);
        let text = check(app, is_stat, &query, &filter);
        with_rows += usize::from(!text.contains("\"results\":[]"));
    }
    assert!(
        with_rows * 3 > rounds,
        "only {with_rows} of {rounds} answers have rows"
    );
}

/// Pages by time of jobs that counters count: their scans end when they have the page.
fn check_pages_by_time(app: &App) {
    for (key, value) in [
        ("collector_info.provider", "aws"),
        ("collector_info.plugin_info.plugin_id", "p-1"),
        ("collector_info.name", "Collector 3"),
        ("collector_info.name", "none"),
    ] {
        for desc in [false, true] {
            for start in [1, 20, 150, 200, 300, 5_000] {
                let sort = json!({"keys": [{"key": "created_at", "desc": desc}]});
                let query = json!({"sort": sort, "page": {"start": start, "limit": 12}});
                let filter = json!({"k": key, "v": value, "o": "eq"});
                check(app, false, query.as_object().unwrap(), &[filter]);
            }
        }
    }
}

#[test]
fn columns_answer_as_the_jobs_do_after_every_kind_of_write() {
    let random = &mut ChaCha8Rng::seed_from_u64(19);
    // Several blocks, each with the jobs of two domains.
    let jobs: Vec<_> = (0..4_300)
        .map(|number| a_job(random, number).to_string())
        .collect();
    let jobs = jobs.join("\n");
    let app = App::serve(Setup {
        jobs,
        is_writable: true,
        ..Setup::default()
    });
    check_some(&app, random, 300);
    check_pages_by_time(&app);
    for _ in 0..10 {
        for _ in 0..8 {
            let job = a_job(random, random.clone().random_range(0..4_500));
            let path = format!(
                "/jobdeck/jobs/{}?domain_id={}",
                job["job_id"]
                    .as_str()
                    .unwrap()
                    .replace("ö", "%C3%B6")
                    .replace("ß", "%C3%9F"),
                job["domain_id"].as_str().unwrap()
            );
            match random.random_range(0..3) {
                0 => drop(app.bare("DELETE", &path)),
                1 => drop(app.json(
                    "PATCH",
                    &path,
                    &json!({"status": "ERROR", "finished_at": null}),
                )),
                _ => drop(app.json("PUT", &path, &job)),
            }
        }
        check_some(&app, random, 20);
    }
    app.bare("DELETE", "/jobdeck/jobs?domain_id=d");
    let empty = check(&app, false, &a_list(random), &[]);
    assert!(empty.contains("\"total_count\":0"), "{empty}");
}
