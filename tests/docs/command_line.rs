//! The command line as `--help` describes it.

use std::collections::{BTreeMap, BTreeSet};
use std::process::{Command, Output, Stdio};
use std::sync::LazyLock;

use crate::JOBDECK;
use crate::page::{Page, Table};

/// Every command with its options.
pub(crate) struct CommandLine {
    /// By the words of a command, such as `token new`: each option with its default.
    pub options: BTreeMap<String, BTreeMap<String, Option<String>>>,
    pub variables: BTreeSet<String>,
}

pub(crate) static COMMAND_LINE: LazyLock<CommandLine> = LazyLock::new(CommandLine::read);

impl CommandLine {
    fn read() -> Self {
        let mut this = Self {
            options: BTreeMap::new(),
            variables: BTreeSet::new(),
        };
        this.add("");
        this
    }

    /// Adds a command and those below it.
    fn add(&mut self, command: &str) {
        let words: Vec<_> = command.split_whitespace().chain(["--help"]).collect();
        let output = jobdeck(&words);
        assert!(output.status.success(), "{command}");
        let help = String::from_utf8(output.stdout).unwrap();
        self.variables.extend(variables(&help));
        self.options.insert(command.to_owned(), options(&help));
        for name in subcommands(&help) {
            self.add(format!("{command} {name}").trim_start());
        }
    }

    /// The longest command that the words begin with.
    fn command<'w>(&self, words: &'w [String]) -> (String, &'w [String]) {
        let lengths = (0..=words.len().min(2)).rev();
        let mut commands = lengths.map(|length| (words[..length].join(" "), &words[length..]));
        commands
            .find(|(command, _)| self.options.contains_key(command))
            .unwrap()
    }

    pub(crate) fn has_option(&self, option: &str) -> bool {
        self.options
            .values()
            .any(|options| options.contains_key(option))
    }

    /// What is wrong with the names of subcommand and options in the words after `jobdeck`.
    pub(crate) fn unknown(&self, words: &[String]) -> Option<String> {
        let (command, rest) = self.command(words);
        // `help` is a command that no help lists.
        let first = rest
            .first()
            .filter(|word| !word.starts_with('-') && *word != "help");
        let has_subcommands = command.is_empty() || command == "token";
        if let Some(word) = first.filter(|_| has_subcommands) {
            let name = format!("jobdeck {command}");
            return Some(format!("`{}` has no command `{word}`", name.trim_end()));
        }
        // What follows is of another command.
        let rest = rest.iter().take_while(|word| *word != "--");
        let options = rest.filter(|word| word.starts_with("--"));
        let mut names = options.map(|word| word.split('=').next().unwrap());
        let name = names.find(|name| !self.options[&command].contains_key(*name))?;
        let name_of = format!("jobdeck {command}");
        Some(format!("`{}` has no option `{name}`", name_of.trim_end()))
    }
}

/// The rows of options that the rows of several commands share, each with the words that stand for it there.
const SHARED: [(&str, &str); 2] = [
    ("listening", "those of listening"),
    ("filters", "the filters"),
];

/// What a table of commands and their options says otherwise than `--help`.
pub(crate) fn faults_of_table(table: &Table) -> Vec<String> {
    let rows: Vec<_> = table.rows[1..]
        .iter()
        .map(|row| (row[0].as_str(), row.join(" ")))
        .collect();
    let mut problems = Vec::new();
    let mut commands: BTreeSet<_> = COMMAND_LINE.options.keys().map(String::as_str).collect();
    commands.retain(|command| {
        !COMMAND_LINE
            .options
            .keys()
            .any(|other| is_above(command, other))
    });
    for (names, text) in &rows {
        let mut shown = shown_options(text);
        for (row, _) in SHARED.iter().filter(|(_, words)| text.contains(words)) {
            let shared = rows.iter().filter(|(name, _)| name == row);
            shown.extend(shared.flat_map(|(_, text)| shown_options(text)));
        }
        let is_shared = |name: &&str| SHARED.iter().any(|(row, _)| row == name);
        for name in names.split(", ").filter(|name| !is_shared(name)) {
            let words: Vec<_> = name.split_whitespace().map(str::to_owned).collect();
            let (command, _) = COMMAND_LINE.command(&words);
            commands.remove(command.as_str());
            problems.extend(differences(&command, &shown));
        }
    }
    problems.extend(
        commands
            .iter()
            .map(|command| format!("the table has no `{command}`")),
    );
    problems
}

fn is_above(command: &str, other: &str) -> bool {
    command.is_empty()
        || other
            .strip_prefix(command)
            .is_some_and(|rest| rest.starts_with(' '))
}

/// The options in a row, each with the default after it in parentheses.
fn shown_options(text: &str) -> BTreeMap<String, Option<String>> {
    let mut options = BTreeMap::new();
    for option in text.split("--").skip(1) {
        let name = option
            .split(|letter: char| !letter.is_alphanumeric() && letter != '-')
            .next()
            .unwrap();
        let default = option
            .split_once('(')
            .map(|(_, rest)| rest.split(')').next().unwrap().to_owned());
        options.insert(format!("--{name}"), default);
    }
    options
}

fn differences(command: &str, shown: &BTreeMap<String, Option<String>>) -> Vec<String> {
    let options = &COMMAND_LINE.options[command];
    let mut problems = Vec::new();
    for (name, default) in shown {
        let Some(expected) = options.get(name) else {
            problems.push(format!("`{command}` has no option `{name}`"));
            continue;
        };
        let is_default = default.is_none()
            || expected
                .as_ref()
                .and_then(|expected| expected.split(';').next())
                == default.as_deref();
        if !is_default {
            problems.push(format!(
                "the default of `{name}` of `{command}` is {expected:?}, not {default:?}"
            ));
        }
    }
    let missing = options
        .keys()
        .filter(|name| *name != "--help" && !shown.contains_key(*name));
    problems.extend(missing.map(|name| format!("the table has no `{name}` of `{command}`")));
    problems
}

pub(crate) fn jobdeck(words: &[&str]) -> Output {
    let mut command = Command::new(JOBDECK);
    command.args(words).env_clear().stdin(Stdio::null());
    command.output().unwrap()
}

/// The variables that a help text names. A long line may be broken before one.
fn variables(help: &str) -> impl Iterator<Item = String> {
    let words: Vec<_> = help.split_whitespace().collect();
    let words = words.join(" ");
    let names = words.split("[env: ").skip(1);
    let names: Vec<_> = names
        .map(|rest| rest.split('=').next().unwrap().to_owned())
        .collect();
    names.into_iter()
}

/// The options of a help text with their defaults: they begin their lines, a little indented.
fn options(help: &str) -> BTreeMap<String, Option<String>> {
    let mut options = BTreeMap::new();
    let mut name = None;
    let mut text = String::new();
    for line in help.lines().chain(["  --"]) {
        let words = line.trim_start();
        if !line.starts_with("        ") && words.starts_with('-') {
            options.extend(name.map(|name| (name, default(&text))));
            let next = words.split([' ', ',']).find(|word| word.starts_with("--"));
            name = next.map(str::to_owned);
            text.clear();
        }
        text = format!("{text} {words}");
    }
    options
}

/// The default that the text of an option has.
fn default(text: &str) -> Option<String> {
    let (_, rest) = text.split_once("[default: ")?;
    Some(rest.split(']').next().unwrap().to_owned())
}

fn subcommands(help: &str) -> Vec<&str> {
    let (_, list) = help.split_once("\nCommands:\n").unwrap_or_default();
    list.lines()
        .take_while(|line| !line.is_empty())
        .filter(|line| !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help")
        .collect()
}

#[test]
fn the_help_of_every_command_is_read() {
    let command_line = &COMMAND_LINE;
    assert!(command_line.options["serve"].contains_key("--fixtures"));
    assert!(command_line.options["token new"].contains_key("--domain"));
    assert!(!command_line.options["export"].contains_key("--fixtures"));
    assert!(command_line.variables.contains("JOBDECK_QUERY_TIMEOUT"));
    assert_eq!(
        command_line.options["healthcheck"]["--listen"].as_deref(),
        Some("127.0.0.1:8080")
    );
    assert_eq!(command_line.options["healthcheck"]["--url"], None);
    assert!(command_line.has_option("--db") && !command_line.has_option("--database"));
}

#[test]
fn an_unknown_name_is_found_in_a_command() {
    let unknown = |text: &str| {
        let words: Vec<_> = text.split(' ').map(str::to_owned).collect();
        COMMAND_LINE.unknown(&words).unwrap_or_default()
    };
    assert_eq!(unknown("serve --db FILE --cors=ORIGIN"), "");
    assert_eq!(unknown("token new --write"), "");
    assert_eq!(unknown("run --domain d -- collect --all"), "");
    assert_eq!(unknown("--version"), "");
    assert_eq!(unknown("help"), "");
    assert_eq!(
        unknown("serve --database FILE"),
        "`jobdeck serve` has no option `--database`"
    );
    assert_eq!(
        unknown("sevre --db FILE"),
        "`jobdeck` has no command `sevre`"
    );
    assert_eq!(unknown("token old"), "`jobdeck token` has no command `old`");
}

#[test]
fn a_wrong_table_of_options_is_found() {
    let page = Page::parse(
        "page.md",
        "| command | options |\n| --- | --- |\n| `generate` | `--jobs N` (`7`), `--mock` |\n\
        | `healthcheck` | `--timeout SECONDS` (5), and those of listening |\n| listening | `--listen ADDR` |\n\
        | `stat` | the filters |\n| filters | `--failed` |\n",
    );
    let problems = faults_of_table(&page.tables[0]);
    let expected = [
        "the default of `--jobs` of `generate` is Some(\"10000\"), not Some(\"7\")",
        "`generate` has no option `--mock`",
        "the table has no `--days` of `generate`",
        "the table has no `--domains` of `generate`",
        "the table has no `--force` of `generate`",
        "the table has no `--format` of `generate`",
        "the table has no `--now` of `generate`",
        "the table has no `--output` of `generate`",
        "the table has no `--seed` of `generate`",
        "the table has no `--ready-file` of `healthcheck`",
        "the table has no `--url` of `healthcheck`",
    ];
    assert_eq!(problems[..11], expected);
    assert!(
        !problems.contains(&"the table has no `--failed` of `stat`".to_owned()),
        "{problems:?}"
    );
    assert!(
        problems.contains(&"the table has no `token new`".to_owned()),
        "{problems:?}"
    );
    assert!(
        !problems.contains(&"the table has no `token`".to_owned()),
        "{problems:?}"
    );
}
