//! The fields of a job as queries name them, and where each is found: in a column or inside the document.

use crate::query::error::{QueryError, unknown};
use crate::query::sql::Sql;

/// The most segments a path may have.
pub const MAX_SEGMENTS: usize = 10;
/// The most bytes a segment of a path may have.
pub const MAX_SEGMENT_BYTES: usize = 200;

/// The first segments that a path may begin with: the fields of a job, then the aliases.
const ROOTS: [&str; 15] = [
    "job_id",
    "status",
    "filter",
    "total_tasks",
    "remained_tasks",
    "errors",
    "collector_info",
    "project_id",
    "domain_id",
    "created_at",
    "updated_at",
    "finished_at",
    "collector_id",
    "collector",
    "filters",
];

/// A member of the document that has a column of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Column {
    JobId,
    Status,
    TotalTasks,
    RemainedTasks,
    ProjectId,
    DomainId,
    CreatedAt,
    UpdatedAt,
    FinishedAt,
    CollectorId,
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
    /// Any value, as [`crate::query::eval::value`] lets it travel; SQL's NULL is a missing one.
    Any,
}

impl Kind {
    /// What a column of `jobs` holds.
    #[must_use]
    pub fn of_column(column: Column) -> Self {
        match column.kind() {
            ColumnKind::Text => Self::Text,
            ColumnKind::Integer => Self::Integer,
            ColumnKind::Time => Self::Time,
        }
    }
}

/// What an SQL NULL stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NullMeans {
    /// The column is NOT NULL.
    NotNull,
    /// The member is there and null.
    Null,
    /// The member is not there.
    Missing,
}

impl Column {
    /// Every column, in the order of the document.
    pub const ALL: [Self; 10] = [
        Self::JobId,
        Self::Status,
        Self::TotalTasks,
        Self::RemainedTasks,
        Self::CollectorId,
        Self::ProjectId,
        Self::DomainId,
        Self::CreatedAt,
        Self::UpdatedAt,
        Self::FinishedAt,
    ];

    /// Its name in the table `jobs`; of [`Column::DomainId`], the name that the document gives it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::JobId => "job_id",
            Self::Status => "status",
            Self::TotalTasks => "total_tasks",
            Self::RemainedTasks => "remained_tasks",
            Self::ProjectId => "project_id",
            Self::DomainId => "domain_id",
            Self::CreatedAt => "created_at",
            Self::UpdatedAt => "updated_at",
            Self::FinishedAt => "finished_at",
            Self::CollectorId => "collector_id",
        }
    }

    /// The expression that reads it from a row of `jobs`.
    #[must_use]
    pub fn sql(self) -> Sql {
        match self {
            // The table holds a small key, since every index begins with it; conditions on the name are rare.
            Self::DomainId => {
                Sql::new("(SELECT d.domain_id FROM domains AS d WHERE d.id = domain)")
            }
            other => Sql::new(other.name()),
        }
    }

    #[must_use]
    pub fn kind(self) -> ColumnKind {
        match self {
            Self::JobId | Self::Status | Self::ProjectId | Self::DomainId | Self::CollectorId => {
                ColumnKind::Text
            }
            Self::TotalTasks | Self::RemainedTasks => ColumnKind::Integer,
            Self::CreatedAt | Self::UpdatedAt | Self::FinishedAt => ColumnKind::Time,
        }
    }

    #[must_use]
    pub fn null_means(self) -> NullMeans {
        match self {
            Self::ProjectId | Self::FinishedAt => NullMeans::Null,
            Self::CollectorId => NullMeans::Missing,
            _ => NullMeans::NotNull,
        }
    }
}

/// What a filter or a key of a group asks of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FieldRef {
    /// A column.
    Column(Column),
    /// The day of `created_at`.
    Day,
    /// A member of the collector.
    CollectorInfo,
    /// What lies elsewhere in the document.
    Elsewhere,
}

impl FieldRef {
    /// What a path into the document asks.
    pub(crate) fn of_path(path: &[String]) -> Self {
        if path.first().is_some_and(|root| root == "collector_info") {
            Self::CollectorInfo
        } else {
            Self::Elsewhere
        }
    }

    /// Whether it is more than an index of `jobs` has.
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

/// The part of a document before its `collector_info`, made whole: there are `filter` and `errors`.
pub(crate) const HEAD: &str = "head || '}'";

/// The least text that holds what a path leads to, and the path from there on; SQL's NULL where there is none.
pub(crate) fn source(path: &[String]) -> (&'static str, &[String]) {
    match path.split_first() {
        Some((root, _)) if matches!(root.as_str(), "filter" | "errors") => (HEAD, path),
        Some((root, below)) if root == "collector_info" => (
            "(SELECT i.info FROM collector_infos AS i WHERE i.id = collector_info)",
            below,
        ),
        _ => ("document", path),
    }
}

/// Where a path leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    Column(Column),
    /// Into the document: at least one segment, the first of them `filter`, `errors` or `collector_info`.
    Document(Vec<String>),
    /// Below a member that has no members: nothing is ever there.
    NeverThere,
}

/// Splits a dotted path.
///
/// # Errors
/// [`QueryError::Language`] for an empty path or segment, and past [`MAX_SEGMENTS`] or [`MAX_SEGMENT_BYTES`].
pub fn split_path(key: &str, place: &str) -> Result<Vec<String>, QueryError> {
    let fault = |problem: String| QueryError::Language {
        place: place.to_owned(),
        problem,
    };
    let segments: Vec<String> = key
        .split('.')
        .take(MAX_SEGMENTS + 1)
        .map(str::to_owned)
        .collect();
    if segments.len() > MAX_SEGMENTS {
        return Err(fault(format!("a path has at most {MAX_SEGMENTS} segments")));
    }
    if segments.iter().any(String::is_empty) {
        return Err(fault(if key.is_empty() {
            "a path must not be empty".to_owned()
        } else {
            "a path must not have an empty segment".to_owned()
        }));
    }
    if segments
        .iter()
        .any(|segment| segment.len() > MAX_SEGMENT_BYTES)
    {
        return Err(fault(format!(
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
pub fn resolve(key: &str, place: &str) -> Result<Target, QueryError> {
    resolve_segments(split_path(key, place)?, place)
}

/// [`resolve`] for a path that is split already.
///
/// # Errors
/// As [`resolve`].
pub fn resolve_segments(mut segments: Vec<String>, place: &str) -> Result<Target, QueryError> {
    match segments[0].as_str() {
        "collector" => "collector_info".clone_into(&mut segments[0]),
        "filters" => "filter".clone_into(&mut segments[0]),
        "collector_id" => {
            "collector_info".clone_into(&mut segments[0]);
            segments.insert(1, "collector_id".to_owned());
        }
        root if !ROOTS.contains(&root) => {
            let problem = unknown("field", root, &ROOTS);
            return Err(QueryError::Language {
                place: place.to_owned(),
                problem,
            });
        }
        _ => {}
    }
    if segments[0] == "collector_info"
        && segments
            .get(1)
            .is_some_and(|second| second == "collector_id")
    {
        return Ok(if segments.len() == 2 {
            Target::Column(Column::CollectorId)
        } else {
            Target::NeverThere
        });
    }
    let column = Column::ALL
        .into_iter()
        .find(|column| *column != Column::CollectorId && column.name() == segments[0]);
    Ok(match (column, segments.len()) {
        (Some(column), 1) => Target::Column(column),
        (Some(_), _) => Target::NeverThere,
        (None, _) => Target::Document(segments),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(key: &str, expected: &str) {
        let got = match resolve(key, "k") {
            Ok(Target::Column(column)) => format!("column {}", column.name()),
            Ok(Target::Document(path)) => format!("document {}", path.join("/")),
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
        for root in &ROOTS[..12] {
            match resolve(root, "k").unwrap() {
                Target::Column(column) => assert_eq!(column.name(), *root),
                Target::Document(path) => assert_eq!(path, [*root]),
                Target::NeverThere => panic!("{root} leads nowhere"),
            }
        }
    }
}
