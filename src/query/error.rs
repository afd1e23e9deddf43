//! The errors of a request, as data; `Display` makes the sentence that the client reads.
//!
//! A `location`, in all modules of the query language, is the dotted path of a member in the request, spelt as the
//! client spelt it: `query.filter[2].v`. A path into a job is a `path`.

/// An error of a request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// A required member is missing. The text is SpaceONE's own, which its clients know.
    #[error("Required parameter. (key = {key})")]
    Required { key: String },
    #[error("the body is not JSON: {problem}")]
    Json { problem: String },
    /// A value has another type than its member takes.
    #[error("{location}: {problem}")]
    Type { location: String, problem: String },
    #[error("{location}: {problem}")]
    Parameter { location: String, problem: String },
    #[error("{location}: operator `{operator}` takes a list, found {found}")]
    ListExpected {
        location: String,
        operator: String,
        found: &'static str,
    },
    #[error("{location}: operator `{operator}` takes one value, found a list")]
    SingleExpected { location: String, operator: String },
    #[error("{location}: operator `{operator}` takes true or false, found {found}")]
    BooleanExpected {
        location: String,
        operator: String,
        found: &'static str,
    },
    #[error("{location}: operator `{operator}` takes an object, found {found}")]
    ObjectExpected {
        location: String,
        operator: String,
        found: &'static str,
    },
    /// The request is well formed, but the query language does not have what it names.
    #[error("{location}: {problem}")]
    Language { location: String, problem: String },
    /// A value of a job is wrong for the query. This shows only when the query runs.
    #[error("{problem}")]
    Evaluation { problem: String },
}

impl QueryError {
    /// Returns the location of the error; `None` where it has none.
    pub(super) fn location_mut(&mut self) -> Option<&mut String> {
        match self {
            Self::Required { key: location }
            | Self::Type { location, .. }
            | Self::Parameter { location, .. }
            | Self::ListExpected { location, .. }
            | Self::SingleExpected { location, .. }
            | Self::BooleanExpected { location, .. }
            | Self::ObjectExpected { location, .. }
            | Self::Language { location, .. } => Some(location),
            Self::Json { .. } | Self::Evaluation { .. } => None,
        }
    }
}
