//! Checked statistics: a `JobStatQuery` whose fields, operators and stages are right. They have no SQL yet.

use crate::query::check::field::{self, Target};
use crate::query::check::filter::Filter;
use crate::query::check::resolved::ResolvedStages;
use crate::query::check::{conditions, resolve, shape, stages};
use crate::query::error::QueryError;
use crate::query::request::{JobStatQuery, Page, Question};
use crate::query::tenant::Tenant;
use crate::time::Timestamp;

/// Checked statistics.
#[derive(Debug)]
pub(in crate::query) struct CheckedStat {
    pub(in crate::query) tenant: Tenant,
    pub(in crate::query) filter: Filter,
    pub(in crate::query) rows: StatQuestion,
    pub(in crate::query) page: Page,
}

/// What the rows of the answer are.
#[derive(Debug)]
pub(in crate::query) enum StatQuestion {
    /// The different values at a path.
    Distinct(Target),
    /// The rows that come out of the last stage.
    Aggregate(ResolvedStages),
}

/// Checks a request for statistics.
///
/// # Errors
/// [`QueryError`] for the first problem.
pub(in crate::query) fn check(
    request: &JobStatQuery,
    now: Timestamp,
) -> Result<CheckedStat, QueryError> {
    let query = &request.query;
    let question = query.question()?;
    let filter = conditions::parse(
        &query.filter,
        &query.filter_or,
        query.keyword.as_deref(),
        now,
    )?;
    Ok(CheckedStat {
        tenant: Tenant::new(&request.domain_id),
        filter: shape::in_shape(filter, request.shape)?.flatten(),
        rows: match question {
            Question::Distinct(key) => {
                let target = field::resolve(key, "query.distinct")?;
                StatQuestion::Distinct(target.in_shape(request.shape))
            }
            Question::Aggregate(stages) => {
                StatQuestion::Aggregate(resolve::resolve(stages::check(stages)?, request.shape)?)
            }
        },
        page: query.page,
    })
}
