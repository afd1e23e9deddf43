//! The conditions of a rule, and the questions that are made with them: the same requests as clients send.

use serde_json::{Value, json};

use crate::query::request::{JobStatQuery, JobsQuery};
use crate::query::{ListPlan, QueryError, StatPlan, compile_list, compile_stat};
use crate::time::Timestamp;

/// The fields of a job that neither a run that succeeds nor one that still runs has as a failed one has them.
const OF_FAILURES: [&str; 2] = ["status", "errors"];

/// The conditions of a rule, as the query language has them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Conditions {
    pub(super) filter: Vec<Value>,
    pub(super) filter_or: Vec<Value>,
}

impl Conditions {
    /// Checks the conditions, and that each of them can hold of a job that has not failed, unless the rule is for failures alone.
    ///
    /// # Errors
    /// The place and the problem, such as `filter[0].o: unknown operator`.
    pub(super) fn check(
        &self,
        domain_id: &str,
        is_of_failures_alone: bool,
        now: Timestamp,
    ) -> Result<(), String> {
        let body = self.list(domain_id, &[], &json!({}));
        let request = JobsQuery::from_json(body.as_bytes()).map_err(|error| text(&error))?;
        compile_list(&request, now).map_err(|error| text(&error))?;
        if is_of_failures_alone {
            return Ok(());
        }
        let conditions = request.query.filter.iter().chain(&request.query.filter_or);
        for condition in conditions {
            let root = condition.value.key.split('.').next().unwrap_or_default();
            if OF_FAILURES.contains(&root) {
                let place = condition.location.trim_start_matches("query.");
                return Err(format!(
                    "{place}: a condition on `{root}` leaves out the runs that have not failed, which this rule needs; make a rule of \
                     its own for it, with `on = \"failed\"`"
                ));
            }
        }
        Ok(())
    }

    /// Writes the request for a list of the jobs that match these conditions and further ones; `rest` has more members of `query`.
    fn list(&self, domain_id: &str, more: &[Value], rest: &Value) -> String {
        let mut query = rest.clone();
        query["filter"] = self.filter.iter().chain(more).cloned().collect();
        query["filter_or"] = self.filter_or.iter().cloned().collect();
        json!({"domain_id": domain_id, "query": query}).to_string()
    }

    /// Plans a list of the jobs that match these conditions and further ones, without their number.
    ///
    /// # Errors
    /// [`QueryError`], which a checked rule does not have.
    pub(super) fn list_plan(
        &self,
        domain_id: &str,
        more: &[Value],
        rest: &Value,
        now: Timestamp,
    ) -> Result<ListPlan, QueryError> {
        let body = self.list(domain_id, more, rest);
        Ok(compile_list(&JobsQuery::from_json(body.as_bytes())?, now)?.without_total())
    }

    /// Plans statistics over the jobs that match these conditions and further ones.
    ///
    /// # Errors
    /// As [`Conditions::list_plan`].
    pub(super) fn stat_plan(
        &self,
        domain_id: &str,
        more: &[Value],
        stages: &Value,
        now: Timestamp,
    ) -> Result<StatPlan, QueryError> {
        let body = self.list(domain_id, more, &json!({"aggregate": stages}));
        compile_stat(&JobStatQuery::from_json(body.as_bytes())?, now)
    }
}

/// Writes an error with the place as the file of rules has it.
fn text(error: &QueryError) -> String {
    error.to_string().replace("query.filter", "filter")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(filter: Value, is_of_failures_alone: bool, expected: &str) {
        let Value::Array(filter) = filter else {
            panic!("{filter}")
        };
        let conditions = Conditions {
            filter,
            filter_or: Vec::new(),
        };
        let now = Timestamp::parse_rfc3339("2026-01-01T00:00:00Z").unwrap();
        let problem = conditions.check("d", is_of_failures_alone, now);
        let problem = problem.err().unwrap_or_default();
        assert!(problem.starts_with(expected), "{problem}");
        assert_eq!(problem.is_empty(), expected.is_empty(), "{problem}");
    }

    #[test]
    fn a_wrong_condition_is_named() {
        check(
            json!([{"k": "collector_id", "v": "c", "o": "eq"}]),
            false,
            "",
        );
        check(
            json!([{"k": "created_at", "v": "now - 7d", "o": "timediff_gte"}]),
            false,
            "",
        );
        check(
            json!([{"k": "filter.a", "v": 1, "o": "equals"}]),
            true,
            "filter[0].operator: unknown operator `equals`",
        );
        check(
            json!([{"k": "filter.a", "o": "in", "v": 1}]),
            true,
            "filter[0].v: operator `in` takes a list",
        );
        check(
            json!([{"k": "filter.a"}]),
            true,
            "filter[0].operator: is required",
        );
        check(json!(["x"]), true, "filter[0]: expected an object");
        let on_errors = json!([{"k": "errors.error_code", "v": "QUOTA", "o": "eq"}]);
        check(on_errors.clone(), true, "");
        check(
            on_errors,
            false,
            "filter[0]: a condition on `errors` leaves out",
        );
    }
}
