//! `Deferred`: what a transaction that fills an empty database leaves for its end (`indexes.rs`).

/// What a transaction leaves for its end.
#[derive(Debug, Default)]
pub(in crate::store) struct Deferred {
    /// The statements that make the indexes which were dropped; that of ids is the first.
    pub(in crate::store) indexes: Vec<String>,
    /// Whether the index of ids is among them: nothing notices now that a job is put twice.
    pub(in crate::store) has_id_index: bool,
}
