//! Amazon Bedrock's Converse: its requests, as what the rest of the sandbox model reads. Nothing of the gateway's own
//! translation is used, so that going through both proves something.

use bytes::Bytes;
use hyper::header::{self, HeaderMap};
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value, json};

use super::failure::Failure;

/// What a path asks for: a model, and a stream of frames or a whole answer.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) model: String,
    pub(super) stream: bool,
}

/// Nothing if it is not a path of this API.
pub(super) fn asked(path: &str) -> Option<Asked> {
    let (model, method) = path.strip_prefix("/model/")?.split_once('/')?;
    let stream = match method {
        "converse" => false,
        "converse-stream" => true,
        _ => return None,
    };
    let model = percent_decode_str(model).decode_utf8().ok()?.into_owned();
    Some(Asked { model, stream })
}

/// The same request as a chat completion, if it says who asks: nobody is let in here without.
pub(super) fn as_completion(headers: &HeaderMap, body: &[u8], asked: &Asked) -> Result<Bytes, Failure> {
    let credential = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let is_signed = credential.starts_with("AWS4-HMAC-SHA256 ") && headers.contains_key("x-amz-date");
    if !is_signed && !credential.starts_with("Bearer ") {
        return Err(Failure::on_demand(403, None, Some("Missing Authentication Token")));
    }
    let request: Value = serde_json::from_slice(body).map_err(|error| Failure::bad_json(&error))?;
    let mut completion = Map::new();
    let mut set = |name: &str, value: Value| completion.insert(name.to_owned(), value);
    set("model", asked.model.as_str().into());
    set("stream", asked.stream.into());
    set("stream_options", json!({"include_usage": true}));
    set("messages", messages(&request)?.into());
    for (ours, theirs) in [("max_tokens", "/inferenceConfig/maxTokens"), ("stop", "/inferenceConfig/stopSequences")] {
        if let Some(value) = request.pointer(theirs) {
            set(ours, value.clone());
        }
    }
    if let Some(tools) = request.pointer("/toolConfig/tools").and_then(Value::as_array) {
        let tool = |tool: &Value| {
            let (name, schema) = (tool.pointer("/toolSpec/name"), tool.pointer("/toolSpec/inputSchema/json"));
            json!({"type": "function", "function": {"name": name, "parameters": schema}})
        };
        set("tools", tools.iter().map(tool).collect());
    }
    if let Some(choice) = request.pointer("/toolConfig/toolChoice") {
        let choice = match (choice.get("any"), choice.pointer("/tool/name")) {
            (Some(_), _) => json!("required"),
            (None, Some(name)) => json!({"type": "function", "function": {"name": name}}),
            (None, None) => json!("auto"),
        };
        set("tool_choice", choice);
    }
    if let Some(schema) = request.pointer("/outputConfig/textFormat/structure/jsonSchema/schema") {
        let schema: Value = serde_json::from_str(schema.as_str().unwrap_or_default())
            .map_err(|_| Failure::bad_request(Some("outputConfig"), "The schema is not JSON in a string."))?;
        set("response_format", json!({"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}}));
    }
    Ok(Value::Object(completion).to_string().into())
}

fn wrong(message: &str) -> Failure {
    Failure::bad_request(Some("messages"), message)
}

fn messages(request: &Value) -> Result<Vec<Value>, Failure> {
    let given = request.get("messages").and_then(Value::as_array).filter(|messages| !messages.is_empty());
    let given = given.ok_or_else(|| wrong("A conversation must start with a user message."))?;
    let mut messages = Vec::new();
    if let Some(system) = request.get("system").and_then(Value::as_array) {
        messages.push(json!({"role": "system", "content": texts(system)?}));
    }
    let has_tools = request.pointer("/toolConfig/tools/0").is_some();
    let mut before = "assistant";
    for message in given {
        let blocks = message.get("content").and_then(Value::as_array).filter(|blocks| !blocks.is_empty());
        let blocks = blocks.ok_or_else(|| wrong("The content field in the Message object is empty."))?;
        let uses_tools = |block: &Value| block.get("toolUse").is_some() || block.get("toolResult").is_some();
        if !has_tools && blocks.iter().any(uses_tools) {
            return Err(wrong(
                "The toolConfig field must be defined when using toolUse and toolResult content blocks.",
            ));
        }
        let role = message.get("role").and_then(Value::as_str).unwrap_or_default();
        match role {
            "user" | "assistant" if role == before => return Err(wrong("Roles must alternate, beginning with user.")),
            "user" => {
                user(blocks, &mut messages)?;
                before = "user";
            }
            "assistant" => {
                messages.push(assistant(blocks)?);
                before = "assistant";
            }
            _ => return Err(wrong("The role must be user or assistant.")),
        }
    }
    Ok(messages)
}

fn texts(blocks: &[Value]) -> Result<Vec<Value>, Failure> {
    let texts = blocks.iter().filter_map(|block| block.get("text"));
    texts
        .map(|text| match text.as_str() {
            Some(said) if !said.is_empty() => Ok(json!({"type": "text", "text": said})),
            _ => Err(wrong("The text field in the ContentBlock object is blank.")),
        })
        .collect()
}

/// Results of tools are messages of their own, before the rest.
fn user(blocks: &[Value], messages: &mut Vec<Value>) -> Result<(), Failure> {
    for result in blocks.iter().filter_map(|block| block.get("toolResult")) {
        let content = result.get("content").and_then(Value::as_array);
        let content = content.ok_or_else(|| wrong("toolResult.content: is missing"))?;
        messages.push(json!({"role": "tool", "tool_call_id": result.get("toolUseId"), "content": texts(content)?}));
    }
    let rest = texts(blocks)?;
    if !rest.is_empty() {
        messages.push(json!({"role": "user", "content": rest}));
    }
    Ok(())
}

fn assistant(blocks: &[Value]) -> Result<Value, Failure> {
    let mut calls = Vec::new();
    for call in blocks.iter().filter_map(|block| block.get("toolUse")) {
        let input = call.get("input").filter(|input| input.is_object());
        let input = input.ok_or_else(|| wrong("toolUse.input: is no object"))?;
        let function = json!({"name": call.get("name"), "arguments": input.to_string()});
        calls.push(json!({"id": call.get("toolUseId"), "type": "function", "function": function}));
    }
    Ok(json!({"role": "assistant", "content": texts(blocks)?, "tool_calls": calls}))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use hyper::header::HeaderValue;

    use super::*;

    fn read(request: &Value, credential: &'static str) -> Result<Value, Failure> {
        let headers = [(header::AUTHORIZATION, HeaderValue::from_static(credential))].into_iter().collect();
        let asked = Asked { model: "m".to_owned(), stream: false };
        let read = as_completion(&headers, request.to_string().as_bytes(), &asked)?;
        Ok(serde_json::from_slice(&read).unwrap())
    }

    #[test]
    fn the_path_says_what_is_asked_for() {
        let model = "arn:aws:bedrock:eu-west-1::x/a".to_owned();
        assert_eq!(
            asked("/model/arn%3Aaws%3Abedrock%3Aeu-west-1%3A%3Ax%2Fa/converse-stream"),
            Some(Asked { model, stream: true })
        );
        assert_eq!(asked("/model/m/converse"), Some(Asked { model: "m".to_owned(), stream: false }));
        for path in ["/model/m", "/model/m/invoke", "/model/arn:x/a/converse", "/v1/model/m/converse"] {
            assert_eq!(asked(path), None, "{path}");
        }
    }

    #[test]
    fn a_conversation_is_read_with_its_tools_and_results() {
        let request = json!({"system": [{"text": "be kind"}],
            "inferenceConfig": {"maxTokens": 5, "stopSequences": ["x"]},
            "toolConfig": {"tools": [{"toolSpec": {"name": "f", "inputSchema": {"json": {"type": "object"}}}}],
                "toolChoice": {"any": {}}},
            "messages": [{"role": "user", "content": [{"text": "hi"}]},
                {"role": "assistant", "content": [{"reasoningContent": {"reasoningText": {"text": "hm"}}},
                    {"text": "ok"}, {"toolUse": {"toolUseId": "t", "name": "f", "input": {"a": 1}}}]},
                {"role": "user", "content": [{"text": "and?"},
                    {"toolResult": {"toolUseId": "t", "content": [{"text": "sunny"}], "status": "success"}}]}]});
        let read = read(&request, "Bearer k").unwrap();
        let roles: Vec<&str> =
            read["messages"].as_array().unwrap().iter().map(|m| m["role"].as_str().unwrap()).collect();
        assert_eq!(roles, ["system", "user", "assistant", "tool", "user"]);
        assert_eq!(read["messages"][2]["tool_calls"][0]["function"]["arguments"], "{\"a\":1}");
        assert_eq!(read["messages"][3]["content"][0]["text"], "sunny");
        assert_eq!((&read["tool_choice"], &read["stop"]), (&json!("required"), &json!(["x"])));
    }

    #[test]
    fn what_the_api_refuses_is_refused() {
        let with = |content: Value| json!({"messages": [{"role": "user", "content": content}]});
        for request in [
            json!({}),
            with(json!([])),
            with(json!([{"text": ""}])),
            with(json!([{"toolResult": {"toolUseId": "t", "content": [{"text": "a"}]}}])),
            json!({"messages": [{"role": "assistant", "content": [{"text": "a"}]}]}),
            json!({"messages": [{"role": "system", "content": [{"text": "a"}]}]}),
        ] {
            assert_eq!(read(&request, "Bearer k").unwrap_err().status, 400, "{request}");
        }
        assert_eq!(read(&with(json!([{"text": "a"}])), "Basic k").unwrap_err().status, 403);
    }
}
