//! The statistics request as it arrives: `aggregate` or `distinct`.

use serde::Deserialize;
use serde::de::Deserializer;
use utoipa::ToSchema;

use crate::job::Shape;
use crate::json::message::Located;
use crate::query::error::QueryError;
use crate::query::limits::MAX_STAGES;
use crate::query::request::condition::{Condition, conditions, limit_conditions};
use crate::query::request::page::{Page, PageMembers};
use crate::query::request::read;
use crate::query::request::spellings::Spellings;
use crate::query::request::stages::{Accumulator, Stage};

/// A request for statistics.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct JobStatQuery {
    /// The tenant: no query reaches past it.
    #[schema(min_length = 1)]
    pub domain_id: String,
    pub query: StatisticsQuery,
    /// The shape of the jobs that it is about.
    #[serde(skip)]
    pub shape: Shape,
    /// What the request calls the places of the statistics that it stands for.
    #[serde(skip)]
    pub spellings: Spellings,
}

/// `spaceone.api.core.v1.StatisticsQuery`. `aggregate` or `distinct` is required; `aggregate` wins.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StatisticsQuery {
    /// All of these must hold; with those of `filter_or` at most 500.
    #[serde(default, deserialize_with = "conditions")]
    #[schema(value_type = Option<Vec<Condition>>, max_items = 500)]
    pub filter: Vec<Located<Condition>>,
    /// Any of these must hold.
    #[serde(default, deserialize_with = "conditions")]
    #[schema(value_type = Option<Vec<Condition>>, max_items = 500)]
    pub filter_or: Vec<Located<Condition>>,
    /// The stages, applied in order.
    #[serde(default, deserialize_with = "stages")]
    #[schema(value_type = Option<Vec<Stage>>, max_items = 50)]
    pub aggregate: Vec<Stage>,
    /// A path into a job, whose different values are answered.
    pub distinct: Option<String>,
    /// Words, any of which the job id contains; they join `filter_or`.
    pub keyword: Option<String>,
    /// With a limit the answer has a `total_count`.
    #[serde(default)]
    #[schema(value_type = Option<PageMembers>)]
    pub page: Page,
}

/// The question of a request for statistics.
#[derive(Debug)]
pub(crate) enum Question<'q> {
    /// The different values at a path.
    Distinct(&'q str),
    /// One stage at least.
    Aggregate(&'q [Stage]),
}

impl StatisticsQuery {
    /// Returns the stages, or else the path of `distinct`.
    ///
    /// # Errors
    /// [`QueryError::Required`] where there is neither.
    pub(crate) fn question(&self) -> Result<Question<'_>, QueryError> {
        if !self.aggregate.is_empty() {
            return Ok(Question::Aggregate(&self.aggregate));
        }
        let path = self.distinct.as_deref();
        path.map(Question::Distinct)
            .ok_or_else(|| QueryError::Required {
                key: "query.aggregate or query.distinct".to_owned(),
            })
    }
}

impl JobStatQuery {
    /// Reads the body of a statistics request.
    ///
    /// # Errors
    /// [`QueryError`] for the first problem.
    pub fn from_json(body: &[u8]) -> Result<Self, QueryError> {
        let request: Self = read::message(read::parse_tree(body)?)?;
        limit_conditions(&request.query.filter, &request.query.filter_or)?;
        Ok(request)
    }
}

impl StatisticsQuery {
    /// Returns the location of the first operator that is jobdeck's own, and its name; `None` where SpaceONE has them all.
    pub(crate) fn own_operator(&self) -> Option<(String, Accumulator)> {
        let fields = self.aggregate.iter().flat_map(|stage| match stage {
            Stage::Group(group) => group.value.fields.as_slice(),
            _ => &[],
        });
        let mut own = fields.filter(|field| field.value.operator.is_own());
        own.next().map(|field| {
            let location = format!("{}.operator", field.location);
            (location, field.value.operator)
        })
    }
}

fn stages<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Stage>, D::Error> {
    read::list(deserializer, MAX_STAGES, "stages")
}
