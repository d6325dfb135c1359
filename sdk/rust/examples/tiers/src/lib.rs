//! Sends easy questions to small models, hard ones to large ones, and answers greetings itself.

use schemars::JsonSchema;
use serde::Deserialize;
use sluicegate_plugin::router::{Routing, Target};
use sluicegate_plugin::{Channel, Plugin, PluginError, Request, Role, Router, export, schema_of};

/// What the operator configures.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The tag of the targets for easy questions.
    pub small: String,
    /// The tag of the targets for hard ones.
    pub large: String,
    /// Tokens beyond which a question is hard.
    pub tokens: u32,
    /// What needs no model.
    pub greetings: Vec<String>,
}

impl Default for Config {
    fn default() -> Self {
        let greetings = ["hello", "hi"].map(str::to_owned).to_vec();
        Self { small: "small".to_owned(), large: "large".to_owned(), tokens: 200, greetings }
    }
}

/// The router.
#[derive(Debug)]
pub struct Tiers(Config);

impl Plugin for Tiers {
    const NAME: &'static str = "tiers";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const SUMMARY: &'static str = "Sends easy questions to small models and hard ones to large ones.";
    type Config = Config;

    fn config_schema() -> Option<String> {
        Some(schema_of::<Config>())
    }

    fn configure(mut config: Config) -> Result<Self, String> {
        config.greetings.iter_mut().for_each(|greeting| *greeting = plain(greeting));
        Ok(Self(config))
    }
}

impl Router for Tiers {
    fn route(&self, request: &Request, targets: &[Target]) -> Result<Routing, PluginError> {
        let Self(Config { small, large, tokens, greetings }) = self;
        let is_said =
            |segment: &&sluicegate_plugin::Segment| segment.role == Role::User && segment.channel == Channel::Content;
        let said = request.segments.iter().rfind(is_said).map(|segment| plain(&segment.text));
        if said.is_some_and(|said| greetings.contains(&said)) {
            return Ok(Routing::answer("Hello. What can I do for you?").with_intent("greeting"));
        }
        let healthy = || (0..).zip(targets).filter(|(_, target)| target.healthy);
        let tagged = |tag: &String| -> Vec<u32> {
            healthy().filter(|(_, target)| target.tags.contains(tag)).map(|(index, _)| index).collect()
        };
        let is_hard = !request.tools.is_empty() || request.tokens_estimate > *tokens;
        let (mut chosen, on_rejection) =
            if is_hard { (tagged(large), Vec::new()) } else { (tagged(small), tagged(large)) };
        if chosen.is_empty() {
            chosen = healthy().map(|(index, _)| index).collect();
        }
        let routing = if chosen.is_empty() { Routing::unchanged() } else { Routing::targets(chosen) };
        Ok(routing.on_rejection(on_rejection).with_intent(if is_hard { "hard" } else { "easy" }))
    }
}

/// Without white space at its ends, in small letters, as far as they are ASCII.
fn plain(text: &str) -> String {
    text.trim_ascii().to_ascii_lowercase()
}

export!(Tiers: router);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn greetings_are_compared_in_small_letters() {
        assert_eq!(plain(" \tHeLLo\n"), "hello");
        assert_eq!(plain("GRÜSS GOTT"), "grÜss gott", "other letters stay as they are");
    }
}
