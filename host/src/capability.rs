//! What a plugin may ask the host for beside `log` and `patterns`, where its installation grants it by name: what there is,
//! what of it was used, and the services behind it. How a guest calls them is in `plugin/imports/`.

pub(crate) mod http;
pub mod model;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::Semaphore;

use crate::config::Settings;
use crate::embed::Embedders;
use crate::moment::now_ms;
use crate::money::Money;
use crate::store::kv::{self, Kv};
use crate::upstream::Upstream;
use model::Models;

/// Something that must be granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Capability {
    /// The time.
    Clock,
    /// A small store.
    Kv,
    /// Calls to services that the operator named.
    Http,
    /// Numbers that stand for meaning.
    Embedding,
    /// Models, asked through the gateway.
    Model,
}

impl Capability {
    /// All there are.
    pub const ALL: [Self; 5] = [Self::Clock, Self::Kv, Self::Http, Self::Embedding, Self::Model];

    /// The interface of the contract, which is also its name in `[grants]`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Clock => "clock",
            Self::Kv => "kv",
            Self::Http => "http",
            Self::Embedding => "embedding",
            Self::Model => "model",
        }
    }

    /// The one with this interface, if there is one.
    #[must_use]
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|capability| capability.word() == word)
    }
}

/// The services behind the capabilities, the same for all plugins.
#[derive(Debug)]
pub struct Capabilities {
    /// The small store.
    pub kv: Arc<dyn Kv>,
    /// What calls other services; nothing where none may be called.
    pub upstream: Option<Upstream>,
    /// What turns texts into vectors.
    pub embedders: Arc<Embedders>,
    /// What asks models: the gateway, which holds on to these services and not the other way round.
    models: OnceLock<Weak<dyn Models>>,
    /// Where the clock was stopped, in milliseconds since 1970.
    stands_at: Mutex<Option<u64>>,
    /// For plugins that wait for a model: what these ask needs plugins too, of which so many can run at a time.
    pub(crate) waits_for_models: Semaphore,
}

/// Calls of all plugins that may wait for models at the same moment: a quarter of all that can run.
const WAITS_FOR_MODELS_MAX: usize = 64;

impl Capabilities {
    /// The services that these settings describe.
    ///
    /// # Errors
    /// When the address of the shared store is none, or an embedder cannot be set up.
    pub fn new(settings: &Settings, upstream: &Upstream) -> Result<Self, String> {
        let embedders = Arc::new(Embedders::open(settings, upstream)?);
        let kv = kv::open(&settings.store)?;
        Ok(Self::with(kv, Some(upstream.clone()), embedders))
    }

    /// For trying plugins out: nothing is kept, and no service is called but the embedders.
    #[must_use]
    pub fn for_trials(embedders: Arc<Embedders>) -> Self {
        Self::with(Arc::new(kv::Nothing), None, embedders)
    }

    /// For tests of a plugin: what is granted is answered by stand-ins.
    #[must_use]
    pub fn standing_in(kv: Arc<dyn Kv>, upstream: Upstream, embedders: Arc<Embedders>) -> Self {
        Self::with(kv, Some(upstream), embedders)
    }

    fn with(kv: Arc<dyn Kv>, upstream: Option<Upstream>, embedders: Arc<Embedders>) -> Self {
        let waits_for_models = Semaphore::new(WAITS_FOR_MODELS_MAX);
        Self { kv, upstream, embedders, models: OnceLock::new(), stands_at: Mutex::default(), waits_for_models }
    }

    /// From now on it is this moment, in milliseconds since 1970; without one, time goes on.
    pub fn stop_clock(&self, at_ms: Option<u64>) {
        *self.stands_at.lock().unwrap_or_else(PoisonError::into_inner) = at_ms;
    }

    /// Milliseconds since 1970.
    pub(crate) fn now_ms(&self) -> u64 {
        let stands_at = *self.stands_at.lock().unwrap_or_else(PoisonError::into_inner);
        stands_at.unwrap_or_else(now_ms)
    }

    /// Say what asks models. Only the first counts.
    pub fn ask_models_through(&self, models: Weak<dyn Models>) {
        let _ = self.models.set(models);
    }

    /// What asks models, if anything does.
    pub(crate) fn models(&self) -> Option<Arc<dyn Models>> {
        self.models.get()?.upgrade()
    }
}

/// What was used of one capability.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Use {
    /// How often it was called.
    pub calls: u64,
    /// Bytes that went to the host and came from it.
    pub bytes: u64,
    /// Time that the plugin waited.
    pub time: Duration,
    /// What it cost, as far as that is known.
    pub cost: Money,
    /// Some of what it cost is not known.
    pub is_partly_unknown: bool,
}

impl Use {
    /// Add another one.
    pub fn add(&mut self, other: Self) {
        self.calls = self.calls.saturating_add(other.calls);
        self.bytes = self.bytes.saturating_add(other.bytes);
        self.time = self.time.saturating_add(other.time);
        self.cost += other.cost;
        self.is_partly_unknown |= other.is_partly_unknown;
    }
}

/// What was used of several capabilities.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Used(BTreeMap<Capability, Use>);

impl Used {
    /// Add what was used of one.
    pub fn add(&mut self, capability: Capability, used: Use) {
        self.0.entry(capability).or_default().add(used);
    }

    /// Whether it is known what all of it cost.
    #[must_use]
    pub fn is_known(&self) -> bool {
        !self.0.values().any(|used| used.is_partly_unknown)
    }

    /// What all of it cost, as far as that is known.
    #[must_use]
    pub fn cost(&self) -> Money {
        self.0.values().map(|used| used.cost).sum()
    }

    /// What was used of each.
    pub fn each(&self) -> impl Iterator<Item = (Capability, Use)> {
        self.0.iter().map(|(capability, used)| (*capability, *used))
    }

    /// Add what was used of all of them.
    pub fn add_all(&mut self, others: &Self) {
        for (capability, used) in &others.0 {
            self.add(*capability, *used);
        }
    }
}

/// As parameters of a receipt's entry: `;kv.calls=2;kv.bytes=120;kv.us=310`, with `;embedding.usd=0.00002` where something
/// was paid.
impl fmt::Display for Used {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (capability, Use { calls, bytes, time, cost, is_partly_unknown: _ }) in &self.0 {
            let word = capability.word();
            write!(f, ";{word}.calls={calls};{word}.bytes={bytes};{word}.us={}", time.as_micros())?;
            if *cost > Money::ZERO {
                write!(f, ";{word}.usd={cost}")?;
            }
        }
        Ok(())
    }
}

/// How often the plugins of an exchange have called what: bounds are for an exchange, however often it calls a plugin.
/// Nothing is kept for those that call nothing.
#[derive(Debug, Default)]
pub struct Counts(OnceLock<Arc<CallCounts>>);

/// By installation.
#[derive(Debug, Default)]
pub(crate) struct CallCounts(Mutex<BTreeMap<(Arc<str>, Capability), u64>>);

impl Counts {
    pub(crate) fn shared(&self) -> Arc<CallCounts> {
        self.0.get_or_init(Arc::default).clone()
    }
}

impl CallCounts {
    /// Count one call more, if there may be one.
    pub(crate) fn one_more(&self, plugin: &Arc<str>, capability: Capability, most: u64) -> bool {
        let mut counts = self.counts();
        let count = counts.entry((plugin.clone(), capability)).or_default();
        let is_granted = *count < most;
        *count += u64::from(is_granted);
        is_granted
    }

    fn counts(&self) -> MutexGuard<'_, BTreeMap<(Arc<str>, Capability), u64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_counted_for_each_plugin_and_capability_up_to_the_bound() {
        let counts = Counts::default().shared();
        let (one, other): (Arc<str>, Arc<str>) = ("one".into(), "other".into());
        assert!(counts.one_more(&one, Capability::Kv, 2) && counts.one_more(&one, Capability::Kv, 2));
        assert!(!counts.one_more(&one, Capability::Kv, 2));
        assert!(counts.one_more(&one, Capability::Clock, 1) && counts.one_more(&other, Capability::Kv, 1));
        assert!(!counts.one_more(&other, Capability::Kv, 0));
    }

    #[test]
    fn a_receipt_says_what_was_used() {
        let mut used = Used::default();
        let once = Use { calls: 1, bytes: 60, time: Duration::from_micros(155), ..Use::default() };
        used.add(Capability::Kv, once);
        used.add(Capability::Kv, once);
        used.add(Capability::Clock, Use { calls: 1, ..Use::default() });
        used.add(Capability::Embedding, Use { cost: Money::from_nanodollars(2_500), ..Use::default() });
        let said = ";clock.calls=1;clock.bytes=0;clock.us=0;kv.calls=2;kv.bytes=120;kv.us=310;\
                    embedding.calls=0;embedding.bytes=0;embedding.us=0;embedding.usd=0.0000025";
        assert_eq!(used.to_string(), said);
    }
}
