//! Anthropic's Messages API: its requests, as what the rest of the sandbox model reads. Nothing of the gateway's own
//! translation is used, so that going through both proves something.

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::failure::Failure;

/// The same request as a chat completion.
pub(super) fn as_completion(body: &[u8]) -> Result<Bytes, Failure> {
    let request: Value = serde_json::from_slice(body).map_err(|error| Failure::bad_json(&error))?;
    let mut completion = Map::new();
    for (ours, theirs) in
        [("model", "model"), ("stream", "stream"), ("max_tokens", "max_tokens"), ("stop", "stop_sequences")]
    {
        if let Some(value) = request.get(theirs) {
            completion.insert(ours.to_owned(), value.clone());
        }
    }
    if !request.get("max_tokens").is_some_and(Value::is_u64) {
        return Err(Failure::bad_request(Some("max_tokens"), "max_tokens: Field required"));
    }
    completion.insert("stream_options".to_owned(), json!({"include_usage": true}));
    completion.insert("messages".to_owned(), messages(&request)?);
    if let Some(tools) = request.get("tools").and_then(Value::as_array) {
        let tool = |tool: &Value| json!({"type": "function", "function": {"name": tool.get("name"), "parameters": tool.get("input_schema")}});
        completion.insert("tools".to_owned(), tools.iter().map(tool).collect());
    }
    if let Some(choice) = request.get("tool_choice") {
        let choice = match choice.get("type").and_then(Value::as_str) {
            Some("auto") => json!("auto"),
            Some("none") => json!("none"),
            Some("any") => json!("required"),
            _ => json!({"type": "function", "function": {"name": choice.get("name")}}),
        };
        completion.insert("tool_choice".to_owned(), choice);
    }
    let alone = request.pointer("/tool_choice/disable_parallel_tool_use").and_then(Value::as_bool).unwrap_or(false);
    completion.insert("parallel_tool_calls".to_owned(), json!(!alone));
    if let Some(schema) = request.pointer("/output_config/format/schema") {
        let format = json!({"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}});
        completion.insert("response_format".to_owned(), format);
    }
    Ok(Value::Object(completion).to_string().into())
}

fn messages(request: &Value) -> Result<Value, Failure> {
    let wrong = |message: &str| Failure::bad_request(Some("messages"), message);
    let given = request.get("messages").and_then(Value::as_array).filter(|messages| !messages.is_empty());
    let given = given.ok_or_else(|| wrong("messages: at least one message is required"))?;
    let mut messages = Vec::new();
    if let Some(system) = request.get("system") {
        messages.push(json!({"role": "system", "content": system}));
    }
    for message in given {
        let (role, content) = (message.get("role").and_then(Value::as_str), message.get("content"));
        match (role, content) {
            (Some("user" | "assistant"), Some(text @ Value::String(_))) => {
                messages.push(json!({"role": role, "content": text}));
            }
            (Some("user"), Some(Value::Array(blocks))) => user(blocks, &mut messages)?,
            (Some("assistant"), Some(Value::Array(blocks))) => messages.push(assistant(blocks)?),
            (Some("user" | "assistant"), _) => return Err(wrong("messages: content: Field required")),
            _ => return Err(wrong("messages: role: Input should be 'user' or 'assistant'")),
        }
    }
    Ok(messages.into())
}

fn kind(block: &Value) -> &str {
    block.get("type").and_then(Value::as_str).unwrap_or_default()
}

/// Results of tools are messages of their own, before the rest.
fn user(blocks: &[Value], messages: &mut Vec<Value>) -> Result<(), Failure> {
    let mut rest = Vec::new();
    for block in blocks {
        match kind(block) {
            "tool_result" => {
                let content = block.get("content").cloned().unwrap_or_else(|| json!(""));
                messages.push(json!({"role": "tool", "tool_call_id": block.get("tool_use_id"), "content": content}));
            }
            "text" if block.get("text").and_then(Value::as_str).is_some_and(str::is_empty) => {
                return Err(Failure::bad_request(Some("messages"), "messages: text content blocks must be non-empty"));
            }
            _ => rest.push(block.clone()),
        }
    }
    if !rest.is_empty() {
        messages.push(json!({"role": "user", "content": rest}));
    }
    Ok(())
}

fn assistant(blocks: &[Value]) -> Result<Value, Failure> {
    let mut calls = Vec::new();
    for block in blocks.iter().filter(|block| kind(block) == "tool_use") {
        let input = block.get("input").filter(|input| input.is_object());
        let input =
            input.ok_or_else(|| Failure::bad_request(Some("messages"), "tool_use.input: should be an object"))?;
        let function = json!({"name": block.get("name"), "arguments": input.to_string()});
        calls.push(json!({"id": block.get("id"), "type": "function", "function": function}));
    }
    let texts: Vec<&Value> = blocks.iter().filter(|block| kind(block) == "text").collect();
    Ok(json!({"role": "assistant", "content": texts, "tool_calls": calls}))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_conversation_is_read_with_its_tools_and_results() {
        let request = json!({"model": "m", "max_tokens": 5, "system": "be kind", "stop_sequences": ["x"],
            "tools": [{"name": "f", "input_schema": {"type": "object"}}], "tool_choice": {"type": "any"},
            "messages": [{"role": "user", "content": "hi"},
                {"role": "assistant", "content": [{"type": "text", "text": "ok"},
                    {"type": "tool_use", "id": "t1", "name": "f", "input": {"a": 1}}]},
                {"role": "user", "content": [{"type": "text", "text": "and?"},
                    {"type": "tool_result", "tool_use_id": "t1", "content": "sunny"}]}]});
        let read: Value = serde_json::from_slice(&as_completion(request.to_string().as_bytes()).unwrap()).unwrap();
        let roles: Vec<&str> =
            read["messages"].as_array().unwrap().iter().map(|m| m["role"].as_str().unwrap()).collect();
        assert_eq!(roles, ["system", "user", "assistant", "tool", "user"]);
        assert_eq!(read["messages"][2]["tool_calls"][0]["function"]["arguments"], "{\"a\":1}");
        assert_eq!((&read["tool_choice"], &read["stop"]), (&json!("required"), &json!(["x"])));
    }

    #[test]
    fn what_the_api_refuses_is_refused() {
        for request in [
            json!({"model": "m", "messages": [{"role": "user", "content": "hi"}]}),
            json!({"model": "m", "max_tokens": 5, "messages": []}),
            json!({"model": "m", "max_tokens": 5, "messages": [{"role": "tool", "content": "hi"}]}),
            json!({"model": "m", "max_tokens": 5, "messages": [{"role": "user"}]}),
            json!({"model": "m", "max_tokens": 5, "messages": [{"role": "user", "content": [{"type": "text", "text": ""}]}]}),
            json!({"model": "m", "max_tokens": 5, "messages": [
                {"role": "assistant", "content": [{"type": "tool_use", "id": "t", "name": "f", "input": "{}"}]}]}),
        ] {
            assert_eq!(as_completion(request.to_string().as_bytes()).unwrap_err().status, 400, "{request}");
        }
    }
}
