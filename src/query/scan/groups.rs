//! Groups of jobs, with what is accumulated of each.

use std::cmp::Ordering;
use std::collections::HashMap;

use foldhash::fast::RandomState;

use crate::columns::{NULL, NumberColumn};
use crate::query::check::field::Kind;
use crate::query::check::filter::Filter;
use crate::query::check::stages::RequirementTest;
use crate::query::eval::arithmetic::{Number, Sum};
use crate::query::eval::date_format::{DateFormat, Span};
use crate::query::eval::functions::gather_at;
use crate::query::eval::percentile::{MAX_NUMBERS, Numbers, Percent};
use crate::query::eval::value::{Comparison, MongoValue};
use crate::query::scan::consumer::{Consumer, Loaded, Stopped};
use crate::query::scan::source::{Source, Texts, Values};
use crate::query::sql::Param;
use crate::query::tenant::Tenant;
use crate::time::Timestamp;

/// The most groups that a scan holds.
const MAX_GROUPS: usize = 1 << 19;
/// The most keys of a group.
pub(in crate::query) const MAX_KEYS: usize = 4;

/// Groups of the jobs that pass a filter.
#[derive(Debug, Clone, PartialEq)]
pub struct GroupScan {
    pub tenant: Tenant,
    pub filter: Filter,
    pub(in crate::query) groups: Groups,
}

/// The keys of groups, and what is accumulated.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::query) struct Groups {
    pub(in crate::query) keys: Vec<GroupKey>,
    pub(in crate::query) fields: Vec<Field>,
}

/// A key of a group.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::query) enum GroupKey {
    Value(Source),
    /// A time in a format.
    Date(Source, DateFormat),
}

/// What is accumulated of a group.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::query) enum Field {
    Count(Vec<Condition>),
    Zero,
    /// With the kind of the values: integers, or any numbers.
    Sum(Source, Kind, Vec<Condition>),
    /// A job that fails a condition counts as 0.
    Average(Source, Kind, Vec<Condition>),
    Percentile(Source, Percent),
    Max(Source),
    Min(Source),
}

/// A condition of an accumulator: that a number, or a text, compares so with a value of its own type.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::query) struct Condition {
    pub(in crate::query) source: Source,
    pub(in crate::query) test: RequirementTest,
    pub(in crate::query) value: MongoValue,
}

impl GroupScan {
    /// The number of keys of a group, which are the first columns of its row.
    #[must_use]
    pub fn keys(&self) -> usize {
        self.groups.keys.len()
    }

    /// The number of columns of a row.
    #[must_use]
    pub fn width(&self) -> usize {
        self.groups.keys.len() + self.groups.fields.len()
    }

    /// Begins a scan.
    #[must_use]
    pub fn start(&self) -> GroupRun {
        GroupRun {
            groups: self.groups.clone(),
            labels: self.groups.keys.iter().map(|_| Labels::default()).collect(),
            numbers: HashMap::default(),
            keys: Vec::new(),
            accumulated: Vec::new(),
            held_numbers: 0,
        }
    }
}

/// The codes of a key's values.
type Codes = [i64; MAX_KEYS];

/// A running scan for groups.
#[derive(Debug)]
pub struct GroupRun {
    groups: Groups,
    /// For each key the labels that its codes stand for.
    labels: Vec<Labels>,
    /// The number of each group, by the codes of its keys.
    numbers: HashMap<Codes, usize, RandomState>,
    /// The codes of the keys of each group.
    keys: Vec<Codes>,
    /// For each group, what is accumulated for each field.
    accumulated: Vec<Accumulated>,
    /// How many numbers are held for percentiles.
    held_numbers: usize,
}

/// The values of a key that are no integers: their codes are the indexes of `values`.
#[derive(Debug, Default)]
struct Labels {
    values: Vec<Param>,
    by_text: HashMap<String, i64, RandomState>,
    /// By the number of a day or an hour.
    by_unit: HashMap<i64, i64, RandomState>,
    /// By the key of a collector.
    by_collector: HashMap<i64, i64, RandomState>,
}

impl Labels {
    fn push(&mut self, value: Param) -> i64 {
        self.values.push(value);
        i64::try_from(self.values.len() - 1).unwrap_or(i64::MAX)
    }

    /// Returns the code of a text.
    fn of_text(&mut self, text: &str) -> i64 {
        if let Some(code) = self.by_text.get(text) {
            return *code;
        }
        let code = self.push(text.into());
        self.by_text.insert(text.to_owned(), code);
        code
    }

    /// Returns the code of a value, which is that of every equal one; `None` for a float, which may equal an integer.
    fn of_value(&mut self, value: Param) -> Option<i64> {
        match value {
            Param::Null => Some(NULL),
            Param::Text(text) => Some(self.of_text(&text)),
            Param::Real(_) => None,
            other => {
                let known = self.values.iter().position(|value| *value == other);
                match known {
                    Some(code) => i64::try_from(code).ok(),
                    None => Some(self.push(other)),
                }
            }
        }
    }

    /// Returns the code of the unit of time of which all times have the same text in a format.
    fn of_unit(&mut self, unit: i64, millis: i64, format: &DateFormat) -> Result<i64, Stopped> {
        if let Some(code) = self.by_unit.get(&unit) {
            return Ok(*code);
        }
        let start = Timestamp::from_millis(unit * millis + Timestamp::MIN.millis());
        let value = format.format(start.ok_or(Stopped::Unsupported)?);
        let code = match value {
            MongoValue::Integer(integer) => {
                let value = Param::Integer(integer);
                let known = self.values.iter().position(|other| *other == value);
                known.map_or_else(
                    || self.push(value),
                    |code| i64::try_from(code).unwrap_or(i64::MAX),
                )
            }
            MongoValue::Text(text) => self.of_text(&text),
            _ => return Err(Stopped::Unsupported),
        };
        self.by_unit.insert(unit, code);
        Ok(code)
    }
}

#[derive(Debug, Clone)]
enum Accumulated {
    Count(i64),
    Sum(Sum),
    Numbers(Numbers),
    Extreme(Option<Number>),
}

impl Field {
    /// What is accumulated of no job.
    fn start(&self) -> Accumulated {
        match self {
            Self::Count(_) | Self::Zero => Accumulated::Count(0),
            Self::Sum(..) | Self::Average(..) => Accumulated::Sum(Sum::default()),
            Self::Percentile(..) => Accumulated::Numbers(Numbers::default()),
            Self::Max(_) | Self::Min(_) => Accumulated::Extreme(None),
        }
    }

    /// Returns the value in the form that the statement gives it; `None` where that has an error.
    fn value(&self, accumulated: &mut Accumulated) -> Option<Param> {
        let number = |number: Option<Number>| match number {
            None => Param::Null,
            Some(Number::Integer(integer)) => Param::Integer(integer),
            Some(Number::Real(real)) => Param::Real(real),
        };
        Some(match (self, accumulated) {
            (_, Accumulated::Count(count)) => Param::Integer(*count),
            (Self::Sum(_, kind, _), Accumulated::Sum(sum)) => match (sum.total(), kind) {
                (MongoValue::Real(_), Kind::Integer) => return None,
                (total, _) => total.into_param(),
            },
            (Self::Average(_, kind, _), Accumulated::Sum(sum)) => match (sum.mean(), kind) {
                (MongoValue::Null, Kind::Integer) => Param::Null,
                (mean, _) => mean.into_param(),
            },
            (Self::Percentile(_, percent), Accumulated::Numbers(numbers)) => {
                number(numbers.percentile(*percent))
            }
            (_, Accumulated::Sum(_) | Accumulated::Numbers(_)) => return None,
            (_, Accumulated::Extreme(extreme)) => number(*extreme),
        })
    }
}

impl GroupRun {
    /// Returns the groups in the order of their keys: the keys, then the fields.
    ///
    /// # Errors
    /// [`Stopped::Unsupported`] where the statement has an error.
    pub fn finish(mut self) -> Result<Vec<Vec<Param>>, Stopped> {
        let fields = &self.groups.fields;
        let mut rows = Vec::with_capacity(self.keys.len());
        for (number, codes) in self.keys.iter().enumerate() {
            let mut row = Vec::with_capacity(self.groups.keys.len() + fields.len());
            for ((key, labels), code) in self.groups.keys.iter().zip(&self.labels).zip(codes) {
                row.push(key.value(labels, *code));
            }
            let of_group = &mut self.accumulated[number * fields.len()..];
            for (field, accumulated) in fields.iter().zip(of_group) {
                row.push(field.value(accumulated).ok_or(Stopped::Unsupported)?);
            }
            rows.push(row);
        }
        let keys = self.groups.keys.len();
        rows.sort_unstable_by(|one, other| {
            let pairs = one[..keys].iter().zip(&other[..keys]);
            pairs
                .map(|(one, other)| one.as_ref().compare(other.as_ref()))
                .find(|order| order.is_ne())
                .unwrap_or(Ordering::Equal)
        });
        Ok(rows)
    }

    /// Returns the code of a key for each of some jobs of a block.
    fn codes(
        &mut self,
        number: usize,
        loaded: &Loaded<'_>,
        positions: &[usize],
    ) -> Result<Vec<i64>, Stopped> {
        let labels = &mut self.labels[number];
        match &self.groups.keys[number] {
            GroupKey::Value(Source::Text(column)) => {
                let texts = Texts::new(*column, loaded)?;
                let of_texts = texts.dictionary.texts().iter();
                let mut codes: Vec<_> = of_texts.map(|text| labels.of_text(text)).collect();
                codes.push(NULL);
                let positions = positions.iter();
                Ok(positions.map(|at| codes[texts.index(*at)]).collect())
            }
            GroupKey::Value(Source::Collector(_)) => {
                let mut keys = Vec::with_capacity(loaded.block.len());
                loaded.block.numbers(NumberColumn::CollectorInfo, &mut keys);
                let code = |at: &usize| match keys[*at] {
                    NULL => Ok(NULL),
                    key => labels
                        .by_collector
                        .get(&key)
                        .copied()
                        .ok_or(Stopped::Unsupported),
                };
                positions.iter().map(code).collect()
            }
            GroupKey::Value(source) => match source.values(loaded)? {
                Values::Integers(values) => Ok(positions.iter().map(|at| values[*at]).collect()),
                Values::Numbers(values) => {
                    let code = |at: &usize| match values[*at] {
                        None => Ok(NULL),
                        Some(Number::Integer(integer)) => Ok(integer),
                        Some(Number::Real(_)) => Err(Stopped::Unsupported),
                    };
                    positions.iter().map(code).collect()
                }
            },
            GroupKey::Date(source, format) => {
                let Values::Integers(values) = source.values(loaded)? else {
                    return Err(Stopped::Unsupported);
                };
                let millis = format
                    .unit()
                    .map(Span::millis)
                    .ok_or(Stopped::Unsupported)?;
                // Neighbours are often of the same unit.
                let mut last = None;
                let code = |at: &usize| {
                    if values[*at] == NULL {
                        return Ok(NULL);
                    }
                    // Counted from the year 0000, before which there is no time.
                    let unit = (values[*at] - Timestamp::MIN.millis()).div_euclid(millis);
                    match last {
                        Some((known, code)) if known == unit => Ok(code),
                        _ => {
                            let code = labels.of_unit(unit, millis, format)?;
                            last = Some((unit, code));
                            Ok(code)
                        }
                    }
                };
                positions.iter().map(code).collect()
            }
        }
    }

    /// Returns the number of a group, which is made where it is new.
    fn number_of(&mut self, key: Codes) -> Result<usize, Stopped> {
        if let Some(number) = self.numbers.get(&key) {
            return Ok(*number);
        }
        if self.keys.len() >= MAX_GROUPS {
            return Err(Stopped::Unsupported);
        }
        self.numbers.insert(key, self.keys.len());
        self.keys.push(key);
        let fields = self.groups.fields.iter();
        self.accumulated.extend(fields.map(Field::start));
        Ok(self.keys.len() - 1)
    }

    /// Returns the number of the group of each of some jobs, given by the codes of each key; new groups are made.
    fn group_of(&mut self, codes: &[Vec<i64>], count: usize) -> Result<Vec<usize>, Stopped> {
        let mut of_jobs = Vec::with_capacity(count);
        // Neighbours are often of the same group.
        let mut last: Option<(Codes, usize)> = None;
        for at in 0..count {
            let mut key = Codes::default();
            for (code, codes) in key.iter_mut().zip(codes) {
                *code = codes[at];
            }
            let number = match last {
                Some((known, number)) if known == key => number,
                _ => self.number_of(key)?,
            };
            last = Some((key, number));
            of_jobs.push(number);
        }
        Ok(of_jobs)
    }
}

impl GroupRun {
    /// Accumulates a field of some jobs, given by their positions in a block and the numbers of their groups.
    fn accumulate(
        &mut self,
        number: usize,
        loaded: &Loaded<'_>,
        positions: &[usize],
        groups: &[usize],
    ) -> Result<(), Stopped> {
        let fields = &self.groups.fields;
        let field = &fields[number];
        let jobs = || positions.iter().copied().zip(groups).enumerate();
        let at = |group: &usize| group * fields.len() + number;
        let passing = match field {
            Field::Count(conditions)
            | Field::Sum(_, _, conditions)
            | Field::Average(_, _, conditions) => {
                Condition::passing(conditions, loaded, positions)?
            }
            Field::Zero => return Ok(()),
            Field::Percentile(..) | Field::Max(_) | Field::Min(_) => None,
        };
        let passes = |index: usize| passing.as_ref().is_none_or(|passing| passing[index]);
        match field {
            Field::Zero => {}
            Field::Count(_) => {
                for (index, (_, group)) in jobs() {
                    if let Accumulated::Count(count) = &mut self.accumulated[at(group)] {
                        *count += i64::from(passes(index));
                    }
                }
            }
            Field::Sum(source, ..) => {
                let values = source.values(loaded)?;
                for (index, (position, group)) in jobs() {
                    if let Accumulated::Sum(sum) = &mut self.accumulated[at(group)]
                        && passes(index)
                        && let Some(number) = values.at(position)
                    {
                        sum.add_number(number);
                    }
                }
            }
            Field::Average(source, ..) => {
                let values = source.values(loaded)?;
                for (index, (position, group)) in jobs() {
                    let value = if passes(index) {
                        values.at(position)
                    } else {
                        Some(Number::Integer(0))
                    };
                    if let (Accumulated::Sum(sum), Some(number)) =
                        (&mut self.accumulated[at(group)], value)
                    {
                        sum.add_number(number);
                    }
                }
            }
            Field::Percentile(source, _) => {
                let values = source.values(loaded)?;
                self.held_numbers += positions.len();
                if self.held_numbers > MAX_NUMBERS {
                    return Err(Stopped::Unsupported);
                }
                for (_, (position, group)) in jobs() {
                    if let Accumulated::Numbers(numbers) = &mut self.accumulated[at(group)]
                        && let Some(number) = values.at(position)
                    {
                        numbers.add(number);
                    }
                }
            }
            Field::Max(source) | Field::Min(source) => {
                let wanted = if matches!(field, Field::Max(_)) {
                    Ordering::Greater
                } else {
                    Ordering::Less
                };
                let values = source.values(loaded)?;
                for (_, (position, group)) in jobs() {
                    if let Accumulated::Extreme(extreme) = &mut self.accumulated[at(group)]
                        && let Some(number) = values.at(position)
                        && extreme.is_none_or(|extreme| number.compare(extreme) == wanted)
                    {
                        *extreme = Some(number);
                    }
                }
            }
        }
        Ok(())
    }
}

impl Condition {
    /// A condition; `None` where blocks cannot decide it, or it compares values of different types.
    pub(in crate::query) fn new(
        source: Source,
        test: RequirementTest,
        value: &MongoValue,
    ) -> Option<Self> {
        let is_decidable = match (&source, value) {
            (Source::Text(_), MongoValue::Text(_)) | (Source::Time(_), MongoValue::Time(_)) => true,
            (source, MongoValue::Integer(_) | MongoValue::Real(_)) => source.is_number(),
            _ => false,
        };
        is_decidable.then(|| Self {
            source,
            test,
            value: value.clone(),
        })
    }

    /// Returns for each of some jobs of a block whether all conditions hold; `None` where there are none.
    fn passing(
        conditions: &[Self],
        loaded: &Loaded<'_>,
        positions: &[usize],
    ) -> Result<Option<Vec<bool>>, Stopped> {
        let mut conditions = conditions.iter();
        let Some(first) = conditions.next() else {
            return Ok(None);
        };
        let mut all = first.holds(loaded, positions)?;
        for condition in conditions {
            let holds = condition.holds(loaded, positions)?;
            all.iter_mut().zip(holds).for_each(|(all, one)| *all &= one);
        }
        Ok(Some(all))
    }

    fn holds(&self, loaded: &Loaded<'_>, positions: &[usize]) -> Result<Vec<bool>, Stopped> {
        // Rule: in the order of types a missing value and null come before all others.
        let passes_null = matches!(
            self.test,
            RequirementTest::Compare(Comparison::Lt | Comparison::Lte)
        );
        let passes = |order: Ordering| match self.test {
            RequirementTest::Equal => order.is_eq(),
            RequirementTest::Compare(comparison) => comparison.holds(order),
        };
        if let (Source::Text(column), MongoValue::Text(operand)) = (&self.source, &self.value) {
            let texts = Texts::new(*column, loaded)?;
            let of_texts = texts.dictionary.texts().iter();
            let mut holds: Vec<_> = of_texts.map(|text| passes((*text).cmp(operand))).collect();
            holds.push(passes_null);
            return Ok(positions.iter().map(|at| holds[texts.index(*at)]).collect());
        }
        let operand = match &self.value {
            MongoValue::Time(time) => Number::Integer(time.millis()),
            MongoValue::Integer(integer) => Number::Integer(*integer),
            MongoValue::Real(real) => Number::Real(*real),
            _ => return Err(Stopped::Unsupported),
        };
        let values = self.source.values(loaded)?;
        let holds = positions.iter().map(|at| match values.at(*at) {
            None => passes_null,
            Some(number) => passes(number.compare(operand)),
        });
        Ok(holds.collect())
    }
}

impl GroupKey {
    fn source(&self) -> &Source {
        match self {
            Self::Value(source) | Self::Date(source, _) => source,
        }
    }

    /// Returns the value of a code, in the form that the statement gives it.
    fn value(&self, labels: &Labels, code: i64) -> Param {
        let label = || {
            let label = usize::try_from(code)
                .ok()
                .and_then(|code| labels.values.get(code));
            label.cloned().unwrap_or(Param::Null)
        };
        match self {
            Self::Value(Source::Text(_) | Source::Collector(_)) | Self::Date(..) => label(),
            // What a calculation gives is never missing.
            Self::Value(Source::Calculation(..)) if code == NULL => MongoValue::Null.into_param(),
            Self::Value(_) if code == NULL => Param::Null,
            Self::Value(_) => Param::Integer(code),
        }
    }
}

impl Consumer for GroupRun {
    fn needs_collectors(&self) -> bool {
        let mut keys = self.groups.keys.iter();
        keys.any(|key| matches!(key.source(), Source::Collector(_)))
    }

    fn needs_job_ids(&self) -> bool {
        false
    }

    fn add_collector(&mut self, collector: i64, info: &str) -> Result<(), Stopped> {
        for (key, labels) in self.groups.keys.iter().zip(&mut self.labels) {
            if let Source::Collector(path) = key.source() {
                let value = gather_at(info, path).map_err(|_not_json| Stopped::Unsupported)?;
                let value = value.map_or(Param::Null, MongoValue::into_param);
                let code = labels.of_value(value).ok_or(Stopped::Unsupported)?;
                labels.by_collector.insert(collector, code);
            }
        }
        Ok(())
    }

    fn add_jobs(&mut self, loaded: &Loaded<'_>, positions: &[usize]) -> Result<(), Stopped> {
        if positions.is_empty() {
            return Ok(());
        }
        let keys = 0..self.groups.keys.len();
        let codes = keys.map(|number| self.codes(number, loaded, positions));
        let codes: Vec<_> = codes.collect::<Result<_, _>>()?;
        let groups = self.group_of(&codes, positions.len())?;
        for number in 0..self.groups.fields.len() {
            self.accumulate(number, loaded, positions, &groups)?;
        }
        Ok(())
    }
}
