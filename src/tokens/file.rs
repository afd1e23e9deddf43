//! `TokenFile`: reads the file of tokens, and reads it again when it changes.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::grant::Grant;
use super::table::{TokenTable, TokenTableError};
use crate::watched_file::{WatchedFile, read_small_file, text};

/// The bits of a file's mode that give access to others than its owner.
const OTHERS_ACCESS: u32 = 0o077;

/// Why a file of tokens can't be used.
#[derive(Debug, thiserror::Error)]
pub enum TokenFileError {
    #[error("{0}: there is no such file; `jobdeck token new` prints an entry for it")]
    NotFound(PathBuf),
    #[error("{path}: {source}; check the path and its permissions")]
    Io {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("{path}: there is no token `{name}`; its tokens are {known}")]
    NoToken {
        path: PathBuf,
        name: String,
        known: String,
    },
    #[error("{path}: {error}")]
    Content {
        path: PathBuf,
        error: TokenTableError,
    },
}

/// A file of tokens, which is read again when it changes.
#[derive(Debug)]
pub struct TokenFile(WatchedFile<Arc<TokenTable>, TokenFileError>);

impl TokenFile {
    /// Reads a file; logs a warning if others than its owner may read or write it.
    ///
    /// # Errors
    /// [`TokenFileError`] names the file, the line and the remedy.
    pub fn open(path: &Path) -> Result<Self, TokenFileError> {
        let table = |path: &Path, content: &[u8]| parse(path, content).map(Arc::new);
        WatchedFile::open(path, "tokens", read, table).map(Self)
    }

    /// Finds the present grant of a token.
    #[must_use]
    pub fn find(&self, token: &[u8]) -> Option<Arc<Grant>> {
        self.0.value().find(token)
    }

    /// Returns whether a grant is from the file as it is now, and not from before a change.
    #[must_use]
    pub fn has(&self, grant: &Arc<Grant>) -> bool {
        self.0.value().has(grant)
    }

    /// Loads the file if it has changed and is written to its end.
    pub fn poll(&self) {
        self.0.poll();
    }

    /// Loads the file immediately, whether it has changed or not.
    pub fn reload(&self) {
        self.0.reload();
    }
}

/// Reads the content of a file of limited size.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, TokenFileError> {
    read_small_file(path).map_err(|source| match source.kind() {
        std::io::ErrorKind::NotFound => TokenFileError::NotFound(path.to_owned()),
        _ => TokenFileError::Io {
            path: path.to_owned(),
            source,
        },
    })
}

/// Parses the content of a file, and logs a warning if others may access the file.
pub(super) fn parse(path: &Path, content: &[u8]) -> Result<TokenTable, TokenFileError> {
    let content_error = |error| TokenFileError::Content {
        path: path.to_owned(),
        error,
    };
    let text = text(content).map_err(|line| {
        content_error(TokenTableError {
            line,
            problem: "is not UTF-8; write the file again".to_owned(),
        })
    })?;
    let tokens = TokenTable::parse(text).map_err(content_error)?;
    if std::fs::metadata(path).is_ok_and(|file| file.mode() & OTHERS_ACCESS != 0) {
        let path = path.display();
        log::warn!(
            "{path}: others than its owner may read or write it; `chmod 600 {path}` prevents that"
        );
    }
    Ok(tokens)
}

#[cfg(test)]
mod tests {
    use super::super::hash::hash;
    use super::super::table::tests::{TEST, entry};
    use super::*;
    use crate::watched_file::MAX_BYTES;

    #[test]
    fn a_changed_file_is_loaded_once_it_is_steady_and_valid() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tokens.toml");
        let has = |file: &TokenFile| file.find(b"test").is_some();
        let empty_hash = base16ct::lower::encode_string(&hash(b""));
        let (with, without) = (
            entry("a", "d", "read", TEST),
            entry("a", "d", "read", &empty_hash),
        );
        std::fs::write(&path, &with).unwrap();
        let file = TokenFile::open(&path).unwrap();
        assert!(has(&file));
        let grant = file.find(b"test").unwrap();
        assert!(file.has(&grant));

        std::fs::write(&path, &without).unwrap();
        file.poll();
        assert!(has(&file), "the file may not be complete");
        file.poll();
        assert!(!has(&file));

        for broken in ["", "[[token]]", "\u{0}"] {
            std::fs::write(&path, broken).unwrap();
            for act in [TokenFile::poll, TokenFile::poll, TokenFile::reload] {
                act(&file);
                assert!(file.find(b"").is_some(), "{broken:?}: the tokens stay");
            }
        }
        std::fs::remove_file(&path).unwrap();
        file.reload();
        assert!(file.find(b"").is_some());
        assert!(!file.has(&grant), "it is one of the file before");

        std::fs::write(&path, &with).unwrap();
        file.reload();
        assert!(has(&file), "immediately");
    }

    #[test]
    fn a_path_that_is_not_a_file_of_tokens_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tokens.toml");
        let open = || TokenFile::open(&path).unwrap_err().to_string();
        assert!(
            open().contains("tokens.toml: there is no such file"),
            "{}",
            open()
        );
        std::fs::write(&path, b"a\n\xff").unwrap();
        assert!(open().ends_with("tokens.toml: line 2: is not UTF-8; write the file again"));
        let long = vec![b'#'; usize::try_from(MAX_BYTES).unwrap() + 1];
        std::fs::write(&path, long).unwrap();
        assert!(open().contains("is longer than 1 MiB"), "{}", open());
        let folder = TokenFile::open(folder.path()).unwrap_err().to_string();
        assert!(folder.contains("is not a file; check the path"), "{folder}");
    }
}
