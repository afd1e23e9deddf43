//! Runs the recipes of tests/recipes and the files of static/docs/deploy as they are, each in a folder of its own, with
//! `jobdeck` on the path.
//!
//! `cargo test` ignores those that need Python or Node; `tests/run` installs what they need and runs them.
#![cfg(test)]

use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixDatagram;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const JOBDECK: &str = env!("CARGO_BIN_EXE_jobdeck");
/// The folders whose files users copy.
const RECIPES: &str = "tests/recipes";
const DEPLOY: &str = "static/docs/deploy";
/// The jobs that several recipes share.
const FIXTURE: &str = "tests/recipes/fixtures/jobs.ndjson";
const COMPOSE: &str = "static/docs/deploy/compose.yaml";
const DOCKERFILE: &str = "static/docs/deploy/Dockerfile";
const UNIT: &str = "static/docs/deploy/jobdeck.service";

/// The text of a file of the repository.
#[track_caller]
fn text(path: &str) -> String {
    std::fs::read_to_string(Path::new(ROOT).join(path)).unwrap()
}

/// The paths below a folder of the repository, in order, without installed packages.
fn files_below(folder: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(Path::new(ROOT).join(folder)).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        let path = format!("{folder}/{name}");
        if !entry.file_type().unwrap().is_dir() {
            found.push(path);
        } else if name != "node_modules" {
            found.extend(files_below(&path));
        }
    }
    found.sort();
    found
}

/// A folder with copies of files, as a user has them; its `tmp` is the folder of temporary files.
fn folder(paths: &[&str]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for name in ["tmp", "fixtures"] {
        std::fs::create_dir(folder.path().join(name)).unwrap();
    }
    for path in paths {
        let (_, name) = path.rsplit_once('/').unwrap();
        let to = if *path == FIXTURE {
            folder.path().join("fixtures").join(name)
        } else {
            folder.path().join(name)
        };
        std::fs::copy(Path::new(ROOT).join(path), to).unwrap();
    }
    folder
}

/// A program with `jobdeck` on its path, in a folder.
fn program(folder: &Path, program: impl AsRef<Path>) -> Command {
    let mut command = Command::new(program.as_ref());
    let binaries = Path::new(JOBDECK).parent().unwrap().to_owned();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::join_paths([binaries].into_iter().chain(std::env::split_paths(&path)));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("JOBDECK_") {
            command.env_remove(name);
        }
    }
    command
        .current_dir(folder)
        .env("PATH", path.unwrap())
        .env("TMPDIR", folder.join("tmp"))
        // Nobody listens there, so a client that used this proxy would get no answer.
        .env("http_proxy", "http://127.0.0.1:1")
        .env("NO_COLOR", "1")
        .env_remove("no_proxy")
        .env_remove("NO_PROXY")
        .stdin(Stdio::null());
    command
}

/// Runs a program to its end. One that does not end is killed with all that it has started, and fails the test.
#[track_caller]
fn run(command: &mut Command) -> Output {
    let child = command
        .process_group(0)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let group = format!("-{}", child.id());
    let (done, is_done) = mpsc::channel::<()>();
    let guard = std::thread::spawn(move || {
        let is_late =
            is_done.recv_timeout(Duration::from_mins(2)) == Err(RecvTimeoutError::Timeout);
        if is_late {
            let killed = Command::new("kill").args(["-KILL", "--", &group]).status();
            assert!(killed.unwrap().success());
        }
        is_late
    });
    let output = child.wait_with_output().unwrap();
    drop(done);
    assert!(!guard.join().unwrap(), "it does not end: {}", said(&output));
    output
}

/// Standard output and standard error.
fn said(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    text(&output.stdout) + &text(&output.stderr)
}

/// Checks that the servers that were started here have ended and removed their databases.
#[track_caller]
fn nothing_is_left(folder: &Path) {
    let left: Vec<_> = std::fs::read_dir(folder.join("tmp"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        // The tools of Node leave caches.
        .filter(|name| name.starts_with("jobdeck") || name.starts_with("tmp."))
        .collect();
    assert_eq!(left, Vec::<String>::new());
}

/// A program that prints its URL in a line; it is killed when the test ends, however it ends.
struct Server {
    child: Child,
    url: String,
}

impl Server {
    /// Waits for the line with a URL; programs that end instead fail the test.
    #[track_caller]
    fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut heard = String::new();
        for line in lines {
            let line = line.unwrap();
            if let Some((_, url)) = line.split_once("http://") {
                let url = format!("http://{}", url.trim().trim_end_matches('/'));
                return Self { child, url };
            }
            heard += &line;
        }
        let status = child.wait().unwrap();
        panic!("{command:?} ended, {status}: {heard}");
    }

    fn port(&self) -> &str {
        self.url.rsplit(':').next().unwrap()
    }

    /// Requests a path with a `Host`; returns the status and the body.
    fn get(&self, path: &str, host: &str) -> (u16, Value) {
        let agent: ureq::Agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .proxy(None)
            .build()
            .into();
        let url = format!("http://127.0.0.1:{}{path}", self.port());
        let mut answer = agent.get(url).header("host", host).call().unwrap();
        let body = answer.body_mut().read_json().unwrap();
        (answer.status().as_u16(), body)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn every_recipe_has_a_test() {
    let tests = include_str!("recipes.rs");
    let recipes = files_below(RECIPES);
    // The files in the folder itself are those of the tests.
    let recipes = recipes
        .iter()
        .filter(|path| path[RECIPES.len() + 1..].contains('/'));
    for path in recipes.chain(&files_below(DEPLOY)) {
        assert!(tests.contains(&format!("\"{path}\"")), "{path}");
    }
}

/// The README shows the files as they are.
#[test]
fn the_readme_has_the_text_of_each_recipe() {
    let readme = text("README.md");
    let mut shown = 0;
    for path in [files_below(RECIPES), files_below(DEPLOY)].concat() {
        let name = path.rsplit('/').next().unwrap();
        let Some((_, rest)) = readme.split_once(&format!("{name}`**\n\n```")) else {
            continue;
        };
        let (_language, rest) = rest.split_once('\n').unwrap();
        let (block, _) = rest.split_once("\n```\n").unwrap();
        assert_eq!(format!("{block}\n"), text(&path), "{path}");
        shown += 1;
    }
    let blocks = readme.lines().filter(|line| line.starts_with("```"));
    assert_eq!(blocks.count(), 2 * shown, "a fenced block without a file");
}

#[test]
fn a_shell_script_starts_queries_resets_and_stops_a_mock() {
    let folder = folder(&["tests/recipes/shell/ci.sh", FIXTURE]);
    let here = folder.path();
    let script = || run(program(here, "sh").arg("ci.sh"));
    let output = script();
    assert!(output.status.success(), "{}", said(&output));
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert_eq!(stdout, r#"{"deleted":2}{"jobs":2}"#);
    nothing_is_left(here);

    // This curl stops the script, which has to stop the server, and answers as if it were healthy.
    let tools = here.join("tools");
    std::fs::create_dir(&tools).unwrap();
    std::fs::write(
        tools.join("curl"),
        "#!/bin/sh\necho ERROR_QUOTA\nkill -TERM $PPID\n",
    )
    .unwrap();
    std::fs::set_permissions(tools.join("curl"), PermissionsExt::from_mode(0o755)).unwrap();
    let mut stopped = program(here, "sh");
    let path = stopped
        .get_envs()
        .find_map(|(name, value)| (name == "PATH").then(|| value.unwrap().to_owned()))
        .unwrap();
    let mut with_tools = tools.into_os_string();
    with_tools.push(":");
    with_tools.push(path);
    let output = run(stopped.arg("ci.sh").env("PATH", with_tools));
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert_eq!(output.stdout, b"", "it went no further");
    nothing_is_left(here);

    // The script fails where a test fails or the server does not start.
    let fixture = here.join("fixtures/jobs.ndjson");
    std::fs::write(
        &fixture,
        "{\"job_id\": \"j\", \"domain_id\": \"domain-1\"}\n",
    )
    .unwrap();
    assert_eq!(script().status.code(), Some(1));
    nothing_is_left(here);
    std::fs::write(&fixture, "{\"job_id\": \"j\", \"stauts\": \"ERROR\"}\n").unwrap();
    let output = script();
    assert_eq!(output.status.code(), Some(1));
    assert!(
        said(&output).contains("fixtures/jobs.ndjson: line 1, column 24, field stauts"),
        "{}",
        said(&output)
    );
    nothing_is_left(here);
}

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
    for shown in [files_below(RECIPES), files_below(DEPLOY)].concat() {
        assert!(context.path().join(&shown).exists(), "{shown}");
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

#[test]
fn a_page_of_an_allowed_origin_may_send_requests() {
    let readme = text("README.md");
    let (_, rest) = readme
        .split_once("Without a proxy, `jobdeck serve --mock --cors ")
        .unwrap();
    let (origin, _) = rest.split_once('`').unwrap();
    let folder = folder(&[]);
    let mut command = program(folder.path(), JOBDECK);
    command.args([
        "serve",
        "--mock",
        "--listen",
        "127.0.0.1:0",
        "--cors",
        origin,
    ]);
    let server = Server::start(command);
    let answer = ureq::put(format!("{}/jobdeck/jobs/j?domain_id=d", server.url))
        .header("origin", origin)
        .header("sec-fetch-site", "cross-site")
        .send_json(json!({}))
        .unwrap();
    assert_eq!(answer.headers()["access-control-allow-origin"], origin);
}

#[test]
#[ignore = "wants pytest; tests/run installs it"]
fn a_pytest_fixture_gives_each_test_a_domain() {
    let folder = folder(&[
        "tests/recipes/pytest/conftest.py",
        "tests/recipes/pytest/test_inventory.py",
    ]);
    let python = std::env::var("RECIPES_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let pytest = |arguments: &[&str], url: Option<&str>| {
        let mut command = program(folder.path(), &python);
        command
            .args(["-m", "pytest", "-p", "no:cacheprovider"])
            .args(arguments)
            .envs(url.map(|url| ("JOBDECK_URL", url)));
        let output = run(&mut command);
        assert!(output.status.success(), "{}", said(&output));
        assert!(said(&output).contains("2 passed"), "{}", said(&output));
    };
    pytest(&[], None);
    pytest(&["-n", "2"], None);
    nothing_is_left(folder.path());
    let mut command = program(folder.path(), JOBDECK);
    command.args(["serve", "--mock", "--listen", "127.0.0.1:0"]);
    let server = Server::start(command);
    pytest(&["-n", "2"], Some(&server.url));
    let (_, domains) = server.get("/jobdeck/domains", "127.0.0.1");
    assert_eq!(domains["results"], json!([]), "each test has tidied up");
}

/// A folder with files of the README, and the npm packages that they import.
fn node_folder(names: &[&str]) -> TempDir {
    let folder = folder(names);
    let modules = Path::new(ROOT).join("tests/recipes/node_modules");
    assert!(modules.is_dir(), "run `npm ci` in tests/recipes");
    std::os::unix::fs::symlink(modules, folder.path().join("node_modules")).unwrap();
    folder
}

#[test]
#[ignore = "wants Vitest; tests/run installs it"]
fn vitest_sees_each_state_of_a_job() {
    let folder = node_folder(&[
        "tests/recipes/node/jobdeck.setup.mjs",
        "tests/recipes/node/vitest.config.mjs",
        "tests/recipes/node/job.test.mjs",
    ]);
    let output = run(program(folder.path(), "node_modules/.bin/vitest").arg("run"));
    assert!(output.status.success(), "{}", said(&output));
    assert!(said(&output).contains("1 passed"), "{}", said(&output));
    nothing_is_left(folder.path());
}

#[test]
#[ignore = "wants Playwright; tests/run installs it"]
fn playwright_sees_each_state_of_a_job() {
    let folder = node_folder(&[
        "tests/recipes/node/jobdeck.setup.mjs",
        "tests/recipes/node/playwright.config.mjs",
    ]);
    let test = text("tests/recipes/node/job.test.mjs").replace("from 'vitest'; // or ", "");
    assert!(test.contains("import { expect, test } from '@playwright/test'"));
    std::fs::write(folder.path().join("job.test.mjs"), test).unwrap();
    let output = run(program(folder.path(), "node_modules/.bin/playwright").arg("test"));
    assert!(output.status.success(), "{}", said(&output));
    assert!(said(&output).contains("1 passed"), "{}", said(&output));
    nothing_is_left(folder.path());
}

#[test]
#[ignore = "wants Vite; tests/run installs it"]
fn vite_forwards_requests() {
    let folder = node_folder(&["tests/recipes/vite/vite.config.mjs", FIXTURE]);
    let mut command = program(folder.path(), JOBDECK);
    command.args([
        "serve",
        "--mock",
        "--fixtures",
        "fixtures",
        "--listen",
        "127.0.0.1:0",
    ]);
    let server = Server::start(command);
    let mut command = program(folder.path(), "node_modules/.bin/vite");
    command
        .args(["--host", "127.0.0.1", "--port", "0"])
        .env("JOBDECK_URL", &server.url);
    let vite = Server::start(command);
    assert_ne!(vite.port(), server.port());
    // As a page that Vite serves does.
    let (status, body) = vite.get("/inventory/v1/jobs?domain_id=domain-1", "127.0.0.1");
    assert_eq!((status, &body["total_count"]), (200, &json!(2)));
    let mut answer = ureq::post(format!("{}/inventory/v1/jobs/search", vite.url))
        .header("origin", &vite.url)
        .send_json(json!({"domain_id": "domain-1", "status": "ERROR"}))
        .unwrap();
    let body: Value = answer.body_mut().read_json().unwrap();
    assert_eq!(body["total_count"], 1);
    let answer = ureq::put(format!("{}/jobdeck/jobs/j?domain_id=d", vite.url))
        .header("origin", &vite.url)
        .header("sec-fetch-site", "same-origin")
        .send_json(json!({}))
        .unwrap();
    assert_eq!(answer.status(), 201);
}
