//! Delivers events: one POST, and what came back.

use std::time::Duration;

use ureq::Agent;
use ureq::http::HeaderMap;
use ureq::http::header::RETRY_AFTER;
use ureq::tls::{RootCerts, TlsConfig};
use ureq::unversioned::transport::DefaultConnector;

use super::address::{CheckedResolver, PrivateAddress};
use super::backoff::Failed;
use super::event::Event;
use super::rule::Rule;
use super::text::body;

/// How long a delivery may take, from the look-up of the name to the end of the answer.
const TIMEOUT: Duration = Duration::from_secs(10);
/// The most bytes that are read of an answer.
const MAX_ANSWER_BYTES: u64 = 4 << 10;
/// The most characters of an answer that are stored.
const MAX_ANSWER_CHARS: usize = 200;

/// What came back of a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status; `None` where there was no answer.
    pub status: Option<u16>,
    /// The beginning of the answer on one line, or why there was none.
    pub text: String,
    /// How long the receiver wants to be left alone.
    retry_after: Option<Duration>,
    /// Whether nothing was sent, since the address is not allowed.
    is_not_allowed: bool,
}

impl Answer {
    /// Whether the events were delivered.
    #[must_use]
    pub fn is_delivered(&self) -> bool {
        self.failed().is_none()
    }

    /// Returns why the events were not delivered; `None` where they were.
    ///
    /// A redirect is a refusal, since it is not followed. So is a client error, except those that say to come again.
    pub(super) fn failed(&self) -> Option<Failed> {
        match self.status {
            Some(200..300) => None,
            Some(300..400) => Some(Failed::Refused),
            Some(status @ 400..500) if !matches!(status, 408 | 425 | 429) => Some(Failed::Refused),
            None if self.is_not_allowed => Some(Failed::Refused),
            _ => Some(Failed::ForNow(self.retry_after)),
        }
    }
}

/// Sends events with their ids to the receiver of a rule, in one POST.
#[must_use]
pub fn deliver(rule: &Rule, events: &[(i64, Event)]) -> Answer {
    match post(rule, body(rule, events).to_string().as_bytes()) {
        Ok(answer) => answer,
        Err(error) => Answer {
            status: None,
            text: explain(&error),
            retry_after: None,
            is_not_allowed: is_not_allowed(&error),
        },
    }
}

fn post(rule: &Rule, body: &[u8]) -> Result<Answer, ureq::Error> {
    let target = &rule.target;
    let roots = if target.authorities.is_empty() {
        RootCerts::WebPki
    } else {
        RootCerts::new_with_certs(&target.authorities)
    };
    let config = Agent::config_builder()
        // A proxy would look up the name, and its address could not be checked.
        .proxy(None)
        .http_status_as_error(false)
        // A redirect may lead anywhere.
        .max_redirects(0)
        .max_redirects_will_error(false)
        .timeout_global(Some(TIMEOUT))
        .user_agent(concat!("jobdeck/", env!("CARGO_PKG_VERSION")))
        .tls_config(TlsConfig::builder().root_certs(roots).build())
        .build();
    let resolver = CheckedResolver {
        allows_private: target.allows_private,
    };
    let agent = Agent::with_parts(config, DefaultConnector::default(), resolver);
    let mut request = agent
        .post(target.url.as_str())
        .header("content-type", "application/json");
    for (name, value) in &target.headers {
        request = request.header(name, value);
    }
    let mut answer = request.send(body)?;
    let status = answer.status();
    let text = answer
        .body_mut()
        .with_config()
        .limit(MAX_ANSWER_BYTES)
        .lossy_utf8(true)
        .read_to_string();
    let text = match text {
        Ok(text) if text.trim().is_empty() => {
            status.canonical_reason().unwrap_or_default().to_owned()
        }
        Ok(text) => text,
        // The status says what became of the events.
        Err(_) => "the answer is longer than 4 KiB, or broke off".to_owned(),
    };
    Ok(Answer {
        status: Some(status.as_u16()),
        text: on_one_line(&text),
        retry_after: retry_after(answer.headers()),
        is_not_allowed: false,
    })
}

/// Reads `Retry-After` in seconds. A date needs no clock of ours to be wrong, and is left out.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?;
    seconds.trim().parse().ok().map(Duration::from_secs)
}

fn is_not_allowed(error: &ureq::Error) -> bool {
    matches!(error, ureq::Error::Other(error) if error.is::<PrivateAddress>())
}

/// Says why there was no answer, without the address, which may have a secret.
fn explain(error: &ureq::Error) -> String {
    match error {
        ureq::Error::Timeout(_) => format!("no answer within {} s", TIMEOUT.as_secs()),
        ureq::Error::HostNotFound => "no host of this name was found".to_owned(),
        // Its text has the address.
        ureq::Error::BadUri(_) => "the address can't be used".to_owned(),
        ureq::Error::Io(error) => on_one_line(&error.to_string()),
        ureq::Error::Other(error) => on_one_line(&error.to_string()),
        other => on_one_line(&other.to_string()),
    }
}

/// Returns the beginning of a text without control characters.
fn on_one_line(text: &str) -> String {
    let words = text.split(|character: char| character.is_control() || character.is_whitespace());
    let words: Vec<_> = words.filter(|word| !word.is_empty()).collect();
    words.join(" ").chars().take(MAX_ANSWER_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_status_says_whether_trying_again_helps() {
        let soon = Some(Failed::ForNow(Some(Duration::from_secs(7))));
        for (status, expected) in [
            (Some(200), None),
            (Some(204), None),
            (Some(302), Some(Failed::Refused)),
            (Some(308), Some(Failed::Refused)),
            (Some(400), Some(Failed::Refused)),
            (Some(404), Some(Failed::Refused)),
            (Some(410), Some(Failed::Refused)),
            (Some(408), soon),
            (Some(425), soon),
            (Some(429), soon),
            (Some(500), soon),
            (Some(503), soon),
            (None, soon),
        ] {
            let answer = Answer {
                status,
                text: String::new(),
                retry_after: Some(Duration::from_secs(7)),
                is_not_allowed: false,
            };
            assert_eq!(answer.failed(), expected, "{status:?}");
        }
    }

    #[test]
    fn an_answer_is_cut_to_one_line() {
        assert_eq!(on_one_line("a\r\n\tb\u{0}c  d"), "a b c d");
        assert_eq!(on_one_line(&"ä".repeat(300)).chars().count(), 200);
    }
}
