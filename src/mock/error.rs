//! The errors of a mock.

use crate::store::StoreError;
use crate::transfer::TransferError;

/// The largest number of snapshots of a domain, and of snapshots of the whole server.
pub(super) const MAX_SNAPSHOTS: usize = 100;

/// Why a request to a mock fails.
#[derive(Debug, thiserror::Error)]
pub enum MockError {
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The fixtures can't be loaded.
    #[error(transparent)]
    Fixtures(#[from] TransferError),
    #[error("there is no snapshot `{name}`{}; there {}", of_scope(.domain_id.as_deref()), listed(.known))]
    NoSnapshot {
        name: String,
        domain_id: Option<String>,
        /// The names of the snapshots of the same domain, or of the whole server.
        known: Vec<String>,
    },
    #[error("`{0}` is not a name of a snapshot: 1 to 100 of A-Z a-z 0-9 . _ -")]
    SnapshotName(String),
    #[error("there are {MAX_SNAPSHOTS} snapshots{}, and no more are allowed; delete one", of_scope(.0.as_deref()))]
    TooManySnapshots(Option<String>),
}

fn of_scope(domain_id: Option<&str>) -> String {
    match domain_id {
        Some(domain_id) => format!(" of domain {domain_id}"),
        None => " of the whole server".to_owned(),
    }
}

fn listed(names: &[String]) -> String {
    if names.is_empty() {
        "are none; PUT makes one".to_owned()
    } else {
        format!("are {}", names.join(", "))
    }
}
