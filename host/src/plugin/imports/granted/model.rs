//! Models, asked through the gateway itself.

use tokio::time::Instant;
use wasmtime::StoreContextMut;
use wasmtime::component::{ComponentType, Lift, Linker, WasmStr};

use super::{BUSY, BYTE_FUEL, STEP_FUEL, count, exceeds, not_now, note, note_call, one_more, permit};
use crate::capability::model::Prompt;
use crate::capability::{Capability, Use};
use crate::plugin::imports::{State, price, spend, text};

/// Fuel for a byte of a schema, which has to be understood.
const SCHEMA_BYTE_FUEL: u64 = 500;

/// A prompt as it lies in the guest: nothing of it is copied before it is paid.
#[derive(ComponentType, Lift)]
#[component(record)]
struct Asked {
    target: WasmStr,
    system: Option<WasmStr>,
    user: WasmStr,
    #[component(name = "output-tokens-max")]
    output_tokens_max: u32,
    #[component(name = "answer-schema")]
    answer_schema: Option<WasmStr>,
}

pub(super) fn link(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    let mut model = linker.instance("sluicegate:plugin/model@0.1.0")?;
    model.func_wrap_async("complete", |mut store: StoreContextMut<'_, State>, (asked,): (Asked,)| {
        Box::new(async move { Ok((complete(&mut store, asked).await?,)) })
    })
}

/// Ask one model, if that is granted and its bounds allow it.
async fn complete(store: &mut StoreContextMut<'_, State>, asked: Asked) -> wasmtime::Result<Result<String, String>> {
    spend(store, STEP_FUEL).await?;
    let granted = match one_more(store, Capability::Model) {
        Ok(granted) => granted,
        Err(why) => return Ok(Err(why)),
    };
    let (grants, services, waits) = (granted.grants.clone(), granted.services.clone(), granted.waits.clone());
    let origin = granted.origin.clone();
    // A plugin that is tried out asks nobody.
    let (Some(grant), Some(models), Some(origin)) = (&grants.model, services.models(), origin) else {
        return Ok(Err(not_now(store)));
    };
    let mut sent = 0;
    for text in [Some(&asked.target), asked.system.as_ref(), Some(&asked.user), asked.answer_schema.as_ref()] {
        sent += text.map_or(Ok(0), |text| text.to_str(&*store).map(|text| text.len()))?;
    }
    if exceeds(sent, grant.bytes_max) {
        return Ok(Err(format!("more than {} bytes in a call", grant.bytes_max)));
    }
    if asked.output_tokens_max > grant.answer_tokens_max {
        return Ok(Err(format!("an answer may have {} tokens, and no more", grant.answer_tokens_max)));
    }
    let target = text(store, &asked.target, BYTE_FUEL).await?;
    if !grant.targets.contains(&target) {
        return Ok(Err("the target is not granted".to_owned()));
    }
    let system = match &asked.system {
        Some(system) => Some(text(store, system, BYTE_FUEL).await?),
        None => None,
    };
    let user = text(store, &asked.user, BYTE_FUEL).await?;
    let answer_schema = match &asked.answer_schema {
        Some(schema) => Some(text(store, schema, SCHEMA_BYTE_FUEL).await?),
        None => None,
    };
    let prompt = Prompt { target, system, user, answer_tokens_max: asked.output_tokens_max, answer_schema };
    let (Some(_permit), Some(_too)) = (permit(&waits).await, permit(&services.waits_for_models).await) else {
        return Ok(Err(BUSY.to_owned()));
    };
    note_call(store, Capability::Model, sent);
    let began = Instant::now();
    let answer = models.ask(origin, prompt, grant.wait).await;
    let came = answer.as_ref().map_or(0, String::len);
    note(store, Capability::Model, Use { bytes: count(came), time: began.elapsed(), ..Use::default() });
    spend(store, price(came, BYTE_FUEL)).await?;
    Ok(answer)
}
