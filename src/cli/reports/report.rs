//! `Report`: what a server is to learn of a job, and the request that reports it.

use std::path::PathBuf;
use std::time::Duration;

use jobdeck::route::Route;
use jobdeck::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use super::process::Ending;
use crate::cli::shell::{Access, Client, ClientError, Request, Target, TargetArgs, encoded};

/// What a server is to learn of a job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Report {
    /// The address of the server, or the path of the database.
    pub(super) target: String,
    pub(super) domain_id: String,
    pub(super) job_id: String,
    /// Whether the job has ended.
    pub(super) is_end: bool,
    /// The whole document, but for the two ids.
    pub(super) job: Json,
}

impl Report {
    /// Returns the request.
    ///
    /// A start is added only where the server does not know the job: it may come late, after the end. An end replaces what is
    /// known, so it may come twice.
    pub(super) fn request(&self) -> Request {
        if self.is_end {
            let ids = (self.domain_id.as_str(), self.job_id.as_str());
            return Request::of_job("PUT", ids, self.job.clone());
        }
        let mut job = self.job.clone();
        job["job_id"] = json!(self.job_id);
        let domain_id = encoded(&self.domain_id);
        Request {
            method: "POST",
            path: format!(
                "{}?domain_id={domain_id}&on_conflict=skip",
                Route::AddJobs.path()
            ),
            body: Some(json!([job])),
        }
    }

    /// Returns the report of the end of the same job.
    pub(super) fn ended(&self, ending: &Ending, now: Timestamp) -> Self {
        let (status, error) = match ending {
            Ending::Exit(0, _) => ("SUCCESS", None),
            Ending::Exit(code, message) => (
                "ERROR",
                Some((
                    format!("ERROR_EXIT_{code}"),
                    message,
                    format!("the command ended with exit code {code}"),
                )),
            ),
            Ending::Signal(signal, message) => (
                "ERROR",
                Some((
                    format!("ERROR_SIGNAL_{signal}"),
                    message,
                    format!("signal {signal} ended the command"),
                )),
            ),
            Ending::NotStarted(code, problem) => (
                "ERROR",
                Some((format!("ERROR_EXIT_{code}"), problem, String::new())),
            ),
        };
        let mut job = self.job.clone();
        job["status"] = json!(status);
        job["updated_at"] = json!(now);
        job["finished_at"] = json!(now);
        match error {
            None => job["remained_tasks"] = json!(0),
            Some((code, message, otherwise)) => {
                let message = if message.is_empty() {
                    &otherwise
                } else {
                    message
                };
                job["errors"] = json!([{"error_code": code, "message": message}]);
            }
        }
        Self {
            is_end: true,
            job,
            ..self.clone()
        }
    }
}

/// Where reports go.
pub(super) struct ReportTarget {
    args: TargetArgs,
    token: Option<String>,
    /// How long a server may take for a request.
    pub(super) timeout: Duration,
}

impl ReportTarget {
    pub(super) fn new(args: TargetArgs, token: Option<String>, timeout: Duration) -> Self {
        Self {
            args,
            token,
            timeout,
        }
    }

    /// Returns the name by which reports are for this target: the same in every folder.
    pub(super) fn name(&self) -> String {
        if let Some(url) = &self.args.url {
            return url.as_str().trim_end_matches('/').to_owned();
        }
        self.database().display().to_string()
    }

    fn database(&self) -> PathBuf {
        let path = self.args.database();
        std::path::absolute(&path).unwrap_or(path)
    }

    /// Prepares the target for some requests.
    pub(super) fn open(&self) -> Result<Target, ClientError> {
        match &self.args.url {
            Some(url) => {
                let client = Client::new(url, self.token.clone(), Some(self.timeout));
                Ok(Target::Server(client))
            }
            None => Target::database(self.database(), Access::Create)
                .map_err(|failure| ClientError::Away(failure.text())),
        }
    }
}
