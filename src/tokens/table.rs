//! The table of tokens: parses the file's text, and looks up a token by its hash.

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::Arc;

use serde::Deserialize;
use toml::Spanned;

use super::grant::Grant;
use super::hash::{TokenHash, hash, parse_hash};
use crate::watched_file::line_at;

/// The longest name of a token, in characters.
const MAX_NAME_CHARS: usize = 100;
/// The domain of a token for every domain.
const EVERY_DOMAIN: &str = "*";

/// The tokens of a file: the grant of each, by the SHA-256 of the token.
///
/// A token has 256 random bits, so the time of a look-up by its hash tells nothing about it.
#[derive(Debug)]
pub(super) struct TokenTable {
    grants: HashMap<TokenHash, Arc<Grant>>,
}

/// Why the text of a file of tokens is wrong, and on which line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {problem}")]
pub struct TokenTableError {
    pub line: usize,
    pub problem: String,
}

/// The file as TOML.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileContent {
    token: Option<Vec<TokenEntry>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TokenEntry {
    name: Spanned<String>,
    domain_id: Spanned<String>,
    access: AccessLevel,
    sha256: Spanned<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum AccessLevel {
    Read,
    Write,
}

impl TokenTable {
    /// Reads the text of a file.
    ///
    /// # Errors
    /// [`TokenTableError`] when the text is not TOML, a member is missing, unknown or wrong, a name or a hash is there
    /// twice, or `token` is missing.
    pub(super) fn parse(text: &str) -> Result<Self, TokenTableError> {
        let error = |span: Range<usize>, problem: String| TokenTableError {
            line: line_at(text.as_bytes(), span.start),
            problem,
        };
        let content: FileContent = toml::from_str(text).map_err(|source| {
            let problem = source.message().replace('\n', ", ");
            error(source.span().unwrap_or_default(), problem)
        })?;
        // An editor may leave the file empty for a short time, so a table without tokens must be explicit.
        let Some(entries) = content.token else {
            let problem = "there is no `[[token]]`; `jobdeck token new` makes one, and `token = []` lets nobody in";
            return Err(error(0..0, problem.to_owned()));
        };
        let mut names = HashSet::new();
        let mut grants = HashMap::new();
        for token in entries {
            let (name, domain_id) = (token.name.as_ref(), token.domain_id.as_ref());
            if !is_name(name) {
                let problem = format!("name: expected 1 to {MAX_NAME_CHARS} letters on one line");
                return Err(error(token.name.span(), problem));
            }
            if domain_id.is_empty() {
                let problem = "domain_id: must not be empty; `*` is every domain";
                return Err(error(token.domain_id.span(), problem.to_owned()));
            }
            let Some(sha256) = parse_hash(token.sha256.as_ref()) else {
                // The error does not repeat the text: it may be the token itself.
                let problem = "sha256: expected the 64 hex digits of a token's SHA-256; `jobdeck token new` prints them";
                return Err(error(token.sha256.span(), problem.to_owned()));
            };
            if !names.insert(name.clone()) {
                let problem =
                    format!("name: another token is called `{name}`; give this one its own name");
                return Err(error(token.name.span(), problem));
            }
            let grant = Grant {
                name: name.clone(),
                domain_id: (domain_id != EVERY_DOMAIN).then(|| domain_id.clone()),
                may_write: matches!(token.access, AccessLevel::Write),
            };
            if grants.insert(sha256, Arc::new(grant)).is_some() {
                let problem = "sha256: another token has the same; make one for each with `jobdeck token new`";
                return Err(error(token.sha256.span(), problem.to_owned()));
            }
        }
        Ok(Self { grants })
    }

    /// Returns whether this grant is one of the table, and not one of a table before it.
    pub(super) fn has(&self, grant: &Arc<Grant>) -> bool {
        self.grants.values().any(|known| Arc::ptr_eq(known, grant))
    }

    /// Returns all grants, by name.
    pub(super) fn grants(&self) -> Vec<Arc<Grant>> {
        let mut grants: Vec<_> = self.grants.values().cloned().collect();
        grants.sort_by(|one, other| one.name.cmp(&other.name));
        grants
    }

    /// Finds the grant of a token.
    #[must_use]
    pub(super) fn find(&self, token: &[u8]) -> Option<Arc<Grant>> {
        self.grants.get(&hash(token)).cloned()
    }
}

/// Whether a name fits into a message or a log: one short line.
fn is_name(name: &str) -> bool {
    (1..=MAX_NAME_CHARS).contains(&name.chars().count()) && !name.chars().any(char::is_control)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// The SHA-256 of `test`, as in the contract.
    pub(in crate::tokens) const TEST: &str =
        "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

    pub(in crate::tokens) fn entry(name: &str, domain: &str, access: &str, sha256: &str) -> String {
        format!(
            "[[token]]\nname = \"{name}\"\ndomain_id = \"{domain}\"\naccess = \"{access}\"\nsha256 = \"{sha256}\"\n"
        )
    }

    #[test]
    fn a_token_is_found_by_its_hash() {
        let other = base16ct::upper::encode_string(&hash(b"other"));
        let last = base16ct::lower::encode_string(&hash(b"last"));
        let text = entry("ci", "d", "read", TEST)
            + &entry("ops", "*", "write", &other)
            + &entry("z", "e", "write", &last);
        let tokens = TokenTable::parse(&text).unwrap();
        let grant = |name: &str, domain: Option<&str>, may_write| Grant {
            name: name.to_owned(),
            domain_id: domain.map(str::to_owned),
            may_write,
        };
        for (token, expected) in [
            ("test", Some(grant("ci", Some("d"), false))),
            ("other", Some(grant("ops", None, true))),
            ("last", Some(grant("z", Some("e"), true))),
            ("Test", None),
            ("", None),
            (TEST, None),
        ] {
            let found = tokens.find(token.as_bytes());
            assert_eq!(found.as_deref(), expected.as_ref(), "{token}");
        }
        let no_tokens = TokenTable::parse("token = []").unwrap();
        assert_eq!(no_tokens.find(b"test"), None);
    }

    #[test]
    fn an_error_names_the_line_and_the_remedy() {
        let good = entry("ci", "d", "read", TEST);
        let second = |name: &str, sha256: &str| good.clone() + &entry(name, "d", "read", sha256);
        let short = &TEST[1..];
        let long = format!("{TEST}00");
        for (text, expected) in [
            (String::new(), "line 1: there is no `[[token]]`"),
            ("# none\n".to_owned(), "line 1: there is no `[[token]]`"),
            ("[[token]".to_owned(), "line 1: "),
            (
                "\n[[tokens]]\n".to_owned(),
                "line 2: unknown field `tokens`, expected `token`",
            ),
            (
                good.clone() + "scope = \"x\"\n",
                "line 6: unknown field `scope`, expected one of",
            ),
            (
                "[[token]]\nname = \"ci\"\n".to_owned(),
                "line 1: missing field `domain_id`",
            ),
            (
                entry("ci", "d", "admin", TEST),
                "line 4: unknown variant `admin`, expected `read` or `write`",
            ),
            (
                good.replace("\"ci\"", "5"),
                "line 2: invalid type: integer `5`, expected a string",
            ),
            (
                entry("", "d", "read", TEST),
                "line 2: name: expected 1 to 100 letters",
            ),
            (
                entry("a\\nb", "d", "read", TEST),
                "line 2: name: expected 1 to 100 letters",
            ),
            (
                entry(&"x".repeat(101), "d", "read", TEST),
                "line 2: name: expected 1 to 100 letters",
            ),
            (
                entry("ci", "", "read", TEST),
                "line 3: domain_id: must not be empty; `*`",
            ),
            (
                entry("ci", "d", "read", short),
                "line 5: sha256: expected the 64 hex digits",
            ),
            (
                entry("ci", "d", "read", &long),
                "line 5: sha256: expected the 64 hex digits",
            ),
            (
                entry("ci", "d", "read", &short.replace('f', "g")),
                "line 5: sha256: expected the 64 hex digits",
            ),
            (
                second("ci", &TEST.replace('9', "0")),
                "line 7: name: another token is called `ci`",
            ),
            (
                second("other", &TEST.to_uppercase()),
                "line 10: sha256: another token has the same",
            ),
        ] {
            let error = TokenTable::parse(&text).unwrap_err().to_string();
            assert!(
                error.starts_with(expected),
                "\n got: {error}\nwant: {expected}"
            );
            assert_eq!(error.lines().count(), 1, "{error}");
        }
    }

    #[test]
    fn an_error_never_repeats_a_text_that_may_be_a_token() {
        let token = format!("jobdeck_{TEST}");
        let error = TokenTable::parse(&entry("ci", "d", "read", &token)).unwrap_err();
        assert!(!error.to_string().contains(&token), "{error}");
    }
}
