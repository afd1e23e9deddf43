//! SQL text and its bound values, append-only.
//!
//! The text comes from the program alone: [`Sql::push`] takes `&'static str`, so nothing that a client sent can become
//! SQL. Placeholders are anonymous, so fragments join without renumbering. The same request always gives the same text,
//! which the statement cache needs.

use std::cmp::Ordering;

/// A value that is bound to a statement, or is an argument or result of an SQL function.
#[derive(Debug, Clone, PartialEq)]
pub enum Param {
    Null,
    Integer(i64),
    Real(f64),
    Text(String),
    Blob(Vec<u8>),
}

/// A borrowed [`Param`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ParamRef<'a> {
    Null,
    Integer(i64),
    Real(f64),
    Text(&'a str),
    Blob(&'a [u8]),
}

impl ParamRef<'_> {
    /// Returns the number of bytes of a text or BLOB; 0 for other values.
    #[must_use]
    pub fn size(&self) -> usize {
        match self {
            Self::Null | Self::Integer(_) | Self::Real(_) => 0,
            Self::Text(text) => text.len(),
            Self::Blob(blob) => blob.len(),
        }
    }
}

impl ParamRef<'_> {
    /// Compares two values as SQLite does: NULL < numbers < texts < BLOBs.
    #[must_use]
    pub fn compare(self, other: Self) -> Ordering {
        match (self, other) {
            (Self::Integer(one), Self::Integer(other)) => one.cmp(&other),
            (Self::Text(one), Self::Text(other)) => one.cmp(other),
            (Self::Blob(one), Self::Blob(other)) => one.cmp(other),
            (Self::Real(one), Self::Real(other)) => {
                one.partial_cmp(&other).unwrap_or(Ordering::Equal)
            }
            (Self::Integer(one), Self::Real(other)) => compare_integer_to_real(one, other),
            (Self::Real(one), Self::Integer(other)) => {
                compare_integer_to_real(other, one).reverse()
            }
            (one, other) => one.class().cmp(&other.class()),
        }
    }

    /// Returns the position of the value's storage class among them.
    fn class(self) -> u8 {
        match self {
            Self::Null => 0,
            Self::Integer(_) | Self::Real(_) => 1,
            Self::Text(_) => 2,
            Self::Blob(_) => 3,
        }
    }

    /// Copies the value.
    #[must_use]
    pub fn to_param(self) -> Param {
        match self {
            Self::Null => Param::Null,
            Self::Integer(integer) => Param::Integer(integer),
            Self::Real(real) => Param::Real(real),
            Self::Text(text) => Param::Text(text.to_owned()),
            Self::Blob(blob) => Param::Blob(blob.to_owned()),
        }
    }
}

impl Param {
    /// Borrows the value.
    #[must_use]
    pub fn as_ref(&self) -> ParamRef<'_> {
        match self {
            Self::Null => ParamRef::Null,
            Self::Integer(integer) => ParamRef::Integer(*integer),
            Self::Real(real) => ParamRef::Real(*real),
            Self::Text(text) => ParamRef::Text(text),
            Self::Blob(blob) => ParamRef::Blob(blob),
        }
    }
}

/// Compares an integer with a float exactly, also beyond 2^53, where a cast would round the integer.
#[must_use]
pub(in crate::query) fn compare_integer_to_real(integer: i64, real: f64) -> Ordering {
    #[expect(
        clippy::cast_precision_loss,
        reason = "the rounded value decides unless it equals the float"
    )]
    let rounded = integer as f64;
    match rounded.partial_cmp(&real) {
        Some(Ordering::Equal) => {
            exact_integer(real).map_or(Ordering::Less, |exact| integer.cmp(&exact))
        }
        Some(order) => order,
        None => Ordering::Equal,
    }
}

/// Returns the integer that a float is equal to; `None` where it has a fraction or is outside int64.
pub(in crate::query) fn exact_integer(real: f64) -> Option<i64> {
    const LIMIT: f64 = 9_223_372_036_854_775_808.0; // 2^63
    #[expect(clippy::cast_possible_truncation, reason = "whole and within int64")]
    (real.fract() == 0.0 && (-LIMIT..LIMIT).contains(&real)).then_some(real as i64)
}

impl From<&str> for Param {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}
impl From<String> for Param {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}
impl From<i64> for Param {
    fn from(integer: i64) -> Self {
        Self::Integer(integer)
    }
}

/// A piece of SQL with the values of its placeholders.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Sql {
    text: String,
    params: Vec<Param>,
}

impl Sql {
    /// Begins with text of the program's own.
    #[must_use]
    pub fn new(text: &'static str) -> Self {
        Self {
            text: text.to_owned(),
            params: Vec::new(),
        }
    }

    /// Appends text of the program's own.
    pub fn push(&mut self, text: &'static str) -> &mut Self {
        self.text.push_str(text);
        self
    }

    /// Appends a placeholder and its value.
    pub fn bind(&mut self, value: impl Into<Param>) -> &mut Self {
        self.text.push('?');
        self.params.push(value.into());
        self
    }

    /// Appends another piece.
    pub fn append(&mut self, other: Self) -> &mut Self {
        self.text.push_str(&other.text);
        self.params.extend(other.params);
        self
    }

    /// Appends a number: the ordinal of a stage or column in a name such as `s2` or `c0`.
    pub fn number(&mut self, number: usize) -> &mut Self {
        self.text.push_str(&number.to_string());
        self
    }

    /// Appends the pieces with `separator` between them.
    pub fn join(
        &mut self,
        separator: &'static str,
        pieces: impl IntoIterator<Item = Self>,
    ) -> &mut Self {
        for (index, piece) in pieces.into_iter().enumerate() {
            if index > 0 {
                self.push(separator);
            }
            self.append(piece);
        }
        self
    }

    /// The text, with a `?` for each bound value.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The bound values, in the order of their placeholders.
    #[must_use]
    pub fn params(&self) -> &[Param] {
        &self.params
    }
}
