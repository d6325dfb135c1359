//! What a call does in its fork: one export each.

use wasmtime::Store;
use wasmtime::component::Instance;

use super::Plugin;
use super::bindings::exports::sluicegate::plugin::{
    answer_guardrail, cache, request_guardrail, router, text_guardrail,
};
use super::bindings::sluicegate::plugin::types::{self, PluginError};
use super::imports::State;
use super::patterns::Patterns;
use super::run::Work;

pub(super) struct TextWork<'a> {
    pub(super) plugin: &'a Plugin,
    pub(super) windows: Vec<text_guardrail::Window>,
}

impl Work for TextWork<'_> {
    type Said = Result<Vec<text_guardrail::Verdict>, PluginError>;

    async fn run(self, store: &mut Store<State>, instance: &Instance) -> wasmtime::Result<Self::Said> {
        self.plugin.prepare(store, instance).await?;
        let guest = self.plugin.exports.text.as_ref().ok_or_else(not_exported)?.load(&mut *store, instance)?;
        guest.call_inspect(&mut *store, &self.windows).await
    }
}

pub(super) struct RequestWork<'a> {
    pub(super) plugin: &'a Plugin,
    pub(super) request: types::Request,
}

impl Work for RequestWork<'_> {
    type Said = Result<request_guardrail::Verdict, PluginError>;

    async fn run(self, store: &mut Store<State>, instance: &Instance) -> wasmtime::Result<Self::Said> {
        self.plugin.prepare(store, instance).await?;
        let guest = self.plugin.exports.request.as_ref().ok_or_else(not_exported)?.load(&mut *store, instance)?;
        guest.call_check(&mut *store, &self.request).await
    }
}

pub(super) struct AnswerWork<'a> {
    pub(super) plugin: &'a Plugin,
    pub(super) request: types::Request,
    pub(super) answer: types::Answer,
}

impl Work for AnswerWork<'_> {
    type Said = Result<answer_guardrail::Verdict, PluginError>;

    async fn run(self, store: &mut Store<State>, instance: &Instance) -> wasmtime::Result<Self::Said> {
        self.plugin.prepare(store, instance).await?;
        let guest = self.plugin.exports.answer.as_ref().ok_or_else(not_exported)?.load(&mut *store, instance)?;
        guest.call_check(&mut *store, &self.request, &self.answer).await
    }
}

pub(super) struct RouteWork<'a> {
    pub(super) plugin: &'a Plugin,
    pub(super) request: types::Request,
    pub(super) targets: Vec<router::Target>,
}

impl Work for RouteWork<'_> {
    type Said = Result<router::Routing, PluginError>;

    async fn run(self, store: &mut Store<State>, instance: &Instance) -> wasmtime::Result<Self::Said> {
        self.plugin.prepare(store, instance).await?;
        let guest = self.plugin.exports.router.as_ref().ok_or_else(not_exported)?.load(&mut *store, instance)?;
        guest.call_route(&mut *store, &self.request, &self.targets).await
    }
}

pub(super) struct PlanWork<'a> {
    pub(super) plugin: &'a Plugin,
    pub(super) request: types::Request,
    pub(super) findings: Vec<types::Finding>,
}

impl Work for PlanWork<'_> {
    type Said = Result<cache::Intention, PluginError>;

    async fn run(self, store: &mut Store<State>, instance: &Instance) -> wasmtime::Result<Self::Said> {
        let guest = self.plugin.cache(store, instance).await?;
        guest.call_plan(&mut *store, &self.request, &self.findings).await
    }
}

pub(super) struct AcceptWork<'a> {
    pub(super) plugin: &'a Plugin,
    pub(super) request: types::Request,
    pub(super) candidate: cache::Candidate,
}

impl Work for AcceptWork<'_> {
    type Said = Result<bool, PluginError>;

    async fn run(self, store: &mut Store<State>, instance: &Instance) -> wasmtime::Result<Self::Said> {
        let guest = self.plugin.cache(store, instance).await?;
        guest.call_accept(&mut *store, &self.request, &self.candidate).await
    }
}

pub(super) struct AdmitWork<'a> {
    pub(super) plugin: &'a Plugin,
    pub(super) request: types::Request,
    pub(super) answer: types::Answer,
    pub(super) findings: Vec<types::Finding>,
}

impl Work for AdmitWork<'_> {
    type Said = Result<Option<cache::Admission>, PluginError>;

    async fn run(self, store: &mut Store<State>, instance: &Instance) -> wasmtime::Result<Self::Said> {
        let guest = self.plugin.cache(store, instance).await?;
        guest.call_admit(&mut *store, &self.request, &self.answer, &self.findings).await
    }
}

fn not_exported() -> wasmtime::Error {
    wasmtime::Error::msg("the plugin does not export this interface")
}

impl Plugin {
    async fn cache(&self, store: &mut Store<State>, instance: &Instance) -> wasmtime::Result<cache::Guest> {
        self.prepare(store, instance).await?;
        self.exports.cache.as_ref().ok_or_else(not_exported)?.load(&mut *store, instance)
    }

    /// In an instance that could not be forked, do first what the snapshot would have held.
    async fn prepare(&self, store: &mut Store<State>, instance: &Instance) -> wasmtime::Result<()> {
        if self.not_forked.is_none() {
            return Ok(());
        }
        let guest = self.exports.lifecycle.load(&mut *store, instance)?;
        // As at load: what is configured is for no exchange.
        store.data_mut().is_loading(true);
        let configured = guest.call_configure(&mut *store, &self.installation.config).await?;
        store.data_mut().is_loading(false);
        store.data_mut().patterns = Patterns::Ready(self.patterns.clone());
        configured.map_err(|wrong| {
            wasmtime::Error::msg(format!("`configure` worked at load and not now: {}", bounded(&wrong)))
        })
    }
}

/// What a plugin says when it could not do its work, bounded, for the operator.
pub(super) fn plugin_error(error: &PluginError) -> String {
    let (kind, words) = match error {
        PluginError::Unsupported(words) => ("unsupported input", words),
        PluginError::Unavailable(words) => ("a capability is unavailable", words),
        PluginError::Other(words) => ("the plugin gave up", words),
    };
    format!("{kind}: {}", bounded(words))
}

fn bounded(words: &str) -> impl std::fmt::Display {
    words.get(..words.floor_char_boundary(WORDS_BYTES_MAX)).unwrap_or_default().escape_debug()
}

/// Bytes of a plugin's words in a receipt.
const WORDS_BYTES_MAX: usize = 512;
