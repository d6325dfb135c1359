//! Texts turned into vectors, as OpenAI's `/embeddings` asks it and most providers understand it (public reference, autumn
//! 2026). The texts are looked at; vectors are numbers, in which there is nothing to read.

mod translation;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

pub(super) use translation::{Wanted, translate_answer, write_request};

use super::asked::{Around, Asked, Turns};
use super::completions::request::read_texts;
use super::document::{Document, Of, Texts, Wrong, not_json};
use super::fields::{self, once};
use super::given::written;
use super::raw::{Field, Fields, Kind, Value};
use super::whole;
use crate::chat::{Answer, Channel, Opaque, Request, Role, Usage};

/// Read the body of a request.
///
/// # Errors
/// What is wrong with which field.
pub(super) fn read_request(body: Bytes) -> Result<Asked, Wrong> {
    let text = std::str::from_utf8(&body).map_err(|_| Wrong::new("", "the body is not UTF-8"))?;
    let parsed: Fields<'_> = serde_json::from_str(text).map_err(|error| not_json("a request for vectors", &error))?;
    let mut texts = Texts::new(text);
    let (model, name) = fields::model(&parsed)?;
    // There is no answer of tokens.
    let mut request = Request { model: name, answer_tokens_max: Some(0), ..Request::default() };
    let input =
        once(&parsed, "input")?.ok_or_else(|| Wrong::new("input", "is missing; send a text or a list of texts"));
    read_texts(&mut texts, input?, "input")?;
    for field in parsed.0.iter().filter(|field| !field.is("input")) {
        // Where any model may be asked for, its name goes to the provider too: words that name nothing are text.
        texts.field(field, &Of::new(Role::User, Channel::Other))?;
    }
    request.opaque = std::mem::take(&mut texts.opaque);
    let model = Some(texts.place(model));
    let (segments, document) = texts.into_document(body.clone());
    request.segments = segments;
    drop(parsed);
    Ok(Asked { request, document, model, messages_end: 0, turns: Turns::None, around: Around::default(), usage: None })
}

/// Read a complete answer, of any of the providers: what is not a vector is text.
///
/// # Errors
/// Why nothing of it can be passed on.
pub(super) fn read_answer(body: Bytes) -> Result<(Answer, Document, Vec<Opaque>), Wrong> {
    whole::read(body, |texts, answer, fields, other| {
        for field in &fields.0 {
            match &*field.name() {
                // The first is OpenAI's name for the list, the other is Gemini's.
                "data" | "embeddings" if field.value.kind() == Kind::Array => {
                    for item in field.value.items() {
                        read_item(texts, item, other)?;
                    }
                    continue;
                }
                "usage" => answer.usage = used(field.value, &["prompt_tokens", "total_tokens"]),
                "usageMetadata" => answer.usage = used(field.value, &["promptTokenCount"]),
                _ => {}
            }
            texts.field(field, other)?;
        }
        Ok(())
    })
}

#[derive(Serialize)]
struct AskedJson<'a> {
    model: &'a str,
    input: &'a [String],
    encoding_format: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    dimensions: Option<u32>,
}

/// A request of the gateway's own, in OpenAI's words.
///
/// # Errors
/// When it cannot be written.
pub(crate) fn ask(model: &str, texts: &[String], dimensions: Option<u32>) -> Result<Bytes, Wrong> {
    written(&AskedJson { model, input: texts, encoding_format: "float", dimensions })
}

#[derive(Deserialize)]
struct ToldJson {
    data: Vec<VectorJson>,
    usage: Option<UsageJson>,
}

#[derive(Deserialize)]
struct VectorJson {
    index: usize,
    embedding: Vec<f32>,
}

#[derive(Deserialize)]
struct UsageJson {
    prompt_tokens: u32,
}

/// The vectors of an answer in OpenAI's words, in the order of the texts, and the tokens that were read.
///
/// # Errors
/// When it holds something else.
pub(crate) fn vectors(body: &[u8]) -> Result<(Vec<Vec<f32>>, u32), Wrong> {
    let told: ToldJson = serde_json::from_slice(body).map_err(|error| not_json("vectors", &error))?;
    let ToldJson { mut data, usage } = told;
    data.sort_by_key(|vector| vector.index);
    let tokens = usage.map_or(0, |usage| usage.prompt_tokens);
    Ok((data.into_iter().map(|vector| vector.embedding).collect(), tokens))
}

fn read_item(texts: &mut Texts<'_>, item: Value<'_>, of: &Of) -> Result<(), Wrong> {
    if item.kind() != Kind::Object {
        return texts.anything(item, of);
    }
    item.fields().0.iter().filter(|field| !is_vector(field)).try_for_each(|field| texts.field(field, of))
}

/// Numbers, as JSON or as the Base64 of their bytes.
fn is_vector(field: &Field<'_>) -> bool {
    let is_base64 = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=' | b'"');
    matches!(&*field.name(), "embedding" | "values")
        && match field.value.kind() {
            Kind::Array => !field.value.source().contains('"'),
            Kind::String => field.value.source().bytes().all(is_base64),
            Kind::Null | Kind::Bool(_) | Kind::Number | Kind::Object => false,
        }
}

/// What was used, by the first of these names that there is.
fn used(value: Value<'_>, names: &[&str]) -> Option<Usage> {
    let fields = value.fields();
    let input_tokens = names.iter().find_map(|name| fields.last(name).and_then(Value::tokens))?;
    Some(Usage { input_tokens, ..Usage::default() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(body: &str) -> Vec<String> {
        let asked = read_request(Bytes::copy_from_slice(body.as_bytes())).unwrap();
        asked.request.segments.into_iter().map(|segment| segment.text).collect()
    }

    fn answer(body: &str) -> Answer {
        read_answer(Bytes::copy_from_slice(body.as_bytes())).unwrap().0
    }

    #[test]
    fn every_text_of_a_request_is_a_segment() {
        assert_eq!(texts(r#"{"model":"m","input":"a b"}"#), ["a b"]);
        let body = r#"{"model":"a model","input":["a","","b"],"dimensions":3,"encoding_format":"float","user":"c d"}"#;
        assert_eq!(texts(body), ["a", "b", "a model", "c d"]);
    }

    #[test]
    fn numbers_of_tokens_are_refused_by_name() {
        for body in [
            r#"{"model":"m","input":[1,2]}"#,
            r#"{"model":"m","input":[[1,2],[3]]}"#,
            r#"{"model":"m","input":["a",[3]]}"#,
            r#"{"model":"m","input":7}"#,
        ] {
            let wrong = read_request(Bytes::from_static(body.as_bytes())).unwrap_err();
            assert_eq!(wrong.field, "input", "{body}");
            assert!(wrong.message.contains("tokens"), "{}", wrong.message);
        }
        for (body, field) in [
            (r#"{"model":"m"}"#, "input"),
            (r#"{"model":"m","input":null}"#, "input"),
            (r#"{"model":"m","input":[]}"#, "input"),
            (r#"{"model":"m","input":[{"image":"a"}]}"#, "input[0]"),
            (r#"{"input":"a"}"#, "model"),
        ] {
            assert_eq!(read_request(Bytes::from_static(body.as_bytes())).unwrap_err().field, field, "{body}");
        }
    }

    #[test]
    fn the_gateways_own_requests_are_openais() {
        let body = ask("m", &["a".to_owned(), "b".to_owned()], Some(3)).unwrap();
        assert_eq!(body, r#"{"model":"m","input":["a","b"],"encoding_format":"float","dimensions":3}"#);
        let told =
            r#"{"data":[{"index":1,"embedding":[2]},{"index":0,"embedding":[1.5]}],"usage":{"prompt_tokens":4}}"#;
        assert_eq!(vectors(told.as_bytes()).unwrap(), (vec![vec![1.5], vec![2.0]], 4));
        assert_eq!(vectors(br#"{"data":[]}"#).unwrap(), (vec![], 0));
        for wrong in ["", "{}", r#"{"data":[{"embedding":[1]}]}"#, r#"{"data":[{"index":0,"embedding":"AAAA"}]}"#] {
            assert!(vectors(wrong.as_bytes()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn vectors_hold_no_text_and_all_else_does() {
        let body = r#"{"object":"list","data":[{"object":"embedding","index":0,"embedding":[0.1,-2e-3]},
            {"object":"embedding","index":1,"embedding":"zczMPQ=="},{"embedding":["in","here"],"note":"a b"}],
            "model":"m","usage":{"prompt_tokens":5,"total_tokens":5}}"#;
        let read = answer(body);
        let said: Vec<_> = read.segments.iter().map(|segment| segment.text.as_str()).collect();
        assert_eq!(said, ["in", "here", "a b"]);
        assert_eq!(read.usage, Some(Usage { input_tokens: 5, ..Usage::default() }));
        let read = answer(
            r#"{"embeddings":[{"values":[0.1]},{"values":"not Base64"}],"usageMetadata":{"promptTokenCount":4}}"#,
        );
        assert_eq!(read.segments.len(), 1);
        assert_eq!(read.usage, Some(Usage { input_tokens: 4, ..Usage::default() }));
    }
}
