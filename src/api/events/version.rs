//! The version of all data, in `ETag`s and in events.

use std::hash::{DefaultHasher, Hash, Hasher};

use actix_web::http::header::EntityTag;

use crate::store::DataVersion;

/// The version of all data: of the database, and of what changes answers beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::api) struct AllData {
    pub(in crate::api) data: DataVersion,
    pub(in crate::api) changes: u64,
}

impl AllData {
    /// Makes the version another one for a client that reaches one domain only, since its answer is another one, too.
    pub(in crate::api) fn within(self, domain_id: Option<&str>) -> Self {
        let changes = self.changes ^ domain_id.map_or(0, hash);
        Self { changes, ..self }
    }

    /// Returns the version as the `ETag` of an answer has it.
    pub(in crate::api) fn tag(self) -> EntityTag {
        // Weak, since the answer may be sent compressed or not.
        EntityTag::new_weak(format!("{}-{:x}", self.data, self.changes))
    }
}

pub(in crate::api) fn hash(value: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}
