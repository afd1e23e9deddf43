//! The layout of the code, as src/lib.rs and src/query/mod.rs draw it.
#![cfg(test)]

mod imports;

use std::path::Path;

use imports::Crate;

/// The layers, from the top. A module imports only from layers below its own; the modules of one layer are strangers.
const LAYERS: [&[&str]; 9] = [
    &["server"],
    &["api", "grpc", "ui"],
    &["mock", "notify"],
    &["transfer", "demo"],
    &["store"],
    &["query", "terms"],
    &["job"],
    &["clock", "tokens", "route"],
    &["columns", "docs", "json", "time", "watched_file"],
];
/// The phases of the query language, likewise. `query/mod.rs` is above them all.
const PHASES: [&[&str]; 8] = [
    &["compile"],
    &["list", "stat", "overview"],
    &["counters", "scan"],
    &["where_clause", "order_by", "index_hints"],
    &["check"],
    &["request", "eval"],
    &["tenant"],
    &["sql", "error", "limits"],
];
/// Crates that only some modules may use.
const DRIVERS: [(&str, &[&str]); 22] = [
    ("actix_web", &["server", "api", "ui"]),
    ("actix_cors", &["api"]),
    // For the command line alone: `demo --open`, tables and the width of `docs`, requests to servers, what service managers are
    // sent, and what signals end.
    ("anstyle", &[]),
    ("open", &[]),
    ("terminal_size", &[]),
    ("unicode_width", &[]),
    ("sd_notify", &[]),
    ("signal_hook", &[]),
    ("ureq", &["notify"]),
    ("prometheus_client", &["api"]),
    ("pulldown_cmark", &["docs"]),
    ("prost", &["grpc"]),
    ("prost_types", &["grpc"]),
    ("tokio", &["server", "api", "grpc", "mock"]),
    ("tonic", &["grpc"]),
    ("tonic_reflection", &["grpc"]),
    ("pcre2", &["query"]),
    ("regex", &["query"]),
    ("regex_syntax", &["query"]),
    ("rusqlite", &["store"]),
    ("r2d2", &["store"]),
    ("utoipa", &["api", "job", "mock", "query", "route"]),
];
/// The page answers a wrong method as the routes do.
const NEIGHBOURS: [(&str, &str); 1] = [("ui", "api")];
/// The most lines of a `mod.rs`.
const MAX_FACE_LINES: usize = 40;
/// The most lines of any file.
const MAX_LINES: usize = 620;

fn jobdeck() -> Crate {
    let jobdeck = Crate::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
    assert!(
        jobdeck.files.len() > 100,
        "only {} files",
        jobdeck.files.len()
    );
    jobdeck
}

/// The part of a file's path that names its room below `folder`: `store` of `store/file.rs`.
fn room<'p>(path: &'p str, folder: &str) -> Option<&'p str> {
    let inside = path.strip_prefix(folder)?;
    inside
        .split('/')
        .next()?
        .strip_suffix(".rs")
        .or(inside.split('/').next())
}

/// The imports that climb a layer, a line each.
fn climbs(code: &Crate, folder: &str, layers: &[&[&str]]) -> Vec<String> {
    let layer = |room: &str| layers.iter().position(|layer| layer.contains(&room));
    let mut climbs = Vec::new();
    for (path, file) in &code.files {
        let Some(own) =
            room(path, folder).filter(|room| !["mod", "lib", "main", "cli"].contains(room))
        else {
            continue;
        };
        let Some(own_layer) = layer(own) else {
            climbs.push(format!("{path} is in no layer"));
            continue;
        };
        for imported in &file.imports {
            let Some(other) = room(imported, folder).filter(|other| *other != own) else {
                continue;
            };
            let is_below = layer(other).is_some_and(|other| other > own_layer);
            if !is_below && !NEIGHBOURS.contains(&(own, other)) {
                climbs.push(format!("{path} imports {imported}, which is not below it"));
            }
        }
    }
    climbs
}

/// The files that import themselves through others, a line each.
fn circles(code: &Crate) -> Vec<String> {
    let starts = code.files.keys();
    starts
        .filter_map(|file| code.circle_through(file))
        .map(|files| files.join(" -> "))
        .collect()
}

/// The `mod.rs` that are more than a face, a line each.
fn faces_with_more(code: &Crate) -> Vec<String> {
    let faces = code.files.iter().filter(|(_, file)| file.is_face);
    faces
        .filter(|(_, file)| file.has_code || file.lines > MAX_FACE_LINES)
        .map(|(path, file)| format!("{path}: {} lines, code: {}", file.lines, file.has_code))
        .collect()
}

/// The files that use a crate which is not for them, a line each.
fn strangers(code: &Crate) -> Vec<String> {
    let mut strangers = Vec::new();
    for (path, file) in &code.files {
        let Some(own) = room(path, "").filter(|room| !["lib", "main", "cli"].contains(room)) else {
            continue;
        };
        for (driver, users) in DRIVERS {
            if file.crates.contains(driver) && !users.contains(&own) {
                strangers.push(format!("{path} uses {driver}"));
            }
        }
    }
    strangers
}

#[track_caller]
fn none(found: &[String]) {
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

#[test]
fn modules_import_only_from_layers_below() {
    none(&climbs(&jobdeck(), "", &LAYERS));
}

#[test]
fn phases_of_the_query_language_import_only_from_phases_before() {
    none(&climbs(&jobdeck(), "query/", &PHASES));
}

#[test]
fn no_files_import_each_other_in_a_circle() {
    none(&circles(&jobdeck()));
}

#[test]
fn drivers_are_used_where_they_belong() {
    none(&strangers(&jobdeck()));
}

#[test]
fn every_mod_rs_is_a_face() {
    none(&faces_with_more(&jobdeck()));
}

#[test]
fn no_file_is_too_long() {
    let code = jobdeck();
    let long = code.files.iter().filter(|(_, file)| file.lines > MAX_LINES);
    none(
        &long
            .map(|(path, file)| format!("{path}: {} lines", file.lines))
            .collect::<Vec<_>>(),
    );
}

/// A made-up crate of files and their texts.
fn made_up(sources: &[(&str, &str)]) -> Crate {
    Crate::parse(
        sources
            .iter()
            .map(|(path, text)| ((*path).to_owned(), (*text).to_owned()))
            .collect(),
    )
}

#[test]
fn an_import_that_climbs_is_found_however_it_is_written() {
    for text in [
        "use crate::server::Options;",
        "use crate::{json::Strict, server::{self, Options}};",
        "fn run() { use super::super::server::Options; }",
        "fn run(_: crate::server::Options) {}",
        "fn run() { println!(\"{}\", crate::server::Options::NAME); }",
        "#[derive(Debug)] #[schema(value_type = crate::server::Options)] struct Job;",
    ] {
        let code = made_up(&[
            ("server/mod.rs", ""),
            ("json.rs", ""),
            ("store/file.rs", text),
        ]);
        let expected = ["store/file.rs imports server/mod.rs, which is not below it"];
        assert_eq!(climbs(&code, "", &LAYERS), expected, "{text}");
    }
    let code = made_up(&[
        ("query/list/plan.rs", ""),
        ("query/check/list.rs", "use crate::query::list::plan::Plan;"),
    ]);
    assert_eq!(
        climbs(&code, "query/", &PHASES),
        ["query/check/list.rs imports query/list/plan.rs, which is not below it"]
    );
    let code = made_up(&[("strange.rs", "")]);
    assert_eq!(climbs(&code, "", &LAYERS), ["strange.rs is in no layer"]);
}

#[test]
fn what_is_for_tests_alone_may_climb() {
    for text in [
        "#[cfg(test)] mod tests { use crate::server::Options; }",
        "#[cfg(test)] use crate::server::Options;",
        "// crate::server\nconst TEXT: &str = \"crate::server::Options\";",
    ] {
        let code = made_up(&[("server/mod.rs", ""), ("store/file.rs", text)]);
        assert_eq!(climbs(&code, "", &LAYERS), [""; 0], "{text}");
    }
}

#[test]
fn a_circle_is_found_behind_a_face() {
    let face = (
        "store/mod.rs",
        "mod file; mod writer; pub use file::DatabaseFile; pub use writer::Writer;",
    );
    let file = (
        "store/file.rs",
        "use super::Writer; pub struct DatabaseFile;",
    );
    let writer = (
        "store/writer.rs",
        "use super::file::DatabaseFile; pub struct Writer;",
    );
    assert_eq!(
        circles(&made_up(&[face, file, writer])),
        [
            "store/file.rs -> store/writer.rs -> store/file.rs",
            "store/writer.rs -> store/file.rs -> store/writer.rs",
        ]
    );
    let straight = ("store/writer.rs", "pub struct Writer;");
    assert_eq!(circles(&made_up(&[face, file, straight])), [""; 0]);
    // A face with code of its own that uses its children is in the circle.
    let busy = (
        "store/mod.rs",
        "mod file; pub struct Store(file::DatabaseFile);",
    );
    let child = (
        "store/file.rs",
        "pub struct DatabaseFile(Option<Box<super::Store>>);",
    );
    assert_eq!(circles(&made_up(&[busy, child])).len(), 2);
}

#[test]
fn a_mod_rs_with_code_or_many_lines_is_no_face() {
    assert_eq!(
        faces_with_more(&made_up(&[(
            "store/mod.rs",
            "mod file;\npub struct Store;"
        )])),
        ["store/mod.rs: 2 lines, code: true"]
    );
    let long = "mod file;\n".repeat(41);
    assert_eq!(
        faces_with_more(&made_up(&[("store/mod.rs", &long)])),
        ["store/mod.rs: 41 lines, code: false"]
    );
}

#[test]
fn a_driver_is_found_where_it_does_not_belong() {
    let code = made_up(&[
        ("job/mod.rs", "use rusqlite::Connection;"),
        ("store/file.rs", "use rusqlite::Connection;"),
    ]);
    assert_eq!(strangers(&code), ["job/mod.rs uses rusqlite"]);
}
