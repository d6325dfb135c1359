//! The answers that are asked for most.

use std::sync::Arc;

use quick_cache::Weighter;
use quick_cache::sync::Cache;

use super::super::{Digest, Kept, Purge};
use crate::store::counters::Moment;

/// The weight that the cache is planned for: a short answer.
const USUAL_BYTES: u64 = 2_048;

/// Answers within a bound of bytes.
#[derive(Debug)]
pub(super) struct Memory(Cache<Digest, Arc<Kept>, Bytes>);

#[derive(Clone, Debug)]
struct Bytes;

impl Weighter<Digest, Arc<Kept>> for Bytes {
    fn weight(&self, _: &Digest, kept: &Arc<Kept>) -> u64 {
        kept.bytes()
    }
}

impl Memory {
    pub(super) fn new(bytes_max: u64) -> Self {
        let entries = usize::try_from(bytes_max / USUAL_BYTES).unwrap_or(usize::MAX).max(1);
        Self(Cache::with_weighter(entries, bytes_max, Bytes))
    }

    pub(super) fn get(&self, key: &Digest, now: Moment) -> Option<Arc<Kept>> {
        self.0.get(key).filter(|kept| now < kept.about.kept_until)
    }

    pub(super) fn put(&self, kept: Arc<Kept>) {
        self.0.insert(kept.key, kept);
    }

    pub(super) fn purge(&self, purge: &Purge) {
        self.0.retain(|key, kept| !purge.concerns(key, &kept.about));
    }
}
