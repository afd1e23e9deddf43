//! The form of a page: its title and contents, the length of its lines, its blocks of data, its words.

use std::ffi::OsStr;
use std::path::PathBuf;

use serde_json::Value;

use crate::output::shown_values;
use crate::page::{Block, Page};

/// The most lines of the README.
const MAX_README_LINES: usize = 150;
/// The most characters of a line, except in tables and code.
const MAX_COLUMNS: usize = 120;
/// The languages of blocks.
const LANGUAGES: [&str; 13] = [
    "sh",
    "json",
    "text",
    "csv",
    "toml",
    "ini",
    "yaml",
    "python",
    "js",
    "dockerfile",
    "sql",
    "diff",
    "nginx",
];
/// Words that have several meanings or are hard to read.
const AVOIDED: [&str; 11] = [
    "told", "tells", "kept", "stands", "beside", "goes", "whoever", "whatever", "so many", "asks",
    "asked",
];

/// What is wrong with the form of a page.
pub(crate) fn faults(page: &Page) -> Vec<String> {
    let mut faults = page.faults.clone();
    let is_readme = page.path == "README.md";
    if is_readme {
        let lines = page.text.lines().count();
        if lines > MAX_README_LINES {
            faults.push(page.fault(lines, format!("more than {MAX_README_LINES} lines")));
        }
    } else {
        faults.extend(faults_of_the_beginning(page));
        faults.extend(
            page.images
                .iter()
                .map(|image| page.fault(image.line, "a picture")),
        );
    }
    for (index, heading) in page.headings.iter().enumerate() {
        let is_level = heading.level == 1;
        if is_level != (index == 0) {
            faults.push(page.fault(
                heading.line,
                "the first heading, and no other, is the title",
            ));
        }
        let before = &page.headings[..index];
        if before
            .iter()
            .any(|other| other.anchor() == heading.anchor())
        {
            faults.push(page.fault(heading.line, format!("a second heading `{}`", heading.text)));
        }
    }
    for (line, text) in (1..).zip(page.text.lines()) {
        // A link can't be broken.
        let is_long = text.chars().count() > MAX_COLUMNS && text.contains(' ');
        if is_long && page.prose_lines.contains(&line) {
            faults.push(page.fault(line, format!("more than {MAX_COLUMNS} columns")));
        }
    }
    for block in &page.blocks {
        if !LANGUAGES.contains(&block.language.as_str()) {
            faults.push(page.fault(block.line, format!("the language `{}`", block.language)));
        }
        faults.extend(problem_of_data(block).map(|problem| page.fault(block.line, problem)));
    }
    for text in &page.prose {
        let words: Vec<_> = text
            .text
            .split(|letter: char| !letter.is_alphanumeric())
            .collect();
        let words = format!(" {} ", words.join(" ").to_lowercase());
        let found = AVOIDED
            .iter()
            .filter(|word| words.contains(&format!(" {word} ")));
        faults.extend(found.map(|word| page.fault(text.line, format!("the word `{word}`"))));
    }
    faults
}

/// A page begins with its title, a paragraph and its contents, which are its headings of level 2 and 3.
fn faults_of_the_beginning(page: &Page) -> Vec<String> {
    let mut faults = Vec::new();
    let lines: Vec<_> = page.text.lines().collect();
    let title = lines.first().is_some_and(|line| line.starts_with("# "));
    let paragraph = lines
        .get(2)
        .is_some_and(|line| line.starts_with(char::is_alphabetic));
    if !title || !paragraph {
        faults.push(page.fault(1, "a page begins with its title and a paragraph"));
    }
    if page
        .headings
        .get(1)
        .is_none_or(|heading| heading.text != "Contents" || heading.level != 2)
    {
        faults.push(page.fault(1, "the second heading is `## Contents`"));
        return faults;
    }
    let listed = page
        .links
        .iter()
        .filter(|link| link.headings == 2 && link.depth > 0);
    let listed: Vec<_> = listed
        .map(|link| {
            format!(
                "{}[{}]({})",
                "  ".repeat(link.depth - 1),
                link.text,
                link.target
            )
        })
        .collect();
    let headings = page
        .headings
        .iter()
        .skip(2)
        .filter(|heading| heading.level <= 3);
    let expected: Vec<_> = headings
        .map(|heading| {
            format!(
                "{}[{}](#{})",
                "  ".repeat(heading.level - 2),
                heading.text,
                heading.anchor()
            )
        })
        .collect();
    if listed != expected {
        let (listed, expected) = (listed.join("\n"), expected.join("\n"));
        let problem = format!("the contents are\n{listed}\nbut the headings\n{expected}");
        faults.push(page.fault(page.headings[1].line, problem));
    }
    faults
}

/// Why a block of data can't be read.
fn problem_of_data(block: &Block) -> Option<String> {
    // What a command prints may be shown in part, but each of its texts has an end: else it would not be compared as JSON.
    if block.is_output {
        let is_open = |line: &&str| line.replace("\\\"", "").matches('"').count() % 2 == 1;
        let open = block.text.lines().find(is_open);
        return open
            .filter(|_| block.language == "json")
            .map(|line| format!("a text without an end in {line}"));
    }
    if block.language == "json" {
        let is_read = shown_values(&block.text).is_some_and(|values| !values.is_empty());
        return (!is_read).then(|| "no JSON".to_owned());
    }
    unreadable(&block.language, &block.text)
}

/// Why a text of a language can't be read.
fn unreadable(language: &str, text: &str) -> Option<String> {
    match language {
        "json" => serde_json::from_str::<Value>(text)
            .err()
            .map(|error| error.to_string()),
        "ndjson" => text.lines().find_map(|line| unreadable("json", line)),
        "toml" => toml::from_str::<toml::Table>(text)
            .err()
            .map(|error| error.to_string()),
        "yaml" | "yml" => serde_saphyr::from_str::<Value>(text)
            .err()
            .map(|error| error.to_string()),
        "ini" | "service" | "timer" => text
            .lines()
            .find(|line| !is_ini(line))
            .map(|line| format!("no line of an ini file: {line}")),
        _ => None,
    }
}

/// The files that pages show and that can't be read.
pub(crate) fn unreadable_files(files: &[PathBuf]) -> Vec<String> {
    let mut faults = Vec::new();
    for path in files {
        let language = path.extension().and_then(OsStr::to_str).unwrap_or_default();
        let text = std::fs::read_to_string(path).unwrap();
        let problem = unreadable(language, &text);
        faults.extend(problem.map(|problem| format!("{}: {problem}", path.display())));
    }
    faults
}

fn is_ini(line: &str) -> bool {
    let line = line.trim();
    let is_section = line.starts_with('[') && line.ends_with(']');
    let is_value = line
        .split_once('=')
        .is_some_and(|(key, _)| !key.is_empty() && !key.contains(' '));
    line.is_empty() || line.starts_with(['#', ';']) || is_section || is_value
}

/// Checks the faults of a page.
#[track_caller]
fn check(path: &str, text: &str, expected: &[&str]) {
    let text = text.replace("~~~", "```");
    assert_eq!(faults(&Page::parse(path, &text)), expected);
}

#[test]
fn a_page_with_its_contents_has_the_form() {
    check(
        "page.md",
        "# A\n\nWhat it is.\n\n## Contents\n\n- [B, `c`](#b-c)\n  - [D](#d)\n- [E](#e)\n\n## B, `c`\n\n### D\n\n#### F\n\n## E\n\n\
        ~~~json\n{\"a\": [1, …]}\n~~~\n\n~~~toml\na = 1\n~~~\n\n~~~yaml\na: [1]\n~~~\n\n~~~ini\n# a\n[b]\nc=d\n~~~\n",
        &[],
    );
}

#[test]
fn contents_that_are_not_the_headings_are_found() {
    check(
        "page.md",
        "# A\n\nWhat.\n\n## Contents\n\n- [B](#b)\n\n## B\n\n### C\n",
        &["page.md:5: the contents are\n[B](#b)\nbut the headings\n[B](#b)\n  [C](#c)"],
    );
    check(
        "page.md",
        "# A\n\nWhat.\n\n## Contents\n\n- [B](#b)\n- [C](#c)\n\n## B\n\n### C\n",
        &["page.md:5: the contents are\n[B](#b)\n[C](#c)\nbut the headings\n[B](#b)\n  [C](#c)"],
    );
    check(
        "page.md",
        "# A\n\nWhat.\n\n## B\n",
        &["page.md:1: the second heading is `## Contents`"],
    );
    check(
        "page.md",
        "A\n\n# A\n\n## Contents\n",
        &["page.md:1: a page begins with its title and a paragraph"],
    );
}

#[test]
fn headings_lines_and_words_are_checked() {
    let long = "a ".repeat(61);
    let text = format!(
        "# A\n\n## B\n\n## B\n\n# C\n\n{long}\n\n| {long} |\n| --- |\n\n~~~text\n{long}\n~~~\n\nIt is KEPT so\nmany, `kept`.\n"
    );
    check(
        "README.md",
        &text,
        &[
            "README.md:5: a second heading `B`",
            "README.md:7: the first heading, and no other, is the title",
            "README.md:9: more than 120 columns",
            "README.md:18: the word `kept`",
        ],
    );
    let lines = "a\n".repeat(151);
    check("README.md", &lines, &["README.md:151: more than 150 lines"]);
}

#[test]
fn data_that_can_not_be_read_is_found() {
    let text = "# A\n\n~~~json\n{a}\n~~~\n\n~~~yaml\na: [\n~~~\n\n~~~ini\nno value\n~~~\n\n~~~toml\na\n~~~\n\n~~~bash\n~~~\n";
    let faults = faults(&Page::parse("README.md", &text.replace("~~~", "```")));
    let starts: Vec<_> = faults
        .iter()
        .map(|fault| fault.split(": ").next().unwrap())
        .collect();
    assert_eq!(
        starts,
        [
            "README.md:3",
            "README.md:7",
            "README.md:11",
            "README.md:15",
            "README.md:19"
        ],
        "{faults:?}"
    );
}

#[test]
fn a_file_that_can_not_be_read_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let files = [
        ("a.json", "{…}"),
        ("a.yml", "a: ["),
        ("a.timer", "no value"),
        ("a.ndjson", "{}\n{"),
        ("a.py", "{"),
    ];
    let paths = files.map(|(name, text)| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    });
    assert_eq!(unreadable_files(&paths).len(), 4);
}
