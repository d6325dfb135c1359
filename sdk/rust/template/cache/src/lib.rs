//! {{summary}}

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use sluicegate_plugin::cache::{Admission, Candidate, Intention, Lookup};
use sluicegate_plugin::{
    Answer, Cache, Channel, Finding, Finish, Plugin, PluginError, Request, Role, Segment, export, schema_of,
};

/// What the operator configures.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Seconds for which an answer is fresh.
    #[schemars(range(min = 1))]
    pub ttl_s: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self { ttl_s: 3_600 }
    }
}

/// The policy.
#[derive(Debug)]
pub struct {{type}} {
    ttl: Duration,
}

impl Plugin for {{type}} {
    const NAME: &'static str = "{{name}}";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const SUMMARY: &'static str = "{{summary}}";
    type Config = Config;

    fn config_schema() -> Option<String> {
        Some(schema_of::<Config>())
    }

    fn configure(Config { ttl_s }: Config) -> Result<Self, String> {
        Ok(Self { ttl: Duration::from_secs(ttl_s) })
    }
}

impl Cache for {{type}} {
    fn plan(&self, request: &Request, findings: &[Finding]) -> Result<Intention, PluginError> {
        // A conversation that has begun is hardly ever had again.
        let has_begun = request.segments.iter().any(|segment| matches!(segment.role, Role::Assistant | Role::Tool));
        let is_said = |segment: &&Segment| segment.role == Role::User && segment.channel == Channel::Content;
        let mut said = request.segments.iter().filter(is_said);
        match (said.next(), said.next()) {
            (Some(question), None) if !has_begun && request.tools.is_empty() && findings.is_empty() => {
                let key = question.text.trim_ascii().to_ascii_lowercase();
                Ok(Lookup::exact(key).no_older_than(self.ttl).into())
            }
            _ => Ok(Intention::Bypass),
        }
    }

    fn accept(&self, _request: &Request, _candidate: &Candidate) -> Result<bool, PluginError> {
        // Nothing is looked for by its meaning.
        Ok(false)
    }

    fn admit(
        &self,
        _request: &Request,
        answer: &Answer,
        findings: &[Finding],
    ) -> Result<Option<Admission>, PluginError> {
        let is_whole = answer.finish == Finish::Stop && findings.is_empty();
        Ok(is_whole.then(|| Admission::fresh_for(self.ttl)))
    }
}

export!({{type}}: cache);
