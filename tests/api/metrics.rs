//! `/metrics` counts what the server did, under labels that no client can multiply.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::app::{App, job};
use crate::streaming::endless;

/// Every series with its value.
pub(crate) struct Metrics(BTreeMap<String, f64>);

impl Metrics {
    /// Reads the text format, every line of which must be a comment or a series.
    pub(crate) fn of(app: &App) -> Self {
        let answer = app.get("/metrics");
        assert_eq!(answer.status, 200);
        assert_eq!(
            answer.header("content-type"),
            Some("text/plain; version=0.0.4; charset=utf-8")
        );
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        let mut described = Vec::new();
        let mut series = BTreeMap::new();
        for line in answer.text.lines() {
            if let Some(comment) = line.strip_prefix("# ") {
                let words: Vec<_> = comment.split(' ').collect();
                assert!(["HELP", "TYPE"].contains(&words[0]), "{line}");
                described.push(words[1].to_owned());
                continue;
            }
            let (name, value) = line.rsplit_once(' ').unwrap();
            let family = name.split('{').next().unwrap();
            assert!(
                described
                    .iter()
                    .any(|described| family.starts_with(described)),
                "{line}"
            );
            let before = series.insert(name.to_owned(), value.parse().unwrap());
            assert_eq!(before, None, "{name} is there once");
        }
        Self(series)
    }

    fn get(&self, name: &str) -> Option<f64> {
        self.0.get(name).copied()
    }

    #[track_caller]
    pub(crate) fn check(&self, name: &str, expected: f64) {
        let found = self.get(name);
        assert!(
            found.is_some_and(|found| (found - expected).abs() < f64::EPSILON),
            "{name}: {found:?}, expected {expected}"
        );
    }

    /// Waits until a series has a value.
    #[track_caller]
    pub(crate) fn wait_for(app: &App, name: &str, expected: f64) {
        let start = Instant::now();
        while Self::of(app).get(name) != Some(expected) {
            assert!(
                start.elapsed() < Duration::from_secs(30),
                "{name} never is {expected}"
            );
            std::thread::yield_now();
        }
    }
}

fn requests(route: &str, method: &str, status: u16) -> String {
    format!(
        "jobdeck_http_requests_total{{route=\"{route}\",method=\"{method}\",status=\"{status}\"}}"
    )
}

#[test]
fn requests_are_counted_by_route_method_and_status() {
    let app = App::serve(crate::app::Setup {
        jobs: job("j", "d", ""),
        is_writable: true,
        ..Default::default()
    });
    for _ in 0..3 {
        assert_eq!(app.search(&json!({"domain_id": "d"})).status, 200);
    }
    assert_eq!(app.search(&json!({})).status, 400);
    for id in ["j", "secret-id", "a%2Fb"] {
        let path = format!("/jobdeck/jobs/{id}?domain_id=d");
        app.bare("DELETE", &path);
    }
    for path in ["/nowhere", "/wp-login.php", "/inventory/v1/jobs/x/y"] {
        assert_eq!(app.get(path).status, 404);
    }
    let page = app.get("/").text;
    let (_, style) = page.split_once("href=\"./assets/").unwrap();
    let style = style.split('"').next().unwrap();
    assert_eq!(app.get(&format!("/assets/{style}")).status, 200);
    for method in ["BREW", "WHEN", "PROPFIND"] {
        assert_eq!(app.bare(method, "/healthz").status, 405);
    }
    let metrics = Metrics::of(&app);
    let search = "/inventory/v1/jobs/search";
    metrics.check(&requests(search, "POST", 200), 3.0);
    metrics.check(&requests(search, "POST", 400), 1.0);
    metrics.check(&requests("/jobdeck/jobs/{job_id}", "DELETE", 204), 1.0);
    metrics.check(&requests("/jobdeck/jobs/{job_id}", "DELETE", 404), 2.0);
    metrics.check(&requests("none", "GET", 404), 3.0);
    metrics.check(&requests("/", "GET", 200), 1.0);
    metrics.check(&requests("/assets/{file}", "GET", 200), 1.0);
    metrics.check(&requests("/healthz", "other", 405), 3.0);
    let of_search = |name: &str, more: &str| {
        format!(
            "jobdeck_http_request_duration_seconds_{name}{{route=\"{search}\",method=\"POST\"{more}}}"
        )
    };
    metrics.check(&of_search("count", ""), 4.0);
    metrics.check(&of_search("bucket", ",le=\"+Inf\""), 4.0);
    let sum = metrics.get(&of_search("sum", "")).unwrap();
    assert!(sum > 0.0 && sum < 60.0, "{sum}");
    for sent in ["secret-id", "nowhere", "BREW"] {
        let found = metrics.0.keys().find(|name| name.contains(sent));
        assert_eq!(found, None, "what clients send is no label");
    }
}

fn jobs(domain: &str, status: &str) -> String {
    format!("jobdeck_jobs{{domain=\"{domain}\",status=\"{status}\"}}")
}

/// The clock is frozen at 12:00, and a job of the collector usually takes a minute.
fn with_collectors() -> App {
    let of = |collector: &str, members: &str| {
        format!("\"collector_info\":{{\"collector_id\":\"{collector}\"}},{members}")
    };
    let run = |id: &str, collector: &str, status: &str, hour: u32, is_ended: bool| {
        let at = |minute: u32| format!("2022-06-20T{hour:02}:{minute:02}:00Z");
        let end = if is_ended {
            format!(",\"finished_at\":\"{}\"", at(1))
        } else {
            String::new()
        };
        let members = format!("\"status\":\"{status}\"{end}");
        let line = job(id, "d", &of(collector, &members));
        let mut parsed: serde_json::Value = serde_json::from_str(&line).unwrap();
        parsed["created_at"] = at(0).into();
        parsed["updated_at"] = at(0).into();
        format!("{parsed}\n")
    };
    let mut lines = String::new();
    for hour in 1..6 {
        lines += &run(&format!("s{hour}"), "c", "SUCCESS", hour, true);
    }
    lines += &run("e6", "c", "ERROR", 6, true);
    lines += &run("e7", "c", "TIMEOUT", 7, true);
    lines += &run("r8", "c", "IN_PROGRESS", 8, false);
    lines += &run("r12", "c", "IN_PROGRESS", 12, false);
    lines += &run("other", "small", "CREATED", 1, false);
    App::serve(crate::app::Setup {
        jobs: lines,
        is_writable: true,
        collector_metrics: Some(1),
        ..Default::default()
    })
}

#[test]
fn collectors_have_metrics_where_they_are_wanted() {
    let app = with_collectors();
    let of = |name: &str, more: &str| {
        format!("jobdeck_collector_{name}{{domain=\"d\",collector=\"c\"{more}}}")
    };
    let metrics = Metrics::of(&app);
    // 05:01 and 07:01 of 2022-06-20.
    metrics.check(&of("last_success_timestamp_seconds", ""), 1_655_701_260.0);
    metrics.check(&of("last_failure_timestamp_seconds", ""), 1_655_708_460.0);
    metrics.check(&of("failures_in_a_row", ""), 2.0);
    metrics.check(&of("running_jobs", ""), 2.0);
    metrics.check(&of("stuck_jobs", ""), 1.0);
    metrics.check(&of("job_duration_seconds_count", ""), 0.0);
    metrics.check("jobdeck_collectors_without_metrics", 1.0);
    let others = metrics.0.keys().find(|name| name.contains("small"));
    assert_eq!(others, None);
    // It ends at 12:00, four hours after it began.
    let path = "/jobdeck/jobs/r8?domain_id=d";
    assert_eq!(
        app.json("PATCH", path, &json!({"status": "SUCCESS"}))
            .status,
        200
    );
    Metrics::wait_for(&app, &of("job_duration_seconds_count", ""), 1.0);
    let metrics = Metrics::of(&app);
    metrics.check(&of("job_duration_seconds_sum", ""), 14_400.0);
    let bucket = |bound: &str| of("job_duration_seconds_bucket", &format!(",le=\"{bound}\""));
    metrics.check(&bucket("10800"), 0.0);
    metrics.check(&bucket("43200"), 1.0);
    metrics.check(&of("stuck_jobs", ""), 0.0);
    metrics.check(&of("running_jobs", ""), 1.0);
    metrics.check(&of("failures_in_a_row", ""), 0.0);
    assert_eq!(app.bare("DELETE", "/jobdeck/jobs?domain_id=d").status, 200);
    Metrics::wait_for(&app, "jobdeck_collectors_without_metrics", 0.0);
    assert_eq!(Metrics::of(&app).get(&of("running_jobs", "")), None);

    let app = App::with_jobs(job("a", "d", "\"collector_info\":{\"collector_id\":\"c\"}"));
    let metrics = Metrics::of(&app);
    let found = metrics.0.keys().find(|name| name.contains("collector"));
    assert_eq!(found, None);
}

#[test]
fn gauges_show_the_state_of_the_database() {
    let app = App::with_jobs(job("a", "d", "") + &job("b", "d", "") + &job("c", "e", ""));
    let metrics = Metrics::of(&app);
    metrics.check("jobdeck_database_up", 1.0);
    metrics.check(&jobs("d", "CREATED"), 2.0);
    metrics.check(&jobs("d", "ERROR"), 0.0);
    metrics.check(&jobs("e", "CREATED"), 1.0);
    metrics.check("jobdeck_domains", 2.0);
    let wal = app.database().with_extension("db-wal");
    for (name, path) in [("database", app.database()), ("wal", wal)] {
        let bytes = u32::try_from(path.metadata().unwrap().len()).unwrap();
        metrics.check(&format!("jobdeck_{name}_size_bytes"), bytes.into());
    }
    let version = env!("CARGO_PKG_VERSION");
    metrics.check(&format!("jobdeck_build_info{{version=\"{version}\"}}"), 1.0);
    let started = metrics.get("process_start_time_seconds").unwrap();
    let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs_f64();
    assert!((0.0..60.0).contains(&(now - started)), "{started} {now}");

    std::fs::remove_file(app.database()).unwrap();
    let metrics = Metrics::of(&app);
    metrics.check("jobdeck_database_up", 0.0);
    assert_eq!(
        metrics.get(&jobs("d", "CREATED")),
        None,
        "no metric is answered without its value"
    );
}

#[test]
fn waits_for_a_reader_are_counted() {
    let app = App::start(
        job("j", "d", "\"filter\":{\"x\":[1,2,3]}"),
        Duration::from_mins(1),
    );
    // The first reader was opened for it.
    let before = Metrics::of(&app);
    before.check("jobdeck_reader_waits_total", 1.0);
    assert!(before.get("jobdeck_reader_wait_seconds_total").unwrap() > 0.0);
    let _ = app.get("/healthz");
    let metrics = Metrics::of(&app);
    metrics.check("jobdeck_reader_waits_total", 1.0);
    metrics.check("jobdeck_reader_waits_in_vain_total", 0.0);
    metrics.check("jobdeck_readers_idle", 1.0);
    metrics.check("jobdeck_readers_busy", 0.0);
    let body = endless().to_string();
    let stream = app.raw("POST", "/inventory/v1/jobs/stat", "", &body);
    Metrics::wait_for(&app, "jobdeck_readers_busy", 1.0);
    drop(stream);
    Metrics::wait_for(&app, "jobdeck_readers_busy", 0.0);
}

#[test]
fn stopped_queries_are_counted_by_cause() {
    const BY_DEADLINE: &str = "jobdeck_queries_stopped_total{by=\"deadline\"}";
    const BY_CLIENT: &str = "jobdeck_queries_stopped_total{by=\"client\"}";
    let jobs = || job("j", "d", "\"filter\":{\"x\":[1,2,3]}");
    let app = App::start(jobs(), Duration::from_millis(50));
    let metrics = Metrics::of(&app);
    metrics.check(BY_DEADLINE, 0.0);
    metrics.check(BY_CLIENT, 0.0);
    assert_eq!(app.stat(&endless()).status, 504);
    let metrics = Metrics::of(&app);
    metrics.check(BY_DEADLINE, 1.0);
    metrics.check(BY_CLIENT, 0.0);

    let app = App::start(jobs(), Duration::from_mins(1));
    let body = endless().to_string();
    let stream = app.raw("POST", "/inventory/v1/jobs/stat", "", &body);
    Metrics::wait_for(&app, "jobdeck_readers_busy", 1.0);
    drop(stream);
    Metrics::wait_for(&app, BY_CLIENT, 1.0);
    Metrics::of(&app).check(BY_DEADLINE, 0.0);
}

#[test]
fn connections_are_counted_while_they_are_open() {
    const CONNECTIONS: &str = "jobdeck_http_connections";
    let app = App::with_jobs("");
    let ours = Metrics::of(&app).get(CONNECTIONS).unwrap();
    let streams: Vec<_> = (0..5)
        .map(|_| std::net::TcpStream::connect(&app.address).unwrap())
        .collect();
    Metrics::wait_for(&app, CONNECTIONS, ours + 5.0);
    drop(streams);
    Metrics::wait_for(&app, CONNECTIONS, ours);
}

#[test]
fn faults_spare_the_metrics_of_a_mock_and_its_journal_leaves_them_out() {
    let app = App::mock("");
    let fault = app.post("/jobdeck/faults", &json!({"code": 500}));
    assert_eq!(fault.status, 201, "{}", fault.text);
    assert_eq!(app.search(&json!({"domain_id": "d"})).status, 500);
    let search = requests("/inventory/v1/jobs/search", "POST", 500);
    Metrics::of(&app).check(&search, 1.0);
    let journal = app.get("/jobdeck/journal").text;
    assert!(
        journal.contains("search") && !journal.contains("/metrics"),
        "{journal}"
    );
}
