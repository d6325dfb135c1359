//! Whether a conversation goes round in circles, by what it says itself: no other exchange need be known for that.

use super::Reached;
use crate::chat::{Channel, Role, Segment};

/// What says the same so often as `most`, or more often: the last call of a tool with its arguments and its result, or the
/// last answer.
pub(super) fn reached(segments: &[Segment], most: u64) -> Option<Reached> {
    call(segments, most).or_else(|| answer(segments, most))
}

fn call(segments: &[Segment], most: u64) -> Option<Reached> {
    let of = |channel: Channel| segments.iter().filter(move |segment| segment.channel == channel);
    let mut results = of(Channel::ToolResult).map(|result| result.text.as_str());
    // A model may call several tools at once; their results come in the same order.
    let calls: Vec<(&str, &str, &str)> = of(Channel::ToolArguments)
        .filter_map(|call| Some((call.name.as_deref().unwrap_or_default(), call.text.trim(), results.next()?)))
        .collect();
    let last = calls.last()?;
    let times = count(calls.iter().filter(|call| *call == last));
    (times >= most).then(|| Reached::Call { tool: last.0.to_owned(), times })
}

fn answer(segments: &[Segment], most: u64) -> Option<Reached> {
    let said = || {
        let is_said = |segment: &&Segment| segment.role == Role::Assistant && segment.channel == Channel::Content;
        segments.iter().filter(is_said).map(|segment| segment.text.trim()).filter(|text| !text.is_empty())
    };
    let last = said().next_back()?;
    let times = count(said().filter(|text| *text == last));
    (times >= most).then_some(Reached::Answer(times))
}

fn count<T>(all: impl Iterator<Item = T>) -> u64 {
    u64::try_from(all.count()).unwrap_or(u64::MAX)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn said(role: Role, channel: Channel, name: Option<&str>, text: &str) -> Segment {
        Segment { role, channel, choice: 0, name: name.map(str::to_owned), text: text.to_owned(), is_json: false }
    }

    fn step(tool: &str, arguments: &str, result: &str) -> [Segment; 2] {
        [
            said(Role::Assistant, Channel::ToolArguments, Some(tool), arguments),
            said(Role::Tool, Channel::ToolResult, None, result),
        ]
    }

    #[test]
    fn the_same_call_with_the_same_result_is_a_circle() {
        let twice = [step("read", "{\"a\":1}", "x"), step("list", "{}", "y"), step("read", " {\"a\":1}", "x")].concat();
        assert_eq!(reached(&twice, 2), Some(Reached::Call { tool: "read".to_owned(), times: 2 }));
        assert_eq!(reached(&twice, 3), None);
        for other in [step("read", "{\"a\":2}", "x"), step("write", "{\"a\":1}", "x"), step("read", "{\"a\":1}", "z")] {
            assert_eq!(reached(&[twice.clone(), other.to_vec()].concat(), 2), None, "it goes on");
        }
    }

    #[test]
    fn several_calls_at_once_have_their_own_results() {
        let [a, ra] = step("get", "{\"id\":1}", "one");
        let [b, rb] = step("get", "{\"id\":2}", "two");
        let round = [a, b, ra, rb];
        assert_eq!(reached(&round, 2), None);
        let again = [round.clone(), round].concat();
        assert_eq!(reached(&again, 2), Some(Reached::Call { tool: "get".to_owned(), times: 2 }));
    }

    #[test]
    fn the_same_answer_is_a_circle_and_nothing_said_is_none() {
        let says = |text: &str| said(Role::Assistant, Channel::Content, None, text);
        let asks = said(Role::User, Channel::Content, None, "go on");
        let same = [says("I am done."), asks.clone(), says("I am done."), asks.clone()];
        assert_eq!(reached(&same, 2), Some(Reached::Answer(2)));
        assert_eq!(reached(&[says(""), asks.clone(), says(" ")], 1), None);
        assert_eq!(reached(&[says("a"), asks, says("b")], 2), None);
    }
}
