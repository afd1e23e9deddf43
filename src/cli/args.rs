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
