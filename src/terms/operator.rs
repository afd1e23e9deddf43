//! The kinds of items, and the words that are operators.

/// What an item is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ItemKind {
    Term,
    Word,
    And,
    Or,
    Not,
    Open,
    Close,
}

/// Returns the operator that a word is; in lower case it is one only between terms.
pub(super) fn operator(word: &str) -> Option<ItemKind> {
    match word {
        "AND" | "&&" | "and" => Some(ItemKind::And),
        "OR" | "||" | "|" | "or" => Some(ItemKind::Or),
        "NOT" | "!" | "not" => Some(ItemKind::Not),
        _ => None,
    }
}

/// Returns whether a word is an operator wherever it is.
pub(super) fn is_operator(word: &str) -> bool {
    operator(word).is_some() && !is_lower(word)
}

/// Returns whether a word is an operator only between terms.
pub(super) fn is_lower(word: &str) -> bool {
    matches!(word, "and" | "or" | "not")
}
