//! `Client`: sends requests to a server over HTTP or HTTPS.

use std::io::Read;
use std::path::Path;
use std::time::Duration;

use serde_json::Value as Json;
use ureq::http::Request as HttpRequest;
use ureq::tls::{RootCerts, TlsConfig};
use ureq::{Agent, Proxy};
use url::{Host, Url};

use super::request::Request;

/// How long a connection may take to be made.
const MAX_CONNECT: Duration = Duration::from_secs(10);
/// How long the head of an answer may take: longer than any `--query-timeout` that people set.
const MAX_HEAD: Duration = Duration::from_mins(2);
/// The most bytes that are read of the body of a refusal.
const MAX_REFUSAL_BYTES: u64 = 64 << 10;
/// The most characters of a refusal that are repeated.
const MAX_REFUSAL_CHARS: usize = 400;
/// The most bytes of a file with a token.
const MAX_TOKEN_BYTES: u64 = 4 << 10;

/// A server, and what its requests need.
#[derive(Debug, Clone)]
pub(in crate::cli) struct Client {
    /// Without a slash at its end.
    base: String,
    token: Option<String>,
    agent: Agent,
}

/// Why there is no answer of a server.
#[derive(Debug)]
pub(in crate::cli) enum ClientError {
    /// The server can't be reached, takes too long, or can't answer for now: the same request may be answered later.
    Away(String),
    /// The server refuses this request, with a status of HTTP.
    Refused(u16, String),
}

impl ClientError {
    pub(in crate::cli) fn into_problem(self) -> String {
        match self {
            Self::Away(problem) | Self::Refused(_, problem) => problem,
        }
    }
}

/// Parses the address of a server, to which a path can be added.
pub(in crate::cli) fn parse_base(text: &str) -> Result<Url, String> {
    let expected = "expected an address such as http://127.0.0.1:8080 or https://jobs.example";
    let url = Url::parse(text).map_err(|error| format!("{expected} ({error})"))?;
    let has_host = url.host_str().is_some_and(|host| !host.is_empty());
    let is_plain = url.query().is_none() && url.fragment().is_none();
    if !matches!(url.scheme(), "http" | "https") || !has_host || !is_plain {
        return Err(expected.to_owned());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(format!("{expected}; a token comes from `--token-file`"));
    }
    Ok(url)
}

/// Reads the token in a file.
pub(in crate::cli) fn read_token(path: &Path) -> Result<String, String> {
    let mut text = String::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(MAX_TOKEN_BYTES).read_to_string(&mut text))
        .map_err(|error| format!("{error}; name the file with the token"))?;
    let token = text.trim();
    let is_token = !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic());
    if !is_token {
        return Err(
            "has no token; it must have one line, the one that `jobdeck token new` writes to standard error".to_owned(),
        );
    }
    Ok(token.to_owned())
}

impl Client {
    /// Makes a client; with `timeout` for each request as a whole.
    pub(in crate::cli) fn new(url: &Url, token: Option<String>, timeout: Option<Duration>) -> Self {
        let is_here = match url.host() {
            Some(Host::Domain(name)) => name == "localhost",
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        };
        // A proxy of the environment can't reach the servers of this machine.
        let proxy = if is_here { None } else { Proxy::try_from_env() };
        // The certificates that the operating system trusts, so that those of a company count.
        let tls = TlsConfig::builder()
            .root_certs(RootCerts::PlatformVerifier)
            .build();
        let agent = Agent::config_builder()
            .proxy(proxy)
            .tls_config(tls)
            .http_status_as_error(false)
            // A token is for this server alone.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_connect(Some(MAX_CONNECT))
            .timeout_recv_response(Some(MAX_HEAD))
            .timeout_global(timeout)
            .user_agent(concat!("jobdeck/", env!("CARGO_PKG_VERSION")))
            .build()
            .into();
        Self {
            base: url.as_str().trim_end_matches('/').to_owned(),
            token,
            agent,
        }
    }

    /// Returns the address of the server.
    pub(in crate::cli) fn base(&self) -> &str {
        &self.base
    }

    /// Sends a request; returns the body of the answer, which is read as it comes.
    ///
    /// # Errors
    /// [`ClientError`] where it is not answered, or refused.
    pub(in crate::cli) fn send(
        &self,
        request: &Request,
    ) -> Result<Box<dyn Read + Send>, ClientError> {
        let address = format!("{}{}", self.base, request.path);
        let mut http = HttpRequest::builder().method(request.method).uri(&address);
        if let Some(token) = &self.token {
            http = http.header("authorization", format!("Bearer {token}"));
        }
        let refused = |problem: String| ClientError::Refused(0, problem);
        let body = request.body.as_ref().map(Json::to_string);
        let answer = if let Some(body) = body {
            let http = http.header("content-type", "application/json");
            let http = http
                .body(body)
                .map_err(|error| refused(error.to_string()))?;
            self.agent.run(http)
        } else {
            let http = http.body(()).map_err(|error| refused(error.to_string()))?;
            self.agent.run(http)
        };
        let answer = answer.map_err(|error| ClientError::Away(explain(error)))?;
        let status = answer.status().as_u16();
        let location = answer.headers().get("location");
        let location = location.and_then(|location| location.to_str().ok());
        let location = location.map(str::to_owned);
        let body = answer.into_body().into_reader();
        if (200..300).contains(&status) {
            return Ok(Box::new(body));
        }
        let problem = refusal(status, location, body);
        Err(match status {
            // What a proxy answers while the server is away, and what a server answers that is busy.
            408 | 425 | 429 | 500..=599 => ClientError::Away(problem),
            _ => ClientError::Refused(status, problem),
        })
    }
}

fn explain(error: ureq::Error) -> String {
    match error {
        ureq::Error::Timeout(_) => "no answer in time".to_owned(),
        ureq::Error::Io(error) if error.kind() == std::io::ErrorKind::ConnectionRefused => {
            "no server listens there".to_owned()
        }
        ureq::Error::Io(error) => error.to_string(),
        other => {
            let problem = other.to_string();
            // What rustls calls a certificate that nobody vouches for.
            if problem.contains("UnknownIssuer") {
                return format!(
                    "{problem}; let the system trust the issuer of the certificate, or name a file with its certificate in SSL_CERT_FILE"
                );
            }
            problem
        }
    }
}

/// Says why a server refused a request: in its words, where it is jobdeck.
fn refusal(status: u16, location: Option<String>, body: impl Read) -> String {
    if let Some(location) = location.filter(|_| (300..400).contains(&status)) {
        return format!(
            "answered {status}: redirects to {location}; give the address of that server"
        );
    }
    let mut text = String::new();
    // What can't be read has no words.
    let _ = body.take(MAX_REFUSAL_BYTES).read_to_string(&mut text);
    let answer: Json = serde_json::from_str(&text).unwrap_or_default();
    let message = answer["detail"]["message"].as_str();
    let message =
        message.unwrap_or("and not as jobdeck does; is it the address of a jobdeck server?");
    let message: String = message.chars().take(MAX_REFUSAL_CHARS).collect();
    let message: String = message
        .chars()
        .map(|letter| if letter.is_control() { ' ' } else { letter })
        .collect();
    format!("answered {status}: {message}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_that_of_a_server() {
        for (text, is_right) in [
            ("http://127.0.0.1:8080", true),
            ("https://jobs.example/tools/jobs/", true),
            ("127.0.0.1:8080", false),
            ("ftp://jobs.example", false),
            ("http://", false),
            ("https://user:word@jobs.example", false),
            ("https://jobs.example?a=b", false),
            ("jobs", false),
        ] {
            assert_eq!(parse_base(text).is_ok(), is_right, "{text}");
        }
    }
}
