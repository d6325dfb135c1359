//! What a guest can call where its installation grants it: each call is counted, bounded, priced in fuel and noted.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;
use wasmtime::StoreContextMut;
use wasmtime::component::{Linker, WasmList, WasmStr};

use super::{CALL_FUEL, State, price, spend};
use crate::capability::http;
use crate::capability::{CallCounts, Capabilities, Capability, Use, Used};
use crate::config::{Grants, KvGrant};
use crate::plugin::bindings::sluicegate::plugin::http::{HttpError, HttpRequest, HttpResponse};
use crate::plugin::bindings::sluicegate::plugin::kv::KvError;
use crate::store::kv::{self, KEY_BYTES_MAX, Place, Said, Step};

/// Fuel for a byte that goes to the host or comes from it.
const BYTE_FUEL: u64 = 4;
/// Fuel for a step of the small store: about a tenth of the time that it takes.
const STEP_FUEL: u64 = 20_000;

/// What one call of a plugin may use, and what it has used.
pub(in crate::plugin) struct Granted {
    pub(in crate::plugin) plugin: Arc<str>,
    pub(in crate::plugin) tenant: Arc<str>,
    pub(in crate::plugin) grants: Arc<Grants>,
    pub(in crate::plugin) services: Arc<Capabilities>,
    pub(in crate::plugin) counts: Arc<CallCounts>,
    pub(in crate::plugin) used: Used,
}

/// Said to a plugin that is configured or tried out: there is no exchange that it could use anything for.
const NOT_NOW: &str = "there is no exchange that this could be for";

impl Granted {
    /// Count one call more.
    ///
    /// # Errors
    /// When there may be none; why.
    fn one_more(&self, capability: Capability) -> Result<(), String> {
        let word = capability.word();
        let most = self.grants.calls_max(capability).ok_or_else(|| format!("`{word}` is not granted"))?;
        match self.counts.one_more(&self.plugin, capability, most) {
            true => Ok(()),
            false => Err(format!("more than {most} calls of `{word}` in an exchange")),
        }
    }

    fn note(&mut self, capability: Capability, bytes: usize, time: Duration) {
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        self.used.add(capability, Use { calls: 1, bytes, time });
    }
}

pub(super) fn link(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    let mut clock = linker.instance("sluicegate:plugin/clock@0.1.0")?;
    clock.func_wrap("now-ms", |mut store: StoreContextMut<'_, State>, (): ()| {
        spend(&mut store, CALL_FUEL)?;
        // In a snapshot, a time would stand still for ever.
        let Some(granted) = &mut store.data_mut().granted else { return Err(wasmtime::Error::msg(NOT_NOW)) };
        granted.one_more(Capability::Clock).map_err(wasmtime::Error::msg)?;
        granted.note(Capability::Clock, 0, Duration::ZERO);
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Ok((u64::try_from(since.as_millis()).unwrap_or(u64::MAX),))
    })?;
    link_kv(linker)?;
    link_http(linker)
}

fn link_http(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    let mut http = linker.instance("sluicegate:plugin/http@0.1.0")?;
    http.func_wrap_async("send", |mut store: StoreContextMut<'_, State>, (request,): (HttpRequest,)| {
        Box::new(async move { Ok((send(&mut store, request).await?,)) })
    })
}

/// Make one call, if it is granted and its bounds allow it.
async fn send(
    store: &mut StoreContextMut<'_, State>,
    request: HttpRequest,
) -> wasmtime::Result<Result<HttpResponse, HttpError>> {
    let HttpRequest { destination, method, path, headers, body } = request;
    let sent = path.len() + body.len() + headers.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>();
    spend(store, price(sent, BYTE_FUEL).saturating_add(STEP_FUEL))?;
    let (grants, services) = match asked(store, Capability::Http) {
        Ok(granted) => (granted.grants.clone(), granted.services.clone()),
        Err(why) => return Ok(Err(HttpError::Unavailable(why))),
    };
    // A plugin that is tried out calls nobody.
    let (Some(grant), Some(upstream)) = (&grants.http, &services.upstream) else {
        return Ok(Err(HttpError::Unavailable(NOT_NOW.to_owned())));
    };
    let began = Instant::now();
    let called = http::call(upstream, grant, http::Call { destination, method, path, headers, body }).await;
    let came = called.as_ref().map_or(0, |answer| answer.body().len());
    if let Some(granted) = &mut store.data_mut().granted {
        granted.note(Capability::Http, sent + came, began.elapsed());
    }
    spend(store, price(came, BYTE_FUEL))?;
    Ok(called
        .map(|answer| HttpResponse {
            status: answer.status().as_u16(),
            headers: http::told(answer.headers()),
            body: answer.into_body().into(),
        })
        .map_err(|failure| match failure {
            http::Failure::UnknownDestination => HttpError::UnknownDestination,
            http::Failure::Timeout => HttpError::Timeout,
            http::Failure::TooLarge => HttpError::TooLarge,
            http::Failure::Unavailable(why) => HttpError::Unavailable(why),
        }))
}

fn link_kv(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    let mut kv = linker.instance("sluicegate:plugin/kv@0.1.0")?;
    kv.func_wrap_async("get", |mut store: StoreContextMut<'_, State>, (key,): (WasmStr,)| {
        Box::new(async move {
            let step = Step::Get(text(&mut store, &key)?);
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
                spend(&mut store, price(value.len(), BYTE_FUEL))?;
                let key = text(&mut store, &key)?;
                if bounds(&store).is_some_and(|kv| exceeds(value.len(), kv.value_bytes_max)) {
                    return Ok((Err(KvError::TooLarge),));
                }
                let value = value.as_le_slice(&store).to_vec();
                let step = Step::Set(key, value, ttl.map(Duration::from_millis));
                Ok((run(&mut store, step).await?.map(drop),))
            })
        },
    )?;
    kv.func_wrap_async("delete", |mut store: StoreContextMut<'_, State>, (key,): (WasmStr,)| {
        Box::new(async move {
            let step = Step::Delete(text(&mut store, &key)?);
            Ok((run(&mut store, step).await?.map(drop),))
        })
    })?;
    kv.func_wrap_async(
        "increment",
        |mut store: StoreContextMut<'_, State>, (key, by, ttl): (WasmStr, i64, Option<u64>)| {
            Box::new(async move {
                let step = Step::Increment(text(&mut store, &key)?, by, ttl.map(Duration::from_millis));
                Ok((run(&mut store, step).await?.map(|said| match said {
                    Said::Number(sum) => sum,
                    Said::Value(_) | Said::Done => 0,
                }),))
            })
        },
    )
}

/// What is granted to whoever asks, with one call more counted.
fn asked<'a>(store: &'a StoreContextMut<'_, State>, capability: Capability) -> Result<&'a Granted, String> {
    let granted = store.data().granted.as_deref().ok_or(NOT_NOW)?;
    granted.one_more(capability)?;
    Ok(granted)
}

fn bounds(store: &StoreContextMut<'_, State>) -> Option<KvGrant> {
    store.data().granted.as_ref().and_then(|granted| granted.grants.kv)
}

fn exceeds(bytes: usize, most: u64) -> bool {
    u64::try_from(bytes).map_or(true, |bytes| bytes > most)
}

fn text(store: &mut StoreContextMut<'_, State>, text: &WasmStr) -> wasmtime::Result<String> {
    let bytes = text.to_str(&*store)?.len();
    spend(store, price(bytes, BYTE_FUEL))?;
    Ok(text.to_str(&*store)?.into_owned())
}

/// Do one step, if it is granted and its bounds allow it.
async fn run(store: &mut StoreContextMut<'_, State>, step: Step) -> wasmtime::Result<Result<Said, KvError>> {
    spend(store, STEP_FUEL)?;
    let (key, sent) = match &step {
        Step::Get(key) | Step::Delete(key) | Step::Increment(key, ..) => (key, 0),
        Step::Set(key, value, _) => (key, value.len()),
    };
    if key.len() > KEY_BYTES_MAX {
        return Ok(Err(KvError::TooLarge));
    }
    let sent = key.len() + sent;
    let granted = match asked(store, Capability::Kv) {
        Ok(granted) => granted,
        Err(why) => return Ok(Err(KvError::Unavailable(why))),
    };
    let (plugin, tenant) = (granted.plugin.clone(), granted.tenant.clone());
    let bytes_max = granted.grants.kv.map_or(0, |kv| kv.bytes_max);
    let place = Place { plugin, tenant, bytes_max };
    let began = Instant::now();
    let said = granted.services.kv.run(place, step).await;
    let came = match &said {
        Ok(Said::Value(Some(value))) => value.len(),
        Ok(_) | Err(_) => 0,
    };
    if let Some(granted) = &mut store.data_mut().granted {
        granted.note(Capability::Kv, sent + came, began.elapsed());
    }
    spend(store, price(came, BYTE_FUEL))?;
    Ok(said.map_err(|failure| match failure {
        kv::Failure::QuotaExceeded => KvError::QuotaExceeded,
        kv::Failure::Unavailable(why) => KvError::Unavailable(why),
    }))
}
