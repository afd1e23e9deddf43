//! The escapes in cells, and their inverse.
//!
//! Both escapes add one character to the escapes of the same kind that a text has already, and reading takes one away. So
//! every text comes back, and one that needs no escape stays as it is.

use std::borrow::Cow;

/// Separates the codes, or the messages, of several errors.
const SEPARATOR: &str = "|";

/// Puts an apostrophe before a cell that a spreadsheet would read as a formula, so that it stays a text.
///
/// Rule: OWASP, "CSV Injection": cells that begin with `=`, `+`, `-`, `@`, a tab or an end of line; and the full-width
/// forms, which some programs read as the same. Numbers that jobdeck writes are left as they are.
pub(super) fn escape_formula(cell: &str) -> Cow<'_, str> {
    if begins_as_formula(cell) {
        Cow::Owned(format!("'{cell}"))
    } else {
        Cow::Borrowed(cell)
    }
}

/// Takes the apostrophe away that [`escape_formula`] adds.
pub(in crate::transfer) fn unescape_formula(cell: &str) -> &str {
    match cell.strip_prefix('\'') {
        Some(rest) if begins_as_formula(rest) => rest,
        _ => cell,
    }
}

/// Whether a text begins as a formula, perhaps behind apostrophes.
fn begins_as_formula(cell: &str) -> bool {
    cell.trim_start_matches('\'')
        .starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'])
}

/// Joins texts by ` | `. A word `|` of a text becomes `\|`, and `\|` becomes `\\|`.
pub(super) fn join<'t>(texts: impl Iterator<Item = &'t str>) -> String {
    let mut joined = String::new();
    for (number, text) in texts.enumerate() {
        if number > 0 {
            joined.push_str(" | ");
        }
        for (number, word) in text.split(' ').enumerate() {
            if number > 0 {
                joined.push(' ');
            }
            if is_bar(word) {
                joined.push('\\');
            }
            joined.push_str(word);
        }
    }
    joined
}

/// Splits what [`join`] joins.
pub(in crate::transfer) fn split(joined: &str) -> Vec<String> {
    let mut texts = Vec::new();
    let mut words: Vec<&str> = Vec::new();
    for word in joined.split(' ') {
        if word == SEPARATOR {
            texts.push(words.join(" "));
            words.clear();
        } else {
            let is_escaped = is_bar(word);
            words.push(if is_escaped { &word[1..] } else { word });
        }
    }
    texts.push(words.join(" "));
    texts
}

/// Whether a word is a separator, or one that is escaped.
fn is_bar(word: &str) -> bool {
    word.trim_start_matches('\\') == SEPARATOR
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_cell_is_never_a_formula() {
        for (text, expected) in [
            ("=1+1", "'=1+1"),
            ("+1", "'+1"),
            ("-1", "'-1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\t=1", "'\t=1"),
            ("\r=1", "'\r=1"),
            ("\n=1", "'\n=1"),
            ("＝1", "'＝1"),
            ("'=1", "''=1"),
            ("''=1", "'''=1"),
            ("1=1", "1=1"),
            ("'quoted'", "'quoted'"),
            ("'", "'"),
            ("", ""),
        ] {
            assert_eq!(escape_formula(text), expected);
            assert_eq!(unescape_formula(expected), text);
        }
    }

    #[test]
    fn texts_are_joined_and_split() {
        for (texts, expected) in [
            (&["a"][..], "a"),
            (&["a", "b"], "a | b"),
            (&["", ""], " | "),
            (&[""], ""),
            (&["a | b", "c"], r"a \| b | c"),
            (&["a |", "| b"], r"a \| | \| b"),
            (&["|", r"\|", r"\\|"], r"\| | \\| | \\\|"),
            (&["a|b", "a| b", "|| ||"], "a|b | a| b | || ||"),
            (&["two  spaces ", " x"], "two  spaces  |  x"),
            (&["a\n|\nb"], "a\n|\nb"),
        ] {
            assert_eq!(join(texts.iter().copied()), expected);
            assert_eq!(split(expected), texts);
        }
    }

    proptest! {
        #[test]
        fn every_text_comes_back(texts in prop::collection::vec(r"[ |\\'=a\n-]{0,8}", 1..4)) {
            let joined = join(texts.iter().map(String::as_str));
            let cell = escape_formula(&joined);
            prop_assert_eq!(split(unescape_formula(&cell)), texts);
        }
    }
}
