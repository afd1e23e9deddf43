//! The collectors of recent answers as messages, by their JSON.
//!
//! A job has its collector as that was when the job ran, so thousands of jobs have the same few, and each is most of what there is
//! to write of a job. Without this, a page of thirty jobs takes half as much CPU again.

use prost::bytes::Bytes;
use quick_cache::Weighter;
use quick_cache::sync::Cache;

/// The most that is cached, in bytes: as much as a connection caches of their JSON, and the messages beside it.
const MAX_BYTES: u64 = 1 << 20;
/// The overhead of a cached collector, in bytes.
const OVERHEAD_BYTES: usize = 128;
/// How many collectors are expected.
const EXPECTED: usize = 1 << 10;

/// What is found is found by the whole JSON, so it is never of another state of the data.
#[derive(Debug)]
pub(in crate::grpc) struct CollectorCache(Cache<Box<str>, Bytes, ByBytes>);

#[derive(Debug, Clone)]
struct ByBytes;

impl Weighter<Box<str>, Bytes> for ByBytes {
    fn weight(&self, json: &Box<str>, message: &Bytes) -> u64 {
        (json.len() + message.len() + OVERHEAD_BYTES) as u64
    }
}

impl Default for CollectorCache {
    fn default() -> Self {
        Self(Cache::with_weighter(EXPECTED, MAX_BYTES, ByBytes))
    }
}

impl CollectorCache {
    /// Returns the message of a collector, cached or written by `write`.
    ///
    /// # Errors
    /// That of `write`.
    pub(super) fn get_or_write<E>(
        &self,
        json: &str,
        write: impl FnOnce() -> Result<Vec<u8>, E>,
    ) -> Result<Bytes, E> {
        if let Some(message) = self.0.get(json) {
            return Ok(message);
        }
        let message = Bytes::from(write()?.into_boxed_slice());
        self.0.insert(json.into(), message.clone());
        Ok(message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_cached_is_not_written_again_and_an_error_is_not_cached() {
        let cache = CollectorCache::default();
        let write = |byte: u8| move || Ok::<_, ()>(vec![byte]);
        assert_eq!(cache.get_or_write("{}", || Err(())), Err(()));
        assert_eq!(cache.get_or_write("{}", write(1)).unwrap(), [1][..]);
        assert_eq!(cache.get_or_write("{}", write(2)).unwrap(), [1][..]);
        assert_eq!(cache.get_or_write("{ }", write(3)).unwrap(), [3][..]);
    }

    #[test]
    fn the_cache_is_bounded_in_bytes() {
        let cache = CollectorCache::default();
        for number in 0..4_000 {
            let json = format!("{number:01000}");
            cache
                .get_or_write(&json, || Ok::<_, ()>(vec![0; 500]))
                .unwrap();
        }
        assert!(cache.0.weight() <= MAX_BYTES, "{}", cache.0.weight());
        let huge = "x".repeat(2 << 20);
        cache.get_or_write(&huge, || Ok::<_, ()>(vec![0])).unwrap();
        assert!(cache.0.get(&*huge).is_none());
    }
}
