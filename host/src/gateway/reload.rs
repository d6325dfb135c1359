//! Watch, settle, load aside, swap: the one task that changes what is in service. Never on the request path.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use notify::{EventKindMask, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep};
use tracing::{error, info, warn};

use super::Gateway;
use crate::alerts;
use crate::config::{self, Files, Layer, Settings};
use crate::plugin::directory::{self, Broken, Loaded, Stamp};

/// How often the digests are looked at even though no change was seen: some file systems tell nothing.
const NET: Duration = Duration::from_secs(30);
/// Somebody may write without a pause; after this long, what is there is tried.
const SETTLE_MAX: Duration = Duration::from_secs(5);

impl Gateway {
    /// Load the plugin directory for the first time.
    ///
    /// # Errors
    /// What is broken, unless the operator chose to start all the same.
    pub async fn load_plugins(&self) -> Result<(), Vec<Broken>> {
        let generation = self.generation();
        let settings = generation.settings.clone();
        let loaded = directory::load(&self.runtime, &settings.plugins, &generation.plugins).await;
        let refuse = !loaded.broken.is_empty() && !settings.plugins.start_without_broken;
        if refuse {
            return Err(loaded.broken);
        }
        self.take(settings, loaded).await;
        Ok(())
    }

    /// Look at the directory once more, and put what has changed into service.
    pub async fn reload_plugins(&self, settings: Arc<Settings>) {
        let _alone = self.reloading.lock().await;
        let in_service = self.generation();
        let loaded = directory::load(&self.runtime, &settings.plugins, &in_service.plugins).await;
        let broken = self.broken();
        self.take(settings, loaded).await;
        if self.generation().number != in_service.number {
            self.observers.metrics.reloaded(true);
        }
        if self.broken() != broken && !self.broken().is_empty() {
            self.observers.metrics.reloaded(false);
        }
    }

    async fn take(&self, settings: Arc<Settings>, loaded: Loaded) {
        let Loaded { plugins, broken, changed } = loaded;
        if changed || !Arc::ptr_eq(&settings, &self.generation().settings) {
            let names: Vec<String> =
                plugins.iter().map(|plugin| format!("{}@{}", plugin.name, plugin.short_digest)).collect();
            let number = self.publish(settings, plugins).await;
            info!(generation = number, plugins = names.join(" "), "in service");
        }
        // Not before: what is no longer said to be broken is in service.
        if *self.broken.load_full() != broken {
            for Broken { name, reason, older_in_service } in &broken {
                error!(plugin = name, reason, older_in_service, "plugin is not put into service");
            }
            self.broken.store(Arc::new(broken));
        }
    }
}

/// Changes settings that were read anew.
pub type Overrule = Box<dyn Fn(&mut Settings) + Send + Sync>;

/// What to watch beside the plugin directory.
#[derive(Default)]
pub struct Watched {
    /// The configuration files, if there are any.
    pub config: Option<Files>,
    /// Where the gateway listens.
    pub address: Option<SocketAddr>,
    /// Where the sandbox model listens, if it was started.
    pub sandbox: Option<http::Uri>,
    /// What the command line says, which counts for more than the file.
    pub overrule: Option<Overrule>,
}

impl std::fmt::Debug for Watched {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Watched").field("config", &self.config).finish_non_exhaustive()
    }
}

/// Keep the gateway in step with its files and with the world, until `stop` says true.
pub async fn watch(gateway: Arc<Gateway>, watched: Watched, mut stop: watch::Receiver<bool>) {
    let settings = || gateway.generation().settings.clone();
    let keep_in_step = async {
        tokio::join!(
            keep_in_step(&gateway, &watched),
            gateway.auth.keep_in_step(&gateway.upstream),
            gateway.escalations.keep_up(settings, &gateway.upstream),
            alerts::keep_up(&gateway),
        )
    };
    tokio::select! {
        _ = keep_in_step => {}
        () = crate::server::said_stop(&mut stop) => {}
    }
}

async fn keep_in_step(gateway: &Gateway, watched: &Watched) {
    let changed = Arc::new(Notify::new());
    let mut watcher = Watching::new(changed.clone());
    // Nothing yet: something may have changed between the first look and the watch.
    let mut seen = None;
    // The configuration is older than the first look at the plugins, which may have taken seconds.
    let mut config_text = None;
    changed.notify_one();
    loop {
        let settings = gateway.generation().settings.clone();
        watcher.point_at(settings.plugins.directory.as_deref(), watched.config.as_ref());
        tokio::select! {
            () = changed.notified() => {
                let now = settled(watched, &settings).await;
                if seen.as_ref() == Some(&now) {
                    continue;
                }
                seen = Some(now);
            }
            () = sleep(NET) => {}
        }
        let settings = match &watched.config {
            Some(files) => reread(gateway, files, &mut config_text, watched),
            None => settings,
        };
        // Before the look, or what changes in a new directory right behind it would not be seen.
        watcher.point_at(settings.plugins.directory.as_deref(), watched.config.as_ref());
        gateway.reload_plugins(settings).await;
    }
}

/// What tells whether the configuration or the plugin directory has changed. Other files may lie beside them, a log that
/// is written all the time: what the system tells of those is nothing to act on.
#[derive(Debug, PartialEq)]
struct Seen {
    config: Vec<Option<Stamp>>,
    directory: Vec<(OsString, Option<Stamp>)>,
}

impl Seen {
    fn now(watched: &Watched, settings: &Settings) -> Self {
        Self {
            config: watched.config.iter().flat_map(Files::paths).map(directory::stamp).collect(),
            directory: settings.plugins.directory.as_deref().map(directory::stamps).unwrap_or_default(),
        }
    }
}

/// Wait until nothing has changed for a while, and say what there is then.
async fn settled(watched: &Watched, settings: &Settings) -> Seen {
    let latest = Instant::now() + SETTLE_MAX;
    let mut seen = Seen::now(watched, settings);
    loop {
        sleep(settings.plugins.settle).await;
        let now = Seen::now(watched, settings);
        if now == seen || Instant::now() >= latest {
            return now;
        }
        seen = now;
    }
}

/// The settings of the file, if it has changed and is right; else those in service.
fn reread(gateway: &Gateway, files: &Files, layers: &mut Option<Vec<Layer>>, watched: &Watched) -> Arc<Settings> {
    let in_service = gateway.generation().settings.clone();
    let Ok(read) = files.read() else { return in_service };
    if layers.as_ref() == Some(&read) {
        return in_service;
    }
    // What was compared is what is taken: the files may have changed again meanwhile.
    match config::parse_layers(layers.insert(read), files.directory()) {
        Ok(mut settings) => {
            if let Some(uri) = &watched.sandbox {
                settings.sandbox_at(uri);
            }
            if let Some(overrule) = &watched.overrule {
                overrule(&mut settings);
            }
            if settings == *in_service {
                return in_service;
            }
            let itself = watched.address.and_then(|address| settings.provider_that_is_the_gateway(address));
            if let Some(provider) = itself {
                error!(provider, "the configuration has changed and is wrong: a provider is the gateway itself");
                gateway.observers.metrics.reloaded(false);
                return in_service;
            }
            for field in takes_restart(&settings, &in_service) {
                warn!("{field} has changed, which takes a restart");
            }
            Arc::new(settings)
        }
        Err(problems) => {
            gateway.observers.metrics.reloaded(false);
            for problem in problems.found() {
                error!(%problem, "the configuration has changed and is wrong; the last good one stays");
            }
            in_service
        }
    }
}

/// The fields that have changed and are read only once.
fn takes_restart(now: &Settings, in_service: &Settings) -> Vec<&'static str> {
    let (server, old_server) = (&now.server, &in_service.server);
    let (upstream, old_upstream) = (&now.upstream, &in_service.upstream);
    let fields = [
        ("server.listen", server.listen != old_server.listen),
        ("server.connections_max", server.connections_max != old_server.connections_max),
        ("server.header_bytes_max", server.header_bytes_max != old_server.header_bytes_max),
        ("server.header_ms", server.header != old_server.header),
        ("server.write_ms", server.write != old_server.write),
        ("server.drain_ms", server.drain != old_server.drain),
        ("upstream.connect_ms", upstream.connect != old_upstream.connect),
        ("upstream.ca_file", upstream.authorities != old_upstream.authorities),
        ("upstream.local_hosts", upstream.local_hosts != old_upstream.local_hosts),
        ("plugins.compiled_directory", now.plugins.compiled != in_service.plugins.compiled),
        ("plugins.memo_bytes", now.plugins.memo_bytes != in_service.plugins.memo_bytes),
        ("[auth.jwt]", now.auth.jwt != in_service.auth.jwt),
        ("store.path", now.store.path != in_service.store.path),
        ("[store.redis]", now.store.redis != in_service.store.redis),
        ("store.wait_ms", now.store.wait != in_service.store.wait),
        ("store.kv_bytes_max", now.store.kv_bytes_max != in_service.store.kv_bytes_max),
        ("[embedders], or a target or provider of one", now.embedders != in_service.embedders),
        ("[admin]", now.admin != in_service.admin),
        ("[telemetry]", now.telemetry != in_service.telemetry),
        ("[log]", now.log != in_service.log),
    ];
    fields.into_iter().filter_map(|(field, changed)| changed.then_some(field)).collect()
}

/// What is worth a look: that a file was written is told when it is closed. The ledger and other files of ours that are written
/// all the time lie beside the configuration, and stay open.
const CHANGES: EventKindMask = EventKindMask::CREATE
    .union(EventKindMask::REMOVE)
    .union(EventKindMask::MODIFY_NAME)
    .union(EventKindMask::MODIFY_META)
    .union(EventKindMask::ACCESS_CLOSE);

/// The system's watch on directories. Files are not watched: editors and Kubernetes replace them.
struct Watching {
    watcher: Option<RecommendedWatcher>,
    directories: Vec<PathBuf>,
    /// Those that cannot be watched, of which the log knows.
    unwatched: Vec<PathBuf>,
}

impl Watching {
    fn new(changed: Arc<Notify>) -> Self {
        let tell = move |_: notify::Result<notify::Event>| changed.notify_one();
        let watcher = RecommendedWatcher::new(tell, notify::Config::default().with_event_kinds(CHANGES))
            .inspect_err(|error| warn!(%error, "changes of files are only seen every {} s", NET.as_secs()))
            .ok();
        Self { watcher, directories: Vec::new(), unwatched: Vec::new() }
    }

    /// Watch these, and nothing else. Called again and again: a directory that was replaced is watched anew.
    fn point_at(&mut self, plugins: Option<&Path>, config: Option<&Files>) {
        let Some(watcher) = &mut self.watcher else { return };
        let beside = |path: &Path| match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
            _ => PathBuf::from("."),
        };
        let wanted: Vec<PathBuf> =
            plugins.map(Path::to_owned).into_iter().chain(config.map(|files| beside(&files.base))).collect();
        for directory in self.directories.iter().filter(|directory| !wanted.contains(directory)) {
            let _ = watcher.unwatch(directory);
        }
        let mut unwatched = Vec::new();
        for directory in &wanted {
            if let Err(error) = watcher.watch(directory, RecursiveMode::NonRecursive) {
                if !self.unwatched.contains(directory) {
                    warn!(directory = %directory.display(), %error, "watching a directory");
                }
                unwatched.push(directory.clone());
            }
        }
        self.directories = wanted;
        self.unwatched = unwatched;
    }
}
