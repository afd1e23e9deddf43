//! The ready file: there while the server serves, so that a script can wait for it and read its address.

use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;

use super::{Failure, output};

/// What stands in a ready file: one line of JSON.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Ready {
    /// `http://127.0.0.1:8080`.
    pub(super) url: String,
    pub(super) pid: u32,
}

impl Ready {
    /// What a server says that can be reached at `address`.
    pub(super) fn new(address: SocketAddr) -> Self {
        Self {
            url: url(address),
            pid: std::process::id(),
        }
    }

    /// What the file says; `None` where there is none of ours.
    pub(super) fn read(path: &Path) -> std::io::Result<Option<Self>> {
        /// More than any ready file has.
        const MAX_BYTES: u64 = 4 << 10;
        let metadata = std::fs::metadata(path)?;
        if !metadata.is_file() || metadata.len() > MAX_BYTES {
            return Ok(None);
        }
        Ok(serde_json::from_slice(&std::fs::read(path)?).ok())
    }
}

/// The URL of a server that listens there; one that listens everywhere is asked on this machine.
pub(super) fn url(address: SocketAddr) -> String {
    let ip = match address.ip() {
        IpAddr::V4(Ipv4Addr::UNSPECIFIED) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    format!("http://{}", SocketAddr::new(ip, address.port()))
}

/// The place of a ready file, and what this process wrote there; that is removed when this is dropped.
#[derive(Debug)]
pub(super) struct ReadyFile {
    path: PathBuf,
    written: Option<Ready>,
}

impl ReadyFile {
    /// Removes what an earlier server left, and sees whether the file can be written.
    ///
    /// # Errors
    /// Where it can't, or where something else lies there.
    pub(super) fn claim(path: &Path) -> Result<Self, Failure> {
        let io = |source| Failure::Io {
            path: path.to_owned(),
            source,
        };
        match std::fs::symlink_metadata(path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(io(error)),
            Ok(metadata) => {
                // An empty one may have been made to have a name that nobody else has.
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
            .beside()
            .map_err(|error| output::not_made(path, error.kind()))?;
        Ok(claimed)
    }

    /// Says that the server serves.
    ///
    /// # Errors
    /// Where the file can't be written after all.
    pub(super) fn publish(&mut self, address: SocketAddr) -> Result<(), Failure> {
        let ready = Ready::new(address);
        let write = || {
            let mut file = self.beside()?;
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

    /// A file that goes when it is dropped, in the same folder.
    fn beside(&self) -> std::io::Result<NamedTempFile> {
        let folder = self
            .path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty());
        tempfile::Builder::new()
            .prefix(".jobdeck-ready-")
            .permissions(std::fs::Permissions::from_mode(0o666))
            .tempfile_in(folder.unwrap_or(Path::new(".")))
            // Its own text names the temporary file.
            .map_err(|error| error.kind().into())
    }
}

impl Drop for ReadyFile {
    fn drop(&mut self) {
        // Another server may have taken the place meanwhile.
        let is_ours = self.written.is_some()
            && Ready::read(&self.path).is_ok_and(|there| there == self.written);
        if is_ours && let Err(error) = std::fs::remove_file(&self.path) {
            log::warn!("{}: can't be removed: {error}", self.path.display());
        }
    }
}
