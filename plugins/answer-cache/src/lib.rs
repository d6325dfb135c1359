//! A cache that answers a question again, if it is equal or means the same. What has equal words is the same question; what
//! an embedder finds near is one only if the facts of both agree, which `question` reads.

pub mod config;
mod question;
mod tables;
#[cfg(test)]
mod tests;
mod words;

use std::fmt::Write as _;

use sha2::{Digest, Sha256};
use sluicegate_plugin::cache::{Admission, Candidate, Intention, Lookup};
use sluicegate_plugin::{
    Answer, Cache, Channel, Finding, Finish, Patterns, Plugin, PluginError, Request, Role, Segment, export,
};

pub use config::Config;
use question::Question;

/// The cache.
#[derive(Debug)]
pub struct AnswerCache {
    config: Config,
    volatile: Patterns,
    personal: Patterns,
}

impl Plugin for AnswerCache {
    const NAME: &'static str = "answer-cache";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const SUMMARY: &'static str = "Answers again what was asked before, in the same words or in others.";
    const CONFIG_SCHEMA: Option<&'static str> = Some(include_str!("../schema.json"));
    type Config = Config;

    fn configure(config: Config) -> Result<Self, String> {
        config.check()?;
        let compile = |built_in: &[&str], more: &[String], field: &str| {
            let all: Vec<&str> = built_in.iter().copied().chain(more.iter().map(String::as_str)).collect();
            Patterns::compile(&all).map_err(|wrong| format!("{field}: {wrong}"))
        };
        let volatile = compile(tables::VOLATILE, &config.volatile, "volatile")?;
        let personal = compile(tables::PERSONAL, &config.personal, "personal")?;
        Ok(Self { config, volatile, personal })
    }
}

impl Cache for AnswerCache {
    fn plan(&self, request: &Request, findings: &[Finding]) -> Result<Intention, PluginError> {
        let is_ours = self.config.models.is_empty() || self.config.models.contains(&request.exchange.model);
        let is_volatile = request.said_last().iter().any(|segment| !self.volatile.find(&segment.text).is_empty());
        if !is_ours || is_volatile {
            return Ok(Intention::Bypass);
        }
        let mut lookup = Lookup::exact(key(&request.segments));
        if let Some(question) = self.question(request).filter(|_| !self.is_found_out(findings)) {
            lookup = lookup.or_by_meaning(question, self.config.threshold);
        }
        if let Some(age) = self.config.age_max() {
            lookup = lookup.no_older_than(age);
        }
        Ok(lookup.into())
    }

    fn accept(&self, request: &Request, candidate: &Candidate) -> Result<bool, PluginError> {
        let Some(question) = self.question(request) else { return Ok(false) };
        Ok(Question::read(question).is_same_as(&Question::read(&candidate.question)))
    }

    fn admit(&self, _: &Request, answer: &Answer, findings: &[Finding]) -> Result<Option<Admission>, PluginError> {
        let is_whole = answer.finish == Finish::Stop && is_plain(&answer.segments);
        let is_kept = is_whole && !self.is_found_out(findings);
        Ok(is_kept.then(|| Admission::fresh_for(self.config.ttl())))
    }
}

impl AnswerCache {
    /// The text of a request that can be looked for by its meaning: one question, short and in English, without tools or a
    /// form for the answer, whoever asks it.
    fn question<'a>(&self, request: &'a Request) -> Option<&'a str> {
        if !self.config.by_meaning || !request.tools.is_empty() || request.answer_schema.is_some() {
            return None;
        }
        let mut said = request.segments.iter().filter(|segment| !is_prompt(segment));
        let question = said.next().filter(|_| said.next().is_none())?;
        let is_said = question.role == Role::User && question.channel == Channel::Content && question.name.is_none();
        let text = question.text.trim();
        let is_short = text.len() <= self.config.question_bytes_max;
        let is_anybodys = || self.personal.find(text).is_empty();
        (is_said && is_short && is_anybodys() && Question::read(text).is_comparable()).then_some(text)
    }

    /// Whether guardrails found what may be personal or secret: any finding is taken for that, but for those that the operator
    /// knows better.
    fn is_found_out(&self, findings: &[Finding]) -> bool {
        findings.iter().any(|finding| self.config.matters(&finding.rule))
    }
}

/// Whether an answer is text alone, and there is one of it. The next step of a tool call depends on what the tool says then,
/// and a refusal is the model's mood.
fn is_plain(segments: &[Segment]) -> bool {
    let is_content =
        |segment: &Segment| matches!(segment.channel, Channel::Content | Channel::Reasoning) && segment.choice == 0;
    let says = |segment: &Segment| segment.channel == Channel::Content && !segment.text.trim().is_empty();
    segments.iter().all(is_content) && segments.iter().any(says)
}

/// Whether it is the application's instructions, which the host keeps apart. What is put beside them, as a passage, is not.
fn is_prompt(segment: &Segment) -> bool {
    segment.role == Role::System && segment.channel == Channel::Content
}

/// What equal conversations have in common. The host adds the system prompt, tools, model and parameters. Only blanks are
/// taken for each other where that changes nothing: capitals may, and lines may in code.
fn key(segments: &[Segment]) -> String {
    let mut digest = Sha256::new();
    let mut field = |text: &str| {
        digest.update(u64::try_from(text.len()).unwrap_or(u64::MAX).to_le_bytes());
        digest.update(text);
    };
    for segment in segments.iter().filter(|segment| !is_prompt(segment)) {
        field(role(segment.role));
        field(channel(segment.channel));
        field(if segment.name.is_some() { "named" } else { "" });
        field(segment.name.as_deref().unwrap_or_default());
        field(&normalised(&segment.text));
    }
    digest.finalize().iter().fold(String::with_capacity(64), |mut key, byte| {
        let _ = write!(key, "{byte:02x}");
        key
    })
}

/// A text of one line with single blanks; one of several is only trimmed, for it may be code.
fn normalised(text: &str) -> String {
    let text = text.trim();
    match text.contains('\n') {
        true => text.to_owned(),
        false => text.split_whitespace().collect::<Vec<_>>().join(" "),
    }
}

fn role(role: Role) -> &'static str {
    match role {
        Role::System => "system",
        Role::User => "user",
        Role::Assistant => "assistant",
        Role::Tool => "tool",
    }
}

fn channel(channel: Channel) -> &'static str {
    match channel {
        Channel::Content => "content",
        Channel::Reasoning => "reasoning",
        Channel::Refusal => "refusal",
        Channel::ToolArguments => "tool-arguments",
        Channel::ToolResult => "tool-result",
        Channel::Passage => "passage",
        Channel::ToolDefinition => "tool-definition",
        Channel::Name => "name",
        Channel::Other => "other",
    }
}

export!(AnswerCache: cache);
