//! Arguments that several commands share.

use std::net::{SocketAddr, ToSocketAddrs};
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

/// The address at which a server listens, and at which `healthcheck` asks it.
pub(super) const DEFAULT_LISTEN: &str = "127.0.0.1:8080";

#[derive(Debug, Args)]
pub(super) struct DbArgs {
    /// The database file
    #[arg(
        long,
        value_name = "FILE",
        env = "JOBDECK_DB",
        default_value = "jobdeck.db"
    )]
    pub(super) db: PathBuf,
}

/// The values of an option that may be given several times, each of which may be several: a variable can't be given again.
#[derive(Debug, Clone)]
pub(super) struct List<T>(pub(super) Vec<T>);

impl<T> List<T> {
    /// Parses values that are separated by commas or white space.
    pub(super) fn parse(
        text: &str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Result<Self, String> {
        let parts = text.split(|letter: char| letter == ',' || letter.is_whitespace());
        let mut parts: Vec<_> = parts.filter(|part| !part.is_empty()).collect();
        if parts.is_empty() {
            // An empty value, which is refused with what would be right.
            parts.push("");
        }
        let values: Result<_, _> = parts.into_iter().map(parse).collect();
        values.map(Self)
    }
}

/// Parses an address and a port, or a name and a port.
pub(super) fn parse_address(text: &str) -> Result<SocketAddr, String> {
    let addresses = text.to_socket_addrs().map_err(|error| {
        format!("expected an address and a port such as 127.0.0.1:8080 or localhost:0 ({error})")
    })?;
    // IPv4 first: of the addresses of a name, browsers try that one, too.
    let mut addresses: Vec<_> = addresses.collect();
    addresses.sort_by_key(SocketAddr::is_ipv6);
    addresses
        .first()
        .copied()
        .ok_or_else(|| "the name has no address".to_owned())
}

/// Parses a positive number of seconds, at most a day.
pub(super) fn parse_seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text
        .parse()
        .map_err(|_invalid| "expected a number of seconds".to_owned())?;
    if seconds > 0.0 && seconds <= 86_400.0 {
        Ok(Duration::from_secs_f64(seconds))
    } else {
        Err("expected more than 0 and at most 86400 seconds".to_owned())
    }
}
