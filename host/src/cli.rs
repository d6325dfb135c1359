//! The command line.

mod alerts;
mod check;
mod demo;
mod dev;
mod diff;
mod export;
mod keys;
mod plugin;
mod serve;
mod table;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use clap::{Args, Parser, Subcommand};
use tracing_subscriber::EnvFilter;

use crate::config::{self, Files, Log, Settings};
pub use dev::Dev;

/// A gateway in front of language models, whose guardrails are sandboxed plugins.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100, after_help = AFTER)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

const AFTER: &str = "Point an SDK at http://127.0.0.1:8080 and change nothing else: Anthropic's and Google's as it is, OpenAI's \
                     with /v1.\n\
                     Without a configuration file, `serve` takes the provider from the variables of its SDK, as \
                     OPENAI_API_KEY, ANTHROPIC_API_KEY, GEMINI_API_KEY or AZURE_OPENAI_API_KEY, and otherwise a model \
                     server that is built in.";

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the gateway.
    Serve(serve::Serve),
    /// Show what it does: a few exchanges with the built-in model, then keep serving.
    Demo(demo::Demo),
    Dev(dev::Dev),
    /// Check the configuration and, if that is right, the plugins, without opening a socket.
    Check(check::Check),
    /// Say what two profiles have different, field by field.
    Diff(diff::Diff),
    /// Try the webhook that is told of alerts.
    #[command(subcommand)]
    Alerts(alerts::Alerts),
    /// Make, list, rotate and revoke the keys of callers.
    #[command(subcommand)]
    Keys(keys::Keys),
    /// Write what was said, and what people think of it, as JSON lines for training and evaluation.
    Export(Box<export::Export>),
    /// Make, build, look at and test plugins.
    #[command(subcommand)]
    Plugin(plugin::Plugin),
}

impl Cli {
    /// Do what was asked.
    ///
    /// # Errors
    /// Words for the person, when it did not work.
    pub fn run(self) -> Result<(), String> {
        match self.command {
            Command::Serve(serve) => serve.run(),
            Command::Demo(demo) => demo.run(),
            Command::Dev(dev) => dev.run(),
            Command::Check(check) => check.run(),
            Command::Diff(diff) => diff.run(),
            Command::Alerts(alerts) => alerts.run(),
            Command::Keys(keys) => keys.run(),
            Command::Export(export) => export.run(),
            Command::Plugin(plugin) => plugin.run(),
        }
    }
}

/// Where settings come from.
#[derive(Args, Clone, Debug, Default)]
struct Source {
    /// The configuration file; by default `sluicegate.toml` if there is one here.
    #[arg(long, short, value_name = "FILE")]
    config: Option<PathBuf>,
    /// A profile: `sluicegate.NAME.toml` beside the configuration file is laid over it.
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,
    /// The plugin directory, instead of the configured one.
    #[arg(long, value_name = "DIRECTORY")]
    plugins: Option<PathBuf>,
    /// Address and port to listen on, instead of the configured one.
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
}

impl Source {
    /// The files, if there are any.
    fn files(&self) -> Result<Option<Files>, String> {
        let usual = Path::new("sluicegate.toml");
        let is_there = usual.is_file() || self.profile.is_some();
        let file = self.config.clone().or_else(|| is_there.then(|| usual.to_owned()));
        Ok(match (file, &self.profile) {
            (Some(base), Some(profile)) => Some(Files::with_profile(base, profile)?),
            (base, _) => base.map(Files::from),
        })
    }

    /// The files, if there are any, and the settings.
    fn settings(&self) -> Result<(Option<Files>, Settings), String> {
        let files = self.files()?;
        let settings = match &files {
            Some(files) => config::load(files),
            None => config::from_environment(|name| std::env::var(name).ok()).map(|(settings, _)| settings),
        };
        let mut settings = settings.map_err(|problems| problems.to_string())?;
        self.overrule(&mut settings);
        Ok((files, settings))
    }

    /// What was said on the command line counts.
    fn overrule(&self, settings: &mut Settings) {
        if let Some(plugins) = &self.plugins {
            settings.plugins.directory = Some(plugins.clone());
        }
        if let Some(listen) = self.listen {
            settings.server.listen = listen;
        }
    }
}

/// Write the log to standard error, so that standard output stays for what was asked for.
fn start_log(log: &Log) {
    let filter = EnvFilter::try_new(&log.level).unwrap_or_else(|_| EnvFilter::new("info"));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // Colours are not compiled in: to ask for them would be an error. A second log in the same process, as in tests, is
    // none.
    let _ = match log.json {
        true => builder.json().flatten_event(true).with_current_span(false).try_init(),
        false => builder.with_ansi(false).try_init(),
    };
}

/// Run a future on the threads that serve.
fn block_on<T>(future: impl Future<Output = Result<T, String>>) -> Result<T, String> {
    crate::server::executor(None).map_err(|error| format!("starting threads: {error}"))?.block_on(future)
}
