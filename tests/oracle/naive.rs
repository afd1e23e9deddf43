//! A naive evaluation of the query language: slow and plain, over whole values in memory, without SQL.
//!
//! It shares nothing with the compiler. It follows tests/conformance and MongoDB's documentation, not src/.

use std::cmp::Ordering;

use serde_json::{Map, Value};

/// A value with MongoDB's types.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum V {
    Null,
    Number(f64),
    Text(String),
    Object(Vec<(String, V)>),
    Array(Vec<V>),
    Bool(bool),
    /// Milliseconds since the epoch.
    Date(i64),
}

pub(crate) type Row = Vec<(String, V)>;

/// The reason why the naive evaluation has no answer.
#[derive(Debug, PartialEq)]
pub(crate) enum Refusal {
    /// The query is an error.
    Error,
    /// The language does not determine the rows: rows at the edge of a limit or skip are equal.
    Open,
}

pub(crate) fn from_json(value: &Value) -> V {
    match value {
        Value::Null => V::Null,
        Value::Bool(b) => V::Bool(*b),
        Value::Number(n) => V::Number(n.as_f64().unwrap()),
        Value::String(s) => V::Text(s.clone()),
        Value::Array(items) => V::Array(items.iter().map(from_json).collect()),
        Value::Object(members) => V::Object(
            members
                .iter()
                .map(|(k, v)| (k.clone(), from_json(v)))
                .collect(),
        ),
    }
}

/// Reads a job as statistics do: times are dates, and `project_id` and `finished_at` are null where the document has
/// none.
pub(crate) fn job(text: &str) -> Row {
    let document: Map<String, Value> = serde_json::from_str(text).unwrap();
    let mut row: Row = Vec::new();
    for (name, value) in &document {
        row.push((
            name.clone(),
            if name.ends_with("_at") {
                V::Date(millis(value.as_str().unwrap()))
            } else {
                from_json(value)
            },
        ));
    }
    for name in ["project_id", "finished_at"] {
        if !document.contains_key(name) {
            row.push((name.to_owned(), V::Null));
        }
    }
    row
}

pub(crate) fn millis(text: &str) -> i64 {
    text.parse::<jiff::Timestamp>().unwrap().as_millisecond()
}

fn rank(v: &V) -> u8 {
    match v {
        V::Null => 0,
        V::Number(_) => 1,
        V::Text(_) => 2,
        V::Object(_) => 3,
        V::Array(_) => 4,
        V::Bool(_) => 5,
        V::Date(_) => 6,
    }
}

pub(crate) fn compare(a: &V, b: &V) -> Ordering {
    match (a, b) {
        (V::Number(a), V::Number(b)) => a.partial_cmp(b).unwrap(),
        (V::Text(a), V::Text(b)) => a.as_bytes().cmp(b.as_bytes()),
        (V::Bool(a), V::Bool(b)) => a.cmp(b),
        (V::Date(a), V::Date(b)) => a.cmp(b),
        (V::Array(a), V::Array(b)) => {
            for (a, b) in a.iter().zip(b) {
                let order = compare(a, b);
                if order != Ordering::Equal {
                    return order;
                }
            }
            a.len().cmp(&b.len())
        }
        (V::Object(a), V::Object(b)) => {
            for ((a_name, a), (b_name, b)) in a.iter().zip(b) {
                let order = rank(a)
                    .cmp(&rank(b))
                    .then(a_name.cmp(b_name))
                    .then(compare(a, b));
                if order != Ordering::Equal {
                    return order;
                }
            }
            a.len().cmp(&b.len())
        }
        _ => rank(a).cmp(&rank(b)),
    }
}

fn equal(a: &V, b: &V) -> bool {
    compare(a, b) == Ordering::Equal
}

fn member<'v>(object: &'v [(String, V)], name: &str) -> Option<&'v V> {
    object.iter().find(|(n, _)| n == name).map(|(_, v)| v)
}

pub(crate) fn expand(key: &str) -> Vec<String> {
    let mut path: Vec<String> = key.split('.').map(str::to_owned).collect();
    match path[0].as_str() {
        "collector_id" => drop(path.splice(
            0..1,
            ["collector_info".to_owned(), "collector_id".to_owned()],
        )),
        "collector" => path[0] = "collector_info".to_owned(),
        "filters" => path[0] = "filter".to_owned(),
        _ => {}
    }
    path
}

// Filters

/// Returns all values that a filter's path reaches; `None` where a member is missing.
fn reached(value: &V, path: &[String]) -> Vec<Option<V>> {
    if path.is_empty() {
        let mut all = vec![Some(value.clone())];
        if let V::Array(items) = value {
            all.extend(items.iter().cloned().map(Some));
        }
        return all;
    }
    match value {
        V::Object(members) => match member(members, &path[0]) {
            Some(inner) => reached(inner, &path[1..]),
            None => vec![None],
        },
        V::Array(items) => {
            let mut all = Vec::new();
            if let Some(item) = path[0]
                .parse::<usize>()
                .ok()
                .and_then(|index| items.get(index))
            {
                all.extend(reached(item, &path[1..]));
            }
            for item in items {
                if matches!(item, V::Object(_)) {
                    all.extend(reached(item, path));
                }
            }
            all
        }
        _ => vec![None],
    }
}

fn is_typed_number(path: &[String]) -> bool {
    path == ["total_tasks"] || path == ["remained_tasks"]
}

fn is_date(path: &[String]) -> bool {
    path.len() == 1 && path[0].ends_with("_at")
}

/// Reads an operand as the type of the member with which it is compared.
fn typed(path: &[String], value: &Value) -> V {
    match value {
        Value::String(text) if is_typed_number(path) => V::Number(text.parse().unwrap()),
        Value::Number(number) if is_typed_number(path) => {
            V::Number(number.as_f64().unwrap().trunc())
        }
        Value::Bool(value) if is_typed_number(path) => V::Number(f64::from(u8::from(*value))),
        Value::String(text) if is_date(path) => V::Date(millis(text)),
        other => from_json(other),
    }
}

/// Whether a job meets a condition.
pub(crate) fn meets(row: &Row, condition: &Value) -> bool {
    let path = expand(condition["k"].as_str().unwrap());
    let operand = &condition["v"];
    let all = reached(&V::Object(row.clone()), &path);
    let there: Vec<&V> = all.iter().flatten().collect();
    let eq = |operand: &Value| {
        let operand = typed(&path, operand);
        all.iter().any(|value| {
            value
                .as_ref()
                .map_or(operand == V::Null, |value| equal(value, &operand))
        })
    };
    let contains = |word: &Value| {
        let word = word.as_str().unwrap().to_lowercase();
        there
            .iter()
            .any(|value| matches!(value, V::Text(text) if text.to_lowercase().contains(&word)))
    };
    let matches = |pattern: &Value| {
        let pattern = pcre2::bytes::RegexBuilder::new()
            .utf(true)
            .caseless(true)
            .build(pattern.as_str().unwrap())
            .unwrap();
        there.iter().any(
            |value| matches!(value, V::Text(text) if pattern.is_match(text.as_bytes()).unwrap()),
        )
    };
    let compares = |holds: fn(Ordering) -> bool, operand: &V| {
        there.iter().any(|value| {
            rank(value) == rank(operand)
                && !matches!(operand, V::Null | V::Object(_) | V::Array(_))
                && holds(compare(value, operand))
        })
    };
    let list = || operand.as_array().unwrap().iter();
    match condition["o"].as_str().unwrap() {
        "eq" => eq(operand),
        "not" => !eq(operand),
        "in" => list().any(eq),
        "not_in" => !list().any(eq),
        "lt" => compares(Ordering::is_lt, &typed(&path, operand)),
        "lte" => compares(Ordering::is_le, &typed(&path, operand)),
        "gt" => compares(Ordering::is_gt, &typed(&path, operand)),
        "gte" => compares(Ordering::is_ge, &typed(&path, operand)),
        "contain" => contains(operand),
        "not_contain" => !contains(operand),
        "contain_in" => list().any(contains),
        "not_contain_in" => list().any(|word| !contains(word)),
        "regex" => matches(operand),
        "regex_in" => list().any(matches),
        "exists" => there.is_empty() != operand.as_bool().unwrap(),
        "match" => there.iter().any(|value| {
            let V::Array(items) = value else { return false };
            items.iter().any(|item| {
                matches!(item, V::Object(members) if operand.as_object().unwrap().iter().all(|(name, wanted)| {
                    let wanted = from_json(wanted);
                    match member(members, name) {
                        None => wanted == V::Null,
                        Some(value) => reached(value, &[]).iter().flatten().any(|value| equal(value, &wanted)),
                    }
                }))
            })
        }),
        "datetime_lt" => compares(Ordering::is_lt, &V::Date(millis(operand.as_str().unwrap()))),
        "datetime_gte" => compares(Ordering::is_ge, &V::Date(millis(operand.as_str().unwrap()))),
        other => panic!("no naive {other}"),
    }
}

/// Returns the jobs that pass the filters of a query, in the order of their ids.
pub(crate) fn select(jobs: &[Row], query: &Value) -> Vec<Row> {
    let conditions = |name: &str| query[name].as_array().cloned().unwrap_or_default();
    let words: Vec<String> = query["keyword"]
        .as_str()
        .unwrap_or_default()
        .split_whitespace()
        .map(str::to_lowercase)
        .collect();
    let id = |row: &Row| match member(row, "job_id") {
        Some(V::Text(id)) => id.clone(),
        _ => unreachable!("every job has an id"),
    };
    let any = conditions("filter_or");
    let mut selected: Vec<Row> = jobs
        .iter()
        .filter(|row| {
            conditions("filter")
                .iter()
                .all(|condition| meets(row, condition))
        })
        .filter(|row| {
            (any.is_empty() && words.is_empty())
                || any.iter().any(|condition| meets(row, condition))
                || words
                    .iter()
                    .any(|word| id(row).to_lowercase().contains(word))
        })
        .cloned()
        .collect();
    selected.sort_by_key(id);
    selected
}

// Statistics

/// Returns the value at a path of an expression: at an array, the array of the values that its elements have.
fn gather(value: &V, path: &[String]) -> Option<V> {
    if path.is_empty() {
        return Some(value.clone());
    }
    match value {
        V::Object(members) => member(members, &path[0]).and_then(|inner| gather(inner, &path[1..])),
        V::Array(items) => Some(V::Array(
            items
                .iter()
                .filter(|item| matches!(item, V::Object(_)))
                .filter_map(|item| gather(item, path))
                .collect(),
        )),
        _ => None,
    }
}

pub(crate) struct Pipeline {
    pub(crate) rows: Vec<Row>,
    /// Whether the rows are job documents.
    documents: bool,
    keys: Vec<String>,
    /// The sort keys of each row from the last sort, which show ties at the edge of a limit or skip.
    sorted: Option<Vec<Vec<SortKey>>>,
}

impl Pipeline {
    pub(crate) fn new(rows: Vec<Row>) -> Self {
        Self {
            rows,
            documents: true,
            keys: Vec::new(),
            sorted: None,
        }
    }

    fn path(&self, key: &Value) -> Vec<String> {
        let key = key.as_str().unwrap();
        if self.documents {
            expand(key)
        } else {
            key.split('.').map(str::to_owned).collect()
        }
    }

    fn value(&self, row: &Row, key: &Value) -> Option<V> {
        gather(&V::Object(row.clone()), &self.path(key))
    }

    pub(crate) fn apply(&mut self, stage: &Value) -> Result<(), Refusal> {
        let (name, argument) = stage.as_object().unwrap().iter().next().unwrap();
        match name.as_str() {
            "unwind" => {
                self.unwind(argument);
                Ok(())
            }
            "group" => self.group(argument),
            "count" => {
                let count = self.rows.len();
                let name = argument["name"].as_str().unwrap().to_owned();
                #[expect(clippy::cast_precision_loss, reason = "a few hundred")]
                let row = vec![(name, V::Number(count as f64))];
                self.rows = if count == 0 { Vec::new() } else { vec![row] };
                self.leave_documents(Vec::new());
                Ok(())
            }
            "sort" => {
                self.sort(argument);
                Ok(())
            }
            "limit" => self.cut(0, usize::try_from(argument.as_u64().unwrap()).unwrap()),
            "skip" => self.cut(
                usize::try_from(argument.as_u64().unwrap()).unwrap(),
                usize::MAX,
            ),
            "project" => self.project(argument),
            other => panic!("no naive {other}"),
        }
    }

    fn leave_documents(&mut self, keys: Vec<String>) {
        self.documents = false;
        self.keys = keys;
        self.sorted = None;
    }

    fn cut(&mut self, skip: usize, limit: usize) -> Result<(), Refusal> {
        let end = skip.saturating_add(limit).min(self.rows.len());
        let start = skip.min(self.rows.len());
        for at in [start, end] {
            let is_inside = at > 0 && at < self.rows.len();
            // Documents are in the order of their ids; other rows only in the order of a sort.
            let is_tied = || match &self.sorted {
                Some(keys) => keys[at]
                    .iter()
                    .zip(&keys[at - 1])
                    .all(|(a, b)| compare_sort_keys(a, b).is_eq()),
                None => true,
            };
            if is_inside && !self.documents && is_tied() {
                return Err(Refusal::Open);
            }
        }
        self.rows = self.rows[start..end].to_vec();
        self.sorted = self.sorted.take().map(|keys| keys[start..end].to_vec());
        Ok(())
    }

    fn unwind(&mut self, argument: &Value) {
        let path = self.path(&argument["path"]);
        let mut rows = Vec::new();
        for row in &self.rows {
            // The path leads through objects only.
            let found =
                path.iter()
                    .try_fold(V::Object(row.clone()), |value, segment| match value {
                        V::Object(members) => member(&members, segment).cloned(),
                        _ => None,
                    });
            let items = match found {
                None | Some(V::Null) => continue,
                Some(V::Array(items)) => items,
                Some(other) => vec![other],
            };
            for item in items {
                let mut row = row.clone();
                put(&mut row, &path, item);
                rows.push(row);
            }
        }
        self.rows = rows;
        self.sorted = None;
    }

    fn sort(&mut self, argument: &Value) {
        let keys = argument["keys"].as_array().unwrap();
        let key_of = |row: &Row, key: &Value| {
            let path = self.path(&key["key"]);
            sort_key(
                sort_keys(&V::Object(row.clone()), &path),
                key["desc"] == true,
            )
        };
        let mut keyed: Vec<(Vec<SortKey>, Row)> = self
            .rows
            .iter()
            .map(|row| {
                (
                    keys.iter().map(|key| key_of(row, key)).collect(),
                    row.clone(),
                )
            })
            .collect();
        keyed.sort_by(|(a, _), (b, _)| {
            for (index, key) in keys.iter().enumerate() {
                let order = compare_sort_keys(&a[index], &b[index]);
                let order = if key["desc"] == true {
                    order.reverse()
                } else {
                    order
                };
                if order != Ordering::Equal {
                    return order;
                }
            }
            Ordering::Equal
        });
        let (sorted, rows) = keyed.into_iter().unzip();
        self.rows = rows;
        self.sorted = Some(sorted);
    }

    fn group(&mut self, argument: &Value) -> Result<(), Refusal> {
        let list = |name: &str| argument[name].as_array().cloned().unwrap_or_default();
        let (keys, fields) = (list("keys"), list("fields"));
        let mut groups: Vec<(Vec<Option<V>>, Vec<Row>)> = Vec::new();
        for row in &self.rows {
            let mut key = Vec::new();
            for part in &keys {
                let value = self.value(row, &part["key"]);
                key.push(match part.get("date_format") {
                    None => value,
                    Some(format) => Some(date_text(value.as_ref(), format.as_str().unwrap())?),
                });
            }
            let same = |other: &[Option<V>]| {
                other.iter().zip(&key).all(|pair| match pair {
                    (Some(a), Some(b)) => equal(a, b),
                    (None, None) => true,
                    _ => false,
                })
            };
            match groups.iter_mut().find(|(other, _)| same(other)) {
                Some((_, rows)) => rows.push(row.clone()),
                None => groups.push((key, vec![row.clone()])),
            }
        }
        let mut rows = Vec::new();
        for (key, members) in groups {
            let mut row: Row = Vec::new();
            for (part, value) in keys.iter().zip(key) {
                row.extend(value.map(|value| (part["name"].as_str().unwrap().to_owned(), value)));
            }
            for field in &fields {
                row.push((
                    field["name"].as_str().unwrap().to_owned(),
                    self.accumulate(field, &members)?,
                ));
            }
            rows.push(row);
        }
        self.rows = rows;
        self.leave_documents(
            keys.iter()
                .map(|key| key["name"].as_str().unwrap().to_owned())
                .collect(),
        );
        Ok(())
    }

    #[expect(clippy::cast_precision_loss, reason = "a few hundred")]
    #[expect(clippy::too_many_lines, reason = "one arm an operator")]
    fn accumulate(&self, field: &Value, rows: &[Row]) -> Result<V, Refusal> {
        let conditions = field["conditions"].as_array().cloned().unwrap_or_default();
        let passes = |row: &Row| {
            conditions
                .iter()
                .all(|condition| self.requirement(row, condition))
        };
        let values: Vec<Option<V>> = match field.get("key") {
            Some(key) => rows.iter().map(|row| self.value(row, key)).collect(),
            None => Vec::new(),
        };
        let numbers = |values: Vec<&V>| -> Vec<f64> {
            values
                .into_iter()
                .filter_map(|value| {
                    if let V::Number(n) = value {
                        Some(*n)
                    } else {
                        None
                    }
                })
                .collect()
        };
        let there: Vec<&V> = values
            .iter()
            .flatten()
            .filter(|value| **value != V::Null)
            .collect();
        Ok(match field["operator"].as_str().unwrap() {
            "count" => V::Number(rows.iter().filter(|row| passes(row)).count() as f64),
            "sum" => {
                let passing = rows
                    .iter()
                    .zip(&values)
                    .filter(|(row, _)| passes(row))
                    .filter_map(|(_, value)| value.as_ref());
                V::Number(numbers(passing.collect()).iter().sum())
            }
            "average" => {
                let zero = V::Number(0.0);
                let entering = rows.iter().zip(&values).filter_map(|(row, value)| {
                    if passes(row) {
                        value.as_ref()
                    } else {
                        Some(&zero)
                    }
                });
                let numbers = numbers(entering.collect());
                if numbers.is_empty() {
                    V::Null
                } else {
                    V::Number(numbers.iter().sum::<f64>() / numbers.len() as f64)
                }
            }
            "max" => there
                .into_iter()
                .max_by(|a, b| compare(a, b))
                .cloned()
                .unwrap_or(V::Null),
            "min" => there
                .into_iter()
                .min_by(|a, b| compare(a, b))
                .cloned()
                .unwrap_or(V::Null),
            "first" => values.first().cloned().flatten().unwrap_or(V::Null),
            "last" => values.last().cloned().flatten().unwrap_or(V::Null),
            "push" => V::Array(
                rows.iter()
                    .map(|row| {
                        let members =
                            field["fields"]
                                .as_array()
                                .unwrap()
                                .iter()
                                .filter_map(|sub| {
                                    self.value(row, &sub["key"]).map(|value| {
                                        (sub["name"].as_str().unwrap().to_owned(), value)
                                    })
                                });
                        V::Object(members.collect())
                    })
                    .collect(),
            ),
            "add_to_set" => {
                let mut set: Vec<V> = Vec::new();
                for value in values.into_iter().flatten() {
                    if !set.iter().any(|other| equal(other, &value)) {
                        set.push(value);
                    }
                }
                // The language does not determine the order; this is the order of the encoded values in SQL.
                let is_blob = |v: &V| !matches!(v, V::Number(_) | V::Text(_));
                set.sort_by(|a, b| is_blob(a).cmp(&is_blob(b)).then_with(|| compare(a, b)));
                V::Array(set)
            }
            "merge_objects" => {
                let mut merged: Row = Vec::new();
                for value in there {
                    let V::Object(members) = value else {
                        return Err(Refusal::Error);
                    };
                    for (name, value) in members {
                        match merged.iter_mut().find(|(other, _)| other == name) {
                            Some((_, old)) => *old = value.clone(),
                            None => merged.push((name.clone(), value.clone())),
                        }
                    }
                }
                V::Object(merged)
            }
            other => panic!("no naive {other}"),
        })
    }

    /// Whether a row meets a condition of an accumulator. Across types, missing < null < all other values.
    fn requirement(&self, row: &Row, condition: &Value) -> bool {
        let operand = from_json(&condition["value"]);
        let order = self
            .value(row, &condition["key"])
            .map_or(Ordering::Less, |value| compare(&value, &operand));
        match condition["operator"].as_str().unwrap() {
            "eq" => order.is_eq(),
            "lt" => order.is_lt(),
            "lte" => order.is_le(),
            "gt" => order.is_gt(),
            "gte" => order.is_ge(),
            other => panic!("no naive {other}"),
        }
    }

    fn project(&mut self, argument: &Value) -> Result<(), Refusal> {
        let fields = argument["fields"].as_array().unwrap();
        let named = |name: &str| fields.iter().any(|field| field["name"] == name);
        let names: Vec<String> = if argument["exclude_keys"] == true || self.documents {
            Vec::new()
        } else {
            self.keys
                .iter()
                .filter(|key| !named(key))
                .cloned()
                .collect()
        };
        let mut rows = Vec::new();
        for row in &self.rows {
            let mut new: Row = row
                .iter()
                .filter(|(name, _)| names.contains(name))
                .cloned()
                .collect();
            for field in fields {
                if let Some(value) = self.expression(row, field)? {
                    new.push((field["name"].as_str().unwrap().to_owned(), value));
                }
            }
            rows.push(new);
        }
        self.rows = rows;
        let (sorted, was_documents) = (self.sorted.take(), self.documents);
        self.leave_documents(names);
        // Projected documents are still in the order of their ids.
        let by_position = |length: usize| {
            (0..length)
                .map(|at| vec![Some(V::Date(i64::try_from(at).unwrap()))])
                .collect()
        };
        self.sorted = sorted.or_else(|| was_documents.then(|| by_position(self.rows.len())));
        Ok(())
    }

    fn expression(&self, row: &Row, field: &Value) -> Result<Option<V>, Refusal> {
        let value = || self.value(row, &field["key"]);
        let calculated = |fold: fn(f64, f64) -> f64| -> Result<Option<V>, Refusal> {
            let mut values = Vec::new();
            for operand in field["fields"].as_array().unwrap() {
                values.push(match operand {
                    Value::Number(number) => Some(V::Number(number.as_f64().unwrap())),
                    Value::String(_) => self.value(row, operand),
                    nested => self.expression(row, nested)?,
                });
            }
            let operator = field["operator"].as_str().unwrap();
            let is_null = |value: &Option<V>| matches!(value, None | Some(V::Null));
            if matches!(operator, "subtract" | "divide") && values.iter().any(is_null) {
                return Ok(Some(V::Null));
            }
            let mut numbers = Vec::new();
            let mut dates = Vec::new();
            for (at, value) in values.into_iter().enumerate() {
                match value {
                    None | Some(V::Null) => return Ok(Some(V::Null)),
                    Some(V::Number(number)) => numbers.push(number),
                    #[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
                    Some(V::Date(millis)) => {
                        dates.push(at);
                        numbers.push(millis as f64);
                        // A date can't be multiplied or divided, or added to another date.
                        let is_allowed = match operator {
                            "add" => dates.len() == 1,
                            "subtract" => dates[0] == 0,
                            _ => false,
                        };
                        if !is_allowed {
                            return Err(Refusal::Error);
                        }
                    }
                    Some(_) => return Err(Refusal::Error),
                }
            }
            // A date plus numbers is a date; a date minus a number is a date; a date minus a date is a number.
            let is_date = match (operator, dates.as_slice()) {
                (_, []) | ("subtract", [0, 1]) => false,
                ("add", [_]) | ("subtract", [0]) => true,
                _ => return Err(Refusal::Error),
            };
            if field["operator"] == "divide" && numbers[1] == 0.0 {
                return Err(Refusal::Error);
            }
            let result = numbers.into_iter().reduce(fold);
            #[expect(clippy::cast_possible_truncation, reason = "far below 2^53")]
            Ok(result.map(|number| {
                if is_date {
                    V::Date(number.round() as i64)
                } else {
                    V::Number(number)
                }
            }))
        };
        #[expect(clippy::cast_precision_loss, reason = "a few")]
        match field["operator"].as_str() {
            None => Ok(value()),
            Some("size") => match value() {
                Some(V::Array(items)) => Ok(Some(V::Number(items.len() as f64))),
                _ => Err(Refusal::Error),
            },
            Some("sum") => Ok(Some(V::Number(match value() {
                Some(V::Array(items)) => items
                    .iter()
                    .map(|item| if let V::Number(n) = item { *n } else { 0.0 })
                    .sum(),
                Some(V::Number(number)) => number,
                _ => 0.0,
            }))),
            Some("object_to_array") => match value() {
                None | Some(V::Null) => Ok(Some(V::Null)),
                Some(V::Object(members)) => Ok(Some(V::Array(
                    members
                        .into_iter()
                        .map(|(name, value)| {
                            V::Object(vec![
                                ("k".to_owned(), V::Text(name)),
                                ("v".to_owned(), value),
                            ])
                        })
                        .collect(),
                ))),
                Some(_) => Err(Refusal::Error),
            },
            Some("add") => calculated(|a, b| a + b),
            Some("subtract") => calculated(|a, b| a - b),
            Some("multiply") => calculated(|a, b| a * b),
            Some("divide") => calculated(|a, b| a / b),
            Some(other) => panic!("no naive {other}"),
        }
    }
}

/// A sort key of a value; `None` for an empty array.
type SortKey = Option<V>;

/// Returns all sort keys at a path: of every element of an array, or of the one at an index that exists; null for a
/// missing value and for an element that is not an object; the elements of an array at the end.
fn sort_keys(value: &V, path: &[String]) -> Vec<SortKey> {
    if path.is_empty() {
        return match value {
            V::Array(items) if items.is_empty() => vec![None],
            V::Array(items) => items.iter().cloned().map(Some).collect(),
            single => vec![Some(single.clone())],
        };
    }
    match value {
        V::Object(members) => match member(members, &path[0]) {
            Some(inner) => sort_keys(inner, &path[1..]),
            None => vec![Some(V::Null)],
        },
        V::Array(items) => {
            if let Some(item) = path[0].parse::<usize>().ok().and_then(|at| items.get(at)) {
                return sort_keys(item, &path[1..]);
            }
            if items.is_empty() {
                return vec![Some(V::Null)];
            }
            items
                .iter()
                .flat_map(|item| match item {
                    V::Object(_) => sort_keys(item, path),
                    _ => vec![Some(V::Null)],
                })
                .collect()
        }
        _ => vec![Some(V::Null)],
    }
}

/// Returns the smallest or largest key, in the order (empty array) < null and missing < other values.
fn sort_key(keys: Vec<SortKey>, desc: bool) -> SortKey {
    let keys = keys.into_iter();
    let chosen = if desc {
        keys.max_by(compare_sort_keys)
    } else {
        keys.min_by(compare_sort_keys)
    };
    chosen.unwrap_or(Some(V::Null))
}

fn compare_sort_keys(a: &SortKey, b: &SortKey) -> Ordering {
    match (a, b) {
        (Some(a), Some(b)) => compare(a, b),
        _ => a.is_some().cmp(&b.is_some()),
    }
}

/// Replaces the value at a path.
fn put(row: &mut Row, path: &[String], new: V) {
    let Some((_, value)) = row.iter_mut().find(|(name, _)| *name == path[0]) else {
        return;
    };
    match value {
        V::Object(members) if path.len() > 1 => put(members, &path[1..], new),
        _ => *value = new,
    }
}

fn date_text(value: Option<&V>, format: &str) -> Result<V, Refusal> {
    match value {
        None | Some(V::Null) => Ok(V::Null),
        Some(V::Date(millis)) => {
            let at = jiff::Timestamp::from_millisecond(*millis)
                .unwrap()
                .to_zoned(jiff::tz::TimeZone::UTC);
            Ok(match format {
                "year" => V::Number(f64::from(at.year())),
                "month" => V::Number(f64::from(at.month())),
                // In the formats of the tests, jiff's specifiers are MongoDB's.
                other => V::Text(at.strftime(other).to_string()),
            })
        }
        Some(_) => Err(Refusal::Error),
    }
}

/// Returns a row in the form of the answer.
pub(crate) fn to_json(row: &Row) -> Value {
    value_to_json(&V::Object(row.clone()))
}

pub(crate) fn value_to_json(v: &V) -> Value {
    match v {
        V::Null => Value::Null,
        V::Number(number) => serde_json::json!(number),
        V::Text(text) => Value::from(text.as_str()),
        V::Bool(b) => Value::Bool(*b),
        V::Array(items) => items.iter().map(value_to_json).collect(),
        V::Object(members) => Value::Object(
            members
                .iter()
                .map(|(k, v)| (k.clone(), value_to_json(v)))
                .collect(),
        ),
        V::Date(millis) => {
            let text = jiff::Timestamp::from_millisecond(*millis)
                .unwrap()
                .strftime("%Y-%m-%dT%H:%M:%S")
                .to_string();
            Value::from(match millis.rem_euclid(1000) {
                0 => format!("{text}Z"),
                rest => format!("{text}.{rest:03}000Z"),
            })
        }
    }
}

/// Returns the distinct values at a path; an array there gives its elements.
pub(crate) fn distinct(rows: &[Row], key: &str) -> Vec<V> {
    let path = expand(key);
    let mut values: Vec<V> = Vec::new();
    for row in rows {
        for value in ends(&V::Object(row.clone()), &path) {
            let opened = match value {
                V::Array(items) => items,
                single => vec![single],
            };
            for value in opened {
                if !values.iter().any(|other| equal(other, &value)) {
                    values.push(value);
                }
            }
        }
    }
    values
}

fn ends(value: &V, path: &[String]) -> Vec<V> {
    if path.is_empty() {
        return vec![value.clone()];
    }
    match value {
        V::Object(members) => {
            member(members, &path[0]).map_or_else(Vec::new, |inner| ends(inner, &path[1..]))
        }
        V::Array(items) => {
            let indexed = path[0].parse::<usize>().ok().and_then(|at| items.get(at));
            let inside = items.iter().filter(|item| matches!(item, V::Object(_)));
            indexed
                .into_iter()
                .flat_map(|item| ends(item, &path[1..]))
                .chain(inside.flat_map(|item| ends(item, path)))
                .collect()
        }
        _ => Vec::new(),
    }
}
