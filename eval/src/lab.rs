//! A plugin as the gateway runs it, with the embedder that is configured for it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde::de::DeserializeOwned;
use sluicegate::capability::{Capabilities, Counts};
use sluicegate::chat::{Channel, Request, Role, RouteTarget, Segment};
use sluicegate::config::{self, Settings};
use sluicegate::embed::Embedders;
use sluicegate::plugin::{Calling, Plugin, Runtime, directory};
use sluicegate::upstream::Upstream;
use tokio::time::Instant;

use crate::Result;

/// A loaded plugin, and what it takes to call it.
pub(crate) struct Lab {
    pub(crate) runtime: Arc<Runtime>,
    pub(crate) plugin: Arc<Plugin>,
    exchange: Arc<str>,
    tenant: Arc<str>,
}

impl Lab {
    /// Load the plugin with this name, installed as `eval/NAME.toml` beside its sources says.
    pub(crate) async fn load(name: &str) -> Result<Self> {
        let built = variable("SLUICEGATE_PLUGINS")?;
        let folder = tempfile::tempdir().map_err(|error| format!("making a folder: {error}"))?;
        for (from, to) in [
            (built.join(format!("{name}.wasm")), format!("{name}.wasm")),
            (beside(name).join(format!("{name}.toml")), format!("{name}.toml")),
        ] {
            let copied = std::fs::copy(&from, folder.path().join(to));
            copied.map_err(|error| format!("copying {}: {error}", from.display()))?;
        }
        let settings = settings(&format!("[plugins]\ndirectory = {:?}\n", folder.path()))?;
        let runtime = Arc::new(Runtime::new(0)?);
        let embedders = Arc::new(Embedders::open(&settings, &Upstream::new(&settings)?)?);
        runtime.offer(Arc::new(Capabilities::for_trials(embedders)));
        let loaded = directory::load(&runtime, &settings.plugins, &[]).await;
        let broken = loaded.broken.first().map(|broken| broken.reason.clone()).unwrap_or_default();
        let plugin = loaded.plugins.into_iter().next().ok_or_else(|| format!("{name} is not loaded: {broken}"))?;
        Ok(Self { runtime, plugin, exchange: "eval".into(), tenant: "eval".into() })
    }

    /// A call of an exchange of its own.
    pub(crate) fn calling<'a>(&'a self, counts: &'a Counts) -> Calling<'a> {
        let deadline = Instant::now() + Duration::from_secs(60);
        Calling { exchange: &self.exchange, tenant: &self.tenant, counts, deadline, triggers: None, behalf: None }
    }
}

/// The embedder that was fetched.
pub(crate) fn embedder() -> Result<Embedders> {
    let settings = settings("")?;
    Embedders::open(&settings, &Upstream::new(&settings)?)
}

fn settings(more: &str) -> Result<Settings> {
    let text = format!(
        "[providers.p]\ndialect = 'sandbox'\n[targets.t]\nprovider = 'p'\n[models.'*']\ntargets = ['t']\n\
         [embedders.minilm]\ndirectory = {:?}\n{more}",
        variable("SLUICEGATE_EMBEDDER")?
    );
    config::parse("eval", &text, Path::new("")).map_err(|problems| problems.to_string())
}

/// A request with one question.
pub(crate) fn question(text: &str) -> Request {
    let segment = Segment {
        role: Role::User,
        channel: Channel::Content,
        choice: 0,
        name: None,
        text: text.to_owned(),
        is_json: false,
    };
    Request { model: "eval".to_owned(), segments: vec![segment], ..Request::default() }
}

/// A target with this name and tag.
pub(crate) fn target(name: &str) -> RouteTarget {
    RouteTarget {
        name: name.to_owned(),
        provider: "eval".to_owned(),
        model: "eval".to_owned(),
        tags: vec![name.to_owned()],
        healthy: true,
        in_flight: 0,
        first_token: None,
        dollars: None,
        context_tokens: None,
    }
}

/// The lines of a file beside a plugin's sources.
pub(crate) fn lines<T: DeserializeOwned>(name: &str, file: &str) -> Result<Vec<T>> {
    let path = beside(name).join(file);
    let text = std::fs::read_to_string(&path).map_err(|error| format!("reading {}: {error}", path.display()))?;
    let parse = |(number, line)| {
        serde_json::from_str(line).map_err(|error| format!("{}, line {}: {error}", path.display(), number + 1))
    };
    text.lines().enumerate().map(parse).collect()
}

fn beside(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "..", "plugins", name, "eval"].iter().collect()
}

fn variable(name: &str) -> Result<PathBuf> {
    let path = std::env::var_os(name).filter(|path| !path.is_empty());
    path.map(PathBuf::from).ok_or_else(|| format!("{name} is not set: run `cargo xtask eval`"))
}
