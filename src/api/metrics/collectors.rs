//! `CollectorMetrics`: a few series for each collector, computed when scraped.
//!
//! They are computed once for each version of the data and each minute, and not more often than every few seconds. There
//! are at most so many collectors as the option says: each takes 19 series.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::{ConstGauge, Gauge};
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use roaring::RoaringTreemap;

use crate::clock::Clocks;
use crate::query::overview::{OverviewPlan, RangeTexts, minute_of};
use crate::query::request::JobsQuery;
use crate::store::{CollectorState, DataVersion, Interrupt, RunningCount, Store, StoreError};
use crate::time::Timestamp;

/// How long computed series are answered, also where the data has changed.
const MIN_AGE: Duration = Duration::from_secs(5);
/// The bounds of the histogram, in seconds: from a second to a day.
const BOUNDS: [f64; 11] = [
    1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 1_800.0, 3_600.0, 10_800.0, 43_200.0, 86_400.0,
];

/// The series of the collectors.
#[derive(Debug)]
pub(crate) struct CollectorMetrics {
    /// For the most collectors that have any.
    max: usize,
    state: Mutex<State>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    domain: String,
    collector: String,
}

#[derive(Debug)]
struct State {
    computed: Option<Computed>,
    /// The rows of the jobs that had ended when the series were last computed; `None` before the first time.
    ended: Option<RoaringTreemap>,
    /// How long jobs took that have ended since the server started.
    durations: Durations,
    /// The collectors that have such durations.
    known: HashSet<Labels>,
}

type Durations = Family<Labels, Histogram, fn() -> Histogram>;

impl Default for State {
    fn default() -> Self {
        Self {
            computed: None,
            ended: None,
            durations: Family::new_with_constructor(|| Histogram::new(BOUNDS)),
            known: HashSet::new(),
        }
    }
}

/// What was computed last.
#[derive(Debug)]
struct Computed {
    at: Instant,
    basis: Basis,
    collectors: Vec<(Labels, CollectorState, RunningCount)>,
    /// How many collectors have no series.
    others: u64,
}

/// What the series depend on: the data, the settings of clocks, and the minute by which jobs are stuck.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Basis {
    data: DataVersion,
    clocks: u64,
    minute: Timestamp,
}

impl CollectorMetrics {
    /// Begins, for so many collectors at the most.
    pub(crate) fn new(max: usize) -> Self {
        Self {
            max,
            state: Mutex::default(),
        }
    }

    /// Registers the series of now, which it computes where they may have changed. Blocks.
    ///
    /// # Errors
    /// [`StoreError`] when the database can't be read, or not in time; nothing is registered then.
    pub(in crate::api) fn register(
        &self,
        registry: &mut Registry,
        store: &Store,
        clocks: &Clocks,
        interrupt: &Arc<Interrupt>,
    ) -> Result<(), StoreError> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        // Read before the transaction begins, so that the series are never older than their version.
        let basis = Basis {
            data: store.version()?,
            clocks: clocks.version(),
            minute: minute_of(clocks.now(None)),
        };
        let is_fresh = state
            .computed
            .as_ref()
            .is_some_and(|computed| computed.basis == basis || computed.at.elapsed() < MIN_AGE);
        if !is_fresh {
            state.compute(self.max, basis, store, clocks, interrupt)?;
        }
        state.register(registry);
        Ok(())
    }
}

impl State {
    fn compute(
        &mut self,
        max: usize,
        basis: Basis,
        store: &Store,
        clocks: &Clocks,
        interrupt: &Arc<Interrupt>,
    ) -> Result<(), StoreError> {
        let mut reader = store.reader(interrupt)?;
        let transaction = reader.begin()?;
        let (states, others) = transaction.collector_states(max)?;
        let domains: HashSet<_> = states.iter().map(|state| state.domain_id.clone()).collect();
        let mut running = HashMap::new();
        let mut ended = RoaringTreemap::new();
        let mut observed = Vec::new();
        let known: HashSet<_> = states.iter().map(labels_of).collect();
        for domain in domains {
            let query = JobsQuery::from_pairs([("domain_id", domain.as_str())]);
            let now = clocks.now(Some(&domain));
            let plan = query
                .and_then(|query| OverviewPlan::new(&query, RangeTexts::default(), now))
                .map_err(StoreError::Query)?;
            let jobs = transaction.collector_jobs(&plan)?;
            for (collector, count) in jobs.running {
                let domain = domain.clone();
                running.insert(Labels { domain, collector }, count);
            }
            for of_collector in jobs.ended {
                let labels = Labels {
                    domain: domain.clone(),
                    collector: of_collector.collector_id.into(),
                };
                if !known.contains(&labels) {
                    continue;
                }
                for (row, millis) in of_collector.jobs {
                    let row = row.unsigned_abs();
                    ended.insert(row);
                    if self
                        .ended
                        .as_ref()
                        .is_some_and(|before| !before.contains(row))
                    {
                        observed.push((labels.clone(), millis));
                    }
                }
            }
        }
        for labels in self.known.difference(&known) {
            self.durations.remove(labels);
        }
        for labels in &known {
            // Present from the start, so that a rate over it is defined.
            drop(self.durations.get_or_create(labels));
        }
        for (labels, millis) in observed {
            let histogram = self.durations.get_or_create(&labels);
            histogram.observe(seconds(millis));
        }
        self.known = known;
        self.ended = Some(ended);
        let collectors = states.into_iter().map(|state| {
            let labels = labels_of(&state);
            let count = running.get(&labels).copied().unwrap_or_default();
            (labels, state, count)
        });
        self.computed = Some(Computed {
            at: Instant::now(),
            basis,
            collectors: collectors.collect(),
            others,
        });
        Ok(())
    }

    fn register(&self, registry: &mut Registry) {
        let Some(computed) = &self.computed else {
            return;
        };
        let gauges = [(); 5].map(|()| Family::<Labels, Gauge>::default());
        let [success, failure, failures, running, stuck] = &gauges;
        let count = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        for (labels, state, jobs) in &computed.collectors {
            for (family, time) in [(success, state.last_success), (failure, state.last_failure)] {
                if let Some(time) = time {
                    family.get_or_create(labels).set(time.millis() / 1_000);
                }
            }
            for (family, number) in [
                (failures, state.failures_in_a_row),
                (running, jobs.jobs),
                (stuck, jobs.stuck),
            ] {
                family.get_or_create(labels).set(count(number));
            }
        }
        for (family, (name, help)) in gauges.iter().zip([
            (
                "collector_last_success_timestamp_seconds",
                "When the newest success of a collector ended, since 1970",
            ),
            (
                "collector_last_failure_timestamp_seconds",
                "When its newest failure ended, since 1970",
            ),
            (
                "collector_failures_in_a_row",
                "Its failures since its newest success",
            ),
            ("collector_running_jobs", "Its jobs in progress"),
            (
                "collector_stuck_jobs",
                "Those of them that take longer than 95 % of its jobs did",
            ),
        ]) {
            registry.register(name, help, family.clone());
        }
        registry.register_with_unit(
            "collector_job_duration",
            "How long its jobs took that have ended since the server started",
            Unit::Seconds,
            self.durations.clone(),
        );
        registry.register(
            "collectors_without_metrics",
            "Collectors beyond the number of --collector-metrics",
            ConstGauge::new(count(computed.others)),
        );
    }
}

fn labels_of(state: &CollectorState) -> Labels {
    Labels {
        domain: state.domain_id.clone(),
        collector: state.collector_id.clone(),
    }
}

/// Returns a duration in seconds; one that a wrong `finished_at` makes negative is 0.
#[expect(
    clippy::cast_precision_loss,
    reason = "a duration is below 2^53 milliseconds"
)]
fn seconds(millis: i64) -> f64 {
    millis.max(0) as f64 / 1_000.0
}
