//! The files of tests/inputs, through every door that takes documents.
//!
//! `KIND.ENDING` is a file as people have it. `KIND.expected.ndjson` has the documents that it becomes, in the order of the
//! file; `KIND.errors.txt` has the mistakes in it, one a line, where `FILE` is the name of the source. Exactly one of the two
//! exists. Files that begin with `one-` are the JSON of one job, which PUT takes, too.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::{Server, fails, folder, job, jobdeck, ok, text};

const LISTEN: [&str; 2] = ["--listen", "127.0.0.1:0"];

/// A file, and what becomes of it.
struct Input {
    path: PathBuf,
    result: Result<Vec<String>, String>,
}

/// The end of the mistake of a job without an id.
const NO_ID: &str = "missing field `job_id`";

impl Input {
    fn name(&self) -> &str {
        self.path.file_name().unwrap().to_str().unwrap()
    }

    /// Checks what came of a door: the documents, or the text of the mistakes.
    #[track_caller]
    fn check(&self, door: &str, source: &str, got: &Result<Vec<String>, String>) {
        let expected = self
            .result
            .clone()
            .map_err(|errors| errors.replace("FILE", source));
        let got = got.clone().map_err(|errors| errors.trim().to_owned());
        assert_eq!(got, expected, "{} by {door}", self.name());
    }

    /// The same, of a door that does not keep the order.
    #[track_caller]
    fn check_sorted(&self, door: &str, source: &str, got: Result<Vec<String>, String>) {
        let sorted = |mut documents: Vec<String>| {
            documents.sort();
            documents
        };
        let sorted_input = Self {
            path: self.path.clone(),
            result: self.result.clone().map(sorted),
        };
        sorted_input.check(door, source, &got.map(sorted));
    }
}

/// Reads the table of files.
fn inputs() -> Vec<Input> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/inputs");
    let mut paths: Vec<_> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    let is_result = |path: &PathBuf| {
        let name = path.to_str().unwrap();
        name.ends_with(".expected.ndjson") || name.ends_with(".errors.txt")
    };
    let (results, files): (Vec<_>, Vec<_>) = paths.into_iter().partition(is_result);
    assert_eq!(results.len(), files.len(), "each file has one result");
    let inputs = files.into_iter().map(|path| {
        let name = path.file_name().unwrap().to_str().unwrap();
        let kind = name.split('.').next().unwrap();
        let read = |ending: &str| std::fs::read_to_string(folder.join(format!("{kind}.{ending}")));
        let result = match read("expected.ndjson") {
            Ok(documents) => Ok(documents.lines().map(str::to_owned).collect()),
            Err(_) => Err(read("errors.txt").unwrap().trim().to_owned()),
        };
        Input { path, result }
    });
    inputs.collect()
}

/// Returns the documents that an import has written to `x.db`, or its mistakes.
fn imported(here: &Path, output: &Output) -> Result<Vec<String>, String> {
    let database = here.join("x.db");
    if output.status.success() {
        let exported = ok(here, &["export", "--db", "x.db"]);
        std::fs::remove_file(database).unwrap();
        return Ok(exported.lines().map(str::to_owned).collect());
    }
    assert!(!database.exists(), "nothing is written");
    let said = text(&output.stderr);
    Err(said.strip_prefix("jobdeck: ").unwrap().to_owned())
}

/// Returns every document of a server whose jobs are of the domain `d`.
fn served(server: &Server) -> Vec<String> {
    let exported = server.get("/jobdeck/export?domain_id=d&format=ndjson");
    exported.lines().map(str::to_owned).collect()
}

#[test]
fn files_are_imported() {
    let folder = folder();
    let here = folder.path();
    for input in inputs() {
        let path = input.path.to_str().unwrap();
        let import = |arguments: &[&str], stdin: Stdio| {
            let mut command = jobdeck(here);
            command.args(["import", "--db", "x.db"]).args(arguments);
            command.stdin(stdin).output().unwrap()
        };
        let output = import(&[path], Stdio::null());
        input.check("import", path, &imported(here, &output));
        let output = import(&["-"], File::open(path).unwrap().into());
        input.check("standard input", "standard input", &imported(here, &output));
        // A folder within the folder, and another file next to it.
        let inner = here.join("in/ner");
        std::fs::create_dir_all(&inner).unwrap();
        std::fs::copy(path, inner.join(input.name())).unwrap();
        std::fs::write(here.join("in/notes.txt"), "no job").unwrap();
        let output = import(&["in"], Stdio::null());
        let source = format!("in/ner/{}", input.name());
        input.check("a folder", &source, &imported(here, &output));
        std::fs::remove_dir_all(here.join("in")).unwrap();
        // A dry run says what an import says, and writes nothing.
        let output = import(&["--dry-run", path], Stdio::null());
        assert!(!here.join("x.db").exists());
        let dry = match &input.result {
            Ok(documents) => {
                let jobs = documents.len();
                let expected = format!("{jobs} would be added, 0 replaced, 0 skipped; nothing was");
                assert!(text(&output.stdout).contains(&expected), "{output:?}");
                Ok(documents.clone())
            }
            Err(_) => imported(here, &output),
        };
        input.check("a dry run", path, &dry);
    }
}

#[test]
fn files_are_fixtures() {
    let folder = folder();
    for input in inputs() {
        let path = input.path.to_str().unwrap();
        let arguments = [&["serve", "--mock", "--fixtures", path], &LISTEN[..]].concat();
        let got = if input.result.is_ok() {
            Ok(served(&Server::start(folder.path(), &arguments)))
        } else {
            let output = jobdeck(folder.path()).args(arguments).output().unwrap();
            assert_eq!(output.status.code(), Some(1), "{path}");
            let said = text(&output.stderr);
            let (_, said) = said.split_once("jobdeck: ").unwrap();
            Err(said.to_owned())
        };
        input.check_sorted("fixtures", path, got);
    }
}

#[test]
fn files_are_posted() {
    let folder = folder();
    let server = Server::start(folder.path(), &[&["serve", "--mock"], &LISTEN[..]].concat());
    let agent = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .build()
        .new_agent();
    let domain = format!("{}/jobdeck/jobs?domain_id=d", server.url);
    for input in inputs() {
        let body = std::fs::read(&input.path).unwrap();
        let mut answer = agent
            .post(format!("{}/jobdeck/jobs", server.url))
            .header("content-type", "application/x-ndjson")
            .send(&body[..])
            .unwrap();
        let answered: serde_json::Value = answer.body_mut().read_json().unwrap();
        let got = match answer.status().as_u16() {
            200 => Ok(served(&server)),
            400 => {
                assert_eq!(served(&server), Vec::<String>::new(), "nothing is written");
                // A body of UTF-16 is decoded before anything reads it.
                if body.starts_with(b"\xff\xfe") {
                    continue;
                }
                Err(answered["detail"]["message"].as_str().unwrap().to_owned())
            }
            status => panic!("{}: {status} {answered}", input.name()),
        };
        match (&input.result, &got) {
            // A job of a POST without an id gets one.
            (Err(expected), Err(got)) if expected.contains(NO_ID) => {
                let mut lines: Vec<_> = expected.lines().collect();
                lines.retain(|line| !line.ends_with(NO_ID));
                let got: Vec<_> = got.lines().collect();
                assert_eq!(got.len(), lines.len(), "{}", input.name());
                for (got, expected) in got.iter().zip(&lines[..lines.len() - 1]) {
                    assert_eq!(*got, expected.replace("FILE", "body"));
                }
            }
            _ => input.check_sorted("POST of many", "body", got),
        }
        agent.delete(&domain).call().unwrap();
        if !input.name().starts_with("one-") {
            continue;
        }
        let job_id = "a";
        let answer = agent
            .put(format!("{}/jobdeck/jobs/{job_id}?domain_id=d", server.url))
            .header("content-type", "application/json")
            .send(&body[..])
            .unwrap();
        assert_eq!(answer.status().as_u16() < 300, input.result.is_ok());
        if input.result.is_ok() {
            let mut put = served(&server);
            if !String::from_utf8_lossy(&body).contains("finished") {
                // PUT gives a job that has ended its end, which an import leaves out.
                for document in &mut put {
                    if let Some((start, _)) = document.split_once(",\"finished_at\":") {
                        *document = format!("{start}}}");
                    }
                }
            }
            input.check_sorted("PUT", "body", Ok(put));
            agent.delete(&domain).call().unwrap();
        }
    }
}

#[test]
fn a_gzip_bomb_is_stopped_at_the_limit() {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(&vec![b' '; 1 << 20]).unwrap();
    // 65 MiB of white space, in as many members.
    let bomb = encoder.finish().unwrap().repeat(65);
    assert!(bomb.len() < 1 << 20);
    let folder = folder();
    let server = Server::start(folder.path(), &[&["serve", "--mock"], &LISTEN[..]].concat());
    let agent = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .build()
        .new_agent();
    let answer = agent
        .post(format!("{}/jobdeck/jobs", server.url))
        .header("content-type", "application/x-ndjson")
        .send(&bomb[..])
        .unwrap();
    assert_eq!(answer.status().as_u16(), 413);
    // An import has no limit but that of a job, and nothing but white space is no job.
    std::fs::write(folder.path().join("bomb.gz"), &bomb).unwrap();
    let said = ok(folder.path(), &["import", "bomb.gz"]);
    assert!(said.starts_with("read 0 jobs, "), "{said}");
}

#[test]
fn an_export_is_compressed_and_is_csv_by_the_name_of_its_file() {
    let folder = folder();
    let here = folder.path();
    ok(
        here,
        &["generate", "--jobs", "300", "--output", "made.ndjson.gz"],
    );
    ok(here, &["import", "made.ndjson.gz"]);
    let plain = ok(here, &["export"]);
    assert_eq!(plain.lines().count(), 300);
    for (name, mark) in [
        ("a.ndjson", &b"{"[..]),
        ("a.ndjson.gz", b"\x1f\x8b"),
        ("a.ndjson.zst", b"\x28\xb5\x2f\xfd"),
    ] {
        ok(here, &["export", "--output", name]);
        assert!(std::fs::read(here.join(name)).unwrap().starts_with(mark));
        ok(here, &["import", "--db", "again.db", name]);
        assert_eq!(ok(here, &["export", "--db", "again.db"]), plain, "{name}");
        std::fs::remove_file(here.join("again.db")).unwrap();
    }
    // CSV has not every member, but what it has comes back.
    let csv = ok(here, &["export", "--format", "csv"]);
    assert!(csv.starts_with("\u{feff}job_id,"));
    ok(here, &["export", "--output", "b.csv.gz"]);
    ok(here, &["import", "--db", "again.db", "b.csv.gz"]);
    let again = ok(here, &["export", "--db", "again.db", "--format", "csv"]);
    assert!(again == csv, "the columns come back");
    ok(here, &["export", "--format", "ndjson", "--output", "c.csv"]);
    assert_eq!(std::fs::read_to_string(here.join("c.csv")).unwrap(), plain);
}

#[test]
fn a_dry_run_counts_what_an_import_would_write() {
    let folder = folder();
    let here = folder.path();
    std::fs::write(here.join("old.ndjson"), job(1, "") + &job(2, "")).unwrap();
    ok(here, &["import", "old.ndjson"]);
    let database = std::fs::read(here.join("jobdeck.db")).unwrap();
    std::fs::write(
        here.join("new.ndjson"),
        job(2, "") + &job(3, "") + &job(3, ""),
    )
    .unwrap();
    for how in ["replace", "skip", "fail"] {
        let import = |more: &[&str]| {
            let arguments = ["import", "--on-conflict", how, "new.ndjson"];
            jobdeck(here).args(arguments).args(more).output().unwrap()
        };
        let dry = import(&["--dry-run"]);
        assert!(std::fs::read(here.join("jobdeck.db")).unwrap() == database);
        let copy = here.join("copy.db");
        std::fs::write(&copy, &database).unwrap();
        let real = import(&["--db", "copy.db"]);
        std::fs::remove_file(&copy).unwrap();
        assert_eq!(dry.status.code(), real.status.code());
        assert_eq!(text(&dry.stderr), text(&real.stderr));
        let as_real = text(&dry.stdout)
            .replace(" would be added", " added")
            .replace("; nothing was written", "")
            .replace("jobdeck.db", "copy.db");
        assert_eq!(as_real, text(&real.stdout), "{how}");
    }
    let said = fails(
        here,
        &["import", "--dry-run", "--on-conflict", "fail", "new.ndjson"],
        1,
    );
    assert!(
        said.ends_with("2 mistakes, in 2 of 3 jobs; nothing was changed\n"),
        "{said}"
    );
}
