//! What a plugin asks a model for: an exchange within an exchange. It passes the same guardrails and the same bills, save that
//! no plugin that may ask models looks at it, that no router is asked, and that nothing of it is kept.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, ready};
use http::{Request, StatusCode};
use http_body_util::BodyExt as _;
use tokio::time::timeout;

use super::ask;
use crate::capability::model::{Bill, Models, Origin, Prompt};
use crate::chat::Task;
use crate::dialect::{Address, AnswerSchema, asking, said};
use crate::endpoint::Does;
use crate::error::Error;
use crate::exchange::{End, Exchange};
use crate::gateway::Gateway;
use crate::route::Way;
use crate::{guard, meter};

impl Models for Gateway {
    fn ask(
        self: Arc<Self>,
        origin: Origin,
        prompt: Prompt,
        wait: Duration,
    ) -> BoxFuture<'static, Result<String, String>> {
        let schema = match prompt.answer_schema.as_deref().map(AnswerSchema::read).transpose() {
            Ok(schema) => schema,
            Err(why) => return ready(Err(why)).boxed(),
        };
        let bill = origin.bill.clone();
        let x = Exchange::begin_within(origin, self.runtime.clone(), self.observers.clone());
        // Whatever becomes of this future, what was spent is on the bill.
        let mut billed = Billed { x, bill, is_over: false };
        async move {
            let answer = told(&self, &mut billed, &prompt, schema, wait).await;
            billed.x.is_on_record().await;
            answer
        }
        .boxed()
    }
}

/// Puts on the bill what an exchange has cost, when it is dropped.
struct Billed {
    x: Arc<Exchange>,
    bill: Arc<Bill>,
    /// Nobody is asked any more: what there is to pay is known, unless a provider has not told it.
    is_over: bool,
}

impl Drop for Billed {
    fn drop(&mut self) {
        let (known, is_whole) = self.x.known_cost();
        self.bill.add(known, is_whole && (self.is_over || !self.x.has_asked()));
    }
}

/// The answer; or why there is none, in words for the plugin.
async fn told(
    gateway: &Gateway,
    Billed { x, is_over, .. }: &mut Billed,
    prompt: &Prompt,
    schema: Option<AnswerSchema>,
    wait: Duration,
) -> Result<String, String> {
    let completed = timeout(wait, complete(gateway, x, prompt, schema.as_ref())).await;
    let completed = completed.map_err(|_| {
        x.end(End::Failed(&Error::OutOfTime));
        "the model did not answer in time".to_owned()
    })?;
    *is_over = true;
    let (status, answer) = completed.map_err(|error| {
        x.end(End::Failed(&error));
        // What a guardrail has found is not the plugin's business; the log says it.
        format!("the model could not be asked, or may not say that: {}", error.code())
    })?;
    if !status.is_success() {
        return Err(format!("the model has answered with the status {}", status.as_u16()));
    }
    let text = said(&answer).ok_or("the model has given no text")?;
    schema.map_or(Ok(()), |schema| schema.check(&text)).map(|()| text)
}

/// The steps of an exchange, with one target that is asked.
async fn complete(
    gateway: &Gateway,
    x: &Arc<Exchange>,
    prompt: &Prompt,
    schema: Option<&AnswerSchema>,
) -> Result<(StatusCode, Bytes), Error> {
    let settings = &x.generation.settings;
    let unknown = || Error::Unreachable(format!("there is no target {:?}", prompt.target));
    let target = settings.targets.get(&prompt.target).ok_or_else(unknown)?;
    let body = asking(target.model.as_ref().unwrap_or(&target.name), prompt, schema);
    let address = Address { task: Task::Converse, model: None, streaming: None };
    let asked = guard::read(x.dialect, address, body).await?;
    x.does(Does::Converse.word());
    x.asks(&asked.request.model, false);
    let admitted = guard::admit(x, asked).await?;
    x.captures_request(|| admitted.body());
    let way = Way::only(target.clone());
    meter::reserve(&gateway.counters, x, admitted.request(), way.targets(settings, admitted.request())).await?;
    let (head, ()) = Request::new(()).into_parts();
    let response = ask(gateway, x, &head, admitted, &way).await?;
    let status = response.status();
    let Ok(whole) = response.into_body().collect().await;
    Ok((status, whole.to_bytes()))
}
