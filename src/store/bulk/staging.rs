//! `Staging`: decides which jobs match the conditions of a list before they are written.
//!
//! The jobs are put into a database in memory, and SQLite tests them there as it tests the jobs of a list, so that a condition
//! has one meaning. The table has no indexes: a job may be in it twice, and each row is decided by its own content.

use std::collections::{BTreeSet, HashSet};
use std::path::Path;

use rusqlite::{Connection, params_from_iter};

use crate::query::QueryError;
use crate::query::sql::Sql;
use crate::store::connection::open::{Mode, open_writer};
use crate::store::error::StoreError;
use crate::store::job_row::{self, NewJob};
use crate::store::schema::migrate;
use crate::store::write::{OnConflict, WriteTransaction};

/// A database in memory, which is empty between two calls.
#[derive(Debug)]
pub struct Staging {
    connection: Connection,
}

impl Staging {
    /// Makes the database.
    ///
    /// # Errors
    /// [`StoreError`] when there is no memory for it.
    pub fn new() -> Result<Self, StoreError> {
        let mut connection = open_writer(Path::new(":memory:"), Mode::Scratch)?;
        migrate(&mut connection, &mut |_done, _all| {})?;
        let drops: Vec<String> = connection
            .prepare(
                "SELECT format('DROP INDEX \"%w\"', name) FROM sqlite_schema \
                 WHERE type = 'index' AND tbl_name = 'jobs' AND sql IS NOT NULL",
            )?
            .query_map([], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        connection.execute_batch(&drops.join(";"))?;
        Ok(Self { connection })
    }

    /// Returns for each job whether it matches. `statement` selects the `id` of each row of a domain that does
    /// ([`compile_matches`](crate::query::compile_matches)).
    ///
    /// # Errors
    /// [`StoreError`] where a condition can't be compiled, or can't be decided for a job.
    pub fn matches<'j>(
        &mut self,
        jobs: impl IntoIterator<Item = &'j mut NewJob>,
        mut statement: impl FnMut(&str) -> Result<Sql, QueryError>,
    ) -> Result<Vec<bool>, StoreError> {
        // It is never committed: its end empties the database.
        let transaction = self.connection.transaction()?;
        let mut transaction = WriteTransaction::continue_in(transaction, OnConflict::Replace);
        let mut domains = BTreeSet::new();
        let mut ids = Vec::new();
        for job in jobs {
            transaction.look_up_keys(job)?;
            let connection = &transaction.transaction;
            connection
                .prepare_cached(job_row::INSERT_NEW)?
                .execute(params_from_iter(job.row.values()))?;
            ids.push(connection.last_insert_rowid());
            domains.insert(job.ids().0);
        }
        let mut matching: HashSet<i64> = HashSet::new();
        for domain_id in domains {
            let sql = statement(domain_id).map_err(StoreError::Query)?;
            let mut statement = transaction.transaction.prepare_cached(sql.text())?;
            let mut rows = statement.query(params_from_iter(sql.params()))?;
            while let Some(row) = rows.next()? {
                matching.insert(row.get(0)?);
            }
        }
        Ok(ids.iter().map(|id| matching.contains(id)).collect())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::job::Job;
    use crate::query::compile_matches;
    use crate::query::request::JobsQuery;
    use crate::time::Timestamp;

    fn job(domain_id: &str, members: Value) -> NewJob {
        let mut job =
            json!({"job_id": "j", "domain_id": domain_id, "created_at": "2026-01-01T00:00:00Z"});
        let Value::Object(members) = members else {
            panic!("{members}")
        };
        job.as_object_mut().unwrap().extend(members);
        NewJob::new(&Job::from_json(job.to_string().as_bytes()).unwrap())
    }

    #[track_caller]
    fn check(staging: &mut Staging, query: &Value, expected: &[bool]) {
        let collector = |name: &str| json!({"collector_info": {"name": name}});
        let mut jobs = [
            job("a", json!({"status": "ERROR"})),
            // The same job once more, with another content.
            job("a", json!({"status": "SUCCESS", "filter": {"zone": "x"}})),
            job(
                "b",
                json!({"status": "ERROR", "errors": [{"message": "quota"}]}),
            ),
            job("c", collector("nightly")),
        ];
        let matches = staging.matches(&mut jobs, |domain_id| {
            let body = json!({"domain_id": domain_id, "query": query}).to_string();
            compile_matches(&JobsQuery::from_json(body.as_bytes())?, Timestamp::MIN)
        });
        assert_eq!(matches.unwrap(), expected, "{query}");
    }

    #[test]
    fn each_job_is_decided_by_its_own_content() {
        let mut staging = Staging::new().unwrap();
        let one = |key: &str, operator: &str, value: &str| json!({"filter": [{"k": key, "o": operator, "v": value}]});
        for (query, expected) in [
            (json!({}), [true; 4]),
            (one("status", "eq", "ERROR"), [true, false, true, false]),
            (one("status", "not", "ERROR"), [false, true, false, true]),
            (one("filter.zone", "eq", "x"), [false, true, false, false]),
            (
                one("errors.message", "contain", "QUOTA"),
                [false, false, true, false],
            ),
            (
                one("collector_info.name", "eq", "nightly"),
                [false, false, false, true],
            ),
            (one("domain_id", "eq", "b"), [false, false, true, false]),
            (json!({"keyword": "J"}), [true; 4]),
            // The page of the list says nothing of what matches.
            (json!({"page": {"limit": 1}}), [true; 4]),
            (
                json!({"page": {"start": 3, "limit": 1}, "count_only": true}),
                [true; 4],
            ),
        ] {
            check(&mut staging, &query, &expected);
        }
    }

    #[test]
    fn a_condition_that_can_not_be_compiled_is_an_error_and_leaves_nothing() {
        let mut staging = Staging::new().unwrap();
        let wrong = |_: &str| {
            Err(QueryError::Evaluation {
                problem: "wrong".to_owned(),
            })
        };
        let error = staging.matches(&mut [job("a", json!({}))], wrong);
        assert_eq!(error.unwrap_err().to_string(), "wrong");
        check(&mut staging, &json!({}), &[true; 4]);
        let rows: i64 = staging
            .connection
            .query_row("SELECT count(*) FROM jobs", [], |row| row.get(0))
            .unwrap();
        assert_eq!(rows, 0);
    }
}
