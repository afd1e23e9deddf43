//! Words: patterns that are a choice of them, and patterns made of them.

/// The longest text, in bytes, that is searched for words position by position: an id, and little more. Over longer
/// texts a compiled pattern is quicker, even with the time that compiling takes.
pub(super) const MAX_SCANNED_BYTES: usize = 64;
/// The most words that are searched for position by position, since each is one pass over the text.
pub(super) const MAX_SCANNED_WORDS: usize = 4;

/// Returns the words of a pattern that is only a choice of a few ASCII words, none of them empty.
pub(super) fn ascii_words(pattern: &str) -> Option<Vec<String>> {
    let mut words = vec![String::new()];
    let mut letters = pattern.chars();
    while let Some(letter) = letters.next() {
        let literal = match letter {
            '|' => {
                words.push(String::new());
                continue;
            }
            '\\' => letters
                .next()
                .filter(|escaped| r"\.+*?()|[]{}^$#&-~".contains(*escaped))?,
            plain if plain.is_ascii_alphanumeric() || "_-: /,@=".contains(plain) => plain,
            _ => return None,
        };
        words.last_mut()?.push(literal);
    }
    let is_scanned = words.len() <= MAX_SCANNED_WORDS && words.iter().all(|word| !word.is_empty());
    is_scanned.then_some(words)
}

/// Whether a text contains any of these words, without regard to case. `None` if the text is not short ASCII.
///
/// Some letters outside ASCII are an ASCII letter in the other case: the Kelvin sign is a `k`.
pub(super) fn contains_any(text: &str, words: &[String]) -> Option<bool> {
    let is_searched = text.is_ascii() && text.len() <= MAX_SCANNED_BYTES;
    is_searched.then(|| words.iter().any(|word| contains(text.as_bytes(), word)))
}

/// Whether ASCII letters contain a word, without regard to case.
fn contains(letters: &[u8], word: &str) -> bool {
    let Some(first) = word.bytes().next() else {
        return true;
    };
    let (lower, upper) = (first.to_ascii_lowercase(), first.to_ascii_uppercase());
    memchr::memchr2_iter(lower, upper, letters).any(|start| {
        let part = letters.get(start..start + word.len());
        part.is_some_and(|part| part.eq_ignore_ascii_case(word.as_bytes()))
    })
}

/// Returns the pattern that matches exactly `text`.
#[must_use]
pub fn literal(text: &str) -> String {
    regex::escape(text)
}

/// Returns the pattern that matches a text with any of these words.
#[must_use]
pub fn any_word(words: &[String]) -> String {
    let literals: Vec<_> = words.iter().map(|word| literal(word)).collect();
    literals.join("|")
}
