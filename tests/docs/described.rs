//! The API as a mock describes it: its routes, the names in its schemas, and its metrics.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::JOBDECK;

pub(crate) const METHODS: [&str; 5] = ["GET", "POST", "PUT", "PATCH", "DELETE"];

/// The OpenAPI document of a mock, which has every route.
pub(crate) struct Described {
    pub routes: Vec<Route>,
    pub metrics: BTreeSet<String>,
    schemas: Value,
}

pub(crate) struct Route {
    pub method: String,
    pub path: String,
    /// The names of the parameters in the query string.
    pub parameters: BTreeSet<String>,
}

pub(crate) static DESCRIBED: LazyLock<Described> = LazyLock::new(Described::read);

/// Kills the server however the test ends.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A rule that finds nothing.
const RULE: &str = "[[notify]]\nname = \"a\"\ndomain_id = \"other\"\non = \"failed\"\nurl = \"http://127.0.0.1/\"\n";

/// A server, which runs until this is dropped, and its address.
struct Server {
    _process: Killed,
    address: String,
    agent: ureq::Agent,
}

impl Server {
    fn start(arguments: &[&str]) -> Self {
        let mut command = Command::new(JOBDECK);
        command.args(["serve", "--listen", "127.0.0.1:0"]);
        let server = command
            .args(arguments)
            .env_clear()
            .stdin(Stdio::null())
            .stdout(Stdio::piped());
        let mut server = Killed(server.spawn().unwrap());
        let mut line = String::new();
        let mut output = BufReader::new(server.0.stdout.take().unwrap());
        output.read_line(&mut line).unwrap();
        Self {
            _process: server,
            address: line.split_whitespace().last().unwrap().to_owned(),
            agent: ureq::Agent::config_builder().proxy(None).build().into(),
        }
    }

    fn get(&self, path: &str) -> String {
        let url = format!("{}{path}", self.address);
        let mut answer = self.agent.get(url).call().unwrap();
        answer.body_mut().read_to_string().unwrap()
    }
}

/// The names in the text of metrics.
fn names(text: &str) -> impl Iterator<Item = String> {
    let types = text.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    types.map(|line| line.split(' ').next().unwrap().to_owned())
}

/// The names of the metrics of a server that has nearly all of them, with two jobs of a collector, a backup, and a rule for
/// notifications; and of a replica, which has others.
fn metrics() -> BTreeSet<String> {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let replica = path("replica.db");
    let mut import = Command::new(JOBDECK);
    import.args(["import", "--db", &replica, "-"]).env_clear();
    let imported = import.stdin(Stdio::null()).stdout(Stdio::null()).status();
    assert!(imported.unwrap().success());
    let replica = Server::start(&["--replica", "--db", &replica]);
    let of_replica: Vec<_> = names(&replica.get("/metrics")).collect();
    std::fs::write(path("notify.toml"), RULE).unwrap();
    let server = Server::start(&[
        "--create",
        "--writable",
        "--notify",
        &path("notify.toml"),
        "--db",
        &path("jobs.db"),
        "--collector-metrics",
        "9",
        "--backup-dir",
        &path(""),
    ]);
    for status in ["SUCCESS", "ERROR"] {
        let url = format!("{}/jobdeck/jobs/{status}?domain_id=d", server.address);
        let body =
            format!(r#"{{"status": "{status}", "collector_info": {{"collector_id": "c"}}}}"#);
        let request = server.agent.put(url);
        let request = request.header("content-type", "application/json");
        request.send(&body).unwrap();
    }
    let start = Instant::now();
    loop {
        let text = server.get("/metrics");
        let names: BTreeSet<_> = names(&text).chain(of_replica.clone()).collect();
        let is_there = |end: &str| names.iter().any(|name| name.ends_with(end));
        if is_there("backup_last_success_timestamp_seconds")
            && is_there("collector_last_failure_timestamp_seconds")
        {
            return names;
        }
        assert!(start.elapsed() < Duration::from_mins(1), "{names:?}");
        std::thread::yield_now();
    }
}

impl Described {
    fn read() -> Self {
        let server = Server::start(&["--mock"]);
        let document: Value = serde_json::from_str(&server.get("/openapi.json")).unwrap();
        Self {
            metrics: metrics(),
            routes: routes(&document),
            schemas: document["components"]["schemas"].clone(),
        }
    }

    /// The members of an object, or the values of an enumeration. Another spelling of a member is left out.
    pub(crate) fn names(&self, schema: &str) -> impl Iterator<Item = &str> {
        let schema = &self.schemas[schema];
        assert!(schema.is_object(), "no schema {schema}");
        let members = schema["properties"].as_object().into_iter().flatten();
        let choices = schema["oneOf"].as_array().into_iter().flatten();
        let values = choices
            .chain([schema])
            .filter_map(|schema| schema["enum"].as_array());
        let values = values.flatten().filter_map(Value::as_str);
        members
            .map(|(name, _)| name.as_str())
            .chain(values)
            .filter(|name| !name.is_empty())
    }
}

fn routes(document: &Value) -> Vec<Route> {
    let queries = |parameters: &Value| -> Vec<String> {
        let parameters = parameters.as_array().into_iter().flatten();
        let resolved = parameters.map(|parameter| match parameter["$ref"].as_str() {
            Some(reference) => document.pointer(&reference[1..]).unwrap(),
            None => parameter,
        });
        let queries = resolved.filter(|parameter| parameter["in"] == "query");
        queries
            .map(|query| query["name"].as_str().unwrap().to_owned())
            .collect()
    };
    let mut routes = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in METHODS {
            let Some(operation) = item.get(method.to_lowercase()) else {
                continue;
            };
            let parameters = queries(&item["parameters"]).into_iter();
            routes.push(Route {
                method: method.to_owned(),
                path: path.clone(),
                parameters: parameters
                    .chain(queries(&operation["parameters"]))
                    .collect(),
            });
        }
    }
    routes
}
