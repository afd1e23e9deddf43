//! The collectors of the made-up world.

use rand::{Rng, RngExt};
use serde_json::{Map, Value, json};

use super::catalog::{ENVIRONMENTS, PLUGINS, Plugin, TEAMS};
use super::random::{hex, pick, shuffle};
use super::schedule::{FLAKY_SEAT, Rhythm, SLOW_SEAT, STUCK_SEAT};
use crate::job::CollectorInfo;

const MINUTE_MILLIS: i64 = 60_000;
/// The usual durations of the collectors that run once in the night, in minutes: most are short.
const NIGHTLY_MINUTES: [i64; 12] = [1, 2, 2, 3, 3, 4, 5, 6, 8, 10, 14, 20];

/// A collector: what it collects, and how long it usually takes.
#[derive(Debug, Clone)]
pub(super) struct Collector {
    pub(super) id: String,
    pub(super) name: String,
    /// The index of its domain.
    pub(super) domain: usize,
    pub(super) plugin: &'static Plugin,
    pub(super) plugin_index: usize,
    /// The index of its project, if it has one.
    pub(super) project: Option<usize>,
    is_public: bool,
    pub(super) rhythm: Rhythm,
    /// How long a job usually runs.
    pub(super) usual_millis: i64,
    /// How long a job runs at most.
    pub(super) limit_millis: i64,
    /// How many tasks a job usually has.
    pub(super) tasks: i64,
}

impl Collector {
    /// Makes the collector of a seat; its plugin, domain and project are given by their indexes.
    pub(super) fn make(
        random: &mut impl Rng,
        seat: usize,
        plugin_index: usize,
        name: String,
        (domain, project): (usize, Option<usize>),
    ) -> Self {
        let rhythm = Rhythm::of(seat);
        let usual = match (seat, rhythm) {
            (FLAKY_SEAT, _) => 6,
            (SLOW_SEAT, _) => 8,
            (STUCK_SEAT, _) => 11,
            (_, Rhythm::Hourly) => 50,
            (_, Rhythm::Long) => 330,
            (_, Rhythm::SixHourly) => random.random_range(4..=12),
            (_, Rhythm::Nightly) => *pick(random, &NIGHTLY_MINUTES),
        };
        let limit = match (seat, rhythm) {
            (SLOW_SEAT, _) | (_, Rhythm::Hourly) => 90,
            (_, Rhythm::Long) => 420,
            (_, Rhythm::SixHourly | Rhythm::Nightly) => 3 * usual,
        };
        let tasks = match rhythm {
            // One is done every few seconds.
            Rhythm::Hourly => random.random_range(480..=720),
            Rhythm::Long => random.random_range(3_000..=4_500),
            Rhythm::SixHourly => random.random_range(20..=60),
            Rhythm::Nightly => random.random_range(2..=48),
        };
        Self {
            id: format!("collector-{}", hex(random, 12)),
            name,
            domain,
            plugin: &PLUGINS[plugin_index],
            plugin_index,
            project,
            is_public: random.random_bool(0.3),
            rhythm,
            usual_millis: usual * MINUTE_MILLIS,
            limit_millis: limit * MINUTE_MILLIS,
            tasks,
        }
    }

    /// Describes the collector as it is with a version of its plugin.
    pub(super) fn info(&self, version: &str) -> CollectorInfo {
        let info = json!({
            "collector_id": self.id,
            "name": self.name,
            "state": "ENABLED",
            "plugin_info": {"plugin_id": self.plugin.id(), "version": version, "options": {}},
            "provider": self.plugin.provider,
            "capability": {"supported_resource_type": [self.plugin.resource_type]},
            "is_public": self.is_public
        });
        CollectorInfo(match info {
            Value::Object(members) => members,
            _ => Map::new(),
        })
    }
}

/// Makes names such as "AWS EC2 payments-prod", each of them once.
pub(super) struct Names {
    /// The accounts in the order in which each plugin collects them.
    accounts: Vec<Vec<String>>,
    /// The number of names made for each plugin.
    made: Vec<usize>,
}

impl Names {
    pub(super) fn new(random: &mut impl Rng) -> Self {
        let accounts = |_: &Plugin| {
            let mut accounts: Vec<String> = ENVIRONMENTS
                .iter()
                .flat_map(|environment| {
                    TEAMS
                        .iter()
                        .map(move |team| format!("{team}-{environment}"))
                })
                .collect();
            shuffle(random, &mut accounts);
            accounts
        };
        Self {
            accounts: PLUGINS.iter().map(accounts).collect(),
            made: vec![0; PLUGINS.len()],
        }
    }

    /// Makes the next name for a plugin, given by its index.
    pub(super) fn next(&mut self, plugin: usize) -> String {
        let accounts = &self.accounts[plugin];
        let number = self.made[plugin];
        self.made[plugin] += 1;
        let account = &accounts[number % accounts.len()];
        let name = PLUGINS[plugin].name;
        match number / accounts.len() {
            0 => format!("{name} {account}"),
            round => format!("{name} {account} #{}", round + 1),
        }
    }
}
