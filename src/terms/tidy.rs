//! Writes terms in one way: without spaces, and with commas in a list. What is in quotes stays as it is.

use super::key;
use super::operator::{ItemKind, operator};
use super::text::{is_key_letter, quote_end, starts_key, tokens};

/// The letters that stand for quoted texts meanwhile: private ones, which no text needs.
const FIRST_MASK: u32 = 0xF_0000;
/// How many there are.
const MASKS: u32 = 0xFFFE;

/// Writes terms in one way.
pub(super) fn tidy(text: &str) -> String {
    let Some((masked, quotes)) = masked(text) else {
        return text.to_owned();
    };
    let grouped = grouped(&listed(&spaced(&masked)));
    let mut tidy = String::new();
    for letter in grouped.chars() {
        match mask_index(letter).and_then(|index| quotes.get(index)) {
            Some(quoted) => tidy.push_str(quoted),
            None => tidy.push(letter),
        }
    }
    tidy
}

fn mask_index(letter: char) -> Option<usize> {
    let index = u32::from(letter).checked_sub(FIRST_MASK)?;
    (index < MASKS).then_some(index as usize)
}

/// Puts a private letter in the place of each quoted text; `None` where the text has such letters itself, or too many quotes.
fn masked(text: &str) -> Option<(String, Vec<&str>)> {
    if text.chars().any(|letter| mask_index(letter).is_some()) {
        return None;
    }
    let (mut masked, mut quotes) = (String::new(), Vec::new());
    let mut rest = text;
    while let Some(start) = rest.find('"') {
        masked.push_str(&rest[..start]);
        rest = &rest[start..];
        let (quoted, after) = rest.split_at(quote_end(rest));
        let mask = FIRST_MASK
            + u32::try_from(quotes.len())
                .ok()
                .filter(|count| *count < MASKS)?;
        masked.push(char::from_u32(mask)?);
        quotes.push(quoted);
        rest = after;
    }
    masked.push_str(rest);
    Some((masked, quotes))
}

/// Whether a term may begin after a letter; `None` is the start of the text.
fn may_begin_after(letter: Option<char>) -> bool {
    letter.is_none_or(|letter| letter.is_whitespace() || "(!-".contains(letter))
}

/// Takes the spaces out of `status = ERROR`.
fn spaced(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(letter) = rest.chars().next() {
        let before = text[..text.len() - rest.len()].chars().next_back();
        if may_begin_after(before)
            && let Some((name, sign, after)) = spaced_term(rest)
        {
            let whole = &rest[..rest.len() - after.len()];
            if whole.contains(char::is_whitespace) && key::is_short(name) {
                out.push_str(name);
                out.push_str(if sign == "==" { ":" } else { sign });
            } else {
                out.push_str(whole);
            }
            rest = after;
            continue;
        }
        out.push(letter);
        rest = &rest[letter.len_utf8()..];
    }
    out
}

/// Divides a text that begins with a key, its operator and perhaps spaces around it; returns these and what comes next.
fn spaced_term(text: &str) -> Option<(&str, &str, &str)> {
    if !text.starts_with(starts_key) {
        return None;
    }
    let end = text.find(|letter| !is_key_letter(letter))?;
    let (name, rest) = text.split_at(end);
    let rest = rest.trim_start();
    let signs = ["!=", "!~", ">=", "<=", "==", ":", "=", ">", "<", "~"];
    let sign = signs.into_iter().find(|sign| rest.starts_with(sign))?;
    Some((name, sign, rest[sign.len()..].trim_start()))
}

/// Whether a token ends as a list that is continued: a term that may have several values, with a comma at its end.
fn is_open_list(token: &str) -> bool {
    let Some(token) = token.strip_suffix(',') else {
        return false;
    };
    let mut before = None;
    token.char_indices().any(|(index, letter)| {
        let may_begin = may_begin_after(before);
        before = Some(letter);
        may_begin && value_start(&token[index..]).is_some()
    })
}

/// Returns what follows the key and the operator of a term that may have several values.
fn value_start(text: &str) -> Option<&str> {
    if !text.starts_with(starts_key) {
        return None;
    }
    let rest = text.trim_start_matches(is_key_letter);
    ["!=", "!~", ":", "=", "~"]
        .into_iter()
        .find_map(|sign| rest.strip_prefix(sign))
}

/// Whether a text begins as a term does.
fn begins_term(text: &str) -> bool {
    let text = text.trim_start_matches(['-', '!', '(']);
    text.starts_with(starts_key)
        && text
            .trim_start_matches(is_key_letter)
            .starts_with([':', '=', '>', '<', '~', '!'])
}

/// Takes the spaces out of `status:ERROR, TIMEOUT`, but not before another term.
fn listed(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(start) = rest.find(char::is_whitespace) {
        out.push_str(&rest[..start]);
        rest = &rest[start..];
        let after = rest.trim_start();
        let token = out.rsplit(char::is_whitespace).next().unwrap_or_default();
        if !is_open_list(token) || begins_term(after) {
            out.push_str(&rest[..rest.len() - after.len()]);
        }
        rest = after;
    }
    out.push_str(rest);
    out
}

/// Writes `status:(ERROR OR TIMEOUT)` with commas.
fn grouped(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(start) = rest.find('(') {
        out.push_str(&rest[..start]);
        rest = &rest[start..];
        let end = rest[1..].find(['(', ')']).map(|end| end + 1);
        let inner = end
            .filter(|end| rest[*end..].starts_with(')'))
            .map(|end| &rest[1..end]);
        let list = inner
            .filter(|_| ends_as_term(&out))
            .and_then(|inner| Some((inner, comma_list(inner)?)));
        if let Some((inner, list)) = list {
            out.push_str(&list);
            rest = &rest[inner.len() + 2..];
        } else {
            out.push('(');
            rest = &rest[1..];
        }
    }
    out.push_str(rest);
    out
}

/// Whether a text ends with a key and an operator, after which a value may come.
fn ends_as_term(text: &str) -> bool {
    let Some(before) = ["!=", "!~", ":", "=", "~"]
        .into_iter()
        .find_map(|sign| text.strip_suffix(sign))
    else {
        return false;
    };
    let name = &before[before.trim_end_matches(is_key_letter).len()..];
    let outside = before[..before.len() - name.len()].chars().next_back();
    // A minus before the key is no part of it.
    let mut previous = outside;
    name.chars().any(|letter| {
        let is_start = may_begin_after(previous) && starts_key(letter);
        previous = Some(letter);
        is_start
    })
}

/// Writes texts with OR between them with commas; `None` where they are no such list.
fn comma_list(text: &str) -> Option<String> {
    let parts = tokens(text);
    let is_list = parts.len() % 2 == 1
        && parts
            .iter()
            .enumerate()
            .all(|(index, part)| index % 2 == 0 || operator(part) == Some(ItemKind::Or));
    is_list.then(|| parts.into_iter().step_by(2).collect::<Vec<_>>().join(","))
}
