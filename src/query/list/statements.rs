//! The statements of a list: one for its page, one for its total, one for all its matches.

use crate::query::check::field::{Column, FieldRef};
use crate::query::check::list::{CheckedList, Order};
use crate::query::counters::tables::{self, CounterTable};
use crate::query::index_hints::{ANY_STATUS, scan_hint};
use crate::query::list::error_code::ByErrorCode;
use crate::query::list::order::order;
use crate::query::list::page_ids::PageIds;
use crate::query::list::select::{limit, select, table};
use crate::query::list::{merge, unindexed_sort};
use crate::query::sql::Sql;
use crate::query::where_clause::where_clause;

/// The statement that answers a page.
#[derive(Debug, Clone, PartialEq)]
pub enum PageSql {
    /// One row a job of the page, in order; the first column is its id.
    Ids(Sql),
    /// One row a document of the page, in order. A whole document is three columns, its head, the key of its collector
    /// and its tail; a projected one is one column.
    Documents(Sql),
}

/// The most jobs that are read one by one by their ids, through the cache of documents. A longer page would push its
/// own documents out of the cache before they are read again.
const MAX_BY_ID: u64 = 1_000;

/// Whether the documents of the page are read by their ids, if the statement can select ids.
pub(super) fn reads_by_id(list: &CheckedList) -> bool {
    let is_short = list.page.limit.is_some_and(|limit| limit <= MAX_BY_ID);
    is_short && list.projection.is_none()
}

/// Compiles the page: to its ids if they are wanted and can be determined without reading documents, else to its
/// documents.
#[must_use]
pub fn page(list: &CheckedList, wants_ids: bool) -> PageSql {
    page_by(list, ByErrorCode::new(list).as_ref(), wants_ids)
}

/// Compiles the page as [`page`] does, for a list whose error code is known already.
pub(super) fn page_by(
    list: &CheckedList,
    by_error_code: Option<&ByErrorCode<'_>>,
    wants_ids: bool,
) -> PageSql {
    let ids = match (&list.order, by_error_code) {
        (Order::Time { newest_first }, Some(by_error_code)) => {
            match by_error_code.page(*newest_first) {
                Some(ids) => Some(ids),
                None => return PageSql::Documents(by_error_code.documents(*newest_first)),
            }
        }
        _ => merge::page(list).or_else(|| unindexed_sort::page(list, by_error_code)),
    };
    match ids {
        Some(PageIds { ids, .. }) if wants_ids => PageSql::Ids(ids),
        Some(ids) => PageSql::Documents(ids.into_documents(list)),
        None if wants_ids && has_ids_in_index(list) => {
            let mut sql = Sql::new("SELECT id FROM ");
            push_page(list, "jobs", &mut sql);
            PageSql::Ids(sql)
        }
        None => {
            let mut sql = select(list);
            push_page(list, table(list), &mut sql);
            PageSql::Documents(sql)
        }
    }
}

/// Compiles the ids of all rows that match, in no order.
#[must_use]
pub(in crate::query) fn matching_ids(list: &CheckedList) -> Sql {
    let mut sql = Sql::new("SELECT id FROM jobs WHERE ");
    sql.append(where_clause(&list.tenant, &list.filter));
    sql
}

/// Whether an index has all fields that determine the page.
fn has_ids_in_index(list: &CheckedList) -> bool {
    list.page.limit.is_some()
        && matches!(list.order, Order::Time { .. })
        && !list.filter.needs_rows()
        && !list.has_job_ids()
}

/// Appends the table and the clauses WHERE, ORDER BY and LIMIT.
fn push_page(list: &CheckedList, table: &'static str, sql: &mut Sql) {
    sql.push(table)
        .push(" WHERE ")
        .append(where_clause(&list.tenant, &list.filter))
        .append(order(list))
        .append(limit(list.page));
}

/// Compiles the number of matches on all pages: one row with one integer.
///
/// Counter tables give it where they have all fields that the filter refers to.
#[must_use]
pub fn count(list: &CheckedList) -> Sql {
    let table = CounterTable::for_filter(&list.filter);
    count_by(list, ByErrorCode::new(list).as_ref(), table)
}

/// Compiles the number as [`count`] does, for a list whose error code and counter table are known already.
pub(super) fn count_by(
    list: &CheckedList,
    by_error_code: Option<&ByErrorCode<'_>>,
    table: Option<CounterTable>,
) -> Sql {
    if let Some(by_error_code) = by_error_code {
        return by_error_code.count();
    }
    if let Some(sql) = tables::total(&list.tenant, &list.filter, table) {
        return sql;
    }
    let mut sql = Sql::new("SELECT count(*) FROM jobs");
    if list.filter.needs_rows() {
        sql.push(scan_hint(&list.filter));
    }
    sql.push(" WHERE ")
        .append(where_clause(&list.tenant, &list.filter));
    let fields = list.filter.fields();
    let tests = |column| fields.contains(&FieldRef::Column(column));
    if tests(Column::CollectorId) && tests(Column::CreatedAt) && !tests(Column::Status) {
        // The index has the status before the time, so SQLite seeks each status instead of reading all jobs of the
        // collector.
        sql.push(ANY_STATUS);
    }
    sql
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::check::list::check as check_list;
    use crate::query::request::JobsQuery;
    use crate::time::Timestamp;

    fn list(body: &str) -> CheckedList {
        let body = format!(r#"{{"domain_id":"d",{body}}}"#);
        let request = JobsQuery::from_json(body.as_bytes()).unwrap();
        check_list(&request, Timestamp::MIN).unwrap()
    }

    fn documents(list: &CheckedList) -> Sql {
        match page(list, false) {
            PageSql::Documents(sql) => sql,
            PageSql::Ids(sql) => panic!("{}", sql.text()),
        }
    }

    #[track_caller]
    fn check(body: &str, rows: &str, number: &str) {
        let list = list(body);
        let domain = "domain = (SELECT id FROM domains WHERE domain_id = ?)";
        let text = |sql: &Sql| sql.text().replace(domain, "DOMAIN");
        assert_eq!(text(&documents(&list)), rows, "{body}");
        assert_eq!(text(&count(&list)), number, "{body}");
    }

    #[test]
    fn branches_are_merged_only_if_they_have_few_tests() {
        let rows = |conditions: usize| {
            let condition = r#",{"k":"total_tasks","v":1,"o":"gt"}"#.repeat(conditions);
            documents(&list(&format!(
                r#""query":{{"filter":[{{"k":"status","v":["ERROR","TIMEOUT"],"o":"in"}}{condition}],"page":{{"limit":9}}}}"#
            )))
        };
        assert!(rows(3).text().contains(" UNION ALL "));
        assert!(!rows(300).text().contains(" UNION ALL "));
    }

    #[test]
    fn a_list_becomes_one_select_for_its_page_and_one_for_its_count() {
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
            r#""collector_id":"c","query":{"filter":[{"k":"status","v":["A"],"o":"not_in"}]}"#,
            "SELECT head, collector_info, tail FROM jobs WHERE DOMAIN AND (collector_id = ? AND NOT ifnull(status IN (SELECT value FROM json_each(?)), 0)) ORDER BY created_at DESC, job_id",
            "SELECT ifnull(sum(jobs), 0) FROM collector_counts WHERE DOMAIN AND (collector_id = ? AND NOT ifnull(status IN (SELECT value FROM json_each(?)), 0))",
        );
        check(
            r#""query":{"filter":[{"k":"collector_id","v":"c","o":"not"}],"sort":[{"key":"filter.a","desc":true},{"key":"job_id"}]}"#,
            "SELECT head, collector_info, tail FROM jobs WHERE DOMAIN AND (NOT ifnull(collector_id = ?, 0)) ORDER BY sort_value(head || '}', ?, 0) DESC, job_id",
            "SELECT ifnull(sum(jobs), 0) FROM collector_counts WHERE DOMAIN AND (NOT ifnull(collector_id = ?, 0))",
        );
        check(
            r#""query":{"keyword":"a b","filter_or":[{"k":"status","v":"X","o":"eq"}]}"#,
            "SELECT head, collector_info, tail FROM jobs WHERE DOMAIN AND (matches(job_id, ?) OR status = ?) ORDER BY created_at DESC, job_id",
            "SELECT count(*) FROM jobs WHERE DOMAIN AND (matches(job_id, ?) OR status = ?)",
        );
    }
}
