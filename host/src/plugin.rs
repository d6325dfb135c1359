//! The face of the Wasm side: load a plugin, call it, read what it said and what that took. Everything else in
//! the host uses only this.

mod anatomy;
mod bindings;
mod breaker;
mod call;
mod compiled;
mod convert;
pub mod directory;
mod engine;
mod expression;
mod functions;
mod imports;
mod limits;
mod load;
mod loader;
mod memo;
mod patterns;
mod prefilter;
mod probe;
mod receipt;
mod run;
mod scans;
mod segments;
mod set;
mod snapshot;
mod triggers;
mod wasi;
mod work;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::Instant;

pub use anatomy::{Anatomy, Form};
pub use call::Inspected;
pub use compiled::CompiledCache;
pub use engine::ceiling;
pub use limits::{Limits, TEXT_UNIT_BYTES};
pub use load::{Source, digest};
pub use receipt::{Decision, Edited, Found, Outcome, Receipt, header, summary};
pub use run::Failure;
pub use triggers::Triggers;

use crate::capability::model::Origin;
use crate::capability::{Capabilities, Counts};
use crate::config::Installation;
use crate::generation::Generation;
use crate::trace::Trace;
use bindings::exports::sluicegate::plugin::{
    answer_guardrail, cache, lifecycle, request_guardrail, router, text_guardrail,
};
use breaker::Breaker;
use engine::Compiling;
use imports::State;
use loader::Loader;
use memo::Memo;
use run::Machine;

/// What all plugins of a process share: the engine with its pool, and the remembered verdicts.
pub struct Runtime {
    machine: Machine,
    loader: Loader,
    memo: Memo,
    services: OnceLock<Arc<Capabilities>>,
}

impl std::fmt::Debug for Runtime {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Runtime").finish_non_exhaustive()
    }
}

impl Runtime {
    /// Reserve the pool, and room for `memo_bytes` of remembered verdicts.
    ///
    /// # Errors
    /// When the address space for the pool cannot be reserved, or there can be no thread to load plugins on.
    pub fn new(memo_bytes: u64) -> Result<Self, String> {
        Self::compiling(Compiling::Gently, memo_bytes)
    }

    /// The same, in a process that does little beside compiling.
    ///
    /// # Errors
    /// As of [`Self::new`].
    pub fn for_authors() -> Result<Self, String> {
        Self::compiling(Compiling::Quickly, 0)
    }

    fn compiling(compiling: Compiling, memo_bytes: u64) -> Result<Self, String> {
        let machine = Machine::new(compiling).map_err(|error| format!("reserving memory for plugins: {error:#}"))?;
        let loader = Loader::start().map_err(|error| format!("starting the loader: {error}"))?;
        Ok(Self { machine, loader, memo: Memo::new(memo_bytes), services: OnceLock::new() })
    }

    /// Keep compiled components there.
    #[must_use]
    pub fn keeping_compiled(mut self, cache: CompiledCache) -> Self {
        self.machine.compiled = Some(cache);
        self
    }

    /// Keep what plugins write for [`Self::heard`], in place of the log.
    #[must_use]
    pub fn hearing(mut self) -> Self {
        self.machine.heard = Some(imports::Heard::default());
        self
    }

    /// What plugins have written since this was last asked, a line each with its level: the last lines, if there are many.
    #[must_use]
    pub fn heard(&self) -> Vec<String> {
        self.machine.heard.as_ref().map(imports::Heard::take).unwrap_or_default()
    }

    /// From now on, what installations grant is done by these services; the first that are offered stay.
    pub fn offer(&self, services: Arc<Capabilities>) {
        let _ = self.services.set(services);
    }

    /// What they are; without any, there is only what needs none.
    fn services(&self) -> Arc<Capabilities> {
        self.services.get().cloned().unwrap_or_else(|| Arc::new(Capabilities::for_trials(Arc::default())))
    }

    /// What of the pool is in use at this moment.
    #[must_use]
    pub fn pool(&self) -> Pool {
        self.machine.pool()
    }
}

/// The version of the contract that this gateway runs.
pub const CONTRACT: &str = anatomy::VERSION;

/// What a file is, before anything of it runs.
///
/// # Errors
/// What the file is instead, and how to mend it.
pub fn outline(file: &[u8]) -> Result<Anatomy, String> {
    anatomy::read(file).map(|(anatomy, _)| anatomy)
}

/// What of the pool is in use: all zero when no plugin runs or loads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pool {
    /// Calls that have one of the [`ceiling::INSTANCES`] places.
    pub calls: usize,
    /// Instances of components: those of calls, and those of plugins that load.
    pub instances: usize,
    /// Linear memories.
    pub memories: usize,
    /// Tables.
    pub tables: usize,
    /// Stacks.
    pub stacks: usize,
}

/// A loaded plugin: a component, configured, ready to be forked.
#[derive(Clone)]
pub struct Plugin {
    /// How it is installed.
    pub installation: Installation,
    /// The installation's name, shared by receipts.
    pub name: Arc<str>,
    /// SHA-256 of the component's file, in hexadecimal.
    pub digest: String,
    /// Its first digits, shared by receipts.
    pub short_digest: Arc<str>,
    /// What the component says of itself.
    pub description: Description,
    /// What it imports and exports.
    pub anatomy: Anatomy,
    /// Why each instance must be configured anew, where no snapshot could be taken.
    pub not_forked: Option<String>,
    /// It was loaded as it was compiled, configured and snapshotted at an earlier start.
    pub was_kept: bool,
    /// Time that compiling it took.
    pub compiled_in: Duration,
    source: load::SourceKey,
    exports: Arc<Exports>,
    instance: wasmtime::component::InstancePre<State>,
    patterns: Arc<patterns::Compiled>,
    identity: Arc<[u8]>,
    pure: bool,
    /// Whether it was loaded with anything granted.
    asks: bool,
    breaker: Arc<Breaker>,
    /// For its calls that wait for a service.
    waits: Arc<Semaphore>,
}

impl std::fmt::Debug for Plugin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Plugin").field("name", &self.name).field("digest", &self.short_digest).finish_non_exhaustive()
    }
}

impl Plugin {
    /// Where the instance of each call comes from, in a word or two.
    #[must_use]
    pub fn way_of_instances(&self) -> &'static str {
        if self.not_forked.is_none() { "forked from a snapshot" } else { "configured for each call" }
    }

    /// The same with the reason, where there is no snapshot.
    #[must_use]
    pub fn instances(&self) -> String {
        let way = self.way_of_instances();
        self.not_forked.as_ref().map_or_else(|| way.to_owned(), |why| format!("{way}: {why}"))
    }
}

/// What a component says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    /// Its name.
    pub name: String,
    /// Its semantic version.
    pub version: String,
    /// One sentence.
    pub summary: String,
}

/// Where the exports are that the host calls.
struct Exports {
    lifecycle: lifecycle::GuestIndices,
    text: Option<text_guardrail::GuestIndices>,
    request: Option<request_guardrail::GuestIndices>,
    answer: Option<answer_guardrail::GuestIndices>,
    router: Option<router::GuestIndices>,
    cache: Option<cache::GuestIndices>,
}

/// On whose behalf a plugin is called, and until when it may run.
#[derive(Clone, Copy, Debug)]
pub struct Calling<'a> {
    /// The exchange's id.
    pub exchange: &'a Arc<str>,
    /// The partition whose remembered verdicts and values count.
    pub tenant: &'a Arc<str>,
    /// How often the plugins of the exchange have called what was granted.
    pub counts: &'a Counts,
    /// When the guardrails of this phase must be done.
    pub deadline: Instant,
    /// What triggers any of the prefilters of this phase, if that is known.
    pub triggers: Option<&'a Arc<Triggers>>,
    /// In whose name models may be asked, if they may.
    pub behalf: Option<Behalf<'a>>,
}

/// In whose name models may be asked.
#[derive(Clone, Copy, Debug)]
pub struct Behalf<'a> {
    /// Who pays.
    pub caller: &'a Arc<crate::caller::Caller>,
    /// The plugins and settings of the exchange.
    pub generation: &'a Arc<Generation>,
    /// Where the exchange stands in a trace.
    pub trace: &'a Trace,
}

impl Calling<'_> {
    /// In whose name models may be asked, for whoever keeps it.
    fn origin(&self, plugin: &Arc<str>) -> Option<Origin> {
        let Behalf { caller, generation, trace } = self.behalf?;
        let (exchange, plugin) = (self.exchange.clone(), plugin.clone());
        let (caller, generation) = (caller.clone(), generation.clone());
        Some(Origin { exchange, plugin, caller, generation, trace: trace.clone(), bill: Arc::default() })
    }
}

impl Plugin {
    /// The same code as another installation allows it, where that one asks for something that cannot be loaded: what was
    /// taken away is gone, and what is newly granted is not for this code.
    fn restrained(&self, by: &Installation) -> Self {
        let mut restrained = self.clone();
        // Who finds out whether it is well holds on to the one before it.
        restrained.breaker = Arc::new(self.source.breaker());
        restrained.installation.mode = by.mode;
        restrained.installation.grants = Arc::new(self.installation.grants.restrained(&by.grants));
        restrained
    }

    /// Whether it may do less than it was loaded for.
    fn is_restrained(&self) -> bool {
        !self.source.is_of(&self.installation)
    }

    /// Whether it inspects text.
    #[must_use]
    pub fn inspects_text(&self) -> bool {
        self.exports.text.is_some()
    }

    /// Whether it judges whole requests.
    #[must_use]
    pub fn checks_requests(&self) -> bool {
        self.exports.request.is_some()
    }

    /// Whether it judges whole answers.
    #[must_use]
    pub fn checks_answers(&self) -> bool {
        self.exports.answer.is_some()
    }

    /// Whether it is a guardrail of any kind.
    #[must_use]
    pub fn inspects(&self) -> bool {
        self.inspects_text() || self.checks_requests() || self.checks_answers()
    }

    /// Whether it decides who answers.
    #[must_use]
    pub fn routes(&self) -> bool {
        self.exports.router.is_some()
    }

    /// Whether it decides what may be answered from memory.
    #[must_use]
    pub fn caches(&self) -> bool {
        self.exports.cache.is_some()
    }

    /// What its verdicts depend on beside what it is given: digests of component and configuration.
    #[must_use]
    pub fn identity(&self) -> &[u8] {
        &self.identity
    }

    /// Whether it says the same of the same: it has no clock, and keeps nothing.
    #[must_use]
    pub fn is_pure(&self) -> bool {
        self.pure
    }

    /// Whether its failures have taken it out for the moment.
    #[must_use]
    pub fn is_taken_out(&self) -> bool {
        self.breaker.is_open()
    }
}
