//! The bodies of `list`, `stat`, `analyze`, `get` and `delete`, as SpaceONE's clients send them today.
//!
//! They may leave the domain out, which another part of the request then names. Each becomes a [`JobsQuery`] or a
//! [`JobStatQuery`] of that domain, and is checked and answered as such.

use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer};
use serde_json::Value;
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::job::{JobStatus, STATUSES_OF_TODAY, Shape};
use crate::json::Strict;
use crate::json::message::Located;
use crate::json::names::shortened;
use crate::query::error::QueryError;
use crate::query::request::analyze::AnalyzeQuery;
use crate::query::request::condition::{Condition, limit_conditions};
use crate::query::request::list::{JobsQuery, Query, StatusFilter};
use crate::query::request::operator::Operator;
use crate::query::request::page::Page;
use crate::query::request::read;
use crate::query::request::spellings::Spellings;
use crate::query::request::stat::{JobStatQuery, StatisticsQuery};

/// A request for a list of jobs.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct JobListQuery {
    /// The tenant; where it is left out, it is that of the header `x-domain-id`, of the token, or of a mock with one domain.
    pub domain_id: Option<String>,
    /// The job of this id.
    pub job_id: Option<String>,
    /// The jobs of this status.
    #[schema(value_type = Option<StatusOfToday>)]
    pub status: Option<Located<Strict>>,
    /// The jobs of this collector.
    pub collector_id: Option<String>,
    /// The jobs of this plugin.
    #[schema(value_type = Option<String>)]
    pub plugin_id: Option<Located<String>>,
    /// The jobs of this project.
    pub project_id: Option<String>,
    /// The jobs of this workspace.
    #[schema(value_type = Option<String>)]
    pub workspace_id: Option<Located<String>>,
    /// Further conditions, the order, and the part to answer.
    #[serde(default)]
    #[schema(value_type = Option<Query>)]
    pub query: Query,
}

/// A request for statistics.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct JobStatisticsQuery {
    /// The tenant; where it is left out, it is that of the header `x-domain-id`, of the token, or of a mock with one domain.
    pub domain_id: Option<String>,
    pub query: StatisticsQuery,
}

/// A request for an analysis.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct JobAnalyzeQuery {
    /// The tenant; where it is left out, it is that of the header `x-domain-id`, of the token, or of a mock with one domain.
    pub domain_id: Option<String>,
    pub query: AnalyzeQuery,
}

/// A request for one job.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GetJobRequest {
    #[schema(min_length = 1)]
    pub job_id: String,
    /// The tenant; where it is left out, it is that of the header `x-domain-id`, of the token, or of a mock with one domain.
    pub domain_id: Option<String>,
    /// Answers these parts of the job only.
    #[serde(default, deserialize_with = "crate::query::request::list::paths")]
    #[schema(value_type = Option<Vec<crate::query::request::job_path::JobPath>>, max_items = 100)]
    pub only: Vec<String>,
}

/// A request for values that begin to match what a user types.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SuggestionQuery {
    /// `inventory.Job`, the only resource that there is here.
    pub resource_type: ResourceType,
    /// The path whose different values are suggested.
    #[schema(value_type = crate::query::request::job_path::JobPath)]
    pub distinct_key: String,
    /// A text that the values contain.
    #[schema(value_type = Option<String>)]
    pub search: Option<Located<String>>,
    #[serde(default)]
    #[schema(value_type = Option<SuggestionOptions>)]
    pub options: SuggestionOptions,
    /// Further members of the request for statistics.
    #[serde(default)]
    #[schema(value_type = Option<SuggestionParameters>)]
    pub extra_params: SuggestionParameters,
    /// The tenant; where it is left out, it is that of the header `x-domain-id`, of the token, or of a mock with one domain.
    pub domain_id: Option<String>,
}

/// A resource whose values can be suggested.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename = "resource")]
pub enum ResourceType {
    #[serde(rename = "inventory.Job")]
    Job,
}

/// How many values are suggested, and of which jobs.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SuggestionOptions {
    /// The most values.
    pub limit: Option<u32>,
    /// Conditions on the jobs that have the values.
    #[serde(
        default,
        deserialize_with = "crate::query::request::condition::conditions"
    )]
    #[schema(value_type = Option<Vec<Condition>>, max_items = 500)]
    pub filter: Vec<Located<Condition>>,
    /// Means nothing here.
    pub search_type: Option<String>,
    /// Further members of the request for statistics.
    #[serde(default)]
    #[schema(value_type = Option<SuggestionParameters>)]
    pub parameters: SuggestionParameters,
}

/// Further members of a request for suggestions.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SuggestionParameters {
    /// The tenant, as above.
    pub domain_id: Option<String>,
}

/// A request that is about one job.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct JobRequest {
    #[schema(min_length = 1)]
    pub job_id: String,
    /// The tenant; where it is left out, it is that of the header `x-domain-id`, of the token, or of a mock with one domain.
    pub domain_id: Option<String>,
}

fn message<T: DeserializeOwned>(body: &[u8]) -> Result<T, QueryError> {
    read::message(read::parse_tree(body)?)
}

/// Returns the domain that a body names, or else the given one.
fn domain(named: Option<String>, otherwise: Option<&str>) -> Result<String, QueryError> {
    let domain = named.or_else(|| otherwise.map(str::to_owned));
    domain.ok_or_else(|| QueryError::Required {
        key: "domain_id".to_owned(),
    })
}

impl JobsQuery {
    /// Reads the body of a list in a shape; `domain_id` is the domain of a body that names none.
    ///
    /// # Errors
    /// [`QueryError`] for the first problem.
    pub fn from_list_body(
        body: &[u8],
        domain_id: Option<&str>,
        shape: Shape,
    ) -> Result<Self, QueryError> {
        let list: JobListQuery = message(body)?;
        let mut query = list.query;
        limit_conditions(&query.filter, &query.filter_or)?;
        let status = list.status.map(|status| status_condition(status, shape));
        query.filter.extend(status.transpose()?.flatten());
        for (path, given) in [
            ("plugin_id", list.plugin_id),
            ("workspace_id", list.workspace_id),
        ] {
            query.filter.extend(given.map(|text| equals(path, text)));
        }
        Ok(Self {
            domain_id: domain(list.domain_id, domain_id)?,
            job_id: list.job_id,
            status: None,
            collector_id: list.collector_id,
            project_id: list.project_id,
            query,
            spellings: Spellings::default(),
            shape,
        })
    }

    /// Reads the body of a request for one job in a shape: the list of the jobs of its id.
    ///
    /// # Errors
    /// As [`JobsQuery::from_list_body`].
    pub fn from_get_body(
        body: &[u8],
        domain_id: Option<&str>,
        shape: Shape,
    ) -> Result<Self, QueryError> {
        let request: GetJobRequest = message(body)?;
        let mut spellings = Spellings::default();
        for index in 0..request.only.len() {
            spellings.add(format!("query.only[{index}]"), format!("only[{index}]"));
        }
        Ok(Self {
            domain_id: domain(request.domain_id, domain_id)?,
            job_id: Some(request.job_id),
            query: Query {
                only: request.only,
                ..Query::default()
            },
            spellings,
            shape,
            ..Self::default()
        })
    }
}

impl JobStatQuery {
    /// Reads the body of a request for statistics in a shape; `domain_id` is the domain of a body that names none.
    ///
    /// # Errors
    /// [`QueryError`] for the first problem.
    pub fn from_stat_body(
        body: &[u8],
        domain_id: Option<&str>,
        shape: Shape,
    ) -> Result<Self, QueryError> {
        let request: JobStatisticsQuery = message(body)?;
        let domain_id = domain(request.domain_id, domain_id)?;
        Self::limited(request.query, domain_id, shape, &[])
    }

    /// Reads the body of an analysis in a shape, as the statistics that mean the same.
    ///
    /// # Errors
    /// As [`JobStatQuery::from_stat_body`].
    pub fn from_analyze_body(
        body: &[u8],
        domain_id: Option<&str>,
        shape: Shape,
    ) -> Result<Self, QueryError> {
        let request: JobAnalyzeQuery = message(body)?;
        let query = request.query.into_statistics()?;
        let domain_id = domain(request.domain_id, domain_id)?;
        Self::limited(query, domain_id, shape, &[("query.aggregate", "query")])
    }

    /// Reads the body of a request for suggestions, as the statistics that give them.
    ///
    /// Rule: console-api, `autocomplete/distinct`: the different values that are not null and contain the searched text.
    ///
    /// # Errors
    /// As [`JobStatQuery::from_stat_body`].
    pub fn from_suggestion_body(
        body: &[u8],
        domain_id: Option<&str>,
        shape: Shape,
    ) -> Result<Self, QueryError> {
        let request: SuggestionQuery = message(body)?;
        let key = request.distinct_key;
        let condition = |operator: Operator, value: Value, location: String| Located {
            value: Condition {
                key: key.clone(),
                operator,
                value: Located {
                    value: Strict(value),
                    location: location.clone(),
                },
            },
            location,
        };
        let mut filter = vec![condition(
            Operator::Not,
            Value::Null,
            "distinct_key".to_owned(),
        )];
        filter.extend(request.options.filter);
        filter.extend(request.search.map(|Located { value, location }| {
            condition(Operator::Contain, value.into(), location)
        }));
        let named = request.domain_id;
        let named = named.or(request.options.parameters.domain_id);
        let domain_id = domain(named.or(request.extra_params.domain_id), domain_id)?;
        let limit = request.options.limit.filter(|limit| *limit > 0);
        let query = StatisticsQuery {
            filter,
            distinct: Some(key),
            page: Page {
                skip: 0,
                limit: limit.map(u64::from),
            },
            ..StatisticsQuery::default()
        };
        let spelt = [
            ("query.distinct", "distinct_key"),
            ("distinct_key.key", "distinct_key"),
        ];
        Self::limited(query, domain_id, shape, &spelt)
    }

    fn limited(
        query: StatisticsQuery,
        domain_id: String,
        shape: Shape,
        spelt: &[(&str, &str)],
    ) -> Result<Self, QueryError> {
        limit_conditions(&query.filter, &query.filter_or)?;
        let mut spellings = Spellings::default();
        for (location, spelt) in spelt {
            spellings.add((*location).to_owned(), (*spelt).to_owned());
        }
        Ok(Self {
            domain_id,
            query,
            shape,
            spellings,
        })
    }
}

impl JobRequest {
    /// Reads the body of a request about one job; returns its domain and its id.
    ///
    /// # Errors
    /// [`QueryError`] for the first problem.
    pub fn from_json(body: &[u8], domain_id: Option<&str>) -> Result<(String, String), QueryError> {
        let request: Self = message(body)?;
        Ok((domain(request.domain_id, domain_id)?, request.job_id))
    }
}

/// Returns the condition that a member of a list's body is.
fn equals(path: &str, text: Located<String>) -> Located<Condition> {
    let Located { value, location } = text;
    Located {
        value: Condition {
            key: path.to_owned(),
            operator: Operator::Eq,
            value: Located {
                value: Strict(value.into()),
                location: location.clone(),
            },
        },
        location,
    }
}

/// Returns the condition that the status of a list's body is; `None` for one that is the same as none.
fn status_condition(
    status: Located<Strict>,
    shape: Shape,
) -> Result<Option<Located<Condition>>, QueryError> {
    let Located { value, location } = status;
    let wrong = |problem: String| QueryError::Parameter {
        location: location.clone(),
        problem,
    };
    let name = match shape {
        Shape::Seed => {
            let read = value.0.deserialize_any(StatusFilter);
            let status = read.map_err(|error: serde_json::Error| wrong(error.to_string()))?;
            status.map(JobStatus::name)
        }
        Shape::Today => match value.0.as_str() {
            Some("JOB_STATE_NONE") => None,
            Some(name) => {
                let mut known = STATUSES_OF_TODAY.into_iter();
                let known = known.find(|known| *known == name);
                Some(known.ok_or_else(|| wrong(unknown_status(name)))?)
            }
            None => return Err(wrong(unknown_status(&value.0.to_string()))),
        },
    };
    Ok(name.map(|name| {
        let value = name.to_owned();
        equals("status", Located { value, location })
    }))
}

fn unknown_status(found: &str) -> String {
    let known = STATUSES_OF_TODAY.join(", ");
    format!("unknown status `{}`; known are {known}", shortened(found))
}

/// The schema of a status as clients of today name it.
struct StatusOfToday;

impl PartialSchema for StatusOfToday {
    fn schema() -> RefOr<Schema> {
        let none = ["", "JOB_STATE_NONE"].into_iter();
        ObjectBuilder::new()
            .schema_type(Type::String)
            .description(Some(
                "A status by its name of today; `JOB_STATE_NONE` and the empty string are the same as none.",
            ))
            .enum_values(Some(none.chain(STATUSES_OF_TODAY)))
            .into()
    }
}

impl ToSchema for StatusOfToday {}
