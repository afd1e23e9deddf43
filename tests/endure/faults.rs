//! What goes wrong with files, disks, descriptors and clocks: it is named in one line with its remedy, or survived.

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
    run, skip, sound, text, wait_until, went_well, with_jobs,
};

const LIST: &str = "/inventory/v1/jobs?domain_id=d&query.page.limit=5";

#[track_caller]
fn check_line(said: &str, expected: &str) {
    assert!(said.starts_with(expected), "\n got: {said}want: {expected}");
}

/// A disk of its own, in memory, that is gone when this is dropped.
struct SmallDisk {
    holder: Child,
    folder: TempDir,
    enter: &'static [&'static str],
}

impl SmallDisk {
    const SIZE: &str = "size=4m";

    /// As root, or as anybody where the system lets everybody have a mount of his own; `None` where neither will do.
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

    /// `jobdeck`, with the disk as its folder.
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

    /// Where the disk can be reached from outside.
    fn path(&self, name: &str) -> PathBuf {
        let root = PathBuf::from(format!("/proc/{}/root", self.holder.id()));
        root.join(self.folder.path().strip_prefix("/").unwrap())
            .join(name)
    }

    /// Takes all the room that is left.
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
fn an_import_that_finds_no_room_changes_nothing() {
    let Some(disk) = SmallDisk::new() else {
        return skip("a full disk: nobody lets us mount one");
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

    went_well(&import(&small));
    let before = went_well(&disk.run(&["export"]));
    assert_eq!(before.lines().count(), 100);
    check_line(
        &failed(&import(&large)),
        "jobdeck: jobdeck.db: database or disk is full; free some space on the disk",
    );
    let said = went_well(&disk.run(&["check"]));
    assert_eq!(said, "jobdeck.db: 100 jobs, nothing is wrong\n");
    assert_eq!(went_well(&disk.run(&["export"])), before);

    // At each size of what is left, an import is told as what it was.
    let mut ends = BTreeMap::new();
    for room in (0..40).map(|step| step * 16 * 1024) {
        for name in disk.names() {
            std::fs::remove_file(disk.path(&name)).unwrap();
        }
        went_well(&import(&small));
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
        let count = went_well(&disk.run(&["export"])).lines().count();
        assert_eq!(
            count,
            if is_done { 300 } else { 100 },
            "{room}: {}",
            text(&output.stderr)
        );
        went_well(&disk.run(&["check"]));
        *ends.entry(is_done).or_insert(0) += 1;
    }
    println!("imports beside too little room that were done: {ends:?}");
    assert_eq!(ends.len(), 2, "both ends were seen");
}

#[test]
fn a_server_on_a_full_disk_answers_and_writes_again_when_there_is_room() {
    let Some(disk) = SmallDisk::new() else {
        return skip("a full disk: nobody lets us mount one");
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
    // What the log has room for is still written.
    let refused = (1..10_000).find(|&number| put(number).0 >= 300).unwrap();
    assert_eq!(error_code(&put(refused)), "503 ERROR_UNAVAILABLE");
    let count = || {
        server.good("/inventory/v1/jobs?domain_id=d&query.count_only=true")["total_count"]
            .as_u64()
            .unwrap()
    };
    assert_eq!(
        count(),
        refused,
        "what was acknowledged is there, and nothing else"
    );
    assert_eq!(server.get("/healthz").0, 200);
    server.has_logged("database or disk is full; free some space");
    disk.free();
    assert_eq!(put(refused).0, 201);
    assert_eq!(count(), refused + 1);
    server.stop();
    assert_eq!(disk.names(), ["jobdeck.db"], "the log is in the database");
    let said = went_well(&disk.run(&["check"]));
    assert_eq!(
        said,
        format!("jobdeck.db: {} jobs, nothing is wrong\n", refused + 1)
    );
}

/// A command that file modes hold for; `None` where there is none.
fn as_nobody(folder: &Path) -> Option<Command> {
    let is_root = std::fs::metadata("/proc/self").unwrap().uid() == 0;
    if !is_root {
        return Some(jobdeck(folder));
    }
    // The target folder may be where only root can go.
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
fn what_can_not_be_written_to_is_named_and_can_be_read() {
    let folder = with_jobs(&jobs(10));
    let here = folder.path();
    let database = here.join("jobdeck.db");
    let Some(_) = as_nobody(here) else {
        return skip("read-only files: root may write to them, and setpriv is not there");
    };
    let run = |arguments: &[&str]| finish(as_nobody(here).unwrap().args(arguments));
    let set =
        |path: &Path, mode| std::fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    for (what, of_folder, of_file) in [
        ("a read-only file", 0o777, 0o444),
        ("a read-only folder", 0o555, 0o666),
        ("both", 0o555, 0o444),
    ] {
        // The last to leave takes the log away; whoever only reads does not.
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
            let output = run(arguments);
            if of_folder == 0o777 {
                went_well(&output);
            } else {
                // A database in WAL mode is read with a file beside it.
                let said = failed(&output);
                let remedy = said.contains("make the file and its folder writable");
                assert!(remedy, "{what}, {arguments:?}: {said}");
            }
        }
        set(here, 0o755);
        set(&database, 0o644);
    }
    assert_eq!(sound(here).lines().count(), 10);
}

#[test]
fn a_file_that_is_deleted_or_replaced_is_told_and_nothing_is_lost() {
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
        // More at a time than there are readers so far, each of them anew.
        let answers: Vec<_> = std::thread::scope(|scope| {
            let asking: Vec<_> = (0..16).map(|_| scope.spawn(|| server.get(LIST))).collect();
            asking
                .into_iter()
                .map(|asked| asked.join().unwrap())
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
    assert_eq!(put("kept").0, 201);
    server.stop();
    assert_eq!(sound(here).lines().count(), 51);
}

#[test]
fn the_log_of_a_database_that_is_gone_is_not_taken_for_that_of_a_new_one() {
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
            "jobdeck: jobdeck.db-wal: is the log of a database that is no longer beside it",
        );
        assert!(!here.join("jobdeck.db").exists());
        assert_eq!(std::fs::read(here.join("jobdeck.db-wal")).unwrap(), left);
    }
    std::fs::rename(here.join("jobdeck.db-wal"), here.join("away")).unwrap();
    ok(here, &["import", "jobs.ndjson"]);
    assert_eq!(sound(here).lines().count(), 3);
}

#[test]
fn a_log_that_makes_no_sense_is_no_harm() {
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
fn what_is_not_ours_is_refused_by_every_command_and_stays_as_it_is() {
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

/// A copy of a file, damaged in one of several ways.
fn damage(content: &[u8], way: u32, random: &mut ChaCha8Rng) -> (String, Vec<u8>) {
    const PAGE: usize = 4_096;
    let mut bytes = content.to_vec();
    let page = random.random_range(0..bytes.len() / PAGE);
    let start = page * PAGE;
    let what = match way % 5 {
        0 => {
            bytes[start..start + PAGE].fill(0);
            "zeroed"
        }
        1 => {
            // The head of a page, with its kind, its cells and where they begin.
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
fn a_damaged_page_is_told_or_does_not_matter() {
    let whole = with_jobs(&(generated(300, 1) + &jobs(300)));
    let content = std::fs::read(whole.path().join("jobdeck.db")).unwrap();
    let domain = "/inventory/v1/jobs?domain_id=d";
    let stat = r#"{"domain_id":"d","query":{"aggregate":[{"group":{"keys":[{"key":"errors.error_code","name":"c"}],"fields":[{"name":"n","operator":"count"}]}},{"sort":{"key":"c"}}]}}"#;
    let ask = |server: &Server| -> Vec<Option<super::Answer>> {
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
    let right = ask(&server);
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
        for (answer, right) in ask(&server).into_iter().zip(&right) {
            let kind = match &answer {
                // A stream that was broken off.
                None => "broken off",
                Some((200, _)) if answer == *right => "right",
                Some((200, _)) => {
                    assert!(
                        is_found,
                        "{what}: not right, and nobody says so: {answer:?}"
                    );
                    "wrong, and `check` tells"
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
    // The clients that are in the queue are taken and let go first.
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
fn a_log_that_can_not_be_written_is_no_harm() {
    for log in ["2>&-", "2>/dev/full", "2>closed"] {
        let folder = with_jobs(&jobs(5));
        let here = folder.path();
        let closed = here.join("closed");
        let made = Command::new("mkfifo").arg(&closed).status().unwrap();
        assert!(made.success());
        // A pipe that nobody reads any more.
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

/// A clock that is set wrong, or set right, changes what "now" is, and no deadline: those are told from [`Instant`]s, which
/// never jump. Nobody but `src/time.rs` asks what time it is.
#[test]
fn no_deadline_hangs_on_the_clock_that_people_set() {
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
            let asks = ["SystemTime", "::now()"]
                .into_iter()
                .flat_map(|name| code.match_indices(name))
                .filter(|(at, _)| !code[..*at].ends_with("Instant"))
                .count();
            let may = path.ends_with("src/time.rs") || path.ends_with("src/clock.rs");
            assert!(asks == 0 || may, "{} asks what time it is", path.display());
            seen += asks;
        }
    }
    assert!(seen > 0, "somebody does");
}
