//! Configure once, snapshot, fork for each call.
//!
//! A component is instrumented so that its state can be read, instantiated, described and configured; what its
//! memories and globals then hold becomes the initial state of a new component. An instance of that one starts
//! where `configure` ended.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::time::{Instant, timeout_at};
use wasmtime::component::{Component, Instance, Lift, Linker, TypedFunc, WasmList};
use wasmtime::{Engine, Store};
use wasmtime_wizer::{ComponentInstanceState, Wizer};

use super::bindings::exports::sluicegate::plugin::lifecycle;
use super::compiled::Name;
use super::imports::State;
use super::limits::Limits;
use super::patterns::{Compiled, Expressions, Patterns};
use super::run::{Caller, Machine, failure};
use super::segments;

/// A component that was configured, and what it says of itself.
pub(super) struct Configured {
    /// Starts where `configure` ended; or, without a snapshot, the component as it came.
    pub(super) component: Component,
    pub(super) description: lifecycle::Description,
    pub(super) patterns: Arc<Compiled>,
    /// Why each instance must be configured anew, where it must.
    pub(super) not_forked: Option<String>,
    /// It is as it was at an earlier start: nothing was compiled, and `configure` did not run.
    pub(super) was_kept: bool,
    /// Time that compiling took, of the component and of its snapshot; of that only what was not kept.
    pub(super) compiled_in: Duration,
}

/// Reads a configuration against the schema that the plugin described, giving the text for `configure`.
pub(super) type CheckConfig<'a> = &'a (dyn Fn(Option<&str>) -> Result<String, String> + Sync);

/// What is configured.
pub(super) struct Unconfigured<'a> {
    pub(super) wasm: &'a [u8],
    /// All that decides what it becomes, if nothing outside does: then that may be kept until the next start.
    pub(super) identity: Option<Vec<&'a [u8]>>,
}

/// What is kept of one beside its code.
#[derive(Deserialize, Serialize)]
struct Kept {
    name: String,
    version: String,
    summary: String,
    config_schema: Option<String>,
    patterns: Expressions,
    not_forked: Option<String>,
}

/// Configure a component and take its snapshot.
///
/// # Errors
/// A sentence for the operator.
pub(super) async fn configure(
    machine: &Machine,
    caller: &Caller,
    Unconfigured { wasm, identity }: Unconfigured<'_>,
    limits: &Limits,
    check: CheckConfig<'_>,
) -> Result<Configured, String> {
    let kept = identity.and_then(|identity| {
        let parts = [&[&b"configured"[..], env!("CARGO_PKG_VERSION").as_bytes()], &identity[..]].concat();
        Some((machine.compiled.as_ref()?, Name::new(&machine.engine, &parts)))
    });
    if let Some((cache, name)) = &kept
        && let Some((about, component)) = cache.take::<Kept>(&machine.engine, name)
    {
        return about.restored(component);
    }
    let configured = configure_anew(machine, caller, wasm, limits, check, kept.is_some()).await?;
    if let Some((cache, name)) = &kept {
        cache.keep(name, &Kept::of(&configured), &configured.component);
    }
    Ok(configured)
}

async fn configure_anew(
    machine: &Machine,
    caller: &Caller,
    wasm: &[u8],
    limits: &Limits,
    check: CheckConfig<'_>,
    is_kept: bool,
) -> Result<Configured, String> {
    let wizer = Wizer::new();
    let (context, instrumented) = match wizer.instrument_component(wasm) {
        Ok(instrumented) => instrumented,
        Err(error) => {
            let reason = format!("there can be no snapshot of it ({error})");
            return without_snapshot(machine, caller, wasm, limits, check, reason).await;
        }
    };
    let mut compiling = Duration::ZERO;
    let once = (&machine.once.engine, &machine.once.linker);
    let component = timed(&mut compiling, || compile(machine, once.0, &instrumented))?;
    let mut run = start(machine, once, caller, &component, limits, check).await?;
    if run.store.data().holds_handles() {
        let reason = "it holds handles of WASI when it is configured, and a snapshot cannot hold them".to_owned();
        let component = timed(&mut compiling, || compile(machine, &machine.engine, wasm))?;
        return Ok(run.configured(component, Some(reason), compiling));
    }
    // Reading the state runs the guest's accessors; they are ours, but they are paid in fuel.
    run.store.set_fuel(u64::MAX).map_err(|error| error.to_string())?;
    run.store.set_hostcall_fuel(usize::MAX);
    // They copy the memories, into more memory than the guest may have.
    run.store.data_mut().meter.forget_limit();
    let snapshot = {
        let mut reader = Reader { store: &mut run.store, instance: run.instance, problem: None };
        let taken = wizer.snapshot_component(&context, &mut reader).await;
        match (taken, reader.problem) {
            (Ok(snapshot), None) => snapshot,
            (Err(error), _) => return Err(format!("taking the snapshot: {error}")),
            (_, Some(problem)) => return Err(format!("taking the snapshot: {problem}")),
        }
    };
    // What is kept as a whole need not be kept in part.
    let compiled = |wasm: &[u8]| match is_kept {
        true => compile_anew(&machine.engine, wasm),
        false => compile(machine, &machine.engine, wasm),
    };
    let component = timed(&mut compiling, || match segments::joined(&snapshot) {
        Some(joined) => compiled(&joined).or_else(|_| compiled(&snapshot)),
        None => compiled(&snapshot),
    })?;
    Ok(run.configured(component, None, compiling))
}

async fn without_snapshot(
    machine: &Machine,
    caller: &Caller,
    wasm: &[u8],
    limits: &Limits,
    check: CheckConfig<'_>,
    reason: String,
) -> Result<Configured, String> {
    let mut compiling = Duration::ZERO;
    let component = timed(&mut compiling, || compile(machine, &machine.engine, wasm))?;
    let run = start(machine, (&machine.engine, &machine.linker), caller, &component, limits, check).await?;
    Ok(run.configured(component, Some(reason), compiling))
}

/// Work, and add the time that it took.
fn timed<T>(took: &mut Duration, work: impl FnOnce() -> T) -> T {
    let started = Instant::now();
    let done = work();
    *took += started.elapsed();
    done
}

fn compile_anew(engine: &Engine, wasm: &[u8]) -> Result<Component, String> {
    Component::new(engine, wasm).map_err(|error| format!("compiling it: {}", error.root_cause()))
}

/// Compile a component, or take what was made of it at an earlier start.
fn compile(machine: &Machine, engine: &Engine, wasm: &[u8]) -> Result<Component, String> {
    let Some(cache) = &machine.compiled else { return compile_anew(engine, wasm) };
    let name = Name::new(engine, &[b"component", wasm]);
    if let Some(((), component)) = cache.take(engine, &name) {
        return Ok(component);
    }
    let component = compile_anew(engine, wasm)?;
    cache.keep(&name, &(), &component);
    Ok(component)
}

impl Kept {
    fn of(configured: &Configured) -> Self {
        let lifecycle::Description { name, version, summary, config_schema } = configured.description.clone();
        let (patterns, not_forked) = (configured.patterns.expressions(), configured.not_forked.clone());
        Self { name, version, summary, config_schema, patterns, not_forked }
    }

    fn restored(self, component: Component) -> Result<Configured, String> {
        let Self { name, version, summary, config_schema, patterns, not_forked } = self;
        let description = lifecycle::Description { name, version, summary, config_schema };
        Ok(Configured {
            component,
            description,
            patterns: Arc::new(Compiled::of(&patterns)?),
            not_forked,
            was_kept: true,
            compiled_in: Duration::ZERO,
        })
    }
}

/// An instance in which `configure` has run.
struct Run {
    store: Store<State>,
    instance: Instance,
    description: lifecycle::Description,
    patterns: Arc<Compiled>,
}

impl Run {
    fn configured(self, component: Component, not_forked: Option<String>, compiled_in: Duration) -> Configured {
        let Self { description, patterns, .. } = self;
        Configured { component, description, patterns, not_forked, was_kept: false, compiled_in }
    }
}

async fn start(
    machine: &Machine,
    (engine, linker): (&Engine, &Linker<State>),
    caller: &Caller,
    component: &Component,
    limits: &Limits,
    check: CheckConfig<'_>,
) -> Result<Run, String> {
    let pre = linker.instantiate_pre(component).map_err(|error| format!("linking it: {error:#}"))?;
    let exports = lifecycle::GuestIndices::new(&pre).map_err(|error| format!("linking `lifecycle`: {error:#}"))?;
    let mut store = machine.store(engine, caller, limits, Patterns::none()).map_err(|error| error.to_string())?;
    store.data_mut().granted = caller.granted.clone();
    // From now on: what compiling took is no fault of the plugin's.
    let deadline = Instant::now() + limits.wall;
    let running = async {
        let instance = pre.instantiate_async(&mut store).await.map_err(|error| ("starting it", error))?;
        let guest = exports.load(&mut store, &instance).map_err(|error| ("linking `lifecycle`", error))?;
        let description = guest.call_describe(&mut store).await.map_err(|error| ("`describe`", error))?;
        let config = match check(description.config_schema.as_deref()) {
            Ok(config) => config,
            Err(wrong) => return Ok(Err(wrong)),
        };
        store.data_mut().patterns = Patterns::Compiling(Compiled::default());
        let configured = guest.call_configure(&mut store, &config).await.map_err(|error| ("`configure`", error))?;
        Ok(match configured {
            Ok(()) => Ok((instance, description)),
            Err(wrong) => Err(format!("the plugin refuses its configuration: {wrong}")),
        })
    };
    let ended = timeout_at(deadline, running).await;
    store.data_mut().log_output();
    let (instance, description) = match ended {
        Ok(Ok(configured)) => configured?,
        Ok(Err((doing, error))) => {
            let failure = failure(&error, &store.data().meter);
            return Err(format!("{doing} ended: {}: {}", failure.outcome.word(), failure.detail));
        }
        Err(_) => return Err(format!("`configure` did not end within {} s", limits.wall.as_secs())),
    };
    let patterns = std::mem::replace(&mut store.data_mut().patterns, Patterns::none()).compiled();
    Ok(Run { store, instance, description, patterns })
}

/// Lets wizer read an instance. Its trait has no errors: the first problem is kept, and what follows is void.
struct Reader<'a> {
    store: &'a mut Store<State>,
    instance: Instance,
    problem: Option<String>,
}

impl Reader<'_> {
    async fn call<R: Lift + Send + Sync + 'static>(&mut self, instance: &str, func: &str) -> Option<R> {
        let called = async {
            let missing = || wasmtime::Error::msg("an accessor is missing");
            let exported = self.instance.get_export_index(&mut *self.store, None, instance).ok_or_else(missing)?;
            let index = self.instance.get_export_index(&mut *self.store, Some(&exported), func).ok_or_else(missing)?;
            let func: TypedFunc<(), (R,)> = self.instance.get_typed_func(&mut *self.store, index)?;
            func.call_async(&mut *self.store, ()).await
        };
        match called.await {
            Ok((value,)) => Some(value),
            Err(error) => {
                self.problem.get_or_insert(error.to_string());
                None
            }
        }
    }
}

impl ComponentInstanceState for Reader<'_> {
    async fn call_func_ret_list_u8(&mut self, instance: &str, func: &str, contents: impl FnOnce(&[u8]) + Send) {
        match self.call::<WasmList<u8>>(instance, func).await {
            Some(list) => contents(list.as_le_slice(&*self.store)),
            None => contents(&[]),
        }
    }

    async fn call_func_ret_s32(&mut self, instance: &str, func: &str) -> i32 {
        self.call(instance, func).await.unwrap_or_default()
    }

    async fn call_func_ret_s64(&mut self, instance: &str, func: &str) -> i64 {
        self.call(instance, func).await.unwrap_or_default()
    }

    async fn call_func_ret_f32(&mut self, instance: &str, func: &str) -> u32 {
        self.call::<f32>(instance, func).await.unwrap_or_default().to_bits()
    }

    async fn call_func_ret_f64(&mut self, instance: &str, func: &str) -> u64 {
        self.call::<f64>(instance, func).await.unwrap_or_default().to_bits()
    }
}
