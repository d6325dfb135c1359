//! OpenAI's Responses, as its public API reference describes them (autumn 2026).

mod answer;
mod event;
mod item;
mod request;
pub(crate) mod translation;
mod words;

pub(crate) use answer::read_answer;
pub(crate) use event::EventReader;
pub(crate) use request::read_request;
pub(crate) use words::{denied_events, error_event, failed_events};
