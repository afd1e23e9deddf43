//! Lists: sort, page and shape of a JobsQuery, compiled to one SELECT for the rows and one for the count.

use super::condition;
use super::counts::{Counts, far_page};
use super::error::QueryError;
use super::field::{Column, Target, resolve};
use super::filter::{self, Filter};
use super::only;
use super::request::{JobsQuery, SortKey};
use super::scope::Scope;
use super::sql::{Param, Sql};
use crate::time::Timestamp;

/// A compiled list.
#[derive(Debug, Clone, PartialEq)]
pub struct List {
    /// One column, the document as it is answered; `None` where only the count is asked for.
    pub rows: Option<Sql>,
    /// Whether the rows are all there are, not a page of them: then they need not be counted once more.
    pub is_whole: bool,
    /// One row, one integer: all matches, whatever the page.
    pub count: Sql,
}

/// Compiles a list.
///
/// # Errors
/// [`QueryError`] for the first fault of the language: an unknown field or operator, an operand of the wrong type.
pub fn compile(request: &JobsQuery, now: Timestamp) -> Result<List, QueryError> {
    let query = &request.query;
    let scope = Scope::new(&request.domain_id);
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
    all.push(condition::parse(
        &query.filter,
        &query.filter_or,
        query.keyword.as_deref(),
        now,
    )?);
    let filter = Filter::All(all).flatten();
    let order = order_by(&query.sort)?;
    let shape = if query.only.is_empty() {
        query.minimal.then(only::minimal)
    } else {
        Some(only::parse_paths(&query.only, "query.only")?)
    };
    let skip = query.page.skip;
    let far = by_time(&query.sort).and_then(|newest_first| {
        let start = far_page(&scope, &filter, skip, newest_first)?;
        Some((start, newest_first))
    });
    let rows = (!query.count_only).then(|| {
        let mut sql = match &far {
            Some((start, _)) => start.clone(),
            None => Sql::default(),
        };
        sql.push("SELECT ");
        match shape {
            None => sql.push("document"),
            Some(paths) => sql
                .push("only(document, ")
                .bind(paths_param(&paths))
                .push(")"),
        };
        sql.push(" FROM jobs WHERE ").append(scope.lower(&filter));
        if let Some((_, newest_first)) = far {
            sql.push(if newest_first {
                " AND created_at < (SELECT edge FROM start)"
            } else {
                " AND created_at >= (SELECT edge FROM start)"
            });
        }
        sql.push(" ORDER BY ").append(order);
        if let Some(limit) = query.page.limit {
            sql.push(" LIMIT ").bind(clamp(limit));
            if far.is_some() {
                sql.push(" OFFSET ifnull(")
                    .bind(clamp(skip))
                    .push(" - (SELECT passed FROM start), 0)");
            } else if skip > 0 {
                sql.push(" OFFSET ").bind(clamp(skip));
            }
        }
        sql
    });
    Ok(List {
        rows,
        is_whole: query.page.limit.is_none(),
        count: count(&scope, &filter),
    })
}

/// Paths as they are bound: a JSON array of arrays.
pub(crate) fn paths_param(paths: &only::Paths) -> Param {
    // Arrays of strings: nothing that serialising refuses.
    Param::Text(serde_json::to_string(paths).unwrap_or_default())
}

fn clamp(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// The order of a list: newest first unless another is asked for, and the job id last, so that it is total.
///
/// The job id runs against the last key, as it does in the indexes (`created_at DESC, job_id`), so that either
/// direction of a key reads its index one way through.
fn order_by(keys: &[SortKey]) -> Result<Sql, QueryError> {
    let mut terms = Vec::new();
    let mut last_desc = true;
    let mut by_job_id = false;
    if keys.is_empty() {
        terms.push(Sql::new("created_at DESC"));
    }
    for key in keys {
        last_desc = key.desc;
        let mut term = match resolve(&key.key, &key.place)? {
            Target::Nowhere | Target::Column(Column::DomainId) => continue,
            Target::Column(column) => {
                by_job_id |= column == Column::JobId;
                column.sql()
            }
            Target::Document(path) => {
                let mut sql = Sql::new("sort_value(document, ");
                sql.bind(path_param(&path))
                    .push(", ")
                    .bind(i64::from(key.desc))
                    .push(")");
                sql
            }
        };
        if key.desc {
            term.push(" DESC");
        }
        terms.push(term);
    }
    if !by_job_id {
        terms.push(Sql::new(if last_desc { "job_id" } else { "job_id DESC" }));
    }
    let mut sql = Sql::default();
    sql.join(", ", terms);
    Ok(sql)
}

/// A path as it is bound: a JSON array of its segments.
pub(crate) fn path_param(path: &[String]) -> Param {
    // An array of strings: nothing that serialising refuses.
    Param::Text(serde_json::to_string(path).unwrap_or_default())
}

/// The count of all matches, from kept counts where the filter asks for nothing but what they are kept by.
fn count(scope: &Scope, filter: &Filter) -> Sql {
    if let Some(counts) = Counts::for_filter(filter) {
        return counts.total(scope, filter);
    }
    let mut sql = Sql::new("SELECT count(*) FROM jobs WHERE ");
    sql.append(scope.lower(filter));
    sql
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
        assert_eq!(
            list.rows.as_ref().map(text).unwrap_or_default(),
            rows,
            "{body}"
        );
        assert_eq!(text(&list.count), count, "{body}");
    }

    #[test]
    fn lists_become_one_select() {
        check(
            r#""query":{"page":{"start":31,"limit":30}}"#,
            "SELECT document FROM jobs WHERE DOMAIN ORDER BY created_at DESC, job_id LIMIT ? OFFSET ?",
            "SELECT ifnull(sum(jobs), 0) FROM status_counts WHERE DOMAIN",
        );
        check(
            r#""status":"ERROR","query":{"sort":{"key":"created_at"},"minimal":true}"#,
            "SELECT only(document, ?) FROM jobs WHERE DOMAIN AND (status = ?) ORDER BY created_at, job_id DESC",
            "SELECT ifnull(sum(jobs), 0) FROM status_counts WHERE DOMAIN AND (status = ?)",
        );
        check(
            r#""collector_id":"c","query":{"filter":[{"k":"status","v":["A"],"o":"not_in"}],"count_only":true}"#,
            "",
            "SELECT ifnull(sum(jobs), 0) FROM collector_counts WHERE DOMAIN AND (collector_id = ? AND NOT ifnull(status IN (SELECT value FROM json_each(?)), 0))",
        );
        check(
            r#""query":{"filter":[{"k":"collector_id","v":"c","o":"not"}],"sort":[{"key":"filter.a","desc":true},{"key":"job_id"}]}"#,
            "SELECT document FROM jobs WHERE DOMAIN AND (NOT ifnull(collector_id = ?, 0)) ORDER BY sort_value(document, ?, ?) DESC, job_id",
            "SELECT count(*) FROM jobs WHERE DOMAIN AND (NOT ifnull(collector_id = ?, 0))",
        );
        check(
            r#""query":{"keyword":"a b","filter_or":[{"k":"status","v":"X","o":"eq"}],"count_only":true}"#,
            "",
            "SELECT count(*) FROM jobs WHERE DOMAIN AND (matches(job_id, ?) OR status = ?)",
        );
    }
}
