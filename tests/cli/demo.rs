//! `demo`: the speed of its clock, and the browser that it opens.

use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use jobdeck::clock::Clock;
use jobdeck::time::Timestamp;
use serde_json::Value;

use crate::{Server, check_line, fails, folder, jobdeck};

const DEMO: [&str; 3] = ["demo", "--listen", "127.0.0.1:0"];

fn about(server: &Server) -> (Value, Timestamp) {
    let about: Value = serde_json::from_str(&server.get("/jobdeck/about")).unwrap();
    let now = Timestamp::parse_rfc3339(about["now"].as_str().unwrap()).unwrap();
    (about, now)
}

#[test]
fn a_fast_demo_has_a_fast_clock() {
    let folder = folder();
    let before = Clock::SYSTEM.now();
    let server = Server::start(folder.path(), &[&DEMO[..], &["--speed", "3600"]].concat());
    let (answer, shown) = about(&server);
    assert_eq!(answer["speed"], 3_600);
    assert!(shown >= before);
    let began = Clock::SYSTEM.now();
    while Clock::SYSTEM.now() == began {
        std::hint::spin_loop();
    }
    // At least a millisecond of life has passed between the two answers.
    assert!(about(&server).1.millis() >= shown.millis() + 3_600);
    let freeze = |is_frozen: bool| {
        let body = format!(r#"{{"is_frozen":{is_frozen}}}"#);
        let put = ureq::put(format!("{}/jobdeck/clock", server.url));
        put.header("content-type", "application/json")
            .send(&body)
            .unwrap();
        about(&server).0["speed"].clone()
    };
    assert_eq!(freeze(true), 1);
    assert_eq!(freeze(false), 3_600, "it runs on as before");
    for speed in ["0", "3601", "1.5"] {
        let refusal = fails(folder.path(), &["demo", "--speed", speed], 2);
        assert!(refusal.contains("--speed"), "{refusal}");
    }
}

/// Starts a demo that opens a browser with the programs of a folder alone.
fn open_with(programs: &Path) -> Server {
    let mut command = jobdeck(programs);
    command
        .args(DEMO)
        .arg("--open")
        .env("PATH", programs)
        .env("RUST_LOG", "warn");
    Server::spawn(command)
}

/// Other systems have openers of other names.
#[cfg(target_os = "linux")]
#[test]
fn a_demo_opens_the_page_in_the_browser() {
    let folder = folder();
    let opener = folder.path().join("xdg-open");
    let opened = folder.path().join("opened");
    let made = std::process::Command::new("mkfifo").arg(&opened).status();
    assert!(made.unwrap().success());
    std::fs::write(&opener, "#!/bin/sh\necho \"$1\" > opened\n").unwrap();
    std::fs::set_permissions(&opener, std::fs::Permissions::from_mode(0o755)).unwrap();
    let server = open_with(folder.path());
    // Reading the pipe waits for the one who writes to it.
    assert_eq!(std::fs::read_to_string(&opened).unwrap().trim(), server.url);
}

#[test]
fn a_demo_without_a_browser_warns_and_goes_on() {
    let folder = folder();
    let mut server = open_with(folder.path());
    let mut lines = BufReader::new(server.child.stderr.take().unwrap()).lines();
    // The line before says where gRPC listens, or that it does not.
    let line = lines
        .find(|line| line.as_ref().unwrap().contains(" WARN "))
        .unwrap()
        .unwrap();
    let warning = format!(
        "the browser can't be opened, so open {} yourself: ",
        server.url
    );
    assert!(line.contains(" WARN ") && line.contains(&warning), "{line}");
    check_line(&server.get("/jobdeck/domains"), "{\"results\":[");
}
