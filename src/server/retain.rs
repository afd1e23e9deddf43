//! The task that deletes old jobs: `serve --retain`.

use std::sync::Arc;
use std::time::Duration;

use super::tasks::repeat;
use crate::clock::Clocks;
use crate::store::{Expired, Interrupt, Store, StoreError};
use crate::time::Age;

/// How often jobs that have become too old are deleted.
const INTERVAL: Duration = Duration::from_hours(1);

/// Deletes jobs that are too old, now and then every hour, for as long as it is awaited.
pub(super) async fn keep_pruning(store: Arc<Store>, clocks: Arc<Clocks>, age: Age) {
    let act = move |interrupt: &Interrupt| prune(&store, &clocks, age, interrupt);
    repeat("deleting old jobs", INTERVAL, act).await;
}

/// Deletes jobs that are too old by the server's clock, unless they are more than half of all jobs: few jobs become too old
/// within an hour, and a clock that is years ahead must not delete them all.
fn prune(
    store: &Store,
    clocks: &Clocks,
    age: Age,
    interrupt: &Interrupt,
) -> Result<(), StoreError> {
    let before = age.before(clocks.now(None));
    let expired = Expired {
        before,
        domain_id: None,
        statuses: Vec::new(),
    };
    let sum = |domains: Vec<(String, u64)>| domains.iter().map(|(_, jobs)| jobs).sum::<u64>();
    let old = sum(store.count_expired(&expired)?);
    if old == 0 {
        return Ok(());
    }
    let no_deadline = Arc::new(Interrupt::after(Duration::MAX));
    let all = store.reader(&no_deadline)?.begin()?.total()?;
    if old > all / 2 {
        log::warn!(
            "{old} of {all} jobs were created before {before}, which is too many to delete automatically: is the clock right? Then \
             `jobdeck prune` deletes them"
        );
        return Ok(());
    }
    let deleted = sum(store.delete_expired(&expired, interrupt, &mut |_| ())?);
    log::info!("deleted {deleted} jobs that were created before {before}");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use crate::job::Job;
    use crate::store::{Mode, OnConflict};
    use crate::time::Timestamp;

    fn put(store: &Store, job_id: &str, created_at: &str) {
        let text =
            format!(r#"{{"job_id":"{job_id}","domain_id":"d","created_at":"{created_at}"}}"#);
        let mut writer = store.writer().unwrap();
        let mut transaction = writer.begin(OnConflict::Fail).unwrap();
        transaction
            .put(&Job::from_json(text.as_bytes()).unwrap())
            .unwrap();
        transaction.commit().unwrap();
    }

    fn has(store: &Store, job_id: &str) -> bool {
        let mut writer = store.writer().unwrap();
        let transaction = writer.begin(OnConflict::Fail).unwrap();
        transaction.find("d", job_id).unwrap().is_some()
    }

    /// A store, clocks that stand still at 2022-06-20T12:00:00Z, and the folder of the store.
    fn setting() -> (Arc<Store>, Arc<Clocks>, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("x.db"), Mode::Scratch, 2).unwrap();
        let now = Timestamp::parse_rfc3339("2022-06-20T12:00:00Z").unwrap();
        let clocks = Clocks::new(Clock::Frozen(now));
        (Arc::new(store), Arc::new(clocks), folder)
    }

    #[test]
    fn old_jobs_are_deleted_unless_they_are_most_of_all() {
        let (store, clocks, _folder) = setting();
        let age = Age::parse("2d").unwrap();
        let interrupt = Interrupt::after(Duration::MAX);
        let round = || prune(&store, &clocks, age, &interrupt).unwrap();
        put(&store, "older", "2022-06-18T11:59:59.999Z");
        put(&store, "as-old", "2022-06-18T12:00:00Z");
        round();
        assert!(!has(&store, "older"));
        assert!(has(&store, "as-old"));
        let years_ahead = Timestamp::parse_rfc3339("2072-06-20T12:00:00Z").unwrap();
        clocks.set(None, Clock::Frozen(years_ahead));
        round();
        assert!(has(&store, "as-old"), "all are old, so the clock is wrong");
        put(&store, "also-old", "2022-06-18T13:00:00Z");
        put(&store, "new", "2072-06-20T12:00:00Z");
        round();
        assert!(
            has(&store, "as-old"),
            "one that was written meanwhile does not make it right"
        );
        put(&store, "newer", "2072-06-20T12:00:00Z");
        interrupt.cancel();
        round();
        assert!(has(&store, "as-old"), "the server stops");
        prune(&store, &clocks, age, &Interrupt::after(Duration::MAX)).unwrap();
        assert!(!has(&store, "as-old") && !has(&store, "also-old"));
        assert!(has(&store, "new") && has(&store, "newer"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_job_that_becomes_too_old_is_deleted_within_the_hour() {
        let (store, clocks, _folder) = setting();
        put(&store, "old", "2022-06-18T11:00:00Z");
        put(&store, "older-soon", "2022-06-18T12:30:00Z");
        put(&store, "new", "2022-06-20T11:00:00Z");
        let age = Age::parse("2d").unwrap();
        let pruning = tokio::spawn(keep_pruning(Arc::clone(&store), Arc::clone(&clocks), age));
        // The clock of this runtime advances by itself while nothing else runs.
        let gone = async |job_id: &str| {
            while has(&store, job_id) {
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        };
        let start = tokio::time::Instant::now();
        gone("old").await;
        assert!(start.elapsed() < Duration::from_mins(1));
        assert!(has(&store, "older-soon"));
        clocks.set(None, clocks.clock(None).advanced(3_600_000));
        gone("older-soon").await;
        assert!(start.elapsed() < Duration::from_mins(61));
        assert!(has(&store, "new"));
        pruning.abort();
    }
}
