//! OpenAI's Responses: their requests, as what the rest of the sandbox model reads. Nothing of the gateway's own
//! translation is used, so that going through both proves something.

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::failure::Failure;

/// The same request as a chat completion.
pub(super) fn as_completion(body: &[u8]) -> Result<Bytes, Failure> {
    let request: Value = serde_json::from_slice(body).map_err(|error| Failure::bad_json(&error))?;
    let mut completion = Map::new();
    for (ours, theirs) in [
        ("model", "model"),
        ("stream", "stream"),
        ("max_completion_tokens", "max_output_tokens"),
        ("parallel_tool_calls", "parallel_tool_calls"),
    ] {
        if let Some(value) = request.get(theirs) {
            completion.insert(ours.to_owned(), value.clone());
        }
    }
    for unknown in ["messages", "stop", "n", "max_tokens", "response_format"] {
        if request.get(unknown).is_some() {
            return Err(Failure::bad_request(None, format!("Unsupported parameter: '{unknown}'.")));
        }
    }
    if request.get("previous_response_id").is_some_and(Value::is_string) {
        return Err(Failure::bad_request(Some("previous_response_id"), "Previous response not found."));
    }
    completion.insert("stream_options".to_owned(), json!({"include_usage": true}));
    completion.insert("messages".to_owned(), messages(&request)?);
    if let Some(tools) = request.get("tools").and_then(Value::as_array) {
        let is_function = |tool: &&Value| kind(tool) == "function";
        let tool = |tool: &Value| json!({"type": "function", "function": {"name": tool.get("name"), "parameters": tool.get("parameters")}});
        completion.insert("tools".to_owned(), tools.iter().filter(is_function).map(tool).collect());
    }
    if let Some(choice) = request.get("tool_choice").filter(|choice| !choice.is_null()) {
        let choice = match choice.get("name") {
            Some(name) => json!({"type": "function", "function": {"name": name}}),
            None => choice.clone(),
        };
        completion.insert("tool_choice".to_owned(), choice);
    }
    if let Some(format) = request.pointer("/text/format").filter(|format| !format.is_null()) {
        let format = match kind(format) {
            "json_schema" => json!({"type": "json_schema", "json_schema": {
                "name": format.get("name"), "schema": format.get("schema")}}),
            _ => format.clone(),
        };
        completion.insert("response_format".to_owned(), format);
    }
    Ok(Value::Object(completion).to_string().into())
}

fn kind(value: &Value) -> &str {
    value.get("type").and_then(Value::as_str).unwrap_or_default()
}

fn messages(request: &Value) -> Result<Value, Failure> {
    let mut messages = Vec::new();
    if let Some(instructions) = request.get("instructions").filter(|instructions| !instructions.is_null()) {
        messages.push(json!({"role": "system", "content": instructions}));
    }
    match request.get("input") {
        Some(text @ Value::String(_)) => messages.push(json!({"role": "user", "content": text})),
        Some(Value::Array(items)) => items.iter().try_for_each(|item| item_as_message(item, &mut messages))?,
        _ => return Err(Failure::bad_request(Some("input"), "Missing required parameter: 'input'.")),
    }
    Ok(messages.into())
}

fn item_as_message(item: &Value, messages: &mut Vec<Value>) -> Result<(), Failure> {
    let wrong = |message: &str| Failure::bad_request(Some("input"), message);
    match kind(item) {
        "" | "message" => {
            let content = item.get("content").filter(|content| content.is_string() || content.is_array());
            let content = content.ok_or_else(|| wrong("Missing required parameter: 'input[].content'."))?;
            let role = item.get("role").and_then(Value::as_str).unwrap_or_default();
            for part in content.as_array().into_iter().flatten() {
                let is_said = matches!(kind(part), "output_text" | "refusal");
                if is_said != (role == "assistant") {
                    return Err(wrong(&format!("Invalid value: '{}' in a message of {role}.", kind(part))));
                }
            }
            messages.push(json!({"role": role, "content": content}));
        }
        "function_call" => {
            let arguments = item.get("arguments").filter(|arguments| arguments.is_string());
            let arguments = arguments.ok_or_else(|| wrong("Missing required parameter: 'input[].arguments'."))?;
            let function = json!({"name": item.get("name"), "arguments": arguments});
            let call = json!({"id": item.get("call_id"), "type": "function", "function": function});
            messages.push(json!({"role": "assistant", "tool_calls": [call]}));
        }
        "function_call_output" => {
            let (id, output) = (item.get("call_id"), item.get("output"));
            if !messages.iter().any(|message| message.pointer("/tool_calls/0/id") == id) {
                return Err(wrong("No tool call found for function call output."));
            }
            messages.push(json!({"role": "tool", "tool_call_id": id, "content": output}));
        }
        "reasoning" if item.get("id").is_some_and(Value::is_string) => {}
        "reasoning" => return Err(wrong("Missing required parameter: 'input[].id'.")),
        other => return Err(wrong(&format!("Invalid value: '{other}'."))),
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_conversation_is_read_with_its_tools_and_results() {
        let request = json!({"model": "m", "max_output_tokens": 5, "instructions": "be kind",
            "tools": [{"type": "function", "name": "f", "parameters": {"type": "object"}}],
            "tool_choice": {"type": "function", "name": "f"},
            "input": [{"role": "user", "content": "hi"}, {"type": "reasoning", "id": "rs_1", "summary": []},
                {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{\"a\":1}"},
                {"type": "function_call_output", "call_id": "c1", "output": "sunny"}]});
        let read: Value = serde_json::from_slice(&as_completion(request.to_string().as_bytes()).unwrap()).unwrap();
        let roles: Vec<&str> =
            read["messages"].as_array().unwrap().iter().map(|m| m["role"].as_str().unwrap()).collect();
        assert_eq!(roles, ["system", "user", "assistant", "tool"]);
        assert_eq!(read["messages"][2]["tool_calls"][0]["function"]["arguments"], "{\"a\":1}");
        assert_eq!(read["tool_choice"]["function"]["name"], "f");
    }

    #[test]
    fn what_the_api_refuses_is_refused() {
        for request in [
            json!({"model": "m"}),
            json!({"model": "m", "input": "hi", "stop": ["x"]}),
            json!({"model": "m", "input": "hi", "previous_response_id": "resp_1"}),
            json!({"model": "m", "input": [{"role": "user"}]}),
            json!({"model": "m", "input": [{"role": "user", "content": [{"type": "output_text", "text": "a"}]}]}),
            json!({"model": "m", "input": [{"type": "function_call", "call_id": "c", "name": "f", "arguments": {}}]}),
            json!({"model": "m", "input": [{"type": "function_call_output", "call_id": "c", "output": "x"}]}),
            json!({"model": "m", "input": [{"type": "attic"}]}),
        ] {
            assert_eq!(as_completion(request.to_string().as_bytes()).unwrap_err().status, 400, "{request}");
        }
    }
}
