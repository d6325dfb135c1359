//! From bytes to an inspected, compiled, configured, snapshotted and probed plugin. Never on the request path.

use std::sync::Arc;
use std::time::Duration;

use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::bindings::exports::sluicegate::plugin::{
    answer_guardrail, cache, lifecycle, request_guardrail, router, text_guardrail,
};
use super::breaker::Breaker;
use super::imports::{Granted, WAITS_MAX};
use super::limits::Limits;
use super::probe::probe;
use super::run::Caller;
use super::snapshot::{self, Unconfigured};
use super::{Description, Exports, Plugin, Runtime, anatomy};
use crate::capability::{Counts, Used};
use crate::config::{Installation, check_plugin_config};

/// What a plugin is made from.
#[derive(Clone, Debug)]
pub struct Source {
    /// How it is installed.
    pub installation: Installation,
    /// The component's file.
    pub component: Arc<[u8]>,
    /// SHA-256 of the file, in hexadecimal.
    pub digest: String,
    /// Failures in a row after which it is taken out; 0 for never.
    pub breaker_failures: u32,
    /// Time between two probes when it was taken out.
    pub breaker_probe: Duration,
}

/// What must be the same for a loaded plugin to be kept.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct SourceKey {
    installation: Installation,
    digest: String,
    breaker: (u32, Duration),
}

impl Source {
    pub(super) fn key(&self) -> SourceKey {
        SourceKey {
            installation: self.installation.clone(),
            digest: self.digest.clone(),
            breaker: (self.breaker_failures, self.breaker_probe),
        }
    }
}

impl SourceKey {
    /// One that has counted nothing.
    pub(super) fn breaker(&self) -> Breaker {
        let (failures_max, probe) = self.breaker;
        Breaker::new(failures_max, probe)
    }

    pub(super) fn is_of(&self, installation: &Installation) -> bool {
        self.installation == *installation
    }
}

/// SHA-256 in hexadecimal.
#[must_use]
pub fn digest(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// Digits of a digest that are shown: as many as git shows.
const DIGEST_DIGITS: usize = 12;
/// Bytes of what a component says of itself.
const DESCRIPTION_BYTES_MAX: usize = 1_024;
/// Bytes of the reason for a refusal: five mistakes in a configuration have room.
const REASON_BYTES_MAX: usize = 1_024;
/// Times the time of a call that a probe at load may take. The loading thread gives way to all others, so on a busy
/// machine it mostly waits, and a good plugin must not be refused for that. What it computes is bounded by fuel.
const PATIENCE: u32 = 20;

impl Runtime {
    /// Load a plugin, on the thread for that, with low priority.
    ///
    /// # Errors
    /// Why it cannot be in service, for the operator.
    pub async fn load(self: &Arc<Self>, source: Source) -> Result<Plugin, String> {
        let runtime = self.clone();
        let loaded = self.loader.run(move || {
            let executor = tokio::runtime::Builder::new_current_thread().enable_time().build();
            let executor = executor.map_err(|error| format!("starting the loader: {error}"))?;
            executor.block_on(load(&runtime, source))
        });
        loaded.await.flatten().map_err(|reason| in_a_line(&reason))
    }
}

/// A reason as logs and lists show it: names and messages of the file stand in it, which may be long and have line breaks.
fn in_a_line(reason: &str) -> String {
    let mut line = String::with_capacity(reason.len().min(REASON_BYTES_MAX));
    for character in reason.chars() {
        if line.len() >= REASON_BYTES_MAX {
            line.push('…');
            break;
        }
        match character.is_control() {
            true => line.extend(character.escape_debug()),
            false => line.push(character),
        }
    }
    line
}

async fn load(runtime: &Runtime, source: Source) -> Result<Plugin, String> {
    let key = source.key();
    let Source { installation, component: bytes, digest, breaker_failures, breaker_probe } = source;
    let (anatomy, component) = anatomy::read(&bytes)?;
    anatomy::admit(&anatomy, &installation.grants)?;
    let name: Arc<str> = installation.name.as_str().into();
    let at_load = installation.limits.at_load();
    let granted = Granted {
        plugin: name.clone(),
        tenant: "".into(),
        grants: Arc::new(installation.grants.at_load()),
        services: runtime.services(),
        counts: Counts::default().shared(),
        waits: Arc::new(Semaphore::new(WAITS_MAX)),
        used: Used::default(),
        origin: None,
        was_refused: false,
        is_loading: true,
    };
    let mut caller = Caller::without_exchange(name.clone(), Instant::now() + at_load.wall);
    caller.granted = (!installation.grants.is_empty()).then(|| Box::new(granted));
    let check = |schema: Option<&str>| check_plugin_config(&installation.config, schema);
    // What it was granted may say something else at the next start.
    let identity = installation.grants.is_empty().then(|| vec![digest.as_bytes(), installation.config.as_bytes()]);
    let unconfigured = Unconfigured { wasm: &component, identity };
    let configured = snapshot::configure(&runtime.machine, &caller, unconfigured, &at_load, &check).await?;
    let linking = |error: wasmtime::Error| format!("linking it: {error:#}");
    let instance = runtime.machine.linker.instantiate_pre(&configured.component).map_err(linking)?;
    let exports = Arc::new(Exports {
        lifecycle: lifecycle::GuestIndices::new(&instance).map_err(linking)?,
        text: (anatomy.exports("text-guardrail"))
            .then(|| text_guardrail::GuestIndices::new(&instance))
            .transpose()
            .map_err(linking)?,
        request: (anatomy.exports("request-guardrail"))
            .then(|| request_guardrail::GuestIndices::new(&instance))
            .transpose()
            .map_err(linking)?,
        answer: (anatomy.exports("answer-guardrail"))
            .then(|| answer_guardrail::GuestIndices::new(&instance))
            .transpose()
            .map_err(linking)?,
        router: (anatomy.exports("router"))
            .then(|| router::GuestIndices::new(&instance))
            .transpose()
            .map_err(linking)?,
        cache: (anatomy.exports("cache")).then(|| cache::GuestIndices::new(&instance)).transpose().map_err(linking)?,
    });
    let identity = Sha256::new().chain_update(&digest).chain_update([0]).chain_update(&installation.config).finalize();
    let plugin = Plugin {
        short_digest: digest.get(..DIGEST_DIGITS).unwrap_or(&digest).into(),
        description: described(configured.description)?,
        not_forked: configured.not_forked,
        was_kept: configured.was_kept,
        compiled_in: configured.compiled_in,
        source: key,
        exports,
        instance,
        patterns: configured.patterns,
        identity: identity.as_slice().into(),
        // Clocks, random numbers and what was kept make a plugin something else than a function of its input.
        pure: !anatomy.imports_wasi() && installation.grants.is_empty(),
        asks: !installation.grants.is_empty(),
        breaker: Arc::new(Breaker::new(breaker_failures, breaker_probe)),
        waits: Arc::new(Semaphore::new(WAITS_MAX)),
        installation,
        name,
        digest,
        anatomy,
    };
    let limits = plugin.installation.limits;
    probe(runtime, &plugin, &Limits { wall: limits.wall.saturating_mul(PATIENCE), ..limits }).await?;
    Ok(plugin)
}

/// # Errors
/// When the version is not a semantic one.
fn described(said: lifecycle::Description) -> Result<Description, String> {
    let bounded = |text: String| {
        text.get(..text.floor_char_boundary(DESCRIPTION_BYTES_MAX)).unwrap_or_default().escape_debug().to_string()
    };
    let version = bounded(said.version);
    semver::Version::parse(&version).map_err(|error| {
        format!("it says that its version is {version:?}, which is not a semantic version: {error}")
    })?;
    Ok(Description { name: bounded(said.name), version, summary: bounded(said.summary) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_one_line_of_bounded_length() {
        assert_eq!(in_a_line("a \"name\"\n\u{1b}[2J é"), "a \"name\"\\n\\u{1b}[2J é");
        let long = in_a_line(&"é".repeat(REASON_BYTES_MAX));
        assert_eq!(long, format!("{}…", "é".repeat(REASON_BYTES_MAX / 2)));
    }
}
