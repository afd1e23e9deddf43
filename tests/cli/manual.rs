//! Completion scripts, manual pages, and the help of options.

use crate::{fails, folder, ok};

const COMMANDS: [&str; 10] = [
    "demo",
    "serve",
    "import",
    "export",
    "generate",
    "check",
    "healthcheck",
    "docs",
    "completions",
    "man",
];

/// The commands that `--help` lists.
fn commands(help: &str) -> Vec<&str> {
    let (_, list) = help.split_once("Commands:\n").unwrap();
    list.lines()
        .take_while(|line| !line.is_empty())
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help")
        .collect()
}

#[test]
fn the_completions_of_every_shell_have_every_command() {
    let folder = folder();
    let help = ok(folder.path(), &["--help"]);
    let commands = commands(&help);
    for name in COMMANDS {
        assert!(commands.contains(&name), "{name}: {commands:?}");
    }
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = ok(folder.path(), &["completions", shell]);
        for name in &commands {
            assert!(script.contains(name), "{shell}: {name}");
        }
        for option in ["slow-query", "on-conflict"] {
            assert!(script.contains(option), "{shell}: {option}");
        }
    }
    let refusal = fails(folder.path(), &["completions", "cmd"], 2);
    assert!(refusal.contains("bash"), "{refusal}");
}

/// The options of a help text, each with its description.
fn options(help: &str) -> Vec<(String, String)> {
    let mut options: Vec<(String, String)> = Vec::new();
    let section = help.split_once("Options:\n").map_or("", |(_, rest)| rest);
    let section = section.split("\nExample: ").next().unwrap();
    for line in section.lines() {
        let words = line.trim_start();
        let name = words
            .split([' ', ','])
            .find(|word| word.starts_with("--"))
            .filter(|_| words.starts_with('-'));
        if let Some(name) = name {
            options.push((name.to_owned(), String::new()));
        }
        if let Some((_, said)) = options.last_mut() {
            *said += line;
        }
    }
    options
}

#[test]
fn every_option_is_explained_and_has_a_variable() {
    let folder = folder();
    let help = ok(folder.path(), &["--help"]);
    let mut paths: Vec<_> = commands(&help).into_iter().map(|name| vec![name]).collect();
    paths.push(vec!["token", "new"]);
    paths.extend([vec!["notify", "test"], vec!["notify", "check"]]);
    let mut seen = 0;
    for path in paths {
        let help = ok(folder.path(), &[&path[..], &["--help"]].concat());
        if path != ["token"] && path != ["notify"] {
            assert!(help.contains("\nExample: jobdeck "), "{help}");
        }
        for (name, said) in options(&help) {
            if name == "--help" {
                continue;
            }
            seen += 1;
            // A long line may be broken within the variable.
            let words: String = said.split_whitespace().collect();
            assert!(words.contains("[env:JOBDECK_"), "{path:?} {name}: {said}");
        }
    }
    assert!(seen > 40, "only {seen} options were seen");
}

#[test]
fn every_command_has_a_manual_page() {
    let folder = folder();
    let help = ok(folder.path(), &["--help"]);
    let page = ok(folder.path(), &["man"]);
    assert!(page.contains(".TH jobdeck 1"), "{page}");
    for name in commands(&help) {
        assert!(page.contains(&format!("jobdeck\\-{name}(1)")), "{name}");
        let page = ok(folder.path(), &["man", name]);
        assert!(page.contains(&format!(".TH jobdeck-{name} 1")), "{page}");
    }
    let page = ok(folder.path(), &["man", "serve"]);
    for said in ["JOBDECK_LISTEN", "\\-\\-slow\\-query"] {
        assert!(page.contains(said), "{said}: {page}");
    }
    let page = ok(folder.path(), &["man", "token"]);
    assert!(page.contains("jobdeck\\-token\\-new(1)"), "{page}");
    let page = ok(folder.path(), &["man", "token-new"]);
    assert!(page.contains(".TH jobdeck-token-new 1"), "{page}");
    let refusal = fails(folder.path(), &["man", "sevre"], 2);
    assert!(refusal.contains("jobdeck --help"), "{refusal}");
}
