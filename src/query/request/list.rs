//! The requests of the list and search routes.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, Visitor};
use utoipa::openapi::schema::{ObjectBuilder, OneOfBuilder, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::job::{JobStatus, Shape};
use crate::json::Tree;
use crate::json::message::Located;
use crate::json::names::shortened;
use crate::query::error::QueryError;
use crate::query::limits::MAX_PATHS;
use crate::query::request::condition::{Condition, conditions, limit_conditions};
use crate::query::request::job_path::JobPath;
use crate::query::request::page::{Page, PageMembers};
use crate::query::request::read;
use crate::query::request::sort::Sort;
use crate::query::request::spellings::Spellings;

/// A request for a list: whose jobs, which of them, in which order, and which part of them.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct JobsQuery {
    /// The tenant: no query reaches past it.
    #[schema(min_length = 1)]
    pub domain_id: String,
    /// The job of this id.
    pub job_id: Option<String>,
    /// The jobs of this status.
    #[serde(default, deserialize_with = "status")]
    #[schema(value_type = Option<StatusFilter>)]
    pub status: Option<JobStatus>,
    /// The jobs of this collector.
    pub collector_id: Option<String>,
    /// The jobs of this project.
    pub project_id: Option<String>,
    /// Further conditions, the order, and the part to answer.
    #[serde(default)]
    #[schema(value_type = Option<Query>)]
    pub query: Query,
    /// How the parameters of a query string were written.
    #[serde(skip)]
    pub spellings: Spellings,
    /// The shape of the jobs that it is about.
    #[serde(skip)]
    pub shape: Shape,
}

/// `spaceone.api.core.v1.Query`. Without a page limit the answer holds every match.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Query {
    /// All of these must hold; with those of `filter_or` at most 500.
    #[serde(default, deserialize_with = "conditions")]
    #[schema(value_type = Option<Vec<Condition>>, max_items = 500)]
    pub filter: Vec<Located<Condition>>,
    /// Any of these must hold.
    #[serde(default, deserialize_with = "conditions")]
    #[schema(value_type = Option<Vec<Condition>>, max_items = 500)]
    pub filter_or: Vec<Located<Condition>>,
    /// Words, any of which the job id contains; they join `filter_or`.
    pub keyword: Option<String>,
    /// The order of the jobs; without it the newest are first.
    #[serde(default)]
    #[schema(value_type = Option<Sort>)]
    pub sort: Sort,
    /// The part of the jobs to answer.
    #[serde(default)]
    #[schema(value_type = Option<PageMembers>)]
    pub page: Page,
    /// Answers `job_id`, `status`, `created_at` and `finished_at` only.
    #[serde(default)]
    #[schema(value_type = Option<bool>)]
    pub minimal: bool,
    /// Answers `total_count` and no jobs.
    #[serde(default)]
    #[schema(value_type = Option<bool>)]
    pub count_only: bool,
    /// Answers these parts of the jobs only.
    #[serde(default, deserialize_with = "paths")]
    #[schema(value_type = Option<Vec<JobPath>>, max_items = 100)]
    pub only: Vec<String>,
}

impl JobsQuery {
    /// Reads the body of a search.
    ///
    /// # Errors
    /// [`QueryError`] for the first problem.
    pub fn from_json(body: &[u8]) -> Result<Self, QueryError> {
        Self::from_tree(read::parse_tree(body)?)
    }

    pub(super) fn from_tree(tree: Tree<'_>) -> Result<Self, QueryError> {
        let request: Self = read::message(tree)?;
        limit_conditions(&request.query.filter, &request.query.filter_or)?;
        Ok(request)
    }
}

pub(super) fn paths<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    read::list(deserializer, MAX_PATHS, "items")
}

/// A status that jobs are filtered by: how it is read, and its schema.
pub(crate) struct StatusFilter;

/// Reads a status by name or proto number; nothing for `JOB_STATE_NONE`, 0 and the empty string.
fn status<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<JobStatus>, D::Error> {
    deserializer.deserialize_any(StatusFilter)
}

impl Visitor<'_> for StatusFilter {
    type Value = Option<JobStatus>;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name or number of a status")
    }
    fn visit_str<E: Error>(self, name: &str) -> Result<Self::Value, E> {
        match name {
            "" | "JOB_STATE_NONE" => Ok(None),
            name => match JobStatus::from_name(name) {
                Some(status) => Ok(Some(status)),
                None => Err(unknown_status(&shortened(name))),
            },
        }
    }
    fn visit_u64<E: Error>(self, number: u64) -> Result<Self::Value, E> {
        let Some(index) = number.checked_sub(1) else {
            return Ok(None);
        };
        let index = usize::try_from(index).ok();
        match index.and_then(|index| JobStatus::ALL.get(index)) {
            Some(status) => Ok(Some(*status)),
            None => Err(unknown_status(&number.to_string())),
        }
    }
    fn visit_i64<E: Error>(self, number: i64) -> Result<Self::Value, E> {
        Err(unknown_status(&number.to_string()))
    }
    fn visit_f64<E: Error>(self, number: f64) -> Result<Self::Value, E> {
        Err(unknown_status(&format!("{number:?}")))
    }
}

fn unknown_status<E: Error>(found: &str) -> E {
    let known = JobStatus::ALL.map(JobStatus::name).join(", ");
    E::custom(format_args!("unknown status `{found}`; known are {known}"))
}

impl PartialSchema for StatusFilter {
    fn schema() -> RefOr<Schema> {
        let names = ["", "JOB_STATE_NONE"].into_iter();
        let names = names.chain(JobStatus::ALL.map(JobStatus::name));
        let name = ObjectBuilder::new()
            .schema_type(Type::String)
            .enum_values(Some(names));
        let number = ObjectBuilder::new()
            .schema_type(Type::Integer)
            .minimum(Some(0))
            .maximum(Some(6));
        let schema = OneOfBuilder::new()
            .description(Some(
                "A status by its name or proto number; `JOB_STATE_NONE`, 0 and the empty string are the same as none.",
            ))
            .item(name)
            .item(number);
        schema.into()
    }
}

impl ToSchema for StatusFilter {}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(body: &str, expected: &str) {
        assert_eq!(
            JobsQuery::from_json(body.as_bytes())
                .unwrap_err()
                .to_string(),
            expected
        );
    }

    #[test]
    fn errors_name_their_place() {
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
                r#"query.filter[0]: expected an object such as `{"key": "status", "value": "ERROR", "operator": "eq"}`, found a number"#,
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
                r#"query.only: expected a list such as `["job_id", "status"]`, found a string"#,
            ),
            (
                r#"{"filterOr":{"status":"ERROR"}}"#,
                r#"query.filterOr: expected a list such as `[{"key": "status", "value": "ERROR", "operator": "eq"}]`, found an object"#,
            ),
            (
                r#"{"sort":"-created_at"}"#,
                r#"query.sort: expected an object such as `{"key": "created_at", "desc": true}`, found a string"#,
            ),
            (
                r#"{"sort":["created_at"]}"#,
                r#"query.sort[0]: expected an object such as `{"key": "created_at", "desc": true}`, found a string"#,
            ),
            (
                r#"{"sort":{"keys":"created_at"}}"#,
                r#"query.sort.keys: expected a list such as `[{"key": "created_at", "desc": true}]`, found a string"#,
            ),
            (
                r#"{"sort":{"key":1}}"#,
                "query.sort.key: expected a string, found a number",
            ),
            (
                r#"{"page":2}"#,
                r#"query.page: expected an object such as `{"start": 1, "limit": 30}`, found a number"#,
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
            check(&format!(r#"{{"domain_id":"d","query":{query}}}"#), expected);
        }
        check(
            r#"{"domain_id":"d","domain_id":"e"}"#,
            "body: duplicate field `domain_id` at line 1 column 33",
        );
        check(
            r#"{"domain_id":"#,
            "the body is not JSON: EOF while parsing a value at line 1 column 13",
        );
        check("{}", "Required parameter. (key = domain_id)");
    }

    #[test]
    fn too_many_conditions_are_refused() {
        let conditions = vec![r#"{"k":"status","v":"x","o":"eq"}"#; 300].join(",");
        check(
            &format!(
                r#"{{"domain_id":"d","query":{{"filter":[{conditions}],"filter_or":[{conditions}]}}}}"#
            ),
            "query.filter: 600 conditions in all, at most 500 are allowed",
        );
    }
}
