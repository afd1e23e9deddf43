//! Paths into a job in a request: their schema, and the first segments that they may have. `check::field` resolves
//! them.

use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

/// The first segments that a path may begin with: the fields of a job, then the aliases.
pub(crate) const ROOTS: [&str; 23] = [
    "job_id",
    "status",
    "filter",
    "total_tasks",
    "remained_tasks",
    "success_tasks",
    "failure_tasks",
    "errors",
    "collector_info",
    "secret_id",
    "request_secret_id",
    "request_workspace_id",
    "resource_group",
    "project_id",
    "workspace_id",
    "domain_id",
    "created_at",
    "updated_at",
    "finished_at",
    "collector_id",
    "plugin_id",
    "collector",
    "filters",
];

/// The schema of a path into a job. A path is read as a string, which `query::check::field` checks.
pub(crate) struct JobPath;

impl PartialSchema for JobPath {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .description(Some(
                "A dotted path into a job, such as `errors.error_code`. It leads into arrays: any element may match, and a number is the index of one. `collector_id`, `plugin_id`, `collector.…` and `filters.…` are short for `collector_info.collector_id`, `collector_info.plugin_info.plugin_id`, `collector_info.…` and `filter.…`.",
            ))
            .pattern(Some(format!(r"^({})(\.[^.]+){{0,9}}$", ROOTS.join("|"))))
            .into()
    }
}

impl ToSchema for JobPath {}
