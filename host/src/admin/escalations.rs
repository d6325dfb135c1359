//! `/api/escalations`: what waits for people, and their answers.

use http::request::Parts;
use http::{Response, StatusCode};
use serde::{Deserialize, Serialize};
use tracing::info;

use super::{GET, POST, Refused, json, parse};
use crate::endpoint::parameter;
use crate::escalation::{self, Conversation, Escalation, Facts, State};
use crate::gateway::Gateway;
use crate::moment::Moment;
use crate::reply::Body;
use crate::store::Filter;

/// Escalations in one list: more are there when these are answered.
const LISTED_MAX: usize = 100;

/// Whoever takes one.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Take {
    by: String,
}

/// An answer.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Reply {
    by: String,
    text: String,
}

/// An escalation as operators see it; the conversation where one is asked for by itself.
#[derive(Serialize)]
struct Shown<'a> {
    #[serde(flatten)]
    facts: Facts<'a>,
    state: &'static str,
    taken: Option<Done<'a>>,
    answered: Option<Done<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    answer: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    conversation: Option<&'a Conversation>,
}

/// Who did something, and when.
#[derive(Serialize)]
struct Done<'a> {
    by: &'a str,
    at: String,
}

#[derive(Serialize)]
struct List<'a> {
    escalations: Vec<Shown<'a>>,
}

#[derive(Serialize)]
struct One<'a> {
    escalation: Shown<'a>,
}

impl<'a> Shown<'a> {
    fn briefly(one: &'a Escalation) -> Self {
        Self {
            facts: one.into(),
            state: one.state(Moment::now()).word(),
            taken: one.taken.as_ref().map(|taken| Done { by: &taken.by, at: taken.at.to_string() }),
            answered: one.answered.as_ref().map(|answered| Done { by: &answered.by, at: answered.at.to_string() }),
            answer: None,
            conversation: None,
        }
    }

    fn whole(one: &'a Escalation) -> Self {
        let answer = one.answered.as_ref().map(|answered| answered.text.as_str());
        Self { answer, conversation: Some(&one.conversation), ..Self::briefly(one) }
    }
}

/// Answer a request below `/api/escalations`.
pub(super) async fn answer(
    gateway: &Gateway,
    head: &Parts,
    below: &[&str],
    body: &[u8],
) -> Result<Response<Body>, Refused> {
    let desk = &gateway.escalations;
    match (below, head.method.as_str()) {
        ([], "GET") => {
            let listed = desk.list(filter(head.uri.query().unwrap_or_default())?, LISTED_MAX).await?;
            Ok(json(StatusCode::OK, &List { escalations: listed.iter().map(Shown::briefly).collect() }))
        }
        ([reference], "GET") => Ok(shown(&desk.find(reference).await?)),
        ([reference, "take"], "POST") => {
            let Take { by } = parse(body)?;
            let taken = desk.change(reference, move |one| one.take(&by, Moment::now())).await?;
            Ok(shown(&taken))
        }
        ([reference, "release"], "POST") => {
            let released = desk.change(reference, |one| one.release(Moment::now())).await?;
            Ok(shown(&released))
        }
        ([reference, "answer"], "POST") => {
            let Reply { by, text } = parse(body)?;
            let answered = desk.change(reference, move |one| one.answer(&text, &by, Moment::now())).await?;
            info!(reference = answered.reference, queue = answered.queue, "escalation answered");
            Ok(shown(&answered))
        }
        ([] | [_], _) => Err(Refused::NoSuchMethod(GET)),
        ([_, "take" | "release" | "answer"], _) => Err(Refused::NoSuchMethod(POST)),
        _ => Err(Refused::NotFound),
    }
}

fn shown(one: &Escalation) -> Response<Body> {
    json(StatusCode::OK, &One { escalation: Shown::whole(one) })
}

fn filter(query: &str) -> Result<Filter, Refused> {
    let state = match parameter(query, "state") {
        None => None,
        Some(word) => Some(State::ALL.into_iter().find(|state| state.word() == word).ok_or_else(|| {
            let words = State::ALL.map(State::word).join(", ");
            Refused::Wrong(Some("state"), format!("must be one of {words}"))
        })?),
    };
    Ok(Filter { queue: parameter(query, "queue").map(|queue| queue.into_owned()), state })
}

/// The code of a conflict.
pub(super) fn code(why: &escalation::Refused) -> &'static str {
    match why {
        escalation::Refused::Answered => "escalation_answered",
        escalation::Refused::Expired => "escalation_expired",
        escalation::Refused::TakenBy(_) => "escalation_taken",
        escalation::Refused::Wrong(..) => "invalid_request",
    }
}
