//! The parts of a job that a list answers: `only` and `minimal`.

use crate::query::check::field::resolve;
use crate::query::error::QueryError;
use crate::query::eval::path::Paths;

/// Resolves the keys of `only`.
///
/// # Errors
/// [`QueryError::Language`] for a key that is not a path into a job.
pub fn parse_paths(keys: &[String], location: &str) -> Result<Paths, QueryError> {
    let mut paths = Vec::with_capacity(keys.len());
    for (index, key) in keys.iter().enumerate() {
        paths.extend(resolve(key, &format!("{location}[{index}]"))?.segments());
    }
    Ok(paths)
}

/// Returns the paths of `minimal`.
#[must_use]
pub fn minimal() -> Paths {
    ["job_id", "status", "created_at", "finished_at"]
        .iter()
        .map(|name| vec![(*name).to_owned()])
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(key: &str, expected: &[&[&str]]) {
        assert_eq!(parse_paths(&[key.to_owned()], "only").unwrap(), expected);
    }

    #[test]
    fn short_names_become_paths_into_the_document() {
        check("job_id", &[&["job_id"]]);
        check("filter.a.b", &[&["filter", "a", "b"]]);
        check("filters.a", &[&["filter", "a"]]);
        check("collector_id", &[&["collector_info", "collector_id"]]);
        check("status.x", &[]);
    }

    #[test]
    fn an_unknown_path_is_an_error_with_its_index() {
        let keys = ["status", "stats"].map(str::to_owned);
        assert_eq!(
            parse_paths(&keys, "query.only").unwrap_err().to_string(),
            "query.only[1]: unknown field `stats`; did you mean `status`?"
        );
    }
}
