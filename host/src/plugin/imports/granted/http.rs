//! Calls to services that the operator named.

use tokio::time::Instant;
use tracing::warn;
use wasmtime::StoreContextMut;
use wasmtime::component::{ComponentType, Lift, Linker, WasmList, WasmStr};

use super::{BUSY, BYTE_FUEL, STEP_FUEL, bytes, count, exceeds, not_now, note, note_call, one_more, permit};
use crate::capability::{Capability, Use, http};
use crate::plugin::bindings::sluicegate::plugin::http::{HttpError, HttpResponse};
use crate::plugin::imports::{State, price, spend, text};

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

pub(super) fn link(linker: &mut Linker<State>) -> wasmtime::Result<()> {
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
    let (Some(grant), Some(upstream)) = (&grants.http, &services.upstream) else {
        return refused(&not_now(store));
    };
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
