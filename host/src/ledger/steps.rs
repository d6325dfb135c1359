//! The steps of an exchange as they are kept. Findings and edits say where something was, and never what.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::entry::micros;
use crate::capability::Use;
use crate::chat::Word;
use crate::exchange::{self, Attempt, Calls, NotInspected, Over, Sought, What};
use crate::plugin::{Decision, Edited, Found};

/// Steps of one exchange that are kept; of a long stream the calls of one plugin are summed up before that.
const STEPS_MAX: usize = 200;

/// One thing that an exchange did.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Step {
    /// When it began, in microseconds since the exchange did.
    #[serde(rename = "at")]
    pub at_us: u64,
    /// How long that took, in microseconds; of several calls, from the beginning of the first to the end of the last.
    #[serde(rename = "took")]
    pub took_us: u64,
    /// What it was.
    #[serde(flatten)]
    pub did: Did,
}

/// What an exchange can do.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(tag = "did", rename_all = "kebab-case")]
// Nearly all of them are calls.
#[allow(clippy::large_enum_variant)]
pub enum Did {
    /// It called a plugin.
    Plugin(Call),
    /// It asked a target.
    Attempt(Asked),
    /// It looked for a kept answer: `hit`, `stale`, `miss`, or `bypass` where a store has failed.
    Lookup {
        /// What came of it.
        found: Word,
    },
    /// It had a question turned into a vector.
    Embedding {
        /// Whether there is one.
        succeeded: bool,
    },
    /// It waited before it asked the targets once more.
    Wait,
}

/// Calls of one plugin.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct Call {
    /// The installation.
    pub plugin: Word,
    /// The first digits of the component's SHA-256.
    pub digest: Word,
    /// Which of its exports.
    pub export: Word,
    /// Which way the text travelled.
    pub phase: Word,
    /// The gravest that it decided.
    pub verdict: Word,
    /// How the call ended.
    pub outcome: Word,
    /// Whether its verdict was only noted.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub observed: bool,
    /// What went wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<Word>,
    /// The code of a denial.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<Word>,
    /// What it was taken for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub intent: Option<Word>,
    /// What was noticed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<Finding>,
    /// What was changed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub edits: Vec<Edit>,
    /// Windows or segments.
    pub windows: usize,
    /// Those whose verdict was remembered.
    #[serde(default)]
    pub remembered: usize,
    /// Those that its prefilter let pass.
    #[serde(default)]
    pub prefiltered: usize,
    /// Bytes of text.
    pub bytes: usize,
    /// Fuel.
    pub fuel: u64,
    /// Time of the calls themselves, in microseconds.
    pub us: u64,
    /// Peak of its memory, in bytes.
    pub memory: usize,
    /// How many calls are summed up here.
    pub calls: usize,
    /// What it used of what it was granted.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub used: BTreeMap<String, Granted>,
}

/// What was used of one capability.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
pub struct Granted {
    /// Calls.
    pub calls: u64,
    /// Bytes both ways.
    pub bytes: u64,
    /// Microseconds.
    pub us: u64,
    /// Nanodollars.
    #[serde(default)]
    pub cost: u64,
}

/// Something that was noticed.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct Finding {
    /// The rule.
    pub rule: Word,
    /// In which segment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub segment: Option<usize>,
    /// From which byte to which.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub span: Option<(usize, usize)>,
    /// How sure it is.
    pub score: f32,
}

/// Something that was changed.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
pub struct Edit {
    /// In which segment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub segment: Option<usize>,
    /// From which byte to which.
    pub span: (usize, usize),
    /// How many bytes stand there now.
    pub bytes: usize,
}

/// A target that was asked.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
pub struct Asked {
    /// Its name.
    pub target: Word,
    /// Its provider's.
    pub provider: Word,
    /// What the provider calls the model, if that is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<Word>,
    /// Why it did not answer, in a word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed: Option<Word>,
    /// When it began to answer, in microseconds since it was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answered_us: Option<u64>,
    /// What the provider calls its answer, if it is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<Word>,
    /// The model that has answered, as the provider calls it, if that is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answered_by: Option<Word>,
    /// Why the alternatives of its answer have ended.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub finishes: Vec<Word>,
}

/// Something that was passed on without a look.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
pub struct Coverage {
    /// Which way it travelled.
    pub phase: Word,
    /// What it was.
    pub what: Word,
    /// Who did not look, if others did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plugin: Option<Word>,
    /// Why.
    pub reason: Word,
}

impl From<&NotInspected> for Coverage {
    fn from(not: &NotInspected) -> Self {
        let NotInspected { phase, what, plugin, reason } = not;
        let plugin = plugin.as_deref().map(Word::from);
        Self { phase: phase.word().into(), what: what.into(), plugin, reason: reason.into() }
    }
}

/// The steps of an exchange; and how many have no room.
pub(super) fn steps(over: &Over) -> (Vec<Step>, usize) {
    let mut steps: Vec<Step> = over.steps().iter().map(Step::of).collect();
    let left_out = steps.len().saturating_sub(STEPS_MAX);
    steps.truncate(STEPS_MAX);
    (steps, left_out)
}

impl Step {
    fn of(step: &exchange::Step<'_>) -> Self {
        let did = match &step.what {
            What::Plugin(calls) => Did::Plugin(Call::of(calls)),
            What::Attempt(attempt, answered) => Did::Attempt(Asked::of(attempt, *answered)),
            What::Lookup(Sought::Answer(state)) => Did::Lookup { found: state.word().into() },
            What::Lookup(Sought::Meaning(succeeded)) => Did::Embedding { succeeded: *succeeded },
            What::Wait => Did::Wait,
        };
        Self { at_us: micros(step.at), took_us: micros(step.took), did }
    }

    /// What was found in it: by whom, and the rule.
    pub(super) fn rules(&self) -> impl Iterator<Item = (&str, &str)> {
        let call = match &self.did {
            Did::Plugin(call) => Some(call),
            Did::Attempt(_) | Did::Lookup { .. } | Did::Embedding { .. } | Did::Wait => None,
        };
        call.into_iter().flat_map(|call| call.findings.iter().map(|found| (call.plugin.as_str(), found.rule.as_str())))
    }
}

impl Call {
    fn of(Calls { receipt, count }: &Calls<'_>) -> Self {
        let denied = receipt.denial.as_ref();
        Self {
            plugin: receipt.plugin.clone().into(),
            digest: receipt.digest.clone().into(),
            export: receipt.export.into(),
            phase: receipt.phase.word().into(),
            verdict: receipt.decision.word().into(),
            outcome: receipt.outcome.word().into(),
            observed: receipt.observed,
            detail: receipt.detail.as_deref().or(denied.and_then(|(_, detail)| detail.as_deref())).map(Word::from),
            code: denied.map(|(code, _)| code.into()),
            intent: receipt.intent.as_deref().map(Word::from),
            findings: receipt.findings.iter().map(Finding::from).collect(),
            edits: receipt.edits.iter().map(Edit::from).collect(),
            windows: receipt.windows,
            remembered: receipt.remembered,
            prefiltered: receipt.prefiltered,
            bytes: receipt.bytes,
            fuel: receipt.fuel,
            us: micros(receipt.time),
            memory: receipt.memory_bytes,
            calls: *count,
            used: receipt.used.each().map(|(name, used)| (name.word().to_owned(), used.into())).collect(),
        }
    }

    /// Whether it changed, refused or stopped something, or failed.
    #[must_use]
    pub fn is_notable(&self) -> bool {
        self.verdict != Decision::Allow.word() || self.outcome != crate::plugin::Outcome::Said.word()
    }
}

impl From<Use> for Granted {
    fn from(used: Use) -> Self {
        Self { calls: used.calls, bytes: used.bytes, us: micros(used.time), cost: used.cost.nanodollars() }
    }
}

impl From<&Found> for Finding {
    fn from(Found { segment, finding }: &Found) -> Self {
        let span = finding.span.as_ref().map(|span| (span.start, span.end));
        Self { rule: finding.rule.as_str().into(), segment: *segment, span, score: finding.score }
    }
}

impl From<&Edited> for Edit {
    fn from(Edited { segment, span, bytes }: &Edited) -> Self {
        Self { segment: *segment, span: (span.start, span.end), bytes: *bytes }
    }
}

impl Asked {
    fn of(attempt: &Attempt, answered: Option<Duration>) -> Self {
        Self {
            target: attempt.target.name.as_str().into(),
            provider: attempt.target.provider.as_str().into(),
            model: attempt.target.model.as_deref().map(Word::from),
            failed: attempt.failure_or_refusal().map(Word::from),
            answered_us: answered.map(micros),
            answer: attempt.names.id.clone(),
            answered_by: attempt.names.model.clone(),
            finishes: attempt.finishes().map(Word::new_static).collect(),
        }
    }
}
