//! Makes the members of a job of a row of CSV.

use serde_json::{Map, Number, Value};

use super::csv_header::FileColumn;
use crate::json;
use crate::transfer::csv::{Kind, split, unescape_formula};

/// The most errors of a job whose codes and messages are all empty.
const MAX_ERRORS: usize = 100_000;

/// A problem in a cell: the name of its column, and what is wrong.
pub(super) type CellProblem = (String, String);

/// The cells about errors, of which several columns are one member.
#[derive(Default)]
struct ErrorCells<'c> {
    count: Option<(&'c FileColumn, usize)>,
    codes: Option<(&'c FileColumn, &'c str)>,
    messages: Option<(&'c FileColumn, &'c str)>,
}

/// Returns the members of a job, those whose cells are not empty, and what is wrong in the cells.
pub(super) fn members<'c>(
    cells: impl Iterator<Item = (&'c FileColumn, &'c str)>,
) -> (Map<String, Value>, Vec<CellProblem>) {
    let mut members = Map::new();
    let mut problems = Vec::new();
    let mut errors = ErrorCells::default();
    for (column, cell) in cells {
        let wrong = |expected: &str| {
            let found = json::names::shortened(cell);
            (
                column.name.clone(),
                format!("is `{found}`, expected {expected}"),
            )
        };
        // A text may be white space.
        let is_text = matches!(
            column.kind,
            Kind::Text | Kind::ErrorCodes | Kind::ErrorMessages
        );
        let trimmed = cell.trim();
        if cell.is_empty() || trimmed.is_empty() && !is_text {
            continue;
        }
        let value = match column.kind {
            Kind::Text => Value::from(unescape_formula(cell)),
            Kind::Number | Kind::Time | Kind::Status => {
                number(trimmed).map_or_else(|| Value::from(trimmed), Value::Number)
            }
            Kind::Boolean if trimmed.eq_ignore_ascii_case("true") => Value::Bool(true),
            Kind::Boolean if trimmed.eq_ignore_ascii_case("false") => Value::Bool(false),
            Kind::Boolean => {
                problems.push(wrong("true or false"));
                continue;
            }
            Kind::Errors if !trimmed.starts_with('[') => {
                match trimmed.parse() {
                    Ok(count) => errors.count = Some((column, count)),
                    Err(_) => problems.push(wrong("the number of errors, or an array of them")),
                }
                continue;
            }
            Kind::Json | Kind::Errors => {
                let Ok(value) = json::read(trimmed.as_bytes(), json::MAX_VALUES) else {
                    problems.push(wrong("JSON"));
                    continue;
                };
                value
            }
            Kind::ErrorCodes => {
                errors.codes = Some((column, unescape_formula(cell)));
                continue;
            }
            Kind::ErrorMessages => {
                errors.messages = Some((column, unescape_formula(cell)));
                continue;
            }
            Kind::Duration => continue,
        };
        insert(&mut members, &column.path, value);
    }
    match errors.values() {
        Ok(errors) if errors.is_empty() => {}
        Ok(errors) if !members.contains_key("errors") => {
            members.insert("errors".to_owned(), Value::Array(errors));
        }
        Ok(_) => problems.push((
            "errors".to_owned(),
            "has all errors as JSON, so `error_codes` and `error_messages` must be empty"
                .to_owned(),
        )),
        Err(problem) => problems.push(problem),
    }
    (members, problems)
}

fn number(text: &str) -> Option<Number> {
    match text.parse::<i64>() {
        Ok(number) => Some(number.into()),
        // A time begins with digits as well.
        Err(_)
            if text
                .bytes()
                .all(|byte| matches!(byte, b'0'..=b'9' | b'.' | b'-')) =>
        {
            Number::from_f64(text.parse().ok()?)
        }
        Err(_) => None,
    }
}

/// Inserts a value at a dotted path, whose objects are made.
fn insert(members: &mut Map<String, Value>, path: &str, value: Value) {
    let Some((first, rest)) = path.split_once('.') else {
        members.insert(path.to_owned(), value);
        return;
    };
    let inner = members
        .entry(first)
        .or_insert_with(|| Value::Object(Map::new()));
    if let Value::Object(inner) = inner {
        insert(inner, rest, value);
    }
}

impl ErrorCells<'_> {
    /// Joins the codes and messages of each error; an empty one is left out.
    fn values(&self) -> Result<Vec<Value>, CellProblem> {
        let parts = |cell: &Option<(&FileColumn, &str)>| cell.map(|(_, cell)| split(cell));
        let (codes, messages) = (parts(&self.codes), parts(&self.messages));
        let longest = [&codes, &messages]
            .iter()
            .map(|parts| parts.as_ref().map_or(0, Vec::len))
            .max();
        let count = match self.count {
            Some((column, count)) if count > MAX_ERRORS && longest == Some(0) => {
                let problem = format!("is {count}, at most {MAX_ERRORS} errors may be empty");
                return Err((column.name.clone(), problem));
            }
            Some((_, count)) => count,
            None => longest.unwrap_or_default(),
        };
        for (cell, parts) in [(&self.codes, &codes), (&self.messages, &messages)] {
            if let (Some((column, _)), Some(parts)) = (cell, parts)
                && parts.len() != count
            {
                let problem = format!(
                    "the number of texts that ` | ` separates is {}, and the number of errors {count}",
                    parts.len()
                );
                return Err((column.name.clone(), problem));
            }
        }
        let mut errors = vec![Map::new(); count];
        for (name, parts) in [("error_code", codes), ("message", messages)] {
            for (error, text) in errors.iter_mut().zip(parts.unwrap_or_default()) {
                if !text.is_empty() {
                    error.insert(name.to_owned(), text.into());
                }
            }
        }
        Ok(errors.into_iter().map(Value::Object).collect())
    }
}
