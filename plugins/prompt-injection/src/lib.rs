//! A text guardrail that finds prompt injection: text that tries to take the model away from the
//! application that it works for.
//!
//! Many weak signals are combined into one score; no single list of words decides. In reading order:

pub mod config;
mod decoded;
mod detector;
mod encoded;
mod fold;
mod gate;
mod hit;
mod invisible;
#[cfg(test)]
mod labelled;
mod mitigation;
mod normalise;
mod signals;
mod source;
#[cfg(test)]
mod tests;
mod view;

pub use config::{Action, Config};

use detector::{Detector, Reading};
use sluicegate_plugin::{
    Channel, Denial, Edit, Finding, Phase, Plugin, Span, TextGuardrail, export,
    text::{self, Verdict, Window},
};
use source::Source;

/// The code of the denial.
pub const DENIAL_CODE: &str = "prompt-injection.detected";

/// For the caller: names no text and blames nobody.
fn denial_reason(phase: Phase) -> &'static str {
    match phase {
        Phase::Request => {
            "This request was not passed on because it looks like an attempt to change how the assistant works."
        }
        Phase::Answer => {
            "This answer was not passed on because it looks like an attempt to change how an assistant works."
        }
    }
}

/// A signal below that is too weak to be worth a line in a trace, unless it contributed to a refusal.
const FINDING_SCORE_MIN: f32 = 0.3;

/// How much of an unfinished word is held back in a stream.
const WORD_BYTES_MAX: usize = 48;

/// From here on, characters are words of their own: East Asian text has no spaces at which a word could end.
const IDEOGRAPHS: char = '\u{2E80}';

/// One poisoned text may match thousands of times; the operator needs the strongest few.
const FINDINGS_MAX: usize = 32;

/// The guardrail.
#[derive(Debug)]
pub struct PromptInjection {
    config: Config,
    detector: Detector,
    /// An expression for the word at the end of a window.
    word: String,
}

impl Plugin for PromptInjection {
    const NAME: &'static str = "prompt-injection";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const SUMMARY: &'static str = "Refuses text that tries to override, jailbreak or spy out the application.";
    const CONFIG_SCHEMA: Option<&'static str> = Some(include_str!("../schema.json"));
    type Config = Config;

    fn configure(config: Config) -> Result<Self, String> {
        config.check()?;
        let word = format!(r"[^\t\n\x0C\r {IDEOGRAPHS}-\u{{10FFFF}}]{{1,{WORD_BYTES_MAX}}}");
        Ok(Self { config, detector: Detector::compile()?, word })
    }
}

impl TextGuardrail for PromptInjection {
    fn inspect(&self, window: &Window) -> Verdict {
        let source = Source::of(window.role, window.channel);
        if !self.config.judges(source.speaker) {
            return Verdict::allow();
        }
        let reading = self.detector.read(&window.text, source);
        let score = hit::combined(&reading.hits);
        let denied = score >= self.config.threshold && self.config.action == Action::Deny;
        let findings = findings(&reading, window.context_len(), denied);
        if denied {
            return Verdict { action: text::Action::Deny(denial(window.phase, &reading, score)), findings, hold: 0 };
        }
        let verdict = Verdict::edit(self.edits(window, &reading)).with_findings(findings);
        verdict.with_hold(hold(window, &reading))
    }

    /// What the first pass would let pass, and the word that is not complete.
    fn prefilter(&self) -> Option<text::Prefilter<'_>> {
        Some(text::Prefilter::new(self.detector.first_pass()).with_tail(&self.word))
    }
}

impl PromptInjection {
    /// What `strip_invisible` removes. Names and tool arguments stay as they are: applications look the
    /// first up, and match the second against files byte by byte. So do answers.
    fn edits(&self, window: &Window, reading: &Reading) -> Vec<Edit> {
        let editable = !matches!(window.channel, Channel::Name | Channel::ToolArguments);
        let wanted = self.config.strip_invisible && self.config.action == Action::Deny;
        if !wanted || !editable || window.phase != Phase::Request {
            return Vec::new();
        }
        reading.strays.iter().map(|stray| Edit::mask(Span::new(stray.start, stray.end), "")).collect()
    }
}

fn denial(phase: Phase, reading: &Reading, score: f32) -> Denial {
    let mut rules: Vec<String> = Vec::new();
    for (rule, strongest) in hit::strongest(&reading.hits) {
        rules.push(format!("{rule} {strongest:.2}"));
    }
    let detail = Some(format!("score {score:.2}: {}", rules.join(", ")));
    Denial { detail, ..Denial::new(DENIAL_CODE, denial_reason(phase)) }
}

/// The strongest hits, in the order of the text. What lies in the context was reported with an earlier window.
fn findings(reading: &Reading, context: usize, denied: bool) -> Vec<Finding> {
    let least = if denied { 0.0 } else { FINDING_SCORE_MIN };
    let mut hits: Vec<_> =
        reading.hits.iter().filter(|hit| hit.weight >= least && (hit.span.end > context || context == 0)).collect();
    hits.sort_by(|a, b| b.weight.total_cmp(&a.weight));
    hits.truncate(FINDINGS_MAX);
    hits.sort_by_key(|hit| hit.span.start);
    hits.iter().map(|hit| Finding::at(hit.rule, Span::new(hit.span.start, hit.span.end), hit.weight)).collect()
}

/// In a stream: keep a beginning that may become a match, so that it is judged before it is released.
/// The bounds make this a help, not a promise: signals further apart are judged per window.
fn hold(window: &Window, reading: &Reading) -> usize {
    const HOLD_BYTES_MAX: usize = 256;
    if window.final_ {
        return 0;
    }
    let unfinished_word = text::trailing(&window.text, WORD_BYTES_MAX, |c| !c.is_ascii_whitespace() && c < IDEOGRAPHS);
    let since_trace = |start: &usize| window.text.len().saturating_sub(*start);
    let traced = reading.traces.iter().map(since_trace).filter(|&bytes| bytes <= HOLD_BYTES_MAX).max();
    unfinished_word.max(traced.unwrap_or(0))
}

export!(PromptInjection: text_guardrail);
