//! From what was found to a verdict: what the operator wants done about each rule.

use serde::Deserialize;

use super::{Found, Rule, Scan};
use crate::text::Verdict;
use crate::{Edit, Finding, Phase, Span};

/// Findings in one verdict: the host takes no more. Edits go on.
const FINDINGS_MAX: usize = 1_000;

/// What to do about what a rule finds; in a configuration `mask`, `restore`, `block` or `off`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Setting {
    /// Replace it for good: by `[EMAIL]`, if the rule's name is `email`.
    #[default]
    Mask,
    /// Replace it in the request, by `[EMAIL_1]`, and give the original back where the answer repeats the
    /// replacement. In an answer the same as `mask`: there the text is the model's own.
    Restore,
    /// Refuse the exchange.
    Block,
    /// Do not look for it: [`find`](super::Rules::find) leaves it out. What is found all the same is a finding, and
    /// stays in the text.
    Off,
}

impl<R: Rule> Scan<R> {
    /// The verdict: the first match whose rule is set to `block` denies with `code`, all others become edits. Every
    /// match is a finding, up to the 1,000 that the host takes. What is not decided is held back.
    #[must_use]
    pub fn verdict(&self, code: &str, setting: impl Fn(R) -> Setting) -> Verdict {
        let findings = self.found.iter().take(FINDINGS_MAX).map(finding).collect();
        let verdict = match self.found.iter().find(|found| setting(found.rule) == Setting::Block) {
            Some(blocked) => Verdict::deny(code, format!("The text contains {}.", blocked.rule.words())),
            None => {
                let edits = self.found.iter().filter_map(|found| edit(found, setting(found.rule), self.phase));
                Verdict::edit(edits.collect()).with_hold(self.hold)
            }
        };
        verdict.with_findings(findings)
    }
}

fn finding<R: Rule>(found: &Found<R>) -> Finding {
    Finding::at(found.rule.name(), Span::new(found.span.start, found.span.end), found.score)
}

fn edit<R: Rule>(found: &Found<R>, setting: Setting, phase: Phase) -> Option<Edit> {
    let span = Span::new(found.span.start, found.span.end);
    let label = found.rule.name().to_ascii_uppercase().replace('-', "_");
    match setting {
        Setting::Restore if phase == Phase::Request => Some(Edit::restore(span, format!("[{label}_{{n}}]"))),
        Setting::Mask | Setting::Restore => Some(Edit::mask(span, format!("[{label}]"))),
        Setting::Block | Setting::Off => None,
    }
}
