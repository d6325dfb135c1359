//! A whole answer, read for callers of another dialect.

use super::{USUAL, dropped, leave_out, new_id};
use crate::dialect::bedrock::answer::{finish, usage};
use crate::dialect::conversation::{Call, Choice, Loss, Part, Reply};
use crate::dialect::document::Wrong;
use crate::dialect::given::{Given, Object};

/// Read a whole answer.
///
/// # Errors
/// What is missing or of the wrong type.
pub(crate) fn parse_answer(body: &[u8], losses: &mut Vec<Loss>) -> Result<Reply, Wrong> {
    let answer = Object::of_body(body, "an answer of Converse")?;
    let message = answer.needed("output")?.object()?.needed("message")?.object()?;
    let (mut choice, mut left) = (Choice::default(), Vec::new());
    let mut reply = Reply { id: new_id(), ..Reply::default() };
    for block in message.needed("content")?.items()? {
        read_block(&block.object()?, &mut choice.parts, &mut left)?;
    }
    message.beyond(USUAL).filter(|field| field.name != "content").for_each(|field| leave_out(field, &mut left));
    for field in answer.beyond(USUAL).filter(|field| field.name != "output") {
        match &*field.name {
            "stopReason" => {
                let finish = finish(&field.text()?);
                left.extend(field.unknown_end(finish));
                choice.finish = Some(finish);
            }
            "usage" => reply.usage = usage(field.value),
            _ => leave_out(field, &mut left),
        }
    }
    losses.extend(dropped(left));
    reply.choices.push(choice);
    Ok(reply)
}

fn read_block(block: &Object<'_>, parts: &mut Vec<Part>, left: &mut Vec<Loss>) -> Result<(), Wrong> {
    for field in &block.fields {
        match &*field.name {
            "text" => parts.push(Part::Text(field.text()?)),
            "reasoningContent" => parts.extend(read_reasoning(&field.object()?, left)?),
            "toolUse" => parts.push(read_call(&field.object()?, left)?),
            // What was cited is text as any other; where it was found has no counterpart.
            "citationsContent" => {
                let cited = field.object()?;
                for content in cited.find("content").map(Given::items).transpose()?.unwrap_or_default() {
                    parts.extend(content.object()?.text("text")?.map(Part::Text));
                }
                cited.beyond(&["content"]).for_each(|field| leave_out(field, left));
            }
            _ => leave_out(field, left),
        }
    }
    Ok(())
}

fn read_reasoning(reasoning: &Object<'_>, left: &mut Vec<Loss>) -> Result<Option<Part>, Wrong> {
    reasoning.beyond(&["reasoningText", "redactedContent"]).for_each(|field| leave_out(field, left));
    let Some(thought) = reasoning.find("reasoningText").map(Given::object).transpose()? else {
        return Ok(reasoning.text("redactedContent")?.map(Part::SealedThinking));
    };
    let signature = thought.text("signature")?.filter(|signature| !signature.is_empty());
    Ok(Some(Part::Thinking { text: thought.text("text")?.unwrap_or_default(), signature }))
}

fn read_call(call: &Object<'_>, left: &mut Vec<Loss>) -> Result<Part, Wrong> {
    call.beyond(&["toolUseId", "name", "input"]).for_each(|field| leave_out(field, left));
    let arguments = call.find("input").map(Given::source).transpose()?.unwrap_or_else(|| "{}".to_owned());
    Ok(Part::Call(Call { id: call.needed("toolUseId")?.text()?, name: call.needed("name")?.text()?, arguments }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::{Finish, Usage};
    use crate::dialect::spoilt::spoilt;

    /// As the API's reference writes it.
    const GOLDEN: &str = r#"{"output":{"message":{"role":"assistant","content":[
        {"reasoningContent":{"reasoningText":{"text":"hmm","signature":"seal"}}},
        {"reasoningContent":{"redactedContent":"AAAA"}},
        {"text":"I look it up"},
        {"toolUse":{"toolUseId":"t1","name":"weather","input":{"city":"Rome"}}},
        {"toolUse":{"toolUseId":"t2","name":"now","input":{}}}]}},
        "stopReason":"tool_use","metrics":{"latencyMs":120},
        "usage":{"inputTokens":3,"outputTokens":7,"totalTokens":16,"cacheReadInputTokens":4,"cacheWriteInputTokens":2}}"#;

    fn read(body: &str) -> (Reply, Vec<String>) {
        let mut losses = Vec::new();
        let reply = parse_answer(body.as_bytes(), &mut losses).unwrap();
        assert!(losses.iter().all(|loss| loss.is_harmless), "{losses:?}");
        (reply, losses.into_iter().map(|loss| loss.field).collect())
    }

    #[test]
    fn an_answer_is_read_with_everything() {
        let (reply, losses) = read(GOLDEN);
        assert_eq!(losses, Vec::<String>::new());
        let text = |text: &str| text.to_owned();
        let call = |id: &str, name: &str, arguments: &str| {
            Part::Call(Call { id: text(id), name: text(name), arguments: text(arguments) })
        };
        let parts = [
            Part::Thinking { text: text("hmm"), signature: Some(text("seal")) },
            Part::SealedThinking(text("AAAA")),
            Part::Text(text("I look it up")),
            call("t1", "weather", "{\"city\":\"Rome\"}"),
            call("t2", "now", "{}"),
        ];
        assert_eq!(reply.choices[0].parts, parts);
        assert_eq!(reply.choices[0].finish, Some(Finish::ToolCalls));
        let usage = Usage {
            input_tokens: 9,
            cached_input_tokens: 4,
            cache_write_tokens: 2,
            output_tokens: 7,
            reasoning_tokens: 0,
        };
        assert_eq!(reply.usage, Some(usage));
        assert!(reply.id.starts_with("msg_"));
    }

    #[test]
    fn what_was_cited_is_text_and_the_rest_is_told() {
        let (reply, losses) = read(
            r#"{"output":{"message":{"role":"assistant","content":[{"citationsContent":{"content":[{"text":"a"}],
            "citations":[{"title":"b"}]}},{"image":{"format":"png"}}]}},"stopReason":"end_turn","trace":{"a":1}}"#,
        );
        assert_eq!(reply.choices[0].parts, [Part::Text("a".to_owned())]);
        let expected =
            ["output.message.content[0].citationsContent.citations", "output.message.content[1].image", "trace"];
        assert_eq!(losses, expected);
    }

    #[test]
    fn what_is_no_answer_is_refused_and_nothing_can_panic() {
        for body in ["{}", r#"{"output":{}}"#, r#"{"output":{"message":{}}}"#, "[]", "x"] {
            assert!(parse_answer(body.as_bytes(), &mut Vec::new()).is_err(), "{body}");
        }
        for body in spoilt(GOLDEN) {
            let _ = parse_answer(body.as_bytes(), &mut Vec::new());
        }
    }
}
