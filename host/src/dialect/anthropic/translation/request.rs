//! A request for a message: read from callers of this dialect, and written in it for a target that speaks it.

use super::{leave_out, read_content};
use crate::dialect::conversation::{Conversation, Feature, Format, Loss, Reasoning, Speaker, Tool, ToolChoice, Turn};
use crate::dialect::document::Wrong;
use crate::dialect::given::{Given, Object};

/// What the features of a request are called here.
const FEATURES: &[(Feature, &str)] = &[
    (Feature::ToolChoice, "tool_choice"),
    (Feature::TokensMax, "max_tokens"),
    (Feature::Temperature, "temperature"),
    (Feature::TopP, "top_p"),
    (Feature::TopK, "top_k"),
    (Feature::Stop, "stop_sequences"),
    (Feature::Format, "output_format"),
    (Feature::Reasoning, "thinking"),
];

/// Read a request.
///
/// # Errors
/// What is wrong with which field.
pub(crate) fn parse_request(body: &[u8], losses: &mut Vec<Loss>) -> Result<Conversation, Wrong> {
    let request = Object::of_body(body, "a request for a message")?;
    if request.find("max_tokens").is_none() {
        return Err(Wrong::new("max_tokens", "is missing; say how many tokens the answer may have"));
    }
    read_conversation(&request, losses)
}

/// Read a request to count the tokens of a conversation, which need not say how long an answer may be.
///
/// # Errors
/// What is wrong with which field.
pub(crate) fn parse_count(body: &[u8], losses: &mut Vec<Loss>) -> Result<Conversation, Wrong> {
    read_conversation(&Object::of_body(body, "a request to count tokens")?, losses)
}

fn read_conversation(request: &Object<'_>, losses: &mut Vec<Loss>) -> Result<Conversation, Wrong> {
    // Streams of this dialect always tell what was used.
    let mut to = Conversation { streams_usage: true, ..Conversation::default() };
    for name in ["model", "messages"] {
        request.needed(name)?;
    }
    // They come first in the conversation, wherever the caller has written them.
    if let Some(system) = request.find("system") {
        let parts = read_content(system, losses)?;
        to.turns.push(Turn { speaker: Speaker::System, name: None, parts, at: system.path() });
    }
    for field in &request.fields {
        to.fields.extend(FEATURES.iter().filter(|(_, name)| field.name == *name));
        read_field(&mut to, field, losses)?;
    }
    if let Some(thinking) = request.find("thinking") {
        read_thinking(&mut to, &thinking.object()?, losses)?;
    }
    Ok(to)
}

fn read_field(to: &mut Conversation, field: &Given<'_>, losses: &mut Vec<Loss>) -> Result<(), Wrong> {
    match &*field.name {
        // Where they stand does not matter.
        "system" | "thinking" => {}
        "model" => to.model = field.text()?,
        "messages" => to.turns.extend(read_turns(field, losses)?),
        "stream" => to.streaming = field.flag()?,
        "max_tokens" => to.tokens_max = Some(field.whole()?),
        "temperature" => to.temperature = Some(field.number()?),
        "top_p" => to.top_p = Some(field.number()?),
        "top_k" => to.top_k = Some(field.whole()?),
        "stop_sequences" => to.stop = field.texts()?,
        "metadata" => {
            for inner in field.object()?.fields {
                match &*inner.name {
                    "user_id" => {
                        to.fields.push((Feature::User, "metadata.user_id"));
                        to.user = Some(inner.text()?);
                    }
                    _ => leave_out(&inner, losses),
                }
            }
        }
        "tools" => {
            for tool in field.items()? {
                to.tools.extend(read_tool(&tool.object()?, losses)?);
            }
        }
        "tool_choice" => read_tool_choice(to, field, losses)?,
        "output_config" => {
            for inner in field.object()?.fields {
                match &*inner.name {
                    "effort" => {
                        to.fields.push((Feature::Reasoning, "output_config.effort"));
                        to.reasoning = Some(Reasoning::Effort(inner.text()?));
                    }
                    "format" => {
                        to.fields.push((Feature::Format, "output_config.format"));
                        read_format(to, &inner, losses)?;
                    }
                    _ => leave_out(&inner, losses),
                }
            }
        }
        // As it was called at first.
        "output_format" => read_format(to, field, losses)?,
        "service_tier" if field.value.source() == "\"auto\"" => {}
        _ => leave_out(field, losses),
    }
    Ok(())
}

fn read_turns(messages: &Given<'_>, losses: &mut Vec<Loss>) -> Result<Vec<Turn>, Wrong> {
    let mut turns = Vec::new();
    for message in messages.items()? {
        let message = message.object()?;
        let role = message.needed("role")?;
        let speaker = match &*role.text()? {
            "user" => Speaker::User,
            "assistant" => Speaker::Assistant,
            // Newer models take instructions in the middle.
            "system" => Speaker::System,
            _ => return Err(role.wrong("must be one of user, assistant, system")),
        };
        let parts = read_content(message.needed("content")?, losses)?;
        for field in message.beyond(&["role", "content"]) {
            leave_out(field, losses);
        }
        turns.push(Turn { speaker, name: None, parts, at: message.path() });
    }
    Ok(turns)
}

fn read_tool(from: &Object<'_>, losses: &mut Vec<Loss>) -> Result<Option<Tool>, Wrong> {
    // The others are the provider's own.
    if let Some(kind) = from.find("type")
        && kind.text()? != "custom"
    {
        losses.push(kind.loss());
        return Ok(None);
    }
    let mut tool = Tool { name: from.needed("name")?.text()?, description: None, schema: None, strict: None };
    for field in &from.fields {
        match &*field.name {
            "type" | "name" => {}
            "description" => tool.description = Some(field.text()?),
            "input_schema" => tool.schema = Some(field.source()?),
            "strict" => tool.strict = Some(field.flag()?),
            _ => leave_out(field, losses),
        }
    }
    Ok(Some(tool))
}

fn read_tool_choice(to: &mut Conversation, choice: &Given<'_>, losses: &mut Vec<Loss>) -> Result<(), Wrong> {
    let choice = choice.object()?;
    let kind = choice.needed("type")?;
    to.tool_choice = Some(match &*kind.text()? {
        "auto" => ToolChoice::Auto,
        "any" => ToolChoice::Required,
        "tool" => ToolChoice::Named(choice.needed("name")?.text()?),
        "none" => ToolChoice::None,
        _ => return Err(kind.wrong("must be one of auto, any, tool, none")),
    });
    for field in &choice.fields {
        match &*field.name {
            "type" | "name" => {}
            "disable_parallel_tool_use" => {
                to.fields.push((Feature::ParallelCalls, "tool_choice.disable_parallel_tool_use"));
                to.parallel_calls = field.flag()?.then_some(false);
            }
            _ => leave_out(field, losses),
        }
    }
    Ok(())
}

/// An effort says more than that the model may think as it finds right. Beside a bound there is room for one alone.
fn read_thinking(to: &mut Conversation, thinking: &Object<'_>, losses: &mut Vec<Loss>) -> Result<(), Wrong> {
    let kind = thinking.needed("type")?;
    let reasoning = match &*kind.text()? {
        "enabled" => Reasoning::Budget(thinking.needed("budget_tokens")?.whole()?),
        "disabled" => Reasoning::Off,
        "adaptive" => Reasoning::Adaptive,
        _ => {
            losses.push(kind.loss());
            return Ok(());
        }
    };
    for field in thinking.beyond(&["type", "budget_tokens"]) {
        match &*field.name {
            "display" => losses.push(field.harmless("says what is shown of thoughts, not which")),
            _ => leave_out(field, losses),
        }
    }
    if to.reasoning.is_none() {
        to.reasoning = Some(reasoning);
    } else if reasoning != Reasoning::Adaptive {
        losses.push(Loss::new("output_config.effort", "thinking says already how much"));
        to.reasoning = Some(reasoning);
    }
    Ok(())
}

fn read_format(to: &mut Conversation, format: &Given<'_>, losses: &mut Vec<Loss>) -> Result<(), Wrong> {
    let from = format.object()?;
    let kind = from.needed("type")?;
    if kind.text()? != "json_schema" {
        losses.push(kind.loss());
        return Ok(());
    }
    for field in from.beyond(&["type", "schema"]) {
        leave_out(field, losses);
    }
    let schema = from.needed("schema")?.source()?;
    // The provider holds the model to it.
    let schema = Format::Schema { name: None, schema, strict: Some(true) };
    if to.format.replace(schema).is_some() {
        return Err(format.wrong("must be the only one of output_format and output_config.format"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::tests::spoilt;
    use super::*;
    use crate::dialect::anthropic::translation::write_request;

    /// With everything that the dialect can say, as this gateway would write it.
    const GOLDEN: &str = r#"{
        "model": "large",
        "max_tokens": 300,
        "system": "you are a travel agent",
        "messages": [
            {"role": "user", "content": [
                {"type": "text", "text": "what is the weather here, and at home?"},
                {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBO"}},
                {"type": "image", "source": {"type": "url", "url": "https://example.com/rome.jpg"}},
                {"type": "image", "source": {"type": "file", "file_id": "file_1"}},
                {"type": "document", "title": "plan",
                    "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBE"}},
                {"type": "document", "source": {"type": "url", "url": "https://example.com/plan.pdf"}}]},
            {"role": "assistant", "content": [
                {"type": "thinking", "thinking": "two cities", "signature": "seal"},
                {"type": "redacted_thinking", "data": "AAAA"},
                {"type": "text", "text": "I look it up"},
                {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {"city": "Rome"}},
                {"type": "tool_use", "id": "toolu_2", "name": "weather", "input": {}}]},
            {"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": "toolu_1", "content": [
                    {"type": "text", "text": "sunny"},
                    {"type": "image", "source": {"type": "url", "url": "https://example.com/sun.png"}}]},
                {"type": "tool_result", "tool_use_id": "toolu_2", "is_error": true,
                    "content": [{"type": "text", "text": "which city?"}]},
                {"type": "text", "text": "as JSON please"}]}],
        "tools": [
            {"name": "weather", "description": "of a city", "strict": true,
                "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}}},
            {"name": "now", "input_schema": {"type": "object"}}],
        "tool_choice": {"type": "tool", "name": "weather", "disable_parallel_tool_use": true},
        "temperature": 0.5,
        "top_p": 0.25,
        "top_k": 40,
        "stop_sequences": ["END"],
        "thinking": {"type": "enabled", "budget_tokens": 200},
        "output_config": {"format": {"type": "json_schema", "schema": {"type": "object"}}},
        "metadata": {"user_id": "ann-17"},
        "stream": true
    }"#;

    fn parsed(body: &[u8]) -> Conversation {
        let mut losses = Vec::new();
        let conversation = parse_request(body, &mut losses).unwrap();
        assert_eq!(losses, []);
        // They are in the order of the body.
        Conversation { fields: Vec::new(), ..conversation }
    }

    /// A request with these fields beside those that it must have.
    fn asks(fields: &str) -> String {
        format!(r#"{{"model":"m","max_tokens":9,"messages":[{{"role":"user","content":"hi"}}]{fields}}}"#)
    }

    fn asked(fields: &str) -> Conversation {
        parsed(asks(fields).as_bytes())
    }

    fn json(body: &[u8]) -> serde_json::Value {
        serde_json::from_slice(body).unwrap()
    }

    #[test]
    fn a_conversation_with_everything_comes_back_as_it_was() {
        let conversation = parsed(GOLDEN.as_bytes());
        let mut losses = Vec::new();
        let written = write_request(&conversation, "large", &mut losses).unwrap();
        assert!(losses.is_empty(), "{losses:?}");
        assert_eq!(json(&written), json(GOLDEN.as_bytes()));
        assert_eq!(parsed(&written), conversation);
    }

    #[test]
    fn a_conversation_is_read_in_its_order_with_instructions_first() {
        let conversation = parsed(GOLDEN.as_bytes());
        let turns = conversation.turns.iter();
        let shape: Vec<_> = turns.map(|turn| (turn.speaker, turn.at.as_str(), turn.parts.len())).collect();
        let expected = [
            (Speaker::System, "system", 1),
            (Speaker::User, "messages[0]", 6),
            (Speaker::Assistant, "messages[1]", 5),
            (Speaker::User, "messages[2]", 3),
        ];
        assert_eq!(shape, expected);
        assert!(conversation.streaming && conversation.streams_usage);
    }

    #[test]
    fn each_feature_has_the_name_that_the_caller_knows_it_by() {
        let fields = parse_request(GOLDEN.as_bytes(), &mut Vec::new()).unwrap().fields;
        for expected in [
            (Feature::ToolChoice, "tool_choice"),
            (Feature::ParallelCalls, "tool_choice.disable_parallel_tool_use"),
            (Feature::TokensMax, "max_tokens"),
            (Feature::Temperature, "temperature"),
            (Feature::TopP, "top_p"),
            (Feature::TopK, "top_k"),
            (Feature::Stop, "stop_sequences"),
            (Feature::Format, "output_config.format"),
            (Feature::Reasoning, "thinking"),
            (Feature::User, "metadata.user_id"),
        ] {
            assert!(fields.contains(&expected), "{expected:?}");
        }
    }

    #[test]
    fn how_much_to_think_is_read_wherever_it_stands() {
        let effort = |word: &str| Some(Reasoning::Effort(word.to_owned()));
        for (fields, expected) in [
            ("", None),
            (r#","thinking":null"#, None),
            (r#","thinking":{"type":"disabled"}"#, Some(Reasoning::Off)),
            (r#","thinking":{"type":"enabled","budget_tokens":1024}"#, Some(Reasoning::Budget(1024))),
            (r#","thinking":{"type":"adaptive"}"#, Some(Reasoning::Adaptive)),
            (r#","output_config":{"effort":"low"}"#, effort("low")),
            (r#","thinking":{"type":"adaptive"},"output_config":{"effort":"max"}"#, effort("max")),
            (r#","output_config":{"effort":"max"},"thinking":{"type":"adaptive"}"#, effort("max")),
        ] {
            assert_eq!(asked(fields).reasoning, expected, "{fields}");
        }
    }

    #[test]
    fn what_has_no_counterpart_is_named() {
        for (fields, expected) in [
            (r#","service_tier":"auto""#, None),
            (r#","service_tier":"standard_only""#, Some("service_tier")),
            (r#","container":"c""#, Some("container")),
            (r#","mcp_servers":[{"url":"a"}]"#, Some("mcp_servers")),
            (r#","mcp_servers":[]"#, None),
            (r#","metadata":{"team":"a"}"#, Some("metadata.team")),
            (r#","tools":[{"type":"web_search_20250305","name":"web_search"}]"#, Some("tools[0].type")),
            (r#","tools":[{"type":"custom","name":"f"}]"#, None),
            (r#","tools":[{"name":"f","defer_loading":true}]"#, Some("tools[0].defer_loading")),
            (r#","thinking":{"type":"between_tools"}"#, Some("thinking.type")),
            (r#","thinking":{"type":"disabled"},"output_config":{"effort":"low"}"#, Some("output_config.effort")),
            (r#","output_config":{"task_budget":{"total":1}}"#, Some("output_config.task_budget")),
            (r#","output_format":{"type":"grammar","grammar":"a"}"#, Some("output_format.type")),
        ] {
            let mut losses = Vec::new();
            parse_request(asks(fields).as_bytes(), &mut losses).unwrap();
            let told: Vec<_> = losses.iter().map(|loss| loss.field.as_str()).collect();
            assert_eq!(told, expected.into_iter().collect::<Vec<_>>(), "{fields}");
            assert!(losses.iter().all(|loss| !loss.is_harmless), "{fields}");
        }
        for (fields, expected) in [
            (r#","cache_control":{"type":"ephemeral"}"#, "cache_control"),
            (r#","tools":[{"name":"f","cache_control":{"type":"ephemeral"}}]"#, "tools[0].cache_control"),
            (r#","thinking":{"type":"adaptive","display":"omitted"}"#, "thinking.display"),
        ] {
            let mut losses = Vec::new();
            parse_request(asks(fields).as_bytes(), &mut losses).unwrap();
            assert_eq!(losses.len(), 1, "{fields}");
            assert_eq!(losses[0].field, expected);
            assert!(losses[0].is_harmless && losses[0].why.starts_with(""), "{fields}");
        }
    }

    #[test]
    fn a_request_that_is_wrong_is_refused_with_the_field() {
        for (body, field) in [
            ("", ""),
            ("null", ""),
            (r#"{"max_tokens":9,"messages":[]}"#, "model"),
            (r#"{"model":"m","max_tokens":9}"#, "messages"),
            (r#"{"model":"m","messages":[]}"#, "max_tokens"),
            (r#"{"model":"m","messages":[],"max_tokens":null}"#, "max_tokens"),
            (r#"{"model":"m","messages":[],"max_tokens":9,"max_tokens":9}"#, "max_tokens"),
        ] {
            let wrong = parse_request(body.as_bytes(), &mut Vec::new()).unwrap_err();
            assert_eq!(wrong.field, field, "{body}: {}", wrong.message);
        }
        assert!(parse_request(b"{\"model\":\"\xff\"}", &mut Vec::new()).is_err());
        for (fields, field) in [
            (r#","system":3"#, "system"),
            (r#","stream":"yes""#, "stream"),
            (r#","temperature":"hot""#, "temperature"),
            (r#","temperature":1e999"#, "temperature"),
            (r#","top_k":-1"#, "top_k"),
            (r#","stop_sequences":"END""#, "stop_sequences"),
            (r#","stop_sequences":["END",3]"#, "stop_sequences[1]"),
            (r#","metadata":{"user_id":3}"#, "metadata.user_id"),
            (r#","tools":{}"#, "tools"),
            (r#","tools":[{}]"#, "tools[0].name"),
            (r#","tools":[{"name":"f","input_schema":"{}"}]"#, "tools[0].input_schema"),
            (r#","tool_choice":"auto""#, "tool_choice"),
            (r#","tool_choice":{"type":"some"}"#, "tool_choice.type"),
            (r#","tool_choice":{"type":"tool"}"#, "tool_choice.name"),
            (r#","thinking":{"type":"enabled"}"#, "thinking.budget_tokens"),
            (r#","output_config":{"effort":3}"#, "output_config.effort"),
            (r#","output_config":{"format":{"type":"json_schema"}}"#, "output_config.format.schema"),
            (r#","output_format":{"type":"json_schema","schema":[]}"#, "output_format.schema"),
        ] {
            let wrong = parse_request(asks(fields).as_bytes(), &mut Vec::new()).unwrap_err();
            assert_eq!(wrong.field, field, "{fields}: {}", wrong.message);
        }
    }

    #[test]
    fn no_request_can_panic() {
        for body in spoilt(GOLDEN) {
            let Ok(conversation) = parse_request(body.as_bytes(), &mut Vec::new()) else { continue };
            let written = write_request(&conversation, "large", &mut Vec::new());
            let says_nothing = conversation.turns.iter().all(|turn| turn.speaker == Speaker::System);
            assert!(written.is_ok() || says_nothing, "{body}: {written:?}");
        }
    }
}
