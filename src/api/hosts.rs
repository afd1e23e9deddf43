//! The `Host` check: the names under which a server may be reached (`--allow-host`).

use std::net::IpAddr;

/// The names under which the server may be reached.
///
/// A page elsewhere can point a name of its own at this machine's address ("DNS rebinding") and would then share an
/// origin with us; it can't do that with an address or with a name that is listed here.
#[derive(Debug, Clone, Default)]
pub(crate) struct Hosts {
    names: Vec<String>,
}

impl Hosts {
    /// Makes the list of `localhost`, all addresses, and the names given; ports do not matter.
    pub(crate) fn new(names: &[String]) -> Self {
        Self {
            names: names
                .iter()
                .map(|name| without_port(name).to_ascii_lowercase())
                .collect(),
        }
    }

    /// Returns whether a `Host` header names this server.
    pub(super) fn allow(&self, host: &str) -> bool {
        let name = without_port(host).to_ascii_lowercase();
        let address = name
            .strip_prefix('[')
            .and_then(|name| name.strip_suffix(']'))
            .unwrap_or(&name);
        address.parse::<IpAddr>().is_ok()
            || name == "localhost"
            || name.ends_with(".localhost")
            || self.names.contains(&name)
    }
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port))
            if !name.ends_with(':') && port.bytes().all(|byte| byte.is_ascii_digit()) =>
        {
            name
        }
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_addresses_localhost_or_named() {
        let hosts = Hosts::new(&["Jobs.Example:8080".to_owned()]);
        for (host, expected) in [
            ("127.0.0.1:8080", true),
            ("[::1]:8080", true),
            ("[::1]", true),
            ("192.168.1.5", true),
            ("localhost:8080", true),
            ("LOCALHOST", true),
            ("jobdeck.localhost:1", true),
            ("jobs.example:8080", true),
            ("evil.example", false),
            ("evil.example:8080", false),
            ("localhost.evil.example", false),
            ("127.0.0.1.evil.example", false),
            ("", false),
        ] {
            assert_eq!(hosts.allow(host), expected, "{host}");
        }
    }
}
