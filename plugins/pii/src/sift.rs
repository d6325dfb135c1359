//! From rules about single places to the matches of a window and what to hold back.
//!
//! The text is read like a lexer reads a program: at the first place where a rule matches, the match is taken,
//! and reading goes on behind it. So what is decided up to some place, outside of a match, depends on nothing
//! but that place, and a window that begins to read there goes on like the whole text would have.
//!
//! A match is joined with those that begin inside and end behind it; it then counts as the strongest of them.
//! Nothing that a rule found stays in the text because it overlapped something else.

use std::ops::Range;

use sluicegate_plugin::{Channel, text::Window};

use crate::reader::Reader;
use crate::view::View;

/// What a plugin looks for.
pub(crate) trait Rules {
    /// Its rules, strongest first.
    type Rule: Copy + Ord;

    /// The longest match, in raw bytes. Below the host's `hold_bytes_max`, 4096 unless configured.
    const REACH_BYTES_MAX: usize;
    /// An unfinished match that is not in a region of [`places`](Rules::places) yet is at most that long.
    const TAIL_BYTES: usize;

    /// Where matches may start: a superset, found fast.
    fn places(&self, text: &str) -> Vec<Range<usize>>;

    /// The match that starts at the reader's place. May look at most
    /// [`BEHIND_BYTES_MAX`](crate::reader::BEHIND_BYTES_MAX) back.
    fn find(&self, reader: &Reader<'_>) -> Option<Match<Self::Rule>>;
}

/// A match, by its end in the view.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Match<R> {
    pub(crate) rule: R,
    pub(crate) end: usize,
    pub(crate) score: f32,
}

impl<R: Copy + Ord> Match<R> {
    /// This match and another one as one: the longer end, the stronger rule.
    pub(crate) fn join(self, other: Self) -> Self {
        let strong = if other.rule < self.rule { other } else { self };
        Self { end: self.end.max(other.end), ..strong }
    }
}

/// Something found, by its place in the raw text.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Found<R> {
    pub(crate) rule: R,
    pub(crate) span: Range<usize>,
    pub(crate) score: f32,
}

/// What a window holds.
#[derive(Debug)]
pub(crate) struct Sifted<R> {
    pub(crate) found: Vec<Found<R>>,
    /// Bytes at the end that are not decided.
    pub(crate) hold: usize,
}

/// Find what the window holds behind its context.
pub(crate) fn sift<R: Rules>(rules: &R, window: &Window) -> Sifted<R::Rule> {
    // A tool's result is often JSON too. Decoding a text that is none does no harm: an unknown escape stays
    // as it is, and edits go into the raw text.
    let json = matches!(window.channel, Channel::ToolArguments | Channel::ToolResult);
    let open = !window.final_;
    let view = View::new(&window.text, json, open);
    let mut sieve = Sieve { rules, view, open, found: Vec::new() };
    let undecided = sieve.sift(window.context_len());
    Sifted { found: sieve.found, hold: window.text.len().saturating_sub(undecided) }
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
