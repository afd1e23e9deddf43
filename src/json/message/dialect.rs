//! Dialects: how names, nulls and numbers of a message are read.

/// The way in which a message may be written.
#[derive(Debug, Clone, Copy)]
pub struct Dialect {
    pub syntax: Syntax,
    /// Names and their short forms: `key` may be written as `k`.
    pub short_names: &'static [(&'static str, &'static str)],
}

/// The rules by which names, nulls, empty strings and numbers are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Syntax {
    /// JSON without further rules: names are exact, and null, strings and numbers are different types.
    Plain,
    /// Proto's JSON: names may be in `lowerCamelCase`; a null, or an empty string as the value of a string, is the same
    /// as leaving the member out; an integer may be a string, or a float without a fraction.
    Proto,
    /// The parameters of a query string, each of which is a string.
    QueryString,
}

impl Dialect {
    /// JSON without further rules.
    pub const PLAIN: Self = Self::new(Syntax::Plain);
    /// Proto's JSON.
    pub const PROTO: Self = Self::new(Syntax::Proto);
    /// A query string.
    pub const QUERY_STRING: Self = Self::new(Syntax::QueryString);

    const fn new(syntax: Syntax) -> Self {
        Self {
            syntax,
            short_names: &[],
        }
    }

    /// Returns the noun that an error calls a member by.
    pub(super) fn noun(&self) -> &'static str {
        match self.syntax {
            Syntax::Plain | Syntax::Proto => "member",
            Syntax::QueryString => "parameter",
        }
    }

    pub(super) fn is_proto(&self) -> bool {
        self.syntax == Syntax::Proto
    }

    pub(super) fn is_query_string(&self) -> bool {
        self.syntax == Syntax::QueryString
    }

    /// Returns the short form of a name.
    pub(super) fn short_name(&self, name: &str) -> Option<&'static str> {
        let mut names = self.short_names.iter();
        let names = names.find(|(long, _)| *long == name);
        names.map(|(_, short)| *short)
    }
}

/// Reads a boolean of a query string, as Go reads one, and as Python, Java and R write it; `None` where a text is none.
#[must_use]
pub fn parse_boolean(text: &str) -> Option<bool> {
    match text {
        "true" | "True" | "TRUE" | "t" | "T" | "1" => Some(true),
        "false" | "False" | "FALSE" | "f" | "F" | "0" => Some(false),
        _ => None,
    }
}

/// Turns `snake_case` into `lowerCamelCase`.
#[must_use]
pub fn camel_case(name: &str) -> String {
    camel_letters(name).collect()
}

/// Returns the letters of a `snake_case` name in `lowerCamelCase`.
pub(super) fn camel_letters(name: &str) -> impl Iterator<Item = char> {
    let mut begins_word = false;
    name.chars().filter_map(move |letter| {
        if letter == '_' {
            begins_word = true;
            return None;
        }
        let is_first = std::mem::take(&mut begins_word);
        Some(if is_first {
            letter.to_ascii_uppercase()
        } else {
            letter
        })
    })
}
