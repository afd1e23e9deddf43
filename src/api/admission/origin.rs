//! Origins whose pages may send requests, as `--cors` names them.

use std::net::{Ipv4Addr, Ipv6Addr};

use url::{Host, Position, Url};

/// An origin whose pages may send requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Any, also the pages without an origin of their own (files, sandboxed frames), but without credentials.
    Any,
    /// Every origin of this machine: `localhost`, the names below it, and loopback addresses, with any port.
    Loopback,
    /// Scheme, host, and a port that is not the scheme's default, as a browser writes them.
    One(String),
}

impl Origin {
    /// Reads `*`, or an origin such as `http://localhost:3000`.
    ///
    /// # Errors
    /// One line that says what is expected.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text == "*" {
            return Ok(Self::Any);
        }
        if text == "null" {
            return Err("pages without an origin are let in by `*` alone".to_owned());
        }
        let (scheme, rest) = text.split_once("://").unwrap_or(("http", text));
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let authority = authority.rsplit('@').next().unwrap_or_default();
        let bare = format!("{scheme}://{authority}");
        // A colon at the end is a port that was forgotten.
        let origin = serialized(&bare).filter(|_| !authority.ends_with(':'));
        match origin {
            Some(origin) if text == bare => Ok(Self::One(origin)),
            meant => {
                let meant = meant.as_deref().unwrap_or("http://localhost:3000");
                Err(format!(
                    "expected scheme, host and port and nothing else, such as `{meant}`, or `*` for any origin"
                ))
            }
        }
    }

    /// Returns whether pages of an origin may send requests together with credentials.
    pub(in crate::api) fn names(&self, origin: &str) -> bool {
        match self {
            Self::Any => false,
            Self::Loopback => is_loopback(origin),
            Self::One(one) => origin == one,
        }
    }
}

/// Returns whether an origin is one of this machine.
fn is_loopback(origin: &str) -> bool {
    let Some(url) = Url::parse(origin).ok().filter(|url| {
        matches!(url.scheme(), "http" | "https") && url.origin().ascii_serialization() == origin
    }) else {
        return false;
    };
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => Ipv4Addr::is_loopback(&address),
        Some(Host::Ipv6(address)) => Ipv6Addr::is_loopback(&address),
        None => false,
    }
}

/// Returns the origin of a URL as a browser writes it; `None` where no page can have it.
fn serialized(url: &str) -> Option<String> {
    let url = Url::parse(url).ok()?;
    let host = url.host_str()?;
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    let is_address = host.starts_with('[');
    if !is_address && !host.bytes().all(is_plain) || url.port() == Some(0) {
        return None;
    }
    match url.origin() {
        origin @ url::Origin::Tuple(..) => Some(origin.ascii_serialization()),
        // Of a scheme of the browser's own, such as an extension's.
        url::Origin::Opaque(_) => {
            let authority = &url[Position::BeforeHost..Position::AfterPort];
            Some(format!(
                "{}://{}",
                url.scheme(),
                authority.to_ascii_lowercase()
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_normalized_to_what_browsers_send() {
        for (text, expected) in [
            ("http://localhost:3000", "http://localhost:3000"),
            ("HTTP://LocalHost:3000", "http://localhost:3000"),
            ("http://localhost:80", "http://localhost"),
            ("https://jobs.example:443", "https://jobs.example"),
            ("https://jobs.example:80", "https://jobs.example:80"),
            ("http://[::1]:5173", "http://[::1]:5173"),
            ("chrome-extension://abcdef", "chrome-extension://abcdef"),
            ("http://b\u{fc}cher.example", "http://xn--bcher-kva.example"),
            ("http://[0:0::1]:5173", "http://[::1]:5173"),
        ] {
            assert_eq!(
                Origin::parse(text),
                Ok(Origin::One(expected.to_owned())),
                "{text}"
            );
        }
        assert_eq!(Origin::parse("*"), Ok(Origin::Any));
    }

    #[test]
    fn loopback_origins_are_those_of_this_machine() {
        for (origin, expected) in [
            ("http://localhost", true),
            ("https://localhost:5173", true),
            ("http://app.localhost:3000", true),
            ("http://127.0.0.1:8080", true),
            ("http://127.9.0.1", true),
            ("https://[::1]:5173", true),
            ("http://[::2]:5173", false),
            ("http://128.0.0.1", false),
            ("http://localhost.evil.example", false),
            ("http://evil-localhost", false),
            ("http://127.0.0.1.evil.example", false),
            ("http://localhost@evil.example", false),
            ("http://localhost/", false),
            ("http://LOCALHOST", false),
            ("http://2130706433", false),
            ("ftp://localhost", false),
            ("chrome-extension://localhost", false),
            ("localhost", false),
            ("null", false),
            ("", false),
        ] {
            assert_eq!(is_loopback(origin), expected, "{origin}");
        }
    }

    #[test]
    fn a_wrong_origin_is_refused_with_what_would_be_right() {
        for (text, right) in [
            ("localhost:3000", "`http://localhost:3000`"),
            ("localhost:3000/app", "`http://localhost:3000`"),
            ("http://localhost:3000/", "`http://localhost:3000`"),
            ("https://jobs.example/app?x#y", "`https://jobs.example`"),
            ("https://me@jobs.example", "`https://jobs.example`"),
            ("jobs.example", "`http://jobs.example`"),
            ("http://*.example", "`http://localhost:3000`"),
            ("http://localhost:", "`http://localhost:3000`"),
            ("http://localhost:0", "`http://localhost:3000`"),
            ("http://localhost:99999", "`http://localhost:3000`"),
            ("http://", "`http://localhost:3000`"),
            ("", "`http://localhost:3000`"),
            ("a b", "`http://localhost:3000`"),
            ("null", "`*` alone"),
        ] {
            let error = Origin::parse(text).unwrap_err();
            assert!(error.contains(right), "{text}: {error}");
        }
    }
}
