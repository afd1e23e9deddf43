//! Decides which events are due: compares what a rule sees now with what it has noted. It reads neither a database nor a clock.

use std::collections::{BTreeMap, HashMap};

use crate::store::notifications::{CollectorNote, EventKind, RuleNotes};
use crate::time::{DAY_MILLIS, HOUR_MILLIS, Timestamp};

/// How old a failure may be at most, by `created_at`. A job that is imported from before is history.
pub(super) const WINDOW_MILLIS: i64 = 7 * DAY_MILLIS;
/// How long a rule waits before it sends another event of a collector that fails, or whose jobs are stuck.
const QUIET_MILLIS: i64 = HOUR_MILLIS;

/// A job that a rule sees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) job_id: String,
    /// Empty for a job without a collector.
    pub(super) collector_id: String,
    /// In milliseconds.
    pub(super) created_at: i64,
}

/// What a rule sees now. What it does not send is empty.
#[derive(Debug, Clone, Default)]
pub(super) struct Present {
    /// The jobs that failed, the newest first.
    pub(super) failed: Vec<Seen>,
    /// From which `created_at` on `failed` has all of them.
    pub(super) failed_since: i64,
    /// The jobs that are stuck, the newest first.
    pub(super) stuck: Vec<Seen>,
    /// The collectors that have had no success for too long.
    pub(super) missing: Vec<String>,
}

/// An event that is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Due {
    pub(super) kind: EventKind,
    pub(super) collector_id: String,
    /// The job that shows it; `None` for a success that is missing.
    pub(super) job_id: Option<String>,
    /// How many jobs it is about.
    pub(super) jobs: u64,
}

/// What a rule sends, and what it watches for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Watched<'r> {
    pub(super) on: &'r [EventKind],
    /// Of another text than the one that was noted, all is noted anew and nothing is due.
    pub(super) watches: &'r str,
}

impl Watched<'_> {
    fn sends(self, kind: EventKind) -> bool {
        self.on.contains(&kind)
    }

    /// Whether it needs to know failures: a recovery is that of a collector that has failed.
    pub(super) fn needs_failures(self) -> bool {
        self.sends(EventKind::Failed) || self.sends(EventKind::Recovered)
    }
}

/// Finds the newest success of a collector: its id, and when it was created, in milliseconds.
pub(super) type NewestSuccess<'f, E> = dyn FnMut(&str) -> Result<Option<(String, i64)>, E> + 'f;

/// Decides which events are due, and what is noted then.
///
/// # Errors
/// Those of `newest_success`.
pub(super) fn decide<E>(
    rule: Watched<'_>,
    notes: &RuleNotes,
    present: &Present,
    now: Timestamp,
    newest_success: &mut NewestSuccess<'_, E>,
) -> Result<(RuleNotes, Vec<Due>), E> {
    let is_new = notes.watches.as_deref() != Some(rule.watches);
    let empty = RuleNotes::default();
    let before = if is_new { &empty } else { notes };
    let mut round = Round {
        rule,
        is_new,
        now: now.millis(),
        before,
        after: RuleNotes {
            watches: Some(rule.watches.to_owned()),
            ..RuleNotes::default()
        },
        due: Vec::new(),
    };
    if rule.needs_failures() {
        let oldest = now.millis() - WINDOW_MILLIS - DAY_MILLIS;
        round.keep_jobs(EventKind::Failed, &present.failed, |created_at| {
            (oldest..present.failed_since).contains(&created_at)
        });
        round.add_jobs(EventKind::Failed, &present.failed);
    }
    if rule.sends(EventKind::Recovered) {
        round.find_recovered(&present.failed, newest_success)?;
    }
    round.forget_quiet(EventKind::Failed);
    if rule.sends(EventKind::Stuck) {
        round.keep_jobs(EventKind::Stuck, &present.stuck, |_| false);
        round.add_jobs(EventKind::Stuck, &present.stuck);
        round.forget_quiet(EventKind::Stuck);
    }
    round.add_missing(&present.missing);
    Ok((round.after, round.due))
}

/// The decisions about a rule.
struct Round<'r> {
    rule: Watched<'r>,
    /// Whether all that is there is noted, and nothing is due.
    is_new: bool,
    now: i64,
    before: &'r RuleNotes,
    after: RuleNotes,
    due: Vec<Due>,
}

impl Round<'_> {
    /// Keeps the jobs noted that are as they were: those that are seen, and those that `is_beyond` what is seen.
    fn keep_jobs(&mut self, kind: EventKind, seen: &[Seen], is_beyond: impl Fn(i64) -> bool) {
        for job in seen {
            let key = (kind, job.job_id.clone());
            if let Some(created_at) = self.before.jobs.get(&key) {
                self.after.jobs.insert(key, *created_at);
            }
        }
        for (key, created_at) in &self.before.jobs {
            if key.0 == kind && is_beyond(*created_at) {
                self.after.jobs.insert(key.clone(), *created_at);
            }
        }
        for (key, note) in &self.before.collectors {
            if key.0 == kind {
                self.after.collectors.insert(key.clone(), *note);
            }
        }
    }

    /// Notes the jobs that are new, and has an event for each of their collectors, unless it had one less than an hour ago: then
    /// the jobs stay new until the hour is over.
    fn add_jobs(&mut self, kind: EventKind, seen: &[Seen]) {
        let mut new: BTreeMap<&str, Vec<&Seen>> = BTreeMap::new();
        for job in seen {
            if !self.after.jobs.contains_key(&(kind, job.job_id.clone())) {
                new.entry(&job.collector_id).or_default().push(job);
            }
        }
        let is_sent = self.rule.sends(kind) && !self.is_new;
        for (collector_id, jobs) in new {
            let note = self.after.collectors.entry((kind, collector_id.to_owned()));
            let note = note.or_default();
            if is_sent && is_quiet(*note, self.now) {
                continue;
            }
            for job in &jobs {
                let key = (kind, job.job_id.clone());
                self.after.jobs.insert(key, job.created_at);
            }
            if kind == EventKind::Failed {
                let newest = jobs.iter().map(|job| job.created_at).max();
                note.failed_at = note.failed_at.max(newest);
            }
            if is_sent {
                note.sent_at = Some(self.now);
                // The newest job that failed, or the one that has been stuck for the longest.
                let shown = if kind == EventKind::Failed {
                    jobs.first()
                } else {
                    jobs.last()
                };
                self.due.push(Due {
                    kind,
                    collector_id: collector_id.to_owned(),
                    job_id: shown.map(|job| job.job_id.clone()),
                    jobs: jobs.len() as u64,
                });
            }
        }
    }

    /// Finds the collectors that have recovered from a failure that was sent, or noted where failures are not sent.
    fn find_recovered<E>(
        &mut self,
        failed: &[Seen],
        newest_success: &mut NewestSuccess<'_, E>,
    ) -> Result<(), E> {
        let mut newest: HashMap<&str, i64> = HashMap::new();
        for job in failed {
            let newest = newest.entry(&job.collector_id).or_insert(job.created_at);
            *newest = job.created_at.max(*newest);
        }
        let notes = self.after.collectors.iter_mut();
        let mut failing: Vec<_> = notes
            .filter(|((kind, collector_id), note)| {
                // Jobs without a collector are not runs of the same thing.
                *kind == EventKind::Failed && !collector_id.is_empty() && note.failed_at.is_some()
            })
            .collect();
        failing.sort_by(|a, b| a.0.cmp(b.0));
        for ((_, collector_id), note) in failing {
            let failed_at = note
                .failed_at
                .max(newest.get(collector_id.as_str()).copied());
            let Some((job_id, created_at)) = newest_success(collector_id)? else {
                continue;
            };
            if Some(created_at) <= failed_at {
                continue;
            }
            note.failed_at = None;
            if !self.is_new {
                self.due.push(Due {
                    kind: EventKind::Recovered,
                    collector_id: collector_id.clone(),
                    job_id: Some(job_id),
                    jobs: 1,
                });
            }
        }
        Ok(())
    }

    /// Removes the notes of collectors that say nothing any more.
    fn forget_quiet(&mut self, kind: EventKind) {
        let (now, recovers) = (self.now, self.rule.sends(EventKind::Recovered));
        self.after.collectors.retain(|key, note| {
            if !recovers {
                note.failed_at = None;
            }
            key.0 != kind || note.failed_at.is_some() || is_quiet(*note, now)
        });
    }

    /// Notes the collectors that have had no success for too long; each has an event once, until its next success.
    fn add_missing(&mut self, missing: &[String]) {
        for collector_id in missing {
            let key = (EventKind::Missing, collector_id.clone());
            let known = self.before.collectors.get(&key).copied();
            if known.is_none() && !self.is_new {
                self.due.push(Due {
                    kind: EventKind::Missing,
                    collector_id: collector_id.clone(),
                    job_id: None,
                    jobs: 0,
                });
            }
            let sent_at = (!self.is_new).then_some(self.now);
            let note = known.unwrap_or(CollectorNote {
                sent_at,
                failed_at: None,
            });
            self.after.collectors.insert(key, note);
        }
    }
}

/// Whether the last event of a collector is less than an hour old. One from the future is not: the clock was set back.
fn is_quiet(note: CollectorNote, now: i64) -> bool {
    note.sent_at
        .is_some_and(|sent_at| (0..QUIET_MILLIS).contains(&(now - sent_at)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: i64 = 60_000;
    const START: i64 = 1_750_000_000_000;

    /// A collector's jobs as a table: letters are failures (`f1` at minute 1), `s2` is a success, `r3` is stuck.
    struct World {
        on: Vec<EventKind>,
        watches: String,
        notes: RuleNotes,
        jobs: Vec<(char, String, i64)>,
        missing: Vec<String>,
    }

    impl World {
        fn new(on: &[EventKind]) -> Self {
            let mut world = Self {
                on: on.to_vec(),
                watches: "w".to_owned(),
                notes: RuleNotes::default(),
                jobs: Vec::new(),
                missing: Vec::new(),
            };
            assert_eq!(world.look(0), "", "a new rule notes and sends nothing");
            world
        }

        /// Adds jobs such as `f1@c`: a failure of collector c at minute 1.
        fn add(&mut self, jobs: &str) -> &mut Self {
            for job in jobs.split_whitespace() {
                let (what, collector) = job.split_once('@').unwrap_or((job, "c"));
                let minute: i64 = what[1..].parse().unwrap();
                let kind = what.chars().next().unwrap();
                self.jobs
                    .push((kind, collector.to_owned(), START + minute * MINUTE));
            }
            self.jobs.sort_by_key(|job| -job.2);
            self
        }

        fn seen(&self, kind: char) -> Vec<Seen> {
            let jobs = self.jobs.iter().filter(|job| job.0 == kind);
            jobs.map(|(_, collector, at)| Seen {
                job_id: format!("{kind}{}@{collector}", (at - START) / MINUTE),
                collector_id: collector.clone(),
                created_at: *at,
            })
            .collect()
        }

        /// Looks at a minute; returns the events as a text.
        fn look(&mut self, minute: i64) -> String {
            let now = Timestamp::from_millis(START + minute * MINUTE).unwrap();
            let present = Present {
                failed: self.seen('f'),
                failed_since: now.millis() - WINDOW_MILLIS,
                stuck: self.seen('r'),
                missing: self.missing.clone(),
            };
            let successes = self.seen('s');
            let mut newest_success = |collector: &str| -> Result<_, ()> {
                let newest = successes.iter().find(|job| job.collector_id == collector);
                Ok(newest.map(|job| (job.job_id.clone(), job.created_at)))
            };
            let watched = Watched {
                on: &self.on,
                watches: &self.watches,
            };
            let (after, due) =
                decide(watched, &self.notes, &present, now, &mut newest_success).unwrap();
            self.notes = after;
            let due = due.iter().map(|due| {
                let job = due.job_id.as_deref().unwrap_or(&due.collector_id);
                format!("{} {job} x{}", due.kind.name(), due.jobs)
            });
            due.collect::<Vec<_>>().join(", ")
        }
    }

    use EventKind::{Failed, Missing, Recovered, Stuck};

    #[test]
    fn a_failure_is_sent_once() {
        let mut world = World::new(&[Failed]);
        assert_eq!(world.add("f1").look(1), "failed f1@c x1");
        assert_eq!(world.look(2), "");
        assert_eq!(world.look(90), "");
        assert_eq!(
            world.add("f95 f96@d").look(100),
            "failed f95@c x1, failed f96@d x1"
        );
    }

    #[test]
    fn a_collector_that_fails_again_is_sent_after_an_hour_with_all_its_failures() {
        let mut world = World::new(&[Failed]);
        assert_eq!(world.add("f1").look(1), "failed f1@c x1");
        assert_eq!(world.add("f2 f3").look(4), "");
        assert_eq!(world.look(60), "");
        assert_eq!(world.look(61), "failed f3@c x2");
        assert_eq!(world.look(62), "");
        // A job that is repeated with success meanwhile is not one of them.
        assert_eq!(world.add("f70").look(70), "");
        world.jobs.retain(|job| job.2 != START + 70 * MINUTE);
        assert_eq!(world.look(122), "");
    }

    #[test]
    fn what_a_new_rule_finds_is_noted_and_not_sent() {
        let mut world = World::new(&[Failed, Recovered, Stuck, Missing]);
        world.notes = RuleNotes::default();
        world.missing = vec!["m".to_owned()];
        assert_eq!(world.add("f1 f2@d s3@d r4").look(5), "");
        assert_eq!(world.look(6), "");
        assert_eq!(
            world.add("s7").look(8),
            "recovered s7@c x1",
            "d had recovered before"
        );
        // So is what it finds when it watches for something else.
        world.watches = "other".to_owned();
        assert_eq!(world.add("f9").look(10), "");
        assert_eq!(world.add("f11").look(12), "failed f11@c x1");
    }

    #[test]
    fn a_recovery_is_sent_once_after_a_failure_that_was_sent() {
        let mut world = World::new(&[Failed, Recovered]);
        assert_eq!(world.add("s0 f1").look(1), "failed f1@c x1");
        assert_eq!(world.add("s2").look(2), "recovered s2@c x1");
        assert_eq!(world.add("s3").look(3), "");
        // A failure within the hour is not sent, and so is its recovery.
        assert_eq!(world.add("f4").look(4), "");
        assert_eq!(world.add("s5").look(5), "");
        assert_eq!(world.look(61), "failed f4@c x1, recovered s5@c x1");
        assert_eq!(world.look(62), "");
    }

    #[test]
    fn a_newer_failure_that_is_not_sent_yet_is_no_recovery() {
        let mut world = World::new(&[Failed, Recovered]);
        assert_eq!(world.add("f1").look(1), "failed f1@c x1");
        assert_eq!(world.add("s2 f3").look(4), "");
        assert_eq!(world.look(61), "failed f3@c x1");
        assert_eq!(world.add("s62").look(62), "recovered s62@c x1");
    }

    #[test]
    fn a_recovery_needs_no_failures_that_are_sent() {
        let mut world = World::new(&[Recovered]);
        assert_eq!(world.add("f1 f2").look(2), "");
        assert_eq!(world.add("s3").look(3), "recovered s3@c x1");
        // Years later, when the failure has left the window.
        assert_eq!(world.add("f4").look(5), "");
        world.jobs.retain(|job| job.0 != 'f');
        assert_eq!(world.look(60 * 24 * 400), "");
        assert_eq!(world.add("s600000").look(600_001), "recovered s600000@c x1");
    }

    #[test]
    fn jobs_without_a_collector_do_not_recover() {
        let mut world = World::new(&[Failed, Recovered]);
        assert_eq!(world.add("f1@").look(1), "failed f1@ x1");
        assert_eq!(world.add("s2@").look(2), "");
    }

    #[test]
    fn a_job_that_fails_again_after_it_was_repeated_is_sent_again() {
        let mut world = World::new(&[Failed]);
        assert_eq!(world.add("f1").look(1), "failed f1@c x1");
        world.jobs.clear();
        assert_eq!(world.look(70), "");
        assert_eq!(world.add("f1").look(80), "failed f1@c x1");
    }

    #[test]
    fn stuck_jobs_are_sent_once_by_collector() {
        let mut world = World::new(&[Stuck]);
        assert_eq!(
            world.add("r1 r2 r3@d").look(10),
            "stuck r1@c x2, stuck r3@d x1"
        );
        assert_eq!(world.add("r4").look(11), "");
        assert_eq!(world.look(70), "stuck r4@c x1");
        world.jobs.clear();
        assert_eq!(world.look(71), "");
        assert!(world.notes.jobs.is_empty(), "{:?}", world.notes);
    }

    #[test]
    fn a_missing_success_is_sent_once_until_the_next_one() {
        let mut world = World::new(&[Missing]);
        world.missing = vec!["c".to_owned()];
        assert_eq!(world.look(1), "missing c x0");
        assert_eq!(world.look(9_000), "");
        world.missing.clear();
        assert_eq!(world.look(9_001), "");
        world.missing = vec!["c".to_owned()];
        assert_eq!(world.look(9_002), "missing c x0");
    }

    #[test]
    fn notes_go_when_they_say_nothing_any_more() {
        let mut world = World::new(&[Failed]);
        assert_eq!(world.add("f1").look(1), "failed f1@c x1");
        assert_eq!(world.look(62), "");
        assert!(world.notes.collectors.is_empty(), "{:?}", world.notes);
        assert_eq!(world.notes.jobs.len(), 1);
        world.jobs.clear();
        assert_eq!(world.look(63), "");
        assert!(world.notes.jobs.is_empty(), "{:?}", world.notes);
    }

    #[test]
    fn a_clock_that_was_set_back_holds_nothing_back() {
        let mut world = World::new(&[Failed]);
        assert_eq!(world.add("f1000").look(1_000), "failed f1000@c x1");
        assert_eq!(world.add("f1").look(1), "failed f1@c x1");
    }
}
