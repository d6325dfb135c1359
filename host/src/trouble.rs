//! What went wrong with an attempt at a target, and what may be tried instead: the next target, or all of them once more.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use bytes::Bytes;
use http::{HeaderMap, StatusCode};

use crate::config::{Retry, Target};
use crate::dialect::{Translation, Wire};
use crate::error::Error;
use crate::exchange::HAS_SAID_SO;
use crate::reply::Begun;
use crate::upstream::{Answer, retry_after};

/// Why a target has not answered.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// It could not be asked, or broke off.
    Error(Error),
    /// It says so itself.
    Answer(Box<Answer>, Arc<Target>),
    /// It says so in what should be an answer.
    Told(Box<Told>),
    /// It says so in a stream of which nothing was released.
    Stream(Box<Begun>),
}

/// What a target says of an error in what should be an answer.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) target: Arc<Target>,
    /// The status that it should have had.
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) dialect: Wire,
    /// The way back to the caller's dialect, if it is another.
    pub(crate) translation: Option<Translation>,
}

impl Trouble {
    /// An error, if another target might do better.
    ///
    /// # Errors
    /// The same, if it is the request's or the gateway's.
    pub(crate) fn of_error(error: Error) -> Result<Self, Error> {
        if error.is_the_targets() || is_of_the_pair(&error) { Ok(Self::Error(error)) } else { Err(error) }
    }

    /// Whether the target may have begun to work on the request.
    pub(crate) fn was_underway(&self) -> bool {
        match self {
            Self::Error(error) => error.was_underway(),
            Self::Stream(_) | Self::Told(_) => true,
            // The others say that the request was turned away.
            // Bedrock says with 424 that the model broke down over it.
            Self::Answer(answer, _) => match answer.status.as_u16() {
                503 | 529 => false,
                status => answer.status.is_server_error() || status == 424,
            },
        }
    }

    /// How long to wait at least before the target is asked once more; nothing if that would not help.
    pub(crate) fn wait(&self) -> Option<Duration> {
        match self {
            Self::Error(Error::TargetsRest(rest)) => Some(rest.time),
            Self::Error(Error::AnswerTooLarge(_) | Error::CredentialRefused(_)) => None,
            Self::Error(error) if is_of_the_pair(error) => None,
            Self::Error(_) | Self::Stream(_) | Self::Told(_) => Some(Duration::ZERO),
            Self::Answer(answer, _) => Some(retry_after(&answer.headers).unwrap_or_default()),
        }
    }

    /// Which of two to tell the caller: the later one, but for what says less.
    pub(crate) fn or(self, earlier: Option<Self>) -> Self {
        match earlier {
            Some(earlier) if self.says_little() && !earlier.says_little() => earlier,
            Some(_) | None => self,
        }
    }

    fn says_little(&self) -> bool {
        matches!(self, Self::Error(error) if matches!(error, Error::TargetsRest(_)) || is_of_the_pair(error))
    }

    /// A word for the log: a label or a status.
    pub(crate) fn word(&self) -> Cow<'static, str> {
        match self {
            Self::Error(error) => error.label().into(),
            Self::Answer(answer, _) => answer.status.as_str().to_owned().into(),
            Self::Stream(_) | Self::Told(_) => HAS_SAID_SO.0.into(),
        }
    }

    /// Words for the operator.
    pub(crate) fn detail(&self) -> Option<Cow<'_, str>> {
        match self {
            Self::Error(error) => error.detail(),
            Self::Answer(..) => None,
            Self::Stream(_) | Self::Told(_) => Some(HAS_SAID_SO.1.into()),
        }
    }
}

/// Whether it is the request that does not go with the target, so that it may go with another.
fn is_of_the_pair(error: &Error) -> bool {
    matches!(error, Error::Untranslatable { .. } | Error::NotThere { .. } | Error::PriceUnknown(_))
}

/// How often all targets are asked once more, and how long to wait before that: twice as long each time, and a random
/// part of that longer, so that those who failed together do not come back together.
#[derive(Debug)]
pub(crate) struct Rounds {
    waits: ExponentialBackoff,
    retry_after_max: Duration,
}

impl Rounds {
    pub(crate) fn new(retry: Retry) -> Self {
        let times = usize::try_from(retry.retries_max).unwrap_or(usize::MAX);
        let waits = ExponentialBuilder::default().with_jitter().with_min_delay(retry.wait).with_max_times(times);
        Self { waits: waits.build(), retry_after_max: retry.retry_after_max }
    }

    /// The wait before the next round, at least as long as was asked for; nothing if there is none.
    pub(crate) fn next(&mut self, asked: Duration) -> Option<Duration> {
        (asked <= self.retry_after_max).then(|| self.waits.next()).flatten().map(|wait| wait.max(asked))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::health::Rest;

    const RETRY: Retry =
        Retry { retries_max: 2, wait: Duration::from_millis(100), retry_after_max: Duration::from_secs(1) };

    #[test]
    fn waits_grow_and_end() {
        let mut rounds = Rounds::new(RETRY);
        for milliseconds in [100, 200] {
            let wait = rounds.next(Duration::ZERO);
            let bounds = Duration::from_millis(milliseconds)..=Duration::from_millis(2 * milliseconds);
            assert!(wait.is_some_and(|wait| bounds.contains(&wait)), "{wait:?}");
        }
        assert_eq!(rounds.next(Duration::ZERO), None);
        assert_eq!(Rounds::new(Retry { retries_max: 0, ..RETRY }).next(Duration::ZERO), None);
    }

    #[test]
    fn what_a_provider_asks_for_is_waited_for_within_bounds() {
        let mut rounds = Rounds::new(RETRY);
        assert_eq!(rounds.next(Duration::from_millis(1001)), None);
        assert_eq!(rounds.next(Duration::from_secs(1)), Some(Duration::from_secs(1)));
    }

    #[test]
    fn the_last_word_that_says_something_is_told() {
        let rest = || Trouble::Error(Error::TargetsRest(Rest { time: Duration::ZERO, is_asked_for: false }));
        let broken = |detail: &str| Trouble::Error(Error::Broken(detail.to_owned()));
        assert_eq!(rest().or(Some(broken("a"))).detail().as_deref(), Some("a"));
        assert_eq!(broken("b").or(Some(rest())).detail().as_deref(), Some("b"));
        assert_eq!(broken("b").or(Some(broken("a"))).detail().as_deref(), Some("b"));
        assert_eq!(rest().or(None).word(), "upstream_resting");
    }
}
