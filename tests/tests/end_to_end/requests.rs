//! Every text of a request is seen by a text guardrail before a provider sees it, wherever it stands.

use serde_json::{Value, json};
use sluicegate_tests::{EMAIL, Gateway, Provider, Reply, chat, completion, standard};

/// Requests with an e-mail address in one place each.
fn places() -> Vec<(&'static str, Value)> {
    let message = |message: Value| json!({"model": "m", "messages": [message, {"role": "user", "content": "and?"}]});
    let field = |name: &str, value: Value| {
        let mut request = chat("hello");
        request[name] = value;
        request
    };
    let tool = |function: Value| field("tools", json!([{"type": "function", "function": function}]));
    let schema = |schema: Value| tool(json!({"name": "f", "parameters": schema}));
    vec![
        ("a user's words", message(json!({"role": "user", "content": EMAIL}))),
        ("the system's words", message(json!({"role": "system", "content": EMAIL}))),
        ("the developer's words", message(json!({"role": "developer", "content": EMAIL}))),
        ("what the assistant said", message(json!({"role": "assistant", "content": EMAIL}))),
        ("what a tool answered", message(json!({"role": "tool", "tool_call_id": "c", "content": EMAIL}))),
        ("what a function answered", message(json!({"role": "function", "name": "f", "content": EMAIL}))),
        ("a part", message(json!({"role": "user", "content": [{"type": "text", "text": EMAIL}]}))),
        ("a part of a tool's answer", message(json!({"role": "tool", "content": [{"type": "text", "text": EMAIL}]}))),
        ("a bare string among the parts", message(json!({"role": "user", "content": [EMAIL]}))),
        ("a part of a new kind", message(json!({"role": "user", "content": [{"type": "new", "new": {"x": [EMAIL]}}]}))),
        ("content of a new shape", message(json!({"role": "user", "content": {"x": EMAIL}}))),
        ("a refusal", message(json!({"role": "assistant", "refusal": EMAIL}))),
        ("a refusing part", message(json!({"role": "assistant", "content": [{"type": "refusal", "refusal": EMAIL}]}))),
        ("reasoning", message(json!({"role": "assistant", "reasoning_content": EMAIL}))),
        ("reasoning by its other name", message(json!({"role": "assistant", "reasoning": EMAIL}))),
        ("details of reasoning", message(json!({"role": "assistant", "reasoning_details": [{"text": EMAIL}]}))),
        ("the name of a speaker", message(json!({"role": "user", "name": EMAIL, "content": "x"}))),
        (
            "the name of a called tool",
            message(json!({"role": "assistant", "tool_calls": [
            {"id": "c", "type": "function", "function": {"name": EMAIL, "arguments": "{}"}}]})),
        ),
        (
            "the arguments of a call",
            message(json!({"role": "assistant", "tool_calls": [
            {"id": "c", "type": "function", "function": {"name": "f", "arguments": format!("{{\"to\":\"{EMAIL}\"}}")}}]})),
        ),
        (
            "the input of a custom call",
            message(json!({"role": "assistant", "tool_calls": [
            {"id": "c", "type": "custom", "custom": {"name": "f", "input": EMAIL}}]})),
        ),
        (
            "a call of the old kind",
            message(json!({"role": "assistant",
            "function_call": {"name": "f", "arguments": EMAIL}})),
        ),
        ("the id of a call, if it is none", message(json!({"role": "tool", "tool_call_id": EMAIL, "content": "x"}))),
        ("a new field of a message", message(json!({"role": "user", "content": "x", "new": [{"deep": EMAIL}]}))),
        ("a new field's name", message(json!({"role": "user", "content": "x", EMAIL: 1}))),
        (
            "a word beside a picture",
            message(json!({"role": "user", "content": [
            {"type": "image_url", "image_url": {"url": "https://example.com/x.png", "detail": EMAIL}}]})),
        ),
        (
            "the name of a file",
            message(json!({"role": "user", "content": [
            {"type": "file", "file": {"filename": EMAIL, "file_data": "AAAA"}}]})),
        ),
        ("what a tool does", tool(json!({"name": "f", "description": EMAIL}))),
        ("the name of a tool", tool(json!({"name": EMAIL}))),
        ("a parameter", schema(json!({"properties": {"x": {"type": "string", "description": EMAIL}}}))),
        ("a parameter inside another", schema(json!({"properties": {"x": {"items": {"anyOf": [{"title": EMAIL}]}}}}))),
        ("the name of a parameter", schema(json!({"properties": {EMAIL: {"type": "string"}}}))),
        ("a value that is allowed", schema(json!({"properties": {"x": {"enum": [EMAIL]}}}))),
        ("a function of the old kind", field("functions", json!([{"name": "f", "description": EMAIL}]))),
        ("a tool of a new kind", field("tools", json!([{"type": "new", "new": {"x": EMAIL}}]))),
        (
            "a schema of the answer",
            field(
                "response_format",
                json!({"type": "json_schema",
            "json_schema": {"name": "x", "schema": {"description": EMAIL}}}),
            ),
        ),
        ("the predicted answer", field("prediction", json!({"type": "content", "content": EMAIL}))),
        ("the user", field("user", json!(EMAIL))),
        ("where to stop", field("stop", json!(["x", EMAIL]))),
        ("metadata", field("metadata", json!({"who": EMAIL}))),
        ("the name of metadata", field("metadata", json!({EMAIL: "x"}))),
        ("where somebody is", field("web_search_options", json!({"user_location": {"approximate": {"city": EMAIL}}}))),
        ("a new field", field("new", json!({"a": [[{"b": EMAIL}]]}))),
        ("the name of the model", field("model", json!(EMAIL))),
        ("calls that are a string", message(json!({"role": "assistant", "tool_calls": EMAIL}))),
        ("a call that is a string", message(json!({"role": "assistant", "tool_calls": [EMAIL]}))),
        ("a function that is a string", message(json!({"role": "assistant", "tool_calls": [{"function": EMAIL}]}))),
        (
            "arguments that are an object",
            message(json!({"role": "assistant", "tool_calls": [
            {"function": {"name": "f", "arguments": {"to": [EMAIL]}}}]})),
        ),
        ("an old call that is a string", message(json!({"role": "assistant", "function_call": EMAIL}))),
        (
            "a picture that is a string",
            message(json!({"role": "user", "content": [
            {"type": "image_url", "image_url": EMAIL}]})),
        ),
        (
            "sound that is a list",
            message(json!({"role": "user", "content": [
            {"type": "input_audio", "input_audio": [EMAIL]}]})),
        ),
        ("tools that are a string", field("tools", json!(EMAIL))),
        ("a tool that is a string", field("tools", json!([EMAIL]))),
        ("functions that are an object", field("functions", json!({"f": EMAIL}))),
        ("a response format that is a string", field("response_format", json!(EMAIL))),
        ("a tool that must be called", field("tool_choice", json!({"type": "function", "function": {"name": EMAIL}}))),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn the_provider_sees_no_text_that_no_guardrail_saw() {
    let provider = Provider::saying(Reply::json(completion("fine"))).await;
    let gateway = Gateway::with_plugins([standard("pii")]).upstream(&provider).start().await;
    let places = places();
    for (place, request) in &places {
        let answer = gateway.ask(request.clone()).await;
        assert_eq!(answer.status, 200, "{place}: {}", answer.text());
    }
    for ((place, request), received) in places.iter().zip(provider.received()) {
        assert_eq!(received.text(), request.to_string().replace(EMAIL, "[EMAIL]"), "{place}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_of_a_model_that_is_text_gives_way_to_the_targets() {
    let provider = Provider::saying(Reply::json(completion("fine"))).await;
    let gateway = Gateway::with_plugins([standard("pii")]).upstream_as(&provider, "gpt").start().await;
    let mut request = chat("hello");
    request["model"] = EMAIL.into();
    gateway.ask(request.clone()).await;
    assert_eq!(provider.body(), request.to_string().replace(EMAIL, "gpt"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_can_look_into_passes_and_is_said() {
    let data = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk";
    let request = json!({"model": "m", "messages": [{"role": "user", "content": [
        {"type": "text", "text": "what is it?"},
        {"type": "image_url", "image_url": {"url": format!("data:image/png;base64,{data}")}},
        {"type": "input_audio", "input_audio": {"data": data, "format": "wav"}},
        {"type": "file", "file": {"file_data": data}},
    ]}]});
    let mut reply: Value = serde_json::from_str(&completion("a boat")).unwrap();
    reply["choices"][0]["logprobs"] = json!({"content": []});
    let provider = Provider::saying(Reply::json(reply.to_string())).await;
    let gateway = Gateway::with_plugins([standard("pii")]).upstream(&provider).start().await;
    let answer = gateway.ask(request.clone()).receipts().await;
    assert_eq!(provider.body(), request.to_string());
    insta::assert_snapshot!(answer.not_inspected().replace(", ", "\n"), @r#"
    "image";phase=request;reason="no plugin of this gateway can look into it"
    "audio";phase=request;reason="no plugin of this gateway can look into it"
    "file";phase=request;reason="no plugin of this gateway can look into it"
    "logprobs";phase=answer;reason="no plugin of this gateway can look into it"
    "#);
    assert_eq!(gateway.ask(chat("hello")).receipts().await.not_inspected().matches("phase=").count(), 1);
    assert_eq!(gateway.ask(request).await.header("x-sluicegate-not-inspected"), None, "nobody asked");
}
