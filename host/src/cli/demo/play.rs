//! What becomes of a scene: its questions go to the gateway as a caller sends them, and what is handed over is answered as
//! people answer it.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};

use super::super::serve::Running;
use super::client::{self, Answer};
use super::script::{Question, Scene};

/// How often to look whether an answer is kept.
const LOOK: Duration = Duration::from_millis(5);

/// What came of a scene.
pub(super) struct Played {
    /// Of each of its questions.
    pub(super) shown: Vec<Shown>,
    /// What a person answered, where one was to.
    pub(super) settled: Option<Settled>,
    /// What its user thought of the first answer, as it was sent and taken.
    pub(super) judged: Option<Judged>,
}

/// What came of a question.
pub(in crate::cli) struct Shown {
    /// The request as the model got it; nothing if it did not.
    pub(super) model_saw: Option<Bytes>,
    /// What the model answered to that.
    pub(super) model_said: Option<String>,
    /// What the caller got.
    pub(super) answer: Answer,
}

/// What became of a request that was handed over.
pub(super) struct Settled {
    pub(super) reference: String,
    /// The last text of the conversation, as people get it.
    pub(super) person_saw: String,
    /// What the gateway noted as a person's answer.
    pub(super) person_said: String,
    /// What the caller is told under the reference: how it stands, and the answer.
    pub(super) state: String,
    pub(super) answer: String,
}

/// What was thought of an answer.
pub(super) struct Judged {
    /// What was sent.
    pub(super) sent: String,
    /// What it is kept under.
    pub(super) id: String,
}

/// Play a scene.
pub(super) async fn play(scene: &Scene, running: &Running) -> Result<Played, String> {
    let mut shown = Vec::new();
    for question in &scene.questions {
        shown.push(ask(question, running).await?);
    }
    let reference = shown.last().and_then(|last| last.answer.reference.clone());
    let settled = match (reference, scene.person_says) {
        (Some(reference), Some(text)) => Some(settle(reference, text, running).await?),
        _ => None,
    };
    let judged = match (&scene.user_thinks, shown.first()) {
        (Some(fields), Some(first)) => Some(judge(fields, &first.answer.exchange, running).await?),
        _ => None,
    };
    Ok(Played { shown, settled, judged })
}

/// Ask a question.
pub(in crate::cli) async fn ask(question: &Question, running: &Running) -> Result<Shown, String> {
    let sandbox = running.sandbox.as_ref().ok_or("the sandbox model did not start")?;
    let before = sandbox.state().received;
    let answer = client::ask(running.address, &question.body(), question.session).await?;
    let reached = sandbox.state().received > before;
    let model_saw = sandbox.seen().pop().filter(|_| reached).map(|seen| seen.body);
    // The sandbox model answers the same request with the same bytes, so asking it again shows what it had said.
    let model_said = match &model_saw {
        Some(body) => Some(client::send(sandbox.address(), body.clone()).await?.text),
        None => None,
    };
    // It is kept after it was given, and whoever asks next is to find it.
    while running.gateway.cache.flights() > 0 {
        tokio::time::sleep(LOOK).await;
    }
    Ok(Shown { model_saw, model_said, answer })
}

/// Say what somebody thinks of the answer of an exchange.
async fn judge(fields: &Value, exchange: &str, running: &Running) -> Result<Judged, String> {
    let mut body = json!({ "exchange": exchange });
    if let (Value::Object(body), Value::Object(fields)) = (&mut body, fields) {
        body.extend(fields.clone());
    }
    let kept = client::post(running.address, FEEDBACK, &body).await?;
    Ok(Judged { sent: body.to_string(), id: text_at(Some(&kept), "/id") })
}

/// Where feedback goes.
pub(super) const FEEDBACK: &str = "/v1/feedback";

/// Answer what waits under a reference as a person does, and come back for the answer as the caller does.
async fn settle(reference: String, text: &str, running: &Running) -> Result<Settled, String> {
    let admin: SocketAddr = running.admin_address().ok_or("there is no admin port")?;
    let waiting = client::get(admin, &for_people(&reference)).await?;
    let texts = waiting.pointer("/escalation/conversation/texts").and_then(Value::as_array);
    let person_saw = text_at(texts.and_then(|texts| texts.last()), "/text");
    let reply = json!({"by": "ann", "text": text});
    let answered = client::post(admin, &format!("{}/answer", for_people(&reference)), &reply).await?;
    let person_said = text_at(Some(&answered), "/escalation/answer");
    let fetched = client::get(running.address, &for_callers(&reference)).await?;
    let (state, answer) = (text_at(Some(&fetched), "/state"), text_at(Some(&fetched), "/answer"));
    Ok(Settled { reference, person_saw, person_said, state, answer })
}

/// Where people find it, at the admin port.
pub(super) fn for_people(reference: &str) -> String {
    format!("/api/escalations/{reference}")
}

/// Where its caller finds it.
pub(super) fn for_callers(reference: &str) -> String {
    format!("/v1/escalations/{reference}")
}

fn text_at(value: Option<&Value>, pointer: &str) -> String {
    value.and_then(|value| value.pointer(pointer)).and_then(Value::as_str).unwrap_or_default().to_owned()
}
