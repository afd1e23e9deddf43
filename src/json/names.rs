//! Error texts for unknown names: "did you mean".

/// Returns the candidate most similar to `name`, if any is similar enough.
#[must_use]
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    const MIN_SIMILARITY: f64 = 0.6;
    // Of a longer name, more than that must be different; comparing it could take long.
    let may_be_similar = |candidate: &&str| name.len() <= 8 * candidate.len();
    candidates
        .into_iter()
        .filter(may_be_similar)
        .map(|candidate| {
            (
                strsim::normalized_damerau_levenshtein(name, candidate),
                candidate,
            )
        })
        .filter(|(similarity, _)| *similarity >= MIN_SIMILARITY)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate)
}

/// Returns the error text for an unknown name. It suggests the nearest known name, or lists all of them.
#[must_use]
pub fn unknown(noun: &str, name: &str, known: &[&str]) -> String {
    let shown = shortened(name);
    match nearest(name, known.iter().copied()) {
        Some(near) => format!("unknown {noun} `{shown}`; did you mean `{near}`?"),
        None => format!("unknown {noun} `{shown}`; known are {}", known.join(", ")),
    }
}

/// Cuts a text that a client sent to the length at which an error message repeats it.
#[must_use]
pub fn shortened(text: &str) -> String {
    const MAX_SHOWN_CHARS: usize = 64;
    text.chars().take(MAX_SHOWN_CHARS).collect()
}
