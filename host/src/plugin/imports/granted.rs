//! What a guest can call where its installation grants it: each call is counted, bounded, priced in fuel and noted.

mod embedding;
mod http;
mod kv;
mod model;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;
use wasmtime::StoreContextMut;
use wasmtime::component::{Linker, WasmList};

use super::{CALL_FUEL, State, price, spend};
use crate::capability::model::Origin;
use crate::capability::{CallCounts, Capabilities, Capability, Use, Used};
use crate::config::Grants;

/// Fuel for a byte that goes to the host or comes from it.
const BYTE_FUEL: u64 = 4;
/// Fuel for a step of the small store: about a tenth of the time that it takes.
const STEP_FUEL: u64 = 20_000;

/// What one call of a plugin may use, and what it has used.
#[derive(Clone)]
pub(in crate::plugin) struct Granted {
    pub(in crate::plugin) plugin: Arc<str>,
    pub(in crate::plugin) tenant: Arc<str>,
    pub(in crate::plugin) grants: Arc<Grants>,
    pub(in crate::plugin) services: Arc<Capabilities>,
    pub(in crate::plugin) counts: Arc<CallCounts>,
    /// For calls of the plugin that wait for a service: each keeps one of the places that all plugins share.
    pub(in crate::plugin) waits: Arc<Semaphore>,
    pub(in crate::plugin) used: Used,
    /// In whose name it may ask models, if it may.
    pub(in crate::plugin) origin: Option<Origin>,
    /// It asked for a service that nobody is asked for while it is tried out.
    pub(in crate::plugin) was_refused: bool,
    /// It is configured: there is no exchange, but its texts have their meaning already.
    pub(in crate::plugin) is_loading: bool,
}

/// Calls of one plugin that may wait for services at the same moment.
pub(in crate::plugin) const WAITS_MAX: usize = 64;
/// How long a call waits until it may.
const PATIENCE: Duration = Duration::from_millis(10);
/// Said where too many wait.
const BUSY: &str = "it is busy";
/// Said to a plugin that is configured or tried out: there is no exchange that it could use anything for.
const NOT_NOW: &str = "there is no exchange that this could be for";

impl Granted {
    /// All that was used, with what models cost.
    pub(in crate::plugin) fn used(mut self) -> Used {
        let of_models = self.origin.map(|origin| origin.bill.sum()).unwrap_or_default();
        if of_models != Use::default() {
            self.used.add(Capability::Model, of_models);
        }
        self.used
    }

    /// Count one call more.
    ///
    /// # Errors
    /// When there may be none; why.
    fn one_more(&self, capability: Capability) -> Result<(), String> {
        if self.is_loading && capability != Capability::Embedding {
            return Err(NOT_NOW.to_owned());
        }
        let word = capability.word();
        let most = self.grants.calls_max(capability).ok_or_else(|| format!("`{word}` is not granted"))?;
        match self.counts.one_more(&self.plugin, capability, most) {
            true => Ok(()),
            false => Err(format!("more than {most} calls of `{word}` in an exchange")),
        }
    }
}

pub(super) fn link(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    let mut clock = linker.instance("sluicegate:plugin/clock@0.1.0")?;
    clock.func_wrap_async("now-ms", |mut store: StoreContextMut<'_, State>, (): ()| {
        Box::new(async move {
            spend(&mut store, CALL_FUEL).await?;
            // In a snapshot, a time would stand still for ever.
            let now = one_more(&store, Capability::Clock).map(|granted| granted.services.now_ms());
            note_call(&mut store, Capability::Clock, 0);
            Ok((now.map_err(wasmtime::Error::msg)?,))
        })
    })?;
    kv::link(linker)?;
    http::link(linker)?;
    embedding::link(linker)?;
    model::link(linker)
}

/// What is granted to whoever asks, with one call more counted.
fn one_more<'a>(store: &'a StoreContextMut<'_, State>, capability: Capability) -> Result<&'a Granted, String> {
    let granted = store.data().granted.as_deref().ok_or(NOT_NOW)?;
    granted.one_more(capability)?;
    Ok(granted)
}

/// Said to who is tried out, and noted: it need not be able to do without.
fn not_now(store: &mut StoreContextMut<'_, State>) -> String {
    if let Some(granted) = &mut store.data_mut().granted {
        granted.was_refused = true;
    }
    NOT_NOW.to_owned()
}

/// Leave to wait for a service; nothing where too many calls of the plugin wait already.
async fn permit(waits: &Semaphore) -> Option<SemaphorePermit<'_>> {
    timeout(PATIENCE, waits.acquire()).await.ok()?.ok()
}

/// Before the wait: a call that never ends was one.
fn note_call(store: &mut StoreContextMut<'_, State>, capability: Capability, bytes: usize) {
    note(store, capability, Use { calls: 1, bytes: count(bytes), ..Use::default() });
}

fn note(store: &mut StoreContextMut<'_, State>, capability: Capability, used: Use) {
    if let Some(granted) = &mut store.data_mut().granted {
        granted.used.add(capability, used);
    }
}

fn count(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

fn exceeds(bytes: usize, most: u64) -> bool {
    count(bytes) > most
}

/// Bytes as those of the host, paid before they are copied.
async fn bytes(store: &mut StoreContextMut<'_, State>, list: &WasmList<u8>) -> wasmtime::Result<Vec<u8>> {
    spend(store, price(list.len(), BYTE_FUEL)).await?;
    Ok(list.as_le_slice(&*store).to_vec())
}
