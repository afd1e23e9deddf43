//! Problems with files, disks, descriptors and clocks: each is reported in one line with its remedy, or survived.

use std::collections::BTreeMap;
use std::fs::{File, Permissions};
use std::io::Read;
use std::net::TcpStream;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tempfile::TempDir;

use crate::{
    BINARY, Server, error_code, failed, finish, folder, generated, job, jobdeck, jobs, ok, rounds,
    run, skip, sound, succeeded, text, wait_until, with_jobs,
};

const LIST: &str = "/inventory/v1/jobs?domain_id=d&query.page.limit=5";

#[track_caller]
fn check_line(said: &str, expected: &str) {
    assert!(said.starts_with(expected), "\n got: {said}want: {expected}");
}

/// A small file system in memory, which is unmounted when this is dropped.
struct SmallDisk {
    holder: Child,
    folder: TempDir,
    enter: &'static [&'static str],
}

impl SmallDisk {
    const SIZE: &str = "size=4m";

    /// Mounts it, as root or in a user namespace; `None` where neither is possible.
    fn new() -> Option<Self> {
        const WAYS: [[&[&str]; 2]; 2] = [
            [&["--mount"], &["--mount"]],
            [
                &["--mount", "--user", "--map-root-user"],
                &["--mount", "--user", "--preserve-credentials"],
            ],
        ];
        let folder = folder();
        WAYS.into_iter()
            .find_map(|[make, enter]| {
                let mut holder = Command::new("unshare")
                    .args(make)
                    .args([
                        "sh",
                        "-c",
                        "mount -t tmpfs -o \"$1\" none \"$0\" && echo made && exec sleep 600",
                    ])
                    .arg(folder.path())
                    .arg(Self::SIZE)
                    .stdout(Stdio::piped())
                    .stderr(Stdio::null())
                    .spawn()
                    .ok()?;
                let mut made = [0; 5];
                let is_made = holder.stdout.as_mut()?.read_exact(&mut made).is_ok();
                if is_made {
                    return Some((holder, enter));
                }
                let _ = holder.wait();
                None
            })
            .map(|(holder, enter)| Self {
                holder,
                folder,
                enter,
            })
    }

    /// Makes a command that runs `jobdeck` in the disk.
    fn jobdeck(&self) -> Command {
        let mut command = Command::new("nsenter");
        command
            .args(["--target", &self.holder.id().to_string()])
            .args(self.enter)
            .args(["sh", "-c", "cd \"$0\" && exec \"$@\""])
            .arg(self.folder.path())
            .args(["env", "-i", BINARY]);
        command
    }

    fn run(&self, arguments: &[&str]) -> std::process::Output {
        finish(self.jobdeck().args(arguments))
    }

    /// Returns the path of a file of the disk, as seen from outside.
    fn path(&self, name: &str) -> PathBuf {
        let root = PathBuf::from(format!("/proc/{}/root", self.holder.id()));
        root.join(self.folder.path().strip_prefix("/").unwrap())
            .join(name)
    }

    /// Fills the disk.
    fn fill(&self) {
        let mut filler = File::create(self.path("filler")).unwrap();
        std::io::copy(&mut std::io::repeat(1), &mut filler).unwrap_err();
    }

    fn free(&self) {
        std::fs::remove_file(self.path("filler")).unwrap();
    }

    fn names(&self) -> Vec<String> {
        names(&self.path(""))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn an_import_without_room_on_the_disk_changes_nothing() {
    let Some(disk) = SmallDisk::new() else {
        return skip("a full disk: no permission to mount one");
    };
    let outside = folder();
    let (small, large) = (outside.path().join("small"), outside.path().join("large"));
    std::fs::write(&small, jobs(100)).unwrap();
    std::fs::write(&large, generated(10_000, 1)).unwrap();
    let import = |file: &Path| disk.run(&["import", file.to_str().unwrap()]);

    check_line(
        &failed(&import(&large)),
        "jobdeck: jobdeck.db: database or disk is full; free some space on the disk",
    );
    assert_eq!(disk.names(), [""; 0], "nothing is left of a new database");

    succeeded(&import(&small));
    let before = succeeded(&disk.run(&["export"]));
    assert_eq!(before.lines().count(), 100);
    check_line(
        &failed(&import(&large)),
        "jobdeck: jobdeck.db: database or disk is full; free some space on the disk",
    );
    let said = succeeded(&disk.run(&["check"]));
    assert_eq!(said, "jobdeck.db: 100 jobs, nothing is wrong\n");
    assert_eq!(succeeded(&disk.run(&["export"])), before);

    // However much room is left, the exit code of an import says what it did.
    let mut ends = BTreeMap::new();
    for room in (0..40).map(|step| step * 16 * 1024) {
        for name in disk.names() {
            std::fs::remove_file(disk.path(&name)).unwrap();
        }
        succeeded(&import(&small));
        disk.fill();
        let filler = std::fs::OpenOptions::new()
            .write(true)
            .open(disk.path("filler"))
            .unwrap();
        let size = filler.metadata().unwrap().len();
        filler.set_len(size - room).unwrap();
        let more = outside.path().join("more");
        std::fs::write(&more, jobs(300)).unwrap();
        drop(filler);
        let output = import(&more);
        disk.free();
        let is_done = output.status.success();
        if !is_done {
            failed(&output);
        }
        let count = succeeded(&disk.run(&["export"])).lines().count();
        assert_eq!(
            count,
            if is_done { 300 } else { 100 },
            "{room}: {}",
            text(&output.stderr)
        );
        succeeded(&disk.run(&["check"]));
        *ends.entry(is_done).or_insert(0) += 1;
    }
    println!("imports on a nearly full disk, by whether they succeeded: {ends:?}");
    assert_eq!(ends.len(), 2, "both outcomes were seen");
}

#[test]
fn a_server_on_a_full_disk_answers_and_writes_again_when_there_is_room() {
    let Some(disk) = SmallDisk::new() else {
        return skip("a full disk: no permission to mount one");
    };
    let outside = folder();
    let mut serve = disk.jobdeck();
    serve.args(["serve", "--create", "--writable", "--listen", "127.0.0.1:0"]);
    let server = Server::spawn(serve, outside.path());
    let put = |number: u64| {
        let id = format!("job-{number}");
        let path = format!("/jobdeck/jobs/{id}?domain_id=d");
        server.send("PUT", &path, &job(&id, number))
    };
    assert_eq!(put(0).0, 201);
    disk.fill();
    // As long as the log has room, jobs are still written.
    let refused = (1..10_000).find(|&number| put(number).0 >= 300).unwrap();
    assert_eq!(error_code(&put(refused)), "503 ERROR_UNAVAILABLE");
    let count = || {
        server.good("/inventory/v1/jobs?domain_id=d&query.count_only=true")["total_count"]
            .as_u64()
            .unwrap()
    };
    assert_eq!(count(), refused, "exactly the acknowledged jobs are there");
    assert_eq!(server.get("/healthz").0, 200);
    server.has_logged("database or disk is full; free some space");
    disk.free();
    assert_eq!(put(refused).0, 201);
    assert_eq!(count(), refused + 1);
    server.stop();
    assert_eq!(disk.names(), ["jobdeck.db"], "the log is in the database");
    let said = succeeded(&disk.run(&["check"]));
    assert_eq!(
        said,
        format!("jobdeck.db: {} jobs, nothing is wrong\n", refused + 1)
    );
}

/// Returns a command that is subject to file modes; `None` where none is.
fn as_nobody(folder: &Path) -> Option<Command> {
    let is_root = std::fs::metadata("/proc/self").unwrap().uid() == 0;
    if !is_root {
        return Some(jobdeck(folder));
    }
    // The target folder may be accessible to root alone.
    let binary = folder.join("jobdeck");
    if !binary.exists() && std::fs::hard_link(BINARY, &binary).is_err() {
        std::fs::copy(BINARY, &binary).unwrap();
    }
    let mut command = Command::new("setpriv");
    command
        .args(["--reuid=65534", "--regid=65534", "--clear-groups", "--"])
        .arg(binary)
        .current_dir(folder)
        .env_clear();
    let works = Command::new("setpriv")
        .args(["--reuid=65534", "--regid=65534", "--clear-groups", "true"])
        .status()
        .is_ok_and(|status| status.success());
    works.then_some(command)
}

#[test]
fn a_database_without_write_permission_is_reported_and_can_be_read() {
    let folder = with_jobs(&jobs(10));
    let here = folder.path();
    let database = here.join("jobdeck.db");
    let Some(_) = as_nobody(here) else {
        return skip("read-only files: root may write to them, and there is no setpriv");
    };
    let run = |arguments: &[&str]| finish(as_nobody(here).unwrap().args(arguments));
    let set =
        |path: &Path, mode| std::fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    for (what, of_folder, of_file) in [
        ("a read-only file", 0o777, 0o444),
        ("a read-only folder", 0o555, 0o666),
        ("both", 0o555, 0o444),
    ] {
        // An import deletes the log at its end; commands that only read do not.
        ok(here, &["import", "jobs.ndjson"]);
        set(here, of_folder);
        set(&database, of_file);
        let can_write = [
            &["import", "jobs.ndjson"][..],
            &["check", "--repair"],
            &["serve", "--writable", "--listen", "127.0.0.1:0"],
            &["serve", "--retain", "90d", "--listen", "127.0.0.1:0"],
        ];
        for arguments in can_write {
            let said = failed(&run(arguments));
            check_line(&said, "jobdeck: jobdeck.db: ");
            let remedy = said.contains("make the file and its folder writable");
            assert!(remedy, "{what}, {arguments:?}: {said}");
        }
        for arguments in [&["check"][..], &["export"]] {
            succeeded(&run(arguments));
        }
        set(here, 0o755);
        set(&database, 0o644);
    }
    assert_eq!(sound(here).lines().count(), 10);
}

#[test]
fn a_deleted_or_replaced_file_is_reported_and_no_write_is_lost() {
    let folder = with_jobs(&jobs(50));
    let here = folder.path();
    let database = here.join("jobdeck.db");
    let other = with_jobs(&job("another", 1));
    let server = Server::start(here, &["--writable"]);
    let put = |id: &str| {
        let path = format!("/jobdeck/jobs/{id}?domain_id=d");
        server.send("PUT", &path, &job(id, 1))
    };
    let expected = server.get(LIST);
    for is_replaced in [false, true] {
        std::fs::rename(&database, here.join("aside.db")).unwrap();
        if is_replaced {
            std::fs::copy(other.path().join("jobdeck.db"), &database).unwrap();
        }
        let (status, health) = server.get("/healthz");
        assert_eq!(status, 503);
        assert!(
            health.contains("the database file was deleted or replaced"),
            "{health}"
        );
        // More requests than there are open readers, so that new ones are opened.
        let answers: Vec<_> = std::thread::scope(|scope| {
            let clients: Vec<_> = (0..16).map(|_| scope.spawn(|| server.get(LIST))).collect();
            clients
                .into_iter()
                .map(|client| client.join().unwrap())
                .collect()
        });
        for answer in answers {
            if answer.0 == 200 {
                assert_eq!(answer, expected);
            } else {
                assert_eq!(error_code(&answer), "503 ERROR_UNAVAILABLE");
            }
        }
        // A write would be lost with the file.
        assert_eq!(error_code(&put("lost")), "503 ERROR_UNAVAILABLE");
        assert_eq!(
            error_code(&server.send("DELETE", "/jobdeck/jobs?domain_id=d", "")),
            "503 ERROR_UNAVAILABLE"
        );
        server.has_logged(
            "jobdeck.db: the file was deleted or replaced; put it back, or start jobdeck again",
        );
        std::fs::rename(here.join("aside.db"), &database).unwrap();
        assert_eq!(server.get("/healthz").0, 200);
        assert_eq!(server.get(LIST), expected);
    }
    assert_eq!(put("after").0, 201);
    server.stop();
    assert_eq!(sound(here).lines().count(), 51);
}

#[test]
fn the_log_of_a_lost_database_is_not_applied_to_a_new_one() {
    let folder = folder();
    let here = folder.path();
    let server = Server::start(here, &["--create", "--writable"]);
    assert_eq!(
        server
            .send("PUT", "/jobdeck/jobs/old?domain_id=d", &job("old", 1))
            .0,
        201
    );
    server.signal("-KILL");
    server.ended();
    std::fs::remove_file(here.join("jobdeck.db")).unwrap();
    std::fs::write(here.join("jobs.ndjson"), jobs(3)).unwrap();
    let left = std::fs::read(here.join("jobdeck.db-wal")).unwrap();
    for arguments in [
        &["import", "jobs.ndjson"][..],
        &["serve", "--create", "--listen", "127.0.0.1:0"],
    ] {
        check_line(
            &failed(&run(here, arguments)),
            "jobdeck: jobdeck.db-wal: is the write-ahead log of a database that is no longer next to it",
        );
        assert!(!here.join("jobdeck.db").exists());
        assert_eq!(std::fs::read(here.join("jobdeck.db-wal")).unwrap(), left);
    }
    std::fs::rename(here.join("jobdeck.db-wal"), here.join("away")).unwrap();
    ok(here, &["import", "jobs.ndjson"]);
    assert_eq!(sound(here).lines().count(), 3);
}

#[test]
fn an_invalid_log_is_ignored() {
    let folder = with_jobs(&jobs(20));
    let here = folder.path();
    let expected = sound(here);
    let mut random = ChaCha8Rng::seed_from_u64(7);
    for ending in ["-wal", "-shm"] {
        ok(here, &["import", "--on-conflict", "skip", "jobs.ndjson"]);
        let noise: Vec<u8> = (0..70_000).map(|_| random.random()).collect();
        std::fs::write(here.join(format!("jobdeck.db{ending}")), noise).unwrap();
        let server = Server::start(here, &[]);
        assert_eq!(server.good(LIST)["total_count"], 20, "{ending}");
        server.stop();
        assert_eq!(sound(here), expected, "{ending}");
    }
}

#[test]
fn every_command_refuses_a_file_that_is_no_database_of_jobdeck_and_leaves_it_as_it_is() {
    let folder = with_jobs(&jobs(2));
    let here = folder.path();
    let mut newer = std::fs::read(here.join("jobdeck.db")).unwrap();
    newer[60..64].copy_from_slice(&99_i32.to_be_bytes());
    let foreign = rusqlite::Connection::open(here.join("foreign.db")).unwrap();
    foreign.execute_batch("CREATE TABLE jobs (id)").unwrap();
    drop(foreign);
    let foreign = std::fs::read(here.join("foreign.db")).unwrap();
    for (content, expected) in [
        (&newer[..], "was made by a newer jobdeck (schema 99"),
        (
            &foreign,
            "is a database of another program; it was left as it is, name another file",
        ),
        (
            b"no database at all",
            "is not a SQLite database; it was left as it is, name another file",
        ),
    ] {
        std::fs::write(here.join("it.db"), content).unwrap();
        for arguments in [
            &[
                "serve",
                "--create",
                "--listen",
                "127.0.0.1:0",
                "--db",
                "it.db",
            ][..],
            &[
                "serve",
                "--mock",
                "--listen",
                "127.0.0.1:0",
                "--db",
                "it.db",
            ],
            &["import", "jobs.ndjson", "--db", "it.db"],
            &["export", "--db", "it.db"],
            &["check", "--db", "it.db"],
            &["check", "--repair", "--db", "it.db"],
        ] {
            check_line(
                &failed(&run(here, arguments)),
                &format!("jobdeck: it.db: {expected}"),
            );
            assert_eq!(std::fs::read(here.join("it.db")).unwrap(), content);
        }
    }
}

/// Damages a copy of a file in one of several ways; returns a description and the bytes.
fn damage(content: &[u8], way: u32, random: &mut ChaCha8Rng) -> (String, Vec<u8>) {
    const PAGE: usize = 8_192;
    let mut bytes = content.to_vec();
    let page = random.random_range(0..bytes.len() / PAGE);
    let start = page * PAGE;
    let what = match way % 5 {
        0 => {
            bytes[start..start + PAGE].fill(0);
            "zeroed"
        }
        1 => {
            // The header of a page: its kind, and the number and offset of its cells.
            let head = start + if page == 0 { 100 } else { 0 };
            random.fill(&mut bytes[head..head + 12]);
            "with another head"
        }
        2 => {
            random.fill(&mut bytes[start..start + PAGE]);
            "of noise"
        }
        3 => {
            for _ in 0..8 {
                let at = start + random.random_range(0..PAGE);
                bytes[at] ^= 1 << random.random_range(0..8);
            }
            "with bits turned"
        }
        _ => {
            bytes.truncate(start + random.random_range(0..PAGE));
            "cut off"
        }
    };
    (format!("page {page} {what}"), bytes)
}

#[test]
fn a_damaged_page_is_reported_or_does_not_matter() {
    let whole = with_jobs(&(generated(300, 1) + &jobs(300)));
    let content = std::fs::read(whole.path().join("jobdeck.db")).unwrap();
    let domain = "/inventory/v1/jobs?domain_id=d";
    let stat = r#"{"domain_id":"d","query":{"aggregate":[{"group":{"keys":[{"key":"errors.error_code","name":"c"}],"fields":[{"name":"n","operator":"count"}]}},{"sort":{"key":"c"}}]}}"#;
    let answers = |server: &Server| -> Vec<Option<super::Answer>> {
        let paths = [
            "",
            "&query.page.limit=20",
            "&status=CREATED&query.page.limit=3",
            "&query.keyword=0002",
            "&query.count_only=true",
        ];
        let mut answers: Vec<_> = paths
            .map(|query| server.try_send("GET", &format!("{domain}{query}"), "").ok())
            .into();
        answers.push(server.try_send("GET", "/jobdeck/domains", "").ok());
        answers.push(
            server
                .try_send("POST", "/inventory/v1/jobs/stat", stat)
                .ok(),
        );
        answers.push(
            server
                .try_send("GET", "/jobdeck/export?format=ndjson&domain_id=d", "")
                .ok(),
        );
        answers
    };
    let server = Server::start(whole.path(), &[]);
    let right = answers(&server);
    server.stop();
    let mut random = ChaCha8Rng::seed_from_u64(8);
    let mut found = BTreeMap::new();
    for way in 0..rounds(40) {
        let folder = folder();
        let here = folder.path();
        let (what, bytes) = damage(&content, way, &mut random);
        std::fs::write(here.join("jobdeck.db"), bytes).unwrap();
        let check = run(here, &["check"]);
        let is_found = !check.status.success();
        if is_found {
            check_line(&failed(&check), "jobdeck: jobdeck.db: ");
        }
        let export = run(here, &["export"]);
        if !export.status.success() {
            check_line(&failed(&export), "jobdeck: jobdeck.db: ");
        }
        let mut start = jobdeck(here);
        let has_started = Server::try_spawn(start.args(["serve", "--listen", "127.0.0.1:0"]), here);
        let Ok(server) = has_started else {
            let said = std::fs::read_to_string(here.join("log")).unwrap();
            assert!(is_found, "{what}: {said}");
            check_line(&said, "jobdeck: jobdeck.db: ");
            assert_eq!(said.lines().count(), 1, "{what}: {said}");
            *found.entry("does not start").or_insert(0) += 1;
            continue;
        };
        for (answer, right) in answers(&server).into_iter().zip(&right) {
            let kind = match &answer {
                // A stream that was cut off.
                None => "cut off",
                Some((200, _)) if answer == *right => "right",
                Some((200, _)) => {
                    assert!(
                        is_found,
                        "{what}: a wrong answer that `check` does not explain: {answer:?}"
                    );
                    "wrong, and `check` reports it"
                }
                Some(answer) => {
                    let code = error_code(answer);
                    let is_one =
                        ["503 ERROR_UNAVAILABLE", "500 ERROR_UNKNOWN"].contains(&code.as_str());
                    assert!(is_one, "{what}: {answer:?}");
                    "an error"
                }
            };
            *found.entry(kind).or_insert(0) += 1;
        }
        server.stop();
    }
    println!("answers of damaged databases: {found:?}");
    assert!(found.contains_key("an error"));
}

#[test]
fn a_server_without_descriptors_recovers() {
    let folder = with_jobs(&jobs(20));
    let mut command = Command::new("sh");
    command.current_dir(folder.path()).env_clear().args([
        "-c",
        "ulimit -n 48 && exec \"$0\" serve --writable --workers 2 --listen 127.0.0.1:0",
        BINARY,
    ]);
    let server = Server::spawn(command, folder.path());
    let expected = server.get(LIST);
    assert_eq!(expected.0, 200);
    let flood: Vec<_> = (0..200)
        .map(|_| TcpStream::connect(&server.address).unwrap())
        .collect();
    wait_until("all descriptors are taken", || server.descriptors() >= 48);
    drop(flood);
    // The server first accepts and drops the connections in its queue.
    wait_until("it answers again", || {
        server
            .try_send("GET", LIST, "")
            .is_ok_and(|answer| answer == expected)
    });
    assert_eq!(server.get("/healthz").0, 200);
    assert_eq!(
        server
            .send("PUT", "/jobdeck/jobs/new?domain_id=d", &job("new", 1))
            .0,
        201
    );
    server.stop();
    assert_eq!(sound(folder.path()).lines().count(), 21);
}

#[test]
fn a_server_works_while_its_log_can_not_be_written() {
    for log in ["2>&-", "2>/dev/full", "2>closed"] {
        let folder = with_jobs(&jobs(5));
        let here = folder.path();
        let closed = here.join("closed");
        let made = Command::new("mkfifo").arg(&closed).status().unwrap();
        assert!(made.success());
        // A pipe without a reader.
        let reader = std::thread::spawn(move || drop(File::open(closed).unwrap()));
        let mut command = Command::new("sh");
        command
            .current_dir(here)
            .env_clear()
            .env("RUST_LOG", "debug")
            .args([
                "-c",
                &format!("exec \"$0\" serve --writable --listen 127.0.0.1:0 {log}"),
                BINARY,
            ]);
        let server = Server::spawn(command, here);
        for number in 0..20 {
            let id = format!("new-{number}");
            let path = format!("/jobdeck/jobs/{id}?domain_id=d");
            assert_eq!(server.send("PUT", &path, &job(&id, 1)).0, 201, "{log}");
        }
        // What is logged as an error, too.
        std::fs::rename(here.join("jobdeck.db"), here.join("aside.db")).unwrap();
        assert_eq!(
            server
                .send("DELETE", "/jobdeck/jobs/new-0?domain_id=d", "")
                .0,
            503,
            "{log}"
        );
        std::fs::rename(here.join("aside.db"), here.join("jobdeck.db")).unwrap();
        server.stop();
        assert_eq!(sound(here).lines().count(), 25, "{log}");
        if log == "2>closed" {
            reader.join().unwrap();
        }
    }
    let folder = with_jobs(&jobs(1));
    for (closed, expected) in [("2>/dev/full", ""), ("2>&-", "")] {
        let mut command = Command::new("sh");
        command.current_dir(folder.path()).args([
            "-c",
            &format!("\"$0\" import none {closed}"),
            BINARY,
        ]);
        let output = finish(&mut command);
        assert_eq!(
            (output.status.code(), text(&output.stderr)),
            (Some(1), expected)
        );
    }
    let mut command = Command::new("sh");
    command.current_dir(folder.path()).args([
        "-c",
        "exec \"$0\" serve --listen 127.0.0.1:0 >/dev/full",
        BINARY,
    ]);
    check_line(
        &failed(&finish(&mut command)),
        "jobdeck: standard output: No space left on device",
    );
}

/// Setting the wall clock changes what "now" is, but no deadline: those use [`Instant`]s, which never jump. Only
/// `src/clock.rs` reads the wall clock.
#[test]
fn no_deadline_depends_on_the_wall_clock() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let (mut folders, mut seen) = (vec![root], 0);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let code = std::fs::read_to_string(&path).unwrap();
            let code = code.split("#[cfg(test)]").next().unwrap();
            let reads = ["SystemTime", "::now()"]
                .into_iter()
                .flat_map(|name| code.match_indices(name))
                .filter(|(at, _)| !code[..*at].ends_with("Instant"))
                .count();
            let may = path.ends_with("src/clock.rs");
            assert!(reads == 0 || may, "{} reads the wall clock", path.display());
            seen += reads;
        }
    }
    assert!(seen > 0, "no file reads the wall clock");
}
