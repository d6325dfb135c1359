//! Calls with sample input: what loads must be able to answer, and what was taken out must show that it is well.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::bindings::sluicegate::plugin::types::PluginError;
use super::convert::{self, ExchangeFacts};
use super::limits::Limits;
use super::run::{Caller, Failure, Spent};
use super::work::{AcceptWork, AdmitWork, AnswerWork, PlanWork, RequestWork, RouteWork, TextWork, plugin_error};
use super::{Outcome, Plugin, Runtime};
use crate::capability::{Capabilities, Counts};
use crate::chat::{Answer, Candidate, Channel, Phase, Request, Role, RouteTarget, Segment, Window};

/// Call every export with sample input.
///
/// # Errors
/// Which export failed, and how.
pub(super) async fn probe(runtime: &Runtime, plugin: &Plugin, limits: &Limits) -> Result<(), String> {
    // Each call has its own deadline; there is no exchange that could have another.
    let deadline = Instant::now() + limits.wall.saturating_mul(4);
    let services = Arc::new(Capabilities::for_trials(runtime.services().embedders.clone()));
    let caller = || Caller {
        granted: plugin.granted(&"probe".into(), &Counts::default(), None, &services),
        ..Caller::without_exchange(plugin.name.clone(), deadline)
    };
    let facts = ExchangeFacts { id: "probe", tenant: "probe" };
    if plugin.exports.text.is_some() {
        let windows = sample_windows();
        let borrowed: Vec<&Window<'_>> = windows.iter().collect();
        let work = TextWork { plugin, windows: windows.iter().map(convert::window).collect() };
        let verdicts = said("text-guardrail", runtime.fork(plugin, &mut caller(), limits, work).await)?;
        let verdicts = verdicts.map(|verdicts| convert::verdicts(&borrowed, verdicts)).transpose();
        verdicts.map_err(|wrong| failed("text-guardrail", Outcome::Malformed, &wrong))?;
    }
    let request = sample_request();
    if plugin.exports.request.is_some() {
        let work = RequestWork { plugin, request: convert::request(&facts, &request) };
        let verdict = said("request-guardrail", runtime.fork(plugin, &mut caller(), limits, work).await)?;
        let verdict = verdict.map(|verdict| convert::request_verdict(&request.segments, verdict)).transpose();
        verdict.map_err(|wrong| failed("request-guardrail", Outcome::Malformed, &wrong))?;
    }
    if plugin.exports.answer.is_some() {
        let answer = sample_answer();
        let request = convert::request(&facts, &request);
        let work = AnswerWork { plugin, request, answer: convert::answer(&answer) };
        let verdict = said("answer-guardrail", runtime.fork(plugin, &mut caller(), limits, work).await)?;
        let verdict = verdict.map(|verdict| convert::answer_verdict(&answer.segments, verdict)).transpose();
        verdict.map_err(|wrong| failed("answer-guardrail", Outcome::Malformed, &wrong))?;
    }
    if plugin.exports.router.is_some() {
        let targets = [sample_target()];
        let request = convert::request(&facts, &request);
        let work = RouteWork { plugin, request, targets: targets.iter().map(convert::target).collect() };
        let routing = said("router", runtime.fork(plugin, &mut caller(), limits, work).await)?;
        let routing = routing.map(|routing| convert::routing(targets.len(), routing)).transpose();
        routing.map_err(|wrong| failed("router", Outcome::Malformed, &wrong))?;
    }
    if plugin.exports.cache.is_some() {
        let (question, answer) = ("What is the capital of France?", sample_answer());
        let asked = || convert::request(&facts, &request);
        let work = PlanWork { plugin, request: asked(), findings: Vec::new() };
        let intention = said("cache", runtime.fork(plugin, &mut caller(), limits, work).await)?;
        let intention = intention.map(convert::intention).transpose();
        intention.map_err(|wrong| failed("cache", Outcome::Malformed, &wrong))?;
        let age = Duration::from_secs(1);
        let candidate = convert::candidate(Candidate { question, answer: &answer, similarity: 1.0, age });
        let work = AcceptWork { plugin, request: asked(), candidate };
        said("cache", runtime.fork(plugin, &mut caller(), limits, work).await)?;
        let answer = convert::answer(&answer);
        let work = AdmitWork { plugin, request: asked(), answer, findings: Vec::new() };
        said("cache", runtime.fork(plugin, &mut caller(), limits, work).await)?;
    }
    Ok(())
}

fn sample_target() -> RouteTarget {
    RouteTarget {
        name: "probe".to_owned(),
        provider: "probe".to_owned(),
        model: "probe".to_owned(),
        tags: Vec::new(),
        healthy: true,
        in_flight: 0,
        first_token: None,
        dollars: None,
        context_tokens: None,
    }
}

/// What a plugin said when it was probed; nothing where it says that it cannot do without what it was granted, and which a
/// probe does not give it.
fn said<T>(export: &str, (said, spent): (Result<Result<T, PluginError>, Failure>, Spent)) -> Result<Option<T>, String> {
    match said.map_err(|failure| failed(export, failure.outcome, &failure.detail))? {
        Ok(said) => Ok(Some(said)),
        Err(PluginError::Unavailable(_)) if spent.was_refused => Ok(None),
        Err(error) => Err(failed(export, Outcome::Refused, &plugin_error(&error))),
    }
}

fn failed(export: &str, outcome: Outcome, detail: &str) -> String {
    format!("the probe of `{export}` ended: {}: {detail}", outcome.word())
}

/// A question whole, an answer as it streams, and an empty end.
fn sample_windows() -> Vec<Window<'static>> {
    let window = |phase, role, text: &'static str, context, is_final| Window {
        phase,
        role,
        channel: Channel::Content,
        text: text.into(),
        context,
        is_final,
        facts: None,
    };
    vec![
        window(Phase::Request, Role::User, "What is the capital of France?", 0, true),
        window(Phase::Answer, Role::Assistant, "The capital of France", 0, false),
        window(Phase::Answer, Role::Assistant, "The capital of France is Paris, of course \u{1f642}.", 21, true),
    ]
}

fn segment(role: Role, text: &str) -> Segment {
    Segment { role, channel: Channel::Content, choice: 0, name: None, text: text.to_owned(), is_json: false }
}

fn sample_request() -> Request {
    Request {
        model: "probe".to_owned(),
        segments: vec![
            segment(Role::System, "You are a helpful assistant."),
            segment(Role::User, "What is the capital of France?"),
        ],
        ..Request::default()
    }
}

fn sample_answer() -> Answer {
    Answer {
        target: "probe".to_owned(),
        segments: vec![segment(Role::Assistant, "The capital of France is Paris.")],
        ..Answer::default()
    }
}
