//! How the targets are: who answers fast, who has failed of late and is left alone for a while.
//!
//! A target that fails several times in a row rests for its cooldown: nobody waits for what will not come. Then one
//! exchange tries it, and its success or failure decides for all. A target that says itself when it can be asked again
//! rests until then.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use tokio::time::Instant;

use crate::config::{Breaker, Target};

/// Time in which what was measured loses most of its weight.
///
/// Peak EWMA, as Finagle and Linkerd balance by it: a slow answer counts at once, a fast one bit by bit.
const DECAY: Duration = Duration::from_secs(10);
/// Taken for the latency of a target that was not measured yet, so that it is soon.
const UNKNOWN: Duration = Duration::from_millis(1);

/// What is known of each target, by its name. Kept when plugins and settings are replaced.
#[derive(Debug, Default)]
pub struct Health {
    targets: RwLock<HashMap<String, Arc<State>>>,
}

/// A target is left alone for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rest {
    /// For so long from now on.
    pub time: Duration,
    /// The target has asked for it, and has not failed.
    pub is_asked_for: bool,
}

/// How a target is at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// It can be asked.
    pub is_ready: bool,
    /// Exchanges that it is answering.
    pub in_flight: u64,
    /// Median of the last times to the first token, if there were any.
    pub first_token: Option<Duration>,
}

/// Times to the first token of which the median is known.
const RECENT: usize = 31;

/// What is known of one target.
#[derive(Debug)]
struct State {
    in_flight: AtomicU64,
    condition: Mutex<Condition>,
}

#[derive(Clone, Debug, Default)]
struct Condition {
    /// Latency in seconds, and when it was measured.
    latency: Option<(f64, Instant)>,
    /// The last times to the first token.
    recent: VecDeque<Duration>,
    /// In a row.
    failures: u32,
    /// It rests until then.
    rests: Option<Instant>,
    /// It has asked for that.
    is_asked_for: bool,
    /// How long it rests the next time that it fails while it is tried.
    cooldown: Option<Duration>,
    /// Somebody tries whether it is back.
    is_tried: bool,
}

impl Health {
    /// Whether the target can be asked now; if it rests, for how long.
    pub(crate) fn resting(&self, target: &Target, now: Instant) -> Option<Rest> {
        self.state(target).condition().resting(now)
    }

    /// How the target is now.
    pub(crate) fn standing(&self, target: &Target, now: Instant) -> Standing {
        let state = self.state(target);
        let condition = state.condition();
        Standing {
            is_ready: condition.resting(now).is_none(),
            in_flight: state.in_flight.load(Ordering::Relaxed),
            first_token: condition.median(),
        }
    }

    /// What it takes to be answered by this target, in seconds: its latency, times those who wait for it already.
    pub(crate) fn load(&self, target: &Target, now: Instant) -> f64 {
        let state = self.state(target);
        let latency = state.condition().latency(now);
        // No more than a float counts exactly are ever in flight.
        #[allow(clippy::cast_precision_loss)]
        let waiting = state.in_flight.load(Ordering::Relaxed) as f64;
        latency * (waiting + 1.0)
    }

    /// Ask the target, or ask it again after it has failed for the same exchange: it is in flight until the turn is dropped.
    ///
    /// # Errors
    /// How long it rests, if it does.
    pub(crate) fn begin(&self, target: &Target, breaker: Breaker, is_again: bool, now: Instant) -> Result<Turn, Rest> {
        let state = self.state(target);
        let is_try = {
            let mut condition = state.condition();
            if let Some(rest) = condition.resting(now) {
                return Err(rest);
            }
            let is_try = condition.rests.is_some();
            condition.is_tried = is_try;
            is_try
        };
        state.in_flight.fetch_add(1, Ordering::Relaxed);
        Ok(Turn { state, breaker, is_try, has_failed: false, is_again, began: now })
    }

    fn state(&self, target: &Target) -> Arc<State> {
        let known = self.targets.read().unwrap_or_else(PoisonError::into_inner).get(&target.name).cloned();
        known.unwrap_or_else(|| {
            let mut targets = self.targets.write().unwrap_or_else(PoisonError::into_inner);
            targets.entry(target.name.clone()).or_default().clone()
        })
    }

    /// Forget the targets that are not among these: they may come back as others.
    pub(crate) fn keep<'a>(&self, targets: impl Iterator<Item = &'a Target>) {
        let names: Vec<&str> = targets.map(|target| target.name.as_str()).collect();
        let mut known = self.targets.write().unwrap_or_else(PoisonError::into_inner);
        known.retain(|name, _| names.contains(&name.as_str()));
    }
}

impl Default for State {
    fn default() -> Self {
        Self { in_flight: AtomicU64::new(0), condition: Mutex::default() }
    }
}

impl State {
    fn condition(&self) -> MutexGuard<'_, Condition> {
        self.condition.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Condition {
    fn resting(&self, now: Instant) -> Option<Rest> {
        let time = match self.rests?.saturating_duration_since(now) {
            Duration::ZERO if self.is_tried => Duration::from_secs(1),
            Duration::ZERO => return None,
            time => time,
        };
        Some(Rest { time, is_asked_for: self.is_asked_for })
    }

    fn latency(&self, now: Instant) -> f64 {
        let Some((seconds, measured)) = self.latency else { return UNKNOWN.as_secs_f64() };
        // One that nobody has asked for a while may be better now.
        (seconds * weight(now.saturating_duration_since(measured))).max(UNKNOWN.as_secs_f64())
    }

    fn median(&self) -> Option<Duration> {
        let mut recent: Vec<Duration> = self.recent.iter().copied().collect();
        recent.sort_unstable();
        recent.get(recent.len() / 2).copied()
    }

    fn measure(&mut self, time: Duration, now: Instant) {
        if self.recent.len() == RECENT {
            self.recent.pop_front();
        }
        self.recent.push_back(time);
        let seconds = time.as_secs_f64();
        let latency = match self.latency {
            Some((before, measured)) if seconds < before => {
                let weight = weight(now.saturating_duration_since(measured));
                before * weight + seconds * (1.0 - weight)
            }
            Some(_) | None => seconds,
        };
        self.latency = Some((latency, now));
    }
}

/// What is left of a measurement's weight after that time.
fn weight(passed: Duration) -> f64 {
    (-passed.as_secs_f64() / DECAY.as_secs_f64()).exp()
}

/// One attempt at a target.
#[derive(Debug)]
pub(crate) struct Turn {
    state: Arc<State>,
    breaker: Breaker,
    /// It decides whether the target is back.
    is_try: bool,
    has_failed: bool,
    /// The same exchange has failed here before.
    is_again: bool,
    began: Instant,
}

impl Turn {
    /// The target answers. Its first words came now.
    pub(crate) fn answers(&mut self, now: Instant) {
        let mut condition = self.state.condition();
        condition.measure(now.saturating_duration_since(self.began), now);
        condition.failures = 0;
        if std::mem::take(&mut self.is_try) {
            (condition.rests, condition.cooldown, condition.is_tried) = (None, None, false);
        }
    }

    /// The target has failed. Only the first time counts, and of all attempts of one exchange only the first: nobody takes a
    /// target from others by asking once.
    pub(crate) fn fails(&mut self, now: Instant) {
        if std::mem::replace(&mut self.has_failed, true) {
            return;
        }
        let mut condition = self.state.condition();
        condition.failures = condition.failures.saturating_add(u32::from(!self.is_again));
        let is_try = std::mem::take(&mut self.is_try);
        if is_try {
            condition.is_tried = false;
        }
        let too_many = condition.failures >= self.breaker.failures;
        let rests_already = condition.resting(now).is_some();
        let may_rest = self.breaker.failures > 0;
        if may_rest && (is_try || (too_many && !rests_already)) {
            let cooldown = condition.cooldown.unwrap_or(self.breaker.cooldown);
            (condition.rests, condition.is_asked_for) = (Some(now + cooldown), false);
            condition.cooldown = Some((cooldown * 2).min(self.breaker.cooldown_max));
        }
    }

    /// The target asks to be left alone for a time, which it is where targets may rest at all.
    pub(crate) fn is_limited(&mut self, rest: Duration, now: Instant) {
        let mut condition = self.state.condition();
        if std::mem::take(&mut self.is_try) {
            condition.is_tried = false;
        }
        if self.breaker.failures == 0 {
            return;
        }
        let until = now + rest.min(self.breaker.cooldown_max);
        if condition.rests.is_none_or(|rests| rests < until) {
            (condition.rests, condition.is_asked_for) = (Some(until), true);
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.state.in_flight.fetch_sub(1, Ordering::Relaxed);
        // The caller went away before anything was decided: the next one tries.
        if self.is_try {
            self.state.condition().is_tried = false;
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::config;

    const BREAKER: Breaker =
        Breaker { failures: 2, cooldown: Duration::from_secs(1), cooldown_max: Duration::from_secs(4) };

    /// A target, and a clock that the test moves.
    struct Trial {
        health: Health,
        target: Arc<Target>,
        now: Instant,
    }

    impl Trial {
        fn new() -> Self {
            let text = "providers.p.dialect = 'sandbox'\ntargets.t.provider = 'p'\nmodels.m.targets = ['t']";
            let settings = config::parse("x", text, std::path::Path::new("")).unwrap();
            let target = settings.models["m"].targets().next().unwrap().clone();
            Self { health: Health::default(), target, now: Instant::now() }
        }

        fn pass(&mut self, milliseconds: u64) {
            self.now += Duration::from_millis(milliseconds);
        }

        fn begin(&self) -> Turn {
            self.health.begin(&self.target, BREAKER, false, self.now).unwrap()
        }

        fn fail(&self) {
            self.begin().fails(self.now);
        }

        fn answer_after(&mut self, milliseconds: u64) {
            let mut turn = self.begin();
            self.pass(milliseconds);
            turn.answers(self.now);
        }

        /// For how many milliseconds it rests.
        fn rest(&self) -> Option<u128> {
            self.health.resting(&self.target, self.now).map(|rest| rest.time.as_millis())
        }

        /// In milliseconds.
        fn load(&self) -> f64 {
            (self.health.load(&self.target, self.now) * 1000.0).round()
        }
    }

    #[test]
    fn failures_in_a_row_give_a_target_a_rest_that_grows() {
        let mut trial = Trial::new();
        trial.fail();
        trial.answer_after(1);
        trial.fail();
        assert_eq!(trial.rest(), None, "they were not in a row");
        trial.fail();
        for milliseconds in [1000, 2000, 4000, 4000] {
            assert_eq!(trial.rest(), Some(milliseconds.into()));
            trial.pass(milliseconds);
            trial.fail();
        }
        trial.pass(4000);
        trial.answer_after(1);
        trial.fail();
        assert_eq!(trial.rest(), None, "it was back");
        trial.fail();
        assert_eq!(trial.rest(), Some(1000), "the cooldown begins anew");
    }

    #[test]
    fn one_at_a_time_tries_whether_a_target_is_back() {
        let mut trial = Trial::new();
        trial.fail();
        trial.fail();
        trial.pass(1000);
        let first = trial.begin();
        assert_eq!(trial.rest(), Some(1000));
        assert!(trial.health.begin(&trial.target, BREAKER, false, trial.now).is_err());
        // Its caller went away: the next one tries.
        drop(first);
        trial.begin().answers(trial.now);
        let _both = [trial.begin(), trial.begin()];
    }

    #[test]
    fn those_that_were_under_way_change_nothing_about_the_rest() {
        let trial = Trial::new();
        let mut under_way = [(); 5].map(|()| trial.begin());
        under_way.iter_mut().for_each(|turn| turn.fails(trial.now));
        assert_eq!(trial.rest(), Some(1000));
    }

    #[test]
    fn one_attempt_fails_once() {
        let trial = Trial::new();
        let mut turn = trial.begin();
        turn.fails(trial.now);
        turn.fails(trial.now);
        assert_eq!(trial.rest(), None);
    }

    #[test]
    fn a_target_is_left_alone_for_as_long_as_it_asks() {
        let mut trial = Trial::new();
        trial.begin().is_limited(Duration::from_secs(3), trial.now);
        let rest = trial.health.resting(&trial.target, trial.now);
        assert_eq!(rest, Some(Rest { time: Duration::from_secs(3), is_asked_for: true }));
        trial.pass(3000);
        trial.begin().is_limited(Duration::from_secs(3600), trial.now);
        assert_eq!(trial.rest(), Some(4000), "an hour is more than anybody may ask for");
    }

    #[test]
    fn without_a_breaker_nobody_rests() {
        let trial = Trial::new();
        for _ in 0..100 {
            let breaker = Breaker { failures: 0, ..BREAKER };
            let begin = || trial.health.begin(&trial.target, breaker, false, trial.now).unwrap();
            begin().fails(trial.now);
            begin().is_limited(Duration::from_secs(3), trial.now);
        }
        assert_eq!(trial.rest(), None);
    }

    #[test]
    fn all_attempts_of_one_exchange_count_as_one() {
        let trial = Trial::new();
        for is_again in [false, true, true, true, true, true, true] {
            trial.health.begin(&trial.target, BREAKER, is_again, trial.now).unwrap().fails(trial.now);
        }
        assert_eq!(trial.rest(), None);
    }

    #[test]
    fn a_slow_answer_counts_at_once_and_is_forgotten_bit_by_bit() {
        let mut trial = Trial::new();
        trial.answer_after(100);
        assert_eq!(trial.load(), 100.0);
        trial.answer_after(1000);
        assert_eq!(trial.load(), 1000.0, "the peak");
        trial.answer_after(100);
        assert!((900.0..1000.0).contains(&trial.load()), "{}", trial.load());
        trial.pass(100_000);
        assert_eq!(trial.load(), 1.0, "it is worth another try");
    }

    #[test]
    fn the_median_of_the_last_first_tokens_is_known() {
        let mut trial = Trial::new();
        let median = |trial: &Trial| trial.health.standing(&trial.target, trial.now).first_token;
        assert_eq!(median(&trial), None);
        [500, 5, 7, 6, 900].into_iter().for_each(|ms| trial.answer_after(ms));
        assert_eq!(median(&trial), Some(Duration::from_millis(7)));
        (0..RECENT).for_each(|_| trial.answer_after(100));
        assert_eq!(median(&trial), Some(Duration::from_millis(100)));
        let _under_way = trial.begin();
        assert_eq!(trial.health.standing(&trial.target, trial.now).in_flight, 1);
    }

    #[test]
    fn those_who_wait_count_too() {
        let mut trial = Trial::new();
        let mut turn = trial.begin();
        trial.pass(200);
        turn.answers(trial.now);
        assert_eq!(trial.load(), 400.0, "its answer is still under way");
        drop(turn);
        assert_eq!(trial.load(), 200.0);
    }

    #[test]
    fn targets_that_are_gone_are_forgotten() {
        let trial = Trial::new();
        drop(trial.begin());
        trial.health.keep([&*trial.target].into_iter());
        assert_eq!(trial.health.targets.read().unwrap().len(), 1);
        trial.health.keep(std::iter::empty());
        assert!(trial.health.targets.read().unwrap().is_empty());
    }
}
