//! Values that must not be seen.

use std::fmt;
use std::path::Path;

/// A secret: it shows itself to nobody who does not ask for it by name.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

/// Bytes of a secret's file: keys are short, and the path may be wrong.
const FILE_BYTES_MAX: usize = 64 << 10;

impl Secret {
    /// A secret with this value.
    #[must_use]
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// The value. Hand it to the one place that needs it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// # Errors
    /// A sentence with the name of the variable, never with its value.
    pub(super) fn from_env(name: &str) -> Result<Self, String> {
        match std::env::var(name) {
            Ok(value) if !value.trim().is_empty() => Self::checked(value.trim()),
            Ok(_) => Err(format!("the environment variable {name} is empty")),
            Err(_) => Err(format!("the environment variable {name} is not set")),
        }
    }

    /// # Errors
    /// A sentence with the path of the file, never with its content.
    pub(super) fn from_file(path: &Path) -> Result<Self, String> {
        let value = std::fs::read_to_string(path).map_err(|error| format!("reading {}: {error}", path.display()))?;
        if value.len() > FILE_BYTES_MAX || value.trim().is_empty() {
            return Err(format!("{} is empty, or far too long for a secret", path.display()));
        }
        Self::checked(value.trim())
    }

    /// Secrets go into headers.
    fn checked(value: &str) -> Result<Self, String> {
        if value.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ') {
            Ok(Self(value.to_owned()))
        } else {
            Err("the secret has characters that a header cannot carry".to_owned())
        }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(secret)")
    }
}
