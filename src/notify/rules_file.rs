//! `RulesFile`: reads the file of rules, and reads it again when it changes.

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use super::rule::Rule;
use super::rules::{self, RulesError, line_after};
use crate::clock::Clock;

/// The longest file, in bytes.
const MAX_FILE_BYTES: u64 = 1 << 20;

/// Why a file of rules can't be used.
#[derive(Debug, thiserror::Error)]
pub enum RulesFileError {
    #[error("{path}: {source}; check the path and its permissions")]
    Io {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("{path}: {error}")]
    Content { path: PathBuf, error: RulesError },
}

/// A file of rules, which is read again when it changes.
#[derive(Debug)]
pub struct RulesFile {
    path: PathBuf,
    state: RwLock<State>,
}

#[derive(Debug)]
struct State {
    rules: Arc<[Arc<Rule>]>,
    /// The content that was last loaded or refused; `None` if the file could not be read.
    loaded: Option<Vec<u8>>,
    /// The content at the last poll.
    polled: Option<Vec<u8>>,
}

impl RulesFile {
    /// Reads a file.
    ///
    /// # Errors
    /// [`RulesFileError`] names the file, the line, the rule and what would be right.
    pub fn open(path: &Path) -> Result<Self, RulesFileError> {
        let content = read(path)?;
        Ok(Self {
            path: path.to_owned(),
            state: RwLock::new(State {
                rules: parse(path, &content)?,
                loaded: Some(content.clone()),
                polled: Some(content),
            }),
        })
    }

    /// Returns the present rules.
    #[must_use]
    pub fn rules(&self) -> Arc<[Arc<Rule>]> {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&state.rules)
    }

    /// Loads the file if it has changed and is the same as at the last poll, so that it is written to its end. The rules stay
    /// as they are while the file is wrong, and the log says why.
    pub(super) fn poll(&self) {
        let result = read(&self.path);
        let content = result.as_ref().ok();
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        let is_steady = content == state.polled.as_ref();
        let is_changed = content != state.loaded.as_ref();
        state.polled = content.cloned();
        if !is_steady || !is_changed {
            return;
        }
        state.loaded = content.cloned();
        match result.and_then(|content| parse(&self.path, &content)) {
            Ok(rules) => {
                log::info!("{}: the rules were loaded", self.path.display());
                state.rules = rules;
            }
            Err(error) => {
                log::error!("the rules can't be loaded and stay as they were: {error}");
            }
        }
    }
}

/// Reads the content of a file of limited size.
fn read(path: &Path) -> Result<Vec<u8>, RulesFileError> {
    let io = |source| RulesFileError::Io {
        path: path.to_owned(),
        source,
    };
    let metadata = std::fs::metadata(path).map_err(io)?;
    if !metadata.is_file() {
        return Err(io(std::io::Error::other("is not a file")));
    }
    if metadata.len() > MAX_FILE_BYTES {
        return Err(io(std::io::Error::other("is longer than 1 MiB")));
    }
    std::fs::read(path).map_err(io)
}

fn parse(path: &Path, content: &[u8]) -> Result<Arc<[Arc<Rule>]>, RulesFileError> {
    let content_error = |error| RulesFileError::Content {
        path: path.to_owned(),
        error,
    };
    let text = std::str::from_utf8(content).map_err(|error| {
        let before = content.get(..error.valid_up_to()).unwrap_or_default();
        content_error(RulesError {
            line: line_after(before),
            problem: "is not UTF-8; write the file again".to_owned(),
        })
    })?;
    let variable = |name: &str| std::env::var(name).ok();
    let rules = rules::parse(text, Clock::SYSTEM.now(), &variable, &|path| {
        std::fs::read(path)
    });
    rules.map(Arc::from).map_err(content_error)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULE: &str = "[[notify]]\nname = \"a\"\ndomain_id = \"d\"\non = \"failed\"\nurl = \"https://hooks.example/\"\n";

    #[test]
    fn a_changed_file_is_loaded_once_it_is_steady_and_valid() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify.toml");
        let missing = RulesFile::open(&path).unwrap_err().to_string();
        assert!(missing.contains("notify.toml: "), "{missing}");
        std::fs::write(&path, RULE).unwrap();
        let file = RulesFile::open(&path).unwrap();
        let names = || {
            file.rules()
                .iter()
                .map(|rule| rule.name.clone())
                .collect::<Vec<_>>()
        };
        std::fs::write(&path, RULE.replace("\"a\"", "\"b\"")).unwrap();
        file.poll();
        assert_eq!(names(), ["a"], "the file may not be complete");
        file.poll();
        assert_eq!(names(), ["b"]);
        for broken in ["", "[[notify]]", "\u{0}"] {
            std::fs::write(&path, broken).unwrap();
            file.poll();
            file.poll();
            assert_eq!(names(), ["b"], "{broken:?}");
        }
        std::fs::write(&path, b"a\n\xff").unwrap();
        let error = RulesFile::open(&path).unwrap_err().to_string();
        assert!(
            error.ends_with("line 2: is not UTF-8; write the file again"),
            "{error}"
        );
    }
}
