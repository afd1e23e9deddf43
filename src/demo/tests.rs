//! Tests that the jobs alone show each part of the story.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use serde_json::Value;

use super::{Demo, Story, Timeline, World};
use crate::job::{Job, JobStatus};
use crate::time::{DAY_MILLIS, HOUR_MILLIS, Timestamp};

/// A Monday.
const NOW: &str = "2026-11-30T14:37:00Z";

fn now() -> Timestamp {
    Timestamp::parse_rfc3339(NOW).unwrap()
}

/// The jobs of one timeline, and their story.
struct Made {
    domains: Vec<String>,
    story: Story,
    jobs: Vec<Job>,
}

impl Made {
    fn new(seed: u64, timeline: &Timeline) -> Self {
        let world = World::new(seed, 4);
        let lives = (0..timeline.jobs()).map(|index| world.life(timeline, index));
        Self {
            story: world.story(timeline),
            jobs: lives.map(|life| life.at(now())).collect(),
            domains: world.domains().to_vec(),
        }
    }

    /// Worlds with the jobs of their schedule, with fewer, and with more.
    fn several() -> &'static [Self] {
        static MADE: LazyLock<Vec<Made>> = LazyLock::new(|| {
            let timelines = [
                (1, Timeline::of_schedule(now(), 28)),
                (2, Timeline::of_schedule(now(), 28)),
                (1, Timeline::before(now(), 28, 5_000)),
                (3, Timeline::before(now(), 30, 13_000)),
            ];
            let made = timelines.iter();
            made.map(|(seed, timeline)| Made::new(*seed, timeline))
                .collect()
        });
        &MADE
    }

    /// The jobs of the domain with the story.
    fn first(&self) -> impl Iterator<Item = &Job> {
        let domain_id = &self.story.domain_id;
        self.jobs
            .iter()
            .filter(move |job| job.domain_id == *domain_id)
    }

    fn of(&self, collector_id: &str) -> Vec<&Job> {
        self.first()
            .filter(|job| job.collector_id() == Some(collector_id))
            .collect()
    }

    /// The jobs of the domain with the story, by collector.
    fn by_collector(&self) -> BTreeMap<&str, Vec<&Job>> {
        let mut collectors: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for job in self.first() {
            let jobs = collectors.entry(job.collector_id().unwrap()).or_default();
            jobs.push(job);
        }
        collectors
    }
}

fn member<'j>(job: &'j Job, pointer: &str) -> &'j str {
    let info = &job.collector_info.as_ref().unwrap().0;
    let (name, rest) = pointer.split_once('/').unwrap_or((pointer, ""));
    let value = match rest {
        "" => info.get(name),
        rest => info.get(name).and_then(|inner| inner.get(rest)),
    };
    value.and_then(Value::as_str).unwrap()
}

fn has_failed(job: &Job) -> bool {
    matches!(job.status, JobStatus::Error | JobStatus::Timeout)
}

fn has_code(job: &Job, code: &str) -> bool {
    job.errors
        .iter()
        .any(|error| error.error_code.as_deref() == Some(code))
}

fn messages(job: &Job) -> impl Iterator<Item = &str> {
    job.errors
        .iter()
        .filter_map(|error| error.message.as_deref())
}

/// How many of some jobs meet a condition, in percent.
fn percent<'j>(jobs: impl IntoIterator<Item = &'j Job>, condition: impl Fn(&Job) -> bool) -> usize {
    let mut counts = [0, 0];
    for job in jobs {
        counts[usize::from(condition(job))] += 1;
    }
    100 * counts[1] / (counts[0] + counts[1])
}

fn seconds(job: &Job) -> Option<i64> {
    let millis = job.finished_at?.millis() - job.created_at.millis();
    (job.status == JobStatus::Success).then_some(millis / 1_000)
}

#[test]
fn the_first_domain_has_seven_tenths_of_the_jobs() {
    for made in Made::several() {
        assert_eq!(made.story.domain_id, made.domains[0]);
        let share = percent(&made.jobs, |job| job.domain_id == made.domains[0]);
        assert!((67..=73).contains(&share), "{share}");
    }
    assert_eq!(World::new(1, 1).domains()[0], "domain-67094cea8ca4");
    assert_eq!(World::new(1, 300).domains()[0], "domain-67094cea8ca4");
}

#[test]
fn a_collector_has_one_domain_one_name_and_one_plugin() {
    for made in Made::several() {
        let (mut facts, mut names) = (BTreeMap::new(), BTreeSet::new());
        for job in &made.jobs {
            let of_job = (
                &job.domain_id,
                &job.project_id,
                member(job, "name"),
                member(job, "plugin_info/plugin_id"),
            );
            let known = facts.entry(job.collector_id().unwrap()).or_insert(of_job);
            assert_eq!(*known, of_job);
            names.insert(member(job, "name"));
        }
        assert_eq!((names.len(), facts.len()), (209, 209));
    }
}

#[test]
fn one_collector_is_flaky() {
    for made in Made::several() {
        let flaky = &made.story.flaky;
        let jobs = made.of(&flaky.collector_id);
        assert!(jobs.iter().all(|job| member(job, "name") == flaky.name));
        let rate = percent(jobs.iter().copied(), has_failed);
        assert!((38..=42).contains(&rate), "{rate} %");
        let is_twice = |pair: &[&Job]| has_failed(pair[0]) && has_failed(pair[1]);
        let twice = jobs.windows(2).filter(|pair| is_twice(pair)).count();
        assert_eq!(twice, 0, "it alternates");
        for (collector, jobs) in made.by_collector() {
            let rate = percent(jobs.iter().copied(), has_failed);
            let is_flaky = collector == flaky.collector_id;
            assert!(
                is_flaky || jobs.len() < 12 || rate < 38,
                "{collector}: {rate} %"
            );
            let code = made.story.flaky_error_code;
            assert!(is_flaky || !jobs.iter().any(|job| has_code(job, code)));
        }
    }
}

#[test]
fn one_collector_gets_slower() {
    for made in Made::several() {
        for (collector, jobs) in made.by_collector() {
            let durations: Vec<_> = jobs.iter().filter_map(|job| seconds(job)).collect();
            if durations.len() < 12 {
                continue;
            }
            let part = durations.len() / 6;
            let sum = |durations: &[i64]| durations.iter().sum::<i64>();
            let first = sum(&durations[..part]);
            let last = sum(&durations[durations.len() - part..]);
            let tenths = 10 * last / first;
            if collector == made.story.slow.collector_id {
                assert!((20..=32).contains(&tenths), "{tenths}");
            } else {
                assert!((5..=18).contains(&tenths), "{collector}: {tenths}");
            }
        }
    }
}

#[test]
fn nights_are_busy_and_weekends_are_quiet() {
    for made in Made::several() {
        let hour = |job: &Job| job.created_at.millis().rem_euclid(DAY_MILLIS) / HOUR_MILLIS;
        let night = percent(made.first(), |job| (1..4).contains(&hour(job)));
        assert!((52..=65).contains(&night), "{night} %");
        // Two days of seven would have 28 %.
        let is_weekend = |job: &Job| {
            let date = job.created_at.civil().date();
            date.weekday().to_monday_zero_offset() >= 5
        };
        let weekend = percent(made.first(), is_weekend);
        assert!((12..=19).contains(&weekend), "{weekend} %");
    }
}

#[test]
fn an_outage_fails_nearly_all_jobs_of_a_provider() {
    for made in Made::several() {
        let outage = &made.story.outage;
        let is_within = |job: &Job| (outage.from..outage.to).contains(&job.created_at);
        let is_of = |job: &Job| member(job, "provider") == outage.provider;
        let hit = made.first().filter(|job| is_within(job) && is_of(job));
        let rate = percent(hit, |job| has_code(job, outage.error_code));
        assert!(rate >= 85, "{rate} %");
        let others = made.first().filter(|job| is_within(job) && !is_of(job));
        assert!(percent(others, has_failed) < 15);
        for job in made.first().filter(|job| has_code(job, outage.error_code)) {
            assert!(is_within(job) && is_of(job));
            let text = format!(
                "503 Service Unavailable: no answer from region {}",
                outage.region
            );
            assert!(messages(job).all(|message| message.starts_with(&text)));
        }
        assert_eq!(
            outage.from.to_string(),
            "2026-11-24T00:50:00.000Z",
            "Tuesday"
        );
    }
}

#[test]
fn a_new_version_of_a_plugin_breaks_it() {
    for made in Made::several() {
        let plugin = &made.story.broken_plugin;
        let jobs = || {
            let all = made.first();
            all.filter(|job| member(job, "plugin_info/plugin_id") == plugin.plugin_id)
        };
        let is_new = |job: &&Job| job.created_at >= plugin.since;
        let before = percent(jobs().filter(|job| !is_new(job)), has_failed);
        let after = percent(jobs().filter(is_new), has_failed);
        assert!(
            before < 8 && (32..=52).contains(&after),
            "{before} % {after} %"
        );
        for job in jobs() {
            let version = if is_new(&job) {
                &plugin.new_version
            } else {
                &plugin.old_version
            };
            assert_eq!(member(job, "plugin_info/version"), version);
        }
        for job in made.first().filter(|job| has_code(job, plugin.error_code)) {
            let text = format!("{} {}: ", plugin.plugin_id, plugin.new_version);
            assert!(is_new(&job) && messages(job).all(|message| message.starts_with(&text)));
        }
    }
}

#[test]
fn one_job_is_stuck() {
    for made in Made::several() {
        let is_old = |job: &&Job| {
            job.status == JobStatus::InProgress
                && job.created_at < now().plus_millis(-12 * HOUR_MILLIS)
        };
        let stuck: Vec<_> = made.jobs.iter().filter(is_old).collect();
        let story = &made.story.stuck;
        assert_eq!(stuck.len(), 1);
        assert_eq!(stuck[0].job_id, story.job_id);
        assert_eq!(stuck[0].created_at, story.created_at);
        assert_eq!(stuck[0].domain_id, made.story.domain_id);
        assert!(story.created_at < now().plus_millis(-30 * HOUR_MILLIS));
        let id = &story.collector.collector_id;
        assert_eq!(stuck[0].collector_id(), Some(id.as_str()));
        let usual: Vec<_> = made.of(id).into_iter().filter_map(seconds).collect();
        assert!(usual.iter().all(|seconds| *seconds < 20 * 60), "{usual:?}");
        assert!(usual.len() >= 8, "{}", usual.len());
    }
    let world = World::new(1, 4);
    let timeline = Timeline::before(now(), 28, 1_000);
    let stuck = world.life(&timeline, timeline.stuck_job());
    assert!(!stuck.at(Timestamp::MAX).status.is_final());
}

#[test]
fn few_other_jobs_fail_or_are_canceled() {
    for made in Made::several() {
        let story = &made.story;
        let others = || {
            made.first().filter(|job| {
                job.collector_id() != Some(&story.flaky.collector_id)
                    && job.collector_id() != Some(&story.limited.collector_id)
                    && !has_code(job, story.outage.error_code)
                    && !has_code(job, story.broken_plugin.error_code)
            })
        };
        let failed = others().filter(|job| has_failed(job)).count();
        let canceled = others().filter(|job| job.status == JobStatus::Canceled);
        let (all, canceled) = (others().count(), canceled.count());
        assert!(
            (15..=30).contains(&(1_000 * failed / all)),
            "{failed} of {all}"
        );
        assert!((2..=12).contains(&(1_000 * canceled / all)), "{canceled}");
        let unknown = others().filter(|job| job.remained_tasks == -1).count();
        assert!(unknown > 0 && unknown < canceled, "{unknown}");
    }
}

#[test]
fn people_find_what_they_search_for() {
    for made in Made::several() {
        for text in [
            "quota exceeded",
            "rate exceeded",
            "access denied",
            "expired secret",
            "timeout",
            "503 service unavailable",
            "region eu-west-1",
        ] {
            let is_found = |job: &&Job| messages(job).any(|m| m.to_lowercase().contains(text));
            assert!(made.first().any(|job| is_found(&job)), "{text}");
        }
        for text in ["azure", "aws", "google", "kubernetes"] {
            let is_found = |job: &&Job| {
                member(job, "provider").contains(text)
                    && member(job, "name").to_lowercase().contains(text)
            };
            assert!(made.first().any(|job| is_found(&job)), "{text}");
        }
    }
}

#[test]
fn an_hourly_collector_exceeds_a_quota() {
    for made in Made::several() {
        let story = &made.story;
        let jobs = made.of(&story.limited.collector_id);
        assert!(jobs.iter().all(|job| member(job, "provider") == "aws"));
        let limited = jobs
            .iter()
            .filter(|job| has_code(job, story.limited_error_code));
        let per_mille = 1_000 * limited.count() / jobs.len();
        assert!(
            (25..=85).contains(&per_mille),
            "{per_mille} of {}",
            jobs.len()
        );
    }
}

#[test]
fn messages_differ_in_numbers_and_ids() {
    let made = &Made::several()[0];
    let mut codes: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for error in made.first().flat_map(|job| &job.errors) {
        codes
            .entry(&error.error_code)
            .or_default()
            .insert(&error.message);
    }
    assert_eq!(codes.len(), 10);
    for (code, messages) in codes {
        assert!(messages.len() > 5, "{code:?}: {messages:?}");
    }
}

#[test]
fn jobs_can_be_made_for_any_number_of_them_and_of_domains() {
    for (seed, domains, days, jobs) in [
        (1, 1, 1, 10),
        (2, 2, 365, 10),
        (3, 65_535, 28, 500),
        (4, 100, 7, 2_000),
        (u64::MAX, 4, 36_500, 300),
        (5, 4, 1, 5_000),
    ] {
        let world = World::new(seed, domains);
        let timeline = Timeline::before(now(), days, jobs);
        let story = world.story(&timeline);
        let mut last = now().plus_millis(-i64::from(days) * DAY_MILLIS);
        let mut stuck = 0;
        for index in 0..jobs {
            let job = world.life(&timeline, index).at(now());
            assert!(job.created_at.plus_millis(30_000) >= last && job.created_at <= now());
            last = job.created_at;
            stuck += usize::from(job.job_id == story.stuck.job_id);
            let read = Job::from_json(job.to_document().as_bytes());
            assert_eq!(read.unwrap().to_document(), job.to_document());
        }
        assert_eq!(stuck, 1);
    }
    let names = |world: &World| {
        let timeline = Timeline::before(now(), 28, 4_000);
        let jobs = (0..4_000).map(|index| world.life(&timeline, index));
        let names = jobs.map(|life| member(life.start(), "name").to_owned());
        names.collect::<BTreeSet<_>>().len()
    };
    assert!(names(&World::new(1, 300)) > 250, "collectors take turns");
}

#[test]
fn a_demo_goes_on_as_its_past_was() {
    let (mut demo, past) = Demo::start(1, now());
    assert!((7_000..9_000).contains(&past.len()), "{}", past.len());
    assert!(past.iter().all(|life| life.start().created_at <= now()));
    let week = |to: Timestamp, jobs: &[crate::job::Life]| {
        let from = to.plus_millis(-7 * DAY_MILLIS);
        let times = jobs.iter().map(|life| life.start().created_at);
        times.filter(|at| *at > from && *at <= to).count()
    };
    let last_week = week(now(), &past);
    let next = now().plus_millis(7 * DAY_MILLIS);
    let mut jobs = Vec::new();
    for hour in 1..=7 * 24 {
        let time = now().plus_millis(hour * HOUR_MILLIS);
        jobs.extend(demo.jobs_until(time));
        assert!(!demo.is_due(time));
    }
    assert_eq!(week(next, &jobs), last_week);
    assert_eq!(demo.jobs_until(next), []);
    let ids: BTreeSet<_> = past
        .iter()
        .chain(&jobs)
        .map(|life| &life.start().job_id)
        .collect();
    assert_eq!(ids.len(), past.len() + jobs.len());
    let year = now().plus_millis(365 * DAY_MILLIS);
    let skipped = demo.jobs_until(year);
    assert!((990..=1_001).contains(&skipped.len()), "{}", skipped.len());
    let resumed = demo.resumed_at(year.plus_millis(DAY_MILLIS));
    assert!(!resumed.is_due(year.plus_millis(DAY_MILLIS)));
}

#[test]
fn a_demo_ends_with_the_last_moment() {
    let (mut demo, _) = Demo::start(1, now());
    let resumed = demo.clone().resumed_at(Timestamp::MAX);
    assert!(!resumed.is_due(Timestamp::MAX));
    let last = demo.jobs_until(Timestamp::MAX);
    assert!((900..=1_001).contains(&last.len()), "{}", last.len());
    assert!(!demo.is_due(Timestamp::MAX));
    assert_eq!(demo.jobs_until(Timestamp::MAX), []);
}

#[test]
fn jobs_of_a_demo_always_run_and_move_on() {
    let (mut demo, mut lives) = Demo::start(1, now());
    lives.extend(demo.jobs_until(now().plus_millis(2 * DAY_MILLIS)));
    let first = World::new(1, 4).domains()[0].clone();
    lives.retain(|life| life.start().domain_id == first);
    let times: Vec<i64> = (-2 * 24 * 60..2 * 24 * 60).step_by(7).collect();
    let all = times.len();
    // How often one job runs alone, since another hourly one has failed.
    let mut alone = 0;
    for minute in times {
        let time = now().plus_millis(minute * 60_000);
        let within = |life: &&crate::job::Life| {
            life.start().created_at <= time && life.ends_at().is_some_and(|end| end > time)
        };
        let running: Vec<_> = lives.iter().filter(within).collect();
        alone += usize::from(running.len() < 2);
        let next = running
            .iter()
            .filter_map(|life| life.next_change(time))
            .min();
        assert!(next.unwrap().millis() - time.millis() < 12_000, "{time}");
    }
    assert!(50 * alone < all, "{alone} of {all}");
}
