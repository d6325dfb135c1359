//! Texts that an answer says in pieces, and once more at their end as a whole, perhaps several times.
//!
//! What guardrails made of the pieces is what has to stand in the repetition too, whatever they would say of it: it is not
//! shown to them a second time, but put together from what left. Only a text that is the pieces strung together is taken
//! for a repetition; any other is a text of its own.

use std::collections::BTreeMap;

use super::super::tagged::PieceId;
use crate::dialect::Lane;

/// What lanes have said so far.
#[derive(Debug, Default)]
pub(super) struct Said {
    lanes: BTreeMap<Lane, Text>,
    /// Repetitions that wait for what they repeat to be decided.
    waiting: Vec<(PieceId, Lane)>,
    bytes: usize,
}

#[derive(Debug, Default)]
struct Text {
    came: String,
    left: String,
    /// Pieces that have come and not left.
    undecided: usize,
    /// It was said as a whole: nothing follows.
    is_over: bool,
}

impl Said {
    /// A piece has come. Says whether all pieces of the answer together are within the limit.
    pub(super) fn came(&mut self, lane: &Lane, text: &str, bytes_max: usize) -> bool {
        self.bytes += text.len();
        if self.bytes > bytes_max {
            return false;
        }
        let said = self.lanes.entry(lane.clone()).or_default();
        said.came.push_str(text);
        said.undecided += 1;
        true
    }

    /// A piece has been decided, in the order in which they came.
    pub(super) fn left(&mut self, lane: &Lane, text: &str) {
        if let Some(said) = self.lanes.get_mut(lane) {
            said.left.push_str(text);
            said.undecided = said.undecided.saturating_sub(1);
        }
    }

    /// The text of a lane as a whole, which is at its end. Says whether it is what came in pieces: then it will be given
    /// back by [`ready`](Self::ready).
    pub(super) fn again(&mut self, id: PieceId, lane: &Lane, text: &str) -> bool {
        let Some(said) = self.lanes.get_mut(lane) else { return false };
        said.is_over = true;
        let is_same = said.came == text;
        if is_same {
            self.waiting.push((id, lane.clone()));
        }
        is_same
    }

    pub(super) fn is_over(&self, lane: &Lane) -> bool {
        self.lanes.get(lane).is_some_and(|said| said.is_over)
    }

    /// Repetitions of what is decided, with the texts that left.
    pub(super) fn ready(&mut self) -> Vec<(PieceId, String)> {
        let lanes = &self.lanes;
        let is_decided = |lane: &Lane| lanes.get(lane).is_none_or(|said| said.undecided == 0);
        let (ready, waiting) = std::mem::take(&mut self.waiting).into_iter().partition(|(_, lane)| is_decided(lane));
        self.waiting = waiting;
        let ready: Vec<(PieceId, Lane)> = ready;
        let left = |lane: &Lane| lanes.get(lane).map(|said| said.left.clone()).unwrap_or_default();
        ready.into_iter().map(|(id, lane)| (id, left(&lane))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::Channel;

    fn lane(part: &str) -> Lane {
        Lane { choice: 0, channel: Channel::Content, part: part.to_owned() }
    }

    #[test]
    fn a_repetition_is_what_left_as_soon_as_all_of_it_has() {
        let mut said = Said::default();
        assert!(said.came(&lane("a"), "I am ", 100) && said.came(&lane("a"), "Ada", 100));
        assert!(said.again((9, 0), &lane("a"), "I am Ada") && said.is_over(&lane("a")));
        said.left(&lane("a"), "I am ");
        assert_eq!(said.ready(), []);
        said.left(&lane("a"), "[NAME]");
        assert_eq!(said.ready(), [((9, 0), "I am [NAME]".to_owned())]);
        assert_eq!(said.ready(), []);
        // Once more, with the last event.
        assert!(said.again((10, 3), &lane("a"), "I am Ada"));
        assert_eq!(said.ready(), [((10, 3), "I am [NAME]".to_owned())]);
    }

    #[test]
    fn another_text_is_no_repetition() {
        let mut said = Said::default();
        assert!(!said.again((0, 0), &lane("a"), "Ada"));
        assert!(said.came(&lane("b"), "Ada", 100));
        assert!(!said.again((1, 0), &lane("b"), "Ada!") && said.is_over(&lane("b")));
        assert_eq!(said.ready(), []);
    }

    #[test]
    fn what_is_kept_has_a_limit() {
        let mut said = Said::default();
        assert!(said.came(&lane("a"), "12345", 9) && said.came(&lane("b"), "6789", 9));
        assert!(!said.came(&lane("a"), "0", 9));
    }
}
