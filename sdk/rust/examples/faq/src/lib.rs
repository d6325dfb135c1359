//! Keeps the answers to questions that stand alone, and gives them to whoever asks the same, or nearly the same.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use sluicegate_plugin::cache::{Admission, Candidate, Intention, Lookup};
use sluicegate_plugin::{
    Answer, Cache, Channel, Finding, Finish, Plugin, PluginError, Request, Role, Segment, export, schema_of,
};

/// What the operator configures.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Seconds for which an answer is kept.
    #[schemars(range(min = 1))]
    pub ttl_s: u64,
    /// The least cosine similarity of two questions that mean the same.
    #[schemars(range(min = 0, max = 1))]
    pub threshold: f32,
}

impl Default for Config {
    fn default() -> Self {
        Self { ttl_s: 3_600, threshold: 0.92 }
    }
}

/// The policy.
#[derive(Debug)]
pub struct Faq {
    ttl: Duration,
    threshold: f32,
}

impl Plugin for Faq {
    const NAME: &'static str = "faq";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const SUMMARY: &'static str = "Keeps the answers to questions that stand alone.";
    type Config = Config;

    fn config_schema() -> Option<String> {
        Some(schema_of::<Config>())
    }

    fn configure(Config { ttl_s, threshold }: Config) -> Result<Self, String> {
        Ok(Self { ttl: Duration::from_secs(ttl_s), threshold })
    }
}

impl Cache for Faq {
    fn plan(&self, request: &Request, findings: &[Finding]) -> Result<Intention, PluginError> {
        let question = question(request).unwrap_or_default();
        if !findings.is_empty() || !request.tools.is_empty() || question.is_empty() {
            return Ok(Intention::Bypass);
        }
        let lookup = Lookup::exact(&question).or_by_meaning(&question, self.threshold);
        Ok(lookup.no_older_than(self.ttl).into())
    }

    fn accept(&self, request: &Request, candidate: &Candidate) -> Result<bool, PluginError> {
        let asked = question(request).unwrap_or_default();
        Ok(numbers(&asked).eq(numbers(&candidate.question)))
    }

    fn admit(
        &self,
        _request: &Request,
        answer: &Answer,
        findings: &[Finding],
    ) -> Result<Option<Admission>, PluginError> {
        let says = |segment: &Segment| segment.channel == Channel::Content && !segment.text.trim_ascii().is_empty();
        let is_whole = answer.finish == Finish::Stop && answer.segments.iter().any(says);
        Ok((is_whole && findings.is_empty()).then(|| Admission::fresh_for(self.ttl)))
    }
}

/// What a request asks, in a form that does not depend on how it is written; nothing of a conversation.
fn question(request: &Request) -> Option<String> {
    let is_said = |segment: &&Segment| segment.role == Role::User && segment.channel == Channel::Content;
    let mut said = request.segments.iter().filter(is_said);
    match (said.next(), said.next()) {
        (Some(only), None) => Some(normalized(&only.text)),
        _ => None,
    }
}

fn normalized(text: &str) -> String {
    let words: Vec<&str> = text.split(|c: char| c.is_ascii_whitespace()).filter(|word| !word.is_empty()).collect();
    words.join(" ").trim_end_matches(['?', '!', '.', ' ']).to_ascii_lowercase()
}

/// The numbers in a text, as they are written.
fn numbers(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_ascii_digit()).filter(|number| !number.is_empty())
}

export!(Faq: cache);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_a_question_is_written_does_not_count() {
        assert_eq!(normalized("  When is\tHIGH  tide ?! "), "when is high tide");
        assert_eq!(normalized(" ?! "), "");
    }

    #[test]
    fn numbers_are_compared_as_they_are_written() {
        assert!(numbers("room 7, 12 May").eq(["7", "12"]));
        assert!(!numbers("room 7").eq(numbers("room 07")));
    }
}
