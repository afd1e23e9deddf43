//! Lists: sort, page and shape of a JobsQuery, compiled to one SELECT for the rows and one for the count.

use crate::query::check::field::FieldRef;
use crate::query::check::field::{Column, Target, resolve, source};
use crate::query::check::filter;
use crate::query::check::filter::{ColumnTest, Filter};
use crate::query::check::operators;
use crate::query::counters::group;
use crate::query::counters::group::ByStatus;
use crate::query::counters::tables;
use crate::query::counters::tables::CounterTable;
use crate::query::error::QueryError;
use crate::query::eval::path::{path_param, paths_param};
use crate::query::eval::projection;
use crate::query::list::{error_code, seek};
use crate::query::request::{JobsQuery, Page, SortKey};
use crate::query::sql::Sql;
use crate::query::tenant::Tenant;
use crate::query::where_clause::{scan_hint, where_clause};
use crate::time::Timestamp;

/// A compiled list: a statement for its rows, and one for their number. Where there is a quicker way than the statement
/// that always holds, [`crate::query::list::seek`] knows it.
#[derive(Debug, Clone, PartialEq)]
pub struct List {
    pub(in crate::query) tenant: Tenant,
    pub(in crate::query) filter: Filter,
    pub(in crate::query) order: Order,
    /// What documents are cut to; `None`: they are answered whole.
    pub(in crate::query) shape: Option<crate::query::eval::path::Paths>,
    pub(in crate::query) page: Page,
    is_counted_only: bool,
}

/// True of every job.
const ANY_STATUS: &str =
    " AND status IN ('CREATED', 'CANCELED', 'IN_PROGRESS', 'SUCCESS', 'ERROR', 'TIMEOUT')";

/// In which order the rows come.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::query) enum Order {
    /// By time, the job id between equals.
    Time { newest_first: bool },
    /// By other columns or values.
    Other(Vec<Term>),
}

/// A term of ORDER BY.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::query) struct Term {
    pub(in crate::query) sql: Sql,
    pub(in crate::query) desc: bool,
}

/// Compiles a list.
///
/// # Errors
/// [`QueryError`] for the first fault of the language: an unknown field or operator, an operand of the wrong type.
pub fn compile(request: &JobsQuery, now: Timestamp) -> Result<List, QueryError> {
    let query = &request.query;
    let mut all: Vec<Filter> = [
        (Column::JobId, &request.job_id),
        (Column::CollectorId, &request.collector_id),
        (Column::ProjectId, &request.project_id),
    ]
    .into_iter()
    .filter_map(|(column, text)| text.as_deref().map(|text| filter::equals(column, text)))
    .collect();
    all.extend(
        request
            .status
            .map(|status| filter::equals(Column::Status, status.name())),
    );
    all.push(operators::parse(
        &query.filter,
        &query.filter_or,
        query.keyword.as_deref(),
        now,
    )?);
    let terms = order_by(&query.sort)?;
    Ok(List {
        tenant: Tenant::new(&request.domain_id),
        filter: Filter::All(all).flatten(),
        order: match by_time(&query.sort) {
            Some(newest_first) => Order::Time { newest_first },
            None => Order::Other(terms),
        },
        shape: if query.only.is_empty() {
            query.minimal.then(projection::minimal)
        } else {
            Some(projection::parse_paths(&query.only, "query.only")?)
        },
        page: query.page,
        is_counted_only: query.count_only,
    })
}

impl List {
    /// Whose jobs they are.
    #[must_use]
    pub fn tenant(&self) -> &Tenant {
        &self.tenant
    }

    /// Whether only the number is asked for.
    #[must_use]
    pub fn is_counted_only(&self) -> bool {
        self.is_counted_only
    }

    /// Which of the rows are asked for.
    #[must_use]
    pub fn page(&self) -> Page {
        self.page
    }

    /// Whether the rows are all there are, not a page of them: then they need not be counted once more.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.page.limit.is_none()
    }

    /// The page's rows. Of a document that is answered whole the head, the key of its collector, and the tail; else one
    /// column, the document as it is answered.
    #[must_use]
    pub fn rows(&self) -> Sql {
        if let Some(found) = seek::found(self) {
            return found.rows(self);
        }
        if let Some(sql) = error_code::rows(self) {
            return sql;
        }
        let mut sql = self.selected();
        self.push_page(self.table(), &mut sql);
        sql
    }

    /// The ids of the page's jobs in their order, as the first column, where no row need be read whole to find them.
    #[must_use]
    pub fn ids(&self) -> Option<Sql> {
        if let Some(found) = seek::found(self) {
            return Some(found.into_ids());
        }
        let is_told_by_index = matches!(self.order, Order::Time { .. })
            && !self.filter.needs_rows()
            && !self.is_of_few_ids();
        (self.page.limit.is_some() && is_told_by_index).then(|| {
            let mut sql = Sql::new("SELECT id FROM ");
            self.push_page("jobs", &mut sql);
            sql
        })
    }

    /// From the name of the table on.
    fn push_page(&self, table: &'static str, sql: &mut Sql) {
        sql.push(table)
            .push(" WHERE ")
            .append(where_clause(&self.tenant, &self.filter))
            .append(self.ordered());
        if let Some(limit) = self.page.limit {
            sql.append(cut(limit, self.page.skip));
        }
    }

    /// Whether the documents are answered as they are.
    #[must_use]
    pub fn is_of_whole_documents(&self) -> bool {
        self.shape.is_none()
    }

    /// One row, one integer: all matches, whatever the page. From kept counts where the filter asks for nothing but what
    /// they are kept by.
    #[must_use]
    pub fn count(&self) -> Sql {
        if let Some(sql) = tables::total(&self.tenant, &self.filter) {
            return sql;
        }
        if let Some(sql) = error_code::count(self) {
            return sql;
        }
        let mut sql = Sql::new("SELECT count(*) FROM jobs");
        if self.filter.needs_rows() {
            sql.push(scan_hint(&self.filter));
        }
        sql.push(" WHERE ")
            .append(where_clause(&self.tenant, &self.filter));
        let asked = self.filter.fields();
        let asks = |column| asked.contains(&FieldRef::Column(column));
        if asks(Column::CollectorId) && asks(Column::CreatedAt) && !asks(Column::Status) {
            // The index has the status before the time: each status is sought, instead of all the collector's jobs read.
            sql.push(ANY_STATUS);
        }
        sql
    }

    /// Whose jobs they are, where their number can be told from how many that tenant has in each status:
    /// [`List::count_of`].
    #[must_use]
    pub fn tenant_of_statuses(&self) -> Option<&Tenant> {
        let is_known = CounterTable::for_filter(&self.filter) == Some(CounterTable::Statuses);
        (is_known && self.filter.is_decidable_in_memory()).then_some(&self.tenant)
    }

    /// All matches, whatever the page, of so many jobs.
    #[must_use]
    pub fn count_of(&self, jobs: &ByStatus) -> i64 {
        let passes = group::statuses(&self.filter, None);
        let of_those = jobs.iter().zip(passes).filter(|(_, passes)| *passes);
        of_those.map(|(jobs, _)| jobs).sum()
    }

    /// What is read of a row, up to the table's name.
    pub(in crate::query) fn selected(&self) -> Sql {
        let Some(paths) = &self.shape else {
            return Sql::new("SELECT head, collector_info, tail FROM ");
        };
        let mut sql = Sql::new(if self.needs_collector() {
            "SELECT only(document, "
        } else {
            "SELECT only(head || tail, "
        });
        sql.bind(paths_param(paths)).push(") FROM ");
        sql
    }

    /// The table to read from, under the name `jobs`.
    pub(in crate::query) fn table(&self) -> &'static str {
        if self.needs_collector() {
            "documents AS jobs"
        } else {
            "jobs"
        }
    }

    /// Whether the cut documents have something of the collector.
    fn needs_collector(&self) -> bool {
        let is_of_collector =
            |path: &Vec<String>| path.first().is_some_and(|root| root == "collector_info");
        self.shape
            .as_ref()
            .is_some_and(|paths| paths.iter().any(is_of_collector))
    }

    /// Whether the jobs are asked for by their ids.
    fn is_of_few_ids(&self) -> bool {
        let has_ids = |filter: &Filter| {
            matches!(
                filter,
                Filter::Column(Column::JobId, ColumnTest::Equal(_) | ColumnTest::In(_))
            )
        };
        self.filter.conjuncts().iter().any(has_ids)
    }

    pub(in crate::query) fn ordered(&self) -> Sql {
        // A plus keeps SQLite from walking all jobs in this order where a few are known by their ids.
        let is_few = self.is_of_few_ids();
        let mut sql = Sql::new(" ORDER BY ");
        match &self.order {
            Order::Time { newest_first: true } if is_few => sql.push("+created_at DESC, job_id"),
            Order::Time { newest_first: true } => sql.push("created_at DESC, job_id"),
            Order::Time { .. } if is_few => sql.push("+created_at, job_id DESC"),
            Order::Time { .. } => sql.push("created_at, job_id DESC"),
            Order::Other(terms) => {
                let terms = terms.iter().map(|term| {
                    let mut sql = term.sql.clone();
                    if term.desc {
                        sql.push(" DESC");
                    }
                    sql
                });
                sql.join(", ", terms)
            }
        };
        sql
    }
}

/// The clauses that cut a page out.
pub(in crate::query) fn cut(limit: u64, skip: u64) -> Sql {
    let mut sql = Sql::new(" LIMIT ");
    sql.bind(clamp(limit));
    if skip > 0 {
        sql.push(" OFFSET ").bind(clamp(skip));
    }
    sql
}

fn clamp(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// The order of a list: newest first unless another is asked for, and the job id last, so that it is total.
///
/// The job id runs against the last key, as it does in the indexes (`created_at DESC, job_id`), so that either
/// direction of a key reads its index one way through.
fn order_by(keys: &[SortKey]) -> Result<Vec<Term>, QueryError> {
    let mut terms = Vec::new();
    let mut by_job_id = false;
    if keys.is_empty() {
        terms.push(Term {
            sql: Column::CreatedAt.sql(),
            desc: true,
        });
    }
    let mut last_desc = true;
    for key in keys {
        last_desc = key.desc;
        let sql = match resolve(&key.key, &key.place)? {
            Target::NeverThere | Target::Column(Column::DomainId) => continue,
            Target::Column(column) => {
                by_job_id |= column == Column::JobId;
                column.sql()
            }
            Target::Document(path) => {
                let (text, path) = source(&path);
                let mut sql = Sql::new("sort_value(");
                sql.push(text)
                    .push(", ")
                    .bind(path_param(path))
                    .push(", ")
                    .bind(i64::from(key.desc))
                    .push(")");
                sql
            }
        };
        terms.push(Term {
            sql,
            desc: key.desc,
        });
    }
    if !by_job_id {
        terms.push(Term {
            sql: Column::JobId.sql(),
            desc: !last_desc,
        });
    }
    Ok(terms)
}

/// Whether a list is by time alone, and then whether the newest come first.
fn by_time(keys: &[SortKey]) -> Option<bool> {
    match keys {
        [] => Some(true),
        [key] => match resolve(&key.key, &key.place) {
            Ok(Target::Column(Column::CreatedAt)) => Some(key.desc),
            _ => None,
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(body: &str, rows: &str, count: &str) {
        let request =
            JobsQuery::from_json(format!(r#"{{"domain_id":"d",{body}}}"#).as_bytes()).unwrap();
        let list = compile(&request, Timestamp::MIN).unwrap();
        let domain = "domain = (SELECT id FROM domains WHERE domain_id = ?)";
        let text = |sql: &Sql| sql.text().replace(domain, "DOMAIN");
        if list.is_counted_only() {
            assert_eq!(rows, "", "{body}");
        } else {
            assert_eq!(text(&list.rows()), rows, "{body}");
        }
        assert_eq!(text(&list.count()), count, "{body}");
    }

    #[test]
    fn branches_are_only_merged_while_they_ask_little() {
        let rows = |conditions: usize| {
            let condition = r#",{"k":"total_tasks","v":1,"o":"gt"}"#.repeat(conditions);
            let body = format!(
                r#"{{"domain_id":"d","query":{{"filter":[{{"k":"status","v":["ERROR","TIMEOUT"],"o":"in"}}{condition}],"page":{{"limit":9}}}}}}"#
            );
            let request = JobsQuery::from_json(body.as_bytes()).unwrap();
            compile(&request, Timestamp::MIN).unwrap().rows()
        };
        assert!(rows(3).text().contains(" UNION ALL "));
        assert!(!rows(300).text().contains(" UNION ALL "));
    }

    #[test]
    fn lists_become_one_select() {
        check(
            r#""query":{"page":{"start":31,"limit":30}}"#,
            "SELECT head, collector_info, tail FROM jobs WHERE DOMAIN ORDER BY created_at DESC, job_id LIMIT ? OFFSET ?",
            "SELECT ifnull(sum(jobs), 0) FROM status_counts WHERE DOMAIN",
        );
        check(
            r#""status":"ERROR","query":{"sort":{"key":"created_at"},"minimal":true}"#,
            "SELECT only(head || tail, ?) FROM jobs WHERE DOMAIN AND (status = ?) ORDER BY created_at, job_id DESC",
            "SELECT ifnull(sum(jobs), 0) FROM status_counts WHERE DOMAIN AND (status = ?)",
        );
        check(
            r#""collector_id":"c","query":{"filter":[{"k":"status","v":["A"],"o":"not_in"}],"count_only":true}"#,
            "",
            "SELECT ifnull(sum(jobs), 0) FROM collector_counts WHERE DOMAIN AND (collector_id = ? AND NOT ifnull(status IN (SELECT value FROM json_each(?)), 0))",
        );
        check(
            r#""query":{"filter":[{"k":"collector_id","v":"c","o":"not"}],"sort":[{"key":"filter.a","desc":true},{"key":"job_id"}]}"#,
            "SELECT head, collector_info, tail FROM jobs WHERE DOMAIN AND (NOT ifnull(collector_id = ?, 0)) ORDER BY sort_value(head || '}', ?, ?) DESC, job_id",
            "SELECT ifnull(sum(jobs), 0) FROM collector_counts WHERE DOMAIN AND (NOT ifnull(collector_id = ?, 0))",
        );
        check(
            r#""query":{"keyword":"a b","filter_or":[{"k":"status","v":"X","o":"eq"}],"count_only":true}"#,
            "",
            "SELECT count(*) FROM jobs WHERE DOMAIN AND (matches(job_id, ?) OR status = ?)",
        );
    }
}
