//! Responses to and from a conversation in no provider's words, for where caller and target speak different dialects.
//! What is read here has passed the stricter readers next door; what cannot be said is told as a [`Loss`]. Here is what
//! requests, answers and streams have in common.
//!
//! Source: OpenAI's public reference of `POST /v1/responses` and its streaming events, as it stood in November 2026.

mod answer;
mod item;
mod request;
mod stream;
mod written;

pub(crate) use answer::{parse_answer, write_answer};
pub(crate) use request::parse_request;
pub(crate) use stream::{DeltaReader, DeltaWriter};
pub(crate) use written::write_request;

use crate::dialect::conversation::Loss;
use crate::dialect::given::{Given, NO_COUNTERPART};
use crate::dialect::raw::Kind;

/// Whether a field says what would be so without it: leaving it out is no loss.
fn is_usual(field: &Given<'_>) -> bool {
    let value = field.value;
    match value.kind() {
        Kind::Null | Kind::Bool(false) => true,
        Kind::Bool(true) => false,
        Kind::Number => field.name == "top_logprobs" && value.source() == "0",
        Kind::String => {
            let text = value.text().unwrap_or_default();
            let usual = [("service_tier", "default"), ("verbosity", "medium"), ("truncation", "disabled")];
            text.is_empty() || (text == "auto" && field.name != "truncation") || usual.contains(&(&*field.name, &*text))
        }
        Kind::Array => value.items().is_empty(),
        Kind::Object => value.fields().0.is_empty(),
    }
}

/// A field that nobody here knows. Names and states of items mean something to their provider alone.
fn leave_out(field: &Given<'_>, losses: &mut Vec<Loss>) {
    match &*field.name {
        "id" | "status" => {}
        _ if is_usual(field) => {}
        // How the provider tells its own messages apart, and what they refer to.
        "phase" | "annotations" | "logprobs" | "created_by" => losses.push(field.harmless(NO_COUNTERPART)),
        _ => losses.push(field.loss()),
    }
}

/// Between the name of thoughts and their seal, where both travel as one: the provider takes them back together alone.
const SEAL: char = ':';
/// What the names of thoughts begin with. Seals without such a name are another provider's.
const THOUGHTS: &str = "rs_";

/// The seal of thoughts with their name, for callers of other dialects to send back.
fn seal(id: &str, encrypted: &str) -> String {
    format!("{id}{SEAL}{encrypted}")
}

/// The name of thoughts and their seal.
fn unsealed(seal: &str) -> Option<(&str, &str)> {
    seal.split_once(SEAL).filter(|(id, _)| id.starts_with(THOUGHTS))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::{Finish, Usage};
    use crate::dialect::conversation::{Call, Conversation, Delta, Part, Reply, Speaker};
    use crate::dialect::spoilt::spoilt;

    /// With everything that the dialect can say, as this gateway would write it.
    const GOLDEN: &str = r#"{
        "model": "large",
        "instructions": "you are a travel agent",
        "input": [
            {"type": "message", "role": "user", "content": [
                {"type": "input_text", "text": "what is the weather here, and at home?"},
                {"type": "input_image", "image_url": "data:image/png;base64,iVBO", "detail": "auto"},
                {"type": "input_image", "image_url": "https://example.com/rome.jpg", "detail": "auto"},
                {"type": "input_file", "filename": "plan.pdf", "file_data": "data:application/pdf;base64,JVBE"},
                {"type": "input_file", "file_url": "https://example.com/plan.pdf"}]},
            {"type": "message", "role": "assistant", "content": "I look it up"},
            {"type": "function_call", "call_id": "call_1", "name": "weather", "arguments": "{\"city\":\"Rome\"}"},
            {"type": "function_call", "call_id": "call_2", "name": "weather", "arguments": "{\"city\":\"Oslo\"}"},
            {"type": "function_call_output", "call_id": "call_1", "output": "sunny"},
            {"type": "function_call_output", "call_id": "call_2", "output": [
                {"type": "input_text", "text": "rain"}, {"type": "input_text", "text": "and wind"}]},
            {"type": "message", "role": "user", "content": "and who is to blame?"},
            {"type": "message", "role": "assistant", "content": [
                {"type": "refusal", "refusal": "I do not blame anybody"}]},
            {"type": "message", "role": "system", "content": "be brief"},
            {"type": "message", "role": "user", "content": "as JSON please"}],
        "tools": [
            {"type": "function", "name": "weather", "description": "of a city", "strict": true,
                "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}},
            {"type": "function", "name": "now", "parameters": null, "strict": false}],
        "tool_choice": {"type": "function", "name": "weather"},
        "parallel_tool_calls": true,
        "max_output_tokens": 300,
        "temperature": 0.5,
        "top_p": 0.25,
        "text": {"format": {"type": "json_schema", "name": "report", "schema": {"type": "object"}, "strict": true}},
        "reasoning": {"effort": "low"},
        "user": "ann-17",
        "stream": true,
        "store": false
    }"#;

    /// As the public reference shows one, with thoughts and a call beside the words.
    const ANSWER: &str = r#"{
        "id": "resp_67ccd2bed1ec8190b14f964abc054267", "object": "response", "created_at": 1741476542,
        "status": "completed", "error": null, "incomplete_details": null, "instructions": null,
        "max_output_tokens": null, "model": "gpt-4.1-2025-04-14",
        "output": [
            {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "a story, then"}],
                "encrypted_content": "c2VhbA=="},
            {"type": "reasoning", "id": "rs_2", "summary": [], "encrypted_content": "bW9yZQ=="},
            {"type": "message", "id": "msg_67ccd2bf17f0819081ff3bb2cf6508e6", "status": "completed",
                "role": "assistant", "content": [
                    {"type": "output_text", "text": "In a peaceful grove", "annotations": []},
                    {"type": "refusal", "refusal": "no more than that"}]},
            {"type": "function_call", "id": "fc_1", "status": "completed", "call_id": "call_1", "name": "weather",
                "arguments": "{\"city\":\"Rome\"}"},
            {"type": "web_search_call", "id": "ws_1", "status": "completed"}],
        "parallel_tool_calls": true, "previous_response_id": null, "reasoning": {"effort": null, "summary": null},
        "store": true, "temperature": 1.0, "text": {"format": {"type": "text"}}, "tool_choice": "auto", "tools": [],
        "top_p": 1.0, "truncation": "disabled",
        "usage": {"input_tokens": 36, "input_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 2}, "output_tokens": 87,
            "output_tokens_details": {"reasoning_tokens": 7}, "total_tokens": 123},
        "user": null, "metadata": {}
    }"#;

    fn parsed(body: &[u8]) -> Conversation {
        let mut losses = Vec::new();
        let conversation = parse_request(body, &mut losses).unwrap();
        assert_eq!(losses, []);
        // They are in the order of the body.
        Conversation { fields: Vec::new(), ..conversation }
    }

    fn json(body: &[u8]) -> serde_json::Value {
        serde_json::from_slice(body).unwrap()
    }

    #[test]
    fn a_conversation_with_everything_comes_back_as_it_was() {
        let conversation = parsed(GOLDEN.as_bytes());
        let shape: Vec<_> = conversation.turns.iter().map(|turn| (turn.speaker, turn.parts.len())).collect();
        let expected = [
            (Speaker::System, 1),
            (Speaker::User, 5),
            (Speaker::Assistant, 3),
            (Speaker::User, 2),
            (Speaker::User, 1),
            (Speaker::Assistant, 1),
            (Speaker::System, 1),
            (Speaker::User, 1),
        ];
        assert_eq!(shape, expected);
        let mut losses = Vec::new();
        let written = write_request(&conversation, "large", &mut losses).unwrap();
        assert_eq!(losses, []);
        assert_eq!(json(&written), json(GOLDEN.as_bytes()));
        assert_eq!(parsed(&written), conversation);
    }

    fn answer() -> Reply {
        let mut losses = Vec::new();
        let reply = parse_answer(ANSWER.as_bytes(), &mut losses).unwrap();
        let told: Vec<_> = losses.iter().map(|loss| (loss.field.as_str(), loss.is_harmless)).collect();
        assert_eq!(told, [("output[4].type", true)]);
        reply
    }

    #[test]
    fn an_answer_is_read_with_its_seals() {
        let reply = answer();
        let call =
            Call { id: "call_1".to_owned(), name: "weather".to_owned(), arguments: "{\"city\":\"Rome\"}".to_owned() };
        let expected = [
            Part::Thinking { text: "a story, then".to_owned(), signature: Some("rs_1:c2VhbA==".to_owned()) },
            Part::SealedThinking("rs_2:bW9yZQ==".to_owned()),
            Part::Text("In a peaceful grove".to_owned()),
            Part::Refusal("no more than that".to_owned()),
            Part::Call(call),
        ];
        assert_eq!(reply.choices[0].parts, expected);
        assert_eq!(reply.choices[0].finish, Some(Finish::ToolCalls));
        let usage = Usage {
            input_tokens: 36,
            cached_input_tokens: 4,
            cache_write_tokens: 2,
            output_tokens: 87,
            reasoning_tokens: 7,
        };
        assert_eq!(reply.usage, Some(usage));
    }

    #[test]
    fn an_answer_is_written_as_the_reference_has_it() {
        let mut losses = Vec::new();
        let written = json(&write_answer(&answer(), &mut losses).unwrap());
        assert_eq!(losses, []);
        let kinds: Vec<&str> =
            written["output"].as_array().unwrap().iter().filter_map(|i| i["type"].as_str()).collect();
        assert_eq!(kinds, ["reasoning", "reasoning", "message", "function_call"]);
        let original = json(ANSWER.as_bytes());
        for at in ["/output/2/content/0/text", "/output/2/content/1", "/output/3/arguments", "/usage", "/status", "/id"]
        {
            assert_eq!(written.pointer(at), original.pointer(at), "{at}");
        }
    }

    #[test]
    fn thoughts_go_back_to_who_has_sealed_them_alone() {
        let seals = [("rs_1:c2VhbA==", true), ("c2VhbA==", false), ("msg_1:c2VhbA==", false)];
        for (signature, is_sent) in seals {
            let mut conversation = parsed(GOLDEN.as_bytes());
            let thinking = Part::Thinking { text: "hm".to_owned(), signature: Some(signature.to_owned()) };
            conversation.turns[2].parts.insert(0, thinking);
            let mut losses = Vec::new();
            let written = json(&write_request(&conversation, "large", &mut losses).unwrap());
            let expected = serde_json::json!({"type": "reasoning", "id": "rs_1", "encrypted_content": "c2VhbA==",
                "summary": [{"type": "summary_text", "text": "hm"}]});
            assert_eq!(written["input"][1] == expected, is_sent, "{signature}: {written}");
            assert_eq!(losses.is_empty(), is_sent, "{signature}: {losses:?}");
        }
    }

    #[test]
    fn how_an_answer_ended_is_told_both_ways() {
        for (finish, status, reason) in [
            (Finish::Stop, "completed", None),
            (Finish::ToolCalls, "completed", None),
            (Finish::Length, "incomplete", Some("max_output_tokens")),
            (Finish::ContentFilter, "incomplete", Some("content_filter")),
        ] {
            let mut reply = answer();
            reply.choices[0].finish = Some(finish);
            if finish != Finish::ToolCalls {
                reply.choices[0].parts.pop();
            }
            let written = write_answer(&reply, &mut Vec::new()).unwrap();
            let said = json(&written);
            assert_eq!(said["status"], status);
            assert_eq!(said["incomplete_details"]["reason"].as_str(), reason);
            let read = parse_answer(&written, &mut Vec::new()).unwrap();
            assert_eq!(read.choices[0].finish, Some(finish));
        }
        let failed = r#"{"status":"failed","error":{"code":"server_error","message":"x"},"output":[]}"#;
        assert_eq!(parse_answer(failed.as_bytes(), &mut Vec::new()).unwrap_err().message, "server_error");
    }

    /// Deltas of an answer with everything, with two calls whose arguments come side by side.
    fn deltas() -> Vec<Delta> {
        let (choice, text) = (0, |text: &str| text.to_owned());
        let call = |index: u32| Delta::Call { choice, index, id: format!("call_{index}"), name: text("weather") };
        let arguments = |index, json: &str| Delta::Arguments { choice, index, json: json.to_owned() };
        let usage = Usage {
            input_tokens: 3,
            cached_input_tokens: 1,
            cache_write_tokens: 1,
            output_tokens: 9,
            reasoning_tokens: 2,
        };
        vec![
            Delta::Begin { id: text("resp_1"), model: text("m") },
            Delta::Thinking { choice, text: text("let me ") },
            Delta::Thinking { choice, text: text("see") },
            Delta::Signature { choice, signature: text("rs_x:c2VhbA==") },
            Delta::SealedThinking { choice, data: text("rs_y:bW9yZQ==") },
            Delta::Text { choice, text: text("In a ") },
            Delta::Text { choice, text: text("grove") },
            Delta::Refusal { choice, text: text("no more") },
            call(0),
            arguments(0, "{\"a\""),
            call(1),
            arguments(1, "{}"),
            arguments(0, ":1}"),
            Delta::Usage(usage),
            Delta::Finish { choice, finish: Finish::ToolCalls, stopped_by: None },
            Delta::End,
        ]
    }

    fn written(deltas: &[Delta]) -> Vec<serde_json::Value> {
        let (mut writer, mut out) = (DeltaWriter::default(), Vec::new());
        deltas.iter().for_each(|delta| writer.write(delta, &mut out));
        let text = String::from_utf8(out).unwrap();
        let data = text.split("\n\n").filter_map(|event| event.split_once("\ndata: "));
        data.map(|(_, data)| json(data.as_bytes())).collect()
    }

    fn read(events: &[serde_json::Value]) -> Vec<Delta> {
        let (mut reader, mut out, mut losses) = (DeltaReader::default(), Vec::new(), Vec::new());
        events.iter().for_each(|event| reader.read(&event.to_string(), &mut out, &mut losses).unwrap());
        assert_eq!(losses, []);
        out
    }

    #[test]
    fn a_stream_says_what_was_said_whatever_way_it_is_read() {
        let events = written(&deltas());
        for (number, event) in events.iter().enumerate() {
            assert_eq!(event["sequence_number"], number, "{event}");
        }
        let sealed = |data: &str| format!("rs_resp1{}:{data}", if data.contains('x') { 0 } else { 1 });
        let expected: Vec<Delta> = deltas()
            .into_iter()
            .map(|delta| match delta {
                // Each item has its own name for the same seal.
                Delta::Signature { choice, signature } => Delta::Signature { choice, signature: sealed(&signature) },
                Delta::SealedThinking { choice, data } => Delta::SealedThinking { choice, data: sealed(&data) },
                other => other,
            })
            .collect();
        assert_eq!(read(&events), expected);
        // Who leaves the deltas out says the same, in larger pieces.
        let text = |deltas: Vec<Delta>| {
            let text = deltas.into_iter().filter_map(|delta| match delta {
                Delta::Text { text, .. } | Delta::Thinking { text, .. } | Delta::Refusal { text, .. } => Some(text),
                Delta::Arguments { index: 0, json, .. } => Some(json),
                _ => None,
            });
            text.collect::<String>()
        };
        let without = |ends: &[&str]| -> Vec<serde_json::Value> {
            let kind = |event: &serde_json::Value| event["type"].as_str().unwrap_or_default().to_owned();
            events.iter().filter(|event| !ends.iter().any(|end| kind(event).ends_with(end))).cloned().collect()
        };
        let all = "let me seeIn a groveno more{\"a\":1}";
        assert_eq!(text(read(&events)), all);
        assert_eq!(text(read(&without(&[".delta"]))), all);
        assert_eq!(text(read(&without(&[".delta", ".done", ".added"]))), all);
    }

    #[test]
    fn a_stream_that_fails_or_was_denied_says_so() {
        let failure = crate::dialect::conversation::Failure {
            message: "too bad".to_owned(),
            code: Some("pii.blocked".to_owned()),
            ..Default::default()
        };
        let failed = Delta::Failed(failure);
        let begun = deltas()[..7].to_vec();
        let denied = Delta::Finish { choice: 0, finish: Finish::ContentFilter, stopped_by: None };
        for (last, kind) in
            [(vec![failed.clone()], "response.failed"), (vec![denied, failed.clone()], "response.incomplete")]
        {
            let events = written(&[&begun[..], &last].concat());
            let [.., end, error] = &*events else { panic!("{events:?}") };
            assert_eq!((&end["type"], &error["type"]), (&kind.into(), &"error".into()));
            assert_eq!((&error["code"], &error["error"]["code"]), (&"pii.blocked".into(), &"pii.blocked".into()));
            let read = read(&events);
            let is_failed = |delta: &Delta| matches!(delta, Delta::Failed(failure) if failure.message == "too bad");
            assert!(read.iter().any(is_failed) && !read.contains(&Delta::End), "{read:?}");
        }
        // Before anything has begun there is nothing that could end.
        assert_eq!(written(&[failed]).len(), 1);
    }

    #[test]
    fn whatever_stands_in_a_document_is_read_or_refused() {
        for body in spoilt(GOLDEN) {
            if let Ok(conversation) = parse_request(body.as_bytes(), &mut Vec::new()) {
                let _ = write_request(&conversation, "m", &mut Vec::new());
            }
        }
        for body in spoilt(ANSWER) {
            if let Ok(reply) = parse_answer(body.as_bytes(), &mut Vec::new()) {
                let _ = write_answer(&reply, &mut Vec::new());
            }
        }
        for event in written(&deltas()) {
            for body in spoilt(&event.to_string()) {
                let (mut deltas, mut losses) = (Vec::new(), Vec::new());
                let _ = DeltaReader::default().read(&body, &mut deltas, &mut losses);
                assert!(losses.iter().all(|loss| loss.is_harmless), "{body}");
            }
        }
    }
}
