//! What a guest can call: `log`, `patterns`, the harmless part of WASI, and what its installation grants. Each call is priced in fuel by
//! the bytes that it makes the host handle, so that a flood of them ends like any other loop.

mod granted;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tracing::{debug, error, info, warn};
use wasmtime::component::{Linker, WasmList, WasmStr};
use wasmtime::{StoreContextMut, Trap};
use wasmtime_wasi::{WasiCtxView, WasiView};

pub(super) use granted::{Granted, WAITS_MAX};

use super::bindings::sluicegate::plugin::log::Level;
use super::bindings::sluicegate::plugin::patterns::Match;
use super::bindings::sluicegate::plugin::types::Span;
use super::limits::Meter;
use super::patterns::{self, Patterns};
use super::run::YIELD_FUEL;
use super::scans::Scans;
use super::set::Found;
use super::wasi::Wasi;

/// Fuel for entering the host at all.
const CALL_FUEL: u64 = 200;
/// Fuel for a byte of a log line: escaping and writing it costs about that many instructions.
const LOG_BYTE_FUEL: u64 = 20;
/// Lines that one call may write; the rest is counted and dropped.
const LOG_LINES_MAX: u32 = 16;
/// Bytes of a line that are kept.
const LOG_LINE_BYTES_MAX: usize = 512;
/// Lines that are kept until an author reads them.
const HEARD_MAX: usize = 64;

/// What the host keeps for one instance.
pub(super) struct State {
    pub(super) meter: Meter,
    pub(super) patterns: Patterns,
    pub(super) scans: Scans,
    pub(super) log: LogLines,
    /// Made when a guest first asks for it: most never do.
    pub(super) wasi: Option<Box<Wasi>>,
    pub(super) handles: usize,
    /// What the exchange grants; nothing where there is no exchange, or nothing is granted.
    pub(super) granted: Option<Box<Granted>>,
    /// The fuel that was left when the guest last gave way to the other exchanges.
    pub(super) fuel_at_yield: u64,
}

impl State {
    /// Whether the guest is configured, for no exchange.
    pub(super) fn is_loading(&mut self, is: bool) {
        if let Some(granted) = &mut self.granted {
            granted.is_loading = is;
        }
    }

    /// Whether the guest has something open that only this instance knows.
    pub(super) fn holds_handles(&self) -> bool {
        self.wasi.as_ref().is_some_and(|wasi| wasi.holds_handles())
    }

    /// Move what the guest printed into the log, a line each.
    pub(super) fn log_output(&mut self) {
        let Some(wasi) = &self.wasi else { return };
        for line in String::from_utf8_lossy(&wasi.take_output()).lines().filter(|line| !line.trim().is_empty()) {
            self.log.write(Level::Info, line);
        }
    }
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        self.wasi.get_or_insert_with(|| Box::new(Wasi::new(self.handles))).view()
    }
}

/// Lines that plugins have written and nobody has read yet, in place of the log: the latest.
#[derive(Clone, Default)]
pub(super) struct Heard(Arc<Mutex<VecDeque<String>>>);

impl Heard {
    fn write(&self, level: Level, line: &str) {
        let mut lines = self.lines();
        if lines.len() == HEARD_MAX {
            lines.pop_front();
        }
        let level = match level {
            Level::Debug => "debug",
            Level::Info => "info",
            Level::Warn => "warn",
            Level::Error => "error",
        };
        lines.push_back(format!("{level}: {line}"));
    }

    pub(super) fn take(&self) -> Vec<String> {
        self.lines().drain(..).collect()
    }

    fn lines(&self) -> MutexGuard<'_, VecDeque<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whose lines these are, and how many it may still write.
pub(super) struct LogLines {
    pub(super) plugin: Arc<str>,
    pub(super) exchange: Option<Arc<str>>,
    /// Who reads them in place of the log.
    heard: Option<Heard>,
    left: u32,
}

impl LogLines {
    pub(super) fn new(plugin: Arc<str>, exchange: Option<Arc<str>>, heard: Option<Heard>) -> Self {
        Self { plugin, exchange, heard, left: LOG_LINES_MAX }
    }

    pub(super) fn write(&mut self, level: Level, message: &str) {
        if self.left == 0 {
            return;
        }
        self.left -= 1;
        let (plugin, exchange) = (&*self.plugin, self.exchange.as_deref().unwrap_or_default());
        let cut = message.get(..message.floor_char_boundary(LOG_LINE_BYTES_MAX)).unwrap_or_default();
        let message = cut.escape_debug().to_string();
        if let Some(heard) = &self.heard {
            heard.write(level, &message);
            if self.left == 0 {
                heard.write(Level::Warn, "the plugin wrote too many lines: the rest is dropped");
            }
            return;
        }
        match level {
            Level::Debug => debug!(plugin, exchange, message, "plugin says"),
            Level::Info => info!(plugin, exchange, message, "plugin says"),
            Level::Warn => warn!(plugin, exchange, message, "plugin says"),
            Level::Error => error!(plugin, exchange, message, "plugin says"),
        }
        if self.left == 0 {
            warn!(plugin, exchange, lines_max = LOG_LINES_MAX, "plugin wrote too many lines: the rest is dropped");
        }
    }
}

/// Link everything that a guest may import.
///
/// # Errors
/// When two definitions clash, which is a mistake in this file.
pub(super) fn link(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    wasmtime_wasi::p2::add_to_linker_async(linker)?;
    linker.instance("sluicegate:plugin/types@0.1.0")?;
    let mut log = linker.instance("sluicegate:plugin/log@0.1.0")?;
    log.func_wrap_async("write", |mut store: StoreContextMut<'_, State>, (level, message): (Level, WasmStr)| {
        Box::new(async move {
            let message = text(&mut store, &message, LOG_BYTE_FUEL).await?;
            store.data_mut().log.write(level, &message);
            Ok(())
        })
    })?;
    let mut patterns = linker.instance("sluicegate:plugin/patterns@0.1.0")?;
    patterns.func_wrap_async(
        "compile",
        |mut store: StoreContextMut<'_, State>, (expressions,): (WasmList<WasmStr>,)| {
            Box::new(async move {
                let expressions = owned(&mut store, &expressions).await?;
                Ok((store.data_mut().patterns.compile(&expressions),))
            })
        },
    )?;
    patterns.func_wrap_async("find", |mut store: StoreContextMut<'_, State>, (set, text): (u32, WasmStr)| {
        Box::new(async move {
            let fuel = store.get_fuel()?.saturating_sub(CALL_FUEL);
            let Some(set) = store.data().patterns.get(set) else {
                return Err(wasmtime::Error::msg("there is no pattern set of that number"));
            };
            let text = text.to_str(&store)?;
            let found = match Scans::is_long_for_each(&text) {
                false => set.find(&text, fuel),
                true => {
                    let (scans, text) = (store.data().scans.clone(), text.into_owned());
                    scans.run(text, move |text| set.find(text, fuel)).await?
                }
            };
            let Some((matches, used)) = found else {
                store.set_fuel(0)?;
                return Err(Trap::OutOfFuel.into());
            };
            spend(&mut store, CALL_FUEL.saturating_add(used)).await?;
            Ok((matches.into_iter().map(lower).collect::<Vec<_>>(),))
        })
    })?;
    patterns.func_wrap_async(
        "prefilter",
        |mut store: StoreContextMut<'_, State>, (triggers, tail): (u32, Option<WasmStr>)| {
            Box::new(async move {
                let tail = match tail {
                    Some(tail) => Some(text(&mut store, &tail, patterns::COMPILE_BYTE_FUEL).await?),
                    None => None,
                };
                spend(&mut store, CALL_FUEL).await?;
                Ok((store.data_mut().patterns.prefilter(triggers, tail.as_deref()),))
            })
        },
    )?;
    granted::link(linker)
}

/// The expressions as strings of the host, their number bounded before any is looked at, each paid before the next.
async fn owned(store: &mut StoreContextMut<'_, State>, list: &WasmList<WasmStr>) -> wasmtime::Result<Vec<String>> {
    if list.len() > patterns::EXPRESSIONS_MAX {
        return Err(wasmtime::Error::msg(format!("more than {} expressions in a set", patterns::EXPRESSIONS_MAX)));
    }
    spend(store, CALL_FUEL).await?;
    let items: Vec<WasmStr> = list.iter(&mut *store)?.collect::<wasmtime::Result<_>>()?;
    let mut expressions = Vec::with_capacity(items.len());
    for item in items {
        expressions.push(text(store, &item, patterns::COMPILE_BYTE_FUEL).await?);
    }
    Ok(expressions)
}

/// A text as one of the host, paid before it is copied.
async fn text(store: &mut StoreContextMut<'_, State>, text: &WasmStr, byte_fuel: u64) -> wasmtime::Result<String> {
    let bytes = text.to_str(&*store)?.len();
    spend(store, price(bytes, byte_fuel)).await?;
    Ok(text.to_str(&*store)?.into_owned())
}

fn lower(found: Found) -> Match {
    Match { expression: found.expression, span: Span { start: found.start, end: found.end } }
}

fn price(bytes: usize, byte_fuel: u64) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX).saturating_mul(byte_fuel).saturating_add(CALL_FUEL)
}

/// Take fuel from the running call; without enough of it the call ends as if it had computed that long.
///
/// To set the fuel starts the engine's own count up to the next yield anew. So a guest that keeps calling the host gives
/// way to the other exchanges here, and its time can be up.
async fn spend(store: &mut StoreContextMut<'_, State>, fuel: u64) -> wasmtime::Result<()> {
    let Some(left) = store.get_fuel()?.checked_sub(fuel) else {
        store.set_fuel(0)?;
        return Err(Trap::OutOfFuel.into());
    };
    store.set_fuel(left)?;
    let state = store.data_mut();
    if state.fuel_at_yield.saturating_sub(left) >= YIELD_FUEL {
        state.fuel_at_yield = left;
        tokio::task::yield_now().await;
    }
    Ok(())
}
