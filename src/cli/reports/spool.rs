//! `Spool`: a folder of reports that no server has taken yet, each a file.
//!
//! A report is in the folder, and on the disk, before it is sent, and is deleted when the server has taken it. Files are never
//! changed, and their names are in the order of their jobs. The folder is bounded: where it is full, the oldest go, the starts
//! of jobs before the ends.

use std::fs::{self, DirBuilder, File};
use std::io::{Error, Result as IoResult, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::report::{Report, ReportTarget};
use crate::cli::shell::{ClientError, Target};

/// The most reports in the folder, and the most bytes.
const MAX_REPORTS: usize = 1_000;
const MAX_BYTES: u64 = 16 << 20;
/// The most bytes of a report that is read.
const MAX_REPORT_BYTES: u64 = 1 << 20;
/// The pause between two looks at the lock of another process.
const LOCK_PAUSE: Duration = Duration::from_millis(20);
/// The endings of the names: a report, and one that no server will ever take.
const REPORT: &str = "json";
const REFUSED: &str = "refused";

/// A folder of reports.
#[derive(Debug, Clone)]
pub(super) struct Spool {
    folder: PathBuf,
}

/// What became of the reports.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Outcome {
    pub(super) sent: usize,
    /// How many wait on.
    pub(super) left: usize,
    /// Why the first of these was not taken.
    pub(super) problem: Option<String>,
    /// Reports that are wrong in themselves, and were put aside: a line each.
    pub(super) refused: Vec<String>,
}

impl Spool {
    /// Makes the folder, which only this user may read: messages of errors may have secrets.
    pub(super) fn open(given: Option<&Path>) -> IoResult<Self> {
        let folder = match given {
            Some(folder) => folder.to_owned(),
            None => default_folder().ok_or_else(|| {
                Error::other("there is no folder for reports; name one with `--spool`")
            })?,
        };
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&folder)?;
        Ok(Self { folder })
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Returns the name of the file of a report; names are in the order of the starts of the jobs.
    fn name(report: &Report) -> String {
        let created = report.job["created_at"].as_str().unwrap_or_default();
        let created: String = created.chars().filter(char::is_ascii_digit).collect();
        let job: String = report
            .job_id
            .chars()
            .take(100)
            .map(|letter| {
                if letter.is_ascii_alphanumeric() {
                    letter
                } else {
                    '-'
                }
            })
            .collect();
        format!("{created}-{job}.{}.{REPORT}", u8::from(report.is_end))
    }

    /// Saves a report, and waits until it is on the disk. The end of a job takes the place of its start.
    pub(super) fn save(&self, report: &Report) -> IoResult<()> {
        self.make_room()?;
        let mut file = tempfile::Builder::new()
            .prefix(".new-")
            .tempfile_in(&self.folder)?;
        file.write_all(&serde_json::to_vec(report)?)?;
        file.as_file().sync_all()?;
        file.persist(self.folder.join(Self::name(report)))
            .map_err(|error| error.error)?;
        File::open(&self.folder)?.sync_all()?;
        let [start, end] = [false, true].map(|is_end| {
            let report = Report {
                is_end,
                ..report.clone()
            };
            self.folder.join(Self::name(&report))
        });
        if end.exists() {
            // It may be on its way, or be saved only now.
            let _ = fs::remove_file(start);
        }
        Ok(())
    }

    /// Deletes the oldest files where there are too many: of starts first, which say less than ends.
    fn make_room(&self) -> IoResult<()> {
        let mut files = self.files(&[REPORT, REFUSED])?;
        let is_start = |path: &Path| path.to_string_lossy().ends_with(".0.json");
        files.sort_by_key(|path| (!is_start(path), path.clone()));
        let size = |path: &PathBuf| fs::metadata(path).map_or(0, |metadata| metadata.len());
        let mut bytes: u64 = files.iter().map(size).sum();
        let mut count = files.len();
        let before = count;
        for path in files {
            if count < MAX_REPORTS && bytes < MAX_BYTES {
                break;
            }
            bytes = bytes.saturating_sub(size(&path));
            count -= 1;
            fs::remove_file(&path)?;
        }
        if count < before {
            log::warn!(
                "{}: the folder of reports is full, and the oldest {} were dropped: is the server away for long?",
                self.folder.display(),
                before - count
            );
        }
        Ok(())
    }

    /// Returns the files with one of these endings, by name.
    fn files(&self, endings: &[&str]) -> IoResult<Vec<PathBuf>> {
        let mut files = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let path = entry?.path();
            let ending = path.extension().and_then(|ending| ending.to_str());
            if ending.is_some_and(|ending| endings.contains(&ending)) {
                files.push(path);
            }
        }
        files.sort();
        Ok(files)
    }

    /// Sends the reports that are for a target, in order, until the deadline, or until the server does not answer.
    pub(super) fn send(&self, target: &ReportTarget, deadline: Instant) -> IoResult<Outcome> {
        let mut outcome = Outcome::default();
        let name = target.name();
        let mut waiting = self.waiting(&name, &mut outcome)?;
        if waiting.is_empty() {
            return Ok(outcome);
        }
        let lock = File::create(self.folder.join("lock"))?;
        while lock.try_lock().is_err() {
            if Instant::now() >= deadline {
                outcome.left = waiting.len();
                outcome.problem = Some("another process is sending reports".to_owned());
                return Ok(outcome);
            }
            std::thread::sleep(LOCK_PAUSE);
        }
        // That process may have sent some.
        waiting.retain(|(path, _)| path.exists());
        let opened = match target.open() {
            Ok(opened) => opened,
            Err(error) => {
                outcome.left = waiting.len();
                outcome.problem = Some(error.into_problem());
                return Ok(outcome);
            }
        };
        let mut is_away = false;
        for (path, report) in waiting {
            if is_away || Instant::now() >= deadline {
                outcome.left += 1;
                outcome
                    .problem
                    .get_or_insert_with(|| "no answer in time".to_owned());
                continue;
            }
            match deliver(&opened, &report) {
                Ok(()) => {
                    fs::remove_file(&path)?;
                    outcome.sent += 1;
                }
                Err(ClientError::Refused(400 | 409 | 413 | 415 | 422, problem)) => {
                    fs::rename(&path, path.with_extension(REFUSED))?;
                    let line = format!(
                        "the report of job {} was refused, and put aside: {problem}",
                        report.job_id
                    );
                    outcome.refused.push(line);
                }
                Err(error) => {
                    is_away = matches!(error, ClientError::Away(_));
                    outcome.left += 1;
                    outcome.problem.get_or_insert(error.into_problem());
                }
            }
        }
        Ok(outcome)
    }

    /// Returns the reports that are for a target; a file that is none is put aside.
    fn waiting(&self, target: &str, outcome: &mut Outcome) -> IoResult<Vec<(PathBuf, Report)>> {
        let mut waiting = Vec::new();
        for path in self.files(&[REPORT])? {
            let is_short =
                fs::metadata(&path).is_ok_and(|metadata| metadata.len() <= MAX_REPORT_BYTES);
            let bytes = if is_short {
                fs::read(&path)
            } else {
                Ok(Vec::new())
            };
            // Another process may have sent it meanwhile.
            let Ok(bytes) = bytes else { continue };
            match serde_json::from_slice::<Report>(&bytes) {
                Ok(report) if report.target == target => waiting.push((path, report)),
                Err(_) if path.exists() => {
                    fs::rename(&path, path.with_extension(REFUSED))?;
                    let line = format!("{}: is no report, and was put aside", path.display());
                    outcome.refused.push(line);
                }
                // For another target, or sent meanwhile.
                Ok(_) | Err(_) => {}
            }
        }
        Ok(waiting)
    }
}

/// Sends one report.
pub(super) fn deliver(target: &Target, report: &Report) -> Result<(), ClientError> {
    target.try_send(&report.request()).map(drop)
}

/// Returns the folder of the user: `$XDG_STATE_HOME/jobdeck/reports`, or `~/.local/state/jobdeck/reports`.
fn default_folder() -> Option<PathBuf> {
    let variable = |name| {
        let value = std::env::var_os(name).map(PathBuf::from);
        value.filter(|value| value.is_absolute())
    };
    let state =
        variable("XDG_STATE_HOME").or_else(|| Some(variable("HOME")?.join(".local/state")))?;
    Some(state.join("jobdeck/reports"))
}

#[cfg(test)]
mod tests {
    use jobdeck::time::Timestamp;
    use serde_json::json;

    use super::super::process::Ending;
    use super::*;
    use crate::cli::shell::{Access, Request};

    fn report(number: usize, is_end: bool) -> Report {
        Report {
            target: "http://127.0.0.1:1".to_owned(),
            domain_id: "d".to_owned(),
            job_id: format!("job/{number:06}"),
            is_end,
            job: json!({"created_at": format!("2026-01-01T00:00:00.{:03}Z", number % 1_000)}),
        }
    }

    fn names(spool: &Spool) -> Vec<String> {
        let files = spool.files(&[REPORT, REFUSED]).unwrap().into_iter();
        files
            .map(|path| path.file_name().unwrap().to_str().unwrap().to_owned())
            .collect()
    }

    #[test]
    fn an_end_takes_the_place_of_the_start() {
        let folder = tempfile::tempdir().unwrap();
        let spool = Spool::open(Some(&folder.path().join("new/reports"))).unwrap();
        spool.save(&report(1, false)).unwrap();
        assert_eq!(names(&spool), ["20260101000000001-job-000001.0.json"]);
        spool.save(&report(1, true)).unwrap();
        assert_eq!(names(&spool), ["20260101000000001-job-000001.1.json"]);
        let mut outcome = Outcome::default();
        let waiting = spool.waiting("http://127.0.0.1:1", &mut outcome).unwrap();
        assert_eq!(waiting[0].1, report(1, true));
        assert!(
            spool
                .waiting("http://other", &mut outcome)
                .unwrap()
                .is_empty()
        );
    }

    #[test]
    fn a_full_folder_loses_starts_before_ends_and_the_oldest_first() {
        let folder = tempfile::tempdir().unwrap();
        let spool = Spool::open(Some(folder.path())).unwrap();
        for number in 0..MAX_REPORTS {
            let report = report(number, number != 500);
            let bytes = serde_json::to_vec(&report).unwrap();
            fs::write(folder.path().join(Spool::name(&report)), bytes).unwrap();
        }
        spool.save(&report(999_999, true)).unwrap();
        assert_eq!(names(&spool).len(), MAX_REPORTS);
        assert!(!names(&spool).iter().any(|name| name.ends_with(".0.json")));
        spool.save(&report(999_998, true)).unwrap();
        assert!(
            names(&spool)[0].contains("-000001."),
            "{:?}",
            names(&spool)[0]
        );
    }

    #[test]
    fn a_start_that_comes_late_does_not_undo_the_end() {
        let folder = tempfile::tempdir().unwrap();
        let target = Target::database(folder.path().join("x.db"), Access::Create).unwrap();
        let start = report(1, false);
        let end = start.ended(&Ending::Exit(0, String::new()), Timestamp::MAX);
        for report in [&end, &start, &end, &start] {
            assert!(deliver(&target, report).is_ok());
        }
        let path = "/inventory/v1/jobs?domain_id=d";
        let answer = target.json(&Request::get(path)).unwrap();
        assert_eq!(answer["total_count"], 1);
        assert_eq!(answer["results"][0]["job_id"], start.job_id);
        assert_eq!(answer["results"][0]["status"], "SUCCESS");
    }

    #[test]
    fn what_is_no_report_is_put_aside() {
        let folder = tempfile::tempdir().unwrap();
        let spool = Spool::open(Some(folder.path())).unwrap();
        fs::write(folder.path().join("x.json"), "{\"a\":").unwrap();
        let mut outcome = Outcome::default();
        assert!(spool.waiting("t", &mut outcome).unwrap().is_empty());
        assert_eq!(names(&spool), ["x.refused"]);
        assert!(outcome.refused[0].ends_with("x.json: is no report, and was put aside"));
    }
}
