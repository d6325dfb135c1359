//! Text guardrails that find matches, in a stream exactly as in a whole text.
//!
//! The author says what a match is, in [`Rules`]: where one may start, and whether one does start at some place, which a
//! [`Reader`] shows. [`Scan::of`] makes of it what a window holds, and how much at its end must be held back until more
//! text follows; [`Scan::verdict`] makes the verdict of that. However a stream is cut, the same is found and released:
//! [`testing`] proves it for the rules at hand.
//!
//! ```
//! use std::ops::Range;
//!
//! use sluicegate_plugin::scan::{Match, Reader, Rule, Rules, Scan, Setting, testing};
//! use sluicegate_plugin::{Patterns, Plugin, TextGuardrail, export, text};
//!
//! /// Masks staff numbers: `E-` and six digits.
//! struct StaffNumbers(Patterns);
//!
//! #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
//! struct StaffNumber;
//!
//! impl Rule for StaffNumber {
//!     fn name(self) -> &'static str {
//!         "staff-number"
//!     }
//!
//!     fn words(self) -> &'static str {
//!         "a staff number"
//!     }
//! }
//!
//! impl Rules for StaffNumbers {
//!     type Rule = StaffNumber;
//!     /// Eight characters, each of them `\\u0045` or the like at worst.
//!     const REACH_BYTES_MAX: usize = 48;
//!     /// `E` may become `E-`, which the pattern sees.
//!     const TAIL_BYTES: usize = 1;
//!
//!     fn places(&self, text: &str) -> Vec<Range<usize>> {
//!         self.0.find(text).into_iter().map(|found| found.span.range()).collect()
//!     }
//!
//!     fn find(&self, reader: &Reader<'_>) -> Option<Match<StaffNumber>> {
//!         let start = reader.start();
//!         if reader.word_before(start) || !reader.has(start, b"E-") {
//!             return None;
//!         }
//!         let end = reader.run(start + 2, 6, |byte| byte.is_ascii_digit());
//!         let whole = end - start == 8 && !reader.word_at(end);
//!         whole.then_some(Match { rule: StaffNumber, end, score: 0.9 })
//!     }
//! }
//!
//! impl TextGuardrail for StaffNumbers {
//!     fn inspect(&self, window: &text::Window) -> text::Verdict {
//!         Scan::of(self, window).verdict("staff-numbers.blocked", |_| Setting::Mask)
//!     }
//! }
//!
//! impl Plugin for StaffNumbers {
//!     const NAME: &'static str = "staff-numbers";
//!     const VERSION: &'static str = "0.1.0";
//!     const SUMMARY: &'static str = "Masks staff numbers.";
//!     type Config = ();
//!
//!     fn configure((): ()) -> Result<Self, String> {
//!         Ok(Self(Patterns::compile(&["E-"])?))
//!     }
//! }
//!
//! export!(StaffNumbers: text_guardrail);
//!
//! # fn main() -> Result<(), String> {
//! let guardrail = StaffNumbers::configure(())?;
//! let like = text::Window::answer("");
//! let chunks = ["Ask E", "-12345", "6, not E-1234567."];
//! let streamed = text::stream(&guardrail, &like, &chunks, 256);
//! assert_eq!(streamed.released, "Ask [STAFF_NUMBER], not E-1234567.");
//! testing::same(&guardrail, &like, &chunks);
//! # Ok(())
//! # }
//! ```
//!
//! # What rules read
//!
//! Not quite the text as it was written: full-width and other digits, odd spaces and hyphens are plain ones, and lone
//! zero-width characters are left out; in tool arguments and tool results JSON escapes are decoded. What is found lies
//! in the text as it was written, so that an edit covers an escape as a whole.
//!
//! # How matches come about
//!
//! The text is read like a lexer reads a program: at the first place where a rule matches, the match is taken,
//! and reading goes on behind it. So what is decided up to some place, outside of a match, depends on nothing
//! but that place, and a window that begins to read there goes on like the whole text would have.
//!
//! A match is joined with those that begin inside and end behind it; it then counts as the strongest of them.
//! Nothing that a rule found stays in the text because it overlapped something else.

mod reader;
pub mod testing;
mod verdict;
mod view;

pub use reader::{Reader, is_latin_lead, is_word};
pub use verdict::Setting;

use std::ops::Range;

use view::View;

use crate::{Channel, Phase, text::Window};

/// What a guardrail looks for. All of it depends on the configuration alone.
pub trait Rules {
    /// Its rules, strongest first: where matches overlap, the least of their rules counts.
    type Rule: Rule;

    /// The longest match, in bytes of the text as it was written: what reaches further counts as ended there. Together
    /// with the newest chunk it must stay below what the host holds back, 4,096 bytes unless configured.
    const REACH_BYTES_MAX: usize;
    /// An unfinished match that is not in a region of [`places`](Rules::places) yet is at most that long.
    const TAIL_BYTES: usize;

    /// Where matches may start, in `text` as the rules read it: a superset, found fast, in any order. In a stream, and
    /// there alone, the last [`TAIL_BYTES`](Rules::TAIL_BYTES) are looked at as well.
    fn places(&self, text: &str) -> Vec<Range<usize>>;

    /// The match that starts at the reader's place. It must depend on what the reader shows of that place and its
    /// surroundings alone.
    fn find(&self, reader: &Reader<'_>) -> Option<Match<Self::Rule>>;
}

/// One thing that a guardrail looks for, in the words of its audiences.
pub trait Rule: Copy + Ord {
    /// Stable, in lower case with hyphens: it stands in findings, and in capitals in the text.
    fn name(self) -> &'static str;
    /// With its article, for the caller: `The text contains an e-mail address.`
    fn words(self) -> &'static str;
}

/// Expressions for what the rules read differently than it was written. Beside those of [`places`](Rules::places) they
/// make the triggers of a [`Prefilter`](crate::text::Prefilter).
pub const UNLIKE: [&str; 2] = [view::FOLDED, r"\\"];

/// A match at a reader's place.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Match<R> {
    /// The rule that found it.
    pub rule: R,
    /// Where it ends, as an index of the reader: behind its first character at least, between two characters, and no
    /// further than was read.
    pub end: usize,
    /// How sure that is, from 0 to 1.
    pub score: f32,
}

impl<R: Rule> Match<R> {
    /// This match and another one as one: the longer end, the stronger rule.
    #[must_use]
    pub fn join(self, other: Self) -> Self {
        let strong = if other.rule < self.rule { other } else { self };
        Self { end: self.end.max(other.end), ..strong }
    }
}

/// Something found, by its place in the window.
#[derive(Clone, Debug, PartialEq)]
pub struct Found<R> {
    /// The strongest rule that found it.
    pub rule: R,
    /// The bytes of the window's text.
    pub span: Range<usize>,
    /// How sure that is, from 0 to 1.
    pub score: f32,
}

/// What a window holds.
#[derive(Debug)]
pub struct Scan<R> {
    /// All matches behind the context, by their place; they do not overlap.
    pub found: Vec<Found<R>>,
    /// Bytes at the end that are not decided; none in a final window.
    pub hold: usize,
    phase: Phase,
}

impl<R: Rule> Scan<R> {
    /// Find what the window holds behind its context.
    pub fn of(rules: &impl Rules<Rule = R>, window: &Window) -> Self {
        // A tool's result is often JSON too. Decoding a text that is none does no harm: an unknown escape stays
        // as it is, and edits go into the text as it was written.
        let json = matches!(window.channel, Channel::ToolArguments | Channel::ToolResult);
        let open = !window.final_;
        let view = View::new(&window.text, json, open);
        let mut sieve = Sieve { rules, view, open, found: Vec::new() };
        let undecided = sieve.sift(window.context_len());
        Self { found: sieve.found, hold: window.text.len().saturating_sub(undecided), phase: window.phase }
    }
}

struct Sieve<'a, R: Rules> {
    rules: &'a R,
    view: View<'a>,
    open: bool,
    found: Vec<Found<R::Rule>>,
}

/// What is known about a place.
enum Place<R> {
    Nothing,
    Match(Match<R>),
    /// It takes more text to know.
    Undecided,
}

impl<R: Rules> Sieve<'_, R> {
    /// Collect the matches, and give the place in the raw text from which on nothing is decided.
    fn sift(&mut self, context: usize) -> usize {
        let first = self.view.index_of(context);
        let mut at = first;
        for places in self.places(first) {
            at = at.max(places.start);
            while at < places.end {
                match self.settle(at) {
                    Place::Nothing => at += 1,
                    Place::Undecided => return self.view.raw_start(at).min(self.view.raw_read()),
                    Place::Match(found) => {
                        let span = self.view.raw_start(at)..self.view.raw_end(found.end);
                        self.found.push(Found { rule: found.rule, span, score: found.score });
                        at = found.end.max(at + 1);
                    }
                }
            }
        }
        self.view.raw_read()
    }

    /// The places to look at, in order and apart.
    fn places(&self, first: usize) -> Vec<Range<usize>> {
        let length = self.view.text().len();
        let mut places = self.rules.places(self.view.text());
        if self.open {
            places.push(length.saturating_sub(R::TAIL_BYTES)..length);
        }
        places.iter_mut().for_each(|range| *range = range.start.max(first)..range.end.min(length));
        places.sort_unstable_by_key(|range| range.start);
        places
    }

    /// Decide about one place: the match that starts there, joined with those that overlap it.
    fn settle(&self, at: usize) -> Place<R::Rule> {
        let limit = self.view.index_past(self.view.raw_start(at) + R::REACH_BYTES_MAX);
        let mut found = match self.look(at, limit) {
            Place::Match(found) => found,
            other => return other,
        };
        let mut inside = at + 1;
        while inside < found.end {
            match self.look(inside, limit) {
                Place::Nothing => {}
                Place::Undecided => return Place::Undecided,
                Place::Match(other) => found = found.join(other),
            }
            inside += 1;
        }
        Place::Match(found)
    }

    fn look(&self, at: usize, limit: usize) -> Place<R::Rule> {
        let reader = Reader::new(&self.view, at, limit, self.open);
        let found = self.rules.find(&reader);
        match found {
            _ if reader.wants_more() => Place::Undecided,
            Some(found) => Place::Match(found),
            None => Place::Nothing,
        }
    }
}
