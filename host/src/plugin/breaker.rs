//! A plugin that keeps failing, also with sample input, is taken out: its failure mode applies without a call, until
//! such a probe, never a caller's request, has shown that it is well again.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

/// Counts failures in a row.
#[derive(Debug)]
pub(super) struct Breaker {
    failures: AtomicU32,
    /// 0 to never open.
    failures_max: u32,
    /// Somebody finds out whether the plugin is well.
    in_doubt: AtomicBool,
    open: AtomicBool,
    pub(super) probe: Duration,
}

impl Breaker {
    pub(super) fn new(failures_max: u32, probe: Duration) -> Self {
        Self {
            failures: AtomicU32::new(0),
            failures_max,
            in_doubt: AtomicBool::new(false),
            open: AtomicBool::new(false),
            probe,
        }
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

    /// Whether, with this failure, it is time to find out whether the plugin is well.
    pub(super) fn failed(&self) -> bool {
        let failures = self.failures.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        self.failures_max > 0 && failures >= self.failures_max && !self.in_doubt.swap(true, Ordering::AcqRel)
    }

    pub(super) fn open(&self) {
        self.open.store(true, Ordering::Release);
    }

    pub(super) fn close(&self) {
        self.failures.store(0, Ordering::Relaxed);
        self.open.store(false, Ordering::Release);
        self.in_doubt.store(false, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_in_doubt_once_after_a_run_of_failures_and_a_success_ends_the_run() {
        let breaker = Breaker::new(2, Duration::ZERO);
        assert!(!breaker.failed());
        breaker.succeeded();
        assert!(!breaker.failed());
        assert!(breaker.failed());
        assert!(!breaker.is_open());
        breaker.open();
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
