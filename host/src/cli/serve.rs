//! `sluicegate serve`

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use http::Uri;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tracing::info;

use super::{Source, block_on, start_log};
use crate::config::Settings;
use crate::gateway::Gateway;
use crate::gateway::reload::{self, Watched};
use crate::plugin::Runtime;
use crate::plugin::directory::Broken;
use crate::sandbox::{self, Sandbox};
use crate::server::Server;

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
        let overrule = self.source;
        block_on(async move {
            let running = Running::start(settings, file, move |settings| overrule.overrule(settings)).await?;
            println!("{}", running.greeting());
            asked_to_stop().await?;
            running.stop().await
        })
    }
}

/// A gateway that serves, with everything around it.
pub(super) struct Running {
    pub(super) gateway: Arc<Gateway>,
    pub(super) address: SocketAddr,
    pub(super) sandbox: Option<Sandbox>,
    stop: watch::Sender<bool>,
    server: JoinHandle<bool>,
    watcher: JoinHandle<()>,
}

impl Running {
    /// Start everything, or nothing. `overrule` is applied to the settings each time they are read again.
    pub(super) async fn start(
        mut settings: Settings,
        config: Option<PathBuf>,
        overrule: impl Fn(&mut Settings) + Send + 'static,
    ) -> Result<Self, String> {
        let sandbox = match settings.needs_sandbox() {
            true => Some(start_sandbox(&mut settings).await?),
            false => None,
        };
        let runtime = Arc::new(Runtime::new(settings.plugins.memo_bytes)?);
        let gateway = Arc::new(Gateway::new(settings, runtime)?);
        gateway.load_plugins().await.map_err(|broken| refusal(&broken))?;
        let server = Server::bind(gateway.clone())
            .await
            .map_err(|error| format!("listening on {}: {error}", gateway.generation().settings.server.listen))?;
        let address = server.address();
        let (stop, stopped) = watch::channel(false);
        let sandbox_uri = sandbox.as_ref().and_then(|sandbox| sandbox.base_url().parse().ok());
        let watched = Watched { config, sandbox: sandbox_uri, overrule: Some(Box::new(overrule)) };
        let watcher = tokio::spawn(reload::watch(gateway.clone(), watched, stopped.clone()));
        let server = tokio::spawn(server.run(stopped));
        info!(%address, "listening");
        Ok(Self { gateway, address, sandbox, stop, server, watcher })
    }

    /// What a person needs to know.
    pub(super) fn greeting(&self) -> String {
        let generation = self.gateway.generation();
        let plugins: Vec<&str> = generation.plugins.iter().map(|plugin| &*plugin.name).collect();
        let plugins = if plugins.is_empty() { "none".to_owned() } else { plugins.join(", ") };
        let model = match &self.sandbox {
            Some(_) => {
                "\nmodel:     the built-in sandbox (set OPENAI_API_KEY, or write sluicegate.toml, for a real one)"
            }
            None => "",
        };
        format!("sluicegate listens on http://{}/v1\nplugins:   {plugins}{model}", self.address)
    }

    /// Stop accepting, let open exchanges end, and stop.
    ///
    /// # Errors
    /// When some did not end within the grace.
    pub(super) async fn stop(self) -> Result<(), String> {
        let _ = self.stop.send(true);
        let all_ended = self.server.await.unwrap_or(false);
        let _ = self.watcher.await;
        if let Some(sandbox) = self.sandbox {
            sandbox.stop().await;
        }
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

fn refusal(broken: &[Broken]) -> String {
    let mut words = String::from("refusing to start:");
    for Broken { name, reason, .. } in broken {
        let who = if name.is_empty() { "the plugin directory".to_owned() } else { format!("plugin {name}") };
        words.push_str(&format!("\n  {who}: {reason}"));
    }
    words.push_str("\nMend it, or start without it: start_without_broken = true under [plugins].");
    words
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
