//! The events of a streamed answer: what each adds to it.

use std::collections::BTreeMap;

use super::{USUAL, dropped, leave_out, new_id};
use crate::dialect::bedrock::EXCEPTION;
use crate::dialect::bedrock::answer::{finish, usage};
use crate::dialect::conversation::{Apart, Delta, Failure, Loss, Told};
use crate::dialect::document::{Wrong, is_name};
use crate::dialect::given::{Given, Object};
use crate::dialect::pieces::LANES_MAX;

/// Reads events one after the other. No character is split over two of them any more: the reader before this one has
/// mended that.
#[derive(Debug, Default)]
pub(crate) struct DeltaReader {
    /// The calls of tools whose blocks are open: the number of the call by that of the block.
    calls: BTreeMap<u32, u32>,
    calls_begun: u32,
    /// By the number of the block.
    text: Apart<u32>,
    thinking: Apart<u32>,
    told: Told,
}

impl DeltaReader {
    /// Read the data of one event.
    ///
    /// # Errors
    /// What is wrong with which field.
    pub(crate) fn read(&mut self, data: &str, out: &mut Vec<Delta>, losses: &mut Vec<Loss>) -> Result<(), Wrong> {
        let event = Object::of_body(data.as_bytes(), "an event of ConverseStream")?;
        let mut left = Vec::new();
        for named in &event.fields {
            match &*named.name {
                "messageStart" => {
                    let message = named.object()?;
                    out.push(Delta::Begin { id: new_id(), model: String::new() });
                    beyond(&message, &[], &mut left);
                }
                "contentBlockStart" => self.start(&named.object()?, out, &mut left)?,
                "contentBlockDelta" => self.delta(&named.object()?, out, &mut left)?,
                "contentBlockStop" => {
                    self.calls.remove(&block(&named.object()?)?);
                }
                "messageStop" => {
                    let stop = named.object()?;
                    let reason = stop.needed("stopReason")?;
                    let finish = finish(&reason.text()?);
                    left.extend(reason.unknown_end(finish));
                    out.push(Delta::Finish { choice: 0, finish, stopped_by: None });
                    beyond(&stop, &["stopReason"], &mut left);
                }
                "metadata" => {
                    let metadata = named.object()?;
                    let used = metadata.find("usage").and_then(|used| usage(used.value));
                    out.extend(used.map(Delta::Usage));
                    beyond(&metadata, &["usage"], &mut left);
                    out.push(Delta::End);
                }
                name if name.ends_with(EXCEPTION) => out.push(Delta::Failed(read_exception(named))),
                // There may be more kinds of events one day.
                _ => left.push(named.loss()),
            }
        }
        losses.extend(self.told.further(dropped(left)));
        Ok(())
    }

    fn start(&mut self, event: &Object<'_>, out: &mut Vec<Delta>, left: &mut Vec<Loss>) -> Result<(), Wrong> {
        let number = block(event)?;
        for start in &event.needed("start")?.object()?.fields {
            if start.name != "toolUse" {
                leave_out(start, left);
                continue;
            }
            let call = start.object()?;
            let index = self.calls_begun;
            if usize::try_from(index).map_or(true, |begun| begun >= LANES_MAX) {
                return Err(Wrong::new("", "the answer has too many calls of tools"));
            }
            self.calls_begun = index.saturating_add(1);
            self.calls.insert(number, index);
            let (id, name) = (call.needed("toolUseId")?.text()?, call.needed("name")?.text()?);
            out.push(Delta::Call { choice: 0, index, id, name });
            call.beyond(&["toolUseId", "name"]).for_each(|field| leave_out(field, left));
        }
        Ok(())
    }

    fn delta(&mut self, event: &Object<'_>, out: &mut Vec<Delta>, left: &mut Vec<Loss>) -> Result<(), Wrong> {
        let number = block(event)?;
        for delta in &event.needed("delta")?.object()?.fields {
            match &*delta.name {
                "text" => {
                    let text = self.text.piece(0, number, delta.text()?);
                    out.extend(text.map(|text| Delta::Text { choice: 0, text }));
                }
                "reasoningContent" => self.reasoning(number, &delta.object()?, out, left)?,
                "toolUse" => {
                    let json = delta.object()?.text("input")?.unwrap_or_default();
                    // Arguments of the provider's own tools belong to no call.
                    let index = self.calls.get(&number).filter(|_| !json.is_empty());
                    out.extend(index.map(|index| Delta::Arguments { choice: 0, index: *index, json }));
                }
                _ => leave_out(delta, left),
            }
        }
        Ok(())
    }

    fn reasoning(
        &mut self,
        number: u32,
        reasoning: &Object<'_>,
        out: &mut Vec<Delta>,
        left: &mut Vec<Loss>,
    ) -> Result<(), Wrong> {
        for field in &reasoning.fields {
            match &*field.name {
                "text" => {
                    let thought = self.thinking.piece(0, number, field.text()?);
                    out.extend(thought.map(|text| Delta::Thinking { choice: 0, text }));
                }
                "signature" => {
                    let signature = Some(field.text()?).filter(|signature| !signature.is_empty());
                    out.extend(signature.map(|signature| Delta::Signature { choice: 0, signature }));
                }
                "redactedContent" => out.push(Delta::SealedThinking { choice: 0, data: field.text()? }),
                _ => leave_out(field, left),
            }
        }
        Ok(())
    }
}

/// The number of the block that an event is about.
fn block(event: &Object<'_>) -> Result<u32, Wrong> {
    event.needed("contentBlockIndex")?.whole()
}

/// Fields that nobody here knows; padding is none.
fn beyond(event: &Object<'_>, known: &[&str], left: &mut Vec<Loss>) {
    let unknown = event.beyond(known).filter(|field| field.name != "p" && !USUAL.contains(&&*field.name));
    unknown.for_each(|field| leave_out(field, left));
}

/// An error, the provider's or the gateway's own.
fn read_exception(exception: &Given<'_>) -> Failure {
    let fields = exception.value.fields();
    let own = |name: &str| fields.last(name).and_then(|value| value.text()).map(|text| text.into_owned());
    // In the words that other dialects have for it.
    let kind = match &*exception.name {
        "throttlingException" => "rate_limit_error",
        "validationException" => "invalid_request_error",
        "serviceUnavailableException" => "overloaded_error",
        "modelTimeoutException" => "timeout_error",
        _ => "api_error",
    };
    Failure {
        message: own("message").unwrap_or_default(),
        kind: own("kind").or_else(|| Some(kind.to_owned())),
        // Nobody has looked into it: what is no name is a text that would pass unseen.
        code: own("code").or_else(|| is_name(&exception.name).then(|| exception.name.clone().into_owned())),
        field: own("field"),
        ..Failure::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::{Finish, Usage};
    use crate::dialect::spoilt::spoilt;

    /// As the API sends it, with the names of events in front of what they hold.
    const STREAM: &[&str] = &[
        r#"{"messageStart":{"role":"assistant","p":"abc"}}"#,
        r#"{"contentBlockDelta":{"contentBlockIndex":0,"delta":{"reasoningContent":{"text":"hmm"}}}}"#,
        r#"{"contentBlockDelta":{"contentBlockIndex":0,"delta":{"reasoningContent":{"signature":"seal"}}}}"#,
        r#"{"contentBlockStop":{"contentBlockIndex":0}}"#,
        r#"{"contentBlockDelta":{"contentBlockIndex":1,"delta":{"reasoningContent":{"redactedContent":"AAAA"}}}}"#,
        r#"{"contentBlockDelta":{"contentBlockIndex":2,"delta":{"text":"I look \"it\" up"},"p":"abcd"}}"#,
        r#"{"contentBlockDelta":{"contentBlockIndex":2,"delta":{"text":"\n"}}}"#,
        r#"{"contentBlockStop":{"contentBlockIndex":2}}"#,
        r#"{"contentBlockStart":{"contentBlockIndex":3,"start":{"toolUse":{"toolUseId":"t1","name":"weather"}}}}"#,
        r#"{"contentBlockDelta":{"contentBlockIndex":3,"delta":{"toolUse":{"input":"{\"city\":"}}}}"#,
        r#"{"contentBlockDelta":{"contentBlockIndex":3,"delta":{"toolUse":{"input":"\"Rome\"}"}}}}"#,
        r#"{"contentBlockStop":{"contentBlockIndex":3}}"#,
        r#"{"messageStop":{"stopReason":"tool_use"}}"#,
        r#"{"metadata":{"usage":{"inputTokens":5,"outputTokens":7,"totalTokens":12},"metrics":{"latencyMs":9}}}"#,
    ];

    fn read(events: &[&str]) -> (Vec<Delta>, Vec<String>) {
        let (mut reader, mut out, mut losses) = (DeltaReader::default(), Vec::new(), Vec::new());
        events.iter().for_each(|event| reader.read(event, &mut out, &mut losses).unwrap());
        assert!(losses.iter().all(|loss| loss.is_harmless), "{losses:?}");
        (out, losses.into_iter().map(|loss| loss.field).collect())
    }

    fn said(text: &str) -> Delta {
        Delta::Text { choice: 0, text: text.to_owned() }
    }

    #[test]
    fn a_stream_is_read_with_all_that_it_says() {
        let (deltas, losses) = read(STREAM);
        assert_eq!(losses, Vec::<String>::new());
        assert!(matches!(&deltas[0], Delta::Begin { id, .. } if id.starts_with("msg_")));
        let arguments = |json: &str| Delta::Arguments { choice: 0, index: 0, json: json.to_owned() };
        let expected = [
            Delta::Thinking { choice: 0, text: "hmm".to_owned() },
            Delta::Signature { choice: 0, signature: "seal".to_owned() },
            Delta::SealedThinking { choice: 0, data: "AAAA".to_owned() },
            said("I look \"it\" up"),
            said("\n"),
            Delta::Call { choice: 0, index: 0, id: "t1".to_owned(), name: "weather".to_owned() },
            arguments("{\"city\":"),
            arguments("\"Rome\"}"),
            Delta::Finish { choice: 0, finish: Finish::ToolCalls, stopped_by: None },
            Delta::Usage(Usage { input_tokens: 5, output_tokens: 7, ..Usage::default() }),
            Delta::End,
        ];
        assert_eq!(deltas[1..], expected);
    }

    #[test]
    fn texts_of_several_blocks_are_apart() {
        let text =
            |block: u32| format!(r#"{{"contentBlockDelta":{{"contentBlockIndex":{block},"delta":{{"text":"a"}}}}}}"#);
        let (deltas, _) = read(&[&text(0), &text(0), &text(2)]);
        assert_eq!(deltas, [said("a"), said("a"), said("\n\na")]);
    }

    #[test]
    fn an_exception_is_a_failure_in_words_that_others_know() {
        for (event, kind, code) in [
            (r#"{"throttlingException":{"message":"m"}}"#, "rate_limit_error", "throttlingException"),
            (r#"{"modelStreamErrorException":{"message":"m"}}"#, "api_error", "modelStreamErrorException"),
            (r#"{"gatewayException":{"message":"m","kind":"guardrail_denied","code":"c"}}"#, "guardrail_denied", "c"),
        ] {
            let (deltas, _) = read(&[event]);
            let [Delta::Failed(failure)] = &*deltas else { panic!("{deltas:?}") };
            assert_eq!((&*failure.message, failure.kind.as_deref()), ("m", Some(kind)));
            assert_eq!(failure.code.as_deref(), Some(code));
        }
    }

    #[test]
    fn a_text_in_the_place_of_an_exceptions_name_does_not_pass() {
        for name in ["a secret Exception", "modelStreamErr\u{feff}orException"] {
            let (deltas, _) = read(&[&format!("{{\"{name}\":{{\"message\":\"m\"}}}}")]);
            let [Delta::Failed(failure)] = &*deltas else { panic!("{deltas:?}") };
            assert_eq!((&*failure.message, failure.code.as_deref()), ("m", None));
        }
    }

    #[test]
    fn calls_are_counted_to_a_limit_and_no_event_can_panic() {
        let call = r#"{"contentBlockStart":{"contentBlockIndex":3,"start":{"toolUse":{"toolUseId":"t","name":"f"}}}}"#;
        let (mut reader, mut out, mut losses) = (DeltaReader::default(), Vec::new(), Vec::new());
        for _ in 0..LANES_MAX {
            reader.read(call, &mut out, &mut losses).unwrap();
        }
        assert!(reader.read(call, &mut out, &mut losses).is_err());
        for event in STREAM.iter().flat_map(|event| spoilt(event)) {
            let _ = DeltaReader::default().read(&event, &mut Vec::new(), &mut Vec::new());
        }
    }

    #[test]
    fn what_has_no_counterpart_is_told_once() {
        let event = r#"{"contentBlockDelta":{"contentBlockIndex":0,"delta":{"citation":{"title":"b"}}}}"#;
        let (_, losses) = read(&[event, event, r#"{"brandNew":{}}"#]);
        assert_eq!(losses, ["contentBlockDelta.delta.citation", "brandNew"]);
    }
}
