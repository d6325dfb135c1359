//! Anthropic's Messages API, version 2023-06-01, as its public reference describes it (autumn 2026).

mod answer;
mod block;
mod event;
mod request;
pub(crate) mod translation;
mod words;

pub(crate) use answer::read_answer;
pub(crate) use event::EventReader;
pub(crate) use request::read_request;
pub(crate) use words::{denied_events, error_body, error_event, models_body};
