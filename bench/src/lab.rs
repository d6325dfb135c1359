//! What the rows are measured with: the model, the bare proxy, and gateways as they need them.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::TempDir;
use tokio::sync::OnceCell;

use crate::Result;
use crate::child::{Child, Place};

/// The guardrails that most gateways will run.
pub(crate) const STANDARD: &str = "pii,prompt-injection,secrets";

/// The configuration of a gateway in this process, which asks the sandbox model alone.
pub(crate) const SANDBOX: &str = r#"
[providers.p]
dialect = "sandbox"
[targets.t]
provider = "p"
[models."*"]
targets = ["t"]
"#;

/// How much is measured.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scale {
    /// Rounds of everything that is compared.
    pub(crate) rounds: usize,
    /// How long one case is under load in one round.
    pub(crate) time: Duration,
    /// Reloads.
    pub(crate) reloads: usize,
    /// Calls of a guardrail in this process.
    pub(crate) calls: usize,
}

impl Scale {
    pub(crate) const FULL: Self = Self { rounds: 9, time: Duration::from_millis(400), reloads: 100, calls: 20_000 };
    pub(crate) const QUICK: Self = Self { rounds: 3, time: Duration::from_millis(150), reloads: 10, calls: 3_000 };
}

impl Default for Wanted<'_> {
    /// Without plugins, in front of OpenAI's dialect.
    fn default() -> Self {
        Self {
            name: "plain",
            dialect: "openai",
            plugins: None,
            configuration: "",
            recorded: false,
            place: Place::Proxy,
        }
    }
}

/// The processes that all rows share, and a folder for the others' files. All of it is gone when this is dropped.
pub(crate) struct Lab {
    pub(crate) scale: Scale,
    /// The guardrails of all rows with guardrails.
    pub(crate) guardrails: Vec<String>,
    pub(crate) model: Child,
    pub(crate) bare: Child,
    plain: OnceCell<Child>,
    guarded: OnceCell<Child>,
    folder: TempDir,
}

/// A gateway to be started.
pub(crate) struct Wanted<'a> {
    /// Names its folder.
    pub(crate) name: &'a str,
    /// What the model speaks.
    pub(crate) dialect: &'a str,
    /// The plugin directory, if it is to have one.
    pub(crate) plugins: Option<PathBuf>,
    /// Lines for the configuration.
    pub(crate) configuration: &'a str,
    /// Whether exchanges are kept: elsewhere that would be measured with all else.
    pub(crate) recorded: bool,
    pub(crate) place: Place,
}

impl Lab {
    pub(crate) async fn open(scale: Scale, guardrails: Vec<String>) -> Result<Self> {
        let folder = tempfile::tempdir().map_err(|error| format!("making a folder: {error}"))?;
        let model = Child::start(Place::Beside, &["model"])?;
        let bare = Child::start(Place::Proxy, &["bare", &model.address.to_string()])?;
        let (plain, guarded) = (OnceCell::new(), OnceCell::new());
        Ok(Self { scale, guardrails, model, bare, plain, guarded, folder })
    }

    /// What one must know to read the table.
    pub(crate) fn heading(&self) -> String {
        let busy = fs::read_to_string("/proc/loadavg").unwrap_or_default();
        let busy = busy.split(' ').next().unwrap_or_default();
        let Scale { rounds, time, .. } = self.scale;
        format!(
            "Guardrails: {}. One worker, keep-alive; log as by default, to /dev/null. {rounds} rounds of {} ms each: \
             the median, and the least and the most of the ratios. Load average now: {busy}.\n",
            self.guardrails.join(", "),
            time.as_millis()
        )
    }

    /// The gateway without plugins.
    pub(crate) async fn plain(&self) -> Result<&Child> {
        self.plain.get_or_try_init(async || self.gateway(&Wanted::default())).await
    }

    /// The gateway with the guardrails.
    pub(crate) async fn guarded(&self) -> Result<&Child> {
        self.guarded.get_or_try_init(async || self.new_guarded(Place::Proxy)).await
    }

    /// Another gateway with the guardrails, which nobody has used before.
    pub(crate) fn new_guarded(&self, place: Place) -> Result<Child> {
        let name = if place == Place::Proxy { "guarded" } else { "guarded-anywhere" };
        let plugins = Some(self.standard(name)?);
        self.gateway(&Wanted { name, plugins, place, ..Wanted::default() })
    }

    /// The gateway without plugins, whose exchanges are kept in the ledger.
    pub(crate) fn recorded(&self) -> Result<Child> {
        self.gateway(&Wanted { name: "recorded", recorded: true, ..Wanted::default() })
    }

    /// The same, which tells a collector of them too.
    pub(crate) fn traced(&self, collector: &Child) -> Result<Child> {
        let telemetry = format!("[telemetry]\nendpoint = \"http://{}\"", collector.address);
        self.gateway(&Wanted { name: "traced", recorded: true, configuration: &telemetry, ..Wanted::default() })
    }

    /// A collector.
    pub(crate) fn collector() -> Result<Child> {
        Child::start(Place::Beside, &["collector"])
    }

    /// Starts a gateway in front of the model. Its log is as it is by default, written to `/dev/null`.
    pub(crate) fn gateway(&self, wanted: &Wanted<'_>) -> Result<Child> {
        let folder = self.folder(wanted.name)?;
        let file = folder.join("sluicegate.toml");
        let version = if wanted.dialect == "gemini" { "v1beta" } else { "v1" };
        let text = format!(
            "[server]\nlisten = \"127.0.0.1:0\"\n\
             [providers.model]\ndialect = \"{}\"\nbase_url = \"http://{}/{version}\"\n\
             [targets.model]\nprovider = \"model\"\n\
             [models.\"*\"]\ntargets = [\"model\"]\n[ledger]\nenabled = {}\n{}\n",
            wanted.dialect, self.model.address, wanted.recorded, wanted.configuration
        );
        write(&file, text.as_bytes())?;
        let mut arguments = vec!["gateway", "--", "serve", "--config", path(&file)?];
        if let Some(plugins) = &wanted.plugins {
            arguments.extend(["--plugins", path(plugins)?]);
        }
        Child::start(wanted.place, &arguments)
    }

    /// A folder of its own for something.
    pub(crate) fn folder(&self, name: &str) -> Result<PathBuf> {
        let folder = self.folder.path().join(name);
        fs::create_dir_all(&folder).map_err(|error| format!("making {}: {error}", folder.display()))?;
        Ok(folder)
    }

    /// A plugin directory with copies of the guardrails, installed as they come.
    pub(crate) fn standard(&self, name: &str) -> Result<PathBuf> {
        let directory = self.folder(&format!("{name}-plugins"))?;
        for plugin in &self.guardrails {
            write(&directory.join(format!("{plugin}.wasm")), &built(plugin)?)?;
        }
        let reading = |error: std::io::Error| format!("reading {}: {error}", plugins().display());
        for entry in fs::read_dir(plugins()).map_err(reading)? {
            let file = entry.map_err(reading)?.path();
            let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            let Some(installation) = name.strip_suffix(".toml") else { continue };
            // `pii-answer.toml` is another installation of `pii.wasm`.
            let of = |plugin: &str| {
                installation.strip_prefix(plugin).is_some_and(|rest| rest.is_empty() || rest.starts_with("-"))
            };
            if self.guardrails.iter().any(|plugin| of(plugin)) {
                write(&directory.join(name), &fs::read(&file).map_err(reading)?)?;
            }
        }
        Ok(directory)
    }
}

/// Where `cargo xtask plugins` puts what it builds.
fn plugins() -> PathBuf {
    std::env::var_os("SLUICEGATE_PLUGINS").map_or_else(|| PathBuf::from("target/plugins"), Into::into)
}

/// A plugin as it was built.
pub(crate) fn built(plugin: &str) -> Result<Vec<u8>> {
    let file = plugins().join(format!("{plugin}.wasm"));
    let failed = |error| format!("reading {}: {error}; `cargo xtask bench` builds the plugins first", file.display());
    fs::read(&file).map_err(failed)
}

pub(crate) fn write(file: &Path, bytes: &[u8]) -> Result<()> {
    fs::write(file, bytes).map_err(|error| format!("writing {}: {error}", file.display()))
}

fn path(path: &Path) -> Result<&str> {
    path.to_str().ok_or_else(|| format!("{} is not UTF-8", path.display()))
}
