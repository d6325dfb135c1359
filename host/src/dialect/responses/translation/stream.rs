//! The events of a streamed response: what each adds to the answer.

mod written;

use std::collections::{BTreeMap, BTreeSet};

pub(crate) use written::DeltaWriter;

use super::seal;
use crate::dialect::conversation::{Apart, Delta, Failure, Loss, Told};
use crate::dialect::document::Wrong;
use crate::dialect::given::{Given, Object};
use crate::dialect::openai::translation::read_failure;
use crate::dialect::pieces::LANES_MAX;
use crate::dialect::responses::answer::{finish, usage};

/// Reads events one after the other. What is said again as a whole is passed over, unless it was not said in pieces.
#[derive(Debug, Default)]
pub(crate) struct DeltaReader {
    has_begun: bool,
    /// Texts of which something was said.
    said: BTreeSet<Place>,
    /// Items whose seal was told.
    sealed: BTreeSet<u32>,
    /// The number of a call by that of its item.
    calls: BTreeMap<u32, u32>,
    text: Apart<Place>,
    refusal: Apart<Place>,
    thinking: Apart<Place>,
    told: Told,
}

/// Which text it is: the item, what kind of text, and which of that kind.
type Place = (u32, Kind, u32);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Text,
    Refusal,
    Summary,
    Thought,
    Arguments,
}

impl DeltaReader {
    /// Read the data of one event.
    ///
    /// # Errors
    /// What is wrong with which field.
    pub(crate) fn read(&mut self, data: &str, out: &mut Vec<Delta>, losses: &mut Vec<Loss>) -> Result<(), Wrong> {
        let data = data.trim();
        if data == "[DONE]" {
            out.push(Delta::End);
            return Ok(());
        }
        let event = Object::of_body(data.as_bytes(), "an event of a response")?;
        let kind = event.needed("type")?;
        let mut left = Vec::new();
        match &*kind.text()? {
            "response.created" | "response.queued" | "response.in_progress" => {
                self.begin(&event.needed("response")?.object()?, out)?;
            }
            "response.output_item.added" => {
                self.item(number(&event, "output_index")?, &item(&event)?, false, out, &mut left)?
            }
            "response.output_item.done" => {
                self.item(number(&event, "output_index")?, &item(&event)?, true, out, &mut left)?
            }
            "response.output_text.delta" => self.delta(&event, Kind::Text, "content_index", out)?,
            "response.refusal.delta" => self.delta(&event, Kind::Refusal, "content_index", out)?,
            "response.reasoning_summary_text.delta" => self.delta(&event, Kind::Summary, "summary_index", out)?,
            "response.reasoning_text.delta" => self.delta(&event, Kind::Thought, "content_index", out)?,
            "response.function_call_arguments.delta" => self.delta(&event, Kind::Arguments, "", out)?,
            "response.completed" | "response.incomplete" => {
                self.end(event.needed("response")?, out, &mut left)?;
            }
            "response.failed" => {
                let response = event.needed("response")?.object()?;
                let failure = response.find("error").map(|error| read_failure(error.value));
                out.push(Delta::Failed(failure.unwrap_or_default()));
            }
            "error" => out.push(Delta::Failed(failed(&event)?)),
            // The whole item says it again.
            known if known.starts_with("response.") && is_said_again(known) => {}
            // There may be more kinds of events one day, and there are those of tools that only the provider has.
            _ => left.push(kind.loss()),
        }
        losses.extend(self.told.further(left.into_iter().map(Loss::unasked)));
        Ok(())
    }

    fn begin(&mut self, response: &Object<'_>, out: &mut Vec<Delta>) -> Result<(), Wrong> {
        if !std::mem::replace(&mut self.has_begun, true) {
            let text = |name| response.text(name).map(Option::unwrap_or_default);
            out.push(Delta::Begin { id: text("id")?, model: text("model")? });
        }
        Ok(())
    }

    fn delta(&mut self, event: &Object<'_>, kind: Kind, index: &str, out: &mut Vec<Delta>) -> Result<(), Wrong> {
        let item = number(event, "output_index")?;
        let index = if index.is_empty() { 0 } else { number(event, index)? };
        self.say((item, kind, index), event.text("delta")?.unwrap_or_default(), out)
    }

    fn say(&mut self, place: Place, text: String, out: &mut Vec<Delta>) -> Result<(), Wrong> {
        if text.is_empty() {
            return Ok(());
        }
        if self.said.len() >= LANES_MAX && !self.said.contains(&place) {
            return Err(Wrong::new("", "the answer has too many texts"));
        }
        self.said.insert(place);
        let choice = 0;
        out.extend(match place.1 {
            Kind::Text => self.text.piece(choice, place, text).map(|text| Delta::Text { choice, text }),
            Kind::Refusal => self.refusal.piece(choice, place, text).map(|text| Delta::Refusal { choice, text }),
            Kind::Summary | Kind::Thought => {
                self.thinking.piece(choice, place, text).map(|text| Delta::Thinking { choice, text })
            }
            Kind::Arguments => match self.calls.get(&place.0) {
                Some(index) => Some(Delta::Arguments { choice, index: *index, json: text }),
                None => return Err(Wrong::new("", "a call of a tool has arguments before it has a name")),
            },
        });
        Ok(())
    }

    /// A text as a whole, if nothing of it was said before.
    fn say_whole(&mut self, place: Place, text: Option<String>, out: &mut Vec<Delta>) -> Result<(), Wrong> {
        match text {
            Some(text) if !self.said.contains(&place) => self.say(place, text, out),
            _ => Ok(()),
        }
    }

    fn item(
        &mut self,
        number: u32,
        item: &Object<'_>,
        is_whole: bool,
        out: &mut Vec<Delta>,
        left: &mut Vec<Loss>,
    ) -> Result<(), Wrong> {
        let kind = item.needed("type")?;
        match &*kind.text()? {
            "message" => self.parts(number, item.find("content"), Kind::Text, out)?,
            "function_call" => {
                self.call(number, item, out)?;
                self.say_whole((number, Kind::Arguments, 0), item.text("arguments")?, out)?;
            }
            "reasoning" => {
                self.parts(number, item.find("summary"), Kind::Summary, out)?;
                let is_said = self.said.iter().any(|(of, kind, _)| *of == number && *kind == Kind::Summary);
                if !is_said {
                    self.parts(number, item.find("content"), Kind::Thought, out)?;
                }
                // At the beginning it may not be all of it.
                if is_whole {
                    self.seal(number, item, out)?;
                }
            }
            _ => left.push(kind.loss()),
        }
        Ok(())
    }

    fn parts(&mut self, item: u32, parts: Option<&Given<'_>>, kind: Kind, out: &mut Vec<Delta>) -> Result<(), Wrong> {
        for (index, part) in (0..).zip(parts.map(Given::items).transpose()?.unwrap_or_default()) {
            let part = part.object()?;
            self.say_whole((item, kind, index), part.text("text")?, out)?;
            self.say_whole((item, Kind::Refusal, index), part.text("refusal")?, out)?;
        }
        Ok(())
    }

    fn call(&mut self, number: u32, item: &Object<'_>, out: &mut Vec<Delta>) -> Result<(), Wrong> {
        if self.calls.contains_key(&number) {
            return Ok(());
        }
        if self.calls.len() >= LANES_MAX {
            return Err(Wrong::new("", "the answer has too many calls of tools"));
        }
        let index = u32::try_from(self.calls.len()).unwrap_or(u32::MAX);
        self.calls.insert(number, index);
        let text = |name: &str| item.needed(name)?.text();
        out.push(Delta::Call { choice: 0, index, id: text("call_id")?, name: text("name")? });
        Ok(())
    }

    fn seal(&mut self, number: u32, item: &Object<'_>, out: &mut Vec<Delta>) -> Result<(), Wrong> {
        let sealed = item.text("encrypted_content")?.filter(|sealed| !sealed.is_empty());
        let Some(sealed) = sealed.filter(|_| self.sealed.len() < LANES_MAX && self.sealed.insert(number)) else {
            return Ok(());
        };
        let sealed = seal(&item.text("id")?.unwrap_or_default(), &sealed);
        let is_said =
            self.said.iter().any(|(of, kind, _)| *of == number && matches!(kind, Kind::Summary | Kind::Thought));
        out.push(match is_said {
            true => Delta::Signature { choice: 0, signature: sealed },
            false => Delta::SealedThinking { choice: 0, data: sealed },
        });
        // What is sealed stands apart by that.
        self.thinking = Apart::default();
        Ok(())
    }

    fn end(&mut self, response: &Given<'_>, out: &mut Vec<Delta>, left: &mut Vec<Loss>) -> Result<(), Wrong> {
        let whole = response.object()?;
        self.begin(&whole, out)?;
        let items = whole.find("output").map(Given::items).transpose()?.unwrap_or_default();
        for (number, item) in (0..).zip(items) {
            self.item(number, &item.object()?, true, out, left)?;
        }
        out.extend(whole.find("usage").and_then(|said| usage(said.value)).map(Delta::Usage));
        // Some servers say at the end only why, and not once more what.
        let ended = match finish(|name| whole.find(name).map(|said| said.value)) {
            crate::chat::Finish::Stop if !self.calls.is_empty() => crate::chat::Finish::ToolCalls,
            ended => ended,
        };
        out.push(Delta::Finish { choice: 0, finish: ended, stopped_by: None });
        // An error may follow, when the gateway has denied the rest.
        if ended != crate::chat::Finish::ContentFilter {
            out.push(Delta::End);
        }
        Ok(())
    }
}

/// Whether an event of this kind says what the events around it say too.
fn is_said_again(kind: &str) -> bool {
    [".content_part.added", ".content_part.done", ".reasoning_summary_part.added", ".reasoning_summary_part.done"]
        .iter()
        .chain(&[".output_text.done", ".refusal.done", ".reasoning_summary_text.done", ".reasoning_text.done"])
        .chain(&[".function_call_arguments.done"])
        .any(|end| kind.ends_with(end))
}

fn item<'a>(event: &Object<'a>) -> Result<Object<'a>, Wrong> {
    event.needed("item")?.object()
}

fn number(event: &Object<'_>, name: &str) -> Result<u32, Wrong> {
    event.find(name).map_or(Ok(0), Given::whole)
}

/// An error in the shape of the reference, or in that of the provider.
fn failed(event: &Object<'_>) -> Result<Failure, Wrong> {
    if let Some(error) = event.find("error") {
        return Ok(read_failure(error.value));
    }
    let text = |name: &str| event.text(name);
    Ok(Failure {
        message: text("message")?.unwrap_or_default(),
        kind: None,
        code: text("code")?,
        field: text("param")?,
        own: None,
    })
}
