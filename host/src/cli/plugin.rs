//! `sluicegate plugin ...`

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use clap::Subcommand;

use super::table::table;
use super::{Source, block_on};
use crate::config::{Installation, Mode, OnFailure};
use crate::plugin::{self, Form, Runtime, directory};

/// Look at plugins.
#[derive(Debug, Subcommand)]
pub(super) enum Plugin {
    /// Load all plugins of the directory and list them.
    List(Source),
    /// Load one file and say what it is, what it needs, and whether it could be in service.
    Inspect {
        /// A component, or a core module as `cargo build` leaves it.
        file: PathBuf,
    },
}

impl Plugin {
    pub(super) fn run(self) -> Result<(), String> {
        match self {
            Self::List(source) => list(&source),
            Self::Inspect { file } => inspect(&file),
        }
    }
}

fn list(source: &Source) -> Result<(), String> {
    let (_, settings) = source.settings()?;
    let Some(directory) = settings.plugins.directory.clone() else {
        return Err("no plugin directory is configured; name one with --plugins".to_owned());
    };
    let loaded = block_on(async move {
        let runtime = Arc::new(Runtime::new(0)?);
        Ok(directory::load(&runtime, &settings.plugins, &[]).await)
    })?;
    let mut plugins = loaded.plugins;
    plugins.sort_by(|a, b| (a.installation.order, &a.name).cmp(&(b.installation.order, &b.name)));
    let rows: Vec<Vec<String>> = plugins.iter().map(|plugin| row(plugin)).collect();
    if rows.is_empty() {
        println!("no plugins in {}", directory.display());
    } else {
        print!("{}", table(&["order", "name", "version", "digest", "kind", "mode", "on failure", "instances"], &rows));
    }
    let broken: Vec<String> =
        loaded.broken.iter().map(|broken| format!("not in service: {}: {}", broken.name, broken.reason)).collect();
    if broken.is_empty() { Ok(()) } else { Err(broken.join("\n")) }
}

fn row(plugin: &plugin::Plugin) -> Vec<String> {
    let installation = &plugin.installation;
    vec![
        installation.order.to_string(),
        plugin.name.to_string(),
        plugin.description.version.clone(),
        plugin.short_digest.to_string(),
        kinds(plugin).join(", "),
        mode(installation.mode).to_owned(),
        on_failure(installation.on_failure).to_owned(),
        if plugin.not_forked.is_none() { "forked from a snapshot" } else { "configured for each call" }.to_owned(),
    ]
}

fn kinds(plugin: &plugin::Plugin) -> Vec<&'static str> {
    ["text-guardrail", "request-guardrail", "answer-guardrail"]
        .into_iter()
        .filter(|interface| plugin.anatomy.exports(interface))
        .collect()
}

fn mode(mode: Mode) -> &'static str {
    match mode {
        Mode::Enforce => "enforce",
        Mode::Observe => "observe",
        Mode::Off => "off",
    }
}

fn on_failure(on_failure: OnFailure) -> &'static str {
    match on_failure {
        OnFailure::Closed => "closed",
        OnFailure::Open => "open",
    }
}

fn inspect(file: &Path) -> Result<(), String> {
    let bytes = std::fs::read(file).map_err(|error| format!("reading {}: {error}", file.display()))?;
    let size = bytes.len();
    let digest = plugin::digest(&bytes);
    let name = file.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let source = plugin::Source {
        installation: Installation::default_of(&name),
        component: bytes.into(),
        digest: digest.clone(),
        breaker_failures: 0,
        breaker_probe: std::time::Duration::from_secs(1),
    };
    let (plugin, took) = block_on(async move {
        let runtime = Arc::new(Runtime::new(0)?);
        let started = Instant::now();
        let plugin = runtime.load(source).await?;
        Ok((plugin, started.elapsed()))
    })
    .map_err(|reason| format!("{}: cannot be in service: {reason}", file.display()))?;
    let form = match plugin.anatomy.form {
        Form::Component => "component",
        Form::CoreModule => "core module, wrapped at load",
    };
    let list = |names: &std::collections::BTreeSet<String>| match names.len() {
        0 => "nothing".to_owned(),
        _ => names.iter().cloned().collect::<Vec<_>>().join("\n           "),
    };
    println!("file       {} ({size} bytes, {form})", file.display());
    println!("sha256     {digest}");
    println!("name       {} {}", plugin.description.name, plugin.description.version);
    println!("summary    {}", plugin.description.summary);
    println!("exports    {}", list(&plugin.anatomy.exports));
    println!("imports    {}", list(&plugin.anatomy.imports));
    match &plugin.not_forked {
        None => println!("instances  forked from a snapshot taken after `configure`"),
        Some(reason) => println!("instances  configured for each call: {reason}"),
    }
    println!("loaded in  {} ms", took.as_millis());
    Ok(())
}
