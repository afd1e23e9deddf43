//! Counters in the memory of a connection, in the form in which groups and pages use them.

use std::collections::HashMap;

use crate::job::PerStatus;
use crate::query::eval::date_format::DateFormat;
use crate::query::eval::value::{MongoValue, write_text};
use crate::time::{DAY_MILLIS, Timestamp};

/// The number of jobs of each status.
pub type ByStatus = PerStatus<i64>;

/// The jobs of a domain by day: days since the start of the year 0000, ascending.
pub type ByDay = Vec<(i64, ByStatus)>;

/// The jobs of a day by hour: hours since the start of the year 0000, ascending.
pub type ByHour = Vec<(i64, ByStatus)>;

/// The jobs of a domain by collector.
#[derive(Debug, Default)]
pub struct ByCollector {
    /// In ascending order of their ids; first the jobs without a collector.
    pub(super) collectors: Vec<(Option<String>, ByStatus)>,
    /// The ids as JSON; empty for the jobs without a collector.
    pub(super) json: Vec<Vec<u8>>,
}

impl ByCollector {
    /// Sorts the counters of collectors. Each collector comes once.
    #[must_use]
    pub fn new(mut collectors: Vec<(Option<String>, ByStatus)>) -> Self {
        collectors.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
        let json = collectors.iter().map(|(collector, _)| {
            let mut json = Vec::new();
            if let Some(collector) = collector {
                write_text(collector, &mut json);
            }
            json
        });
        let json = json.collect();
        Self { collectors, json }
    }
}

/// The labels of days: their texts or numbers in a format.
#[derive(Debug)]
pub struct Labels {
    /// The different values, ascending, as JSON.
    pub(super) json: Vec<Vec<u8>>,
    /// The index into `json` of each day's label.
    pub(super) of_day: Vec<usize>,
}

impl Labels {
    /// Formats each day once.
    pub(super) fn new(days: &ByDay, format: &DateFormat) -> Self {
        let labels: Vec<MongoValue> = days
            .iter()
            .map(|(day, _)| {
                let start = Timestamp::from_millis(day * DAY_MILLIS + Timestamp::MIN.millis());
                start.map_or(MongoValue::Null, |start| format.format(start))
            })
            .collect();
        let mut sorted: Vec<&MongoValue> = labels.iter().collect();
        sorted.sort_by(|one, other| one.compare(other));
        sorted.dedup_by(|one, other| one.compare(other).is_eq());
        let of_day = labels.iter().map(|label| {
            let index = sorted.binary_search_by(|known| known.compare(label));
            index.unwrap_or_default()
        });
        let of_day = of_day.collect();
        let json = sorted.into_iter().map(|label| {
            let mut json = Vec::new();
            label.write_json(&mut json);
            json
        });
        Self {
            json: json.collect(),
            of_day,
        }
    }
}

/// The labels of a connection's days so far, by the text of their format.
pub type DayLabels = HashMap<String, Labels>;
