//! Uses the files of static/docs/deploy as the documentation says: for TLS, for metrics, for backups, and to report jobs.
//!
//! `cargo test` ignores those that need nginx or Caddy; `tests/run` installs them. tests/recipes has the tests of the unit
//! `jobdeck.service`, the Dockerfile and the Compose file.
#![cfg(test)]

mod proxies;

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

const DEPLOY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/static/docs/deploy");
const JOBDECK: &str = env!("CARGO_BIN_EXE_jobdeck");
/// Where the files say that jobdeck listens.
const UPSTREAM: &str = "127.0.0.1:8080";

fn deploy_file(name: &str) -> String {
    std::fs::read_to_string(Path::new(DEPLOY).join(name)).unwrap()
}

/// A program without the options of jobdeck that the environment may have.
fn program(program: impl AsRef<Path>) -> Command {
    let mut command = Command::new(program.as_ref());
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy();
        if name.starts_with("JOBDECK_") || name.starts_with("JOBS_") {
            command.env_remove(name.as_ref());
        }
    }
    command
        .env("no_proxy", "*")
        .env("LC_ALL", "C")
        .stdin(Stdio::null());
    command
}

/// Standard output and standard error.
fn said(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    text(&output.stdout) + &text(&output.stderr)
}

/// Whether a program is on the path.
fn is_installed(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

/// A process that is killed when the test ends, however it ends.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A server of jobdeck with a new database.
struct Server {
    _process: Running,
    folder: TempDir,
    address: String,
}

impl Server {
    #[track_caller]
    fn start(options: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut child = program(JOBDECK)
            .current_dir(folder.path())
            .args(["serve", "--create", "--listen", "127.0.0.1:0"])
            .args(options)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        stdout.read_line(&mut line).unwrap();
        let (_, address) = line.trim().split_once("http://").unwrap();
        Self {
            address: address.to_owned(),
            _process: Running(child),
            folder,
        }
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Answers a GET with its body.
    #[track_caller]
    fn get(&self, path: &str) -> String {
        let agent: ureq::Agent = ureq::Agent::config_builder().proxy(None).build().into();
        let mut answer = agent.get(self.url(path)).call().unwrap();
        let body = answer.body_mut().with_config().limit(1 << 30);
        body.read_to_string().unwrap()
    }

    #[track_caller]
    fn json(&self, path: &str) -> Value {
        serde_json::from_str(&self.get(path)).unwrap()
    }
}

/// The file with each text replaced by another.
#[track_caller]
fn replaced(name: &str, texts: &[(&str, &str)]) -> String {
    texts.iter().fold(deploy_file(name), |text, (from, to)| {
        assert!(text.contains(from), "{name} does not have {from}");
        text.replace(from, to)
    })
}

/// The names that an expression of Prometheus has of metrics, in its order.
fn metrics_in(expression: &str) -> Vec<&str> {
    let words = expression.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
    words
        .filter(|word| {
            ["jobdeck_", "process_"]
                .iter()
                .any(|start| word.starts_with(start))
                || *word == "up"
        })
        .collect()
}

/// The names of the metrics that a server has after a request, a failed job and a backup, with that which Prometheus makes
/// itself.
fn metrics() -> BTreeSet<String> {
    let backups = tempfile::tempdir().unwrap();
    let folder = backups.path().to_str().unwrap();
    let options = [
        "--writable",
        "--collector-metrics",
        "9",
        "--backup-dir",
        folder,
    ];
    let server = Server::start(&options);
    server.get("/jobdeck/domains");
    for status in ["SUCCESS", "ERROR"] {
        let agent: ureq::Agent = ureq::Agent::config_builder().proxy(None).build().into();
        let job = json!({"status": status, "collector_info": {"collector_id": "c"}});
        let put = agent.put(server.url(&format!("/jobdeck/jobs/{status}?domain_id=d")));
        let put = put.header("content-type", "application/json");
        put.send(job.to_string()).unwrap();
    }
    let start = Instant::now();
    loop {
        let text = server.get("/metrics");
        let samples = text.lines().filter(|line| !line.starts_with('#'));
        let names = samples.filter_map(|line| line.split(['{', ' ']).next());
        let names: BTreeSet<_> = names.chain(["up"]).map(str::to_owned).collect();
        if names.contains("jobdeck_backup_last_success_timestamp_seconds")
            && names.contains("jobdeck_collector_last_failure_timestamp_seconds")
        {
            return names;
        }
        assert!(start.elapsed() < Duration::from_mins(1), "{names:?}");
        std::thread::yield_now();
    }
}

#[track_caller]
fn check_expressions<'e>(expressions: impl Iterator<Item = &'e str>) {
    let known = metrics();
    for expression in expressions {
        let named = metrics_in(expression);
        assert!(!named.is_empty(), "{expression}");
        for name in named {
            assert!(
                known.contains(name),
                "{expression}: {name} is not in {known:?}"
            );
        }
    }
}

#[track_caller]
fn list(value: &Value) -> &Vec<Value> {
    value.as_array().unwrap()
}

#[test]
fn the_dashboard_shows_metrics_that_exist() {
    let dashboard: Value = serde_json::from_str(&deploy_file("grafana-dashboard.json")).unwrap();
    let panels = list(&dashboard["panels"]);
    let targets: Vec<_> = panels
        .iter()
        .flat_map(|panel| list(&panel["targets"]))
        .collect();
    check_expressions(
        targets
            .iter()
            .map(|target| target["expr"].as_str().unwrap()),
    );
    let variables = list(&dashboard["templating"]["list"]);
    let query = variables.iter().find(|one| one["type"] == "query").unwrap();
    check_expressions([query["query"].as_str().unwrap()].into_iter());

    // Grafana puts the data source that is chosen there into every panel.
    let chosen = json!({"type": "prometheus", "uid": "${datasource}"});
    assert!(variables.iter().any(|one| one["name"] == "datasource"));
    for one in panels.iter().chain(targets).chain([query]) {
        assert_eq!(one["datasource"], chosen, "{one}");
    }

    // Each panel has an id and room of its own.
    let ids: BTreeSet<_> = panels.iter().map(|panel| panel["id"].as_u64()).collect();
    assert_eq!(ids.len(), panels.len());
    let mut cells = BTreeSet::new();
    for panel in panels {
        let [x, y, w, h] =
            ["x", "y", "w", "h"].map(|name| panel["gridPos"][name].as_u64().unwrap());
        assert!(x + w <= 24, "{panel}");
        for cell in (x..x + w).flat_map(|x| (y..y + h).map(move |y| (x, y))) {
            assert!(cells.insert(cell), "{} lies on another", panel["title"]);
        }
    }
}

#[test]
fn the_alerts_watch_metrics_that_exist() {
    let alerts: Value = serde_saphyr::from_str(&deploy_file("alerts.yml")).unwrap();
    let groups = list(&alerts["groups"]).iter();
    let rules: Vec<_> = groups.flat_map(|group| list(&group["rules"])).collect();
    check_expressions(rules.iter().map(|rule| rule["expr"].as_str().unwrap()));
    for rule in rules {
        for place in [
            &rule["alert"],
            &rule["for"],
            &rule["labels"]["severity"],
            &rule["annotations"]["summary"],
        ] {
            assert!(place.is_string(), "{rule}");
        }
    }
}

#[test]
fn prometheus_scrapes_the_default_address_with_a_token_where_there_are_tokens() {
    let plain = deploy_file("prometheus.yml");
    let with_token = replaced(
        "prometheus.yml",
        &[
            ("    # authorization:", "    authorization:"),
            ("    #   cred", "      cred"),
        ],
    );
    let config = |text: &str| -> Value { serde_saphyr::from_str(text).unwrap() };
    let scrape = &config(&plain)["scrape_configs"][0];
    assert_eq!(scrape["static_configs"], json!([{"targets": [UPSTREAM]}]));
    assert_eq!(scrape["authorization"], Value::Null);
    let scrape = &config(&with_token)["scrape_configs"][0];
    assert_eq!(
        scrape["authorization"],
        json!({"credentials_file": "/etc/prometheus/jobdeck.token"})
    );
    for rules in list(&config(&plain)["rule_files"]) {
        assert!(Path::new(DEPLOY).join(rules.as_str().unwrap()).is_file());
    }
    if is_installed("promtool") {
        for check in [["config", "prometheus.yml"], ["rules", "alerts.yml"]] {
            let checked = program("promtool")
                .current_dir(DEPLOY)
                .arg("check")
                .args(check)
                .output()
                .unwrap();
            assert!(checked.status.success(), "{}", said(&checked));
        }
    }
}

/// The command of a key of a unit, with the specifiers and escapes as systemd reads them.
#[track_caller]
fn unit_command(unit: &str, key: &str, state: &Path) -> Command {
    let line = unit
        .lines()
        .find_map(|line| line.strip_prefix(key))
        .unwrap();
    let script = line
        .replace("%%", "\0")
        .replace("%S", state.to_str().unwrap())
        .replace('\0', "%")
        .replace("$$", "$")
        .replace("/usr/local/bin/jobdeck", JOBDECK);
    let mut command = program("/bin/sh");
    let database = unit
        .lines()
        .find_map(|line| line.strip_prefix("Environment=JOBDECK_DB=%S/"))
        .unwrap();
    command
        .args(["-c", &script])
        .env("JOBDECK_DB", state.join(database));
    command
}

#[test]
fn the_backup_service_adds_a_backup_and_keeps_the_newest() {
    let state = tempfile::tempdir().unwrap();
    let backups = state.path().join("jobdeck-backups");
    for folder in [&state.path().join("jobdeck"), &backups] {
        std::fs::create_dir(folder).unwrap();
    }
    let unit = deploy_file("backup.service");
    let run = |key: &str| unit_command(&unit, key, state.path()).output().unwrap();
    let names = || -> BTreeSet<String> {
        let entries = std::fs::read_dir(&backups).unwrap();
        entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect()
    };
    // Without a database the service fails, so systemd does not come to the deletion.
    assert_eq!(run("ExecStart=").status.code(), Some(1));
    assert_eq!(names(), BTreeSet::new());
    let jobs = state.path().join("jobs.ndjson");
    std::fs::write(
        &jobs,
        r#"{"job_id": "j", "domain_id": "d", "created_at": "2026-01-01T08:00:00Z"}"#,
    )
    .unwrap();
    let database = state.path().join("jobdeck/jobs.db");
    let imported = program(JOBDECK)
        .arg("import")
        .arg(&jobs)
        .arg("--db")
        .arg(&database)
        .output()
        .unwrap();
    assert!(imported.status.success(), "{}", said(&imported));

    let old: Vec<_> = (10..30)
        .map(|day| format!("jobs-2026-01-{day}T03-30-00Z.db"))
        .collect();
    for name in &old {
        std::fs::write(backups.join(name), "").unwrap();
    }
    std::fs::write(backups.join("notes.txt"), "").unwrap();
    let output = run("ExecStart=");
    assert!(output.status.success(), "{}", said(&output));
    let left = names();
    let left: Vec<_> = left
        .iter()
        .filter(|name| name.starts_with("jobs-"))
        .collect();
    assert_eq!(left.len(), 14);
    assert_eq!(left[..13], old[7..].iter().collect::<Vec<_>>());
    assert!(backups.join("notes.txt").exists());
    let checked = program(JOBDECK)
        .arg("check")
        .arg("--db")
        .arg(backups.join(left[13]))
        .output()
        .unwrap();
    assert!(
        said(&checked).contains("1 job, nothing is wrong"),
        "{}",
        said(&checked)
    );
}

#[test]
fn systemd_accepts_the_units_of_the_backup_and_of_replication() {
    if !is_installed("systemd-analyze") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let names = [
        "backup.service",
        "backup.timer",
        "litestream.service",
        "litestream-follow.service",
    ];
    let units: Vec<PathBuf> = names
        .iter()
        .map(|name| {
            let unit = folder.path().join(format!("jobdeck-{name}"));
            // A command must exist.
            let text = deploy_file(name)
                .replace("/usr/local/bin/jobdeck", JOBDECK)
                .replace("/usr/local/bin/litestream", JOBDECK);
            std::fs::write(&unit, text).unwrap();
            unit
        })
        .collect();
    let verified = program("systemd-analyze")
        .arg("verify")
        .args(units)
        .output()
        .unwrap();
    assert!(verified.status.success(), "{}", said(&verified));
    assert_eq!(said(&verified), "");
}

#[test]
fn a_command_is_reported_as_a_job_with_its_end() {
    let server = Server::start(&["--writable"]);
    let report = |url: &str, words: &[&str]| {
        let script = Path::new(DEPLOY).join("report-job.sh");
        let mut command = program(script);
        command
            .env("JOBS_URL", url)
            .env("JOBS_DOMAIN", "d")
            .args(words);
        command.output().unwrap()
    };
    let url = server.url("");
    let done = report(&url, &["nightly", "echo", "a b", "*"]);
    assert_eq!(
        (done.status.code(), said(&done)),
        (Some(0), "a b *\n".to_owned())
    );
    let failed = report(&url, &["weekly", "sh", "-c", "exit 7"]);
    assert_eq!(
        (failed.status.code(), said(&failed)),
        (Some(7), String::new())
    );
    let jobs = server.json("/inventory/v1/jobs?domain_id=d&query.sort.key=collector_info.name");
    let [nightly, weekly] = &list(&jobs["results"])[..] else {
        panic!("{jobs}");
    };
    for (job, name, status) in [(nightly, "nightly", "SUCCESS"), (weekly, "weekly", "ERROR")] {
        assert_eq!(
            (&job["collector_info"]["name"], &job["status"]),
            (&json!(name), &json!(status))
        );
        assert!(
            job["finished_at"].as_str() >= job["created_at"].as_str(),
            "{job}"
        );
    }
    assert_eq!(
        (&nightly["total_tasks"], &nightly["remained_tasks"]),
        (&json!(1), &json!(0))
    );
    assert_eq!(weekly["errors"][0]["error_code"], "ERROR_EXIT_7");

    // While the command runs, the job is in progress.
    let while_running = format!("curl -s '{url}/inventory/v1/jobs?domain_id=d&status=IN_PROGRESS'");
    let seen = report(&url, &["slow", "sh", "-c", &while_running]);
    let seen: Value = serde_json::from_slice(&seen.stdout).unwrap();
    assert_eq!(seen["results"][0]["collector_info"]["name"], "slow");

    // Where no server answers, the command runs all the same.
    let unreported = report(
        "http://127.0.0.1:1",
        &["nightly", "sh", "-c", "echo ran; exit 3"],
    );
    assert_eq!(
        (unreported.status.code(), &unreported.stdout[..]),
        (Some(3), &b"ran\n"[..])
    );
    assert_eq!(
        said(&unreported)
            .matches("was not reported to http://127.0.0.1:1")
            .count(),
        2
    );
}

#[test]
fn a_command_is_reported_with_a_token() {
    let folder = tempfile::tempdir().unwrap();
    let made = program(JOBDECK)
        .args(["token", "new", "--domain", "d", "--write", "--name", "cron"])
        .output()
        .unwrap();
    let tokens = folder.path().join("tokens.toml");
    std::fs::write(&tokens, &made.stdout).unwrap();
    let header = folder.path().join("header");
    let token = String::from_utf8(made.stderr).unwrap();
    std::fs::write(&header, format!("authorization: Bearer {token}")).unwrap();
    let server = Server::start(&["--writable", "--tokens", tokens.to_str().unwrap()]);
    let script = Path::new(DEPLOY).join("report-job.sh");
    let mut command = program(&script);
    command
        .env("JOBS_URL", server.url(""))
        .env("JOBS_DOMAIN", "d")
        .args(["nightly", "true"]);
    assert!(said(&command.output().unwrap()).contains("401"));
    let reported = command.env("JOBS_HEADER", &header).output().unwrap();
    assert_eq!(
        (reported.status.code(), said(&reported)),
        (Some(0), String::new())
    );
    let exported = program(JOBDECK)
        .current_dir(server.folder.path())
        .arg("export")
        .output()
        .unwrap();
    assert!(
        said(&exported).contains(r#""status":"SUCCESS""#),
        "{}",
        said(&exported)
    );
}
