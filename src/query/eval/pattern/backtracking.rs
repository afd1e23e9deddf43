//! Patterns that backtrack, run by PCRE2 within limits.
//!
//! PCRE2 counts its steps anew at every position where it starts a match, so its limit alone would allow the limit times
//! the length of the text. A pattern is therefore wrapped into one that starts at the beginning of the text alone and
//! walks along it as its first step. Most searches end within the limit of that one.
//!
//! A search that does not is done again from every position by itself, each with the limit that PCRE2 means, until the
//! query's time is up. `(?=.*a)(?=.*b)` takes as many steps as the text has characters at each of them. One step may
//! itself run over the whole text, so the text's length is limited, too. The depth (`LIMIT_DEPTH`) needs no limit of
//! its own: a search is never deeper than it has taken steps.

use pcre2::Error;
use pcre2::bytes::{Regex, RegexBuilder};

use super::refused;
use crate::query::limits::{MAX_BACKTRACKED_BYTES, MAX_BACKTRACKING_MEMORY, MAX_BACKTRACKS};

/// Says whether the query's time is up. A search that takes long calls it again and again.
pub type IsDue<'d> = &'d dyn Fn() -> bool;

/// What PCRE2 answers when a search takes more steps than its limit: `PCRE2_ERROR_MATCHLIMIT`.
const TOO_MANY_STEPS: i32 = -47;
/// What PCRE2 answers when a search takes more memory than its limit: `PCRE2_ERROR_HEAPLIMIT`.
const TOO_MUCH_MEMORY: i32 = -63;

/// Closes a wrapped pattern. A `\Q` that is open ends; the comment is there for its line end, which means nothing.
const END: &str = "\\E(?#\n))";
/// Closes a wrapped pattern that ends within a comment of `(?x)`: it is the line end that ends the comment, and the first
/// bracket then closes the pattern. [`END`] would have one bracket too many.
const END_OF_COMMENT: &str = "\n)";

/// A pattern that PCRE2 runs.
#[derive(Debug)]
pub(super) struct Backtracking {
    shown: String,
    /// Searches from every position, within the limit of one.
    anywhere: Regex,
    /// Searches from one position. `None` if the pattern has `\G`, which would be that position instead of the text's
    /// start.
    at_one_start: Option<Regex>,
}

impl Backtracking {
    /// Compiles a pattern.
    ///
    /// # Errors
    /// A sentence about what is wrong with it.
    pub(super) fn new(text: &str) -> Result<Self, String> {
        refused::check(text)?;
        // As the client wrote it, so that an error says where in it.
        compile(text).map_err(|error| malformed(&error))?;
        let body = without_leading_any(text);
        let at_one_start = if text.contains(r"\G") {
            None
        } else {
            Some(wrap(r"\G", body)?)
        };
        Ok(Self {
            shown: text.to_owned(),
            anywhere: wrap(r"\A(?s:.*?)", body)?,
            at_one_start,
        })
    }

    /// Whether the pattern matches anywhere in the text.
    ///
    /// # Errors
    /// A sentence, when the text is too long, or the search takes too many steps or too much memory, or is due.
    pub(super) fn is_match(&self, text: &str, is_due: IsDue<'_>) -> Result<bool, String> {
        let shown = &self.shown;
        if text.len() > MAX_BACKTRACKED_BYTES {
            return Err(format!(
                "the regular expression `{shown}` has lookaround, a backreference or the like, which runs over values of \
                 at most {MAX_BACKTRACKED_BYTES} bytes; one value is longer"
            ));
        }
        // A `Regex` holds on to the memory of its longest search. A clone, which takes half a microsecond, does not.
        let found = self.anywhere.clone().is_match(text.as_bytes());
        match (found, &self.at_one_start) {
            (Err(error), Some(at_one_start)) if error.code() == TOO_MANY_STEPS => {
                let search = at_one_start.clone();
                let starts = text.char_indices().map(|(start, _)| start);
                for start in starts.chain([text.len()]) {
                    if is_due() {
                        return Err(format!(
                            "the regular expression `{shown}` takes too long over one value"
                        ));
                    }
                    let found = search.is_match_at(text.as_bytes(), start);
                    if found.map_err(|error| self.failure(&error))? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            (found, _) => found.map_err(|error| self.failure(&error)),
        }
    }

    fn failure(&self, error: &Error) -> String {
        let shown = &self.shown;
        match error.code() {
            TOO_MANY_STEPS => format!(
                "the regular expression `{shown}` takes more than {MAX_BACKTRACKS} steps from one position of a value"
            ),
            TOO_MUCH_MEMORY => format!(
                "the regular expression `{shown}` takes more than {} MiB over one value",
                MAX_BACKTRACKING_MEMORY >> 20
            ),
            _ => format!("the regular expression `{shown}` fails over one value: {error}"),
        }
    }
}

/// Compiles a pattern with something before it, and with the limits.
fn wrap(before: &str, text: &str) -> Result<Regex, String> {
    let wrapped = |end| {
        compile(&format!(
            "(*LIMIT_MATCH={MAX_BACKTRACKS})(*LIMIT_HEAP={}){before}(?:{text}{end}",
            MAX_BACKTRACKING_MEMORY >> 10
        ))
    };
    wrapped(END)
        .or_else(|_| wrapped(END_OF_COMMENT))
        .map_err(|error| malformed(&error))
}

/// Returns a pattern without a `.*` that begins it: where the rest matches, `.*` may match nothing.
///
/// PCRE2 starts such a pattern at the beginnings of lines alone. Wrapped, it would start everywhere.
fn without_leading_any(text: &str) -> &str {
    let Some(rest) = text.strip_prefix(".*") else {
        return text;
    };
    let rest = rest.strip_prefix('?').unwrap_or(rest);
    // Not where the rest may be a quantifier, or mean nothing before one.
    let begins_anew = rest.starts_with(|first: char| first.is_ascii_alphanumeric() || first == '[')
        || ["(?=", "(?!", "(?<", "(?:"]
            .iter()
            .any(|group| rest.starts_with(group))
        || rest.starts_with('(') && !rest.starts_with("(?") && !rest.starts_with("(*")
        || rest.starts_with('\\') && !rest.starts_with(r"\E") && !rest.starts_with(r"\Q");
    if begins_anew { rest } else { text }
}

/// Compiles a pattern in MongoDB's dialect: with UTF, without UCP, in either case.
fn compile(text: &str) -> Result<Regex, Error> {
    RegexBuilder::new().utf(true).caseless(true).build(text)
}

fn malformed(error: &Error) -> String {
    let text = error.to_string();
    let problem = text
        .strip_prefix("PCRE2: error compiling pattern ")
        .unwrap_or(&text);
    format!("not a regular expression: {problem}")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Patterns that end in each state that a pattern may end in.
    const ENDS: [&str; 22] = [
        "a",
        "a|b",
        r"\Qa|b",
        r"\Qa)\",
        r"a\Q",
        r"a\E",
        "a(?#b)",
        "(?x) a # b",
        "(?x) a # b)",
        "(?x) a # (?#",
        "(?x) a # \\Q",
        "(?x: a # b\n) c",
        "(?x) a # b\n | b",
        "(?x)(?-x) a # b",
        "(?=a|b)+",
        "(?<n>a)|(?i)b",
        ".*a(?=b)|c",
        ".*?(?!a)b",
        ".*+a",
        r".*\Q\E+a",
        ".*(?#b)+a",
        r"\Ga|(?<=x)b",
    ];

    #[test]
    fn the_wrapper_changes_no_answer() {
        let texts = [
            "", "a", "b", "c", "a|b", "xa)\\", "A", "#", " a # b", "ac", "\na", "(?#", "\\q",
            "xB\n", "ab)",
        ];
        for pattern in ENDS {
            let bare = compile(pattern).unwrap();
            let wrapped = Backtracking::new(pattern).unwrap();
            for text in texts {
                assert_eq!(
                    wrapped.is_match(text, &|| false),
                    Ok(bare.is_match(text.as_bytes()).unwrap()),
                    "{pattern:?} over {text:?}"
                );
            }
        }
    }

    #[test]
    fn an_error_says_where_in_the_clients_pattern() {
        for (pattern, problem) in [
            ("a(", "at offset 2: missing closing parenthesis"),
            ("a)", "at offset 1: unmatched closing parenthesis"),
            ("a)(", "at offset 1: unmatched closing parenthesis"),
            (r"a\", r"at offset 2: \ at end of pattern"),
            (
                "a**",
                "at offset 2: quantifier does not follow a repeatable item",
            ),
        ] {
            assert_eq!(
                Backtracking::new(pattern).map(drop),
                Err(format!("not a regular expression: {problem}"))
            );
        }
    }

    #[test]
    fn a_search_is_limited_in_steps_and_memory() {
        let text = "a".repeat(MAX_BACKTRACKED_BYTES - 1) + "!";
        for (pattern, problem) in [
            (r"^(a|a)*\1$", "more than 100000 steps"),
            (r"(?:\Ga)?(?=.*b)", "more than 100000 steps"),
            (&("()".repeat(300) + r"(?:a|b)*\1c"), "more than 16 MiB"),
        ] {
            let error = Backtracking::new(pattern)
                .unwrap()
                .is_match(&text, &|| false)
                .unwrap_err();
            assert!(error.contains(problem), "{error}");
        }
    }

    #[test]
    fn a_search_may_take_many_steps_from_each_position_until_the_time_is_up() {
        let text = "a".repeat(1_000);
        for (pattern, expected) in [
            ("(?=.*a)(?=.*b)", false),
            ("(?=.*b)|a$(?<!b)", true),
            ("(?=.*b)|$(?<!b)", true),
        ] {
            let pattern = Backtracking::new(pattern).unwrap();
            assert_eq!(
                pattern.is_match(&text, &|| false),
                Ok(expected),
                "{pattern:?}"
            );
            let error = pattern.is_match(&text, &|| true).unwrap_err();
            assert!(error.ends_with("takes too long over one value"), "{error}");
        }
    }
}
