//! Sums of each minute, and how what was measured is distributed: so that an overview need not look through all exchanges.

use std::collections::BTreeMap;
use std::time::Duration;

use super::entry::{Entry, micros};
use super::steps::Did;
use crate::chat::Word;
use crate::endpoint::Does;
use crate::exchange::is_upstreams;
use crate::store::ledger::{Statement, Value};

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Measure {
    /// Time of a whole exchange, in microseconds, by model.
    Took,
    /// Time to the first text, in microseconds, by model.
    FirstText,
    /// Fuel of a plugin's call, by plugin.
    Fuel,
    /// Time of a plugin's call, in microseconds, by plugin.
    PluginTime,
    /// Peak of a plugin's memory, in bytes, by plugin.
    Memory,
}

impl Measure {
    /// The word for it in the table.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Took => "took",
            Self::FirstText => "first-text",
            Self::Fuel => "fuel",
            Self::PluginTime => "plugin-time",
            Self::Memory => "memory",
        }
    }
}

/// Buckets in which a number doubles.
const STEPS: u32 = 4;

/// The part of the scale that a number belongs to: each is about a fifth wider than the one before.
#[must_use]
pub fn bucket(number: u64) -> i64 {
    let Some(power) = number.checked_ilog2() else { return 0 };
    // The two bits behind the first.
    let rest = if power >= 2 { (number >> (power - 2)) & 3 } else { (number << (2 - power)) & 3 };
    i64::from(power * STEPS) + i64::try_from(rest).unwrap_or_default() + 1
}

/// The largest number of a part of the scale.
#[must_use]
pub fn top_of(bucket: i64) -> u64 {
    let Ok(place) = u32::try_from(bucket.saturating_sub(1)) else { return 0 };
    let (power, rest) = (place / STEPS, u128::from(place % STEPS));
    // Of numbers below four, not each quarter has one.
    let least = |rest: u128| (1_u128 << power.min(64)) * (4 + rest) / 4;
    let top = (least(rest + 1) - 1).max(least(rest));
    u64::try_from(top).unwrap_or(u64::MAX)
}

/// Sums of some exchanges.
#[derive(Debug, Default)]
pub(super) struct Sums {
    minutes: BTreeMap<(u64, Word, Word), Minute>,
    distributions: BTreeMap<(&'static str, Word, u64, i64), u64>,
    verdicts: BTreeMap<(Word, u64, Word, Word), u64>,
    sessions: BTreeMap<(Word, Word), Session>,
}

/// Of some steps of a session.
#[derive(Clone, Debug, Default)]
struct Session {
    began: u64,
    last: u64,
    model: Word,
    sum: Minute,
}

/// Of one minute, tenant and model.
#[derive(Clone, Copy, Debug, Default)]
struct Minute {
    exchanges: u64,
    failures: u64,
    refusals: u64,
    hits: u64,
    input_tokens: u64,
    output_tokens: u64,
    cost: u64,
    unknown: u64,
    saved: u64,
}

impl Minute {
    fn add(&mut self, entry: &Entry) {
        self.exchanges += 1;
        self.failures += u64::from(entry.has_failed());
        self.refusals += u64::from(entry.is_refused());
        self.hits += u64::from(matches!(entry.cache.as_deref(), Some("hit" | "stale")));
        if let Some(usage) = &entry.usage {
            self.input_tokens += u64::from(usage.input_tokens);
            self.output_tokens += u64::from(usage.output_tokens);
        }
        // What a plugin asked a model for is in the cost of the exchange that it was part of.
        if entry.within.is_none() {
            self.cost = self.cost.saturating_add(entry.known_cost().nanodollars());
            self.unknown += u64::from(!entry.is_cost_known);
            self.saved = self.saved.saturating_add(entry.saved.nanodollars());
        }
    }
}

impl Sums {
    pub(super) fn add(&mut self, entry: &Entry) {
        let minute = entry.began_ms / 60_000;
        self.add_said(entry, minute);
        // Whoever lists models, or says what they think of an answer, asks no model.
        if Does::task_named(&entry.task).is_none() {
            return;
        }
        self.minutes.entry((minute, entry.tenant.clone(), entry.model.clone())).or_default().add(entry);
        if let Some(name) = &entry.session {
            let session = self.sessions.entry((entry.tenant.clone(), name.clone())).or_default();
            session.began = if session.sum.exchanges == 0 { entry.began_ms } else { session.began.min(entry.began_ms) };
            session.last = session.last.max(entry.ended_ms());
            session.model = entry.model.clone();
            session.sum.add(entry);
        }
        self.measure(Measure::Took, &entry.model, minute, micros(entry.took));
        if let Some(first) = entry.first_text {
            self.measure(Measure::FirstText, &entry.model, minute, micros(first));
        }
    }

    /// What plugins have said, and what that took.
    fn add_said(&mut self, entry: &Entry, minute: u64) {
        for step in &entry.details.steps {
            let Did::Plugin(call) = &step.did else { continue };
            let verdict = (call.plugin.clone(), minute, call.verdict.clone(), call.outcome.clone());
            *self.verdicts.entry(verdict).or_default() += 1;
            if call.calls > 0 {
                self.measure(Measure::Fuel, &call.plugin, minute, call.fuel);
                self.measure(Measure::PluginTime, &call.plugin, minute, call.us);
                self.measure(Measure::Memory, &call.plugin, minute, u64::try_from(call.memory).unwrap_or(u64::MAX));
            }
        }
    }

    fn measure(&mut self, measure: Measure, name: &Word, minute: u64, number: u64) {
        let key = (measure.word(), name.clone(), minute, bucket(number));
        *self.distributions.entry(key).or_default() += 1;
    }

    /// What adds them to those in the tables; always in the same order, so that no two gateways wait for each other.
    pub(super) fn statements(self) -> impl Iterator<Item = Statement> {
        let minutes = self.minutes.into_iter().map(|((minute, tenant, model), sum)| {
            let Minute { exchanges, failures, refusals, hits, input_tokens, output_tokens, cost, unknown, saved } = sum;
            let sums = [exchanges, failures, refusals, hits, input_tokens, output_tokens, cost, saved, unknown];
            let mut values: Vec<Value<'_>> = vec![minute.into(), tenant.as_str().into(), model.as_str().into()];
            values.extend(sums.map(Value::from));
            Statement::new(MINUTE, values)
        });
        let distributions = self.distributions.into_iter().map(|((measure, name, minute, bucket), count)| {
            let values = [measure.into(), name.as_str().into(), minute.into(), bucket.into(), count.into()];
            Statement::new(DISTRIBUTION, values)
        });
        let verdicts = self.verdicts.into_iter().map(|((plugin, minute, verdict, outcome), count)| {
            let values =
                [plugin.as_str().into(), minute.into(), verdict.as_str().into(), outcome.as_str().into(), count.into()];
            Statement::new(VERDICT, values)
        });
        let sessions = self.sessions.into_iter().map(|((tenant, session), Session { began, last, model, sum })| {
            let Minute { exchanges, failures, refusals, input_tokens, output_tokens, cost, unknown, .. } = sum;
            let mut values: Vec<Value<'_>> =
                vec![tenant.as_str().into(), session.as_str().into(), began.into(), last.into()];
            values.extend([exchanges, failures + refusals, input_tokens, output_tokens, cost].map(Value::from));
            values.extend([model.as_str().into(), unknown.into()]);
            Statement::new(SESSION, values)
        });
        minutes.chain(distributions).chain(verdicts).chain(sessions)
    }
}

const MINUTE: &str = "\
INSERT INTO minutes (minute, tenant, model, exchanges, failures, refusals, hits, input_tokens, output_tokens, cost, saved,
    unknown)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
ON CONFLICT (minute, tenant, model) DO UPDATE SET
    exchanges = minutes.exchanges + excluded.exchanges, failures = minutes.failures + excluded.failures,
    refusals = minutes.refusals + excluded.refusals, hits = minutes.hits + excluded.hits,
    input_tokens = minutes.input_tokens + excluded.input_tokens,
    output_tokens = minutes.output_tokens + excluded.output_tokens,
    cost = minutes.cost + excluded.cost, saved = minutes.saved + excluded.saved,
    unknown = minutes.unknown + excluded.unknown";
const DISTRIBUTION: &str = "\
INSERT INTO distributions (measure, name, minute, bucket, count) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (measure, name, minute, bucket) DO UPDATE SET count = distributions.count + excluded.count";
const SESSION: &str = "\
INSERT INTO sessions (tenant, session, began, last, steps, failures, input_tokens, output_tokens, cost, model, unknown)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
ON CONFLICT (tenant, session) DO UPDATE SET
    last = CASE WHEN excluded.last > sessions.last THEN excluded.last ELSE sessions.last END,
    steps = sessions.steps + excluded.steps, failures = sessions.failures + excluded.failures,
    input_tokens = sessions.input_tokens + excluded.input_tokens,
    output_tokens = sessions.output_tokens + excluded.output_tokens,
    cost = sessions.cost + excluded.cost, model = excluded.model,
    unknown = sessions.unknown + excluded.unknown";
const VERDICT: &str = "\
INSERT INTO verdicts (plugin, minute, verdict, outcome, count) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (plugin, minute, verdict, outcome) DO UPDATE SET count = verdicts.count + excluded.count";

impl Entry {
    /// Whether it failed: neither was it answered, nor refused for what was asked, nor left by its caller.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        self.status.is_some_and(|status| status >= 500) || is_upstreams(&self.outcome)
    }

    /// Whether it was refused: by a guardrail, a limit, or for what was asked.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        !self.has_failed() && !matches!(&*self.outcome, "answered" | "caller-gone")
    }

    /// When it ended, in milliseconds since 1970.
    #[must_use]
    pub fn ended_ms(&self) -> u64 {
        self.began_ms.saturating_add(u64::try_from(self.took.as_millis()).unwrap_or(u64::MAX))
    }
}

/// What a share of a distribution is at most: of its parts and how many are in each, the smallest first.
#[must_use]
pub fn percentile(parts: &[(i64, u64)], percent: u64) -> Option<u64> {
    let all: u64 = parts.iter().map(|(_, count)| count).sum();
    let wanted = all.saturating_mul(percent).div_ceil(100).max(1);
    let mut so_far = 0_u64;
    parts.iter().find_map(|(bucket, count)| {
        so_far += count;
        (so_far >= wanted).then(|| top_of(*bucket))
    })
}

/// The same as a time, of microseconds.
#[must_use]
pub fn percentile_time(parts: &[(i64, u64)], percent: u64) -> Option<Duration> {
    percentile(parts, percent).map(Duration::from_micros)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_number_lies_in_its_part_of_the_scale() {
        let mut last = -1;
        for number in (0..2_000).chain([u64::from(u32::MAX), 1 << 40, 1 << 62, u64::MAX - 1, u64::MAX]) {
            let of = bucket(number);
            assert!(of >= last, "{number}");
            assert!(number <= top_of(of), "{number} is in {of}, which ends at {}", top_of(of));
            assert!(of == 0 || top_of(of - 1) < number, "{number} is in {of}, and {} ends before", top_of(of - 1));
            last = of;
        }
    }

    #[test]
    fn a_percentile_is_as_near_as_the_scale() {
        assert_eq!(percentile(&[], 50), None);
        let mut parts = BTreeMap::<i64, u64>::new();
        (1..=1_000).for_each(|number| *parts.entry(bucket(number)).or_default() += 1);
        let parts: Vec<(i64, u64)> = parts.into_iter().collect();
        for (percent, true_one) in [(1, 10), (50, 500), (99, 990)] {
            let found = percentile(&parts, percent).unwrap();
            assert!((true_one..=true_one + true_one / 4 + 1).contains(&found), "{percent}: {found}");
        }
    }

    #[test]
    fn what_callers_did_wrong_is_no_failure() {
        let ended = |outcome: &str, status| Entry { outcome: outcome.to_owned().into(), status, ..Entry::default() };
        assert!(ended("upstream_timeout", Some(504)).has_failed());
        // The head of a stream was a good one.
        assert!(ended("upstream_broken", Some(200)).has_failed());
        assert!(!ended("answered", Some(200)).has_failed());
        assert!(!ended("denied", Some(400)).has_failed());
        assert!(!ended("rate_limit_exceeded", Some(429)).has_failed());
        assert!(!ended("caller-gone", None).has_failed() && !ended("caller-gone", None).is_refused());
        assert!(ended("provider_error", Some(503)).has_failed() && ended("provider_error", Some(429)).has_failed());
        let refused = ended("provider_refused", Some(400));
        assert!(refused.is_refused() && !refused.has_failed());
        for outcome in ["denied", "rate_limit_exceeded", "session_limit_exceeded", "invalid_request"] {
            assert!(ended(outcome, Some(400)).is_refused(), "{outcome}");
        }
        assert!(!ended("answered", Some(200)).is_refused());
    }
}
