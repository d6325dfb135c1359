//! One call: wait for a place, fork, call, and account for what it took.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};
use wasmtime::component::{Instance, InstancePre, Linker};
use wasmtime::{Engine, PoolConcurrencyLimitError, Store, Trap};
use wasmtime_wasi::I32Exit;

use super::Pool;
use super::compiled::CompiledCache;
use super::engine::{self, Compiling, ceiling};
use super::imports::{self, Granted, Heard, LogLines, State};
use super::limits::{Limits, Meter};
use super::patterns::Patterns;
use super::receipt::Outcome;
use super::scans::Scans;
use crate::capability::Used;

/// Fuel between two yields to the other exchanges: about 15 microseconds of guest code. Less, and yielding is felt;
/// more, and a guest that touches a fresh page with every few instructions keeps others waiting.
pub(super) const YIELD_FUEL: u64 = 50_000;

/// What all plugins of a process share: the engine, what guests may import, and the places in the pool.
pub(super) struct Machine {
    pub(super) engine: Engine,
    pub(super) linker: Linker<State>,
    /// Where components run once, to be configured.
    pub(super) once: Once,
    pub(super) scans: Scans,
    /// Where compiled components are kept, if they are.
    pub(super) compiled: Option<CompiledCache>,
    /// Who reads what plugins write, in place of the log.
    pub(super) heard: Option<Heard>,
    places: Semaphore,
}

/// An engine for code that runs once: compiling it well would take longer than it runs.
pub(super) struct Once {
    pub(super) engine: Engine,
    pub(super) linker: Linker<State>,
}

/// What a call is for, and until when it may run.
pub(super) struct Caller {
    pub(super) plugin: Arc<str>,
    pub(super) exchange: Option<Arc<str>>,
    pub(super) deadline: Instant,
    /// What it may use, if anything.
    pub(super) granted: Option<Box<Granted>>,
}

impl Caller {
    /// For a plugin that is loaded or tried out, and has nothing but what every plugin has.
    pub(super) fn without_exchange(plugin: Arc<str>, deadline: Instant) -> Self {
        Self { plugin, exchange: None, deadline, granted: None }
    }
}

/// What a call took.
#[derive(Clone, Debug, Default)]
pub(super) struct Spent {
    pub(super) fuel: u64,
    pub(super) time: Duration,
    pub(super) memory_bytes: usize,
    /// Of what was granted.
    pub(super) used: Used,
    /// It was refused a service because it was only tried out.
    pub(super) was_refused: bool,
    /// It was refused memory.
    pub(super) lacked_memory: bool,
}

/// How a call failed, with words for the operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What kind of failure it is.
    pub outcome: Outcome,
    /// What happened.
    pub detail: String,
    /// Whether code of the plugin ran: a call that never began says nothing about it.
    pub ran: bool,
}

impl Failure {
    pub(super) fn new(outcome: Outcome, detail: impl Into<String>) -> Self {
        Self { outcome, detail: detail.into(), ran: false }
    }
}

/// What to do in a fresh instance. A trait and not a closure, because the future borrows the store.
pub(super) trait Work {
    /// What the call gives.
    type Said: Send;

    /// Call the guest.
    fn run(
        self,
        store: &mut Store<State>,
        instance: &Instance,
    ) -> impl Future<Output = wasmtime::Result<Self::Said>> + Send;
}

impl Machine {
    /// # Errors
    /// When the pool cannot be reserved.
    pub(super) fn new(compiling: Compiling) -> wasmtime::Result<Self> {
        let (engine, once) = (engine::engine(compiling)?, engine::once(compiling)?);
        let mut linker = Linker::new(&engine);
        imports::link(&mut linker)?;
        let mut once = Once { linker: Linker::new(&once), engine: once };
        imports::link(&mut once.linker)?;
        Ok(Self {
            engine,
            linker,
            once,
            scans: Scans::new(),
            compiled: None,
            heard: None,
            places: Semaphore::new(ceiling::INSTANCES as usize),
        })
    }

    pub(super) fn pool(&self) -> Pool {
        let free = self.places.available_permits();
        let calls = (ceiling::INSTANCES as usize).saturating_sub(free);
        let Some(metrics) = self.engine.pooling_allocator_metrics() else { return Pool { calls, ..Pool::default() } };
        Pool {
            calls,
            instances: usize::try_from(metrics.component_instances()).unwrap_or(usize::MAX),
            memories: metrics.memories(),
            tables: metrics.tables(),
            stacks: metrics.stacks(),
        }
    }

    /// A store with nothing in it yet.
    ///
    /// # Errors
    /// When the engine does not count fuel, which it does.
    pub(super) fn store(
        &self,
        engine: &Engine,
        caller: &Caller,
        limits: &Limits,
        patterns: Patterns,
    ) -> wasmtime::Result<Store<State>> {
        let state = State {
            meter: Meter::new(limits.memory_bytes),
            patterns,
            scans: self.scans.clone(),
            log: LogLines::new(caller.plugin.clone(), caller.exchange.clone(), self.heard.clone()),
            wasi: None,
            handles: limits.handles,
            granted: None,
            fuel_at_yield: limits.fuel,
        };
        let mut store = Store::new(engine, state);
        store.limiter(|state| &mut state.meter);
        store.set_fuel(limits.fuel)?;
        store.fuel_async_yield_interval(Some(YIELD_FUEL))?;
        store.set_hostcall_fuel(limits.result_bytes);
        Ok(store)
    }

    /// Run `work` in a fresh instance of `component`, which is gone afterwards.
    pub(super) async fn call<W: Work>(
        &self,
        component: &InstancePre<State>,
        caller: &mut Caller,
        limits: &Limits,
        patterns: Patterns,
        work: W,
    ) -> (Result<W::Said, Failure>, Spent) {
        let started = Instant::now();
        let deadline = caller.deadline.min(started + limits.wall);
        let Ok(Ok(_place)) = timeout_at(deadline, self.places.acquire()).await else {
            let spent = Spent { time: started.elapsed(), ..Spent::default() };
            return (Err(Failure::new(Outcome::TimedOut, "waiting for a place in the pool")), spent);
        };
        // The engine looks at the fuel at each call and each turn of a loop, so the last instructions may be on credit,
        // and it does not say how much. With one unit more than the limit, a call has kept to the limit if that unit is
        // left.
        let store = self.store(&self.engine, caller, limits, patterns).and_then(|mut store| {
            store.set_fuel(limits.fuel.saturating_add(1))?;
            store.data_mut().granted = caller.granted.take();
            Ok(store)
        });
        let mut store = match store {
            Ok(store) => store,
            Err(error) => return (Err(Failure::new(Outcome::Refused, error.to_string())), Spent::default()),
        };
        let running = async {
            let instance = component.instantiate_async(&mut store).await?;
            work.run(&mut store, &instance).await
        };
        let ended = timeout_at(deadline, running).await;
        store.data_mut().log_output();
        let left = store.get_fuel().unwrap_or_default();
        let spent = Spent {
            fuel: limits.fuel.saturating_sub(left.saturating_sub(1)),
            time: Duration::ZERO,
            memory_bytes: store.data().meter.peak_bytes(),
            lacked_memory: store.data().meter.refused(),
            was_refused: store.data().granted.as_ref().is_some_and(|granted| granted.was_refused),
            used: store.data_mut().granted.take().map(|granted| granted.used()).unwrap_or_default(),
        };
        let said = match ended {
            Ok(Ok(_)) if left == 0 => Err(Failure::new(Outcome::OutOfFuel, Trap::OutOfFuel.to_string())),
            Ok(Ok(said)) => Ok(said),
            Ok(Err(error)) => Err(failure(&error, &store.data().meter)),
            Err(_) => Err(Failure::new(Outcome::TimedOut, out_of_time(caller, limits, deadline))),
        };
        // To take an instance down is part of what it costs.
        drop(store);
        let spent = Spent { time: started.elapsed(), ..spent };
        (said.map_err(|failure| Failure { ran: spent.fuel > 0, ..failure }), spent)
    }
}

/// Whose time was up: the operator has to know which number to change.
fn out_of_time(caller: &Caller, limits: &Limits, deadline: Instant) -> String {
    match deadline < caller.deadline {
        true => format!("after {} ms", limits.wall.as_millis()),
        false => "the time for all guardrails of the exchange was up".to_owned(),
    }
}

/// The number that an operator may want to change, and what came of it.
pub(super) fn out_of_memory(bytes_max: usize, detail: &str) -> String {
    format!("it was refused more memory than {bytes_max} bytes; {detail}")
}

/// What kind of failure an error of wasmtime is. Its types tell; its words are for people.
pub(super) fn failure(error: &wasmtime::Error, meter: &Meter) -> Failure {
    let trap = error.downcast_ref::<Trap>();
    let outcome = match trap {
        Some(Trap::OutOfFuel) => Outcome::OutOfFuel,
        // A guest that was refused memory usually aborts a moment later.
        _ if meter.refused() => Outcome::OutOfMemory,
        Some(_) => Outcome::Trapped,
        // A guest that ends the program that it thinks it is has said nothing either.
        None if error.is::<I32Exit>() => Outcome::Trapped,
        None if error.is::<PoolConcurrencyLimitError>() => Outcome::Refused,
        None => Outcome::Malformed,
    };
    // The outermost words are a backtrace of guest functions; the innermost say what happened.
    let detail = trap.map_or_else(|| error.root_cause().to_string(), ToString::to_string);
    Failure::new(
        outcome,
        match outcome {
            Outcome::OutOfMemory => out_of_memory(meter.bytes_max(), &detail),
            _ => detail,
        },
    )
}
