//! What an exchange that is over adds to the metrics.

use std::collections::HashSet;
use std::sync::Arc;

use super::Metrics;
use super::instruments::Label;
use crate::caller::DEFAULT_TENANT;
use crate::chat::Usage;
use crate::config::Settings;
use crate::exchange::{Attempt, CALLER_GONE, Over, Sought};
use crate::plugin::Receipt;

/// Stands for all that the operator has no name for.
const OTHER: Label = Label::Word("other");

/// The names that the operator has given, of what callers choose.
#[derive(Debug)]
pub(super) struct Names {
    models: HashSet<Arc<str>>,
    tenants: HashSet<Arc<str>>,
    targets: HashSet<Arc<str>>,
}

impl Names {
    pub(super) fn of(settings: &Settings) -> Self {
        let shared = |names: &mut dyn Iterator<Item = &str>| names.map(Arc::from).collect();
        let of_targets = settings.all_targets().filter_map(|target| target.model.as_deref());
        let tenants = settings.tenants.named.keys().chain(settings.tenants.captured.keys());
        Self {
            models: shared(&mut settings.models.keys().map(String::as_str).chain(of_targets)),
            tenants: shared(&mut tenants.map(String::as_str).chain([DEFAULT_TENANT])),
            targets: shared(&mut settings.targets.keys().map(String::as_str)),
        }
    }
}

fn known(names: &HashSet<Arc<str>>, name: &str) -> Label {
    names.get(name).map_or(OTHER, |name| Label::Name(name.clone()))
}

impl Metrics {
    /// An exchange is over.
    pub(crate) fn is_over(&self, over: &Over) {
        let names = self.names.load();
        let (record, ending) = (&over.record, &over.ending);
        self.in_flight.change([], -1);
        let task = || Label::Word(if record.task.is_empty() { "none" } else { record.task });
        let (model, tenant) = (known(&names.models, &record.model), known(&names.tenants, &over.caller.tenant));
        self.exchanges.add([task(), model.clone(), tenant.clone(), Label::Word(ending.outcome)], 1);
        self.exchange_duration.measure([task(), model.clone()], over.took);
        if let Some(first) = over.first_text() {
            self.first_text.measure([model.clone()], first);
        }
        for (kind, tokens) in record.usage().map(kinds).into_iter().flatten().filter(|(_, tokens)| *tokens > 0) {
            self.tokens.add([model.clone(), tenant.clone(), Label::Word(kind)], tokens.into());
        }
        self.spent(over, &model, &tenant);
        record.receipts.iter().for_each(|receipt| self.receipt(receipt));
        for attempt in &record.attempts {
            let target = known(&names.targets, &attempt.target.name);
            let (took, answered) = over.of_attempt(attempt);
            self.attempts.add([target.clone(), result(attempt, over.ending.outcome)], 1);
            self.attempt_duration.measure([target.clone()], took);
            if let Some(answered) = answered {
                self.attempt_first_token.measure([target], answered);
            }
        }
        for lookup in &record.lookups {
            self.lookup_duration.measure([Label::Word(word(lookup.what))], lookup.took);
        }
        for not in &record.not_inspected {
            self.not_inspected.add([Label::Word(not.phase.word())], 1);
        }
        if record.escalated.is_some() {
            self.escalations.add([], 1);
        }
        if let Some(served) = &record.served {
            self.cache.add([Label::Word(served.state.word())], 1);
            self.cache_saved.add([], served.saved.dollars());
        }
    }

    fn spent(&self, over: &Over, model: &Label, tenant: &Label) {
        let (cost, plugins_cost) = (over.record.cost(), over.record.plugins_cost());
        for (spent_on, cost) in [("provider", cost.known), ("plugin", plugins_cost)] {
            // A series for everybody who costs nothing would tell nothing.
            if cost.nanodollars() > 0 {
                self.cost.add([model.clone(), tenant.clone(), Label::Word(spent_on)], cost.dollars());
            }
        }
        if cost.unknown > 0 {
            self.cost_unknown.add([model.clone()], 1);
        }
    }

    fn receipt(&self, receipt: &Receipt) {
        // Only what the operator has put into the plugin directory has receipts.
        let plugin = || Label::Name(receipt.plugin.clone());
        let (export, phase) = (Label::Word(receipt.export), Label::Word(receipt.phase.word()));
        self.verdicts.add([plugin(), export.clone(), phase, Label::Word(receipt.decision.word())], 1);
        self.call_duration.measure([plugin(), export], receipt.time);
        if receipt.was_called() {
            self.calls.add([plugin(), Label::Word(receipt.outcome.word())], 1);
        }
        let called = receipt.windows.saturating_sub(receipt.remembered + receipt.prefiltered);
        for (decided_by, windows) in
            [("call", called), ("memory", receipt.remembered), ("prefilter", receipt.prefiltered)]
        {
            self.windows.add([plugin(), Label::Word(decided_by)], number(windows));
        }
        self.fuel.add([plugin()], receipt.fuel);
        if !receipt.findings.is_empty() {
            self.findings.add([plugin()], number(receipt.findings.len()));
        }
    }
}

/// Each token once, as it is paid for.
fn kinds(usage: Usage) -> [(&'static str, u32); 5] {
    let Usage { input_tokens, cached_input_tokens, cache_write_tokens, output_tokens, reasoning_tokens } = usage;
    let fresh = input_tokens.saturating_sub(cached_input_tokens).saturating_sub(cache_write_tokens);
    [
        ("input", fresh),
        ("cached_input", cached_input_tokens),
        ("cache_write", cache_write_tokens),
        ("output", output_tokens.saturating_sub(reasoning_tokens)),
        ("reasoning", reasoning_tokens),
    ]
}

/// What came of asking a target, in an exchange that ended like this. Statuses and codes are all there are.
fn result(attempt: &Attempt, outcome: &'static str) -> Label {
    match attempt.failure_or_refusal() {
        Some(failure) => Label::Name(failure.into()),
        None if outcome == CALLER_GONE && !attempt.has_begun() => Label::Word(CALLER_GONE),
        None => Label::Word("answered"),
    }
}

fn word(sought: Sought) -> &'static str {
    match sought {
        Sought::Answer(_) => "answer",
        Sought::Meaning(_) => "embedding",
    }
}

fn number(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}
