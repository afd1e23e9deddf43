//! The columns of CSV.

/// A column, and the member of a job that it holds.
#[derive(Debug)]
pub(in crate::transfer) struct Column {
    pub(in crate::transfer) name: &'static str,
    /// The dotted path of the member; empty for a column that is made of several.
    pub(in crate::transfer) path: &'static str,
    pub(in crate::transfer) kind: Kind,
}

/// How the text of a cell is a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::transfer) enum Kind {
    /// A string; escaped where a spreadsheet would take it for a formula.
    Text,
    /// A name, or a number that stands for one.
    Status,
    Number,
    Time,
    Boolean,
    /// JSON.
    Json,
    /// The number of errors; or JSON: all of them.
    Errors,
    ErrorCodes,
    ErrorMessages,
    /// The seconds from `created_at` to `finished_at`; not read.
    Duration,
}

const fn column(name: &'static str, path: &'static str, kind: Kind) -> Column {
    Column { name, path, kind }
}

/// The columns that are written, in their order. New ones come last, for programs that count columns.
pub(in crate::transfer) const COLUMNS: [Column; 25] = [
    column("job_id", "job_id", Kind::Text),
    column("domain_id", "domain_id", Kind::Text),
    column("status", "status", Kind::Status),
    column("collector_id", "collector_info.collector_id", Kind::Text),
    column("collector", "collector_info.name", Kind::Text),
    column("provider", "collector_info.provider", Kind::Text),
    column(
        "plugin_id",
        "collector_info.plugin_info.plugin_id",
        Kind::Text,
    ),
    column(
        "plugin_version",
        "collector_info.plugin_info.version",
        Kind::Text,
    ),
    column("project_id", "project_id", Kind::Text),
    column("total_tasks", "total_tasks", Kind::Number),
    column("remained_tasks", "remained_tasks", Kind::Number),
    column("errors", "errors", Kind::Errors),
    column("error_codes", "", Kind::ErrorCodes),
    column("error_messages", "", Kind::ErrorMessages),
    column("created_at", "created_at", Kind::Time),
    column("updated_at", "updated_at", Kind::Time),
    column("finished_at", "finished_at", Kind::Time),
    column("duration_seconds", "", Kind::Duration),
    column("success_tasks", "success_tasks", Kind::Number),
    column("failure_tasks", "failure_tasks", Kind::Number),
    column("workspace_id", "workspace_id", Kind::Text),
    column("resource_group", "resource_group", Kind::Text),
    column("secret_id", "secret_id", Kind::Text),
    column("request_secret_id", "request_secret_id", Kind::Text),
    column("request_workspace_id", "request_workspace_id", Kind::Text),
];
