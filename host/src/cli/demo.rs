//! `sluicegate demo`: the gateway as a newcomer meets it. It goes through the same start, the same sockets and the same
//! plugins as `serve`, so that what it shows is what is.

pub(super) mod changes;
mod client;
mod layout;
pub(super) mod page;
pub(super) mod play;
mod receipts;
pub(super) mod script;
#[cfg(test)]
mod tests;

use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::pin::pin;

use clap::Args;

use super::serve::{Running, asked_to_stop};
use super::table::say;
use super::{block_on, start_log};
use crate::config::{self, Embedder, Log, Settings};
use script::Scene;

/// The built-in model alone, for whatever model is asked for: the demo spends nobody's money. A router may prefer the
/// second of its two targets. What is shown does not depend on how busy the machine is: the cache may be waited for.
const SETTINGS: &str = r#"
[providers.sandbox]
dialect = "sandbox"

[targets.ordinary]
provider = "sandbox"
prices = { input = "0.15", output = "0.60" }

[targets.strong]
provider = "sandbox"
model = "strong"
prices = { input = "3.00", output = "15.00" }

# Fails whatever it is asked.
[targets.ailing]
provider = "sandbox"
model = "sandbox-fail-503"
prices = { input = "0.15", output = "0.60" }

[models."*"]
targets = ["ordinary", "strong"]

[models.sturdy]
targets = ["ailing", "ordinary"]

[models.fragile]
targets = ["ailing"]

[auth]
required = false

[admin]
listen = "127.0.0.1:0"

[tenants."*"]
capture = true
session = { steps_max = 3 }

[cache]
wait_ms = 10_000
embedding_wait_ms = 10_000
"#;

/// What the embedder is called, for the installations of the plugins that use it.
const EMBEDDER: &str = "minilm";
/// Threads that run it: it is asked one short question at a time.
const EMBEDDER_THREADS: usize = 1;

/// Send a few telling exchanges through the gateway to the built-in model, and show what became of them. Then keep
/// serving, until Ctrl-C.
#[derive(Args, Debug)]
pub(super) struct Demo {
    /// The plugin directory: components, and their installations beside them. It is watched while the demo serves.
    #[arg(long, value_name = "DIRECTORY", default_value = "plugins")]
    plugins: PathBuf,
    /// A sentence transformer, as all-MiniLM-L6-v2, for the plugins whose installations name the embedder `minilm`.
    #[arg(long, value_name = "DIRECTORY")]
    embedder: Option<PathBuf>,
    /// Address and port to listen on; a free port if this one is taken.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// End after the exchanges, instead of serving on.
    #[arg(long)]
    once: bool,
}

impl Demo {
    pub(super) fn run(self) -> Result<(), String> {
        // A reload is told by `changes`, in fewer words.
        start_log(&Log { level: "warn,sluicegate::gateway::reload=off".to_owned(), json: false });
        block_on(self.show())
    }

    async fn show(self) -> Result<(), String> {
        let (listen, taken) = place(self.listen)?;
        if taken {
            say(&format!("{} is taken; using a free port\n", self.listen))?;
        }
        let folder = folder()?;
        let settings = settings(folder.path(), &self.plugins, self.embedder.as_deref(), listen)?;
        // Ctrl-C is waited for from the start on: what is kept goes with the demo, whenever it ends.
        let mut stop = pin!(asked_to_stop());
        let running = tokio::select! {
            stop = &mut stop => return stop,
            running = Running::start(settings, None, |_| {}) => running,
        };
        let running = running.map_err(|refused| refused.words("Mend it, or take it out of the directory."))?;
        let ended = tokio::select! {
            stop = &mut stop => stop,
            shown = self.show_all(&running) => shown,
        };
        let stopped = running.stop().await;
        ended.and(stopped)
    }

    async fn show_all(&self, running: &Running) -> Result<(), String> {
        let generation = running.gateway.generation();
        if generation.plugins.is_empty() {
            return Err(format!(
                "there are no plugins in {0}, so there is nothing to show\nIn a clone of the repository, `cargo xtask \
                 demo` builds them and starts this; otherwise put some into {0}, or name another place with --plugins",
                self.plugins.display()
            ));
        }
        say(&page::plugins(&self.plugins, &generation))?;
        let scenes = script::scenes();
        let (played, left_out): (Vec<(usize, &Scene)>, Vec<_>) =
            (1..).zip(&scenes).partition(|(_, scene)| scene.needs.is_met(&generation));
        for (number, scene) in played {
            say(&page::scene(number, scene, &play::play(scene, running).await?))?;
        }
        if !left_out.is_empty() {
            say(&page::left_out(&left_out))?;
        }
        if self.once {
            return Ok(());
        }
        say(&page::goodbye(running.address, running.admin_address(), &self.plugins))?;
        changes::tell(running).await
    }
}

/// Where to listen: as asked, or on a free port if that one is taken.
fn place(listen: SocketAddr) -> Result<(SocketAddr, bool), String> {
    match TcpListener::bind(listen) {
        Ok(_) => Ok((listen, false)),
        Err(error) if error.kind() == ErrorKind::AddrInUse => Ok((SocketAddr::new(listen.ip(), 0), true)),
        Err(error) => Err(format!("listening on {listen}: {error}")),
    }
}

/// Where the demo keeps what a gateway keeps; it goes when this is dropped.
fn folder() -> Result<tempfile::TempDir, String> {
    let folder = tempfile::Builder::new().prefix("sluicegate-demo-").tempdir();
    folder.map_err(|error| format!("making a temporary folder: {error}"))
}

fn settings(folder: &Path, plugins: &Path, embedder: Option<&Path>, listen: SocketAddr) -> Result<Settings, String> {
    let mut settings =
        config::parse("the demo's configuration", SETTINGS, folder).map_err(|wrong| wrong.to_string())?;
    settings.plugins.directory = Some(plugins.to_owned());
    settings.server.listen = listen;
    let local = |directory: &Path| Embedder::Local { directory: directory.to_owned(), threads: EMBEDDER_THREADS };
    settings.embedders.extend(embedder.map(|directory| (EMBEDDER.to_owned(), local(directory))));
    Ok(settings)
}
