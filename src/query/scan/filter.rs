//! A filter over the jobs of a block.

use std::collections::HashSet;

use foldhash::fast::RandomState;
use memchr::memmem;

use crate::columns::{JobIds, NULL, NumberColumn, TextColumn};
use crate::query::check::field::{Column, ColumnKind, Root};
use crate::query::check::filter::{ColumnTest, Filter};
use crate::query::eval::pattern::IsDue;
use crate::query::eval::predicate::{Check, CompiledPredicate, predicate_param};
use crate::query::eval::value::{Comparison, MongoValue};
use crate::query::scan::consumer::{Loaded, Stopped};
use crate::query::scan::source::{Source, Texts};
use crate::query::scan::text_test::TextTest;
use crate::query::sql::Param;
use crate::query::tenant::Tenant;
use crate::time::Timestamp;

/// A filter, compiled for blocks.
#[derive(Debug)]
pub struct BlockFilter {
    test: Test,
    collectors: Vec<CollectorTest>,
    /// The range of `created_at` that it requires, in milliseconds, both ends included.
    range: (i64, i64),
}

#[derive(Debug)]
enum Test {
    All(Vec<Test>),
    Any(Vec<Test>),
    Not(Box<Test>),
    Constant(bool),
    Number(NumberColumn, NumberTest),
    Text(TextColumn, TextTest),
    /// With the only jobs that may pass, ascending, where an index knows them.
    JobId(TextTest, Option<Vec<i64>>),
    /// By its number.
    Collector(usize),
    Errors(ErrorTest),
    /// By their ids, ascending.
    Jobs(Vec<i64>),
}

#[derive(Debug)]
enum NumberTest {
    IsNull,
    In(Vec<MongoValue>),
    Compare(Comparison, MongoValue),
}

/// A test of a value in `collector_info`, decided once for each collector.
#[derive(Debug)]
struct CollectorTest {
    predicate: CompiledPredicate,
    passes_without: bool,
    passing: HashSet<i64, RandomState>,
}

/// A test of a member of the errors, decided once for each different text of a block: a job passes if any of its errors
/// does. An error without the member passes none.
#[derive(Debug)]
struct ErrorTest {
    /// Whether the member is the code; otherwise the message.
    is_of_code: bool,
    test: TextTest,
}

impl BlockFilter {
    /// Compiles a filter; `None` where only a statement can decide it.
    #[must_use]
    pub fn new(tenant: &Tenant, filter: &Filter) -> Option<Self> {
        let mut compiled = Self {
            test: Test::Constant(true),
            collectors: Vec::new(),
            range: range(filter),
        };
        compiled.test = compiled.compile(tenant, filter)?;
        Some(compiled)
    }

    /// A filter that these jobs pass, given by their ids; all of them are within the range.
    #[must_use]
    pub fn of_jobs(mut jobs: Vec<i64>, range: (i64, i64)) -> Self {
        jobs.sort_unstable();
        Self {
            test: Test::Jobs(jobs),
            collectors: Vec::new(),
            range,
        }
    }

    fn compile(&mut self, tenant: &Tenant, filter: &Filter) -> Option<Test> {
        let all = |filter: &mut Self, filters: &[Filter]| -> Option<Vec<Test>> {
            filters
                .iter()
                .map(|one| filter.compile(tenant, one))
                .collect()
        };
        Some(match filter {
            Filter::All(filters) => Test::All(all(self, filters)?),
            Filter::Any(filters) => Test::Any(all(self, filters)?),
            Filter::Not(filter) => Test::Not(Box::new(self.compile(tenant, filter)?)),
            Filter::Column(Column::DomainId, test) => {
                let domain_id = Some(tenant.domain_id());
                let holds = TextTest::of_column(test)?.holds(domain_id, &|| false);
                Test::Constant(holds.ok()?)
            }
            Filter::Column(column, test) => match Source::of_column(*column)? {
                Source::JobId => Test::JobId(TextTest::of_column(test)?, None),
                Source::Text(column) => Test::Text(column, TextTest::of_column(test)?),
                Source::Number(number) | Source::Time(number) => {
                    Test::Number(number, NumberTest::new(column.kind(), test)?)
                }
                _ => return None,
            },
            Filter::Document(path, check) => match path.root {
                Root::CollectorInfo => {
                    let Param::Text(text) = predicate_param(&path.below, check) else {
                        return None;
                    };
                    self.collectors.push(CollectorTest {
                        predicate: CompiledPredicate::new(&text).ok()?,
                        passes_without: check.passes_missing(),
                        passing: HashSet::default(),
                    });
                    Test::Collector(self.collectors.len() - 1)
                }
                Root::Errors => Test::Errors(ErrorTest::new(&path.below, check)?),
                Root::Filter => return None,
            },
        })
    }

    /// Whether the collectors are to be added before the blocks.
    #[must_use]
    pub fn needs_collectors(&self) -> bool {
        !self.collectors.is_empty()
    }

    /// Whether it tests errors, so that they are read together with the columns.
    #[must_use]
    pub fn needs_errors(&self) -> bool {
        self.test.has(&|test| matches!(test, Test::Errors(_)))
    }

    /// Whether it tests about every job id, so that they are read together with the columns.
    #[must_use]
    pub fn needs_job_ids(&self) -> bool {
        self.test.has(&|test| matches!(test, Test::JobId(_, None)))
    }

    /// Looks up the words of which a job id must contain one; `find` returns all jobs that may do so, ascending, or `None`
    /// where it does not know them.
    ///
    /// # Errors
    /// What `find` returns.
    pub fn look_up_words<E>(
        &mut self,
        find: &impl Fn(&[String]) -> Result<Option<Vec<i64>>, E>,
    ) -> Result<(), E> {
        self.test.look_up_words(find)
    }

    /// The range of `created_at` outside which no job passes, in milliseconds, both ends included.
    #[must_use]
    pub fn range(&self) -> (i64, i64) {
        self.range
    }

    /// Adds a collector: its key, and its `collector_info` as JSON.
    ///
    /// # Errors
    /// [`Stopped::Unsupported`] where a pattern takes too long.
    pub fn add_collector(
        &mut self,
        key: i64,
        info: &str,
        is_due: IsDue<'_>,
    ) -> Result<(), Stopped> {
        for test in &mut self.collectors {
            let holds = test.predicate.holds(info, is_due);
            if matches!(holds, Ok(Ok(true))) {
                test.passing.insert(key);
            } else if !matches!(holds, Ok(Ok(false))) {
                return Err(Stopped::Unsupported);
            }
        }
        Ok(())
    }

    /// Collects the positions of the jobs that pass into `positions`, ascending.
    ///
    /// # Errors
    /// [`Stopped`].
    pub fn select(
        &self,
        loaded: &Loaded<'_>,
        is_due: IsDue<'_>,
        positions: &mut Vec<usize>,
    ) -> Result<(), Stopped> {
        positions.clear();
        if matches!(&self.test, Test::All(tests) if tests.is_empty()) {
            positions.extend(0..loaded.block.len());
            return Ok(());
        }
        let passing = self.test(&self.test, loaded, is_due)?;
        let passing = passing.iter().enumerate();
        positions.extend(passing.filter_map(|(position, passes)| passes.then_some(position)));
        Ok(())
    }

    /// Returns for each job of a block whether it passes a test.
    fn test(
        &self,
        test: &Test,
        loaded: &Loaded<'_>,
        is_due: IsDue<'_>,
    ) -> Result<Vec<bool>, Stopped> {
        let count = loaded.block.len();
        Ok(match test {
            Test::Constant(passes) => vec![*passes; count],
            Test::All(tests) => {
                let mut all = vec![true; count];
                for test in tests {
                    let passing = self.test(test, loaded, is_due)?;
                    for (all, one) in all.iter_mut().zip(&passing) {
                        *all &= *one;
                    }
                    if !all.contains(&true) {
                        break;
                    }
                }
                all
            }
            Test::Any(tests) => {
                let mut any = vec![false; count];
                for test in tests {
                    let passing = self.test(test, loaded, is_due)?;
                    for (any, one) in any.iter_mut().zip(&passing) {
                        *any |= *one;
                    }
                }
                any
            }
            Test::Not(test) => {
                let mut passing = self.test(test, loaded, is_due)?;
                for passes in &mut passing {
                    *passes = !*passes;
                }
                passing
            }
            Test::Number(column, test) => {
                let mut values = Vec::with_capacity(count);
                loaded.block.numbers(*column, &mut values);
                test.holds_for(&values)
            }
            Test::Text(column, test) => {
                let texts = Texts::new(*column, loaded)?;
                let of_texts = texts.dictionary.texts().iter().copied().map(Some);
                let passing = of_texts
                    .chain([None])
                    .map(|text| test.holds(text, is_due))
                    .collect::<Result<Vec<_>, _>>()?;
                (0..count)
                    .map(|position| passing[texts.index(position)])
                    .collect()
            }
            Test::JobId(test, Some(candidates)) => {
                let mut ids = Vec::with_capacity(count);
                loaded.block.ids(&mut ids);
                let mut passing = are_among(&ids, candidates);
                for (position, passes) in passing.iter_mut().enumerate().filter(|(_, may)| **may) {
                    *passes = test.holds(loaded.job_ids()?.get(position), is_due)?;
                }
                passing
            }
            Test::JobId(test, None) => {
                let job_ids = loaded.job_ids()?;
                match test {
                    TextTest::Contains(words, _) => match containing(job_ids, words, count) {
                        Some(passing) => passing,
                        None => each_id(job_ids, count, test, is_due)?,
                    },
                    _ => each_id(job_ids, count, test, is_due)?,
                }
            }
            Test::Collector(number) => {
                let test = &self.collectors[*number];
                let mut values = Vec::with_capacity(count);
                loaded
                    .block
                    .numbers(NumberColumn::CollectorInfo, &mut values);
                let holds = |key: i64| match key {
                    NULL => test.passes_without,
                    key => test.passing.contains(&key),
                };
                // Neighbours often have the same collector.
                let mut last = (NULL, test.passes_without);
                let passing = values.into_iter().map(|key| {
                    if key != last.0 {
                        last = (key, holds(key));
                    }
                    last.1
                });
                passing.collect()
            }
            Test::Jobs(jobs) => {
                let mut ids = Vec::with_capacity(count);
                loaded.block.ids(&mut ids);
                are_among(&ids, jobs)
            }
            Test::Errors(test) => test.passing(loaded, is_due)?,
        })
    }
}

impl Test {
    /// Whether it is one of a kind, or has one.
    fn has(&self, is_wanted: &impl Fn(&Self) -> bool) -> bool {
        match self {
            Self::All(tests) | Self::Any(tests) => tests.iter().any(|test| test.has(is_wanted)),
            Self::Not(test) => test.has(is_wanted),
            test => is_wanted(test),
        }
    }

    fn look_up_words<E>(
        &mut self,
        find: &impl Fn(&[String]) -> Result<Option<Vec<i64>>, E>,
    ) -> Result<(), E> {
        match self {
            Self::All(tests) | Self::Any(tests) => {
                tests
                    .iter_mut()
                    .try_for_each(|test| test.look_up_words(find))?;
            }
            Self::Not(test) => test.look_up_words(find)?,
            Self::JobId(TextTest::Contains(words, _), candidates) => *candidates = find(words)?,
            _ => {}
        }
        Ok(())
    }
}

/// Returns for each id of a block whether it is among some; all ascend.
fn are_among(ids: &[i64], some: &[i64]) -> Vec<bool> {
    let first = ids.first().copied().unwrap_or(i64::MAX);
    let mut some = some[some.partition_point(|id| *id < first)..].iter();
    let mut next = some.next();
    let is_among = |id: &i64| {
        while next.is_some_and(|other| other < id) {
            next = some.next();
        }
        next == Some(id)
    };
    ids.iter().map(is_among).collect()
}

/// Tests every id of a block.
fn each_id(
    job_ids: &JobIds,
    count: usize,
    test: &TextTest,
    is_due: IsDue<'_>,
) -> Result<Vec<bool>, Stopped> {
    (0..count)
        .map(|position| test.holds(job_ids.get(position), is_due))
        .collect()
}

/// Returns for each job of a block whether its id contains one of some words, found by a search over all ids together;
/// `None` where a letter outside ASCII may be an ASCII letter in the other case.
fn containing(job_ids: &JobIds, words: &[String], count: usize) -> Option<Vec<bool>> {
    let are_ascii = job_ids.text().is_ascii() && words.iter().all(|word| word.is_ascii());
    if !are_ascii || words.iter().any(String::is_empty) {
        return None;
    }
    let text = job_ids.text().to_ascii_lowercase();
    let mut passing = vec![false; count];
    for word in words {
        let word = word.to_ascii_lowercase();
        let finder = memmem::Finder::new(&word);
        let mut from = 0;
        while let Some(found) = text
            .get(from..)
            .and_then(|rest| finder.find(rest.as_bytes()))
        {
            let start = from + found;
            let (position, end) = job_ids.at(start)?;
            // Where the word begins in one id and ends in the next, the search continues within the first.
            if start + word.len() <= end {
                *passing.get_mut(position)? = true;
                from = end;
            } else {
                from = start + 1;
            }
        }
    }
    Some(passing)
}

impl NumberTest {
    /// Compiles the test of a column of numbers or times.
    fn new(kind: ColumnKind, test: &ColumnTest) -> Option<Self> {
        let number = |param: &Param| match param {
            Param::Integer(integer) => Some(MongoValue::Integer(*integer)),
            Param::Real(real) => Some(MongoValue::Real(*real)),
            _ => None,
        };
        Some(match test {
            ColumnTest::IsNull => Self::IsNull,
            ColumnTest::Equal(value) => Self::In(vec![number(value)?]),
            ColumnTest::Compare(comparison, value) => Self::Compare(*comparison, number(value)?),
            ColumnTest::In(list) if kind == ColumnKind::Integer => {
                let mut numbers = list.numbers()?;
                numbers.sort_by(MongoValue::compare);
                Self::In(numbers)
            }
            ColumnTest::In(_) | ColumnTest::Matches(_) | ColumnTest::Contains(_) => return None,
        })
    }

    fn holds_for(&self, values: &[i64]) -> Vec<bool> {
        let present = |holds: &dyn Fn(MongoValue) -> bool| -> Vec<bool> {
            let values = values.iter();
            values
                .map(|value| *value != NULL && holds(MongoValue::Integer(*value)))
                .collect()
        };
        match self {
            Self::IsNull => values.iter().map(|value| *value == NULL).collect(),
            // The most frequent, in a loop that the compiler makes fast.
            Self::Compare(comparison, MongoValue::Integer(operand)) => {
                let values = values.iter();
                let operand = *operand;
                match comparison {
                    Comparison::Lt => values.map(|v| *v != NULL && *v < operand).collect(),
                    Comparison::Lte => values.map(|v| *v != NULL && *v <= operand).collect(),
                    Comparison::Gt => values.map(|v| *v != NULL && *v > operand).collect(),
                    Comparison::Gte => values.map(|v| *v != NULL && *v >= operand).collect(),
                }
            }
            Self::Compare(comparison, operand) => {
                present(&|value| comparison.holds(value.compare(operand)))
            }
            Self::In(operands) => present(&|value| {
                operands
                    .binary_search_by(|operand| operand.compare(&value))
                    .is_ok()
            }),
        }
    }
}

impl ErrorTest {
    fn new(below: &[String], check: &Check) -> Option<Self> {
        let [member] = below else {
            return None;
        };
        let is_of_code = match member.as_str() {
            "error_code" => true,
            "message" => false,
            _ => return None,
        };
        Some(Self {
            is_of_code,
            test: TextTest::of_check(check)?,
        })
    }

    /// Returns for each job of a block whether one of its errors passes.
    fn passing(&self, loaded: &Loaded<'_>, is_due: IsDue<'_>) -> Result<Vec<bool>, Stopped> {
        let mut passing = vec![false; loaded.block.len()];
        let errors = loaded.errors()?;
        let texts = if self.is_of_code {
            errors.codes()
        } else {
            errors.messages()
        };
        let holds = texts
            .texts()
            .iter()
            .map(|text| self.test.holds(Some(text), is_due));
        let mut holds: Vec<_> = holds.collect::<Result<_, _>>()?;
        holds.push(false);
        let mut indexes = Vec::new();
        texts.indexes(&mut indexes);
        for (position, index) in errors.positions().iter().zip(indexes) {
            passing[*position] |= usize::try_from(index).is_ok_and(|index| holds[index]);
        }
        if !errors.in_documents().is_empty() {
            let mut ids = Vec::new();
            loaded.block.ids(&mut ids);
            for position in errors.in_documents() {
                for (code, message) in loaded.errors_of(ids[*position])? {
                    let text = if self.is_of_code { code } else { message };
                    passing[*position] |=
                        text.is_some() && self.test.holds(text.as_deref(), is_due)?;
                }
            }
        }
        Ok(passing)
    }
}

/// Returns the range of `created_at` that a filter requires, in milliseconds, both ends included.
fn range(filter: &Filter) -> (i64, i64) {
    let (mut from, mut to) = (Timestamp::MIN.millis(), Timestamp::MAX.millis());
    for filter in filter.conjuncts() {
        if let Filter::Column(
            Column::CreatedAt,
            ColumnTest::Compare(comparison, Param::Integer(time)),
        ) = filter
        {
            match comparison {
                Comparison::Gte => from = from.max(*time),
                Comparison::Gt => from = from.max(time.saturating_add(1)),
                Comparison::Lt => to = to.min(time.saturating_sub(1)),
                Comparison::Lte => to = to.min(*time),
            }
        }
    }
    (from, to)
}
