//! The conditions of the API that a term means.

use serde_json::{Value as Json, json};

use super::key::{Kind, MESSAGE, Sign, word_paths};
use super::message::{has_placeholders, pattern};
use super::period::Period;
use super::term::Term;

/// Makes a condition of the API.
pub(super) fn condition(k: &str, v: impl Into<Json>, o: &str) -> Json {
    json!({"k": k, "v": v.into(), "o": o})
}

impl Term {
    /// Translates the term into conditions of the API, all of which must hold.
    #[must_use]
    pub fn conditions(&self) -> Vec<Json> {
        let path = self.key.path.as_str();
        let is_not = self.sign.is_negative();
        let texts: Vec<_> = self
            .values
            .iter()
            .map(|value| value.text.as_str())
            .collect();
        if self.values.iter().any(super::value::Value::is_any) {
            return vec![condition(path, !is_not, "exists")];
        }
        if self.key.kind == Kind::Anywhere {
            let each = |text| word_paths().map(move |path| condition(path, text, "not_contain"));
            return texts.into_iter().flat_map(each).collect();
        }
        let is_group = path == MESSAGE && texts.iter().any(|text| has_placeholders(text));
        match self.sign {
            Sign::Contains => vec![contains(path, &texts)],
            Sign::ContainsNot => {
                let each = texts.into_iter();
                each.map(|text| condition(path, text, "not_contain"))
                    .collect()
            }
            Sign::Is if is_group => {
                let patterns: Vec<_> = texts.into_iter().map(pattern).collect();
                vec![condition(path, patterns.join("|"), "regex")]
            }
            sign if self.key.kind == Kind::Time => {
                let period = texts.first().and_then(|text| Period::parse(text));
                period.map_or_else(Vec::new, |period| time_conditions(path, sign, period))
            }
            sign => {
                let mut values: Vec<_> = self
                    .values
                    .iter()
                    .map(|value| value.typed(self.key.kind))
                    .collect();
                if values.len() > 1 {
                    let operator = if is_not { "not_in" } else { "in" };
                    return vec![condition(path, values, operator)];
                }
                let operator = sign.order().unwrap_or(if is_not { "not" } else { "eq" });
                let value = values.pop();
                value.map_or_else(Vec::new, |value| vec![condition(path, value, operator)])
            }
        }
    }
}

/// The condition that a member contains one of some texts.
pub(super) fn contains(path: &str, texts: &[&str]) -> Json {
    match texts {
        [text] => condition(path, *text, "contain"),
        texts => condition(path, texts.to_vec(), "contain_in"),
    }
}

fn time_conditions(path: &str, sign: Sign, Period { start, end }: Period) -> Vec<Json> {
    let since = |time| condition(path, time_text(time), "datetime_gte");
    let before = |time| condition(path, time_text(time), "datetime_lt");
    match sign {
        Sign::More => vec![since(end)],
        Sign::AtLeast => vec![since(start)],
        Sign::Less => vec![before(start)],
        Sign::AtMost => vec![before(end)],
        Sign::Is | Sign::IsNot | Sign::Contains | Sign::ContainsNot => {
            vec![since(start), before(end)]
        }
    }
}

fn time_text(time: crate::time::Timestamp) -> String {
    time.to_string()
}
