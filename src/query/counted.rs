//! Groups that only count, told from counts that are held in memory.
//!
//! The statement that answers such a group from the tables of counts takes most of its time for the steps of SQLite's
//! machine: a thousand rows are a fraction of a millisecond. Here they are added up in a loop. The answer is the same to
//! the byte, which tests/api/counters.rs compares.

use std::collections::HashMap;

use super::counts::Asked;
use super::date_format::DateFormat;
use super::field::Column;
use super::filter::Filter;
use super::request::Page;
use super::scope::Scope;
use super::value::{Any, write_integer, write_text};
use crate::job::JobStatus;
use crate::time::{DAY_MILLIS, Timestamp};

/// The most room that is made for rows to come, in bytes.
const MOST_BYTES_AHEAD: usize = 256 << 10;

/// How many jobs there are in each status, at its place in [`JobStatus::ALL`].
pub type ByStatus = [i64; 6];

/// The jobs of a domain by day: days since the first moment of the year 0000, ascending.
pub type ByDay = Vec<(i64, ByStatus)>;

/// The jobs of a day by hour, counted likewise.
pub type ByHour = Vec<(i64, ByStatus)>;

/// The jobs of a domain by collector.
#[derive(Debug, Default)]
pub struct ByCollector {
    /// Ascending, first the jobs that have none.
    collectors: Vec<(Option<String>, ByStatus)>,
    /// The ids as JSON.
    json: Vec<Vec<u8>>,
}

impl ByCollector {
    /// Of the collectors in any order, each once.
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

/// From which counts a group is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    Days,
    Collectors,
}

/// What a group is by.
#[derive(Debug, Clone, PartialEq)]
pub enum Key {
    Status,
    Collector,
    /// The text or number that a format makes of the day; the format's own text is its name.
    Day(DateFormat, String),
}

/// A group by one or two keys whose fields are all numbers of jobs.
#[derive(Debug, Clone, PartialEq)]
pub struct Counted {
    /// Who asks.
    pub(crate) scope: Scope,
    source: Source,
    /// Which jobs are counted.
    pub(crate) filter: Filter,
    keys: Vec<Key>,
    /// What stands before the value of each member, comma and name.
    names: Vec<Vec<u8>>,
}

/// What a format makes of some days.
#[derive(Debug)]
pub struct Labels {
    /// The different values, ascending, as JSON.
    json: Vec<Vec<u8>>,
    /// Which of them each day has.
    of_day: Vec<usize>,
}

impl Labels {
    fn new(days: &ByDay, format: &DateFormat) -> Self {
        let labels: Vec<Any> = days
            .iter()
            .map(|(day, _)| {
                let start = Timestamp::from_millis(day * DAY_MILLIS + Timestamp::MIN.millis());
                start.map_or(Any::Null, |start| format.format(start))
            })
            .collect();
        let mut sorted: Vec<&Any> = labels.iter().collect();
        sorted.sort_by(|one, other| one.compare(other));
        sorted.dedup_by(|one, other| one.compare(other).is_eq());
        let of_day = labels.iter().map(|label| {
            let place = sorted.binary_search_by(|known| known.compare(label));
            place.unwrap_or_default()
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

/// The labels of the days that were made before, by format.
pub type DayLabels = HashMap<String, Labels>;

impl Counted {
    /// The most keys that a group may have.
    const MOST_KEYS: usize = 2;

    /// A group by these keys, of jobs that pass a filter; `None` where it can't be told from counts in memory. The names
    /// are those of the keys, then of the fields.
    pub(crate) fn new(
        scope: &Scope,
        filter: &Filter,
        source: Source,
        keys: Vec<Key>,
        names: &[&str],
    ) -> Option<Self> {
        let is_repeated = keys.len() == Self::MOST_KEYS
            && std::mem::discriminant(&keys[0]) == std::mem::discriminant(&keys[1]);
        let has_field = names.len() > keys.len();
        if keys.is_empty()
            || keys.len() > Self::MOST_KEYS
            || is_repeated
            || !has_field
            || !filter.is_plain()
        {
            return None;
        }
        let names = names.iter().map(|name| {
            let mut text = b",".to_vec();
            write_text(name, &mut text);
            text.push(b':');
            text
        });
        Some(Self {
            scope: scope.clone(),
            source,
            filter: filter.clone(),
            keys,
            names: names.collect(),
        })
    }

    /// From which counts it is told.
    #[must_use]
    pub fn source(&self) -> Source {
        self.source
    }

    /// Appends the rows of a page to the answer, separated by commas; returns how many there are before paging, or `None`
    /// where the answer has become longer than `most` bytes.
    pub fn write_by_day(
        &self,
        days: &ByDay,
        labels: &mut DayLabels,
        page: Page,
        most: usize,
        out: &mut Vec<u8>,
    ) -> Option<u64> {
        let formatted = self.keys.iter().find_map(|key| match key {
            Key::Day(format, name) => Some((format, name)),
            _ => None,
        });
        if let Some((format, name)) = formatted
            && !labels.contains_key(name)
        {
            labels.insert(name.clone(), Labels::new(days, format));
        }
        let passes = statuses(&self.filter, None);
        let rows = days.iter().map(|(_, counts)| (*counts, passes));
        match formatted.and_then(|(_, name)| labels.get(name)) {
            Some(labels) => self.write(rows, &labels.of_day, &labels.json, (page, most), out),
            None => self.write(rows, &vec![0; days.len()], &[], (page, most), out),
        }
    }

    /// As [`Counted::write_by_day`].
    pub fn write_by_collector(
        &self,
        counts: &ByCollector,
        page: Page,
        most: usize,
        out: &mut Vec<u8>,
    ) -> Option<u64> {
        let asked = self.filter.asked();
        let is_asked = asked.contains(&Asked::Column(Column::CollectorId));
        let all = statuses(&self.filter, None);
        let rows = counts.collectors.iter().map(|(collector, counts)| {
            let passes = if is_asked {
                statuses(&self.filter, collector.as_deref())
            } else {
                all
            };
            (*counts, passes)
        });
        let of_row: Vec<_> = (0..counts.json.len()).collect();
        self.write(rows, &of_row, &counts.json, (page, most), out)
    }

    /// Adds up what passes of each row, by the place of its label and its status, and writes the sums in their order.
    fn write(
        &self,
        rows: impl Iterator<Item = (ByStatus, [bool; 6])>,
        of_row: &[usize],
        labels: &[Vec<u8>],
        (page, most): (Page, usize),
        out: &mut Vec<u8>,
    ) -> Option<u64> {
        let mut statuses = JobStatus::ALL;
        statuses.sort_unstable_by_key(|status| status.name());
        let mut sums: Vec<([usize; Self::MOST_KEYS], i64)> = Vec::with_capacity(4 * of_row.len());
        for ((counts, passes), label) in rows.zip(of_row) {
            for (order, status) in statuses.into_iter().enumerate() {
                let jobs = counts[status as usize];
                if jobs == 0 || !passes[status as usize] {
                    continue;
                }
                let mut place = [0; Self::MOST_KEYS];
                for (place, key) in place.iter_mut().zip(&self.keys) {
                    *place = match key {
                        Key::Status => order,
                        Key::Collector | Key::Day(..) => *label,
                    };
                }
                sums.push((place, jobs));
            }
        }
        // Mostly they are in order already, which this sort is quick to see.
        sums.sort_by_key(|(place, _)| *place);
        sums.dedup_by(|(place, jobs), (before, sum)| {
            let is_same = place == before;
            if is_same {
                *sum += *jobs;
            }
            is_same
        });
        let first = usize::try_from(page.skip).unwrap_or(usize::MAX);
        let limit = page.limit.map_or(usize::MAX, |limit| {
            usize::try_from(limit).unwrap_or(usize::MAX)
        });
        let place_of = |is_status: bool| {
            let mut keys = self.keys.iter();
            keys.position(|key| (*key == Key::Status) == is_status)
        };
        let (status_key, label_key) = (place_of(true), place_of(false));
        let texts = statuses.map(|status| self.text_around_label(status, true));
        let further_fields = self.names.iter().skip(self.keys.len() + 1);
        for (index, (place, jobs)) in sums.iter().skip(first).take(limit).enumerate() {
            if index > 0 {
                out.push(b',');
            }
            let order = status_key.map_or(0, |key| place[key]);
            let label = label_key.map_or(&[][..], |key| &labels[place[key]]);
            let start = out.len();
            if label_key.is_some() && label.is_empty() {
                // A job without a collector has no such member.
                let [members, _] = self.text_around_label(statuses[order], false);
                out.extend_from_slice(&members);
            } else {
                let [before, after] = &texts[order];
                out.extend_from_slice(before);
                out.extend_from_slice(label);
                out.extend_from_slice(after);
            }
            write_integer(*jobs, out);
            for name in further_fields.clone() {
                out.extend_from_slice(name);
                write_integer(*jobs, out);
            }
            // In the place of the comma before the first member.
            out[start] = b'{';
            out.push(b'}');
            if out.len() > most {
                return None;
            }
            if index == 0 {
                // The others are as long, more or less.
                let rows = sums.len().saturating_sub(first).min(limit) - 1;
                let bytes = rows.saturating_mul(out.len() - start + 1);
                out.reserve(bytes.min(MOST_BYTES_AHEAD));
            }
        }
        Some(sums.len() as u64)
    }

    /// The members of a row up to its first number, of jobs of a status: what stands before the label, and behind it.
    fn text_around_label(&self, status: JobStatus, has_label: bool) -> [Vec<u8>; 2] {
        let mut sides = [Vec::new(), Vec::new()];
        let mut side = 0;
        let mut keys = self.keys.iter();
        for name in self.names.iter().take(self.keys.len() + 1) {
            match keys.next() {
                Some(Key::Status) => {
                    sides[side].extend_from_slice(name);
                    sides[side].extend_from_slice(status.json().as_bytes());
                }
                Some(Key::Collector | Key::Day(..)) if !has_label => {}
                Some(Key::Collector | Key::Day(..)) => {
                    sides[side].extend_from_slice(name);
                    side = 1;
                }
                // The first of the fields.
                None => sides[side].extend_from_slice(name),
            }
        }
        sides
    }
}

/// Which statuses pass a filter, of a collector.
pub(super) fn statuses(filter: &Filter, collector: Option<&str>) -> [bool; 6] {
    JobStatus::ALL.map(|status| {
        filter.holds(&|column| match column {
            Column::Status => Some(status.name()),
            Column::CollectorId => collector,
            _ => None,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::filter::ALWAYS;

    #[test]
    fn an_answer_that_grows_too_long_is_none() {
        let collectors = (0..9).map(|number| (Some(format!("c{number}")), [1; 6]));
        let counts = ByCollector::new(collectors.collect());
        let keys = vec![Key::Collector];
        let names = ["collector", "jobs"];
        let scope = Scope::new("d");
        let counted = Counted::new(&scope, &ALWAYS, Source::Collectors, keys, &names).unwrap();
        let page = Page {
            skip: 0,
            limit: Some(2),
        };
        let write = |most| {
            let mut out = Vec::new();
            let rows = counted.write_by_collector(&counts, page, most, &mut out);
            (rows, String::from_utf8(out).unwrap())
        };
        let whole = r#"{"collector":"c0","jobs":6},{"collector":"c1","jobs":6}"#;
        assert_eq!(write(whole.len()), (Some(9), whole.to_owned()));
        assert_eq!(write(whole.len() - 1).0, None);
    }
}
