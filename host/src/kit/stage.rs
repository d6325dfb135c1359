//! Where cases are played: a gateway with one plugin, and stand-ins for everything that the plugin may ask for.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::case::Mocks;
use super::stand_ins::{Script, Services, StandInEmbedder, StandInModels};
use crate::caller::Caller;
use crate::capability::Capabilities;
use crate::config::{self, Grants, Installation};
use crate::dialect::Dialect;
use crate::embed::Embedders;
use crate::exchange::Exchange;
use crate::gateway::Gateway;
use crate::key::Models;
use crate::plugin::{self, CompiledCache, Plugin, Runtime};
use crate::store::kv::{Embedded, Place, Step};
use crate::trace::Trace;
use crate::upstream::Upstream;

/// Time for all that a case does: a case that is slow is not wrong, an endless one is bounded by its fuel. No model is asked.
const SETTINGS: &str = "
[providers.nobody]
dialect = 'openai'
base_url = 'http://127.0.0.1:9'
[targets.nobody]
provider = 'nobody'
[models.'*']
targets = ['nobody']
[plugins]
chain_ms = 60_000
memo_bytes = 0
[ledger]
enabled = false
";

/// A gateway with one plugin.
#[derive(Debug)]
pub struct Stage {
    /// The plugin.
    pub plugin: Arc<Plugin>,
    /// How long it took to load.
    pub loaded_in: Duration,
    pub(super) runtime: Arc<Runtime>,
    gateway: Arc<Gateway>,
    services: Arc<Capabilities>,
    script: Arc<Script>,
    _models: Arc<StandInModels>,
    _http: Services,
    _folder: TempDir,
}

impl Stage {
    /// Load a plugin. Compiled components are taken from `compiled`, and kept there, if that is given.
    ///
    /// # Errors
    /// Why it cannot be in service.
    pub async fn set(file: &Path, installation: Installation, compiled: Option<&Path>) -> Result<Self, String> {
        Self::set_saying(&Mocks::default(), file, installation, compiled).await
    }

    /// The same, with what the capabilities say while it is configured.
    async fn set_saying(
        mocks: &Mocks,
        file: &Path,
        mut installation: Installation,
        compiled: Option<&Path>,
    ) -> Result<Self, String> {
        let component = std::fs::read(file).map_err(|error| format!("reading {}: {error}", file.display()))?;
        let folder = TempDir::new().map_err(|error| format!("making a temporary directory: {error}"))?;
        let settings = config::parse("the kit's settings", SETTINGS, folder.path());
        let settings = settings.map_err(|problems| problems.to_string())?;
        let mut runtime = Runtime::for_authors()?.hearing();
        if let Some(compiled) = compiled {
            runtime = runtime.keeping_compiled(CompiledCache::open(compiled)?);
        }
        let runtime = Arc::new(runtime);
        let script = Arc::new(Script::default());
        script.is(mocks);
        let http = Services::start(script.clone()).await.map_err(|error| format!("listening on loopback: {error}"))?;
        installation.grants = Arc::new(at_home(&installation.grants, http.port)?);
        let embedder: Arc<dyn crate::embed::Embedder> = Arc::new(StandInEmbedder(script.clone()));
        let embedders = Arc::new(Embedders::of(named(&installation.grants), embedder));
        let kv = Arc::new(Embedded::new(&folder.path().join("kv.db"), u64::MAX));
        let services = Arc::new(Capabilities::standing_in(kv, Upstream::new(&settings)?, embedders));
        let models = Arc::new(StandInModels(script.clone()));
        let asked: std::sync::Weak<dyn crate::capability::model::Models> = Arc::<StandInModels>::downgrade(&models);
        services.ask_models_through(asked);
        runtime.offer(services.clone());
        let started = Instant::now();
        let source = plugin::Source {
            installation,
            digest: plugin::digest(&component),
            component: component.into(),
            breaker_failures: 0,
            breaker_probe: Duration::from_secs(1),
        };
        let loaded = runtime.load(source).await;
        let plugin = Arc::new(loaded.map_err(|reason| with_lines(reason, &runtime.heard()))?);
        let loaded_in = started.elapsed();
        let gateway = Gateway::new(settings, runtime.clone())?;
        gateway.publish(gateway.generation().settings.clone(), vec![plugin.clone()]).await;
        Ok(Self {
            plugin,
            loaded_in,
            runtime,
            gateway,
            services,
            script,
            _models: models,
            _http: http,
            _folder: folder,
        })
    }

    /// What the plugin has written into its log since this was last asked, a line each: the last lines, if there are many.
    #[must_use]
    pub fn heard(&self) -> Vec<String> {
        self.runtime.heard()
    }

    /// Begin an exchange of a tenant of its own, in which a case is played.
    pub(super) async fn exchange(&self, number: usize, mocks: &Mocks) -> Result<Arc<Exchange>, String> {
        let tenant: Arc<str> = format!("case-{number}").into();
        self.script.is(mocks);
        self.services.stop_clock(mocks.clock_ms);
        let place = Place { plugin: self.plugin.name.clone(), tenant: tenant.clone(), bytes_max: u64::MAX };
        for (key, value) in &mocks.kv {
            let step = Step::Set(key.clone(), value.clone().into_bytes(), None);
            self.services.kv.run(place.clone(), step).await.map_err(|error| format!("{error:?}"))?;
        }
        let caller = Arc::new(Caller::identified(tenant, None, Models::Any));
        Ok(self.gateway.begin(caller, self.gateway.generation(), Dialect::OpenAi, false, Trace::begin(0.0)))
    }
}

/// Why something has failed, and what the plugin has written before.
pub(crate) fn with_lines(reason: String, heard: &[String]) -> String {
    [&[reason][..], heard].concat().join("\n  ")
}

/// The same grants, with all services at home.
fn at_home(grants: &Grants, port: u16) -> Result<Grants, String> {
    let mut grants = grants.clone();
    if let Some(http) = &mut grants.http {
        for (name, destination) in &mut http.destinations {
            let url = format!("http://127.0.0.1:{port}/{name}").parse();
            destination.url = url.map_err(|error| format!("the service {name:?}: {error}"))?;
        }
    }
    Ok(grants)
}

/// The name under which the grants want an embedder.
fn named(grants: &Grants) -> String {
    let named = grants.embedding.as_ref().and_then(|embedding| embedding.embedder.clone());
    named.unwrap_or_else(|| "stand-in".to_owned())
}

/// One stage for each installation that cases have, and what is said while it is configured: each is loaded once.
#[derive(Debug, Default)]
pub struct Stages(BTreeMap<String, Stage>);

impl Stages {
    /// The stage for an installation of this text. While a plugin is configured, only what has to do with texts can be asked
    /// for: of the mocks these are the vectors.
    ///
    /// # Errors
    /// What is wrong with the text, or with the plugin.
    pub async fn of(
        &mut self,
        file: &Path,
        text: &str,
        mocks: &Mocks,
        compiled: Option<&Path>,
    ) -> Result<&Stage, String> {
        let key = format!("{text}{:?}", mocks.embedding);
        if !self.0.contains_key(&key) {
            let name = file.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
            let base = file.parent().unwrap_or(Path::new(""));
            let installation = Installation::parse(&name, "the cases", text, base);
            let installation = installation.map_err(|problems| problems.to_string())?;
            self.0.insert(key.clone(), Stage::set_saying(mocks, file, installation, compiled).await?);
        }
        self.0.get(&key).ok_or_else(|| "it was there a moment ago".to_owned())
    }
}
