//! OpenAI's chat completions, as its public API reference describes them (autumn 2026), and the fields that
//! compatible servers add: `reasoning_content` and `reasoning`.

pub(super) mod answer;
mod event;
pub(super) mod head;
mod message;
mod request;
pub(super) mod stream_options;
pub(crate) mod translation;
mod words;

pub(crate) use answer::read_answer;
pub(crate) use event::EventReader;
pub(crate) use request::read_request;
pub(crate) use stream_options::without as without_usage_asked;
pub(crate) use words::{denied_events, error_body, error_event, models_body};
