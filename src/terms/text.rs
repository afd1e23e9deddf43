//! Texts with quotes: where a quote ends, and what spaces divide.

/// Whether a letter may be part of a key.
pub(super) fn is_key_letter(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || matches!(letter, '_' | '.' | '-')
}

/// Whether a key may begin with a letter.
pub(super) fn starts_key(letter: char) -> bool {
    letter.is_ascii_alphabetic() || letter == '_'
}

/// Returns where the quoted text that begins a text ends, in bytes: after its second quotation mark, or at the end.
pub(super) fn quote_end(text: &str) -> usize {
    let mut letters = text.char_indices().skip(1);
    while let Some((index, letter)) = letters.next() {
        match letter {
            '"' => return index + 1,
            '\\' => drop(letters.next()),
            _ => {}
        }
    }
    text.len()
}

/// Divides a text at the letters for which `divides` holds, but not within quotes; leaves out empty parts.
pub(super) fn split_unquoted(text: &str, divides: impl Fn(char) -> bool) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut start, mut at) = (0, 0);
    while let Some(letter) = text[at..].chars().next() {
        if letter == '"' {
            at += quote_end(&text[at..]);
        } else {
            if divides(letter) {
                parts.push(&text[start..at]);
                start = at + letter.len_utf8();
            }
            at += letter.len_utf8();
        }
    }
    parts.push(&text[start..]);
    parts.retain(|part| !part.is_empty());
    parts
}

/// Divides a text at spaces, but not within quotes.
pub(super) fn tokens(text: &str) -> Vec<&str> {
    split_unquoted(text, char::is_whitespace)
}

/// Returns a text without what is in quotes.
pub(super) fn without_quoted(text: &str) -> String {
    let mut bare = String::new();
    let mut rest = text;
    while let Some(start) = rest.find('"') {
        bare.push_str(&rest[..start]);
        rest = &rest[start..];
        rest = &rest[quote_end(rest)..];
    }
    bare + rest
}

/// Returns how many parentheses are open at the end of a text; negative where more are closed than opened.
pub(super) fn depth(text: &str) -> i64 {
    without_quoted(text)
        .chars()
        .map(|letter| match letter {
            '(' => 1,
            ')' => -1,
            _ => 0,
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spaces_within_quotes_do_not_split() {
        let text = r#" a  status:ERROR message~"rate \" exceeded" "x"#;
        let expected = ["a", "status:ERROR", r#"message~"rate \" exceeded""#, "\"x"];
        assert_eq!(tokens(text), expected);
        assert_eq!(
            split_unquoted(r#"a,,"b,c""#, |letter| letter == ','),
            ["a", r#""b,c""#]
        );
        assert_eq!(without_quoted(r#"a"b"c"d"#), "ac");
    }
}
