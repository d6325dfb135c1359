//! What a request says beside the words of its conversation, as a digest: the tools, the sampling parameters, the form that the
//! answer must have, the system prompt. Requests with the same words in different frames are different questions.

use std::collections::BTreeMap;

use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use super::conversation::{Conversation, Part, Speaker, Turn};
use super::translation::read;
use super::{Address, Dialect};

/// Fields with the words of the conversation, and with what has its own form in a [`Conversation`].
const READ: [&str; 12] = [
    "messages",
    "contents",
    "input",
    "system",
    "systemInstruction",
    "system_instruction",
    "instructions",
    "tools",
    "response_format",
    "text",
    "stream",
    "store",
];
/// Values that a dialect may take for what is there without the field, while a provider may not.
const LIKE_NOTHING: [&str; 3] = ["false", "[]", "{}"];
/// What decides which parts of an answer the caller is shown.
const SHOWN: [&str; 2] = ["include", "generationConfig"];

/// The frame of a request. Two dialects say the same frame in their own words; where a request says something that not all of
/// them have a word for, its frame is all of its body, and so that of no other request.
pub(crate) fn frame(caller: Dialect, body: &[u8], address: &Address) -> [u8; 32] {
    let mut losses = Vec::new();
    let read = read(caller, body, address, &mut losses).ok();
    let is_all_read = losses.iter().all(|loss| loss.is_harmless) && !says_more(body);
    let mut hash = Sha256::new();
    match read.filter(|_| is_all_read) {
        // The form for debugging tells all fields, and quotes all texts.
        Some(conversation) => hash.update(format!("frame {:?}", without_words(conversation))),
        None => {
            hash.update(format!("body {} {address:?} ", caller.word()));
            hash.update(body);
        }
    }
    hash.finalize().into()
}

/// Whether something may count for a provider that no dialect reads.
fn says_more(body: &[u8]) -> bool {
    let Ok(fields) = serde_json::from_slice::<BTreeMap<String, &RawValue>>(body) else { return true };
    fields.iter().filter(|(name, _)| !READ.contains(&name.as_str())).any(|(name, value)| {
        let says = |word: &str| value.get().contains(word);
        let is_shown = SHOWN.contains(&name.as_str()) && (name == "include" || says("includeThoughts"));
        is_shown || LIKE_NOTHING.into_iter().any(says)
    })
}

/// The conversation without what is said in it, but for the application's instructions and where they stand, and without what
/// does not change the answer.
fn without_words(conversation: Conversation) -> Conversation {
    let Conversation { turns, .. } = &conversation;
    let last_prompt = turns.iter().rposition(|turn| turn.speaker == Speaker::System).unwrap_or_default();
    let mut calls = Vec::new();
    let mut kept = Vec::new();
    for (place, Turn { speaker, name, parts, .. }) in conversation.turns.into_iter().enumerate() {
        let parts: Vec<Part> = match speaker {
            Speaker::System => parts,
            Speaker::User | Speaker::Assistant => {
                parts.into_iter().filter_map(|part| without_text(part, &mut calls)).collect()
            }
        };
        if !parts.is_empty() || place < last_prompt {
            kept.push(Turn { speaker, name, parts, at: String::new() });
        }
    }
    Conversation {
        model: String::new(),
        streaming: false,
        streams_usage: false,
        turns: kept,
        list: "",
        user: None,
        fields: Vec::new(),
        ..conversation
    }
}

/// What is left of a part without its words, which are segments. Ids are other ones each time: what counts is which result is of
/// which call.
fn without_text(part: Part, calls: &mut Vec<String>) -> Option<Part> {
    match part {
        Part::Text(_) => None,
        Part::Call(mut call) => {
            calls.push(std::mem::replace(&mut call.id, calls.len().to_string()));
            call.arguments.clear();
            Some(Part::Call(call))
        }
        Part::Result(mut result) => {
            let of = calls.iter().rposition(|id| *id == result.id);
            result.id = of.map(|of| of.to_string()).unwrap_or_default();
            result.parts.clear();
            Some(Part::Result(result))
        }
        Part::Image(_)
        | Part::Audio(_)
        | Part::File(_)
        | Part::Thinking { .. }
        | Part::SealedThinking(_)
        | Part::Refusal(_) => Some(part),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::chat::Task;

    fn of(caller: Dialect, body: &str) -> [u8; 32] {
        let address = Address { task: Task::Converse, model: Some("m".to_owned()), streaming: Some(false) };
        frame(caller, body.as_bytes(), &address)
    }

    #[test]
    fn the_words_of_a_conversation_are_not_its_frame_and_all_else_is() {
        let openai = |messages: &str, more: &str| {
            of(Dialect::OpenAi, &format!(r#"{{"model":"m","messages":[{messages}]{more}}}"#))
        };
        let user = r#"{"role":"user","content":"what is the tide"}"#;
        let plain = openai(user, "");
        assert_eq!(plain, openai(r#"{"role":"user","content":"what is the time"}"#, r#","stream":true"#));
        assert_eq!(plain, openai(&format!(r#"{user},{{"role":"assistant","content":"low"}},{user}"#), ""));
        for (messages, more) in [
            (user, r#","temperature":0"#),
            (user, r#","top_p":0.5"#),
            (user, r#","seed":1"#),
            (user, r#","max_tokens":5"#),
            (user, r#","stop":["x"]"#),
            (user, r#","logit_bias":{"7":1}"#),
            (user, r#","unheard_of":1"#),
            (user, r#","enable_thinking":false"#),
            (user, r#","options":{"deep":[]}"#),
            (user, r#","response_format":{"type":"json_object"}"#),
            (user, r#","tools":[{"type":"function","function":{"name":"f"}}]"#),
            (&format!(r#"{{"role":"system","content":"be kind"}},{user}"#), ""),
            (&format!(r#"{{"role":"system","content":"be short"}},{user}"#), ""),
        ] {
            assert_ne!(plain, openai(messages, more), "{messages} {more}");
        }
    }

    #[test]
    fn which_result_is_of_which_call_and_where_a_prompt_stands_belongs_to_the_frame() {
        let call =
            |id: &str| format!(r#"{{"id":"{id}","type":"function","function":{{"name":"f","arguments":"{{}}"}}}}"#);
        let result = |id: &str| format!(r#"{{"role":"tool","tool_call_id":"{id}","content":"sunny"}}"#);
        let asked = |one: &str, other: &str, first: &str, second: &str| {
            let calls = format!(r#"{{"role":"assistant","tool_calls":[{},{}]}}"#, call(one), call(other));
            let user = r#"{"role":"user","content":"what is the tide"}"#;
            let body = format!(r#"{{"model":"m","messages":[{user},{calls},{},{}]}}"#, result(first), result(second));
            of(Dialect::OpenAi, &body)
        };
        assert_eq!(asked("a", "b", "a", "b"), asked("x", "y", "x", "y"));
        assert_ne!(asked("a", "b", "a", "b"), asked("a", "b", "b", "a"));
        let said = |turns: &[&str]| {
            let turns: Vec<String> = turns.iter().map(|role| format!(r#"{{"role":"{role}","content":"x"}}"#)).collect();
            of(Dialect::OpenAi, &format!(r#"{{"model":"m","messages":[{}]}}"#, turns.join(",")))
        };
        assert_ne!(said(&["system", "user", "assistant", "user"]), said(&["user", "assistant", "system", "user"]));
    }

    #[test]
    fn two_dialects_say_the_same_frame() {
        let openai = r#"{"model":"m","max_tokens":9,"temperature":0.5,"messages":[{"role":"system","content":"be kind"},{"role":"user","content":"a"}]}"#;
        let anthropic = r#"{"model":"m","max_tokens":9,"temperature":0.5,"system":"be kind","messages":[{"role":"user","content":"b"}]}"#;
        assert_eq!(of(Dialect::OpenAi, openai), of(Dialect::Anthropic, anthropic));
        assert_ne!(of(Dialect::OpenAi, openai), of(Dialect::Anthropic, &anthropic.replace("kind", "curt")));
    }
}
