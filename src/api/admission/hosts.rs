//! The `Host` check: the names under which a server may be reached (`--allow-host`).

use std::net::IpAddr;

use url::Host;

/// A name of `--allow-host`, or a pattern of names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HostName {
    /// `*`: every name.
    Any,
    /// `*.jobs.example`: every name below this one.
    Below(String),
    /// `.jobs.example`: this name, and every name below it.
    From(String),
    One(String),
}

impl HostName {
    /// Reads a name, with or without a port, or a pattern of names.
    ///
    /// # Errors
    /// One line that says what is expected.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text == "*" {
            return Ok(Self::Any);
        }
        let (variant, name): (fn(String) -> Self, _) = match text.strip_prefix("*.") {
            Some(name) => (Self::Below, name),
            None => match text.strip_prefix('.') {
                Some(name) => (Self::From, name),
                None => (Self::One, text),
            },
        };
        if let Some(name) = ascii_name(name) {
            return Ok(variant(name));
        }
        let meant = text.split_once("://").map_or(text, |(_, rest)| rest);
        let meant = meant.split(['/', '?', '#']).next().unwrap_or_default();
        let meant = meant.rsplit('@').next().and_then(ascii_name);
        Err(match meant {
            Some(meant) => format!("expected a host name and nothing else, such as `{meant}`"),
            None => "expected a host name such as `jobs.example`, `*.jobs.example` for all names below it, or `*` for \
                     any name"
                .to_owned(),
        })
    }

    /// Compares with a name as [`name_of`] makes it.
    fn allows(&self, name: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Below(parent) => is_below(name, parent),
            Self::From(parent) => name == parent || is_below(name, parent),
            Self::One(one) => name == one,
        }
    }
}

/// Returns a host name or an address as clients send it; `None` where a text is neither.
fn ascii_name(text: &str) -> Option<String> {
    let name = name_of(text);
    let host = Host::parse(&name).ok()?.to_string();
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    let mut labels = host.split('.');
    let is_name = labels.all(|label| !label.is_empty() && label.bytes().all(is_plain));
    (is_name || host.starts_with('[')).then_some(host)
}

fn is_below(name: &str, parent: &str) -> bool {
    name.strip_suffix(parent)
        .and_then(|rest| rest.strip_suffix('.'))
        .is_some_and(|rest| !rest.is_empty())
}

/// The names under which the server may be reached.
///
/// A page elsewhere can point a name of its own at this machine's address ("DNS rebinding") and would then share an
/// origin with us; it can't do that with an address or with a name that is listed here.
#[derive(Debug, Clone, Default)]
pub(crate) struct Hosts {
    names: Vec<HostName>,
}

impl Hosts {
    /// Makes the list of `localhost`, all addresses, and the names given; ports do not matter.
    pub(crate) fn new(names: Vec<HostName>) -> Self {
        Self { names }
    }

    /// Returns whether a `Host` header names this server.
    pub(in crate::api) fn allow(&self, host: &str) -> bool {
        let name = name_of(host);
        let address = name
            .strip_prefix('[')
            .and_then(|name| name.strip_suffix(']'))
            .unwrap_or(&name);
        address.parse::<IpAddr>().is_ok()
            || name == "localhost"
            || is_below(&name, "localhost")
            || self.names.iter().any(|one| one.allows(&name))
    }
}

/// Returns the name in a `Host` header: in lower case, without the port, and without the final dot of a full domain name.
pub(in crate::api) fn name_of(host: &str) -> String {
    let name = match host.rsplit_once(':') {
        Some((name, port))
            if !name.ends_with(':') && port.bytes().all(|byte| byte.is_ascii_digit()) =>
        {
            name
        }
        _ => host,
    };
    name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_addresses_localhost_or_named() {
        let names = [
            "Jobs.Example:8080",
            "full.example.",
            "*.below.example",
            ".from.example",
            "b\u{fc}cher.example",
            "inventory_1",
        ];
        let names = names.map(|name| HostName::parse(name).unwrap());
        let hosts = Hosts::new(names.into());
        let any = Hosts::new(vec![HostName::parse("*").unwrap()]);
        for (host, expected) in [
            ("127.0.0.1:8080", true),
            ("[::1]:8080", true),
            ("[::1]", true),
            ("192.168.1.5", true),
            ("localhost:8080", true),
            ("LOCALHOST", true),
            ("localhost.", true),
            ("localhost.:8080", true),
            ("jobdeck.localhost:1", true),
            ("jobs.example:8080", true),
            ("JOBS.example.", true),
            ("full.example", true),
            ("a.below.example", true),
            ("a.b.below.example:1", true),
            ("below.example", false),
            (".below.example", false),
            ("abelow.example", false),
            ("from.example", true),
            ("a.from.example.", true),
            ("afrom.example", false),
            ("xn--bcher-kva.example", true),
            ("inventory_1:80", true),
            ("evil.example", false),
            ("evil.example:8080", false),
            ("localhost.evil.example", false),
            ("127.0.0.1.evil.example", false),
            ("jobs.example.evil", false),
            ("jobs.example..", false),
            (".localhost", false),
            ("", false),
        ] {
            assert_eq!(hosts.allow(host), expected, "{host}");
            assert!(any.allow(host), "{host}");
        }
    }

    #[test]
    fn what_no_host_can_be_is_refused_with_what_would_be_right() {
        for (text, right) in [
            ("http://jobs.example", "such as `jobs.example`"),
            ("https://me@Jobs.example:80/a?b", "such as `jobs.example`"),
            ("jobs.example/tools", "such as `jobs.example`"),
            ("", "such as `jobs.example`, `*.jobs.example`"),
            (".", "`*.jobs.example` for all"),
            ("*.", "`*.jobs.example` for all"),
            ("*example", "`*.jobs.example` for all"),
            ("jobs.*", "`*.jobs.example` for all"),
            ("jobs..example", "`*.jobs.example` for all"),
            ("..example", "`*.jobs.example` for all"),
            ("a b", "`*.jobs.example` for all"),
            ("jobs.example;", "`*.jobs.example` for all"),
            ("jobs.example:http", "`*.jobs.example` for all"),
            ("[::1", "`*.jobs.example` for all"),
        ] {
            let error = HostName::parse(text).unwrap_err();
            assert!(error.contains(right), "{text}: {error}");
        }
    }
}
