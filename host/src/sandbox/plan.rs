//! What the sandbox model is going to do: what [`script`](super::script) decides, and the wire and the body carry out.

use std::time::Duration;

use super::failure::Failure;

/// What to do with a request.
#[derive(Debug)]
pub(super) struct Script {
    pub(super) plan: Plan,
    pub(super) manner: Manner,
}

/// What to answer.
#[derive(Debug, PartialEq)]
pub(super) enum Plan {
    Say(Say),
    Fail(Failure),
    Garbage,
    Die,
    Stall,
}

/// An answer, in words that no format has touched yet.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Say {
    pub(super) reasoning: String,
    pub(super) said: Said,
    pub(super) escape: Escape,
    /// Every choice says the same, whatever format was asked for.
    pub(super) exact: bool,
    /// It was cut short by `max_tokens`.
    pub(super) too_long: bool,
    pub(super) finish: Option<String>,
    pub(super) usage: Option<Usage>,
    pub(super) usage_always: bool,
}

/// The words of an answer.
#[derive(Debug, PartialEq)]
pub(super) enum Said {
    Text(String),
    Refusal(String),
    Calls(Vec<Call>),
}

impl Said {
    /// How many bytes it is.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Text(text) | Self::Refusal(text) => text.len(),
            Self::Calls(calls) => calls.iter().map(|call| call.arguments.len()).sum(),
        }
    }
}

impl Default for Said {
    fn default() -> Self {
        Self::Text(String::new())
    }
}

/// A tool call.
#[derive(Debug, PartialEq)]
pub(super) struct Call {
    pub(super) name: String,
    pub(super) arguments: String,
}

/// How text beyond ASCII is written in JSON.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Escape {
    #[default]
    No,
    /// As `\uXXXX`, cut between characters.
    Whole,
    /// As `\uXXXX`, cut within each surrogate pair.
    Split,
}

/// Tokens that an answer claims to have cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Usage {
    pub(super) prompt: u64,
    pub(super) completion: u64,
    pub(super) cached: u64,
    pub(super) reasoning: u64,
}

/// How an answer is given, whatever it says.
#[derive(Clone, Copy, Debug)]
pub(super) struct Manner {
    pub(super) start: Duration,
    pub(super) pace: Duration,
    pub(super) cut: Cut,
    pub(super) frame_bytes: Option<usize>,
    pub(super) ending: Ending,
}

impl Manner {
    /// Whether nothing was asked for that a body in one piece cannot do.
    pub(super) fn is_plain(&self) -> bool {
        self.pace.is_zero() && self.frame_bytes.is_none() && self.ending == Ending::Whole
    }
}

/// How an answer ends: as it should, or after so many chunks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    Whole,
    Die(usize),
    Stall(usize),
    Garbage(usize),
}

/// How many characters a piece of text has, at least and at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cut {
    least: usize,
    most: usize,
}

impl Cut {
    pub(super) fn around(chars: usize) -> Self {
        Self { least: (chars / 2).max(1), most: chars.saturating_add(chars / 2).max(1) }
    }

    pub(super) fn exactly(chars: usize) -> Self {
        Self { least: chars.max(1), most: chars.max(1) }
    }

    /// The size of a piece, by its number: all sizes in turn, in steps so that neighbours differ.
    pub(super) fn size(self, number: usize) -> usize {
        let span = self.most.saturating_sub(self.least).saturating_add(1);
        self.least.saturating_add(number.wrapping_mul(7) % span)
    }
}
