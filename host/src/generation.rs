//! What exchanges of one moment have in common.

use std::sync::{Arc, OnceLock};

use sha2::{Digest, Sha256};

use crate::capability::Capability;
use crate::chat::Phase;
use crate::config::{Installation, Mode, Settings};
use crate::hashing::in_parts;
use crate::plugin::{Plugin, Runtime, Triggers};

/// One consistent set of plugins and settings. An exchange keeps the one that it began with.
#[derive(Debug)]
pub struct Generation {
    /// Counts up from 1.
    pub number: u64,
    /// The settings.
    pub settings: Arc<Settings>,
    /// All loaded plugins, in the order in which they run.
    pub plugins: Vec<Arc<Plugin>>,
    on_request: Option<Arc<Triggers>>,
    on_answer: Option<Arc<Triggers>>,
    fingerprint: OnceLock<[u8; 32]>,
    without_askers: OnceLock<Arc<Self>>,
}

impl Generation {
    /// A generation with its plugins in order.
    #[must_use]
    pub fn new(number: u64, settings: Arc<Settings>, mut plugins: Vec<Arc<Plugin>>) -> Self {
        plugins.sort_by(|a, b| (a.installation.order, &a.name).cmp(&(b.installation.order, &b.name)));
        Self {
            number,
            settings,
            plugins,
            on_request: None,
            on_answer: None,
            fingerprint: OnceLock::new(),
            without_askers: OnceLock::new(),
        }
    }

    /// The same, with what triggers the prefilters of all plugins of a phase; an `older` generation may have it already.
    pub async fn with_triggers(self, runtime: &Runtime, older: &Self) -> Self {
        let on_request = runtime.triggers(self.in_force(Phase::Request), older.on_request.as_ref()).await;
        let on_answer = runtime.triggers(self.in_force(Phase::Answer), older.on_answer.as_ref()).await;
        Self { on_request, on_answer, ..self }
    }

    /// What triggers any of the prefilters of the plugins in force in this phase, if that is known.
    #[must_use]
    pub fn triggers(&self, phase: Phase) -> Option<&Arc<Triggers>> {
        match phase {
            Phase::Request => self.on_request.as_ref(),
            Phase::Answer => self.on_answer.as_ref(),
        }
    }

    /// The plugins that decide who answers, in order.
    pub fn routers(&self) -> impl Iterator<Item = &Arc<Plugin>> {
        self.plugins.iter().filter(|plugin| plugin.routes() && plugin.installation.mode != Mode::Off)
    }

    /// The plugins that decide what may be answered from memory, in order.
    pub fn caches(&self) -> impl Iterator<Item = &Arc<Plugin>> {
        self.plugins.iter().filter(|plugin| plugin.caches() && plugin.installation.mode != Mode::Off)
    }

    /// The same without plugins that may ask models: what one of them asks is not for any of them to look at, or there would
    /// be no end to it.
    #[must_use]
    pub(crate) fn without_askers(&self) -> Arc<Self> {
        let without = || {
            let is_asker = |plugin: &&Arc<Plugin>| plugin.installation.grants.has(Capability::Model);
            let others = self.plugins.iter().filter(|plugin| !is_asker(plugin)).cloned();
            Arc::new(Self::new(self.number, self.settings.clone(), others.collect()))
        };
        self.without_askers.get_or_init(without).clone()
    }

    /// Whether a plugin in force may ask models.
    #[must_use]
    pub(crate) fn asks_models(&self) -> bool {
        self.plugins.iter().any(|plugin| {
            let Installation { grants, mode, .. } = &plugin.installation;
            *mode != Mode::Off && grants.has(Capability::Model)
        })
    }

    /// SHA-256 of all that decides which text is let through: what one set of guardrails has let through, another may not.
    #[must_use]
    pub fn fingerprint(&self) -> &[u8; 32] {
        self.fingerprint.get_or_init(|| {
            // Of a stream they see windows.
            let mut hash = Sha256::new_with_prefix(format!("{:?}", self.settings.stream));
            let in_force = |plugin: &&Arc<Plugin>| plugin.inspects() && plugin.installation.mode != Mode::Off;
            for plugin in self.plugins.iter().filter(in_force) {
                let Installation { name, mode, on_failure, on_request, on_answer, stream, .. } = &plugin.installation;
                // The form for debugging quotes the name.
                let said = format!("{name:?} {mode:?} {on_failure:?} {on_request} {on_answer} {stream:?}");
                in_parts([said.as_bytes(), plugin.identity()], |bytes| hash.update(bytes));
            }
            hash.finalize().into()
        })
    }

    /// Whether any guardrail looks at answers: of streams they see windows, and of whole answers all.
    #[must_use]
    pub fn looks_at_answers(&self) -> bool {
        self.in_force(Phase::Answer).any(|plugin| plugin.inspects())
    }

    /// Whether all guardrails of answers say the same of the same text, whatever was asked and whenever it is.
    #[must_use]
    pub fn says_the_same_again(&self) -> bool {
        self.in_force(Phase::Answer)
            .filter(|plugin| plugin.inspects())
            .all(|plugin| plugin.is_pure() && !plugin.checks_answers())
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
