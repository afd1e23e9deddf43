//! The requests that came, with their answers: the newest [`MAX_ENTRIES`], and of these no more than fit in
//! [`MAX_JOURNAL_BYTES`].

use std::collections::{BTreeMap, VecDeque};
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Serialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;
use tokio::sync::watch;
use utoipa::ToSchema;

use crate::route::RouteName;
use crate::time::Timestamp;

/// The most requests that are remembered.
pub const MAX_ENTRIES: usize = 1_000;
/// How much of a body and of an answer is remembered.
pub const MAX_KEPT_BYTES: usize = 64 << 10;
/// The most that all entries take together; the oldest go first.
pub const MAX_JOURNAL_BYTES: usize = 32 << 20;
/// What an entry takes beside its texts, roughly.
const ENTRY_BYTES: usize = 512;

/// A request and its answer.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = JournalEntry)]
pub struct Entry {
    /// A running number, by when the request was done with.
    pub id: u64,
    /// When it came, by the clock of the system.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    pub request_id: String,
    pub method: String,
    pub path: String,
    /// As it came, without the question mark.
    pub query: String,
    /// By their names in small letters; several of one name are joined by commas. Tokens, too, since it
    /// is a mock that is asked; but not those of its own `--tokens`.
    pub headers: BTreeMap<String, String>,
    /// Null: the request was for none of them.
    #[schema(required = true)]
    pub route: Option<RouteName>,
    /// As the request names it.
    #[schema(required = true)]
    pub domain_id: Option<String>,
    /// As the request names it.
    #[schema(required = true)]
    pub job_id: Option<String>,
    /// JSON as JSON, else a text, or null where there was none.
    #[schema(value_type = Value)]
    pub body: Kept,
    /// Whether the body was longer than what is kept of it.
    pub is_body_cut: bool,
    /// Null: nothing was answered; the connection was dropped, or the client left before.
    #[schema(required = true, minimum = 100, maximum = 599)]
    pub status: Option<u16>,
    /// The body of the answer, before it was compressed: JSON as JSON, else a text, or null.
    #[schema(value_type = Value)]
    pub answer: Kept,
    /// Whether the answer was longer than what is kept of it, or broke off, be it by a fault.
    pub is_answer_cut: bool,
    /// From the request's head to the end of the answer.
    pub milliseconds: f64,
    /// The faults that were used, by their ids; a header's is called `prefer`.
    pub faults: Vec<String>,
}

/// A body as it is kept: JSON if it is JSON, else a text, or nothing if there was none.
#[derive(Debug, Default, Serialize)]
#[serde(untagged)]
pub enum Kept {
    Json(Box<RawValue>),
    Text(String),
    #[default]
    Nothing,
}

impl Kept {
    /// Keeps what there is room for, and says whether that is less than all.
    #[must_use]
    pub fn of(bytes: &[u8]) -> (Self, bool) {
        if bytes.is_empty() {
            return (Self::Nothing, false);
        }
        if bytes.len() > MAX_KEPT_BYTES {
            let head = bytes.get(..MAX_KEPT_BYTES).unwrap_or_default();
            // A letter that the cut goes through is left out.
            let text = match std::str::from_utf8(head) {
                Err(error) if error.error_len().is_none() => {
                    head.get(..error.valid_up_to()).unwrap_or_default()
                }
                _ => head,
            };
            return (Self::Text(String::from_utf8_lossy(text).into_owned()), true);
        }
        let text = String::from_utf8_lossy(bytes).into_owned();
        if serde_json::from_str::<IgnoredAny>(&text).is_err() {
            return (Self::Text(text), false);
        }
        let kept = RawValue::from_string(text).map_or(Self::Nothing, Self::Json);
        (kept, false)
    }

    /// As it came.
    #[must_use]
    pub fn text(&self) -> &str {
        match self {
            Self::Json(json) => json.get(),
            Self::Text(text) => text,
            Self::Nothing => "",
        }
    }
}

impl Entry {
    fn bytes(&self) -> usize {
        let named = |name: &Option<String>| name.as_ref().map_or(0, String::len);
        ENTRY_BYTES
            + self.path.len()
            + self.query.len()
            + self
                .headers
                .iter()
                .map(|(name, value)| name.len() + value.len())
                .sum::<usize>()
            + named(&self.domain_id)
            + named(&self.job_id)
            + self.body.text().len()
            + self.answer.text().len()
            + self.faults.iter().map(String::len).sum::<usize>()
    }
}

/// Which requests.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    pub domain_id: Option<String>,
    pub job_id: Option<String>,
    pub route: Option<RouteName>,
    pub method: Option<String>,
    pub path: Option<String>,
    /// `Some(None)`: those without an answer.
    pub status: Option<Option<u16>>,
    /// A text in the query string, decoded or as it came, or in the body.
    pub contains: Option<String>,
    /// Those with a greater id.
    pub after: Option<u64>,
}

impl Filter {
    fn matches(&self, entry: &Entry) -> bool {
        fn is<T: PartialEq>(wanted: Option<&T>, found: Option<&T>) -> bool {
            wanted.is_none() || wanted == found
        }
        is(self.domain_id.as_ref(), entry.domain_id.as_ref())
            && is(self.job_id.as_ref(), entry.job_id.as_ref())
            && is(self.route.as_ref(), entry.route.as_ref())
            && is(self.method.as_ref(), Some(&entry.method))
            && is(self.path.as_ref(), Some(&entry.path))
            && is(self.status.as_ref(), Some(&entry.status))
            && self.after.is_none_or(|after| entry.id > after)
            && self.contains.as_ref().is_none_or(|text| {
                entry.query.contains(text)
                    || entry.body.text().contains(text)
                    || form_urlencoded::parse(entry.query.as_bytes())
                        .any(|(name, value)| name.contains(text) || value.contains(text))
            })
    }
}

/// Fewer requests came than were waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooFew {
    pub came: usize,
    /// The server stops, and so the time was not up.
    pub is_stopped: bool,
}

/// What somebody who waits has counted.
#[derive(Debug, Default)]
struct Tally {
    came: usize,
    /// The newest that was looked at.
    last_id: u64,
    clears: u64,
}

/// The journal of a server.
#[derive(Debug)]
pub struct Journal {
    ring: Mutex<Ring>,
    /// Tells that something came; whether the server stops.
    news: watch::Sender<bool>,
}

#[derive(Debug, Default)]
struct Ring {
    entries: VecDeque<Arc<Entry>>,
    bytes: usize,
    last_id: u64,
    version: u64,
    /// How often requests were forgotten because somebody said so.
    clears: u64,
}

impl Default for Journal {
    fn default() -> Self {
        Self {
            ring: Mutex::new(Ring {
                // Any number: who has read the journal of an earlier server has another version.
                version: RandomState::new().hash_one(()),
                ..Ring::default()
            }),
            news: watch::Sender::new(false),
        }
    }
}

impl Journal {
    fn lock(&self) -> MutexGuard<'_, Ring> {
        // Nothing is left half done where it could panic.
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Remembers a request, under the next number.
    pub fn record(&self, mut entry: Entry) {
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

    /// Another number after each change.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.lock().version
    }

    /// The requests that match, the oldest first.
    #[must_use]
    pub fn find(&self, filter: &Filter) -> Vec<Arc<Entry>> {
        let entries: Vec<_> = self.lock().entries.iter().cloned().collect();
        entries
            .into_iter()
            .filter(|entry| filter.matches(entry))
            .collect()
    }

    /// The same as soon as so many have come. What has made room for newer ones meanwhile has come, too; what somebody
    /// cleared has not.
    ///
    /// # Errors
    /// [`TooFew`] when the time was up, or the server stopped.
    pub async fn wait_for(
        &self,
        filter: &Filter,
        count: usize,
        timeout: Duration,
    ) -> Result<Vec<Arc<Entry>>, TooFew> {
        let mut news = self.news.subscribe();
        let end = tokio::time::sleep(timeout);
        tokio::pin!(end);
        let mut tally = Tally::default();
        loop {
            let is_stopped = *news.borrow_and_update();
            self.tally(filter, &mut tally);
            let came = tally.came;
            if came >= count {
                return Ok(self.find(filter));
            }
            if is_stopped {
                return Err(TooFew { came, is_stopped });
            }
            tokio::select! {
                // The sender lives as long as this.
                _ = news.changed() => {}
                () = &mut end => return Err(TooFew { came, is_stopped }),
            }
        }
    }

    /// Counts what has come since the last time; anew where somebody has cleared meanwhile.
    fn tally(&self, filter: &Filter, tally: &mut Tally) {
        let ring = self.lock();
        if ring.clears != tally.clears {
            *tally = Tally {
                clears: ring.clears,
                ..Tally::default()
            };
        }
        let is_new = |entry: &&Arc<Entry>| entry.id > tally.last_id;
        let news = ring.entries.iter().rev().take_while(is_new);
        let news: Vec<_> = news.cloned().collect();
        tally.last_id = ring.last_id;
        drop(ring);
        tally.came += news.iter().filter(|entry| filter.matches(entry)).count();
    }

    /// Forgets all requests, or those that name one domain. Says how many they were.
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

    /// Nobody waits any more: the server stops.
    pub fn stop(&self) {
        self.news.send_replace(true);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::route::Route;

    fn entry(domain: &str, method: &str, path: &str, query: &str, body: &[u8]) -> Entry {
        let (body, is_body_cut) = Kept::of(body);
        Entry {
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
            answer: Kept::Nothing,
            is_answer_cut: false,
            milliseconds: 1.5,
            faults: Vec::new(),
        }
    }

    fn search(domain: &str, body: &str) -> Entry {
        entry(
            domain,
            "POST",
            "/inventory/v1/jobs/search",
            "",
            body.as_bytes(),
        )
    }

    #[test]
    fn bodies_are_json_text_or_nothing() {
        for (body, expected) in [
            (&b"{\"a\": 1.0}"[..], r#"[{"a": 1.0},false]"#),
            (b"null", "[null,false]"),
            (b"{\"a\": ", r#"["{\"a\": ",false]"#),
            (b"\xff", "[\"\u{fffd}\",false]"),
            (b"", "[null,false]"),
        ] {
            assert_eq!(serde_json::to_string(&Kept::of(body)).unwrap(), expected);
        }
        let exact = vec![b'x'; MAX_KEPT_BYTES];
        assert!(!Kept::of(&exact).1);
        let long = "é".repeat(MAX_KEPT_BYTES / 2 + 1);
        let (kept, is_cut) = Kept::of(format!("x{long}").as_bytes());
        assert!(is_cut);
        assert_eq!(kept.text().len(), MAX_KEPT_BYTES - 1, "no half of a letter");
    }

    #[test]
    fn entries_are_written_with_what_was_sent_in_them() {
        let journal = Journal::default();
        journal.record(entry(
            "d",
            "POST",
            "/inventory/v1/jobs/stat",
            "",
            b"{\"domain_id\":\"d\"}",
        ));
        let found = journal.find(&Filter::default());
        assert_eq!(
            serde_json::to_string(found[0].as_ref()).unwrap(),
            r#"{"id":1,"at":"1970-01-01T00:00:00.000Z","request_id":"r","method":"POST","path":"/inventory/v1/jobs/stat","query":"","headers":{},"route":"stat","domain_id":"d","job_id":null,"body":{"domain_id":"d"},"is_body_cut":false,"status":200,"answer":null,"is_answer_cut":false,"milliseconds":1.5,"faults":[]}"#
        );
    }

    #[test]
    fn filters_find_what_they_say() {
        type Case = (fn(&mut Filter), &'static [u64]);
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
        let filter = |narrow: fn(&mut Filter)| {
            let mut filter = Filter::default();
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
            journal.find(&Filter::default())[0].id,
            5,
            "numbers are not used again"
        );
    }

    #[test]
    fn the_oldest_go_first() {
        let journal = Journal::default();
        for _ in 0..=MAX_ENTRIES {
            journal.record(search("d", ""));
        }
        let found = journal.find(&Filter::default());
        assert_eq!((found.len(), found[0].id), (MAX_ENTRIES, 2));
        let large = "x".repeat(MAX_KEPT_BYTES);
        for _ in 0..MAX_ENTRIES {
            journal.record(search("d", &large));
        }
        let found = journal.find(&Filter::default());
        let bytes: usize = found.iter().map(|entry| entry.bytes()).sum();
        assert!(bytes <= MAX_JOURNAL_BYTES && bytes > MAX_JOURNAL_BYTES - 2 * MAX_KEPT_BYTES);
        assert_eq!(journal.lock().bytes, bytes);
        journal.clear(None);
        assert_eq!(journal.lock().bytes, 0);
    }

    #[tokio::test(start_paused = true)]
    async fn waiting_ends_when_enough_have_come_or_time_is_up_or_the_server_stops() {
        const TEN: Duration = Duration::from_secs(10);
        let journal = Journal::default();
        let filter = Filter {
            domain_id: Some("d".to_owned()),
            ..Filter::default()
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
        let too_few = |is_stopped| TooFew {
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
    async fn who_waits_counts_what_has_made_room_and_not_what_was_cleared() {
        const TEN: Duration = Duration::from_secs(10);
        let journal = Journal::default();
        let filter = Filter {
            domain_id: Some("d".to_owned()),
            ..Filter::default()
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
        assert_eq!(ids, [MAX_ENTRIES as u64 + 2], "what there still is");
        let (waited, ()) = tokio::join!(journal.wait_for(&filter, 2, TEN), async {
            tokio::task::yield_now().await;
            journal.clear(Some("d"));
            journal.record(search("d", ""));
        });
        assert_eq!(waited.unwrap_err().came, 1);
    }
}
