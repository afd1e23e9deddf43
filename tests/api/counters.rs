//! Answers from counters are those that the jobs themselves would give, after any write.
//!
//! Each question is asked twice: as it is, and with a second condition that every job meets, by a member that no counter
//! has; the second answer comes from the jobs.

use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};

use crate::app::{App, Setup, job};

const STATUSES: [&str; 5] = ["CREATED", "IN_PROGRESS", "SUCCESS", "ERROR", "NONE"];
const COLLECTORS: [&str; 4] = ["c-0", "c-1", "c-2", "c-none"];
const PROVIDERS: [&str; 2] = ["aws", "azure"];
const CODES: [&str; 3] = ["E1", "E2", "none"];
const PROJECTS: [&str; 3] = ["p-0", "p-1", "p-none"];
const DAYS: u32 = 12;

fn pick<'t>(random: &mut impl Rng, from: &[&'t str]) -> &'t str {
    from[random.random_range(0..from.len())]
}

fn a_job(random: &mut impl Rng, id: usize) -> String {
    let provider = pick(random, &PROVIDERS);
    let collector = match pick(random, &COLLECTORS) {
        "c-none" => String::new(),
        name => format!(
            ",\"collector_info\":{{\"collector_id\":\"{name}\",\"provider\":\"{provider}\"}}"
        ),
    };
    let project = match pick(random, &PROJECTS) {
        "p-none" => String::new(),
        name => format!(",\"project_id\":\"{name}\""),
    };
    let errors: Vec<Value> = (0..random.random_range(0..4_usize))
        .map(|_| match pick(random, &CODES) {
            "none" => json!({}),
            code => json!({"error_code": code}),
        })
        .collect();
    // Some days before 1970, too.
    let year = pick(random, &["1969", "2026"]);
    let (day, hour) = (random.random_range(1..=DAYS), random.random_range(0..24));
    let members = format!(
        "\"status\":\"{}\",\"updated_at\":\"2026-01-01T00:00:00Z\",\"errors\":{}{collector}{project}",
        pick(random, &STATUSES[..4]),
        json!(errors)
    );
    job(&format!("j{id}"), "d", &members).replace(
        "2022-06-17T08:00:00Z",
        &format!("{year}-03-{day:02}T{hour:02}:30:00Z"),
    )
}

/// Conditions on the keys of counters, or none.
fn conditions(random: &mut impl Rng) -> Vec<Value> {
    let condition = |random: &mut ChaCha8Rng| {
        let (key, values) = match random.random_range(0..9) {
            0..=3 => ("status", &STATUSES[..]),
            4 | 5 => ("collector_id", &COLLECTORS[..]),
            6 => ("collector_info.provider", &PROVIDERS[..]),
            7 => ("errors.error_code", &CODES[..]),
            _ => ("project_id", &PROJECTS[..]),
        };
        let value = pick(random, values);
        match random.random_range(0..6) {
            0 => json!({"k": key, "v": value, "o": "not"}),
            1 => json!({"k": key, "v": [value, pick(random, values)], "o": "in"}),
            2 => json!({"k": key, "v": [value], "o": "not_in"}),
            3 => json!({"k": "collector_id", "v": random.random_bool(0.5), "o": "exists"}),
            4 => {
                json!({"k": pick(random, &["collector_id", "project_id", "collector_info.provider"]), "v": null, "o": "eq"})
            }
            _ => json!({"k": key, "v": value, "o": "eq"}),
        }
    };
    let bound = |random: &mut ChaCha8Rng| {
        let (year, day) = (
            pick(random, &["1969", "2026"]),
            random.random_range(1..=DAYS),
        );
        let time = pick(
            random,
            &[
                "00:00:00",
                "07:00:00",
                "07:30:00",
                "13:30:00.001",
                "23:59:59.999",
            ],
        );
        let operator = pick(
            random,
            &["datetime_gt", "datetime_gte", "datetime_lt", "datetime_lte"],
        );
        json!({"k": "created_at", "v": format!("{year}-03-{day:02}T{time}Z"), "o": operator})
    };
    let mut own = ChaCha8Rng::seed_from_u64(random.random());
    (0..own.random_range(0..4))
        .map(|_| {
            if own.random_bool(0.3) {
                bound(&mut own)
            } else {
                condition(&mut own)
            }
        })
        .collect()
}

/// The same conditions and one that every job meets, of which only its document knows.
fn uncounted(conditions: &[Value]) -> Vec<Value> {
    let mut all = conditions.to_vec();
    all.push(json!({"k": "filter.none", "v": null, "o": "eq"}));
    all
}

fn query(random: &mut impl Rng) -> Value {
    const KEYS: [&str; 8] = [
        "status",
        "collector_id",
        "created_at",
        "created_at",
        "job_id",
        "status",
        "project_id",
        "collector_info.provider",
    ];
    match random.random_range(0..9) {
        2 => {
            let keys = json!([{"key": "errors.error_code", "name": "code"}]);
            let fields = json!([{"name": "n", "operator": "count"}]);
            return json!({"aggregate": [{"unwind": {"path": "errors"}}, {"group": {"keys": keys, "fields": fields}}]});
        }
        0 => {
            return json!({"distinct": pick(random, &["status", "collector_id", "project_id", "collector_info.provider"])});
        }
        1 => return json!({"aggregate": [{"count": {"name": "n"}}]}),
        _ => {}
    }
    let mut keys: Vec<Value> = Vec::new();
    for index in 0..random.random_range(0..3_usize) {
        let key = pick(random, &KEYS);
        let mut one = json!({"key": key, "name": format!("k{index}")});
        if key == "created_at" {
            one["date_format"] = json!(pick(
                random,
                &[
                    "%Y-%m-%d",
                    "%Y-%m",
                    "%d.%m.%Y",
                    "%Y-%m-%dT%H",
                    "day",
                    "year",
                    "%u"
                ]
            ));
        }
        keys.push(one);
    }
    let fields = json!([{"name": "n", "operator": "count"}]);
    json!({"aggregate": [{"group": {"keys": keys, "fields": fields}}]})
}

fn check_all(app: &App, random: &mut ChaCha8Rng, rounds: usize) {
    for _ in 0..rounds {
        let conditions = conditions(random);
        let mut query = query(random);
        let ask = |query: &Value| app.stat(&json!({"domain_id": "d", "query": query}));
        query["filter"] = json!(conditions);
        let counted = ask(&query);
        query["filter"] = json!(uncounted(&conditions));
        let from_jobs = ask(&query);
        assert_eq!(counted.status, 200, "{query}: {}", counted.text);
        assert_eq!(counted.text, from_jobs.text, "{query}");

        let total = |filter: Vec<Value>| {
            let query = json!({"filter": filter, "count_only": true});
            app.search(&json!({"domain_id": "d", "query": query})).text
        };
        assert_eq!(
            total(conditions.clone()),
            total(uncounted(&conditions)),
            "{conditions:?}"
        );
    }
}

#[test]
fn counters_equal_the_counts_of_jobs_after_every_kind_of_write() {
    let random = &mut ChaCha8Rng::seed_from_u64(7);
    let jobs: String = (0..500).map(|id| a_job(random, id)).collect();
    let app = App::serve(Setup {
        jobs,
        is_writable: true,
        ..Setup::default()
    });
    check_all(&app, random, 150);
    for round in 0..20 {
        for _ in 0..10 {
            let id = random.random_range(0..600);
            let path = format!("/jobdeck/jobs/j{id}?domain_id=d");
            match random.random_range(0..4) {
                0 => drop(app.bare("DELETE", &path)),
                1 => drop(app.json(
                    "PATCH",
                    &path,
                    &json!({"status": pick(random, &STATUSES[..4])}),
                )),
                2 => drop(app.json(
                    "PATCH",
                    &path,
                    &json!({"created_at": "2026-04-01T00:00:00Z", "collector_info": null}),
                )),
                _ => drop(app.json(
                    "PUT",
                    &path,
                    &serde_json::from_str(&a_job(random, id)).unwrap(),
                )),
            }
        }
        if round == 10 {
            app.bare("DELETE", "/jobdeck/jobs?domain_id=d");
        }
        check_all(&app, random, 15);
    }
}

#[test]
fn a_page_far_down_is_the_same_as_by_walking_there() {
    let random = &mut ChaCha8Rng::seed_from_u64(11);
    let jobs: String = (0..7_000).map(|id| a_job(random, id)).collect();
    let app = App::with_jobs(jobs);
    let page = |filter: Vec<Value>, sort: &Value, start: u64| {
        let mut query =
            json!({"filter": filter, "page": {"start": start, "limit": 7}, "only": ["job_id"]});
        if !sort.is_null() {
            query["sort"] = sort.clone();
        }
        app.search(&json!({"domain_id": "d", "query": query})).text
    };
    let newest_first = json!({"key": "created_at", "desc": true});
    let oldest_first = json!({"key": "created_at"});
    for _ in 0..150 {
        let filter = if random.random_bool(0.5) {
            Vec::new()
        } else {
            vec![json!({"k": "status", "v": ["SUCCESS", pick(random, &STATUSES)], "o": "in"})]
        };
        let start = random.random_range(1_990..7_100);
        for sort in [&Value::Null, &newest_first, &oldest_first] {
            let counted = page(filter.clone(), sort, start);
            assert!(counted.contains("total_count"), "{counted}");
            assert_eq!(
                counted,
                page(uncounted(&filter), sort, start),
                "{start} {filter:?} {sort}"
            );
        }
    }
}

#[test]
fn a_keyword_matches_the_same_jobs_as_reading_every_id() {
    const LETTERS: [&str; 6] = ["a", "b", "C", "1", "-", "\u{e9}"];
    let random = &mut ChaCha8Rng::seed_from_u64(13);
    let id = |random: &mut ChaCha8Rng| -> String {
        let length = random.random_range(4..9);
        // Letters that are not of ASCII are few.
        let letters: String = (0..length).map(|_| pick(random, &LETTERS[..5])).collect();
        if random.random_bool(0.01) {
            letters + LETTERS[5]
        } else {
            letters
        }
    };
    // So many that ids are not read one by one.
    let jobs: String = (0..6_000)
        .map(|number| {
            job(
                &format!("{}{number}", id(random)),
                "d",
                "\"status\":\"SUCCESS\"",
            )
        })
        .collect();
    let app = App::serve(Setup {
        jobs,
        is_writable: true,
        ..Setup::default()
    });
    let page = |query: Value| {
        let mut query = query;
        query["page"] = json!({"start": 2, "limit": 5});
        query["only"] = json!(["job_id"]);
        app.search(&json!({"domain_id": "d", "query": query})).text
    };
    let mut found = 0;
    for round in 0..120 {
        if round % 4 == 0 {
            let new = format!("{}x{round}", id(random));
            let body = job(&new, "d", "\"status\":\"ERROR\"");
            let path = format!("/jobdeck/jobs/{new}?domain_id=d");
            app.json("PUT", &path, &serde_json::from_str(&body).unwrap());
            if round % 8 == 0 {
                app.bare("DELETE", &path);
            }
        }
        let word: String = id(random).chars().take(random.random_range(2..5)).collect();
        let status = json!({"k": "status", "v": ["SUCCESS", "ERROR"], "o": "in"});
        let sieved = page(json!({"keyword": word, "filter": [status]}));
        let pattern = json!({"k": "job_id", "v": regex_of(&word), "o": "regex"});
        let read = page(json!({"filter": [status, pattern]}));
        assert_eq!(sieved, read, "{word}");
        let contained = json!({"k": "job_id", "v": [word], "o": "contain_in"});
        assert_eq!(page(json!({"filter": [contained, status]})), read, "{word}");
        let count = |filter: Value| {
            let query = json!({"filter": filter, "count_only": true});
            app.search(&json!({"domain_id": "d", "query": query})).text
        };
        assert_eq!(count(json!([contained])), count(json!([pattern])), "{word}");
        found += usize::from(!read.contains("\"total_count\":0"));
    }
    assert!(found > 60, "only {found} words were found");
}

/// A word as a pattern.
fn regex_of(word: &str) -> String {
    word.replace('-', "\\-")
}

#[test]
fn a_domain_is_listed_whichever_of_its_statuses_has_no_jobs_left() {
    let app = App::serve(Setup {
        jobs: job("first", "d", "\"status\":\"SUCCESS\""),
        is_writable: true,
        ..Setup::default()
    });
    for status in &STATUSES[..4] {
        let path = "/jobdeck/jobs/second?domain_id=d";
        let body = job("second", "d", &format!("\"status\":\"{status}\""));
        app.json("PUT", path, &serde_json::from_str(&body).unwrap());
        app.bare("DELETE", path);
        let domains = app.bare("GET", "/jobdeck/domains").text;
        assert_eq!(
            domains, r#"{"results":[{"domain_id":"d","jobs":1}]}"#,
            "{status}"
        );
    }
}

#[test]
fn a_group_by_any_keys_in_any_order_is_the_same_as_from_the_jobs() {
    let random = &mut ChaCha8Rng::seed_from_u64(17);
    let jobs: String = (0..500).map(|id| a_job(random, id)).collect();
    let app = App::with_jobs(jobs);
    let status = json!({"key": "status", "name": "status"});
    let collector = json!({"key": "collector_id", "name": "collector"});
    let day = json!({"key": "created_at", "name": "day", "date_format": "%Y-%m-%d"});
    let fields =
        json!([{"name": "n", "operator": "count"}, {"name": "again", "operator": "count"}]);
    for keys in [
        json!([status]),
        json!([collector]),
        json!([day]),
        json!([status, collector]),
        json!([collector, status]),
        json!([status, day]),
        json!([day, status]),
    ] {
        let rows = |filter: &[Value]| {
            let query = json!({"filter": filter, "aggregate": [{"group": {"keys": keys, "fields": fields}}]});
            app.stat(&json!({"domain_id": "d", "query": query})).text
        };
        let counted = rows(&[]);
        assert!(counted.contains("},{"), "{keys}: {counted}");
        assert_eq!(counted, rows(&uncounted(&[])), "{keys}");
    }
}
