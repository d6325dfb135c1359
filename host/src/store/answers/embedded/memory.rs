//! The answers that are asked for most.

use std::sync::Arc;
use std::time::Duration;

use quick_cache::Weighter;
use quick_cache::sync::{Cache, GuardResult};

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

    /// Remember what was read from the file, where nothing newer is there.
    pub(super) fn was_read(&self, kept: Arc<Kept>) {
        if let GuardResult::Guard(free) = self.0.get_value_or_guard(&kept.key, Some(Duration::ZERO)) {
            let _ = free.insert(kept);
        }
    }

    /// Replace what was read from the file before this one was written there. Otherwise an answer that has no place in
    /// memory would be hidden by the one that it replaces.
    pub(super) fn was_written(&self, kept: &Arc<Kept>) {
        if self.0.peek(&kept.key).is_some_and(|known| known.about.created <= kept.about.created) {
            let _ = self.0.replace(kept.key, kept.clone(), true);
        }
    }

    pub(super) fn purge(&self, purge: &Purge) {
        self.0.retain(|key, kept| !purge.concerns(key, &kept.about));
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::super::tests::kept;
    use super::*;

    fn answer(bytes: usize) -> Arc<Kept> {
        Arc::new(Kept { answer: vec![b'x'; bytes].into(), ..kept(1, Moment(0), Moment(9)) })
    }

    fn given(memory: &Memory) -> Option<usize> {
        memory.get(&[1; 32], Moment(1)).map(|kept| kept.answer.len())
    }

    #[test]
    fn what_is_read_replaces_nothing_and_is_replaced_by_what_is_written() {
        let memory = Memory::new(1 << 20);
        memory.put(answer(1));
        memory.was_read(answer(2));
        assert_eq!(given(&memory), Some(1));
        memory.purge(&Purge::default());
        memory.was_read(answer(2));
        assert_eq!(given(&memory), Some(2));
        memory.was_written(&answer(3));
        assert_eq!(given(&memory), Some(3));
        memory.was_written(&answer(2 << 20));
        assert_eq!(given(&memory), None, "it has no place, and what it replaces is not given in its stead");
    }
}
