//! A request for a response: read from callers of this dialect.

use super::is_usual;
use super::item::{Item, read_item, read_parts};
use crate::dialect::conversation::{
    Conversation, Feature, Format, Loss, Part, Reasoning, Speaker, Tool, ToolChoice, Turn,
};
use crate::dialect::document::Wrong;
use crate::dialect::given::{Given, NO_COUNTERPART, Object};
use crate::dialect::raw::Kind;

/// What the features of a request are called here.
const FEATURES: &[(Feature, &str)] = &[
    (Feature::ToolChoice, "tool_choice"),
    (Feature::ParallelCalls, "parallel_tool_calls"),
    (Feature::TokensMax, "max_output_tokens"),
    (Feature::Temperature, "temperature"),
    (Feature::TopP, "top_p"),
    (Feature::User, "user"),
    (Feature::User, "safety_identifier"),
];

/// Read a request.
///
/// # Errors
/// What is wrong with which field; what needs the state that only a provider of this dialect keeps.
pub(crate) fn parse_request(body: &[u8], losses: &mut Vec<Loss>) -> Result<Conversation, Wrong> {
    let request = Object::of_body(body, "a request for a response")?;
    // Streams of this dialect always tell what was used.
    let mut to = Conversation { streams_usage: true, ..Conversation::default() };
    request.needed("model")?;
    // They come first in the conversation, wherever the caller has written them.
    if let Some(instructions) = request.find("instructions") {
        let parts = read_parts(instructions, losses)?;
        if !parts.is_empty() {
            to.turns.push(Turn { speaker: Speaker::System, name: None, parts, at: instructions.path() });
        }
    }
    for field in &request.fields {
        to.fields.extend(FEATURES.iter().filter(|(_, name)| field.name == *name));
        read_field(&mut to, field, losses)?;
    }
    if to.turns.iter().all(|turn| turn.speaker == Speaker::System) && request.find("input").is_none() {
        return Err(request.missing("input"));
    }
    Ok(to)
}

fn read_field(to: &mut Conversation, field: &Given<'_>, losses: &mut Vec<Loss>) -> Result<(), Wrong> {
    match &*field.name {
        "instructions" => {}
        "model" => to.model = field.text()?,
        "input" => read_input(to, field, losses)?,
        "stream" => to.streaming = field.flag()?,
        "tools" => {
            for tool in field.items()? {
                to.tools.extend(read_tool(&tool.object()?, losses)?);
            }
        }
        "tool_choice" => to.tool_choice = read_tool_choice(field, losses)?,
        "parallel_tool_calls" => to.parallel_calls = Some(field.flag()?),
        "max_output_tokens" => to.tokens_max = Some(field.whole()?),
        "temperature" => to.temperature = Some(field.number()?),
        "top_p" => to.top_p = Some(field.number()?),
        "text" => {
            for inner in field.object()?.fields {
                match &*inner.name {
                    "format" => {
                        to.fields.push((Feature::Format, "text.format"));
                        to.format = read_format(&inner, losses)?;
                    }
                    _ if is_usual(&inner) => {}
                    _ => losses.push(inner.loss()),
                }
            }
        }
        "reasoning" => {
            for inner in field.object()?.fields {
                match &*inner.name {
                    "effort" => {
                        to.fields.push((Feature::Reasoning, "reasoning.effort"));
                        let effort = inner.text()?;
                        to.reasoning = Some(if effort == "none" { Reasoning::Off } else { Reasoning::Effort(effort) });
                    }
                    "summary" | "generate_summary" => {
                        losses.push(inner.harmless("says what is shown of thoughts, not which"));
                    }
                    _ if is_usual(&inner) => {}
                    _ => losses.push(inner.loss()),
                }
            }
        }
        "user" | "safety_identifier" => {
            let user = field.text()?;
            match &to.user {
                Some(other) if *other != user => losses.push(Loss::harmless(field.path(), "names the user once more")),
                _ => to.user = Some(user),
            }
        }
        "previous_response_id" | "conversation" | "prompt" => {
            return Err(
                field.wrong("needs what is kept at a provider of Responses, and this model's provider keeps nothing")
            );
        }
        "background" if field.flag()? => {
            return Err(field.wrong("must be false: this model's provider answers at once or not at all"));
        }
        "include" => read_include(field, losses)?,
        _ if is_usual(field) => {}
        // None of these changes what is answered.
        "metadata" | "prompt_cache_key" | "prompt_cache_retention" | "prompt_cache_options" | "stream_options" => {
            losses.push(Loss::harmless(field.path(), NO_COUNTERPART));
        }
        _ => losses.push(field.loss()),
    }
    Ok(())
}

/// Seals on thoughts come where there are some; results of the provider's own tools, where none is called, do not.
fn read_include(include: &Given<'_>, losses: &mut Vec<Loss>) -> Result<(), Wrong> {
    for item in include.items()? {
        match &*item.text()? {
            "reasoning.encrypted_content" => {}
            word if word.ends_with("logprobs") => losses.push(item.loss()),
            _ => losses.push(item.harmless(NO_COUNTERPART)),
        }
    }
    Ok(())
}

/// What one speaker says in several items is one turn; so are results of parallel calls.
fn read_input(to: &mut Conversation, input: &Given<'_>, losses: &mut Vec<Loss>) -> Result<(), Wrong> {
    if input.value.kind() == Kind::String {
        let parts = vec![Part::Text(input.text()?)];
        to.turns.push(Turn { speaker: Speaker::User, name: None, parts, at: input.path() });
        return Ok(());
    }
    for given in input.items()? {
        let item = given.object()?;
        let Some(Item { speaker, parts }) = read_item(&item, |_, encrypted| encrypted.to_owned(), losses)? else {
            continue;
        };
        let is_result = |part: Option<&Part>| matches!(part, Some(Part::Result(_)));
        match to.turns.last_mut() {
            Some(turn)
                if turn.speaker == speaker
                    && (speaker == Speaker::Assistant || (is_result(turn.parts.last()) && is_result(parts.last()))) =>
            {
                turn.parts.extend(parts);
            }
            _ => to.turns.push(Turn { speaker, name: None, parts, at: item.path() }),
        }
    }
    Ok(())
}

fn read_tool(from: &Object<'_>, losses: &mut Vec<Loss>) -> Result<Option<Tool>, Wrong> {
    let kind = from.needed("type")?;
    if kind.text()? != "function" {
        losses.push(Loss::new(kind.path(), "only functions have a counterpart in the other dialect"));
        return Ok(None);
    }
    let mut tool = Tool { name: from.needed("name")?.text()?, description: None, schema: None, strict: None };
    for field in &from.fields {
        match &*field.name {
            "type" | "name" => {}
            "description" => tool.description = Some(field.text()?),
            "parameters" => tool.schema = Some(field.source()?),
            "strict" => tool.strict = Some(field.flag()?),
            _ if is_usual(field) => {}
            _ => losses.push(field.loss()),
        }
    }
    Ok(Some(tool))
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
    let kind = from.needed("type")?;
    if kind.text()? != "function" {
        losses.push(Loss::new(kind.path(), "only functions have a counterpart in the other dialect"));
        return Ok(None);
    }
    from.beyond(&["type", "name"]).filter(|field| !is_usual(field)).for_each(|field| losses.push(field.loss()));
    Ok(Some(ToolChoice::Named(from.needed("name")?.text()?)))
}

fn read_format(format: &Given<'_>, losses: &mut Vec<Loss>) -> Result<Option<Format>, Wrong> {
    let from = format.object()?;
    let kind = from.needed("type")?;
    let (known, read): (&[&str], Format) = match &*kind.text()? {
        "text" => (&["type"], Format::Text),
        "json_object" => (&["type"], Format::Json),
        "json_schema" => {
            let schema = from.needed("schema")?.source()?;
            let strict = from.find("strict").map(Given::flag).transpose()?;
            (&["type", "name", "schema", "strict"], Format::Schema { name: from.text("name")?, schema, strict })
        }
        _ => {
            losses.push(kind.loss());
            return Ok(None);
        }
    };
    for field in from.beyond(known).filter(|field| !is_usual(field)) {
        match &*field.name {
            "description" => losses.push(field.harmless("the model may know the schema by itself")),
            _ => losses.push(field.loss()),
        }
    }
    Ok(Some(read))
}
