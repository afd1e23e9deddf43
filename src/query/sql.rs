//! SQL text and its bound values, append-only.
//!
//! The text comes from the program alone: [`Sql::push`] takes `&'static str`, so nothing that a client sent can become
//! SQL. Placeholders are anonymous, so fragments join without renumbering. The same request always gives the same text,
//! which the statement cache needs.

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
