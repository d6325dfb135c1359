//! One exchange's context: who it is, what it may take, and what it did. Passed first, everywhere.

mod captured;
mod ended;
mod headers;
mod record;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::StatusCode;
use http::header::HeaderValue;
use smallvec::SmallVec;
use tokio::time::Instant;
use tracing::{info, warn};
use uuid::Uuid;

use crate::cache::Served;
use crate::caller::Caller;
use crate::capability::model::Origin;
use crate::capability::{Counts, Used};
use crate::chat::{Channel, Finding, Finish, Names, Opaque, Phase, Segment, Usage, Word};
use crate::config::Target;
use crate::dialect::{Dialect, Lane, Loss, Wire, as_name};
use crate::error::Error;
use crate::feedback::{Recognised, Turns};
use crate::generation::Generation;
use crate::meter::Reservation;
use crate::money::Money;
use crate::observe::Observers;
use crate::plugin::{Behalf, Calling, Decision, Outcome, Receipt, Runtime};
use crate::prices::Prices;
use crate::store::counters::Standing;
use crate::trace::{SpanId, Trace};

pub use captured::Captured;
pub(crate) use record::{ANSWERED, CALLER_GONE, HAS_SAID_SO, is_upstreams};
pub use record::{Attempt, Calls, Cost, Ending, Lookup, NotInspected, Over, Record, Sought, Step, What};
use record::{Bill, PROVIDER_ERROR, PROVIDER_REFUSED};

/// Receipts that one exchange keeps. A stream makes one for each window and plugin.
const RECEIPTS_MAX: usize = 10_000;
/// Alternatives of an answer whose end is noted.
const FINISHES_MAX: usize = 32;
/// Tools that are named as to be called.
const TOOLS_MAX: usize = 32;
/// Fields that are named as left out; the rest of a request like that is no better.
const LEFT_OUT_MAX: usize = 32;

/// One exchange.
#[derive(Debug)]
pub struct Exchange {
    /// Unique, and sorted by time.
    pub id: Arc<str>,
    /// The caller's.
    pub dialect: Dialect,
    /// Who it is for.
    pub caller: Arc<Caller>,
    /// Whose caches and remembered verdicts count.
    pub tenant: Arc<str>,
    /// The plugins and settings that it began with, and keeps.
    pub generation: Arc<Generation>,
    /// What runs plugins.
    pub runtime: Arc<Runtime>,
    /// Whether the caller wants to see receipts.
    pub wants_receipts: bool,
    /// What it is part of, if it is what a plugin asks a model for.
    pub within: Option<Within>,
    /// Where it stands in a trace.
    pub trace: Trace,
    /// When it must be over.
    pub deadline: Instant,
    started: Instant,
    began: SystemTime,
    record: Mutex<Record>,
    /// How often its plugins have called what they were granted.
    counts: Counts,
    /// What was reserved for it, if anything is limited.
    reservation: OnceLock<Reservation>,
    /// What its accounts have left.
    standing: OnceLock<Standing>,
    /// What it is a step of.
    session: OnceLock<Arc<str>>,
    /// Bytes of text that have come of answers.
    text_bytes: AtomicU64,
    /// Who is told of it when it is over.
    observers: Arc<Observers>,
}

/// Of an exchange: the one that it is part of, and the plugin that wants it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Within {
    /// The other one's id.
    pub exchange: Arc<str>,
    /// The plugin's name.
    pub plugin: Arc<str>,
}

impl Exchange {
    /// Begin an exchange.
    #[must_use]
    pub fn begin(
        caller: Arc<Caller>,
        generation: Arc<Generation>,
        (runtime, observers): (Arc<Runtime>, Arc<Observers>),
        dialect: Dialect,
        wants_receipts: bool,
        trace: Trace,
    ) -> Arc<Self> {
        Arc::new(Self::new(caller, generation, (runtime, observers), dialect, wants_receipts, (trace, None)))
    }

    /// Begin what a plugin asks a model for, as part of another exchange. Nothing of it goes to a plugin that could ask for
    /// more.
    #[must_use]
    pub fn begin_within(origin: Origin, runtime: Arc<Runtime>, observers: Arc<Observers>) -> Arc<Self> {
        let Origin { exchange, plugin, caller, generation, trace, bill: _ } = origin;
        let within = Some(Within { exchange, plugin });
        let generation = generation.without_askers();
        let place = (trace.within(), within);
        Arc::new(Self::new(caller, generation, (runtime, observers), Dialect::OpenAi, false, place))
    }

    fn new(
        caller: Arc<Caller>,
        generation: Arc<Generation>,
        (runtime, observers): (Arc<Runtime>, Arc<Observers>),
        dialect: Dialect,
        wants_receipts: bool,
        (trace, within): (Trace, Option<Within>),
    ) -> Self {
        observers.metrics.begins();
        let started = Instant::now();
        let deadline = started + generation.settings.upstream.total;
        let mut id = Uuid::encode_buffer();
        let id: Arc<str> = (&*Uuid::now_v7().simple().encode_lower(&mut id)).into();
        Self {
            id,
            dialect,
            tenant: caller.tenant.clone(),
            caller,
            generation,
            runtime,
            wants_receipts,
            within,
            trace,
            deadline,
            started,
            began: SystemTime::now(),
            record: Mutex::default(),
            counts: Counts::default(),
            reservation: OnceLock::new(),
            standing: OnceLock::new(),
            session: OnceLock::new(),
            text_bytes: AtomicU64::new(0),
            observers,
        }
    }

    /// For calling plugins: the guardrails of one phase share this deadline.
    #[must_use]
    pub fn calling(&self, phase: Phase) -> Calling<'_> {
        let chain = Instant::now() + self.generation.settings.plugins.chain;
        Calling {
            exchange: &self.id,
            tenant: &self.tenant,
            counts: &self.counts,
            deadline: chain.min(self.deadline),
            triggers: self.generation.triggers(phase),
            behalf: self.within.is_none().then_some(Behalf {
                caller: &self.caller,
                generation: &self.generation,
                trace: &self.trace,
            }),
        }
    }

    fn record(&self) -> MutexGuard<'_, Record> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Note what is asked for.
    pub fn asks(&self, model: &str, streaming: bool) {
        let mut record = self.record();
        // Callers may write anything there, and no text belongs into a log.
        record.model = as_name(model).into();
        record.streaming = streaming;
    }

    /// Note what is done for its caller, in a word.
    pub fn does(&self, task: &'static str) {
        self.record().task = task;
    }

    /// Note what it is a step of.
    pub(crate) fn is_step_of(&self, session: Arc<str>) {
        let _ = self.session.set(session);
    }

    /// Note that it counts as a step of its session, unless nothing comes of it.
    pub(crate) fn is_a_step(&self) {
        self.record().is_step = true;
    }

    /// Note how many tokens its request is thought to have, for a session with limits: they count where no provider tells it.
    pub(crate) fn is_thought_to_have(&self, input_tokens: u64) {
        self.record().thought_input = Some(u32::try_from(input_tokens).unwrap_or(u32::MAX));
    }

    /// Whether it is a step of a session that may spend so much money alone.
    pub(crate) fn has_budget_of_session(&self) -> bool {
        self.session.get().is_some() && self.generation.settings.tenants.session(&self.tenant).money_max.is_some()
    }

    /// Note what its user has said, as a number, before a tool was called.
    pub(crate) fn opens_with(&self, opening: u64) {
        self.record().opening = opening;
    }

    /// Note that its answer wants a tool to be called, by the call's id: the first counts.
    pub(crate) fn is_to_call(&self, call: Word) {
        self.record().call.get_or_insert(call);
    }

    /// Note which tool its answer wants to be called.
    pub(crate) fn calls_tool(&self, tool: &str) {
        let mut record = self.record();
        if record.tools.len() < TOOLS_MAX {
            record.tools.push(as_name(tool).to_owned());
        }
    }

    /// Note who is asked.
    pub fn asks_target(&self, target: &Arc<Target>) {
        let began = Instant::now();
        let mut record = self.record();
        if let Some(attempt) = record.attempts.last_mut() {
            attempt.ended.get_or_insert(began);
        }
        record.told = None;
        let span = SpanId::new();
        record.attempts.push(Attempt {
            target: target.clone(),
            span,
            began,
            answered: None,
            status: None,
            failed: None,
            ended: None,
            names: Names::default(),
            finishes: SmallVec::new(),
        });
    }

    /// What the target that was asked last may be told of the trace.
    pub(crate) fn trace_parent(&self) -> Option<HeaderValue> {
        let span = self.record().attempts.last()?.span;
        self.trace.parent_of(span)
    }

    /// Note with which status the target that was asked last answers.
    pub(crate) fn target_has(&self, status: StatusCode) {
        if let Some(attempt) = self.record().attempts.last_mut() {
            attempt.status = Some(status);
        }
    }

    /// Note that the target that was asked last has said in its answer that it has failed, or that the request is wrong.
    pub(crate) fn target_tells(&self, blames_request: bool) {
        self.record().told = Some(if blames_request { PROVIDER_REFUSED } else { PROVIDER_ERROR });
    }

    /// Note that the target that was asked last begins to answer.
    pub(crate) fn target_answers(&self) {
        if let Some(attempt) = self.record().attempts.last_mut() {
            attempt.answered.get_or_insert_with(Instant::now);
        }
    }

    /// Note what the target that was asked last calls its answer.
    pub(crate) fn is_named(&self, names: &Names) {
        let Names { id, model } = names;
        if id.is_none() && model.is_none() {
            return;
        }
        if let Some(attempt) = self.record().attempts.last_mut() {
            attempt.names.id = id.clone().or(attempt.names.id.take());
            attempt.names.model = model.clone().or(attempt.names.model.take());
        }
    }

    /// Note why an alternative of its answer has ended.
    pub(crate) fn finishes(&self, choice: u32, finish: Finish) {
        let mut record = self.record();
        let Record { attempts, finishes, .. } = &mut *record;
        // A kept answer has none.
        let finishes = attempts.last_mut().map_or(finishes, |attempt| &mut attempt.finishes);
        let place = finishes.partition_point(|(known, _)| *known < choice);
        if finishes.len() < FINISHES_MAX && finishes.get(place).is_none_or(|(known, _)| *known != choice) {
            finishes.insert(place, (choice, finish));
        }
    }

    /// Note how a kept answer was looked for since then.
    pub(crate) fn looked_for(&self, what: Sought, began: Instant) {
        self.record().lookups.push(Lookup { what, began, took: began.elapsed() });
    }

    /// Whether what is said in it is kept.
    #[must_use]
    pub(crate) fn is_captured(&self) -> bool {
        self.generation.settings.ledger.enabled && self.generation.settings.tenants.captures(&self.tenant)
    }

    /// Note what is asked, as the guardrails let it pass, if that is kept.
    pub(crate) fn captures_request(&self, request: impl FnOnce() -> Bytes) {
        if self.is_captured() {
            let (request, bytes_max) = (request(), self.text_bytes_max());
            self.record().captured.get_or_insert_default().asks(request, bytes_max);
        }
    }

    /// Note what is answered, as the guardrails let it pass and without what is restored in it, if that is kept; in place of
    /// what was noted before.
    pub(crate) fn captures_answer(&self, segments: &[Segment]) {
        if self.is_captured() {
            self.record().captured.get_or_insert_default().answers(segments, self.text_bytes_max());
        }
    }

    /// Note how the text of a lane goes on, in the same way.
    pub(crate) fn captures_piece(&self, lane: &Lane, text: &str, new: impl FnOnce() -> Segment) {
        let bytes_max = self.text_bytes_max();
        self.record().captured.get_or_insert_default().goes_on(lane, text, bytes_max, new);
    }

    /// Note where it stands in its conversation, and what that shows of the answers before it.
    pub(crate) fn goes_on_at(&self, turns: Turns, recognised: Vec<Recognised>) {
        let mut record = self.record();
        record.conversation = Some(turns.begins());
        record.recognised = recognised;
    }

    /// Note what its caller is told, in place of what was noted before.
    pub(crate) fn says_all(&self, segments: &[Segment]) {
        let mut record = self.record();
        let Some(said) = record.conversation.as_mut().map(|conversation| &mut conversation.said) else { return };
        said.begins_anew();
        let is_said = |segment: &&Segment| segment.channel == Channel::Content && segment.choice == 0;
        segments.iter().filter(is_said).for_each(|segment| said.says(&segment.text));
    }

    /// Note how the text of a lane goes on for its caller.
    pub(crate) fn says_more(&self, lane: &Lane, text: &str) {
        if lane.channel == Channel::Content
            && lane.choice == 0
            && let Some(conversation) = &mut self.record().conversation
        {
            conversation.said.says(text);
        }
    }

    fn text_bytes_max(&self) -> usize {
        self.generation.settings.ledger.text_bytes_max
    }

    /// Note that it has waited since then, before the targets are asked once more.
    pub(crate) fn waited(&self, began: Instant) {
        self.record().waits.push((began, began.elapsed()));
    }

    /// Note that text of a streaming answer goes to the caller.
    pub(crate) fn says(&self) {
        self.record().first_text.get_or_insert_with(Instant::now);
    }

    /// Note why the target that was asked last has not answered, or not all; once.
    pub fn target_failed(&self, why: &str, detail: Option<&str>) {
        let mut record = self.record();
        let Some(attempt) = record.attempts.last_mut().filter(|attempt| attempt.failed.is_none()) else { return };
        let (exchange, target, ms) = (&*self.id, &*attempt.target.name, milliseconds(attempt.began.elapsed()));
        warn!(exchange, target, error = why, detail, ms, "target failed");
        attempt.failed = Some(why.to_owned());
        attempt.ended = Some(Instant::now());
    }

    /// Whether this target has failed in an earlier attempt.
    #[must_use]
    pub fn has_failed_at(&self, target: &str) -> bool {
        self.record().attempts.iter().any(|attempt| attempt.target.name == target && attempt.failed.is_some())
    }

    /// Whether a target was asked.
    #[must_use]
    pub fn has_asked(&self) -> bool {
        !self.record().attempts.is_empty()
    }

    /// A provider is about to be asked: from now on that may cost something, at these prices, if they are known.
    pub fn is_charged(&self, prices: Option<Prices>) {
        if let Some(reservation) = self.reservation() {
            reservation.asks();
        }
        self.record().bills.push(Bill { prices, usage: None, is_whole: false, is_free: false });
    }

    /// Note that nothing was sent to it.
    pub(crate) fn was_not_charged(&self) {
        if let Some(reservation) = self.reservation() {
            reservation.was_not_sent();
        }
        self.record().bills.pop();
    }

    /// Note that it has failed before it began to answer: unless it has said that something was used, nothing was.
    pub(crate) fn was_free(&self) {
        if let Some(reservation) = self.reservation() {
            reservation.was_free();
        }
        if let Some(bill) = self.record().bills.last_mut() {
            bill.is_free = true;
        }
    }

    /// Note that it has begun to answer.
    pub fn begins_to_charge(&self) {
        if let Some(reservation) = self.reservation() {
            reservation.begins(self.record().bills.last().and_then(|bill| bill.prices));
        }
    }

    /// Note what the provider says that it has used for its answer so far.
    pub fn used(&self, usage: Option<Usage>) {
        let Some(usage) = usage.map(Usage::cut) else { return };
        let mut record = self.record();
        let Some(bill) = record.bills.last_mut() else { return };
        bill.usage = Some(usage);
        let money = bill.prices.map(|prices| prices.of(&usage)).unwrap_or_default();
        drop(record);
        if let Some(reservation) = self.reservation() {
            reservation.used(usage, money);
        }
    }

    /// Note that so much more text of its answer has come, for limits and budgets: it counts where the provider does not tell
    /// the usage.
    pub fn received(&self, text_bytes: usize) {
        // A sum of what is in memory, or was, is far from the largest number.
        self.text_bytes.fetch_add(text_bytes as u64, Ordering::Relaxed);
        if let Some(reservation) = self.reservation() {
            reservation.received(text_bytes);
        }
    }

    /// Note that the provider has said its last word.
    pub fn is_whole(&self) {
        let mut record = self.record();
        if let Some(attempt) = record.attempts.last_mut() {
            attempt.ended.get_or_insert_with(Instant::now);
        }
        if let Some(bill) = record.bills.last_mut() {
            bill.is_whole = true;
        }
        drop(record);
        if let Some(reservation) = self.reservation() {
            reservation.is_whole();
        }
    }

    /// Note what was reserved for it. It is settled when the exchange ends.
    pub fn holds(&self, reservation: Reservation) {
        // There is one reservation in an exchange; another one would settle itself when it is dropped here.
        let _ = self.reservation.set(reservation);
    }

    /// What was reserved for it, if anything is limited.
    #[must_use]
    pub fn reservation(&self) -> Option<&Reservation> {
        self.reservation.get()
    }

    /// Note what its accounts have left.
    pub fn stands(&self, standing: Standing) {
        let _ = self.standing.set(standing);
    }

    /// What its accounts have left, if anything is limited.
    #[must_use]
    pub fn standing(&self) -> Option<&Standing> {
        self.standing.get()
    }

    /// Note that limits and budgets do not count, as the store cannot be asked.
    pub fn is_unmetered(&self) {
        self.record().unmetered = true;
    }

    /// Note what a router decided, and what it took the request for.
    pub(crate) fn is_routed(&self, decision: Decision, intent: Option<String>) {
        let mut record = self.record();
        let known = record.routed.take().and_then(|(_, known)| known);
        record.routed = Some((decision, intent.or(known)));
    }

    /// Note that it was handed over to people.
    pub(crate) fn is_escalated(&self, reference: &str, queue: &str) {
        self.record().escalated = Some((reference.to_owned(), queue.to_owned()));
    }

    /// Under which reference it was handed over to people, if it was.
    #[must_use]
    pub fn escalation(&self) -> Option<String> {
        self.record().escalated.as_ref().map(|(reference, _)| reference.clone())
    }

    /// Note how it stands with the cache.
    pub(crate) fn is_served(&self, served: Served) {
        self.record().served = Some(served);
    }

    /// How it stands with the cache, if there is one.
    #[must_use]
    pub fn served(&self) -> Option<Served> {
        self.record().served.clone()
    }

    /// What the guardrails of a phase have found so far, those that only observe too.
    #[must_use]
    pub fn findings(&self, phase: Phase) -> Vec<Finding> {
        let record = self.record();
        record.of_guardrails(phase).flat_map(|receipt| &receipt.findings).map(|found| found.finding.clone()).collect()
    }

    /// Whether the guardrails of a phase have found or changed nothing.
    #[must_use]
    pub fn is_clean(&self, phase: Phase) -> bool {
        let is_clean = |receipt: &Receipt| receipt.findings.is_empty() && receipt.decision == Decision::Allow;
        self.record().of_guardrails(phase).all(is_clean)
    }

    /// Whether something was passed on that a plugin was to look into and did not.
    #[must_use]
    pub fn is_partly_inspected(&self) -> bool {
        !self.record().not_inspected.is_empty()
    }

    /// Note what the host has used in the name of a plugin, behind its last call.
    pub(crate) fn used_for(&self, plugin: &str, used: &Used) {
        let mut record = self.record();
        if let Some(receipt) = record.receipts.iter_mut().rev().find(|receipt| &*receipt.plugin == plugin) {
            receipt.used.add_all(used);
        }
    }

    /// Note how it is responded to.
    pub(crate) fn responds(&self, status: StatusCode) {
        self.record().status = Some(status);
    }

    /// Wait until what it has used would survive the end of this process.
    pub async fn is_on_record(&self) {
        if let Some(reservation) = self.reservation() {
            reservation.is_on_record().await;
        }
    }

    /// What it costs so far.
    #[must_use]
    pub fn cost(&self) -> Cost {
        self.record().cost()
    }

    /// What it costs in all, with what its plugins have spent, if all of that is known and there is something to pay for.
    #[must_use]
    pub fn whole_cost(&self) -> Option<Money> {
        let record = self.record();
        let (known, is_whole) = record.known_cost();
        let costs = known > Money::ZERO || record.cost().attempts > 0;
        (is_whole && costs).then_some(known)
    }

    /// What it costs so far with what its plugins have spent, as far as that is known; and whether that is all.
    #[must_use]
    pub fn known_cost(&self) -> (Money, bool) {
        self.record().known_cost()
    }

    /// What providers have told that they used so far, in all attempts; nothing if none has told anything.
    #[must_use]
    pub fn usage(&self) -> Option<Usage> {
        self.record().usage()
    }

    /// Note a plugin call. Failures are logged at once, everything else with the end of the exchange.
    pub fn receipt(&self, receipt: Receipt) {
        let (exchange, plugin) = (&*self.id, &*receipt.plugin);
        let (export, phase) = (receipt.export, receipt.phase.word());
        match receipt.decision {
            Decision::Failed | Decision::NotInspected => {
                let (verdict, outcome) = (receipt.decision.word(), receipt.outcome.word());
                let (fuel, detail) = (receipt.fuel, receipt.detail.as_deref());
                warn!(exchange, plugin, export, phase, verdict, outcome, detail, fuel, "plugin failed");
            }
            Decision::Deny => {
                let code = receipt.denial.as_ref().map(|(code, _)| code.as_str());
                let detail = receipt.denial.as_ref().and_then(|(_, detail)| detail.as_deref());
                let observed = receipt.observed;
                info!(exchange, plugin, export, phase, code, detail, observed, "plugin refused");
            }
            Decision::Allow
            | Decision::Edit
            | Decision::Retry
            | Decision::Unchanged
            | Decision::Targets
            | Decision::Answer
            | Decision::Escalate
            | Decision::Bypass
            | Decision::LookUp
            | Decision::Accept
            | Decision::Reject
            | Decision::Keep
            | Decision::Pass => {}
        }
        let mut record = self.record();
        record.calls += usize::from(receipt.was_called());
        let full = record.receipts.len() >= RECEIPTS_MAX;
        // The last of the same kind: a refusal or failure is not lost in it.
        match record.receipts.iter_mut().rev().find(|other| full && other.is_like(&receipt)) {
            Some(other) => other.add(&receipt),
            None => record.receipts.push(receipt),
        }
    }

    /// Note that a call which seemed to have succeeded had not.
    pub fn turned_out(&self, plugin: &str, phase: Phase, decision: Decision, outcome: Outcome, detail: &str) {
        let exchange = &*self.id;
        let (phase_word, verdict, outcome_word) = (phase.word(), decision.word(), outcome.word());
        warn!(exchange, plugin, phase = phase_word, verdict, outcome = outcome_word, detail, "plugin failed");
        let mut record = self.record();
        let is_its = |receipt: &&mut Receipt| &*receipt.plugin == plugin && receipt.phase == phase;
        if let Some(receipt) = record.receipts.iter_mut().rev().find(is_its) {
            receipt.decision = decision;
            receipt.outcome = outcome;
            receipt.detail = Some(detail.to_owned());
        }
    }

    /// Note what was passed on without a look.
    pub fn not_inspected(&self, not: NotInspected) {
        let exchange = &*self.id;
        let phase = not.phase.word();
        let mut record = self.record();
        if record.not_inspected.len() < RECEIPTS_MAX && !record.not_inspected.contains(&not) {
            let (what, plugin, reason) = (not.what.as_str(), not.plugin.as_deref(), not.reason.as_str());
            info!(exchange, phase, what, plugin, reason, "not inspected");
            record.not_inspected.push(not);
        }
    }

    /// Note parts that no text guardrail can look into.
    pub fn opaque(&self, phase: Phase, parts: &[Opaque]) {
        for part in parts {
            let reason = "no plugin of this gateway can look into it".to_owned();
            self.not_inspected(NotInspected { phase, what: part.word().to_owned(), plugin: None, reason });
        }
    }

    /// Note what the dialect of a target has no word for, and what is left out therefore.
    ///
    /// # Errors
    /// When the operator has not allowed that for one of them.
    pub(crate) fn loses(&self, losses: Vec<Loss>, target: Wire) -> Result<(), Error> {
        let allowed = &self.generation.settings.translation;
        for loss in losses {
            if !loss.is_harmless && !allowed.leaves_out(&loss.field) {
                return Err(Error::Untranslatable { dialect: target, lost: loss.into() });
            }
            self.leaves_out(loss);
        }
        Ok(())
    }

    /// Note that something is left out, because the other dialect has no word for it.
    pub(crate) fn leaves_out(&self, loss: Loss) {
        let mut record = self.record();
        if record.left_out.len() < LEFT_OUT_MAX {
            record.left_out.insert(loss.field);
        }
    }

    /// The receipts so far, in the order of the calls.
    #[must_use]
    pub fn receipts(&self) -> Vec<Receipt> {
        self.record().receipts.clone()
    }

    /// Time since it began.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// How an exchange ended.
#[derive(Clone, Copy, Debug)]
pub enum End<'a> {
    /// The caller has its answer.
    Answered,
    /// The caller went away first.
    CallerGone,
    /// It has an error instead.
    Failed(&'a Error),
}

/// Whatever happens to the future that serves an exchange, its end is recorded; and who observes is told of it when nothing
/// more can happen, as what is done to keep its answer.
impl Drop for Exchange {
    fn drop(&mut self) {
        self.end(End::CallerGone);
        let mut record = std::mem::take(self.record.get_mut().unwrap_or_else(PoisonError::into_inner));
        record.text_bytes = *self.text_bytes.get_mut();
        let about = (self.caller.clone(), self.generation.number, self.within.take(), self.trace.clone());
        let session = self.session.take();
        let over = Over::new((self.id.clone(), self.started, self.began), self.dialect, about, session, record);
        self.observers.is_over(over);
    }
}
