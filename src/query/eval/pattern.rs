//! Regular expressions: Perl's syntax, without regard to case, bounded in size and time.
//!
//! `fancy-regex` passes a plain pattern to `regex`, which runs in linear time, and backtracks only for lookaround and
//! backreferences, up to a limit. (Rule 3: a client's pattern can't hang the server.) One step of a backtracking
//! pattern may itself run over the whole text, so the length of the text is limited, too.

use crate::query::limits::{MAX_BACKTRACKED_BYTES, MAX_BACKTRACKS, MAX_PATTERN_BYTES};
use std::sync::OnceLock;

use fancy_regex::{Regex, RegexBuilder};

/// The most memory that one compiled pattern may take.
const MAX_COMPILED_BYTES: usize = 1 << 20;

/// The longest text, in bytes, that is searched for words position by position: an id, and little more. Over longer
/// texts a compiled pattern is quicker, even with the time that compiling takes.
const MAX_SCANNED_BYTES: usize = 64;
/// The most words that are searched for position by position, since each is one pass over the text.
const MAX_SCANNED_WORDS: usize = 4;

/// A regular expression, unanchored and without regard to case.
#[derive(Debug)]
pub struct Pattern {
    text: String,
    /// The words of a pattern that is only a choice of words: a text matches if it contains one of them.
    words: Option<Vec<String>>,
    /// The compiled pattern. A pattern of words is compiled only when a text is too long or not ASCII.
    compiled: OnceLock<Result<Compiled, String>>,
}

#[derive(Debug)]
struct Compiled {
    regex: Regex,
    /// Whether it does not run in linear time, because of lookaround, a backreference or the like.
    backtracks: bool,
}

impl Compiled {
    fn new(text: &str) -> Result<Self, String> {
        let regex = RegexBuilder::new(text)
            .case_insensitive(true)
            .backtrack_limit(MAX_BACKTRACKS)
            .delegate_size_limit(MAX_COMPILED_BYTES)
            .build()
            .map_err(|error| {
                format!("not a regular expression: {}", one_line(&error.to_string()))
            })?;
        Ok(Self {
            regex,
            backtracks: regex_syntax::parse(text).is_err(),
        })
    }

    fn is_match(&self, text: &str) -> Result<bool, String> {
        let shown = self.regex.as_str();
        if self.backtracks && text.len() > MAX_BACKTRACKED_BYTES {
            return Err(format!(
                "the regular expression `{shown}` has lookaround, a backreference or the like, which runs over values of \
                 at most {MAX_BACKTRACKED_BYTES} bytes; one value is longer"
            ));
        }
        self.regex.is_match(text).map_err(|_steps| {
            format!(
                "the regular expression `{shown}` takes more than {MAX_BACKTRACKS} steps over one value"
            )
        })
    }
}

impl Pattern {
    /// Checks a pattern, and compiles it unless it is only a choice of words.
    ///
    /// Compiling takes longer than searching the few ids that the trigram index leaves of a word.
    ///
    /// # Errors
    /// A sentence about what is wrong with it.
    pub fn new(text: &str) -> Result<Self, String> {
        let words = (text.len() <= MAX_PATTERN_BYTES)
            .then(|| ascii_words(text))
            .flatten()
            .filter(|words| words.len() <= MAX_SCANNED_WORDS);
        let pattern = Self {
            text: text.to_owned(),
            words,
            compiled: OnceLock::new(),
        };
        if pattern.words.is_none() {
            pattern.compiled()?;
        }
        Ok(pattern)
    }

    fn compiled(&self) -> Result<&Compiled, String> {
        let compiled = self.compiled.get_or_init(|| Compiled::new(&self.text));
        compiled.as_ref().map_err(String::clone)
    }

    /// Whether the pattern matches anywhere in the text.
    ///
    /// # Errors
    /// A sentence, when the pattern takes too many steps over this text, or backtracks and the text is too long for
    /// that.
    pub fn is_match(&self, text: &str) -> Result<bool, String> {
        match &self.words {
            // Some letters outside ASCII are an ASCII letter in the other case: the Kelvin sign is a `k`.
            Some(words) if text.is_ascii() && text.len() <= MAX_SCANNED_BYTES => {
                let is_contained = |word: &String| {
                    let mut positions = text.as_bytes().windows(word.len());
                    positions.any(|part| part.eq_ignore_ascii_case(word.as_bytes()))
                };
                Ok(words.iter().any(is_contained))
            }
            _ => self.compiled()?.is_match(text),
        }
    }
}

/// Returns the words of a pattern that is only a choice of ASCII words, none of them empty.
fn ascii_words(pattern: &str) -> Option<Vec<String>> {
    let mut words = vec![String::new()];
    let mut letters = pattern.chars();
    while let Some(letter) = letters.next() {
        let literal = match letter {
            '|' => {
                words.push(String::new());
                continue;
            }
            '\\' => letters
                .next()
                .filter(|escaped| r"\.+*?()|[]{}^$#&-~".contains(*escaped))?,
            plain if plain.is_ascii_alphanumeric() || "_-: /,@=".contains(plain) => plain,
            _ => return None,
        };
        words.last_mut()?.push(literal);
    }
    words.iter().all(|word| !word.is_empty()).then_some(words)
}

/// Returns the pattern that matches exactly `text`.
#[must_use]
pub fn literal(text: &str) -> String {
    fancy_regex::escape(text).into_owned()
}

/// Returns the pattern that matches a text with any of these words.
#[must_use]
pub fn any_word(words: &[String]) -> String {
    let literals: Vec<_> = words.iter().map(|word| literal(word)).collect();
    literals.join("|")
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pattern: &str, text: &str, expected: bool) {
        assert_eq!(
            Pattern::new(pattern).unwrap().is_match(text),
            Ok(expected),
            "{pattern} over {text}"
        );
    }

    #[test]
    fn patterns_ignore_case_and_have_perls_syntax() {
        check("^E", "error", true);
        check("ü", "ZÜRICH", true);
        check("(?=.*a)(?=.*b)", "xbxa", true);
        check(r"(\w)\1", "hello", true);
        check(r"(?<!x)y", "xy", false);
        check(&literal("a.b*(c)#1 -"), "xA.B*(C)#1 -x", true);
        check(&literal("a.b"), "axb", false);
        check("", "", true);
    }

    #[test]
    fn searching_words_gives_the_same_as_the_compiled_pattern() {
        let patterns = [
            "k",
            "Ks",
            "a|b-1",
            "a|b|c|d",
            "a|b|c|d|e",
            r"a\.b",
            r"\-\#\&\~",
            "x y",
            "a-b_c",
            "|a",
            "a||b",
            "a.b",
            r"\d",
            r"\<a",
            "ä",
            "a{2}",
            "",
        ];
        let texts = [
            "",
            "k",
            "KS",
            "xB-1",
            "A.b",
            "axb",
            "-#&~",
            "X Y",
            "\u{212a}",
            "\u{212a}\u{17f}",
            "ä k",
            "7",
            "aa",
            "a\0b",
        ];
        let mut patterns_of_words = 0;
        for text in patterns {
            let pattern = Pattern::new(text).unwrap();
            patterns_of_words += usize::from(pattern.words.is_some());
            let compiled = Compiled::new(text).unwrap();
            let long = "x".repeat(MAX_SCANNED_BYTES) + "KS";
            for text in texts.iter().copied().chain([&*long]) {
                assert_eq!(
                    pattern.is_match(text),
                    compiled.is_match(text),
                    "{pattern:?} over {text}"
                );
            }
        }
        assert_eq!(patterns_of_words, 8);
    }

    #[test]
    fn the_longest_patterns_of_words_compile_when_a_text_is_not_ascii() {
        let quarter = "k".repeat(MAX_PATTERN_BYTES / 4 - 1);
        let four = [&*quarter; MAX_SCANNED_WORDS].join("|");
        for pattern in ["k".repeat(MAX_PATTERN_BYTES), four] {
            let pattern = Pattern::new(&pattern).unwrap();
            assert!(pattern.words.is_some());
            assert!(pattern.is_match("é").is_ok());
        }
    }

    #[test]
    fn a_pattern_that_is_malformed_or_too_large_is_an_error() {
        assert!(
            Pattern::new("(")
                .unwrap_err()
                .starts_with("not a regular expression: ")
        );
        assert!(Pattern::new("*a").is_err());
        assert!(Pattern::new(r"\w{500}{500}").is_err());
    }

    #[test]
    fn a_pattern_that_backtracks_too_much_is_stopped() {
        let pattern = Pattern::new(r"^(a|a)*\1$").unwrap();
        let text = "a".repeat(200) + "b";
        assert!(
            pattern
                .is_match(&text)
                .unwrap_err()
                .contains("more than 100000 steps")
        );
        check("^(a+)+$", &text, false);
        let long = "a".repeat(MAX_BACKTRACKED_BYTES + 1);
        check("(a+)+b", &long, false);
        let pattern = Pattern::new("(?=(a+)+b)c").unwrap();
        assert!(
            pattern
                .is_match(&long)
                .unwrap_err()
                .contains("at most 16384 bytes")
        );
        assert_eq!(pattern.is_match(&long[1..65]), Ok(false));
    }
}
