//! The parts of a job that a list answers: `only` and `minimal`.

use crate::query::check::field::resolve;
use crate::query::error::QueryError;
use crate::query::eval::path::Paths;

/// Returns the paths that are answered of each job; `None` for whole jobs.
///
/// Rule: SpaceONE loads the members of both, and writes those of `minimal` alone if it is true.
///
/// # Errors
/// [`QueryError::Language`] for a key of `only` that is not a path into a job, also where `minimal` is true.
pub fn parse(only: &[String], minimal: bool) -> Result<Option<Paths>, QueryError> {
    let paths = parse_paths(only, "query.only")?;
    Ok(match minimal {
        true => Some(minimal_paths()),
        false if only.is_empty() => None,
        false => Some(paths),
    })
}

/// Returns the paths that are answered of each job of today; `None` for whole jobs.
///
/// They are those of [`parse`], but `collector_id` and `plugin_id` are members of the job itself.
///
/// # Errors
/// As [`parse`].
pub fn of_today(only: &[String], minimal: bool) -> Result<Option<Paths>, QueryError> {
    let paths = parse(only, minimal)?;
    if minimal || paths.is_none() {
        return Ok(paths);
    }
    let mut paths = Vec::with_capacity(only.len());
    for (index, key) in only.iter().enumerate() {
        match key.as_str() {
            "collector_id" | "plugin_id" => paths.push(vec![key.clone()]),
            key => paths.extend(resolve(key, &format!("query.only[{index}]"))?.segments()),
        }
    }
    Ok(Some(paths))
}

/// Returns the paths into a stored document from which those of [`of_today`] are made; `None` for whole documents.
///
/// # Errors
/// As [`parse`].
pub fn sources_of_today(only: &[String], minimal: bool) -> Result<Option<Paths>, QueryError> {
    let Some(mut paths) = parse(only, minimal)? else {
        return Ok(None);
    };
    let counts = ["success_tasks", "failure_tasks"];
    let has_counts = |path: &Vec<String>| counts.iter().any(|name| path == &[*name]);
    if paths.iter().any(has_counts) {
        let sources = ["total_tasks", "remained_tasks", "errors"];
        let sources = sources.into_iter().chain(counts);
        paths.extend(sources.map(|name| vec![name.to_owned()]));
    }
    Ok(Some(paths))
}

/// Resolves the keys of `only`.
fn parse_paths(keys: &[String], location: &str) -> Result<Paths, QueryError> {
    let mut paths = Vec::with_capacity(keys.len());
    for (index, key) in keys.iter().enumerate() {
        paths.extend(resolve(key, &format!("{location}[{index}]"))?.segments());
    }
    Ok(paths)
}

/// Returns the paths of `minimal`.
fn minimal_paths() -> Paths {
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
    fn minimal_answers_its_members_whatever_only_has() {
        let only = ["filter.x", "status"].map(str::to_owned);
        assert_eq!(parse(&only, true).unwrap(), Some(minimal_paths()));
        assert_eq!(parse(&[], true).unwrap(), Some(minimal_paths()));
        assert_eq!(parse(&[], false).unwrap(), None);
        assert_eq!(
            parse(&only, false).unwrap().unwrap(),
            [vec!["filter", "x"], vec!["status"]]
        );
        let unknown = ["stats".to_owned()];
        assert!(parse(&unknown, true).is_err());
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
