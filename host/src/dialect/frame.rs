//! What a request says beside the words of its conversation, as a digest: the tools, the sampling parameters, the form that the
//! answer must have, the system prompt. Requests with the same words in different frames are different questions.

use sha2::{Digest, Sha256};

use super::conversation::{Conversation, Part, Speaker, Turn};
use super::translation::read;
use super::{Address, Dialect};

/// The frame of a request. Two dialects say the same frame in their own words; where a request says something that not all of
/// them have a word for, its frame is all of its body, and so that of no other request.
pub(crate) fn frame(caller: Dialect, body: &[u8], address: &Address) -> [u8; 32] {
    let mut losses = Vec::new();
    let read = read(caller, body, address, &mut losses).ok();
    let conversation = read.filter(|_| losses.iter().all(|loss| loss.is_harmless));
    let mut hash = Sha256::new();
    match conversation {
        // The form for debugging tells all fields, and quotes all texts.
        Some(conversation) => hash.update(format!("frame {:?}", without_words(conversation))),
        None => {
            hash.update(format!("body {} {address:?} ", caller.word()));
            hash.update(body);
        }
    }
    hash.finalize().into()
}

/// The conversation without what is said in it, but for the application's instructions, and without what does not change the answer.
fn without_words(conversation: Conversation) -> Conversation {
    let turns = conversation.turns.into_iter().filter_map(|turn| {
        let Turn { speaker, name, parts, .. } = turn;
        let parts: Vec<Part> = match speaker {
            Speaker::System => parts,
            Speaker::User | Speaker::Assistant => parts.into_iter().filter_map(without_text).collect(),
        };
        (!parts.is_empty()).then(|| Turn { speaker, name, parts, at: String::new() })
    });
    Conversation {
        model: String::new(),
        streaming: false,
        streams_usage: false,
        turns: turns.collect(),
        list: "",
        user: None,
        fields: Vec::new(),
        ..conversation
    }
}

/// What is left of a part without its words, which are segments; ids are other ones each time.
fn without_text(part: Part) -> Option<Part> {
    match part {
        Part::Text(_) => None,
        Part::Call(mut call) => {
            call.id.clear();
            call.arguments.clear();
            Some(Part::Call(call))
        }
        Part::Result(mut result) => {
            result.id.clear();
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
            (user, r#","response_format":{"type":"json_object"}"#),
            (user, r#","tools":[{"type":"function","function":{"name":"f"}}]"#),
            (&format!(r#"{{"role":"system","content":"be kind"}},{user}"#), ""),
            (&format!(r#"{{"role":"system","content":"be short"}},{user}"#), ""),
        ] {
            assert_ne!(plain, openai(messages, more), "{messages} {more}");
        }
    }

    #[test]
    fn two_dialects_say_the_same_frame() {
        let openai = r#"{"model":"m","max_tokens":9,"temperature":0.5,"messages":[{"role":"system","content":"be kind"},{"role":"user","content":"a"}]}"#;
        let anthropic = r#"{"model":"m","max_tokens":9,"temperature":0.5,"system":"be kind","messages":[{"role":"user","content":"b"}]}"#;
        assert_eq!(of(Dialect::OpenAi, openai), of(Dialect::Anthropic, anthropic));
        assert_ne!(of(Dialect::OpenAi, openai), of(Dialect::Anthropic, &anthropic.replace("kind", "curt")));
    }
}
