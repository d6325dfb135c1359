//! Windows, and the verdicts on them.

mod prefilter;
mod stream;

pub use crate::bindings::text_guardrail::exports::sluicegate::plugin::text_guardrail::{Action, Verdict, Window};
pub use prefilter::Prefilter;
#[doc(hidden)]
pub use prefilter::install as install_prefilter;
pub use stream::{Streamed, stream};

use crate::{Channel, Denial, Edit, Finding, Phase, Role, Span, bytes, offset};

impl Window {
    /// A whole text that a user sends. For tests.
    #[must_use]
    pub fn request(text: impl Into<String>) -> Self {
        Self {
            phase: Phase::Request,
            role: Role::User,
            channel: Channel::Content,
            text: text.into(),
            context: 0,
            final_: true,
        }
    }

    /// A whole text that a model answered. For tests.
    #[must_use]
    pub fn answer(text: impl Into<String>) -> Self {
        Self { phase: Phase::Answer, role: Role::Assistant, ..Self::request(text) }
    }

    /// The length of the part that was released before.
    #[must_use]
    pub fn context_len(&self) -> usize {
        bytes(self.context).min(self.text.len())
    }
}

impl Verdict {
    /// Nothing to object to.
    #[must_use]
    pub fn allow() -> Self {
        Self { action: Action::Allow, findings: Vec::new(), hold: 0 }
    }

    /// Refuse, with a stable code and words for the caller.
    #[must_use]
    pub fn deny(code: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { action: Action::Deny(Denial::new(code, reason)), ..Self::allow() }
    }

    /// Change the text. No edits at all is the same as [`allow`](Verdict::allow).
    #[must_use]
    pub fn edit(edits: Vec<Edit>) -> Self {
        let action = if edits.is_empty() { Action::Allow } else { Action::Edit(edits) };
        Self { action, ..Self::allow() }
    }

    /// What becomes of `text`, the whole of a segment, by this verdict. For tests.
    ///
    /// # Panics
    /// When it denies, or its edits are some that the host refuses.
    #[must_use]
    #[allow(clippy::panic)]
    pub fn applied_to(&self, text: &str) -> String {
        match &self.action {
            Action::Allow => text.to_owned(),
            Action::Edit(edits) => applied(text, edits),
            Action::Deny(denial) => panic!("denied: {}", denial.reason),
        }
    }

    /// The same verdict with findings.
    #[must_use]
    pub fn with_findings(mut self, findings: Vec<Finding>) -> Self {
        self.findings = findings;
        self
    }

    /// The same verdict, holding that many bytes at the end back until more text follows.
    #[must_use]
    pub fn with_hold(mut self, bytes: usize) -> Self {
        self.hold = offset(bytes);
        self
    }
}

impl Edit {
    /// Replace `span` for good.
    #[must_use]
    pub fn mask(span: Span, replacement: impl Into<String>) -> Self {
        Self { span, replacement: replacement.into(), restore: false }
    }

    /// Replace `span`, and give the original back to the caller where the answer repeats the
    /// replacement. Put `{n}` into it, so that the host can make it unique.
    #[must_use]
    pub fn restore(span: Span, replacement: impl Into<String>) -> Self {
        Self { span, replacement: replacement.into(), restore: true }
    }
}

/// How many bytes at the end of `text` are characters that `belongs`, at most `bytes_max`: the usual
/// hold of a guardrail whose matches consist of such characters.
#[must_use]
pub fn trailing(text: &str, bytes_max: usize, belongs: impl Fn(char) -> bool) -> usize {
    let mut held = 0;
    for character in text.chars().rev() {
        let longer = held + character.len_utf8();
        if !belongs(character) || longer > bytes_max {
            break;
        }
        held = longer;
    }
    held
}

/// How many bytes at the end of `text` are the beginning of one of these words, and not all of it: the hold of a guardrail that
/// looks for words. Give it what is behind the last match, and nothing that was released before.
#[must_use]
pub fn unfinished(text: &str, words: &[&str]) -> usize {
    let of_word = |word: &&str| {
        let begins = word.char_indices().skip(1).map(|(at, _)| word.split_at(at).0);
        begins.filter(|begun| text.ends_with(begun)).map(str::len).max().unwrap_or_default()
    };
    words.iter().map(of_word).max().unwrap_or_default()
}

/// Apply edits to a text: what the host does. For tests.
///
/// # Panics
/// When an edit is out of bounds, inside a character or overlaps another.
#[must_use]
#[allow(clippy::indexing_slicing, clippy::panic)]
pub fn applied(text: &str, edits: &[Edit]) -> String {
    let mut edits: Vec<&Edit> = edits.iter().collect();
    edits.sort_by_key(|edit| edit.span.start);
    let mut out = String::new();
    let mut at = 0;
    for edit in edits {
        let (start, end) = (edit.span.start as usize, edit.span.end as usize);
        assert!(start >= at && end >= start, "edits overlap or run backwards at {start}");
        out.push_str(&text[at..start]);
        out.push_str(&edit.replacement);
        at = end;
    }
    out.push_str(&text[at..]);
    out
}
