//! What operators are told of as it happens: who is told, and the rules that say when.

mod rules;

use std::collections::BTreeMap;
use std::time::Duration;

pub(super) use rules::alerts;

use super::Webhook;

/// What operators are told of as it happens.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Alerts {
    /// Who is told, if anybody.
    pub webhook: Option<Webhook>,
    /// Time between two looks at what is counted.
    pub look: Duration,
    /// When they are told, by name.
    pub rules: BTreeMap<String, Rule>,
}

/// When an alert fires, and when it is over.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// What is looked at.
    pub when: When,
    /// It fires at this value: a share, seconds, or how many times as many as usual.
    pub threshold: f64,
    /// It is over below this one, which is no higher.
    pub clear: f64,
    /// How long the value must be at the threshold before it fires.
    pub holds: Duration,
}

/// What a rule looks at.
#[derive(Clone, Debug, PartialEq)]
pub enum When {
    /// Which share is taken of a budget, or of the tokens of a day.
    Budget {
        /// Of this tenant and its keys alone.
        tenant: Option<String>,
    },
    /// Which share of a plugin's calls fail.
    PluginFailures {
        /// Of this one alone.
        plugin: Option<String>,
        /// The time that is looked at.
        window: Duration,
        /// With fewer calls in it, nothing is said.
        count_min: u64,
    },
    /// Which share of the attempts at a target fail.
    TargetErrors {
        /// At this one alone.
        target: Option<String>,
        /// The time that is looked at.
        window: Duration,
        /// With fewer attempts in it, nothing is said.
        count_min: u64,
    },
    /// How long a target takes, in seconds.
    TargetLatency {
        /// This one alone.
        target: Option<String>,
        /// The time that is looked at.
        window: Duration,
        /// With fewer attempts in it, nothing is said.
        count_min: u64,
        /// For what.
        measure: Latency,
        /// What so many of a hundred attempts take at most.
        percentile: u64,
    },
    /// How many times as many exchanges are denied as usual.
    Denials {
        /// By whom, or to whom.
        of: Denied,
        /// The time that is looked at.
        window: Duration,
        /// The time before it, which says what is usual.
        baseline: Duration,
        /// With fewer denials in the window they are not many.
        count_min: u64,
    },
}

/// What a target takes its time for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Latency {
    /// The first token of a stream, or the head of another answer.
    FirstToken,
    /// The whole attempt.
    Attempt,
}

/// Whose denials are counted together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Denied {
    /// Those of each plugin.
    ByEachPlugin,
    /// Those of one plugin.
    By(String),
    /// Those to one tenant.
    To(String),
}

impl When {
    /// The word for it in configurations, messages and metrics.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Budget { .. } => "budget",
            Self::PluginFailures { .. } => "plugin-failures",
            Self::TargetErrors { .. } => "target-errors",
            Self::TargetLatency { .. } => "target-latency",
            Self::Denials { .. } => "denials",
        }
    }

    /// The time that is looked at; nothing of what has no window.
    #[must_use]
    pub fn window(&self) -> Option<Duration> {
        match self {
            Self::Budget { .. } => None,
            Self::PluginFailures { window, .. }
            | Self::TargetErrors { window, .. }
            | Self::TargetLatency { window, .. }
            | Self::Denials { window, .. } => Some(*window),
        }
    }
}

impl Alerts {
    /// What is not wrong and yet good to know.
    pub(super) fn note(&self) -> Option<String> {
        let is_heard = self.rules.is_empty() || self.webhook.is_some();
        let note = "alerts: there is no webhook, so alerts are in the log, in the metrics and on the admin port alone";
        (!is_heard).then(|| note.to_owned())
    }
}
