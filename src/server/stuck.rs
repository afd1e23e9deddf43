//! The task that ends jobs that nobody reports on any more: `serve --stuck-after`.

use std::sync::Arc;
use std::time::Duration;

use super::tasks::repeat;
use crate::clock::Clocks;
use crate::job::JobError;
use crate::store::{Interrupt, Store, StoreError, Unreported};
use crate::time::Age;

/// How often the jobs in progress are looked through.
const INTERVAL: Duration = Duration::from_mins(1);
/// The code of the error that such a job gets.
const ERROR_CODE: &str = "ERROR_JOB_TIMEOUT";

/// Ends jobs that nobody reports on any more, now and then every minute, for as long as it is awaited.
pub(super) async fn keep_ending(store: Arc<Store>, clocks: Arc<Clocks>, age: Age) {
    let act = move |interrupt: &Interrupt| end_unreported(&store, &clocks, age, interrupt);
    repeat("ending stuck jobs", INTERVAL, act).await;
}

/// Ends such jobs of every domain, by the clock of the domain.
fn end_unreported(
    store: &Store,
    clocks: &Clocks,
    age: Age,
    interrupt: &Interrupt,
) -> Result<(), StoreError> {
    let no_deadline = Arc::new(Interrupt::after(Duration::MAX));
    let domains = store.reader(&no_deadline)?.begin()?.domains()?;
    let mut ended = 0;
    for (domain_id, _) in domains {
        let now = clocks.now(Some(&domain_id));
        let unreported = Unreported {
            before: age.before(now),
            now,
            error: JobError {
                error_code: Some(ERROR_CODE.to_owned()),
                message: Some(format!(
                    "nobody reported on the job for {age}, so jobdeck ended it (`jobdeck serve --stuck-after {age}`)"
                )),
                additional: None,
            },
        };
        ended += store.end_unreported(&domain_id, &unreported, interrupt)?;
    }
    if ended > 0 {
        log::info!("ended {ended} jobs as TIMEOUT, since nobody reported on them for {age}");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use crate::job::Job;
    use crate::store::{Mode, OnConflict};
    use crate::time::Timestamp;

    #[tokio::test(start_paused = true)]
    async fn a_job_that_nobody_reports_on_ends_within_a_minute() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("x.db"), Mode::Scratch, 2).unwrap();
        let store = Arc::new(store);
        let now = Timestamp::parse_rfc3339("2022-06-20T12:00:00Z").unwrap();
        let clocks = Arc::new(Clocks::new(Clock::Frozen(now)));
        let status = |job_id: &str| {
            let mut writer = store.writer().unwrap();
            let transaction = writer.begin(OnConflict::Fail).unwrap();
            let document = transaction.find("d", job_id).unwrap().unwrap();
            Job::from_json(document.as_bytes()).unwrap()
        };
        {
            let mut writer = store.writer().unwrap();
            let mut transaction = writer.begin(OnConflict::Fail).unwrap();
            for (job_id, hour) in [("old", 9), ("old-soon", 10), ("new", 11)] {
                let text = format!(
                    r#"{{"job_id":"{job_id}","domain_id":"d","status":"IN_PROGRESS","created_at":"2022-06-20T{hour:02}:30:00Z"}}"#
                );
                let job = Job::from_json(text.as_bytes()).unwrap();
                transaction.put(&job).unwrap();
            }
            transaction.commit().unwrap();
        }
        let age = Age::parse("2h").unwrap();
        let ending = tokio::spawn(keep_ending(Arc::clone(&store), Arc::clone(&clocks), age));
        // The clock of this runtime advances by itself while nothing else runs.
        let ended = async |job_id: &str| {
            while status(job_id).finished_at.is_none() {
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        };
        let start = tokio::time::Instant::now();
        ended("old").await;
        assert!(start.elapsed() < INTERVAL);
        assert_eq!(status("old-soon").finished_at, None);
        clocks.set(None, clocks.clock(None).advanced(3_600_000));
        ended("old-soon").await;
        assert!(start.elapsed() <= INTERVAL * 2);
        assert_eq!(status("new").finished_at, None);
        let message = status("old").errors[0].message.clone();
        assert_eq!(
            message.unwrap(),
            "nobody reported on the job for 2h, so jobdeck ended it (`jobdeck serve --stuck-after 2h`)"
        );
        ending.abort();
    }
}
