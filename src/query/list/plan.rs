//! The plan of a list: how its rows and its total are answered, decided once, before anything runs.
//!
//! Some choices depend on the data: the hour in which a far page begins, the number of candidates of a keyword. A
//! variant then has all alternatives and compiles the one that is needed, which cannot fail. The store decides nothing.

use crate::job::PerStatus;
use crate::query::check::list::CheckedList;
use crate::query::counters::group;
use crate::query::counters::tables::CounterTable;
use crate::query::list::candidates::Candidates;
use crate::query::list::document_form::DocumentForm;
use crate::query::list::error_code::ByErrorCode;
use crate::query::list::scan::ListScan;
use crate::query::list::seek::Seek;
use crate::query::list::statements::{PageSql, count_by, page_by, reads_by_id};
use crate::query::request::Page;
use crate::query::sql::Sql;
use crate::query::tenant::Tenant;

/// How a list is answered.
#[derive(Debug, Clone, PartialEq)]
pub struct ListPlan {
    /// The tenant whose jobs are listed.
    pub tenant: Tenant,
    /// The rows that are answered.
    pub page: Page,
    pub rows: RowsPlan,
    pub total: TotalPlan,
    pub form: DocumentForm,
}

/// How the rows of the page are answered.
#[derive(Debug, Clone, PartialEq)]
pub enum RowsPlan {
    /// Only the total is answered.
    Nothing,
    /// By one statement.
    Page(PageSql),
    /// From the hour in which the page begins.
    Seek(Seek),
    /// Among the candidates of the trigram index; the total comes with the rows.
    Candidates(Candidates),
    /// By a scan of the columns; the total comes with the rows.
    Scan(ListScan),
}

/// How the total is answered: the number of all matches, on any page.
#[derive(Debug, Clone, PartialEq)]
pub enum TotalPlan {
    /// The rows give it.
    FromRows,
    /// From the counters by status: the tenant's jobs of these statuses.
    Statuses(PerStatus<bool>),
    /// By one statement: one row with one integer.
    Sql(Sql),
    /// Among the candidates of the trigram index.
    Candidates(Candidates),
    /// By a scan of the columns.
    Scan(ListScan),
}

impl ListPlan {
    /// Returns the plan without the total, which is then the number of rows that were read.
    #[must_use]
    pub fn without_total(self) -> Self {
        Self {
            rows: match self.rows {
                RowsPlan::Candidates(candidates) => {
                    RowsPlan::Candidates(candidates.without_total())
                }
                RowsPlan::Scan(scan) => RowsPlan::Scan(scan.without_total()),
                rows => rows,
            },
            total: TotalPlan::FromRows,
            ..self
        }
    }
}

/// Plans a checked list.
#[must_use]
pub fn plan(list: &CheckedList) -> ListPlan {
    let (rows, total) = rows_and_total(list);
    ListPlan {
        tenant: list.tenant.clone(),
        page: list.page,
        rows,
        total,
        form: DocumentForm::new(&list.form),
    }
}

fn rows_and_total(list: &CheckedList) -> (RowsPlan, TotalPlan) {
    if let Some(candidates) = Candidates::new(list) {
        return if list.count_only {
            (RowsPlan::Nothing, TotalPlan::Candidates(candidates))
        } else {
            (RowsPlan::Candidates(candidates), TotalPlan::FromRows)
        };
    }
    let table = CounterTable::for_filter(&list.filter);
    let is_by_status =
        table == Some(CounterTable::Statuses) && list.filter.is_decidable_in_memory();
    let statuses = is_by_status.then(|| group::statuses(&list.filter, None));
    let by_error_code = ByErrorCode::new(list);
    if by_error_code.is_none()
        && let Some(scan) = ListScan::new(list, table)
    {
        return match (list.count_only, statuses) {
            (true, _) => (RowsPlan::Nothing, TotalPlan::Scan(scan)),
            (false, Some(statuses)) => (RowsPlan::Scan(scan), TotalPlan::Statuses(statuses)),
            (false, None) => (RowsPlan::Scan(scan), TotalPlan::FromRows),
        };
    }
    let total = match statuses {
        // All matches are on the page.
        _ if list.page.limit.is_none() && !list.count_only => TotalPlan::FromRows,
        Some(statuses) => TotalPlan::Statuses(statuses),
        None => TotalPlan::Sql(count_by(list, by_error_code.as_ref(), table)),
    };
    let seek = || Seek::new(list, statuses?);
    let rows = if list.count_only {
        RowsPlan::Nothing
    } else if let Some(seek) = seek() {
        RowsPlan::Seek(seek)
    } else {
        RowsPlan::Page(page_by(list, by_error_code.as_ref(), reads_by_id(list)))
    };
    (rows, total)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::compile_list;
    use crate::query::request::JobsQuery;
    use crate::time::Timestamp;

    #[track_caller]
    fn check(members: &str, rows: &str, total: &str) {
        let body = format!(r#"{{"domain_id":"d",{members}}}"#);
        let request = JobsQuery::from_json(body.as_bytes()).unwrap();
        let plan = compile_list(&request, Timestamp::MIN).unwrap();
        let name = |debug: String| {
            debug
                .split(['(', ' '])
                .next()
                .unwrap_or_default()
                .to_owned()
        };
        let planned = match &plan.rows {
            RowsPlan::Page(sql) => name(format!("{sql:?}")),
            rows => name(format!("{rows:?}")),
        };
        assert_eq!(
            (planned.as_str(), name(format!("{:?}", plan.total)).as_str()),
            (rows, total),
            "{members}"
        );
    }

    #[test]
    fn each_list_is_answered_in_the_quickest_way() {
        for (members, rows, total) in [
            (r#""query":{"page":{"limit":30}}"#, "Ids", "Statuses"),
            (
                r#""status":"ERROR","query":{"page":{"limit":30}}"#,
                "Ids",
                "Statuses",
            ),
            (
                r#""status":"ERROR","query":{"page":{"start":500,"limit":30}}"#,
                "Ids",
                "Statuses",
            ),
            (
                r#""status":"ERROR","query":{"page":{"start":501,"limit":30}}"#,
                "Seek",
                "Statuses",
            ),
            (
                r#""project_id":"p","query":{"page":{"start":501,"limit":30}}"#,
                "Ids",
                "Sql",
            ),
            (
                r#""query":{"page":{"limit":1001}}"#,
                "Documents",
                "Statuses",
            ),
            (
                r#""query":{"page":{"limit":30},"minimal":true}"#,
                "Documents",
                "Statuses",
            ),
            (
                r#""query":{"page":{"limit":30},"sort":{"key":"total_tasks"}}"#,
                "Scan",
                "Statuses",
            ),
            (
                r#""query":{"page":{"limit":30},"sort":{"key":"filter.a"}}"#,
                "Ids",
                "Statuses",
            ),
            (
                r#""query":{"page":{"start":9990,"limit":30},"sort":{"key":"total_tasks"}}"#,
                "Ids",
                "Statuses",
            ),
            (
                r#""query":{"page":{"limit":30},"filter":[{"k":"total_tasks","v":5,"o":"gt"}]}"#,
                "Scan",
                "FromRows",
            ),
            (
                r#""collector_id":"c","query":{"page":{"limit":30},"filter":[{"k":"total_tasks","v":5,"o":"gt"}]}"#,
                "Ids",
                "Sql",
            ),
            (
                r#""query":{"page":{"limit":30},"filter":[{"k":"errors.message","v":"word","o":"contain"}]}"#,
                "Scan",
                "FromRows",
            ),
            (
                r#""query":{"count_only":true,"filter":[{"k":"total_tasks","v":5,"o":"gt"}]}"#,
                "Nothing",
                "Scan",
            ),
            (
                r#""query":{"count_only":true,"filter":[{"k":"filter.a","v":5,"o":"gt"}]}"#,
                "Nothing",
                "Sql",
            ),
            (
                r#""query":{"page":{"limit":30},"filter":[{"k":"errors.error_code","v":"E","o":"eq"}]}"#,
                "Ids",
                "Sql",
            ),
            (
                r#""query":{"page":{"limit":30},"keyword":"word"}"#,
                "Candidates",
                "FromRows",
            ),
            (
                r#""query":{"count_only":true,"keyword":"word"}"#,
                "Nothing",
                "Candidates",
            ),
            (r#""query":{"count_only":true}"#, "Nothing", "Statuses"),
            (r#""query":{}"#, "Documents", "FromRows"),
            (r#""status":"ERROR""#, "Documents", "FromRows"),
        ] {
            check(members, rows, total);
        }
    }

    #[test]
    fn an_export_counts_nothing() {
        let request = JobsQuery::from_json(
            br#"{"domain_id":"d","query":{"page":{"limit":30},"keyword":"word"}}"#,
        )
        .unwrap();
        let plan = compile_list(&request, Timestamp::MIN).unwrap();
        assert!(matches!(&plan.rows, RowsPlan::Candidates(candidates) if candidates.counts()));
        let plan = plan.without_total();
        assert!(matches!(&plan.rows, RowsPlan::Candidates(candidates) if !candidates.counts()));
    }

    #[test]
    fn a_scan_counts_what_counters_do_not() {
        let scan = |key: &str, operator: &str, value: &str| {
            let body = format!(
                r#"{{"domain_id":"d","query":{{"filter":[{{"k":"{key}","v":{value},"o":"{operator}"}}],"page":{{"start":11,"limit":20}}}}}}"#
            );
            let request = JobsQuery::from_json(body.as_bytes()).unwrap();
            match compile_list(&request, Timestamp::MIN).unwrap().rows {
                RowsPlan::Scan(scan) => scan,
                rows => panic!("{rows:?}"),
            }
        };
        let of_provider = scan("collector_info.provider", "eq", "\"aws\"");
        assert!(of_provider.counted().is_some());
        assert!(of_provider.without_total().counted().is_none());
        assert!(scan("total_tasks", "gt", "5").counted().is_none());
    }
}
