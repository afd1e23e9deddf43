//! Reads a pattern letter by letter.

use std::iter::Peekable;
use std::str::Chars;

/// The most repetitions that PCRE2 allows.
const MAX_REPETITIONS: u32 = 65_535;

/// The letters of a pattern that are still to be read.
pub(super) struct Letters<'t>(Peekable<Chars<'t>>);

impl<'t> Letters<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self(text.chars().peekable())
    }

    pub(super) fn next(&mut self) -> Option<char> {
        self.0.next()
    }

    pub(super) fn peek(&mut self) -> Option<char> {
        self.0.peek().copied()
    }

    pub(super) fn peek_second(&self) -> Option<char> {
        self.0.clone().nth(1)
    }

    /// Reads the next letter if it is this one.
    pub(super) fn skip(&mut self, letter: char) -> bool {
        self.0.next_if_eq(&letter).is_some()
    }

    /// Returns the character that an escape means, the letter after the backslash already read.
    pub(super) fn escaped_letter(&mut self, letter: char) -> Option<char> {
        match letter {
            'a' => Some('\u{7}'),
            'e' => Some('\u{1b}'),
            'f' => Some('\u{c}'),
            'n' => Some('\n'),
            'r' => Some('\r'),
            't' => Some('\t'),
            'x' => {
                let high = self.next()?.to_digit(16)?;
                let low = self.next()?.to_digit(16)?;
                char::from_u32(high * 16 + low)
            }
            punctuation if punctuation.is_ascii_punctuation() || punctuation == ' ' => {
                Some(punctuation)
            }
            _ => None,
        }
    }

    /// Reads the number of a quantifier, if it is one that PCRE2 allows.
    pub(super) fn number(&mut self) -> Option<u32> {
        let mut digits = String::new();
        while let Some(digit) = self.0.next_if(char::is_ascii_digit) {
            digits.push(digit);
        }
        let number = digits.parse().ok()?;
        (number <= MAX_REPETITIONS).then_some(number)
    }
}
