//! `healthcheck`: requests `/healthz` of a server, for containers that have no curl.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use serde_json::Value;

use super::args::{DEFAULT_LISTEN, parse_address, parse_seconds};
use super::failure::Failure;
use super::ready_file::{self, Ready};

/// The most bytes that are read of an answer.
const MAX_ANSWER_BYTES: u64 = 64 << 10;
/// The most characters of an answer that are repeated in the failure.
const MAX_PROBLEM_CHARS: usize = 200;

#[derive(Debug, Args)]
pub(super) struct HealthcheckArgs {
    /// The address of the server, `http://HOST:PORT`; overrides the two options below
    #[arg(long, value_name = "URL", env = "JOBDECK_HEALTH_URL", value_parser = parse_base)]
    url: Option<String>,
    /// The file to which the server writes its address; overrides the option below
    #[arg(long, value_name = "PATH", env = "JOBDECK_READY_FILE")]
    ready_file: Option<PathBuf>,
    /// The address at which the server listens
    #[arg(
        long,
        value_name = "ADDR",
        env = "JOBDECK_LISTEN",
        default_value = DEFAULT_LISTEN,
        value_parser = parse_address
    )]
    listen: SocketAddr,
    /// The time after which the check fails
    #[arg(long, value_name = "SECONDS", env = "JOBDECK_TIMEOUT", default_value = "5", value_parser = parse_seconds)]
    timeout: Duration,
}

/// Parses a URL to which a path can be added.
fn parse_base(text: &str) -> Result<String, String> {
    let is_plain = text.strip_prefix("http://").is_some_and(|rest| {
        !rest.is_empty() && !rest.starts_with('/') && !rest.contains(['?', '#', ' '])
    });
    if is_plain {
        Ok(text.trim_end_matches('/').to_owned())
    } else {
        Err("expected an address such as http://127.0.0.1:8080; https is not supported".to_owned())
    }
}

/// Asks `/healthz`; prints nothing where the server is healthy.
pub(super) fn healthcheck(args: &HealthcheckArgs) -> Result<(), Failure> {
    let base = match (&args.url, &args.ready_file) {
        (Some(url), _) => url.clone(),
        (None, Some(path)) => {
            let ready = Ready::read(path).map_err(|source| Failure::NotReady {
                path: path.clone(),
                source,
            })?;
            ready.ok_or_else(|| Failure::NoReadyFile(path.clone()))?.url
        }
        (None, None) if args.listen.port() == 0 => return Err(Failure::UnknownPort),
        (None, None) => ready_file::url(args.listen),
    };
    let url = format!("{base}/healthz");
    ask(&url, args.timeout).map_err(|problem| Failure::Unhealthy { url, problem })
}

fn ask(url: &str, timeout: Duration) -> Result<(), String> {
    let agent: ureq::Agent = ureq::Agent::config_builder()
        // A proxy of the environment can't reach the servers of this machine.
        .proxy(None)
        .http_status_as_error(false)
        // A server that redirects is not healthy.
        .max_redirects(0)
        .max_redirects_will_error(false)
        .timeout_global(Some(timeout))
        .build()
        .into();
    let explain = |error: ureq::Error| match error {
        ureq::Error::Timeout(_) => format!("no answer within {} s", timeout.as_secs_f64()),
        ureq::Error::Io(error) if error.kind() == std::io::ErrorKind::ConnectionRefused => {
            "no server listens there".to_owned()
        }
        ureq::Error::Io(error) => error.to_string(),
        other => other.to_string(),
    };
    let mut answer = agent.get(url).call().map_err(explain)?;
    let status = answer.status().as_u16();
    let body = answer.body_mut().with_config().limit(MAX_ANSWER_BYTES);
    let body: Value = body
        .read_to_string()
        .map_err(explain)
        .map(|text| serde_json::from_str(&text).unwrap_or_default())?;
    if status == 200 && body["status"] == "ok" {
        return Ok(());
    }
    // The problem of jobdeck's own answer or error; any other answer is from another server.
    let problem = body["problem"]
        .as_str()
        .or_else(|| body["detail"]["message"].as_str())
        .unwrap_or("and not as jobdeck does");
    let problem: String = problem
        .chars()
        .take(MAX_PROBLEM_CHARS)
        .flat_map(char::escape_debug)
        .collect();
    Err(format!("answered {status}: {problem}"))
}
