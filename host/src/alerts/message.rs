//! What the webhook is told of an alert. Names and numbers, and never a text of an exchange.

use std::sync::Arc;

use bytes::Bytes;
use serde::Serialize;

use super::board::{Event, new_id};
use super::hysteresis::{Change, Why};
use super::subject::Subject;
use crate::config::{Denied, Rule, When};
use crate::moment::Moment;

/// A message, and what it is about.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    /// The same at each try.
    pub(crate) id: Arc<str>,
    /// The alert: what is told of one is told in order.
    pub(crate) alert: Arc<str>,
    /// The rule, for the log.
    pub(crate) rule: String,
    /// JSON.
    pub(crate) body: Bytes,
}

#[derive(Serialize)]
struct Body<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    timestamp: String,
    data: Data<'a>,
}

#[derive(Serialize)]
struct Data<'a> {
    alert: &'a str,
    rule: &'a str,
    when: &'static str,
    subject: &'a Subject,
    value: Option<f64>,
    threshold: f64,
    clear: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    window_seconds: Option<u64>,
    since: String,
    /// Why it is over.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    /// It was made up.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    test: bool,
}

impl Message {
    pub(super) fn of(event: &Event) -> Self {
        Self::new(event, false)
    }

    /// One that is made up, as if this rule had just fired.
    pub(crate) fn sample(name: &str, rule: &Rule, now: Moment) -> Self {
        let event = Event {
            alert: new_id("alert"),
            change: Change::Fired,
            rule: name.to_owned(),
            says: rule.clone(),
            subject: subject(&rule.when),
            value: Some(rule.threshold),
            since: now,
            at: now,
        };
        Self::new(&event, true)
    }

    fn new(event: &Event, test: bool) -> Self {
        let Event { alert, change, rule, says, subject, value, since, at } = event;
        let (kind, reason) = match change {
            Change::Fired => ("alert.fired", None),
            Change::Resolved(why) => ("alert.resolved", Some(Why::word(*why))),
        };
        let data = Data {
            alert,
            rule,
            when: says.when.word(),
            subject,
            value: *value,
            threshold: says.threshold,
            clear: says.clear,
            window_seconds: says.when.window().map(|window| window.as_secs()),
            since: since.to_string(),
            reason,
            test,
        };
        let body = serde_json::to_vec(&Body { kind, timestamp: at.to_string(), data }).unwrap_or_default();
        Self { id: new_id("msg"), alert: alert.clone(), rule: rule.clone(), body: body.into() }
    }
}

/// Something that the rule could be about.
fn subject(when: &When) -> Subject {
    const EXAMPLE: &str = "example";
    match when {
        When::Budget { tenant } => {
            Subject { budget: Some("money_per_month"), ..Subject::tenant(tenant.as_deref().unwrap_or(EXAMPLE)) }
        }
        When::PluginFailures { plugin, .. } => Subject::plugin(plugin.as_deref().unwrap_or(EXAMPLE)),
        When::TargetErrors { target, .. } | When::TargetLatency { target, .. } => {
            Subject::target(target.as_deref().unwrap_or(EXAMPLE))
        }
        When::Denials { of, .. } => match of {
            Denied::ByEachPlugin => Subject::plugin(EXAMPLE),
            Denied::By(plugin) => Subject::plugin(plugin),
            Denied::To(tenant) => Subject::tenant(tenant),
        },
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_message_says_what_and_since_when_and_why_it_is_over() {
        let when = When::TargetErrors { target: None, window: Duration::from_secs(300), count_min: 20 };
        let event = Event {
            alert: "alert_1".into(),
            change: Change::Resolved(Why::Recovered),
            rule: "errors".to_owned(),
            says: Rule { when, threshold: 0.2, clear: 0.1, holds: Duration::ZERO },
            subject: Subject::target("small"),
            value: Some(0.05),
            since: Moment::from_seconds(1),
            at: Moment::from_seconds(61),
        };
        let message = Message::of(&event);
        assert_eq!(
            std::str::from_utf8(&message.body).unwrap(),
            r#"{"type":"alert.resolved","timestamp":"1970-01-01T00:01:01Z","data":{"alert":"alert_1","rule":"errors","when":"target-errors","subject":{"target":"small"},"value":0.05,"threshold":0.2,"clear":0.1,"window_seconds":300,"since":"1970-01-01T00:00:01Z","reason":"recovered"}}"#
        );
        assert_ne!(message.id, Message::of(&event).id);
    }

    #[test]
    fn a_sample_says_that_it_is_one() {
        let rule = Rule { when: When::Budget { tenant: None }, threshold: 0.8, clear: 0.7, holds: Duration::ZERO };
        let message = Message::sample("budget", &rule, Moment::from_seconds(0));
        let said = std::str::from_utf8(&message.body).unwrap();
        assert!(said.starts_with(r#"{"type":"alert.fired""#) && said.ends_with(r#""test":true}}"#), "{said}");
        assert!(said.contains(r#""subject":{"tenant":"example","budget":"money_per_month"}"#), "{said}");
    }
}
