//! `sluicegate dev`: an author's loop. A project is built, tested and put into service after each change, in a gateway of
//! its own that goes through the same start and the same sockets as `serve`; what is typed meanwhile is asked.

mod screen;
mod workshop;

use std::io::{BufRead, BufReader, IsTerminal, Read, Write, stdin, stdout};
use std::path::{Path, PathBuf};
use std::pin::pin;

use clap::Args;
use tokio::sync::mpsc;

use super::plugin::compiled_directory;
use super::serve::{Running, asked_to_stop};
use super::{block_on, start_log};
use crate::config::{self, Log, Settings};
use crate::kit::build::is_project;
use crate::plugin::Runtime;
use screen::Screen;
use workshop::Workshop;

/// The built-in model, in two targets: a router has something to decide. Whether an answer is from memory does not depend
/// on how busy the machine is: the cache may be waited for.
const SETTINGS: &str = r#"
[providers.sandbox]
dialect = "sandbox"

[targets.small]
provider = "sandbox"
model = "small"
prices = { input = "0.15", output = "0.60" }
tags = ["small", "cheap"]

[targets.large]
provider = "sandbox"
model = "large"
prices = { input = "3.00", output = "15.00" }
tags = ["large", "strong", "code"]

[models."*"]
targets = ["small", "large"]

[auth]
required = false

[admin]
listen = "127.0.0.1:0"

[tenants."*"]
capture = true

[cache]
wait_ms = 10_000
"#;

/// A reload is told in fewer words; what the plugin itself writes into the log is its author's to read.
const LOG: &str = "warn,sluicegate::gateway::reload=off,sluicegate::plugin::imports=debug";
/// Lines that wait while something else is done.
const LINES_MAX: usize = 64;
/// Bytes of a line: more is the next one.
const LINE_BYTES_MAX: u64 = 1 << 20;

/// Build and test a plugin after each change, and serve with it before the built-in model. What is typed is asked.
///
/// What became of a question is shown with the plugin's receipts. Where something fails, the version before stays in
/// service; cases that are not as expected do not keep one out of it. A line that begins with "/" is a command; /help
/// lists them.
#[derive(Args, Debug)]
pub struct Dev {
    /// The project, as `sluicegate plugin new` writes it.
    #[arg(default_value = ".")]
    pub project: PathBuf,
    /// Port of 127.0.0.1 to listen on; 0 for one that is free.
    #[arg(long, default_value_t = 0)]
    pub port: u16,
    /// Where compiled components are kept: `sluicegate/compiled` in the user's directory for caches.
    #[arg(long, value_name = "DIRECTORY")]
    pub compiled: Option<PathBuf>,
}

impl Dev {
    pub(super) fn run(self) -> Result<(), String> {
        start_log(&Log { level: LOG.to_owned(), json: false });
        let is_terminal = stdin().is_terminal() && stdout().is_terminal();
        let screen = Screen::new(stdout(), is_terminal);
        let lines = lines_of(BufReader::new(stdin()));
        // The signals are listened to from the start on: what is kept goes with the gateway, whenever it ends.
        block_on(async { self.serve(lines, screen, asked_to_stop()).await })
    }

    /// Do it with these in place of the terminal, until the input ends or says so.
    ///
    /// # Errors
    /// When the folder is no project, the gateway cannot start, or nothing can be written.
    pub fn talk(self, input: impl BufRead + Send + 'static, output: impl Write + Send + 'static) -> Result<(), String> {
        block_on(self.serve(lines_of(input), Screen::new(output, false), std::future::pending()))
    }

    async fn serve(
        self,
        mut lines: mpsc::Receiver<String>,
        mut screen: Screen,
        stop: impl Future<Output = Result<(), String>>,
    ) -> Result<(), String> {
        // Before anything of a folder that may be anybody's is looked at.
        is_project(&self.project)?;
        let mut stop = pin!(stop);
        let folder = tempfile::Builder::new().prefix("sluicegate-dev-").tempdir();
        let folder = folder.map_err(|error| format!("making a temporary folder: {error}"))?;
        let plugins = folder.path().join("plugins");
        std::fs::create_dir(&plugins).map_err(|error| format!("making {}: {error}", plugins.display()))?;
        let compiled = self.compiled.or_else(compiled_directory);
        let settings = settings(folder.path(), &plugins, compiled.as_deref(), self.port)?;
        let running = Running::start_in(Runtime::for_authors()?, settings, None, |_| {}).await;
        let running =
            running.map_err(|refused| refused.words("The plugin directory is a temporary one of this command."))?;
        let mut workshop = Workshop::new(self.project, plugins, compiled, running);
        let ended = tokio::select! {
            stopped = &mut stop => stopped,
            ended = workshop.work(&mut lines, &mut screen) => ended,
        };
        let stopped = workshop.close().await;
        ended.and(stopped)
    }
}

fn settings(folder: &Path, plugins: &Path, compiled: Option<&Path>, port: u16) -> Result<Settings, String> {
    let mut settings =
        config::parse("the configuration of dev", SETTINGS, folder).map_err(|wrong| wrong.to_string())?;
    settings.plugins.directory = Some(plugins.to_owned());
    if let Some(compiled) = compiled {
        settings.plugins.compiled = compiled.to_owned();
    }
    settings.server.listen = ([127, 0, 0, 1], port).into();
    Ok(settings)
}

/// The lines of an input, read on a thread of its own: nobody can be woken from waiting for a terminal.
fn lines_of(mut input: impl BufRead + Send + 'static) -> mpsc::Receiver<String> {
    let (sender, lines) = mpsc::channel(LINES_MAX);
    std::thread::spawn(move || {
        while let Some(line) = next_line(&mut input) {
            if sender.blocking_send(line).is_err() {
                return;
            }
        }
    });
    lines
}

/// A line without its end; nothing at the end of the input, or where it cannot be read.
fn next_line(input: &mut impl BufRead) -> Option<String> {
    let mut bytes = Vec::new();
    let count = input.by_ref().take(LINE_BYTES_MAX).read_until(b'\n', &mut bytes).unwrap_or_default();
    (count > 0).then(|| String::from_utf8_lossy(&bytes).trim_end_matches(['\n', '\r']).to_owned())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_to_the_end_and_long_ones_are_cut() {
        let most = usize::try_from(LINE_BYTES_MAX).unwrap();
        let mut input = format!("one\r\n\n{}", "x".repeat(most + 1));
        input.push_str("\nlast");
        let mut input = input.as_bytes();
        let lines: Vec<String> = std::iter::from_fn(|| next_line(&mut input)).collect();
        assert_eq!(lines, ["one", "", &"x".repeat(most), "x", "last"]);
    }

    #[test]
    fn the_configuration_is_right() {
        let folder = tempfile::tempdir().unwrap();
        let settings = settings(folder.path(), folder.path(), None, 8080).unwrap();
        assert!(settings.needs_sandbox());
        assert_eq!(settings.server.listen.to_string(), "127.0.0.1:8080");
    }
}
