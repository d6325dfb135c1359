//! A small store.

use std::time::Duration;

use tokio::time::Instant;
use wasmtime::StoreContextMut;
use wasmtime::component::{Linker, WasmList, WasmStr};

use super::{BUSY, BYTE_FUEL, STEP_FUEL, bytes, count, exceeds, note, note_call, one_more, permit};
use crate::capability::{Capability, Use};
use crate::config::KvGrant;
use crate::plugin::bindings::sluicegate::plugin::kv::KvError;
use crate::plugin::imports::{CALL_FUEL, State, price, spend, text};
use crate::store::kv::{self, KEY_BYTES_MAX, Place, Said, Step};

pub(super) fn link(linker: &mut Linker<State>) -> wasmtime::Result<()> {
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

fn bounds(store: &StoreContextMut<'_, State>) -> Option<KvGrant> {
    store.data().granted.as_ref().and_then(|granted| granted.grants.kv)
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
