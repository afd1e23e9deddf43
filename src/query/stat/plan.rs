//! The plan of statistics: counters in memory or one statement, decided once, before anything runs.

use std::borrow::Cow;

use crate::query::check::resolved::{ResolvedStage, ResolvedStages, RowShape, ShapeColumn};
use crate::query::check::stat::{CheckedStat, StatQuestion};
use crate::query::counters::group::CounterGroup;
use crate::query::request::Page;
use crate::query::scan::{GroupScan, TopScan};
use crate::query::sql::Param;
use crate::query::stat::output::{Output, OutputColumn, Statement};
use crate::query::stat::scan::StatScan;
use crate::query::stat::source::{RowSource, counter_group};
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
    Groups(GroupRows),
    Top(TopRows),
}

/// Groups by a scan of the columns, then the rest of the stages.
#[derive(Debug)]
pub struct GroupRows {
    pub scan: GroupScan,
    /// How the groups are written, where no stage is left.
    pub output: Option<Output>,
    /// The number of stages that the scan replaces.
    pub stages: usize,
    pub otherwise: LazyStatement,
}

/// All stages over the first jobs, which a scan of the columns finds.
#[derive(Debug)]
pub struct TopRows {
    pub scan: TopScan,
    /// Whether the scan has the number of rows before paging; otherwise a stage limits the jobs.
    pub has_total: bool,
    pub otherwise: LazyStatement,
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

    /// Compiles the statement for these jobs alone.
    #[must_use]
    pub fn among(&self, jobs: &[i64]) -> Statement {
        let CheckedStat {
            tenant,
            filter,
            rows,
            ..
        } = &*self.0;
        match rows {
            StatQuestion::Aggregate(stages) => pipeline::among(tenant, filter, stages, jobs),
            StatQuestion::Distinct(_) => self.compile(),
        }
    }

    /// Compiles the stages after the first `stages`, for which a scan gave these rows.
    #[must_use]
    pub fn after(&self, stages: usize, scan: &GroupScan, rows: &[Vec<Param>]) -> Statement {
        match &self.0.rows {
            StatQuestion::Aggregate(all) => pipeline::after(all, stages, scan, rows),
            StatQuestion::Distinct(_) => self.compile(),
        }
    }
}

impl StatPlan {
    /// Returns the statement for the rows, also where counters in memory are quicker.
    #[must_use]
    pub fn statement(&self) -> Cow<'_, Statement> {
        match &self.rows {
            StatRows::Statement(statement) => Cow::Borrowed(statement),
            StatRows::Counters { otherwise, .. }
            | StatRows::Groups(GroupRows { otherwise, .. })
            | StatRows::Top(TopRows { otherwise, .. }) => Cow::Owned(otherwise.compile()),
        }
    }
}

/// Plans checked statistics.
#[must_use]
pub(in crate::query) fn plan(stat: CheckedStat) -> StatPlan {
    StatPlan {
        page: stat.page,
        rows: rows(stat),
    }
}

fn rows(stat: CheckedStat) -> StatRows {
    if let Some(group) = counters(&stat) {
        return StatRows::Counters {
            group,
            otherwise: LazyStatement(Box::new(stat)),
        };
    }
    let StatQuestion::Aggregate(ResolvedStages { stages, rows, .. }) = &stat.rows else {
        return StatRows::Statement(statement(&stat));
    };
    if RowSource::new(&stat.tenant, &stat.filter, stages).is_counters() {
        return StatRows::Statement(statement(&stat));
    }
    match StatScan::new(&stat, stages) {
        None => StatRows::Statement(statement(&stat)),
        Some(StatScan::Groups {
            scan,
            stages: taken,
        }) => StatRows::Groups(GroupRows {
            scan,
            output: (taken == stages.len()).then(|| output(rows)).flatten(),
            stages: taken,
            otherwise: LazyStatement(Box::new(stat)),
        }),
        Some(StatScan::Top { scan, is_page }) => StatRows::Top(TopRows {
            scan,
            has_total: is_page,
            otherwise: LazyStatement(Box::new(stat)),
        }),
    }
}

/// Returns how rows of this shape are written; `None` where two columns have the same name.
fn output(rows: &RowShape) -> Option<Output> {
    let RowShape::Columns(columns) = rows else {
        return None;
    };
    let has_twin = |(at, column): (usize, &ShapeColumn)| {
        columns[..at].iter().any(|other| other.name == column.name)
    };
    if columns.iter().enumerate().any(has_twin) {
        return None;
    }
    let columns = columns.iter().map(|column| OutputColumn {
        name: column.name.clone(),
        value_type: column.value_type,
    });
    Some(Output::Columns(columns.collect()))
}

/// Returns the group that is the only stage, if counters in memory can answer it.
fn counters(stat: &CheckedStat) -> Option<CounterGroup> {
    let StatQuestion::Aggregate(ResolvedStages {
        stages,
        rows: RowShape::Columns(columns),
        ..
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::compile_stat;
    use crate::query::request::JobStatQuery;
    use crate::time::Timestamp;

    #[track_caller]
    fn check(query: &str, expected: &str) {
        let body = format!(r#"{{"domain_id":"d","query":{{{query}}}}}"#);
        let request = JobStatQuery::from_json(body.as_bytes()).unwrap();
        let plan = compile_stat(&request, Timestamp::MIN).unwrap();
        let found = match plan.rows {
            StatRows::Statement(_) => "statement".to_owned(),
            StatRows::Counters { .. } => "counters".to_owned(),
            StatRows::Groups(groups) => format!("groups after {}", groups.stages),
            StatRows::Top(top) => format!("first {}", top.scan.count),
        };
        assert_eq!(found, expected, "{query}");
    }

    #[test]
    fn each_statistic_is_answered_in_the_quickest_way() {
        let group = |key: &str, field: &str| {
            format!(
                r#"{{"group":{{"keys":[{{"key":"{key}","name":"k"}}],"fields":[{{"name":"f",{field}}}]}}}}"#
            )
        };
        let aggregate = |stages: &[&str]| format!(r#""aggregate":[{}]"#, stages.join(","));
        let count = r#""operator":"count""#;
        let mean = r#""operator":"average","key":"total_tasks""#;
        let duration = r#"{"project":{"fields":[{"name":"s","key":"status"},
            {"name":"d","operator":"subtract","fields":["finished_at","created_at"]}]}}"#;
        let by_duration = r#"{"sort":{"key":"d","desc":true}}"#;
        let page = r#""page":{"start":3,"limit":5}"#;
        check(&aggregate(&[&group("collector_id", count)]), "counters");
        check(&aggregate(&[&group("project_id", count)]), "statement");
        check(
            &aggregate(&[&group("total_tasks", count)]),
            "groups after 1",
        );
        check(&aggregate(&[&group("status", mean)]), "groups after 1");
        check(
            &aggregate(&[&group("collector_info.provider", mean)]),
            "groups after 1",
        );
        check(&aggregate(&[&group("filter.a", mean)]), "statement");
        check(&aggregate(&[&group("job_id", mean)]), "statement");
        check(
            &aggregate(&[&group(
                "status",
                r#""operator":"first","key":"total_tasks""#,
            )]),
            "statement",
        );
        let max = r#""operator":"max","key":"d""#;
        check(&aggregate(&[duration, &group("s", max)]), "groups after 2");
        check(
            &aggregate(&[
                duration,
                &group("s", max),
                r#"{"sort":{"key":"f"}}"#,
                r#"{"limit":3}"#,
            ]),
            "groups after 2",
        );
        check(
            &format!("{},{page}", aggregate(&[duration, by_duration])),
            "first 7",
        );
        check(
            &aggregate(&[duration, by_duration, r#"{"limit":4}"#]),
            "first 4",
        );
        check(&aggregate(&[duration, by_duration]), "statement");
        let of = |condition: &str| {
            format!(
                r#"{},"filter":[{condition}]"#,
                aggregate(&[&group("status", mean)])
            )
        };
        check(
            &of(r#"{"k":"total_tasks","v":3,"o":"gt"}"#),
            "groups after 1",
        );
        check(&of(r#"{"k":"filter.a","v":3,"o":"gt"}"#), "statement");
        check(&of(r#"{"k":"collector_id","v":"c","o":"eq"}"#), "statement");
        check(r#""distinct":"total_tasks""#, "statement");
    }
}
