//! The nine workloads: their requests, and how the answers are checked.

use std::collections::BTreeSet;

use jobdeck::demo::{Timeline, World};
use jobdeck::job::Job;
use jobdeck::time::Timestamp;
use rusqlite::Connection;
use rusqlite::types::Value;
use serde_json::json;

use crate::common::NOW;

/// The names of the workloads, in their order.
pub(crate) const NAMES: [&str; 9] = ["W1", "W2", "W3", "W4", "W5", "W6", "W7", "W8", "W9"];

/// The requests of a workload; all are different.
const REQUESTS: usize = 200;
/// The jobs from which collectors and words are taken.
const SAMPLE: u64 = 2_000;
const STATUSES: [&str; 4] = ["SUCCESS", "ERROR", "TIMEOUT", "CANCELED"];
const ERROR_CODES: [&str; 7] = [
    "ERROR_AUTHENTICATE_FAILURE",
    "ERROR_COLLECTOR_TIMEOUT",
    "ERROR_PLUGIN_CALL",
    "ERROR_QUOTA_EXCEEDED",
    "ERROR_PERMISSION_DENIED",
    "ERROR_RESOURCE_FORMAT",
    "ERROR_JOB_TIMEOUT",
];

/// One kind of question.
pub(crate) struct Workload {
    pub(crate) name: &'static str,
    pub(crate) description: &'static str,
    /// Counts the jobs of an answer one by one: neither counter tables nor functions of jobdeck are trusted.
    pub(crate) count: &'static str,
    /// Where the answer has that count.
    pub(crate) total_in: TotalIn,
    pub(crate) requests: Vec<Request>,
}

/// Where an answer has the number of jobs it is about.
#[derive(Debug, Clone, Copy)]
pub(crate) enum TotalIn {
    /// In `total_count`.
    Count,
    /// In the sum of the numbers in its rows.
    Sum,
}

pub(crate) struct Request {
    /// As it goes over the wire.
    pub(crate) http: Vec<u8>,
    /// The parameters of the count, which takes as many of the first as it has.
    pub(crate) values: Vec<Value>,
}

/// The values that the requests vary.
struct Data {
    /// Names and keys; the first has 70 % of the jobs.
    domains: Vec<(String, i64)>,
    /// How many jobs the first domain has.
    first_jobs: usize,
    collectors: Vec<String>,
    sample: Vec<Job>,
}

impl Data {
    fn new(size: u64, database: &Connection) -> Self {
        let world = World::new(1, 4);
        let timeline = Timeline::before(Timestamp::parse_rfc3339(NOW).unwrap(), 365, size);
        let jobs = (0..SAMPLE).map(|n| world.life(&timeline, n * size / SAMPLE).start().clone());
        let sample: Vec<Job> = jobs.collect();
        let collectors: BTreeSet<_> = sample.iter().filter_map(Job::collector_id).collect();
        let key = |name: &String| {
            let sql = "SELECT id FROM domains WHERE domain_id = ?";
            let key = database.query_row(sql, [name], |row| row.get(0)).unwrap();
            (name.clone(), key)
        };
        let domains: Vec<_> = world.domains().iter().map(key).collect();
        let first_jobs: i64 = database
            .query_row(
                "SELECT count(*) FROM jobs WHERE domain = ?",
                [domains[0].1],
                |row| row.get(0),
            )
            .unwrap();
        Self {
            first_jobs: usize::try_from(first_jobs).unwrap(),
            collectors: collectors.into_iter().map(str::to_owned).collect(),
            domains,
            sample,
        }
    }

    /// Takes turns between all domains, for questions that cost the same in each.
    fn each_domain(&self, number: usize) -> &(String, i64) {
        &self.domains[number % self.domains.len()]
    }

    /// Returns the first domain three times of four, for questions that may cost more with more jobs.
    fn mostly_first(&self, number: usize) -> &(String, i64) {
        let turn = number % 4;
        if turn == 3 {
            &self.domains[1 + number / 4 % (self.domains.len() - 1)]
        } else {
            &self.domains[0]
        }
    }

    /// Returns four to six characters from the middle of a job id of the domain.
    fn word(&self, domain: &str, number: usize) -> String {
        let jobs = self.sample.iter().filter(|job| job.domain_id == domain);
        let job = jobs.cycle().nth(number).unwrap();
        let from = "job-".len() + number % 6;
        job.job_id[from..from + 4 + number % 3].to_owned()
    }
}

/// Returns all nine, for a database of `size` generated jobs.
#[expect(clippy::too_many_lines, reason = "a table")]
pub(crate) fn all(size: u64, database: &Connection) -> Vec<Workload> {
    let data = &Data::new(size, database);
    let numbers = || 0..REQUESTS;
    let first_pages = numbers().map(|n| (data.each_domain(n), n / 4));
    // In a smaller domain, the pages begin in its middle.
    let far = (data.first_jobs / 2).min(50_000);
    vec![
        Workload {
            name: "W1",
            description: "first page of 30, newest first",
            count: "SELECT count(*) FROM jobs WHERE domain = ?1",
            total_in: TotalIn::Count,
            requests: first_pages
                .clone()
                .map(|((name, key), skip)| {
                    let body = json!({"domain_id": name, "query": page(skip)});
                    search(&body, [(*key).into(), integer(skip)])
                })
                .collect(),
        },
        Workload {
            name: "W2",
            description: "the same with a status",
            count: "SELECT count(*) FROM jobs WHERE domain = ?1 AND status = ?2",
            total_in: TotalIn::Count,
            requests: numbers()
                .map(|n| {
                    let (name, key) = data.each_domain(n);
                    let (status, skip) = (STATUSES[n / 4 % 4], n / 16);
                    let body = json!({"domain_id": name, "status": status, "query": page(skip)});
                    search(&body, [(*key).into(), text(status), integer(skip)])
                })
                .collect(),
        },
        Workload {
            name: "W3",
            description: "the same with a collector and a status",
            count: "SELECT count(*) FROM jobs WHERE domain = ?1 AND collector_id = ?2 AND status = ?3",
            total_in: TotalIn::Count,
            requests: numbers()
                .map(|n| {
                    let (name, key) = &data.domains[0];
                    let collector = &data.collectors[n % data.collectors.len()];
                    // Rarely failures: of 10,000 jobs a collector has too few of them for a page.
                    let status = STATUSES[usize::from(n % 8 == 7)];
                    let skip = n / data.collectors.len();
                    let body = json!({"domain_id": name, "collector_id": collector, "status": status, "query": page(skip)});
                    search(&body, [(*key).into(), text(collector), text(status), integer(skip)])
                })
                .collect(),
        },
        Workload {
            name: "W4",
            description: "a page that starts at 50,001 or later",
            count: "SELECT count(*) FROM jobs WHERE domain = ?1",
            total_in: TotalIn::Count,
            requests: numbers()
                .map(|n| {
                    let ((name, key), skip) = (&data.domains[0], far + n * 15);
                    let body = json!({"domain_id": name, "query": page(skip)});
                    search(&body, [(*key).into(), integer(skip)])
                })
                .collect(),
        },
        Workload {
            name: "W5",
            description: "jobs a day of a status",
            count: "SELECT count(*) FROM jobs WHERE domain = ?1 AND status = ?2",
            total_in: TotalIn::Sum,
            // There are only sixteen such questions; the names in the answer make the requests different.
            requests: numbers()
                .map(|n| {
                    let ((name, key), status) = (data.mostly_first(n), STATUSES[n / 4 % 4]);
                    let query = json!({
                        "filter": [{"k": "status", "v": status, "o": "eq"}],
                        "aggregate": [{"group": {
                            "keys": [{"key": "created_at", "name": format!("day_{n}"), "date_format": "%Y-%m-%d"}],
                            "fields": [{"name": "count", "operator": "count"}],
                        }}],
                    });
                    stat(name, &query, [(*key).into(), text(status)])
                })
                .collect(),
        },
        Workload {
            name: "W6",
            description: "jobs by collector and status",
            count: "SELECT count(*) FROM jobs WHERE domain = ?1",
            total_in: TotalIn::Sum,
            // There are only four such questions, made different in the same way.
            requests: numbers()
                .map(|n| {
                    let (name, key) = data.mostly_first(n);
                    let query = json!({"aggregate": [{"group": {
                        "keys": [
                            {"key": "collector_id", "name": format!("collector_{n}")},
                            {"key": "status", "name": "status"},
                        ],
                        "fields": [{"name": "count", "operator": "count"}],
                    }}]});
                    stat(name, &query, [(*key).into()])
                })
                .collect(),
        },
        Workload {
            name: "W7",
            description: "a page by keyword, four to six characters of the job id",
            count: "SELECT count(*) FROM jobs WHERE domain = ?1 AND instr(job_id, ?2)",
            total_in: TotalIn::Count,
            requests: numbers()
                .map(|n| {
                    let (name, key) = data.mostly_first(n);
                    let word = data.word(name, n);
                    let mut query = page(0);
                    query["keyword"] = json!(word);
                    let body = json!({"domain_id": name, "query": query});
                    search(&body, [(*key).into(), text(&word), integer(0)])
                })
                .collect(),
        },
        Workload {
            name: "W8",
            description: "a page of jobs with an error code",
            count: "SELECT count(*) FROM jobs WHERE domain = ?1 AND EXISTS \
                    (SELECT 1 FROM json_each(head || '}', '$.errors') WHERE value ->> 'error_code' = ?2)",
            total_in: TotalIn::Count,
            requests: numbers()
                .map(|n| {
                    let (name, key) = data.mostly_first(n);
                    let (code, skip) = (ERROR_CODES[n % 7], n / 7);
                    let mut query = page(skip);
                    query["filter"] = json!([{"k": "errors.error_code", "v": code, "o": "eq"}]);
                    let body = json!({"domain_id": name, "query": query});
                    search(&body, [(*key).into(), text(code), integer(skip)])
                })
                .collect(),
        },
        Workload {
            name: "W9",
            description: "W1 as a GET with a query string",
            count: "SELECT count(*) FROM jobs WHERE domain = ?1",
            total_in: TotalIn::Count,
            requests: first_pages
                .map(|((name, key), skip)| {
                    let path = format!(
                        "/inventory/v1/jobs?domain_id={name}&query.page.start={}&query.page.limit=30",
                        skip + 1
                    );
                    Request {
                        http: format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n").into_bytes(),
                        values: vec![(*key).into(), integer(skip)],
                    }
                })
                .collect(),
        },
    ]
}

/// Makes a page of 30 after `skip` jobs.
fn page(skip: usize) -> serde_json::Value {
    json!({"page": {"start": skip + 1, "limit": 30}})
}

fn search<const N: usize>(body: &serde_json::Value, values: [Value; N]) -> Request {
    post("/inventory/v1/jobs/search", body, values.into())
}

fn stat<const N: usize>(domain_id: &str, query: &serde_json::Value, values: [Value; N]) -> Request {
    let body = json!({"domain_id": domain_id, "query": query});
    post("/inventory/v1/jobs/stat", &body, values.into())
}

fn post(path: &str, body: &serde_json::Value, values: Vec<Value>) -> Request {
    let body = body.to_string();
    let http = format!(
        "POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    Request {
        http: http.into_bytes(),
        values,
    }
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

fn integer(number: usize) -> Value {
    Value::Integer(i64::try_from(number).unwrap())
}
