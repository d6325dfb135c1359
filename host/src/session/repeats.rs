//! Whether a conversation goes round in circles, by what it says itself: no other exchange need be known for that.

use super::Reached;
use crate::chat::{Channel, Opaque, Request, Role, Segment};

/// What the model has said at once, and what it was told after that.
#[derive(Debug, Default, PartialEq, Eq)]
struct Step<'a> {
    /// Tools with their arguments.
    calls: Vec<(&'a str, &'a str)>,
    /// Text.
    said: Vec<&'a str>,
    /// Results of tools, and what the user says.
    heard: Vec<&'a str>,
}

impl<'a> Step<'a> {
    fn has_spoken(&self) -> bool {
        !(self.calls.is_empty() && self.said.is_empty())
    }

    /// In a form in which those are equal that say the same. Calls at once, and their results, may come in any order; what a
    /// model says before it calls tools need not be new.
    fn comparable(mut self) -> Self {
        self.calls.sort_unstable();
        self.heard.sort_unstable();
        if !self.calls.is_empty() {
            self.said.clear();
        }
        self
    }

    /// The steps of a conversation.
    fn all(segments: &'a [Segment]) -> Vec<Self> {
        let (mut steps, mut step) = (Vec::new(), Self::default());
        for Segment { role, channel, name, text, .. } in segments {
            let text = text.trim();
            match (role, channel) {
                (Role::Assistant, Channel::ToolArguments | Channel::Content) => {
                    if !step.heard.is_empty() {
                        steps.push(std::mem::take(&mut step).comparable());
                    }
                    match channel {
                        Channel::ToolArguments => step.calls.push((name.as_deref().unwrap_or_default(), text)),
                        _ if !text.is_empty() => step.said.push(text),
                        _ => {}
                    }
                }
                (_, Channel::ToolResult) | (Role::User, Channel::Content) if step.has_spoken() => step.heard.push(text),
                _ => {}
            }
        }
        if step.has_spoken() {
            steps.push(step.comparable());
        }
        steps
    }
}

/// What the last step of a conversation repeats so often as `most`, or more often: calls of tools with the same arguments and the
/// same results, or an answer to which the user has said the same.
pub(super) fn reached(request: &Request, most: u64) -> Option<Reached> {
    // What the user shows, or a tool, as a picture of a screen, may be another one each time.
    if request.opaque.iter().any(|opaque| matches!(opaque, Opaque::Image | Opaque::Audio | Opaque::File)) {
        return None;
    }
    let steps = Step::all(&request.segments);
    let last = steps.last()?;
    let times = u64::try_from(steps.iter().filter(|step| *step == last).count()).unwrap_or(u64::MAX);
    if times < most {
        return None;
    }
    let Some((tool, _)) = last.calls.last() else { return Some(Reached::Answer(times)) };
    (!last.heard.is_empty()).then(|| Reached::Call { tool: (*tool).to_owned(), times })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn said(role: Role, channel: Channel, name: Option<&str>, text: &str) -> Segment {
        Segment { role, channel, choice: 0, name: name.map(str::to_owned), text: text.to_owned(), is_json: false }
    }

    fn reached(segments: &[Segment], most: u64) -> Option<Reached> {
        super::reached(&Request { segments: segments.to_vec(), ..Request::default() }, most)
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

    #[test]
    fn results_come_in_any_order_and_in_several_parts() {
        let round = |y: &str| {
            let ([x, rx], [call_y, ry]) = (step("x", "{}", "same"), step("y", "{}", y));
            vec![x, call_y, ry, said(Role::Tool, Channel::ToolResult, None, "part two"), rx]
        };
        let goes_on = [round("0"), round("1"), round("2")].concat();
        assert_eq!(reached(&goes_on, 2), None);
        let again = [goes_on, round("2")].concat();
        assert_eq!(reached(&again, 2), Some(Reached::Call { tool: "y".to_owned(), times: 2 }));
    }

    #[test]
    fn what_is_said_before_calls_or_to_other_questions_is_no_circle() {
        let says = |text: &str| said(Role::Assistant, Channel::Content, None, text);
        let asks = |text: &str| said(Role::User, Channel::Content, None, text);
        let with_words = |result: &str| [vec![says("Let me check.")], step("read", "{}", result).to_vec()].concat();
        assert_eq!(reached(&[with_words("1"), with_words("2")].concat(), 2), None);
        let questions = [asks("Is it?"), says("Yes."), asks("Was it?"), says("Yes."), asks("Will it?")];
        assert_eq!(reached(&questions, 2), None);
    }

    #[test]
    fn a_result_that_nobody_can_read_may_be_another_one() {
        let segments = [step("look", "{}", "ok"), step("look", "{}", "ok")].concat();
        let request = Request { segments, opaque: vec![Opaque::Image], ..Request::default() };
        assert_eq!(super::reached(&request, 2), None);
        let asks = said(Role::User, Channel::Content, None, "Is this one broken?");
        let says = said(Role::Assistant, Channel::Content, None, "No.");
        let segments = [asks.clone(), says.clone(), asks.clone(), says, asks].to_vec();
        assert_eq!(reached(&segments, 2), Some(Reached::Answer(2)));
        let request = Request { segments, opaque: vec![Opaque::Image, Opaque::Image], ..Request::default() };
        assert_eq!(super::reached(&request, 2), None);
        let no_result = said(Role::Assistant, Channel::ToolArguments, Some("look"), "{}");
        assert_eq!(reached(&[no_result.clone(), no_result], 1), None);
    }
}
