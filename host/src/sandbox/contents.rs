//! Google's Gemini API: its requests, as what the rest of the sandbox model reads. Nothing of the gateway's own translation
//! is used, so that going through both proves something.

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::failure::Failure;

/// What a path asks for: a model, and a stream of events or a whole answer.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Asked<'a> {
    pub(super) model: &'a str,
    pub(super) stream: bool,
}

/// Nothing if it is not a path of this API. It may stand below any version.
pub(super) fn asked<'a>(path: &'a str, query: Option<&str>) -> Option<Asked<'a>> {
    let (_, rest) = path.split_once("/models/")?;
    let (model, method) = rest.rsplit_once(':')?;
    match method {
        "generateContent" => Some(Asked { model, stream: false }),
        "streamGenerateContent" if query == Some("alt=sse") => Some(Asked { model, stream: true }),
        _ => None,
    }
}

/// The same request as a chat completion.
pub(super) fn as_completion(body: &[u8], asked: &Asked<'_>) -> Result<Bytes, Failure> {
    let request: Value = serde_json::from_slice(body).map_err(|error| Failure::bad_json(&error))?;
    let mut completion = Map::new();
    let mut set = |name: &str, value: Value| completion.insert(name.to_owned(), value);
    set("model", asked.model.into());
    set("stream", asked.stream.into());
    set("stream_options", json!({"include_usage": true}));
    set("messages", messages(&request)?.into());
    let config = |name: &str| request.get("generationConfig").and_then(|config| config.get(name)).cloned();
    for (ours, theirs) in [("max_tokens", "maxOutputTokens"), ("stop", "stopSequences"), ("n", "candidateCount")] {
        if let Some(value) = config(theirs) {
            set(ours, value);
        }
    }
    if let Some(functions) = request.pointer("/tools/0/functionDeclarations").and_then(Value::as_array) {
        let tool = |function: &Value| {
            let schema = function.get("parametersJsonSchema").or(function.get("parameters"));
            json!({"type": "function", "function": {"name": function.get("name"), "parameters": schema}})
        };
        set("tools", functions.iter().map(tool).collect());
    }
    if let Some(calling) = request.pointer("/toolConfig/functionCallingConfig") {
        let name = calling.pointer("/allowedFunctionNames/0");
        let choice = match (calling.get("mode").and_then(Value::as_str), name) {
            (Some("NONE"), _) => json!("none"),
            (Some("ANY"), Some(name)) => json!({"type": "function", "function": {"name": name}}),
            (Some("ANY"), None) => json!("required"),
            _ => json!("auto"),
        };
        set("tool_choice", choice);
    }
    if config("responseMimeType").is_some_and(|kind| kind == "application/json") {
        let format = match config("responseJsonSchema") {
            Some(schema) => json!({"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}}),
            None => json!({"type": "json_object"}),
        };
        set("response_format", format);
    }
    Ok(Value::Object(completion).to_string().into())
}

fn messages(request: &Value) -> Result<Vec<Value>, Failure> {
    let wrong = |message: &str| Failure::bad_request(Some("contents"), message);
    let given = request.get("contents").and_then(Value::as_array).filter(|contents| !contents.is_empty());
    let given = given.ok_or_else(|| wrong("* GenerateContentRequest.contents: contents is not specified"))?;
    let mut messages = Vec::new();
    if let Some(parts) = request.pointer("/systemInstruction/parts").and_then(Value::as_array) {
        messages.push(json!({"role": "system", "content": texts(parts)}));
    }
    for content in given {
        let parts = content.get("parts").and_then(Value::as_array).filter(|parts| !parts.is_empty());
        let parts = parts.ok_or_else(|| wrong("* GenerateContentRequest.contents.parts: must not be empty"))?;
        match content.get("role").and_then(Value::as_str) {
            None | Some("user") => user(parts, &mut messages)?,
            Some("model") => messages.push(model(parts)?),
            Some(_) => return Err(wrong("Please use a valid role: user, model.")),
        }
    }
    Ok(messages)
}

fn texts(parts: &[Value]) -> Vec<Value> {
    let is_said = |part: &&Value| part.get("thought") != Some(&Value::Bool(true));
    let text = |part: &Value| part.get("text").map(|text| json!({"type": "text", "text": text}));
    parts.iter().filter(is_said).filter_map(text).collect()
}

/// Results of functions are messages of their own, before the rest.
fn user(parts: &[Value], messages: &mut Vec<Value>) -> Result<(), Failure> {
    for response in parts.iter().filter_map(|part| part.get("functionResponse")) {
        let name = response.get("name").and_then(Value::as_str).filter(|name| !name.is_empty());
        let name = name.ok_or_else(|| Failure::bad_request(Some("contents"), "function_response.name: is empty"))?;
        let output = response.pointer("/response/output").or(response.get("response"));
        let content = match output {
            Some(Value::String(text)) => text.clone(),
            other => other.map(Value::to_string).unwrap_or_default(),
        };
        let id = response.get("id").and_then(Value::as_str).unwrap_or(name);
        messages.push(json!({"role": "tool", "tool_call_id": id, "content": content}));
    }
    let rest = texts(parts);
    if !rest.is_empty() {
        messages.push(json!({"role": "user", "content": rest}));
    }
    Ok(())
}

fn model(parts: &[Value]) -> Result<Value, Failure> {
    let mut calls = Vec::new();
    for call in parts.iter().filter_map(|part| part.get("functionCall")) {
        let arguments = call.get("args").cloned().unwrap_or_else(|| json!({}));
        if !arguments.is_object() {
            return Err(Failure::bad_request(Some("contents"), "Invalid value at 'function_call.args' (Struct)"));
        }
        let id = call.get("id").or(call.get("name"));
        let function = json!({"name": call.get("name"), "arguments": arguments.to_string()});
        calls.push(json!({"id": id, "type": "function", "function": function}));
    }
    Ok(json!({"role": "assistant", "content": texts(parts), "tool_calls": calls}))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const WHOLE: Asked<'static> = Asked { model: "m", stream: false };

    #[test]
    fn the_path_says_what_is_asked_for() {
        assert_eq!(asked("/v1beta/models/m:generateContent", None), Some(WHOLE));
        let stream = asked("/v1/models/a:b:streamGenerateContent", Some("alt=sse"));
        assert_eq!(stream, Some(Asked { model: "a:b", stream: true }));
        for (path, query) in
            [("/v1beta/models/m:streamGenerateContent", None), ("/v1beta/models/m:countTokens", None), ("/m", None)]
        {
            assert_eq!(asked(path, query), None, "{path}");
        }
    }

    #[test]
    fn a_conversation_is_read_with_its_tools_and_results() {
        let request = json!({"systemInstruction": {"parts": [{"text": "be kind"}]},
            "generationConfig": {"maxOutputTokens": 5, "stopSequences": ["x"]},
            "tools": [{"functionDeclarations": [{"name": "f", "parametersJsonSchema": {"type": "object"}}]}],
            "toolConfig": {"functionCallingConfig": {"mode": "ANY"}},
            "contents": [{"parts": [{"text": "hi"}]},
                {"role": "model", "parts": [{"text": "hm", "thought": true}, {"text": "ok"},
                    {"functionCall": {"name": "f", "args": {"a": 1}}}]},
                {"role": "user", "parts": [{"text": "and?"},
                    {"functionResponse": {"name": "f", "response": {"output": "sunny"}}}]}]});
        let read = as_completion(request.to_string().as_bytes(), &WHOLE).unwrap();
        let read: Value = serde_json::from_slice(&read).unwrap();
        let roles: Vec<&str> =
            read["messages"].as_array().unwrap().iter().map(|m| m["role"].as_str().unwrap()).collect();
        assert_eq!(roles, ["system", "user", "assistant", "tool", "user"]);
        assert_eq!(read["messages"][2]["tool_calls"][0]["function"]["arguments"], "{\"a\":1}");
        assert_eq!(read["messages"][2]["content"], json!([{"type": "text", "text": "ok"}]));
        assert_eq!(read["messages"][3]["content"], "sunny");
        assert_eq!((&read["tool_choice"], &read["stop"]), (&json!("required"), &json!(["x"])));
    }

    #[test]
    fn what_the_api_refuses_is_refused() {
        for request in [
            json!({}),
            json!({"contents": []}),
            json!({"contents": [{"parts": []}]}),
            json!({"contents": [{"role": "assistant", "parts": [{"text": "a"}]}]}),
            json!({"contents": [{"role": "model", "parts": [{"functionCall": {"name": "f", "args": "{}"}}]}]}),
            json!({"contents": [{"parts": [{"functionResponse": {"response": {}}}]}]}),
        ] {
            assert_eq!(as_completion(request.to_string().as_bytes(), &WHOLE).unwrap_err().status, 400, "{request}");
        }
    }
}
