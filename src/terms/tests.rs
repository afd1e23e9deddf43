//! The cases of tests/page/terms.json, which the tests of the page read, too.

use serde_json::Value as Json;

use super::{Search, Term};
use crate::query::compile_list;
use crate::query::request::JobsQuery;
use crate::time::Timestamp;

const CASES: &str = include_str!("../../tests/page/terms.json");

fn cases(name: &str) -> Vec<Json> {
    let cases: Json = serde_json::from_str(CASES).unwrap();
    let cases = cases[name].as_array().unwrap().clone();
    assert!(cases.len() > 5, "{name}");
    cases
}

/// Whether the API takes conditions.
#[track_caller]
fn check_request(name: &str, conditions: &[Json], text: &str) {
    let body = serde_json::json!({"domain_id": "d", "query": {name: conditions}}).to_string();
    let plan = JobsQuery::from_json(body.as_bytes())
        .and_then(|request| compile_list(&request, Timestamp::MIN));
    assert!(plan.is_ok(), "{text}: {body}: {plan:?}");
}

#[test]
fn a_term_becomes_conditions_of_the_api() {
    for case in cases("terms") {
        let text = case[0].as_str().unwrap();
        let term = Term::parse(text).unwrap().unwrap();
        let conditions = term.conditions();
        let expected = case[1].as_array().unwrap().iter();
        let expected: Vec<_> = expected
            .map(|one| serde_json::json!({"k": one[0], "v": one[1], "o": one[2]}))
            .collect();
        assert_eq!(conditions, expected, "{text}");
        check_request("filter", &conditions, text);
    }
}

#[test]
fn a_term_is_the_same_after_it_is_written_and_parsed() {
    for case in cases("written") {
        let text = case.as_str().unwrap();
        let term = Term::parse(text).unwrap().unwrap();
        assert_eq!(term.write(), text);
        assert_eq!(Term::parse(&term.write()), Ok(Some(term)));
    }
}

#[test]
fn a_plain_word_is_no_term() {
    for text in ["job-1234", "abc", "123", "\"a:b\"", ":", ""] {
        assert_eq!(Term::parse(text), Ok(None), "{text}");
    }
}

/// What a search means: the terms, with the words behind them in brackets.
fn read(text: &str) -> Result<String, String> {
    let search = Search::parse(text).map_err(|error| format!("{error:?}"))?;
    let mut parts: Vec<_> = search.terms.iter().map(Term::write).collect();
    if !search.words.is_empty() {
        parts.push(format!("[{}]", search.words));
    }
    check_request("filter", &search.filter(), text);
    check_request("filter_or", &search.filter_or(), text);
    Ok(parts.join(" "))
}

#[test]
fn what_is_certain_is_understood() {
    for case in cases("searches") {
        let (text, expected) = (case[0].as_str().unwrap(), case[1].as_str().unwrap());
        assert_eq!(read(text).as_deref(), Ok(expected), "{text}");
    }
}

#[test]
fn what_is_not_certain_is_an_error_that_says_how_it_is_written() {
    for case in cases("errors") {
        let (text, name) = (case[0].as_str().unwrap(), case[1].as_str().unwrap());
        let error = read(text).unwrap_err();
        let variant = error.split([' ', '(']).next().unwrap();
        assert!(
            variant.eq_ignore_ascii_case(name),
            "{text}: {error}, not {name}"
        );
        let message = Search::parse(text).unwrap_err().to_string();
        assert!(!message.contains('\n'), "{message}");
        for part in case[2].as_array().into_iter().flatten() {
            assert!(
                message.contains(part.as_str().unwrap()),
                "{text}: {message}"
            );
        }
    }
}

#[test]
fn plain_words_are_one_text_in_one_of_seven_members() {
    for case in cases("words") {
        let text = case[0].as_str().unwrap();
        let search = Search::parse(text).unwrap();
        let conditions = search.filter_or();
        let message = conditions.iter().find(|one| one["k"] == "errors.message");
        let message = message.map_or(Json::Null, |one| one["v"].clone());
        let id = conditions.last().map_or(Json::Null, |one| one["v"].clone());
        assert_eq!((message, id), (case[1].clone(), case[2].clone()), "{text}");
    }
}

#[test]
fn what_a_person_types_by_mistake_never_panics() {
    let pieces = [
        "status",
        ":",
        "=",
        "!=",
        "~",
        "(",
        ")",
        "\"",
        "\\",
        ",",
        " ",
        "-",
        "!",
        "OR",
        "AND",
        "NOT",
        "é",
        "\u{F0000}",
        "*",
        "5",
    ];
    // Every sequence of three pieces.
    for number in 0..pieces.len().pow(3) {
        let mut text = String::new();
        let mut rest = number;
        for _ in 0..3 {
            text.push_str(pieces[rest % pieces.len()]);
            rest /= pieces.len();
        }
        let _ = Search::parse(&text);
    }
    let deep = format!("{}a:b", "(".repeat(10_000));
    assert!(Search::parse(&deep).is_err());
}
