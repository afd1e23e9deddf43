//! Tests of tenancy: no answer shows anything of another domain, or depends on whether there are others.
//!
//! One database has three domains, and three databases have one of them each: every query must have the same answer,
//! byte for byte, from both. The jobs of each domain have a secret text, which no answer for another domain may have.
//! Otherwise the jobs of the first two domains are the same, down to their ids.

use std::fmt::Write as _;

use form_urlencoded::byte_serialize;
use jobdeck::clock::Clock;
use jobdeck::query::request::{JobStatQuery, JobsQuery};
use jobdeck::query::{compile_list, compile_stat};
use jobdeck::store::{Document, Mode, OnConflict, Store};
use jobdeck::time::Timestamp;
use jobdeck::transfer::{self, ImportRules, Source};
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::ValueTree;
use serde_json::{Value, json};

use crate::app::App;
use crate::random::{PATHS, filters, indexed_filters, job};
use crate::stages::{sort_of_jobs, stages};
use crate::{JOBS, cases, forever, runner};

const DOMAINS: [&str; 3] = ["d", "twin", "other"];
/// Enough jobs for pages so far down that counters determine the day and hour in which they begin.
const MANY_JOBS: usize = 700;

fn secret(domain: &str) -> String {
    format!("secret-of-{domain}")
}

/// Makes the jobs of all domains, in turns.
fn lines(count: usize, seed: u8) -> Vec<(&'static str, String)> {
    let mut runner = runner(1, seed);
    let mut lines = Vec::new();
    for id in 0..count {
        let made = job().new_tree(&mut runner).unwrap().current();
        for domain in DOMAINS {
            lines.push((domain, of_domain(domain, id, count, made.clone())));
        }
    }
    lines
}

fn of_domain(domain: &str, id: usize, count: usize, mut job: Value) -> String {
    let secret = secret(domain);
    job["domain_id"] = json!(domain);
    job["job_id"] = json!(format!("j{id:03}"));
    job["filter"]["secret"] = json!(secret);
    for error in job["errors"].as_array_mut().unwrap() {
        error["message"] = json!(secret);
    }
    if let Some(collector) = job.get_mut("collector_info") {
        collector["secret"] = json!(secret);
    }
    if count > JOBS {
        let (day, hour) = (id % 28 + 1, id / 28 % 24);
        job["created_at"] = json!(format!("2022-03-{day:02}T{hour:02}:30:00Z"));
    }
    if domain == "other" {
        job["job_id"] = json!(format!("j{id:03}-{secret}"));
        job["project_id"] = json!(secret);
        job["workspace_id"] = json!(secret);
        if let Some(collector) = job.get_mut("collector_info") {
            collector["collector_id"] = json!(secret);
        }
    }
    job.to_string() + "\n"
}

fn joined<'l>(lines: impl Iterator<Item = &'l (&'static str, String)>) -> String {
    lines.map(|(_, line)| line.as_str()).collect()
}

/// A request: whether it is for statistics, and its query.
type Request = (bool, Value);

fn all_filters() -> impl Strategy<Value = Value> {
    let mut into_other_domains: Vec<Value> = DOMAINS
        .iter()
        .map(|domain| json!({"filter_or": [{"k": "domain_id", "v": domain, "o": "eq"}]}))
        .collect();
    into_other_domains.extend([
        json!({"filter": [{"k": "domain_id", "v": DOMAINS, "o": "in"}]}),
        json!({"filter": [{"k": "filter.secret", "v": "secret", "o": "contain"}]}),
        json!({"filter_or": [{"k": "project_id", "v": secret("other"), "o": "eq"}, {"k": "workspace_id", "v": secret("other"), "o": "eq"}, {"k": "collector_id", "v": secret("other"), "o": "eq"}]}),
        json!({"filter": [{"k": "collector_info.secret", "v": "x", "o": "not"}]}),
        json!({"keyword": "secret"}),
        json!({"keyword": "j00 j01"}),
        json!({}),
    ]);
    prop_oneof![3 => filters(), 3 => indexed_filters(), 1 => select(into_other_domains)]
}

fn lists() -> impl Strategy<Value = Request> {
    let order = prop_oneof![
        3 => select(vec![json!({"key": "created_at", "desc": true}), json!({"key": "created_at"}), json!([])]),
        1 => sort_of_jobs(),
    ];
    let page = prop_oneof![
        2 => Just(json!({})),
        2 => (1..60_u32, 1..20_u32).prop_map(|(start, limit)| json!({"start": start, "limit": limit})),
        1 => (480..720_u32, 1..40_u32).prop_map(|(start, limit)| json!({"start": start, "limit": limit})),
    ];
    let shape = select(vec![
        json!({}),
        json!({}),
        json!({"minimal": true}),
        json!({"count_only": true}),
        json!({"only": ["job_id", "filter", "collector_info.secret"]}),
    ]);
    (all_filters(), order, page, shape).prop_map(|(mut query, order, page, shape)| {
        query["sort"] = order;
        query["page"] = page;
        for (name, value) in shape.as_object().unwrap() {
            query[name] = value.clone();
        }
        (false, query)
    })
}

fn statistics() -> impl Strategy<Value = Request> {
    let keys = vec![
        json!([{"key": "status", "name": "s"}]),
        json!([{"key": "collector_id", "name": "c"}, {"key": "status", "name": "s"}]),
        json!([{"key": "created_at", "name": "t", "date_format": "%Y-%m-%d"}]),
        json!([{"key": "created_at", "name": "t", "date_format": "%Y-%m-%dT%H"}, {"key": "status", "name": "s"}]),
        json!([{"key": "domain_id", "name": "d"}]),
        json!([{"key": "errors.error_code", "name": "e"}]),
        json!([{"key": "filter.secret", "name": "x"}]),
    ];
    // Groups that counters answer.
    let counted = select(keys).prop_map(
        |keys| json!([{"group": {"keys": keys, "fields": [{"name": "n", "operator": "count"}]}}]),
    );
    let aggregate = prop_oneof![1 => stages().prop_map(Value::Array), 1 => counted]
        .prop_map(|stages| ("aggregate", stages));
    let distinct = select(PATHS.to_vec()).prop_map(|path| ("distinct", json!(path)));
    let page = select(vec![json!({}), json!({"start": 2, "limit": 5})]);
    (
        all_filters(),
        prop_oneof![3 => aggregate, 1 => distinct],
        page,
    )
        .prop_map(|(mut query, (kind, request), page)| {
            query[kind] = request;
            query["page"] = page;
            (true, query)
        })
}

fn requests() -> impl Strategy<Value = Request> {
    prop_oneof![lists(), statistics()]
}

/// Checks that an answer is that of the database with the domain alone, and shows nothing of another domain.
fn check(domain: &str, together: &str, alone: &str) -> Result<(), TestCaseError> {
    for other in DOMAINS.iter().filter(|other| **other != domain) {
        prop_assert!(
            !together.contains(&secret(other)),
            "{domain} is shown {other}: {together}"
        );
    }
    prop_assert_eq!(
        together,
        alone,
        "{} has another answer when there are other domains",
        domain
    );
    Ok(())
}

struct Stored {
    store: Store,
    _folder: tempfile::TempDir,
}

impl Stored {
    fn new(lines: String) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("x.db"), Mode::Scratch, 1).unwrap();
        let source = Source::new("random", std::io::Cursor::new(lines));
        let rules = ImportRules::new(OnConflict::Fail, Clock::SYSTEM.now());
        transfer::import(&store, [source], rules).unwrap();
        Self {
            store,
            _folder: folder,
        }
    }

    /// Returns the whole answer to a request, errors included.
    fn answer(&self, domain: &str, (is_stat, query): &Request) -> String {
        let body = json!({"domain_id": domain, "query": query}).to_string();
        let mut reader = self.store.reader(&forever()).unwrap();
        let transaction = reader.begin().unwrap();
        if *is_stat {
            let query = JobStatQuery::from_json(body.as_bytes()).unwrap();
            let stat = compile_stat(&query, Timestamp::MIN).unwrap();
            let mut out = Vec::new();
            let answer = transaction.stat(&stat, &mut out);
            let answer = answer.map_or_else(|error| error.to_string(), |count| count.to_string());
            return String::from_utf8(out).unwrap() + " " + &answer;
        }
        let query = JobsQuery::from_json(body.as_bytes()).unwrap();
        let plan = compile_list(&query, Timestamp::MIN).unwrap();
        let mut answer = String::new();
        let mut each = |document: Document<'_>| {
            answer += &document.to_text();
            Ok(())
        };
        let total = transaction.list(&plan, &mut each).unwrap();
        write!(answer, " {total}").unwrap();
        answer
    }
}

#[test]
fn no_answer_shows_another_domain() {
    for (count, seed) in [(JOBS, 201), (JOBS, 202), (MANY_JOBS, 203)] {
        let lines = lines(count, seed);
        let together = Stored::new(joined(lines.iter()));
        let alone =
            DOMAINS.map(|domain| Stored::new(joined(lines.iter().filter(|(of, _)| *of == domain))));
        let result = runner(cases() / 6, seed).run(&requests(), |request| {
            for (domain, alone) in DOMAINS.iter().zip(&alone) {
                let answer = together.answer(domain, &request);
                check(domain, &answer, &alone.answer(domain, &request))?;
            }
            Ok(())
        });
        result.unwrap();
    }
}

/// Returns the answers of every route that takes the request.
fn answers(app: &App, domain: &str, (is_stat, query): &Request) -> String {
    let body = json!({"domain_id": domain, "query": query});
    if *is_stat {
        return app.stat(&body).text;
    }
    let mut answer = app.search(&body).text;
    let encoded: String = byte_serialize(query.to_string().as_bytes()).collect();
    let parameters = format!("domain_id={domain}&query={encoded}");
    answer += &app.get(&format!("/inventory/v1/jobs?{parameters}")).text;
    for format in ["csv", "ndjson", "json"] {
        let path = format!("/jobdeck/export?format={format}&{parameters}");
        answer += &app.get(&path).text;
    }
    let mut which = query.clone();
    let members = which.as_object_mut().unwrap();
    members.retain(|name, _| ["filter", "filter_or", "keyword"].contains(&name.as_str()));
    let encoded: String = byte_serialize(which.to_string().as_bytes()).collect();
    let overview = app.get(&format!(
        "/jobdeck/overview?domain_id={domain}&from=1900-01-01&to=2100-01-01&query={encoded}"
    ));
    assert_eq!(overview.status, 200, "{}", overview.text);
    answer + &overview.text
}

#[test]
fn no_answer_over_http_shows_another_domain() {
    const REQUESTS: u32 = 60;
    let lines = lines(MANY_JOBS, 204);
    let together = App::with_jobs(joined(lines.iter()));
    let alone =
        DOMAINS.map(|domain| App::with_jobs(joined(lines.iter().filter(|(of, _)| *of == domain))));
    let result = runner(REQUESTS, 204).run(&requests(), |request| {
        for (domain, alone) in DOMAINS.iter().zip(&alone) {
            let answer = answers(&together, domain, &request);
            check(domain, &answer, &answers(alone, domain, &request))?;
        }
        Ok(())
    });
    result.unwrap();
    for (domain, alone) in DOMAINS.iter().zip(&alone) {
        let answer = together.get(&format!("/jobdeck/about?domain_id={domain}"));
        assert_eq!(answer.status, 200, "{}", answer.text);
        assert!(!answer.text.contains("secret"), "{}", answer.text);
        // The list of domains has all of them, but only their ids and numbers of jobs.
        let mine = alone.get("/jobdeck/domains").json()["results"][0].clone();
        let all = together.get("/jobdeck/domains");
        assert!(all.json()["results"].as_array().unwrap().contains(&mine));
        assert!(!all.text.contains("secret"), "{}", all.text);
    }
}
