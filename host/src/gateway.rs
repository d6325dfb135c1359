//! Composition: the shared parts, the generation, and the one pointer that reload swaps.

pub mod reload;

use std::sync::Arc;

use arc_swap::ArcSwap;

use crate::chat::Phase;
use crate::config::{Mode, Settings};
use crate::exchange::Exchange;
use crate::plugin::directory::Broken;
use crate::plugin::{Plugin, Runtime};
use crate::upstream::Upstream;

/// One consistent set of plugins and settings. An exchange keeps the one that it began with.
#[derive(Debug)]
pub struct Generation {
    /// Counts up from 1.
    pub number: u64,
    /// The settings.
    pub settings: Arc<Settings>,
    /// All loaded plugins, in the order in which they run.
    pub plugins: Vec<Arc<Plugin>>,
}

impl Generation {
    /// A generation with its plugins in order.
    #[must_use]
    pub fn new(number: u64, settings: Arc<Settings>, mut plugins: Vec<Arc<Plugin>>) -> Self {
        plugins.sort_by(|a, b| (a.installation.order, &a.name).cmp(&(b.installation.order, &b.name)));
        Self { number, settings, plugins }
    }

    /// The plugins that are called in this phase, in order.
    pub fn in_force(&self, phase: Phase) -> impl Iterator<Item = &Arc<Plugin>> {
        self.plugins.iter().filter(move |plugin| {
            let installation = &plugin.installation;
            let concerned = match phase {
                Phase::Request => installation.on_request,
                Phase::Answer => installation.on_answer,
            };
            concerned && installation.mode != Mode::Off
        })
    }
}

/// The gateway: what all exchanges share.
#[derive(Debug)]
pub struct Gateway {
    /// Connections to providers.
    pub upstream: Upstream,
    /// What runs plugins.
    pub runtime: Arc<Runtime>,
    generation: ArcSwap<Generation>,
    broken: ArcSwap<Vec<Broken>>,
}

impl Gateway {
    /// A gateway without plugins.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn new(settings: Settings, runtime: Arc<Runtime>) -> Result<Self, String> {
        let upstream = Upstream::new(&settings)?;
        let generation = ArcSwap::from_pointee(Generation::new(1, Arc::new(settings), Vec::new()));
        Ok(Self { upstream, runtime, generation, broken: ArcSwap::default() })
    }

    /// The generation that new exchanges begin with.
    #[must_use]
    pub fn generation(&self) -> Arc<Generation> {
        self.generation.load_full()
    }

    /// Put other plugins or settings into service, all at once. Exchanges that have begun keep theirs.
    pub fn publish(&self, settings: Arc<Settings>, plugins: Vec<Arc<Plugin>>) -> u64 {
        let number = self.generation.load().number + 1;
        self.generation.store(Arc::new(Generation::new(number, settings, plugins)));
        number
    }

    /// What in the plugin directory cannot be in service, and why; the last good version of it stays.
    #[must_use]
    pub fn broken(&self) -> Arc<Vec<Broken>> {
        self.broken.load_full()
    }

    /// Begin an exchange.
    #[must_use]
    pub fn begin(&self, wants_receipts: bool) -> Arc<Exchange> {
        Exchange::begin(self.generation(), self.runtime.clone(), wants_receipts)
    }
}
