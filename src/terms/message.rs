//! The messages of groups of errors, with placeholders for what differs from one job to the next.

/// What an overview writes for the parts of messages that differ, and a pattern for each.
const PLACEHOLDERS: [(&str, &str); 4] = [
    (
        "<n>",
        r"[+-]?(?:\w{8}(?:-\w{4}){3}-\w{12}|\w*\d[\w.,:]*?|[A-Fa-f]{4,}?)",
    ),
    ("<value>", r#"["'`“‘«].*?["'`”’»]"#),
    ("<address>", r"\S+?"),
    ("<time>", r"\d[\w :.,+/-]*?"),
];
/// The end of a message that was cut.
const CUT: char = '…';

/// Returns whether a message is that of a group of errors: with placeholders, or cut.
pub(super) fn has_placeholders(text: &str) -> bool {
    text.ends_with(CUT) || PLACEHOLDERS.iter().any(|(name, _)| text.contains(name))
}

/// Returns a pattern of the messages of a group, in whose text white space is collapsed.
pub(super) fn pattern(text: &str) -> String {
    let (mut rest, end) = match text.strip_suffix(CUT) {
        Some(cut) => (cut, ""),
        None => (text, r"\s*$"),
    };
    let mut pattern = String::from(r"^\s*");
    while let Some(letter) = rest.chars().next() {
        let placeholder = PLACEHOLDERS
            .iter()
            .find_map(|(name, pattern)| Some((*pattern, rest.strip_prefix(name)?)));
        if let Some((part, after)) = placeholder {
            pattern.push_str(part);
            rest = after;
        } else if letter.is_whitespace() {
            pattern.push_str(r"\s+");
            rest = rest.trim_start();
        } else {
            if r"\^$.|?*+()[]{}".contains(letter) {
                pattern.push('\\');
            }
            pattern.push(letter);
            rest = &rest[letter.len_utf8()..];
        }
    }
    pattern + end
}
