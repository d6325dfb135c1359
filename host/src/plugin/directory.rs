//! The plugin directory: which installations are in it, and which of them have changed.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::Arc;

use super::anatomy::COMPONENT_BYTES_MAX;
use super::{Plugin, Runtime, Source, digest};
use crate::config::{Installation, Plugins};

/// Files that are looked at: a directory with more is probably not meant to be one of plugins.
const FILES_MAX: usize = 1_000;
/// Looks at a directory that changes each time.
const LOOKS_MAX: usize = 10;
/// Bytes of an installation.
const INSTALLATION_BYTES_MAX: u64 = 1 << 20;

/// Something in the directory that cannot be in service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// The installation's name; empty for the directory as a whole.
    pub name: String,
    /// Why.
    pub reason: String,
    /// Whether an older version of it is in service meanwhile.
    pub older_in_service: bool,
}

/// What a look at the directory gave.
#[derive(Debug)]
pub struct Loaded {
    /// What is to be in service.
    pub plugins: Vec<Arc<Plugin>>,
    /// What cannot be.
    pub broken: Vec<Broken>,
    /// Whether `plugins` differs from what was in service.
    pub changed: bool,
}

/// What the directory says should be in service: sources by name, or why there is none, and how it would be installed, where that
/// can be read.
type Wanted = BTreeMap<String, Result<Source, (String, Option<Box<Installation>>)>>;

/// The bytes of a component, and their digest.
type Component = (Arc<[u8]>, String);

/// Read the directory, load what has changed, and keep the rest; where something is broken, keep its last good version.
pub async fn load(runtime: &Arc<Runtime>, settings: &Plugins, in_service: &[Arc<Plugin>]) -> Loaded {
    let Some(directory) = &settings.directory else {
        return Loaded { plugins: Vec::new(), broken: Vec::new(), changed: !in_service.is_empty() };
    };
    let wanted = match look(directory, settings, in_service) {
        Ok(wanted) => wanted,
        Err(reason) => {
            // The directory as a whole is gone: nobody asked for its plugins to be taken out of service.
            let broken = vec![Broken { name: String::new(), reason, older_in_service: !in_service.is_empty() }];
            return Loaded { plugins: in_service.to_vec(), broken, changed: false };
        }
    };
    let mut loaded = Loaded { plugins: Vec::new(), broken: Vec::new(), changed: false };
    for (name, source) in wanted {
        let older = in_service.iter().find(|plugin| *plugin.name == *name);
        let (fresh, installation) = match source {
            Ok(source) => match older.filter(|older| older.source == source.key() && !older.is_restrained()) {
                Some(same) => {
                    loaded.plugins.push(same.clone());
                    continue;
                }
                None => {
                    let installation = source.installation.clone();
                    (runtime.load(source).await, Some(installation))
                }
            },
            Err((reason, installation)) => (Err(reason), installation.map(|installation| *installation)),
        };
        match fresh {
            Ok(plugin) => {
                loaded.plugins.push(Arc::new(plugin));
                loaded.changed = true;
            }
            Err(reason) => {
                if let Some(older) = older {
                    let kept = kept(older, installation.as_ref());
                    loaded.changed |= !Arc::ptr_eq(&kept, older);
                    loaded.plugins.push(kept);
                }
                loaded.broken.push(Broken { name, reason, older_in_service: older.is_some() });
            }
        }
    }
    loaded.changed |= loaded.plugins.len() != in_service.len();
    loaded
}

/// The older version, as far as what is to be instead of it allows.
fn kept(older: &Arc<Plugin>, installation: Option<&Installation>) -> Arc<Plugin> {
    let restrained = installation.map(|installation| older.restrained(installation));
    match restrained.filter(|restrained| restrained.installation != older.installation) {
        Some(restrained) => Arc::new(restrained),
        None => older.clone(),
    }
}

/// What the directory holds at one moment: files that are replaced together, as Kubernetes does by turning a link, are
/// seen together. So what has changed while it was read is read again.
///
/// # Errors
/// When the directory cannot be read at all, or changes all the time.
fn look(directory: &Path, settings: &Plugins, in_service: &[Arc<Plugin>]) -> Result<Wanted, String> {
    for _ in 0..LOOKS_MAX {
        let before = stamps(directory);
        let wanted = scan(directory, settings, in_service)?;
        if stamps(directory) == before {
            return Ok(wanted);
        }
    }
    Err(format!("{} changes faster than it can be read", directory.display()))
}

/// What tells whether a file is another one or was written to: its number, length and time.
pub type Stamp = (u64, u64, std::time::SystemTime);

/// The stamp of the file behind all links; nothing if there is none.
#[must_use]
pub fn stamp(path: &Path) -> Option<Stamp> {
    let file = std::fs::metadata(path).ok()?;
    Some((file.ino(), file.len(), file.modified().ok()?))
}

/// The stamps of the components and installations in a directory, and its own.
#[must_use]
pub fn stamps(directory: &Path) -> Vec<(OsString, Option<Stamp>)> {
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten().take(FILES_MAX);
    let counts = |name: &OsString| name.to_str().is_some_and(|name| name.ends_with(".toml") || name.ends_with(".wasm"));
    let named = entries.map(|entry| (entry.file_name(), entry.path())).filter(|(name, _)| counts(name));
    let mut stamps: Vec<_> = named.map(|(name, path)| (name, stamp(&path))).collect();
    // The directory's own time tells of a link that was turned and turned back.
    stamps.push((OsString::new(), stamp(directory)));
    stamps.sort();
    stamps
}

/// # Errors
/// When the directory cannot be read at all.
fn scan(directory: &Path, settings: &Plugins, in_service: &[Arc<Plugin>]) -> Result<Wanted, String> {
    let reading = |error: std::io::Error| format!("reading {}: {error}", directory.display());
    let mut components = BTreeSet::new();
    let mut installations = BTreeMap::new();
    for entry in std::fs::read_dir(directory).map_err(reading)?.take(FILES_MAX) {
        let entry = entry.map_err(reading)?;
        let file = entry.file_name();
        // Hidden files are other programs': editors' copies, and Kubernetes' `..data`.
        let Some(file) = file.to_str().filter(|file| !file.starts_with('.')) else { continue };
        if let Some(name) = file.strip_suffix(".toml") {
            installations.insert(name.to_owned(), read_installation(name, &entry.path()));
        } else if file.ends_with(".wasm") {
            components.insert(file.to_owned());
        }
    }
    // A component that some installation names is not installed by itself as well. One that is broken, or names what is
    // not there, does not tell which it means: then nothing comes into service by itself that was not there before.
    let named: BTreeSet<String> =
        installations.values().flatten().map(|installation| installation.component.clone()).collect();
    let is_there = |installation: &Installation| components.contains(&installation.component);
    let some_are_unknown = !installations.values().all(|installation| installation.as_ref().is_ok_and(is_there));
    for file in components.difference(&named) {
        let name = file.trim_end_matches(".wasm");
        if !some_are_unknown || in_service.iter().any(|plugin| *plugin.name == *name) {
            installations.entry(name.to_owned()).or_insert_with(|| Ok(Installation::default_of(name)));
        }
    }
    let mut files: BTreeMap<String, Result<Component, String>> = BTreeMap::new();
    let mut wanted = Wanted::new();
    for (name, installation) in installations {
        let source = installation.map_err(|reason| (reason, None)).and_then(|installation| {
            let file = installation.component.clone();
            let read = files.entry(file.clone()).or_insert_with(|| read_component(directory, &file));
            let (component, digest) = match read.clone() {
                Ok(component) => component,
                Err(reason) => return Err((reason, Some(Box::new(installation)))),
            };
            Ok(Source {
                installation,
                component,
                digest,
                breaker_failures: settings.breaker_failures,
                breaker_probe: settings.breaker_probe,
            })
        });
        wanted.insert(name, source);
    }
    Ok(wanted)
}

fn read_installation(name: &str, path: &Path) -> Result<Installation, String> {
    let file = path.file_name().map(|file| file.to_string_lossy().into_owned()).unwrap_or_default();
    if !is_name(name) {
        return Err(format!("{file}: a plugin's name has only letters, digits, hyphens, underscores and dots"));
    }
    let reading = |error: std::io::Error| format!("reading {file}: {error}");
    if std::fs::metadata(path).map_err(reading)?.len() > INSTALLATION_BYTES_MAX {
        return Err(format!("{file} is longer than {INSTALLATION_BYTES_MAX} bytes"));
    }
    let text = std::fs::read_to_string(path).map_err(reading)?;
    let base = path.parent().unwrap_or(Path::new(""));
    Installation::parse(name, &file, &text, base).map_err(|problems| problems.to_string())
}

fn read_component(directory: &Path, file: &str) -> Result<Component, String> {
    let reading = |error: std::io::Error| format!("reading {file}: {error}");
    let path = directory.join(file);
    let length = std::fs::metadata(&path).map_err(reading)?.len();
    if length > COMPONENT_BYTES_MAX as u64 {
        return Err(format!("{file} has {length} bytes, more than {COMPONENT_BYTES_MAX}"));
    }
    if !is_name(file) {
        return Err(format!("{file}: a plugin's name has only letters, digits, hyphens, underscores and dots"));
    }
    let bytes = std::fs::read(&path).map_err(reading)?;
    let digest = digest(&bytes);
    Ok((bytes.into(), digest))
}

/// Names stand in headers, logs and metrics.
fn is_name(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    !name.is_empty() && name.len() <= 64 && name.bytes().all(allowed)
}
