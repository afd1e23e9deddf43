//! Terms as arguments of a command: a shell has taken quotes away, and a minus begins an option.

use super::key::{self, Kind};
use super::operator::is_operator;

/// Joins the arguments of a command to the text that a search box would have.
///
/// A shell takes quotes away: of `message~"rate exceeded"` it leaves `message~rate exceeded`. So an argument that is a text's
/// key, its operator and a value with spaces gets its quotes back, unless it has quotes, parentheses, operators or other terms.
#[must_use]
pub fn as_search(arguments: &[String]) -> String {
    let arguments: Vec<_> = arguments.iter().map(|one| quoted_again(one)).collect();
    arguments.join(" ")
}

/// Returns whether what follows a minus is a term, or terms in parentheses, so that the argument is no option.
#[must_use]
pub fn is_negated_term(text: &str) -> bool {
    let term = text.trim_start_matches(['!', '(']);
    term.len() < text.len() || key::divided(term).is_some_and(|(name, ..)| name.len() > 1)
}

fn quoted_again(argument: &str) -> String {
    let parts: Vec<_> = argument.split_whitespace().collect();
    let is_one_value = || {
        let (first, others) = parts.split_first()?;
        let term = first.trim_start_matches(['-', '!']);
        let (name, _, value) = key::divided(term)?;
        let takes_texts = key::find(name)
            .is_some_and(|key| matches!(key.kind, Kind::Text | Kind::Any | Kind::Anywhere));
        let is_whole = !value.is_empty() && !value.ends_with(',');
        let are_words = !others.is_empty()
            && others
                .iter()
                .all(|part| !is_operator(part) && key::divided(part).is_none());
        (takes_texts && is_whole && are_words).then(|| argument.len() - argument.trim_start().len())
    };
    if argument.contains(['"', '(', ')']) {
        return argument.to_owned();
    }
    let (Some(_), Some(first)) = (is_one_value(), parts.first()) else {
        return argument.to_owned();
    };
    let argument = argument.trim();
    let sign = first.len() - first.trim_start_matches(['-', '!']).len();
    let Some((name, operator, value)) = key::divided(&argument[sign..]) else {
        return argument.to_owned();
    };
    let value = value.replace('\\', "\\\\");
    format!("{}{name}{}\"{value}\"", &argument[..sign], operator.text())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_argument_with_spaces_is_one_value_of_its_key() {
        for (arguments, expected) in [
            (&["message~rate exceeded"][..], r#"message~"rate exceeded""#),
            (&["-message~rate exceeded"], r#"-message~"rate exceeded""#),
            (&["collector:a b", "x"], r#"collector:"a b" x"#),
            (&[r"message~C:\new folder"], r#"message~"C:\\new folder""#),
            (&["filter.zone:a b"], r#"filter.zone:"a b""#),
            // All that is written as in the search box stays.
            (&["status:ERROR", "-project:a"], "status:ERROR -project:a"),
            (&[r#"message~"a b" c"#], r#"message~"a b" c"#),
            (
                &["status:ERROR OR status:TIMEOUT"],
                "status:ERROR OR status:TIMEOUT",
            ),
            (&["status:ERROR nova"], "status:ERROR nova"),
            (&["status = ERROR"], "status = ERROR"),
            (&["collector:a, b"], "collector:a, b"),
            (&["collector:a status:ERROR"], "collector:a status:ERROR"),
            (&["rate exceeded"], "rate exceeded"),
            (&["http://host a"], "http://host a"),
            (&[], ""),
        ] {
            let arguments: Vec<_> = arguments.iter().map(|one| (*one).to_owned()).collect();
            assert_eq!(as_search(&arguments), expected);
        }
    }
}
