//! A whole answer.

use bytes::Bytes;

use super::super::document::{Document, Of, Texts, Wrong};
use super::super::raw::{Kind, Value};
use super::super::whole;
use super::part;
use super::spelling::{last, usual};
use crate::chat::{Answer, Channel, Finish, Opaque, Role, Usage};

/// Read a complete answer.
///
/// # Errors
/// Why nothing of it can be passed on.
pub(crate) fn read_answer(body: Bytes) -> Result<(Answer, Document, Vec<Opaque>), Wrong> {
    whole::read(body, |texts, answer, fields, other| {
        for field in &fields.0 {
            match (&*usual(field), field.value.kind()) {
                ("candidates", Kind::Array) => {
                    for (candidate, position) in field.value.items().into_iter().zip(0..) {
                        let finish = read_candidate(texts, candidate, position)?;
                        if answer.finish == Finish::Other {
                            answer.finish = finish;
                        }
                    }
                }
                ("usageMetadata", _) => {
                    answer.usage = usage(field.value);
                    texts.field(field, other)?;
                }
                ("promptFeedback", _) => {
                    if is_blocked(field.value) {
                        answer.finish = Finish::ContentFilter;
                    }
                    texts.field(field, other)?;
                }
                _ => texts.field(field, other)?,
            }
        }
        Ok(())
    })
}

fn read_candidate(texts: &mut Texts<'_>, candidate: Value<'_>, position: u32) -> Result<Finish, Wrong> {
    if candidate.kind() != Kind::Object {
        texts.anything(candidate, &Of::new(Role::Assistant, Channel::Other))?;
        return Ok(Finish::Other);
    }
    let fields = candidate.fields();
    let choice = last(&fields, "index").and_then(Value::number).unwrap_or(position);
    let of = Of { choice, ..Of::new(Role::Assistant, Channel::Content) };
    let (mut finished, mut calls) = (Finish::Other, false);
    for field in &fields.0 {
        match (&*usual(field), field.value.kind()) {
            ("content", _) => {
                calls = part::calls(field.value);
                part::content(texts, field.value, &of)?;
            }
            ("finishReason", Kind::String) => {
                finished = finish(&field.value.text().unwrap_or_default());
                texts.field(field, &of.on(Channel::Other))?;
            }
            ("logprobsResult", Kind::Object) => {
                texts.opaque.push(Opaque::Logprobs);
                let place = texts.place(field.value);
                texts.shadows.push(place);
            }
            _ => texts.field(field, &of.on(Channel::Other))?,
        }
    }
    Ok(with_calls(finished, calls))
}

pub(super) fn finish(reason: &str) -> Finish {
    match reason {
        "STOP" => Finish::Stop,
        "MAX_TOKENS" => Finish::Length,
        "SAFETY"
        | "RECITATION"
        | "LANGUAGE"
        | "BLOCKLIST"
        | "PROHIBITED_CONTENT"
        | "SPII"
        | "IMAGE_SAFETY"
        | "IMAGE_PROHIBITED_CONTENT"
        | "IMAGE_RECITATION"
        | "ESCALATION"
        | "MODEL_ARMOR" => Finish::ContentFilter,
        _ => Finish::Other,
    }
}

/// The API has no word of its own for an answer that ends with calls.
pub(super) fn with_calls(finish: Finish, calls: bool) -> Finish {
    if calls && finish == Finish::Stop { Finish::ToolCalls } else { finish }
}

/// Whether a feedback says that the prompt was blocked, in which case there are no candidates.
pub(super) fn is_blocked(feedback: Value<'_>) -> bool {
    last(&feedback.fields(), "blockReason").and_then(Value::text).is_some_and(|reason| !reason.is_empty())
}

/// What was used. Thoughts are counted apart from what is said, and results of the provider's own tools apart from the
/// rest of the input. Where nothing is said, as the guards of the API withhold it, there is no count of it; nothing if a count is
/// none.
pub(super) fn usage(value: Value<'_>) -> Option<Usage> {
    if value.kind() != Kind::Object {
        return None;
    }
    let fields = value.fields();
    let said = |name: &str| last(&fields, name).filter(|count| count.kind() != Kind::Null);
    let count = |name: &str| said(name).map_or(Some(0), Value::tokens);
    let reasoning = count("thoughtsTokenCount")?;
    let input = last(&fields, "promptTokenCount").and_then(Value::tokens)?;
    Some(Usage {
        input_tokens: input.saturating_add(count("toolUsePromptTokenCount")?),
        cached_input_tokens: count("cachedContentTokenCount")?,
        cache_write_tokens: 0,
        output_tokens: count("candidatesTokenCount")?.saturating_add(reasoning),
        reasoning_tokens: reasoning,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> (Answer, Document, Vec<Opaque>) {
        read_answer(Bytes::copy_from_slice(body.as_bytes())).unwrap()
    }

    #[test]
    fn every_text_of_an_answer_is_a_segment() {
        let (answer, _, opaque) = read(
            r#"{"candidates":[{"content":{"role":"model","parts":[{"text":"let me see","thought":true},{"text":"hi"},
                {"functionCall":{"name":"get weather","args":{"city":"Rome","n":4}},"thoughtSignature":"c2ln"},
                {"inlineData":{"mimeType":"image/png","data":"AAAA"}}]},"finishReason":"STOP","index":0,
                "citationMetadata":{"citationSources":[{"uri":"see there, please"}]},
                "logprobsResult":{"chosenCandidates":[{"token":"hi"}]}}],
                "usageMetadata":{"promptTokenCount":9,"cachedContentTokenCount":4,"candidatesTokenCount":5,
                "thoughtsTokenCount":2,"toolUsePromptTokenCount":1,"totalTokenCount":17},
                "modelVersion":"gemini-3-pro","responseId":"abc"}"#,
        );
        let segments: Vec<_> = answer.segments.iter().map(|s| (s.channel, s.text.as_str(), s.is_json)).collect();
        let expected = [
            (Channel::Reasoning, "let me see", false),
            (Channel::Content, "hi", false),
            (Channel::Name, "get weather", false),
            (Channel::ToolArguments, "{\"city\":\"Rome\",\"n\":4}", true),
            (Channel::Other, "see there, please", false),
        ];
        assert_eq!(segments, expected);
        assert_eq!(opaque, [Opaque::Sealed, Opaque::Image, Opaque::Logprobs]);
        assert_eq!(answer.finish, Finish::ToolCalls);
        let usage = Usage {
            input_tokens: 10,
            cached_input_tokens: 4,
            cache_write_tokens: 0,
            output_tokens: 7,
            reasoning_tokens: 2,
        };
        assert_eq!(answer.usage, Some(usage));
    }

    #[test]
    fn a_blocked_prompt_is_a_filtered_answer() {
        let (answer, _, _) = read(r#"{"promptFeedback":{"blockReason":"SAFETY"},"usageMetadata":{}}"#);
        assert_eq!((answer.finish, answer.segments.len()), (Finish::ContentFilter, 0));
    }

    #[test]
    fn an_edit_strikes_out_what_repeats_the_text() {
        let body = r#"{"candidates":[{"content":{"parts":[{"text":"a@b.c"}]},"logprobsResult":{"x":["a@b.c"]}}]}"#;
        let (answer, document, _) = read(body);
        let mut edited = answer.segments.clone();
        edited[0].text = "[EMAIL]".to_owned();
        let written = document.write(&answer.segments, &edited, Vec::new());
        let expected = r#"{"candidates":[{"content":{"parts":[{"text":"[EMAIL]"}]},"logprobsResult":null}]}"#;
        assert_eq!(written, expected);
    }
}
