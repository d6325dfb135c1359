//! `sluicegate serve`

use std::net::SocketAddr;
use std::sync::Arc;

use clap::Args;
use http::Uri;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tracing::info;

use super::table::say;
use super::{Source, block_on, start_log};
use crate::config::{self, Files, Settings};
use crate::gateway::Gateway;
use crate::gateway::reload::{self, Watched};
use crate::plugin::directory::Broken;
use crate::plugin::{CompiledCache, Runtime};
use crate::sandbox::{self, Sandbox};
use crate::server::{self, Server};

/// Run the gateway.
#[derive(Args, Debug)]
pub(super) struct Serve {
    #[command(flatten)]
    source: Source,
}

impl Serve {
    pub(super) fn run(self) -> Result<(), String> {
        let (file, settings) = self.source.settings()?;
        start_log(&settings.log);
        server::raise_limit(settings.server.connections_max);
        let overrule = self.source;
        block_on(async move {
            let running = Running::start(settings, file, move |settings| overrule.overrule(settings)).await;
            let running = running.map_err(|refused| refused.words(ADVICE))?;
            say(&running.greeting())?;
            asked_to_stop().await?;
            running.stop().await
        })
    }
}

/// What to do about a plugin that keeps the gateway from starting.
const ADVICE: &str = "Mend it, or start without it: start_without_broken = true under [plugins].";

/// A gateway that serves, with everything around it.
pub(super) struct Running {
    pub(super) gateway: Arc<Gateway>,
    pub(super) address: SocketAddr,
    pub(super) sandbox: Option<Sandbox>,
    has_file: bool,
    stop: watch::Sender<bool>,
    server: JoinHandle<bool>,
    admin: Option<(SocketAddr, JoinHandle<bool>)>,
    watcher: JoinHandle<()>,
}

/// Keep compiled plugins. Where nothing can be kept, a start takes longer, and nothing else is the matter.
fn keeping_compiled(runtime: Runtime, plugins: &config::Plugins) -> Runtime {
    if plugins.directory.is_none() {
        return runtime;
    }
    match CompiledCache::open(&plugins.compiled) {
        Ok(cache) => runtime.keeping_compiled(cache),
        Err(why) => {
            tracing::warn!(why, "compiled plugins are not kept: each start compiles them anew");
            runtime
        }
    }
}

impl Running {
    /// Start everything, or nothing. `overrule` is applied to the settings each time they are read again.
    pub(super) async fn start(
        settings: Settings,
        config: Option<Files>,
        overrule: impl Fn(&mut Settings) + Send + Sync + 'static,
    ) -> Result<Self, Refused> {
        let runtime = Runtime::new(settings.plugins.memo_bytes)?;
        Self::start_in(runtime, settings, config, overrule).await
    }

    /// The same with plugins in this runtime.
    pub(super) async fn start_in(
        runtime: Runtime,
        mut settings: Settings,
        config: Option<Files>,
        overrule: impl Fn(&mut Settings) + Send + Sync + 'static,
    ) -> Result<Self, Refused> {
        let has_file = config.is_some();
        let sandbox = match settings.needs_sandbox() {
            true => Some(start_sandbox(&mut settings).await?),
            false => None,
        };
        let runtime = Arc::new(keeping_compiled(runtime, &settings.plugins));
        let gateway = Gateway::new(settings, runtime)?;
        gateway.load_plugins().await.map_err(Refused::Plugins)?;
        let server = Server::bind(gateway.clone())
            .await
            .map_err(|error| format!("listening on {}: {error}", gateway.generation().settings.server.listen))?;
        let address = server.address();
        not_itself(&gateway.generation().settings, address)?;
        let admin = Server::bind_admin(gateway.clone()).await;
        let admin = admin.map_err(|error| format!("listening on the address of [admin]: {error}"))?;
        let (stop, stopped) = watch::channel(false);
        let sandbox_uri = sandbox.as_ref().and_then(|sandbox| sandbox.base_url().parse().ok());
        let watched =
            Watched { config, address: Some(address), sandbox: sandbox_uri, overrule: Some(Box::new(overrule)) };
        let watcher = tokio::spawn(reload::watch(gateway.clone(), watched, stopped.clone()));
        let admin = admin.map(|admin| (admin.address(), tokio::spawn(admin.run(stopped.clone()))));
        let server = tokio::spawn(server.run(stopped));
        let required = gateway.auth.is_required(&gateway.generation().settings);
        info!(%address, admin = admin.as_ref().map(|(address, _)| address.to_string()), required, "listening");
        Ok(Self { gateway, address, sandbox, has_file, stop, server, admin, watcher })
    }

    /// Where operators are answered, if anywhere.
    pub(super) fn admin_address(&self) -> Option<SocketAddr> {
        self.admin.as_ref().map(|(address, _)| *address)
    }

    /// What a person needs to know.
    pub(super) fn greeting(&self) -> String {
        let generation = self.gateway.generation();
        let plugins: Vec<&str> = generation.plugins.iter().map(|plugin| &*plugin.name).collect();
        let plugins = if plugins.is_empty() { "none".to_owned() } else { plugins.join(", ") };
        let model = model(self.sandbox.is_some(), self.has_file);
        let callers = callers(&self.gateway);
        let admin = self.admin_address().map(|address| format!("\nadmin:     http://{address}"));
        let admin = admin.unwrap_or_default();
        format!(
            "sluicegate listens on http://{}/v1\nplugins:   {plugins}\ncallers:   {callers}{admin}{model}",
            self.address
        )
    }

    /// Stop accepting, let open exchanges end, and stop.
    ///
    /// # Errors
    /// When some did not end within the grace.
    pub(super) async fn stop(self) -> Result<(), String> {
        let _ = self.stop.send(true);
        let all_ended = self.server.await.unwrap_or(false);
        if let Some((_, admin)) = self.admin {
            let _ = admin.await;
        }
        let _ = self.watcher.await;
        // What the last exchanges have used; a store that is away would be waited for in vain.
        let wait = self.gateway.generation().settings.store.wait;
        if tokio::time::timeout(wait, self.gateway.counters.all_written()).await.is_err() {
            tracing::warn!("stopped, and what the last exchanges have used is not settled");
        }
        if !self.gateway.observers.all_told(wait).await {
            tracing::warn!("stopped, and the last exchanges are not in the ledger, or not with the collector");
        }
        // Its only caller is gone.
        drop(self.sandbox);
        if all_ended {
            info!("stopped");
        } else {
            tracing::warn!("stopped, cutting off exchanges that did not end within the grace");
        }
        Ok(())
    }
}

async fn start_sandbox(settings: &mut Settings) -> Result<Sandbox, String> {
    let sandbox = Sandbox::start(sandbox::Settings::default())
        .await
        .map_err(|error| format!("starting the sandbox model: {error}"))?;
    let base_url: Uri = sandbox.base_url().parse().map_err(|error| format!("starting the sandbox model: {error}"))?;
    settings.sandbox_at(&base_url);
    Ok(sandbox)
}

/// Who may call, for the greeting.
fn callers(gateway: &Gateway) -> &'static str {
    let settings = &gateway.generation().settings;
    match (gateway.auth.is_required(settings), gateway.auth.knows_callers(), settings.auth.required) {
        (true, true, _) => "those with a key or a token",
        (true, false, _) => "nobody yet: no key is configured (sluicegate keys create NAME)",
        (false, _, Some(_)) => "anyone who reaches this address, as [auth] says required = false",
        (false, _, None) => "anyone on this machine, as no key is configured (sluicegate keys create NAME)",
    }
}

/// A line of the greeting for those who have not said which model to ask.
fn model(is_sandbox: bool, has_file: bool) -> &'static str {
    if is_sandbox && !has_file {
        "\nmodel:     the built-in sandbox (set OPENAI_API_KEY, or write sluicegate.toml, for a real one)"
    } else {
        ""
    }
}

/// # Errors
/// When a provider is the gateway that listens at `address`.
pub(super) fn not_itself(settings: &Settings, address: SocketAddr) -> Result<(), String> {
    match settings.provider_that_is_the_gateway(address) {
        None => Ok(()),
        Some(provider) => Err(format!(
            "the address of the provider {provider:?} is the gateway's own, {address}: it would ask itself without end; \
             name the provider's in its base_url or, without a configuration file, in OPENAI_BASE_URL"
        )),
    }
}

/// Why a gateway does not start.
#[derive(Debug)]
pub(super) enum Refused {
    /// Because of these plugins.
    Plugins(Vec<Broken>),
    /// Because of something else.
    Otherwise(String),
}

impl From<String> for Refused {
    fn from(words: String) -> Self {
        Self::Otherwise(words)
    }
}

impl Refused {
    /// Words for the person, with advice if it is plugins that keep it from starting.
    pub(super) fn words(self, advice: &str) -> String {
        match self {
            Self::Otherwise(words) => words,
            Self::Plugins(broken) => {
                let lines: Vec<String> = broken.iter().map(|broken| format!("  {}\n", about(broken))).collect();
                format!("refusing to start:\n{}{advice}", lines.concat())
            }
        }
    }
}

/// What is broken, and why.
pub(super) fn about(Broken { name, reason, .. }: &Broken) -> String {
    if name.is_empty() { format!("the plugin directory: {reason}") } else { format!("plugin {name}: {reason}") }
}

/// Wait for SIGTERM or SIGINT.
pub(super) async fn asked_to_stop() -> Result<(), String> {
    let waiting = |error: std::io::Error| format!("waiting for signals: {error}");
    let mut terminate = signal(SignalKind::terminate()).map_err(waiting)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(waiting)?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config;

    #[test]
    fn how_to_get_a_real_model_is_said_where_nothing_was_configured() {
        assert!(model(true, false).contains("OPENAI_API_KEY"));
        assert_eq!((model(true, true), model(false, false)), ("", ""));
    }

    #[test]
    fn a_gateway_that_would_ask_itself_does_not_start() {
        let text = "[providers.p]\ndialect = 'openai'\nbase_url = 'http://localhost:8080/v1'\n\
                    [targets.t]\nprovider = 'p'\n[models.'*']\ntargets = ['t']";
        let settings = config::parse("x", text, Path::new("")).unwrap();
        let said = not_itself(&settings, SocketAddr::from(([127, 0, 0, 1], 8080))).unwrap_err();
        assert!(said.starts_with("the address of the provider \"p\" is the gateway's own, 127.0.0.1:8080"), "{said}");
        assert_eq!(not_itself(&settings, SocketAddr::from(([127, 0, 0, 1], 8081))), Ok(()));
    }

    #[test]
    fn a_refusal_names_what_is_broken_and_then_gives_the_advice() {
        let broken = |name: &str| Broken { name: name.to_owned(), reason: "gone".to_owned(), older_in_service: false };
        let said = Refused::Plugins(vec![broken(""), broken("pii")]).words("Mend it.");
        assert_eq!(said, "refusing to start:\n  the plugin directory: gone\n  plugin pii: gone\nMend it.");
        assert_eq!(Refused::from("no port".to_owned()).words("Mend it."), "no port");
    }
}
