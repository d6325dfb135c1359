//! Plugins as an operator installs them: a component and its `NAME.toml`.

use std::path::{Path, PathBuf};

use crate::guests;

/// A component and its installation.
#[derive(Clone, Debug)]
pub struct Installed {
    name: String,
    component: String,
    bytes: Vec<u8>,
    installation: toml::Table,
}

/// A standard plugin, as `cargo xtask plugins` builds it.
///
/// # Panics
/// When it is not built.
#[must_use]
pub fn standard(name: &str) -> Installed {
    Installed::new(name, built("SLUICEGATE_PLUGINS", &format!("{name}.wasm")))
}

/// A well-behaved guest of the tests.
///
/// # Panics
/// When there is none, or it is not built.
#[must_use]
pub fn gentle(name: &str) -> Installed {
    let guests::Gentle { package, config, .. } = guests::gentle(name);
    let guest = Installed::new(package, built("SLUICEGATE_GUESTS", &format!("{package}.wasm")));
    guest.named(name).config(config)
}

/// A hostile guest of the tests.
///
/// # Panics
/// When there is none.
#[must_use]
pub fn hostile(name: &str) -> Installed {
    Installed::new(name, guests::guest(name))
}

fn built(variable: &str, file: &str) -> Vec<u8> {
    let directory = std::env::var(variable);
    let Ok(directory) = directory else { panic!("{variable} is not set: run cargo xtask test") };
    let path = PathBuf::from(directory).join(file);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}: run cargo xtask test", path.display()))
}

impl Installed {
    /// A plugin of these bytes, in `NAME.wasm`.
    #[must_use]
    pub fn new(name: &str, bytes: Vec<u8>) -> Self {
        let installed =
            Self { name: name.to_owned(), component: format!("{name}.wasm"), bytes, installation: toml::Table::new() };
        // Tests share few cores: what a busy machine takes is not what they are about.
        installed.set("limits.wall_ms = 20_000")
    }

    /// Under another name, so that one component can be installed twice.
    #[must_use]
    pub fn named(mut self, name: &str) -> Self {
        self.name = name.to_owned();
        let component = format!("component = '{}'", self.component);
        self.set(&component)
    }

    /// What stands under `[config]`.
    #[must_use]
    pub fn config(self, config: &str) -> Self {
        self.set(&format!("[config]\n{config}"))
    }

    /// More of its `NAME.toml`: `mode = 'observe'`.
    ///
    /// # Panics
    /// When it is not TOML.
    #[must_use]
    pub fn set(mut self, toml: &str) -> Self {
        lay_over(&mut self.installation, toml.parse().expect("TOML"));
        self
    }

    /// Other bytes, as after a build.
    #[must_use]
    pub fn bytes(self, bytes: Vec<u8>) -> Self {
        Self { bytes, ..self }
    }

    /// Put it into a directory, as a careful operator does: each file is there as a whole or not at all.
    ///
    /// # Panics
    /// When the disk is full.
    pub fn put_into(&self, directory: &Path) {
        replace(&directory.join(&self.component), &self.bytes);
        replace(&directory.join(format!("{}.toml", self.name)), self.installation.to_string().as_bytes());
    }
}

/// Write a file aside and rename it.
pub(crate) fn replace(path: &Path, bytes: &[u8]) {
    let aside = path.with_file_name(format!(".{}.new", path.file_name().unwrap().to_string_lossy()));
    std::fs::write(&aside, bytes).unwrap();
    std::fs::rename(&aside, path).unwrap();
}

/// Fields of `above` count for more.
pub(crate) fn lay_over(below: &mut toml::Table, above: toml::Table) {
    for (key, value) in above {
        match (below.get_mut(&key), value) {
            (Some(toml::Value::Table(below)), toml::Value::Table(above)) => lay_over(below, above),
            (_, value) => drop(below.insert(key, value)),
        }
    }
}
