//! Who wrote a text, and how much weight its signals have for that reason.

use crate::{config::Speaker, signals::Signal};
use sluicegate_plugin::{Channel, Role};

/// Where a text comes from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Source {
    pub(crate) speaker: Speaker,
    /// Data has no business giving orders: signals have their weight for data.
    pub(crate) data: bool,
    /// What all weights are multiplied by.
    factor: f32,
}

impl Source {
    pub(crate) fn of(role: Role, channel: Channel) -> Self {
        let data = Self { speaker: Speaker::Tool, data: true, factor: 1.0 };
        match (channel, role) {
            (Channel::ToolResult | Channel::Passage, _) => data,
            // Third parties write these too, but they rightly tell the model when to use the tool.
            (Channel::ToolDefinition, _) => Self { factor: 0.9, ..data },
            (_, Role::Tool) => data,
            (_, Role::User) => Self { speaker: Speaker::User, data: false, factor: 1.0 },
            // A model that explains an attack quotes it, and must not lock the conversation for good.
            (_, Role::Assistant) => Self { speaker: Speaker::Assistant, data: false, factor: 0.6 },
            // The application is trusted; judged only if the operator asks for it.
            (_, Role::System) => Self { speaker: Speaker::System, data: false, factor: 0.4 },
        }
    }

    pub(crate) fn weight(self, signal: &Signal) -> f32 {
        self.scaled(if self.data { signal.data } else { signal.said })
    }

    pub(crate) fn scaled(self, weight: f32) -> f32 {
        weight * self.factor
    }
}
