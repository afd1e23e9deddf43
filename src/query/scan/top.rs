//! The first jobs in an order that no index has, and the number of all.

use std::cmp::Ordering;
use std::collections::HashMap;

use foldhash::fast::RandomState;

use crate::columns::{NULL, NumberColumn};
use crate::query::check::filter::Filter;
use crate::query::eval::arithmetic::Number;
use crate::query::eval::sort_key::{KeyPath, SortKeys, keys_param};
use crate::query::eval::value::MISSING_SORT_KEY;
use crate::query::scan::consumer::{BlockOrder, BlockTimes, Consumer, Loaded, Stopped};
use crate::query::scan::source::{Source, Texts, Values};
use crate::query::sql::{Param, ParamRef};
use crate::query::tenant::Tenant;

/// A term of an order.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::query) struct Term {
    pub(in crate::query) key: Source,
    pub(in crate::query) desc: bool,
}

/// The first jobs that pass a filter.
#[derive(Debug, Clone, PartialEq)]
pub struct TopScan {
    pub tenant: Tenant,
    pub filter: Filter,
    /// An order in which no two jobs are equal.
    pub(in crate::query) terms: Vec<Term>,
    /// How many jobs are wanted.
    pub(in crate::query) count: usize,
    /// Whether the number of all is wanted, too; without it, a scan by time ends when it has the jobs.
    pub(in crate::query) counts: bool,
}

impl TopScan {
    /// The most jobs that a scan returns.
    pub(in crate::query) const MAX_COUNT: u64 = 10_000;

    /// Begins a scan; `None` where only a statement can answer.
    #[must_use]
    pub fn start(&self) -> Option<TopJobs> {
        let through: Vec<_> = self
            .terms
            .iter()
            .filter_map(|term| match &term.key {
                Source::Collector(path) => Some(KeyPath {
                    path: path.clone(),
                    desc: term.desc,
                }),
                _ => None,
            })
            .collect();
        let Param::Text(keys) = keys_param(&through) else {
            return None;
        };
        let keys = SortKeys::parse(&keys).ok()?;
        Some(TopJobs {
            terms: self.terms.clone(),
            wanted: self.count,
            keys,
            collectors: HashMap::default(),
            best: Vec::new(),
            is_sorted: false,
            counts: self.counts,
            total: 0,
        })
    }
}

/// A running scan for the first jobs.
#[derive(Debug)]
pub struct TopJobs {
    terms: Vec<Term>,
    wanted: usize,
    /// The terms that lead into `collector_info`.
    keys: SortKeys,
    /// By the key of a collector: the values of these terms.
    collectors: HashMap<i64, Vec<Param>, RandomState>,
    /// The best jobs so far, and perhaps as many again that are not among the first.
    best: Vec<Candidate>,
    /// Whether `best` has exactly the first jobs, in order.
    is_sorted: bool,
    counts: bool,
    total: u64,
}

#[derive(Debug)]
struct Candidate {
    values: Vec<Param>,
    job: i64,
}

/// The values of a term in a block.
enum Column<'c> {
    Values(Values),
    Texts(Texts<'c>),
    JobIds,
    Collectors(Vec<ParamRef<'c>>),
}

impl Column<'_> {
    fn at<'a>(&'a self, position: usize, loaded: &'a Loaded<'_>) -> Result<ParamRef<'a>, Stopped> {
        let text = |text: Option<&'a str>| text.map_or(ParamRef::Null, ParamRef::Text);
        Ok(match self {
            Self::Values(values) => number_ref(values.at(position)),
            Self::Texts(texts) => text(texts.at(position)),
            Self::JobIds => text(loaded.job_ids()?.get(position)),
            Self::Collectors(values) => values[position],
        })
    }

    /// Returns for each job of the block whether it comes after `worst` by this column alone; `None` where that is to be
    /// decided value by value.
    fn behind(&self, worst: ParamRef<'_>, term: &Term) -> Option<Vec<bool>> {
        let is_behind = |value: ParamRef<'_>| in_order(value.compare(worst), term).is_gt();
        match (self, worst) {
            // The most frequent, in loops that the compiler makes fast. NULL is the smallest, as it is in SQL.
            (Self::Values(Values::Integers(values)), ParamRef::Integer(worst)) => {
                let values = values.iter();
                Some(if term.desc {
                    values.map(|value| *value < worst).collect()
                } else {
                    values.map(|value| *value > worst).collect()
                })
            }
            (Self::Values(values), _) => {
                let positions = 0..values.len();
                Some(
                    positions
                        .map(|at| is_behind(number_ref(values.at(at))))
                        .collect(),
                )
            }
            (Self::Texts(texts), _) => {
                let of_texts = texts.dictionary.texts().iter();
                let of_texts = of_texts.map(|text| is_behind(ParamRef::Text(text)));
                let behind: Vec<_> = of_texts.chain([is_behind(ParamRef::Null)]).collect();
                let positions = 0..texts.indexes.len();
                Some(positions.map(|at| behind[texts.index(at)]).collect())
            }
            _ => None,
        }
    }
}

impl TopJobs {
    /// Returns the first jobs in order, and the number of all that passed if it was wanted.
    #[must_use]
    pub fn finish(mut self) -> (Vec<i64>, u64) {
        self.sort();
        let jobs = self.best.iter().map(|candidate| candidate.job);
        (jobs.collect(), self.total)
    }

    /// Whether the first term is `created_at`; if so, whether the latest comes first.
    fn newest_first(&self) -> Option<bool> {
        let term = self.terms.first()?;
        (term.key == Source::Time(NumberColumn::CreatedAt)).then_some(term.desc)
    }

    /// Returns the last of the first jobs, if there are as many as are wanted.
    fn worst(&self) -> Option<&Candidate> {
        let is_full = self.is_sorted && self.best.len() == self.wanted;
        is_full.then(|| self.best.last()).flatten()
    }

    /// Sorts the best jobs, and forgets those that are not among the first.
    fn sort(&mut self) {
        if !self.is_sorted {
            let terms = &self.terms;
            self.best.sort_by(|one, other| {
                let pairs = one.values.iter().zip(&other.values).zip(terms);
                pairs
                    .map(|((one, other), term)| {
                        in_order(one.as_ref().compare(other.as_ref()), term)
                    })
                    .find(|order| order.is_ne())
                    .unwrap_or(Ordering::Equal)
            });
            self.best.truncate(self.wanted);
            self.is_sorted = true;
        }
    }

    /// Compares a job of a block with a candidate.
    fn order(
        &self,
        columns: &[Column<'_>],
        position: usize,
        loaded: &Loaded<'_>,
        other: &Candidate,
    ) -> Result<Ordering, Stopped> {
        for ((column, term), other) in columns.iter().zip(&self.terms).zip(&other.values) {
            let value = column.at(position, loaded)?;
            let order = in_order(value.compare(other.as_ref()), term);
            if order.is_ne() {
                return Ok(order);
            }
        }
        Ok(Ordering::Equal)
    }

    fn column<'c>(&'c self, number: usize, loaded: &Loaded<'c>) -> Result<Column<'c>, Stopped> {
        Ok(match &self.terms[number].key {
            Source::Text(column) => Column::Texts(Texts::new(*column, loaded)?),
            Source::JobId => Column::JobIds,
            Source::Collector(_) => {
                let before = &self.terms[..number];
                let at = before
                    .iter()
                    .filter(|term| matches!(term.key, Source::Collector(_)))
                    .count();
                let mut keys = Vec::with_capacity(loaded.block.len());
                loaded.block.numbers(NumberColumn::CollectorInfo, &mut keys);
                let value = |key: i64| match self.collectors.get(&key) {
                    Some(values) => Ok(values[at].as_ref()),
                    None if key == NULL => Ok(MISSING_SORT_KEY_REF),
                    // A damaged database lacks the collector.
                    None => Err(Stopped::Unsupported),
                };
                let values = keys.into_iter().map(value);
                Column::Collectors(values.collect::<Result<_, _>>()?)
            }
            source => Column::Values(source.values(loaded)?),
        })
    }
}

fn number_ref(number: Option<Number>) -> ParamRef<'static> {
    match number {
        None => ParamRef::Null,
        Some(Number::Integer(integer)) => ParamRef::Integer(integer),
        Some(Number::Real(real)) => ParamRef::Real(real),
    }
}

/// [`MISSING_SORT_KEY`], borrowed.
const MISSING_SORT_KEY_REF: ParamRef<'static> = match MISSING_SORT_KEY {
    Param::Real(real) => ParamRef::Real(real),
    _ => ParamRef::Null,
};

fn in_order(order: Ordering, term: &Term) -> Ordering {
    if term.desc { order.reverse() } else { order }
}

impl Consumer for TopJobs {
    fn needs_collectors(&self) -> bool {
        self.wanted > 0
            && self
                .terms
                .iter()
                .any(|term| matches!(term.key, Source::Collector(_)))
    }

    fn needs_job_ids(&self) -> bool {
        // Where another term comes first, few jobs are so good that their ids matter.
        self.wanted > 0 && (self.terms.first()).is_some_and(|term| term.key == Source::JobId)
    }

    fn order(&self) -> BlockOrder {
        // Of times that are about in the order of `created_at` the best come first, so that few others are candidates.
        match self.terms.first() {
            Some(term) if matches!(term.key, Source::Time(_)) && term.desc => {
                BlockOrder::NewestFirst
            }
            Some(_) if self.newest_first() == Some(false) => BlockOrder::OldestFirst,
            _ => BlockOrder::Stored,
        }
    }

    fn is_complete_before(&self, next: BlockTimes) -> bool {
        let worst = self.worst().and_then(|worst| worst.values.first());
        match (worst, self.newest_first()) {
            (Some(Param::Integer(worst)), Some(newest_first)) if !self.counts => {
                // A job of the same time may come before the worst.
                if newest_first {
                    next.last < *worst
                } else {
                    next.first > *worst
                }
            }
            _ => false,
        }
    }

    fn add_collector(&mut self, key: i64, info: &str) -> Result<(), Stopped> {
        let terms = self.terms.iter();
        let count = terms
            .filter(|term| matches!(term.key, Source::Collector(_)))
            .count();
        let values = (0..count).map(|number| self.keys.in_document(info, number));
        let values: Result<Vec<_>, _> = values.collect();
        let values = values.map_err(|_not_json| Stopped::Unsupported)?;
        self.collectors.insert(key, values);
        Ok(())
    }

    fn add_jobs(&mut self, loaded: &Loaded<'_>, positions: &[usize]) -> Result<(), Stopped> {
        self.total += positions.len() as u64;
        if self.wanted == 0 || positions.is_empty() {
            return Ok(());
        }
        let mut ids = Vec::with_capacity(loaded.block.len());
        loaded.block.ids(&mut ids);
        let mut new = Vec::new();
        {
            let columns = (0..self.terms.len()).map(|number| self.column(number, loaded));
            let columns: Vec<_> = columns.collect::<Result<_, _>>()?;
            let worst = self.worst();
            // Most jobs come after the worst of the best, which their first value shows.
            let behind = worst.and_then(|worst| {
                let (term, worst) = (self.terms.first()?, worst.values.first()?);
                columns.first()?.behind(worst.as_ref(), term)
            });
            for position in positions.iter().copied() {
                if behind.as_ref().is_some_and(|behind| behind[position]) {
                    continue;
                }
                if let Some(worst) = worst
                    && self.order(&columns, position, loaded, worst)?.is_gt()
                {
                    continue;
                }
                let values = columns.iter().map(|column| {
                    let value = column.at(position, loaded)?;
                    Ok::<_, Stopped>(value.to_param())
                });
                new.push(Candidate {
                    values: values.collect::<Result<_, _>>()?,
                    job: ids[position],
                });
            }
        }
        if !new.is_empty() {
            self.best.append(&mut new);
            self.is_sorted = false;
            self.sort();
        }
        Ok(())
    }
}
