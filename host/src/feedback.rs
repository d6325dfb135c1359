//! What people think of answers: said by applications (`POST /v1/feedback`) and by operators, and recognised where a
//! conversation shows it. It is kept in the ledger, beside the exchange that it is about.

mod exchange;
mod given;
mod recognised;

use std::fmt;
use std::time::Duration;

use crate::moment::Moment;

pub(crate) use exchange::{body, check, keep};
pub(crate) use given::{About, Given, read};
pub(crate) use recognised::{Conversation, Conversations, Recognised, Turns, turns};

/// Characters of a name that feedback goes by, or that its session has.
pub(crate) const NAME_BYTES_MAX: usize = 128;
/// Bytes of a comment.
pub(crate) const COMMENT_BYTES_MAX: usize = 16 << 10;
/// Bytes of a corrected answer: a page of text has some thousands.
pub(crate) const CORRECTED_BYTES_MAX: usize = 64 << 10;
/// What people may say of one exchange, or of one session as a whole.
pub(crate) const OF_ONE_MAX: u32 = 50;

/// What somebody thinks of an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Feedback {
    /// Its name, unique within its tenant.
    pub id: String,
    /// Whose the exchange was.
    pub tenant: String,
    /// The exchange that it is about, if it is about one.
    pub exchange: Option<String>,
    /// The session that it is about, or that the exchange was a step of.
    pub session: Option<String>,
    /// When it came, in milliseconds since 1970.
    pub at_ms: u64,
    /// Where it came from.
    pub source: Source,
    /// Who said it: a key's id, a user, an operator's name.
    pub by: Option<String>,
    /// What is said.
    pub opinion: Opinion,
}

/// What can be said of an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Opinion {
    /// How good it is.
    pub score: Option<Score>,
    /// Words about it.
    pub comment: Option<String>,
    /// The answer was changed.
    pub is_corrected: bool,
    /// The answer as it should have been, as far as that is kept.
    pub corrected: Option<String>,
    /// The exchange whose answer is not so good.
    pub preferred_over: Option<String>,
    /// Another answer was asked for.
    pub is_regenerated: bool,
    /// The exchange that gave it, if it is known.
    pub regenerated_by: Option<String>,
}

/// How good an answer is, in thousandths from 0 to 1000.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Score(u16);

/// The best there is.
const BEST: u16 = 1_000;

impl Score {
    /// A thumb that points up.
    pub const UP: Self = Self(BEST);
    /// A thumb that points down.
    pub const DOWN: Self = Self(0);
    /// As good as bad.
    pub const HALF: Self = Self(BEST / 2);
    /// The best that is not as good as bad.
    pub const BELOW_HALF: Self = Self(BEST / 2 - 1);

    /// A score from 0 to 1, to the thousandth; nothing if it is not in between.
    #[must_use]
    pub fn new(score: f64) -> Option<Self> {
        // A number of seconds has its thousandths as a whole number.
        let score = Duration::try_from_secs_f64(score).ok().filter(|score| *score <= Duration::from_secs(1))?;
        let thousandths = (score + Duration::from_micros(500)).as_millis();
        u16::try_from(thousandths).ok().map(Self)
    }

    /// So many thousandths; the best if they are more.
    #[must_use]
    pub fn from_thousandths(thousandths: u64) -> Self {
        Self(u16::try_from(thousandths).unwrap_or(BEST).min(BEST))
    }

    /// From 0 to 1000.
    #[must_use]
    pub fn thousandths(self) -> u16 {
        self.0
    }

    /// From 0 to 1.
    #[must_use]
    pub fn value(self) -> f64 {
        f64::from(self.0) / f64::from(BEST)
    }
}

impl fmt::Display for Score {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.value())
    }
}

/// Where feedback came from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Source {
    /// An application, with its key.
    #[default]
    Caller,
    /// An operator, in the console.
    Console,
    /// How the conversation went on.
    Traffic,
}

impl Source {
    /// All there are.
    pub const ALL: [Self; 3] = [Self::Caller, Self::Console, Self::Traffic];

    /// The word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Caller => "caller",
            Self::Console => "console",
            Self::Traffic => "traffic",
        }
    }

    /// The one with this word.
    #[must_use]
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|source| source.word() == word)
    }
}

impl Opinion {
    /// Whether nothing is said.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl Feedback {
    /// Whether somebody is not content with the answer of this exchange.
    pub(crate) fn is_bad_for(&self, exchange: &str) -> bool {
        match self.exchange.as_deref() == Some(exchange) {
            true => self.opinion.score.is_some_and(|score| score < Score::HALF) || self.opinion.is_corrected,
            // Another was preferred.
            false => true,
        }
    }

    /// When it came.
    #[must_use]
    pub fn at(&self) -> Moment {
        Moment::from_seconds(self.at_ms / 1_000)
    }
}

/// Whether a text can be a name: visible, and not longer than names are.
pub(crate) fn is_name(text: &str) -> bool {
    !text.is_empty() && text.len() <= NAME_BYTES_MAX && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Characters of an exchange's id: those of a UUID without its dashes.
const ID_CHARS: usize = 32;

/// Whether a text can be the id of an exchange.
pub(crate) fn is_exchange(text: &str) -> bool {
    text.len() == ID_CHARS && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_score_lies_between_nothing_and_one() {
        for (given, score) in [(0.0, Score::DOWN), (1.0, Score::UP), (0.25, Score(250)), (0.000_4, Score(0))] {
            assert_eq!(Score::new(given), Some(score), "{given}");
        }
        for wrong in [-0.000_1, 1.000_1, f64::NAN, f64::INFINITY, -1.0] {
            assert_eq!(Score::new(wrong), None, "{wrong}");
        }
        assert_eq!(Score::from_thousandths(u64::MAX), Score::UP);
        assert_eq!(Score(250).to_string(), "0.25");
    }

    #[test]
    fn ids_and_names_are_told_from_other_texts() {
        assert!(is_exchange("0199f0a0b1c27d3e8f90a1b2c3d4e5f6"));
        for wrong in ["", "0199F0A0B1C27D3E8F90A1B2C3D4E5F6", "0199f0a0", "0199f0a0b1c27d3e8f90a1b2c3d4e5fg"] {
            assert!(!is_exchange(wrong), "{wrong}");
        }
        assert!(is_name("run-1") && is_name(&"x".repeat(NAME_BYTES_MAX)));
        for wrong in ["", "a b", "\u{e9}", &"x".repeat(NAME_BYTES_MAX + 1)] {
            assert!(!is_name(wrong), "{wrong}");
        }
    }
}
