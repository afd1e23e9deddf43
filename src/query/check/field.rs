//! The fields of a job as queries name them: each is stored in a column or inside the document.

use crate::job::Shape;
use crate::json::names::unknown;
use crate::query::error::QueryError;
use crate::query::eval::path::path_param;
use crate::query::limits::{MAX_SEGMENT_BYTES, MAX_SEGMENTS};
use crate::query::request::job_path::ROOTS;
use crate::query::sql::Sql;

/// A member of the document that has a column of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Column {
    JobId,
    Status,
    TotalTasks,
    RemainedTasks,
    SuccessTasks,
    FailureTasks,
    CollectorId,
    SecretId,
    RequestSecretId,
    RequestWorkspaceId,
    ResourceGroup,
    ProjectId,
    WorkspaceId,
    DomainId,
    CreatedAt,
    UpdatedAt,
    FinishedAt,
    /// A member as today's SpaceONE has it, computed from other columns.
    Today(TodayColumn),
}

/// A member that today's SpaceONE has and the stored document has not, or not so. (Rule: [`crate::job::of_today`].)
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TodayColumn {
    /// The status by its name of today.
    Status,
    SuccessTasks,
    FailureTasks,
}

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnKind {
    Text,
    Integer,
    /// Milliseconds since the epoch.
    Time,
}

/// What a column of the pipeline holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Text,
    Integer,
    /// Milliseconds since the epoch.
    Time,
    /// Any value, as [`crate::query::eval::encoding`] encodes it; SQL's NULL is a missing value.
    Any,
}

/// What an SQL NULL means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NullMeans {
    /// The column is NOT NULL.
    NotNull,
    /// The member is null.
    Null,
    /// The member is missing.
    Missing,
}

impl Column {
    /// Every column, in the order of the document.
    pub const ALL: [Self; 17] = [
        Self::JobId,
        Self::Status,
        Self::TotalTasks,
        Self::RemainedTasks,
        Self::SuccessTasks,
        Self::FailureTasks,
        Self::CollectorId,
        Self::SecretId,
        Self::RequestSecretId,
        Self::RequestWorkspaceId,
        Self::ResourceGroup,
        Self::ProjectId,
        Self::WorkspaceId,
        Self::DomainId,
        Self::CreatedAt,
        Self::UpdatedAt,
        Self::FinishedAt,
    ];

    /// Returns its name in the table `jobs`; for [`Column::DomainId`] the name in the document.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::JobId => "job_id",
            Self::Status => "status",
            Self::TotalTasks => "total_tasks",
            Self::RemainedTasks => "remained_tasks",
            Self::SuccessTasks => "success_tasks",
            Self::FailureTasks => "failure_tasks",
            Self::CollectorId => "collector_id",
            Self::SecretId => "secret_id",
            Self::RequestSecretId => "request_secret_id",
            Self::RequestWorkspaceId => "request_workspace_id",
            Self::ResourceGroup => "resource_group",
            Self::ProjectId => "project_id",
            Self::WorkspaceId => "workspace_id",
            Self::DomainId => "domain_id",
            Self::CreatedAt => "created_at",
            Self::UpdatedAt => "updated_at",
            Self::FinishedAt => "finished_at",
            Self::Today(today) => today.stored().name(),
        }
    }

    /// Returns the expression that reads it from a row of `jobs`.
    #[must_use]
    pub fn sql(self) -> Sql {
        match self {
            // The table holds a small key, since every index begins with it; conditions on the name are rare.
            Self::DomainId => {
                Sql::new("(SELECT d.domain_id FROM domains AS d WHERE d.id = domain)")
            }
            Self::Today(today) => Sql::new(today.sql()),
            other => Sql::new(other.name()),
        }
    }

    /// Returns what the column holds.
    #[must_use]
    pub fn kind(self) -> ColumnKind {
        match self {
            Self::JobId
            | Self::Status
            | Self::CollectorId
            | Self::SecretId
            | Self::RequestSecretId
            | Self::RequestWorkspaceId
            | Self::ResourceGroup
            | Self::ProjectId
            | Self::WorkspaceId
            | Self::DomainId => ColumnKind::Text,
            Self::TotalTasks | Self::RemainedTasks | Self::SuccessTasks | Self::FailureTasks => {
                ColumnKind::Integer
            }
            Self::CreatedAt | Self::UpdatedAt | Self::FinishedAt => ColumnKind::Time,
            Self::Today(today) => today.stored().kind(),
        }
    }

    /// Returns what a NULL in the column means.
    #[must_use]
    pub fn null_means(self) -> NullMeans {
        match self {
            Self::ProjectId | Self::FinishedAt => NullMeans::Null,
            Self::SuccessTasks
            | Self::FailureTasks
            | Self::CollectorId
            | Self::SecretId
            | Self::RequestSecretId
            | Self::RequestWorkspaceId
            | Self::ResourceGroup
            | Self::WorkspaceId => NullMeans::Missing,
            Self::JobId
            | Self::Status
            | Self::TotalTasks
            | Self::RemainedTasks
            | Self::DomainId
            | Self::CreatedAt
            | Self::UpdatedAt
            | Self::Today(_) => NullMeans::NotNull,
        }
    }

    /// Returns the column that has the member in a shape of jobs.
    #[must_use]
    pub(crate) fn in_shape(self, shape: Shape) -> Self {
        match (shape, self) {
            (Shape::Today, Self::Status) => Self::Today(TodayColumn::Status),
            (Shape::Today, Self::SuccessTasks) => Self::Today(TodayColumn::SuccessTasks),
            (Shape::Today, Self::FailureTasks) => Self::Today(TodayColumn::FailureTasks),
            (Shape::Seed | Shape::Today, column) => column,
        }
    }
}

/// How many tasks are done.
macro_rules! done {
    () => {
        "max(total_tasks - max(remained_tasks, 0), 0)"
    };
}

/// How many tasks failed: as stored, else those that did not succeed, else as many as there are errors.
macro_rules! failed {
    () => {
        concat!(
            "coalesce(failure_tasks, max(",
            done!(),
            " - success_tasks, 0), min(error_count, ",
            done!(),
            "))"
        )
    };
}

impl TodayColumn {
    /// Returns the column of the stored member of this name.
    fn stored(self) -> Column {
        match self {
            Self::Status => Column::Status,
            Self::SuccessTasks => Column::SuccessTasks,
            Self::FailureTasks => Column::FailureTasks,
        }
    }

    /// Returns the expression that computes it from a row of `jobs`, or for the status from a row of counters.
    fn sql(self) -> &'static str {
        match self {
            Self::Status => {
                "CASE status WHEN 'ERROR' THEN 'FAILURE' WHEN 'TIMEOUT' THEN 'FAILURE' WHEN 'CREATED' THEN 'IN_PROGRESS' ELSE status END"
            }
            Self::FailureTasks => failed!(),
            Self::SuccessTasks => concat!(
                "ifnull(success_tasks, max(",
                done!(),
                " - ",
                failed!(),
                ", 0))"
            ),
        }
    }
}

/// A field as a filter or the key of a group refers to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FieldRef {
    /// A column.
    Column(Column),
    /// The day of `created_at`.
    Day,
    /// A member of the collector.
    CollectorInfo,
    /// Any other part of the document.
    Elsewhere,
}

impl FieldRef {
    /// Returns the field that a column is read from.
    ///
    /// The status of today is read from the stored one, which indexes and counters have.
    pub(crate) fn from_column(column: Column) -> Self {
        match column {
            Column::Today(TodayColumn::Status) => Self::Column(Column::Status),
            column => Self::Column(column),
        }
    }

    /// Returns the field to which a path into the document refers.
    pub(crate) fn from_path(path: &DocumentPath) -> Self {
        match path.root {
            Root::CollectorInfo => Self::CollectorInfo,
            Root::Filter | Root::Errors => Self::Elsewhere,
        }
    }

    /// Whether no index of `jobs` has the field.
    pub(crate) fn needs_row(self) -> bool {
        !matches!(
            self,
            Self::Column(
                Column::JobId
                    | Column::Status
                    | Column::CollectorId
                    | Column::ProjectId
                    | Column::CreatedAt
            )
        )
    }
}

/// The type of the values of an expression.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ValueType {
    pub kind: Kind,
    pub nulls: NullMeans,
}

impl ValueType {
    /// Any value, or a missing one.
    pub const ANY: Self = Self {
        kind: Kind::Any,
        nulls: NullMeans::Missing,
    };
    /// Any value, never missing: null where there is none.
    pub const NULLABLE: Self = Self {
        kind: Kind::Any,
        nulls: NullMeans::Null,
    };
    /// An integer, never null.
    pub const INTEGER: Self = Self {
        kind: Kind::Integer,
        nulls: NullMeans::NotNull,
    };

    /// Returns the type of a column of `jobs`.
    #[must_use]
    pub fn of_column(column: Column) -> Self {
        Self {
            kind: match column.kind() {
                ColumnKind::Text => Kind::Text,
                ColumnKind::Integer => Kind::Integer,
                ColumnKind::Time => Kind::Time,
            },
            nulls: column.null_means(),
        }
    }
}

/// The part of a document before its `collector_info`, with the closing brace: it has `filter` and `errors`.
pub(in crate::query) const HEAD: &str = "head || '}'";

/// A member of the document that has members of its own, and no column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Root {
    Filter,
    Errors,
    CollectorInfo,
}

impl Root {
    /// The member's name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Filter => "filter",
            Self::Errors => "errors",
            Self::CollectorInfo => "collector_info",
        }
    }
}

/// A path into the document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentPath {
    pub root: Root,
    /// The segments below the root; none for the root itself.
    pub below: Vec<String>,
}

impl DocumentPath {
    /// The segments from the document's root.
    #[must_use]
    pub fn segments(&self) -> Vec<&str> {
        let below = self.below.iter().map(String::as_str);
        std::iter::once(self.root.name()).chain(below).collect()
    }

    /// Whether these are the path's segments below a root.
    #[must_use]
    pub fn is(&self, root: Root, below: &[&str]) -> bool {
        self.root == root && self.below == below
    }

    /// Returns the smallest text that has the value at the path, as SQL. It is NULL where a job has no collector.
    pub(in crate::query) fn text(&self) -> &'static str {
        match self.root {
            Root::Filter | Root::Errors => HEAD,
            Root::CollectorInfo => {
                "(SELECT i.info FROM collector_infos AS i WHERE i.id = collector_info)"
            }
        }
    }

    /// The segments from the root of that text.
    pub(in crate::query) fn segments_in_text(&self) -> Vec<&str> {
        match self.root {
            Root::Filter | Root::Errors => self.segments(),
            Root::CollectorInfo => self.below.iter().map(String::as_str).collect(),
        }
    }

    /// Returns the two arguments by which an SQL function reads the value at the path: the text that has it, and the
    /// path within that text.
    pub(in crate::query) fn arguments(&self) -> Sql {
        let mut sql = Sql::new(self.text());
        sql.push(", ").bind(path_param(&self.segments_in_text()));
        sql
    }
}

/// Where a path leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    Column(Column),
    Document(DocumentPath),
    /// A path below a member that has no members: there is never a value.
    NeverThere,
}

impl Target {
    /// Returns where the path leads in a shape of jobs.
    #[must_use]
    pub(crate) fn in_shape(self, shape: Shape) -> Self {
        match self {
            Self::Column(column) => Self::Column(column.in_shape(shape)),
            other => other,
        }
    }

    /// Returns the canonical segments of the path from the document's root; `None` where it leads nowhere.
    #[must_use]
    pub fn segments(&self) -> Option<Vec<String>> {
        match self {
            Self::Document(path) => Some(path.segments().into_iter().map(str::to_owned).collect()),
            Self::Column(Column::CollectorId) => Some(
                [Root::CollectorInfo.name(), Column::CollectorId.name()]
                    .map(str::to_owned)
                    .to_vec(),
            ),
            Self::Column(column) => Some(vec![column.name().to_owned()]),
            Self::NeverThere => None,
        }
    }
}

/// Splits a dotted path.
///
/// # Errors
/// [`QueryError::Language`] for an empty path or segment, and beyond [`MAX_SEGMENTS`] or [`MAX_SEGMENT_BYTES`].
pub fn split_path(key: &str, location: &str) -> Result<Vec<String>, QueryError> {
    let error = |problem: String| QueryError::Language {
        location: location.to_owned(),
        problem,
    };
    let segments: Vec<String> = key
        .split('.')
        .take(MAX_SEGMENTS + 1)
        .map(str::to_owned)
        .collect();
    if segments.len() > MAX_SEGMENTS {
        return Err(error(format!("a path has at most {MAX_SEGMENTS} segments")));
    }
    if segments.iter().any(String::is_empty) {
        return Err(error(if key.is_empty() {
            "a path must not be empty".to_owned()
        } else {
            "a path must not have an empty segment".to_owned()
        }));
    }
    if segments
        .iter()
        .any(|segment| segment.len() > MAX_SEGMENT_BYTES)
    {
        return Err(error(format!(
            "a segment of a path has at most {MAX_SEGMENT_BYTES} bytes"
        )));
    }
    Ok(segments)
}

/// Resolves a path into a job.
///
/// Rule: the contract, "The first segment of a path into a job must be a field of the table above (or an alias)"; the
/// aliases are those of the conformance notes.
///
/// # Errors
/// [`QueryError::Language`] for an unknown first segment, with the nearest name, and as [`split_path`].
pub fn resolve(key: &str, location: &str) -> Result<Target, QueryError> {
    resolve_segments(split_path(key, location)?, location)
}

/// Resolves a path into a job, given its segments.
///
/// # Errors
/// As [`resolve`].
pub fn resolve_segments(mut segments: Vec<String>, location: &str) -> Result<Target, QueryError> {
    let below = segments.split_off(1);
    let column = |column| match below.as_slice() {
        [] => Target::Column(column),
        _ => Target::NeverThere,
    };
    let root = match segments[0].as_str() {
        "collector_id" => return Ok(column(Column::CollectorId)),
        "plugin_id" => {
            let path = ["plugin_info", "plugin_id"].into_iter().map(str::to_owned);
            return Ok(Target::Document(DocumentPath {
                root: Root::CollectorInfo,
                below: path.chain(below).collect(),
            }));
        }
        "collector" | "collector_info" => match below.as_slice() {
            [member] if member == "collector_id" => return Ok(Target::Column(Column::CollectorId)),
            [member, ..] if member == "collector_id" => return Ok(Target::NeverThere),
            _ => Root::CollectorInfo,
        },
        "filter" | "filters" => Root::Filter,
        "errors" => Root::Errors,
        name => {
            let known = Column::ALL.into_iter().find(|column| column.name() == name);
            return known.map(column).ok_or_else(|| QueryError::Language {
                location: location.to_owned(),
                problem: unknown("field", name, &ROOTS),
            });
        }
    };
    Ok(Target::Document(DocumentPath { root, below }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(key: &str, expected: &str) {
        let got = match resolve(key, "k") {
            Ok(Target::Column(column)) => format!("column {}", column.name()),
            Ok(Target::Document(path)) => format!("document {}", path.segments().join("/")),
            Ok(Target::NeverThere) => "nowhere".to_owned(),
            Err(error) => error.to_string(),
        };
        assert_eq!(got, expected, "{key}");
    }

    #[test]
    fn paths_lead_to_columns_or_into_the_document() {
        for (key, expected) in [
            ("status", "column status"),
            ("collector_id", "column collector_id"),
            ("collector.collector_id", "column collector_id"),
            ("collector_info.collector_id", "column collector_id"),
            ("collector_id.x", "nowhere"),
            ("workspace_id", "column workspace_id"),
            ("success_tasks.x", "nowhere"),
            ("created_at.year", "nowhere"),
            ("collector", "document collector_info"),
            (
                "collector.plugin_info.version",
                "document collector_info/plugin_info/version",
            ),
            ("filters.region", "document filter/region"),
            ("errors.0.error_code", "document errors/0/error_code"),
            (
                "stauts",
                "k: unknown field `stauts`; did you mean `status`?",
            ),
            ("", "k: a path must not be empty"),
            ("filter..a", "k: a path must not have an empty segment"),
            (
                "filter.a.b.c.d.e.f.g.h.i.j",
                "k: a path has at most 10 segments",
            ),
        ] {
            check(key, expected);
        }
        check(
            &format!("filter.{}", "x".repeat(201)),
            "k: a segment of a path has at most 200 bytes",
        );
    }

    #[test]
    fn every_root_but_the_aliases_resolves_to_itself() {
        for root in &ROOTS[..19] {
            match resolve(root, "k").unwrap() {
                Target::Column(column) => assert_eq!(column.name(), *root),
                Target::Document(path) => assert_eq!(path.segments(), [*root]),
                Target::NeverThere => panic!("{root} leads nowhere"),
            }
        }
    }
}
