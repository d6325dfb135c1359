//! What is answered with numbers: vectors of texts, and counts of tokens, in the formats of those who ask for them. A text has
//! the same vector always; a word is a token, as everywhere in the sandbox model.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::{Value, json};

use super::failure::Failure;
use super::{contents, messages, responses, wire};

/// Numbers of a vector, where the request does not say.
const DIMENSIONS: usize = 8;
/// As many as the largest of OpenAI's models has.
const DIMENSIONS_MAX: u64 = 3072;

fn read(body: &[u8]) -> Result<Value, Failure> {
    serde_json::from_slice(body).map_err(|error| Failure::bad_json(&error))
}

/// The model that a path of Google's API asks with this method.
pub(super) fn model<'a>(path: &'a str, method: &str) -> Option<&'a str> {
    path.split_once("/models/")?.1.strip_suffix(method)?.strip_suffix(':')
}

/// A question that is answered with numbers, as a chat completion: the last text decides what becomes of it.
fn completion(model: &Value, texts: &[&str]) -> Bytes {
    let messages: Vec<Value> = texts.iter().map(|text| json!({"role": "user", "content": text})).collect();
    json!({"model": model, "messages": messages}).to_string().into()
}

/// The texts of a request of OpenAI's.
fn input(request: &Value) -> Result<Vec<&str>, Failure> {
    let texts = match request.get("input") {
        Some(Value::String(text)) => Some(vec![text.as_str()]),
        Some(Value::Array(texts)) => texts.iter().map(Value::as_str).collect(),
        _ => None,
    };
    let texts = texts.filter(|texts| !texts.is_empty() && texts.iter().all(|text| !text.is_empty()));
    texts.ok_or_else(|| Failure::bad_request(Some("input"), "Input should be a text or a list of texts."))
}

/// A request for vectors of OpenAI's.
pub(super) fn vectors_asked(body: &[u8]) -> Result<Bytes, Failure> {
    let request = read(body)?;
    Ok(completion(request.get("model").unwrap_or(&Value::Null), &input(&request)?))
}

/// Its answer.
pub(super) fn vectors(asked: &wire::Asked, body: &[u8]) -> Result<Vec<u8>, Failure> {
    let request = read(body)?;
    let dimensions = dimensions(request.get("dimensions"), "dimensions")?;
    let as_base64 = request.get("encoding_format").is_some_and(|format| format == "base64");
    let data = input(&request)?.into_iter().enumerate().map(|(index, text)| {
        let vector = vector(text, dimensions);
        let bytes = || vector.iter().flat_map(|number| number.to_le_bytes()).collect::<Vec<u8>>();
        let embedding = if as_base64 { json!(STANDARD.encode(bytes())) } else { json!(vector) };
        json!({"object": "embedding", "index": index, "embedding": embedding})
    });
    let data: Vec<Value> = data.collect();
    let tokens = asked.prompt_tokens();
    let usage = json!({"prompt_tokens": tokens, "total_tokens": tokens});
    Ok(json!({"object": "list", "data": data, "model": request.get("model"), "usage": usage}).to_string().into_bytes())
}

/// The texts of a request of Google's.
fn batch(request: &Value) -> Result<Vec<&str>, Failure> {
    let requests = request.get("requests").and_then(Value::as_array).filter(|requests| !requests.is_empty());
    let text =
        |request: &'_ Value| request.pointer("/content/parts/0/text").and_then(Value::as_str).map(str::len).is_some();
    let requests = requests.filter(|requests| requests.iter().all(text));
    let requests =
        requests.ok_or_else(|| Failure::bad_request(Some("requests"), "* BatchEmbedContentsRequest.requests"))?;
    Ok(requests.iter().filter_map(|request| request.pointer("/content/parts/0/text")?.as_str()).collect())
}

/// A request for vectors of Google's.
pub(super) fn batch_asked(path: &str, body: &[u8]) -> Result<Bytes, Failure> {
    let request = read(body)?;
    let model = model(path, "batchEmbedContents").unwrap_or_default();
    Ok(completion(&json!(model), &batch(&request)?))
}

/// Its answer.
pub(super) fn batch_vectors(asked: &wire::Asked, body: &[u8]) -> Result<Vec<u8>, Failure> {
    let request = read(body)?;
    let dimensions = dimensions(request.pointer("/requests/0/outputDimensionality"), "outputDimensionality")?;
    let vectors = batch(&request)?.into_iter().map(|text| json!({"values": vector(text, dimensions)}));
    let vectors: Vec<Value> = vectors.collect();
    let usage = json!({"promptTokenCount": asked.prompt_tokens()});
    Ok(json!({"embeddings": vectors, "usageMetadata": usage}).to_string().into_bytes())
}

fn dimensions(given: Option<&Value>, name: &'static str) -> Result<usize, Failure> {
    let Some(given) = given.filter(|given| !given.is_null()) else { return Ok(DIMENSIONS) };
    let number = given.as_u64().filter(|number| (1..=DIMENSIONS_MAX).contains(number));
    let number = number.and_then(|number| usize::try_from(number).ok());
    number.ok_or_else(|| Failure::bad_request(Some(name), format!("Invalid '{name}'.")))
}

/// Numbers from -1 to 1 that a text has always, and no other text has.
fn vector(text: &str, dimensions: usize) -> Vec<f32> {
    let hash = wire::hash(text.as_bytes());
    let number = |place: usize| {
        let mixed = wire::hash(&[hash.to_le_bytes(), (place as u64).to_le_bytes()].concat());
        f32::from(u16::try_from(mixed >> 48).unwrap_or_default()) / 32_768.0 - 1.0
    };
    (0..dimensions).map(number).collect()
}

/// A request to count of Anthropic's, which need not say how long the answer may be.
pub(super) fn count_asked(body: &[u8]) -> Result<Bytes, Failure> {
    let mut request = read(body)?;
    if let Some(fields) = request.as_object_mut() {
        fields.entry("max_tokens").or_insert(json!(1));
    }
    messages::as_completion(request.to_string().as_bytes())
}

/// A request to count of OpenAI's, which says nothing of an answer.
pub(super) fn input_tokens_asked(body: &[u8]) -> Result<Bytes, Failure> {
    let request = read(body)?;
    for unknown in ["stream", "store", "max_output_tokens", "temperature"] {
        if request.get(unknown).is_some() {
            return Err(Failure::bad_request(None, format!("Unknown parameter: '{unknown}'.")));
        }
    }
    responses::as_completion(body)
}

/// A request to count of Google's.
pub(super) fn count_tokens_asked(path: &str, body: &[u8]) -> Result<Bytes, Failure> {
    let request = read(body)?;
    let inner = request.get("generateContentRequest").unwrap_or(&request);
    let model = model(path, "countTokens").unwrap_or_default();
    contents::as_completion(inner.to_string().as_bytes(), &contents::Asked { model, stream: false })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_has_a_vector_of_its_own() {
        let (a, b) = (vector("a", 8), vector("b", 8));
        assert_eq!(a, vector("a", 8));
        assert_ne!(a, b);
        assert!(a.iter().all(|number| (-1.0..=1.0).contains(number)));
        assert_eq!(vector("a", 3), a.get(..3).unwrap_or_default());
    }

    #[test]
    fn what_is_no_text_has_none() {
        for body in [r#"{"input":[1,2]}"#, r#"{"input":[]}"#, r#"{"input":""}"#, "{}"] {
            assert!(vectors_asked(body.as_bytes()).is_err(), "{body}");
        }
        assert!(batch_asked("/v1beta/models/m:batchEmbedContents", br#"{"requests":[{}]}"#).is_err());
        assert!(input_tokens_asked(br#"{"model":"m","input":"a","store":false}"#).is_err());
    }

    #[test]
    fn the_model_stands_in_the_path() {
        assert_eq!(model("/v1beta/models/m:countTokens", "countTokens"), Some("m"));
        assert_eq!(model("/v1beta/models/m:generateContent", "countTokens"), None);
    }
}
