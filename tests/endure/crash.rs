//! `kill -9` at any time: the database is sound afterwards, an import is complete or absent, and acknowledged writes are there.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rusqlite::Connection;
use serde_json::Value;

use crate::{
    Server, folder, generated, job, jobdeck, jobs, ok, rounds, sound, text, wait_until, with_jobs,
};

/// How a command ended that was to be killed.
#[derive(Debug, PartialEq, Eq)]
enum End {
    Killed,
    /// It had finished before.
    Done,
}

/// Runs a command to its end and returns its duration, within which it is killed later.
fn duration(command: &mut Command) -> Duration {
    let start = Instant::now();
    let output = crate::finish(command);
    assert!(output.status.success(), "{}", text(&output.stderr));
    start.elapsed()
}

/// Starts a command and kills it after a while.
fn kill(command: &mut Command, after: Duration) -> End {
    let mut child = command
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    // The time is random.
    thread::sleep(after);
    child.kill().unwrap();
    if child.wait().unwrap().success() {
        End::Done
    } else {
        End::Killed
    }
}

/// Returns random times within a duration, and a little after it, spread evenly.
fn kill_times(seed: u64, count: u32, all: Duration) -> impl Iterator<Item = Duration> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    (0..count).map(move |number| {
        let part = (f64::from(number) + random.random::<f64>()) / f64::from(count);
        all.mul_f64(part * 1.1)
    })
}

fn copy(from: &Path, to: &Path) {
    std::fs::copy(from.join("jobdeck.db"), to.join("jobdeck.db")).unwrap();
}

#[test]
fn a_killed_import_of_a_new_database_leaves_all_jobs_or_no_database() {
    let lines = generated(1_500, 1);
    let here = folder();
    std::fs::write(here.path().join("jobs.ndjson"), &lines).unwrap();
    let import = |here: &Path| {
        let mut import = jobdeck(here);
        import.args(["import", "jobs.ndjson"]);
        import
    };
    let all = duration(&mut import(here.path()));
    let mut found = BTreeMap::new();
    for after in kill_times(1, rounds(20), all) {
        let folder = folder();
        let here = folder.path();
        std::fs::write(here.join("jobs.ndjson"), &lines).unwrap();
        let end = kill(&mut import(here), after);
        let is_there = here.join("jobdeck.db").exists();
        *found
            .entry(format!("{end:?}, there: {is_there}"))
            .or_insert(0) += 1;
        assert!(is_there || end == End::Killed, "{after:?}");
        if is_there {
            assert_eq!(sound(here), lines, "{after:?}");
        }
        // What a killed import left does not disturb the next one, and is deleted by it.
        ok(here, &["import", "jobs.ndjson"]);
        assert_eq!(sound(here), lines, "{after:?}");
        let mut left: Vec<_> = std::fs::read_dir(here)
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        // Commands that only read leave the log as it is.
        left.retain(|name| !name.to_string_lossy().starts_with("jobdeck.db"));
        assert_eq!(left, ["jobs.ndjson"], "{after:?}");
    }
    println!("imports into a new database, killed: {found:?}");
}

#[test]
fn a_killed_import_changes_nothing_or_imports_all() {
    // A part of these jobs exists already, and is replaced.
    let base = with_jobs(&jobs(600));
    let before = sound(base.path());
    let lines: String = (300..1_500)
        .map(|number| job(&format!("job-{number:06}"), number + 1))
        .collect();
    let try_one = |after: Option<Duration>| {
        let folder = folder();
        let here = folder.path();
        copy(base.path(), here);
        std::fs::write(here.join("jobs.ndjson"), &lines).unwrap();
        let mut import = jobdeck(here);
        import.args(["import", "jobs.ndjson"]);
        match after {
            None => (duration(&mut import), sound(here)),
            Some(after) => {
                let end = kill(&mut import, after);
                let now = sound(here);
                assert!(end == End::Killed || now != before);
                (Duration::ZERO, now)
            }
        }
    };
    let (all, after_it) = try_one(None);
    let mut whole = 0;
    for after in kill_times(2, rounds(20), all) {
        let (_, now) = try_one(Some(after));
        assert!(
            now == before || now == after_it,
            "a part of the import: {after:?}"
        );
        whole += u32::from(now == after_it);
    }
    println!(
        "imports into a database, killed: {whole} of {} were whole",
        rounds(20)
    );
}

/// The state of a job as its client knows it: the number in it, or `None` if it does not exist.
type JobState = Option<u64>;

/// A client that writes jobs of its own.
struct Client {
    name: usize,
    random: ChaCha8Rng,
    next: u64,
    /// The acknowledged writes.
    acknowledged: BTreeMap<String, JobState>,
    /// The last write, which was never answered.
    unanswered: BTreeMap<String, JobState>,
}

impl Client {
    fn new(name: usize, random: ChaCha8Rng) -> Self {
        let (acknowledged, unanswered) = (BTreeMap::new(), BTreeMap::new());
        Self {
            name,
            random,
            next: 0,
            acknowledged,
            unanswered,
        }
    }

    /// Writes until there is no answer any more, and counts the acknowledged writes.
    fn write(&mut self, server: &Server, acknowledged: &AtomicU32) {
        loop {
            self.next += 1;
            let number = self.next;
            let id = format!("job-{}-{}", self.name, self.random.random_range(0..20));
            let path = format!("/jobdeck/jobs/{id}?domain_id=d");
            let is_there = self.acknowledged.get(&id).copied().flatten().is_some();
            let (answer, written) = match self.random.random_range(0..4) {
                0 if is_there => (server.try_send("DELETE", &path, ""), vec![(id, None)]),
                1 if is_there => {
                    let patch = format!("{{\"filter\":{{\"n\":{number}}}}}");
                    let written = vec![(id, Some(number))];
                    (server.try_send("PATCH", &path, &patch), written)
                }
                2 => {
                    let ids = (0..5).map(|place| format!("job-{}-many-{place}", self.name));
                    let written: Vec<_> = ids.map(|id| (id, Some(number))).collect();
                    let lines: String = written.iter().map(|(id, _)| job(id, number)).collect();
                    (
                        server.try_send("POST", "/jobdeck/jobs?domain_id=d", &lines),
                        written,
                    )
                }
                _ => {
                    let written = vec![(id.clone(), Some(number))];
                    (server.try_send("PUT", &path, &job(&id, number)), written)
                }
            };
            let Ok((status, text)) = answer else {
                self.unanswered = written.into_iter().collect();
                return;
            };
            assert!((200..300).contains(&status), "{status}: {text}");
            self.acknowledged.extend(written);
            acknowledged.fetch_add(1, Ordering::SeqCst);
        }
    }

    /// Checks that the acknowledged writes are there. The last write may be there too, but not a part of it.
    fn compare(&mut self, there: &BTreeMap<String, u64>) {
        let holds = |expected: &BTreeMap<String, JobState>| {
            expected
                .iter()
                .all(|(id, number)| there.get(id) == number.as_ref())
        };
        let mut later = self.acknowledged.clone();
        later.append(&mut self.unanswered);
        if holds(&later) {
            self.acknowledged = later;
        }
        for (id, number) in &self.acknowledged {
            assert_eq!(there.get(id), number.as_ref(), "{id} was acknowledged");
        }
    }
}

/// Returns the number in each job.
fn numbers(lines: &str) -> BTreeMap<String, u64> {
    lines
        .lines()
        .map(|line| {
            let job: Value = serde_json::from_str(line).unwrap();
            let id = job["job_id"].as_str().unwrap().to_owned();
            (id, job["filter"]["n"].as_u64().unwrap())
        })
        .collect()
}

#[test]
fn acknowledged_writes_are_there_after_a_kill() {
    let folder = folder();
    let mut random = ChaCha8Rng::seed_from_u64(3);
    let mut clients: Vec<_> = (0..4)
        .map(|name| Client::new(name, ChaCha8Rng::seed_from_u64(random.random())))
        .collect();
    let mut all = 0;
    for _ in 0..rounds(40) {
        let server = Server::start(folder.path(), &["--create", "--writable"]);
        let acknowledged = AtomicU32::new(0);
        let enough = random.random_range(0..40);
        thread::scope(|scope| {
            for client in &mut clients {
                scope.spawn(|| client.write(&server, &acknowledged));
            }
            wait_until("writes are acknowledged", || {
                acknowledged.load(Ordering::SeqCst) >= enough
            });
            server.signal("-KILL");
        });
        all += acknowledged.into_inner();
        drop(server);
        // The first command to open it after a kill reads the log.
        let there = numbers(&sound(folder.path()));
        for client in &mut clients {
            client.compare(&there);
        }
    }
    println!(
        "{all} acknowledged writes are there after {} kills",
        rounds(40)
    );
}

#[test]
fn a_killed_repair_changes_nothing_or_repairs_all() {
    let base = with_jobs(&generated(1_000, 4));
    let before = sound(base.path());
    let connection = Connection::open(base.path().join("jobdeck.db")).unwrap();
    connection
        .execute_batch(
            "UPDATE status_counts SET jobs = jobs + 1; DELETE FROM job_errors; DELETE FROM hour_counts",
        )
        .unwrap();
    drop(connection);
    let repair = |here: &Path| {
        copy(base.path(), here);
        let mut repair = jobdeck(here);
        repair.args(["check", "--repair"]);
        repair
    };
    let trial = folder();
    let all = duration(&mut repair(trial.path()));
    let check = |here: &Path| {
        let output = crate::run(here, &["check"]);
        (output.status.code(), text(&output.stdout).to_owned())
    };
    let damage = check(base.path());
    assert_eq!(damage.0, Some(1));
    let repaired = check(trial.path());
    let mut whole = 0;
    for after in kill_times(5, rounds(10), all) {
        let folder = folder();
        let here = folder.path();
        kill(&mut repair(here), after);
        let found = check(here);
        assert!(found == damage || found == repaired, "{after:?}: {found:?}");
        whole += u32::from(found == repaired);
        ok(here, &["check", "--repair"]);
        assert_eq!(sound(here), before, "{after:?}");
    }
    println!("repairs, killed: {whole} of {} were whole", rounds(10));
}

/// The first schema whose jobs an upgrade leaves as they are.
const FIRST_WITH_THESE_JOBS: i64 = 5;

/// The version of the schema of a database.
fn version(path: &Path) -> i64 {
    let connection = Connection::open(path).unwrap();
    connection
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .unwrap()
}

/// Makes a database of an older schema. It has more jobs than the one in `tests/schemas`, if an upgrade writes them all anew.
fn older(schema: &Path, here: &Path) {
    let path = here.join("jobdeck.db");
    std::fs::copy(schema, &path).unwrap();
    if version(schema) >= FIRST_WITH_THESE_JOBS {
        return;
    }
    let connection = Connection::open(path).unwrap();
    let mut columns = connection
        .prepare("SELECT name FROM pragma_table_info('jobs')")
        .unwrap();
    let columns = columns.query_map([], |row| row.get(0)).unwrap();
    let columns: Vec<String> = columns.map(Result::unwrap).collect();
    // From schema 3 on a trigger refuses writes of other programs.
    connection
        .execute_batch("DROP TRIGGER IF EXISTS jobs_are_inserted_by_jobdeck")
        .unwrap();
    for round in 0..15 {
        let values = columns.iter().map(|column| match column.as_str() {
            "id" => "NULL".to_owned(),
            "job_id" => format!("job_id || '-{round}'"),
            "document" | "head" => {
                format!("replace({column}, '\"' || job_id || '\"', '\"' || job_id || '-{round}\"')")
            }
            other => other.to_owned(),
        });
        let values: Vec<_> = values.collect();
        connection
            .execute_batch(&format!(
                "INSERT INTO jobs SELECT {} FROM jobs WHERE id <= 60",
                values.join(", ")
            ))
            .unwrap();
    }
}

#[test]
fn a_killed_upgrade_leaves_the_older_schema_or_the_newer() {
    const JOBS: usize = 60;
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/schemas");
    let schemas = std::fs::read_dir(root).unwrap();
    let mut schemas: Vec<_> = schemas.map(|entry| entry.unwrap().path()).collect();
    schemas.sort_by_key(|path| version(path));
    // The last is the present schema.
    schemas.pop();
    let seen = schemas.len();
    for schema in schemas {
        let upgrade = |here: &Path| {
            older(&schema, here);
            std::fs::write(here.join("none.ndjson"), "").unwrap();
            let mut upgrade = jobdeck(here);
            upgrade.args(["import", "none.ndjson"]);
            upgrade
        };
        let trial = folder();
        let all = duration(&mut upgrade(trial.path()));
        let expected = sound(trial.path());
        let times = if version(&schema) < FIRST_WITH_THESE_JOBS {
            16
        } else {
            1
        };
        assert_eq!(expected.lines().count(), JOBS * times);
        for after in kill_times(6, rounds(5), all) {
            let folder = folder();
            let here = folder.path();
            kill(&mut upgrade(here), after);
            ok(here, &["import", "none.ndjson"]);
            assert_eq!(sound(here), expected, "{after:?}");
        }
    }
    println!(
        "upgrades of {seen} older schemas, killed: {} each",
        rounds(5)
    );
}

#[test]
fn a_killed_restore_leaves_the_former_database_or_the_backup() {
    let base = with_jobs(&jobs(300));
    let here = base.path();
    ok(here, &["backup", "b.db"]);
    let backup = sound(here);
    // A reader keeps the newest jobs in the log, as a server does that is killed.
    let reader = Connection::open(here.join("jobdeck.db")).unwrap();
    let count = |reader: &Connection| -> i64 {
        let count = reader.query_row("SELECT count(*) FROM jobs", [], |row| row.get(0));
        count.unwrap()
    };
    assert_eq!(count(&reader), 300);
    let more: String = (300..600)
        .map(|number| job(&format!("job-{number:06}"), number + 1))
        .collect();
    std::fs::write(here.join("more.ndjson"), more).unwrap();
    ok(here, &["import", "more.ndjson"]);
    let make = || {
        let folder = folder();
        for name in ["jobdeck.db", "jobdeck.db-wal", "b.db"] {
            std::fs::copy(here.join(name), folder.path().join(name)).unwrap();
        }
        folder
    };
    let restore = |here: &Path| {
        let mut restore = jobdeck(here);
        restore.args(["restore", "b.db"]);
        restore
    };
    let former = sound(make().path());
    assert_ne!(former, backup);
    let all = duration(&mut restore(make().path()));
    let mut restored = 0;
    for after in kill_times(6, rounds(20), all) {
        let folder = make();
        let here = folder.path();
        let end = kill(&mut restore(here), after);
        let now = sound(here);
        assert!(now == former || now == backup, "neither of both: {after:?}");
        assert!(end == End::Killed || now == backup, "{after:?}");
        restored += u32::from(now == backup);
        ok(here, &["restore", "--force", "b.db"]);
        assert_eq!(sound(here), backup, "{after:?}");
    }
    drop(reader);
    println!("restores, killed: {restored} of {} were done", rounds(20));
}
