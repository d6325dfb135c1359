//! {{summary}}

use schemars::JsonSchema;
use serde::Deserialize;
use sluicegate_plugin::answer::{Action, Verdict};
use sluicegate_plugin::{Answer, AnswerGuardrail, Channel, Finding, Plugin, PluginError, Request, export, schema_of};

/// What the operator configures.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// What an answer must not say, exactly as it is written.
    #[schemars(length(min = 1))]
    pub phrase: String,
}

impl Default for Config {
    fn default() -> Self {
        Self { phrase: "I guarantee".to_owned() }
    }
}

/// The guardrail.
#[derive(Debug)]
pub struct {{type}} {
    phrase: String,
}

impl Plugin for {{type}} {
    const NAME: &'static str = "{{name}}";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const SUMMARY: &'static str = "{{summary}}";
    type Config = Config;

    fn config_schema() -> Option<String> {
        Some(schema_of::<Config>())
    }

    fn configure(Config { phrase }: Config) -> Result<Self, String> {
        if phrase.is_empty() { Err("`phrase` must not be empty".to_owned()) } else { Ok(Self { phrase }) }
    }
}

impl AnswerGuardrail for {{type}} {
    fn check(&self, _request: &Request, answer: &Answer) -> Result<Verdict, PluginError> {
        let mut said = answer.segments.iter().filter(|segment| segment.channel == Channel::Content);
        if !said.any(|segment| segment.text.contains(&self.phrase)) {
            return Ok(Verdict { action: Action::Allow, findings: Vec::new() });
        }
        let finding = Finding { rule: "promise".to_owned(), span: None, score: 1.0 };
        Ok(Verdict { action: Action::Retry("Do not promise anything.".to_owned()), findings: vec![finding] })
    }
}

export!({{type}}: answer_guardrail);
