//! `ImportedJob`: a job as an import reads it, with a `collector_info` that many jobs share.
//!
//! A `collector_info` is half of a document, and the same in many. Reading, checking and writing it once for all of them
//! takes half of the time that a document takes; and the writer finds its key by a number instead of by its text.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Deserializer};

use super::collector::CollectorInfo;
use super::document::{Job, canonical};
use super::draft::Draft;

/// The most texts that a reader remembers, in bytes.
const MAX_REMEMBERED_BYTES: usize = 4 << 20;

/// A job, and its `collector_info` apart from it.
#[derive(Debug)]
pub struct ImportedJob {
    /// The job, without its `collector_info`.
    pub job: Job,
    pub collector: Option<Arc<CollectorText>>,
}

/// The canonical text of a `collector_info`, and its id.
#[derive(Debug, PartialEq, Eq)]
pub struct CollectorText {
    pub text: String,
    pub collector_id: Option<String>,
    number: u64,
}

impl CollectorText {
    #[must_use]
    pub fn of(info: &CollectorInfo) -> Self {
        static LAST: AtomicU64 = AtomicU64::new(0);
        Self {
            text: canonical(info),
            collector_id: info.collector_id().map(str::to_owned),
            number: LAST.fetch_add(1, Ordering::Relaxed),
        }
    }

    /// Returns a number that no other text of this process has. (Equal texts may have several.)
    #[must_use]
    pub fn number(&self) -> u64 {
        self.number
    }
}

impl From<Job> for ImportedJob {
    fn from(mut job: Job) -> Self {
        let info = job.collector_info.take();
        Self {
            collector: info.map(|info| Arc::new(CollectorText::of(&info))),
            job,
        }
    }
}

impl TryFrom<Draft> for ImportedJob {
    type Error = String;

    fn try_from(draft: Draft) -> Result<Self, String> {
        Job::try_from(draft).map(Self::from)
    }
}

impl<'de> Deserialize<'de> for ImportedJob {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Job::deserialize(deserializer).map(Self::from)
    }
}

/// The collectors that a reader has read, by their texts as they were written.
#[derive(Debug, Default)]
pub struct KnownCollectors {
    texts: HashMap<Box<str>, Arc<CollectorText>>,
    bytes: usize,
}

impl KnownCollectors {
    #[cfg(test)]
    pub(super) fn is_bounded(&self) -> bool {
        let texts = self.texts.iter();
        let bytes: usize = texts
            .map(|(written, known)| written.len() + known.text.len())
            .sum();
        bytes == self.bytes && bytes <= MAX_REMEMBERED_BYTES
    }

    /// Reads a `collector_info`; `None` where it is not one.
    pub(super) fn read(&mut self, written: &str) -> Option<Arc<CollectorText>> {
        if let Some(known) = self.texts.get(written) {
            return Some(Arc::clone(known));
        }
        let info: CollectorInfo = serde_json::from_str(written).ok()?;
        let collector = Arc::new(CollectorText::of(&info));
        self.bytes += written.len() + collector.text.len();
        if self.bytes > MAX_REMEMBERED_BYTES {
            self.texts.clear();
            self.bytes = written.len() + collector.text.len();
        }
        self.texts.insert(written.into(), Arc::clone(&collector));
        Some(collector)
    }
}
