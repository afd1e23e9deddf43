//! Why a server can't start.

use std::net::SocketAddr;
use std::path::PathBuf;

/// Why the server can't start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(
        "{address}: can't listen there: {source}; another program may use the port, `--listen 127.0.0.1:0` takes a free one"
    )]
    Listen {
        address: SocketAddr,
        source: std::io::Error,
    },
    #[error(
        "{folder}: no backups can be made there: {source}; `--backup-dir` needs a folder that jobdeck can write to"
    )]
    Backups {
        folder: PathBuf,
        source: std::io::Error,
    },
    #[error("the server can't start: {0}")]
    Server(std::io::Error),
}
