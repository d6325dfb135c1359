//! A plugin that keeps failing is taken out: its failure mode applies without a call, until a probe with sample
//! input, never a caller's request, has shown that it is well again.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

/// Counts failures in a row.
#[derive(Debug)]
pub(super) struct Breaker {
    failures: AtomicU32,
    /// 0 to never open.
    failures_max: u32,
    open: AtomicBool,
    pub(super) probe: Duration,
}

impl Breaker {
    pub(super) fn new(failures_max: u32, probe: Duration) -> Self {
        Self { failures: AtomicU32::new(0), failures_max, open: AtomicBool::new(false), probe }
    }

    pub(super) fn is_open(&self) -> bool {
        self.open.load(Ordering::Acquire)
    }

    pub(super) fn succeeded(&self) {
        // A store for each call would bounce the cache line between cores; nearly always it is 0 already.
        if self.failures.load(Ordering::Relaxed) != 0 {
            self.failures.store(0, Ordering::Relaxed);
        }
    }

    /// Whether this failure opened the breaker.
    pub(super) fn failed(&self) -> bool {
        let failures = self.failures.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        self.failures_max > 0 && failures >= self.failures_max && !self.open.swap(true, Ordering::AcqRel)
    }

    pub(super) fn close(&self) {
        self.failures.store(0, Ordering::Relaxed);
        self.open.store(false, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_opens_once_after_a_run_of_failures_and_a_success_ends_the_run() {
        let breaker = Breaker::new(2, Duration::ZERO);
        assert!(!breaker.failed());
        breaker.succeeded();
        assert!(!breaker.failed());
        assert!(breaker.failed());
        assert!(breaker.is_open());
        assert!(!breaker.failed());
        breaker.close();
        assert!(!breaker.is_open());
    }

    #[test]
    fn it_never_opens_when_switched_off() {
        let breaker = Breaker::new(0, Duration::ZERO);
        assert!((0..100).all(|_| !breaker.failed()));
        assert!(!breaker.is_open());
    }
}
