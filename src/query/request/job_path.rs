//! Paths into a job as they arrive: the first segments that one may have, and the schema. `check::field` resolves them.

use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

/// The first segments that a path may begin with: the fields of a job, then the aliases.
pub(crate) const ROOTS: [&str; 15] = [
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

/// The schema of a path into a job. Paths are read as strings; `query::check::field` checks them.
pub(crate) struct JobPath;

impl PartialSchema for JobPath {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .description(Some(
                "A dotted path into a job, such as `errors.error_code`. It goes into arrays, where any element will do and a number is an index. `collector_id`, `collector.…` and `filters.…` are short for `collector_info.collector_id`, `collector_info.…` and `filter.…`.",
            ))
            .pattern(Some(format!(r"^({})(\.[^.]+){{0,9}}$", ROOTS.join("|"))))
            .into()
    }
}

impl ToSchema for JobPath {}
