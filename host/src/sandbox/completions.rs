//! OpenAI's completions: their requests, as what the rest of the sandbox model reads.

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::failure::Failure;

/// The same request as a chat completion: the text is what the user says.
pub(super) fn as_completion(body: &[u8]) -> Result<Bytes, Failure> {
    let request: Value = serde_json::from_slice(body).map_err(|error| Failure::bad_json(&error))?;
    let mut completion = Map::new();
    for name in ["model", "stream", "stream_options", "max_tokens", "stop", "n"] {
        if let Some(value) = request.get(name) {
            completion.insert(name.to_owned(), value.clone());
        }
    }
    if let Some(unknown) =
        ["messages", "tools", "max_completion_tokens"].iter().find(|name| request.get(name).is_some())
    {
        return Err(Failure::bad_request(None, format!("Unrecognized request argument supplied: {unknown}")));
    }
    let prompt = match request.get("prompt") {
        Some(Value::Array(prompts)) if prompts.len() == 1 => prompts.first(),
        prompt => prompt,
    };
    let prompt = prompt.and_then(Value::as_str);
    let prompt =
        prompt.ok_or_else(|| Failure::bad_request(Some("prompt"), "This model takes one text as 'prompt'."))?;
    completion.insert("messages".to_owned(), json!([{"role": "user", "content": prompt}]));
    Ok(Value::Object(completion).to_string().into())
}
