//! Reads the members of one JSON object of a request, so that no member is overlooked.
//!
//! Names are read in `snake_case` and `lowerCamelCase`; of two spellings of one member only one may be given; a null is
//! the same as leaving the member out; what was not asked for is an error in the end ([`Members::finish`]).

use serde_json::{Map, Value};

use crate::json::type_name;
use crate::query::error::{QueryError, unknown};

/// Which error a fault in the object is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ErrorKind {
    /// A parameter of the request.
    Parameter,
    /// A part of the statistics language, where SpaceONE answers `ERROR_DB_QUERY` to everything.
    Language,
}

/// An object being read, and where it stands in the request.
pub(crate) struct Members<'v> {
    object: &'v Map<String, Value>,
    place: String,
    fault: ErrorKind,
    known: Vec<&'static str>,
}

impl<'v> Members<'v> {
    pub(crate) fn new(value: &'v Value, place: &str, fault: ErrorKind) -> Result<Self, QueryError> {
        match value {
            Value::Object(object) => Ok(Self {
                object,
                place: place.to_owned(),
                fault,
                known: Vec::new(),
            }),
            other => Err(wrong_type(fault, place, "an object", other)),
        }
    }

    /// The place of a member, for errors.
    pub(crate) fn place_of(&self, name: &str) -> String {
        if self.place.is_empty() {
            name.to_owned()
        } else {
            [&self.place, ".", name].concat()
        }
    }

    /// The member under any of its `spellings`, nulls too.
    pub(crate) fn raw(
        &mut self,
        spellings: &[&'static str],
    ) -> Result<Option<(&'v Value, String)>, QueryError> {
        self.known.extend(spellings);
        let mut found: Option<(&'v Value, &'v str)> = None;
        for name in spellings {
            let in_snake_case = self.given(|given| given == *name);
            let in_camel_case = name
                .contains('_')
                .then(|| self.given(|given| camel_letters(name).eq(given.chars())));
            for (spelling, value) in in_snake_case.into_iter().chain(in_camel_case.flatten()) {
                if let Some((_, first)) = &found {
                    let problem = format!(
                        "given as well as `{first}`, which is the same member; give one of them"
                    );
                    return Err(self.problem(spelling, problem));
                }
                found = Some((value, spelling));
            }
        }
        Ok(found.map(|(value, spelling)| (value, self.place_of(spelling))))
    }

    /// The member whose name passes. The few members of a request are looked through sooner than a name is hashed.
    fn given(&self, passes: impl Fn(&str) -> bool) -> Option<(&'v String, &'v Value)> {
        self.object.iter().find(|(given, _)| passes(given))
    }

    /// The member, unless it is null.
    pub(crate) fn value(
        &mut self,
        spellings: &[&'static str],
    ) -> Result<Option<(&'v Value, String)>, QueryError> {
        Ok(self.raw(spellings)?.filter(|(value, _)| !value.is_null()))
    }

    /// A string; the empty string is the same as leaving the member out.
    pub(crate) fn string(
        &mut self,
        spellings: &[&'static str],
    ) -> Result<Option<(&'v str, String)>, QueryError> {
        match self.value(spellings)? {
            None => Ok(None),
            Some((Value::String(text), place)) => Ok((!text.is_empty()).then_some((text, place))),
            Some((other, place)) => Err(wrong_type(self.fault, &place, "a string", other)),
        }
    }

    pub(crate) fn boolean(&mut self, name: &'static str) -> Result<bool, QueryError> {
        match self.value(&[name])? {
            None => Ok(false),
            Some((Value::Bool(boolean), _)) => Ok(*boolean),
            Some((other, place)) => Err(wrong_type(self.fault, &place, "true or false", other)),
        }
    }

    /// An integer, which may come as a string, as proto's JSON has it.
    pub(crate) fn integer(
        &mut self,
        name: &'static str,
    ) -> Result<Option<(i64, String)>, QueryError> {
        let Some((value, place)) = self.value(&[name])? else {
            return Ok(None);
        };
        if value == "" {
            return Ok(None);
        }
        match as_integer(value) {
            Some(integer) => Ok(Some((integer, place))),
            None => Err(wrong_type(self.fault, &place, "an integer", value)),
        }
    }

    /// The items of an array with their places; at most `limit` of them.
    pub(crate) fn array(
        &mut self,
        name: &'static str,
        limit: usize,
    ) -> Result<Vec<(&'v Value, String)>, QueryError> {
        let Some((value, place)) = self.value(&[name])? else {
            return Ok(Vec::new());
        };
        let Value::Array(items) = value else {
            return Err(wrong_type(self.fault, &place, "a list", value));
        };
        if items.len() > limit {
            return Err(fault(
                self.fault,
                &place,
                format!("has {} items, at most {limit} are allowed", items.len()),
            ));
        }
        Ok(items
            .iter()
            .enumerate()
            .map(|(index, item)| (item, place_of_item(&place, index)))
            .collect())
    }

    /// Refuses a member that nothing asked for.
    pub(crate) fn finish(self) -> Result<(), QueryError> {
        let is_known = |name: &String| {
            self.known
                .iter()
                .any(|known| name == known || camel_letters(known).eq(name.chars()))
        };
        match self.object.keys().find(|name| !is_known(name)) {
            None => Ok(()),
            Some(name) => Err(self.problem(
                &name.chars().take(64).collect::<String>(),
                unknown("member", name, &self.known),
            )),
        }
    }

    /// A fault of this object's kind at one of its members.
    pub(crate) fn problem(&self, name: &str, problem: impl Into<String>) -> QueryError {
        fault(self.fault, &self.place_of(name), problem)
    }

    /// The fault that a member is missing.
    pub(crate) fn required(&self, name: &str) -> QueryError {
        fault(ErrorKind::Language, &self.place_of(name), "is required")
    }
}

/// The place of an item of a list, for errors.
pub(crate) fn place_of_item(place: &str, index: usize) -> String {
    [place, "[", &index.to_string(), "]"].concat()
}

pub(crate) fn fault(fault: ErrorKind, place: &str, problem: impl Into<String>) -> QueryError {
    let (place, problem) = (place.to_owned(), problem.into());
    match fault {
        ErrorKind::Parameter => QueryError::Parameter { place, problem },
        ErrorKind::Language => QueryError::Language { place, problem },
    }
}

pub(crate) fn wrong_type(
    kind: ErrorKind,
    place: &str,
    expected: &'static str,
    found: &Value,
) -> QueryError {
    let found = type_name(found);
    match kind {
        ErrorKind::Parameter => QueryError::Type {
            place: place.to_owned(),
            expected,
            found,
        },
        ErrorKind::Language => fault(kind, place, format!("expected {expected}, found {found}")),
    }
}

/// An integer, a float without fraction, or either as a string.
pub(crate) fn as_integer(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => number.as_i64().or_else(|| {
            let float = number.as_f64()?;
            #[expect(clippy::cast_possible_truncation, reason = "whole and within 2^53")]
            (float.fract() == 0.0 && float.abs() < 9e15).then_some(float as i64)
        }),
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
}

/// `snake_case` in `lowerCamelCase`.
pub(crate) fn camel_case(name: &str) -> String {
    camel_letters(name).collect()
}

fn camel_letters(name: &str) -> impl Iterator<Item = char> {
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
