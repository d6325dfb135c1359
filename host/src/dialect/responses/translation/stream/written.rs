//! A streamed answer, written as the events of a response. Items may be open side by side, so that calls of tools need not
//! wait for each other; each text is said in pieces, and again as a whole when it is at its end.

use std::collections::BTreeMap;

use serde::Serialize;

use super::super::answer::{Is, Item, ItemJson, PartJson, ResponseJson, Said, ending};
use crate::chat::{Finish, Usage};
use crate::dialect::conversation::{Call, Delta, Failure};
use crate::moment::Moment;

/// Bytes of the texts of one answer, which have to be kept until they are said again. Far more than any model writes: as
/// much as an answer may have that is not a stream, by default.
const KEPT_BYTES_MAX: usize = 16 << 20;

/// Writes events one after the other.
#[derive(Debug, Default)]
pub(crate) struct DeltaWriter {
    has_begun: bool,
    is_over: bool,
    id: String,
    model: String,
    created: u64,
    /// Of the next event.
    number: u32,
    items: Vec<Item>,
    /// The message or the thoughts that go on.
    open: Option<usize>,
    /// The items of calls whose end is not told, by the number of the call.
    calls: BTreeMap<u32, usize>,
    kept_bytes: usize,
    usage: Option<Usage>,
    finish: Option<Finish>,
}

#[derive(Default, Serialize)]
struct EventJson<'a> {
    r#type: &'static str,
    sequence_number: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    response: Option<ResponseJson<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    item_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_index: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content_index: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    summary_index: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    item: Option<ItemJson<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    part: Option<PartJson<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    delta: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refusal: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    arguments: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    logprobs: Option<[(); 0]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    param: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<FailureJson<'a>>,
}

#[derive(Serialize)]
struct FailureJson<'a> {
    r#type: &'a str,
    code: Option<&'a str>,
    message: &'a str,
    param: Option<&'a str>,
}

impl<'a> EventJson<'a> {
    fn about(item: &'a Item, index: usize) -> Self {
        Self { item_id: Some(&item.id), output_index: Some(index), ..Self::default() }
    }

    /// JSON as it is written here has no line breaks.
    fn write(mut self, kind: &'static str, number: &mut u32, out: &mut Vec<u8>) {
        (self.r#type, self.sequence_number) = (kind, *number);
        *number = number.saturating_add(1);
        // Serialising strings and numbers cannot fail.
        let data = serde_json::to_vec(&self).unwrap_or_default();
        let pieces: [&[u8]; 5] = [b"event: ", kind.as_bytes(), b"\ndata: ", &data, b"\n\n"];
        pieces.iter().for_each(|piece| out.extend_from_slice(piece));
    }
}

impl DeltaWriter {
    /// Add the events that say `delta` to `out`. The dialect has one answer at a time: those of others are left out.
    pub(crate) fn write(&mut self, delta: &Delta, out: &mut Vec<u8>) {
        if self.is_over {
            return;
        }
        match delta {
            Delta::Begin { id, model } => self.begin(id, model, out),
            Delta::Text { choice: 0, text } => self.say(false, text, out),
            Delta::Refusal { choice: 0, text } => self.say(true, text, out),
            Delta::Thinking { choice: 0, text } => self.think(text, out),
            Delta::Signature { choice: 0, signature } => {
                let index = self.thoughts(out);
                self.keep(signature, out);
                if let Some(Item { is: Is::Thoughts { seal, .. }, .. }) = self.items.get_mut(index) {
                    *seal = Some(signature.clone());
                }
                self.close_open(out);
            }
            Delta::SealedThinking { choice: 0, data } => {
                self.close_open(out);
                self.keep(data, out);
                let index = self.add(Is::Thoughts { summary: None, seal: Some(data.clone()) }, out);
                self.item_is_done(index, "completed", out);
            }
            Delta::Call { choice: 0, index, id, name } => self.call(*index, id, name, out),
            Delta::Arguments { choice: 0, index, json } => self.arguments(*index, json, out),
            Delta::Finish { choice: 0, finish, .. } => self.finish = Some(*finish),
            Delta::Usage(usage) => self.usage = Some(*usage),
            Delta::Failed(failure) => self.fail(failure, out),
            Delta::Ping => out.extend_from_slice(b": \n\n"),
            Delta::End => self.end(out),
            Delta::Text { .. }
            | Delta::Refusal { .. }
            | Delta::Thinking { .. }
            | Delta::Signature { .. }
            | Delta::SealedThinking { .. }
            | Delta::Call { .. }
            | Delta::Arguments { .. }
            | Delta::Finish { .. } => {}
        }
    }

    fn begin(&mut self, id: &str, model: &str, out: &mut Vec<u8>) {
        if std::mem::replace(&mut self.has_begun, true) {
            return;
        }
        (self.id, self.model, self.created) = (id.to_owned(), model.to_owned(), Moment::now().seconds());
        for kind in ["response.created", "response.in_progress"] {
            let response = Some(ResponseJson::begun(&self.id, &self.model, self.created));
            EventJson { response, ..EventJson::default() }.write(kind, &mut self.number, out);
        }
    }

    /// An item begins.
    fn add(&mut self, is: Is, out: &mut Vec<u8>) -> usize {
        self.begin("", "", out);
        let index = self.items.len();
        let item = Item::new(is, &self.id, index);
        let json = match &item.is {
            // Its seal is told at its end.
            Is::Thoughts { .. } => ItemJson::Reasoning { id: &item.id, summary: Vec::new(), encrypted_content: None },
            _ => item.json("in_progress"),
        };
        EventJson { output_index: Some(index), item: Some(json), ..EventJson::default() }.write(
            "response.output_item.added",
            &mut self.number,
            out,
        );
        self.items.push(item);
        index
    }

    /// Note bytes that are kept; too many end the answer.
    fn keep(&mut self, text: &str, out: &mut Vec<u8>) {
        self.kept_bytes += text.len();
        if self.kept_bytes > KEPT_BYTES_MAX && !self.is_over {
            let message = format!("the provider's answer is longer than {KEPT_BYTES_MAX} bytes");
            let failure = Failure { message, code: Some("answer_too_large".to_owned()), ..Failure::default() };
            self.fail(&failure, out);
        }
    }

    fn say(&mut self, is_refusal: bool, text: &str, out: &mut Vec<u8>) {
        if text.is_empty() {
            return;
        }
        self.keep(text, out);
        if self.is_over {
            return;
        }
        let is_message = |item: Option<&Item>| matches!(item, Some(Item { is: Is::Message(_), .. }));
        let index = match self.open.filter(|open| is_message(self.items.get(*open))) {
            Some(index) => index,
            None => {
                self.close_open(out);
                let index = self.add(Is::Message(Vec::new()), out);
                self.open = Some(index);
                index
            }
        };
        let goes_on = match self.items.get(index).map(|item| &item.is) {
            Some(Is::Message(parts)) => parts.last().is_some_and(|part| part.is_refusal() == is_refusal),
            _ => return,
        };
        if !goes_on {
            self.close_part(index, out);
            self.open_part(index, is_refusal, out);
        }
        let Some(item) = self.items.get_mut(index) else { return };
        let Is::Message(parts) = &mut item.is else { return };
        let content_index = Some(parts.len().saturating_sub(1));
        match parts.last_mut() {
            Some(Said::Text(said) | Said::Refusal(said)) => said.push_str(text),
            None => {}
        }
        let event = EventJson { content_index, delta: Some(text), ..EventJson::about(item, index) };
        match is_refusal {
            true => event.write("response.refusal.delta", &mut self.number, out),
            false => {
                let event = EventJson { logprobs: Some([]), ..event };
                event.write("response.output_text.delta", &mut self.number, out);
            }
        }
    }

    fn open_part(&mut self, index: usize, is_refusal: bool, out: &mut Vec<u8>) {
        let Some(item) = self.items.get_mut(index) else { return };
        let Is::Message(parts) = &mut item.is else { return };
        parts.push(if is_refusal { Said::Refusal(String::new()) } else { Said::Text(String::new()) });
        let content_index = Some(parts.len().saturating_sub(1));
        let Is::Message(parts) = &item.is else { return };
        let part = parts.last().map(Said::json);
        let event = EventJson { content_index, part, ..EventJson::about(item, index) };
        event.write("response.content_part.added", &mut self.number, out);
    }

    /// The last part of a message is at its end.
    fn close_part(&mut self, index: usize, out: &mut Vec<u8>) {
        let Some(item) = self.items.get(index) else { return };
        let Is::Message(parts) = &item.is else { return };
        let Some(last) = parts.last() else { return };
        let about =
            || EventJson { content_index: Some(parts.len().saturating_sub(1)), ..EventJson::about(item, index) };
        match last {
            Said::Text(text) => {
                let event = EventJson { text: Some(text), logprobs: Some([]), ..about() };
                event.write("response.output_text.done", &mut self.number, out);
            }
            Said::Refusal(refusal) => {
                let event = EventJson { refusal: Some(refusal), ..about() };
                event.write("response.refusal.done", &mut self.number, out);
            }
        }
        let event = EventJson { part: Some(last.json()), ..about() };
        event.write("response.content_part.done", &mut self.number, out);
    }

    /// The thoughts that go on, or new ones.
    fn thoughts(&mut self, out: &mut Vec<u8>) -> usize {
        let is_thoughts = |item: Option<&Item>| matches!(item, Some(Item { is: Is::Thoughts { .. }, .. }));
        if let Some(index) = self.open.filter(|open| is_thoughts(self.items.get(*open))) {
            return index;
        }
        self.close_open(out);
        let index = self.add(Is::Thoughts { summary: Some(String::new()), seal: None }, out);
        self.open = Some(index);
        if let Some(item) = self.items.get(index) {
            let part = Some(PartJson::SummaryText { text: "" });
            let event = EventJson { summary_index: Some(0), part, ..EventJson::about(item, index) };
            event.write("response.reasoning_summary_part.added", &mut self.number, out);
        }
        index
    }

    fn think(&mut self, text: &str, out: &mut Vec<u8>) {
        if text.is_empty() {
            return;
        }
        self.keep(text, out);
        if self.is_over {
            return;
        }
        let index = self.thoughts(out);
        let Some(item) = self.items.get_mut(index) else { return };
        if let Is::Thoughts { summary: Some(summary), .. } = &mut item.is {
            summary.push_str(text);
        }
        let event = EventJson { summary_index: Some(0), delta: Some(text), ..EventJson::about(item, index) };
        event.write("response.reasoning_summary_text.delta", &mut self.number, out);
    }

    /// The open message or the open thoughts are at their end.
    fn close_open(&mut self, out: &mut Vec<u8>) {
        if let Some(index) = self.open.take() {
            self.close(index, "completed", out);
        }
    }

    fn close(&mut self, index: usize, status: &'static str, out: &mut Vec<u8>) {
        self.close_part(index, out);
        if let Some(item) = self.items.get(index) {
            match &item.is {
                Is::Message(_) => {}
                Is::Thoughts { summary, .. } => {
                    let text = summary.as_deref().unwrap_or_default();
                    let about = || EventJson { summary_index: Some(0), ..EventJson::about(item, index) };
                    let event = EventJson { text: Some(text), ..about() };
                    event.write("response.reasoning_summary_text.done", &mut self.number, out);
                    let event = EventJson { part: Some(PartJson::SummaryText { text }), ..about() };
                    event.write("response.reasoning_summary_part.done", &mut self.number, out);
                }
                Is::Call(Call { name, arguments, .. }) => {
                    let (name, arguments) = (Some(&**name), Some(&**arguments));
                    let event = EventJson { name, arguments, ..EventJson::about(item, index) };
                    event.write("response.function_call_arguments.done", &mut self.number, out);
                }
            }
        }
        self.item_is_done(index, status, out);
    }

    fn item_is_done(&mut self, index: usize, status: &'static str, out: &mut Vec<u8>) {
        let Some(item) = self.items.get(index) else { return };
        let event = EventJson { output_index: Some(index), item: Some(item.json(status)), ..EventJson::default() };
        event.write("response.output_item.done", &mut self.number, out);
    }

    fn call(&mut self, number: u32, id: &str, name: &str, out: &mut Vec<u8>) {
        // Said twice.
        if self.calls.contains_key(&number) {
            return;
        }
        self.close_open(out);
        let call = Call { id: id.to_owned(), name: name.to_owned(), arguments: String::new() };
        let index = self.add(Is::Call(call), out);
        self.calls.insert(number, index);
    }

    fn arguments(&mut self, number: u32, json: &str, out: &mut Vec<u8>) {
        let Some(index) = self.calls.get(&number).copied().filter(|_| !json.is_empty()) else { return };
        self.keep(json, out);
        if self.is_over {
            return;
        }
        let Some(item) = self.items.get_mut(index) else { return };
        if let Is::Call(call) = &mut item.is {
            call.arguments.push_str(json);
        }
        let event = EventJson { delta: Some(json), ..EventJson::about(item, index) };
        event.write("response.function_call_arguments.delta", &mut self.number, out);
    }

    fn end(&mut self, out: &mut Vec<u8>) {
        self.begin("", "", out);
        let finish = self.finish.unwrap_or_default();
        let (status, _) = ending(finish);
        let mut open: Vec<usize> = std::mem::take(&mut self.calls).into_values().chain(self.open.take()).collect();
        open.sort_unstable();
        let last = self.items.len().saturating_sub(1);
        let status_of = |index: usize| if index == last { status } else { "completed" };
        for index in open {
            self.close(index, status_of(index), out);
        }
        let output = self.items.iter().enumerate().map(|(index, item)| item.json(status_of(index))).collect();
        let begun = ResponseJson::begun(&self.id, &self.model, self.created);
        let response = begun.saying(output, self.usage);
        let kind = if status == "completed" { "response.completed" } else { "response.incomplete" };
        let event = EventJson { response: Some(response.ended(finish)), ..EventJson::default() };
        event.write(kind, &mut self.number, out);
        self.is_over = true;
    }

    /// The error follows whatever was said. The response that ends before it has no items, so that nobody takes what was
    /// said of them for whole.
    fn fail(&mut self, failure: &Failure, out: &mut Vec<u8>) {
        let message = failure.message.as_str();
        let code = failure.code.as_deref();
        if self.has_begun {
            let begun = ResponseJson::begun(&self.id, &self.model, self.created);
            let (kind, response) = match self.finish {
                // Callers look there for why the gateway has denied the rest.
                Some(finish @ Finish::ContentFilter) => ("response.incomplete", begun.ended(finish)),
                _ => ("response.failed", begun.failed(code.unwrap_or("server_error"), message)),
            };
            EventJson { response: Some(response), ..EventJson::default() }.write(kind, &mut self.number, out);
        }
        let kind = failure.own.as_ref().map(|own| own.kind.as_str()).or(failure.kind.as_deref());
        let (kind, param) = (kind.unwrap_or("server_error"), failure.field.as_deref());
        let error = FailureJson { r#type: kind, code, message, param };
        let event = EventJson { code, message: Some(message), param, error: Some(error), ..EventJson::default() };
        event.write("error", &mut self.number, out);
        self.is_over = true;
    }
}

impl Said {
    fn is_refusal(&self) -> bool {
        matches!(self, Self::Refusal(_))
    }
}
