//! `RulesFile`: reads the file of rules, and reads it again when it changes.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::rule::Rule;
use super::rules::{self, RulesError};
use crate::clock::Clock;
use crate::watched_file::{WatchedFile, read_small_file, text};

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
pub struct RulesFile(WatchedFile<Arc<[Arc<Rule>]>, RulesFileError>);

impl RulesFile {
    /// Reads a file.
    ///
    /// # Errors
    /// [`RulesFileError`] names the file, the line, the rule and what would be right.
    pub fn open(path: &Path) -> Result<Self, RulesFileError> {
        WatchedFile::open(path, "rules", read, parse).map(Self)
    }

    /// Returns the present rules.
    #[must_use]
    pub fn rules(&self) -> Arc<[Arc<Rule>]> {
        self.0.value()
    }

    /// Loads the file if it has changed and is written to its end.
    pub(super) fn poll(&self) {
        self.0.poll();
    }
}

/// Reads the content of a file of limited size.
fn read(path: &Path) -> Result<Vec<u8>, RulesFileError> {
    read_small_file(path).map_err(|source| RulesFileError::Io {
        path: path.to_owned(),
        source,
    })
}

fn parse(path: &Path, content: &[u8]) -> Result<Arc<[Arc<Rule>]>, RulesFileError> {
    let content_error = |error| RulesFileError::Content {
        path: path.to_owned(),
        error,
    };
    let text = text(content).map_err(|line| {
        content_error(RulesError {
            line,
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
