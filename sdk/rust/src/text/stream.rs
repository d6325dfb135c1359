//! Streams as the host plays them, for tests of plugins.

use super::prefilter::inspect;
use super::{Action, Verdict, Window};
use crate::{Finding, Span, TextGuardrail, offset};

/// What came of a stream.
#[derive(Debug, Default, PartialEq)]
pub struct Streamed {
    /// What was released.
    pub released: String,
    /// The code of the denial that ended it.
    pub denied: Option<String>,
    /// All findings, by their place in the whole text.
    pub findings: Vec<Finding>,
    /// The most bytes that were held back between two chunks.
    pub held_bytes_max: usize,
}

/// Show a guardrail a text in chunks, as the host does: each window is up to `context_bytes` of what is decided,
/// what was held back, and the new chunk. `like` gives the phase, the role and the channel. For tests.
///
/// The result does not depend on the chunks, if the guardrail holds back what it must.
///
/// # Panics
/// When a verdict is one that the host refuses: a hold or an edit inside a character, edits that overlap. And when the
/// guardrail's prefilter lets pass what it would not.
#[must_use]
#[allow(clippy::indexing_slicing, clippy::panic)]
pub fn stream<G: TextGuardrail>(guardrail: &G, like: &Window, chunks: &[&str], context_bytes: usize) -> Streamed {
    let mut streamed = Streamed::default();
    let (mut text, mut decided) = (String::new(), 0_usize);
    for index in 0..chunks.len().max(1) {
        text.push_str(chunks.get(index).copied().unwrap_or_default());
        let mut start = decided.saturating_sub(context_bytes);
        while !text.is_char_boundary(start) {
            start += 1;
        }
        let window = Window {
            text: text[start..].to_owned(),
            context: offset(decided - start),
            final_: index + 1 >= chunks.len(),
            ..like.clone()
        };
        let verdict = inspect(guardrail, &window);
        streamed.findings.extend(verdict.findings.iter().cloned().map(|finding| moved(finding, start)));
        if let Action::Deny(denial) = verdict.action {
            streamed.denied = Some(denial.code);
            return streamed;
        }
        decided = release(&verdict, &window, start, decided, &text, &mut streamed.released);
        streamed.held_bytes_max = streamed.held_bytes_max.max(text.len() - decided);
    }
    streamed
}

/// Write out what is decided, and give its end in the whole text.
#[allow(clippy::indexing_slicing, clippy::panic)]
fn release(verdict: &Verdict, window: &Window, start: usize, from: usize, text: &str, out: &mut String) -> usize {
    let hold = if window.final_ { 0 } else { verdict.hold as usize };
    let mut to = text.len().saturating_sub(hold).max(from);
    assert!(text.is_char_boundary(to), "the hold {hold} ends inside a character");
    let mut edits = match &verdict.action {
        Action::Edit(edits) => edits.clone(),
        Action::Allow | Action::Deny(_) => Vec::new(),
    };
    edits.sort_by_key(|edit| edit.span.start);
    let mut at = from;
    for edit in &edits {
        let (begin, end) = (edit.span.start as usize + start, edit.span.end as usize + start);
        if end <= from || begin >= to {
            continue;
        }
        if end > to {
            to = begin.max(from);
            break;
        }
        let begin = begin.max(from);
        assert!(begin >= at, "edits overlap at {begin}");
        out.push_str(&text[at..begin]);
        out.push_str(&edit.replacement);
        at = end;
    }
    out.push_str(&text[at..to]);
    to
}

fn moved(mut finding: Finding, by: usize) -> Finding {
    finding.span = finding.span.map(|span| Span::new(span.start as usize + by, span.end as usize + by));
    finding
}
