//! {{summary}}

use schemars::JsonSchema;
use serde::Deserialize;
use sluicegate_plugin::router::{Routing, Target};
use sluicegate_plugin::{Plugin, PluginError, Request, Router, export, schema_of};

/// What the operator configures.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The tag of the targets that are good at code.
    pub tag: String,
}

impl Default for Config {
    fn default() -> Self {
        Self { tag: "code".to_owned() }
    }
}

/// The router.
#[derive(Debug)]
pub struct {{type}} {
    tag: String,
}

impl Plugin for {{type}} {
    const NAME: &'static str = "{{name}}";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const SUMMARY: &'static str = "{{summary}}";
    type Config = Config;

    fn config_schema() -> Option<String> {
        Some(schema_of::<Config>())
    }

    fn configure(Config { tag }: Config) -> Result<Self, String> {
        Ok(Self { tag })
    }
}

impl Router for {{type}} {
    fn route(&self, request: &Request, targets: &[Target]) -> Result<Routing, PluginError> {
        if !request.said_last().iter().any(|segment| segment.text.contains("```")) {
            return Ok(Routing::unchanged());
        }
        let able = (0..).zip(targets).filter(|(_, target)| target.healthy && target.tags.contains(&self.tag));
        let able: Vec<u32> = able.map(|(index, _)| index).collect();
        let routing = if able.is_empty() { Routing::unchanged() } else { Routing::targets(able) };
        Ok(routing.with_intent("code"))
    }
}

export!({{type}}: router);
