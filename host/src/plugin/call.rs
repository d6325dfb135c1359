//! The calls that the host makes, each with its receipt.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};
use tracing::{info, warn};

use super::bindings::sluicegate::plugin::types::PluginError;
use super::convert::{self, ExchangeFacts};
use super::imports::Granted;
use super::patterns::Patterns;
use super::prefilter::Prefilter;
use super::probe::probe;
use super::receipt::{Edited, Found};
use super::run::{Caller, Failure, Spent, Work, out_of_memory};
use super::work::{AcceptWork, AdmitWork, AnswerWork, PlanWork, RequestWork, RouteWork, TextWork, plugin_error};
use super::{Calling, Decision, Limits, Outcome, Plugin, Receipt, Runtime};
use crate::capability::model::Origin;
use crate::capability::{Capabilities, Counts, Used};
use crate::chat::{
    self, Action, Candidate, Finding, Intention, Phase, RouteDecision, Routing, Verdict, WholeAction, WholeVerdict,
    Window,
};

/// What came of a call, and its receipt. The receipt's decision is the plugin's own; what the operator makes
/// of a failure or of an observed verdict is written into it by `guard`.
#[derive(Debug)]
pub struct Inspected<T> {
    /// The verdict, or how the call failed.
    pub said: Result<T, Failure>,
    /// The record of the call.
    pub receipt: Receipt,
}

impl Runtime {
    /// The verdicts of a text guardrail on some windows, in their order, in one fork. Verdicts on final windows
    /// are remembered, if the plugin is pure.
    pub async fn inspect(
        self: &Arc<Self>,
        plugin: &Arc<Plugin>,
        calling: Calling<'_>,
        phase: Phase,
        windows: &[Window<'_>],
    ) -> Inspected<Vec<Arc<Verdict>>> {
        let mut verdicts: Vec<Option<Arc<Verdict>>> = Vec::with_capacity(windows.len());
        let mut keys = Vec::with_capacity(windows.len());
        let scope = plugin.pure.then(|| self.memo.scope(calling.tenant, &plugin.identity));
        for window in windows {
            let key =
                scope.filter(|_| window.is_final && window.context == 0).map(|scope| self.memo.key(scope, window));
            verdicts.push(key.as_ref().and_then(|key| self.memo.get(key)));
            keys.push(key);
        }
        let mut receipt = plugin.receipt("text-guardrail", phase);
        receipt.windows = windows.len();
        let known: Vec<bool> = verdicts.iter().map(Option::is_some).collect();
        receipt.remembered = known.iter().filter(|known| **known).count();
        let said = self.look(plugin, calling, windows, &mut verdicts, &mut receipt).await;
        let said = said.map(|()| {
            for ((verdict, key), known) in verdicts.iter().zip(keys).zip(known) {
                if let (Some(verdict), Some(key), false) = (verdict, key, known) {
                    self.memo.put(key, verdict.clone());
                }
            }
            verdicts.into_iter().flatten().collect::<Vec<_>>()
        });
        if let Ok(verdicts) = &said {
            for ((index, verdict), window) in verdicts.iter().enumerate().zip(windows) {
                // Only a whole segment has facts.
                let segment = window.facts.map(|_| index);
                note(&mut receipt, segment, &verdict.findings, decision(&verdict.action), denial(&verdict.action));
                if let Action::Edit(edits) = &verdict.action {
                    note_edits(&mut receipt, edits.iter().map(|edit| (segment, edit)));
                }
            }
        }
        Inspected { said, receipt }
    }

    /// Fill in the verdicts that are not known: the prefilter's, and in one fork those of all windows that it does
    /// not let pass.
    async fn look(
        self: &Arc<Self>,
        plugin: &Arc<Plugin>,
        calling: Calling<'_>,
        windows: &[Window<'_>],
        verdicts: &mut [Option<Arc<Verdict>>],
        receipt: &mut Receipt,
    ) -> Result<(), Failure> {
        receipt.bytes = unknown(windows, verdicts).map(|window| window.text.len()).sum();
        let mut limits = plugin.installation.limits.for_text(receipt.bytes);
        if let Err(failure) = self.let_pass(plugin, calling, &mut limits, windows, verdicts, receipt).await {
            return self.settle(plugin, Err(failure), Ok, receipt);
        }
        let unknown: Vec<&Window<'_>> = unknown(windows, verdicts).collect();
        if unknown.is_empty() {
            return Ok(());
        }
        let work = TextWork { plugin, windows: unknown.iter().map(|window| convert::window(window)).collect() };
        let said = self.call(plugin, calling, &limits, work, receipt).await;
        let mut said = self.settle(plugin, said, |said| convert::verdicts(&unknown, said), receipt)?.into_iter();
        for slot in verdicts.iter_mut().filter(|slot| slot.is_none()) {
            *slot = said.next().map(Arc::new);
        }
        Ok(())
    }

    /// Allow the windows that the plugin's prefilter lets pass, and take from the limits what looking took.
    async fn let_pass(
        &self,
        plugin: &Plugin,
        calling: Calling<'_>,
        limits: &mut Limits,
        windows: &[Window<'_>],
        verdicts: &mut [Option<Arc<Verdict>>],
        receipt: &mut Receipt,
    ) -> Result<(), Failure> {
        if plugin.patterns.prefilter.is_none() || receipt.bytes == 0 {
            return Ok(());
        }
        let started = Instant::now();
        let price = Prefilter::price(receipt.bytes);
        receipt.fuel = price.min(limits.fuel);
        limits.fuel =
            limits.fuel.checked_sub(price).ok_or_else(|| Failure::new(Outcome::OutOfFuel, "in its prefilter"))?;
        let deadline = calling.deadline.min(started + limits.wall);
        let looking = self.machine.scans.let_pass(&plugin.patterns, calling.triggers, windows, verdicts);
        let passed = timeout_at(deadline, looking).await;
        receipt.time = started.elapsed();
        limits.wall = limits.wall.saturating_sub(receipt.time);
        match passed {
            Ok(Ok(count)) => receipt.prefiltered = count,
            Ok(Err(broken)) => return Err(Failure::new(Outcome::Trapped, broken.to_string())),
            Err(_) => return Err(Failure::new(Outcome::TimedOut, "in its prefilter")),
        }
        Ok(())
    }

    /// The verdict of a request guardrail.
    pub async fn check_request(
        self: &Arc<Self>,
        plugin: &Arc<Plugin>,
        calling: Calling<'_>,
        request: &chat::Request,
    ) -> Inspected<WholeVerdict> {
        let mut receipt = plugin.receipt("request-guardrail", Phase::Request);
        receipt.windows = request.segments.len();
        receipt.bytes = request.text_bytes();
        let facts = ExchangeFacts { id: calling.exchange, tenant: calling.tenant };
        let work = RequestWork { plugin, request: convert::request(&facts, request) };
        let said =
            self.call(plugin, calling, &plugin.installation.limits.for_text(receipt.bytes), work, &mut receipt).await;
        let check = |said| convert::request_verdict(&request.segments, said);
        let said = self.settle(plugin, said, check, &mut receipt);
        note_whole(&mut receipt, said.as_ref().ok());
        Inspected { said, receipt }
    }

    /// The verdict of an answer guardrail.
    pub async fn check_answer(
        self: &Arc<Self>,
        plugin: &Arc<Plugin>,
        calling: Calling<'_>,
        request: &chat::Request,
        answer: &chat::Answer,
    ) -> Inspected<WholeVerdict> {
        let mut receipt = plugin.receipt("answer-guardrail", Phase::Answer);
        receipt.windows = answer.segments.len();
        let answered: usize = answer.segments.iter().map(|segment| segment.text.len()).sum();
        receipt.bytes = request.text_bytes() + answered;
        let facts = ExchangeFacts { id: calling.exchange, tenant: calling.tenant };
        let work = AnswerWork { plugin, request: convert::request(&facts, request), answer: convert::answer(answer) };
        let said =
            self.call(plugin, calling, &plugin.installation.limits.for_text(receipt.bytes), work, &mut receipt).await;
        let check = |said| convert::answer_verdict(&answer.segments, said);
        let said = self.settle(plugin, said, check, &mut receipt);
        note_whole(&mut receipt, said.as_ref().ok());
        Inspected { said, receipt }
    }

    /// What a router says of who is to answer.
    pub async fn route(
        self: &Arc<Self>,
        plugin: &Arc<Plugin>,
        calling: Calling<'_>,
        request: &chat::Request,
        targets: &[chat::RouteTarget],
    ) -> Inspected<Routing> {
        let mut receipt = plugin.receipt("router", Phase::Request);
        receipt.windows = request.segments.len();
        receipt.bytes = request.text_bytes();
        let facts = ExchangeFacts { id: calling.exchange, tenant: calling.tenant };
        let (request, known) = (convert::request(&facts, request), targets.iter().map(convert::target).collect());
        let work = RouteWork { plugin, request, targets: known };
        let limits = plugin.installation.limits.for_text(receipt.bytes);
        let said = self.call(plugin, calling, &limits, work, &mut receipt).await;
        let check = |said| convert::routing(targets.len(), said);
        let said = self.settle(plugin, said, check, &mut receipt);
        if let Ok(routing) = &said {
            let (decision, denial) = match &routing.decision {
                RouteDecision::Unchanged => (Decision::Unchanged, None),
                RouteDecision::Targets(_) => (Decision::Targets, None),
                RouteDecision::Answer(_) => (Decision::Answer, None),
                RouteDecision::Escalate { .. } => (Decision::Escalate, None),
                RouteDecision::Deny(denial) => (Decision::Deny, Some(denial)),
            };
            note(&mut receipt, None, &routing.findings, decision, denial);
            receipt.intent.clone_from(&routing.intent);
        }
        Inspected { said, receipt }
    }

    /// Where a cache policy wants the answer to be looked for.
    pub async fn plan(
        self: &Arc<Self>,
        plugin: &Arc<Plugin>,
        calling: Calling<'_>,
        request: &chat::Request,
        findings: &[Finding],
    ) -> Inspected<Intention> {
        let mut receipt = plugin.receipt(CACHE, Phase::Request);
        receipt.windows = request.segments.len();
        receipt.bytes = request.text_bytes();
        let facts = ExchangeFacts { id: calling.exchange, tenant: calling.tenant };
        let (request, findings) = (convert::request(&facts, request), convert::found(findings));
        let limits = plugin.installation.limits.for_text(receipt.bytes);
        let said = self.call(plugin, calling, &limits, PlanWork { plugin, request, findings }, &mut receipt).await;
        let said = self.settle(plugin, said, convert::intention, &mut receipt);
        if let Ok(intention) = &said {
            receipt.decision = match intention {
                Intention::Bypass => Decision::Bypass,
                Intention::LookUp(_) => Decision::LookUp,
            };
        }
        Inspected { said, receipt }
    }

    /// The receipt of a plan that is remembered: no call was needed.
    #[must_use]
    pub fn planned_before(&self, plugin: &Plugin, request: &chat::Request) -> Receipt {
        let mut receipt = plugin.receipt(CACHE, Phase::Request);
        receipt.windows = request.segments.len();
        receipt.remembered = receipt.windows;
        receipt.decision = Decision::LookUp;
        receipt
    }

    /// Whether a kept answer answers this request too, by what a cache policy says.
    pub async fn accept(
        self: &Arc<Self>,
        plugin: &Arc<Plugin>,
        calling: Calling<'_>,
        request: &chat::Request,
        candidate: Candidate<'_>,
    ) -> Inspected<bool> {
        let mut receipt = plugin.receipt(CACHE, Phase::Request);
        receipt.windows = 1;
        receipt.bytes =
            candidate.question.len() + candidate.answer.segments.iter().map(|s| s.text.len()).sum::<usize>();
        let facts = ExchangeFacts { id: calling.exchange, tenant: calling.tenant };
        let bytes = receipt.bytes + request.text_bytes();
        let work =
            AcceptWork { plugin, request: convert::request(&facts, request), candidate: convert::candidate(candidate) };
        let limits = plugin.installation.limits.for_text(bytes);
        let said = self.call(plugin, calling, &limits, work, &mut receipt).await;
        let said = self.settle(plugin, said, Ok, &mut receipt);
        if let Ok(accepted) = said {
            receipt.decision = if accepted { Decision::Accept } else { Decision::Reject };
        }
        Inspected { said, receipt }
    }

    /// For how long an answer may be kept, if at all, by what a cache policy says.
    pub async fn keep(
        self: &Arc<Self>,
        plugin: &Arc<Plugin>,
        calling: Calling<'_>,
        request: &chat::Request,
        answer: &chat::Answer,
        findings: &[Finding],
    ) -> Inspected<Option<Duration>> {
        let mut receipt = plugin.receipt(CACHE, Phase::Answer);
        receipt.windows = answer.segments.len();
        receipt.bytes = answer.segments.iter().map(|segment| segment.text.len()).sum();
        let facts = ExchangeFacts { id: calling.exchange, tenant: calling.tenant };
        let limits = plugin.installation.limits.for_text(receipt.bytes + request.text_bytes());
        let work = AdmitWork {
            plugin,
            request: convert::request(&facts, request),
            answer: convert::answer(answer),
            findings: convert::found(findings),
        };
        let said = self.call(plugin, calling, &limits, work, &mut receipt).await;
        let said = self.settle(plugin, said, |said| Ok(convert::admission(said)), &mut receipt);
        if let Ok(time) = &said {
            receipt.decision = if time.is_some() { Decision::Keep } else { Decision::Pass };
        }
        Inspected { said, receipt }
    }

    /// One call in one fork, unless the breaker is open.
    async fn call<S: Send, W: Work<Said = Result<S, PluginError>>>(
        &self,
        plugin: &Arc<Plugin>,
        calling: Calling<'_>,
        limits: &Limits,
        work: W,
        receipt: &mut Receipt,
    ) -> Result<W::Said, Failure> {
        if plugin.breaker.is_open() {
            return Err(Failure::new(Outcome::Refused, "taken out after a run of failures"));
        }
        let mut caller = Caller {
            plugin: plugin.name.clone(),
            exchange: Some(calling.exchange.clone()),
            deadline: calling.deadline,
            granted: self.services.get().and_then(|services| {
                let origin = plugin.installation.grants.model.as_ref().and_then(|_| calling.origin(&plugin.name));
                plugin.granted(calling.tenant, calling.counts, origin, services)
            }),
        };
        let (said, spent) = self.fork(plugin, &mut caller, limits, work).await;
        receipt.fuel = receipt.fuel.saturating_add(spent.fuel);
        receipt.time += spent.time;
        receipt.memory_bytes = spent.memory_bytes;
        receipt.used.add_all(&spent.used);
        match said {
            // A language with exceptions is told that there is no more memory, and its plugin says so itself.
            Ok(Err(error)) if spent.lacked_memory => {
                let failure =
                    Failure::new(Outcome::OutOfMemory, out_of_memory(limits.memory_bytes, &plugin_error(&error)));
                Err(Failure { ran: true, ..failure })
            }
            said => said,
        }
    }

    /// Run `work` in a fork of `plugin`.
    pub(super) async fn fork<W: Work>(
        &self,
        plugin: &Plugin,
        caller: &mut Caller,
        limits: &Limits,
        work: W,
    ) -> (Result<W::Said, Failure>, Spent) {
        let patterns = match plugin.not_forked {
            Some(_) => Patterns::Replaying { known: plugin.patterns.clone(), next: 0 },
            None => Patterns::Ready(plugin.patterns.clone()),
        };
        self.machine.call(&plugin.instance, caller, limits, patterns, work).await
    }

    /// Check what was said, write the outcome on the receipt, and tell the breaker.
    fn settle<S, T>(
        self: &Arc<Self>,
        plugin: &Arc<Plugin>,
        said: Result<Result<S, PluginError>, Failure>,
        check: impl FnOnce(S) -> Result<T, convert::Malformed>,
        receipt: &mut Receipt,
    ) -> Result<T, Failure> {
        let ran = said.as_ref().map_or_else(|failure| failure.ran, |_| true);
        let said = match said {
            Ok(Ok(said)) => check(said).map_err(|wrong| Failure::new(Outcome::Malformed, wrong)),
            Ok(Err(error)) => Err(Failure::new(Outcome::Refused, plugin_error(&error))),
            Err(failure) => Err(failure),
        };
        match &said {
            Ok(_) => plugin.breaker.succeeded(),
            Err(failure) => {
                receipt.outcome = failure.outcome;
                receipt.decision = Decision::Failed;
                receipt.detail = Some(failure.detail.clone());
                if ran && plugin.breaker.failed() {
                    self.probe_until_well(plugin);
                }
            }
        }
        said
    }

    /// Try a plugin that keeps failing with sample input. Is it well, then the texts were to blame that it was given, and
    /// whoever sent them must not take it away from others. If not it is taken out, and tried until it is well or
    /// replaced.
    fn probe_until_well(self: &Arc<Self>, plugin: &Arc<Plugin>) {
        let (runtime, plugin) = (Arc::downgrade(self), Arc::downgrade(plugin));
        tokio::spawn(async move {
            let mut is_out = false;
            loop {
                let (Some(runtime), Some(plugin)) = (runtime.upgrade(), plugin.upgrade()) else { return };
                let name = &*plugin.name;
                if probe(&runtime, &plugin, &plugin.installation.limits).await.is_ok() {
                    plugin.breaker.close();
                    match is_out {
                        true => info!(plugin = name, "plugin passed its probe and is back"),
                        false => warn!(plugin = name, "plugin keeps failing, but passes its probe and stays"),
                    }
                    return;
                }
                if !std::mem::replace(&mut is_out, true) {
                    plugin.breaker.open();
                    warn!(plugin = name, "plugin keeps failing and is taken out");
                }
                let pause = plugin.breaker.probe;
                drop((runtime, plugin));
                tokio::time::sleep(pause).await;
            }
        });
    }
}

/// The export of a cache policy.
const CACHE: &str = "cache";

/// Findings and edits that a receipt keeps: those of a whole history may be many.
const RECEIPT_FINDINGS_MAX: usize = 100;

impl Plugin {
    /// What it may use for a tenant; nothing if nothing ever was granted.
    pub(super) fn granted(
        &self,
        tenant: &Arc<str>,
        counts: &Counts,
        origin: Option<Origin>,
        services: &Arc<Capabilities>,
    ) -> Option<Box<Granted>> {
        let grants = &self.installation.grants;
        let granted = || Granted {
            plugin: self.name.clone(),
            tenant: tenant.clone(),
            grants: grants.clone(),
            services: services.clone(),
            counts: counts.shared(),
            waits: self.waits.clone(),
            used: Used::default(),
            origin,
            was_refused: false,
            is_loading: false,
        };
        self.asks.then(|| Box::new(granted()))
    }

    fn receipt(&self, export: &'static str, phase: Phase) -> Receipt {
        Receipt::begins(self.name.clone(), self.short_digest.clone(), export, phase)
    }
}

/// The windows without a verdict.
fn unknown<'a, 'b>(
    windows: &'a [Window<'b>],
    verdicts: &'a [Option<Arc<Verdict>>],
) -> impl Iterator<Item = &'a Window<'b>> {
    windows.iter().zip(verdicts).filter(|(_, known)| known.is_none()).map(|(window, _)| window)
}

fn decision(action: &Action) -> Decision {
    match action {
        Action::Allow => Decision::Allow,
        Action::Edit(_) => Decision::Edit,
        Action::Deny(_) => Decision::Deny,
    }
}

fn denial(action: &Action) -> Option<&chat::Denial> {
    match action {
        Action::Deny(denial) => Some(denial),
        Action::Allow | Action::Edit(_) => None,
    }
}

fn note_whole(receipt: &mut Receipt, verdict: Option<&WholeVerdict>) {
    let Some(verdict) = verdict else { return };
    let (decision, denial) = match &verdict.action {
        WholeAction::Allow => (Decision::Allow, None),
        WholeAction::Edit(_) => (Decision::Edit, None),
        WholeAction::Retry(_) => (Decision::Retry, None),
        WholeAction::Deny(denial) => (Decision::Deny, Some(denial)),
    };
    note(receipt, None, &verdict.findings, decision, denial);
    if let WholeAction::Edit(edits) = &verdict.action {
        note_edits(receipt, edits.iter().map(|(segment, edit)| (Some(*segment), edit)));
    }
}

/// The gravest decision of several windows stands on the receipt.
fn note(
    receipt: &mut Receipt,
    segment: Option<usize>,
    findings: &[Finding],
    decision: Decision,
    denial: Option<&chat::Denial>,
) {
    let room = RECEIPT_FINDINGS_MAX.saturating_sub(receipt.findings.len());
    let found = findings.iter().take(room).map(|finding| Found { segment, finding: finding.clone() });
    receipt.findings.extend(found);
    match (decision, receipt.decision) {
        (Decision::Allow, _) | (_, Decision::Deny) => {}
        _ => receipt.decision = decision,
    }
    if let (Some(denial), None) = (denial, &receipt.denial) {
        receipt.denial = Some((denial.code.clone(), denial.detail.clone()));
    }
}

fn note_edits<'a>(receipt: &mut Receipt, edits: impl Iterator<Item = (Option<usize>, &'a chat::Edit)>) {
    let room = RECEIPT_FINDINGS_MAX.saturating_sub(receipt.edits.len());
    let edited =
        |(segment, edit): (_, &chat::Edit)| Edited { segment, span: edit.span.clone(), bytes: edit.replacement.len() };
    receipt.edits.extend(edits.take(room).map(edited));
}
