//! `TokenFile`: reads the file of tokens, and reads it again when it changes.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use super::grant::Grant;
use super::table::{TokenTable, TokenTableError, line_after};

/// The longest file, in bytes; it holds about five thousand tokens.
const MAX_FILE_BYTES: u64 = 1 << 20;
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
pub struct TokenFile {
    path: PathBuf,
    state: RwLock<State>,
}

#[derive(Debug)]
struct State {
    tokens: Arc<TokenTable>,
    /// The content that was last loaded or refused; `None` if the file could not be read.
    loaded: Option<Vec<u8>>,
    /// The content at the last poll.
    polled: Option<Vec<u8>>,
}

impl TokenFile {
    /// Reads a file; logs a warning if others than its owner may read or write it.
    ///
    /// # Errors
    /// [`TokenFileError`] names the file, the line and the remedy.
    pub fn open(path: &Path) -> Result<Self, TokenFileError> {
        let content = read(path)?;
        Ok(Self {
            path: path.to_owned(),
            state: RwLock::new(State {
                tokens: Arc::new(parse(path, &content)?),
                loaded: Some(content.clone()),
                polled: Some(content),
            }),
        })
    }

    /// Finds the present grant of a token.
    #[must_use]
    pub fn find(&self, token: &[u8]) -> Option<Arc<Grant>> {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        let tokens = Arc::clone(&state.tokens);
        drop(state);
        tokens.find(token)
    }

    /// Returns whether a grant is from the file as it is now, and not from before a change.
    #[must_use]
    pub fn has(&self, grant: &Arc<Grant>) -> bool {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        state.tokens.has(grant)
    }

    /// Loads the file if it has changed and is the same as at the last poll. The second condition lets it be written to
    /// its end. The content is compared, because times of files can be wrong.
    pub fn poll(&self) {
        let result = read(&self.path);
        let content = result.as_ref().ok();
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        let is_steady = content == state.polled.as_ref();
        let is_changed = content != state.loaded.as_ref();
        state.polled = content.cloned();
        if is_steady && is_changed {
            self.load(&mut state, result);
        }
    }

    /// Loads the file immediately, whether it has changed or not.
    pub fn reload(&self) {
        let result = read(&self.path);
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        state.polled = result.as_ref().ok().cloned();
        self.load(&mut state, result);
    }

    /// Replaces the tokens by those of a content, or logs why they stay as they are.
    fn load(&self, state: &mut State, result: Result<Vec<u8>, TokenFileError>) {
        state.loaded = result.as_ref().ok().cloned();
        match result.and_then(|content| parse(&self.path, &content)) {
            Ok(tokens) => {
                log::info!("{}: the tokens were loaded", self.path.display());
                state.tokens = Arc::new(tokens);
            }
            Err(error) => {
                log::error!("the tokens can't be loaded and stay as they were: {error}");
            }
        }
    }
}

/// Reads the content of a file of limited size.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, TokenFileError> {
    let io = |source: std::io::Error| match source.kind() {
        std::io::ErrorKind::NotFound => TokenFileError::NotFound(path.to_owned()),
        _ => TokenFileError::Io {
            path: path.to_owned(),
            source,
        },
    };
    let metadata = std::fs::metadata(path).map_err(io)?;
    // A pipe may never end, or may be empty the next time.
    let problem = if !metadata.is_file() {
        Some("is not a file")
    } else if metadata.len() > MAX_FILE_BYTES {
        Some("is longer than 1 MiB")
    } else {
        None
    };
    match problem {
        Some(problem) => Err(io(std::io::Error::other(problem))),
        None => std::fs::read(path).map_err(io),
    }
}

/// Parses the content of a file, and logs a warning if others may access the file.
pub(super) fn parse(path: &Path, content: &[u8]) -> Result<TokenTable, TokenFileError> {
    let content_error = |error| TokenFileError::Content {
        path: path.to_owned(),
        error,
    };
    let text = std::str::from_utf8(content).map_err(|error| {
        let before = content.get(..error.valid_up_to()).unwrap_or_default();
        content_error(TokenTableError {
            line: line_after(before),
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
        let long = vec![b'#'; usize::try_from(MAX_FILE_BYTES).unwrap() + 1];
        std::fs::write(&path, long).unwrap();
        assert!(open().contains("is longer than 1 MiB"), "{}", open());
        let folder = TokenFile::open(folder.path()).unwrap_err().to_string();
        assert!(folder.contains("is not a file; check the path"), "{folder}");
    }
}
