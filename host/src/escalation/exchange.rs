//! Escalations within an exchange: handed over in one, read in another.

use bytes::Bytes;
use serde::Serialize;

use super::{Conversation, Escalation, State, is_reference};
use crate::chat::Request;
use crate::error::Error;
use crate::exchange::Exchange;
use crate::gateway::Gateway;
use crate::guard::Released;
use crate::moment::Moment;
use crate::store;

/// Hand an exchange over to people. What is handed over survives the end of this process.
///
/// # Errors
/// When the store cannot be written, or too much of this tenant is open already.
pub(crate) async fn hand_over(
    gateway: &Gateway,
    x: &Exchange,
    request: &Request,
    reference: String,
    queue: String,
) -> Result<(), Error> {
    let settings = &x.generation.settings.escalations;
    let now = Moment::now();
    let new = Escalation {
        reference: reference.clone(),
        queue: queue.clone(),
        tenant: x.tenant.to_string(),
        exchange: x.id.to_string(),
        model: request.model.clone(),
        conversation: Conversation::of(request),
        created: now,
        expires: now.after(settings.expire),
        taken: None,
        answered: None,
    };
    gateway.escalations.put(new, settings.open_max).await.map_err(|why| Error::EscalationFailed(why.to_string()))?;
    x.is_escalated(&reference, &queue);
    Ok(())
}

/// How a caller sees an escalation: who has it is nothing to it.
#[derive(Serialize)]
struct Seen<'a> {
    object: &'static str,
    reference: &'a str,
    state: &'static str,
    queue: &'a str,
    created: String,
    expires: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    answered: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    answer: Option<&'a str>,
}

/// The escalation of this exchange's tenant with this reference.
///
/// # Errors
/// When there is none, or the store cannot be read.
pub(crate) async fn find(gateway: &Gateway, x: &Exchange, reference: &str) -> Result<Escalation, Error> {
    if !is_reference(reference) {
        return Err(Error::NoSuchEscalation);
    }
    let found = gateway.escalations.find(reference).await.map_err(|why| match why {
        store::Error::NoSuchEscalation => Error::NoSuchEscalation,
        other => Error::EscalationFailed(other.to_string()),
    })?;
    if found.tenant == *x.tenant { Ok(found) } else { Err(Error::NoSuchEscalation) }
}

/// What a caller is told of an escalation, with the answer of a person as it was released.
pub(crate) fn body(found: &Escalation, answer: Option<Released>) -> Bytes {
    let answer = answer.map(Released::into_bytes);
    let state = match found.state(Moment::now()) {
        State::Waiting | State::Taken => "waiting",
        State::Answered => "answered",
        State::Expired => "expired",
    };
    let seen = Seen {
        object: "escalation",
        reference: &found.reference,
        state,
        queue: &found.queue,
        created: found.created.to_string(),
        expires: found.expires.to_string(),
        answered: found.answered.as_ref().map(|answered| answered.at.to_string()),
        answer: answer.as_deref().map(|answer| std::str::from_utf8(answer).unwrap_or_default()),
    };
    serde_json::to_vec(&seen).unwrap_or_default().into()
}
