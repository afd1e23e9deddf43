//! The error of reading a message, and the location of the value in question.

use std::borrow::Cow;
use std::fmt::{self, Write as _};

use serde::de::{self, Expected, Unexpected};

use crate::json::names::{shortened, unknown};

/// An error of a message: a problem and its location.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadError {
    steps: Vec<Step>,
    /// Whether the steps begin at the root.
    is_located: bool,
    pub(super) problem: Problem,
}

/// A step from a value to one inside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// The member of an object, as the client spelt it.
    Member(String),
    /// The item of a list, counted from 0.
    Item(usize),
}

/// What is wrong with a value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// The member is required.
    #[error("is required")]
    Missing,
    #[error("expected {expected}, found {found}")]
    WrongType {
        expected: Cow<'static, str>,
        found: Cow<'static, str>,
    },
    /// A string that is not one of an enum's names; the text suggests the nearest name.
    #[error("{0}")]
    UnknownName(String),
    #[error("{0}")]
    Other(String),
}

impl ReadError {
    pub(super) fn new(problem: Problem) -> Self {
        Self {
            steps: Vec::new(),
            is_located: false,
            problem,
        }
    }

    pub(super) fn other(problem: impl Into<String>) -> Self {
        Self::new(Problem::Other(problem.into()))
    }

    /// An error at a member of the value that is being read.
    pub(super) fn at_member(name: &str, problem: Problem) -> Self {
        Self {
            steps: vec![Step::Member(shortened(name))],
            ..Self::new(problem)
        }
    }

    /// Sets the location of the error, unless a value inside has set it already.
    pub(super) fn at(mut self, location: Location<'_>) -> Self {
        if !self.is_located {
            // A missing member or unknown name is reported under the long name of the member.
            let is_about_name = matches!(self.problem, Problem::Missing | Problem::UnknownName(_));
            let mut steps = location.steps(is_about_name && self.steps.is_empty());
            steps.append(&mut self.steps);
            self.steps = steps;
            self.is_located = true;
        }
        self
    }

    /// The steps from the message to the value.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// Returns the steps as a text, such as `query.filter[2].v`; empty for the message itself.
    #[must_use]
    pub fn location(&self) -> String {
        let mut location = String::new();
        for step in &self.steps {
            match step {
                Step::Member(name) => push_member(&mut location, name),
                Step::Item(index) => push_item(&mut location, *index),
            }
        }
        location
    }

    /// The problem at that location.
    #[must_use]
    pub fn problem(&self) -> &Problem {
        &self.problem
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.steps.is_empty() {
            write!(f, "{}: ", self.location())?;
        }
        self.problem.fmt(f)
    }
}

impl std::error::Error for ReadError {}

impl de::Error for ReadError {
    fn custom<T: fmt::Display>(problem: T) -> Self {
        Self::other(problem.to_string())
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        let found = match found {
            Unexpected::Bool(_) => "a boolean",
            Unexpected::Unsigned(_) | Unexpected::Signed(_) | Unexpected::Float(_) => "a number",
            Unexpected::Str(_) | Unexpected::Char(_) | Unexpected::UnitVariant => "a string",
            Unexpected::Unit | Unexpected::Option => "null",
            Unexpected::Seq => "an array",
            _ => "an object",
        };
        Self::new(Problem::WrongType {
            expected: expected.to_string().into(),
            found: found.into(),
        })
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        let shown = match found {
            Unexpected::Str(text) => format!("`{}`", shortened(text)),
            Unexpected::Signed(integer) => integer.to_string(),
            Unexpected::Unsigned(integer) => integer.to_string(),
            Unexpected::Float(float) => float.to_string(),
            other => return Self::invalid_type(other, expected),
        };
        Self::new(Problem::WrongType {
            expected: expected.to_string().into(),
            found: shown.into(),
        })
    }

    fn unknown_variant(name: &str, known: &'static [&'static str]) -> Self {
        Self::new(Problem::UnknownName(unknown("value", name, known)))
    }

    fn unknown_field(name: &str, known: &'static [&'static str]) -> Self {
        let problem = Problem::Other(unknown("member", name, known));
        Self::at_member(name, problem)
    }

    fn missing_field(name: &'static str) -> Self {
        Self::at_member(name, Problem::Missing)
    }
}

/// The location of a value in its message, linked to the location of the value around it.
///
/// It lives on the stack, so nothing is allocated until there is an error.
#[derive(Clone, Copy)]
pub(super) enum Location<'p> {
    Root,
    Member {
        of: &'p Location<'p>,
        spelt: &'p str,
        /// The struct's field; `None` where the names of the members are data.
        field: Option<&'p str>,
    },
    Item {
        of: &'p Location<'p>,
        index: usize,
    },
}

impl Location<'_> {
    /// Returns the steps from the message. With `ends_in_name` the last one is the long name of the field.
    fn steps(self, ends_in_name: bool) -> Vec<Step> {
        let (of, step) = match self {
            Self::Root => return Vec::new(),
            Self::Member { of, spelt, field } => {
                let field = field.filter(|_| ends_in_name);
                let name = field.unwrap_or(spelt);
                (of, Step::Member(shortened(name)))
            }
            Self::Item { of, index } => (of, Step::Item(index)),
        };
        let mut steps = of.steps(false);
        steps.push(step);
        steps
    }

    /// Appends the location as a text.
    pub(super) fn write(self, out: &mut String) {
        match self {
            Self::Root => {}
            Self::Member { of, spelt, .. } => {
                of.write(out);
                push_member(out, spelt);
            }
            Self::Item { of, index } => {
                of.write(out);
                push_item(out, index);
            }
        }
    }
}

fn push_member(location: &mut String, name: &str) {
    if !location.is_empty() {
        location.push('.');
    }
    location.push_str(name);
}

fn push_item(location: &mut String, index: usize) {
    // Writing to a String can't fail.
    let _ = write!(location, "[{index}]");
}
