//! `Search`: a text with AND, OR, NOT and parentheses, read by descent.
//!
//! All terms must hold, and a term has a list of values: what means the same becomes that, and anything else is an error that
//! says how it is written. A space is a looser AND than the word, so that a list by OR may be among other terms.

use serde_json::Value as Json;

use super::error::TermError;
use super::items::{Item, items_of};
use super::key::{Kind, Sign};
use super::operator::ItemKind;
use super::term::Term;
use super::value::{Value, quote};
use super::words;

/// How deep parentheses may be nested.
const MAX_DEPTH: usize = 100;

/// A search: plain words, one of whose texts must be in a job, and terms, all of which must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Search {
    /// Alternatives have `OR` between them.
    words: String,
    terms: Vec<Term>,
}

/// What must hold: a term, or one of some texts of plain words.
#[derive(Debug, Clone)]
enum Leaf {
    Term(Term),
    Words(Vec<String>),
}

impl Leaf {
    fn write(&self) -> String {
        match self {
            Self::Term(term) => term.write(),
            Self::Words(texts) => texts.join(" OR "),
        }
    }
}

impl Search {
    /// Reads a search.
    ///
    /// # Errors
    /// [`TermError`], which says what is wrong, and how it is written.
    pub fn parse(text: &str) -> Result<Self, TermError> {
        let items = items_of(text);
        let mut reader = Reader {
            items: &items,
            at: 0,
            depth: 0,
        };
        let leaves = reader.sequence()?;
        if reader.peek().is_some() {
            return Err(TermError::NotOpened);
        }
        let texts: Vec<_> = leaves
            .iter()
            .filter_map(|leaf| match leaf {
                Leaf::Words(texts) => Some(texts),
                Leaf::Term(_) => None,
            })
            .collect();
        let has_and = items.iter().any(|item| item.kind == ItemKind::And);
        // The API takes one list of alternatives, which the members of one text need.
        if texts.len() > 1 && (has_and || texts.iter().any(|texts| texts.len() > 1)) {
            let texts: Vec<_> = texts.iter().map(|texts| texts.join(" OR ")).collect();
            let text = texts.join(" AND ");
            return Err(TermError::OneText { text });
        }
        let words: Vec<_> = texts.iter().map(|texts| texts.join(" OR ")).collect();
        let words = words.join(" ");
        let terms = leaves.into_iter().filter_map(|leaf| match leaf {
            Leaf::Term(term) => Some(term),
            Leaf::Words(_) => None,
        });
        Ok(Self {
            words,
            terms: terms.collect(),
        })
    }

    /// Returns the conditions of the terms, all of which must hold.
    #[must_use]
    pub fn filter(&self) -> Vec<Json> {
        self.terms.iter().flat_map(Term::conditions).collect()
    }

    /// Returns the conditions of the plain words, one of which must hold; none where there are no words.
    #[must_use]
    pub fn filter_or(&self) -> Vec<Json> {
        words::conditions(&self.words)
    }
}

struct Reader<'i> {
    items: &'i [Item],
    at: usize,
    depth: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<ItemKind> {
        self.items.get(self.at).map(|item| item.kind)
    }

    /// Reads what must hold together, up to a parenthesis that closes.
    fn sequence(&mut self) -> Result<Vec<Leaf>, TermError> {
        let mut leaves = Vec::new();
        while self.peek().is_some_and(|kind| kind != ItemKind::Close) {
            let first = self.operand()?;
            leaves.extend(self.chain(first)?);
        }
        Ok(leaves)
    }

    /// Reads operands with AND or OR between them.
    fn chain(&mut self, first: Vec<Leaf>) -> Result<Vec<Leaf>, TermError> {
        let is_joint = |kind: &ItemKind| matches!(kind, ItemKind::And | ItemKind::Or);
        let kind = self.peek();
        let mut nodes = vec![first];
        while let Some(next) = self.peek().filter(is_joint) {
            if Some(next) != kind {
                return Err(TermError::AndOr);
            }
            self.at += 1;
            nodes.push(self.operand()?);
        }
        if kind == Some(ItemKind::Or) && nodes.len() > 1 {
            return Ok(vec![either(&nodes)?]);
        }
        Ok(nodes.into_iter().flatten().collect())
    }

    fn operand(&mut self) -> Result<Vec<Leaf>, TermError> {
        let item = self.items.get(self.at);
        self.at += 1;
        match item {
            Some(Item {
                kind: ItemKind::Term,
                text,
            }) => Ok(vec![match Term::parse(text)? {
                Some(term) => Leaf::Term(term),
                None => Leaf::Words(vec![text.clone()]),
            }]),
            Some(Item {
                kind: ItemKind::Word,
                text,
            }) => {
                // Several words are one text.
                let mut words = text.clone();
                while let Some(next) = self.items.get(self.at)
                    && next.kind == ItemKind::Word
                {
                    words.push(' ');
                    words.push_str(&next.text);
                    self.at += 1;
                }
                Ok(vec![Leaf::Words(vec![words])])
            }
            Some(Item {
                kind: ItemKind::Not,
                ..
            }) => {
                self.deeper()?;
                let negated = opposite(self.operand()?)?;
                self.depth -= 1;
                Ok(vec![negated])
            }
            Some(Item {
                kind: ItemKind::Open,
                ..
            }) => {
                self.deeper()?;
                let leaves = self.sequence()?;
                self.depth -= 1;
                if self.peek() != Some(ItemKind::Close) {
                    return Err(TermError::NotClosed);
                }
                self.at += 1;
                Ok(leaves)
            }
            other => Err(self.misses_term(other)),
        }
    }

    fn deeper(&mut self) -> Result<(), TermError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(TermError::TooDeep(MAX_DEPTH));
        }
        Ok(())
    }

    /// Says that a term is missing where `found` is.
    fn misses_term(&self, found: Option<&Item>) -> TermError {
        let before = self.at.checked_sub(2).and_then(|at| self.items.get(at));
        match (before, found) {
            (Some(Item { text, .. }), _) => TermError::TermAfter { text: text.clone() },
            (None, found) => TermError::TermBefore {
                text: found.map_or_else(String::new, |item| item.text.clone()),
            },
        }
    }
}

/// Makes one leaf that holds where one of several does.
fn either(nodes: &[Vec<Leaf>]) -> Result<Leaf, TermError> {
    let written = |leaves: &Vec<Leaf>| {
        let leaves: Vec<_> = leaves.iter().map(Leaf::write).collect();
        leaves.join(" AND ")
    };
    let text = || nodes.iter().map(written).collect::<Vec<_>>().join(" OR ");
    let singles: Option<Vec<_>> = nodes
        .iter()
        .map(|leaves| match leaves.as_slice() {
            [leaf] => Some(leaf),
            _ => None,
        })
        .collect();
    let Some(leaves) = singles else {
        return Err(TermError::NoOr { text: text() });
    };
    let mut terms = Vec::new();
    let mut words = Vec::new();
    for leaf in leaves {
        match leaf {
            Leaf::Term(term) => terms.push(term),
            Leaf::Words(texts) => words.extend(texts.iter().cloned()),
        }
    }
    let Some((first, others)) = terms.split_first() else {
        return Ok(Leaf::Words(words));
    };
    let is_same = words.is_empty()
        && others
            .iter()
            .all(|other| other.key.path == first.key.path && other.sign == first.sign);
    let mut all = Term {
        values: terms.iter().flat_map(|term| term.values.clone()).collect(),
        ..(*first).clone()
    };
    if is_same && first.sign.is_negative() {
        return Err(TermError::AllJobs {
            text: text(),
            none: all.write(),
        });
    }
    if !is_same || !matches!(first.sign, Sign::Is | Sign::Contains) || first.key.kind == Kind::Time
    {
        return Err(TermError::NoOr { text: text() });
    }
    let mut different: Vec<Value> = Vec::new();
    for value in all.values {
        if !different.iter().any(|other| other.text == value.text) {
            different.push(value);
        }
    }
    all.values = different;
    Ok(Leaf::Term(all))
}

/// Makes the leaf that holds where others do not.
fn opposite(leaves: Vec<Leaf>) -> Result<Leaf, TermError> {
    let leaf = match <[Leaf; 1]>::try_from(leaves) {
        Ok([leaf]) => leaf,
        Err(leaves) => {
            let text: Vec<_> = leaves.iter().map(Leaf::write).collect();
            let text = text.join(" ");
            return Err(TermError::NotOne { text });
        }
    };
    let term = match leaf {
        Leaf::Term(term) => term.negated()?,
        Leaf::Words(texts) => {
            let texts: Vec<_> = texts
                .iter()
                .map(|text| quote(&text.replace('"', "")))
                .collect();
            let text = format!("anywhere!~{}", texts.join(","));
            match Term::parse(&text)? {
                Some(term) => term,
                None => return Err(TermError::NoValue { term: text }),
            }
        }
    };
    Ok(Leaf::Term(term))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::compile_list;
    use crate::query::request::JobsQuery;
    use crate::time::Timestamp;

    /// The cases that the tests of the page read, too.
    const CASES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/page/terms.json");

    fn cases(name: &str) -> Vec<Json> {
        let cases = std::fs::read_to_string(CASES).unwrap();
        let cases: Json = serde_json::from_str(&cases).unwrap();
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
}
