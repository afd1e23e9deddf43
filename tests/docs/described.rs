//! The API as a mock describes it: its routes, the names in its schemas, and its metrics.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;

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
const RULE: &str =
    "[[notify]]\nname = \"a\"\ndomain_id = \"d\"\non = \"failed\"\nurl = \"http://127.0.0.1/\"\n";

/// Starts a server with these options; returns it and its address.
fn serve(options: &[&str]) -> (Killed, String) {
    let mut command = Command::new(JOBDECK);
    command
        .args(["serve", "--listen", "127.0.0.1:0"])
        .args(options);
    let server = command
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    let mut server = Killed(server.spawn().unwrap());
    let mut line = String::new();
    let mut output = BufReader::new(server.0.stdout.take().unwrap());
    output.read_line(&mut line).unwrap();
    let address = line.split_whitespace().last().unwrap().to_owned();
    (server, address)
}

impl Described {
    fn read() -> Self {
        let get = |address: &str, path: &str| {
            let agent: ureq::Agent = ureq::Agent::config_builder().proxy(None).build().into();
            let mut answer = agent.get(format!("{address}{path}")).call().unwrap();
            answer.body_mut().read_to_string().unwrap()
        };
        let (_mock, mock) = serve(&["--mock"]);
        let document: Value = serde_json::from_str(&get(&mock, "/openapi.json")).unwrap();
        // A mock sends no notifications, which have metrics of their own.
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        std::fs::write(path("notify.toml"), RULE).unwrap();
        let (_other, other) = serve(&[
            "--create",
            "--db",
            &path("x.db"),
            "--notify",
            &path("notify.toml"),
        ]);
        let metrics = get(&mock, "/metrics") + &get(&other, "/metrics");
        let metrics = metrics
            .lines()
            .filter_map(|line| line.strip_prefix("# TYPE "));
        Self {
            metrics: metrics
                .map(|line| line.split(' ').next().unwrap().to_owned())
                .collect(),
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
