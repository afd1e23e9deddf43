//! Checked lists: a `JobsQuery` whose fields, operators and operands are right. They have no SQL yet.

use crate::job::Shape;
use crate::query::check::conditions;
use crate::query::check::field::{Column, DocumentPath, Target, resolve};
use crate::query::check::filter::{Filter, equals};
use crate::query::check::projection;
use crate::query::check::shape;
use crate::query::error::QueryError;
use crate::query::eval::path::Paths;
use crate::query::request::{JobsQuery, Page, SortKey};
use crate::query::tenant::Tenant;
use crate::time::Timestamp;

/// A checked list.
#[derive(Debug, Clone, PartialEq)]
pub struct CheckedList {
    pub(in crate::query) tenant: Tenant,
    pub(in crate::query) filter: Filter,
    pub(in crate::query) order: Order,
    /// The paths that are answered of each document; `None` for whole documents.
    pub(in crate::query) projection: Option<Paths>,
    pub(in crate::query) form: Form,
    pub(in crate::query) page: Page,
    /// Whether only the number of matches is answered.
    pub(in crate::query) count_only: bool,
}

/// The form in which the documents are answered.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::query) enum Form {
    Stored,
    /// That of today's SpaceONE, reduced to these paths; `None` for whole documents.
    Today(Option<Paths>),
}

/// The order of the rows, always total.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::query) enum Order {
    /// By time, then by job id, as the indexes are.
    Time { newest_first: bool },
    /// By these terms, the job id among them.
    Terms(Vec<OrderTerm>),
}

/// One term of an order.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::query) struct OrderTerm {
    pub(in crate::query) key: OrderKey,
    pub(in crate::query) desc: bool,
}

/// The field by which rows are ordered.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::query) enum OrderKey {
    Column(Column),
    Document(DocumentPath),
}

/// Checks a request for a list.
///
/// # Errors
/// [`QueryError`] for the first problem: an unknown field or operator, an operand of the wrong type.
pub fn check(request: &JobsQuery, now: Timestamp) -> Result<CheckedList, QueryError> {
    let query = &request.query;
    let mut all: Vec<Filter> = [
        (Column::JobId, &request.job_id),
        (Column::CollectorId, &request.collector_id),
        (Column::ProjectId, &request.project_id),
    ]
    .into_iter()
    .filter_map(|(column, text)| text.as_deref().map(|text| equals(column, text)))
    .collect();
    all.extend(
        request
            .status
            .map(|status| equals(Column::Status, status.name())),
    );
    let conditions = conditions::parse(
        &query.filter,
        &query.filter_or,
        query.keyword.as_deref(),
        now,
    )?;
    all.push(conditions);
    let projection = projection::parse(&query.only, query.minimal)?;
    let form = match request.shape {
        Shape::Seed => Form::Stored,
        Shape::Today => Form::Today(projection::of_today(&query.only, query.minimal)?),
    };
    Ok(CheckedList {
        tenant: Tenant::new(&request.domain_id),
        filter: shape::in_shape(Filter::All(all), request.shape)?.flatten(),
        order: order(&query.sort.keys, request.shape)?,
        projection: match (&form, projection) {
            (Form::Stored, projection) => projection,
            (Form::Today(_), _) => projection::sources_of_today(&query.only, query.minimal)?,
        },
        form,
        page: query.page,
        count_only: query.count_only,
    })
}

impl CheckedList {
    /// Whether the filter names the jobs by their ids.
    pub(in crate::query) fn has_job_ids(&self) -> bool {
        self.filter.has_job_ids()
    }
}

/// Returns the order of a list: newest first unless sort keys are given, and the job id last, so that it is total.
///
/// The job id has the opposite direction of the last key, as in the indexes (`created_at DESC, job_id`), so that SQLite
/// can read an index forwards or backwards for either direction of the key.
fn order(keys: &[SortKey], shape: Shape) -> Result<Order, QueryError> {
    let mut targets: Vec<(Target, bool)> = Vec::with_capacity(keys.len());
    for key in keys {
        let target = resolve(&key.key.value, &key.key.location)?.in_shape(shape);
        // Rule: pymongo sends the keys as members of one object: a repeated key has its first position and its last
        // direction.
        match targets.iter_mut().find(|(other, _)| *other == target) {
            Some((_, desc)) => *desc = key.desc,
            None => targets.push((target, key.desc)),
        }
    }
    let last_desc = match targets.as_slice() {
        [] => return Ok(Order::Time { newest_first: true }),
        [(Target::Column(Column::CreatedAt), desc)] => {
            return Ok(Order::Time {
                newest_first: *desc,
            });
        }
        [.., (_, desc)] => *desc,
    };
    let mut terms = Vec::with_capacity(targets.len() + 1);
    for (target, desc) in targets {
        let key = match target {
            Target::NeverThere | Target::Column(Column::DomainId) => continue,
            Target::Column(column) => OrderKey::Column(column),
            Target::Document(path) => OrderKey::Document(path),
        };
        terms.push(OrderTerm { key, desc });
    }
    let job_id = OrderKey::Column(Column::JobId);
    if !terms.iter().any(|term| term.key == job_id) {
        terms.push(OrderTerm {
            key: job_id,
            desc: !last_desc,
        });
    }
    Ok(Order::Terms(terms))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(sort: &str, expected: &str) {
        let body = format!(r#"{{"domain_id":"d","query":{{"sort":{sort}}}}}"#);
        let request = JobsQuery::from_json(body.as_bytes()).unwrap();
        let got = match order(&request.query.sort.keys, Shape::Seed).unwrap() {
            Order::Time { newest_first } => format!("time {newest_first}"),
            Order::Terms(terms) => {
                let term = |term: &OrderTerm| match &term.key {
                    OrderKey::Column(column) => format!("{} {}", column.name(), term.desc),
                    OrderKey::Document(path) => {
                        format!("{} {}", path.segments().join("."), term.desc)
                    }
                };
                terms.iter().map(term).collect::<Vec<_>>().join(", ")
            }
        };
        assert_eq!(got, expected, "{sort}");
    }

    #[test]
    fn the_order_is_total() {
        check("[]", "time true");
        check(r#"{"key":"created_at"}"#, "time false");
        check(r#"{"key":"status"}"#, "status false, job_id true");
        check(
            r#"[{"key":"job_id"},{"key":"filters.a"}]"#,
            "job_id false, filter.a false",
        );
        check(r#"{"key":"status.x","desc":true}"#, "job_id false");
    }

    #[test]
    fn a_repeated_key_has_its_first_position_and_its_last_direction() {
        check(
            r#"[{"key":"filter.a"},{"key":"status"},{"key":"filters.a","desc":true}]"#,
            "filter.a true, status false, job_id true",
        );
        check(
            r#"[{"key":"created_at","desc":true},{"key":"created_at"}]"#,
            "time false",
        );
    }
}
