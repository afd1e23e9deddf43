//! Runs the `sh` blocks of a page in one bash, and the servers that they start.
//!
//! Bash reads a line of its standard input at a time: the command that runs a block, whose output is written to a file,
//! and one that reports its end. Where a block fails, bash ends, since `set -e` holds.
//!
//! A server is started with `JOBDECK_LISTEN=127.0.0.1:0` and is ready when it has written its first line to standard
//! output. Then the commands of the page have its address in the place of `127.0.0.1:8080` and `localhost:8080`, and
//! `JOBDECK_LISTEN` has it, too. What is printed has the address of the page again. What is compared of a server is its
//! first line. A server is stopped when its section has ended or another one is started; `jobdeck demo` is not started
//! again where it still runs. The address of gRPC, `127.0.0.1:50051`, is replaced, too: a mock says where it listens.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::JoinHandle;
use std::time::Duration;

use tempfile::TempDir;

use crate::JOBDECK;
use crate::output;
use crate::page::{Block, Page};

/// The address that the pages name.
const SHOWN: &str = "127.0.0.1:8080";
/// The address of gRPC that the pages name.
const SHOWN_GRPC: &str = "127.0.0.1:50051";
/// What a server writes before its address of gRPC.
const GRPC_LISTENS: &str = "gRPC listens at ";
/// Nothing listens there.
const NOWHERE: &str = "127.0.0.1:1";
/// How long a page may take.
const LONGEST: Duration = Duration::from_mins(5);
/// What the pages call `jobdeck` before it is installed.
const FROM_SOURCE: &str = "cargo run --release -- ";

/// Runs the commands of a page, of the blocks that are marked with `skip`; of those that have no mark if that is `None`.
/// Returns what is wrong.
pub(crate) fn run(page: &Page, skip: Option<&str>) -> Vec<String> {
    let mut faults = Vec::new();
    let mut shell = Shell::start();
    for (index, block) in page.blocks.iter().enumerate() {
        if !block.is_shell() || block.skip.as_deref() != skip {
            continue;
        }
        let fault = |problem: String| {
            format!(
                "{} ({})\n{}\n{problem}",
                page.fault(block.line, "this block"),
                block.heading,
                block.text
            )
        };
        let printed = match shell.block(block) {
            Ok(printed) => printed,
            Err(problem) => {
                // What comes after needs what this block does.
                faults.push(fault(problem));
                faults.extend(shell.lateness());
                return faults;
            }
        };
        let shown = page.blocks.get(index + 1).filter(|next| next.is_output);
        let problem = match shown {
            Some(shown) => output::compare(&shown.text, &printed).err(),
            None => None,
        };
        let shown = shown.map_or("", |block| &block.text);
        let problem = problem.or_else(|| output::disappointment(&block.text, shown, &printed));
        faults.extend(problem.map(fault));
    }
    faults.extend(
        shell
            .end()
            .into_iter()
            .map(|problem| format!("{}: {problem}", page.path)),
    );
    faults
}

/// A bash with `jobdeck` on its path.
struct Shell {
    child: Child,
    commands: Option<ChildStdin>,
    reports: BufReader<ChildStdout>,
    server: Option<Server>,
    /// The working directory.
    _folder: TempDir,
    /// The folder of temporary files.
    temporary: TempDir,
    /// The files of this test: the block that runs, and what is printed.
    notes: TempDir,
    ended: Option<Sender<()>>,
    watchdog: Option<JoinHandle<bool>>,
}

struct Server {
    command: String,
    process: String,
    address: String,
    /// Where it listens for gRPC, if it does.
    grpc: Option<String>,
    /// What it printed when it was ready.
    line: String,
    section: usize,
}

impl Server {
    fn is_demo(&self) -> bool {
        self.command.starts_with("jobdeck demo")
    }
}

impl Shell {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let temporary = tempfile::tempdir().unwrap();
        let notes = tempfile::tempdir().unwrap();
        let mut bash = Command::new("bash");
        for (name, _) in std::env::vars_os() {
            let name = name.to_string_lossy().into_owned();
            let is_proxy = name.to_lowercase().ends_with("_proxy");
            if name.starts_with("JOBDECK_") || name == "RUST_LOG" || is_proxy {
                bash.env_remove(name);
            }
        }
        let binaries = Path::new(JOBDECK).parent().unwrap().to_owned();
        let clients = std::env::var_os("CLIENTS_BIN").map(PathBuf::from);
        let path = std::env::var_os("PATH").unwrap_or_default();
        let path = [binaries]
            .into_iter()
            .chain(clients)
            .chain(std::env::split_paths(&path));
        let path = std::env::join_paths(path);
        bash.args(["--noprofile", "--norc"])
            .current_dir(folder.path())
            .env("PATH", path.unwrap())
            .env("HOME", folder.path())
            .env("TMPDIR", temporary.path())
            .env("JOBDECK_LISTEN", NOWHERE)
            .env("LC_ALL", "C.UTF-8")
            .env("NO_COLOR", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .process_group(0);
        let mut child = bash.spawn().unwrap();
        let (ended, is_ended) = mpsc::channel();
        let group = child.id();
        let watchdog = std::thread::spawn(move || {
            let is_late = is_ended.recv_timeout(LONGEST) == Err(RecvTimeoutError::Timeout);
            if is_late {
                kill(group);
            }
            is_late
        });
        let mut this = Self {
            commands: child.stdin.take(),
            reports: BufReader::new(child.stdout.take().unwrap()),
            child,
            server: None,
            _folder: folder,
            temporary,
            notes,
            ended: Some(ended),
            watchdog: Some(watchdog),
        };
        this.send("set -eu");
        this
    }

    fn note(&self, name: &str) -> String {
        let path = self.notes.path().join(name);
        path.into_os_string().into_string().unwrap()
    }

    fn read(&self, name: &str) -> String {
        let text = std::fs::read(self.note(name)).unwrap_or_default();
        String::from_utf8_lossy(&text).into_owned()
    }

    fn send(&mut self, line: &str) {
        // Where bash has ended, its report is missing.
        let _ = writeln!(self.commands.as_mut().unwrap(), "{line}");
    }

    /// The next line that bash reports, or `None` where it has ended.
    fn report(&mut self) -> Option<String> {
        let mut line = String::new();
        self.reports.read_line(&mut line).unwrap();
        line.strip_suffix('\n').map(str::to_owned)
    }

    /// Runs a block, and returns what a terminal would show.
    fn block(&mut self, block: &Block) -> Result<String, String> {
        let (commands, server) = split_server(&block.text);
        let running = self.server.as_mut().filter(|running| {
            // The page says: start the demo, unless it still runs.
            let still_runs = server.as_ref() == Some(&running.command) && running.is_demo();
            still_runs || (server.is_none() && running.section == block.section)
        });
        match running {
            Some(running) => running.section = block.section,
            None => self.stop()?,
        }
        let mut printed = String::new();
        if !commands.trim().is_empty() {
            printed += &self.run(commands)?;
        }
        match (server, &self.server) {
            (Some(_), Some(running)) => printed += &running.line,
            (Some(server), None) => printed += &self.serve(server, block.section)?,
            (None, _) => {}
        }
        if let Some(server) = &self.server {
            printed = printed.replace(&server.address, SHOWN);
            if let Some(grpc) = &server.grpc {
                printed = printed.replace(grpc, SHOWN_GRPC);
            }
        }
        Ok(printed)
    }

    fn run(&mut self, commands: &str) -> Result<String, String> {
        let server = self.server.as_ref();
        let address = server.map_or(NOWHERE, |server| &server.address);
        let grpc = server.and_then(|server| server.grpc.as_deref());
        let commands = commands
            .replace(SHOWN, address)
            .replace("localhost:8080", address)
            .replace(SHOWN_GRPC, grpc.unwrap_or(NOWHERE));
        std::fs::write(self.note("block.sh"), commands).unwrap();
        let (block, out) = (self.note("block.sh"), self.note("out"));
        self.send(&format!(". '{block}' >'{out}' 2>&1 </dev/null; echo done"));
        let report = self.report();
        let printed = self.read("out").replace(&block, "bash");
        if report.is_some() {
            Ok(printed)
        } else {
            Err(format!("failed: {printed}"))
        }
    }

    /// Starts a server and waits until it is ready; returns its first line.
    fn serve(&mut self, shown: String, section: usize) -> Result<String, String> {
        let command = shown
            .replace(SHOWN, "127.0.0.1:0")
            .replace(SHOWN_GRPC, "127.0.0.1:0");
        // Another mock on this machine may have the port where they listen by default.
        let is_mock = command.starts_with("jobdeck demo") || command.contains("--mock");
        let grpc = if is_mock { "127.0.0.1:0" } else { "off" };
        let (pipe, errors) = (self.note("server.out"), self.note("server.err"));
        self.send(&format!("rm -f '{pipe}'; mkfifo '{pipe}'"));
        self.send(&format!(
            ">'{pipe}' 2>'{errors}' </dev/null JOBDECK_LISTEN=127.0.0.1:0 JOBDECK_GRPC_LISTEN={grpc} {command} &"
        ));
        self.send(&format!(
            "exec 7<'{pipe}'; IFS= read -r line <&7 || line=; echo \"$! $line\""
        ));
        let report = self.report().unwrap_or_default();
        let (process, line) = report.split_once(' ').unwrap_or_default();
        let Some((_, address)) = line.split_once("http://") else {
            return Err(format!(
                "the server did not start: {line}{}",
                self.read("server.err")
            ));
        };
        let address = address.split([' ', '/']).next().unwrap().to_owned();
        self.send(&format!("export JOBDECK_LISTEN={address}"));
        let line = format!("{line}\n");
        let errors = self.read("server.err");
        let grpc = errors.split_once(GRPC_LISTENS).map(|(_, grpc)| grpc);
        let grpc = grpc.and_then(|grpc| grpc.split_whitespace().next().map(str::to_owned));
        self.server = Some(Server {
            command: shown,
            process: process.to_owned(),
            address,
            grpc,
            line: line.clone(),
            section,
        });
        Ok(line)
    }

    /// Stops the server that runs.
    fn stop(&mut self) -> Result<(), String> {
        let Some(Server { process, .. }) = self.server.take() else {
            return Ok(());
        };
        self.send(&format!("export JOBDECK_LISTEN={NOWHERE}"));
        self.send(&format!(
            "kill {process} || :; wait {process} && status=0 || status=$?; echo \"$status\""
        ));
        match self.report().as_deref() {
            Some("0") => Ok(()),
            status => Err(format!(
                "the server ended with {status:?}: {}",
                self.read("server.err")
            )),
        }
    }

    /// Ends bash; returns what is wrong.
    fn end(mut self) -> Vec<String> {
        let mut problems: Vec<_> = self.stop().err().into_iter().collect();
        let left = std::fs::read_dir(self.temporary.path()).unwrap();
        let left: Vec<_> = left.map(|entry| entry.unwrap().file_name()).collect();
        if !left.is_empty() {
            problems.push(format!("temporary files are left: {left:?}"));
        }
        self.commands = None;
        if self.report().is_some() {
            problems.push("bash reported more than was run".to_owned());
        }
        problems.extend(self.lateness());
        problems
    }

    /// Says whether bash was killed because the page took too long.
    fn lateness(&mut self) -> Option<String> {
        drop(self.ended.take());
        let is_late = self.watchdog.take()?.join().unwrap();
        is_late.then(|| format!("the page took longer than {LONGEST:?}"))
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        // Before bash is waited for, so that the group is still its own.
        kill(self.child.id());
        let _ = self.child.wait();
        self.lateness();
    }
}

/// Kills a process and all that it has started.
fn kill(group: u32) {
    let group = format!("-{group}");
    let _ = Command::new("kill")
        .args(["-KILL", "--", &group])
        .stderr(Stdio::null())
        .status();
}

/// Separates a last command that starts a server.
fn split_server(text: &str) -> (&str, Option<String>) {
    let text = text.trim_end();
    // A line that ends with a backslash goes on.
    let mut ends = text.match_indices('\n').map(|(index, _)| index);
    let start = ends
        .rfind(|end| !text[..*end].ends_with('\\'))
        .map_or(0, |end| end + 1);
    let (commands, last) = text.split_at(start);
    let command = last.split(" # ").next().unwrap().trim_end();
    let words: Vec<_> = command
        .split_whitespace()
        .skip_while(|word| word.contains('='))
        .collect();
    let is_server = matches!(
        words[..],
        ["jobdeck", "serve" | "demo", ..]
            | ["cargo", "run", "--release", "--", "serve" | "demo", ..]
    );
    let is_in_front = is_server && !command.ends_with('&') && !command.contains("--help");
    if is_in_front {
        (commands, Some(command.replace(FROM_SOURCE, "jobdeck ")))
    } else {
        (text, None)
    }
}

/// Runs a made-up page; its blocks are written with `~~~`.
#[track_caller]
fn check(text: &str, expected: &[&str]) {
    let page = Page::parse("page.md", &text.replace("~~~", "```"));
    let faults = run(&page, None);
    assert_eq!(faults.len(), expected.len(), "{faults:#?}");
    for (fault, expected) in faults.iter().zip(expected) {
        assert!(fault.contains(expected), "{fault}");
    }
}

#[test]
fn blocks_share_a_folder_and_variables() {
    check(
        "# A\n~~~sh\nx=1\nmkdir a\ncd a\n~~~\n~~~sh\necho $x\nbasename $PWD\n~~~\n~~~text\n1\na\n~~~\n",
        &[],
    );
}

#[test]
fn a_wrong_output_is_found() {
    check(
        "# A\n~~~sh\necho 1\n~~~\nIt prints:\n~~~text\n2\n~~~\n~~~sh\necho 3\n~~~\n~~~text\n4\n~~~\n",
        &[
            "page.md:2: this block (A)\necho 1\n\nshown:\n2\nprinted:\n1",
            "shown:\n4\nprinted:\n3",
        ],
    );
}

#[test]
fn a_command_that_fails_is_found() {
    check(
        "# A\n~~~sh\necho 1\nfalse\necho 2\n~~~\n~~~sh\necho 3\n~~~\n",
        &["page.md:2: this block (A)\necho 1\nfalse\necho 2\n\nfailed: 1\n"],
    );
    check(
        "~~~sh\nno-such-command\n~~~\n",
        &["bash: line 1: no-such-command: command not found"],
    );
    check("~~~sh\necho $unset\n~~~\n", &["unset: unbound variable"]);
    check("~~~sh\nexit 0\n~~~\n", &["failed: "]);
    check("~~~sh\nif true\n~~~\n", &["syntax error"]);
}

#[test]
fn a_block_that_is_skipped_is_not_run() {
    check("~~~sh skip=root\nfalse\n~~~\n", &[]);
}

#[test]
fn temporary_files_that_are_left_are_found() {
    check(
        "~~~sh\nmktemp >/dev/null\n~~~\n",
        &["temporary files are left"],
    );
}

#[test]
fn a_server_runs_until_its_section_ends() {
    check(
        "## A\n~~~sh\nmkdir a\ncd a\njobdeck serve --mock \\\n  --listen 127.0.0.1:8080 # a mock\n~~~\n\
        ~~~text\njobdeck listening on http://127.0.0.1:8080\n~~~\n\
        ~~~sh\ncurl -s http://127.0.0.1:8080/check\n~~~\n~~~json\n{\"status\": \"SERVING\"}\n~~~\n### B\n\
        ~~~sh\njobdeck healthcheck\n~~~\n## C\n~~~sh\njobdeck healthcheck && exit 1\necho stopped\n~~~\n~~~text\n…{NOWHERE}…\nstopped\n~~~\n"
            .replace("{NOWHERE}", NOWHERE).as_str(),
        &[],
    );
}

#[test]
fn a_server_takes_the_place_of_the_one_before() {
    check(
        "~~~sh\njobdeck serve --mock\n~~~\n~~~sh\ncurl -s -X PUT 'http://localhost:8080/jobdeck/jobs/j?domain_id=d' \\\n\
        -H 'content-type: application/json' -d '{}'\n~~~\n~~~sh\njobdeck serve --mock\n~~~\n\
        ~~~sh\ncurl -s http://127.0.0.1:8080/jobdeck/domains\n~~~\n~~~json\n{\"results\": [], …}\n~~~\n",
        &[],
    );
}

#[test]
fn a_demo_that_still_runs_is_not_started_again() {
    let demo =
        "~~~sh\njobdeck demo\n~~~\n~~~text\njobdeck listening on http://127.0.0.1:8080\n~~~\n";
    let put = "~~~sh\ncurl -sf 'http://127.0.0.1:8080/jobdeck/jobs/j?domain_id=d' -X PUT -H 'content-type: application/json' -d '{}'\n~~~\n";
    let list = "~~~sh\ncurl -sf 'http://127.0.0.1:8080/inventory/v1/jobs?domain_id=d'\n~~~\n";
    check(&format!("## A\n{demo}{put}## B\n{demo}{list}"), &[]);
    check(&format!("## A\n{demo}{put}## B\n{list}"), &["failed: "]);
}

#[test]
fn a_server_that_does_not_start_is_found() {
    check(
        "~~~sh\njobdeck serve --db missing.db\n~~~\n",
        &["the server did not start: "],
    );
    check(
        "~~~sh\ntrue\njobdeck serve --no-such-option\n~~~\n",
        &["unexpected argument '--no-such-option'"],
    );
}

#[test]
fn an_error_and_an_answer_without_results_are_found() {
    check(
        "~~~sh\njobdeck serve --mock\n~~~\n~~~sh\ncurl -s http://127.0.0.1:8080/inventory/v1/jobs\n~~~\n\
        ~~~sh\ncurl -s http://127.0.0.1:8080/inventory/v1/jobs?domain_id=d\n~~~\n",
        &[
            "printed an error that the page does not show",
            "printed no results",
        ],
    );
}

#[test]
fn a_server_before_the_first_is_not_reached() {
    check(
        "~~~sh\ncurl -s http://127.0.0.1:8080/check\n~~~\n",
        &["failed: "],
    );
}
