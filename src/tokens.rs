//! Tokens: who may ask, as a file says it. The file holds no token, only its SHA-256, and neither is a token kept here,
//! logged, or shown after it was made.
//!
//! ```toml
//! [[token]]
//! name = "ci"
//! domain_id = "domain-58010aa2e451"     # or "*" for every domain
//! access = "read"                       # or "write"
//! sha256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
//! ```

use std::collections::HashSet;
use std::ops::Range;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use serde::Deserialize;
use sha2::{Digest, Sha256};
use subtle::{ConditionallySelectable, ConstantTimeEq};
use toml::{Spanned, Value};

/// The longest file, in bytes; it holds some five thousand tokens.
const MAX_FILE_BYTES: u64 = 1 << 20;
/// The longest name of a token, in letters.
const MAX_NAME_CHARS: usize = 100;
/// What every domain is called.
const EVERY_DOMAIN: &str = "*";
/// What a token begins with, so that a person, or a scanner for secrets, knows one.
const PREFIX: &str = "jobdeck_";
/// How many random bytes a token has.
const TOKEN_BYTES: usize = 32;
const HASH_BYTES: usize = 32;
/// The bits of a file's mode that let others than its owner at it.
const OTHERS: u32 = 0o077;

/// What the holder of a token may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// What the file calls the token.
    pub name: String,
    /// The one domain that it reaches; `None` is every one, and the whole server.
    pub domain_id: Option<String>,
    pub may_write: bool,
}

/// The tokens of a file.
#[derive(Debug)]
pub struct Tokens(Vec<Known>);

#[derive(Debug)]
struct Known {
    sha256: [u8; HASH_BYTES],
    grant: Arc<Grant>,
}

/// What is wrong in a file of tokens, and on which line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {problem}")]
pub struct TokensFault {
    pub line: usize,
    pub problem: String,
}

/// Why a file of tokens can't be used.
#[derive(Debug, thiserror::Error)]
pub enum TokensError {
    #[error("{0}: there is no such file; `jobdeck token new` prints what it is to hold")]
    NotFound(PathBuf),
    #[error("{path}: {source}; check the path and its permissions")]
    Io {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("{path}: {fault}")]
    Content { path: PathBuf, fault: TokensFault },
}

/// The file as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    token: Option<Vec<WrittenToken>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenToken {
    name: Spanned<String>,
    domain_id: Spanned<String>,
    access: WrittenAccess,
    sha256: Spanned<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum WrittenAccess {
    Read,
    Write,
}

impl Tokens {
    /// Reads the text of a file.
    ///
    /// # Errors
    /// [`TokensFault`]: no TOML, a member that is missing, unknown or wrong, a name or a hash that stands twice, or nothing
    /// of tokens at all.
    pub fn parse(text: &str) -> Result<Self, TokensFault> {
        let fault = |place: Range<usize>, problem: String| TokensFault {
            line: line_after(text.as_bytes().get(..place.start).unwrap_or_default()),
            problem,
        };
        let written: Written = toml::from_str(text).map_err(|error| {
            let problem = error.message().replace('\n', ", ");
            fault(error.span().unwrap_or_default(), problem)
        })?;
        // An editor may leave a file empty for a moment; that nobody is let in is to be said.
        let Some(written) = written.token else {
            let problem = "there is no `[[token]]`; `jobdeck token new` makes one, and `token = []` lets nobody in";
            return Err(fault(0..0, problem.to_owned()));
        };
        let (mut names, mut hashes) = (HashSet::new(), HashSet::new());
        let mut known = Vec::new();
        for token in written {
            let (name, domain_id) = (token.name.as_ref(), token.domain_id.as_ref());
            if !is_name(name) {
                let problem = format!("name: expected 1 to {MAX_NAME_CHARS} letters on one line");
                return Err(fault(token.name.span(), problem));
            }
            if domain_id.is_empty() {
                let problem = "domain_id: must not be empty; `*` is every domain";
                return Err(fault(token.domain_id.span(), problem.to_owned()));
            }
            let Some(sha256) = hash_of_hex(token.sha256.as_ref()) else {
                // Not repeated: it may be the token itself.
                let problem = "sha256: expected the 64 hex digits of a token's SHA-256; `jobdeck token new` prints them";
                return Err(fault(token.sha256.span(), problem.to_owned()));
            };
            if !names.insert(name.clone()) {
                let problem =
                    format!("name: there is another token `{name}`; give this one its own name");
                return Err(fault(token.name.span(), problem));
            }
            if !hashes.insert(sha256) {
                let problem =
                    "sha256: another token has it, too; make one for each with `jobdeck token new`";
                return Err(fault(token.sha256.span(), problem.to_owned()));
            }
            let grant = Grant {
                name: name.clone(),
                domain_id: (domain_id != EVERY_DOMAIN).then(|| domain_id.clone()),
                may_write: matches!(token.access, WrittenAccess::Write),
            };
            known.push(Known {
                sha256,
                grant: Arc::new(grant),
            });
        }
        Ok(Self(known))
    }

    /// What a token grants. Takes the same time whichever it is, and whether it is one at all.
    #[must_use]
    pub fn find(&self, token: &[u8]) -> Option<Arc<Grant>> {
        let sha256 = hash(token);
        // One more than the place in the list; hashes differ, so there is one at most.
        let mut found = 0_u64;
        for (number, known) in (1..).zip(&self.0) {
            found.conditional_assign(&number, sha256.ct_eq(&known.sha256));
        }
        let index = usize::try_from(found).ok()?.checked_sub(1)?;
        self.0.get(index).map(|known| Arc::clone(&known.grant))
    }
}

fn hash(token: &[u8]) -> [u8; HASH_BYTES] {
    Sha256::digest(token).into()
}

fn hash_of_hex(text: &str) -> Option<[u8; HASH_BYTES]> {
    let mut hash = [0; HASH_BYTES];
    let read = base16ct::mixed::decode(text, &mut hash).ok()?.len();
    (read == HASH_BYTES).then_some(hash)
}

/// Whether it can stand in a message or a log: a line that is not long.
fn is_name(name: &str) -> bool {
    (1..=MAX_NAME_CHARS).contains(&name.chars().count()) && !name.chars().any(char::is_control)
}

/// The line of what comes after these bytes, from 1.
fn line_after(before: &[u8]) -> usize {
    before.split(|byte| *byte == b'\n').count()
}

/// A token that was made just now, and what a file says of it.
pub struct NewToken {
    /// To be shown once, to whoever is to hold it.
    pub token: String,
    /// TOML, to be added to the file.
    pub entry: String,
}

impl NewToken {
    /// Makes a token of what the operating system has of chance. Without a name it gets one that no other has.
    ///
    /// # Errors
    /// Where the name or the domain could not stand in a file, or the system has no chance to give.
    pub fn make(
        domain_id: &str,
        may_write: bool,
        name: Option<&str>,
    ) -> Result<Self, NewTokenError> {
        let mut random = [0; TOKEN_BYTES];
        getrandom::fill(&mut random).map_err(NewTokenError::Random)?;
        let token = format!("{PREFIX}{}", base16ct::lower::encode_string(&random));
        let sha256 = base16ct::lower::encode_string(&hash(token.as_bytes()));
        let name = name.map_or_else(
            || format!("token-{}", sha256.chars().take(8).collect::<String>()),
            str::to_owned,
        );
        let access = if may_write { "write" } else { "read" };
        let [name, domain_id, access, sha256] =
            [&name, domain_id, access, &sha256].map(|text| Value::from(text).to_string());
        let entry = format!(
            "[[token]]\nname = {name}\ndomain_id = {domain_id}\naccess = {access}\nsha256 = {sha256}\n"
        );
        // So that whoever adds it finds no fault with it later.
        Tokens::parse(&entry).map_err(|fault| NewTokenError::Entry(fault.problem))?;
        Ok(Self { token, entry })
    }
}

/// Why there is no new token.
#[derive(Debug, thiserror::Error)]
pub enum NewTokenError {
    #[error("the operating system has no random bytes to give: {0}")]
    Random(getrandom::Error),
    #[error("{0}")]
    Entry(String),
}

/// A file of tokens, read again when it changes.
#[derive(Debug)]
pub struct TokenFile {
    path: PathBuf,
    state: RwLock<State>,
}

#[derive(Debug)]
struct State {
    tokens: Arc<Tokens>,
    /// The content that was last taken, or found wanting; `None` where it could not be read.
    judged: Option<Vec<u8>>,
    /// As of the last look.
    last: Option<Vec<u8>>,
}

impl TokenFile {
    /// Reads a file; warns where others than its owner may read or write it.
    ///
    /// # Errors
    /// [`TokensError`] names the file, the line and the remedy.
    pub fn open(path: &Path) -> Result<Self, TokensError> {
        let content = read(path)?;
        Ok(Self {
            path: path.to_owned(),
            state: RwLock::new(State {
                tokens: Arc::new(parse(path, &content)?),
                judged: Some(content.clone()),
                last: Some(content),
            }),
        })
    }

    /// What a token grants by now.
    #[must_use]
    pub fn find(&self, token: &[u8]) -> Option<Arc<Grant>> {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        let tokens = Arc::clone(&state.tokens);
        drop(state);
        tokens.find(token)
    }

    /// Reads the file where it has changed and has stood still for two looks, so that one that is being written is left
    /// until it is whole. It is compared by its content, which no clock and no file system can be wrong about.
    pub fn look(&self) {
        let found = read(&self.path);
        let seen = found.as_ref().ok();
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        let is_steady = seen == state.last.as_ref();
        let is_other = seen != state.judged.as_ref();
        state.last = seen.cloned();
        if is_steady && is_other {
            self.judge(&mut state, found);
        }
    }

    /// Reads the file now, whether it has changed or not.
    pub fn reload(&self) {
        let found = read(&self.path);
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        state.last = found.as_ref().ok().cloned();
        self.judge(&mut state, found);
    }

    /// Takes what was found, or keeps what was before and logs why.
    fn judge(&self, state: &mut State, found: Result<Vec<u8>, TokensError>) {
        state.judged = found.as_ref().ok().cloned();
        match found.and_then(|content| parse(&self.path, &content)) {
            Ok(tokens) => {
                log::info!("{}: the tokens were loaded", self.path.display());
                state.tokens = Arc::new(tokens);
            }
            Err(error) => {
                log::error!("the tokens can't be loaded, and those of before still hold: {error}");
            }
        }
    }
}

fn read(path: &Path) -> Result<Vec<u8>, TokensError> {
    let io = |source: std::io::Error| match source.kind() {
        std::io::ErrorKind::NotFound => TokensError::NotFound(path.to_owned()),
        _ => TokensError::Io {
            path: path.to_owned(),
            source,
        },
    };
    let metadata = std::fs::metadata(path).map_err(io)?;
    // A pipe would never end, or be empty the next time.
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

/// Reads a content that is to be used, and warns of a file that others get at.
fn parse(path: &Path, content: &[u8]) -> Result<Tokens, TokensError> {
    let content_fault = |fault| TokensError::Content {
        path: path.to_owned(),
        fault,
    };
    let text = std::str::from_utf8(content).map_err(|error| {
        let before = content.get(..error.valid_up_to()).unwrap_or_default();
        content_fault(TokensFault {
            line: line_after(before),
            problem: "is not UTF-8; write it anew".to_owned(),
        })
    })?;
    let tokens = Tokens::parse(text).map_err(content_fault)?;
    if std::fs::metadata(path).is_ok_and(|file| file.mode() & OTHERS != 0) {
        let path = path.display();
        log::warn!(
            "{path}: others than its owner may read or write it; `chmod 600 {path}` ends that"
        );
    }
    Ok(tokens)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The SHA-256 of `test`, as the contract's example has it.
    const TEST: &str = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

    fn entry(name: &str, domain: &str, access: &str, sha256: &str) -> String {
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
        let tokens = Tokens::parse(&text).unwrap();
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
        let nobody = Tokens::parse("token = []").unwrap();
        assert_eq!(nobody.find(b"test"), None);
    }

    #[test]
    fn faults_name_the_line_and_the_remedy() {
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
                "line 7: name: there is another token `ci`",
            ),
            (
                second("other", &TEST.to_uppercase()),
                "line 10: sha256: another token has it",
            ),
        ] {
            let fault = Tokens::parse(&text).unwrap_err().to_string();
            assert!(
                fault.starts_with(expected),
                "\n got: {fault}\nwant: {expected}"
            );
            assert_eq!(fault.lines().count(), 1, "{fault}");
        }
    }

    #[test]
    fn what_stands_in_the_place_of_a_hash_is_not_repeated() {
        let token = NewToken::make("d", false, None).unwrap().token;
        let fault = Tokens::parse(&entry("ci", "d", "read", &token)).unwrap_err();
        assert!(!fault.to_string().contains(&token), "{fault}");
    }

    #[test]
    fn a_new_token_is_another_each_time_and_its_entry_knows_it() {
        let made: Vec<_> = [("d", false, None), ("*", true, Some("it's \"ci\""))]
            .map(|(domain, may_write, name)| NewToken::make(domain, may_write, name).unwrap())
            .into();
        assert_ne!(made[0].token, made[1].token);
        let text = made
            .iter()
            .map(|one| one.entry.as_str())
            .collect::<String>();
        let tokens = Tokens::parse(&text).unwrap();
        let first = tokens.find(made[0].token.as_bytes()).unwrap();
        assert_eq!(
            (first.domain_id.as_deref(), first.may_write),
            (Some("d"), false)
        );
        let second = tokens.find(made[1].token.as_bytes()).unwrap();
        assert_eq!(second.name, "it's \"ci\"");
        assert_eq!((&second.domain_id, second.may_write), (&None, true));
        for NewToken { token, entry } in made {
            assert_eq!(token.len(), PREFIX.len() + 2 * TOKEN_BYTES);
            assert!(
                token.starts_with(PREFIX) && !entry.contains(&token),
                "{entry}"
            );
        }
        for (domain, name) in [("", None), ("d", Some("")), ("d", Some("a\nb"))] {
            assert!(NewToken::make(domain, false, name).is_err());
        }
    }

    #[test]
    fn a_file_is_taken_when_it_stands_still_and_kept_where_it_is_broken() {
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

        std::fs::write(&path, &without).unwrap();
        file.look();
        assert!(has(&file), "it may still be written");
        file.look();
        assert!(!has(&file));

        for broken in ["", "[[token]]", "\u{0}"] {
            std::fs::write(&path, broken).unwrap();
            for act in [TokenFile::look, TokenFile::look, TokenFile::reload] {
                act(&file);
                assert!(file.find(b"").is_some(), "{broken:?}: those of before");
            }
        }
        std::fs::remove_file(&path).unwrap();
        file.reload();
        assert!(file.find(b"").is_some());

        std::fs::write(&path, &with).unwrap();
        file.reload();
        assert!(has(&file), "at once");
    }

    #[test]
    fn what_is_no_file_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tokens.toml");
        let open = || TokenFile::open(&path).unwrap_err().to_string();
        assert!(
            open().contains("tokens.toml: there is no such file"),
            "{}",
            open()
        );
        std::fs::write(&path, b"a\n\xff").unwrap();
        assert!(open().ends_with("tokens.toml: line 2: is not UTF-8; write it anew"));
        let long = vec![b'#'; usize::try_from(MAX_FILE_BYTES).unwrap() + 1];
        std::fs::write(&path, long).unwrap();
        assert!(open().contains("is longer than 1 MiB"), "{}", open());
        let folder = TokenFile::open(folder.path()).unwrap_err().to_string();
        assert!(folder.contains("is not a file; check the path"), "{folder}");
    }
}
