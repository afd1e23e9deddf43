//! The filter of a request in a shape of jobs: conditions on today's members become conditions on stored ones.
//!
//! A status has six values, so a condition on its name of today is the set of stored statuses whose name meets it. It is
//! then a filter like any other: indexes, counters and scans answer it.

use crate::job::{JobStatus, Shape};
use crate::query::check::field::Column;
use crate::query::check::filter::{ALWAYS, ColumnTest, Filter, NEVER, ValueList, equals};
use crate::query::error::QueryError;
use crate::query::eval::pattern::{Pattern, any_word};

/// Returns the filter of stored jobs that selects what `filter` selects of jobs in a shape.
///
/// # Errors
/// [`QueryError::Evaluation`] where a pattern takes too many steps over the name of a status.
pub(super) fn in_shape(filter: Filter, shape: Shape) -> Result<Filter, QueryError> {
    if shape == Shape::Seed {
        return Ok(filter);
    }
    let all = |filters: Vec<Filter>| -> Result<Vec<Filter>, QueryError> {
        let filters = filters.into_iter();
        filters.map(|filter| in_shape(filter, shape)).collect()
    };
    Ok(match filter {
        Filter::All(filters) => Filter::All(all(filters)?),
        Filter::Any(filters) => Filter::Any(all(filters)?),
        Filter::Not(filter) => Filter::Not(Box::new(in_shape(*filter, shape)?)),
        Filter::Column(Column::Status, test) => status(test)?,
        Filter::Column(column, test) => match (column.in_shape(shape), test) {
            // A number that is not stored is derived.
            (Column::Today(_), ColumnTest::IsNull) => NEVER,
            (column, test) => Filter::Column(column, test),
        },
        Filter::Document(path, check) => Filter::Document(path, check),
    })
}

/// Returns the stored statuses whose name of today passes a test.
fn status(test: ColumnTest) -> Result<Filter, QueryError> {
    let pattern = match &test {
        ColumnTest::Matches(pattern) => Some(pattern.clone()),
        ColumnTest::Contains(words) => Some(any_word(words)),
        _ => None,
    };
    let evaluation = |problem: String| QueryError::Evaluation { problem };
    let pattern = pattern.map(|text| Pattern::new(&text).map_err(evaluation));
    let pattern = pattern.transpose()?;
    let filter = Filter::Column(Column::Status, test);
    let mut passing = Vec::new();
    for status in JobStatus::ALL {
        let name = status.name_of_today();
        let passes = match &pattern {
            Some(pattern) => pattern.is_match(name, &|| false).map_err(evaluation)?,
            None => filter.holds(&|_| Some(name)),
        };
        if passes {
            passing.push(status.name());
        }
    }
    Ok(match passing.as_slice() {
        [] => NEVER,
        [one] => equals(Column::Status, one),
        all if all.len() == JobStatus::ALL.len() => ALWAYS,
        some => {
            let names = some.iter().map(|name| (*name).into()).collect();
            Filter::Column(Column::Status, ColumnTest::In(ValueList::new(names)))
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::check::conditions;
    use crate::query::request::JobsQuery;
    use crate::query::tenant::Tenant;
    use crate::query::where_clause::lower;
    use crate::time::Timestamp;

    #[track_caller]
    fn check(condition: &str, expected: &str) {
        let body = format!(r#"{{"domain_id":"d","query":{{"filter":[{condition}]}}}}"#);
        let request = JobsQuery::from_json(body.as_bytes()).unwrap();
        let filter = conditions::parse(&request.query.filter, &[], None, Timestamp::MIN).unwrap();
        let filter = in_shape(filter, Shape::Today).unwrap().flatten();
        let sql = lower(&filter, &Tenant::new("d"));
        let got = format!("{} {:?}", sql.text(), sql.params());
        assert_eq!(got, expected, "{condition}");
    }

    #[test]
    fn a_condition_on_a_status_of_today_is_one_on_stored_statuses() {
        const FAILED: &str =
            r#"status IN (SELECT value FROM json_each(?)) [Text("[\"ERROR\",\"TIMEOUT\"]")]"#;
        const RUNNING: &str =
            r#"status IN (SELECT value FROM json_each(?)) [Text("[\"CREATED\",\"IN_PROGRESS\"]")]"#;
        for (condition, expected) in [
            (r#"{"k":"status","v":"FAILURE","o":"eq"}"#, FAILED),
            (r#"{"k":"status","v":["FAILURE","ERROR"],"o":"in"}"#, FAILED),
            (r#"{"k":"status","v":"fail","o":"contain"}"#, FAILED),
            (r#"{"k":"status","v":"^f.*e$","o":"regex"}"#, FAILED),
            (r#"{"k":"status","v":"IN_PROGRESS","o":"eq"}"#, RUNNING),
            (
                r#"{"k":"status","v":"SUCCESS","o":"eq"}"#,
                r#"status = ? [Text("SUCCESS")]"#,
            ),
            (r#"{"k":"status","v":"ERROR","o":"eq"}"#, "0 []"),
            (r#"{"k":"status","v":"A","o":"gt"}"#, "1 []"),
            (r#"{"k":"status","v":null,"o":"eq"}"#, "0 []"),
            (r#"{"k":"success_tasks","v":null,"o":"eq"}"#, "0 []"),
        ] {
            check(condition, expected);
        }
        check(
            r#"{"k":"status","v":"FAILURE","o":"not"}"#,
            &FAILED.replace(
                "status IN (SELECT value FROM json_each(?))",
                "NOT ifnull(status IN (SELECT value FROM json_each(?)), 0)",
            ),
        );
    }
}
