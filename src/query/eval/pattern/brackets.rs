//! Sets of characters: bracket expressions, and the classes `\d`, `\s` and `\w`.
//!
//! A set is worked out here, case folding included, and written as plain ranges. So no other dialect's rules about what
//! is special in brackets matter.

use std::fmt::Write as _;

use regex_syntax::hir::{ClassUnicode, ClassUnicodeRange};

use super::letters::Letters;

const DIGITS: [(char, char); 1] = [('0', '9')];
const SPACES: [(char, char); 2] = [('\t', '\r'), (' ', ' ')];
const WORD: [(char, char); 4] = [('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z')];

/// A set of characters that is matched as it is, without regard to the case of the pattern.
#[derive(Debug, Clone)]
pub(super) struct Set(ClassUnicode);

impl Set {
    /// Returns the set of the class that a letter names after a backslash: `d`, `s`, `w`, or the opposite, `D`, `S`,
    /// `W`.
    ///
    /// Rule: without UCP the classes know ASCII alone, and case folding does not widen them: `\w` is not the Kelvin
    /// sign.
    pub(super) fn class(letter: char) -> Option<Self> {
        let ranges: &[_] = match letter.to_ascii_lowercase() {
            'd' => &DIGITS,
            's' => &SPACES,
            'w' => &WORD,
            _ => return None,
        };
        let mut set = set_of(ranges);
        if letter.is_ascii_uppercase() {
            set.negate();
        }
        Some(Self(set))
    }

    /// Parses a bracket expression, the `[` before it already read. `None` if it has what is not surely the same in both
    /// dialects.
    pub(super) fn bracket(letters: &mut Letters<'_>) -> Option<Self> {
        // PCRE2 takes `[:alpha:]` without brackets around it for a mistake.
        if matches!(letters.peek(), Some(':' | '.' | '=')) {
            return None;
        }
        let is_negated = letters.skip('^');
        let mut folded = Vec::new();
        let mut classes = ClassUnicode::empty();
        let mut is_first = true;
        loop {
            let item = match letters.next()? {
                ']' if !is_first => break,
                '-' if !is_first && letters.peek() != Some(']') => return None,
                '[' if letters.peek() == Some(':') => Item::Class(Self::posix(letters)?),
                '[' if matches!(letters.peek(), Some('.' | '=')) => return None,
                '\\' => escaped(letters)?,
                plain => Item::Letter(plain),
            };
            is_first = false;
            match item {
                Item::Class(Self(class)) => {
                    let is_before_hyphen =
                        letters.peek() == Some('-') && letters.peek_second() != Some(']');
                    if is_before_hyphen {
                        return None;
                    }
                    classes.union(&class);
                }
                Item::Letter(from) => {
                    let to = range_end(from, letters)?;
                    folded.push((from, to));
                }
            }
        }
        let mut set = set_of(&folded);
        set.try_case_fold_simple().ok()?;
        set.union(&classes);
        if is_negated {
            set.negate();
        }
        (!set.ranges().is_empty()).then_some(Self(set))
    }

    /// Parses a POSIX class such as `[:alpha:]`, the `[` before it already read.
    ///
    /// Rule: like `\w`, they know ASCII alone; without regard to case, `upper` and `lower` are `alpha`.
    fn posix(letters: &mut Letters<'_>) -> Option<Self> {
        letters.skip(':');
        let is_negated = letters.skip('^');
        let mut name = String::new();
        while !letters.skip(':') {
            name.push(letters.next().filter(char::is_ascii_lowercase)?);
        }
        let ranges: &[_] = match (letters.skip(']'), name.as_str()) {
            (true, "alpha" | "lower" | "upper") => &[('A', 'Z'), ('a', 'z')],
            (true, "alnum") => &[('0', '9'), ('A', 'Z'), ('a', 'z')],
            (true, "digit") => &DIGITS,
            (true, "space") => &SPACES,
            (true, "word") => &WORD,
            (true, "xdigit") => &[('0', '9'), ('A', 'F'), ('a', 'f')],
            _ => return None,
        };
        let mut set = set_of(ranges);
        if is_negated {
            set.negate();
        }
        Some(Self(set))
    }

    /// Writes the set in the syntax of the `regex` crate.
    pub(super) fn write(&self, out: &mut String) {
        out.push_str("(?-i:[");
        for range in self.0.ranges() {
            let (start, end) = (u32::from(range.start()), u32::from(range.end()));
            // Writing to a text cannot fail.
            let _ = write!(out, r"\x{{{start:x}}}-\x{{{end:x}}}");
        }
        out.push_str("])");
    }
}

/// One item of a bracket expression.
enum Item {
    Letter(char),
    Class(Set),
}

/// Reads the end of a range that begins with a letter. Without a hyphen the range is that letter.
fn range_end(from: char, letters: &mut Letters<'_>) -> Option<char> {
    if letters.peek() != Some('-') || letters.peek_second() == Some(']') {
        return Some(from);
    }
    letters.next();
    let to = match letters.next()? {
        '\\' => match escaped(letters)? {
            Item::Letter(letter) => letter,
            Item::Class(_) => return None,
        },
        '[' if matches!(letters.peek(), Some(':' | '.' | '=')) => return None,
        plain => plain,
    };
    // Another hyphen after a range is a matter of taste in each dialect.
    let is_clear =
        from <= to && (letters.peek() != Some('-') || letters.peek_second() == Some(']'));
    is_clear.then_some(to)
}

/// Reads what follows a backslash within brackets.
fn escaped(letters: &mut Letters<'_>) -> Option<Item> {
    let letter = letters.next()?;
    if letter == 'b' {
        return Some(Item::Letter('\u{8}'));
    }
    match Set::class(letter) {
        Some(class) => Some(Item::Class(class)),
        None => letters.escaped_letter(letter).map(Item::Letter),
    }
}

fn set_of(ranges: &[(char, char)]) -> ClassUnicode {
    ClassUnicode::new(
        ranges
            .iter()
            .map(|(from, to)| ClassUnicodeRange::new(*from, *to)),
    )
}
