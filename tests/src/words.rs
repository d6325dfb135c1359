//! Requests and answers that most tests begin with.

use serde_json::{Value, json};
use sluicegate::key::{Draft, Models};
use sluicegate::limits::{Budget, Limits};

/// An e-mail address that `pii` finds.
pub const EMAIL: &str = "ada.lovelace@example.com";

/// The end of a stream.
pub const DONE: &str = "data: [DONE]\n\n";

/// A key without bounds for this tenant, as the command line is asked for it.
#[must_use]
pub fn key_of(tenant: &str) -> Draft {
    Draft {
        name: "a test".to_owned(),
        tenant: tenant.to_owned(),
        models: Models::Any,
        tags: Vec::new(),
        limits: Limits::default(),
        budget: Budget::default(),
        expires: None,
    }
}

/// A request that says this.
#[must_use]
pub fn chat(text: &str) -> Value {
    json!({"model": "m", "messages": [{"role": "user", "content": text}]})
}

/// The same, with a streamed answer.
#[must_use]
pub fn streamed(text: &str) -> Value {
    json!({"model": "m", "stream": true, "messages": [{"role": "user", "content": text}]})
}

/// A whole answer that says this.
#[must_use]
pub fn completion(text: &str) -> String {
    let message = json!({"role": "assistant", "content": text});
    json!({"id": "c-1", "object": "chat.completion", "created": 1, "model": "m",
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]})
    .to_string()
}

/// An event in which the first choice says this.
#[must_use]
pub fn chunk(text: &str) -> String {
    delta(0, &json!({"content": text}))
}

/// An event with this delta.
#[must_use]
pub fn delta(choice: u32, delta: &Value) -> String {
    let choices = json!([{"index": choice, "delta": delta, "finish_reason": null}]);
    event(&choices)
}

/// The event with which a choice ends.
#[must_use]
pub fn finish(choice: u32, reason: &str) -> String {
    event(&json!([{"index": choice, "delta": {}, "finish_reason": reason}]))
}

fn event(choices: &Value) -> String {
    let event = json!({"id": "c-1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": choices});
    format!("data: {event}\n\n")
}
