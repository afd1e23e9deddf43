//! The first line of CSV: which member of a job each column holds.

use std::collections::BTreeMap;

use crate::json::names::unknown;
use crate::transfer::csv::{COLUMNS, Column, Kind};

/// The bytes of a first line that are looked at.
pub(super) const MAX_HEADER_BYTES: usize = 64 << 10;
/// Columns that are read besides those that are written, for CSV of other programs.
const OTHERS: [Column; 5] = [
    Column {
        name: "filter",
        path: "filter",
        kind: Kind::Json,
    },
    Column {
        name: "collector_info",
        path: "collector_info",
        kind: Kind::Json,
    },
    Column {
        name: "collector_info.is_public",
        path: "collector_info.is_public",
        kind: Kind::Boolean,
    },
    Column {
        name: "collector_info.capability",
        path: "collector_info.capability",
        kind: Kind::Json,
    },
    Column {
        name: "collector_info.plugin_info.options",
        path: "collector_info.plugin_info.options",
        kind: Kind::Json,
    },
];
/// Members whose own members are columns, too, by their dotted paths.
const OBJECTS: [&str; 2] = ["collector_info.", "filter."];

/// A column of a file.
#[derive(Debug)]
pub(super) struct FileColumn {
    /// As the file has it.
    pub(super) name: String,
    pub(super) path: String,
    pub(super) kind: Kind,
}

/// Returns the byte that separates the cells of a first line; `None` for a line that names no column that is known.
pub(super) fn delimiter(line: &[u8]) -> Option<u8> {
    let line = std::str::from_utf8(line).ok()?;
    let known = |delimiter: &u8| {
        let cells = line.split(char::from(*delimiter));
        cells
            .filter(|cell| find(cell.trim().trim_matches('"')).is_some())
            .count()
    };
    // Of several that fit equally, the last one.
    let best = [b'\t', b';', b','].into_iter().max_by_key(known)?;
    (known(&best) > 0).then_some(best)
}

/// Reads the first line: `None` for a column without a name.
///
/// # Errors
/// Each problem with the name of its column.
pub(super) fn columns<'c>(
    cells: impl Iterator<Item = &'c str>,
) -> Result<Vec<Option<FileColumn>>, Vec<(String, String)>> {
    let mut columns = Vec::new();
    let mut problems = Vec::new();
    let mut names: BTreeMap<String, String> = BTreeMap::new();
    for cell in cells {
        let name = cell.trim().to_owned();
        if name.is_empty() {
            columns.push(None);
            continue;
        }
        let Some((path, kind)) = find(&name) else {
            let known: Vec<_> = COLUMNS.iter().chain(&OTHERS).map(|one| one.name).collect();
            problems.push((name.clone(), unknown("column", &name, &known)));
            continue;
        };
        let key = if path.is_empty() {
            format!("{kind:?}")
        } else {
            path.clone()
        };
        let overlaps = |other: &str| {
            let is_within = |inner: &str, outer: &str| {
                inner
                    .strip_prefix(outer)
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
            };
            is_within(&key, other) || is_within(other, &key)
        };
        if let Some((_, other)) = names.iter().find(|(other, _)| overlaps(other)) {
            let problem = format!("holds the same as the column {other}; leave one of them out");
            problems.push((name.clone(), problem));
        }
        names.insert(key, name.clone());
        columns.push(Some(FileColumn { name, path, kind }));
    }
    if problems.is_empty() {
        Ok(columns)
    } else {
        Err(problems)
    }
}

/// Finds the member, as a path, that a column of this name holds.
fn find(name: &str) -> Option<(String, Kind)> {
    let snake = snake_case(name);
    let known = COLUMNS
        .iter()
        .chain(&OTHERS)
        .find(|column| column.name == snake || !snake.is_empty() && column.path == snake);
    if let Some(column) = known {
        return Some((column.path.to_owned(), column.kind));
    }
    let is_path = OBJECTS.iter().any(|object| snake.starts_with(object))
        && snake.split('.').all(|part| !part.is_empty());
    is_path.then(|| (name.to_owned(), Kind::Text))
}

/// Returns a name in `snake_case`, which may be in `camelCase`.
fn snake_case(name: &str) -> String {
    let mut snake = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
    }
    snake
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_delimiter_is_that_of_the_columns() {
        for (line, expected) in [
            (&b"job_id,domain_id"[..], Some(b',')),
            (b"domain_id;job_id\r\n", Some(b';')),
            (b"a\tjobId\n", Some(b'\t')),
            (b"\"job_id\"", Some(b',')),
            (b"collector_info.name,x", Some(b',')),
            (b"name,value", None),
            (b"3", None),
            (b"", None),
            (b"job_id\xff,domain_id", None),
        ] {
            assert_eq!(delimiter(line), expected, "{line:?}");
        }
    }

    #[test]
    fn a_first_line_names_columns_once() {
        let check = |line: &str, expected: &[&str]| {
            let problems = columns(line.split(',')).err().unwrap_or_default();
            let problems: Vec<_> = problems
                .iter()
                .map(|(name, problem)| format!("{name}: {problem}"))
                .collect();
            assert_eq!(problems.len(), expected.len(), "{problems:?}");
            for (got, expected) in problems.iter().zip(expected) {
                assert!(got.starts_with(expected), " got: {got}\nwant: {expected}");
            }
        };
        let all: Vec<_> = COLUMNS.iter().map(|column| column.name).collect();
        check(&all.join(","), &[]);
        check(
            " job_id ,,jobId.x",
            &["jobId.x: unknown column `jobId.x`; "],
        );
        check(
            "job_id,stauts,jobId",
            &[
                "stauts: unknown column `stauts`; did you mean `status`?",
                "jobId: holds the same as the column job_id; leave one",
            ],
        );
        check(
            "collector,collector_info.name",
            &["collector_info.name: holds the same"],
        );
        check(
            "collector_info,plugin_id",
            &["plugin_id: holds the same as the column collector_info"],
        );
        check("filter.a,filter.ab,collector_info.x.y", &[]);
        check("error_codes,error_codes", &["error_codes: holds the same"]);
        check("filter.", &["filter.: unknown column"]);
    }
}
