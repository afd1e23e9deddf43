//! Filters the entries of the journal by members of their requests.

use super::entry::JournalEntry;
use crate::route::RouteName;

/// Conditions on recorded requests; all of them must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct JournalFilter {
    pub domain_id: Option<String>,
    pub job_id: Option<String>,
    pub route: Option<RouteName>,
    pub method: Option<String>,
    pub path: Option<String>,
    /// `Some(None)`: requests without an answer.
    pub status: Option<Option<u16>>,
    /// A text in the query string, decoded or as it was sent, or in the body.
    pub contains: Option<String>,
    /// Requests with a greater id.
    pub after: Option<u64>,
}

impl JournalFilter {
    /// Whether all conditions hold for an entry.
    pub(super) fn matches(&self, entry: &JournalEntry) -> bool {
        fn is<T: PartialEq>(wanted: Option<&T>, actual: Option<&T>) -> bool {
            wanted.is_none() || wanted == actual
        }
        is(self.domain_id.as_ref(), entry.domain_id.as_ref())
            && is(self.job_id.as_ref(), entry.job_id.as_ref())
            && is(self.route.as_ref(), entry.route.as_ref())
            && is(self.method.as_ref(), Some(&entry.method))
            && is(self.path.as_ref(), Some(&entry.path))
            && is(self.status.as_ref(), Some(&entry.status))
            && self.after.is_none_or(|after| entry.id > after)
            && self.contains.as_ref().is_none_or(|text| {
                entry.query.contains(text)
                    || entry.body.text().contains(text)
                    || form_urlencoded::parse(entry.query.as_bytes())
                        .any(|(name, value)| name.contains(text) || value.contains(text))
            })
    }
}
