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

    /// Adds up what passes of each row, by its label and status, and writes the sums in the order of the keys.
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
        // Where no key has labels, all rows have the same.
        let mut sums: Vec<[i64; 6]> = vec![[0; 6]; labels.len().max(1)];
        for ((counts, passes), label) in rows.zip(of_row) {
            for (sum, status) in sums[*label].iter_mut().zip(statuses) {
                if passes[status as usize] {
                    *sum += counts[status as usize];
                }
            }
        }
        let cells = self.in_order(&sums);
        let has_label = self.keys.iter().any(|key| *key != Key::Status);
        let texts = statuses.map(|status| self.text_around_label(status, true));
        let further_fields = self.names.iter().skip(self.keys.len() + 1);
        let first = usize::try_from(page.skip).unwrap_or(usize::MAX);
        let limit = page.limit.map_or(usize::MAX, |limit| {
            usize::try_from(limit).unwrap_or(usize::MAX)
        });
        let written = cells.len().saturating_sub(first).min(limit);
        for (index, cell) in cells.iter().skip(first).take(limit).enumerate() {
            let label = if has_label { &*labels[cell.label] } else { &[] };
            let without_label;
            let [before, after] = if has_label && label.is_empty() {
                // A job without a collector has no such member.
                without_label = self.text_around_label(statuses[cell.order], false);
                &without_label
            } else {
                &texts[cell.order]
            };
            let start = out.len();
            // The first has no row before it that it would end.
            out.extend_from_slice(if index == 0 { &before[2..] } else { before });
            out.extend_from_slice(label);
            out.extend_from_slice(after);
            write_integer(cell.jobs, out);
            for name in further_fields.clone() {
                out.extend_from_slice(name);
                write_integer(cell.jobs, out);
            }
            if out.len() >= most {
                return None;
            }
            if index == 0 {
                // The others are as long, more or less.
                let bytes = written.saturating_mul(out.len() - start + 2);
                out.reserve(bytes.min(MOST_BYTES_AHEAD));
            }
        }
        if written > 0 {
            out.push(b'}');
        }
        Some(cells.len() as u64)
    }

    /// The sums that are rows, in their order: of each label by the order of the statuses.
    fn in_order(&self, sums: &[[i64; 6]]) -> Vec<Cell> {
        let labels = || sums.iter().enumerate();
        let cell = |label, order, jobs| Cell { label, order, jobs };
        let is_row = |cell: &Cell| cell.jobs > 0;
        match &self.keys[..] {
            [Key::Status] => (0..6)
                .map(|order| cell(0, order, sums.iter().map(|sums| sums[order]).sum()))
                .filter(is_row)
                .collect(),
            [_] => labels()
                .map(|(label, sums)| cell(label, 0, sums.iter().sum()))
                .filter(is_row)
                .collect(),
            [Key::Status, ..] => (0..6)
                .flat_map(|order| {
                    labels().map(move |(label, sums)| cell(label, order, sums[order]))
                })
                .filter(is_row)
                .collect(),
            _ => labels()
                .flat_map(|(label, sums)| (0..6).map(move |order| cell(label, order, sums[order])))
                .filter(is_row)
                .collect(),
        }
    }

    /// The members of a row of jobs of a status, up to its first number: what stands before the label, after the end of the
    /// row before, and what stands behind the label.
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
        // In the place of the comma before the first member.
        sides[0].splice(..1, *b"},{");
        sides
    }
}

/// A sum that is a row of the answer.
struct Cell {
    label: usize,
    /// Where its status stands among all, by name; 0 where no key is the status.
    order: usize,
    jobs: i64,
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
