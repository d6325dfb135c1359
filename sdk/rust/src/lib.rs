//! Write Sluicegate plugins in Rust.
//!
//! Implement [`Plugin`] and one or more of [`TextGuardrail`], [`RequestGuardrail`], [`AnswerGuardrail`], [`Router`] and
//! [`Cache`], then name them in [`export!`]:
//!
//! ```
//! use sluicegate_plugin::{Plugin, TextGuardrail, export, text};
//!
//! struct NoShouting;
//!
//! impl Plugin for NoShouting {
//!     const NAME: &'static str = "no-shouting";
//!     const VERSION: &'static str = "0.1.0";
//!     const SUMMARY: &'static str = "Refuses text in capitals.";
//!     type Config = ();
//!
//!     fn configure(_: ()) -> Result<Self, String> {
//!         Ok(Self)
//!     }
//! }
//!
//! impl TextGuardrail for NoShouting {
//!     fn inspect(&self, window: &text::Window) -> text::Verdict {
//!         let shouted = window.text.len() > 20 && window.text == window.text.to_uppercase();
//!         if shouted { text::Verdict::deny("shouting", "Please do not shout.") } else { text::Verdict::allow() }
//!     }
//! }
//!
//! export!(NoShouting: text_guardrail);
//! # fn main() {}
//! ```
//!
//! The crate is built with `cargo build --release --target wasm32-unknown-unknown` as a `cdylib`; the
//! file that comes out can be dropped into the gateway's plugin directory as it is.
//!
//! The same code runs natively, so a plugin is tested with `cargo test` like any other crate:
//! [`Patterns`] then uses the same regular-expression crate as the host, and log lines go to standard error.
//!
//! What an installation must grant is in modules of its own: [`kv`], [`http`], [`clock`].
//!
//! A guardrail that looks for matches in texts, streamed or whole, has most of its work done by [`scan`].
//!
//! A panic is a failure of the plugin, and the gateway's log tells where it was. It tells the message too if that is a
//! text of the program, as in `panic!("no such rule")`; one that was put together, as by `panic!("no {rule}")` or
//! `expect`, may hold text of the exchange and is not shown.

pub mod bindings;
pub mod cache;
pub mod clock;
pub mod embedding;
mod export;
pub mod http;
pub mod kv;
pub mod model;
#[doc(hidden)]
pub mod panics;
pub mod patterns;
pub mod router;
pub mod scan;
pub mod text;

pub use bindings::imports::sluicegate::plugin::types::{
    Answer, Channel, Denial, Edit, Exchange, Finding, Finish, Phase, PluginError, Request, Role, Segment, Span,
    ToolDefinition, Usage,
};
pub use patterns::Patterns;

use std::ops::Range;

use serde::de::DeserializeOwned;

/// Whole requests and the verdicts on them.
pub mod request {
    pub use crate::bindings::request_guardrail::exports::sluicegate::plugin::request_guardrail::{Action, Verdict};
}

/// Whole answers and the verdicts on them.
pub mod answer {
    pub use crate::bindings::answer_guardrail::exports::sluicegate::plugin::answer_guardrail::{Action, Verdict};
}

/// What every plugin is: it says what it is, and is made from a configuration.
///
/// The value is built once, by [`configure`](Plugin::configure), before the host takes its snapshot.
/// Every call sees it as it was then: do the slow work here.
pub trait Plugin: Sized + Send + Sync + 'static {
    /// The plugin's name, in lower case with hyphens.
    const NAME: &'static str;
    /// Its semantic version; usually `env!("CARGO_PKG_VERSION")`.
    const VERSION: &'static str;
    /// One sentence for the list of plugins.
    const SUMMARY: &'static str;
    /// JSON Schema of [`Config`](Plugin::Config). The host checks a configuration against it first.
    const CONFIG_SCHEMA: Option<&'static str> = None;

    /// The same, where it is made and not written: `Some(schema_of::<Config>())`.
    #[must_use]
    fn config_schema() -> Option<String> {
        Self::CONFIG_SCHEMA.map(str::to_owned)
    }

    /// What the installation's `[config]` table is read into; `()` for a plugin without settings.
    type Config: DeserializeOwned;

    /// Build the plugin.
    ///
    /// # Errors
    /// A sentence for the operator; the previous version of the plugin stays in service.
    fn configure(config: Self::Config) -> Result<Self, String>;
}

/// Inspects pieces of text. See `text-guardrail` in the contract.
pub trait TextGuardrail: Plugin {
    /// The verdict on one window. It must depend on the configuration and the window alone.
    fn inspect(&self, window: &text::Window) -> text::Verdict;

    /// What the gateway may let pass without a call. Worth it for a guardrail of which most text is no concern: the
    /// gateway looks for a few expressions in a tenth of the time that a call takes.
    fn prefilter(&self) -> Option<text::Prefilter<'_>> {
        None
    }
}

/// Judges a request as a whole. See `request-guardrail` in the contract.
pub trait RequestGuardrail: Plugin {
    /// The verdict on one request.
    ///
    /// # Errors
    /// Why no verdict could be reached; the operator's failure mode then applies.
    fn check(&self, request: &Request) -> Result<request::Verdict, PluginError>;
}

/// Judges an answer as a whole, beside its request. See `answer-guardrail` in the contract.
pub trait AnswerGuardrail: Plugin {
    /// The verdict on one answer.
    ///
    /// # Errors
    /// Why no verdict could be reached; the operator's failure mode then applies.
    fn check(&self, request: &Request, answer: &Answer) -> Result<answer::Verdict, PluginError>;
}

/// Decides who answers. See `router` in the contract.
pub trait Router: Plugin {
    /// Who is to answer this request: some of the targets, this plugin itself, or whoever the operator configured.
    ///
    /// # Errors
    /// Why nothing could be decided; all stays as the operator configured it.
    fn route(&self, request: &Request, targets: &[router::Target]) -> Result<router::Routing, PluginError>;
}

/// Decides what may be answered from memory. See `cache` in the contract.
pub trait Cache: Plugin {
    /// Where the answer to this request may be found, of which guardrails said `findings`.
    ///
    /// # Errors
    /// Why nothing could be decided; a model is asked.
    fn plan(&self, request: &Request, findings: &[Finding]) -> Result<cache::Intention, PluginError>;

    /// Whether an answer that was found by meaning answers this request too.
    ///
    /// # Errors
    /// Why nothing could be decided; it does not, then.
    fn accept(&self, request: &Request, candidate: &cache::Candidate) -> Result<bool, PluginError>;

    /// For how long this answer may be kept, if at all; guardrails said `findings` of the request and of the answer.
    ///
    /// # Errors
    /// Why nothing could be decided; it is not kept.
    fn admit(
        &self,
        request: &Request,
        answer: &Answer,
        findings: &[Finding],
    ) -> Result<Option<cache::Admission>, PluginError>;
}

/// Write to the gateway's log. Lines are bounded in length and number. Never write text of an exchange.
pub fn log(level: log::Level, message: &str) {
    #[cfg(target_arch = "wasm32")]
    bindings::imports::sluicegate::plugin::log::write(level, message);
    #[cfg(not(target_arch = "wasm32"))]
    eprintln!("{level:?} {message}");
}

/// The levels of [`log`](fn@log).
pub mod log {
    pub use crate::bindings::imports::sluicegate::plugin::log::Level;
}

/// JSON Schema of a configuration, made of its type: its fields, their documentation, and what [`schemars`] is told of them.
#[must_use]
pub fn schema_of<C: schemars::JsonSchema>() -> String {
    schemars::schema_for!(C).to_value().to_string()
}

/// Read a configuration. An empty text and an empty object both stand for "nothing was configured".
///
/// # Errors
/// What is wrong and where.
pub fn read_config<C: DeserializeOwned>(json: &str) -> Result<C, String> {
    let json = if json.trim().is_empty() { "{}" } else { json };
    match serde_json::from_str(json) {
        Ok(config) => Ok(config),
        // `()` is read from `null`, not from an empty object.
        Err(error) if json.trim() == "{}" => serde_json::from_str("null").map_err(|_| without_place(&error)),
        Err(error) => Err(without_place(&error)),
    }
}

/// The configuration was written in TOML: a line and a column of the JSON that was made of it help nobody.
fn without_place(error: &serde_json::Error) -> String {
    let words = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    words.strip_suffix(&place).unwrap_or(&words).to_owned()
}

impl Span {
    /// The bytes from `start` up to, not including, `end`.
    #[must_use]
    pub fn new(start: usize, end: usize) -> Self {
        Self { start: offset(start), end: offset(end) }
    }

    /// The bytes, as an index into the text.
    #[must_use]
    pub fn range(self) -> Range<usize> {
        bytes(self.start)..bytes(self.end)
    }
}

impl Request {
    /// What the person has said last, in one go. What the model and its tools have said since belongs to the same task.
    #[must_use]
    pub fn said_last(&self) -> Vec<&Segment> {
        let said = self.segments.iter().rev().filter(|segment| segment.channel == Channel::Content);
        let is_persons = |segment: &&Segment| segment.role == Role::User;
        let mut last: Vec<&Segment> = said.skip_while(|said| !is_persons(said)).take_while(is_persons).collect();
        last.reverse();
        last
    }
}

impl Finding {
    /// Something noticed at `span`, with a score from 0 to 1.
    #[must_use]
    pub fn at(rule: impl Into<String>, span: Span, score: f32) -> Self {
        Self { rule: rule.into(), span: Some(span), score }
    }
}

impl Denial {
    /// A refusal with a stable code and words for the caller.
    #[must_use]
    pub fn new(code: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { code: code.into(), reason: reason.into(), detail: None }
    }
}

/// The contract counts in `u32`; the host's windows are far below that.
fn offset(bytes: usize) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

fn bytes(offset: u32) -> usize {
    usize::try_from(offset).unwrap_or(usize::MAX)
}

/// The plugin that the README shows is one.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize)]
    #[allow(dead_code)]
    struct Config {
        word: String,
    }

    #[test]
    fn a_mistake_in_a_configuration_has_no_place_in_json() {
        assert_eq!(read_config::<Config>("").unwrap_err(), "missing field `word`");
        assert_eq!(read_config::<Config>("{}").unwrap_err(), "missing field `word`");
        let said = read_config::<Config>(r#"{"word": 7}"#).unwrap_err();
        assert_eq!(said, "invalid type: integer `7`, expected a string");
        assert_eq!(read_config::<()>("{}"), Ok(()));
    }
}
