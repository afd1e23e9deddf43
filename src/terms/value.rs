//! The values of terms: quotes, escapes, and the types that the server compares by.

use serde_json::{Number, Value as Json};

use super::key::Kind;
use super::text::split_unquoted;

/// What a backslash makes of these letters within quotes.
const ESCAPES: [(char, char); 3] = [('n', '\n'), ('r', '\r'), ('t', '\t')];
/// The integers that a number of JavaScript holds exactly.
const MAX_INTEGER: f64 = 9_007_199_254_740_992.0;

/// One of the values of a term.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Value {
    pub(super) text: String,
    pub(super) is_quoted: bool,
}

impl Value {
    /// Reads the values of a term, which are separated by commas; within quotes a comma is part of the text.
    pub(super) fn list(text: &str) -> Vec<Self> {
        let parts = split_unquoted(text, |letter| letter == ',');
        parts.into_iter().map(Self::read).collect()
    }

    fn read(part: &str) -> Self {
        let Some(rest) = part.strip_prefix('"') else {
            return Self {
                text: part.to_owned(),
                is_quoted: false,
            };
        };
        let mut text = String::new();
        let mut letters = rest.strip_suffix('"').unwrap_or(rest).chars();
        while let Some(letter) = letters.next() {
            match (letter, letter == '\\') {
                (_, true) => {
                    let next = letters.next().unwrap_or('\\');
                    let escape = ESCAPES.iter().find(|(name, _)| *name == next);
                    text.push(escape.map_or(next, |(_, meant)| *meant));
                }
                (letter, false) => text.push(letter),
            }
        }
        Self {
            text,
            is_quoted: true,
        }
    }

    /// Returns whether it is `*`, which is any value.
    pub(super) fn is_any(&self) -> bool {
        self.text == "*" && !self.is_quoted
    }

    /// Writes the value as a term has it.
    pub(super) fn write(&self) -> String {
        if self.is_quoted {
            in_quotes(&self.text)
        } else {
            self.text.clone()
        }
    }

    /// Gives the value its type, since the server compares by type; quotes make it a text.
    pub(super) fn typed(&self, kind: Kind) -> Json {
        let text = self.text.as_str();
        let number = || number(text).map(Json::Number);
        match kind {
            Kind::Status => Json::from(text.to_uppercase()),
            Kind::Number => number().unwrap_or_else(|| Json::from(text)),
            _ if self.is_quoted => Json::from(text),
            Kind::Any => match text {
                "true" => Json::Bool(true),
                "false" => Json::Bool(false),
                "null" => Json::Null,
                _ => number().unwrap_or_else(|| Json::from(text)),
            },
            Kind::Text | Kind::Time | Kind::Anywhere => match text {
                "null" => Json::Null,
                _ => Json::from(text),
            },
        }
    }
}

/// Puts a text into quotes.
pub(super) fn in_quotes(text: &str) -> String {
    let mut quoted = String::from('"');
    for letter in text.chars() {
        let escape = ESCAPES.iter().find(|(_, meant)| *meant == letter);
        if let Some((name, _)) = escape {
            quoted.extend(['\\', *name]);
        } else {
            if matches!(letter, '"' | '\\') {
                quoted.push('\\');
            }
            quoted.push(letter);
        }
    }
    quoted.push('"');
    quoted
}

/// Writes a text as the value of a term: in quotes where it would be read as something else.
pub(super) fn quote(text: &str) -> String {
    let is_other = matches!(text, "true" | "false" | "null") || {
        let digits = text.strip_prefix('-').unwrap_or(text);
        !digits.is_empty()
            && digits
                .chars()
                .all(|letter| letter.is_ascii_digit() || letter == '.')
    };
    let is_plain = !text.is_empty()
        && !text.contains(|letter: char| letter.is_whitespace() || "\",*".contains(letter));
    if is_plain && !is_other {
        text.to_owned()
    } else {
        in_quotes(text)
    }
}

/// Reads a number such as `-0.5`; a whole one is an integer.
pub(super) fn number(text: &str) -> Option<Number> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let are_digits =
        |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !are_digits(whole) || !are_digits(fraction) {
        return None;
    }
    let number: f64 = text.parse().ok()?;
    if number.fract() == 0.0 && number.abs() <= MAX_INTEGER {
        // It has no fraction, and is in range.
        #[expect(clippy::cast_possible_truncation, reason = "a whole number in range")]
        return Some(Number::from(number as i64));
    }
    Number::from_f64(number)
}
