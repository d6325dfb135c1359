//! Watch, settle, load aside, swap: the one task that changes what is in service. Never on the request path.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, timeout};
use tracing::{error, info, warn};

use super::Gateway;
use crate::config::{self, Settings};
use crate::plugin::directory::{self, Broken, Loaded};

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
        let in_service = self.generation();
        let loaded = directory::load(&self.runtime, &settings.plugins, &in_service.plugins).await;
        self.take(settings, loaded).await;
    }

    async fn take(&self, settings: Arc<Settings>, loaded: Loaded) {
        let Loaded { plugins, broken, changed } = loaded;
        if *self.broken.load_full() != broken {
            for Broken { name, reason, older_in_service } in &broken {
                error!(plugin = name, reason, older_in_service, "plugin is not put into service");
            }
            self.broken.store(Arc::new(broken));
        }
        if changed || !Arc::ptr_eq(&settings, &self.generation().settings) {
            let names: Vec<String> =
                plugins.iter().map(|plugin| format!("{}@{}", plugin.name, plugin.short_digest)).collect();
            let number = self.publish(settings, plugins).await;
            info!(generation = number, plugins = names.join(" "), "in service");
        }
    }
}

/// Changes settings that were read anew.
pub type Overrule = Box<dyn Fn(&mut Settings) + Send>;

/// What to watch beside the plugin directory.
#[derive(Default)]
pub struct Watched {
    /// The configuration file, if there is one.
    pub config: Option<PathBuf>,
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

/// Keep the gateway in step with its files, until `stop` says true.
pub async fn watch(gateway: Arc<Gateway>, watched: Watched, mut stop: watch::Receiver<bool>) {
    let changed = Arc::new(Notify::new());
    let mut watcher = Watching::new(changed.clone());
    // Something may have changed between the first look and the watch.
    changed.notify_one();
    // The configuration is older than the first look at the plugins, which may have taken seconds.
    let mut config_text = None;
    loop {
        let settings = gateway.generation().settings.clone();
        watcher.point_at(settings.plugins.directory.as_deref(), watched.config.as_deref());
        tokio::select! {
            () = changed.notified() => settle(&changed, settings.plugins.settle).await,
            () = tokio::time::sleep(NET) => {}
            () = crate::server::said_stop(&mut stop) => return,
        }
        let settings = match &watched.config {
            Some(path) => reread(path, &mut config_text, &watched, settings),
            None => settings,
        };
        // Before the look, or what changes in a new directory right behind it would not be seen.
        watcher.point_at(settings.plugins.directory.as_deref(), watched.config.as_deref());
        gateway.reload_plugins(settings).await;
    }
}

/// Wait until nothing has changed for a while.
async fn settle(changed: &Notify, pause: Duration) {
    let latest = Instant::now() + SETTLE_MAX;
    while Instant::now() < latest && timeout(pause, changed.notified()).await.is_ok() {}
}

/// The settings of the file, if it has changed and is right; else those in service.
fn reread(path: &Path, text: &mut Option<String>, watched: &Watched, in_service: Arc<Settings>) -> Arc<Settings> {
    let read = std::fs::read_to_string(path).ok();
    if read == *text || read.is_none() {
        return in_service;
    }
    *text = read;
    match config::load(path) {
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
            if settings.server.listen != in_service.server.listen {
                warn!("server.listen has changed, which takes a restart");
            }
            Arc::new(settings)
        }
        Err(problems) => {
            for problem in problems.found() {
                error!(%problem, "the configuration has changed and is wrong; the last good one stays");
            }
            in_service
        }
    }
}

/// The system's watch on directories. Files are not watched: editors and Kubernetes replace them.
struct Watching {
    watcher: Option<RecommendedWatcher>,
    directories: Vec<PathBuf>,
}

impl Watching {
    fn new(changed: Arc<Notify>) -> Self {
        let tell = move |event: notify::Result<notify::Event>| {
            let read_only = matches!(&event, Ok(event) if matches!(event.kind, EventKind::Access(_)));
            if !read_only {
                changed.notify_one();
            }
        };
        let watcher = notify::recommended_watcher(tell)
            .inspect_err(|error| warn!(%error, "changes of files are only seen every {} s", NET.as_secs()))
            .ok();
        Self { watcher, directories: Vec::new() }
    }

    /// Watch these, and nothing else. Called again and again: a directory that was replaced is watched anew.
    fn point_at(&mut self, plugins: Option<&Path>, config: Option<&Path>) {
        let Some(watcher) = &mut self.watcher else { return };
        let beside = |path: &Path| match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
            _ => PathBuf::from("."),
        };
        let wanted: Vec<PathBuf> = plugins.map(Path::to_owned).into_iter().chain(config.map(beside)).collect();
        for directory in self.directories.iter().filter(|directory| !wanted.contains(directory)) {
            let _ = watcher.unwatch(directory);
        }
        for directory in &wanted {
            if let Err(error) = watcher.watch(directory, RecursiveMode::NonRecursive) {
                warn!(directory = %directory.display(), %error, "watching a directory");
            }
        }
        self.directories = wanted;
    }
}
