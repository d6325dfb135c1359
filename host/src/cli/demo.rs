//! `sluicegate demo`: the gateway as a newcomer meets it. It goes through the same start, the same sockets and the same
//! plugins as `serve`, so that what it shows is what is.

mod client;
mod page;
mod receipts;
mod script;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::Args;

use super::serve::{Running, asked_to_stop};
use super::table::say;
use super::{block_on, start_log};
use crate::config::{self, Log, Settings};
use crate::generation::Generation;
use crate::plugin::directory::Broken;
use crate::sandbox::Sandbox;
use client::Answer;
use script::Scene;

/// The built-in model alone, for whatever model is asked for: the demo spends nobody's money.
const SETTINGS: &str = r#"
[providers.sandbox]
dialect = "sandbox"

[targets.sandbox]
provider = "sandbox"

[models."*"]
targets = ["sandbox"]

[auth]
required = false
"#;

/// How often to look whether other plugins are in service.
const LOOK: Duration = Duration::from_millis(250);

/// Send a few telling exchanges through the gateway to the built-in model, and show what became of them. Then keep
/// serving, until Ctrl-C.
#[derive(Args, Debug)]
pub(super) struct Demo {
    /// The plugin directory: components, and their installations beside them. It is watched while the demo serves.
    #[arg(long, value_name = "DIRECTORY", default_value = "plugins")]
    plugins: PathBuf,
    /// Address and port to listen on; a free port if this one is taken.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// End after the exchanges, instead of serving on.
    #[arg(long)]
    once: bool,
}

impl Demo {
    pub(super) fn run(self) -> Result<(), String> {
        // A reload is told by `tell_changes`, in fewer words.
        start_log(&Log { level: "warn,sluicegate::gateway::reload=off".to_owned(), json: false });
        block_on(self.play())
    }

    async fn play(self) -> Result<(), String> {
        let (listen, taken) = place(self.listen)?;
        if taken {
            say(&format!("{} is taken; using a free port\n", self.listen))?;
        }
        let running = Running::start(settings(&self.plugins, listen)?, None, |_| {}).await;
        let running = running.map_err(|refused| refused.words("Mend it, or take it out of the directory."))?;
        let generation = running.gateway.generation();
        if generation.plugins.is_empty() {
            return Err(format!(
                "there are no plugins in {0}, so there is nothing to show\nIn a clone of the repository, `cargo xtask \
                 demo` builds them and starts this; otherwise put some into {0}, or name another place with --plugins",
                self.plugins.display()
            ));
        }
        say(&page::plugins(&self.plugins, &generation))?;
        let sandbox = running.sandbox.as_ref().ok_or("the sandbox model did not start")?;
        for (index, scene) in script::scenes().iter().enumerate() {
            let shown = show(scene, running.address, sandbox).await?;
            say(&page::scene(index + 1, scene, &shown))?;
        }
        if !self.once {
            say(&page::goodbye(running.address, &self.plugins))?;
            tokio::select! {
                stop = asked_to_stop() => stop?,
                ended = tell_changes(&running) => ended?,
            }
        }
        running.stop().await
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

fn settings(plugins: &Path, listen: SocketAddr) -> Result<Settings, String> {
    let mut settings =
        config::parse("the demo's configuration", SETTINGS, Path::new("")).map_err(|wrong| wrong.to_string())?;
    settings.plugins.directory = Some(plugins.to_owned());
    settings.server.listen = listen;
    Ok(settings)
}

/// What came of a scene.
struct Shown {
    /// The request as the model got it; nothing if it did not.
    model_saw: Option<bytes::Bytes>,
    /// What the model answered to that.
    model_said: Option<String>,
    /// What the caller got.
    answer: Answer,
}

async fn show(scene: &Scene, gateway: SocketAddr, sandbox: &Sandbox) -> Result<Shown, String> {
    let before = sandbox.state().received;
    let answer = client::ask(gateway, &scene.body()).await?;
    let reached = sandbox.state().received > before;
    let model_saw = sandbox.seen().pop().filter(|_| reached).map(|seen| seen.body);
    // The sandbox model answers the same request with the same bytes, so asking it again shows what it had said.
    let model_said = match &model_saw {
        Some(body) => Some(client::send(sandbox.address(), body.clone()).await?.text),
        None => None,
    };
    Ok(Shown { model_saw, model_said, answer })
}

/// Say what is put into service, and what cannot be, as it happens.
async fn tell_changes(running: &Running) -> Result<(), String> {
    let mut generation = running.gateway.generation();
    let mut broken = running.gateway.broken();
    loop {
        tokio::time::sleep(LOOK).await;
        let newer = running.gateway.generation();
        if newer.number != generation.number {
            say(&format!("in service now: {}", difference(&generation, &newer)))?;
        }
        let newly = running.gateway.broken();
        for Broken { name, reason, older_in_service } in newly.iter().filter(|one| !broken.contains(one)) {
            let instead = if *older_in_service { "; the version before it stays in service" } else { "" };
            say(&format!("not put into service: {name}: {reason}{instead}"))?;
        }
        (generation, broken) = (newer, newly);
    }
}

/// What changed from one generation to the next, in a few words for each plugin.
fn difference(before: &Generation, after: &Generation) -> String {
    let by_name = |generation: &Generation| -> BTreeMap<Arc<str>, Arc<crate::plugin::Plugin>> {
        generation.plugins.iter().map(|plugin| (plugin.name.clone(), plugin.clone())).collect()
    };
    let (before, after_by_name) = (by_name(before), by_name(after));
    let mut words: Vec<String> = Vec::new();
    for (name, plugin) in &after_by_name {
        let digest = &plugin.short_digest;
        match before.get(name) {
            None => words.push(format!("{name} {digest}, which is new")),
            Some(older) if older.digest != plugin.digest => {
                words.push(format!("{name} {digest} in place of {}", older.short_digest));
            }
            Some(older) if older.installation != plugin.installation => words.push(format!("{name}, installed anew")),
            Some(_) => {}
        }
    }
    let gone = before.keys().filter(|name| !after_by_name.contains_key(*name));
    words.extend(gone.map(|name| format!("no {name} any more")));
    format!("{} (generation {})", words.join("; "), after.number)
}
