//! What exchanges of one moment have in common.

use std::sync::Arc;

use crate::chat::Phase;
use crate::config::{Mode, Settings};
use crate::plugin::Plugin;

/// One consistent set of plugins and settings. An exchange keeps the one that it began with.
#[derive(Debug)]
pub struct Generation {
    /// Counts up from 1.
    pub number: u64,
    /// The settings.
    pub settings: Arc<Settings>,
    /// All loaded plugins, in the order in which they run.
    pub plugins: Vec<Arc<Plugin>>,
}

impl Generation {
    /// A generation with its plugins in order.
    #[must_use]
    pub fn new(number: u64, settings: Arc<Settings>, mut plugins: Vec<Arc<Plugin>>) -> Self {
        plugins.sort_by(|a, b| (a.installation.order, &a.name).cmp(&(b.installation.order, &b.name)));
        Self { number, settings, plugins }
    }

    /// The plugins that are called in this phase, in order.
    pub fn in_force(&self, phase: Phase) -> impl Iterator<Item = &Arc<Plugin>> {
        self.plugins.iter().filter(move |plugin| {
            let installation = &plugin.installation;
            let concerned = match phase {
                Phase::Request => installation.on_request,
                Phase::Answer => installation.on_answer,
            };
            concerned && installation.mode != Mode::Off
        })
    }
}
