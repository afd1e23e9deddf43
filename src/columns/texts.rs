//! Columns of texts: each different text once, and for each job the number of its text.
//!
//! The bytes: the number of different texts (4 bytes, little-endian), each as its length (4 bytes) and its UTF-8 bytes, in
//! ascending order, then the numbers as a column of numbers. A job without a text has no number.

use std::collections::BTreeSet;

use super::damaged::Damaged;
use super::numbers::{self, NULL, Numbers, push_length, take_length};

/// Appends a column to a block.
pub(super) fn encode(values: &[Option<&str>], out: &mut Vec<u8>) {
    let mut texts: Vec<&str> = Vec::new();
    // Neighbours often have the same text, and most columns have few.
    let mut different: BTreeSet<&str> = BTreeSet::new();
    let mut last = None;
    for value in values.iter().flatten() {
        if last != Some(*value) {
            different.insert(value);
            last = Some(value);
        }
    }
    texts.extend(different);
    push_length(texts.len(), out);
    for text in &texts {
        push_length(text.len(), out);
        out.extend(text.as_bytes());
    }
    let number = |text: &str| {
        let number = texts.binary_search(&text).unwrap_or_default();
        i64::try_from(number).unwrap_or_default()
    };
    let numbers: Vec<_> = values.iter().map(|value| value.map(number)).collect();
    numbers::encode(&numbers, out);
}

/// A column of texts in a block.
#[derive(Debug, Clone, Default)]
pub struct Dictionary<'b> {
    texts: Vec<&'b str>,
    numbers: Numbers<'b>,
}

impl<'b> Dictionary<'b> {
    /// Takes a column of `count` values from the beginning of `bytes`.
    pub(super) fn take(bytes: &mut &'b [u8], count: usize) -> Result<Self, Damaged> {
        let different = take_length(bytes)?;
        if different > count {
            return Err(Damaged);
        }
        let mut texts = Vec::with_capacity(different);
        for _ in 0..different {
            let length = take_length(bytes)?;
            let (text, rest) = bytes.split_at_checked(length).ok_or(Damaged)?;
            *bytes = rest;
            texts.push(std::str::from_utf8(text).ok().ok_or(Damaged)?);
        }
        let numbers = Numbers::take(bytes, count)?;
        Ok(Self { texts, numbers })
    }

    /// The different texts, ascending.
    #[must_use]
    pub fn texts(&self) -> &[&'b str] {
        &self.texts
    }

    /// Returns the text at an index that [`Dictionary::indexes`] gives; `None` for that of a missing text.
    #[must_use]
    pub fn text(&self, index: i64) -> Option<&'b str> {
        let index = usize::try_from(index).ok()?;
        self.texts.get(index).copied()
    }

    /// Decodes for each job the index of its text into `out`; for a job without a text, or with an index that a damaged
    /// block has too large, it is the number of texts.
    pub fn indexes(&self, out: &mut Vec<i64>) {
        self.numbers.decode(out);
        let none = i64::try_from(self.texts.len()).unwrap_or(i64::MAX);
        for index in out {
            if *index == NULL || !(0..none).contains(index) {
                *index = none;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_different_text_is_stored_once() {
        let values = [Some("b"), None, Some("a"), Some("b"), Some("")];
        let mut bytes = Vec::new();
        encode(&values, &mut bytes);
        let mut rest = bytes.as_slice();
        let column = Dictionary::take(&mut rest, values.len()).unwrap();
        assert!(rest.is_empty());
        assert_eq!(column.texts(), ["", "a", "b"]);
        let mut indexes = Vec::new();
        column.indexes(&mut indexes);
        assert_eq!(indexes, [2, 3, 1, 2, 0]);
        for length in 0..bytes.len() {
            assert!(Dictionary::take(&mut &bytes[..length], values.len()).is_err());
        }
    }
}
