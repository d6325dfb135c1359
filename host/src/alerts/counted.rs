//! What was counted of one subject of a rule, and the value that follows from it.

use std::time::Duration;

use tokio::time::Instant;

use super::window::{Calls, Times, Window, ratio};
use crate::config::When;

/// What was counted of it.
#[derive(Debug)]
pub(super) enum Counted {
    /// The store counts.
    Elsewhere,
    Calls(Window<Calls>),
    Times(Window<Times>),
    /// The last while, all that is remembered, and since when there is something to remember.
    Denials(Window<u64>, Window<u64>, Instant),
}

/// What one look has seen of one subject.
#[derive(Clone, Copy, Debug)]
pub(super) enum Reading<'a> {
    Share(f64),
    Calls(Calls),
    Times(Option<&'a Times>),
    Denials(u64),
}

impl Counted {
    /// Nothing yet.
    pub(super) fn new(when: &When, now: Instant) -> Self {
        match when {
            When::Budget { .. } => Self::Elsewhere,
            When::PluginFailures { window, .. } | When::TargetErrors { window, .. } => {
                Self::Calls(Window::new(*window))
            }
            When::TargetLatency { window, .. } => Self::Times(Window::new(*window)),
            When::Denials { window, baseline, .. } => {
                Self::Denials(Window::new(*window), Window::new(*window + *baseline), now)
            }
        }
    }

    /// Count what was seen; gives what the rule compares.
    pub(super) fn value(&mut self, when: &When, reading: Reading<'_>, now: Instant) -> Option<f64> {
        match (self, when, reading) {
            (Self::Elsewhere, When::Budget { .. }, Reading::Share(share)) => Some(share),
            (
                Self::Calls(window),
                When::PluginFailures { count_min, .. } | When::TargetErrors { count_min, .. },
                Reading::Calls(calls),
            ) => {
                if calls.all > 0 {
                    window.add(&calls, now);
                }
                window.sum(now).share(*count_min)
            }
            (Self::Times(window), When::TargetLatency { count_min, percentile, .. }, Reading::Times(times)) => {
                if let Some(times) = times {
                    window.add(times, now);
                }
                window.sum(now).percentile(*percentile, *count_min)
            }
            (
                Self::Denials(recent, all, began),
                When::Denials { window, baseline, count_min, .. },
                Reading::Denials(count),
            ) => {
                if count > 0 {
                    recent.add(&count, now);
                    all.add(&count, now);
                }
                let (recent, all) = (recent.sum(now), all.sum(now));
                let known = now.saturating_duration_since(*began).saturating_sub(*window).min(*baseline);
                rise(recent, all.saturating_sub(recent), *window, known, *count_min)
            }
            // What is counted is chosen by the rule, and so is what is read.
            (Self::Elsewhere | Self::Calls(_) | Self::Times(_) | Self::Denials(..), _, _) => None,
        }
    }
}

/// How many times as many there are in the window as in the same time before. Nothing as long as less is known of before than one
/// window; a before without any counts as one with one, or the first would be infinitely many.
fn rise(recent: u64, before: u64, window: Duration, known: Duration, count_min: u64) -> Option<f64> {
    if known < window || window.is_zero() {
        return None;
    }
    if recent < count_min {
        return Some(0.0);
    }
    Some(ratio(recent, before.max(1)) * (known.as_secs_f64() / window.as_secs_f64()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn many_are_many_times_as_many_as_usual() {
        // Ten in ten minutes before are one a minute.
        assert_eq!(rise(30, 10, MINUTE, 10 * MINUTE, 20), Some(30.0));
        assert_eq!(rise(20, 200, MINUTE, 10 * MINUTE, 20), Some(1.0));
        assert_eq!(rise(19, 0, MINUTE, 10 * MINUTE, 20), Some(0.0), "they are few");
        assert_eq!(rise(20, 0, MINUTE, 10 * MINUTE, 20), Some(200.0), "none before count as one");
        assert_eq!(rise(20, 0, MINUTE, MINUTE, 20), Some(20.0));
        assert_eq!(rise(20, 0, MINUTE, MINUTE - Duration::from_millis(1), 20), None, "nobody knows what is usual");
    }
}
