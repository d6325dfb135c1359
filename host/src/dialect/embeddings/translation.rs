//! Vectors for callers of OpenAI's endpoint from a provider of Gemini's dialect, by `batchEmbedContents` (public reference,
//! November 2026).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::dialect::conversation::Loss;
use crate::dialect::document::Wrong;
use crate::dialect::gemini;
use crate::dialect::given::{NO_COUNTERPART, Object, written};
use crate::dialect::raw::{Kind, Value};

/// How the caller wants its vectors.
#[derive(Clone, Debug)]
pub(in super::super) struct Wanted {
    /// The model, which Gemini's answer does not name.
    model: String,
    as_base64: bool,
}

#[derive(Serialize)]
struct BatchJson<'a> {
    requests: Vec<RequestJson<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RequestJson<'a> {
    model: &'a str,
    content: ContentJson<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_dimensionality: Option<u32>,
}

#[derive(Serialize)]
struct ContentJson<'a> {
    parts: [PartJson<'a>; 1],
}

#[derive(Serialize)]
struct PartJson<'a> {
    text: &'a str,
}

/// Write a request for a target of Gemini's dialect.
///
/// # Errors
/// What is wrong with which field.
pub(in super::super) fn write_request(body: &[u8], losses: &mut Vec<Loss>) -> Result<(Wanted, Bytes), Wrong> {
    let (mut model, mut texts, mut dimensions, mut as_base64) = (String::new(), Vec::new(), None, false);
    for field in Object::of_body(body, "a request for vectors")?.fields {
        match &*field.name {
            "model" => model = field.text()?,
            "input" if field.value.kind() == Kind::String => texts = vec![field.text()?],
            "input" => texts = field.texts()?,
            "dimensions" => dimensions = Some(field.whole()?),
            "encoding_format" => match &*field.text()? {
                "float" => as_base64 = false,
                "base64" => as_base64 = true,
                _ => return Err(field.wrong("must be float or base64")),
            },
            "user" => losses.push(field.harmless(NO_COUNTERPART)),
            _ => losses.push(field.loss()),
        }
    }
    let named = format!("{}{}", gemini::MODELS, gemini::bare(&model));
    let request = |text| RequestJson {
        model: &named,
        content: ContentJson { parts: [PartJson { text }] },
        output_dimensionality: dimensions,
    };
    let body = written(&BatchJson { requests: texts.iter().map(String::as_str).map(request).collect() })?;
    Ok((Wanted { model, as_base64 }, body))
}

#[derive(Serialize)]
struct ListJson<'a> {
    object: &'static str,
    data: Vec<VectorJson<'a>>,
    model: &'a str,
    usage: UsageJson,
}

#[derive(Serialize)]
struct VectorJson<'a> {
    object: &'static str,
    index: usize,
    embedding: NumbersJson<'a>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum NumbersJson<'a> {
    /// As the provider has written them.
    Source(&'a RawValue),
    Base64(String),
}

/// SDKs want it to be there: where the provider does not say, it is zero.
#[derive(Serialize)]
struct UsageJson {
    prompt_tokens: u32,
    total_tokens: u32,
}

/// What Gemini answers, in OpenAI's words.
///
/// # Errors
/// When there are no vectors in it.
pub(in super::super) fn translate_answer(body: &[u8], wanted: &Wanted, losses: &mut Vec<Loss>) -> Result<Bytes, Wrong> {
    let (mut data, mut tokens) = (Vec::new(), 0);
    for field in Object::of_body(body, "vectors")?.fields {
        match &*field.name {
            "embeddings" => {
                for (index, item) in field.items()?.into_iter().enumerate() {
                    let item = item.object()?;
                    losses.extend(item.beyond(&["values", "shape"]).map(|field| field.loss().unasked()));
                    let embedding = numbers(item.needed("values")?.value, wanted.as_base64)?;
                    data.push(VectorJson { object: "embedding", index, embedding });
                }
            }
            "usageMetadata" => {
                let count = field.value.fields().last("promptTokenCount").and_then(Value::number);
                tokens = count.unwrap_or_default();
            }
            _ => losses.push(field.loss().unasked()),
        }
    }
    if data.is_empty() {
        return Err(Wrong::new("embeddings", "is missing or empty"));
    }
    let usage = UsageJson { prompt_tokens: tokens, total_tokens: tokens };
    written(&ListJson { object: "list", data, model: &wanted.model, usage })
}

/// OpenAI's Base64 is that of the numbers as 32-bit floats, the lowest byte first.
fn numbers(values: Value<'_>, as_base64: bool) -> Result<NumbersJson<'_>, Wrong> {
    let wrong = |_| Wrong::new("embeddings.values", "must be a list of numbers");
    let numbers: Vec<f32> = serde_json::from_str(values.source()).map_err(wrong)?;
    if as_base64 {
        let bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
        return Ok(NumbersJson::Base64(STANDARD.encode(bytes)));
    }
    serde_json::from_str(values.source()).map(NumbersJson::Source).map_err(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(body: &str) -> (serde_json::Value, Wanted, Vec<Loss>) {
        let mut losses = Vec::new();
        let (wanted, body) = write_request(body.as_bytes(), &mut losses).unwrap();
        (serde_json::from_slice(&body).unwrap(), wanted, losses)
    }

    #[test]
    fn each_text_is_a_request_of_its_own() {
        let (written, wanted, losses) = write(
            r#"{"model":"text-embedding","input":["a","b"],"dimensions":3,"encoding_format":"base64","user":"u"}"#,
        );
        let request = |text: &str| {
            serde_json::json!({"model": "models/text-embedding", "content": {"parts": [{"text": text}]},
                "outputDimensionality": 3})
        };
        assert_eq!(written, serde_json::json!({"requests": [request("a"), request("b")]}));
        assert!(wanted.as_base64);
        let losses: Vec<_> = losses.iter().map(|loss| (loss.field.as_str(), loss.is_harmless)).collect();
        assert_eq!(losses, [("user", true)]);
        let (written, wanted, losses) = write(r#"{"model":"models/m","input":"a","new":1}"#);
        assert_eq!(written["requests"][0]["model"], "models/m");
        assert!(!wanted.as_base64);
        assert_eq!(losses, [Loss::new("new", NO_COUNTERPART)]);
    }

    #[test]
    fn vectors_come_back_as_they_were_written_or_as_base64() {
        let body = br#"{"embeddings":[{"values":[0.10,-2e0]},{"values":[1]}],"usageMetadata":{"promptTokenCount":6}}"#;
        let said = |as_base64| {
            let wanted = Wanted { model: "m".to_owned(), as_base64 };
            let said = translate_answer(body, &wanted, &mut Vec::new()).unwrap();
            String::from_utf8(said.to_vec()).unwrap()
        };
        let expected = r#"{"object":"list","data":[{"object":"embedding","index":0,"embedding":[0.10,-2e0]},{"object":"embedding","index":1,"embedding":[1]}],"model":"m","usage":{"prompt_tokens":6,"total_tokens":6}}"#;
        assert_eq!(said(false), expected);
        let floats = STANDARD.encode([0.1_f32.to_le_bytes(), (-2.0_f32).to_le_bytes()].concat());
        assert_eq!(
            said(true),
            expected.replace("[0.10,-2e0]", &format!("\"{floats}\"")).replace("[1]", "\"AACAPw==\"")
        );
    }

    #[test]
    fn what_is_no_vector_is_not_taken_for_one() {
        for body in ["{}", r#"{"embeddings":[]}"#, r#"{"embeddings":[{}]}"#, r#"{"embeddings":[{"values":["a"]}]}"#] {
            let wanted = Wanted { model: "m".to_owned(), as_base64: false };
            assert!(translate_answer(body.as_bytes(), &wanted, &mut Vec::new()).is_err(), "{body}");
        }
    }
}
