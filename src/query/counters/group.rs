//! Groups that only count, answered from counters in memory.
//!
//! A statement over the counter tables spends most of its time in the steps of SQLite's virtual machine, a fraction of
//! a millisecond for a thousand rows. Here a loop adds the counters. The answer is the same to the byte, which
//! tests/api/counters.rs compares.

use crate::job::{JobStatus, PerStatus};
use crate::query::check::field::{Column, FieldRef};
use crate::query::check::filter::Filter;
use crate::query::counters::in_memory::{ByCollector, ByDay, ByStatus, DayLabels, Labels};
use crate::query::eval::date_format::DateFormat;
use crate::query::eval::value::{write_integer, write_text};
use crate::query::request::Page;
use crate::query::tenant::Tenant;

/// The most bytes that are reserved for the remaining rows.
const MAX_RESERVED_BYTES: usize = 256 << 10;

/// The counters that answer a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CounterSource {
    Days,
    Collectors,
}

/// A key of a group.
#[derive(Debug, Clone, PartialEq)]
pub enum Key {
    Status,
    Collector,
    /// The day in a format, and the text of the format.
    Day(DateFormat, String),
}

/// A group by one or two keys whose fields are all numbers of jobs.
#[derive(Debug, Clone, PartialEq)]
pub struct CounterGroup {
    /// The tenant whose jobs are counted.
    pub(crate) tenant: Tenant,
    source: CounterSource,
    /// The filter that the counted jobs pass.
    pub(crate) filter: Filter,
    keys: Vec<Key>,
    /// The text before the value of each member: a comma, the name and a colon.
    names: Vec<Vec<u8>>,
}

impl CounterGroup {
    /// The most keys that a group may have.
    const MAX_KEYS: usize = 2;

    /// A group by these keys, of jobs that pass a filter; `None` where counters in memory can't answer it.
    ///
    /// `names` are the names of the keys, then those of the fields.
    pub(crate) fn new(
        tenant: &Tenant,
        filter: &Filter,
        source: CounterSource,
        keys: Vec<Key>,
        names: &[&str],
    ) -> Option<Self> {
        let is_repeated = keys.len() == Self::MAX_KEYS
            && std::mem::discriminant(&keys[0]) == std::mem::discriminant(&keys[1]);
        let has_field = names.len() > keys.len();
        if keys.is_empty()
            || keys.len() > Self::MAX_KEYS
            || is_repeated
            || !has_field
            || !filter.is_decidable_in_memory()
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
            tenant: tenant.clone(),
            source,
            filter: filter.clone(),
            keys,
            names: names.collect(),
        })
    }

    /// The counters that answer the group.
    #[must_use]
    pub fn source(&self) -> CounterSource {
        self.source
    }

    /// Appends the rows of a page to the answer, separated by commas, from the counters by day.
    ///
    /// Returns the number of rows of all pages; `None` where the answer has become longer than `max_bytes`.
    pub fn write_by_day(
        &self,
        days: &ByDay,
        labels: &mut DayLabels,
        page: Page,
        max_bytes: usize,
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
        let passing = masks(statuses(&self.filter, None));
        let rows = days.iter().map(|(_, counts)| (*counts, passing));
        match formatted.and_then(|(_, name)| labels.get(name)) {
            Some(labels) => self.write(rows, &labels.of_day, &labels.json, (page, max_bytes), out),
            None => self.write(rows, &vec![0; days.len()], &[], (page, max_bytes), out),
        }
    }

    /// Appends the rows of a page from the counters by collector, as [`CounterGroup::write_by_day`] does.
    pub fn write_by_collector(
        &self,
        counts: &ByCollector,
        page: Page,
        max_bytes: usize,
        out: &mut Vec<u8>,
    ) -> Option<u64> {
        let fields = self.filter.fields();
        let tests_collector = fields.contains(&FieldRef::Column(Column::CollectorId));
        let all = masks(statuses(&self.filter, None));
        let rows = counts.collectors.iter().map(|(collector, counts)| {
            let passing = if tests_collector {
                masks(statuses(&self.filter, collector.as_deref()))
            } else {
                all
            };
            (*counts, passing)
        });
        let label_of_row: Vec<_> = (0..counts.json.len()).collect();
        self.write(rows, &label_of_row, &counts.json, (page, max_bytes), out)
    }

    /// Adds the passing counts of each row to the sum of its label and status, and writes the sums in the order of the
    /// keys.
    ///
    /// Each row is its counts and its [`masks`]; `label_of_row` has the index of its label in `labels`.
    fn write(
        &self,
        rows: impl Iterator<Item = (ByStatus, ByStatus)>,
        label_of_row: &[usize],
        labels: &[Vec<u8>],
        (page, max_bytes): (Page, usize),
        out: &mut Vec<u8>,
    ) -> Option<u64> {
        // Where no key has labels, all rows have the index 0.
        let mut sums = vec![ByStatus::default(); labels.len().max(1)];
        for ((counts, passing), label) in rows.zip(label_of_row) {
            let sums = sums[*label].values_mut();
            for ((sum, jobs), mask) in sums.iter_mut().zip(counts.values()).zip(passing.values()) {
                *sum += jobs & mask;
            }
        }
        let mut statuses = JobStatus::ALL;
        statuses.sort_unstable_by_key(|status| status.name());
        let mut rows = RowWriter::new(self, (statuses, labels), (page, max_bytes), out);
        rows.most_rows = if self.keys.len() == 1 {
            sums.len().max(statuses.len())
        } else {
            let cells = sums.iter().flat_map(PerStatus::values);
            cells.filter(|jobs| **jobs > 0).count()
        };
        match &self.keys[..] {
            [Key::Status] => {
                for (order, status) in statuses.into_iter().enumerate() {
                    let jobs = sums.iter().map(|sums| sums[status]).sum();
                    rows.write(0, order, jobs)?;
                }
            }
            [_] => {
                for (label, sums) in sums.iter().enumerate() {
                    rows.write(label, 0, sums.values().iter().sum())?;
                }
            }
            [Key::Status, ..] => {
                for (order, status) in statuses.into_iter().enumerate() {
                    for (label, sums) in sums.iter().enumerate() {
                        rows.write(label, order, sums[status])?;
                    }
                }
            }
            _ => {
                for (label, sums) in sums.iter().enumerate() {
                    for (order, status) in statuses.into_iter().enumerate() {
                        rows.write(label, order, sums[status])?;
                    }
                }
            }
        }
        Some(rows.end())
    }

    /// Returns the text of a row up to its first number: the part before the label, which ends the row before, and the
    /// part after the label.
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
        // Replaces the comma before the first member.
        sides[0].splice(..1, *b"},{");
        sides
    }
}

/// A writer of the rows of the answer, in their order.
struct RowWriter<'c, 'o> {
    group: &'c CounterGroup,
    /// All statuses, in the order of their names.
    statuses: [JobStatus; 6],
    /// The labels as JSON; empty where a row does not have the member.
    labels: &'c [Vec<u8>],
    has_label: bool,
    /// The texts around a label, by status; where no key is the status, one for all rows.
    texts: Vec<[Vec<u8>; 2]>,
    page: Page,
    /// The most bytes of the answer.
    max_bytes: usize,
    /// The number of rows so far, including those outside the page.
    count: u64,
    /// No more rows than these come.
    most_rows: usize,
    is_first: bool,
    out: &'o mut Vec<u8>,
}

impl<'c, 'o> RowWriter<'c, 'o> {
    fn new(
        group: &'c CounterGroup,
        (statuses, labels): ([JobStatus; 6], &'c [Vec<u8>]),
        (page, max_bytes): (Page, usize),
        out: &'o mut Vec<u8>,
    ) -> Self {
        let has_status = group.keys.contains(&Key::Status);
        let texts = statuses[..if has_status { 6 } else { 1 }]
            .iter()
            .map(|status| group.text_around_label(*status, true));
        Self {
            group,
            statuses,
            labels,
            has_label: group.keys.iter().any(|key| *key != Key::Status),
            texts: texts.collect(),
            page,
            max_bytes,
            count: 0,
            most_rows: 0,
            is_first: true,
            out,
        }
    }

    /// Writes the row of a label and a status, if it has jobs and is on the page; `None` where the answer has become
    /// too long.
    ///
    /// `order` is the index of the status in `statuses`.
    fn write(&mut self, label: usize, order: usize, jobs: i64) -> Option<()> {
        if jobs <= 0 {
            return Some(());
        }
        let row = self.count;
        self.count += 1;
        if !self.page.has(row) {
            return Some(());
        }
        let label: &[u8] = if self.has_label {
            &self.labels[label]
        } else {
            &[]
        };
        let without_label;
        let [before, after] = if self.has_label && label.is_empty() {
            // A job without a collector does not have the member.
            without_label = self.group.text_around_label(self.statuses[order], false);
            &without_label
        } else {
            &self.texts[order]
        };
        let start = self.out.len();
        // The first row has no row before it to end.
        self.out
            .extend_from_slice(if self.is_first { &before[2..] } else { before });
        self.out.extend_from_slice(label);
        self.out.extend_from_slice(after);
        write_integer(jobs, self.out);
        for name in &self.group.names[self.group.keys.len() + 1..] {
            self.out.extend_from_slice(name);
            write_integer(jobs, self.out);
        }
        if self.out.len() >= self.max_bytes {
            return None;
        }
        if std::mem::take(&mut self.is_first) {
            // The other rows have about the same length.
            let rows = self.most_rows;
            let rows = usize::try_from(self.page.of(rows as u64)).unwrap_or(rows);
            let bytes = (self.out.len() - start + 2).saturating_mul(rows);
            self.out.reserve(bytes.min(MAX_RESERVED_BYTES));
        }
        Some(())
    }

    /// Ends the last row; returns the number of rows, including those outside the page.
    fn end(self) -> u64 {
        if !self.is_first {
            self.out.push(b'}');
        }
        self.count
    }
}

/// Returns bit masks that keep the counts of the statuses that pass, and clear the others.
fn masks(passes: PerStatus<bool>) -> ByStatus {
    PerStatus::new(|status| -i64::from(passes[status]))
}

/// Returns the statuses of which a collector's jobs pass a filter.
pub(in crate::query) fn statuses(filter: &Filter, collector: Option<&str>) -> PerStatus<bool> {
    PerStatus::new(|status| {
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
    use crate::query::check::filter::ALWAYS;

    #[test]
    fn an_answer_longer_than_the_limit_is_none() {
        let collectors = (0..9).map(|number| (Some(format!("c{number}")), PerStatus::new(|_| 1)));
        let counts = ByCollector::new(collectors.collect());
        let keys = vec![Key::Collector];
        let names = ["collector", "jobs"];
        let tenant = Tenant::new("d");
        let group =
            CounterGroup::new(&tenant, &ALWAYS, CounterSource::Collectors, keys, &names).unwrap();
        let page = Page {
            skip: 0,
            limit: Some(2),
        };
        let write = |max_bytes| {
            let mut out = Vec::new();
            let rows = group.write_by_collector(&counts, page, max_bytes, &mut out);
            (rows, String::from_utf8(out).unwrap())
        };
        let whole = r#"{"collector":"c0","jobs":6},{"collector":"c1","jobs":6}"#;
        assert_eq!(write(whole.len()), (Some(9), whole.to_owned()));
        assert_eq!(write(whole.len() - 1).0, None);
    }
}
