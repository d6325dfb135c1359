//! `sluicegate check`

use std::sync::Arc;

use clap::Args;

use super::{Source, block_on};
use crate::plugin::{Runtime, directory};

/// Check the configuration and the plugins, without opening a socket.
#[derive(Args, Debug)]
pub(super) struct Check {
    #[command(flatten)]
    source: Source,
}

impl Check {
    pub(super) fn run(self) -> Result<(), String> {
        let (file, settings) = self.source.settings()?;
        let file = file.map_or_else(|| "the environment".to_owned(), |file| file.display().to_string());
        println!("{file}: fine");
        block_on(async move {
            let runtime = Arc::new(Runtime::new(0)?);
            let loaded = directory::load(&runtime, &settings.plugins, &[]).await;
            for plugin in &loaded.plugins {
                println!("plugin {}: fine", plugin.name);
            }
            let broken: Vec<String> = loaded
                .broken
                .iter()
                .map(|broken| match broken.name.as_str() {
                    "" => broken.reason.clone(),
                    name => format!("plugin {name}: {}", broken.reason),
                })
                .collect();
            if broken.is_empty() { Ok(()) } else { Err(broken.join("\n")) }
        })
    }
}
