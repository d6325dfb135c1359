//! An answer as the cache keeps it: whole, as OpenAI's chat completions have it, whatever its caller speaks. It is put together
//! from what was released to the caller.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::conversation::{Call, Choice, Delta, Loss, Part, Reply};
use super::document::Wrong;
use super::{Dialect, Events, Translation, Wire, openai};
use crate::chat::{Finish, Usage};

/// The dialect that answers are kept in.
pub(crate) const KEPT: Wire = Wire::Dialect(Dialect::OpenAi);

/// Listens to an answer on its way to the caller.
#[derive(Debug)]
pub(crate) struct Listener {
    events: Events,
    losses: Vec<Loss>,
    is_lost: bool,
}

impl Listener {
    /// For events in this dialect.
    pub(crate) fn new(caller: Dialect, model: &str) -> Self {
        let events = Translation::back_from(Wire::Dialect(caller), Dialect::OpenAi, model, true).events();
        Self { events: events.listening(), losses: Vec::new(), is_lost: false }
    }

    /// What these bytes say, as events of the dialect that answers are kept in; nothing more once they cannot be said in it.
    pub(crate) fn hear(&mut self, bytes: &[u8]) -> Bytes {
        let said = self.events.translate(bytes, &mut self.losses);
        self.said(said)
    }

    /// The end of the stream.
    pub(crate) fn end(&mut self) -> Bytes {
        let said = self.events.end(&mut self.losses);
        self.said(said)
    }

    fn said(&mut self, said: Result<Vec<u8>, Wrong>) -> Bytes {
        self.is_lost |= said.is_err() || self.events.has_failed() || self.losses.iter().any(|loss| !loss.is_harmless);
        self.losses.clear();
        if self.is_lost { Bytes::new() } else { said.unwrap_or_default().into() }
    }

    /// Whether it has come to its end.
    pub(crate) fn is_whole(&self) -> bool {
        self.events.is_whole()
    }

    /// Whether something was said that cannot be kept.
    pub(crate) fn is_lost(&self) -> bool {
        self.is_lost
    }

    /// The whole answer, if it is one that can be kept; what it has used, where the stream did not tell.
    pub(crate) fn whole(self, usage: Option<Usage>) -> Option<Bytes> {
        let heard = self.events.heard().filter(|_| !self.is_lost)?;
        heard.whole(usage)
    }
}

/// A whole answer in this dialect as one that can be kept, if it can be.
pub(crate) fn kept_whole(caller: Dialect, model: &str, body: &[u8]) -> Option<Bytes> {
    let mut losses = Vec::new();
    let way = Translation::back_from(Wire::Dialect(caller), Dialect::OpenAi, model, true);
    let reply = way.reply(body, &mut losses).ok()?;
    can_be_kept(&reply.choices).then_some(())?;
    let kept = openai::translation::write_answer(&reply, &mut losses).ok()?;
    losses.iter().all(|loss| loss.is_harmless).then_some(kept)
}

/// One answer, which has come to an end of its own.
fn can_be_kept<'a>(choices: impl IntoIterator<Item = &'a Choice>) -> bool {
    let mut choices = choices.into_iter();
    let finish = choices.next().and_then(|choice| choice.finish);
    matches!(finish, Some(Finish::Stop | Finish::Length | Finish::ToolCalls)) && choices.next().is_none()
}

/// What was heard of an answer so far.
#[derive(Debug, Default)]
pub(super) struct Heard {
    id: String,
    model: String,
    choices: BTreeMap<u32, Choice>,
    usage: Option<Usage>,
    is_whole: bool,
    has_failed: bool,
}

impl Heard {
    pub(super) fn add(&mut self, delta: &Delta) {
        match delta {
            Delta::Begin { id, model } => {
                self.id.clone_from(id);
                self.model.clone_from(model);
            }
            Delta::Text { choice, text } => match self.last(*choice) {
                Some(Part::Text(said)) => said.push_str(text),
                _ => self.push(*choice, Part::Text(text.clone())),
            },
            Delta::Thinking { choice, text } => match self.last(*choice) {
                Some(Part::Thinking { text: said, signature: None }) => said.push_str(text),
                _ => self.push(*choice, Part::Thinking { text: text.clone(), signature: None }),
            },
            Delta::Signature { choice, signature } => match self.last(*choice) {
                Some(Part::Thinking { signature: seal, .. }) => *seal = Some(signature.clone()),
                _ => self.has_failed = true,
            },
            Delta::SealedThinking { choice, data } => self.push(*choice, Part::SealedThinking(data.clone())),
            Delta::Refusal { choice, text } => match self.last(*choice) {
                Some(Part::Refusal(said)) => said.push_str(text),
                _ => self.push(*choice, Part::Refusal(text.clone())),
            },
            Delta::Call { choice, id, name, .. } => {
                let call = Call { id: id.clone(), name: name.clone(), arguments: String::new() };
                self.push(*choice, Part::Call(call));
            }
            Delta::Arguments { choice, index, json } => {
                let mut calls = self.choice(*choice).parts.iter_mut().filter_map(|part| match part {
                    Part::Call(call) => Some(call),
                    _ => None,
                });
                match calls.nth(usize::try_from(*index).unwrap_or(usize::MAX)) {
                    Some(call) => call.arguments.push_str(json),
                    None => self.has_failed = true,
                }
            }
            Delta::Finish { choice, finish, stopped_by } => {
                self.has_failed |= *finish == Finish::ContentFilter;
                let choice = self.choice(*choice);
                choice.finish = Some(*finish);
                choice.stopped_by.clone_from(stopped_by);
            }
            Delta::Usage(usage) => self.usage = Some(*usage),
            Delta::Failed(_) => self.has_failed = true,
            Delta::Ping => {}
            Delta::End => self.is_whole = true,
        }
    }

    /// The choice with this number; a reply has few.
    fn choice(&mut self, index: u32) -> &mut Choice {
        self.choices.entry(index).or_insert_with(|| Choice { index, ..Choice::default() })
    }

    pub(super) fn is_whole(&self) -> bool {
        self.is_whole
    }

    /// Whether it is nothing for others: an error, or an answer that was denied.
    pub(super) fn has_failed(&self) -> bool {
        self.has_failed
    }

    fn last(&mut self, choice: u32) -> Option<&mut Part> {
        self.choice(choice).parts.last_mut()
    }

    fn push(&mut self, choice: u32, part: Part) {
        self.choice(choice).parts.push(part);
    }

    /// All of it, if it has come to an end of its own.
    fn whole(self, usage: Option<Usage>) -> Option<Bytes> {
        let Self { id, model, choices, usage: told, is_whole, has_failed } = self;
        if !is_whole || has_failed || !can_be_kept(choices.values()) {
            return None;
        }
        let reply = Reply { id, model, choices: choices.into_values().collect(), usage: told.or(usage) };
        let mut losses = Vec::new();
        let whole = openai::translation::write_answer(&reply, &mut losses).ok()?;
        losses.iter().all(|loss| loss.is_harmless).then_some(whole)
    }
}
