//! The rows that the first stage reads: the jobs, or counters where the stage only counts.

use crate::query::check::field::{Column, FieldRef, Root, Target};
use crate::query::check::filter::Filter;
use crate::query::check::resolved::{Base, Element, Group, GroupKey, ResolvedStage, SortKey};
use crate::query::counters::group::{self, CounterGroup, CounterSource};
use crate::query::counters::tables::{self, CounterTable};
use crate::query::index_hints::scan_hint;
use crate::query::sql::Sql;
use crate::query::tenant::Tenant;

/// The first source of rows.
#[derive(Debug)]
pub(super) enum RowSource {
    /// Whole jobs.
    Documents,
    /// Whole jobs, those of these ids: a JSON array.
    Found(String),
    /// The rows of `jobs` in the order of the file, with this hint. An index on the keys of a group would save sorting,
    /// but read each page of the file again and again.
    Jobs { scan_hint: &'static str },
    /// Counters, `jobs` jobs each.
    Counters(Sql),
    /// The counters of errors by code, `jobs` errors each. They stand for the rows of a first `unwind` of all errors.
    ErrorCounters,
}

impl RowSource {
    /// Chooses the source for the stages of an aggregate.
    pub(super) fn new(tenant: &Tenant, filter: &Filter, stages: &[ResolvedStage]) -> Self {
        if let [
            ResolvedStage::Unwind(unwind),
            ResolvedStage::Group(group),
            ..,
        ] = stages
            && filter.is_always()
            && matches!(&unwind.element, Element::Job(path) if path == &[Root::Errors.name()])
            && group.only_counts()
            && group.keys.iter().all(is_error_code)
        {
            return Self::ErrorCounters;
        }
        // A sort does not change which rows there are.
        let sorts = stages.iter().map_while(|stage| match stage {
            ResolvedStage::Sort(keys) => Some(keys),
            _ => None,
        });
        let counters = |keys: &[FieldRef]| tables::rows(keys, tenant, filter).map(Self::Counters);
        match stages.get(sorts.clone().count()) {
            Some(ResolvedStage::Count) => counters(&[]).unwrap_or(Self::Documents),
            Some(ResolvedStage::Group(group)) => {
                let counters = counted_fields(group).and_then(|keys| counters(&keys));
                counters.unwrap_or_else(|| {
                    if filter.needs_rows()
                        || group.needs_rows()
                        || sorts.flatten().any(SortKey::needs_row)
                    {
                        Self::Jobs {
                            scan_hint: scan_hint(filter),
                        }
                    } else {
                        Self::Documents
                    }
                })
            }
            _ => Self::Documents,
        }
    }

    /// Whether its rows are counters of jobs or errors.
    pub(super) fn is_counters(&self) -> bool {
        matches!(self, Self::Counters(_) | Self::ErrorCounters)
    }
}

/// Whether a key is the code of the unwound error.
fn is_error_code(key: &GroupKey) -> bool {
    let is_code = matches!(&key.path.base, Base::Element { below, .. } if below == &["error_code"]);
    is_code && key.date_format.is_none()
}

/// Returns the fields by which a first group counts; `None` where it does more than count.
fn counted_fields(group: &Group) -> Option<Vec<FieldRef>> {
    if !group.only_counts() {
        return None;
    }
    let field = |key: &GroupKey| match (&key.path.base, &key.date_format) {
        (Base::Job(Target::Column(column)), None) => Some(FieldRef::from_column(*column)),
        (Base::Job(Target::Document(path)), None) => Some(FieldRef::from_path(path)),
        (Base::Job(Target::Column(Column::CreatedAt)), Some(format)) => {
            format.format.is_same_all_day().then_some(FieldRef::Day)
        }
        _ => None,
    };
    group.keys.iter().map(field).collect()
}

/// Returns the group for counters in memory, with the names of its columns; `None` where they can't answer it.
pub(super) fn counter_group(
    group: &Group,
    names: &[&str],
    tenant: &Tenant,
    filter: &Filter,
) -> Option<CounterGroup> {
    // In memory are the stored names.
    let is_of_today =
        |key: &GroupKey| matches!(key.path.base, Base::Job(Target::Column(Column::Today(_))));
    if group.keys.iter().any(is_of_today) {
        return None;
    }
    let fields = counted_fields(group)?;
    let source = match CounterTable::for_group(&fields, filter)? {
        CounterTable::Days => CounterSource::Days,
        CounterTable::Collectors => CounterSource::Collectors,
        // A statement is quick enough: six statuses, few projects, and few collectors of equal content.
        CounterTable::Statuses | CounterTable::CollectorInfos | CounterTable::Projects => {
            return None;
        }
    };
    let keys = group
        .keys
        .iter()
        .zip(&fields)
        .map(|(key, field)| match &key.date_format {
            Some(format) => group::Key::Day(format.format.clone(), format.text.clone()),
            None if *field == FieldRef::Column(Column::Status) => group::Key::Status,
            None => group::Key::Collector,
        });
    CounterGroup::new(tenant, filter, source, keys.collect(), names)
}
