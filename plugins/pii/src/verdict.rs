//! From what was found to a verdict: what the operator wants done about each kind.

use serde::Deserialize;
use sluicegate_plugin::text::{Verdict, Window};
use sluicegate_plugin::{Edit, Finding, Phase, Span};

use crate::sift::{Found, Sifted};

/// Findings in one verdict: the host takes no more. Edits go on.
const FINDINGS_MAX: usize = 1_000;

/// What to do about a kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Setting {
    /// Replace it for good.
    #[default]
    Mask,
    /// Replace it in the request, and give the original back where the answer repeats the replacement. In an
    /// answer the same as `mask`: there the text is the model's own.
    Restore,
    /// Refuse the exchange.
    Block,
    /// Do not look for it.
    Off,
}

/// A rule, in the words of its audiences.
pub(crate) trait Words: Copy {
    /// Stable, in lower case with hyphens: it stands in findings, and in capitals in the text.
    fn name(self) -> &'static str;
    /// With its article, for the caller.
    fn words(self) -> &'static str;
}

/// The verdict on a window: the first blocked match denies, all others become edits.
pub(crate) fn verdict<R: Words>(
    window: &Window,
    sifted: &Sifted<R>,
    code: &str,
    setting: impl Fn(R) -> Setting,
) -> Verdict {
    let findings = sifted.found.iter().take(FINDINGS_MAX).map(finding).collect();
    let verdict = match sifted.found.iter().find(|found| setting(found.rule) == Setting::Block) {
        Some(blocked) => Verdict::deny(code, format!("The text contains {}.", blocked.rule.words())),
        None => {
            let edits = sifted.found.iter().filter_map(|found| edit(found, setting(found.rule), window.phase));
            Verdict::edit(edits.collect()).with_hold(sifted.hold)
        }
    };
    verdict.with_findings(findings)
}

fn finding<R: Words>(found: &Found<R>) -> Finding {
    Finding::at(found.rule.name(), Span::new(found.span.start, found.span.end), found.score)
}

fn edit<R: Words>(found: &Found<R>, setting: Setting, phase: Phase) -> Option<Edit> {
    let span = Span::new(found.span.start, found.span.end);
    let label = found.rule.name().to_ascii_uppercase().replace('-', "_");
    match setting {
        Setting::Restore if phase == Phase::Request => Some(Edit::restore(span, format!("[{label}_{{n}}]"))),
        Setting::Mask | Setting::Restore => Some(Edit::mask(span, format!("[{label}]"))),
        Setting::Block | Setting::Off => None,
    }
}
