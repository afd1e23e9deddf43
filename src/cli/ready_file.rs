//! The ready file of `--ready-file`: exists while the server serves, and holds its address.

use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;

use super::failure::Failure;
use super::output;

/// The content of a ready file: one line of JSON.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Ready {
    /// `http://127.0.0.1:8080`.
    pub(super) url: String,
    /// `127.0.0.1:50051`; absent where there is no gRPC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) grpc: Option<String>,
    pub(super) pid: u32,
}

impl Ready {
    /// The content for a server of this process that listens at `address`, and for gRPC at `grpc`.
    pub(super) fn new(address: SocketAddr, grpc: Option<SocketAddr>) -> Self {
        Self {
            url: url(address),
            grpc: grpc.map(|grpc| reachable(grpc).to_string()),
            pid: std::process::id(),
        }
    }

    /// Reads a ready file; `None` where the file is none.
    ///
    /// # Errors
    /// Where there is no file, or it can't be read.
    pub(super) fn read(path: &Path) -> std::io::Result<Option<Self>> {
        /// More bytes than any ready file has.
        const MAX_BYTES: u64 = 4 << 10;
        let metadata = std::fs::metadata(path)?;
        if !metadata.is_file() || metadata.len() > MAX_BYTES {
            return Ok(None);
        }
        Ok(serde_json::from_slice(&std::fs::read(path)?).ok())
    }
}

/// The URL of a server on this machine that listens at an address, which may stand for all addresses.
pub(super) fn url(address: SocketAddr) -> String {
    format!("http://{}", reachable(address))
}

/// The address by which this machine reaches a server of its own.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(Ipv4Addr::UNSPECIFIED) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

/// The path of a ready file, with what this process has written there, which is removed when this is dropped.
#[derive(Debug)]
pub(super) struct ReadyFile {
    path: PathBuf,
    written: Option<Ready>,
}

impl ReadyFile {
    /// Removes the file of an earlier server, and checks that a new one can be written.
    ///
    /// # Errors
    /// Where it can't, or where the path has another file.
    pub(super) fn claim(path: &Path) -> Result<Self, Failure> {
        let io = |source| Failure::Io {
            path: path.to_owned(),
            source,
        };
        match std::fs::symlink_metadata(path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(io(error)),
            Ok(metadata) => {
                // A script may have made an empty one, with mktemp, to get an unused name.
                let is_empty = metadata.is_file() && metadata.len() == 0;
                let is_ours =
                    metadata.is_file() && (is_empty || Ready::read(path).map_err(io)?.is_some());
                if !is_ours {
                    return Err(Failure::NoReadyFile(path.to_owned()));
                }
                std::fs::remove_file(path).map_err(io)?;
            }
        }
        let claimed = Self {
            path: path.to_owned(),
            written: None,
        };
        claimed
            .temporary_file()
            .map_err(|error| output::not_made(path, error.kind()))?;
        Ok(claimed)
    }

    /// Writes the file, now that the server is ready.
    ///
    /// # Errors
    /// Where the file can't be written.
    pub(super) fn publish(
        &mut self,
        address: SocketAddr,
        grpc: Option<SocketAddr>,
    ) -> Result<(), Failure> {
        let ready = Ready::new(address, grpc);
        let write = || {
            let mut file = self.temporary_file()?;
            serde_json::to_writer(&mut file, &ready)?;
            file.write_all(b"\n")?;
            file.persist(&self.path).map_err(|error| error.error)
        };
        write().map_err(|source| Failure::Io {
            path: self.path.clone(),
            source,
        })?;
        self.written = Some(ready);
        Ok(())
    }

    /// Makes a temporary file in the same folder, which is removed when it is dropped.
    fn temporary_file(&self) -> std::io::Result<NamedTempFile> {
        tempfile::Builder::new()
            .prefix(".jobdeck-ready-")
            .permissions(std::fs::Permissions::from_mode(0o666))
            .tempfile_in(output::folder_of(&self.path))
            // The error of tempfile would name the temporary file.
            .map_err(|error| error.kind().into())
    }
}

impl Drop for ReadyFile {
    fn drop(&mut self) {
        // Another server may have written its own in the meantime.
        let is_ours = self.written.is_some()
            && Ready::read(&self.path).is_ok_and(|present| present == self.written);
        if is_ours && let Err(error) = std::fs::remove_file(&self.path) {
            log::warn!("{}: can't be removed: {error}", self.path.display());
        }
    }
}
