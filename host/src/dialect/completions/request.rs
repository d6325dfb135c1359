//! A request to go on with a text.

use bytes::Bytes;

use super::super::asked::{Around, Asked, Turns};
use super::super::document::{Of, Texts, Wrong, not_json};
use super::super::fields::{self, once};
use super::super::openai::stream_options;
use super::super::raw::{Fields, Kind, Value};
use crate::chat::{Channel, Request, Role};

/// Read the body of a request.
///
/// # Errors
/// What is wrong with which field.
pub(crate) fn read_request(body: Bytes) -> Result<Asked, Wrong> {
    let text = std::str::from_utf8(&body).map_err(|_| Wrong::new("", "the body is not UTF-8"))?;
    let parsed: Fields<'_> = serde_json::from_str(text).map_err(|error| not_json("a request to go on", &error))?;
    let mut texts = Texts::new(text);
    let (model, name) = fields::model(&parsed)?;
    let mut request = Request { model: name, ..Request::default() };
    let stream = once(&parsed, "stream")?;
    request.streaming = fields::streaming(stream)?;
    let prompt = once(&parsed, "prompt")?.filter(|prompt| prompt.kind() != Kind::Null);
    let prompt = prompt.ok_or_else(|| Wrong::new("prompt", "is missing; send a text or a list of texts"))?;
    let prompts = read_texts(&mut texts, prompt, "prompt")?;
    let mut options = Vec::new();
    // The most alternatives of the two counts: a provider writes all of which it chooses the best.
    let mut alternatives = None;
    for field in &parsed.0 {
        let value = field.value;
        match &*field.name() {
            "prompt" | "stream" => continue,
            "suffix" => {
                texts.anything(value, &Of::new(Role::User, Channel::Content))?;
                continue;
            }
            "stream_options" => options.push((value, texts.place(value))),
            "max_tokens" => request.answer_tokens_max = request.answer_tokens_max.max(value.count()),
            "n" | "best_of" => alternatives = alternatives.max(value.count()),
            _ => {}
        }
        // Where any model may be asked for, its name goes to the provider too: words that name nothing are text.
        texts.field(field, &Of::new(Role::User, Channel::Other))?;
    }
    request.answers = match prompts.len() {
        1 => alternatives,
        many => Some(alternatives.unwrap_or(1).saturating_mul(u64::try_from(many).unwrap_or(u64::MAX))),
    };
    request.opaque = std::mem::take(&mut texts.opaque);
    let stream_end = stream.filter(|_| request.streaming).map(|stream| texts.place(stream).end);
    let usage = stream_options::asking(&options, stream_end)?;
    let usage = usage.map(|(place, text)| (place, text.to_owned()));
    // Behind the text, within its quotes. Of several nobody could say which is gone on with.
    let (turns, messages_end) = match *prompts {
        [prompt] if is_whole(prompt) => (Turns::Text, texts.place(prompt).end.saturating_sub(1)),
        _ => (Turns::None, 0),
    };
    let around = Around { opens: None, before: "", after: "", replaced: 0 };
    let model = Some(texts.place(model));
    let (segments, document) = texts.into_document(body.clone());
    request.segments = segments;
    drop(parsed);
    Ok(Asked { request, document, model, messages_end, turns, around, usage })
}

/// Whether a literal has no half of a surrogate pair, with which an edit writes all of it anew.
fn is_whole(literal: Value<'_>) -> bool {
    literal.text().is_some_and(|text| !text.contains(char::REPLACEMENT_CHARACTER))
}

/// Collect a text, or each text of a list. Numbers of tokens are texts too, and nobody but the model can read them.
///
/// # Errors
/// When it is anything else.
pub(in super::super) fn read_texts<'a>(
    texts: &mut Texts<'_>,
    given: Value<'a>,
    at: &str,
) -> Result<Vec<Value<'a>>, Wrong> {
    let tokens = "has numbers of tokens, which guardrails cannot read; send the text itself";
    let all = match given.kind() {
        Kind::String => vec![given],
        Kind::Array => given.items(),
        Kind::Number => return Err(Wrong::new(at, tokens)),
        Kind::Null | Kind::Bool(_) | Kind::Object => return Err(Wrong::new(at, "must be a text or a list of texts")),
    };
    if all.is_empty() {
        return Err(Wrong::new(at, "is empty; send at least one text"));
    }
    for (index, one) in all.iter().enumerate() {
        match one.kind() {
            Kind::String => texts.text(*one, &Of::new(Role::User, Channel::Content))?,
            Kind::Number | Kind::Array => return Err(Wrong::new(at, tokens)),
            Kind::Null | Kind::Bool(_) | Kind::Object => {
                return Err(Wrong::new(format!("{at}[{index}]"), "must be a text"));
            }
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Result<Asked, Wrong> {
        read_request(Bytes::copy_from_slice(body.as_bytes()))
    }

    #[test]
    fn every_text_is_a_segment() {
        let body = r#"{"model":"m","prompt":["a","b\u0062"],"suffix":"c","stop":["d d"],"user":"e e","logit_bias":{"50256":-100},
            "echo":true,"logprobs":2,"new":{"deep":["f f"]}}"#;
        let segments = read(body).unwrap().request.segments;
        let said: Vec<_> = segments.iter().map(|s| (s.role, s.channel, s.text.as_str())).collect();
        let (content, other) = (Channel::Content, Channel::Other);
        let expected =
            [(content, "a"), (content, "bb"), (content, "c"), (other, "d d"), (other, "e e"), (other, "f f")];
        assert_eq!(said, expected.map(|(channel, text)| (Role::User, channel, text)));
    }

    #[test]
    fn what_an_answer_may_take_is_read() {
        for (fields, tokens, answers) in [
            (r#""prompt":"a""#, None, None),
            (r#""prompt":["a"],"max_tokens":5,"n":2"#, Some(5), Some(2)),
            (r#""prompt":"a","n":2,"best_of":4"#, None, Some(4)),
            (r#""prompt":["a","b","c"]"#, None, Some(3)),
            (r#""prompt":["a","b","c"],"n":2"#, None, Some(6)),
        ] {
            let request = read(&format!(r#"{{"model":"m",{fields}}}"#)).unwrap().request;
            assert_eq!((request.answer_tokens_max, request.answers), (tokens, answers), "{fields}");
            assert!(!request.streaming);
        }
    }

    #[test]
    fn one_text_is_gone_on_with_within_its_quotes() {
        let asked = read(r#"{"model":"m","prompt":[ "once \u0022upon\"" ],"max_tokens":1.0e1}"#).unwrap();
        let mut edited = asked.request.segments.clone();
        edited[0].text = "once \"upon\" [NAME]\\".to_owned();
        let sent = asked.body(&edited, Some("gpt"), &[(Role::Assistant, "a \"time\""), (Role::User, "shorter")]);
        let expected =
            r#"{"model":"gpt","prompt":[ "once \u0022upon\" [NAME]\\\n\na \"time\"\n\nshorter" ],"max_tokens":1.0e1}"#;
        assert_eq!(sent, expected);
        assert!(asked.can_go_on());
        assert!(!read(r#"{"model":"m","prompt":["a","b"]}"#).unwrap().can_go_on());
    }

    #[test]
    fn a_stream_is_asked_for_its_usage() {
        let asked = read(r#"{"model":"m","stream":true,"prompt":"a"}"#).unwrap();
        assert!(asked.request.streaming && asked.leaves_usage_out());
        let body = asked.body_for_usage(&asked.request.segments, None, &[]);
        assert_eq!(body, r#"{"model":"m","stream":true,"stream_options":{"include_usage":true},"prompt":"a"}"#);
        let whole = read(r#"{"model":"m","stream":false,"prompt":"a"}"#).unwrap();
        assert!(!whole.leaves_usage_out());
    }

    #[test]
    fn what_is_wrong_is_said_with_the_field() {
        for (body, field, message) in [
            ("[]", "", "an object"),
            (r#"{"prompt":"a"}"#, "model", "missing"),
            (r#"{"model":1,"prompt":"a"}"#, "model", "string"),
            (r#"{"model":"m"}"#, "prompt", "missing"),
            (r#"{"model":"m","prompt":null}"#, "prompt", "missing"),
            (r#"{"model":"m","prompt":[]}"#, "prompt", "empty"),
            (r#"{"model":"m","prompt":[464,2068]}"#, "prompt", "tokens"),
            (r#"{"model":"m","prompt":[[464],[2068]]}"#, "prompt", "tokens"),
            (r#"{"model":"m","prompt":["a",[2068]]}"#, "prompt", "tokens"),
            (r#"{"model":"m","prompt":464}"#, "prompt", "tokens"),
            (r#"{"model":"m","prompt":{}}"#, "prompt", "text"),
            (r#"{"model":"m","prompt":["a",null]}"#, "prompt[1]", "text"),
            (r#"{"model":"m","prompt":"a","prompt":"b"}"#, "prompt", "twice"),
            (r#"{"model":"m","prompt":"a","stream":1}"#, "stream", "true or false"),
        ] {
            let wrong = read(body).unwrap_err();
            assert_eq!(wrong.field, field, "{body}");
            assert!(wrong.message.contains(message), "{body}: {}", wrong.message);
        }
    }
}
