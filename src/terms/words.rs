//! Plain words: one text in one of the members that people search in.

use serde_json::Value as Json;

use super::conditions::contains;
use super::key::word_paths;
use super::text::tokens;

/// The path of the job id, of which several may be pasted together.
const JOB_ID: &str = "job_id";

/// Returns the texts of plain words, one of which must be in a job: several words are one text, unless there is an OR between
/// them.
pub(super) fn alternatives(words: &str) -> Vec<String> {
    let mut texts = vec![Vec::new()];
    for token in tokens(words) {
        if matches!(token, "OR" | "|" | "||") {
            texts.push(Vec::new());
        } else if let Some(text) = texts.last_mut() {
            text.push(token.replace('"', ""));
        }
    }
    let texts = texts
        .into_iter()
        .map(|text| text.join(" ").trim().to_owned());
    let texts: Vec<_> = texts.filter(|text| !text.is_empty()).collect();
    let all = words.trim();
    if texts.is_empty() && !all.is_empty() {
        return vec![all.to_owned()];
    }
    texts
}

/// Returns the conditions of plain words, one of which must hold.
pub(super) fn conditions(words: &str) -> Vec<Json> {
    let texts = alternatives(words);
    if texts.is_empty() {
        return Vec::new();
    }
    let of_path = |path| {
        let each = texts.iter().flat_map(|text| texts_in(path, text));
        contains(path, &each.collect::<Vec<_>>())
    };
    word_paths().map(of_path).collect()
}

/// Returns the texts that a member may have; of several ids, one is enough.
fn texts_in<'t>(path: &str, text: &'t str) -> Vec<&'t str> {
    if path == JOB_ID && text.split(' ').all(is_id) {
        text.split(' ').collect()
    } else {
        vec![text]
    }
}

/// Returns whether a word is a job id, or as hexadecimal as a part of one.
fn is_id(word: &str) -> bool {
    let is_prefixed = word
        .get(..4)
        .is_some_and(|start| start.eq_ignore_ascii_case("job-"));
    if is_prefixed && word.len() > 4 {
        let mut rest = word[4..].chars();
        return rest.all(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-'));
    }
    word.len() >= 3
        && word.bytes().all(|byte| byte.is_ascii_hexdigit())
        && word.bytes().any(|byte| byte.is_ascii_digit())
}
