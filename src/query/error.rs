//! What can be wrong with a request, as data; `Display` makes the sentence that the client reads.

/// A fault in a request. `place` is the dotted path of the faulty member, such as `query.filter[2].v`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// SpaceONE's own wording, which its clients know.
    #[error("Required parameter. (key = {key})")]
    Required { key: String },
    #[error("the body is not JSON: {problem}")]
    Json { problem: String },
    #[error("{place}: expected {expected}, found {found}")]
    Type {
        place: String,
        expected: &'static str,
        found: &'static str,
    },
    #[error("{place}: {problem}")]
    Parameter { place: String, problem: String },
    #[error("{place}: operator `{operator}` takes a list, found {found}")]
    ListExpected {
        place: String,
        operator: &'static str,
        found: &'static str,
    },
    #[error("{place}: operator `{operator}` takes one value, found a list")]
    SingleExpected {
        place: String,
        operator: &'static str,
    },
    #[error("{place}: operator `{operator}` takes true or false, found {found}")]
    BooleanExpected {
        place: String,
        operator: &'static str,
        found: &'static str,
    },
    #[error("{place}: operator `{operator}` takes an object, found {found}")]
    ObjectExpected {
        place: String,
        operator: &'static str,
        found: &'static str,
    },
    /// The request is well formed, but the query language has no such thing.
    #[error("{place}: {problem}")]
    Language { place: String, problem: String },
    /// The same, found only when the query ran over a job's values.
    #[error("{problem}")]
    Evaluation { problem: String },
}

/// The member of `names` that is most like `name`, if any is near.
#[must_use]
pub fn nearest<'a>(name: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    const NEAR: f64 = 0.6;
    names
        .into_iter()
        .map(|candidate| {
            (
                strsim::normalized_damerau_levenshtein(name, candidate),
                candidate,
            )
        })
        .filter(|(similarity, _)| *similarity >= NEAR)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate)
}

/// Says that a name is unknown, with the nearest of `names`, or all of them where none is near.
pub(crate) fn unknown(noun: &str, name: &str, names: &[&str]) -> String {
    const SHOWN_BYTES: usize = 64;
    let shown: String = name.chars().take(SHOWN_BYTES).collect();
    match nearest(name, names.iter().copied()) {
        Some(near) => format!("unknown {noun} `{shown}`; did you mean `{near}`?"),
        None => format!("unknown {noun} `{shown}`; known are {}", names.join(", ")),
    }
}
