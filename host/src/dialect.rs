//! Providers' wire formats. Everything that knows their JSON is below here.

pub(crate) mod document;
pub(crate) mod openai;
mod raw;
mod sse;
mod text;

pub(crate) use document::{Document, Wrong, is_name};
pub(crate) use raw::{is_json, unescaped};
pub(crate) use sse::{Cutter, Event, Lane, Unit};
