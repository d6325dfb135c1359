//! A request for a chat completion, to and from the conversation that it is about.

use super::{call, is_function, is_usual};
use crate::dialect::conversation::{
    Call, Conversation, Feature, Format, Loss, Media, Part, Reasoning, Source, Speaker, Tool, ToolChoice, ToolResult,
    Turn,
};
use crate::dialect::document::Wrong;
use crate::dialect::given::{Given, NO_COUNTERPART, Object};
use crate::dialect::media::{inline, read_url};
use crate::dialect::raw::Kind;

/// What the features of a request are called here.
const FEATURES: &[(Feature, &str)] = &[
    (Feature::ToolChoice, "tool_choice"),
    (Feature::ParallelCalls, "parallel_tool_calls"),
    (Feature::TokensMax, "max_completion_tokens"),
    (Feature::TokensMax, "max_tokens"),
    (Feature::Temperature, "temperature"),
    (Feature::TopP, "top_p"),
    (Feature::TopK, "top_k"),
    (Feature::Seed, "seed"),
    (Feature::PresencePenalty, "presence_penalty"),
    (Feature::FrequencyPenalty, "frequency_penalty"),
    (Feature::Stop, "stop"),
    (Feature::Choices, "n"),
    (Feature::Format, "response_format"),
    (Feature::Reasoning, "reasoning_effort"),
    (Feature::User, "user"),
    (Feature::User, "safety_identifier"),
];

/// Read a request.
///
/// # Errors
/// What is wrong with which field.
pub(crate) fn parse_request(body: &[u8], losses: &mut Vec<Loss>) -> Result<Conversation, Wrong> {
    let mut conversation = Conversation::default();
    for field in Object::of_body(body, "a chat completion request")?.fields {
        read_field(&mut conversation, &field, losses)?;
        conversation.fields.extend(FEATURES.iter().filter(|(_, name)| field.name == *name));
    }
    if conversation.model.is_empty() {
        return Err(Wrong::new("model", "is missing; name a model, see GET /v1/models"));
    }
    if conversation.turns.is_empty() {
        return Err(Wrong::new("messages", "is missing or empty; send at least one message"));
    }
    Ok(conversation)
}

fn read_field(to: &mut Conversation, field: &Given<'_>, losses: &mut Vec<Loss>) -> Result<(), Wrong> {
    match &*field.name {
        "model" => to.model = field.text()?,
        "messages" => to.turns = read_turns(field, losses)?,
        "stream" => to.streaming = field.flag()?,
        "stream_options" => {
            for field in field.object()?.fields {
                match &*field.name {
                    "include_usage" => to.streams_usage = field.flag()?,
                    _ if is_usual(&field) => {}
                    _ => losses.push(Loss::harmless(field.path(), NO_COUNTERPART)),
                }
            }
        }
        "tools" => to.tools = read_tools(field, losses)?,
        "tool_choice" => to.tool_choice = read_tool_choice(field, losses)?,
        "parallel_tool_calls" => to.parallel_calls = Some(field.flag()?),
        "max_completion_tokens" | "max_tokens" => {
            let tokens_max = field.whole()?;
            if to.tokens_max.replace(tokens_max).is_some_and(|other| other != tokens_max) {
                return Err(field.wrong("must be the only one of max_tokens and max_completion_tokens"));
            }
        }
        "temperature" => to.temperature = Some(field.number()?),
        "top_p" => to.top_p = Some(field.number()?),
        // Nothing and less mean all.
        "top_k" => to.top_k = u64::try_from(field.whole::<i64>()?).ok().filter(|top_k| *top_k != 0),
        "seed" => to.seed = Some(field.whole()?),
        "presence_penalty" => to.presence_penalty = Some(field.number()?).filter(|penalty| *penalty != 0.0),
        "frequency_penalty" => to.frequency_penalty = Some(field.number()?).filter(|penalty| *penalty != 0.0),
        "stop" => to.stop = read_stop(field)?,
        "n" => to.choices = Some(field.whole::<u32>()?).filter(|choices| *choices != 1),
        "response_format" => to.format = read_format(field, losses)?,
        "reasoning_effort" => {
            let effort = field.text()?;
            to.reasoning = Some(if effort == "none" { Reasoning::Off } else { Reasoning::Effort(effort) });
        }
        "user" | "safety_identifier" => {
            let user = field.text()?;
            match &to.user {
                Some(other) if *other != user => losses.push(Loss::harmless(field.path(), "names the user once more")),
                _ => to.user = Some(user),
            }
        }
        _ if is_usual(field) => {}
        // None of these changes what is answered.
        "metadata" | "prompt_cache_key" | "prompt_cache_retention" | "prompt_cache_options" | "prediction" => {
            losses.push(Loss::harmless(field.path(), NO_COUNTERPART));
        }
        _ => losses.push(field.loss()),
    }
    Ok(())
}

fn read_turns(messages: &Given<'_>, losses: &mut Vec<Loss>) -> Result<Vec<Turn>, Wrong> {
    let mut turns: Vec<Turn> = Vec::new();
    for message in messages.items()? {
        let message = message.object()?;
        let role = message.needed("role")?;
        let at = message.path();
        let speaker = match &*role.text()? {
            "system" | "developer" => Speaker::System,
            "user" => Speaker::User,
            "assistant" => Speaker::Assistant,
            "tool" => {
                let result = Part::Result(read_result(&message, losses)?);
                match turns.last_mut() {
                    // Results of parallel calls belong together.
                    Some(turn) if matches!(turn.parts.last(), Some(Part::Result(_))) => turn.parts.push(result),
                    _ => turns.push(Turn { speaker: Speaker::User, name: None, parts: vec![result], at }),
                }
                continue;
            }
            "function" => {
                losses.push(role.loss());
                continue;
            }
            _ => return Err(role.wrong("must be one of system, developer, user, assistant, tool")),
        };
        let name = message.text("name")?;
        let parts = match speaker {
            Speaker::Assistant => spoken(&message, losses)?,
            Speaker::System | Speaker::User => read_message(&message, losses)?,
        };
        if parts.iter().any(|part| matches!(part, Part::Call(call) if call.id.is_empty())) {
            return Err(Wrong::new(format!("{at}.tool_calls"), "must each have an id"));
        }
        turns.push(Turn { speaker, name, parts, at });
    }
    Ok(turns)
}

fn read_message(message: &Object<'_>, losses: &mut Vec<Loss>) -> Result<Vec<Part>, Wrong> {
    let mut parts = Vec::new();
    for field in &message.fields {
        match &*field.name {
            "role" | "name" => {}
            "content" => parts = read_parts(field, losses)?,
            _ if is_usual(field) => {}
            _ => losses.push(field.loss()),
        }
    }
    Ok(parts)
}

fn read_result(message: &Object<'_>, losses: &mut Vec<Loss>) -> Result<ToolResult, Wrong> {
    let id = message.needed("tool_call_id")?;
    let mut result = ToolResult { id: id.text()?, name: None, parts: Vec::new(), is_error: false };
    for field in &message.fields {
        match &*field.name {
            "role" | "tool_call_id" => {}
            "name" => result.name = Some(field.text()?),
            "content" => result.parts = read_parts(field, losses)?,
            _ if is_usual(field) => {}
            _ => losses.push(field.loss()),
        }
    }
    Ok(result)
}

/// What an assistant says, in a message of a request or of an answer: thoughts, then words, then calls.
pub(super) fn spoken(message: &Object<'_>, losses: &mut Vec<Loss>) -> Result<Vec<Part>, Wrong> {
    let (mut parts, mut words, mut refusal, mut calls) = (Vec::new(), Vec::new(), None, Vec::new());
    for field in &message.fields {
        match &*field.name {
            "role" | "name" => {}
            "reasoning_content" | "reasoning" => {
                let thinking = Part::Thinking { text: field.text()?, signature: None };
                // Some servers tell the same thoughts under both names.
                if field.value.source() != "\"\"" && !parts.contains(&thinking) {
                    parts.push(thinking);
                }
            }
            "content" => words = read_parts(field, losses)?,
            "refusal" => refusal = Some(field.text()?).filter(|refusal| !refusal.is_empty()).map(Part::Refusal),
            "tool_calls" => {
                for item in field.items()? {
                    calls.extend(read_call(&item, losses)?.map(Part::Call));
                }
            }
            _ if is_usual(field) => {}
            // Callers send back what an answer had, and no model is given it again.
            "annotations" | "reasoning_details" => losses.push(Loss::harmless(field.path(), NO_COUNTERPART)),
            _ => losses.push(field.loss()),
        }
    }
    parts.extend(words);
    parts.extend(refusal);
    parts.extend(calls);
    Ok(parts)
}

fn read_call(item: &Given<'_>, losses: &mut Vec<Loss>) -> Result<Option<Call>, Wrong> {
    let call = call(&item.object()?, losses)?;
    if call.as_ref().is_some_and(|call| call.name.is_empty()) {
        return Err(Wrong::new(format!("{}.function.name", item.path()), "is missing"));
    }
    Ok(call)
}

/// A content: a string, or a list of parts.
pub(super) fn read_parts(content: &Given<'_>, losses: &mut Vec<Loss>) -> Result<Vec<Part>, Wrong> {
    content.parts(|part| read_part(part, losses))
}

pub(super) fn read_part(from: &Object<'_>, losses: &mut Vec<Loss>) -> Result<Option<Part>, Wrong> {
    let kind = from.needed("type")?;
    let named = kind.text()?;
    if !matches!(&*named, "text" | "refusal" | "image_url" | "input_audio" | "file") {
        losses.push(kind.loss());
        return Ok(None);
    }
    let mut part = None;
    for field in &from.fields {
        // A part has what it is about in the field that is called like its type.
        if field.name != named {
            let is_lost = field.name != "type" && !is_usual(field);
            losses.extend(is_lost.then(|| field.loss()));
            continue;
        }
        part = Some(match &*named {
            "text" => Part::Text(field.text()?),
            "refusal" => Part::Refusal(field.text()?),
            "image_url" => Part::Image(read_image(field, losses)?),
            "input_audio" => Part::Audio(read_audio(field, losses)?),
            _ => Part::File(read_file(field, losses)?),
        });
    }
    part.map(Some).ok_or_else(|| from.missing(&named))
}

fn read_image(image: &Given<'_>, losses: &mut Vec<Loss>) -> Result<Media, Wrong> {
    let image = image.object()?;
    let mut source = None;
    for field in &image.fields {
        match &*field.name {
            "url" => source = Some(read_url(field)?),
            _ if is_usual(field) => {}
            _ => losses.push(field.loss()),
        }
    }
    let source = source.ok_or_else(|| image.missing("url"))?;
    Ok(Media { source, name: None })
}

fn read_audio(audio: &Given<'_>, losses: &mut Vec<Loss>) -> Result<Media, Wrong> {
    let audio = audio.object()?;
    let (mut data, mut format) = (None, None);
    for field in &audio.fields {
        match &*field.name {
            "data" => data = Some(field.text()?),
            "format" => format = Some(field),
            _ if is_usual(field) => {}
            _ => losses.push(field.loss()),
        }
    }
    let base64 = data.ok_or_else(|| audio.missing("data"))?;
    let field = format.ok_or_else(|| audio.missing("format"))?;
    let media_type = match &*field.text()? {
        "mp3" => "audio/mpeg".to_owned(),
        format => format!("audio/{format}"),
    };
    Ok(Media { source: inline(field, media_type, base64)?, name: None })
}

fn read_file(file: &Given<'_>, losses: &mut Vec<Loss>) -> Result<Media, Wrong> {
    /// What `%PDF` is in Base64. Most servers take the data of a document without its media type.
    const PDF: &str = "JVBER";
    let file = file.object()?;
    let (mut source, mut name) = (None, None);
    for field in &file.fields {
        let said = match &*field.name {
            "file_data" => match read_url(field)? {
                Source::Url(data) if data.starts_with(PDF) => {
                    Source::Inline { media_type: "application/pdf".to_owned(), base64: data }
                }
                Source::Url(_) => return Err(field.wrong("must be a data URL, as data:application/pdf;base64,JVBERi0")),
                inline => inline,
            },
            "file_id" => Source::Uploaded(field.text()?),
            "filename" => {
                name = Some(field.text()?);
                continue;
            }
            _ => {
                losses.extend((!is_usual(field)).then(|| field.loss()));
                continue;
            }
        };
        if source.replace(said).is_some() {
            return Err(field.wrong("must be the only one of file_data and file_id"));
        }
    }
    let source = source.ok_or_else(|| file.missing("file_data"))?;
    Ok(Media { source, name })
}

fn read_tools(tools: &Given<'_>, losses: &mut Vec<Loss>) -> Result<Vec<Tool>, Wrong> {
    let mut read = Vec::new();
    for item in tools.items()? {
        let item = item.object()?;
        if !is_function(&item, losses)? {
            continue;
        }
        let function = item.needed("function")?;
        let unknown = item.beyond(&["type", "function"]).filter(|field| !is_usual(field));
        losses.extend(unknown.map(Given::loss));
        read.push(read_tool(function, losses)?);
    }
    Ok(read)
}

fn read_tool(function: &Given<'_>, losses: &mut Vec<Loss>) -> Result<Tool, Wrong> {
    let function = function.object()?;
    let mut tool = Tool { name: String::new(), description: None, schema: None, strict: None };
    for field in &function.fields {
        match &*field.name {
            "name" => tool.name = field.text()?,
            "description" => tool.description = Some(field.text()?),
            "parameters" => tool.schema = Some(field.source()?),
            "strict" => tool.strict = Some(field.flag()?),
            _ if is_usual(field) => {}
            _ => losses.push(field.loss()),
        }
    }
    if tool.name.is_empty() {
        return Err(function.missing("name"));
    }
    Ok(tool)
}

fn read_tool_choice(choice: &Given<'_>, losses: &mut Vec<Loss>) -> Result<Option<ToolChoice>, Wrong> {
    if choice.value.kind() == Kind::String {
        return Ok(Some(match &*choice.text()? {
            "auto" => ToolChoice::Auto,
            "none" => ToolChoice::None,
            "required" => ToolChoice::Required,
            _ => return Err(choice.wrong("must be one of auto, none, required, or an object that names a function")),
        }));
    }
    let from = choice.object()?;
    if !is_function(&from, losses)? {
        return Ok(None);
    }
    let mut name = None;
    for field in &from.fields {
        match &*field.name {
            "type" => {}
            "function" => name = field.object()?.text("name")?,
            _ if is_usual(field) => {}
            _ => losses.push(field.loss()),
        }
    }
    let name = name.ok_or_else(|| from.missing("function.name"))?;
    Ok(Some(ToolChoice::Named(name)))
}

fn read_stop(stop: &Given<'_>) -> Result<Vec<String>, Wrong> {
    if stop.value.kind() == Kind::String {
        return Ok(vec![stop.text()?]);
    }
    stop.texts()
}

fn read_format(format: &Given<'_>, losses: &mut Vec<Loss>) -> Result<Option<Format>, Wrong> {
    let format = format.object()?;
    let kind = format.needed("type")?;
    let mut read = match &*kind.text()? {
        "text" => Some(Format::Text),
        "json_object" => Some(Format::Json),
        "json_schema" => None,
        _ => {
            losses.push(kind.loss());
            return Ok(None);
        }
    };
    for field in &format.fields {
        match &*field.name {
            "type" => {}
            "json_schema" if read.is_none() => read = Some(read_schema(field, losses)?),
            _ if is_usual(field) => {}
            _ => losses.push(field.loss()),
        }
    }
    read.map(Some).ok_or_else(|| format.missing("json_schema"))
}

fn read_schema(schema: &Given<'_>, losses: &mut Vec<Loss>) -> Result<Format, Wrong> {
    let schema = schema.object()?;
    let (mut name, mut source, mut strict) = (None, None, None);
    for field in &schema.fields {
        match &*field.name {
            "name" => name = Some(field.text()?),
            "schema" => source = Some(field.source()?),
            "strict" => strict = Some(field.flag()?),
            _ if is_usual(field) => {}
            _ => losses.push(field.loss()),
        }
    }
    let schema = source.ok_or_else(|| schema.missing("schema"))?;
    Ok(Format::Schema { name, schema, strict })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::openai::translation::write_request;

    const MESSAGES: &str = r#"[{"role":"user","content":"hi"}]"#;

    fn read(body: &str) -> (Conversation, Vec<Loss>) {
        let mut losses = Vec::new();
        (parse_request(body.as_bytes(), &mut losses).unwrap(), losses)
    }

    /// A request with these fields beside its model and messages.
    fn with(fields: &str) -> String {
        format!(r#"{{"model":"m","messages":{MESSAGES},{fields}}}"#)
    }

    /// A request of this one message.
    fn of(message: &str) -> String {
        format!(r#"{{"model":"m","messages":[{message}]}}"#)
    }

    fn text(text: &str) -> Part {
        Part::Text(text.to_owned())
    }

    fn turn(speaker: Speaker, parts: Vec<Part>) -> Turn {
        Turn { speaker, name: None, parts, at: "messages[0]".to_owned() }
    }

    fn inline(media_type: &str, base64: &str) -> Source {
        Source::Inline { media_type: media_type.to_owned(), base64: base64.to_owned() }
    }

    fn named(losses: &[Loss]) -> Vec<(&str, bool)> {
        losses.iter().map(|loss| (loss.field.as_str(), loss.is_harmless)).collect()
    }

    #[test]
    fn what_an_assistant_said_is_read_in_the_order_of_speech() {
        let (conversation, losses) = read(&of(
            r#"{"role":"assistant","tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{}"}}],
                "refusal":"no","content":[{"type":"text","text":""},{"type":"text","text":"well"}],
                "reasoning":"hmm","reasoning_content":"hmm","audio":null,"annotations":[]}"#,
        ));
        let call = Call { id: "c".to_owned(), name: "f".to_owned(), arguments: "{}".to_owned() };
        let thinking = Part::Thinking { text: "hmm".to_owned(), signature: None };
        let parts = vec![thinking, text("well"), Part::Refusal("no".to_owned()), Part::Call(call)];
        assert_eq!(conversation.turns, [turn(Speaker::Assistant, parts)]);
        assert_eq!(losses, []);
    }

    #[test]
    fn media_are_read_with_what_they_are() {
        for (part, expected) in [
            (
                r#"{"type":"image_url","image_url":{"url":"DATA:image/png;x=y;base64,iVBO","detail":"auto"}}"#,
                Part::Image(Media { source: inline("image/png", "iVBO"), name: None }),
            ),
            (
                r#"{"type":"image_url","image_url":{"url":"https://a/b.png"}}"#,
                Part::Image(Media { source: Source::Url("https://a/b.png".to_owned()), name: None }),
            ),
            (
                r#"{"type":"input_audio","input_audio":{"data":"SUQz","format":"mp3"}}"#,
                Part::Audio(Media { source: inline("audio/mpeg", "SUQz"), name: None }),
            ),
            (
                r#"{"type":"file","file":{"file_data":"JVBERi0","filename":"a.pdf"}}"#,
                Part::File(Media { source: inline("application/pdf", "JVBERi0"), name: Some("a.pdf".to_owned()) }),
            ),
            (
                r#"{"type":"file","file":{"file_id":"file-1"}}"#,
                Part::File(Media { source: Source::Uploaded("file-1".to_owned()), name: None }),
            ),
        ] {
            let (conversation, losses) = read(&of(&format!(r#"{{"role":"user","content":[{part}]}}"#)));
            assert_eq!(conversation.turns[0].parts, [expected], "{part}");
            assert_eq!(losses, [], "{part}");
        }
    }

    #[test]
    fn features_are_read_and_their_names_are_kept() {
        let (conversation, losses) = read(&with(
            r#""max_tokens":5,"max_completion_tokens":5,"top_k":40,"stop":"END","reasoning_effort":"none",
                "safety_identifier":"ann","user":"ann","response_format":{"type":"json_object"},
                "tool_choice":"required""#,
        ));
        assert_eq!(losses, []);
        assert_eq!(conversation.tokens_max, Some(5));
        assert_eq!(conversation.top_k, Some(40));
        assert_eq!(conversation.stop, ["END"]);
        assert_eq!(conversation.reasoning, Some(Reasoning::Off));
        assert_eq!(conversation.user.as_deref(), Some("ann"));
        assert_eq!(conversation.format, Some(Format::Json));
        assert_eq!(conversation.tool_choice, Some(ToolChoice::Required));
        assert_eq!(conversation.loss(Feature::TokensMax, "").field, "max_tokens");
        assert_eq!(conversation.loss(Feature::User, "").field, "safety_identifier");
        assert_eq!(conversation.loss(Feature::Seed, "").field, "");
    }

    #[test]
    fn what_is_so_anyway_is_no_loss() {
        let (conversation, losses) = read(&with(
            r#""store":false,"logprobs":false,"top_logprobs":0,"service_tier":"auto","n":1,"presence_penalty":0,
                "frequency_penalty":0.0,"modalities":["text"],"logit_bias":{},"metadata":{},"verbosity":"medium",
                "temperature":null,"top_k":-1,"functions":[],"function_call":null,"audio":null,
                "stream_options":{"include_usage":false,"include_obfuscation":false}"#,
        ));
        assert_eq!(losses, []);
        let silent = Conversation { fields: Vec::new(), ..conversation };
        let (plain, _) = read(&format!(r#"{{"model":"m","messages":{MESSAGES}}}"#));
        assert_eq!(silent, plain);
    }

    #[test]
    fn what_has_no_counterpart_is_named() {
        for (body, field, is_harmless) in [
            (with(r#""logit_bias":{"5":1}"#), "logit_bias", false),
            (with(r#""store":true"#), "store", false),
            (with(r#""service_tier":"flex""#), "service_tier", false),
            (with(r#""functions":[{"name":"f"}]"#), "functions", false),
            (with(r#""function_call":{"name":"f"}"#), "function_call", false),
            (with(r#""modalities":["text","audio"]"#), "modalities", false),
            (with(r#""metadata":{"a":"b"}"#), "metadata", true),
            (with(r#""prompt_cache_key":"a""#), "prompt_cache_key", true),
            (with(r#""stream_options":{"include_obfuscation":true}"#), "stream_options.include_obfuscation", true),
            (with(r#""user":"a","safety_identifier":"b""#), "safety_identifier", true),
            (with(r#""prompt_cache_options":{"mode":"implicit"}"#), "prompt_cache_options", true),
            (with(r#""tools":[{"type":"custom","custom":{}}]"#), "tools[0].type", false),
            (with(r#""tools":[{"type":"function","function":{"name":"f"},"x":1}]"#), "tools[0].x", false),
            (with(r#""tools":[{"function":{"name":"f","x":1}}]"#), "tools[0].function.x", false),
            (with(r#""tool_choice":{"type":"allowed_tools"}"#), "tool_choice.type", false),
            (with(r#""response_format":{"type":"grammar"}"#), "response_format.type", false),
            (of(r#"{"role":"user","content":"a","x":1}"#), "messages[0].x", false),
            (of(r#"{"role":"assistant","function_call":{"name":"f"}}"#), "messages[0].function_call", false),
            (of(r#"{"role":"assistant","annotations":[1]}"#), "messages[0].annotations", true),
            (of(r#"{"role":"assistant","tool_calls":[{"type":"custom"}]}"#), "messages[0].tool_calls[0].type", false),
            (of(r#"{"role":"user","content":[{"type":"video_url"}]}"#), "messages[0].content[0].type", false),
            (
                of(r#"{"role":"user","content":[{"type":"text","text":"a","cache_control":{"type":"b"}}]}"#),
                "messages[0].content[0].cache_control",
                false,
            ),
            (
                of(r#"{"role":"user","content":[{"type":"image_url","image_url":{"url":"a","detail":"low"}}]}"#),
                "messages[0].content[0].image_url.detail",
                false,
            ),
            (of(r#"{"role":"user"},{"role":"function","name":"f"}"#), "messages[1].role", false),
        ] {
            let (_, losses) = read(&body);
            assert_eq!(named(&losses), [(field, is_harmless)], "{body}");
        }
    }

    #[test]
    fn what_is_wrong_is_said_with_the_field() {
        let part = |part: &str| of(&format!(r#"{{"role":"user","content":[{part}]}}"#));
        for (body, field) in [
            (String::new(), ""),
            ("[]".to_owned(), ""),
            (format!(r#"{{"messages":{MESSAGES}}}"#), "model"),
            (r#"{"model":"m"}"#.to_owned(), "messages"),
            (r#"{"model":"m","messages":[]}"#.to_owned(), "messages"),
            (r#"{"model":"m","messages":{}}"#.to_owned(), "messages"),
            (with(r#""temperature":"hot""#), "temperature"),
            (with(r#""temperature":1e999"#), "temperature"),
            (with(r#""max_tokens":-1"#), "max_tokens"),
            (with(r#""max_tokens":5,"max_completion_tokens":6"#), "max_completion_tokens"),
            (with(r#""seed":0.5"#), "seed"),
            (with(r#""n":4294967296"#), "n"),
            (with(r#""stream":"yes""#), "stream"),
            (with(r#""stop":[1]"#), "stop[0]"),
            (with(r#""stop":1"#), "stop"),
            (with(r#""seed":1,"se\u0065d":2"#), "seed"),
            (with(r#""tools":{}"#), "tools"),
            (with(r#""tools":[1]"#), "tools[0]"),
            (with(r#""tools":[{}]"#), "tools[0].function"),
            (with(r#""tools":[{"function":{}}]"#), "tools[0].function.name"),
            (with(r#""tools":[{"function":{"name":"f","parameters":[]}}]"#), "tools[0].function.parameters"),
            (with(r#""tool_choice":"any""#), "tool_choice"),
            (with(r#""tool_choice":{"type":"function"}"#), "tool_choice.function.name"),
            (with(r#""response_format":{"type":"json_schema"}"#), "response_format.json_schema"),
            (with(r#""response_format":{}"#), "response_format.type"),
            (with(r#""stream_options":true"#), "stream_options"),
            (of("3"), "messages[0]"),
            (of("{}"), "messages[0].role"),
            (of(r#"{"role":"root"}"#), "messages[0].role"),
            (of(r#"{"role":"user","content":3}"#), "messages[0].content"),
            (of(r#"{"role":"user","content":"a","content":"b"}"#), "messages[0].content"),
            (of(r#"{"role":"tool","content":"a"}"#), "messages[0].tool_call_id"),
            (of(r#"{"role":"assistant","tool_calls":[{"function":{"name":"f"}}]}"#), "messages[0].tool_calls"),
            (of(r#"{"role":"assistant","tool_calls":[3]}"#), "messages[0].tool_calls[0]"),
            (part("3"), "messages[0].content[0]"),
            (part("{}"), "messages[0].content[0].type"),
            (part(r#"{"type":"text"}"#), "messages[0].content[0].text"),
            (part(r#"{"type":"image_url","image_url":{}}"#), "messages[0].content[0].image_url.url"),
            (part(r#"{"type":"image_url","image_url":{"url":"data:a"}}"#), "messages[0].content[0].image_url.url"),
            (part(r#"{"type":"input_audio","input_audio":{}}"#), "messages[0].content[0].input_audio.data"),
            (part(r#"{"type":"file","file":{"file_data":"AAAA"}}"#), "messages[0].content[0].file.file_data"),
        ] {
            let wrong = parse_request(body.as_bytes(), &mut Vec::new()).unwrap_err();
            assert_eq!(wrong.field, field, "{body}: {}", wrong.message);
        }
    }

    #[test]
    fn nothing_that_a_field_can_be_ends_in_a_panic() {
        let names = "model messages role name content type text image_url url input_audio data format file file_data \
                     tool_calls function arguments id tool_call_id tools tool_choice parameters strict stop n top_k \
                     seed response_format json_schema schema stream stream_options include_usage reasoning user x";
        let values =
            ["null", "true", "-1", "1e400", "4294967296", "\"\"", "\"\\ud83d\"", "[]", "{}", "[[{}]]", "\"data:,\""];
        for name in names.split_whitespace() {
            for value in values {
                let field = format!(r#""{name}":{value}"#);
                let object = format!("{{{field}}}");
                for body in [
                    with(&field),
                    of(&object),
                    of(&format!(r#"{{"role":"assistant","tool_calls":[{object}]}}"#)),
                    of(&format!(r#"{{"role":"tool","tool_call_id":"a",{field}}}"#)),
                    of(&format!(r#"{{"role":"user","content":[{object}]}}"#)),
                    of(&format!(r#"{{"role":"user","content":[{{"type":"file","file":{object}}}]}}"#)),
                    with(&format!(r#""tools":[{{"function":{object}}}],"response_format":{object}"#)),
                ] {
                    let mut losses = Vec::new();
                    if let Ok(conversation) = parse_request(body.as_bytes(), &mut losses) {
                        write_request(&conversation, "m", &mut losses).unwrap();
                    }
                }
            }
        }
    }
}
