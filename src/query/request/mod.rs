//! The requests as they arrive: JSON or a query string, read into shapes in which every member has its type.
//!
//! What the language means by them is decided further in: [`crate::query::check::filter`], [`crate::query::list::plan`], [`crate::query::stat::plan`].

pub(crate) mod object;
mod query_string;

use serde_json::Value;

use crate::job::JobStatus;
use crate::json;
use crate::query::error::QueryError;
use crate::query::request::object::{ErrorKind, Members, place_of_item, wrong_type};

/// The most conditions in `filter` and `filter_or` together.
pub const MAX_CONDITIONS: usize = 500;
/// The most values that a body may hold in all: more than all the other limits together let it have.
pub const MAX_VALUES: usize = 50_000;
/// The most sort keys.
pub const MAX_SORT_KEYS: usize = 32;

/// `JobsQuery`: what the list and search routes are asked.
///
/// ```json
/// {"domain_id": "domain-1", "status": "ERROR", "query": {"page": {"limit": 30}}}
/// ```
#[derive(Debug, Default)]
pub struct JobsQuery {
    pub domain_id: String,
    pub job_id: Option<String>,
    pub status: Option<JobStatus>,
    pub collector_id: Option<String>,
    pub project_id: Option<String>,
    pub query: Query,
}

/// `spaceone.api.core.v1.Query`.
#[derive(Debug, Default)]
pub struct Query {
    pub filter: Vec<Condition>,
    pub filter_or: Vec<Condition>,
    pub keyword: Option<String>,
    pub sort: Vec<SortKey>,
    pub page: Page,
    pub minimal: bool,
    pub count_only: bool,
    pub only: Vec<String>,
}

impl Query {
    /// Whether the answer hangs on when it is asked for.
    #[must_use]
    pub fn asks_the_clock(&self) -> bool {
        let conditions = self.filter.iter().chain(&self.filter_or);
        conditions
            .map(|condition| condition.operator.as_str())
            .any(crate::query::check::operators::asks_the_clock)
    }

    /// Whether it has regular expressions, which may take long to compile and to match, a step at a time.
    #[must_use]
    pub fn has_patterns(&self) -> bool {
        have_patterns(&self.filter, &self.filter_or)
    }
}

fn have_patterns(filter: &[Condition], filter_or: &[Condition]) -> bool {
    let mut conditions = filter.iter().chain(filter_or);
    conditions.any(|condition| crate::query::check::operators::is_pattern(&condition.operator))
}

/// `JobStatQuery` with its `spaceone.api.core.v1.StatisticsQuery`.
#[derive(Debug)]
pub struct JobStatQuery {
    pub domain_id: String,
    pub filter: Vec<Condition>,
    pub filter_or: Vec<Condition>,
    pub keyword: Option<String>,
    pub question: Question,
    pub page: Page,
}

impl JobStatQuery {
    /// As [`Query::has_patterns`].
    #[must_use]
    pub fn has_patterns(&self) -> bool {
        have_patterns(&self.filter, &self.filter_or)
    }
}

/// What statistics are asked for; `aggregate` wins over `distinct`.
#[derive(Debug)]
pub enum Question {
    /// A path and its place in the request.
    Distinct(String),
    /// The stages with their places, not yet read.
    Aggregate(Vec<(Value, String)>),
}

/// One condition of a filter: `{"k": …, "v": …, "o": …}`.
#[derive(Debug, Clone)]
pub struct Condition {
    /// Where it stands: `query.filter[2]`.
    pub place: String,
    pub key: String,
    pub operator: String,
    /// Null where it was left out.
    pub value: Value,
    /// Where the value stands, as it was spelt: `query.filter[2].v`.
    pub value_place: String,
}

/// One key to sort by.
#[derive(Debug, Clone)]
pub struct SortKey {
    /// Where the key stands: `query.sort.keys[0].key`.
    pub place: String,
    pub key: String,
    pub desc: bool,
}

/// Which part of the rows to answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Page {
    /// Rows to pass over; 0 unless there is a limit.
    pub skip: u64,
    /// `None`: all.
    pub limit: Option<u64>,
}

impl Page {
    /// Whether the row at a place, counted from 0, is of the page.
    #[must_use]
    pub fn has(&self, place: u64) -> bool {
        let end = self.limit.map(|limit| self.skip.saturating_add(limit));
        place >= self.skip && end.is_none_or(|end| place < end)
    }

    /// How many of so many rows it has.
    #[must_use]
    pub fn of(&self, rows: u64) -> u64 {
        let rest = rows.saturating_sub(self.skip);
        self.limit.map_or(rest, |limit| rest.min(limit))
    }
}

impl JobsQuery {
    /// Reads the body of a search.
    ///
    /// # Errors
    /// [`QueryError`] with the place of the first fault.
    pub fn from_json(body: &[u8]) -> Result<Self, QueryError> {
        Self::from_value(&parse(body)?)
    }

    /// Reads a query string, decoded into its pairs, as proto's HTTP transcoding has it.
    ///
    /// `query` itself may be the whole Query as JSON, since repeated messages have no form in a query string.
    ///
    /// # Errors
    /// [`QueryError`] with the parameter at fault.
    pub fn from_pairs<'p>(
        pairs: impl IntoIterator<Item = (&'p str, &'p str)>,
    ) -> Result<Self, QueryError> {
        Self::from_value(&query_string::to_value(pairs)?)
    }

    fn from_value(value: &Value) -> Result<Self, QueryError> {
        let mut members = Members::new(value, "", ErrorKind::Parameter)?;
        let domain_id = domain_id(&mut members)?;
        let text = |pair: Option<(&str, String)>| pair.map(|(text, _)| text.to_owned());
        let request = Self {
            domain_id,
            job_id: text(members.string(&["job_id"])?),
            status: status(&mut members)?,
            collector_id: text(members.string(&["collector_id"])?),
            project_id: text(members.string(&["project_id"])?),
            query: match members.value(&["query"])? {
                Some((query, place)) => Query::from_value(query, &place)?,
                None => Query::default(),
            },
        };
        members.finish()?;
        Ok(request)
    }
}

impl Query {
    fn from_value(value: &Value, place: &str) -> Result<Self, QueryError> {
        let mut members = Members::new(value, place, ErrorKind::Parameter)?;
        let filter = conditions(&mut members, "filter")?;
        let filter_or = conditions(&mut members, "filter_or")?;
        limit_conditions(&members, &filter, &filter_or)?;
        let query = Self {
            filter,
            filter_or,
            keyword: keyword(&mut members)?,
            sort: match members.value(&["sort"])? {
                Some((sort, place)) => sort_keys(sort, &place, ErrorKind::Parameter)?,
                None => Vec::new(),
            },
            page: page(&mut members)?,
            minimal: members.boolean("minimal")?,
            count_only: members.boolean("count_only")?,
            only: only(&mut members)?,
        };
        members.finish()?;
        Ok(query)
    }
}

impl JobStatQuery {
    /// Reads the body of a statistics request.
    ///
    /// # Errors
    /// [`QueryError`] with the place of the first fault.
    pub fn from_json(body: &[u8]) -> Result<Self, QueryError> {
        let mut value = parse(body)?;
        let mut members = Members::new(&value, "", ErrorKind::Parameter)?;
        let domain_id = domain_id(&mut members)?;
        let Some((query, place)) = members.value(&["query"])? else {
            return Err(QueryError::Required {
                key: "query".to_owned(),
            });
        };
        members.finish()?;
        let mut members = Members::new(query, &place, ErrorKind::Parameter)?;
        let filter = conditions(&mut members, "filter")?;
        let filter_or = conditions(&mut members, "filter_or")?;
        limit_conditions(&members, &filter, &filter_or)?;
        let stages = members.array("aggregate", usize::MAX)?;
        if stages.len() > crate::query::stat::plan::MAX_STAGES {
            let problem = format!(
                "has {} stages, at most {} are allowed",
                stages.len(),
                crate::query::stat::plan::MAX_STAGES
            );
            return Err(QueryError::Language {
                place: members.place_of("aggregate"),
                problem,
            });
        }
        let distinct = members.string(&["distinct"])?;
        let question = if !stages.is_empty() {
            let places = stages.into_iter().map(|(_, place)| (Value::Null, place));
            Question::Aggregate(places.collect())
        } else if let Some((path, _)) = distinct {
            Question::Distinct(path.to_owned())
        } else {
            return Err(QueryError::Required {
                key: "query.aggregate or query.distinct".to_owned(),
            });
        };
        let mut request = Self {
            domain_id,
            filter,
            filter_or,
            keyword: keyword(&mut members)?,
            question,
            page: page(&mut members)?,
        };
        members.finish()?;
        if let Question::Aggregate(stages) = &mut request.question {
            // Moved, since to copy a tree is as long as to read it.
            let given = value.pointer_mut("/query/aggregate");
            let given = given.and_then(Value::as_array_mut).into_iter().flatten();
            for ((stage, _), given) in stages.iter_mut().zip(given) {
                *stage = given.take();
            }
        }
        Ok(request)
    }
}

/// Reads a body as JSON, strictly.
pub(crate) fn parse(body: &[u8]) -> Result<Value, QueryError> {
    json::read(body, MAX_VALUES).map_err(|error| {
        let problem = error.to_string();
        if error.is_data() {
            QueryError::Parameter {
                place: "body".to_owned(),
                problem,
            }
        } else {
            QueryError::Json { problem }
        }
    })
}

fn domain_id(members: &mut Members<'_>) -> Result<String, QueryError> {
    match members.string(&["domain_id"])? {
        Some((domain_id, _)) => Ok(domain_id.to_owned()),
        None => Err(QueryError::Required {
            key: "domain_id".to_owned(),
        }),
    }
}

/// Reads a status by name or proto number; nothing for `JOB_STATE_NONE`, 0 and the empty string.
fn status(members: &mut Members<'_>) -> Result<Option<JobStatus>, QueryError> {
    let Some((value, place)) = members.value(&["status"])? else {
        return Ok(None);
    };
    let known = || {
        let names: Vec<_> = JobStatus::ALL.iter().map(|status| status.name()).collect();
        names.join(", ")
    };
    let problem = |found: String| QueryError::Parameter {
        place: place.clone(),
        problem: format!("unknown status `{found}`; known are {}", known()),
    };
    match value {
        Value::String(name) if name.is_empty() || name == "JOB_STATE_NONE" => Ok(None),
        Value::String(name) => match JobStatus::from_name(name) {
            Some(status) => Ok(Some(status)),
            None => Err(problem(name.chars().take(64).collect())),
        },
        Value::Number(number) => match number
            .as_u64()
            .and_then(|number| usize::try_from(number).ok())
        {
            Some(0) => Ok(None),
            Some(number) if number <= JobStatus::ALL.len() => Ok(Some(JobStatus::ALL[number - 1])),
            _ => Err(problem(number.to_string())),
        },
        other => Err(wrong_type(
            ErrorKind::Parameter,
            &place,
            "the name or number of a status",
            other,
        )),
    }
}

fn limit_conditions(
    members: &Members<'_>,
    filter: &[Condition],
    or: &[Condition],
) -> Result<(), QueryError> {
    let count = filter.len() + or.len();
    if count > MAX_CONDITIONS {
        let problem = format!("{count} conditions in all, at most {MAX_CONDITIONS} are allowed");
        return Err(members.problem("filter", problem));
    }
    Ok(())
}

fn conditions(members: &mut Members<'_>, name: &'static str) -> Result<Vec<Condition>, QueryError> {
    let items = members.array(name, MAX_CONDITIONS)?;
    items
        .into_iter()
        .map(|(item, place)| condition(item, place))
        .collect()
}

/// Reads one condition; a missing key or operator is a fault of the language, as in SpaceONE.
fn condition(value: &Value, place: String) -> Result<Condition, QueryError> {
    let mut members = Members::new(value, &place, ErrorKind::Parameter)?;
    let key = members.string(&["key", "k"])?;
    let operator = members.string(&["operator", "o"])?;
    let (value, value_place) = match members.raw(&["value", "v"])? {
        Some((value, place)) => (value.clone(), place),
        None => (Value::Null, members.place_of("value")),
    };
    let Some((key, _)) = key else {
        return Err(members.required("key"));
    };
    let Some((operator, _)) = operator else {
        return Err(members.required("operator"));
    };
    let (key, operator) = (key.to_owned(), operator.to_owned());
    members.finish()?;
    Ok(Condition {
        place,
        key,
        operator,
        value,
        value_place,
    })
}

fn keyword(members: &mut Members<'_>) -> Result<Option<String>, QueryError> {
    Ok(members
        .string(&["keyword"])?
        .map(|(keyword, _)| keyword.to_owned()))
}

fn page(members: &mut Members<'_>) -> Result<Page, QueryError> {
    let Some((page, place)) = members.value(&["page"])? else {
        return Ok(Page::default());
    };
    let mut members = Members::new(page, &place, ErrorKind::Parameter)?;
    let mut not_negative = |name: &'static str| match members.integer(name)? {
        None => Ok(0),
        Some((number, place)) => u64::try_from(number).map_err(|_negative| QueryError::Parameter {
            place,
            problem: format!("{number} is negative; 0 or more is allowed"),
        }),
    };
    let (start, limit) = (not_negative("start")?, not_negative("limit")?);
    members.finish()?;
    Ok(if limit == 0 {
        Page::default()
    } else {
        Page {
            skip: start.saturating_sub(1),
            limit: Some(limit),
        }
    })
}

/// Reads `{key, desc}`, `{keys: [{key, desc}…]}` or an array of `{key, desc}`; `key` wins over `keys`.
///
/// No keys at all is an empty list: a list then has its default order.
pub(crate) fn sort_keys(
    value: &Value,
    place: &str,
    fault: ErrorKind,
) -> Result<Vec<SortKey>, QueryError> {
    let key_of = |members: &mut Members<'_>| -> Result<Option<SortKey>, QueryError> {
        let key = members.string(&["key", "k"])?;
        let desc = members.boolean("desc")?;
        Ok(key.map(|(key, place)| SortKey {
            place,
            key: key.to_owned(),
            desc,
        }))
    };
    let item = |(item, place): (&Value, String)| -> Result<SortKey, QueryError> {
        let mut members = Members::new(item, &place, fault)?;
        let key = key_of(&mut members)?.ok_or_else(|| members.required("key"))?;
        members.finish()?;
        Ok(key)
    };
    if let Value::Array(items) = value {
        if items.len() > MAX_SORT_KEYS {
            let problem = format!(
                "has {} keys, at most {MAX_SORT_KEYS} are allowed",
                items.len()
            );
            return Err(crate::query::request::object::fault(fault, place, problem));
        }
        return items
            .iter()
            .enumerate()
            .map(|(index, value)| item((value, place_of_item(place, index))))
            .collect();
    }
    let mut members = Members::new(value, place, fault)?;
    let single = key_of(&mut members)?;
    let several = members
        .array("keys", MAX_SORT_KEYS)?
        .into_iter()
        .map(item)
        .collect::<Result<Vec<_>, _>>()?;
    members.finish()?;
    Ok(single.map_or(several, |key| vec![key]))
}

fn only(members: &mut Members<'_>) -> Result<Vec<String>, QueryError> {
    let items = members.array("only", crate::query::eval::projection::MAX_PATHS)?;
    items
        .into_iter()
        .map(|(item, place)| match item {
            Value::String(key) => Ok(key.clone()),
            other => Err(wrong_type(ErrorKind::Parameter, &place, "a string", other)),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_error(body: &str, expected: &str) {
        assert_eq!(
            JobsQuery::from_json(body.as_bytes())
                .unwrap_err()
                .to_string(),
            expected
        );
    }

    #[test]
    fn faults_name_their_place() {
        for (query, expected) in [
            (
                r#"{"filter":[{"k":"a","o":"eq"},{"k":"a","key":"a","o":"eq"}]}"#,
                "query.filter[1].k: given as well as `key`, which is the same member; give one of them",
            ),
            (
                r#"{"filter":[{"k":"a"}]}"#,
                "query.filter[0].operator: is required",
            ),
            (
                r#"{"filter":[3]}"#,
                "query.filter[0]: expected an object, found a number",
            ),
            (
                r#"{"filter":[{"k":"a","o":"eq","w":1}]}"#,
                "query.filter[0].w: unknown member `w`; known are key, k, operator, o, value, v",
            ),
            (
                r#"{"page":{"limit":-1}}"#,
                "query.page.limit: -1 is negative; 0 or more is allowed",
            ),
            (
                r#"{"page":{"limit":1.5}}"#,
                "query.page.limit: expected an integer, found a number",
            ),
            (
                r#"{"page":{"size":1}}"#,
                "query.page.size: unknown member `size`; known are start, limit",
            ),
            (
                r#"{"sort":[{"desc":true}]}"#,
                "query.sort[0].key: is required",
            ),
            (
                r#"{"only":"job_id"}"#,
                "query.only: expected a list, found a string",
            ),
            (
                r#"{"only":[1]}"#,
                "query.only[0]: expected a string, found a number",
            ),
            (
                r#"{"countOnly":true,"count_only":true}"#,
                "query.countOnly: given as well as `count_only`, which is the same member; give one of them",
            ),
            (
                r#"{"minmal":true}"#,
                "query.minmal: unknown member `minmal`; did you mean `minimal`?",
            ),
        ] {
            check_error(&format!(r#"{{"domain_id":"d","query":{query}}}"#), expected);
        }
        check_error(
            r#"{"domain_id":"d","domain_id":"e"}"#,
            "body: duplicate field `domain_id` at line 1 column 33",
        );
        check_error(
            r#"{"domain_id":"#,
            "the body is not JSON: EOF while parsing a value at line 1 column 13",
        );
        check_error("{}", "Required parameter. (key = domain_id)");
    }

    #[test]
    fn too_many_conditions_are_refused() {
        let conditions = vec![r#"{"k":"status","v":"x","o":"eq"}"#; 300].join(",");
        check_error(
            &format!(
                r#"{{"domain_id":"d","query":{{"filter":[{conditions}],"filter_or":[{conditions}]}}}}"#
            ),
            "query.filter: 600 conditions in all, at most 500 are allowed",
        );
    }
}
