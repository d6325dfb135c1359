//! What Converse has no word for and some models take all the same, in `additionalModelRequestFields`: each maker's models in
//! its own words. Who made a model stands in its name, unless an inference profile of the operator's hides it.

use serde::Serialize;

use crate::dialect::conversation::{Conversation, Feature, Loss, Reasoning};

/// Who made a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Maker {
    Anthropic,
    /// Amazon's own Nova models.
    Nova,
    OpenAi,
    Another,
}

impl Maker {
    fn of(model: &str) -> Self {
        let known = [("anthropic.", Self::Anthropic), ("amazon.nova", Self::Nova), ("openai.", Self::OpenAi)];
        known.iter().find(|(name, _)| model.contains(name)).map_or(Self::Another, |(_, maker)| *maker)
    }
}

#[derive(Debug, Default, PartialEq, Serialize)]
pub(super) struct AdditionalJson<'a> {
    /// Anthropic's.
    #[serde(skip_serializing_if = "Option::is_none")]
    top_k: Option<u64>,
    /// Anthropic's.
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking: Option<ThinkingJson>,
    /// Anthropic's.
    #[serde(skip_serializing_if = "Option::is_none")]
    output_config: Option<EffortJson<'a>>,
    /// Nova's.
    #[serde(rename = "inferenceConfig", skip_serializing_if = "Option::is_none")]
    inference_config: Option<TopKJson>,
    /// Nova's.
    #[serde(rename = "reasoningConfig", skip_serializing_if = "Option::is_none")]
    reasoning_config: Option<ReasoningJson<'a>>,
    /// OpenAI's.
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_effort: Option<&'a str>,
}

#[derive(Debug, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum ThinkingJson {
    Enabled { budget_tokens: u64 },
    Disabled,
    Adaptive,
}

#[derive(Debug, PartialEq, Serialize)]
struct EffortJson<'a> {
    effort: &'a str,
}

#[derive(Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct TopKJson {
    top_k: u64,
}

#[derive(Debug, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "camelCase")]
enum ReasoningJson<'a> {
    #[serde(rename_all = "camelCase")]
    Enabled {
        max_reasoning_effort: &'a str,
    },
    Disabled,
}

/// The fields for this model; nothing where there are none.
pub(super) fn additional<'a>(
    from: &'a Conversation,
    model: &str,
    losses: &mut Vec<Loss>,
) -> Option<AdditionalJson<'a>> {
    let mut fields = AdditionalJson::default();
    let maker = Maker::of(model);
    match (from.top_k, maker) {
        (None, _) => {}
        (top_k, Maker::Anthropic) => fields.top_k = top_k,
        (Some(top_k), Maker::Nova) => fields.inference_config = Some(TopKJson { top_k }),
        (Some(_), Maker::OpenAi | Maker::Another) => {
            losses.push(from.loss(Feature::TopK, "Converse has no top_k, and of this model none is known"));
        }
    }
    match (&from.reasoning, maker) {
        (None, _) => {}
        (Some(Reasoning::Effort(effort)), Maker::Anthropic) => {
            // The least that there is here.
            let effort = if effort == "minimal" { "low" } else { effort };
            fields.output_config = Some(EffortJson { effort });
        }
        (Some(Reasoning::Off), Maker::Anthropic) => fields.thinking = Some(ThinkingJson::Disabled),
        (Some(Reasoning::Adaptive), Maker::Anthropic) => fields.thinking = Some(ThinkingJson::Adaptive),
        (Some(Reasoning::Budget(tokens)), Maker::Anthropic) => {
            fields.thinking = Some(ThinkingJson::Enabled { budget_tokens: *tokens });
        }
        (Some(Reasoning::Off), Maker::Nova) => fields.reasoning_config = Some(ReasoningJson::Disabled),
        (Some(reasoning), Maker::Nova) => {
            let effort = if reasoning.effort() == "minimal" { "low" } else { reasoning.effort() };
            fields.reasoning_config = Some(ReasoningJson::Enabled { max_reasoning_effort: effort });
        }
        (Some(reasoning), Maker::OpenAi) => fields.reasoning_effort = Some(reasoning.effort()),
        (Some(_), Maker::Another) => {
            losses.push(from.loss(Feature::Reasoning, "Converse has no word for it, and of this model none is known"));
        }
    }
    (fields != AdditionalJson::default()).then_some(fields)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_maker_has_its_own_words() {
        let effort = || Some(Reasoning::Effort("minimal".to_owned()));
        for (model, top_k, reasoning, expected) in [
            ("eu.anthropic.claude-opus-5-v1:0", Some(4), effort(), r#"{"top_k":4,"output_config":{"effort":"low"}}"#),
            ("anthropic.claude-x", None, Some(Reasoning::Off), r#"{"thinking":{"type":"disabled"}}"#),
            ("anthropic.claude-x", None, Some(Reasoning::Adaptive), r#"{"thinking":{"type":"adaptive"}}"#),
            (
                "anthropic.claude-x",
                None,
                Some(Reasoning::Budget(2_000)),
                r#"{"thinking":{"type":"enabled","budget_tokens":2000}}"#,
            ),
            (
                "us.amazon.nova-2-lite-v1:0",
                Some(4),
                Some(Reasoning::Budget(20_000)),
                r#"{"inferenceConfig":{"topK":4},"reasoningConfig":{"type":"enabled","maxReasoningEffort":"high"}}"#,
            ),
            ("amazon.nova-x", None, Some(Reasoning::Off), r#"{"reasoningConfig":{"type":"disabled"}}"#),
            ("openai.gpt-oss-120b-1:0", None, effort(), r#"{"reasoning_effort":"minimal"}"#),
            ("anthropic.claude-x", None, None, "null"),
        ] {
            let mut losses = Vec::new();
            let conversation = Conversation { top_k, reasoning, ..Conversation::default() };
            let fields = additional(&conversation, model, &mut losses);
            assert_eq!(serde_json::to_string(&fields).unwrap(), expected, "{model}");
            assert_eq!(losses, [], "{model}");
        }
    }

    #[test]
    fn what_no_word_is_known_for_is_lost() {
        let fields = vec![(Feature::TopK, "top_k"), (Feature::Reasoning, "thinking")];
        let reasoning = Some(Reasoning::Adaptive);
        let conversation = Conversation { top_k: Some(1), reasoning, fields, ..Conversation::default() };
        let mut losses = Vec::new();
        assert_eq!(additional(&conversation, "meta.llama4", &mut losses), None);
        let lost: Vec<_> = losses.iter().map(|loss| (&*loss.field, loss.is_harmless)).collect();
        assert_eq!(lost, [("top_k", false), ("thinking", false)]);
    }
}
