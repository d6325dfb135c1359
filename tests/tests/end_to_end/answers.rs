//! Every text of an answer is seen by a text guardrail before a caller sees it, wherever it stands, streamed or not.

use serde_json::{Value, json};
use sluicegate_tests::{DONE, EMAIL, Gateway, Provider, Reply, chat, chunk, delta, finish, standard};

/// Answers with an e-mail address in one place each.
fn places() -> Vec<(&'static str, Value)> {
    let message = |message: Value| json!({"choices": [{"index": 0, "message": message}]});
    let choice = |field: &str, value: Value| json!({"choices": [{"index": 0, "message": {"role": "assistant", "content": "x"}, field: value}]});
    let field = |name: &str, value: Value| json!({"choices": [], name: value});
    vec![
        ("content", message(json!({"content": EMAIL}))),
        ("a part", message(json!({"content": [{"type": "text", "text": EMAIL}]}))),
        ("a refusal", message(json!({"refusal": EMAIL}))),
        ("reasoning", message(json!({"reasoning_content": EMAIL, "content": "x"}))),
        ("reasoning by its other name", message(json!({"reasoning": EMAIL}))),
        ("details of reasoning", message(json!({"reasoning_details": [{"summary": EMAIL}]}))),
        ("the name of a tool", message(json!({"tool_calls": [{"function": {"name": EMAIL, "arguments": ""}}]}))),
        (
            "arguments",
            message(json!({"tool_calls": [{"function": {"name": "f",
            "arguments": format!("{{\"to\":\"{EMAIL}\"}}")}}]})),
        ),
        (
            "arguments of the second call",
            message(json!({"tool_calls": [{"function": {"name": "f", "arguments": "{}"}},
            {"function": {"name": "f", "arguments": EMAIL}}]})),
        ),
        ("the input of a custom call", message(json!({"tool_calls": [{"custom": {"name": "f", "input": EMAIL}}]}))),
        ("a call of the old kind", message(json!({"function_call": {"name": "f", "arguments": EMAIL}}))),
        ("an annotation", message(json!({"content": "x", "annotations": [{"url_citation": {"title": EMAIL}}]}))),
        ("what is spoken", message(json!({"audio": {"data": "AAAA", "transcript": EMAIL}}))),
        ("a new field of the message", message(json!({"new": {"x": [EMAIL]}}))),
        ("a new field of the choice", choice("new", json!({"x": EMAIL}))),
        ("a new field's name", field("new", json!({EMAIL: 1}))),
        ("a new field", field("new", json!([[EMAIL]]))),
        ("the id, if it is none", field("id", json!(EMAIL))),
        ("the reason, if it is none", choice("finish_reason", json!(EMAIL))),
        (
            "the second choice",
            json!({"choices": [{"index": 0, "message": {"content": "x"}},
            {"index": 1, "message": {"content": EMAIL}}]}),
        ),
        ("the text of a completion", json!({"choices": [{"index": 0, "text": EMAIL}]})),
        ("an error", json!({"error": {"message": EMAIL}})),
        ("a list", json!([EMAIL])),
        ("a string", json!(EMAIL)),
        ("choices that are a string", field("choices", json!(EMAIL))),
        ("choices that are an object", field("choices", json!({"0": EMAIL}))),
        ("a choice that is a string", field("choices", json!([EMAIL]))),
        ("a message that is a string", json!({"choices": [{"index": 0, "message": EMAIL}]})),
        ("a message that is a list", json!({"choices": [{"index": 0, "message": [EMAIL]}]})),
        ("calls that are an object", message(json!({"tool_calls": {"0": EMAIL}}))),
        ("a call that is a string", message(json!({"tool_calls": [EMAIL]}))),
        ("a function that is a string", message(json!({"tool_calls": [{"function": EMAIL}]}))),
        ("arguments that are an object", message(json!({"tool_calls": [{"function": {"arguments": {"to": EMAIL}}}]}))),
        ("an old call that is a string", message(json!({"function_call": EMAIL}))),
        ("sound that is a string", message(json!({"audio": EMAIL}))),
        ("logprobs that are a list", choice("logprobs", json!([EMAIL]))),
        ("usage that is a string", field("usage", json!(EMAIL))),
        ("an index that is a string", json!({"choices": [{"index": EMAIL, "message": {"content": "x"}}]})),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn the_caller_sees_no_text_that_no_guardrail_saw() {
    let places = places();
    let provider = Provider::saying_in_turn(places.iter().map(|(_, body)| Reply::json(body.to_string()))).await;
    let gateway = Gateway::with_plugins([standard("pii")]).upstream(&provider).start().await;
    for (place, body) in places {
        let answer = gateway.ask(chat("hello")).await;
        let text = String::from_utf8_lossy(&answer.body);
        if answer.status == 200 {
            assert_eq!(text, body.to_string().replace(EMAIL, "[EMAIL]"), "{place}");
        }
        assert!(!text.contains("lovelace"), "{place}: {text}");
    }
}

type MakeEvent = fn(&str) -> String;

/// Deltas with a text, in one place each.
fn deltas() -> Vec<(&'static str, MakeEvent)> {
    vec![
        ("content", |text| chunk(text)),
        ("a refusal", |text| delta(0, &json!({"refusal": text}))),
        ("reasoning", |text| delta(0, &json!({"reasoning_content": text}))),
        ("reasoning by its other name", |text| delta(0, &json!({"reasoning": text}))),
        ("details of reasoning", |text| delta(0, &json!({"reasoning_details": [{"text": text}]}))),
        ("arguments", |text| delta(0, &json!({"tool_calls": [{"index": 0, "function": {"arguments": text}}]}))),
        ("arguments of the second call", |text| {
            delta(0, &json!({"tool_calls": [{"index": 1, "function": {"arguments": text}}]}))
        }),
        ("the name of a tool", |text| delta(0, &json!({"tool_calls": [{"index": 0, "function": {"name": text}}]}))),
        ("the input of a custom call", |text| {
            delta(0, &json!({"tool_calls": [{"index": 0, "custom": {"input": text}}]}))
        }),
        ("a call of the old kind", |text| delta(0, &json!({"function_call": {"arguments": text}}))),
        ("what is spoken", |text| delta(0, &json!({"audio": {"transcript": text}}))),
        ("a part", |text| delta(0, &json!({"content": [{"type": "text", "text": text}]}))),
        ("a new field of the delta", |text| delta(0, &json!({"new": {"deep": [text]}}))),
        ("the second choice", |text| delta(1, &json!({"content": text}))),
        ("a message in place of a delta", |text| {
            event(&json!({"choices": [{"index": 0, "message": {"content": text}}]}))
        }),
        ("the text of a completion", |text| event(&json!({"choices": [{"index": 0, "text": text}]}))),
        ("a new field of the choice", |text| event(&json!({"choices": [{"index": 0, "delta": {}, "new": text}]}))),
        ("a new field", |text| event(&json!({"choices": [], "new": text}))),
        ("a list", |text| event(&json!([text]))),
        ("a string", |text| event(&json!(text))),
        ("choices that are a string", |text| event(&json!({"choices": text}))),
        ("choices that are an object", |text| event(&json!({"choices": {"0": text}}))),
        ("a choice that is a string", |text| event(&json!({"choices": [text]}))),
        ("a delta that is a string", |text| event(&json!({"choices": [{"index": 0, "delta": text}]}))),
        ("calls that are an object", |text| delta(0, &json!({"tool_calls": {"0": text}}))),
        ("a call that is a string", |text| delta(0, &json!({"tool_calls": [text]}))),
        ("a function that is a string", |text| delta(0, &json!({"tool_calls": [{"function": text}]}))),
        ("arguments that are an object", |text| {
            delta(0, &json!({"tool_calls": [{"index": 0, "function": {"arguments": {"to": text}}}]}))
        }),
        ("an old call that is a string", |text| delta(0, &json!({"function_call": text}))),
        ("content that is a list", |text| delta(0, &json!({"content": [text]}))),
        ("a text that is a list", |text| event(&json!({"choices": [{"index": 0, "text": [text]}]}))),
        ("logprobs that are a list", |text| event(&json!({"choices": [{"index": 0, "logprobs": [text]}]}))),
        ("a reason that is a sentence", |text| event(&json!({"choices": [{"index": 0, "new_reason": text}]}))),
    ]
}

fn event(data: &Value) -> String {
    format!("data: {data}\n\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_caller_sees_no_event_that_no_guardrail_saw() {
    let (first, second) = EMAIL.split_at(8);
    let end = [finish(0, "stop"), finish(1, "stop"), DONE.to_owned()].concat();
    let streams = deltas().into_iter().flat_map(|(place, delta)| {
        let whole = [delta("x"), delta(EMAIL), delta("y")].concat();
        let split = [delta("x "), delta(first), delta(second), delta(" y")].concat();
        [(place, whole + &end), (place, split + &end)]
    });
    let streams: Vec<(&str, String)> = streams.collect();
    let provider = Provider::saying_in_turn(streams.iter().map(|(_, stream)| Reply::events([stream.clone()]))).await;
    let gateway = Gateway::with_plugins([standard("pii")]).upstream(&provider).start().await;
    for (place, stream) in &streams {
        let answer = gateway.ask(chat("hello")).await;
        let text = String::from_utf8_lossy(&answer.body);
        for part in [EMAIL, "ada.love", "lace@"] {
            assert!(!text.contains(part), "{place}: of {stream} came {text}");
        }
        assert!(answer.status != 200 || text.contains("[EMAIL]"), "{place}: of {stream} came {text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn alternatives_that_the_model_weighed_go_with_what_is_edited() {
    let logprobs = json!({"content": [{"token": "ada.lovelace", "top_logprobs": [{"token": "lovelace"}]}]});
    let whole = |text: &str| json!({"choices": [{"index": 0, "message": {"content": text}, "logprobs": logprobs}]});
    let event = |text: &str| {
        let choices = json!([{"index": 0, "delta": {"content": text}, "logprobs": logprobs, "finish_reason": "stop"}]);
        format!("data: {}\n\n{DONE}", json!({"choices": choices}))
    };
    let replies = [
        Reply::json(whole(EMAIL).to_string()),
        Reply::json(whole("hello").to_string()),
        Reply::events([event(EMAIL)]),
        Reply::events([event("hello")]),
    ];
    let provider = Provider::saying_in_turn(replies).await;
    let gateway = Gateway::with_plugins([standard("pii")]).upstream(&provider).start().await;
    for kept in [false, true, false, true] {
        let answer = gateway.ask(chat("hello")).receipts().await;
        assert_eq!(answer.text().contains("lovelace"), kept, "{}", answer.text());
        assert!(answer.not_inspected().starts_with("\"logprobs\";phase=answer"), "{}", answer.not_inspected());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn logprobs_in_later_events_go_too_once_their_text_is_edited() {
    let event = |text: &str| {
        let logprobs = json!({"content": [{"token": text}]});
        format!("data: {}\n\n", json!({"choices": [{"index": 0, "delta": {"content": text}, "logprobs": logprobs}]}))
    };
    let (first, second) = EMAIL.split_at(8);
    let stream = [event("hello "), event(first), event(second), event(" bye"), finish(0, "stop"), DONE.to_owned()];
    let provider = Provider::saying(Reply::events([stream.concat()])).await;
    let gateway = Gateway::with_plugins([standard("pii")]).upstream(&provider).start().await;
    let answer = gateway.ask(chat("hello")).await;
    assert!(!answer.text().contains("ada.love") && !answer.text().contains("lace@"), "{}", answer.text());
    assert_eq!(answer.content(), "hello [EMAIL] bye");
}
