//! Patterns: the engine of each, and what it answers.

use std::sync::OnceLock;

use super::backtracking::{Backtracking, IsDue};
use super::{linear, words};
use crate::query::limits::MAX_PATTERN_BYTES;

/// What runs a pattern that is not only a choice of words.
#[derive(Debug)]
enum Engine {
    Linear(regex::Regex),
    Backtracking(Backtracking),
}

impl Engine {
    fn new(text: &str) -> Result<Self, String> {
        match linear::compile(text) {
            Some(regex) => Ok(Self::Linear(regex)),
            None => Backtracking::new(text).map(Self::Backtracking),
        }
    }

    fn is_match(&self, text: &str, is_due: IsDue<'_>) -> Result<bool, String> {
        match self {
            Self::Linear(regex) => Ok(regex.is_match(text)),
            Self::Backtracking(pattern) => pattern.is_match(text, is_due),
        }
    }
}

/// A regular expression, unanchored and without regard to case.
#[derive(Debug)]
pub struct Pattern {
    text: String,
    /// The words of a pattern that is only a choice of words: a text matches if it contains one of them.
    words: Option<Vec<String>>,
    /// The compiled pattern. A pattern of words is compiled only when a text is too long or not ASCII.
    engine: OnceLock<Result<Engine, String>>,
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
            .then(|| words::ascii_words(text))
            .flatten();
        let pattern = Self {
            text: text.to_owned(),
            words,
            engine: OnceLock::new(),
        };
        if pattern.words.is_none() {
            pattern.engine()?;
        }
        Ok(pattern)
    }

    fn engine(&self) -> Result<&Engine, String> {
        let engine = self.engine.get_or_init(|| Engine::new(&self.text));
        engine.as_ref().map_err(String::clone)
    }

    /// Whether the pattern matches anywhere in the text.
    ///
    /// # Errors
    /// A sentence, when the pattern backtracks and takes too many steps over this text, or the text is too long for
    /// that.
    pub fn is_match(&self, text: &str, is_due: IsDue<'_>) -> Result<bool, String> {
        let scanned = self
            .words
            .as_ref()
            .and_then(|words| words::contains_any(text, words));
        match scanned {
            Some(is_contained) => Ok(is_contained),
            None => self.engine()?.is_match(text, is_due),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::literal;
    use super::super::words::{MAX_SCANNED_BYTES, MAX_SCANNED_WORDS};
    use super::*;
    use crate::query::limits::MAX_BACKTRACKED_BYTES;

    #[track_caller]
    fn check(pattern: &str, text: &str, expected: bool) {
        assert_eq!(
            Pattern::new(pattern).unwrap().is_match(text, &|| false),
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
            let compiled = Engine::new(text).unwrap();
            let long = "x".repeat(MAX_SCANNED_BYTES) + "KS";
            for text in texts.iter().copied().chain([&*long]) {
                assert_eq!(
                    pattern.is_match(text, &|| false),
                    compiled.is_match(text, &|| false),
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
            assert!(pattern.is_match("é", &|| false).is_ok());
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
                .is_match(&text, &|| false)
                .unwrap_err()
                .contains("more than 100000 steps")
        );
        check("^(a+)+$", &text, false);
        let long = "a".repeat(MAX_BACKTRACKED_BYTES + 1);
        check("(a+)+b", &long, false);
        let pattern = Pattern::new("(?=(a+)+b)c").unwrap();
        assert!(
            pattern
                .is_match(&long, &|| false)
                .unwrap_err()
                .contains("at most 16384 bytes")
        );
        assert_eq!(pattern.is_match(&long[1..65], &|| false), Ok(false));
    }
}
