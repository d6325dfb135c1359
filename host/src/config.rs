//! Configuration in two stages: [`mod@file`] is what a person writes, this module what the program needs. Nothing
//! here is optional in the sense of "default": `resolve` has filled in and checked everything.

#[cfg(test)]
mod documented;
mod environment;
pub mod file;
pub mod installation;
mod problem;
mod resolve;
mod schema;
mod secret;
mod wording;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use http::Uri;
use rustls::pki_types::CertificateDer;

pub use environment::from_environment;
pub use installation::{Installation, Mode, OnFailure, StreamMode};
pub use problem::{Problem, Problems};
pub use schema::check as check_plugin_config;
pub use secret::Secret;

/// Everything that the program needs to know.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// The public port and its bounds.
    pub server: Server,
    /// Bounds of the calls to providers.
    pub upstream: Upstream,
    /// What callers may ask for, by name.
    pub models: BTreeMap<String, Model>,
    /// Where requests for any other model go; empty to refuse them.
    pub any_model: Model,
    /// Where plugins are, and their bounds as a whole.
    pub plugins: Plugins,
    /// How streams are cut into windows.
    pub stream: Stream,
    /// What is logged, and how.
    pub log: Log,
}

impl Settings {
    /// Whether some target is the sandbox model, which then has to be started.
    #[must_use]
    pub fn needs_sandbox(&self) -> bool {
        self.all_models().any(|model| model.targets.iter().any(|target| target.sandbox))
    }

    /// Say where the sandbox model listens.
    pub fn sandbox_at(&mut self, base_url: &Uri) {
        for model in self.models.values_mut().chain([&mut self.any_model]) {
            for target in model.targets.iter_mut().filter(|target| target.sandbox) {
                *target = Arc::new(Target { base_url: base_url.clone(), ..Target::clone(target) });
            }
        }
    }

    fn all_models(&self) -> impl Iterator<Item = &Model> {
        self.models.values().chain([&self.any_model])
    }
}

/// The public port and its bounds.
#[derive(Clone, Debug, PartialEq)]
pub struct Server {
    /// Where to listen.
    pub listen: SocketAddr,
    /// Connections at the same time; more wait in the kernel's queue.
    pub connections_max: usize,
    /// Bytes of a request's head.
    pub header_bytes_max: usize,
    /// Time for a request's head to arrive, and for an idle connection to send the next.
    pub header: Duration,
    /// Bytes of a request's body.
    pub body_bytes_max: usize,
    /// Time for a request's body to arrive.
    pub body: Duration,
    /// Time for open exchanges to end after a signal to stop.
    pub drain: Duration,
}

/// Bounds of the calls to providers.
#[derive(Clone, Debug, PartialEq)]
pub struct Upstream {
    /// Time to connect, TLS included.
    pub connect: Duration,
    /// Time to the first byte of the answer.
    pub first_byte: Duration,
    /// Time between two pieces of an answer.
    pub idle: Duration,
    /// Time for a whole exchange.
    pub total: Duration,
    /// Bytes of an answer that is not a stream, and of a stream that is withheld.
    pub answer_bytes_max: usize,
    /// Bytes of one event of a stream.
    pub event_bytes_max: usize,
    /// Certificates of authorities that are trusted beside the system's.
    pub authorities: Vec<CertificateDer<'static>>,
}

/// What callers ask for: the targets to try, in order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Model {
    /// The targets to try, in order.
    pub targets: Vec<Arc<Target>>,
}

/// A model at a provider.
#[derive(Clone, Debug, PartialEq)]
pub struct Target {
    /// Its name in the configuration.
    pub name: String,
    /// The provider's name in the configuration.
    pub provider: String,
    /// What the provider calls the model; nothing to pass on what the caller asked for.
    pub model: Option<String>,
    /// The provider's address, without a slash at the end.
    pub base_url: Uri,
    /// Sent as a bearer token; nothing to pass on what the caller sent.
    pub api_key: Option<Secret>,
    /// Started by the gateway itself: `base_url` is set when it listens.
    pub sandbox: bool,
}

/// Where plugins are, and their bounds as a whole.
#[derive(Clone, Debug, PartialEq)]
pub struct Plugins {
    /// The directory to load from and to watch; nothing to run without plugins.
    pub directory: Option<PathBuf>,
    /// Start even though the directory is missing or a plugin in it is broken.
    pub start_without_broken: bool,
    /// Time for all guardrails of one phase of an exchange.
    pub chain: Duration,
    /// Bytes of remembered verdicts.
    pub memo_bytes: u64,
    /// Time without a change in the directory before it is read.
    pub settle: Duration,
    /// Failures in a row after which a plugin is taken out.
    pub breaker_failures: u32,
    /// Time between two probes of a plugin that was taken out.
    pub breaker_probe: Duration,
    /// How often an answer guardrail may ask the model once more.
    pub retries_max: u32,
}

/// How streams are cut into windows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stream {
    /// New bytes after which guardrails are called.
    pub window_bytes: usize,
    /// Time after which they are called for fewer.
    pub window: Duration,
    /// Released bytes that they see again.
    pub context_bytes: usize,
    /// Bytes that they may hold back.
    pub hold_bytes_max: usize,
    /// How long they may hold a byte back while more text arrives.
    pub hold: Duration,
}

/// What is logged, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log {
    /// The least severe level that is written, with `tracing`'s filter syntax.
    pub level: String,
    /// One JSON object a line, for machines.
    pub json: bool,
}

/// Read a configuration file.
///
/// # Errors
/// All that is wrong with it.
pub fn load(path: &Path) -> Result<Settings, Problems> {
    let text = std::fs::read_to_string(path).map_err(|error| Problems::unreadable(path, &error))?;
    parse(&path.display().to_string(), &text, path.parent().unwrap_or(Path::new("")))
}

/// Read a configuration from its text. `name` stands in the problems, relative paths are below `base`.
///
/// # Errors
/// All that is wrong with it.
pub fn parse(name: &str, text: &str, base: &Path) -> Result<Settings, Problems> {
    let mut problems = Problems::new(name, text);
    let Some(file) = file::read(text, &mut problems) else { return Err(problems) };
    let settings = resolve::resolve(file, base, &mut problems);
    problems.into_result(settings)
}
