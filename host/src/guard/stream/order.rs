//! Which events may leave while others that came before them wait.
//!
//! A guardrail may hold back the end of a text until it knows what follows: the last word of what a model thought, while
//! the model says its answer. Waiting for it would turn the stream into one answer at the end. So an event waits for
//! those in which its own texts began, and for nothing else; the arguments of a call wait for the name of its tool, without
//! which nobody could tell what they are for; the end of a choice waits for its texts; what belongs to no text, as the
//! last word of the stream, waits for everything, and everything for it.

use std::collections::BTreeSet;

use crate::chat::Channel;
use crate::dialect::{Event, Lane};

/// Events that wait, in the order in which they came.
#[derive(Debug, Default)]
pub(super) struct Waiting<'a> {
    lanes: BTreeSet<&'a Lane>,
    finished: BTreeSet<u32>,
    all: bool,
}

impl<'a> Waiting<'a> {
    /// Whether an event that came behind them must wait too.
    pub(super) fn stops(&self, event: &Event) -> bool {
        let goes_on = |choice: u32| self.lanes.iter().any(|lane| lane.choice == choice);
        let is_finished = |choice: u32| self.finished.contains(&choice);
        if self.all {
            return true;
        }
        if self.lanes.is_empty() && self.finished.is_empty() {
            return false;
        }
        if concerns_no_text(event) {
            return !event.is_comment();
        }
        let has_begun =
            |lane: &Lane| self.lanes.contains(lane) || named(lane).is_some_and(|name| self.lanes.contains(&name));
        event.pieces.iter().any(|piece| has_begun(&piece.lane) || is_finished(piece.lane.choice))
            || event.finished.iter().any(|(choice, _)| goes_on(*choice) || is_finished(*choice))
    }

    /// One more that waits.
    pub(super) fn add(&mut self, event: &'a Event) {
        self.lanes.extend(event.pieces.iter().map(|piece| &piece.lane));
        self.finished.extend(event.finished.iter().map(|(choice, _)| *choice));
        self.all |= concerns_no_text(event) && !event.is_comment();
    }
}

/// Where the name of a tool is, to which this is an argument.
fn named(lane: &Lane) -> Option<Lane> {
    (lane.channel == Channel::ToolArguments).then(|| Lane { channel: Channel::Name, ..lane.clone() })
}

fn concerns_no_text(event: &Event) -> bool {
    event.pieces.is_empty() && event.finished.is_empty()
}
