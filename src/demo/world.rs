//! The made-up world of the demo: collectors, domains, projects, and the lives of its jobs.

use std::ops::Range;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::{Map, json};

use super::catalog::PLUGINS;
use super::collector::{Collector, Names};
use super::ending::{Ending, Fate};
use super::errors::Cause;
use super::random::{hex, per_mille, pick, shuffle};
use super::schedule::{FIRST_SEATS, FLAKY_SEAT, LIMITED_SEAT, OTHER_SEATS, SLOW_SEAT, STUCK_SEAT};
use super::story::{BrokenPlugin, CollectorName, Outage, Story, StuckJob};
use super::timeline::{Run, Timeline};
use crate::job::{Job, JobError, JobStatus, Life, LifeStage};
use crate::json::StrictObject;
use crate::time::Timestamp;

const PROJECTS: usize = 80;
/// The projects of the first domain.
const FIRST_PROJECTS: usize = 56;
/// How many of a thousand collectors have a project.
const PROJECT_PER_MILLE: u32 = 800;

/// The plugin of the collector that exceeds a quota, by index: AWS EC2.
const LIMITED_PLUGIN: usize = 0;
const OUTAGE_PROVIDER: &str = "aws";
const OUTAGE_REGION: &str = "eu-west-1";
/// How many of a thousand jobs of the provider fail in the outage.
const OUTAGE_PER_MILLE: u32 = 950;
/// How many of a thousand jobs of the broken version fail because of it.
const BROKEN_PER_MILLE: u32 = 400;
/// How many of a thousand jobs of one hourly collector exceed a quota.
const LIMITED_PER_MILLE: u32 = 50;
/// The hundredths of the days after which plugins have a new version: one does no harm, the other is broken.
const HARMLESS_AFTER_PERCENT: i64 = 35;
const BROKEN_AFTER_PERCENT: i64 = 70;

/// Collectors, domains and projects, all made from a seed.
#[derive(Debug, Clone)]
pub struct World {
    /// Each job draws from a stream of its own.
    random: ChaCha8Rng,
    domains: Vec<String>,
    projects: Vec<String>,
    /// By seat. After those of the first domain, each other seat has one collector or several, which take turns by the day.
    collectors: Vec<Collector>,
    /// The versions of the plugins, and the next ones.
    versions: Vec<[String; 2]>,
    /// The plugins that get their next versions, by index.
    broken: usize,
    harmless: usize,
}

impl World {
    /// Makes the world of a seed.
    #[must_use]
    pub fn new(seed: u64, domains: usize) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let domains: Vec<_> = (0..domains.max(1))
            .map(|_| format!("domain-{}", hex(&mut random, 12)))
            .collect();
        // The rest is the same for any number of domains.
        random.set_stream(u64::MAX);
        random.set_word_pos(0);
        let projects = (0..PROJECTS)
            .map(|_| format!("project-{}", hex(&mut random, 12)))
            .collect();
        let versions = PLUGINS.each_ref().map(|_| {
            let [major, minor, patch] =
                [(1..4), (1..20), (1..10)].map(|range| random.random_range(range));
            [(minor, patch), (minor + 1, 0)]
                .map(|(minor, patch)| format!("{major}.{minor}.{patch}"))
        });
        // The outage is another part of the story than the others.
        let is_outside = |plugin: &usize| PLUGINS[*plugin].provider != OUTAGE_PROVIDER;
        let mut outside: Vec<usize> = (0..PLUGINS.len()).filter(is_outside).collect();
        shuffle(&mut random, &mut outside);
        let mut names = Names::new(&mut random);
        let others = domains.len() - 1;
        let turns = others.div_ceil(OTHER_SEATS).max(1);
        let collectors = (0..FIRST_SEATS + turns * OTHER_SEATS)
            .map(|number| {
                let plugin = match number {
                    FLAKY_SEAT => outside[1],
                    SLOW_SEAT => outside[2],
                    STUCK_SEAT => outside[3],
                    LIMITED_SEAT => LIMITED_PLUGIN,
                    // Neighbours in the schedule have different providers.
                    _ => (7 * number + 3) % PLUGINS.len(),
                };
                let domain = domain_of(number, others);
                let projects = projects_of(domain, others);
                let chosen = projects.start + usize::from(random.random::<u16>()) % projects.len();
                let project = per_mille(&mut random, PROJECT_PER_MILLE).then_some(chosen);
                let name = names.next(plugin);
                let seat = seat_of(number);
                Collector::make(&mut random, seat, plugin, name, (domain, project))
            })
            .collect();
        Self {
            random,
            domains,
            projects,
            collectors,
            versions: versions.into(),
            broken: outside[0],
            harmless: outside[4],
        }
    }

    /// Returns the domains; the first has most of the jobs, and the story.
    #[must_use]
    pub fn domains(&self) -> &[String] {
        &self.domains
    }

    /// Describes what can be found out about the jobs of a timeline.
    #[must_use]
    pub fn story(&self, timeline: &Timeline) -> Story {
        let name = |seat: usize| {
            let collector = &self.collectors[seat];
            CollectorName {
                collector_id: collector.id.clone(),
                name: collector.name.clone(),
            }
        };
        let (from, to) = timeline.outage();
        let [old_version, new_version] = self.versions[self.broken].clone();
        let stuck = self.life(timeline, timeline.stuck_job());
        Story {
            domain_id: self.domains[0].clone(),
            flaky: name(FLAKY_SEAT),
            flaky_error_code: Cause::Connection.code(),
            slow: name(SLOW_SEAT),
            limited: name(LIMITED_SEAT),
            limited_error_code: Cause::Quota.code(),
            outage: Outage {
                from,
                to,
                provider: OUTAGE_PROVIDER,
                region: OUTAGE_REGION,
                error_code: Cause::Unavailable.code(),
            },
            broken_plugin: BrokenPlugin {
                plugin_id: PLUGINS[self.broken].id(),
                old_version,
                new_version,
                since: timeline.moment(BROKEN_AFTER_PERCENT),
                error_code: Cause::Exception.code(),
            },
            stuck: StuckJob {
                job_id: stuck.start().job_id.clone(),
                collector: name(STUCK_SEAT),
                created_at: stuck.start().created_at,
            },
        }
    }

    /// Makes the life of job `index` of a timeline.
    #[must_use]
    pub fn life(&self, timeline: &Timeline, index: u64) -> Life {
        let random = &mut self.random_of(index);
        let run = timeline.run(index, random.random());
        let collector = self.collector_of(&run);
        let version = self.version_of(collector, timeline, run.at);
        let spread = collector.tasks / 10;
        let total_tasks = collector.tasks + random.random_range(-spread..=spread);
        let mut filter = Map::new();
        if random.random_bool(0.4) {
            filter.insert(
                "region_code".to_owned(),
                json!([pick(random, collector.plugin.regions)]),
            );
        }
        let start = Job {
            job_id: format!("job-{}", hex(random, 12)),
            status: JobStatus::Created,
            filter: StrictObject(filter),
            total_tasks,
            remained_tasks: total_tasks,
            success_tasks: None,
            failure_tasks: None,
            errors: Vec::new(),
            collector_info: Some(collector.info(version)),
            secret_id: None,
            request_secret_id: None,
            request_workspace_id: None,
            resource_group: None,
            project_id: collector
                .project
                .map(|project| self.projects[project].clone()),
            workspace_id: None,
            domain_id: self.domains[collector.domain].clone(),
            created_at: run.at,
            updated_at: run.at,
            finished_at: None,
        };
        let stage = |at: Timestamp, status, remained_tasks, errors| LifeStage {
            at,
            status,
            remained_tasks,
            errors,
        };
        let started_at = run.at.plus_millis(random.random_range(1_000..12_000));
        let mut stages = vec![stage(
            started_at,
            JobStatus::InProgress,
            total_tasks,
            Vec::new(),
        )];
        if index == timeline.stuck_job() {
            let stuck_at = started_at.plus_millis(collector.usual_millis / 2);
            let left = total_tasks - total_tasks / 2;
            stages.push(stage(stuck_at, JobStatus::InProgress, left, Vec::new()));
            return Life::new(start, stages);
        }
        let fate = self.fate(random, collector, timeline, &run);
        let ending = Ending::of(random, collector, total_tasks, fate);
        let errors: Vec<JobError> = match ending.cause {
            None => Vec::new(),
            Some(cause) => (0..cause.errors(random))
                .map(|_| cause.error(random, collector.plugin, version, OUTAGE_REGION))
                .collect(),
        };
        let ends_at = started_at.plus_millis(ending.run_millis);
        if ending.left < 0 {
            // No task is done at the moment in which the number of tasks is lost.
            let left = total_tasks - random.random_range(0..total_tasks);
            stages.push(stage(
                ends_at.plus_millis(-1),
                JobStatus::InProgress,
                left,
                Vec::new(),
            ));
        }
        stages.push(stage(ends_at, ending.status, ending.left, errors));
        Life::new(start, stages)
    }

    /// Returns the time at which job `index` of a timeline is created.
    pub(super) fn created_at(&self, timeline: &Timeline, index: u64) -> Timestamp {
        timeline.run(index, self.random_of(index).random()).at
    }

    fn random_of(&self, index: u64) -> ChaCha8Rng {
        let mut random = self.random.clone();
        random.set_stream(index.wrapping_add(1));
        random
    }

    fn collector_of(&self, run: &Run) -> &Collector {
        let mut number = run.seat;
        if number >= FIRST_SEATS {
            let turns = (self.collectors.len() - FIRST_SEATS) / OTHER_SEATS;
            let turn = usize::try_from(run.day.unsigned_abs()).unwrap_or(0) % turns;
            number += turn * OTHER_SEATS;
        }
        &self.collectors[number]
    }

    /// Returns the version of a collector's plugin at a time.
    fn version_of(&self, collector: &Collector, timeline: &Timeline, at: Timestamp) -> &str {
        let [old, new] = &self.versions[collector.plugin_index];
        let is_new = collector.domain == 0
            && (self.is_broken(collector, timeline, at)
                || (collector.plugin_index == self.harmless
                    && at >= timeline.moment(HARMLESS_AFTER_PERCENT)));
        if is_new { new } else { old }
    }

    fn is_broken(&self, collector: &Collector, timeline: &Timeline, at: Timestamp) -> bool {
        collector.domain == 0
            && collector.plugin_index == self.broken
            && at >= timeline.moment(BROKEN_AFTER_PERCENT)
    }

    /// Decides what the story has in store for a job.
    fn fate(
        &self,
        random: &mut ChaCha8Rng,
        collector: &Collector,
        timeline: &Timeline,
        run: &Run,
    ) -> Fate {
        if collector.domain != 0 {
            return Fate::USUAL;
        }
        match run.seat {
            FLAKY_SEAT if matches!(run.flaky_jobs.rem_euclid(5), 0 | 2) => {
                return Fate::Failure(Cause::Connection);
            }
            FLAKY_SEAT => return Fate::Success,
            SLOW_SEAT => {
                let thousandths = 1_000 + 2 * timeline.progress(run.at);
                return Fate::Usual { thousandths };
            }
            _ => {}
        }
        let (from, to) = timeline.outage();
        let is_out = collector.plugin.provider == OUTAGE_PROVIDER && (from..to).contains(&run.at);
        if is_out && per_mille(random, OUTAGE_PER_MILLE) {
            Fate::Failure(Cause::Unavailable)
        } else if self.is_broken(collector, timeline, run.at) && per_mille(random, BROKEN_PER_MILLE)
        {
            Fate::Failure(Cause::Exception)
        } else if run.seat == LIMITED_SEAT && per_mille(random, LIMITED_PER_MILLE) {
            Fate::Failure(Cause::Quota)
        } else {
            Fate::USUAL
        }
    }
}

/// Returns the seat of a collector, given by its number.
fn seat_of(number: usize) -> usize {
    match number.checked_sub(FIRST_SEATS) {
        None => number,
        Some(other) => FIRST_SEATS + other % OTHER_SEATS,
    }
}

/// Returns the domain of a collector, given by its number and by the number of domains without the story.
fn domain_of(number: usize, others: usize) -> usize {
    match number.checked_sub(FIRST_SEATS) {
        Some(other) if others > 0 => 1 + other % others,
        _ => 0,
    }
}

/// Returns the projects of a domain, given the number of domains without the story.
fn projects_of(domain: usize, others: usize) -> Range<usize> {
    if others == 0 {
        return 0..PROJECTS;
    }
    if domain == 0 {
        return 0..FIRST_PROJECTS;
    }
    let left = PROJECTS - FIRST_PROJECTS;
    let size = (left / others).max(1);
    let first = FIRST_PROJECTS + (domain - 1) * size % left;
    first..first + size
}
