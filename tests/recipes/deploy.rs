//! The files of static/docs/deploy: the unit, the image and the service of compose.

use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use crate::{FIXTURE, JOBDECK, ROOT, Server, copied_files, folder, program, run, said, text};

const COMPOSE: &str = "static/docs/deploy/compose.yaml";
const DOCKERFILE: &str = "static/docs/deploy/Dockerfile";
const UNIT: &str = "static/docs/deploy/jobdeck.service";

/// The strings of an array.
#[track_caller]
fn words(value: &Value) -> Vec<String> {
    serde_json::from_value(value.clone()).unwrap()
}

#[test]
fn a_service_of_compose_is_healthy_and_reached_by_its_name() {
    let folder = folder(&[COMPOSE, FIXTURE]);
    let here = folder.path();
    let compose: Value = serde_saphyr::from_str(&text(COMPOSE)).unwrap();
    let service = &compose["services"]["inventory"];
    assert_eq!(
        compose["services"]["tests"]["depends_on"],
        json!({"inventory": {"condition": "service_healthy"}})
    );

    // The words of the command, with the source of the mount for its target, and a free port for that of the container.
    let [mount] = &words(&service["volumes"])[..] else {
        panic!("one mount");
    };
    let (source, target) = mount.strip_suffix(":ro").unwrap().split_once(':').unwrap();
    let given = words(&service["command"]);
    let local: Vec<_> = given
        .iter()
        .map(|word| match word.as_str() {
            "0.0.0.0:8080" => "0.0.0.0:0",
            word if word == target => source,
            word => word,
        })
        .collect();
    for (replaced, place) in [("0.0.0.0:0", "--listen"), (source, "--fixtures")] {
        let index = local.iter().position(|word| *word == replaced).unwrap();
        assert_eq!(local[index - 1], place);
    }
    let mut command = program(here, JOBDECK);
    command.args(&local);
    let server = Server::start(command);

    // The health check uses the default port, which is that of the container.
    let test = words(&service["healthcheck"]["test"]);
    assert_eq!(test[..2], ["CMD", "jobdeck"]);
    let healthcheck = |port: &str| {
        let mut command = program(here, &test[1]);
        command
            .args(&test[2..])
            .env("JOBDECK_LISTEN", format!("0.0.0.0:{port}"));
        let output = run(&mut command);
        (output.status.code(), said(&output))
    };
    assert_eq!(healthcheck(server.port()), (Some(0), String::new()));
    assert_eq!(healthcheck("1").0, Some(1));

    // The other service uses the name.
    let asked = words(&compose["services"]["tests"]["command"]);
    let path = asked[1].strip_prefix("http://inventory:8080").unwrap();
    let (status, body) = server.get(path, "inventory:8080");
    assert_eq!((status, &body["total_count"]), (200, &json!(2)));
    drop(server);

    // Both options are needed.
    let without = |option: &str, words: usize| {
        let index = local.iter().position(|word| *word == option).unwrap();
        let mut command = program(here, JOBDECK);
        command.args(&local[..index]).args(&local[index + words..]);
        command
    };
    let output = run(&mut without("--insecure", 1));
    assert!(said(&output).contains("--insecure"), "{}", said(&output));
    let server = Server::start(without("--allow-host", 2));
    assert_eq!(server.get(path, "inventory:8080").0, 421);
}

/// The steps of an image need a container engine; the test checks that the files they copy are enough for a build.
#[test]
fn the_image_is_built_from_files_that_exist() {
    let file = text(DOCKERFILE);
    let toolchain = concat!("FROM rust:", env!("CARGO_PKG_RUST_VERSION"), "-");
    assert!(file.starts_with(toolchain), "{file}");
    assert!(file.contains("\nENTRYPOINT [\"jobdeck\"]\n"), "{file}");
    let compose: Value = serde_saphyr::from_str(&text(COMPOSE)).unwrap();
    let build = &compose["services"]["inventory"]["build"];
    assert_eq!(build["dockerfile"], DOCKERFILE);
    let stage = format!(" AS {}\n", build["target"].as_str().unwrap());
    assert!(file.contains(&stage), "{file}");

    let context = tempfile::tempdir().unwrap();
    let copied = file.lines().filter_map(|line| line.strip_prefix("COPY "));
    for line in copied.filter(|line| !line.starts_with("--from")) {
        let paths: Vec<_> = line.split(' ').collect();
        let (target, sources) = paths.split_last().unwrap();
        for source in sources {
            let to = context.path().join(target);
            std::fs::create_dir_all(to.parent().unwrap()).unwrap();
            let status = Command::new("cp")
                .arg("-r")
                .arg(Path::new(ROOT).join(source))
                .arg(to)
                .status();
            assert!(status.unwrap().success(), "{line}");
        }
    }
    assert_eq!(targets(context.path()), targets(Path::new(ROOT)));
    for included in included(&context.path().join("src")) {
        assert!(included.exists(), "{} is not copied", included.display());
    }
    for path in copied_files() {
        assert!(context.path().join(&path).exists(), "{path}");
    }
}

/// The variables and arguments with which an image runs by default, with a free port.
#[test]
fn the_image_serves_and_is_healthy() {
    let file = text(DOCKERFILE);
    let rest_of = |start: &str| {
        file.lines()
            .find_map(|line| line.strip_prefix(start))
            .unwrap()
    };
    let folder = folder(&[]);
    let mut server = program(folder.path(), JOBDECK);
    let arguments: Vec<String> = serde_json::from_str(rest_of("CMD ")).unwrap();
    server.args(arguments);
    let data = folder.path().to_str().unwrap();
    for variable in rest_of("ENV ").split(' ') {
        let (name, value) = variable.split_once('=').unwrap();
        let value = value.replace("/data", data).replace(":8080", ":0");
        server.env(name, value);
    }
    let server = Server::start(server);
    assert!(folder.path().join("jobs.db").exists());
    let (_, check) = file.split_once("CMD [\"jobdeck\", ").unwrap();
    let check: Value =
        serde_json::from_str(&format!("[{}", check.lines().next().unwrap())).unwrap();
    let mut healthcheck = program(folder.path(), JOBDECK);
    healthcheck
        .arg(check[0].as_str().unwrap())
        .env("JOBDECK_LISTEN", format!("0.0.0.0:{}", server.port()));
    assert!(run(&mut healthcheck).status.success());
}

/// The other keys of the unit need systemd: `systemd-analyze verify` checks them.
#[test]
fn the_unit_starts_a_server_that_notifies_when_it_is_ready() {
    let unit = text(UNIT);
    let value = |key: &str| {
        unit.lines()
            .find_map(|line| line.strip_prefix(key))
            .unwrap()
    };
    let folder = folder(&[]);
    let state = folder.path().join("state");
    std::fs::create_dir_all(state.join(value("StateDirectory="))).unwrap();
    let socket = folder.path().join("notify");
    let manager = UnixDatagram::bind(&socket).unwrap();
    manager
        .set_read_timeout(Some(Duration::from_mins(1)))
        .unwrap();
    let start: Vec<_> = value("ExecStart=").split(' ').collect();
    assert_eq!(start[0], "/usr/local/bin/jobdeck");
    let mut command = program(folder.path(), JOBDECK);
    command.args(&start[1..]).env("NOTIFY_SOCKET", &socket);
    for variable in value("Environment=").split(' ') {
        let (name, value) = variable.split_once('=').unwrap();
        let value = value.replace("%S", state.to_str().unwrap());
        command.env(name, value.replace(":8080", ":0"));
    }
    let server = Server::start(command);
    assert_eq!(value("Type="), "notify");
    let mut said = [0; 64];
    let length = manager.recv(&mut said).unwrap();
    assert_eq!(&said[..length], b"READY=1\n");
    assert_eq!(server.get("/healthz", "localhost").0, 200);
    assert!(state.join("jobdeck/jobs.db").exists());
}

/// The targets that cargo builds in a folder, except tests; where one is missing that the manifest names, it builds nothing.
fn targets(folder: &Path) -> Vec<String> {
    let mut command = Command::new(env!("CARGO"));
    let arguments = "metadata --no-deps --locked --offline --format-version 1";
    let output = run(command.args(arguments.split(' ')).current_dir(folder));
    assert!(output.status.success(), "{}", said(&output));
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    let targets = found["packages"][0]["targets"].as_array().unwrap();
    let listed = targets
        .iter()
        .map(|target| format!("{} {}", target["kind"][0], target["name"]));
    listed
        .filter(|target| !target.starts_with("\"test\""))
        .collect()
}

/// The files that the sources of a folder include.
fn included(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(included(&path));
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        for name in ["include_str!(\"", "include_bytes!(\""] {
            for rest in text.split(name).skip(1) {
                found.push(folder.join(rest.split('"').next().unwrap()));
            }
        }
    }
    found
}
