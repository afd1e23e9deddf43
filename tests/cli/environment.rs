//! Variables of the environment: empty ones, wrong ones, and lists.

use std::collections::BTreeSet;

use crate::{Server, folder, jobdeck, ok, run, text};

/// Every variable that the help of a command names.
fn variables(help: &str) -> BTreeSet<String> {
    let names = help.split("[env: ").skip(1);
    names
        .filter_map(|rest| Some(rest.split(['=', ']']).next()?.trim().to_owned()))
        .collect()
}

#[test]
fn an_empty_variable_is_as_if_it_were_not_set() {
    let folder = folder();
    let here = folder.path();
    let mut all = BTreeSet::new();
    for arguments in [
        &["demo"][..],
        &["serve"],
        &["import"],
        &["export"],
        &["list"],
        &["show", "j"],
        &["stat"],
        &["run", "--domain", "d", "--collector", "c"],
        &["report", "j"],
        &["generate"],
        &["backup"],
        &["prune"],
        &["check"],
        &["healthcheck"],
        &["token", "new"],
        &["notify", "check"],
        &["notify", "test", "ci"],
    ] {
        let help = ok(here, &[arguments, &["--help"]].concat());
        let named = variables(&help);
        let empty = named.iter().map(|name| (name.as_str(), ""));
        // The help is the same, and the command complains of the same, or does the same.
        let with = |arguments: &[&str]| {
            let mut command = jobdeck(here);
            command.args(arguments).envs(empty.clone());
            command.output().unwrap()
        };
        let helped = with(&[arguments, &["--help"]].concat());
        assert_eq!(text(&helped.stdout), help, "{arguments:?}");
        if !matches!(arguments[0], "demo" | "generate") {
            let (got, expected) = (with(arguments), run(here, arguments));
            assert_eq!(text(&got.stderr), text(&expected.stderr), "{arguments:?}");
            assert_eq!(got.status.code(), expected.status.code(), "{arguments:?}");
        }
        all.extend(named);
    }
    assert!(all.len() > 25, "{all:?}");
    let mut command = jobdeck(here);
    command.args(["serve", "--mock", "--listen", "127.0.0.1:0"]);
    command.envs(all.iter().map(|name| (name, "")));
    let server = Server::spawn(command);
    assert!(server.get("/jobdeck/about").contains(r#""is_mock":true"#));
}

#[test]
fn an_error_about_the_value_of_a_variable_names_the_variable() {
    let folder = folder();
    for (command, variable, value, option) in [
        ("serve", "JOBDECK_NOW", "soon", "--now <INSTANT>"),
        ("serve", "JOBDECK_MOCK", "maybe", "--mock"),
        ("serve", "JOBDECK_WORKERS", "0", "--workers <N>"),
        ("serve", "JOBDECK_CORS", "a.example", "--cors <ORIGIN>"),
        (
            "serve",
            "JOBDECK_ALLOW_HOST",
            "http://a",
            "--allow-host <NAME>",
        ),
        (
            "serve",
            "JOBDECK_LOG_FORMAT",
            "xml",
            "--log-format <FORMAT>",
        ),
        ("demo", "JOBDECK_SPEED", "0", "--speed <N>"),
        ("prune", "JOBDECK_OLDER_THAN", "old", "--older-than <AGE>"),
    ] {
        let said = |arguments: &[&str]| {
            let mut command_line = jobdeck(folder.path());
            command_line.arg(command).args(arguments);
            let output = command_line.env(variable, value).output().unwrap();
            assert_eq!(output.status.code(), Some(2), "{variable}");
            text(&output.stderr).to_owned()
        };
        let refusal = said(&[]);
        let named = format!("for '{variable} ({option})'");
        assert!(refusal.contains(&named), "{refusal}");
        // The option is given, so the variable is not read.
        let name = option.split(' ').next().unwrap();
        if name != "--mock" {
            let refusal = said(&[&format!("{name}=%")]);
            assert!(!refusal.contains(variable), "{refusal}");
            assert!(refusal.contains(&format!("for '{option}'")), "{refusal}");
        }
    }
}

#[test]
fn lists_are_separated_by_commas_or_white_space() {
    let folder = folder();
    let mut command = jobdeck(folder.path());
    command
        .args(["serve", "--create", "--listen", "127.0.0.1:0"])
        .env("JOBDECK_ALLOW_HOST", "a.example b.example,\n *.c.example")
        .env("JOBDECK_CORS", "http://a.example, http://b.example");
    let server = Server::spawn(command);
    for (host, origin, is_known) in [
        ("a.example", "http://a.example", true),
        ("b.example", "http://b.example", true),
        ("x.c.example", "http://a.example", true),
        ("c.example", "http://c.example", false),
    ] {
        let answer = ureq::get(format!("{}/check", server.url))
            .header("host", host)
            .header("origin", origin)
            .config()
            .http_status_as_error(false)
            .build()
            .call()
            .unwrap();
        assert_eq!(answer.status().as_u16(), if is_known { 200 } else { 421 });
        let allowed = answer.headers().contains_key("access-control-allow-origin");
        assert_eq!(allowed, is_known, "{origin}");
    }
}
