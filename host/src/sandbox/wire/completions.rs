//! A plan as one of OpenAI's completions, whole or as events.

use std::collections::VecDeque;

use bytes::Bytes;
use serde_json::{Value, json};

use super::super::failure::Failure;
use super::super::plan::{Cut, Said, Say};
use super::json::UsageJson;
use super::pieces::{Piece, Pieces};
use super::{Asked, CREATED, choice_text, finish_reason};

/// A completion or an event of one, with these choices.
fn document(asked: &Asked, choices: &str, usage: Option<&Value>) -> String {
    let id = asked.id.replace("chatcmpl-", "cmpl-");
    let head = json!({"id": id, "object": "text_completion", "created": CREATED, "model": asked.model});
    let head = head.to_string();
    let usage = usage.map(|usage| format!(",\"usage\":{usage}")).unwrap_or_default();
    format!("{},\"choices\":[{choices}]{usage}}}", head.strip_suffix('}').unwrap_or_default())
}

/// Literals are written by hand: half a surrogate pair is valid JSON, and no value that serde could hold.
fn choice(index: u32, text: &Piece<'_>, finish: Option<&str>) -> String {
    let (text, finish) = (serde_json::to_string(text).unwrap_or_default(), json!(finish));
    format!("{{\"text\":{text},\"index\":{index},\"logprobs\":null,\"finish_reason\":{finish}}}")
}

fn usage(say: &Say, asked: &Asked) -> Value {
    json!(UsageJson::from(asked.usage(say)))
}

/// What is said: nothing else has a place here.
fn text(say: &Say) -> Result<&str, Failure> {
    match &say.said {
        Said::Text(text) | Said::Refusal(text) => Ok(text),
        Said::Calls(_) => Err(Failure::bad_request(None, "A completion calls no tools.")),
    }
}

/// The answer as one JSON document.
pub(in super::super) fn whole(say: &Say, asked: &Asked) -> Result<Vec<u8>, Failure> {
    let text = text(say)?;
    let one = |index| choice(index, &Piece::whole(choice_text(text, say, index), say.escape), Some(finish_reason(say)));
    let choices: Vec<String> = (0..asked.choices).map(one).collect();
    Ok(document(asked, &choices.join(","), Some(&usage(say, asked))).into_bytes())
}

/// The events of an answer but for the last, and the last. The choices come one after the other.
pub(in super::super) fn events(say: &Say, asked: &Asked, cut: Cut) -> Result<(VecDeque<Bytes>, Bytes), Failure> {
    let text = text(say)?;
    let event =
        |choices: &str, usage: Option<&Value>| Bytes::from(format!("data: {}\n\n", document(asked, choices, usage)));
    // In each event but the last where it was asked for, as OpenAI has it.
    let null = asked.usage.then_some(&Value::Null);
    let mut events = VecDeque::new();
    for index in 0..asked.choices {
        let mut pieces = Pieces::new(choice_text(text, say, index).into_owned(), say.escape, cut);
        while let Some(piece) = pieces.next() {
            events.push_back(event(&choice(index, &piece, None), null));
        }
        events.push_back(event(&choice(index, &Piece::Text("".into()), Some(finish_reason(say))), null));
    }
    if asked.usage {
        events.push_back(event("", Some(&usage(say, asked))));
    }
    Ok((events, Bytes::from_static(b"data: [DONE]\n\n")))
}
