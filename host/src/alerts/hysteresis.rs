//! When an alert fires and when it is over: a value over time, and nothing else.
//!
//! It fires at one level and is over below a lower one, so that a value which wavers about a level is told of once.

use std::time::Duration;

use tokio::time::Instant;

use crate::moment::Moment;

/// A point in time: of the clock that only goes forward, for what is measured, and of the calendar, for what is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct At {
    pub(crate) instant: Instant,
    pub(crate) moment: Moment,
}

impl At {
    pub(crate) fn now() -> Self {
        Self { instant: Instant::now(), moment: Moment::now() }
    }
}

/// Where it fires, and where it is over.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Levels {
    /// At this value.
    pub(super) fires: f64,
    /// Below this one, which is no higher.
    pub(super) clears: f64,
    /// How long the value must be at the first before it fires.
    pub(super) holds: Duration,
    /// How long there may be no value before an alert is over for that.
    pub(super) silence: Duration,
}

/// How it stands.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) enum State {
    /// There is nothing to tell.
    #[default]
    Quiet,
    /// It is at the level, but not for long enough.
    Pending {
        /// From then on.
        since: At,
    },
    /// It has fired.
    Active {
        /// At the level from then on.
        since: At,
        /// When there was a value last.
        seen: Instant,
    },
}

/// What has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// It has fired.
    Fired,
    /// It is over.
    Resolved(Why),
}

/// Why an alert is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Why {
    /// The value is below the lower level.
    Recovered,
    /// There has been nothing to tell it by for long.
    NoData,
    /// The rule says something else by now.
    RuleChanged,
    /// The rule is not there any more.
    RuleRemoved,
    /// What it was about is not there any more.
    SubjectRemoved,
}

impl Why {
    /// The word for it in messages and in the log.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Recovered => "recovered",
            Self::NoData => "no-data",
            Self::RuleChanged => "rule-changed",
            Self::RuleRemoved => "rule-removed",
            Self::SubjectRemoved => "subject-removed",
        }
    }
}

impl State {
    /// The next value, or that there is none; says what has changed.
    pub(super) fn step(&mut self, value: Option<f64>, levels: &Levels, now: At) -> Option<Change> {
        match (*self, value) {
            (Self::Active { .. }, Some(value)) if value < levels.clears => {
                *self = Self::Quiet;
                Some(Change::Resolved(Why::Recovered))
            }
            (Self::Active { since, .. }, Some(_)) => {
                *self = Self::Active { since, seen: now.instant };
                None
            }
            (Self::Active { seen, .. }, None) => {
                let is_over = now.instant.saturating_duration_since(seen) > levels.silence;
                is_over.then(|| {
                    *self = Self::Quiet;
                    Change::Resolved(Why::NoData)
                })
            }
            (Self::Quiet | Self::Pending { .. }, Some(value)) if value >= levels.fires => {
                let since = self.since().unwrap_or(now);
                let fires = now.instant.saturating_duration_since(since.instant) >= levels.holds;
                *self = if fires { Self::Active { since, seen: now.instant } } else { Self::Pending { since } };
                fires.then_some(Change::Fired)
            }
            (Self::Quiet | Self::Pending { .. }, Some(_) | None) => {
                *self = Self::Quiet;
                None
            }
        }
    }

    /// Since when it has been at the level.
    pub(super) fn since(&self) -> Option<At> {
        match self {
            Self::Quiet => None,
            Self::Pending { since } | Self::Active { since, .. } => Some(*since),
        }
    }

    pub(super) fn is_active(&self) -> bool {
        matches!(self, Self::Active { .. })
    }

    /// The word for it.
    pub(super) fn word(&self) -> &'static str {
        match self {
            Self::Quiet => "quiet",
            Self::Pending { .. } => "pending",
            Self::Active { .. } => "active",
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::collection::vec;
    use proptest::option;
    use proptest::prelude::*;

    use super::*;

    const LEVELS: Levels = Levels { fires: 0.5, clears: 0.25, holds: Duration::ZERO, silence: Duration::from_secs(10) };

    /// What changes at each of these values, a second apart.
    fn changes(levels: &Levels, values: &[Option<f64>]) -> Vec<Option<Change>> {
        let (mut state, begin) = (State::default(), At::now());
        let at = |second| At { instant: begin.instant + Duration::from_secs(second), moment: begin.moment };
        values.iter().zip(0..).map(|(value, second)| state.step(*value, levels, at(second))).collect()
    }

    #[test]
    fn it_fires_at_the_level_and_is_over_below_the_lower_one() {
        let (fired, over) = (Some(Change::Fired), Some(Change::Resolved(Why::Recovered)));
        let values = [0.49, 0.5, 0.51, 0.25, 0.5, 0.249, 0.49, 0.5].map(Some);
        assert_eq!(changes(&LEVELS, &values), [None, fired, None, None, None, over, None, fired]);
    }

    #[test]
    fn it_fires_when_it_has_held_for_long_enough_without_a_break() {
        let levels = Levels { holds: Duration::from_secs(2), ..LEVELS };
        let fired = Some(Change::Fired);
        let values = [Some(0.5), Some(0.9), Some(0.49), Some(0.5), None, Some(0.5), Some(0.5), Some(0.5)];
        assert_eq!(changes(&levels, &values), [None, None, None, None, None, None, None, fired]);
    }

    #[test]
    fn where_nothing_tells_it_stays_for_a_while_and_no_longer() {
        let mut values = vec![Some(0.5)];
        values.extend([None; 11]);
        let seen = changes(&LEVELS, &values);
        assert_eq!((seen[0], seen[10], seen[11]), (Some(Change::Fired), None, Some(Change::Resolved(Why::NoData))));
        assert_eq!(changes(&LEVELS, &[None, Some(0.1), None]), [None; 3]);
    }

    proptest! {
        /// Whatever the values: it fires and is over in turns, each where the levels say, and it does not waver between them.
        #[test]
        fn it_does_not_flap(
            values in vec(option::weighted(0.8, 0.0..1.0_f64), 0..200),
            clears in 0.1..=0.5_f64,
            holds in 0_u64..5,
        ) {
            let levels = Levels { clears, holds: Duration::from_secs(holds), ..LEVELS };
            let mut is_active = false;
            for (value, change) in values.iter().zip(changes(&levels, &values)) {
                match change {
                    Some(Change::Fired) => {
                        prop_assert!(!is_active && value.unwrap() >= levels.fires);
                        is_active = true;
                    }
                    Some(Change::Resolved(_)) => {
                        prop_assert!(is_active && value.is_none_or(|value| value < clears));
                        is_active = false;
                    }
                    None => prop_assert!(!(is_active && value.is_some_and(|value| value < clears))),
                }
            }
        }
    }
}
