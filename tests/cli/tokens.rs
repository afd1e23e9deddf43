//! `token new` and `serve --tokens`: the output of the former, and how the file is read again.

use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::{Server, check_line, fails, folder, jobdeck, ok, run, text, with_one_job};

/// Makes a token; returns it and its entry.
fn make(folder: &Path, arguments: &[&str]) -> (String, String) {
    let output = run(folder, &[&["token", "new"], arguments].concat());
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let token = text(&output.stderr).strip_suffix('\n').unwrap();
    assert!(
        token.starts_with("jobdeck_") && !token.contains('\n'),
        "{token}"
    );
    (token.to_owned(), text(&output.stdout).to_owned())
}

fn write(path: &Path, content: &str) {
    std::fs::write(path, content).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
}

/// The status of a list of the domain `d`.
fn status(server: &Server, token: &str) -> u16 {
    let agent = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .build()
        .new_agent();
    let asked = agent
        .get(format!("{}/inventory/v1/jobs?domain_id=d", server.url))
        .header("authorization", format!("Bearer {token}"));
    asked.call().unwrap().status().as_u16()
}

#[track_caller]
fn becomes(server: &Server, token: &str, expected: u16) {
    let start = Instant::now();
    while status(server, token) != expected {
        assert!(
            start.elapsed() < Duration::from_mins(1),
            "it never is {expected}"
        );
        std::thread::yield_now();
    }
}

#[test]
fn a_new_token_and_its_entry_are_written_apart() {
    let folder = folder();
    let (token, entry) = make(folder.path(), &["--domain", "d", "--name", "ci"]);
    let lines: Vec<_> = entry.lines().collect();
    let [head, name, domain, access, sha256] = lines.as_slice() else {
        panic!("{entry}");
    };
    assert_eq!(
        [*head, *name, *domain, *access],
        [
            "[[token]]",
            "name = \"ci\"",
            "domain_id = \"d\"",
            "access = \"read\""
        ]
    );
    assert_eq!(sha256.len(), "sha256 = \"\"".len() + 64);
    assert!(!entry.contains(&token[8..]));
    let (_, entry) = make(folder.path(), &["--domain", "*", "--write"]);
    assert!(
        entry.contains("domain_id = \"*\"\naccess = \"write\"\n"),
        "{entry}"
    );
    assert!(entry.contains("\nname = \"token-"), "{entry}");
    fails(folder.path(), &["token", "new"], 2);
    fails(folder.path(), &["token"], 2);
    check_line(
        &fails(folder.path(), &["token", "new", "--domain", ""], 1),
        "jobdeck: domain_id: must not be empty",
    );
}

#[test]
fn a_broken_tokens_file_stops_the_start() {
    let folder = with_one_job();
    let here = folder.path();
    let (_, entry) = make(here, &["--domain", "d", "--name", "ci"]);
    let tokens = here.join("tokens.toml");
    let arguments = [
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--tokens",
        "tokens.toml",
    ];
    check_line(
        &fails(here, &arguments, 1),
        "jobdeck: tokens.toml: there is no such file; `jobdeck token new` prints an entry for it",
    );
    for (content, expected) in [
        ("", "line 1: there is no `[[token]]`"),
        (
            &entry.replace("read", "raed"),
            "line 4: unknown variant `raed`",
        ),
        (
            &entry.replace("domain_id", "domain"),
            "line 3: unknown field `domain`",
        ),
        (
            &format!("{entry}{entry}"),
            "line 7: name: another token is called `ci`",
        ),
    ] {
        write(&tokens, content);
        check_line(
            &fails(here, &arguments, 1),
            &format!("jobdeck: tokens.toml: {expected}"),
        );
    }
}

/// With tokens another address needs no `--insecure`; the test does not listen at it.
#[test]
fn an_address_that_other_machines_reach_requires_tokens() {
    let folder = folder();
    let here = folder.path();
    let (_, entry) = make(here, &["--domain", "d"]);
    write(&here.join("tokens.toml"), &entry);
    let arguments = ["serve", "--listen", "0.0.0.0:0", "--db", "none.db"];
    check_line(
        &fails(here, &arguments, 1),
        "jobdeck: 0.0.0.0:0: other machines can reach this address, and clients are not authenticated",
    );
    let with_tokens = [&arguments[..], &["--tokens", "tokens.toml"]].concat();
    check_line(
        &fails(here, &with_tokens, 1),
        "jobdeck: none.db: there is no such file",
    );
}

#[test]
fn the_tokens_file_is_read_again_at_sighup_and_when_it_changes() {
    let folder = with_one_job();
    let here = folder.path();
    let path = here.join("tokens.toml");
    let [(first, one), (second, two)] =
        ["one", "two"].map(|name| make(here, &["--domain", "d", "--name", name]));
    write(&path, &one);
    let mut command = jobdeck(here);
    command
        .args(["serve", "--listen", "127.0.0.1:0"])
        .env("JOBDECK_TOKENS", "tokens.toml");
    let server = Server::spawn(command);
    let hangup = || {
        let id = server.child.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-HUP", &id])
                .status()
                .unwrap()
                .success()
        );
    };
    assert_eq!(
        [&first, &second].map(|token| status(&server, token)),
        [200, 401]
    );
    write(&path, &(one.clone() + &two));
    hangup();
    becomes(&server, &second, 200);
    assert_eq!(status(&server, &first), 200);
    // Without a signal.
    write(&path, &two);
    becomes(&server, &first, 401);
    assert_eq!(status(&server, &second), 200);
    write(&path, "[[token]]\nnam = 1\n");
    hangup();
    write(&path, &one);
    hangup();
    becomes(&server, &first, 200);
    becomes(&server, &second, 401);
    write(&path, "token = []\n");
    becomes(&server, &first, 401);
    assert_eq!(server.stop("-TERM").0, Some(0));
}

#[test]
fn problems_of_the_tokens_file_are_logged_without_any_token() {
    let folder = with_one_job();
    let here = folder.path();
    let path = here.join("tokens.toml");
    let (token, entry) = make(here, &["--domain", "d"]);
    write(&path, &entry);
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
    let mut command = jobdeck(here);
    command
        .args([
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--tokens",
            "tokens.toml",
        ])
        .env("RUST_LOG", "trace");
    let mut server = Server::spawn(command);
    let mut log = BufReader::new(server.child.stderr.take().unwrap());
    let (mut said, mut lines) = (String::new(), String::new());
    let mut wait_for = |text: &str| {
        while !said.contains(text) {
            said.clear();
            assert!(
                log.read_line(&mut said).unwrap() > 0,
                "it ended without {text}"
            );
            lines += &said;
        }
    };
    wait_for("tokens.toml: others than its owner may read or write it; `chmod 600 tokens.toml`");
    assert_eq!(status(&server, &token), 200);
    // A file that has not changed is read only at the signal.
    let id = server.child.id().to_string();
    let sent = Command::new("kill").args(["-HUP", &id]).status().unwrap();
    assert!(sent.success());
    wait_for("tokens.toml: the tokens were loaded");
    let broken = entry.replace("name", "nmae");
    write(&path, &broken);
    wait_for("stay as they were: tokens.toml: line 2: unknown field `nmae`");
    assert_eq!(status(&server, &token), 200, "the tokens stay as they were");
    write(&path, &entry);
    wait_for("tokens.toml: the tokens were loaded");
    assert_eq!(server.child.kill().ok(), Some(()));
    while log.read_line(&mut said).unwrap() > 0 {}
    lines += &said;
    assert!(lines.contains("/inventory/v1/jobs"), "{lines}");
    assert!(!lines.contains(&token[8..]), "a token is logged");
}

#[test]
fn the_help_describes_tokens() {
    let folder = folder();
    let help = ok(folder.path(), &["serve", "--help"]);
    for said in ["--tokens <FILE>", "JOBDECK_TOKENS", "jobdeck token new"] {
        assert!(help.contains(said), "{help}");
    }
    let help = ok(folder.path(), &["token", "new", "--help"]);
    assert!(
        help.contains("Example: jobdeck token new --domain"),
        "{help}"
    );
}

#[test]
fn tokens_are_added_to_a_file_listed_and_revoked() {
    let folder = with_one_job();
    let here = folder.path();
    let added = |name: &str, arguments: &[&str]| {
        let new = ["token", "new", "--name", name, "--file", "tokens.toml"];
        let output = run(here, &[&new, arguments].concat());
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        assert_eq!(
            text(&output.stdout),
            format!("tokens.toml: added `{name}`\n")
        );
        text(&output.stderr).trim_end().to_owned()
    };
    let ann = added("ann", &["--domain", "*", "--write"]);
    let path = here.join("tokens.toml");
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let ci = added("ci", &["--domain", "d"]);
    let new = [
        "token",
        "new",
        "--domain",
        "d",
        "--name",
        "ci",
        "--file",
        "tokens.toml",
    ];
    check_line(
        &fails(here, &new, 1),
        "jobdeck: tokens.toml: line 14: name: another token is called `ci`",
    );
    let listed = ok(here, &["token", "list", "--file", "tokens.toml"]);
    assert_eq!(
        listed,
        "NAME  DOMAIN  ACCESS\nann   *       write\nci    d       read\n"
    );
    let serve = [
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--tokens",
        "tokens.toml",
    ];
    let server = Server::start(here, &serve);
    assert_eq!([status(&server, &ann), status(&server, &ci)], [200, 200]);
    assert_eq!(
        ok(here, &["token", "revoke", "ci", "--file", "tokens.toml"]),
        "tokens.toml: revoked `ci`\n"
    );
    becomes(&server, &ci, 401);
    assert_eq!(status(&server, &ann), 200);
    check_line(
        &fails(here, &["token", "revoke", "ci", "--file", "tokens.toml"], 1),
        "jobdeck: tokens.toml: there is no token `ci`; its tokens are ann",
    );
    check_line(
        &fails(here, &["token", "list", "--file", "none.toml"], 1),
        "jobdeck: none.toml: there is no such file",
    );
}
