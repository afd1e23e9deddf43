//! The messages of recent answers, by their JSON.
//!
//! A list is mostly asked for again and again, with a few jobs that are new. A job has its collector as that was when the job ran, so
//! thousands of jobs have the same few, and each is most of what there is to write of a job that is new.

use foldhash::fast::RandomState;
use prost::bytes::Bytes;
use quick_cache::Weighter;
use quick_cache::sync::{Cache, DefaultLifecycle};

/// The most that is cached of collectors, in bytes: as much as a connection caches of their JSON, and the messages beside it.
const COLLECTORS_BYTES: u64 = 1 << 20;
/// The most that is cached of jobs, in bytes: about a thousand of them.
const JOBS_BYTES: u64 = 2 << 20;
/// The overhead of a cached message, in bytes.
const OVERHEAD_BYTES: usize = 128;
/// How many messages are expected.
const EXPECTED: usize = 1 << 10;

/// The messages of jobs and of collectors: the same JSON is another message of each.
#[derive(Debug)]
pub(in crate::grpc) struct MessageCaches {
    pub(super) jobs: MessageCache,
    pub(super) collectors: MessageCache,
}

impl Default for MessageCaches {
    fn default() -> Self {
        Self {
            jobs: MessageCache::with_capacity(JOBS_BYTES),
            collectors: MessageCache::with_capacity(COLLECTORS_BYTES),
        }
    }
}

/// What is found is found by the whole JSON, so it is never of another state of the data.
#[derive(Debug)]
pub(super) struct MessageCache(Cache<Box<str>, Bytes, ByBytes, RandomState>);

#[derive(Debug, Clone)]
struct ByBytes;

impl Weighter<Box<str>, Bytes> for ByBytes {
    fn weight(&self, json: &Box<str>, message: &Bytes) -> u64 {
        (json.len() + message.len() + OVERHEAD_BYTES) as u64
    }
}

impl MessageCache {
    /// Makes a cache of so many bytes at most.
    fn with_capacity(bytes: u64) -> Self {
        let hasher = RandomState::default();
        let lifecycle = DefaultLifecycle::default();
        Self(Cache::with(EXPECTED, bytes, ByBytes, hasher, lifecycle))
    }

    /// Returns the message of some JSON, cached or written by `write`.
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
        let cache = MessageCache::with_capacity(1 << 20);
        let write = |byte: u8| move || Ok::<_, ()>(vec![byte]);
        assert_eq!(cache.get_or_write("{}", || Err(())), Err(()));
        assert_eq!(cache.get_or_write("{}", write(1)).unwrap(), [1][..]);
        assert_eq!(cache.get_or_write("{}", write(2)).unwrap(), [1][..]);
        assert_eq!(cache.get_or_write("{ }", write(3)).unwrap(), [3][..]);
    }

    #[test]
    fn the_cache_is_bounded_in_bytes() {
        const BYTES: u64 = 1 << 20;
        let cache = MessageCache::with_capacity(BYTES);
        for number in 0..4_000 {
            let json = format!("{number:01000}");
            cache
                .get_or_write(&json, || Ok::<_, ()>(vec![0; 500]))
                .unwrap();
        }
        assert!(cache.0.weight() <= BYTES, "{}", cache.0.weight());
        let huge = "x".repeat(2 << 20);
        cache.get_or_write(&huge, || Ok::<_, ()>(vec![0])).unwrap();
        assert!(cache.0.get(&*huge).is_none());
    }
}
