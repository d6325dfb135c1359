//! {{summary}}

use schemars::JsonSchema;
use serde::Deserialize;
use sluicegate_plugin::request::{Action, Verdict};
use sluicegate_plugin::{Denial, Plugin, PluginError, Request, RequestGuardrail, export, schema_of};

/// What the operator configures.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Requests with more tokens are refused.
    #[schemars(range(min = 1))]
    pub tokens_max: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self { tokens_max: 8_000 }
    }
}

/// The guardrail.
#[derive(Debug)]
pub struct {{type}} {
    tokens_max: u32,
}

impl Plugin for {{type}} {
    const NAME: &'static str = "{{name}}";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const SUMMARY: &'static str = "{{summary}}";
    type Config = Config;

    fn config_schema() -> Option<String> {
        Some(schema_of::<Config>())
    }

    fn configure(Config { tokens_max }: Config) -> Result<Self, String> {
        Ok(Self { tokens_max })
    }
}

impl RequestGuardrail for {{type}} {
    fn check(&self, request: &Request) -> Result<Verdict, PluginError> {
        let action = match request.tokens_estimate > self.tokens_max {
            true => Action::Deny(Denial::new("too-long", "This request is too long. Please send less text.")),
            false => Action::Allow,
        };
        Ok(Verdict { action, findings: Vec::new() })
    }
}

export!({{type}}: request_guardrail);
