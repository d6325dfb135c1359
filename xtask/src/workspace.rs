//! Where things are in the checkout.

use std::path::{Path, PathBuf};

/// The folder of the workspace's `Cargo.toml`.
pub(crate) fn root() -> &'static Path {
    // Cargo compiles this crate anew when the checkout has moved, so the path cannot go stale.
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here)
}

/// A path below `target/`. Always the checkout's own, whatever `CARGO_TARGET_DIR` says: the README names these folders.
pub(crate) fn target(name: &str) -> PathBuf {
    root().join("target").join(name)
}

/// Where built plugins go, and where the tests look for them.
pub(crate) fn plugins() -> PathBuf {
    target("plugins")
}

/// The plugin directory of the demo: some of the built plugins, with installations of its own.
pub(crate) fn demo_plugins() -> PathBuf {
    target("demo/plugins")
}

/// Where the built plugins go that only tests use: beside the others, whose folder is an operator's example.
pub(crate) fn test_guests() -> PathBuf {
    target("test-guests")
}

/// The path as one would type it at the root of the checkout: shorter in messages.
pub(crate) fn shown(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).display().to_string()
}
