//! A server as others find it: its ready file, `healthcheck`, and allowed origins.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::{Server, check_line, fails, folder, jobdeck, ok, text};

const SERVE: [&str; 4] = ["serve", "--create", "--listen", "127.0.0.1:0"];
const NOTHING: [PathBuf; 0] = [];
const STALE: &str = "{\"url\":\"http://127.0.0.1:1\",\"pid\":1}\n";

/// The content of a ready file as soon as it exists; it never exists in part.
fn wait_for(path: &Path) -> Value {
    let start = Instant::now();
    loop {
        match std::fs::read_to_string(path) {
            Ok(line) => {
                assert!(line.ends_with("}\n"), "{line:?}");
                return serde_json::from_str(&line).unwrap();
            }
            Err(error) => {
                assert_eq!(error.kind(), std::io::ErrorKind::NotFound);
                assert!(
                    start.elapsed() < Duration::from_mins(1),
                    "it is never ready"
                );
                std::thread::yield_now();
            }
        }
    }
}

fn names(folder: &Path) -> Vec<PathBuf> {
    let mut names: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into())
        .collect();
    names.sort();
    names
}

#[test]
fn a_ready_file_exists_while_the_server_runs() {
    for command in [&SERVE[..], &["demo", "--listen", "127.0.0.1:0"]] {
        let folder = folder();
        let ready = folder.path().join("ready.json");
        let mut child = jobdeck(folder.path())
            .args(command)
            .args(["--ready-file", "ready.json"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let said = wait_for(&ready);
        let url = said["url"].as_str().unwrap().to_owned();
        assert_eq!(said["pid"], child.id());
        // The line on standard output has the same address.
        let mut line = vec![0; "jobdeck listening on ".len() + url.len()];
        child
            .stdout
            .as_mut()
            .unwrap()
            .read_exact(&mut line)
            .unwrap();
        assert_eq!(text(&line), format!("jobdeck listening on {url}"));
        let server = Server { child, url };
        assert_eq!(server.get("/check"), r#"{"status":"SERVING"}"#);
        assert_eq!(server.stop("-TERM").0, Some(0));
        let left = names(folder.path());
        assert!(!left.contains(&"ready.json".into()), "{left:?}");
        assert!(left.len() < 2, "{left:?}");
    }
}

#[test]
fn a_stale_ready_file_is_removed_but_no_other_file() {
    let folder = folder();
    let here = folder.path();
    let ready = here.join("ready.json");
    for stale in [STALE, ""] {
        std::fs::write(&ready, stale).unwrap();
        let arguments = ["serve", "--db", "none.db", "--ready-file", "ready.json"];
        check_line(
            &fails(here, &arguments, 1),
            "jobdeck: none.db: there is no such file",
        );
        assert_eq!(names(here), NOTHING, "it was removed");
    }

    std::fs::write(here.join("jobs.ndjson"), crate::job(1, "")).unwrap();
    std::os::unix::fs::symlink("jobs.ndjson", here.join("link")).unwrap();
    let before = names(here);
    for (path, expected) in [
        ("jobs.ndjson", "exists and is no ready file of jobdeck"),
        ("link", "exists and is no ready file of jobdeck"),
        (".", "exists and is no ready file of jobdeck"),
        ("none/ready.json", "there is no folder none; make it"),
        ("jobs.ndjson/ready.json", "Not a directory"),
    ] {
        let output = jobdeck(here)
            .args(SERVE)
            .args(["--ready-file", path])
            .output()
            .unwrap();
        assert_eq!((output.status.code(), text(&output.stdout)), (Some(1), ""));
        check_line(
            text(&output.stderr),
            &format!("jobdeck: {path}: {expected}"),
        );
        assert_eq!(names(here), before, "{path}: nothing was made or removed");
    }
}

/// A server does not remove a ready file that another server has replaced.
#[test]
fn a_ready_file_of_another_server_is_not_removed() {
    let folder = folder();
    let mut command = jobdeck(folder.path());
    command.args(SERVE).args(["--ready-file", "ready.json"]);
    let server = Server::spawn(command);
    let ready = folder.path().join("ready.json");
    // There before the line is printed, which `spawn` reads.
    assert!(ready.exists());
    std::fs::write(&ready, STALE).unwrap();
    assert_eq!(server.stop("-TERM").0, Some(0));
    assert_eq!(std::fs::read_to_string(&ready).unwrap(), STALE);
}

#[test]
fn healthcheck_finds_the_server_by_url_ready_file_or_address() {
    let folder = folder();
    let here = folder.path();
    let mut command = jobdeck(here);
    command.args(SERVE).args(["--ready-file", "ready.json"]);
    let server = Server::spawn(command);
    let port = server.url.rsplit(':').next().unwrap();

    let with_slash = format!("{}/", server.url);
    for arguments in [
        &["--url", &server.url][..],
        &["--url", &with_slash],
        &["--ready-file", "ready.json"],
        &["--listen", &format!("0.0.0.0:{port}")],
        &["--listen", &format!("localhost:{port}")],
    ] {
        assert_eq!(ok(here, &[&["healthcheck"], arguments].concat()), "");
    }
    for (name, value) in [
        ("JOBDECK_HEALTH_URL", server.url.clone()),
        ("JOBDECK_READY_FILE", "ready.json".to_owned()),
        ("JOBDECK_LISTEN", format!("0.0.0.0:{port}")),
    ] {
        let output = jobdeck(here)
            .arg("healthcheck")
            .env(name, &value)
            // Nobody listens at port 1, so a client that used this proxy would get no answer.
            .envs(
                ["http_proxy", "HTTP_PROXY", "ALL_PROXY"]
                    .map(|proxy| (proxy, "http://127.0.0.1:1")),
            )
            .output()
            .unwrap();
        let said = (text(&output.stdout), text(&output.stderr));
        assert_eq!((output.status.code(), said), (Some(0), ("", "")), "{name}");
    }

    // Each option overrides those after it.
    let output = jobdeck(here)
        .args(["healthcheck", "--url", &server.url])
        .env("JOBDECK_READY_FILE", "none.json")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));

    std::fs::remove_file(here.join("jobdeck.db")).unwrap();
    check_line(
        &fails(here, &["healthcheck", "--url", &server.url], 1),
        &format!(
            "jobdeck: {}/healthz: answered 503: the database file was deleted or replaced",
            server.url
        ),
    );
    assert_eq!(server.stop("-TERM").0, Some(0));
    check_line(
        &fails(here, &["healthcheck", "--ready-file", "ready.json"], 1),
        "jobdeck: ready.json: No such file or directory (os error 2); no server has written there",
    );
}

#[test]
fn healthcheck_reports_a_problem_in_one_line() {
    let folder = folder();
    let here = folder.path();
    // The port accepts connections, but nobody answers.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let silent_url = format!("http://{}", silent.local_addr().unwrap());
    check_line(
        &fails(
            here,
            &["healthcheck", "--timeout", "0.2", "--url", &silent_url],
            1,
        ),
        &format!("jobdeck: {silent_url}/healthz: no answer within 0.2 s"),
    );
    drop(silent);
    check_line(
        &fails(here, &["healthcheck", "--url", &silent_url], 1),
        &format!("jobdeck: {silent_url}/healthz: "),
    );

    for (answer, expected) in [
        (
            "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi",
            "answered 200: and not as jobdeck does",
        ),
        (
            "HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n",
            "answered 302: and not as jobdeck does",
        ),
        (
            "HTTP/1.1 421 Misdirected Request\r\ncontent-length: 38\r\n\r\n{\"detail\": {\"message\": \"not\\nknown\"}}  ",
            "answered 421: not\\nknown",
        ),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let said = std::thread::scope(|scope| {
            scope.spawn(|| {
                let (mut stream, _) = listener.accept().unwrap();
                let mut asked = [0; 1024];
                assert!(stream.read(&mut asked).unwrap() > 0);
                stream.write_all(answer.as_bytes()).unwrap();
            });
            fails(here, &["healthcheck", "--url", &url], 1)
        });
        check_line(&said, &format!("jobdeck: {url}/healthz: {expected}"));
    }

    std::fs::write(here.join("other.json"), "{}").unwrap();
    for (arguments, expected) in [
        (
            ["--listen", "127.0.0.1:0"],
            "jobdeck: `--listen` with port 0 does not name the port",
        ),
        (
            ["--ready-file", "other.json"],
            "jobdeck: other.json: exists and is no ready file of jobdeck",
        ),
    ] {
        check_line(
            &fails(here, &[&["healthcheck"], &arguments[..]].concat(), 1),
            expected,
        );
    }
    for arguments in [
        ["--url", "https://127.0.0.1:8080"],
        ["--url", "127.0.0.1:8080"],
        ["--url", "http://"],
        ["--timeout", "0"],
    ] {
        fails(here, &[&["healthcheck"], &arguments[..]].concat(), 2);
    }
}

#[test]
fn the_base_path_is_an_option_of_every_server() {
    let folder = folder();
    for (path, right) in [
        ("tools/jobs", "begins with `/`: `/tools/jobs`"),
        (
            "https://jobs.example/tools/jobs/",
            "without scheme and host",
        ),
        ("/tools/../jobs", "without `..`"),
        ("/tools/jobs?a=b", "such as `/tools/jobs`"),
    ] {
        let said = fails(
            folder.path(),
            &[&SERVE[..], &["--base-path", path]].concat(),
            2,
        );
        assert!(said.contains("--base-path <PATH>"), "{said}");
        assert!(said.contains(right), "{said}");
    }
    assert_eq!(names(folder.path()), NOTHING);
    let mut command = jobdeck(folder.path());
    command.args(SERVE).env("JOBDECK_BASE_PATH", "/tools/jobs/");
    let server = Server::spawn(command);
    assert!(!server.url.contains("/tools"), "{}", server.url);
    assert_eq!(server.get("/tools/jobs/check"), server.get("/check"));
    server.stop("-TERM");
    let demo = ["demo", "--listen", "127.0.0.1:0", "--base-path", "/jobdeck"];
    let server = Server::start(folder.path(), &demo);
    assert!(server.get("/jobdeck").contains("<title>jobdeck</title>"));
    let domains = server.get("/jobdeck/jobdeck/domains");
    assert_eq!(domains, server.get("/jobdeck/domains"));
}

#[test]
fn an_invalid_origin_is_refused_with_the_allowed_form() {
    let folder = folder();
    for (origin, right) in [
        ("localhost:3000", "such as `http://localhost:3000`"),
        (
            "http://localhost:3000/app",
            "such as `http://localhost:3000`",
        ),
        ("jobs.example", "such as `http://jobs.example`"),
        ("http://a.example,b.example", "such as `http://b.example`"),
    ] {
        let arguments = [&SERVE[..], &["--cors", origin]].concat();
        let said = fails(folder.path(), &arguments, 2);
        assert!(said.contains(right), "{said}");
        assert!(said.contains("--cors <ORIGIN>"), "{said}");
    }
    check_line(
        &fails(
            folder.path(),
            &["serve", "--create", "--listen", "0.0.0.0:0", "--cors", "*"],
            1,
        ),
        "jobdeck: 0.0.0.0:0: other machines can reach this address",
    );
    assert_eq!(names(folder.path()), NOTHING);
}

#[test]
fn origins_are_set_by_option_or_environment() {
    let allowed = |server: &Server, origin: &str| {
        let answer = ureq::get(format!("{}/check", server.url))
            .header("origin", origin)
            .call()
            .unwrap();
        let header = answer.headers().get("access-control-allow-origin");
        header.map(|value| value.to_str().unwrap().to_owned())
    };
    let folder = folder();
    let mut command = jobdeck(folder.path());
    command
        .args(SERVE)
        .env("JOBDECK_CORS", "http://localhost:3000,https://jobs.example");
    let server = Server::spawn(command);
    for origin in ["http://localhost:3000", "https://jobs.example"] {
        assert_eq!(allowed(&server, origin).as_deref(), Some(origin));
    }
    assert_eq!(allowed(&server, "http://localhost:3001"), None);
    server.stop("-TERM");

    let demo = [
        "demo",
        "--listen",
        "127.0.0.1:0",
        "--cors",
        "http://a.example",
        "--cors",
        "*",
    ];
    let server = Server::start(folder.path(), &demo);
    assert_eq!(allowed(&server, "null").as_deref(), Some("*"));
}

#[test]
fn pages_of_this_machine_have_access_to_a_mock_unless_it_is_turned_off() {
    let folder = folder();
    for (arguments, is_open) in [
        (&["serve", "--mock"][..], true),
        (&["demo"], true),
        (&["serve", "--mock", "--cors", "https://jobs.example"], true),
        (&["serve", "--mock", "--cors", "none"], false),
        (&["demo", "--cors", "none"], false),
        (&["serve", "--create", "--writable"], false),
    ] {
        let arguments = [arguments, &["--listen", "127.0.0.1:0"]].concat();
        let server = Server::start(folder.path(), &arguments);
        let answer = ureq::get(format!("{}/jobdeck/about", server.url))
            .header("origin", "http://localhost:5173")
            .call()
            .unwrap();
        let header = |name: &str| {
            answer
                .headers()
                .get(name)
                .map(|value| value.to_str().unwrap())
        };
        let expected = is_open.then_some("http://localhost:5173");
        assert_eq!(
            header("access-control-allow-origin"),
            expected,
            "{arguments:?}"
        );
        let expected = is_open.then_some("true");
        assert_eq!(
            header("access-control-allow-credentials"),
            expected,
            "{arguments:?}"
        );
    }
    for other in ["http://a.example", "none"] {
        let said = fails(
            folder.path(),
            &["serve", "--mock", "--cors", "none", "--cors", other],
            2,
        );
        assert!(said.contains("leave out one of the two"), "{said}");
    }
}
