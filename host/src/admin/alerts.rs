//! `/api/alerts`: how the rules stand, and what is being told of them.

use http::{Method, Response, StatusCode};
use serde::Serialize;

use super::{Refused, json, only};
use crate::alerts::{Shown, Standing, Subject};
use crate::gateway::Gateway;
use crate::reply::Body;

#[derive(Serialize)]
struct Answer<'a> {
    rules: Vec<Rule<'a>>,
    webhook: Webhook,
}

/// A rule, and the subjects of it that are the worst.
#[derive(Serialize)]
struct Rule<'a> {
    rule: &'a str,
    when: &'static str,
    threshold: f64,
    clear: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    window_seconds: Option<u64>,
    for_seconds: u64,
    active: usize,
    subjects: usize,
    worst: Vec<One<'a>>,
}

#[derive(Serialize)]
struct One<'a> {
    subject: &'a Subject,
    state: &'static str,
    value: Option<f64>,
    since: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    alert: Option<&'a str>,
}

/// What is told to whom.
#[derive(Serialize)]
struct Webhook {
    configured: bool,
    waiting: usize,
}

/// Answer a request below `/api/alerts`.
pub(super) fn answer(gateway: &Gateway, method: &Method, below: &[&str]) -> Result<Response<Body>, Refused> {
    if !below.is_empty() {
        return Err(Refused::NotFound);
    }
    only(method, &Method::GET)?;
    let alerts = &gateway.observers.alerts;
    let configured = gateway.generation().settings.alerts.webhook.is_some();
    let standing = alerts.standing();
    let webhook = Webhook { configured, waiting: alerts.waiting() };
    Ok(json(StatusCode::OK, &Answer { rules: standing.iter().map(Rule::of).collect(), webhook }))
}

impl<'a> Rule<'a> {
    fn of(standing: &'a Standing) -> Self {
        let Standing { rule, says, active, subjects, worst } = standing;
        Self {
            rule,
            when: says.when.word(),
            threshold: says.threshold,
            clear: says.clear,
            window_seconds: says.when.window().map(|window| window.as_secs()),
            for_seconds: says.holds.as_secs(),
            active: *active,
            subjects: *subjects,
            worst: worst.iter().map(One::of).collect(),
        }
    }
}

impl<'a> One<'a> {
    fn of(Shown { subject, state, value, since, alert }: &'a Shown) -> Self {
        Self {
            subject,
            state: *state,
            value: *value,
            since: since.map(|since| since.to_string()),
            alert: alert.as_deref(),
        }
    }
}
