//! Holds README.md and the pages of static/docs true.
//!
//! - **Commands** ([`shell`]): the `sh` blocks of a page run in order in one bash, with `jobdeck` on the path and a
//!   temporary folder as the working directory. A block whose last command starts a server leaves it running until the
//!   next heading of level 2 or the next block that starts one. A block marked `skip=REASON` only has its `jobdeck`
//!   commands compared with the command line ([`skipped`]); those marked `skip=spacectl` have a test of their own.
//! - **Output** ([`output`]): a block of another language after an `sh` block, with at most a paragraph that ends with a
//!   colon between them, is what the commands print. `…` stands for what differs.
//! - **Names** ([`names`]): options, variables, routes, metrics and files that a page names exist, and those that users
//!   need are named.
//! - **Tables** ([`tables`]): limits, errors and options are those of the code.
//! - **Form** ([`links`], [`form`]): links lead somewhere, tables of contents are complete, data blocks parse.
#![cfg(test)]

mod command_line;
mod described;
mod form;
mod links;
mod names;
mod output;
mod page;
mod shell;
mod skipped;
mod tables;

use std::path::Path;

use page::Page;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const JOBDECK: &str = env!("CARGO_BIN_EXE_jobdeck");
/// Every page, in the order in which a reader meets them.
const PAGES: [&str; 11] = [
    "README.md",
    "static/docs/start.md",
    "static/docs/documents.md",
    "static/docs/query.md",
    "static/docs/grpc.md",
    "static/docs/mock.md",
    "static/docs/recipes.md",
    "static/docs/page.md",
    "static/docs/operate.md",
    "static/docs/reliability.md",
    "static/docs/internals.md",
];

fn page(path: &str) -> Page {
    let text = std::fs::read_to_string(Path::new(ROOT).join(path)).unwrap();
    Page::parse(path, &text)
}

fn pages() -> Vec<Page> {
    PAGES.map(page).into()
}

#[track_caller]
fn none(faults: &[String]) {
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}

/// Runs the commands of a page.
#[track_caller]
fn run(path: &str) {
    none(&shell::run(&page(path), None));
}

#[test]
fn the_commands_of_the_readme_work() {
    run("README.md");
}

#[test]
fn the_commands_of_start_work() {
    run("static/docs/start.md");
}

#[test]
fn the_commands_of_query_work() {
    run("static/docs/query.md");
}

#[test]
fn the_commands_of_mock_work() {
    run("static/docs/mock.md");
}

#[test]
fn the_commands_of_recipes_work() {
    run("static/docs/recipes.md");
}

#[test]
#[ignore = "wants spacectl on the path, or in the folder that CLIENTS_BIN names; tests/run installs it"]
fn the_commands_of_recipes_for_spacectl_work() {
    let page = page("static/docs/recipes.md");
    none(&shell::run(&page, Some("spacectl")));
}

#[test]
fn the_commands_of_page_work() {
    run("static/docs/page.md");
}

#[test]
fn the_commands_of_grpc_work() {
    run("static/docs/grpc.md");
}

#[test]
fn the_commands_of_operate_work() {
    run("static/docs/operate.md");
}

#[test]
fn the_commands_of_documents_work() {
    run("static/docs/documents.md");
}

#[test]
fn the_commands_of_reliability_work() {
    run("static/docs/reliability.md");
}

#[test]
fn the_commands_of_internals_work() {
    run("static/docs/internals.md");
}

/// A page that is unknown here would be read by no test.
#[test]
fn every_page_is_known() {
    for entry in std::fs::read_dir(Path::new(ROOT).join("static/docs")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let path = format!("static/docs/{name}");
        let is_markdown = Path::new(&name)
            .extension()
            .is_some_and(|extension| extension == "md");
        assert!(!is_markdown || PAGES.contains(&path.as_str()), "{path}");
    }
}

#[test]
fn skipped_commands_are_those_of_the_command_line() {
    let pages = pages();
    none(&pages.iter().flat_map(skipped::faults).collect::<Vec<_>>());
}

#[test]
fn every_name_exists() {
    let pages = pages();
    none(&pages.iter().flat_map(names::unknown).collect::<Vec<_>>());
}

#[test]
fn every_metric_in_a_file_exists() {
    none(&names::unknown_metrics_of_files(&links::files()));
}

#[test]
fn everything_is_named() {
    none(&names::missing(&pages()));
}

#[test]
fn the_vocabulary_of_the_api_is_listed() {
    none(&names::missing_vocabulary(&pages()));
}

#[test]
fn every_table_is_that_of_the_code() {
    let pages = pages();
    none(&pages.iter().flat_map(tables::faults).collect::<Vec<_>>());
}

#[test]
fn every_link_leads_somewhere() {
    let pages = pages();
    none(
        &pages
            .iter()
            .flat_map(|page| links::dead(page, &pages))
            .collect::<Vec<_>>(),
    );
}

#[test]
fn every_file_is_shown() {
    none(&links::files_not_shown(&pages(), &links::files()));
}

#[test]
fn every_file_can_be_read() {
    none(&form::unreadable_files(&links::files()));
}

#[test]
fn every_page_has_the_form_of_a_page() {
    let pages = pages();
    none(&pages.iter().flat_map(form::faults).collect::<Vec<_>>());
}
