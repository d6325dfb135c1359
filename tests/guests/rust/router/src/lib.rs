//! A router for the tests: it does what its configuration says, and without one it leaves all as it is.
//!
//! ```toml
//! [config]
//! when = "please"
//! do = "targets"
//! indices = [1, 0]
//! ```

use serde::Deserialize;
use sluicegate_plugin::router::{Decision, Routing, Target};
use sluicegate_plugin::{Denial, Plugin, PluginError, Request, Router, export};

/// What the guest does.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
pub struct RouterGuest {
    /// Only with a request that holds this word.
    #[serde(default)]
    pub when: String,
    /// What it does with that.
    #[serde(flatten)]
    pub action: Action,
}

/// What it does with a request.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(tag = "do", rename_all = "kebab-case")]
pub enum Action {
    /// Nothing.
    #[default]
    Unchanged,
    /// Chooses these targets.
    Targets {
        /// Their places in the list.
        indices: Vec<u32>,
        /// Those of the others when an answer is rejected.
        #[serde(default)]
        on_rejection: Vec<u32>,
    },
    /// Chooses the targets with a tag.
    Tagged {
        /// The tag.
        tag: String,
    },
    /// Answers itself.
    Answer {
        /// The answer.
        text: String,
    },
    /// Hands over to people.
    Escalate {
        /// Which people.
        queue: String,
        /// What the caller is told.
        text: String,
    },
    /// Answers with what it was told of the targets.
    Tell,
    /// Refuses, as `test.refused`.
    Deny,
    /// Says that it could not do its work.
    Fail,
}

impl Plugin for RouterGuest {
    const NAME: &'static str = env!("CARGO_PKG_NAME");
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const SUMMARY: &'static str = env!("CARGO_PKG_DESCRIPTION");
    type Config = Option<Self>;

    fn configure(config: Option<Self>) -> Result<Self, String> {
        Ok(config.unwrap_or_default())
    }
}

impl Router for RouterGuest {
    fn route(&self, request: &Request, targets: &[Target]) -> Result<Routing, PluginError> {
        if !request.segments.iter().any(|segment| segment.text.contains(&self.when)) {
            return Ok(Routing::unchanged());
        }
        let routing = match &self.action {
            Action::Unchanged => Routing::unchanged(),
            // None at all make no sense to the host; `Routing::targets` would make `unchanged` of them.
            Action::Targets { indices, on_rejection } => {
                Routing::from(Decision::Targets(indices.clone())).on_rejection(on_rejection.iter().copied())
            }
            Action::Tagged { tag } => {
                let tagged = (0..).zip(targets).filter(|(_, target)| target.tags.contains(tag));
                Routing::targets(tagged.map(|(index, _)| index))
            }
            Action::Answer { text } => Routing::answer(text),
            Action::Escalate { queue, text } => Routing::escalate(queue, text),
            Action::Tell => Routing::answer(targets.iter().map(told).collect::<Vec<_>>().join("\n")),
            Action::Deny => Routing::deny(Denial::new("test.refused", "Nobody is to answer this.")),
            Action::Fail => return Err(PluginError::Other("as it was told to".to_owned())),
        };
        Ok(routing.with_intent("test"))
    }
}

fn told(target: &Target) -> String {
    let Target { name, provider, model, tags, healthy, context_tokens, .. } = target;
    let dollars = [target.input_dollars_per_million, target.output_dollars_per_million];
    format!("{name} {provider} {model} {tags:?} {healthy} {dollars:?} {context_tokens:?} {}", target.in_flight)
}

export!(RouterGuest: router);
