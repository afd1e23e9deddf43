//! What a scan computes of each job: a column, a value of its collector, or a calculation over columns.

use crate::columns::{Dictionary, NULL, NumberColumn, TextColumn};
use crate::query::check::field::{Column, DocumentPath, Root, Target};
use crate::query::eval::arithmetic::{Calculation, Number, Sum, combine};
use crate::query::eval::value::MongoValue;
use crate::query::scan::consumer::{Loaded, Stopped};

/// A value of each job.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::query) enum Source {
    /// A column of integers.
    Number(NumberColumn),
    /// A column of times.
    Time(NumberColumn),
    Text(TextColumn),
    JobId,
    /// At a path below `collector_info`.
    Collector(Vec<String>),
    Constant(Number),
    /// Over numbers, or the difference of two times, which is a number of milliseconds.
    Calculation(Calculation, Vec<Source>),
}

impl Source {
    /// Returns the source of the values at a path; `None` where blocks do not have them.
    pub(in crate::query) fn of_target(target: &Target) -> Option<Self> {
        match target {
            Target::Column(column) => Self::of_column(*column),
            Target::Document(DocumentPath {
                root: Root::CollectorInfo,
                below,
            }) => Some(Self::Collector(below.clone())),
            Target::Document(_) | Target::NeverThere => None,
        }
    }

    /// Returns the source of a column's values; `None` for the domain, which is that of the block, and for what
    /// is computed for today.
    pub(in crate::query) fn of_column(column: Column) -> Option<Self> {
        Some(match column {
            Column::JobId => Self::JobId,
            Column::Status => Self::Text(TextColumn::Status),
            Column::TotalTasks => Self::Number(NumberColumn::TotalTasks),
            Column::RemainedTasks => Self::Number(NumberColumn::RemainedTasks),
            Column::SuccessTasks => Self::Number(NumberColumn::SuccessTasks),
            Column::FailureTasks => Self::Number(NumberColumn::FailureTasks),
            Column::CollectorId => Self::Text(TextColumn::CollectorId),
            Column::SecretId => Self::Text(TextColumn::SecretId),
            Column::RequestSecretId => Self::Text(TextColumn::RequestSecretId),
            Column::RequestWorkspaceId => Self::Text(TextColumn::RequestWorkspaceId),
            Column::ResourceGroup => Self::Text(TextColumn::ResourceGroup),
            Column::ProjectId => Self::Text(TextColumn::ProjectId),
            Column::WorkspaceId => Self::Text(TextColumn::WorkspaceId),
            Column::DomainId | Column::Today(_) => return None,
            Column::CreatedAt => Self::Time(NumberColumn::CreatedAt),
            Column::UpdatedAt => Self::Time(NumberColumn::UpdatedAt),
            Column::FinishedAt => Self::Time(NumberColumn::FinishedAt),
        })
    }

    /// Returns a calculation; `None` for operands that only a statement can refuse, or that give a datetime.
    pub(in crate::query) fn calculation(
        calculation: Calculation,
        operands: Vec<Self>,
    ) -> Option<Self> {
        let are_numbers = operands.iter().all(Self::is_number);
        let are_two_times = matches!(operands[..], [Self::Time(_), Self::Time(_)]);
        (are_numbers || calculation == Calculation::Subtract && are_two_times)
            .then_some(Self::Calculation(calculation, operands))
    }

    /// Whether the values are numbers, or null.
    pub(in crate::query) fn is_number(&self) -> bool {
        matches!(
            self,
            Self::Number(_) | Self::Constant(_) | Self::Calculation(..)
        )
    }

    /// Whether the values are numbers, times, or null, which [`Source::values`] computes.
    pub(in crate::query) fn has_values(&self) -> bool {
        self.is_number() || matches!(self, Self::Time(_))
    }

    /// Computes the number or time of each job of a block.
    ///
    /// # Errors
    /// [`Stopped::Unsupported`] for a text, and for a calculation that has no result.
    pub(super) fn values(&self, loaded: &Loaded<'_>) -> Result<Values, Stopped> {
        match self {
            Self::Number(column) | Self::Time(column) => {
                let mut values = Vec::with_capacity(loaded.block.len());
                loaded.block.numbers(*column, &mut values);
                Ok(Values::Integers(values))
            }
            Self::Constant(number) => Ok(Values::Numbers(vec![Some(*number); loaded.block.len()])),
            Self::Calculation(calculation, operands) => {
                let operands = operands.iter().map(|operand| operand.values(loaded));
                calculate(*calculation, &operands.collect::<Result<Vec<_>, _>>()?)
            }
            Self::Text(_) | Self::JobId | Self::Collector(_) => Err(Stopped::Unsupported),
        }
    }
}

/// A number or time of each job of a block.
#[derive(Debug)]
pub(super) enum Values {
    /// [`NULL`] where there is none.
    Integers(Vec<i64>),
    Numbers(Vec<Option<Number>>),
}

impl Values {
    /// Returns the value of the job at a position.
    pub(super) fn at(&self, position: usize) -> Option<Number> {
        match self {
            Self::Integers(values) => match values[position] {
                NULL => None,
                integer => Some(Number::Integer(integer)),
            },
            Self::Numbers(values) => values[position],
        }
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Self::Integers(values) => values.len(),
            Self::Numbers(values) => values.len(),
        }
    }
}

/// Calculates over the values of each job. Rule: as [`crate::query::eval::arithmetic::calculate`].
fn calculate(calculation: Calculation, operands: &[Values]) -> Result<Values, Stopped> {
    if let (Calculation::Subtract, [Values::Integers(left), Values::Integers(right)]) =
        (calculation, operands)
        && let Some(differences) = differences(left, right)
    {
        return Ok(Values::Integers(differences));
    }
    let count = operands.first().map_or(0, Values::len);
    let mut numbers = Vec::with_capacity(operands.len());
    let of_job = |position: usize| {
        let values = operands.iter().map(|operand| operand.at(position));
        if calculation == Calculation::Sum {
            let mut sum = Sum::default();
            values.flatten().for_each(|number| sum.add_number(number));
            return match sum.total() {
                MongoValue::Integer(integer) => Ok(Some(Number::Integer(integer))),
                MongoValue::Real(real) => Ok(Some(Number::Real(real))),
                _ => Err(Stopped::Unsupported),
            };
        }
        numbers.clear();
        for value in values {
            match value {
                Some(number) => numbers.push(number),
                None => return Ok(None),
            }
        }
        combine(calculation, numbers.iter().copied()).map_err(|_has_no_result| Stopped::Unsupported)
    };
    let results = (0..count).map(of_job);
    Ok(Values::Numbers(results.collect::<Result<_, _>>()?))
}

/// Subtracts integers; `None` where a difference overflows, or would be taken for [`NULL`].
fn differences(left: &[i64], right: &[i64]) -> Option<Vec<i64>> {
    let pairs = left.iter().zip(right);
    let difference = |(left, right): (&i64, &i64)| match (*left, *right) {
        (NULL, _) | (_, NULL) => Some(NULL),
        (left, right) => left
            .checked_sub(right)
            .filter(|difference| *difference != NULL),
    };
    pairs.map(difference).collect()
}

/// The texts of a block's jobs, or job ids.
#[derive(Debug)]
pub(super) struct Texts<'b> {
    pub(super) dictionary: Dictionary<'b>,
    /// For each job the index of its text; the number of texts for a job without one.
    pub(super) indexes: Vec<i64>,
}

impl<'b> Texts<'b> {
    pub(super) fn new(column: TextColumn, loaded: &Loaded<'b>) -> Result<Self, Stopped> {
        let dictionary = loaded.block.texts(column)?;
        let mut indexes = Vec::with_capacity(loaded.block.len());
        dictionary.indexes(&mut indexes);
        Ok(Self {
            dictionary,
            indexes,
        })
    }

    /// Returns the index of the text of the job at a position; the number of texts for a job without one.
    pub(super) fn index(&self, position: usize) -> usize {
        usize::try_from(self.indexes[position]).unwrap_or(usize::MAX)
    }

    /// Returns the text of the job at a position.
    pub(super) fn at(&self, position: usize) -> Option<&'b str> {
        self.dictionary.text(self.indexes[position])
    }
}
