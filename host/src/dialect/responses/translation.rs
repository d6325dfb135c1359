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

use std::time::{SystemTime, UNIX_EPOCH};

pub(crate) use answer::{parse_answer, write_answer};
pub(crate) use request::parse_request;
pub(crate) use stream::{DeltaReader, DeltaWriter};
pub(crate) use written::write_request;

use crate::dialect::conversation::{Loss, Part};
use crate::dialect::given::{Given, NO_COUNTERPART};
use crate::dialect::raw::Kind;

/// Whether a field says what would be so without it: leaving it out is no loss.
fn is_usual(field: &Given<'_>) -> bool {
    let value = field.value;
    match value.kind() {
        Kind::Null | Kind::Bool(false) => true,
        Kind::Bool(true) => false,
        Kind::Number => field.name == "top_logprobs" && value.0 == "0",
        Kind::String => {
            let text = value.text().unwrap_or_default();
            let usual = [("service_tier", "default"), ("verbosity", "medium"), ("truncation", "disabled")];
            matches!(&*text, "" | "auto") || usual.contains(&(&*field.name, &*text))
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

/// What a provider adds to its answers is left out without asking: nobody has asked for it.
fn harmless(left: Vec<Loss>) -> impl Iterator<Item = Loss> {
    left.into_iter().map(|loss| Loss { is_harmless: true, ..loss })
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

/// What a part is, as the last name of a path, so that an operator can allow to leave it out.
fn word(part: &Part) -> &'static str {
    match part {
        Part::Text(_) => "text",
        Part::Image(_) => "image",
        Part::Audio(_) => "audio",
        Part::File(_) => "file",
        Part::Thinking { .. } | Part::SealedThinking(_) => "thinking",
        Part::Refusal(_) => "refusal",
        Part::Call(_) => "call",
        Part::Result(_) => "result",
    }
}

/// Seconds since 1970.
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
