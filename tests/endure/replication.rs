//! Replication by Litestream, the real one: its replica of a database that is written to is restored after any kill, and a server
//! over its follower answers from one state, and from a recent one.
//!
//! `tests/run` installs Litestream and runs these; `cargo test` ignores them.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::Value;

use crate::{Server, finish, folder, jobdeck, jobs, ok, rounds, text, thoroughly, wait_until};

/// How often Litestream copies what was written.
const SYNC_INTERVAL: Duration = Duration::from_millis(100);
/// How much older than [`SYNC_INTERVAL`] a write must be to be in the replica after a kill: Litestream looks for changes as often,
/// and a busy machine takes its time.
const MARGIN: Duration = Duration::from_secs(2);
/// How many clients read from a follower.
const CLIENTS: usize = 64;
/// How many jobs they read at first.
const JOBS: u64 = 500;

/// Litestream, in a folder.
fn litestream(folder: &Path) -> Command {
    let program = std::env::var("LITESTREAM").expect("LITESTREAM is the path of Litestream");
    let mut command = Command::new(program);
    command.current_dir(folder).env_clear();
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command
}

/// A file of static/docs/deploy.
fn deploy_file(name: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(root.join("static/docs/deploy").join(name)).unwrap()
}

/// The arguments of the program that a unit runs, with the paths of a folder instead of the machine's.
fn arguments_of_unit(name: &str, folder: &Path) -> Vec<String> {
    let unit = deploy_file(name);
    let mut lines = unit.lines();
    let line = lines.find_map(|line| line.strip_prefix("ExecStart=/"));
    let line = line.unwrap();
    let database = folder.join("jobdeck.db").display().to_string();
    let config = folder.join("litestream.yml").display().to_string();
    let words = line.split(' ').skip(1);
    words
        .map(|word| match word {
            "/var/lib/jobdeck/jobs.db" => database.clone(),
            "/etc/litestream.yml" => config.clone(),
            other => other.to_owned(),
        })
        .collect()
}

/// Writes `litestream.yml` for the database of a folder, whose replica is in a folder instead of a bucket.
fn configure(folder: &Path, replica: &Path) {
    let config = deploy_file("litestream.yml");
    let database = "/var/lib/jobdeck/jobs.db";
    assert!(config.contains(database) && config.contains("url: s3://my-bucket/jobs\n"));
    let interval = SYNC_INTERVAL.as_millis();
    let config = config
        .replace(database, &format!("{}/jobdeck.db", folder.display()))
        .replace(
            "    replica:\n",
            &format!("    monitor-interval: {interval}ms\n    replica:\n"),
        )
        .replace(
            "url: s3://my-bucket/jobs\n",
            &format!(
                "url: file://{}\n      sync-interval: {interval}ms\n",
                replica.display()
            ),
        );
    std::fs::write(folder.join("litestream.yml"), config).unwrap();
}

/// A program that is killed when this is dropped.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Replicates `jobdeck.db` of a folder to the folder `replica` in it.
fn replicate(folder: &Path) -> Running {
    configure(folder, &folder.join("replica"));
    let arguments = arguments_of_unit("litestream.service", folder);
    Running(litestream(folder).args(arguments).spawn().unwrap())
}

/// Restores the replica of a folder to `jobdeck.db` of another one, `more` being further arguments.
fn restoring(from: &Path, to: &Path, more: &[&str]) -> Command {
    let database = |folder: &Path| folder.join("jobdeck.db").display().to_string();
    let mut command = litestream(from);
    command.args(["restore", "-config", "litestream.yml"]);
    command
        .args(more)
        .args(["-o", &database(to), &database(from)]);
    command
}

#[track_caller]
fn restore(from: &Path, to: &Path, more: &[&str]) {
    let output = finish(restoring(from, to, more).stderr(Stdio::piped()));
    assert!(output.status.success(), "{}", text(&output.stderr));
}

/// Whether a restore of what there is now works, and has this many jobs.
fn has_replicated(from: &Path, count: u64) -> bool {
    let to = folder();
    let restored = restoring(from, to.path(), &[]).status().unwrap();
    restored.success() && ids(to.path()).len() as u64 == count
}

/// The ids of the jobs of `jobdeck.db`, which must be sound.
#[track_caller]
fn ids(folder: &Path) -> BTreeSet<String> {
    let lines = crate::sound(folder);
    let jobs = lines.lines().map(serde_json::from_str::<Value>);
    jobs.map(|job| job.unwrap()["job_id"].as_str().unwrap().to_owned())
        .collect()
}

fn put(server: &Server, id: &str) -> bool {
    let path = format!("/jobdeck/jobs/{id}?domain_id=d");
    let body = r#"{"status":"ERROR","errors":[{"error_code":"E"}]}"#;
    matches!(server.try_send("PUT", &path, body), Ok((200 | 201, _)))
}

fn primary(folder: &Path) -> Server {
    Server::start(folder, &["--writable", "--create"])
}

#[test]
#[ignore = "needs Litestream"]
fn what_was_written_before_a_kill_is_restored_elsewhere_and_the_new_primary_goes_on() {
    let mut random = ChaCha8Rng::seed_from_u64(1);
    for round in 0..rounds(3) {
        let (here, there) = (folder(), folder());
        let server = primary(here.path());
        let replicating = replicate(here.path());
        wait_until("there is a replica", || has_replicated(here.path(), 0));
        let until = Duration::from_millis(random.random_range(100..3_000));
        let start = Instant::now();
        let mut written = Vec::new();
        while start.elapsed() < until {
            let id = format!("job-{round}-{}", written.len());
            assert!(put(&server, &id));
            written.push((id, Instant::now()));
        }
        let killed = Instant::now();
        // Both are of one machine.
        drop(server);
        drop(replicating);
        restore(here.path(), there.path(), &["-integrity-check", "full"]);
        let restored = ids(there.path());
        let all = written.len();
        for (id, at) in written {
            let age = killed - at;
            assert!(
                age < SYNC_INTERVAL + MARGIN || restored.contains(&id),
                "{id} is {age:?} old, and lost"
            );
        }
        println!(
            "killed after {until:?}: {} of {all} jobs restored",
            restored.len()
        );
        let next = primary(there.path());
        let replicating = replicate(there.path());
        assert!(put(&next, "job-next"));
        wait_until("the new primary is replicated", || {
            has_replicated(there.path(), restored.len() as u64 + 1)
        });
        drop(replicating);
        next.stop();
    }
}

#[test]
#[ignore = "needs Litestream"]
fn a_moment_of_the_past_is_restored() {
    let (here, there) = (folder(), folder());
    let server = primary(here.path());
    let _replicating = replicate(here.path());
    assert!(put(&server, "job-before"));
    wait_until("the first job is replicated", || {
        has_replicated(here.path(), 1)
    });
    let between = std::time::SystemTime::now();
    // Litestream's times are of whole files, each of one sync.
    wait_until("the clock goes on", || {
        between.elapsed().unwrap() > Duration::from_secs(2)
    });
    assert!(put(&server, "job-after"));
    wait_until("the second job is replicated", || {
        has_replicated(here.path(), 2)
    });
    let since = between.duration_since(std::time::UNIX_EPOCH).unwrap();
    let moment = jiff::Timestamp::from_second(since.as_secs().cast_signed() + 1).unwrap();
    restore(
        here.path(),
        there.path(),
        &["-timestamp", &moment.to_string()],
    );
    assert_eq!(ids(there.path()), BTreeSet::from(["job-before".to_owned()]));
}

#[test]
#[ignore = "needs Litestream"]
fn a_follower_that_many_clients_read_stays_correct_and_can_be_promoted() {
    let (here, there) = (folder(), folder());
    std::fs::write(here.path().join("jobs.ndjson"), jobs(JOBS)).unwrap();
    ok(here.path(), &["import", "jobs.ndjson"]);
    let server = primary(here.path());
    let _replicating = replicate(here.path());
    wait_until("there is a replica", || has_replicated(here.path(), JOBS));
    configure(there.path(), &here.path().join("replica"));
    let follow = arguments_of_unit("litestream-follow.service", there.path());
    let following = litestream(there.path()).args(follow).spawn();
    let following = Running(following.unwrap());
    let database = there.path().join("jobdeck.db");
    wait_until("the follower has begun", || {
        database.with_extension("db-txid").exists()
    });
    let serve = arguments_of_unit("jobdeck-replica.conf", there.path());
    let mut command = jobdeck(there.path());
    command.args(serve).args(["--listen", "127.0.0.1:0"]);
    let replica = Server::spawn(command, there.path());
    let seconds = thoroughly().map_or(8, |times| 60 * u64::from(times));
    let is_done = AtomicBool::new(false);
    let written = thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|_| scope.spawn(|| read_until(&replica, &is_done)))
            .collect();
        let start = Instant::now();
        let (mut written, mut longest) = (JOBS, Duration::ZERO);
        while start.elapsed() < Duration::from_secs(seconds) {
            assert!(put(&server, &format!("job-new-{written}")));
            written += 1;
            let since = Instant::now();
            wait_until("the follower has the job", || count(&replica) == written);
            longest = longest.max(since.elapsed());
        }
        is_done.store(true, Ordering::Relaxed);
        let answers: usize = clients.into_iter().map(|one| one.join().unwrap()).sum();
        assert!(answers > 0, "no client has had an answer");
        println!(
            "{answers} answers to {CLIENTS} clients, {} writes, each seen within {longest:?}",
            written - JOBS
        );
        written
    });
    let health = replica.good("/healthz");
    assert!(health["data_changed_at"].is_string(), "{health}");
    replica.stop();
    drop(following);
    server.stop();
    let promoted = primary(there.path());
    assert!(put(&promoted, "job-of-the-new-primary"));
    promoted.stop();
    assert_eq!(
        ids(there.path()).len(),
        usize::try_from(written).unwrap() + 1
    );
}

/// The number of jobs that a server has.
fn count(server: &Server) -> u64 {
    let body = r#"{"domain_id":"d","query":{"count_only":true}}"#;
    let (status, answer) = server.send("POST", "/inventory/v1/jobs/search", body);
    assert_eq!(status, 200, "{answer}");
    let answer: Value = serde_json::from_str(&answer).unwrap();
    answer["total_count"].as_u64().unwrap()
}

/// Asks for all jobs and their number, which must be of one state, and of no earlier one than the last; returns how often that
/// was answered.
fn read_until(server: &Server, is_done: &AtomicBool) -> usize {
    let (mut answers, mut before) = (0, 0);
    while !is_done.load(Ordering::Relaxed) {
        let body = r#"{"domain_id":"d","query":{"only":["job_id"]}}"#;
        let (status, answer) = server.send("POST", "/inventory/v1/jobs/search", body);
        // A slow machine is too busy for so many lists, and says so.
        if matches!(status, 503 | 504) {
            let codes = ["ERROR_UNAVAILABLE", "ERROR_REQUEST_TIMEOUT"];
            assert!(codes.iter().any(|code| answer.contains(code)), "{answer}");
            continue;
        }
        assert_eq!(status, 200, "{answer}");
        let answer: Value = serde_json::from_str(&answer).unwrap();
        let total = answer["total_count"].as_u64().unwrap();
        let jobs = answer["results"].as_array().unwrap();
        let ids: BTreeSet<_> = jobs.iter().map(|job| job["job_id"].as_str()).collect();
        assert_eq!(ids.len() as u64, total);
        assert!(total >= before, "{total} jobs after {before}");
        (answers, before) = (answers + 1, total);
    }
    answers
}
