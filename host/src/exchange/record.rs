//! What an exchange did, as far as it has come; and, when it is over, all that anybody is told of it.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use http::StatusCode;
use smallvec::SmallVec;
use tokio::time::Instant;

use super::captured::Captured;
use super::{Within, milliseconds};
use crate::cache::{Served, State};
use crate::caller::Caller;
use crate::chat::{Finish, Names, Phase, Usage, Word};
use crate::config::Target;
use crate::dialect::Dialect;
use crate::error::Error;
use crate::feedback::{Conversation, Recognised};
use crate::meter::tokens_of;
use crate::money::Money;
use crate::plugin::{Decision, Receipt};
use crate::prices::Prices;
use crate::session::named_by;
use crate::trace::{SpanId, Trace};

/// What an exchange did.
#[derive(Debug, Default)]
pub struct Record {
    /// What was asked, in a word.
    pub task: &'static str,
    /// The model that was asked for.
    pub model: Word,
    /// Whether the answer was to come as a stream.
    pub streaming: bool,
    /// The plugin calls, in their order.
    pub receipts: Vec<Receipt>,
    /// How often a plugin was called.
    pub calls: usize,
    /// The targets that were asked, in their order.
    pub attempts: SmallVec<[Attempt; 1]>,
    /// How kept answers were looked for.
    pub lookups: Vec<Lookup>,
    /// When it waited before the targets were asked once more, and for how long.
    pub(super) waits: Vec<(Instant, Duration)>,
    /// What was passed on without a look.
    pub not_inspected: Vec<NotInspected>,
    /// Fields that the other side has no word for, and that were left out.
    pub left_out: BTreeSet<String>,
    /// What each attempt to get an answer used that was sent.
    pub(super) bills: SmallVec<[Bill; 1]>,
    /// It counts as a step of its session, unless nothing has come of it.
    pub(crate) is_step: bool,
    /// How many tokens its request is thought to have, if that was of interest.
    pub(super) thought_input: Option<u32>,
    /// Bytes of text that have come of answers.
    pub(super) text_bytes: u64,
    /// Limits and budgets did not count, as the store could not be asked.
    pub unmetered: bool,
    /// What a router decided, and what it took the request for.
    pub routed: Option<(Decision, Option<String>)>,
    /// Under which reference it was handed over to people, and to which.
    pub escalated: Option<(String, String)>,
    /// How it stands with the cache, if there is one.
    pub served: Option<Served>,
    /// Why each alternative of a kept answer had ended.
    pub(super) finishes: Finishes,
    /// Of the response, once there is one.
    pub status: Option<StatusCode>,
    /// When the first text went to the caller, of an answer that streams.
    pub(super) first_text: Option<Instant>,
    /// What its provider has said in place of the rest of an answer: that it has failed, or that the request is wrong.
    pub(super) told: Option<&'static str>,
    /// How it ended, and when.
    pub(super) ending: Option<(Ending, Instant)>,
    /// The id of the first call of a tool that its answer wants.
    pub call: Option<Word>,
    /// What its user has said before a tool was called, as a number.
    pub(super) opening: u64,
    /// The tools that its answer wants to be called.
    pub tools: Vec<String>,
    /// What was said, where the operator wants that to be kept.
    pub captured: Option<Captured>,
    /// Where it stands in its conversation, if that can be said.
    pub(crate) conversation: Option<Box<Conversation>>,
    /// What it has shown of the answers before it.
    pub(crate) recognised: Vec<Recognised>,
}

/// One target that was asked.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// Who.
    pub target: Arc<Target>,
    /// Its span in the trace.
    pub span: SpanId,
    /// When.
    pub(super) began: Instant,
    /// When it began to answer: the first token of a stream, or the head of another answer.
    pub(super) answered: Option<Instant>,
    /// The status with which it answers.
    pub(super) status: Option<StatusCode>,
    /// Why it did not answer, in a word.
    pub(super) failed: Option<String>,
    /// When it had said its last word, or had failed.
    pub(super) ended: Option<Instant>,
    /// What it calls its answer.
    pub names: Names,
    /// Why each alternative of its answer has ended.
    pub(super) finishes: Finishes,
}

/// Alternatives in their order, and why each has ended.
pub(super) type Finishes = SmallVec<[(u32, Finish); 1]>;

/// The words for that.
fn words(finishes: &Finishes) -> impl Iterator<Item = &'static str> {
    finishes.iter().filter_map(|(_, finish)| finish.word())
}

/// One look for a kept answer.
#[derive(Clone, Copy, Debug)]
pub struct Lookup {
    /// What is looked for.
    pub what: Sought,
    /// When.
    pub(super) began: Instant,
    /// How long it took.
    pub took: Duration,
}

/// What is looked for, of a kept answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sought {
    /// The answer; what came of it.
    Answer(State),
    /// What the question means, as a vector; whether there is one.
    Meaning(bool),
}

/// What one attempt used, and what that costs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bill {
    pub(super) prices: Option<Prices>,
    /// What the provider has told so far.
    pub(super) usage: Option<Usage>,
    /// It has said its last word: what it has told is all.
    pub(super) is_whole: bool,
    /// It has answered with an error, which nobody charges unless the provider says so.
    pub(super) is_free: bool,
}

/// What an exchange costs, with all attempts to get an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// As far as it is known.
    pub known: Money,
    /// Attempts of which the provider has told nothing, or not all, or whose prices nobody knows.
    pub unknown: usize,
    /// All attempts that a provider wants money for.
    pub attempts: usize,
}

impl Cost {
    /// All of it, if all of it is known and there is something to pay for.
    #[must_use]
    pub fn whole(&self) -> Option<Money> {
        (self.unknown == 0 && self.attempts > 0).then_some(self.known)
    }
}

/// Something that was passed on and that no plugin, or not this one, looked into.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotInspected {
    /// Which way it travelled.
    pub phase: Phase,
    /// What it was: `image`, `segment 3`, `stream`.
    pub what: String,
    /// The plugin that did not look, if others did.
    pub plugin: Option<String>,
    /// Why.
    pub reason: String,
}

/// Why a target has failed that says so in its answer: in a word, and for the operator.
pub(crate) const HAS_SAID_SO: (&str, &str) = ("upstream_failed", "the provider says in its answer that it has failed");
/// How an exchange ended whose caller went away.
pub(crate) const CALLER_GONE: &str = "caller-gone";
/// How an exchange ended whose caller has its answer.
pub(crate) const ANSWERED: &str = "answered";
/// How one ended whose caller has what a provider says of an error of its own.
pub(super) const PROVIDER_ERROR: &str = "provider_error";
/// How one ended whose caller has what a provider says of what was asked.
pub(super) const PROVIDER_REFUSED: &str = "provider_refused";

/// How an exchange ended, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ending {
    /// `answered`, `provider_error`, `provider_refused`, `caller-gone`, or a word for each kind of error.
    pub outcome: &'static str,
    /// The stable code of an error; a denial's is the plugin's own.
    pub code: Option<String>,
    /// The plugin that is to blame for it.
    pub plugin: Option<String>,
    /// What happened, for the operator.
    pub detail: Option<String>,
    /// Who asked was not let in.
    pub is_a_strangers: bool,
}

impl Ending {
    pub(super) fn plain(outcome: &'static str) -> Self {
        Self { outcome, code: None, plugin: None, detail: None, is_a_strangers: false }
    }

    pub(super) fn of(error: &Error) -> Self {
        Self {
            outcome: error.label(),
            code: Some(error.code().to_owned()),
            plugin: error.plugin().map(str::to_owned),
            detail: error.detail().map(std::borrow::Cow::into_owned),
            is_a_strangers: matches!(error, Error::UnknownCaller(_) | Error::AnotherSite),
        }
    }
}

/// Whether an exchange that ended like this is a failure of the gateway or of who is behind it, whatever its status: the head
/// of a stream has left before.
pub(crate) fn is_upstreams(outcome: &str) -> bool {
    match outcome {
        "timeout" | "guardrail_failed" | "answer_too_large" | "answer_untranslatable" | PROVIDER_ERROR => true,
        other => other.starts_with("upstream_"),
    }
}

impl Record {
    /// The receipts of the guardrails of a phase.
    pub(super) fn of_guardrails(&self, phase: Phase) -> impl Iterator<Item = &Receipt> {
        self.of_all_guardrails().filter(move |receipt| receipt.phase == phase)
    }

    fn of_all_guardrails(&self) -> impl Iterator<Item = &Receipt> {
        self.receipts.iter().filter(|receipt| receipt.export.ends_with("-guardrail"))
    }

    /// The gravest thing that a guardrail has decided.
    pub(crate) fn verdict(&self) -> Option<Decision> {
        self.of_all_guardrails().map(|receipt| receipt.decision).max_by_key(|decision| decision.gravity())
    }

    /// Why the alternatives of a kept answer had ended, in words.
    pub fn finishes(&self) -> impl Iterator<Item = &'static str> {
        words(&self.finishes)
    }

    /// What providers want for it.
    #[must_use]
    pub fn cost(&self) -> Cost {
        let mut cost = Cost::default();
        for bill in self.bills.iter().filter(|bill| !bill.is_free || bill.usage.is_some()) {
            let known = bill.prices.zip(bill.usage).map(|(prices, usage)| prices.of(&usage));
            cost.attempts += 1;
            cost.known += known.unwrap_or_default();
            cost.unknown += usize::from(known.is_none() || !bill.is_whole);
        }
        cost
    }

    /// What plugins have spent.
    #[must_use]
    pub fn plugins_cost(&self) -> Money {
        self.receipts.iter().map(|receipt| receipt.used.cost()).sum()
    }

    /// What providers and plugins have cost, as far as that is known, and whether that is all.
    #[must_use]
    pub fn known_cost(&self) -> (Money, bool) {
        let cost = self.cost();
        let is_whole = cost.unknown == 0 && self.receipts.iter().all(|receipt| receipt.used.is_known());
        (cost.known + self.plugins_cost(), is_whole)
    }

    /// Tokens and money that it counts as in its session: what is known, and where a provider has not told all that it used, at least
    /// what the texts are thought to have.
    pub(crate) fn taken(&self) -> (u64, Money) {
        let output_tokens = u32::try_from(tokens_of(self.text_bytes)).unwrap_or(u32::MAX);
        let thought = self.thought_input.map(|input_tokens| Usage { input_tokens, output_tokens, ..Usage::default() });
        let (mut tokens, mut money) = (0_u64, self.plugins_cost());
        for bill in self.bills.iter().filter(|bill| !bill.is_free || bill.usage.is_some()) {
            let told = bill.usage.unwrap_or_default();
            let usage = match thought {
                Some(thought) if !bill.is_whole || bill.usage.is_none() => told.or_more(thought),
                Some(_) | None => told,
            };
            tokens += u64::from(usage.input_tokens) + u64::from(usage.output_tokens);
            money += bill.prices.map(|prices| prices.of(&usage)).unwrap_or_default();
        }
        (tokens, money)
    }

    /// What a session goes by whose first call of a tool is in its answer.
    fn first_call(&self) -> Option<String> {
        Some(named_by(self.call.as_deref()?, self.opening))
    }

    /// What providers have told that they used, in all attempts; nothing if none has told anything.
    #[must_use]
    pub fn usage(&self) -> Option<Usage> {
        self.bills.iter().filter_map(|bill| bill.usage).reduce(Usage::plus)
    }
}

impl Attempt {
    /// Why it did not answer, in a word, if it did not; or not all.
    #[must_use]
    pub fn failure(&self) -> Option<&str> {
        self.failed.as_deref()
    }

    /// The same, or the status with which it has refused the request.
    #[must_use]
    pub fn failure_or_refusal(&self) -> Option<&str> {
        self.failure().or(self.status.as_ref().filter(|status| !status.is_success()).map(StatusCode::as_str))
    }

    /// Whether it has begun to answer.
    #[must_use]
    pub fn has_begun(&self) -> bool {
        self.answered.is_some()
    }

    /// Why the alternatives of its answer have ended, in words.
    pub fn finishes(&self) -> impl Iterator<Item = &'static str> {
        words(&self.finishes)
    }

    /// How long it took, if it is over.
    pub(super) fn took(&self) -> Option<Duration> {
        self.ended.map(|at| at.saturating_duration_since(self.began))
    }

    pub(super) fn said(&self) -> String {
        // The operator may have given it any name.
        let is_sayable = |c: &char| c.is_ascii_graphic() && !matches!(c, ',' | ';');
        let target: String = self.target.name.chars().filter(is_sayable).collect();
        match &self.failed {
            Some(why) => format!("{target};error={why};ms={}", milliseconds(self.took().unwrap_or_default())),
            None => target,
        }
    }
}

/// Bytes that an exchange takes in memory beside its texts, receipts and attempts.
const OVER_BYTES: usize = 2 << 10;
/// Bytes of one receipt.
const RECEIPT_BYTES: usize = 512;

/// An exchange that is over: all that anybody is told of it.
#[derive(Debug)]
pub struct Over {
    /// Unique, and sorted by time.
    pub id: Arc<str>,
    /// When it began.
    pub at: SystemTime,
    /// How long it took.
    pub took: Duration,
    /// The caller's.
    pub dialect: Dialect,
    /// Who it was for.
    pub caller: Arc<Caller>,
    /// Which plugins and settings it had.
    pub generation: u64,
    /// What it was part of, if a plugin has asked a model for it.
    pub within: Option<Within>,
    /// What it was a step of.
    pub session: Option<Arc<str>>,
    /// Where it stands in a trace.
    pub trace: Trace,
    /// How it ended.
    pub ending: Ending,
    /// What it did.
    pub record: Record,
    started: Instant,
}

/// One thing that an exchange did, with its time.
#[derive(Clone, Debug)]
pub struct Step<'a> {
    /// When it began, since the exchange did.
    pub at: Duration,
    /// How long it took.
    pub took: Duration,
    /// What.
    pub what: What<'a>,
}

/// The calls of a plugin: one, or all that it was asked of the windows of a stream.
#[derive(Clone, Debug)]
pub struct Calls<'a> {
    /// What they said and took, in sum.
    pub receipt: Cow<'a, Receipt>,
    /// How many there were: what is remembered, or let pass by the prefilter, needs none.
    pub count: usize,
}

/// What an exchange can do.
#[derive(Clone, Debug)]
pub enum What<'a> {
    /// It called a plugin, or needed no call.
    Plugin(Box<Calls<'a>>),
    /// It asked a target, which began to answer after this time.
    Attempt(&'a Attempt, Option<Duration>),
    /// It looked for a kept answer.
    Lookup(Sought),
    /// It waited before it asked the targets once more.
    Wait,
}

impl Over {
    pub(super) fn new(
        (id, started, began): (Arc<str>, Instant, SystemTime),
        dialect: Dialect,
        (caller, generation, within, trace): (Arc<Caller>, u64, Option<Within>, Trace),
        session: Option<Arc<str>>,
        mut record: Record,
    ) -> Self {
        // The next step will repeat the call that this one ends with. What a plugin asks is no step.
        let session = session.or_else(|| record.first_call().map(Arc::from)).filter(|_| within.is_none());
        let (ending, ended) = record.ending.take().unwrap_or_else(|| (Ending::plain(CALLER_GONE), Instant::now()));
        let took = ended.saturating_duration_since(started);
        Self { id, at: began, took, dialect, caller, generation, within, session, trace, ending, record, started }
    }

    /// One of nobody in particular, with these plugin calls.
    #[cfg(test)]
    pub(crate) fn of(task: &'static str, streaming: bool, receipts: Vec<Receipt>) -> Self {
        let record = Record { task, streaming, receipts, ..Record::default() };
        let about = (Arc::new(Caller::anonymous()), 1, None, Trace::begin(1.0));
        Self::new(("1".into(), Instant::now(), SystemTime::now()), Dialect::OpenAi, about, None, record)
    }

    /// About so many bytes of memory are taken by it.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let texts = self.record.captured.as_ref().map_or(0, Captured::bytes);
        let recognised: usize = self.record.recognised.iter().map(Recognised::bytes).sum();
        OVER_BYTES + texts + recognised + RECEIPT_BYTES * self.record.receipts.len()
    }

    /// What a session goes by whose first call of a tool is in its answer.
    pub(crate) fn first_call(&self) -> Option<String> {
        self.record.first_call()
    }

    /// Whether its caller has the whole answer.
    #[must_use]
    pub fn is_answered(&self) -> bool {
        self.ending.outcome == ANSWERED
    }

    /// Time to the first text that went to the caller, of an answer that streams.
    #[must_use]
    pub fn first_text(&self) -> Option<Duration> {
        self.record.first_text.map(|at| self.since(at))
    }

    /// How long after its beginning this was.
    #[must_use]
    pub fn since(&self, at: Instant) -> Duration {
        at.saturating_duration_since(self.started)
    }

    /// What it did, in the order in which that began. What comes after the caller's answer, as to keep it, does so too.
    #[must_use]
    pub fn steps(&self) -> Vec<Step<'_>> {
        let mut steps = self.plugins();
        steps.extend(self.record.attempts.iter().map(|attempt| {
            let (took, answered) = self.of_attempt(attempt);
            Step { at: self.since(attempt.began), took, what: What::Attempt(attempt, answered) }
        }));
        steps.extend(self.record.lookups.iter().map(|lookup| Step {
            at: self.since(lookup.began),
            took: lookup.took,
            what: What::Lookup(lookup.what),
        }));
        let waits = self.record.waits.iter();
        steps.extend(waits.map(|(began, took)| Step { at: self.since(*began), took: *took, what: What::Wait }));
        steps.sort_by_key(|step| step.at);
        steps
    }

    /// How long an attempt took, and after which time of that the target began to answer.
    #[must_use]
    pub fn of_attempt(&self, attempt: &Attempt) -> (Duration, Option<Duration>) {
        let ended = attempt.ended.map_or(self.took, |at| self.since(at));
        let answered = attempt.answered.map(|at| at.saturating_duration_since(attempt.began));
        (ended.saturating_sub(self.since(attempt.began)), answered)
    }

    /// The calls of plugins: each by itself, but what one was asked again and again, of the windows of a stream, as one.
    fn plugins(&self) -> Vec<Step<'_>> {
        let mut steps: Vec<Step<'_>> = Vec::with_capacity(self.record.receipts.len());
        for receipt in &self.record.receipts {
            let at = self.since(receipt.began);
            let before = steps.iter_mut().filter(|_| self.record.streaming).find_map(|step| match &mut step.what {
                What::Plugin(calls) if calls.receipt.is_like(receipt) => Some((calls, step.at, &mut step.took)),
                What::Plugin(_) | What::Attempt(..) | What::Lookup(_) | What::Wait => None,
            });
            match before {
                Some((calls, began, took)) => {
                    calls.receipt.to_mut().add(receipt);
                    calls.count += usize::from(receipt.was_called());
                    *took = (*took).max((at + receipt.time).saturating_sub(began));
                }
                None => {
                    let calls = Calls { receipt: Cow::Borrowed(receipt), count: receipt.was_called().into() };
                    steps.push(Step { at, took: receipt.time, what: What::Plugin(Box::new(calls)) });
                }
            }
        }
        steps
    }
}
