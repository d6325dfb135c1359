//! wasmtime's configuration, each flag with its reason.

use super::functions;
use wasmtime::{
    Config, Enabled, Engine, InstanceAllocationStrategy, OptLevel, PoolingAllocationConfig, WasmBacktraceDetails,
};

/// Bounds of one component that the engine itself enforces, whatever an installation says.
///
/// The pool reserves address space for all of them at start, so they are fixed for the life of the process.
pub mod ceiling {
    /// Forks that live at the same moment. More calls wait. Each may reserve 4 GiB of address space for
    /// each memory, of which x86-64 has 128 TiB.
    pub const INSTANCES: u32 = 256;
    /// Bytes of one linear memory. Languages with a runtime need some ten megabytes; a guardrail that
    /// needs more than this belongs behind an API of its own.
    pub const MEMORY_BYTES: usize = 256 << 20;
    /// Linear memories of one component. A Rust or C component has one, one with a WASI adapter two.
    pub const MEMORIES: u32 = 4;
    /// Tables of one component: one for each core module, plus those of the wrapping.
    pub const TABLES: u32 = 16;
    /// Elements of one table: the functions called through pointers. CPython has about 11,000.
    pub const TABLE_ELEMENTS: usize = 65_536;
    /// Core instances of one component. `componentize-py` makes about twenty.
    pub const CORE_INSTANCES: u32 = 40;
    /// Bytes of stack that a guest may use. The Wasm default of 512 KiB, of which Rust guests use little:
    /// their own stack is in linear memory.
    pub const STACK_BYTES: usize = 512 << 10;
}

/// How hard compiling is worked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Compiling {
    /// On the thread that loads plugins and gives way to calls.
    Gently,
    /// On all processors, and a function that was compiled before is not compiled again.
    Quickly,
}

/// Bytes of stack for each fork: the guest's, and what host functions need on top of it.
const FIBER_STACK_BYTES: usize = ceiling::STACK_BYTES + (512 << 10);

/// The engine for all plugins of a process.
///
/// # Errors
/// When the pool's address space cannot be reserved, for example under `ulimit -v`.
pub(super) fn engine(compiling: Compiling) -> wasmtime::Result<Engine> {
    let mut config = config(compiling)?;
    config.cranelift_opt_level(OptLevel::Speed);
    // The semaphore in front of the pool counts calls: whatever a component has, there is room for all of them, and for
    // what loads beside them.
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool(ceiling::INSTANCES + LOADING)));
    Engine::new(&config)
}

/// An engine for what runs once: the same in all that a guest can notice, but its code is compiled in a fraction of the time.
///
/// # Errors
/// When the pool's address space cannot be reserved.
pub(super) fn once(compiling: Compiling) -> wasmtime::Result<Engine> {
    let mut config = config(compiling)?;
    config.cranelift_opt_level(OptLevel::None);
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool(LOADING)));
    Engine::new(&config)
}

fn config(compiling: Compiling) -> wasmtime::Result<Config> {
    let mut config = Config::new();
    config.parallel_compilation(compiling == Compiling::Quickly);
    if compiling == Compiling::Quickly {
        config.enable_incremental_compilation(functions::remembered())?;
    }
    // The exact bound of a call: the same call burns the same fuel everywhere. It also makes the guest
    // yield, so that a timeout can drop it.
    config.consume_fuel(true);
    // Verdicts are pure functions: no bit of a NaN and no relaxed instruction may depend on the machine.
    config.cranelift_nan_canonicalization(true);
    config.wasm_relaxed_simd(false);
    // What a text filter does not need is what this year's advisories were about. Threads, exceptions, GC and
    // the asynchronous component model are not even compiled in.
    config.wasm_memory64(false);
    config.wasm_tail_call(false);
    config.concurrency_support(false);
    // A fork maps the snapshot copy on write instead of copying it.
    config.memory_init_cow(true);
    // The table of functions is filled as functions are called, not for each fork.
    config.table_lazy_init(true);
    // Guest code is not profiled natively and has no panics to unwind; without the tables a plugin takes
    // less memory. Backtraces stay: an author needs them when a plugin traps.
    config.native_unwind_info(false);
    config.wasm_backtrace_details(WasmBacktraceDetails::Disable);
    config.max_wasm_stack(ceiling::STACK_BYTES);
    config.async_stack_size(FIBER_STACK_BYTES);
    Ok(config)
}

/// Instances in which plugins are configured while calls have all their places: one plugin loads at a time.
const LOADING: u32 = 4;

fn pool(instances: u32) -> PoolingAllocationConfig {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(instances);
    pool.total_stacks(instances);
    pool.total_memories(instances * ceiling::MEMORIES);
    pool.total_tables(instances * ceiling::TABLES);
    pool.total_core_instances(instances * ceiling::CORE_INSTANCES);
    pool.max_memories_per_component(ceiling::MEMORIES);
    pool.max_memories_per_module(1);
    pool.max_tables_per_component(ceiling::TABLES);
    pool.max_tables_per_module(4);
    pool.max_core_instances_per_component(ceiling::CORE_INSTANCES);
    pool.max_memory_size(ceiling::MEMORY_BYTES);
    pool.table_elements(ceiling::TABLE_ELEMENTS);
    // Pages that a call is likely to dirty again stay mapped and are set back by copying: for such small
    // counts that is cheaper than unmapping them and taking the page faults at the next fork.
    pool.linear_memory_keep_resident(KEEP_RESIDENT_BYTES);
    pool.table_keep_resident(16 << 10);
    pool.async_stack_keep_resident(32 << 10);
    // One slot can serve any plugin; slots that were used last are used first.
    pool.max_unused_warm_slots(instances);
    // It does not reset swapped pages in version 48.
    pool.pagemap_scan(Enabled::No);
    pool
}

/// Bytes of each memory set back by copying. A snapshot of a Rust guardrail is 100 KB to 300 KB.
const KEEP_RESIDENT_BYTES: usize = 512 << 10;
