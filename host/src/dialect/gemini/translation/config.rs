//! What a request says of how to generate and which tools to call, read from callers of this dialect.

use super::super::spelling::Spelt;
use super::leave_out;
use super::schema::json_schema;
use crate::dialect::conversation::{Conversation, Feature, Format, Loss, Reasoning, Tool, ToolChoice};
use crate::dialect::document::Wrong;
use crate::dialect::given::Given;
use crate::dialect::raw::Kind;

/// What the features of a request are called here.
const FEATURES: &[(Feature, &str, &str)] = &[
    (Feature::TokensMax, "maxOutputTokens", "generationConfig.maxOutputTokens"),
    (Feature::Temperature, "temperature", "generationConfig.temperature"),
    (Feature::TopP, "topP", "generationConfig.topP"),
    (Feature::TopK, "topK", "generationConfig.topK"),
    (Feature::Seed, "seed", "generationConfig.seed"),
    (Feature::PresencePenalty, "presencePenalty", "generationConfig.presencePenalty"),
    (Feature::FrequencyPenalty, "frequencyPenalty", "generationConfig.frequencyPenalty"),
    (Feature::Stop, "stopSequences", "generationConfig.stopSequences"),
    (Feature::Choices, "candidateCount", "generationConfig.candidateCount"),
    (Feature::Format, "responseMimeType", "generationConfig.responseMimeType"),
    (Feature::Reasoning, "thinkingConfig", "generationConfig.thinkingConfig"),
];

/// Read how to generate.
///
/// # Errors
/// What is wrong with which field.
pub(super) fn read_config(to: &mut Conversation, config: &Given<'_>, losses: &mut Vec<Loss>) -> Result<(), Wrong> {
    let config = Spelt::of(config)?;
    for (name, field) in config.fields() {
        let feature = FEATURES.iter().find(|(_, known, _)| *known == name);
        to.fields.extend(feature.map(|(feature, _, path)| (*feature, *path)));
        match &*name {
            "maxOutputTokens" => to.tokens_max = Some(field.whole()?),
            "temperature" => to.temperature = Some(field.number()?),
            "topP" => to.top_p = Some(field.number()?),
            "topK" => to.top_k = Some(whole(field)?).filter(|top_k| *top_k != 0),
            "seed" => to.seed = Some(field.whole()?),
            "presencePenalty" => to.presence_penalty = Some(field.number()?).filter(|penalty| *penalty != 0.0),
            "frequencyPenalty" => to.frequency_penalty = Some(field.number()?).filter(|penalty| *penalty != 0.0),
            "stopSequences" => to.stop = field.texts()?,
            "candidateCount" => to.choices = Some(field.whole::<u32>()?).filter(|choices| *choices > 1),
            "thinkingConfig" => read_thinking(to, &Spelt::of(field)?, losses)?,
            "responseMimeType" | "responseSchema" | "responseJsonSchema" => {}
            "responseModalities" if is_text_alone(field) => {}
            _ => leave_out(field, losses),
        }
    }
    to.format = read_format(&config, losses)?;
    Ok(())
}

/// A whole number, which the API's own SDKs write with a fraction of nothing.
fn whole(field: &Given<'_>) -> Result<u64, Wrong> {
    let source = field.value.source();
    let source = source.split_once('.').filter(|(_, rest)| rest.bytes().all(|byte| byte == b'0'));
    match source {
        Some((whole, _)) => whole.parse().map_err(|_| field.wrong("must be a whole number in its range")),
        None => field.whole(),
    }
}

fn is_text_alone(field: &Given<'_>) -> bool {
    let words = field.texts().unwrap_or_default();
    !words.is_empty() && words.iter().all(|word| word.eq_ignore_ascii_case("text"))
}

fn read_format(config: &Spelt<'_>, losses: &mut Vec<Loss>) -> Result<Option<Format>, Wrong> {
    let schema = match (config.find("responseJsonSchema"), config.find("responseSchema")) {
        (Some(field), Some(_)) => {
            return Err(field.wrong("must be the only one of responseJsonSchema and responseSchema"));
        }
        (Some(field), None) => Some(field.source()?),
        (None, Some(field)) => Some(json_schema(field)?),
        (None, None) => None,
    };
    let kind = config.find("responseMimeType");
    let word = kind.map(Given::text).transpose()?.unwrap_or_default();
    Ok(match (&*word, schema) {
        // Google's models are held to the part of a schema that they know: no more is asked of others.
        ("" | "application/json", Some(schema)) => Some(Format::Schema { name: None, schema, strict: None }),
        ("application/json", None) => Some(Format::Json),
        ("", None) => None,
        ("text/plain", None) => Some(Format::Text),
        _ => {
            losses.extend(kind.map(Given::loss));
            None
        }
    })
}

fn read_thinking(to: &mut Conversation, thinking: &Spelt<'_>, losses: &mut Vec<Loss>) -> Result<(), Wrong> {
    for (name, field) in thinking.fields() {
        let reasoning = match &*name {
            // Says what is shown of thoughts, not which.
            "includeThoughts" => continue,
            "thinkingBudget" => match field.whole::<i64>()? {
                0 => Some(Reasoning::Off),
                -1 => Some(Reasoning::Adaptive),
                tokens => match u64::try_from(tokens) {
                    Ok(tokens) => Some(Reasoning::Budget(tokens)),
                    Err(_) => return Err(field.wrong("must be -1 or a number of tokens")),
                },
            },
            "thinkingLevel" => {
                let level = field.text()?.to_ascii_lowercase();
                (level != "thinking_level_unspecified").then_some(Reasoning::Effort(level))
            }
            _ => {
                leave_out(field, losses);
                continue;
            }
        };
        if let Some(reasoning) = reasoning
            && to.reasoning.replace(reasoning).is_some()
        {
            return Err(field.wrong("must be the only one of thinkingBudget and thinkingLevel"));
        }
    }
    Ok(())
}

/// Read the tools, of which those of the provider's own have no counterpart.
///
/// # Errors
/// As [`read_config`].
pub(super) fn read_tools(to: &mut Conversation, tools: &Given<'_>, losses: &mut Vec<Loss>) -> Result<(), Wrong> {
    for tool in tools.items()? {
        let tool = Spelt::of(&tool)?;
        for (name, field) in tool.fields() {
            match &*name {
                "functionDeclarations" => {
                    for function in field.items()? {
                        to.tools.push(read_function(&Spelt::of(&function)?, losses)?);
                    }
                }
                // Even when nothing is said of it: that it is there is what counts.
                _ if field.value.kind() == Kind::Object => losses.push(field.loss()),
                _ => leave_out(field, losses),
            }
        }
    }
    Ok(())
}

fn read_function(from: &Spelt<'_>, losses: &mut Vec<Loss>) -> Result<Tool, Wrong> {
    let name = from.needed("name")?.text()?;
    let mut tool = Tool { name, description: from.text("description")?, schema: None, strict: None };
    for (name, field) in from.fields() {
        let schema = match &*name {
            "name" | "description" => continue,
            "parameters" => json_schema(field)?,
            "parametersJsonSchema" => field.source()?,
            // What comes back is the application's business.
            "response" | "responseJsonSchema" => {
                losses.push(field.harmless("says what a result looks like, which other dialects do not"));
                continue;
            }
            "behavior" if matches!(field.value.source(), "\"BLOCKING\"" | "\"UNSPECIFIED\"") => continue,
            _ => {
                leave_out(field, losses);
                continue;
            }
        };
        if tool.schema.replace(schema).is_some() {
            return Err(field.wrong("must be the only one of parameters and parametersJsonSchema"));
        }
    }
    Ok(tool)
}

/// Read which tools the model may or must call.
///
/// # Errors
/// As [`read_config`].
pub(super) fn read_tool_config(to: &mut Conversation, config: &Given<'_>, losses: &mut Vec<Loss>) -> Result<(), Wrong> {
    let config = Spelt::of(config)?;
    for (name, field) in config.fields() {
        match &*name {
            "functionCallingConfig" => read_calling(to, &Spelt::of(field)?, losses)?,
            _ => leave_out(field, losses),
        }
    }
    Ok(())
}

fn read_calling(to: &mut Conversation, config: &Spelt<'_>, losses: &mut Vec<Loss>) -> Result<(), Wrong> {
    to.fields.push((Feature::ToolChoice, "toolConfig.functionCallingConfig"));
    let allowed = config.find("allowedFunctionNames");
    let names = allowed.map(Given::texts).transpose()?.unwrap_or_default();
    let mode = config.text("mode")?.unwrap_or_default().to_ascii_uppercase();
    let is_any = mode == "ANY";
    to.tool_choice = match (&*mode, &*names) {
        ("" | "MODE_UNSPECIFIED", _) => None,
        // What is called is held to its schema, as other dialects say with each tool.
        ("AUTO" | "VALIDATED", _) => Some(ToolChoice::Auto),
        ("NONE", _) => Some(ToolChoice::None),
        ("ANY", [name]) => Some(ToolChoice::Named(name.clone())),
        ("ANY", _) => Some(ToolChoice::Required),
        _ => return Err(config.needed("mode")?.wrong("must be one of AUTO, ANY, NONE, VALIDATED")),
    };
    if !(names.is_empty() || is_any && names.len() == 1) {
        losses.extend(allowed.map(Given::loss));
    }
    for (name, field) in config.fields() {
        if !matches!(&*name, "mode" | "allowedFunctionNames") {
            leave_out(field, losses);
        }
    }
    Ok(())
}
