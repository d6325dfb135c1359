//! THE FILE TO READ FIRST: the steps of an exchange, in order. Each step's result is the next step's argument, so none
//! can be left out: a provider is sent nothing but what was [`Admitted`], a caller nothing but
//! what was [`Released`].

mod within;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use http::header::{self, HeaderMap};
use http::request::Parts;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Incoming;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use crate::cache::{self, Asking, Joined, Question, Served, State};
use crate::caller::Caller;
use crate::chat::{Channel, Task};
use crate::config::Target;
use crate::dialect::{Address, Dialect, count_body};
use crate::endpoint::{self, Does, Endpoint};
use crate::error::Error;
use crate::exchange::{End, Exchange};
use crate::gateway::Gateway;
use crate::guard::shared::{self, SharedStream};
use crate::guard::stream::{Next, StreamGuard};
use crate::guard::{self, Admitted, Judged, Released};
use crate::key::Models;
use crate::observe::Observers;
use crate::route::{Way, Words};
use crate::trace::Trace;
use crate::trouble::{Rounds, Told, Trouble};
use crate::{auth, escalation, feedback, meter, reply, route, upstream};

/// Serve one request. Whatever happens, the caller gets a response in its dialect, and the exchange is recorded.
pub async fn serve(gateway: &Arc<Gateway>, request: Request<Incoming>) -> Response<reply::Body> {
    let (mut head, body) = request.into_parts();
    endpoint::take_key(&mut head);
    let generation = gateway.generation();
    let identified = gateway.auth.identify(&generation.settings, &gateway.upstream, &head.headers).await;
    let (caller, refused) = match identified {
        Ok(caller) if gateway.auth.is_of_another_site(&caller, &head) => (caller, Some(Error::AnotherSite)),
        Ok(caller) => (caller, None),
        Err(error) => (Arc::new(Caller::anonymous()), Some(error)),
    };
    let trace = Trace::of(&head.headers, generation.settings.telemetry.sampled());
    let x = gateway.begin(caller, generation, endpoint::dialect(&head), wants_receipts(&head.headers), trace);
    let answered = match refused {
        None => answer(gateway, &x, &head, body).await,
        Some(error) => Err(error),
    };
    let response = match answered {
        Ok(response) => response,
        Err(error) => reply::error(&x, &error),
    };
    x.is_on_record().await;
    response
}

async fn answer(
    gateway: &Arc<Gateway>,
    x: &Arc<Exchange>,
    head: &Parts,
    body: Incoming,
) -> Result<Response<reply::Body>, Error> {
    let (endpoint, name) = Endpoint::find(head)?;
    x.does(endpoint.does.word());
    let task = match endpoint.does {
        Does::Converse => Task::Converse,
        Does::Embed => Task::Embed,
        Does::CountTokens => Task::CountTokens,
        Does::ListModels => return models(gateway, x, head).await,
        Does::ReadEscalation => return escalation(gateway, x, &name.unwrap_or_default()).await,
        Does::GiveFeedback => return feedback(gateway, x, head, body).await,
    };
    serve_task(gateway, x, head, Address { task, model: name, streaming: endpoint.streaming }, body).await
}

/// A conversation goes on, or something else is asked of a model.
async fn serve_task(
    gateway: &Arc<Gateway>,
    x: &Arc<Exchange>,
    head: &Parts,
    address: Address,
    body: Incoming,
) -> Result<Response<reply::Body>, Error> {
    let body = read(x, head, body).await?;
    let asked = guard::read(x.dialect, address, body).await?;
    x.asks(&asked.request.model, asked.request.streaming);
    auth::may_ask(&x.caller, &asked.request.model)?;
    let Observers { ledger, sessions, .. } = &*gateway.observers;
    sessions.goes_on(x, ledger.as_deref(), &head.headers, &asked.request).await?;
    if x.generation.asks_models() {
        // What its plugins ask costs something already: whoever may take no more gets none of it.
        let targets = x.generation.settings.model(&asked.request.model).targets();
        meter::reserve(&gateway.counters, x, &asked.request, targets).await?;
    }
    let turns = feedback::turns(&gateway.observers, x, &asked.request);
    let admitted = guard::admit(x, asked).await?;
    x.captures_request(|| admitted.body());
    if let Some(turns) = turns {
        let bytes_max = if x.is_captured() { feedback::CORRECTED_BYTES_MAX } else { 0 };
        let shown = turns.recognised(&gateway.observers, bytes_max, &admitted.request().segments);
        x.goes_on_at(turns, shown);
    }
    let asking = match remembered(gateway, x, head, &admitted).await? {
        Remembered::Reply(response) => return Ok(response),
        Remembered::Nothing(asking) => asking,
    };
    decide(gateway, x, head, admitted, asking).await
}

/// What is remembered of a question.
enum Remembered {
    /// The answer.
    Reply(Response<reply::Body>),
    /// Nothing; how the answer is to be kept, if it may be.
    Nothing(Option<Asking>),
}

/// Answer from memory, or with what another caller is told at this moment, if that is possible.
async fn remembered(
    gateway: &Arc<Gateway>,
    x: &Arc<Exchange>,
    head: &Parts,
    admitted: &Admitted,
) -> Result<Remembered, Error> {
    let question = cache::plan(&gateway.cache, x, &head.headers, admitted).await;
    let asking = match question {
        None => None,
        Some(question) => match recall(gateway, x, head, admitted, question).await? {
            Remembered::Nothing(asking) => asking,
            Remembered::Reply(response) => return Ok(Remembered::Reply(response)),
        },
    };
    if let Some(served) = x.served() {
        gateway.cache.note(&served);
    }
    Ok(Remembered::Nothing(asking))
}

async fn recall(
    gateway: &Arc<Gateway>,
    x: &Arc<Exchange>,
    head: &Parts,
    admitted: &Admitted,
    question: Question,
) -> Result<Remembered, Error> {
    let Some(found) = cache::find(&gateway.cache, x, &question).await else {
        return together(gateway, x, admitted, question).await;
    };
    let Some(released) = guard::release_again(x, admitted, &found.kept.answer).await? else {
        // A guardrail wants another answer than this one.
        x.is_served(Served::so_far(State::Miss, Some(question.digests.key)));
        return Ok(Remembered::Nothing(Some(gateway.cache.ask(x, question))));
    };
    // No model is asked, and yet it is a request.
    meter::count_request(&gateway.counters, x).await?;
    gateway.cache.serves(x, found.served());
    if found.is_stale {
        refresh(gateway, x, head, admitted, question);
    }
    reply::unasked(x, admitted, released).map(Remembered::Reply)
}

/// Wait for who asks the same at this moment, or be the one that others wait for.
async fn together(
    gateway: &Arc<Gateway>,
    x: &Arc<Exchange>,
    admitted: &Admitted,
    question: Question,
) -> Result<Remembered, Error> {
    let mut following = match gateway.cache.join(x, &question) {
        Joined::Leads(leading) => return Ok(Remembered::Nothing(Some(Asking::new(question, leading)))),
        Joined::Follows(following) => following,
    };
    let served = Served::so_far(State::Hit, Some(question.digests.key));
    if admitted.request().streaming {
        following = match SharedStream::new(x, following) {
            Err(following) => following,
            Ok(mut stream) => {
                let shared::Next::Released(first) = stream.next().await else {
                    return Ok(Remembered::Nothing(Some(gateway.cache.ask(x, question))));
                };
                meter::count_request(&gateway.counters, x).await?;
                x.is_served(served);
                return Ok(Remembered::Reply(reply::shared(admitted, &gateway.cache, first, stream)));
            }
        };
    }
    if let Ok(Some((whole, cost))) = timeout_at(x.deadline, following.whole()).await
        && let Some(released) = guard::release_again(x, admitted, &whole).await?
    {
        meter::count_request(&gateway.counters, x).await?;
        gateway.cache.serves(x, Served { saved: cost.unwrap_or_default(), ..served });
        return reply::unasked(x, admitted, released).map(Remembered::Reply);
    }
    Ok(Remembered::Nothing(Some(gateway.cache.ask(x, question))))
}

/// Ask for a fresh answer in place of a stale one that was given. Nobody waits for it; the caller's tenant pays for it.
fn refresh(gateway: &Arc<Gateway>, x: &Exchange, head: &Parts, admitted: &Admitted, question: Question) {
    let Joined::Leads(leading) = gateway.cache.join(x, &question) else { return };
    let asking = Some(Asking::new(question, leading));
    let (gateway, head, admitted) = (gateway.clone(), head.clone(), admitted.clone());
    let fresh = gateway.begin(x.caller.clone(), x.generation.clone(), x.dialect, false, x.trace.within());
    tokio::spawn(async move {
        fresh.does(Does::Converse.word());
        fresh.asks(&admitted.request().model, admitted.request().streaming);
        match decide(&gateway, &fresh, &head, admitted, asking).await {
            Ok(response) => drop(response.into_body().collect().await),
            Err(error) => fresh.end(End::Failed(&error)),
        }
    });
}

/// Let routers decide who answers, and have it answered.
async fn decide(
    gateway: &Gateway,
    x: &Arc<Exchange>,
    head: &Parts,
    admitted: Admitted,
    asking: Option<Asking>,
) -> Result<Response<reply::Body>, Error> {
    let way = route::decide(x, gateway.upstream.health(), admitted.request()).await?;
    if let Way::Words(words) = way {
        return say(gateway, x, &admitted, words).await;
    }
    let targets = way.targets(&x.generation.settings, admitted.request());
    meter::reserve(&gateway.counters, x, admitted.request(), targets).await?;
    let response = ask(gateway, x, head, admitted, &way).await?;
    Ok(match asking {
        Some(asking) => cache::listen(&gateway.cache, x, asking, response).await,
        None => response,
    })
}

/// Say what a router has the words for, and hand over to people what is theirs to answer.
async fn say(
    gateway: &Gateway,
    x: &Exchange,
    admitted: &Admitted,
    words: Words,
) -> Result<Response<reply::Body>, Error> {
    // No model is asked, and yet it is a request.
    meter::count_request(&gateway.counters, x).await?;
    let Words { router, text, queue } = words;
    let Some(queue) = queue else {
        let released = guard::release_own(x, admitted, &router, &text).await?;
        return reply::unasked(x, admitted, released);
    };
    let reference = escalation::new_reference();
    let text = escalation::with_reference(&text, &reference);
    // What the caller may not be told is nothing to come back for.
    let released = guard::release_own(x, admitted, &router, &text).await?;
    escalation::hand_over(gateway, x, admitted.request(), reference, queue).await?;
    reply::unasked(x, admitted, released)
}

/// Ask the targets one after the other, and all of them once more where that may help, until one has given an answer of
/// which something may be released.
async fn ask(
    gateway: &Gateway,
    x: &Arc<Exchange>,
    head: &Parts,
    mut admitted: Admitted,
    way: &Way,
) -> Result<Response<reply::Body>, Error> {
    let mut retries_left = admitted.retries(x.generation.settings.plugins.retries_max);
    let mut rounds = Rounds::new(x.generation.settings.upstream.retry);
    let mut trouble: Option<Trouble> = None;
    let others = OnceLock::new();
    let mut way = way;
    // What a guardrail said of an answer, before others were asked.
    let mut rejection: Option<Error> = None;
    'rounds: loop {
        let targets = match (route::choose(x, gateway.upstream.health(), admitted.request(), way), trouble) {
            (Ok(targets), _) => targets,
            (Err(error), None) => return Err(rejection.unwrap_or(error)),
            // They rest by now; what they said before says more.
            (Err(_), Some(trouble)) => return give_up(x, &admitted, trouble, rejection).await,
        };
        let (mut last, mut wait) = (None, None::<Duration>);
        let mut targets = &*targets;
        while let [target, behind @ ..] = targets {
            x.asks_target(target);
            let new = match attempt(gateway, x, head, &admitted, target, retries_left).await {
                Ok(Attempt::Reply(response)) => return Ok(response),
                Ok(Attempt::Retry(corrected)) => {
                    admitted = *corrected;
                    retries_left = retries_left.saturating_sub(1);
                    continue;
                }
                Ok(Attempt::Trouble(trouble)) => trouble,
                Err(error) if error.is_a_rejection() && rejection.is_none() && !admitted.request().acts => {
                    let Some(stronger) = on_rejection(gateway, x, &admitted, way, target) else { return Err(error) };
                    x.target_failed(error.label(), error.detail().as_deref());
                    (way, trouble, rejection) = (others.get_or_init(|| stronger), None, Some(error));
                    continue 'rounds;
                }
                // Of all that was said, the guardrail's words are those that another try would not change.
                Err(error) => match Trouble::of_error(error) {
                    Ok(trouble) => trouble,
                    Err(error) => return Err(rejection.unwrap_or(error)),
                },
            };
            x.target_failed(&new.word(), new.detail().as_deref());
            // What the provider has done for it already would be done twice.
            if admitted.request().acts && new.was_underway() {
                return give_up(x, &admitted, new, rejection).await;
            }
            wait = new.wait().map(|this| wait.map_or(this, |least| least.min(this))).or(wait);
            last = Some(new.or(last));
            targets = behind;
        }
        let Some(last) = last else {
            return Err(rejection.unwrap_or_else(|| Error::Unreachable("no target is left".to_owned())));
        };
        match wait.and_then(|asked| rounds.next(asked)) {
            Some(wait) if Instant::now() + wait < x.deadline => {
                let began = Instant::now();
                sleep(wait).await;
                x.waited(began);
            }
            Some(_) | None => return give_up(x, &admitted, last, rejection).await,
        }
        trouble = Some(last);
    }
}

/// Who is asked now that a guardrail has rejected the answer of a target, if anybody can be.
fn on_rejection(gateway: &Gateway, x: &Exchange, admitted: &Admitted, way: &Way, rejected: &Target) -> Option<Way> {
    let others = way.on_rejection_of(rejected)?;
    let can_be_asked = |target: &Arc<Target>| meter::has_price(x, admitted.request(), target).is_ok();
    let ready = route::choose(x, gateway.upstream.health(), admitted.request(), &others).ok()?;
    ready.iter().any(can_be_asked).then_some(others)
}

/// What came of asking one target.
enum Attempt {
    Reply(Response<reply::Body>),
    Retry(Box<Admitted>),
    /// It has a problem that another target may not have.
    Trouble(Trouble),
}

async fn attempt(
    gateway: &Gateway,
    x: &Arc<Exchange>,
    head: &Parts,
    admitted: &Admitted,
    target: &Arc<Target>,
    retries_left: u32,
) -> Result<Attempt, Error> {
    if let Some(tokens) = meter::estimated(x, admitted.request(), target)? {
        return Ok(Attempt::Reply(reply::own(x, count_body(tokens))));
    }
    meter::has_price(x, admitted.request(), target)?;
    let answer = send(gateway, x, head, admitted, target).await?;
    x.target_has(answer.status);
    if upstream::refuses_credential(target, answer.status, &[]) {
        return Err(Error::CredentialRefused(answer.status));
    }
    if upstream::is_the_targets(answer.status) {
        return Ok(Attempt::Trouble(Trouble::Answer(Box::new(answer), target.clone())));
    }
    release(x, admitted, target, answer, retries_left).await
}

/// Pass an answer through the guardrails, as far as to the first of it that may go to the caller.
async fn release(
    x: &Arc<Exchange>,
    admitted: &Admitted,
    target: &Arc<Target>,
    mut answer: upstream::Answer,
    retries_left: u32,
) -> Result<Attempt, Error> {
    let upstream::Answer { status, headers, dialect, translation, .. } = &answer;
    let (status, headers, dialect, translation) = (*status, headers.clone(), *dialect, translation.clone());
    // Only conversations stream, whatever a provider calls its answer.
    if !answer.is_stream() || admitted.request().task != Task::Converse {
        let body = answer.body.whole(x).await?;
        if upstream::refuses_credential(target, status, &body) {
            return Err(Error::CredentialRefused(status));
        }
        let judged = guard::release(x, admitted, target, dialect, status, body.clone(), retries_left).await;
        return Ok(match judged.inspect_err(|error| answer.body.is_judged(error))? {
            Judged::Released(released) => Attempt::Reply(reply::whole(x, status, &headers, released, translation)?),
            Judged::Retry(corrected) => Attempt::Retry(corrected),
            Judged::Failed { blames_request } => {
                x.was_free();
                let status = if blames_request { StatusCode::BAD_REQUEST } else { StatusCode::BAD_GATEWAY };
                let target = target.clone();
                let told = Told { target, status, headers, body, dialect, translation };
                if blames_request {
                    return tell(x, admitted, told).await.map(Attempt::Reply);
                }
                answer.body.is_broken();
                Attempt::Trouble(Trouble::Told(Box::new(told)))
            }
        });
    }
    let mut guard = StreamGuard::new(x, admitted, target, dialect, answer.body, retries_left);
    let first = match guard.next().await? {
        Next::Released(first) => first,
        Next::Retry(corrected) => return Ok(Attempt::Retry(corrected)),
        Next::End => Released::nothing(),
    };
    let has_failed = guard.has_failed();
    let begun = reply::Begun { status, headers, first, guard, translation };
    Ok(match has_failed {
        // Of this answer the caller has seen nothing.
        true => Attempt::Trouble(Trouble::Stream(Box::new(begun))),
        false => Attempt::Reply(reply::streamed(x, begun)),
    })
}

/// Tell the caller what a target says of an error in what should have been an answer, with the status that it should have had.
async fn tell(x: &Exchange, admitted: &Admitted, told: Told) -> Result<Response<reply::Body>, Error> {
    let Told { target, status, headers, body, dialect, translation } = told;
    x.target_has(status);
    match guard::release(x, admitted, &target, dialect, status, body, 0).await? {
        Judged::Released(released) => reply::whole(x, status, &headers, released, translation),
        Judged::Retry(_) | Judged::Failed { .. } => Err(Error::Unreachable("no target is left".to_owned())),
    }
}

/// Send it to a provider, and note that it may cost something. To count costs nothing.
async fn send(
    gateway: &Gateway,
    x: &Exchange,
    head: &Parts,
    admitted: &Admitted,
    target: &Target,
) -> Result<upstream::Answer, Error> {
    let request = admitted.request();
    if request.task != Task::CountTokens {
        x.is_charged(x.generation.settings.prices_of(target, &request.model));
    } else if let Some(reservation) = x.reservation() {
        reservation.is_a_request_alone();
    }
    let sent = gateway.upstream.send(x, admitted, target, &head.headers).await;
    note_charge(x, &sent);
    sent
}

/// Note what cannot have cost anything.
fn note_charge(x: &Exchange, sent: &Result<upstream::Answer, Error>) {
    match sent {
        Err(error) if error.is_before_sending() => x.was_not_charged(),
        Ok(answer) if !answer.status.is_success() => x.was_free(),
        Ok(_) | Err(_) => {}
    }
}

/// Nobody has answered: the caller is told why, by the provider where it said so.
async fn give_up(
    x: &Arc<Exchange>,
    admitted: &Admitted,
    trouble: Trouble,
    rejection: Option<Error>,
) -> Result<Response<reply::Body>, Error> {
    if let Some(rejection) = rejection {
        return Err(rejection);
    }
    match trouble {
        Trouble::Error(error) => Err(error),
        Trouble::Stream(begun) => Ok(reply::streamed(x, *begun)),
        Trouble::Told(told) => tell(x, admitted, *told).await,
        Trouble::Answer(answer, target) => match release(x, admitted, &target, *answer, 0).await? {
            Attempt::Reply(response) => Ok(response),
            Attempt::Retry(_) | Attempt::Trouble(_) => Err(Error::Unreachable("no target is left".to_owned())),
        },
    }
}

/// How far an escalation of the caller's tenant has come, with what a person has answered.
async fn escalation(gateway: &Gateway, x: &Exchange, reference: &str) -> Result<Response<reply::Body>, Error> {
    // Whoever asks again and again keeps to its limits.
    meter::count_request(&gateway.counters, x).await?;
    let found = escalation::find(gateway, x, reference).await?;
    let answer = match &found.answered {
        Some(answered) => Some(guard::release_text(x, Channel::Content, &answered.text).await?),
        None => None,
    };
    Ok(reply::own(x, escalation::body(&found, answer)))
}

/// Keep what a caller thinks of an answer.
async fn feedback(
    gateway: &Gateway,
    x: &Exchange,
    head: &Parts,
    body: Incoming,
) -> Result<Response<reply::Body>, Error> {
    meter::count_request(&gateway.counters, x).await?;
    let body = read(x, head, body).await?;
    let given = feedback::read(&body, &head.headers)?;
    feedback::check(&gateway.observers, x, &given).await?;
    let given = guarded(x, given).await?;
    let kept = feedback::keep(&gateway.observers, x, given).await?;
    Ok(reply::own(x, feedback::body(&kept)))
}

/// The words of feedback, as the guardrails let them pass: those of a caller, and as an answer what should have been one.
async fn guarded(x: &Exchange, mut given: feedback::Given) -> Result<feedback::Given, Error> {
    let opinion = &mut given.opinion;
    [opinion.comment, opinion.corrected] =
        guard::admit_texts(x, [opinion.comment.take(), opinion.corrected.take()]).await?;
    if let Some(corrected) = &mut opinion.corrected {
        let released = guard::release_text(x, Channel::Content, corrected).await?;
        *corrected = String::from_utf8_lossy(&released.into_bytes()).into_owned();
    }
    Ok(given)
}

/// Feedback that an operator gives in the console passes the guardrails of the tenant whose exchange it is about.
///
/// # Errors
/// What a guardrail says of it.
pub(crate) async fn operators_words(
    gateway: &Gateway,
    tenant: &str,
    given: feedback::Given,
) -> Result<feedback::Given, Error> {
    let caller = Arc::new(Caller::identified(tenant.into(), None, Models::Any));
    let x = gateway.begin(caller, gateway.generation(), Dialect::OpenAi, false, Trace::begin(0.0));
    x.does(Does::GiveFeedback.word());
    let guarded = guarded(&x, given).await;
    x.end(match &guarded {
        Ok(_) => End::Answered,
        Err(error) => End::Failed(error),
    });
    guarded
}

/// The list of models: what is configured and allowed; and what the provider has, where any model may be asked for.
async fn models(gateway: &Gateway, x: &Arc<Exchange>, head: &Parts) -> Result<Response<reply::Body>, Error> {
    let settings = &x.generation.settings;
    if let Models::Only(allowed) = &x.caller.models {
        let any = !settings.any_model.groups.is_empty();
        let names = allowed.iter().filter(|name| any || settings.models.contains_key(*name));
        return Ok(reply::own(x, x.dialect.models_body(names.map(String::as_str))));
    }
    let asked = settings.any_model.targets().next().filter(|_| settings.models.is_empty());
    // Where no caller could be understood, there is no list either.
    let Some((target, dialect)) = asked.and_then(|target| Some((target, target.dialect.dialect()?))) else {
        return Ok(reply::own(x, x.dialect.models_body(settings.models.keys().map(String::as_str))));
    };
    meter::count_request(&gateway.counters, x).await?;
    x.asks_target(target);
    let asked = gateway.upstream.models(x, target, dialect, &head.headers).await;
    note_charge(x, &asked);
    let mut answer = asked?;
    let (status, headers, translation) = (answer.status, answer.headers.clone(), answer.translation.take());
    let body = answer.body.whole(x).await?;
    if upstream::refuses_credential(target, status, &body) {
        return Err(Error::CredentialRefused(status));
    }
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
