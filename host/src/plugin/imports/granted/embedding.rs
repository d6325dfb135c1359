//! Numbers that stand for meaning.

use tokio::time::{Instant, timeout};
use tracing::warn;
use wasmtime::StoreContextMut;
use wasmtime::component::{Linker, WasmList, WasmStr};

use super::{BUSY, BYTE_FUEL, NOT_NOW, STEP_FUEL, count, exceeds, note, note_call, one_more, permit};
use crate::capability::{Capability, Use};
use crate::embed;
use crate::money::Money;
use crate::plugin::imports::{State, price, spend, text};

/// Texts that a call may turn into vectors.
const TEXTS_MAX: usize = 1_024;
/// Fuel for a byte that is turned into a vector: about a tenth of the time that a small model takes.
const EMBED_BYTE_FUEL: u64 = 2_000;
/// Fuel for a text that is turned into a vector, however short it is.
const TEXT_FUEL: u64 = 50_000;

pub(super) fn link(linker: &mut Linker<State>) -> wasmtime::Result<()> {
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
