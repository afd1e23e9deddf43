//! `Target`: where a command sends its requests: to a database of this machine, or to a server.

use std::io::Read;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use jobdeck::clock::Clock;
use jobdeck::route::Route;
use jobdeck::server::LocalApp;
use jobdeck::store::Mode;
use jobdeck::time::Timestamp;
use serde_json::Value as Json;
use url::Url;

use super::client::{Client, ClientError, parse_base, read_token};
use super::request::{Request, encoded};
use crate::cli::args::DEFAULT_LISTEN;
use crate::cli::failure::Failure;
use crate::cli::opening::open;

/// How many connections read a database: one for the answer, and one more.
const READERS: u32 = 2;
/// The most domains that are listed where one is to be chosen.
const MAX_LISTED: usize = 10;

#[derive(Debug, Clone, Args)]
pub(in crate::cli) struct TargetArgs {
    /// The domain of the jobs [default: the only one that there is]
    #[arg(long, value_name = "DOMAIN", env = "JOBDECK_DOMAIN", value_parser = not_empty)]
    pub(in crate::cli) domain: Option<String>,
    /// The database file, also while a server uses it [default: jobdeck.db]
    #[arg(long, value_name = "FILE", env = "JOBDECK_DB", conflicts_with = "url")]
    pub(in crate::cli) db: Option<PathBuf>,
    /// The address of a server, instead of a database file: `http://127.0.0.1:8080` or `https://jobs.example`
    #[arg(long, value_name = "URL", env = "JOBDECK_URL", value_parser = parse_base)]
    pub(in crate::cli) url: Option<Url>,
    /// A file with the token that the server requires, alone
    #[arg(long, value_name = "FILE", env = "JOBDECK_TOKEN_FILE")]
    pub(in crate::cli) token_file: Option<PathBuf>,
}

/// Parses a text that must have a letter.
pub(in crate::cli) fn not_empty(text: &str) -> Result<String, &'static str> {
    if text.is_empty() {
        return Err("expected a name, found an empty text");
    }
    Ok(text.to_owned())
}

/// Returns the only one of the domains that have jobs; the error says what to choose from.
pub(in crate::cli) fn only_domain(domains: &[&str]) -> Result<String, String> {
    match domains {
        [only] => Ok((*only).to_owned()),
        [] => Err("has no jobs of any domain; name one with `--domain`".to_owned()),
        several => {
            let listed: Vec<_> = several.iter().take(MAX_LISTED).copied().collect();
            let more = match several.len().saturating_sub(MAX_LISTED) {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            Err(format!(
                "has jobs of {} domains; name one with `--domain`: {}{more}",
                several.len(),
                listed.join(", ")
            ))
        }
    }
}

/// What a command does to the jobs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cli) enum Access {
    Read,
    Write,
    /// As `Write`; a database that is missing is made.
    Create,
}

/// Where a command sends its requests.
pub(in crate::cli) enum Target {
    Database(PathBuf, LocalApp),
    Server(Client),
}

impl TargetArgs {
    /// Returns the database, where no server was given.
    pub(in crate::cli) fn database(&self) -> PathBuf {
        self.db.clone().unwrap_or_else(|| "jobdeck.db".into())
    }

    /// Opens the database, or prepares requests to the server.
    pub(in crate::cli) fn open(&self, access: Access) -> Result<Target, Failure> {
        match &self.url {
            Some(url) => Ok(Target::Server(Client::new(url, self.token()?, None))),
            None => Target::database(self.database(), access),
        }
    }

    /// Reads the token, where there is a server that it is for.
    pub(in crate::cli) fn token(&self) -> Result<Option<String>, Failure> {
        let path = self.token_file.as_deref().filter(|_| self.url.is_some());
        path.map(|path| {
            read_token(path).map_err(|problem| Failure::Refused {
                target: path.display().to_string(),
                problem,
            })
        })
        .transpose()
    }

    /// Returns the curl command that sends a request to the server; where there is none, to the one that would serve the
    /// database.
    pub(in crate::cli) fn curl(&self, request: &Request) -> String {
        let base = match &self.url {
            Some(url) => url.as_str().trim_end_matches('/').to_owned(),
            None => format!("http://{DEFAULT_LISTEN}"),
        };
        let token_file = self
            .token_file
            .as_ref()
            .map(|path| path.display().to_string());
        request.curl(&base, token_file.as_deref())
    }
}

impl Target {
    pub(in crate::cli) fn database(path: PathBuf, access: Access) -> Result<Self, Failure> {
        let mode = match access {
            Access::Read => Mode::ReadOnly,
            Access::Write => Mode::ReadWrite,
            Access::Create => Mode::Create,
        };
        let store = Arc::new(open(&path, mode, READERS)?);
        if access != Access::Read && !store.is_writable() {
            let problem = "can't be written to; make the file and its folder writable".to_owned();
            let target = path.display().to_string();
            return Err(Failure::Refused { target, problem });
        }
        let app = LocalApp::start(store, access != Access::Read);
        let app = app.map_err(|source| Failure::Io {
            path: path.clone(),
            source,
        })?;
        Ok(Self::Database(path, app))
    }

    /// Returns the name of the target in messages.
    pub(in crate::cli) fn name(&self) -> String {
        match self {
            Self::Database(path, _) => path.display().to_string(),
            Self::Server(client) => client.base().to_owned(),
        }
    }

    fn refused(&self, problem: String) -> Failure {
        Failure::Refused {
            target: self.name(),
            problem,
        }
    }

    /// Sends a request; returns the body of the answer, which is read as it is made.
    pub(in crate::cli) fn send(&self, request: &Request) -> Result<Box<dyn Read + '_>, Failure> {
        let sent = self.try_send(request);
        sent.map_err(|error| self.refused(error.into_problem()))
    }

    /// Sends a request; the error says whether the same request may be answered later.
    pub(in crate::cli) fn try_send(
        &self,
        request: &Request,
    ) -> Result<Box<dyn Read + '_>, ClientError> {
        let app = match self {
            Self::Database(_, app) => app,
            Self::Server(client) => return client.send(request).map(|body| body as Box<dyn Read>),
        };
        let body = request
            .body
            .as_ref()
            .map_or_else(String::new, Json::to_string);
        let answer = app.send(request.method, &request.path, body.into_bytes());
        let answer = answer.map_err(|error| ClientError::Away(error.to_string()))?;
        let status = answer.status;
        if (200..300).contains(&status) {
            return Ok(Box::new(answer));
        }
        let problem = answer.problem.clone();
        let problem = problem.unwrap_or_else(|| format!("answered {status}"));
        Err(match status {
            500..=599 => ClientError::Away(problem),
            _ => ClientError::Refused(status, problem),
        })
    }

    /// Sends a request; returns the answer as a whole.
    pub(in crate::cli) fn json(&self, request: &Request) -> Result<Json, Failure> {
        let body = self.send(request)?;
        serde_json::from_reader(body).map_err(|error| self.broken_off(&error))
    }

    /// The failure of an answer that ended early, or is none of jobdeck's.
    pub(in crate::cli) fn broken_off(&self, error: &dyn std::fmt::Display) -> Failure {
        self.refused(format!("the answer broke off: {error}"))
    }

    /// Returns the domain that was given, or the only one.
    pub(in crate::cli) fn domain(&self, given: Option<&str>) -> Result<String, Failure> {
        if let Some(given) = given {
            return Ok(given.to_owned());
        }
        let answer = self.json(&Request::get(Route::ListDomains.path()))?;
        let domains = answer["results"].as_array().into_iter().flatten();
        let domains: Vec<_> = domains
            .filter_map(|one| one["domain_id"].as_str())
            .collect();
        only_domain(&domains).map_err(|problem| self.refused(problem))
    }

    /// Returns the time by the clock that answers: that of a mock may be another one.
    pub(in crate::cli) fn now(&self, domain_id: &str) -> Timestamp {
        let Self::Server(_) = self else {
            return Clock::SYSTEM.now();
        };
        let path = format!("{}?domain_id={}", Route::About.path(), encoded(domain_id));
        let about = self.json(&Request::get(&path)).unwrap_or_default();
        let now = about["now"].as_str().map(Timestamp::parse_rfc3339);
        now.and_then(Result::ok)
            .unwrap_or_else(|| Clock::SYSTEM.now())
    }
}
