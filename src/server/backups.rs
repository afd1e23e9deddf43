//! The thread that makes backups: `serve --backup-dir`.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError};
use std::time::{Duration, Instant};

use super::config::BackupPlan;
use super::error::StartError;
use crate::api::metrics::BackupMetrics;
use crate::clock::Clock;
use crate::store::{
    BackupError, BackupFolder, CheckedCopy, OnExisting, ScratchFolder, Store, checked_copy,
    place_copy,
};
use crate::time::Timestamp;

/// How soon a backup that failed is tried again.
const RETRY_MILLIS: i64 = 15 * 60 * 1_000;
/// How often the thread looks at the clock, which may be set, or sleep with the machine.
const MAX_SLEEP: Duration = Duration::from_mins(1);
/// The longest pause between two steps of a copy.
const MAX_PAUSE: Duration = Duration::from_millis(200);
/// How much the thread yields to others, of 19 at the most.
#[cfg(target_os = "linux")]
const NICENESS: i32 = 10;

/// Makes the backups of a store, on a thread of its own.
struct Backups {
    plan: BackupPlan,
    folder: BackupFolder,
    store: Arc<Store>,
    metrics: Arc<BackupMetrics>,
    /// Disconnected when the server stops.
    stop: Receiver<()>,
}

/// Starts the thread, which runs until the other end of `stop` is dropped.
///
/// # Errors
/// [`StartError::Backups`] where the folder can't be read or written to.
pub(super) fn start(
    plan: &BackupPlan,
    store: Arc<Store>,
    metrics: Arc<BackupMetrics>,
    stop: Receiver<()>,
) -> Result<(), StartError> {
    let failure = |source| StartError::Backups {
        folder: plan.folder.clone(),
        source,
    };
    let folder = BackupFolder::new(&plan.folder, store.path());
    let newest = newest(&folder).map_err(failure)?;
    // Whether it can be written to is known now, and not at night.
    drop(ScratchFolder::make(&plan.folder).map_err(failure)?);
    if let Some(newest) = newest {
        metrics.succeeded(newest);
    }
    let backups = Backups {
        plan: plan.clone(),
        folder,
        store,
        metrics,
        stop,
    };
    std::thread::Builder::new()
        .name("backups".to_owned())
        .spawn(move || backups.run())
        .map_err(failure)?;
    Ok(())
}

/// Returns the time of the newest backup. One of the future, from a clock that was wrong, is none.
fn newest(folder: &BackupFolder) -> std::io::Result<Option<Timestamp>> {
    let now = Clock::SYSTEM.now();
    let times = folder.backups()?.into_iter().map(|(time, _)| time);
    Ok(times.filter(|time| *time <= now).max())
}

/// Returns when the next backup is due: an interval after the newest, and after a failure not before it is tried again.
fn due_at(
    newest: Option<Timestamp>,
    every_millis: i64,
    failed_at: Option<Timestamp>,
) -> Option<Timestamp> {
    let due = newest.map(|newest| newest.plus_millis(every_millis));
    let retry = failed_at.map(|failed| failed.plus_millis(RETRY_MILLIS.min(every_millis)));
    due.max(retry)
}

impl Backups {
    fn run(self) {
        lower_priority();
        let mut failed_at = None;
        loop {
            let now = Clock::SYSTEM.now();
            // Read each time, since the command may have made one, too, and a person may have deleted some.
            let newest = newest(&self.folder);
            let latest = newest.as_ref().ok().copied().flatten();
            let due = due_at(latest, self.plan.every.millis(), failed_at);
            if let Some(due) = due.filter(|due| *due > now) {
                if self.sleeps_until(due, now) {
                    continue;
                }
                return;
            }
            let result = newest
                .map_err(|source| io(self.folder.path(), source))
                .and_then(|_| self.back_up(now));
            if self.is_stopping() {
                return;
            }
            failed_at = match result {
                Ok(()) => None,
                Err(error) => {
                    self.metrics.failed();
                    log::error!("the backup failed, and is tried again in 15 minutes: {error}");
                    Some(now)
                }
            };
        }
    }

    /// Sleeps for a while, at most until a time; returns whether the server still runs.
    fn sleeps_until(&self, due: Timestamp, now: Timestamp) -> bool {
        let millis = u64::try_from(due.millis() - now.millis()).unwrap_or(0);
        let result = self
            .stop
            .recv_timeout(Duration::from_millis(millis).min(MAX_SLEEP));
        result == Err(RecvTimeoutError::Timeout)
    }

    fn is_stopping(&self) -> bool {
        self.stop.try_recv() == Err(TryRecvError::Disconnected)
    }

    /// Makes a backup, and then deletes those that are too many.
    fn back_up(&self, now: Timestamp) -> Result<(), BackupError> {
        let path = self.folder.backup_at(now);
        let start = Instant::now();
        let copied = self.copy_to(&path)?;
        self.metrics.succeeded(now);
        log::info!(
            "backed up {} jobs to {}, {} bytes, in {:.1} s",
            copied.jobs,
            path.display(),
            copied.bytes,
            start.elapsed().as_secs_f64()
        );
        if let Err(error) = self.folder.delete_all_but(self.plan.keep, &path) {
            let folder = self.folder.path().display();
            log::warn!("{folder}: old backups can't be deleted for now: {error}");
        }
        Ok(())
    }

    fn copy_to(&self, path: &Path) -> Result<CheckedCopy, BackupError> {
        let scratch = ScratchFolder::make(self.folder.path())
            .map_err(|source| io(self.folder.path(), source))?;
        let made = scratch.path().join("jobs.db");
        let mut step = Instant::now();
        let copied = checked_copy(&self.store, &made, path, &mut |_| {
            // The disk is for the requests, too.
            std::thread::sleep(step.elapsed().min(MAX_PAUSE));
            step = Instant::now();
            if self.is_stopping() {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        })?;
        place_copy(&made, path, OnExisting::Fail).map_err(|source| io(path, source))?;
        Ok(copied)
    }
}

fn io(path: &Path, source: std::io::Error) -> BackupError {
    BackupError::Io {
        path: PathBuf::from(path),
        source,
    }
}

/// Has the threads that answer requests go first. Only on Linux does a thread have a priority of its own.
fn lower_priority() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::nice(NICENESS) {
        log::debug!("the thread of the backups has the priority of the others: {error}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600_000;

    #[track_caller]
    fn check(newest: Option<Timestamp>, failed: Option<Timestamp>, expected: Option<Timestamp>) {
        assert_eq!(due_at(newest, 24 * HOUR, failed), expected);
    }

    #[test]
    fn a_backup_is_due_an_interval_after_the_newest_and_soon_after_a_failure() {
        let at = |hours: i64| Timestamp::from_millis(hours * HOUR).unwrap();
        let retry = |hours: i64| Some(at(hours).plus_millis(RETRY_MILLIS));
        check(None, None, None);
        check(Some(at(1)), None, Some(at(25)));
        check(None, Some(at(30)), retry(30));
        check(Some(at(1)), Some(at(30)), retry(30));
        check(Some(at(29)), Some(at(30)), Some(at(53)));
    }
}
