//! The `jobdeck` commands of blocks that are not run.

use std::path::Path;
use std::process::Command;

use crate::command_line::{COMMAND_LINE, jobdeck};
use crate::page::{Block, Page};

/// Why a block may be left out.
const REASONS: [&str; 6] = [
    "root",
    "docker",
    "systemd",
    "network",
    "elsewhere",
    // Run by a test of their own, which `cargo test` ignores.
    "spacectl",
];
/// An option that no command has: `jobdeck` names the first unknown option, so it names this one where all others exist.
const END: &str = "--end-of-this-command";
/// What ends the words of a command.
const ENDS: [&str; 8] = [";", "|", "&", "<", ">", "(", ")", "`"];

/// The faults of the blocks that are not run: an unknown reason, what bash can't read, what `jobdeck` doesn't know.
pub(crate) fn faults(page: &Page) -> Vec<String> {
    let mut faults = Vec::new();
    for block in &page.blocks {
        let Some(reason) = &block.skip else {
            continue;
        };
        if !REASONS.contains(&reason.as_str()) {
            faults.push(page.fault(block.line, format!("skip={reason} is none of {REASONS:?}")));
        }
        faults.extend(
            faults_of(block)
                .into_iter()
                .map(|problem| page.fault(block.line, problem)),
        );
    }
    faults
}

fn faults_of(block: &Block) -> Vec<String> {
    let mut bash = Command::new("bash");
    let output = bash.args(["-n", "-c", &block.text]).output().unwrap();
    if !output.status.success() {
        return vec![String::from_utf8_lossy(&output.stderr).into_owned()];
    }
    commands(&block.text)
        .iter()
        .filter_map(|words| refusal(words))
        .collect()
}

/// The words after `jobdeck`, of each command that a text has.
fn commands(text: &str) -> Vec<Vec<String>> {
    let Some(words) = words(text) else {
        panic!("a quotation mark without its partner: {text}");
    };
    let mut commands = Vec::new();
    for (index, word) in words.iter().enumerate() {
        if Path::new(word)
            .file_name()
            .is_none_or(|name| name != "jobdeck")
        {
            continue;
        }
        let end = |word: &String| ENDS.contains(&word.as_str());
        let before: Vec<_> = words[..index]
            .iter()
            .rev()
            .take_while(|word| !end(word))
            .collect();
        let mut after: Vec<_> = words[index + 1..]
            .iter()
            .take_while(|word| !end(word))
            .cloned()
            .collect();
        // The number of a stream that is redirected.
        let is_redirected = words
            .get(index + 1 + after.len())
            .is_some_and(|end| end == ">");
        if is_redirected && after.last().is_some_and(|word| word == "2") {
            after.pop();
        }
        // Otherwise it may be a name: of an image, a service or a file.
        let is_first = before
            .iter()
            .all(|word| *word == "sudo" || word.contains('='));
        let is_command = after
            .first()
            .is_some_and(|word| word.starts_with("--") || COMMAND_LINE.options.contains_key(word));
        if is_first || is_command {
            commands.push(after);
        }
    }
    commands
}

/// The words of commands, with those that end a command as words of their own.
fn words(text: &str) -> Option<Vec<String>> {
    let mut spaced = String::new();
    let mut quote = None;
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match (letter, quote) {
            ('\\', None) => match letters.next() {
                Some('\n') | None => spaced.push(' '),
                Some(next) => spaced.extend(['\\', next]),
            },
            ('\n', None) => spaced += "\n ; ",
            (';' | '|' | '&' | '<' | '>' | '(' | ')' | '`', None) => {
                spaced.extend([' ', letter, ' ']);
            }
            ('"' | '\'', None) => {
                quote = Some(letter);
                spaced.push(letter);
            }
            _ => {
                quote = quote.filter(|quote| *quote != letter);
                spaced.push(letter);
            }
        }
    }
    shlex::split(&spaced)
}

/// What `jobdeck` says against the names of some words.
fn refusal(words: &[String]) -> Option<String> {
    // Printing a page is harmless, and only that shows that there is one.
    let is_page = words.first().is_some_and(|word| word == "docs");
    let end = (!is_page).then_some(END);
    let words: Vec<_> = words.iter().map(String::as_str).chain(end).collect();
    let output = jobdeck(&words);
    let problem = String::from_utf8_lossy(&output.stderr);
    let is_known =
        output.status.success() || problem.contains(&format!("unexpected argument '{END}' found"));
    (!is_known).then(|| problem.lines().next().unwrap_or_default().to_owned())
}

/// Checks the faults of a block that is not run.
#[track_caller]
fn check(text: &str, expected: &[&str]) {
    let page = Page::parse("page.md", text);
    assert_eq!(faults(&page), expected);
}

#[test]
fn commands_that_are_not_run_are_read() {
    check(
        "```sh skip=root\nsudo install ~/.cargo/bin/jobdeck /usr/local/bin/\nsudo systemctl enable --now jobdeck # now\n\
        sudo jobdeck prune --older-than 90d \\\n  --db /var/lib/jobs.db\njobdeck man | man -l -\n\
        A=1 jobdeck token new --domain '*' >> tokens.toml 2> token\ndocker build -t jobdeck .\n\
        docker run --rm jobdeck serve --create --insecure\n```\n",
        &[],
    );
}

#[test]
fn what_the_command_line_has_not_is_found() {
    check(
        "```sh skip=root\nsudo jobdeck prune --older-then 90d\n```\n",
        &["page.md:1: error: unexpected argument '--older-then' found"],
    );
    check(
        "```sh skip=docker\ndocker run jobdeck serve --creat | cat; jobdeck serv\n```\n",
        &[
            "page.md:1: error: unexpected argument '--creat' found",
            "page.md:1: error: unrecognized subcommand 'serv'",
        ],
    );
    check(
        "```sh skip=slow\nx=$(jobdeck check --domain d)\n```\n",
        &[
            "page.md:1: skip=slow is none of [\"root\", \"docker\", \"systemd\", \"network\", \"elsewhere\", \"spacectl\"]",
            "page.md:1: error: unexpected argument '--domain' found",
        ],
    );
    let page = Page::parse("page.md", "```sh skip=root\nif true; then\n```\n");
    assert!(faults(&page)[0].contains("syntax error"));
}
