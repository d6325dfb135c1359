//! What exchanges add up to between two looks. Its size is bounded by what is installed and configured, and by how many tenants
//! one look may find; callers have no hand in it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::window::{Calls, Times};
use crate::config::{Denied, When};
use crate::exchange::{Attempt, Over, Step, What};
use crate::plugin::Outcome;

/// Tenants without a table of their own whose budgets are watched: the issuer of tokens names them, and each is a counter.
pub(super) const TENANTS_MAX: usize = 1_000;

/// Counts what exchanges do while nobody looks.
#[derive(Debug, Default)]
pub(super) struct Tally(Mutex<Counted>);

#[derive(Debug, Default)]
struct Counted {
    wanted: Wanted,
    counts: Counts,
}

/// What rules ask for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Wanted {
    /// There are rules about more than budgets.
    exchanges: bool,
    /// There are rules about budgets.
    tenants: bool,
    /// Whose denials are counted.
    denied: BTreeSet<String>,
}

/// What was counted since the last look.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    /// Calls of plugins.
    pub(super) plugins: BTreeMap<String, Calls>,
    /// Attempts at targets.
    pub(super) targets: BTreeMap<String, Attempts>,
    /// Exchanges that a plugin has denied.
    pub(super) denied_by: BTreeMap<String, u64>,
    /// Exchanges of a tenant that were denied, where a rule asks for them.
    pub(super) denied_to: BTreeMap<String, u64>,
    /// Tenants that have asked for something.
    pub(super) tenants: BTreeSet<String>,
}

/// Attempts at a target.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Attempts {
    pub(super) calls: Calls,
    pub(super) first_token: Times,
    pub(super) whole: Times,
}

impl Wanted {
    pub(super) fn by<'a>(rules: impl Iterator<Item = &'a When>) -> Self {
        let mut wanted = Self::default();
        for when in rules {
            match when {
                When::Budget { .. } => wanted.tenants = true,
                When::Denials { of: Denied::To(tenant), .. } => {
                    wanted.exchanges = true;
                    wanted.denied.insert(tenant.clone());
                }
                When::PluginFailures { .. }
                | When::TargetErrors { .. }
                | When::TargetLatency { .. }
                | When::Denials { of: Denied::By(_) | Denied::ByEachPlugin, .. } => wanted.exchanges = true,
            }
        }
        wanted
    }
}

impl Tally {
    /// What was counted so far; from now on, what these rules ask for is.
    pub(super) fn take(&self, wanted: Wanted) -> Counts {
        let mut counted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counted.wanted = wanted;
        std::mem::take(&mut counted.counts)
    }

    /// An exchange is over.
    pub(super) fn is_over(&self, over: &Over) {
        let mut counted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Counted { wanted, counts } = &mut *counted;
        let tenant = &*over.caller.tenant;
        if wanted.tenants && counts.tenants.len() < TENANTS_MAX && !counts.tenants.contains(tenant) {
            counts.tenants.insert(tenant.to_owned());
        }
        if !wanted.exchanges {
            return;
        }
        for receipt in over.record.receipts.iter().filter(|receipt| receipt.was_called()) {
            on(&mut counts.plugins, &receipt.plugin, |calls| calls.count(receipt.outcome != Outcome::Said));
        }
        counts.attempts(over);
        if over.ending.outcome == "denied" {
            if let Some(plugin) = &over.ending.plugin {
                on(&mut counts.denied_by, plugin, |count| *count += 1);
            }
            if wanted.denied.contains(tenant) {
                on(&mut counts.denied_to, tenant, |count| *count += 1);
            }
        }
    }
}

impl Counts {
    fn attempts(&mut self, over: &Over) {
        // What a target broke off while the caller was reading is in the end of the exchange alone.
        let broke_off = is_the_targets(over.ending.outcome);
        let last = over.record.attempts.len().saturating_sub(1);
        for (index, (attempt, took, answered)) in over.steps().into_iter().filter_map(attempt).enumerate() {
            let failure = attempt.failure();
            if failure.is_some_and(|failure| !is_the_targets(failure)) {
                continue;
            }
            let has_failed = failure.is_some() || (index == last && broke_off);
            on(&mut self.targets, &attempt.target.name, |attempts: &mut Attempts| {
                attempts.calls.count(has_failed);
                // One that is refused at once is not fast.
                if !has_failed {
                    attempts.whole.count(took);
                    answered.into_iter().for_each(|time| attempts.first_token.count(time));
                }
            });
        }
    }
}

/// An attempt, how long it took, and after which time it was answered.
fn attempt(step: Step<'_>) -> Option<(&Attempt, Duration, Option<Duration>)> {
    match step.what {
        What::Attempt(attempt, answered) => Some((attempt, step.took, answered)),
        What::Plugin(_) | What::Lookup(_) | What::Wait => None,
    }
}

/// Whether this is the failure of a target that was asked: a status that makes others be asked, or a word for an error of its own.
/// What a guardrail or the gateway objects to says nothing of the target.
fn is_the_targets(word: &str) -> bool {
    let is_status = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit());
    is_status || (word.starts_with("upstream_") && word != "upstream_resting")
}

/// Change what belongs to this name. Most names are there already, and are not copied.
fn on<T: Default>(all: &mut BTreeMap<String, T>, name: &str, change: impl FnOnce(&mut T)) {
    match all.get_mut(name) {
        Some(one) => change(one),
        None => change(all.entry(name.to_owned()).or_default()),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::caller::Caller;

    fn over_of(tenant: &str) -> Over {
        let mut over = Over::of("converse", false, Vec::new());
        over.caller = Arc::new(Caller { tenant: tenant.into(), ..Caller::anonymous() });
        over
    }

    #[test]
    fn nothing_is_counted_that_no_rule_asks_for() {
        let tally = Tally::default();
        tally.is_over(&over_of("blue"));
        assert_eq!(tally.take(Wanted::default()), Counts::default());
    }

    #[test]
    fn one_look_finds_so_many_tenants_and_no_more() {
        let tally = Tally::default();
        tally.take(Wanted { tenants: true, ..Wanted::default() });
        (0..TENANTS_MAX).for_each(|number| tally.is_over(&over_of(&number.to_string())));
        tally.is_over(&over_of("one more"));
        assert_eq!(tally.take(Wanted::default()).tenants.len(), TENANTS_MAX);
    }

    #[test]
    fn denials_to_a_tenant_are_counted_where_a_rule_asks_for_them() {
        let tally = Tally::default();
        tally.take(Wanted { exchanges: true, denied: BTreeSet::from(["blue".to_owned()]), ..Wanted::default() });
        for tenant in ["blue", "red", "blue"] {
            let mut over = over_of(tenant);
            (over.ending.outcome, over.ending.plugin) = ("denied", Some("pii".to_owned()));
            tally.is_over(&over);
        }
        let counts = tally.take(Wanted::default());
        assert_eq!(counts.denied_by, BTreeMap::from([("pii".to_owned(), 3)]));
        assert_eq!(counts.denied_to, BTreeMap::from([("blue".to_owned(), 2)]));
    }

    #[test]
    fn what_a_target_is_to_blame_for() {
        for (word, is_its) in [
            ("503", true),
            ("429", true),
            ("upstream_timeout", true),
            ("upstream_failed", true),
            ("upstream_resting", false),
            ("denied", false),
            ("price_unknown", false),
            ("", false),
        ] {
            assert_eq!(is_the_targets(word), is_its, "{word}");
        }
    }
}
