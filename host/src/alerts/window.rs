//! What was counted in the last while: a ring of slots, of which the oldest are forgotten.

use std::collections::{BTreeMap, VecDeque};
use std::ops::AddAssign;
use std::time::Duration;

use tokio::time::Instant;

use crate::ledger::{bucket, percentile_time};

/// Slots of a window: it is as long as it should be to a thirtieth.
const SLOTS: u32 = 30;

/// What was counted in the last while.
#[derive(Debug)]
pub(super) struct Window<T> {
    length: Duration,
    slots: VecDeque<(Instant, T)>,
}

impl<T: Default + for<'a> AddAssign<&'a T>> Window<T> {
    pub(super) fn new(length: Duration) -> Self {
        Self { length, slots: VecDeque::new() }
    }

    /// Count this too, now.
    pub(super) fn add(&mut self, more: &T, now: Instant) {
        let width = self.length / SLOTS;
        match self.slots.back_mut() {
            Some((began, slot)) if now.saturating_duration_since(*began) < width => *slot += more,
            Some(_) | None => {
                let mut slot = T::default();
                slot += more;
                self.slots.push_back((now, slot));
            }
        }
        self.forget(now);
    }

    /// All that was counted in it.
    pub(super) fn sum(&mut self, now: Instant) -> T {
        self.forget(now);
        let mut sum = T::default();
        self.slots.iter().for_each(|(_, slot)| sum += slot);
        sum
    }

    fn forget(&mut self, now: Instant) {
        let is_old = |began: &Instant| now.saturating_duration_since(*began) >= self.length;
        while self.slots.front().is_some_and(|(began, _)| is_old(began)) {
            self.slots.pop_front();
        }
    }
}

/// Calls or attempts, and those that failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Calls {
    pub(super) all: u64,
    pub(super) failed: u64,
}

impl Calls {
    pub(super) fn count(&mut self, has_failed: bool) {
        *self += &Self { all: 1, failed: u64::from(has_failed) };
    }

    /// Which share has failed, where there are enough to tell.
    pub(super) fn share(self, count_min: u64) -> Option<f64> {
        (self.all >= count_min).then(|| ratio(self.failed, self.all))
    }
}

impl AddAssign<&Self> for Calls {
    fn add_assign(&mut self, more: &Self) {
        self.all = self.all.saturating_add(more.all);
        self.failed = self.failed.saturating_add(more.failed);
    }
}

/// Times by their length, on the scale of the ledger: each part of it is about a fifth wider than the one before.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Times(BTreeMap<i64, u64>);

impl Times {
    pub(super) fn count(&mut self, time: Duration) {
        let microseconds = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        *self.0.entry(bucket(microseconds)).or_default() += 1;
    }

    /// What so many of a hundred take at most, in seconds, where there are enough to tell.
    pub(super) fn percentile(&self, percent: u64, count_min: u64) -> Option<f64> {
        let parts: Vec<(i64, u64)> = self.0.iter().map(|(bucket, count)| (*bucket, *count)).collect();
        let count: u64 = parts.iter().map(|(_, count)| count).sum();
        (count >= count_min).then(|| percentile_time(&parts, percent)).flatten().map(|time| time.as_secs_f64())
    }
}

impl AddAssign<&Self> for Times {
    fn add_assign(&mut self, more: &Self) {
        more.0.iter().for_each(|(bucket, count)| *self.0.entry(*bucket).or_default() += count);
    }
}

/// How many of the others one number is; nothing of none.
pub(super) fn ratio(part: u64, all: u64) -> f64 {
    // No more is ever counted than a float holds exactly.
    #[allow(clippy::cast_precision_loss)]
    if all == 0 { 0.0 } else { part as f64 / all as f64 }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const LENGTH: Duration = Duration::from_secs(30);

    #[test]
    fn what_is_as_old_as_the_window_is_forgotten() {
        let (mut window, begin) = (Window::<u64>::new(LENGTH), Instant::now());
        window.add(&1, begin);
        window.add(&2, begin + Duration::from_secs(10));
        let before = begin + LENGTH - Duration::from_millis(1);
        assert_eq!((window.sum(before), window.sum(begin + LENGTH)), (3, 2));
        assert_eq!(window.sum(begin + LENGTH + Duration::from_secs(10)), 0);
    }

    #[test]
    fn a_window_has_so_many_slots_however_often_something_is_counted() {
        let (mut window, begin) = (Window::<u64>::new(LENGTH), Instant::now());
        for millisecond in 0..100_000 {
            window.add(&1, begin + Duration::from_millis(millisecond));
            assert!(window.slots.len() <= usize::try_from(SLOTS).unwrap() + 1);
        }
        let sum = window.sum(begin + Duration::from_secs(100));
        assert!((29_000..=30_000).contains(&sum), "{sum}");
    }

    #[test]
    fn a_share_is_told_of_enough_calls_alone() {
        let calls = Calls { all: 20, failed: 5 };
        assert_eq!((calls.share(20), calls.share(21)), (Some(0.25), None));
    }

    #[test]
    fn a_percentile_is_told_of_enough_times_alone() {
        let mut times = Times::default();
        (1..=100).for_each(|tenth| times.count(Duration::from_millis(tenth * 100)));
        let found = times.percentile(95, 100).unwrap();
        assert!((9.5..=9.5 * 1.25).contains(&found), "{found}");
        assert_eq!(times.percentile(95, 101), None);
    }
}
