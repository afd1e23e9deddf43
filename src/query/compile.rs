//! Compiles requests: from a request to the plan of its answer.

use crate::query::check;
use crate::query::error::QueryError;
use crate::query::list::plan::{self as list_plan, ListPlan};
use crate::query::list::statements::matching_ids;
use crate::query::request::{JobStatQuery, JobsQuery};
use crate::query::sql::Sql;
use crate::query::stat::plan::{self as stat_plan, StatPlan};
use crate::time::Timestamp;

/// Checks a request for a list and plans how it is answered.
///
/// # Errors
/// [`QueryError`] for the first problem of the request.
pub fn compile_list(request: &JobsQuery, now: Timestamp) -> Result<ListPlan, QueryError> {
    Ok(list_plan::plan(&check::list::check(request, now)?))
}

/// Checks a request for a list and compiles its conditions: the statement selects the `id` of each row of `jobs` that matches,
/// whatever the page, the order and the form of the answer.
///
/// # Errors
/// [`QueryError`] for the first problem of the request.
pub fn compile_matches(request: &JobsQuery, now: Timestamp) -> Result<Sql, QueryError> {
    Ok(matching_ids(&check::list::check(request, now)?))
}

/// Checks a request for statistics and plans how it is answered.
///
/// # Errors
/// [`QueryError`] for the first problem of the request.
pub fn compile_stat(request: &JobStatQuery, now: Timestamp) -> Result<StatPlan, QueryError> {
    Ok(stat_plan::plan(check::stat::check(request, now)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::Shape;

    #[track_caller]
    fn check(analysis: &str, aggregate: &str) {
        let body = |query: &str| format!(r#"{{"domain_id":"d","query":{{{query}}}}}"#);
        let plan = |request: Result<JobStatQuery, QueryError>| {
            compile_stat(&request.unwrap(), Timestamp::MIN).unwrap()
        };
        for shape in [Shape::Seed, Shape::Today] {
            let analysis = body(analysis);
            let analyzed = JobStatQuery::from_analyze_body(analysis.as_bytes(), None, shape);
            let stat = body(&format!(r#""aggregate":[{aggregate}]"#));
            let stat = JobStatQuery::from_stat_body(stat.as_bytes(), None, shape);
            let (analyzed, stat) = (plan(analyzed), plan(stat));
            assert_eq!(analyzed.statement(), stat.statement(), "{analysis}");
        }
    }

    #[test]
    fn an_analysis_becomes_the_stages_that_it_stands_for() {
        let counts = |keys: &str| {
            format!(
                r#"{{"group":{{"keys":[{keys}],"fields":[{{"name":"n","operator":"count"}}]}}}}"#
            )
        };
        let status = r#"{"key":"status","name":"status"}"#;
        let provider = r#"{"key":"collector.provider","name":"provider"}"#;
        let fields = r#""fields":{"n":{"operator":"count"}}"#;
        check(fields, &counts(""));
        check(
            &format!(r#"{fields},"group_by":["collector.provider",{status}]"#),
            &counts(&format!("{provider},{status}")),
        );
        check(
            &format!(r#"{fields},"groupBy":["status"],"sort":{{"key":"n","desc":true}}"#),
            &format!(r#"{},{{"sort":{{"key":"n","desc":true}}}}"#, counts(status)),
        );
        check(
            &format!(r#"{fields},"group_by":["status"],"select":{{"of":"status"}}"#),
            &format!(
                r#"{},{{"project":{{"exclude_keys":true,"fields":[{{"name":"of","key":"status"}}]}}}}"#,
                counts(status)
            ),
        );
        check(
            &format!(
                r#"{fields},"group_by":["collector.provider","status"],"field_group":["status"]"#
            ),
            &format!(
                r#"{},{{"group":{{"keys":[{{"key":"provider","name":"provider"}}],"fields":[
                    {{"name":"_total_n","operator":"sum","key":"n"}},
                    {{"name":"n","operator":"push","fields":[{{"key":"n","name":"value"}},{status}]}}]}}}}"#,
                counts(&format!("{provider},{status}"))
            ),
        );
    }

    #[test]
    fn a_status_of_today_is_counted_by_counters() {
        for question in [
            r#""aggregate":[{"group":{"keys":[{"key":"status","name":"s"}],"fields":[{"name":"n","operator":"count"}]}}]"#,
            r#""distinct":"status""#,
        ] {
            let body = format!(r#"{{"domain_id":"d","query":{{{question}}}}}"#);
            let request = JobStatQuery::from_stat_body(body.as_bytes(), None, Shape::Today);
            let plan = compile_stat(&request.unwrap(), Timestamp::MIN).unwrap();
            let sql = plan.statement().sql.text().to_owned();
            assert!(sql.contains("FROM status_counts"), "{sql}");
            assert!(sql.contains("'FAILURE'"), "{sql}");
        }
    }
}
