//! A gateway in this process, put together as `sluicegate serve` does it.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sluicegate::config;
use sluicegate::gateway::Gateway as Host;
use sluicegate::gateway::reload::{self, Watched};
use sluicegate::key::Draft;
use sluicegate::plugin::directory::Broken;
use sluicegate::plugin::{CompiledCache, Runtime};
use sluicegate::sandbox::{self, Sandbox};
use sluicegate::server::Server;
use sluicegate::store::issue;
use sluicegate::store::sqlite::Sqlite;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use crate::caller::{Body, Call};
use crate::installed::{Installed, lay_over, replace};
use crate::provider::{Model, PATIENCE};

/// A gateway before it starts.
#[derive(Debug, Default)]
pub struct Setup {
    plugins: Vec<Installed>,
    upstreams: Vec<Upstream>,
    settings: toml::Table,
}

/// A provider, and how it is asked.
#[derive(Debug)]
struct Upstream {
    base_url: String,
    dialect: &'static str,
    model: Option<String>,
}

/// What every test begins with. Bounds of time that no test is about are far away, and nothing is asked twice.
const SETTINGS: &str = "
[server]
listen = '127.0.0.1:0'
[upstream]
retries_max = 0
breaker_failures = 0
[plugins]
directory = 'plugins'
chain_ms = 20_000
settle_ms = 20
[cache]
wait_ms = 20_000
[ledger]
enabled = false
";

/// What a provider is told of who asks, where it lets nobody in without.
fn credentials(dialect: &str) -> &'static str {
    match dialect {
        "azure" => "api_key = { file = 'key' }\n",
        "bedrock" => {
            "region = 'eu-central-1'\naccess_key_id = { file = 'key' }\nsecret_access_key = { file = 'secret' }\n\
             session_token = { file = 'token' }\n"
        }
        _ => "",
    }
}

/// The files with these, and what is in them.
pub const CREDENTIALS: [(&str, &str); 3] =
    [("key", "AKIDOFTHETESTS"), ("secret", "the+secret/half"), ("token", "a+token+of+a+session")];

impl Setup {
    /// Ask this provider or sandbox; where there are several, in this order.
    #[must_use]
    pub fn upstream(self, model: &impl Model) -> Self {
        self.upstream_in("openai", model)
    }

    /// The same, under the name that the provider has for the model.
    #[must_use]
    pub fn upstream_as(mut self, model: &impl Model, name: &str) -> Self {
        let (base_url, model) = (model.base_url(), Some(name.to_owned()));
        self.upstreams.push(Upstream { base_url, dialect: "openai", model });
        self
    }

    /// The same, for one that speaks this dialect.
    #[must_use]
    pub fn upstream_in(mut self, dialect: &'static str, model: &impl Model) -> Self {
        let base_url = model.base_url();
        // As the provider's own address ends.
        let base_url = match dialect {
            "gemini" => base_url.replace("/v1", "/v1beta"),
            "azure" | "bedrock" => base_url.replace("/v1", ""),
            _ => base_url,
        };
        self.upstreams.push(Upstream { base_url, dialect, model: None });
        self
    }

    /// More of its configuration file: `upstream.idle_ms = 50`. `[models]`, if named here, are all there are.
    ///
    /// # Panics
    /// When it is not TOML.
    #[must_use]
    pub fn settings(mut self, toml: &str) -> Self {
        lay_over(&mut self.settings, toml.parse().expect("TOML"));
        self
    }

    /// The text of the configuration file.
    fn text(&self) -> String {
        let mut all: toml::Table = SETTINGS.parse().expect("TOML");
        let mut targets = Vec::new();
        for (number, Upstream { base_url, dialect, model }) in self.upstreams.iter().enumerate() {
            let name = format!("target-{}", number + 1);
            let model = model.as_ref().map(|model| format!("model = '{model}'")).unwrap_or_default();
            let text = format!(
                "[providers.{name}]\ndialect = '{dialect}'\nbase_url = '{base_url}'\n{}[targets.{name}]\nprovider = '{name}'\n{model}",
                credentials(dialect)
            );
            lay_over(&mut all, text.parse().expect("TOML"));
            targets.push(toml::Value::String(name));
        }
        if !self.settings.contains_key("models") {
            let any = toml::Table::from_iter([("targets".to_owned(), toml::Value::Array(targets))]);
            let models = toml::Table::from_iter([("*".to_owned(), toml::Value::Table(any))]);
            all.insert("models".to_owned(), toml::Value::Table(models));
        }
        lay_over(&mut all, self.settings.clone());
        all.to_string()
    }

    /// Start it.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn start(self) -> Gateway {
        self.try_start().await.unwrap_or_else(|broken| panic!("the gateway does not start: {broken:#?}"))
    }

    /// Start it.
    ///
    /// # Errors
    /// The plugins because of which it refuses.
    ///
    /// # Panics
    /// When it does not start for another reason.
    pub async fn try_start(self) -> Result<Gateway, Vec<Broken>> {
        let files = TempDir::new().unwrap();
        let (config, directory) = (files.path().join("sluicegate.toml"), files.path().join("plugins"));
        std::fs::create_dir(&directory).unwrap();
        self.plugins.iter().for_each(|plugin| plugin.put_into(&directory));
        std::fs::write(&config, self.text()).unwrap();
        for (name, value) in CREDENTIALS {
            std::fs::write(files.path().join(name), value).unwrap();
        }
        let settings =
            config::load(&config.clone().into()).unwrap_or_else(|problems| panic!("{problems}\n{}", self.text()));
        let mut runtime = Runtime::new(settings.plugins.memo_bytes).unwrap();
        // Most tests are about what happens when a plugin is loaded for the first time.
        if self.settings.get("plugins").is_some_and(|plugins| plugins.get("compiled_directory").is_some()) {
            runtime = runtime.keeping_compiled(CompiledCache::open(&settings.plugins.compiled).unwrap());
        }
        let runtime = Arc::new(runtime);
        let host = Host::new(settings, runtime).unwrap();
        host.load_plugins().await?;
        let server = Server::bind(host.clone()).await.unwrap();
        let address = server.address();
        let admin = Server::bind_admin(host.clone()).await.unwrap();
        let (stop, stopped) = watch::channel(false);
        let watched = Watched { config: Some(config.into()), ..Watched::default() };
        let watcher = tokio::spawn(reload::watch(host.clone(), watched, stopped.clone()));
        let admin = admin.map(|admin| (admin.address(), tokio::spawn(admin.run(stopped.clone()))));
        let serving = tokio::spawn(server.run(stopped));
        Ok(Gateway { host, address, admin, setup: self, files, stop, serving, watcher })
    }
}

/// A gateway that serves. It ends when it is dropped.
#[derive(Debug)]
pub struct Gateway {
    /// The gateway itself: generations, and what is broken.
    pub host: Arc<Host>,
    /// Where it listens.
    pub address: SocketAddr,
    admin: Option<(SocketAddr, JoinHandle<bool>)>,
    setup: Setup,
    files: TempDir,
    stop: watch::Sender<bool>,
    serving: JoinHandle<bool>,
    watcher: JoinHandle<()>,
}

impl Gateway {
    /// A gateway without plugins.
    #[must_use]
    pub fn without_plugins() -> Setup {
        Setup::default()
    }

    /// A gateway with these plugins.
    #[must_use]
    pub fn with_plugins(plugins: impl IntoIterator<Item = Installed>) -> Setup {
        Setup { plugins: plugins.into_iter().collect(), ..Setup::default() }
    }

    /// A sandbox model, to put behind a gateway.
    ///
    /// # Panics
    /// When there is no port left.
    pub async fn sandbox() -> Sandbox {
        Sandbox::start(sandbox::Settings::default()).await.unwrap()
    }

    /// Ask for a chat completion: `.await` the answer as a whole, or `.open()` it and look at it while it comes.
    pub fn ask(&self, body: impl Body) -> Call {
        Call::new(self.address, "POST", "/v1/chat/completions").body(body)
    }

    /// Any other request.
    pub fn call(&self, method: &str, path: &str) -> Call {
        Call::new(self.address, method, path)
    }

    /// Any request to its admin port.
    ///
    /// # Panics
    /// When it has none.
    pub fn admin(&self, method: &str, path: &str) -> Call {
        Call::new(self.admin_address(), method, path)
    }

    /// Where its admin port is.
    ///
    /// # Panics
    /// When it has none.
    #[must_use]
    pub fn admin_address(&self) -> SocketAddr {
        self.admin.as_ref().expect("admin.listen is configured").0
    }

    /// Wait until nobody listens there any more.
    ///
    /// # Panics
    /// When it has none, or it panics.
    pub async fn admin_has_stopped(&mut self) {
        (&mut self.admin.as_mut().expect("admin.listen is configured").1).await.unwrap();
    }

    /// The text of a new key, made as the command line makes it, once the gateway knows it.
    ///
    /// # Panics
    /// When there is no key.
    pub async fn new_key(&self, draft: Draft) -> String {
        let store = Sqlite::open(&self.host.generation().settings.store.path).unwrap();
        let (_, secret) = issue::create(&store, draft).unwrap();
        let text = secret.reveal().to_owned();
        self.until_status(&text, 200).await;
        text
    }

    /// Wait until whoever lists the models with this key gets this status.
    ///
    /// # Panics
    /// When nobody ever does.
    pub async fn until_status(&self, key: &str, status: u16) {
        let look = async {
            while self.call("GET", "/v1/models").header("x-api-key", key).await.status != status {
                sleep(Duration::from_millis(3)).await;
            }
        };
        timeout(PATIENCE, look).await.expect("the gateway notices a change of its keys");
    }

    /// A bare connection, for callers who do not keep to HTTP.
    ///
    /// # Panics
    /// When nobody listens.
    pub async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Send these bytes, and give what comes until the gateway closes the connection.
    ///
    /// # Panics
    /// When it never does.
    pub async fn send_raw(&self, bytes: &[u8]) -> String {
        let mut stream = self.connect().await;
        // It may have seen enough before it has seen all.
        let _ = stream.write_all(bytes).await;
        let mut said = Vec::new();
        let read = timeout(PATIENCE, stream.read_to_end(&mut said)).await.expect("the gateway closes the connection");
        drop(read);
        String::from_utf8_lossy(&said).into_owned()
    }

    /// Where its plugins are.
    #[must_use]
    pub fn directory(&self) -> PathBuf {
        self.files.path().join("plugins")
    }

    /// Put a plugin into its directory. Wait with [`until`](Self::until) for it to be in service.
    pub fn install(&self, plugin: &Installed) {
        plugin.put_into(&self.directory());
    }

    /// Change its configuration file, as with [`Setup::settings`].
    ///
    /// # Panics
    /// When it is not TOML.
    pub fn reconfigure(&mut self, toml: &str) {
        lay_over(&mut self.setup.settings, toml.parse().expect("TOML"));
        replace(&self.files.path().join("sluicegate.toml"), self.setup.text().as_bytes());
    }

    /// The number of the generation in service.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.host.generation().number
    }

    /// Wait until the gateway is as wanted: another generation in service, or something broken.
    ///
    /// # Panics
    /// When it never is.
    pub async fn until(&self, wanted: impl Fn(&Host) -> bool) {
        let look = async {
            while !wanted(&self.host) {
                sleep(Duration::from_millis(3)).await;
            }
        };
        if timeout(PATIENCE, look).await.is_err() {
            let (generation, broken) = (self.host.generation(), self.host.broken());
            panic!("waited in vain; in service: {:?}, broken: {broken:#?}", generation.plugins);
        }
    }

    /// No longer look at files: for tests that publish generations themselves.
    pub async fn stop_watching(&mut self) {
        self.watcher.abort();
        let _ = (&mut self.watcher).await;
    }

    /// Tell it to stop, as a signal does.
    pub fn tell_to_stop(&self) {
        self.stop.send_replace(true);
    }

    /// Tell it to stop, and wait. Says whether all exchanges ended within the grace.
    ///
    /// # Panics
    /// When it panics.
    pub async fn stop(&mut self) -> bool {
        self.tell_to_stop();
        (&mut self.serving).await.unwrap()
    }

    /// Where its files are: `sluicegate.toml` and `plugins`.
    #[must_use]
    pub fn files(&self) -> &Path {
        self.files.path()
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.serving.abort();
        self.watcher.abort();
        if let Some((_, admin)) = &self.admin {
            admin.abort();
        }
    }
}
