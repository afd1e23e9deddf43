//! The order of a sort: compound keys, as MongoDB's index keys are.
//!
//! A document has a key for each element of an array that the paths lead through, and all paths through that array take
//! their values from the same element. The first of these keys, in the directions of the sort, is the one that counts.

use std::cmp::Ordering;

use super::Refusal;
use super::value::{V, compare, index, member};

/// A part of a key; `None` for an empty array, which is below null.
pub(super) type SortKey = Option<V>;

pub(super) fn compare_parts(a: &SortKey, b: &SortKey) -> Ordering {
    match (a, b) {
        (Some(a), Some(b)) => compare(a, b),
        _ => a.is_some().cmp(&b.is_some()),
    }
}

/// Compares keys by their parts, of which some are descending.
pub(super) fn compare_keys(a: &[SortKey], b: &[SortKey], descending: &[bool]) -> Ordering {
    for ((a, b), descends) in a.iter().zip(b).zip(descending) {
        let order = compare_parts(a, b);
        if order != Ordering::Equal {
            return if *descends { order.reverse() } else { order };
        }
    }
    Ordering::Equal
}

/// Returns the key by which a document is sorted.
pub(super) fn sort_key(
    document: &V,
    paths: &[Vec<String>],
    descending: &[bool],
) -> Result<Vec<SortKey>, Refusal> {
    let cursors = paths.iter().map(|path| Cursor::At {
        value: document,
        rest: path,
        is_indexed: false,
    });
    let mut keys = Vec::new();
    compound_keys(cursors.collect(), &mut keys)?;
    let first = keys
        .into_iter()
        .min_by(|a, b| compare_keys(a, b, descending));
    Ok(first.unwrap_or_default())
}

/// How far a path has been followed.
#[derive(Clone)]
enum Cursor<'v> {
    At {
        value: &'v V,
        rest: &'v [String],
        /// Whether the last step was an index. An array that it leads to counts whole.
        is_indexed: bool,
    },
    Done(SortKey),
}

impl<'v> Cursor<'v> {
    /// Follows the path to its end or to the first array.
    fn follow(self) -> Self {
        let Self::At { value, rest, .. } = self else {
            return self;
        };
        let null = Self::Done(Some(V::Null));
        match (value, rest.split_first()) {
            (V::Array(_), _) => self,
            (single, None) => Self::Done(Some(single.clone())),
            (V::Object(members), Some((step, rest))) => {
                member(members, step).map_or(null, |value| {
                    let is_indexed = false;
                    let next = Self::At {
                        value,
                        rest,
                        is_indexed,
                    };
                    next.follow()
                })
            }
            _ => null,
        }
    }

    fn array(&self) -> Option<&'v Vec<V>> {
        match self {
            Self::At {
                value: V::Array(items),
                ..
            } => Some(items),
            _ => None,
        }
    }

    /// Goes on from an array for the key of one of its elements.
    fn enter(&self, items: &'v [V], item: &'v V) -> Result<Self, Refusal> {
        let Self::At {
            value,
            rest,
            is_indexed,
        } = self
        else {
            return Ok(self.clone());
        };
        let Some((step, after)) = rest.split_first() else {
            let key = if *is_indexed { value } else { item };
            return Ok(Self::Done(Some(key.clone())));
        };
        let named = match item {
            V::Object(members) => member(members, step),
            _ => None,
        };
        match (index(items, step), named) {
            // MongoDB refuses a step that is both an index and a name.
            (Some(_), Some(_)) => Err(Refusal::Open),
            (Some(value), None) => Ok(Self::At {
                value,
                rest: after,
                is_indexed: true,
            }),
            (None, _) if matches!(item, V::Object(_)) => Ok(Self::At {
                value: item,
                rest,
                is_indexed: false,
            }),
            (None, _) => Ok(Self::Done(Some(V::Null))),
        }
    }

    /// The part of the key of an empty array.
    fn of_nothing(&self) -> SortKey {
        match self {
            Self::Done(key) => key.clone(),
            Self::At { rest: [], .. } => None,
            Self::At { .. } => Some(V::Null),
        }
    }
}

fn compound_keys(cursors: Vec<Cursor<'_>>, keys: &mut Vec<Vec<SortKey>>) -> Result<(), Refusal> {
    let cursors: Vec<_> = cursors.into_iter().map(Cursor::follow).collect();
    let mut arrays = cursors.iter().filter_map(Cursor::array);
    let first = arrays.next();
    // MongoDB refuses a sort by two arrays that are not one within the other.
    if arrays.any(|other| first.is_some_and(|first| !std::ptr::eq(first, other))) {
        return Err(Refusal::Open);
    }
    match first {
        Some(items) if !items.is_empty() => {
            for item in items {
                let entered = cursors.iter().map(|cursor| cursor.enter(items, item));
                compound_keys(entered.collect::<Result<_, _>>()?, keys)?;
            }
        }
        _ => keys.push(cursors.iter().map(Cursor::of_nothing).collect()),
    }
    Ok(())
}
