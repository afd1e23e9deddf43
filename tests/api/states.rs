//! The states of a mock over HTTP: reset, snapshots, clocks, lives, fixtures; each also for one domain alone.

use std::path::Path;
use std::time::{Duration, Instant};

use jobdeck::clock::Clock;
use jobdeck::mock::MockConfig;
use serde_json::{Value, json};

use crate::app::{App, Setup, job};

/// The jobs of a domain, as `id status remained`.
fn jobs(app: &App, domain_id: &str) -> Vec<String> {
    let answer = app.search(&json!({"domain_id": domain_id, "query": {"sort": {"key": "job_id"}}}));
    let results = answer.json()["results"].as_array().unwrap().clone();
    let listed = results.iter().map(|job| {
        format!(
            "{} {} {}",
            job["job_id"].as_str().unwrap(),
            job["status"].as_str().unwrap(),
            job["remained_tasks"]
        )
    });
    listed.collect()
}

/// How many jobs there are in all.
fn total(app: &App) -> i64 {
    let domains = app.get("/jobdeck/domains").json();
    let jobs = domains["results"].as_array().unwrap().iter();
    jobs.map(|domain| domain["jobs"].as_i64().unwrap()).sum()
}

fn put(app: &App, job_id: &str, domain_id: &str, draft: &Value) {
    let path = format!("/jobdeck/jobs/{job_id}?domain_id={domain_id}");
    let answer = app.json("PUT", &path, draft);
    assert!(answer.status < 300, "{}", answer.text);
}

fn advance(app: &App, query: &str, seconds: u32) -> Value {
    let path = format!("/jobdeck/clock/advance{query}");
    app.json("POST", &path, &json!({"seconds": seconds})).json()
}

/// Waits until something holds; the mock looks at its fixtures five times a second.
#[track_caller]
fn eventually(what: &str, holds: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !holds() {
        assert!(Instant::now() < deadline, "{what}");
        std::thread::yield_now();
    }
}

#[test]
fn a_reset_restores_the_start() {
    let app = App::mock(job("a", "d", "") + &job("b", "d", "") + &job("a", "e", ""));
    let change = || {
        put(&app, "a", "d", &json!({"status": "ERROR"}));
        put(&app, "new", "d", &json!({}));
        put(&app, "new", "e", &json!({}));
        app.bare("DELETE", "/jobdeck/jobs/b?domain_id=d");
        advance(&app, "", 60);
        advance(&app, "?domain_id=d", 60);
        advance(&app, "?domain_id=e", 60);
    };
    change();
    assert_eq!(
        app.bare("POST", "/jobdeck/reset?domain_id=d").json(),
        json!({"jobs": 2})
    );
    assert_eq!(jobs(&app, "d"), ["a CREATED 0", "b CREATED 0"]);
    assert_eq!(jobs(&app, "e"), ["a CREATED 0", "new CREATED 0"]);
    let now = |query: &str| app.get(&format!("/jobdeck/clock{query}")).json()["now"].clone();
    assert_eq!(
        now("?domain_id=d"),
        "2022-06-20T12:01:00.000Z",
        "the server's"
    );
    assert_eq!(now("?domain_id=e"), "2022-06-20T12:02:00.000Z");
    change();
    assert_eq!(
        app.bare("POST", "/jobdeck/reset").json(),
        json!({"jobs": 3})
    );
    assert_eq!(jobs(&app, "d"), ["a CREATED 0", "b CREATED 0"]);
    assert_eq!(jobs(&app, "e"), ["a CREATED 0"]);
    for query in ["", "?domain_id=d", "?domain_id=e"] {
        assert_eq!(now(query), "2022-06-20T12:00:00.000Z");
    }
    assert_eq!(
        app.bare("POST", "/jobdeck/reset?domain_id=unknown").json(),
        json!({"jobs": 0})
    );
}

#[test]
fn a_body_of_a_route_that_takes_none_is_refused() {
    let app = App::mock(job("a", "d", ""));
    put(&app, "b", "d", &json!({}));
    let body = json!({"domain_id": "e"});
    for (method, path) in [
        ("POST", "/jobdeck/reset"),
        ("PUT", "/jobdeck/snapshots/s"),
        ("POST", "/jobdeck/snapshots/s/restore"),
        ("DELETE", "/jobdeck/snapshots/s"),
        ("DELETE", "/jobdeck/clock"),
        ("DELETE", "/jobdeck/faults"),
        ("DELETE", "/jobdeck/faults/fault-1"),
        ("POST", "/jobdeck/faults/fault-1/release"),
        ("DELETE", "/jobdeck/journal"),
        ("DELETE", "/jobdeck/jobs?domain_id=d"),
        ("DELETE", "/jobdeck/jobs/a?domain_id=d"),
    ] {
        assert_eq!(
            app.json(method, path, &body).error(),
            "400 ERROR_INVALID_PARAMETER: body: this route takes none; `?domain_id=` in the address says which domain",
            "{method} {path}"
        );
    }
    assert_eq!(jobs(&app, "d"), ["a CREATED 0", "b CREATED 0"]);
}

#[test]
fn snapshots_are_saved_restored_listed_and_deleted() {
    let app = App::mock(job("a", "d", "") + &job("a", "e", ""));
    let saved = app.bare("PUT", "/jobdeck/snapshots/one?domain_id=d");
    assert_eq!(saved.status, 201);
    let info =
        json!({"name": "one", "domain_id": "d", "jobs": 1, "saved_at": "2022-06-20T12:00:00.000Z"});
    assert_eq!(saved.json(), info);
    put(&app, "b", "d", &json!({}));
    put(&app, "b", "e", &json!({}));
    assert_eq!(
        app.bare("PUT", "/jobdeck/snapshots/one").status,
        201,
        "another scope"
    );
    assert_eq!(
        app.bare("POST", "/jobdeck/snapshots/one/restore?domain_id=d")
            .json(),
        json!({"jobs": 1})
    );
    assert_eq!(jobs(&app, "d"), ["a CREATED 0"]);
    assert_eq!(jobs(&app, "e"), ["a CREATED 0", "b CREATED 0"]);
    app.bare("POST", "/jobdeck/reset");
    assert_eq!(
        app.bare("POST", "/jobdeck/snapshots/one/restore").json(),
        json!({"jobs": 4})
    );
    assert_eq!(jobs(&app, "d"), ["a CREATED 0", "b CREATED 0"]);

    put(&app, "c", "d", &json!({}));
    assert_eq!(
        app.bare("PUT", "/jobdeck/snapshots/one?domain_id=d").status,
        200,
        "replaced"
    );
    let list = app.get("/jobdeck/snapshots").json();
    let names: Vec<_> = list["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["jobs"].clone())
        .collect();
    assert_eq!(names, [json!(4), json!(3)]);
    assert_eq!(
        app.get("/jobdeck/snapshots?domain_id=d").json()["results"][0]["jobs"],
        3
    );
    assert_eq!(
        app.bare("DELETE", "/jobdeck/snapshots/one?domain_id=d")
            .status,
        204
    );
    let before = jobs(&app, "d");
    for (method, path, expected) in [
        (
            "POST",
            "/jobdeck/snapshots/one/restore?domain_id=d",
            "404 ERROR_NOT_FOUND: there is no snapshot `one` of domain d; there are none; PUT makes one",
        ),
        (
            "DELETE",
            "/jobdeck/snapshots/two",
            "404 ERROR_NOT_FOUND: there is no snapshot `two` of the whole server; there are one",
        ),
        (
            "PUT",
            "/jobdeck/snapshots/a%20b",
            "400 ERROR_INVALID_PARAMETER: `a b` is not a name of a snapshot: 1 to 100 of A-Z a-z 0-9 . _ -",
        ),
    ] {
        assert_eq!(app.bare(method, path).error(), expected);
    }
    assert_eq!(jobs(&app, "d"), before);
    for number in 0..100 {
        assert_eq!(
            app.bare("PUT", &format!("/jobdeck/snapshots/n{number}?domain_id=x"))
                .status,
            201
        );
    }
    assert_eq!(
        app.bare("PUT", "/jobdeck/snapshots/more?domain_id=y")
            .status,
        201
    );
    assert_eq!(
        app.bare("PUT", "/jobdeck/snapshots/more?domain_id=x")
            .error(),
        "400 ERROR_INVALID_PARAMETER: there are 100 snapshots of domain x, and no more are allowed; delete one"
    );
}

#[test]
fn a_clock_is_read_frozen_set_advanced_and_reset() {
    let app = App::serve(Setup {
        clock: Clock::SYSTEM,
        mock: Some(MockConfig::default()),
        ..Setup::default()
    });
    assert_eq!(app.get("/jobdeck/clock").json()["is_frozen"], false);
    let frozen = app
        .json("PUT", "/jobdeck/clock", &json!({"is_frozen": true}))
        .json();
    assert_eq!(frozen["is_frozen"], true);
    assert_eq!(app.get("/jobdeck/clock").json(), frozen);
    let set = app.json(
        "PUT",
        "/jobdeck/clock?domain_id=d",
        &json!({"now": "2030-01-01T01:00:00+01:00"}),
    );
    assert_eq!(
        set.json(),
        json!({"now": "2030-01-01T00:00:00.000Z", "is_frozen": true})
    );
    assert_eq!(
        advance(&app, "?domain_id=d", 90)["now"],
        "2030-01-01T00:01:30.000Z"
    );
    assert_eq!(
        app.get("/jobdeck/about?domain_id=d").json()["now"],
        "2030-01-01T00:01:30.000Z"
    );
    assert_eq!(
        app.get("/jobdeck/clock").json(),
        frozen,
        "the server's is its own"
    );
    put(&app, "j", "d", &json!({}));
    let recent = |domain_id: &str| {
        let filter = json!([{"k": "created_at", "v": "now - 1m", "o": "timediff_gte"}]);
        app.search(&json!({"domain_id": domain_id, "query": {"filter": filter}}))
            .json()["total_count"]
            .clone()
    };
    assert_eq!(recent("d"), 1);
    advance(&app, "?domain_id=d", 61);
    assert_eq!(recent("d"), 0);

    let running = app
        .json(
            "PUT",
            "/jobdeck/clock?domain_id=d",
            &json!({"is_frozen": false}),
        )
        .json();
    assert_eq!(running["is_frozen"], false);
    assert!(
        running["now"]
            .as_str()
            .unwrap()
            .starts_with("2030-01-01T00:02:3"),
        "{running}"
    );
    assert_eq!(
        app.bare("DELETE", "/jobdeck/clock?domain_id=d").json(),
        frozen
    );
    assert_eq!(
        app.bare("DELETE", "/jobdeck/clock").json()["is_frozen"],
        false
    );
}

#[test]
fn a_wrong_setting_leaves_the_clock_unchanged() {
    let app = App::mock("");
    let before = app.get("/jobdeck/clock").json();
    for (method, path, body, expected) in [
        (
            "PUT",
            "/jobdeck/clock",
            "{}",
            "body: expected `now`, `is_frozen`, or both",
        ),
        (
            "PUT",
            "/jobdeck/clock",
            r#"{"now": "soon"}"#,
            "now: `soon` is not an RFC 3339 time",
        ),
        (
            "PUT",
            "/jobdeck/clock",
            r#"{"frozen": true}"#,
            "frozen: unknown member `frozen`; did you mean `is_frozen`?",
        ),
        (
            "POST",
            "/jobdeck/clock/advance",
            r#"{"seconds": -1}"#,
            "seconds: expected a number from 0 to 3155760000",
        ),
        (
            "POST",
            "/jobdeck/clock/advance",
            r#"{"seconds": "1"}"#,
            "seconds: expected a number, found a string",
        ),
        (
            "POST",
            "/jobdeck/clock/advance",
            "{}",
            "seconds: is required",
        ),
    ] {
        let answer = app.send(
            method,
            path,
            &[("content-type", "application/json")],
            Some(body.as_bytes()),
        );
        let error = answer.error();
        assert!(
            error.starts_with(&format!("400 ERROR_INVALID_PARAMETER: {expected}")),
            "{body}: {error}"
        );
    }
    assert_eq!(app.get("/jobdeck/clock").json(), before);
}

#[test]
fn the_version_changes_when_a_frozen_clock_is_set() {
    let app = App::mock(job("a", "d", ""));
    let path = r"/inventory/v1/jobs?domain_id=d&query=%7B%22filter%22%3A%5B%7B%22k%22%3A%22created_at%22%2C%22v%22%3A%22now%20-%204d%22%2C%22o%22%3A%22timediff_gte%22%7D%5D%7D";
    let first = app.get(path);
    assert_eq!(first.json()["total_count"], 1);
    let tag = first.header("etag").unwrap().to_owned();
    let headers = [("if-none-match", tag.as_str())];
    assert_eq!(app.send("GET", path, &headers, None).status, 304);
    advance(&app, "", 2 * 86_400);
    let later = app.send("GET", path, &headers, None);
    assert_eq!(
        (later.status, later.json()["total_count"].clone()),
        (200, json!(0))
    );
}

#[test]
fn a_job_with_a_life_follows_its_script() {
    let app = App::mock("");
    let life = json!({"total_tasks": 2, "life": [
        {"after": 5, "status": "IN_PROGRESS"},
        {"after": 25, "status": "ERROR", "remained_tasks": 0, "errors": [{"error_code": "E", "message": "m"}]}
    ]});
    put(&app, "j", "d", &life);
    put(&app, "j", "e", &life);
    let mut story = Vec::new();
    for _ in 0..6 {
        story.extend(jobs(&app, "d"));
        advance(&app, "?domain_id=d", 5);
    }
    assert_eq!(
        story,
        [
            "j CREATED 2",
            "j IN_PROGRESS 2",
            "j IN_PROGRESS 2",
            "j IN_PROGRESS 1",
            "j IN_PROGRESS 1",
            "j ERROR 0"
        ]
    );
    let done = app.search(&json!({"domain_id": "d"})).json()["results"][0].clone();
    assert_eq!(done["finished_at"], "2022-06-20T12:00:25.000Z");
    assert_eq!(done["errors"], json!([{"error_code": "E", "message": "m"}]));
    assert_eq!(jobs(&app, "e"), ["j CREATED 2"], "by its own clock");
    advance(&app, "", 5);
    assert_eq!(jobs(&app, "e"), ["j IN_PROGRESS 2"]);

    // A clock that is set back takes a job that has not ended back.
    app.json(
        "PUT",
        "/jobdeck/clock?domain_id=e",
        &json!({"now": "2022-06-20T12:00:00Z"}),
    );
    assert_eq!(jobs(&app, "e"), ["j CREATED 2"]);
    // What was saved goes on from where it stood, whatever the clock shows meanwhile.
    advance(&app, "?domain_id=e", 10);
    app.bare("PUT", "/jobdeck/snapshots/half?domain_id=e");
    advance(&app, "?domain_id=e", 1_000);
    assert_eq!(jobs(&app, "e"), ["j ERROR 0"]);
    app.bare("POST", "/jobdeck/snapshots/half/restore?domain_id=e");
    assert_eq!(jobs(&app, "e"), ["j IN_PROGRESS 2"]);
    advance(&app, "?domain_id=e", 5);
    assert_eq!(jobs(&app, "e"), ["j IN_PROGRESS 1"]);
    // A change of a job ends its life, and so does its deletion.
    app.json(
        "PATCH",
        "/jobdeck/jobs/j?domain_id=e",
        &json!({"remained_tasks": 7}),
    );
    advance(&app, "?domain_id=e", 1_000);
    assert_eq!(jobs(&app, "e"), ["j IN_PROGRESS 7"]);
    put(&app, "j", "e", &life);
    app.bare("DELETE", "/jobdeck/jobs/j?domain_id=e");
    advance(&app, "?domain_id=e", 1_000);
    assert_eq!(jobs(&app, "e"), Vec::<String>::new());

    let backwards =
        json!({"life": [{"after": 5, "status": "IN_PROGRESS"}, {"after": 2, "status": "SUCCESS"}]});
    assert_eq!(
        app.json("PUT", "/jobdeck/jobs/k?domain_id=d", &backwards)
            .error(),
        "400 ERROR_INVALID_PARAMETER: body: life[1].after: 2 is earlier than the 5 of the step before; steps are in the order of time"
    );
}

#[test]
fn a_job_with_a_life_follows_the_clock_of_the_system_too() {
    let app = App::serve(Setup {
        clock: Clock::SYSTEM,
        mock: Some(MockConfig::default()),
        ..Setup::default()
    });
    put(
        &app,
        "j",
        "d",
        &json!({"life": [{"after": 0.3, "status": "SUCCESS"}]}),
    );
    let tag = app
        .get("/jobdeck/domains")
        .header("etag")
        .unwrap()
        .to_owned();
    eventually("it succeeds", || jobs(&app, "d") == ["j SUCCESS 0"]);
    let headers = [("if-none-match", tag.as_str())];
    assert_eq!(
        app.send("GET", "/jobdeck/domains", &headers, None).status,
        200
    );
}

fn with_fixtures(paths: &[&Path], jobs: &str) -> App {
    App::serve(Setup {
        jobs: jobs.to_owned(),
        mock: Some(MockConfig {
            fixtures: paths.iter().map(|path| path.to_path_buf()).collect(),
            ..MockConfig::default()
        }),
        ..Setup::default()
    })
}

#[test]
fn fixtures_are_loaded_watched_and_restored_by_a_reset() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("b.ndjson");
    let part = folder.path().join("fixtures");
    std::fs::create_dir(&part).unwrap();
    std::fs::write(&file, job("a", "d", "\"status\":\"ERROR\"")).unwrap();
    std::fs::write(
        part.join("1.json"),
        format!("[{}]", job("b", "d", "").trim()),
    )
    .unwrap();
    std::fs::write(part.join("2.jsonl"), job("c", "d", "")).unwrap();
    std::fs::write(part.join("notes.txt"), "not read").unwrap();
    let app = with_fixtures(&[&file, &part], &(job("a", "d", "") + &job("old", "e", "")));
    let start = ["a ERROR 0", "b CREATED 0", "c CREATED 0"];
    assert_eq!(jobs(&app, "d"), start);
    assert_eq!(jobs(&app, "e"), ["old CREATED 0"]);
    app.bare("DELETE", "/jobdeck/jobs?domain_id=d");
    app.bare("POST", "/jobdeck/reset?domain_id=d");
    assert_eq!(jobs(&app, "d"), start);

    // A broken file keeps what was, and says why.
    let tag = app
        .get("/jobdeck/domains")
        .header("etag")
        .unwrap()
        .to_owned();
    std::fs::write(
        &file,
        job("x", "d", "") + &job("y", "d", "\"stauts\":\"ERROR\""),
    )
    .unwrap();
    let problem = || app.get("/jobdeck/about").json()["fixtures_problem"].clone();
    eventually("the problem is reported", || !problem().is_null());
    let said = problem();
    let said = said.as_str().unwrap();
    assert!(
        said.contains("b.ndjson: line 2, column 67, job y, field stauts: unknown field `stauts`"),
        "{said}"
    );
    assert_eq!(jobs(&app, "d"), start);
    let headers = [("if-none-match", tag.as_str())];
    assert_eq!(
        app.send("GET", "/jobdeck/domains", &headers, None).status,
        200,
        "the page sees it"
    );

    // A file that is mended is loaded, and what clients made since is gone.
    put(&app, "own", "d", &json!({}));
    std::fs::write(&file, job("x", "d", "")).unwrap();
    eventually("it is loaded", || problem().is_null());
    assert_eq!(
        jobs(&app, "d"),
        ["a CREATED 0", "b CREATED 0", "c CREATED 0", "x CREATED 0"],
        "own is gone, and a is what it was without fixtures"
    );
}

#[test]
fn fixtures_with_lives_start_again_with_a_reset() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("jobs.ndjson");
    let life = r#"{"job_id":"j","domain_id":"d","life":[{"after":10,"status":"SUCCESS"}]}"#;
    std::fs::write(
        &file,
        format!("{life}\n{{\"job_id\":\"k\",\"domain_id\":\"e\"}}\n"),
    )
    .unwrap();
    let app = with_fixtures(&[&file], "");
    app.json(
        "PUT",
        "/jobdeck/clock",
        &json!({"now": "2030-01-01T00:00:00Z"}),
    );
    assert_eq!(jobs(&app, "d"), ["j SUCCESS 0"]);
    app.bare("POST", "/jobdeck/reset?domain_id=d");
    let again = app.search(&json!({"domain_id": "d"})).json()["results"][0].clone();
    assert_eq!(
        (&again["status"], &again["created_at"]),
        (&json!("CREATED"), &json!("2030-01-01T00:00:00.000Z"))
    );
    let other = app.search(&json!({"domain_id": "e"})).json()["results"][0].clone();
    assert_eq!(other["created_at"], "2022-06-20T12:00:00.000Z");
    advance(&app, "?domain_id=d", 10);
    assert_eq!(jobs(&app, "d"), ["j SUCCESS 0"]);
}

#[test]
fn the_states_of_domains_are_separate() {
    let app = App::mock(
        (0..8)
            .map(|n| job("start", &format!("d{n}"), ""))
            .collect::<String>(),
    );
    std::thread::scope(|scope| {
        for number in 0..8 {
            let app = &app;
            scope.spawn(move || {
                let domain = format!("d{number}");
                let query = format!("?domain_id={domain}");
                for round in 0..10 {
                    put(app, "mine", &domain, &json!({"total_tasks": round, "life": [{"after": 60, "status": "SUCCESS"}]}));
                    app.bare("PUT", &format!("/jobdeck/snapshots/s{query}"));
                    advance(app, &query, 60);
                    assert_eq!(jobs(app, &domain), ["mine SUCCESS 0", "start CREATED 0"]);
                    app.bare("POST", &format!("/jobdeck/snapshots/s/restore{query}"));
                    assert_eq!(jobs(app, &domain), [format!("mine CREATED {round}"), "start CREATED 0".to_owned()]);
                    app.bare("POST", &format!("/jobdeck/reset{query}"));
                    assert_eq!(jobs(app, &domain), ["start CREATED 0"]);
                    let clock = app.get(&format!("/jobdeck/clock{query}")).json();
                    assert_eq!(clock["now"], "2022-06-20T12:00:00.000Z");
                }
            });
        }
    });
}

#[test]
fn the_last_of_two_fixtures_of_a_job_counts() {
    let folder = tempfile::tempdir().unwrap();
    let (first, last) = (
        folder.path().join("a.ndjson"),
        folder.path().join("b.ndjson"),
    );
    let life = r#"{"job_id":"j","domain_id":"d","life":[{"after":10,"status":"SUCCESS"}]}"#;
    std::fs::write(&first, life).unwrap();
    std::fs::write(&last, job("j", "d", "\"status\":\"CANCELED\"")).unwrap();
    let app = with_fixtures(&[folder.path()], "");
    assert_eq!(jobs(&app, "d"), ["j CANCELED 0"]);
    app.bare("POST", "/jobdeck/reset");
    advance(&app, "", 60);
    assert_eq!(jobs(&app, "d"), ["j CANCELED 0"]);
}

#[test]
fn a_file_without_jobs_is_ignored_or_refused() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.ndjson"), job("a", "d", "")).unwrap();
    // As an editor leaves it while one writes.
    std::os::unix::fs::symlink("nowhere", folder.path().join(".#a.ndjson")).unwrap();
    let app = with_fixtures(&[folder.path()], "");
    assert_eq!(jobs(&app, "d"), ["a CREATED 0"]);
    // Opening a pipe would wait for a writer.
    let made = std::process::Command::new("mkfifo")
        .arg(folder.path().join("b.ndjson"))
        .status();
    assert!(made.unwrap().success());
    let problem = || app.get("/jobdeck/about").json()["fixtures_problem"].clone();
    eventually("it is reported", || !problem().is_null());
    let said = problem();
    assert!(
        said.as_str()
            .unwrap()
            .ends_with("b.ndjson: is neither a file nor a folder"),
        "{said}"
    );
    assert_eq!(jobs(&app, "d"), ["a CREATED 0"]);
}

#[test]
fn a_fixture_that_is_replaced_by_another_file_is_loaded() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.ndjson");
    std::fs::write(&file, job("a", "d", "")).unwrap();
    let app = with_fixtures(&[&file], "");
    let other = folder.path().join("other");
    std::fs::write(&other, job("b", "d", "")).unwrap();
    let times = std::fs::metadata(&file).unwrap().modified().unwrap();
    std::fs::File::options()
        .write(true)
        .open(&other)
        .unwrap()
        .set_modified(times)
        .unwrap();
    std::fs::rename(&other, &file).unwrap();
    eventually("it is loaded", || jobs(&app, "d") == ["b CREATED 0"]);
}

#[test]
fn concurrent_advances_add_up() {
    let app = App::mock("");
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| (0..10).for_each(|_| drop(advance(&app, "?domain_id=d", 1))));
        }
    });
    let clock = app.get("/jobdeck/clock?domain_id=d").json();
    assert_eq!(clock["now"], "2022-06-20T12:01:20.000Z");
}

#[test]
fn a_snapshot_of_the_server_goes_on_by_the_clock_of_each_domain() {
    let app = App::mock("");
    for domain in ["d", "e"] {
        put(
            &app,
            "j",
            domain,
            &json!({"life": [{"after": 60, "status": "SUCCESS"}]}),
        );
    }
    advance(&app, "?domain_id=d", 30);
    app.bare("PUT", "/jobdeck/snapshots/s");
    advance(&app, "?domain_id=d", 3_600);
    assert_eq!(jobs(&app, "d"), ["j SUCCESS 0"]);
    app.bare("POST", "/jobdeck/snapshots/s/restore");
    assert_eq!(jobs(&app, "d"), ["j CREATED 0"]);
    advance(&app, "?domain_id=d", 29);
    assert_eq!(jobs(&app, "d"), ["j CREATED 0"]);
    advance(&app, "?domain_id=d", 1);
    assert_eq!(jobs(&app, "d"), ["j SUCCESS 0"]);
    advance(&app, "", 59);
    assert_eq!(jobs(&app, "e"), ["j CREATED 0"]);
}

#[test]
fn a_clock_that_can_not_be_reset_stays() {
    let app = App::mock("");
    advance(&app, "?domain_id=d", 30);
    put(
        &app,
        "j",
        "d",
        &json!({"life": [{"after": 60, "status": "SUCCESS"}]}),
    );
    put(
        &app,
        "k",
        "e",
        &json!({"life": [{"after": 60, "status": "SUCCESS"}]}),
    );
    advance(&app, "?domain_id=e", 10);
    advance(&app, "?domain_id=d", 30);
    let clock = |domain: &str| {
        app.get(&format!("/jobdeck/clock?domain_id={domain}"))
            .json()
    };
    let before = [clock("d"), clock("e")];
    let other = rusqlite::Connection::open(app.database()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    // Its job would have to be written.
    let path = "/jobdeck/clock/advance?domain_id=d";
    assert_eq!(app.json("POST", path, &json!({"seconds": 600})).status, 503);
    other.execute_batch("ROLLBACK").unwrap();
    assert_eq!([clock("d"), clock("e")], before);
    assert_eq!(jobs(&app, "d"), ["j CREATED 0"]);
}

#[test]
fn a_demo_on_a_running_clock_is_reset_too() {
    let app = App::serve(Setup {
        clock: Clock::running_from(
            jobdeck::time::Timestamp::parse_rfc3339("2026-01-01T00:00:00Z").unwrap(),
        ),
        mock: Some(MockConfig {
            demo: Some(1),
            ..MockConfig::default()
        }),
        ..Setup::default()
    });
    let total = || total(&app);
    let start = total();
    advance(&app, "", 86_400);
    assert!(total() >= start + 300);
    app.bare("PUT", "/jobdeck/snapshots/s");
    let saved = total();
    advance(&app, "", 86_400);
    assert!(total() >= saved + 300);
    // A few may have come since, as time passes; those of a day have not.
    app.bare("POST", "/jobdeck/snapshots/s/restore");
    assert!((saved..saved + 100).contains(&total()));
    app.bare("POST", "/jobdeck/reset");
    assert!((start - 10..start + 100).contains(&total()));
    // After a reset it goes on.
    advance(&app, "", 86_400);
    assert!(total() >= start + 300);
}

#[test]
fn a_demo_grows_and_is_reset() {
    let app = App::serve(Setup {
        mock: Some(MockConfig {
            demo: Some(1),
            ..MockConfig::default()
        }),
        ..Setup::default()
    });
    let total = || total(&app);
    let start = total();
    // From noon to one o'clock on a Monday: the hourly collectors, and those that run every six hours.
    advance(&app, "", 3_600);
    let hour = total();
    assert!((start + 3..start + 12).contains(&hour), "{start} {hour}");
    assert_eq!(app.bare("POST", "/jobdeck/reset").json()["jobs"], start);
    assert_eq!(total(), start);
    advance(&app, "", 3_600);
    assert_eq!(total(), hour);
}
