//! Composition: the shared parts, and the one pointer to the generation that reload swaps.

pub mod reload;

use std::sync::{Arc, Weak};

use arc_swap::ArcSwap;
use tracing::warn;

use crate::auth::Auth;
use crate::cache::Cache;
use crate::caller::Caller;
use crate::capability::Capabilities;
use crate::capability::model::Models;
use crate::config::Settings;
use crate::dialect::Dialect;
use crate::escalation::Desk;
use crate::exchange::Exchange;
use crate::generation::Generation;
use crate::observe::Observers;
use crate::plugin::directory::Broken;
use crate::plugin::{Plugin, Runtime};
use crate::store::counters::{self, Counters};
use crate::trace::Trace;
use crate::upstream::Upstream;

/// The gateway: what all exchanges share.
#[derive(Debug)]
pub struct Gateway {
    /// Connections to providers.
    pub upstream: Upstream,
    /// What runs plugins.
    pub runtime: Arc<Runtime>,
    /// What is known about callers.
    pub auth: Auth,
    /// What was taken of limits and budgets.
    pub counters: Arc<dyn Counters>,
    /// What was handed over to people.
    pub escalations: Arc<Desk>,
    /// Answers that are kept.
    pub cache: Arc<Cache>,
    /// Who is told of exchanges that are over.
    pub observers: Arc<Observers>,
    generation: ArcSwap<Generation>,
    broken: ArcSwap<Vec<Broken>>,
    /// Whoever looks at the directory and puts into service what was found: one after the other, or what is older could
    /// come last.
    reloading: tokio::sync::Mutex<()>,
}

impl Gateway {
    /// A gateway without plugins.
    ///
    /// # Errors
    /// When TLS cannot be set up, the callers cannot be told apart, or the store cannot be opened.
    pub fn new(settings: Settings, runtime: Arc<Runtime>) -> Result<Arc<Self>, String> {
        let upstream = Upstream::new(&settings)?;
        let auth = Auth::open(&settings)?;
        let counters = counters::open(&settings)?;
        let capabilities = Arc::new(Capabilities::new(&settings, &upstream)?);
        let cache = Arc::new(Cache::open(&settings, capabilities.embedders.clone())?);
        runtime.offer(capabilities.clone());
        let observers = Observers::new(&settings, &upstream)?;
        let escalations = Arc::new(Desk::new(&settings.store.path));
        let generation = ArcSwap::from_pointee(Generation::new(1, Arc::new(settings), Vec::new()));
        let broken = ArcSwap::default();
        let reloading = tokio::sync::Mutex::default();
        let gateway = Arc::new(Self {
            upstream,
            runtime,
            auth,
            counters,
            escalations,
            cache,
            observers,
            generation,
            broken,
            reloading,
        });
        let models: Weak<dyn Models> = Arc::<Self>::downgrade(&gateway);
        capabilities.ask_models_through(models);
        Ok(gateway)
    }

    /// The generation that new exchanges begin with.
    #[must_use]
    pub fn generation(&self) -> Arc<Generation> {
        self.generation.load_full()
    }

    /// Put other plugins or settings into service, all at once. Exchanges that have begun keep theirs.
    pub async fn publish(&self, settings: Arc<Settings>, plugins: Vec<Arc<Plugin>>) -> u64 {
        let older = self.generation();
        let is_new = |plugin: &&Arc<Plugin>| !older.plugins.iter().any(|known| Arc::ptr_eq(known, plugin));
        for plugin in plugins.iter().filter(is_new) {
            for note in plugin.installation.notes(&settings) {
                warn!(plugin = &*plugin.name, note, "good to know of an installation");
            }
        }
        self.upstream.health().keep(settings.all_targets().map(|target| &**target));
        self.observers.metrics.knows(&settings);
        let generation = Generation::new(older.number + 1, settings, plugins);
        let generation = generation.with_triggers(&self.runtime, &older).await;
        let number = generation.number;
        self.generation.store(Arc::new(generation));
        number
    }

    /// What in the plugin directory cannot be in service, and why; the last good version of it stays.
    #[must_use]
    pub fn broken(&self) -> Arc<Vec<Broken>> {
        self.broken.load_full()
    }

    /// Begin an exchange for this caller.
    #[must_use]
    pub fn begin(
        &self,
        caller: Arc<Caller>,
        generation: Arc<Generation>,
        dialect: Dialect,
        wants_receipts: bool,
        trace: Trace,
    ) -> Arc<Exchange> {
        let shared = (self.runtime.clone(), self.observers.clone());
        Exchange::begin(caller, generation, shared, dialect, wants_receipts, trace)
    }
}
