//! What a guest can call where its installation grants it: each call is counted, bounded, priced in fuel and noted.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, timeout};
use tracing::warn;
use wasmtime::StoreContextMut;
use wasmtime::component::{ComponentType, Lift, Linker, WasmList, WasmStr};

use super::{CALL_FUEL, State, price, spend, text};
use crate::capability::http;
use crate::capability::{CallCounts, Capabilities, Capability, Use, Used};
use crate::config::{Grants, KvGrant};
use crate::embed;
use crate::money::Money;
use crate::plugin::bindings::sluicegate::plugin::http::{HttpError, HttpResponse};
use crate::plugin::bindings::sluicegate::plugin::kv::KvError;
use crate::store::kv::{self, KEY_BYTES_MAX, Place, Said, Step};

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
    /// It is configured: there is no exchange, but its texts have their meaning already.
    pub(in crate::plugin) is_loading: bool,
}

/// Calls of one plugin that may wait for services at the same moment.
pub(in crate::plugin) const WAITS_MAX: usize = 64;
/// How long a call waits until it may.
const PATIENCE: Duration = Duration::from_millis(10);
/// Said where too many wait.
const BUSY: &str = "it is busy";
/// Texts that a call may turn into vectors.
const TEXTS_MAX: usize = 1_024;
/// Fuel for a byte that is turned into a vector: about a tenth of the time that a small model takes.
const EMBED_BYTE_FUEL: u64 = 2_000;
/// Fuel for a text that is turned into a vector, however short it is.
const TEXT_FUEL: u64 = 50_000;
/// Said to a plugin that is configured or tried out: there is no exchange that it could use anything for.
const NOT_NOW: &str = "there is no exchange that this could be for";

impl Granted {
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
            one_more(&store, Capability::Clock).map_err(wasmtime::Error::msg)?;
            note_call(&mut store, Capability::Clock, 0);
            let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            Ok((u64::try_from(since.as_millis()).unwrap_or(u64::MAX),))
        })
    })?;
    link_kv(linker)?;
    link_http(linker)?;
    link_embedding(linker)
}

/// A request as it lies in the guest: nothing of it is copied before it is paid.
#[derive(ComponentType, Lift)]
#[component(record)]
struct Asked {
    destination: WasmStr,
    method: WasmStr,
    path: WasmStr,
    headers: WasmList<(WasmStr, WasmStr)>,
    body: WasmList<u8>,
}

fn link_http(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    let mut http = linker.instance("sluicegate:plugin/http@0.1.0")?;
    http.func_wrap_async("send", |mut store: StoreContextMut<'_, State>, (asked,): (Asked,)| {
        Box::new(async move { Ok((send(&mut store, asked).await?,)) })
    })
}

/// Make one call, if it is granted and its bounds allow it.
async fn send(
    store: &mut StoreContextMut<'_, State>,
    asked: Asked,
) -> wasmtime::Result<Result<HttpResponse, HttpError>> {
    spend(store, STEP_FUEL).await?;
    let refused = |why: &str| Ok(Err(HttpError::Unavailable(why.to_owned())));
    let granted = match one_more(store, Capability::Http) {
        Ok(granted) => granted,
        Err(why) => return refused(&why),
    };
    let (grants, services, waits) = (granted.grants.clone(), granted.services.clone(), granted.waits.clone());
    // A plugin that is tried out calls nobody.
    let (Some(grant), Some(upstream)) = (&grants.http, &services.upstream) else { return refused(NOT_NOW) };
    if asked.headers.len() > http::HEADERS_MAX {
        return refused(http::TOO_MANY_HEADERS);
    }
    if exceeds(asked.body.len(), grant.request_bytes_max) {
        return Ok(Err(HttpError::TooLarge));
    }
    let call = copied(store, &asked).await?;
    let sent = call.bytes();
    let Some(_permit) = permit(&waits).await else { return refused(BUSY) };
    let destination = call.destination.clone();
    note_call(store, Capability::Http, sent);
    let began = Instant::now();
    let called = http::call(upstream, grant, call).await;
    let came = called.as_ref().map_or(0, http::Told::bytes);
    note(store, Capability::Http, Use { bytes: count(came), time: began.elapsed(), ..Use::default() });
    spend(store, price(came, BYTE_FUEL)).await?;
    Ok(called.map(|http::Told { status, headers, body }| HttpResponse { status, headers, body: body.into() }).map_err(
        |failure| match failure {
            http::Failure::UnknownDestination => HttpError::UnknownDestination,
            http::Failure::Timeout => HttpError::Timeout,
            http::Failure::TooLarge => HttpError::TooLarge,
            http::Failure::Refused(why) => HttpError::Unavailable(why),
            // Where the service is, is not the plugin's business.
            http::Failure::Unavailable(why) => {
                let plugin = &*store.data().log.plugin;
                warn!(plugin, destination, why, "a service cannot be reached");
                HttpError::Unavailable("the service cannot be reached".to_owned())
            }
        },
    ))
}

async fn copied(store: &mut StoreContextMut<'_, State>, asked: &Asked) -> wasmtime::Result<http::Call> {
    let destination = text(store, &asked.destination, BYTE_FUEL).await?;
    let method = text(store, &asked.method, BYTE_FUEL).await?;
    let path = text(store, &asked.path, BYTE_FUEL).await?;
    let pairs: Vec<(WasmStr, WasmStr)> = asked.headers.iter(&mut *store)?.collect::<wasmtime::Result<_>>()?;
    let mut headers = Vec::with_capacity(pairs.len());
    for (name, value) in pairs {
        headers.push((text(store, &name, BYTE_FUEL).await?, text(store, &value, BYTE_FUEL).await?));
    }
    let body = bytes(store, &asked.body).await?;
    Ok(http::Call { destination, method, path, headers, body })
}

fn link_embedding(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    let mut embedding = linker.instance("sluicegate:plugin/embedding@0.1.0")?;
    embedding.func_wrap_async("embed", |mut store: StoreContextMut<'_, State>, (texts,): (WasmList<WasmStr>,)| {
        Box::new(async move { Ok((embed(&mut store, &texts).await?,)) })
    })
}

/// Turn some texts into vectors, if that is granted and their bounds allow it.
async fn embed(
    store: &mut StoreContextMut<'_, State>,
    texts: &WasmList<WasmStr>,
) -> wasmtime::Result<Result<Vec<Vec<f32>>, String>> {
    spend(store, STEP_FUEL).await?;
    let granted = match one_more(store, Capability::Embedding) {
        Ok(granted) => granted,
        Err(why) => return Ok(Err(why)),
    };
    let (grants, services, waits) = (granted.grants.clone(), granted.services.clone(), granted.waits.clone());
    // Examples have the same vectors whoever asks.
    let tenant = if granted.is_loading { "".into() } else { granted.tenant.clone() };
    let Some(grant) = &grants.embedding else { return Ok(Err(NOT_NOW.to_owned())) };
    let embedder = match services.embedders.find(grant.embedder.as_deref()) {
        Ok(embedder) => embedder,
        Err(why) => return Ok(Err(why)),
    };
    if texts.len() > TEXTS_MAX {
        return Ok(Err(format!("more than {TEXTS_MAX} texts in a call")));
    }
    spend(store, TEXT_FUEL.saturating_mul(count(texts.len()))).await?;
    let items: Vec<WasmStr> = texts.iter(&mut *store)?.collect::<wasmtime::Result<_>>()?;
    let (mut texts, mut sent) = (Vec::with_capacity(items.len()), 0);
    for item in items {
        sent += item.to_str(&*store)?.len();
        if exceeds(sent, grant.bytes_max) {
            return Ok(Err(format!("more than {} bytes in a call", grant.bytes_max)));
        }
        texts.push(text(store, &item, EMBED_BYTE_FUEL).await?);
    }
    let Some(_permit) = permit(&waits).await else { return Ok(Err(BUSY.to_owned())) };
    note_call(store, Capability::Embedding, sent);
    let began = Instant::now();
    let embedded = timeout(grant.wait, embedder.embed(&tenant, texts)).await;
    let embedded = embedded.unwrap_or(Err(embed::Failure::Timeout));
    let (came, cost) = embedded.as_ref().map_or((0, Money::ZERO), |embedded| {
        (embedded.vectors.iter().map(|vector| size_of_val(&**vector)).sum(), embedded.cost)
    });
    let used = Use { bytes: count(came), time: began.elapsed(), cost, ..Use::default() };
    note(store, Capability::Embedding, used);
    spend(store, price(came, BYTE_FUEL)).await?;
    Ok(match embedded {
        Ok(embedded) => Ok(embedded.vectors.iter().map(|vector| vector.to_vec()).collect()),
        Err(embed::Failure::Busy) => Err(BUSY.to_owned()),
        Err(embed::Failure::Timeout) => Err("the embedder did not answer in time".to_owned()),
        // Where it is, is not the plugin's business.
        Err(embed::Failure::Unavailable(why)) => {
            let plugin = &*store.data().log.plugin;
            warn!(plugin, why, "an embedder cannot be asked");
            Err("the embedder cannot be asked".to_owned())
        }
    })
}

fn link_kv(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    let mut kv = linker.instance("sluicegate:plugin/kv@0.1.0")?;
    kv.func_wrap_async("get", |mut store: StoreContextMut<'_, State>, (key,): (WasmStr,)| {
        Box::new(async move {
            let step = Step::Get(text(&mut store, &key, BYTE_FUEL).await?);
            Ok((run(&mut store, step).await?.map(|said| match said {
                Said::Value(value) => value,
                Said::Done | Said::Number(_) => None,
            }),))
        })
    })?;
    kv.func_wrap_async(
        "set",
        |mut store: StoreContextMut<'_, State>, (key, value, ttl): (WasmStr, WasmList<u8>, Option<u64>)| {
            Box::new(async move {
                if bounds(&store).is_some_and(|kv| exceeds(value.len(), kv.value_bytes_max)) {
                    spend(&mut store, CALL_FUEL).await?;
                    return Ok((Err(KvError::TooLarge),));
                }
                let key = text(&mut store, &key, BYTE_FUEL).await?;
                let value = bytes(&mut store, &value).await?;
                let step = Step::Set(key, value, ttl.map(Duration::from_millis));
                Ok((run(&mut store, step).await?.map(drop),))
            })
        },
    )?;
    kv.func_wrap_async("delete", |mut store: StoreContextMut<'_, State>, (key,): (WasmStr,)| {
        Box::new(async move {
            let step = Step::Delete(text(&mut store, &key, BYTE_FUEL).await?);
            Ok((run(&mut store, step).await?.map(drop),))
        })
    })?;
    kv.func_wrap_async(
        "increment",
        |mut store: StoreContextMut<'_, State>, (key, by, ttl): (WasmStr, i64, Option<u64>)| {
            Box::new(async move {
                let key = text(&mut store, &key, BYTE_FUEL).await?;
                let step = Step::Increment(key, by, ttl.map(Duration::from_millis));
                Ok((run(&mut store, step).await?.map(|said| match said {
                    Said::Number(sum) => sum,
                    Said::Value(_) | Said::Done => 0,
                }),))
            })
        },
    )
}

/// What is granted to whoever asks, with one call more counted.
fn one_more<'a>(store: &'a StoreContextMut<'_, State>, capability: Capability) -> Result<&'a Granted, String> {
    let granted = store.data().granted.as_deref().ok_or(NOT_NOW)?;
    granted.one_more(capability)?;
    Ok(granted)
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

fn bounds(store: &StoreContextMut<'_, State>) -> Option<KvGrant> {
    store.data().granted.as_ref().and_then(|granted| granted.grants.kv)
}

fn exceeds(bytes: usize, most: u64) -> bool {
    count(bytes) > most
}

/// Bytes as those of the host, paid before they are copied.
async fn bytes(store: &mut StoreContextMut<'_, State>, list: &WasmList<u8>) -> wasmtime::Result<Vec<u8>> {
    spend(store, price(list.len(), BYTE_FUEL)).await?;
    Ok(list.as_le_slice(&*store).to_vec())
}

/// Do one step, if it is granted and its bounds allow it.
async fn run(store: &mut StoreContextMut<'_, State>, step: Step) -> wasmtime::Result<Result<Said, KvError>> {
    spend(store, STEP_FUEL).await?;
    if step.key().len() > KEY_BYTES_MAX {
        return Ok(Err(KvError::TooLarge));
    }
    let granted = match one_more(store, Capability::Kv) {
        Ok(granted) => granted,
        Err(why) => return Ok(Err(KvError::Unavailable(why))),
    };
    let (plugin, tenant) = (granted.plugin.clone(), granted.tenant.clone());
    let bytes_max = granted.grants.kv.map_or(0, |kv| kv.bytes_max);
    let place = Place { plugin, tenant, bytes_max };
    let (services, waits) = (granted.services.clone(), granted.waits.clone());
    let Some(_permit) = permit(&waits).await else { return Ok(Err(KvError::Unavailable(BUSY.to_owned()))) };
    note_call(store, Capability::Kv, step.bytes());
    let began = Instant::now();
    let said = services.kv.run(place, step).await;
    let came = match &said {
        Ok(Said::Value(Some(value))) => value.len(),
        Ok(_) | Err(_) => 0,
    };
    note(store, Capability::Kv, Use { bytes: count(came), time: began.elapsed(), ..Use::default() });
    spend(store, price(came, BYTE_FUEL)).await?;
    Ok(said.map_err(|failure| match failure {
        kv::Failure::QuotaExceeded => KvError::QuotaExceeded,
        kv::Failure::NotANumber => {
            KvError::Unavailable("what is kept under this key is no number, or would be too large".to_owned())
        }
        kv::Failure::Busy => KvError::Unavailable(BUSY.to_owned()),
        // Where the store is, is not the plugin's business; the log says it.
        kv::Failure::Unavailable(_) => KvError::Unavailable("the store cannot be asked".to_owned()),
    }))
}
