//! `sluicegate check`

use std::path::Path;
use std::sync::Arc;

use clap::Args;

use super::serve::{about, not_itself};
use super::table::say;
use super::{Source, block_on};
use crate::auth::Auth;
use crate::capability::Capabilities;
use crate::config::{Settings, variables_in_force};
use crate::embed::Embedders;
use crate::plugin::{Runtime, directory};
use crate::upstream::Upstream;

/// Check the configuration and, if that is right, the plugins, without opening a socket.
#[derive(Args, Debug)]
pub(super) struct Check {
    #[command(flatten)]
    source: Source,
}

impl Check {
    pub(super) fn run(self) -> Result<(), String> {
        let (files, settings) = self.source.settings()?;
        not_itself(&settings, settings.server.listen)?;
        // The store and the issuer's keys are read as at a start: what would refuse that is said here.
        Auth::open(&settings)?;
        can_be_made(&settings.store.path)?;
        match files {
            Some(files) => {
                let names: Vec<String> = files.paths().map(|path| path.display().to_string()).collect();
                say(&format!("{}: fine", names.join(" with ")))?;
                settings.notes().iter().try_for_each(|note| say(&format!("note: {note}")))?;
            }
            None => say(&found(&settings, &variables_in_force(|name| std::env::var(name).ok())))?,
        }
        block_on(async move {
            let runtime = Arc::new(Runtime::for_authors()?);
            let embedders = Embedders::open(&settings, &Upstream::new(&settings)?)?;
            runtime.offer(Arc::new(Capabilities::for_trials(Arc::new(embedders))));
            let loaded = directory::load(&runtime, &settings.plugins, &[]).await;
            for plugin in &loaded.plugins {
                say(&format!("plugin {}: fine", plugin.name))?;
            }
            let broken: Vec<String> = loaded.broken.iter().map(about).collect();
            if broken.is_empty() { Ok(()) } else { Err(broken.join("\n")) }
        })
    }
}

/// Look whether the store can be made, where it is not there yet.
fn can_be_made(store: &Path) -> Result<(), String> {
    let folder = store.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    match folder.is_dir() {
        true => Ok(()),
        false => Err(format!("store.path: there is no directory {}, so no store can be made there", folder.display())),
    }
}

/// What is in force without a configuration file.
fn found(settings: &Settings, variables: &[&str]) -> String {
    let model = match settings.any_model.targets().next() {
        Some(target) if !target.sandbox => format!("{}, from {}", target.provider, variables.join(" and ")),
        _ => {
            "the built-in sandbox, as no variable names a provider (OPENAI_API_KEY, ANTHROPIC_API_KEY, ...)".to_owned()
        }
    };
    let plugins = match settings.plugins.directory.as_deref().map(Path::display) {
        Some(directory) => directory.to_string(),
        None => "none, as there is no directory `plugins` here".to_owned(),
    };
    format!("no configuration file: fine\nmodel:     {model}\nplugins:   {plugins}")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::config::from_environment;

    #[test]
    fn what_there_is_without_a_file_is_said() {
        let (settings, _) = from_environment(|_| None).unwrap();
        assert_eq!(
            found(&settings, &[]),
            "no configuration file: fine\n\
             model:     the built-in sandbox, as no variable names a provider (OPENAI_API_KEY, ANTHROPIC_API_KEY, ...)\n\
             plugins:   none, as there is no directory `plugins` here"
        );
        let address = |name: &str| (name == "OPENAI_BASE_URL").then(|| "http://localhost:11434/v1".to_owned());
        let (mut settings, _) = from_environment(address).unwrap();
        settings.plugins.directory = Some("here".into());
        assert_eq!(
            found(&settings, &variables_in_force(address)),
            "no configuration file: fine\nmodel:     openai, from OPENAI_BASE_URL\nplugins:   here"
        );
    }
}
