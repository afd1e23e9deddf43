//! The ring buffer of the journal: holds the newest entries, at most [`MAX_ENTRIES`] and [`MAX_JOURNAL_BYTES`].

use std::collections::VecDeque;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use super::entry::JournalEntry;
use super::filter::JournalFilter;

/// The largest number of recorded requests.
pub const MAX_ENTRIES: usize = 1_000;
/// The largest size of all entries together, in bytes; the oldest are removed first.
pub const MAX_JOURNAL_BYTES: usize = 32 << 20;

/// The error of waiting for more requests than came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooFewRequests {
    /// The number of requests that came.
    pub came: usize,
    /// Whether the server stopped before the time was up.
    pub is_stopped: bool,
}

/// The count of one waiting reader.
#[derive(Debug, Default)]
struct Tally {
    came: usize,
    /// The id of the newest entry that is counted.
    last_id: u64,
    clears: u64,
}

/// The journal of a server.
#[derive(Debug)]
pub struct Journal {
    ring: Mutex<Ring>,
    /// Wakes waiting readers; the value is whether the server stops.
    news: watch::Sender<bool>,
}

#[derive(Debug, Default)]
struct Ring {
    entries: VecDeque<Arc<JournalEntry>>,
    bytes: usize,
    last_id: u64,
    version: u64,
    /// How often the journal was cleared.
    clears: u64,
}

impl Default for Journal {
    fn default() -> Self {
        Self {
            ring: Mutex::new(Ring {
                // A random start, so that a version of an earlier server is not taken for one of this.
                version: RandomState::new().hash_one(()),
                ..Ring::default()
            }),
            news: watch::Sender::new(false),
        }
    }
}

impl Journal {
    fn lock(&self) -> MutexGuard<'_, Ring> {
        // No change of the ring panics half way.
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records a request under the next id.
    pub fn record(&self, mut entry: JournalEntry) {
        let mut ring = self.lock();
        ring.last_id += 1;
        ring.version = ring.version.wrapping_add(1);
        entry.id = ring.last_id;
        ring.bytes += entry.bytes();
        ring.entries.push_back(Arc::new(entry));
        while ring.entries.len() > MAX_ENTRIES || ring.bytes > MAX_JOURNAL_BYTES {
            let Some(oldest) = ring.entries.pop_front() else {
                break;
            };
            ring.bytes -= oldest.bytes();
        }
        drop(ring);
        self.news.send_modify(|_| {});
    }

    /// Returns a number that differs after each change.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.lock().version
    }

    /// Finds the matching requests, oldest first.
    #[must_use]
    pub fn find(&self, filter: &JournalFilter) -> Vec<Arc<JournalEntry>> {
        let entries: Vec<_> = self.lock().entries.iter().cloned().collect();
        entries
            .into_iter()
            .filter(|entry| filter.matches(entry))
            .collect()
    }

    /// Waits until `count` matching requests have come, and finds them. Requests that newer ones have replaced
    /// meanwhile are counted; requests that were cleared are not.
    ///
    /// # Errors
    /// [`TooFewRequests`] when the time is up or the server stops.
    pub async fn wait_for(
        &self,
        filter: &JournalFilter,
        count: usize,
        timeout: Duration,
    ) -> Result<Vec<Arc<JournalEntry>>, TooFewRequests> {
        let mut news = self.news.subscribe();
        let end = tokio::time::sleep(timeout);
        tokio::pin!(end);
        let mut tally = Tally::default();
        loop {
            let is_stopped = *news.borrow_and_update();
            self.count_new(filter, &mut tally);
            let came = tally.came;
            if came >= count {
                return Ok(self.find(filter));
            }
            if is_stopped {
                return Err(TooFewRequests { came, is_stopped });
            }
            tokio::select! {
                // Never an error: the sender lives as long as this journal.
                _ = news.changed() => {}
                () = &mut end => return Err(TooFewRequests { came, is_stopped }),
            }
        }
    }

    /// Counts the requests since the last call; starts again if the journal was cleared meanwhile.
    fn count_new(&self, filter: &JournalFilter, tally: &mut Tally) {
        let ring = self.lock();
        if ring.clears != tally.clears {
            *tally = Tally {
                clears: ring.clears,
                ..Tally::default()
            };
        }
        let is_new = |entry: &&Arc<JournalEntry>| entry.id > tally.last_id;
        let news = ring.entries.iter().rev().take_while(is_new);
        let news: Vec<_> = news.cloned().collect();
        tally.last_id = ring.last_id;
        drop(ring);
        tally.came += news.iter().filter(|entry| filter.matches(entry)).count();
    }

    /// Removes all requests, or those that name a domain; returns their number.
    pub fn clear(&self, domain_id: Option<&str>) -> usize {
        let mut ring = self.lock();
        let before = ring.entries.len();
        ring.entries
            .retain(|entry| domain_id.is_some() && entry.domain_id.as_deref() != domain_id);
        ring.bytes = ring.entries.iter().map(|entry| entry.bytes()).sum();
        ring.version = ring.version.wrapping_add(1);
        ring.clears += 1;
        before - ring.entries.len()
    }

    /// Ends all waits: the server stops.
    pub fn stop(&self) {
        self.news.send_replace(true);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::body::{MAX_RECORDED_BYTES, RecordedBody};
    use super::*;
    use crate::route::{Route, RouteName};
    use crate::time::Timestamp;

    fn entry(domain: &str, method: &str, path: &str, query: &str, body: &[u8]) -> JournalEntry {
        let (body, is_body_cut) = RecordedBody::from_bytes(body);
        JournalEntry {
            id: 0,
            at: Timestamp::from_millis(0).unwrap(),
            request_id: "r".to_owned(),
            headers: BTreeMap::new(),
            method: method.to_owned(),
            path: path.to_owned(),
            query: query.to_owned(),
            route: Route::find(method, path).and_then(Route::name),
            domain_id: Some(domain.to_owned()),
            job_id: None,
            body,
            is_body_cut,
            status: (domain != "dropped").then_some(200),
            answer: RecordedBody::Nothing,
            is_answer_cut: false,
            milliseconds: 1.5,
            faults: Vec::new(),
        }
    }

    fn search(domain: &str, body: &str) -> JournalEntry {
        entry(
            domain,
            "POST",
            "/inventory/v1/jobs/search",
            "",
            body.as_bytes(),
        )
    }

    #[test]
    fn an_entry_is_written_with_the_body_as_it_was_sent() {
        let journal = Journal::default();
        journal.record(entry(
            "d",
            "POST",
            "/inventory/v1/jobs/stat",
            "",
            b"{\"domain_id\":\"d\"}",
        ));
        let found = journal.find(&JournalFilter::default());
        assert_eq!(
            serde_json::to_string(found[0].as_ref()).unwrap(),
            r#"{"id":1,"at":"1970-01-01T00:00:00.000Z","request_id":"r","method":"POST","path":"/inventory/v1/jobs/stat","query":"","headers":{},"route":"stat","domain_id":"d","job_id":null,"body":{"domain_id":"d"},"is_body_cut":false,"status":200,"answer":null,"is_answer_cut":false,"milliseconds":1.5,"faults":[]}"#
        );
    }

    #[test]
    fn a_filter_finds_the_entries_that_it_describes() {
        type Case = (fn(&mut JournalFilter), &'static [u64]);
        let journal = Journal::default();
        journal.record(search("d", r#"{"keyword":"one"}"#));
        journal.record(search("e", "{}"));
        journal.record(entry(
            "d",
            "GET",
            "/inventory/v1/jobs",
            "keyword=one%20two",
            b"",
        ));
        journal.record(search("dropped", "{}"));
        let filter = |narrow: fn(&mut JournalFilter)| {
            let mut filter = JournalFilter::default();
            narrow(&mut filter);
            filter
        };
        let cases: [Case; 12] = [
            (|_| {}, &[1, 2, 3, 4]),
            (|all| all.domain_id = Some("d".into()), &[1, 3]),
            (|all| all.job_id = Some("j".into()), &[]),
            (
                |all| all.route = RouteName::parse("search").ok(),
                &[1, 2, 4],
            ),
            (|all| all.method = Some("GET".into()), &[3]),
            (|all| all.path = Some("/inventory/v1/jobs".into()), &[3]),
            (|all| all.status = Some(Some(200)), &[1, 2, 3]),
            (|all| all.status = Some(None), &[4]),
            (|all| all.contains = Some("one".into()), &[1, 3]),
            (|all| all.contains = Some("one two".into()), &[3]),
            (|all| all.after = Some(2), &[3, 4]),
            (
                |all| {
                    all.after = Some(2);
                    all.domain_id = Some("d".into());
                },
                &[3],
            ),
        ];
        for (narrow, expected) in cases {
            let filter = filter(narrow);
            let ids: Vec<_> = journal.find(&filter).iter().map(|entry| entry.id).collect();
            assert_eq!(ids, expected, "{filter:?}");
        }
        assert_eq!(journal.clear(Some("d")), 2);
        assert_eq!(journal.clear(None), 2);
        journal.record(search("d", ""));
        assert_eq!(
            journal.find(&JournalFilter::default())[0].id,
            5,
            "ids are not used again"
        );
    }

    #[test]
    fn the_oldest_are_removed_first() {
        let journal = Journal::default();
        for _ in 0..=MAX_ENTRIES {
            journal.record(search("d", ""));
        }
        let found = journal.find(&JournalFilter::default());
        assert_eq!((found.len(), found[0].id), (MAX_ENTRIES, 2));
        let large = "x".repeat(MAX_RECORDED_BYTES);
        for _ in 0..MAX_ENTRIES {
            journal.record(search("d", &large));
        }
        let found = journal.find(&JournalFilter::default());
        let bytes: usize = found.iter().map(|entry| entry.bytes()).sum();
        assert!(bytes <= MAX_JOURNAL_BYTES && bytes > MAX_JOURNAL_BYTES - 2 * MAX_RECORDED_BYTES);
        assert_eq!(journal.lock().bytes, bytes);
        journal.clear(None);
        assert_eq!(journal.lock().bytes, 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_wait_ends_when_enough_have_come_or_time_is_up_or_the_server_stops() {
        const TEN: Duration = Duration::from_secs(10);
        let journal = Journal::default();
        let filter = JournalFilter {
            domain_id: Some("d".to_owned()),
            ..JournalFilter::default()
        };
        assert!(journal.wait_for(&filter, 0, TEN).await.unwrap().is_empty());
        journal.record(search("d", ""));
        let (waited, ()) = tokio::join!(journal.wait_for(&filter, 2, TEN), async {
            journal.record(search("e", ""));
            tokio::task::yield_now().await;
            journal.record(search("d", ""));
        });
        assert_eq!(waited.unwrap().len(), 2);
        let start = tokio::time::Instant::now();
        let too_few = |is_stopped| TooFewRequests {
            came: 2,
            is_stopped,
        };
        let waited = journal.wait_for(&filter, 3, TEN).await;
        assert_eq!(waited.unwrap_err(), too_few(false));
        assert_eq!(start.elapsed(), TEN);
        let (waited, ()) = tokio::join!(journal.wait_for(&filter, 3, TEN), async {
            tokio::task::yield_now().await;
            journal.stop();
        });
        assert_eq!(waited.unwrap_err(), too_few(true));
        assert_eq!(start.elapsed(), TEN);
    }

    #[tokio::test(start_paused = true)]
    async fn a_wait_counts_replaced_entries_and_not_cleared_ones() {
        const TEN: Duration = Duration::from_secs(10);
        let journal = Journal::default();
        let filter = JournalFilter {
            domain_id: Some("d".to_owned()),
            ..JournalFilter::default()
        };
        journal.record(search("d", ""));
        let (waited, ()) = tokio::join!(journal.wait_for(&filter, 2, TEN), async {
            tokio::task::yield_now().await;
            for _ in 0..MAX_ENTRIES {
                journal.record(search("e", ""));
            }
            tokio::task::yield_now().await;
            journal.record(search("d", ""));
        });
        let ids: Vec<_> = waited.unwrap().iter().map(|entry| entry.id).collect();
        assert_eq!(
            ids,
            [MAX_ENTRIES as u64 + 2],
            "the entry that is still there"
        );
        let (waited, ()) = tokio::join!(journal.wait_for(&filter, 2, TEN), async {
            tokio::task::yield_now().await;
            journal.clear(Some("d"));
            journal.record(search("d", ""));
        });
        assert_eq!(waited.unwrap_err().came, 1);
    }
}
