//! The outbox and the notes over a real database.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::store::{Interrupt, Mode, ReadTransaction, Store};

fn store(folder: &Path) -> Store {
    Store::open(&folder.join("x.db"), Mode::Create, 2).unwrap()
}

fn read<T>(store: &Store, get: impl Fn(&ReadTransaction<'_>) -> T) -> T {
    let interrupt = Arc::new(Interrupt::after(Duration::MAX));
    let mut reader = store.reader(&interrupt).unwrap();
    get(&reader.begin().unwrap())
}

fn event(kind: EventKind, collector_id: &str, body: &str) -> NewEvent {
    NewEvent {
        kind,
        collector_id: collector_id.to_owned(),
        body: body.to_owned(),
    }
}

/// Puts events in the outbox; returns how many were dropped.
fn put_all(store: &Store, rule: &str, events: &[NewEvent]) -> u64 {
    let notes = read(store, |transaction| transaction.rule_notes(rule).unwrap());
    let merge = |older: &str, newer: &str| format!("{older}+{newer}");
    let mut writer = store.writer().unwrap();
    let noted = writer.note(rule, (&notes, &notes), events, merge);
    noted.unwrap().unwrap()
}

fn pending(store: &Store, rule: &str) -> Vec<(i64, String)> {
    read(store, |transaction| {
        transaction.pending_events(rule, 100).unwrap()
    })
}

fn bodies(store: &Store, rule: &str) -> String {
    let pending = pending(store, rule);
    let bodies: Vec<_> = pending.into_iter().map(|(_, body)| body).collect();
    bodies.join(" ")
}

fn attempt(events: &[(i64, String)], at: i64, next_at: Option<i64>) -> Attempt {
    Attempt {
        events: events.iter().map(|(id, _)| *id).collect(),
        at,
        status: Some(if next_at.is_some() { 500 } else { 200 }),
        answer: "a".to_owned(),
        next_at,
    }
}

#[test]
fn notes_are_read_as_they_were_written_unless_others_wrote_meanwhile() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path());
    let key = |kind, name: &str| (kind, name.to_owned());
    let none = RuleNotes::default();
    let one = RuleNotes {
        watches: Some("w".to_owned()),
        jobs: [
            (key(EventKind::Failed, "j"), 7),
            (key(EventKind::Stuck, "j"), 8),
        ]
        .into(),
        collectors: [(
            key(EventKind::Missing, ""),
            CollectorNote {
                sent_at: None,
                failed_at: Some(9),
            },
        )]
        .into(),
    };
    let two = RuleNotes {
        watches: Some("x".to_owned()),
        jobs: [(key(EventKind::Failed, "k"), 7)].into(),
        ..RuleNotes::default()
    };
    let note = |before: &RuleNotes, after: &RuleNotes| {
        let events = [event(EventKind::Failed, "c", "1")];
        let merge = |_: &str, _: &str| String::new();
        let mut writer = store.writer().unwrap();
        writer.note("r", (before, after), &events, merge).unwrap()
    };
    let notes = |rule: &str| read(&store, |transaction| transaction.rule_notes(rule).unwrap());
    assert_eq!(note(&none, &one), Some(0));
    assert_eq!(notes("r"), one);
    assert_eq!(notes("other"), none);
    assert_eq!(note(&none, &two), None, "it was changed meanwhile");
    assert_eq!(notes("r"), one);
    assert_eq!(note(&one, &two), Some(0));
    assert_eq!(notes("r"), two);
}

#[test]
fn events_of_a_kind_and_a_collector_that_follow_each_other_are_one() {
    use EventKind::{Failed, Recovered};
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path());
    put_all(
        &store,
        "r",
        &[event(Failed, "c", "1"), event(Failed, "d", "2")],
    );
    assert_eq!(bodies(&store, "r"), "1 2");
    put_all(&store, "r", &[event(Failed, "c", "3")]);
    assert_eq!(bodies(&store, "r"), "2 1+3");
    put_all(
        &store,
        "r",
        &[event(Recovered, "c", "4"), event(Failed, "c", "5")],
    );
    assert_eq!(bodies(&store, "r"), "2 1+3 4 5", "the order stays");
    put_all(&store, "other", &[event(Failed, "c", "6")]);
    assert_eq!(bodies(&store, "other"), "6");
}

#[test]
fn an_event_that_is_merged_while_it_is_delivered_stays() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path());
    put_all(&store, "r", &[event(EventKind::Failed, "c", "1")]);
    let sent = pending(&store, "r");
    put_all(&store, "r", &[event(EventKind::Failed, "c", "2")]);
    let done = attempt(&sent, 5, None);
    store.writer().unwrap().record_attempt("r", &done).unwrap();
    assert_eq!(bodies(&store, "r"), "1+2");
}

#[test]
fn a_delivery_is_one_until_it_is_done() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path());
    put_all(&store, "r", &[event(EventKind::Failed, "c", "1")]);
    let sent = pending(&store, "r");
    let record = |at, next_at| {
        let attempt = attempt(&sent, at, next_at);
        store
            .writer()
            .unwrap()
            .record_attempt("r", &attempt)
            .unwrap();
        let open = read(&store, |t| t.open_delivery("r").unwrap());
        let all = read(&store, |t| t.deliveries().unwrap());
        let first = &all[0];
        (
            open,
            all.len(),
            first.attempts,
            first.first_at,
            first.last_at,
        )
    };
    assert_eq!(record(5, Some(6)), (Some((1, 6)), 1, 1, 5, 5));
    assert_eq!(record(6, Some(9)), (Some((2, 9)), 1, 2, 5, 6));
    assert_eq!(bodies(&store, "r"), "1");
    assert_eq!(record(9, None), (None, 1, 3, 5, 9));
    assert_eq!(bodies(&store, "r"), "");
    for at in 10..100 {
        assert_eq!(record(at, None).0, None);
    }
    let all = read(&store, |t| t.deliveries().unwrap());
    assert_eq!(all.len() as u64, MAX_DELIVERIES);
    assert_eq!(all.first().map(|delivery| delivery.last_at), Some(99));
}

#[test]
fn the_oldest_events_are_dropped_when_there_are_too_many() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path());
    let events: Vec<_> = (0..MAX_PENDING + 3)
        .map(|n| event(EventKind::Failed, &format!("c{n}"), &n.to_string()))
        .collect();
    put_all(&store, "other", &[event(EventKind::Failed, "c", "0")]);
    assert_eq!(put_all(&store, "r", &events), 3);
    assert_eq!(pending(&store, "r")[0].1, "3");
    assert_eq!(bodies(&store, "other"), "0");
    let counts = read(&store, |t| t.pending_counts().unwrap());
    assert_eq!(counts["r"], MAX_PENDING);
}

#[test]
fn a_rule_that_is_gone_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path());
    for rule in ["gone", "stays"] {
        put_all(&store, rule, &[event(EventKind::Failed, "c", "1")]);
        let failed = attempt(&pending(&store, rule), 5, Some(3_600));
        store
            .writer()
            .unwrap()
            .record_attempt(rule, &failed)
            .unwrap();
    }
    let rules = HashSet::from(["stays", "new"]);
    assert_eq!(store.writer().unwrap().retain_rules(&rules).unwrap(), 1);
    assert_eq!(bodies(&store, "gone"), "");
    assert_eq!(bodies(&store, "stays"), "1");
    let open = |rule: &str| read(&store, |t| t.open_delivery(rule).unwrap());
    assert_eq!(open("gone"), None);
    assert_eq!(open("stays"), Some((1, 5)), "it is due at once");
}
