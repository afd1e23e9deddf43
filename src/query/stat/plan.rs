//! Statistics: a pipeline of stages folded into one SELECT, one common table expression a stage or two.
//!
//! The fold carries what it calls rows: what the rows are after the stages so far (job documents, or columns of ours under names
//! of the caller's), and the order in which they stand. The caller's names stay there; in SQL a column is `c0`, `c1` ….
//! An inner ORDER BY promises nothing, so the order is only written where it matters: before a LIMIT, inside an
//! accumulator that depends on it, and at the very end.
//!
//! What SQLite does: scan, filter, group, count, sum, sort, distinct, limit. What it can't do exactly is done by small
//! SQL functions of ours, since only they know MongoDB's types (see [`crate::query::eval::value`] for how those travel): paths into
//! documents (`value_at`, `member_at`, `get`, `member`), arrays as rows (`explode`), sums and means over mixed types,
//! lists and objects as values, `date_text`, and the functions of `project`. SQLite computes only what the answer needs:
//! a fault in a value that no later stage reads goes unseen.

use std::borrow::Cow;

use crate::query::check::field::Column;
use crate::query::check::field::FieldRef;
use crate::query::check::field::Kind;
use crate::query::check::field::{NullMeans, Root, Target, resolve_segments};
use crate::query::check::filter::Filter;
use crate::query::check::operators;
use crate::query::check::stages;
use crate::query::check::stages::{Group, Stage};
use crate::query::counters::group::CounterGroup;
use crate::query::counters::tables;
use crate::query::error::QueryError;
use crate::query::request::{JobStatQuery, Page, Question};
use crate::query::sql::Sql;
use crate::query::stat::expr::ELEMENT;
use crate::query::stat::group;
use crate::query::stat::output::{Output, Statement};
use crate::query::stat::pipeline::Pipeline;
use crate::query::tenant::Tenant;
use crate::query::where_clause::where_clause;
use crate::time::Timestamp;

/// Compiled statistics.
#[derive(Debug)]
pub struct Stat {
    answer: Answer,
    /// Which rows to answer; `total_count` is answered where it has a limit.
    pub page: Page,
}

/// What answers them.
#[derive(Debug)]
enum Answer {
    Statement(Statement),
    /// Counts in memory. Where they are too many, a statement is made of the group.
    CounterTable(CounterGroup, Group),
}

impl Stat {
    /// The same told from counts in memory, where that can be.
    #[must_use]
    pub fn counted(&self) -> Option<&CounterGroup> {
        match &self.answer {
            Answer::Statement(_) => None,
            Answer::CounterTable(counted, _) => Some(counted),
        }
    }

    /// The statement, which always holds.
    ///
    /// # Errors
    /// [`QueryError`] as [`compile`].
    pub fn statement(&self) -> Result<Cow<'_, Statement>, QueryError> {
        match &self.answer {
            Answer::Statement(statement) => Ok(Cow::Borrowed(statement)),
            Answer::CounterTable(counted, group) => {
                let mut pipeline = Pipeline::new(&counted.tenant, &counted.filter);
                pipeline.group(group)?;
                Ok(Cow::Owned(pipeline.finish()))
            }
        }
    }
}

/// Compiles statistics.
///
/// # Errors
/// [`QueryError`] for the first fault of the language.
pub fn compile(request: &JobStatQuery, now: Timestamp) -> Result<Stat, QueryError> {
    let tenant = Tenant::new(&request.domain_id);
    let query = &request.query;
    let question = query.question()?;
    let filter = operators::parse(
        &query.filter,
        &query.filter_or,
        query.keyword.as_deref(),
        now,
    )?
    .flatten();
    let statement = match question {
        Question::Distinct(key) => distinct(&tenant, &filter, key)?,
        Question::Aggregate(stages) => {
            let mut stages = stages::check(stages)?;
            if let [Stage::Group(group)] = stages.as_slice()
                && let Some(counted) = group::counted(group, &tenant, &filter)
                && let Some(Stage::Group(group)) = stages.pop()
            {
                return Ok(Stat {
                    answer: Answer::CounterTable(counted, group),
                    page: query.page,
                });
            }
            let mut pipeline = Pipeline::new(&tenant, &filter);
            let mut stages = stages.as_slice();
            if let [Stage::Unwind(path), rest @ ..] = stages
                && let [Stage::Group(group), ..] = rest
                && pipeline.count_errors(path, group)
            {
                stages = rest;
            }
            for stage in stages {
                pipeline.apply(stage)?;
            }
            pipeline.finish()
        }
    };
    Ok(Stat {
        answer: Answer::Statement(statement),
        page: query.page,
    })
}

/// `distinct`: the different values at a path. Rule: the conformance notes: arrays give their elements, missing gives
/// nothing, null is a value.
fn distinct(tenant: &Tenant, filter: &Filter, key: &str) -> Result<Statement, QueryError> {
    let mut sql = Sql::default();
    let column = |sql: &mut Sql, column: Column| {
        sql.push("SELECT DISTINCT ").append(column.sql());
        match tables::rows(&[FieldRef::Column(column)], tenant, filter) {
            Some(counts) => {
                sql.push(" AS c0 FROM (").append(counts).push(") WHERE 1");
            }
            None => {
                sql.push(" AS c0 FROM jobs WHERE ")
                    .append(where_clause(tenant, filter));
            }
        }
        if column.null_means() == NullMeans::Missing {
            sql.push(" AND ").append(column.sql()).push(" IS NOT NULL");
        }
        sql.push(" ORDER BY c0");
        Output::Values(Kind::of_column(column), column.null_means())
    };
    let segments = crate::query::check::field::split_path(key, "query.distinct")?;
    let output = match resolve_segments(segments, "query.distinct")? {
        Target::Column(chosen) => column(&mut sql, chosen),
        Target::NeverThere => {
            sql.push("SELECT NULL AS c0 WHERE 0");
            Output::Values(Kind::Any, NullMeans::Missing)
        }
        Target::Document(path) => {
            sql.push("SELECT DISTINCT ")
                .push(ELEMENT)
                .push(" AS c0 FROM ");
            let kept = tables::rows(&[FieldRef::from_path(&path)], tenant, filter);
            let is_materialized = kept.is_some();
            match kept {
                Some(kept) => sql.push("(").append(kept).push(")"),
                None => sql.push("jobs"),
            };
            sql.push(", json_each(reached(")
                .append(path.arguments())
                .push(")) AS e WHERE ")
                // What is kept has passed the filter.
                .append(if is_materialized {
                    Sql::new("1")
                } else {
                    where_clause(tenant, filter)
                });
            if path.root == Root::Errors && !path.below.is_empty() {
                sql.push(" AND error_count > 0");
            }
            sql.push(" ORDER BY nullif(c0, x'00'), c0");
            Output::Values(Kind::Any, NullMeans::Missing)
        }
    };
    Ok(Statement { sql, output })
}
