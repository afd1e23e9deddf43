//! An entry of the journal: a request with its answer.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

use super::body::RecordedBody;
use crate::route::RouteName;
use crate::time::Timestamp;

/// The bytes that an entry takes besides its texts, roughly.
const ENTRY_BYTES: usize = 512;

/// A request and its answer.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = JournalEntry)]
pub struct JournalEntry {
    /// A running number, in the order in which the requests were answered.
    pub id: u64,
    /// When the request arrived, by the clock of the system.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    pub request_id: String,
    pub method: String,
    pub path: String,
    /// As it was sent, without the question mark.
    pub query: String,
    /// By name in lower case; several of one name are joined by commas. Credentials are recorded, but not the tokens of
    /// the server's own `--tokens`.
    pub headers: BTreeMap<String, String>,
    /// Null: the request was for none of the routes.
    #[schema(required = true)]
    pub route: Option<RouteName>,
    /// As the request names it.
    #[schema(required = true)]
    pub domain_id: Option<String>,
    /// As the request names it.
    #[schema(required = true)]
    pub job_id: Option<String>,
    /// JSON as JSON, else a text; null if there was none.
    #[schema(value_type = Value)]
    pub body: RecordedBody,
    /// Whether the body was longer than the recorded part.
    pub is_body_cut: bool,
    /// Null: there was no answer; the connection was dropped, or the client left.
    #[schema(required = true, minimum = 100, maximum = 599)]
    pub status: Option<u16>,
    /// The body of the answer before compression: JSON as JSON, else a text; null if there was none.
    #[schema(value_type = Value)]
    pub answer: RecordedBody,
    /// Whether the answer was longer than the recorded part, or broke off, by a fault or otherwise.
    pub is_answer_cut: bool,
    /// From the request's head to the end of the answer.
    pub milliseconds: f64,
    /// The ids of the faults that were used; that of the header `Prefer` is `prefer`.
    pub faults: Vec<String>,
}

impl JournalEntry {
    /// Returns the bytes that it takes in memory, roughly.
    pub(super) fn bytes(&self) -> usize {
        let named = |name: &Option<String>| name.as_ref().map_or(0, String::len);
        ENTRY_BYTES
            + self.path.len()
            + self.query.len()
            + self
                .headers
                .iter()
                .map(|(name, value)| name.len() + value.len())
                .sum::<usize>()
            + named(&self.domain_id)
            + named(&self.job_id)
            + self.body.text().len()
            + self.answer.text().len()
            + self.faults.iter().map(String::len).sum::<usize>()
    }
}
