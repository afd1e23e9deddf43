//! The plan of statistics: counters in memory or one statement, decided once, before anything runs.

use std::borrow::Cow;

use crate::query::check::resolved::{ResolvedStage, ResolvedStages, RowShape};
use crate::query::check::stat::{CheckedStat, StatQuestion};
use crate::query::counters::group::CounterGroup;
use crate::query::request::Page;
use crate::query::stat::output::Statement;
use crate::query::stat::source::counter_group;
use crate::query::stat::{distinct, pipeline};

/// How statistics are answered.
#[derive(Debug)]
pub struct StatPlan {
    /// The rows that are answered; `total_count` is answered where it has a limit.
    pub page: Page,
    pub rows: StatRows,
}

/// How the rows are answered.
#[derive(Debug)]
pub enum StatRows {
    /// By one statement.
    Statement(Statement),
    /// From counters in memory; where there are too many to hold, by a statement.
    Counters {
        group: CounterGroup,
        otherwise: LazyStatement,
    },
}

/// A statement that is compiled only when it is needed, which is rare.
#[derive(Debug)]
pub struct LazyStatement(Box<CheckedStat>);

impl LazyStatement {
    /// Compiles the statement.
    #[must_use]
    pub fn compile(&self) -> Statement {
        statement(&self.0)
    }
}

impl StatPlan {
    /// Returns the statement for the rows, also where counters in memory are quicker.
    #[must_use]
    pub fn statement(&self) -> Cow<'_, Statement> {
        match &self.rows {
            StatRows::Statement(statement) => Cow::Borrowed(statement),
            StatRows::Counters { otherwise, .. } => Cow::Owned(otherwise.compile()),
        }
    }
}

/// Plans checked statistics.
#[must_use]
pub(in crate::query) fn plan(stat: CheckedStat) -> StatPlan {
    StatPlan {
        page: stat.page,
        rows: match counters(&stat) {
            Some(group) => StatRows::Counters {
                group,
                otherwise: LazyStatement(Box::new(stat)),
            },
            None => StatRows::Statement(statement(&stat)),
        },
    }
}

/// Returns the group that is the only stage, if counters in memory can answer it.
fn counters(stat: &CheckedStat) -> Option<CounterGroup> {
    let StatQuestion::Aggregate(ResolvedStages {
        stages,
        rows: RowShape::Columns(columns),
    }) = &stat.rows
    else {
        return None;
    };
    let [ResolvedStage::Group(group)] = stages.as_slice() else {
        return None;
    };
    let names: Vec<_> = columns.iter().map(|column| column.name.as_str()).collect();
    counter_group(group, &names, &stat.tenant, &stat.filter)
}

fn statement(stat: &CheckedStat) -> Statement {
    match &stat.rows {
        StatQuestion::Distinct(target) => distinct::lower(&stat.tenant, &stat.filter, target),
        StatQuestion::Aggregate(stages) => pipeline::lower(&stat.tenant, &stat.filter, stages),
    }
}
