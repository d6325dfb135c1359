//! An exchange as the ledger keeps it: what it can be searched by in columns, what it did in one JSON.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use smol_str::ToSmolStr as _;

use super::steps::{Coverage, Step, steps};
use crate::chat::{Usage, Word};
use crate::exchange::Over;
use crate::moment::milliseconds_since_1970;
use crate::money::Money;
use crate::plugin::Decision;
use crate::store::ledger::{Row, Value};

/// An exchange that is over.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Entry {
    /// Its id; ids are sorted by time.
    pub id: Word,
    /// When it began, in milliseconds since 1970.
    pub began_ms: u64,
    /// How long it took.
    pub took: Duration,
    /// Time to the first text that went to the caller, of an answer that streamed.
    pub first_text: Option<Duration>,
    /// Whose it was.
    pub tenant: Word,
    /// The id of the caller's key.
    pub key: Option<Word>,
    /// Who that was within the tenant.
    pub user: Option<Word>,
    /// Words about the key, with commas between them.
    pub tags: Option<Word>,
    /// What it was a step of.
    pub session: Option<Word>,
    /// The trace that it belongs to.
    pub trace: Option<Word>,
    /// The exchange that it was part of.
    pub within: Option<Word>,
    /// The plugin that wanted it.
    pub asked_by: Option<Word>,
    /// What was asked, in a word.
    pub task: Word,
    /// The caller's.
    pub dialect: Word,
    /// The model that was asked for.
    pub model: Word,
    /// Whether the answer was to come as a stream.
    pub streaming: bool,
    /// How it ended, in a word.
    pub outcome: Word,
    /// The status of the response.
    pub status: Option<u64>,
    /// The code of its error.
    pub code: Option<Word>,
    /// The plugin that is to blame for that.
    pub plugin: Option<Word>,
    /// What happened, for the operator.
    pub detail: Option<Word>,
    /// What a router took it for.
    pub intent: Option<Word>,
    /// What a router decided.
    pub routed: Option<Word>,
    /// Under which reference it was handed over to people.
    pub escalation: Option<Word>,
    /// To which.
    pub queue: Option<Word>,
    /// How it stood with the cache.
    pub cache: Option<Word>,
    /// How old its kept answer was.
    pub age: Option<Duration>,
    /// What the kept answer had cost.
    pub saved: Money,
    /// The target that was asked last.
    pub target: Option<Word>,
    /// Its provider.
    pub provider: Option<Word>,
    /// How many were asked.
    pub attempts: u64,
    /// The gravest thing that a guardrail decided, if it was not to let it pass.
    pub verdict: Option<Word>,
    /// How much was found in it.
    pub findings: u64,
    /// How much was passed on without a look.
    pub not_inspected: u64,
    /// What providers have told that they used.
    pub usage: Option<Usage>,
    /// What providers wanted for it, as far as that is known.
    pub cost: Money,
    /// What its plugins have spent.
    pub plugins_cost: Money,
    /// Whether all of that is known; nothing where there was nothing to pay for.
    pub is_cost_known: bool,
    /// Which plugins and settings it had.
    pub generation: u64,
    /// Limits and budgets did not count.
    pub is_unmetered: bool,
    /// What it did.
    pub details: Details,
}

/// What an exchange did.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct Details {
    /// In the order in which it began with each.
    #[serde(default)]
    pub steps: Vec<Step>,
    /// Steps that had no room.
    #[serde(default, skip_serializing_if = "is_none")]
    pub steps_left_out: usize,
    /// What was passed on without a look.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_inspected: Vec<Coverage>,
    /// Fields that had to be left out in a translation.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<String>,
    /// Why the alternatives of a kept answer had ended.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub finishes: Vec<Word>,
    /// The tools that its answer wants to be called.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tools: Vec<String>,
}

#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_none(count: &usize) -> bool {
    *count == 0
}

/// Places without a look that are named; the column counts all of them.
const NOT_INSPECTED_MAX: usize = 100;

impl Entry {
    /// What is kept of an exchange.
    #[must_use]
    pub fn of(over: &Over) -> Self {
        let record = &over.record;
        let text = |text: &Option<Arc<str>>| text.clone().map(Word::from);
        let attempt = record.attempts.last();
        let (cost, plugins_cost) = (record.cost(), record.plugins_cost());
        let verdict = record.verdict();
        let (steps, steps_left_out) = steps(over);
        Self {
            id: over.id.clone().into(),
            began_ms: milliseconds_since_1970(over.at),
            took: over.took,
            first_text: over.first_text(),
            tenant: over.caller.tenant.clone().into(),
            key: text(&over.caller.key),
            user: text(&over.caller.user),
            tags: (!over.caller.tags.is_empty()).then(|| over.caller.tags.join(",").into()),
            session: text(&over.session),
            trace: Some(over.trace.id.to_smolstr()),
            within: over.within.as_ref().map(|within| within.exchange.clone().into()),
            asked_by: over.within.as_ref().map(|within| within.plugin.clone().into()),
            task: record.task.into(),
            dialect: over.dialect.word().into(),
            model: record.model.clone(),
            streaming: record.streaming,
            outcome: over.ending.outcome.into(),
            status: record.status.map(|status| status.as_u16().into()),
            code: over.ending.code.as_deref().map(Word::from),
            plugin: over.ending.plugin.as_deref().map(Word::from),
            detail: over.ending.detail.as_deref().map(Word::from),
            intent: record.routed.as_ref().and_then(|(_, intent)| intent.as_deref().map(Word::from)),
            routed: record.routed.as_ref().map(|(decision, _)| decision.word().into()),
            escalation: record.escalated.as_ref().map(|(reference, _)| reference.as_str().into()),
            queue: record.escalated.as_ref().map(|(_, queue)| queue.as_str().into()),
            cache: record.served.as_ref().map(|served| served.state.word().into()),
            age: record.served.as_ref().map(|served| served.age),
            saved: record.served.as_ref().map(|served| served.saved).unwrap_or_default(),
            target: attempt.map(|attempt| attempt.target.name.as_str().into()),
            provider: attempt.map(|attempt| attempt.target.provider.as_str().into()),
            attempts: count(record.attempts.len()),
            verdict: verdict.filter(|decision| *decision != Decision::Allow).map(|it| it.word().into()),
            findings: count(record.receipts.iter().map(|receipt| receipt.findings.len()).sum()),
            not_inspected: count(record.not_inspected.len()),
            usage: record.usage(),
            cost: cost.known,
            plugins_cost,
            is_cost_known: record.known_cost().1,
            generation: over.generation,
            is_unmetered: record.unmetered,
            details: Details {
                steps,
                steps_left_out,
                not_inspected: record.not_inspected.iter().take(NOT_INSPECTED_MAX).map(Coverage::from).collect(),
                left_out: record.left_out.iter().cloned().collect(),
                finishes: record.finishes().map(Word::new_static).collect(),
                tools: record.tools.clone(),
            },
        }
    }

    /// When it began.
    #[must_use]
    pub fn began(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_millis(self.began_ms)
    }

    /// What it cost in all, as far as that is known.
    #[must_use]
    pub fn known_cost(&self) -> Money {
        self.cost + self.plugins_cost
    }

    /// What was found, by plugin and rule, and how often.
    pub(super) fn found(&self) -> std::collections::BTreeMap<(&str, &str), u64> {
        let mut found = std::collections::BTreeMap::new();
        for (plugin, rule) in self.details.steps.iter().flat_map(Step::rules) {
            *found.entry((plugin, rule)).or_default() += 1;
        }
        found
    }

    /// The names of the columns, in the order of [`values`](Self::values).
    pub(super) const COLUMNS: &str = "id, began, took, first_text, tenant, api_key, person, tags, session, trace, within, \
        asked_by, task, dialect, model, streaming, outcome, status, code, plugin, detail, intent, routed, escalation, queue, \
        cache, age, saved, target, provider, attempts, verdict, findings, not_inspected, input_tokens, \
        cached_input_tokens, cache_write_tokens, output_tokens, reasoning_tokens, cost, plugins_cost, is_cost_known, \
        generation, is_unmetered, details";

    /// The same without what it did.
    pub(super) const BRIEF: &str = Self::COLUMNS.split_at(Self::COLUMNS.len() - ", details".len()).0;

    /// How many columns these are.
    pub(super) const WIDTH: usize = 45;

    /// As a row.
    pub(super) fn values(&self) -> [Value<'_>; Self::WIDTH] {
        let details = serde_json::to_string(&self.details).unwrap_or_default();
        let usage = |tokens: fn(&Usage) -> u32| Value::from(self.usage.as_ref().map(tokens));
        [
            self.id.as_str().into(),
            self.began_ms.into(),
            micros(self.took).into(),
            self.first_text.map(micros).into(),
            self.tenant.as_str().into(),
            self.key.as_deref().into(),
            self.user.as_deref().into(),
            self.tags.as_deref().into(),
            self.session.as_deref().into(),
            self.trace.as_deref().into(),
            self.within.as_deref().into(),
            self.asked_by.as_deref().into(),
            self.task.as_str().into(),
            self.dialect.as_str().into(),
            self.model.as_str().into(),
            self.streaming.into(),
            self.outcome.as_str().into(),
            self.status.into(),
            self.code.as_deref().into(),
            self.plugin.as_deref().into(),
            self.detail.as_deref().into(),
            self.intent.as_deref().into(),
            self.routed.as_deref().into(),
            self.escalation.as_deref().into(),
            self.queue.as_deref().into(),
            self.cache.as_deref().into(),
            self.age.map(micros).into(),
            self.saved.nanodollars().into(),
            self.target.as_deref().into(),
            self.provider.as_deref().into(),
            self.attempts.into(),
            self.verdict.as_deref().into(),
            self.findings.into(),
            self.not_inspected.into(),
            usage(|usage| usage.input_tokens),
            usage(|usage| usage.cached_input_tokens),
            usage(|usage| usage.cache_write_tokens),
            usage(|usage| usage.output_tokens),
            usage(|usage| usage.reasoning_tokens),
            self.cost.nanodollars().into(),
            self.plugins_cost.nanodollars().into(),
            self.is_cost_known.into(),
            self.generation.into(),
            self.is_unmetered.into(),
            details.into(),
        ]
    }

    /// From a row with these columns. What is not as it should be is left empty: the file may come from anywhere.
    pub(super) fn read(row: &mut Row) -> Self {
        let money = |row: &mut Row| Money::from_nanodollars(row.number().unwrap_or_default());
        let time = |row: &mut Row| row.number().map(Duration::from_micros);
        let text = |row: &mut Row| row.text().map(Word::from);
        let tokens = |row: &mut Row| row.number().map(|tokens| u32::try_from(tokens).unwrap_or(u32::MAX));
        Self {
            id: text(row).unwrap_or_default(),
            began_ms: row.number().unwrap_or_default(),
            took: time(row).unwrap_or_default(),
            first_text: time(row),
            tenant: text(row).unwrap_or_default(),
            key: text(row),
            user: text(row),
            tags: text(row),
            session: text(row),
            trace: text(row),
            within: text(row),
            asked_by: text(row),
            task: text(row).unwrap_or_default(),
            dialect: text(row).unwrap_or_default(),
            model: text(row).unwrap_or_default(),
            streaming: row.number() == Some(1),
            outcome: text(row).unwrap_or_default(),
            status: row.number(),
            code: text(row),
            plugin: text(row),
            detail: text(row),
            intent: text(row),
            routed: text(row),
            escalation: text(row),
            queue: text(row),
            cache: text(row),
            age: time(row),
            saved: money(row),
            target: text(row),
            provider: text(row),
            attempts: row.number().unwrap_or_default(),
            verdict: text(row),
            findings: row.number().unwrap_or_default(),
            not_inspected: row.number().unwrap_or_default(),
            usage: {
                let all = [tokens(row), tokens(row), tokens(row), tokens(row), tokens(row)];
                let [input, cached, written, output, reasoning] = all.map(Option::unwrap_or_default);
                all.iter().any(Option::is_some).then_some(Usage {
                    input_tokens: input,
                    cached_input_tokens: cached,
                    cache_write_tokens: written,
                    output_tokens: output,
                    reasoning_tokens: reasoning,
                })
            },
            cost: money(row),
            plugins_cost: money(row),
            is_cost_known: row.number() == Some(1),
            generation: row.number().unwrap_or_default(),
            is_unmetered: row.number() == Some(1),
            details: row.text().and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default(),
        }
    }
}

/// Microseconds.
pub(super) fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

/// How many there are, as a column has it.
fn count(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}
