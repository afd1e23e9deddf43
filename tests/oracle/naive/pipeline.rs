//! The stages of statistics.

use std::cmp::Ordering;

use serde_json::Value;

use super::Refusal;
use super::order::{SortKey, compare_keys, compare_parts, sort_key};
use super::value::{Row, V, compare, equal, expand, from_json, member, to_json};

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

/// Rows, and what is known of them.
///
/// The row of a group has its keys in a member `_id`, as MongoDB has it. A path leads there only if the whole of it is the
/// name of a key of any group so far.
pub(crate) struct Pipeline {
    rows: Vec<Row>,
    /// Whether the rows are job documents.
    documents: bool,
    /// The keys of all groups so far.
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

    /// Returns the rows in the form of the answer: the keys of a group, then the other members in their place.
    pub(crate) fn answer(&self) -> Vec<Value> {
        let flat = |row: &Row| {
            let (keys, others): (Row, Row) = row.iter().cloned().partition(|(n, _)| n == "_id");
            let mut flat = match keys.into_iter().next() {
                Some((_, V::Object(keys))) => keys,
                _ => Vec::new(),
            };
            for (name, value) in others {
                flat.retain(|(other, _)| *other != name);
                flat.push((name, value));
            }
            to_json(&flat)
        };
        self.rows.iter().map(flat).collect()
    }

    fn path(&self, key: &Value) -> Vec<String> {
        let key = key.as_str().unwrap();
        if self.documents {
            expand(key)
        } else if self.keys.iter().any(|name| name == key) {
            vec!["_id".to_owned(), key.to_owned()]
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
                self.unwind(&argument["path"]);
                Ok(())
            }
            "group" => self.group(argument),
            "count" => {
                let count = self.rows.len();
                let name = argument["name"].as_str().unwrap().to_owned();
                #[expect(clippy::cast_precision_loss, reason = "a few hundred")]
                let row = vec![(name, V::Number(count as f64))];
                self.rows = if count == 0 { Vec::new() } else { vec![row] };
                self.leave_documents();
                Ok(())
            }
            "sort" => self.sort(argument),
            "limit" => self.cut(0, usize::try_from(argument.as_u64().unwrap()).unwrap()),
            "skip" => self.cut(
                usize::try_from(argument.as_u64().unwrap()).unwrap(),
                usize::MAX,
            ),
            "project" => self.project(argument),
            other => panic!("no naive {other}"),
        }
    }

    fn leave_documents(&mut self) {
        self.documents = false;
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
                    .all(|(a, b)| compare_parts(a, b).is_eq()),
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

    fn unwind(&mut self, key: &Value) {
        let key = key.as_str().unwrap();
        // The key of a group is not found even by its own name.
        let path = if self.documents {
            expand(key)
        } else {
            key.split('.').map(str::to_owned).collect()
        };
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

    fn sort(&mut self, argument: &Value) -> Result<(), Refusal> {
        let (mut paths, mut descending) = (Vec::new(), Vec::new());
        for key in argument["keys"].as_array().unwrap() {
            let path = self.path(&key["key"]);
            // Of one key twice the later direction counts.
            if let Some(at) = paths.iter().position(|other| *other == path) {
                descending[at] = key["desc"] == true;
            } else {
                paths.push(path);
                descending.push(key["desc"] == true);
            }
        }
        let mut keyed = Vec::new();
        for row in &self.rows {
            let key = sort_key(&V::Object(row.clone()), &paths, &descending)?;
            keyed.push((key, row.clone()));
        }
        keyed.sort_by(|(a, _), (b, _)| compare_keys(a, b, &descending));
        let (sorted, rows) = keyed.into_iter().unzip();
        self.rows = rows;
        self.sorted = Some(sorted);
        Ok(())
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
            let named = keys.iter().zip(key).filter_map(|(part, value)| {
                value.map(|value| (part["name"].as_str().unwrap().to_owned(), value))
            });
            let mut row: Row = vec![("_id".to_owned(), V::Object(named.collect()))];
            for field in &fields {
                row.push((
                    field["name"].as_str().unwrap().to_owned(),
                    self.accumulate(field, &members)?,
                ));
            }
            rows.push(row);
        }
        self.rows = rows;
        self.leave_documents();
        let names = keys
            .iter()
            .map(|key| key["name"].as_str().unwrap().to_owned());
        self.keys.extend(names);
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
            "median" | "percentile" => {
                let mut numbers = numbers(there);
                numbers.sort_by(f64::total_cmp);
                let percent = field["percent"].as_f64().unwrap_or(50.0);
                let is_enough = |number: &&f64| {
                    let not_above = numbers.iter().filter(|other| other <= number).count();
                    100.0 * not_above as f64 >= percent * numbers.len() as f64
                };
                let found = numbers.iter().find(is_enough);
                found.map_or(V::Null, |number| V::Number(*number))
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
        let drops_keys = argument["exclude_keys"] == true;
        let mut rows = Vec::new();
        for row in &self.rows {
            let mut new: Row = row
                .iter()
                .filter(|(name, _)| name == "_id" && !drops_keys)
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
        self.leave_documents();
        if drops_keys {
            self.keys.clear();
        }
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
