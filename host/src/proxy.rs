//! THE FILE TO READ FIRST: the steps of an exchange, in order. Each step's result is the next step's argument, so none
//! can be left out: a provider is sent nothing but what was [`Admitted`], a caller nothing but
//! what was [`Released`].

use std::sync::Arc;

use bytes::Bytes;
use http::header::{self, HeaderMap};
use http::request::Parts;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Incoming;
use tokio::time::timeout;

use crate::config::Target;
use crate::dialect::Address;
use crate::endpoint::{self, Does, Endpoint};
use crate::error::Error;
use crate::exchange::Exchange;
use crate::gateway::Gateway;
use crate::guard::stream::{Next, StreamGuard};
use crate::guard::{self, Admitted, Judged, Released};
use crate::money::Money;
use crate::{meter, reply, route, upstream};

/// Serve one request. Whatever happens, the caller gets a response in its dialect, and the exchange is recorded.
pub async fn serve(gateway: &Gateway, request: Request<Incoming>) -> Response<reply::Body> {
    let (head, body) = request.into_parts();
    let x = gateway.begin(endpoint::dialect(&head), wants_receipts(&head.headers));
    let response = match answer(gateway, &x, &head, body).await {
        Ok(response) => response,
        Err(error) => reply::error(&x, &error),
    };
    x.is_on_record().await;
    response
}

async fn answer(
    gateway: &Gateway,
    x: &Arc<Exchange>,
    head: &Parts,
    body: Incoming,
) -> Result<Response<reply::Body>, Error> {
    let (endpoint, address) = Endpoint::find(head)?;
    match endpoint.does {
        Does::Converse => converse(gateway, x, head, address, body).await,
        Does::ListModels => models(gateway, x, head).await,
    }
}

/// A conversation goes on.
async fn converse(
    gateway: &Gateway,
    x: &Arc<Exchange>,
    head: &Parts,
    address: Address,
    body: Incoming,
) -> Result<Response<reply::Body>, Error> {
    let body = read(x, head, body).await?;
    let asked = guard::read(x.dialect, address, body).await?;
    x.asks(&asked.request.model, asked.request.streaming);
    let admitted = guard::admit(x, asked).await?;
    let targets = route::choose(x, admitted.request())?;
    meter::reserve(&gateway.counters, x, admitted.request(), Money::ZERO).await?;
    ask(gateway, x, head, admitted, &targets).await
}

/// Ask the targets one after the other, until one has given an answer of which something may be released.
async fn ask(
    gateway: &Gateway,
    x: &Arc<Exchange>,
    head: &Parts,
    mut admitted: Admitted,
    targets: &[Arc<Target>],
) -> Result<Response<reply::Body>, Error> {
    let mut retries_left = x.generation.settings.plugins.retries_max;
    let mut targets = targets;
    while let [target, others @ ..] = targets {
        x.is_answered_by(&target.name);
        match attempt(gateway, x, head, &admitted, target, retries_left, others.is_empty()).await {
            Ok(Attempt::Reply(response)) => return Ok(response),
            Ok(Attempt::Retry(corrected)) => {
                admitted = *corrected;
                retries_left = retries_left.saturating_sub(1);
            }
            Ok(Attempt::Next) => targets = others,
            Err(error) if error.is_the_targets() && !others.is_empty() => {
                let (exchange, error, detail) = (&*x.id, error.label(), error.detail());
                tracing::warn!(exchange, target = target.name, error, detail, "target failed, asking the next one");
                targets = others;
            }
            Err(error) => return Err(error),
        }
    }
    Err(Error::Unreachable("no target is left".to_owned()))
}

/// What came of asking one target.
enum Attempt {
    Reply(Response<reply::Body>),
    Retry(Box<Admitted>),
    /// It has a problem that another target may not have.
    Next,
}

async fn attempt(
    gateway: &Gateway,
    x: &Arc<Exchange>,
    head: &Parts,
    admitted: &Admitted,
    target: &Target,
    retries_left: u32,
    is_last: bool,
) -> Result<Attempt, Error> {
    let answer = send(gateway, x, head, admitted, target).await?;
    if !is_last && is_the_targets(answer.status) {
        let (exchange, status) = (&*x.id, answer.status.as_u16());
        tracing::warn!(exchange, target = target.name, status, "target answers with an error, asking the next one");
        return Ok(Attempt::Next);
    }
    let upstream::Answer { status, headers, dialect, translation, .. } = &answer;
    let (status, headers, dialect, translation) = (*status, headers.clone(), *dialect, *translation);
    if !answer.is_stream() {
        let body = answer.body.whole(x).await?;
        return Ok(match guard::release(x, admitted, target, dialect, status, body, retries_left).await? {
            Judged::Released(released) => Attempt::Reply(reply::whole(x, status, &headers, released, translation)?),
            Judged::Retry(corrected) => Attempt::Retry(corrected),
        });
    }
    let mut stream = StreamGuard::new(x, admitted, target, dialect, answer.body, retries_left);
    Ok(match stream.next().await? {
        Next::Released(first) => Attempt::Reply(reply::streamed(x, status, &headers, first, stream, translation)),
        Next::Retry(corrected) => Attempt::Retry(corrected),
        Next::End => Attempt::Reply(reply::streamed(x, status, &headers, Released::nothing(), stream, translation)),
    })
}

/// Send it to a provider, and note what may cost something.
async fn send(
    gateway: &Gateway,
    x: &Exchange,
    head: &Parts,
    admitted: &Admitted,
    target: &Target,
) -> Result<upstream::Answer, Error> {
    let Some(reservation) = x.reservation() else {
        return gateway.upstream.send(x, admitted, target, &head.headers).await;
    };
    reservation.asks();
    let sent = gateway.upstream.send(x, admitted, target, &head.headers).await;
    match &sent {
        Err(error) if error.is_before_sending() => reservation.was_not_sent(),
        Ok(answer) if !answer.status.is_success() => reservation.was_free(),
        Ok(_) | Err(_) => {}
    }
    sent
}

/// Statuses that speak of the provider's state rather than of the request.
fn is_the_targets(status: StatusCode) -> bool {
    status.is_server_error() || matches!(status, StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS)
}

/// The list of models: what is configured; and what the provider has, where any model may be asked for.
async fn models(gateway: &Gateway, x: &Arc<Exchange>, head: &Parts) -> Result<Response<reply::Body>, Error> {
    let settings = &x.generation.settings;
    let Some(target) = settings.any_model.targets.first().filter(|_| settings.models.is_empty()) else {
        return Ok(reply::own(x, x.dialect.models_body(settings.models.keys().map(String::as_str))));
    };
    x.is_answered_by(&target.name);
    let answer = gateway.upstream.models(x, target, &head.headers).await?;
    let (status, headers, translation) = (answer.status, answer.headers.clone(), answer.translation);
    let body = answer.body.whole(x).await?;
    let released = guard::release_words(x, body).await?;
    reply::whole(x, status, &headers, released, translation)
}

/// The caller's body, within its bounds of size and time.
async fn read(x: &Exchange, head: &Parts, body: Incoming) -> Result<Bytes, Error> {
    let server = &x.generation.settings.server;
    if !head.headers.get_all(header::CONTENT_ENCODING).iter().all(upstream::is_identity) {
        return Err(Error::BodyEncoded);
    }
    let limited = Limited::new(body, server.body_bytes_max);
    match timeout(server.body, limited.collect()).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(Error::BodyTooLarge(server.body_bytes_max)),
        Ok(Err(_)) => Err(Error::BodyBroken),
        Err(_) => Err(Error::BodyTooSlow),
    }
}

fn wants_receipts(headers: &HeaderMap) -> bool {
    headers.get("x-sluicegate-receipts").is_some_and(|value| value == "1")
}
