//! Builds plugins: crates that become `NAME.wasm`, ready for the gateway to load, beside the installations that they
//! bring along.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use serde_json::Value;

use crate::guest_compiler::{self, Compiler, TARGET};
use crate::{Result, process, workspace};

/// The shadow stack of a guest, which is part of the memory that every fork resets: 32 KiB instead of the linker's
/// 1 MiB makes forks cheaper, and a regex or JSON parser is still far from its end. The linker puts the stack below
/// everything else, so that an overflow traps at address 0 and does not overwrite data. Plain `cargo build` does not know
/// of this; the README says how authors can set it.
const STACK_BYTES: u32 = 32 * 1024;

/// A crate that can be built to a plugin.
#[derive(Debug, PartialEq, Eq)]
struct Plugin {
    name: String,
    manifest: PathBuf,
}

/// Builds the plugins of the workspace, all or those named, to `target/plugins/`.
pub(crate) fn build(names: &[String]) -> Result<()> {
    build_members("plugins", names, &workspace::plugins())
}

/// Builds the well-behaved plugins that only tests use, and the SDK's examples, to `target/test-guests/`.
pub(crate) fn build_test_guests() -> Result<()> {
    build_members("tests/guests/rust", &[], &workspace::test_guests())?;
    build_members("sdk/rust/examples", &[], &workspace::test_guests())
}

/// Builds the plugins among the members of the workspace that are in `folder`, all or those named.
fn build_members(folder: &str, names: &[String], into: &Path) -> Result<()> {
    let folder = workspace::root().join(folder);
    let mut plugins = in_manifest(&workspace::root().join("Cargo.toml"))?;
    plugins.retain(|plugin| plugin.manifest.starts_with(&folder));
    let plugins = chosen(plugins, names)?;
    let compiler = guest_compiler::ensure()?;
    for plugin in &plugins {
        let wasm = compile(plugin, &compiler, "plugin")?;
        install(plugin, into)?;
        publish(&wasm, into, &plugin.name)?;
    }
    Ok(())
}

/// Builds the plugin crate in the folder `path`, a member of this workspace or not, to `NAME.wasm` in `into`.
pub(crate) fn build_outside(path: &Path, into: Option<&Path>) -> Result<()> {
    let folder =
        path.canonicalize().map_err(|error| format!("looking for a plugin's crate at {}: {error}", path.display()))?;
    let manifest = if folder.is_dir() { folder.join("Cargo.toml") } else { folder };
    let into = match into {
        Some(into) => std::path::absolute(into).map_err(|error| format!("finding {}: {error}", into.display()))?,
        None => workspace::plugins(),
    };
    // A manifest in a workspace lists all members; meant is the one at the path.
    let plugin = in_manifest(&manifest)?.into_iter().find(|plugin| plugin.manifest == manifest).ok_or_else(|| {
        format!(
            "{} is no plugin: its library is no `cdylib`; add `crate-type = [\"cdylib\"]` to [lib]",
            manifest.display()
        )
    })?;
    let compiler = guest_compiler::ensure()?;
    eprintln!("To build it without xtask: {}", by_hand(&compiler));
    // The profile `plugin` is this workspace's; what `release` means to an outside crate is its own decision.
    let ours = manifest.starts_with(workspace::root().join("plugins"));
    let wasm = compile(&plugin, &compiler, if ours { "plugin" } else { "release" })?;
    install(&plugin, &into)?;
    publish(&wasm, &into, &plugin.name)
}

/// The crates with a `cdylib` that cargo sees from a manifest, by name.
fn in_manifest(manifest: &Path) -> Result<Vec<Plugin>> {
    let mut cargo = process::cargo();
    cargo.args(["metadata", "--no-deps", "--format-version", "1", "--manifest-path"]).arg(manifest);
    let metadata = process::read(&mut cargo)?;
    let mut plugins =
        in_metadata(&metadata).map_err(|error| format!("reading what cargo metadata printed: {error}"))?;
    plugins.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(plugins)
}

/// The crates with a `cdylib` in the output of `cargo metadata`.
fn in_metadata(metadata: &str) -> serde_json::Result<Vec<Plugin>> {
    let metadata: Value = serde_json::from_str(metadata)?;
    let plugins =
        list(&metadata, "packages").filter(|package| list(package, "targets").any(is_cdylib)).filter_map(|package| {
            Some(Plugin { name: text(package, "name")?.into(), manifest: text(package, "manifest_path")?.into() })
        });
    Ok(plugins.collect())
}

/// Those named, or all.
fn chosen(plugins: Vec<Plugin>, names: &[String]) -> Result<Vec<Plugin>> {
    let known = |name: &String| plugins.iter().any(|plugin| plugin.name == *name);
    if let Some(unknown) = names.iter().find(|name| !known(name)) {
        let there_are: Vec<_> = plugins.iter().map(|plugin| plugin.name.as_str()).collect();
        return Err(format!("there is no plugin {unknown} in plugins/: there are {}", there_are.join(", ")));
    }
    Ok(plugins.into_iter().filter(|plugin| names.is_empty() || names.contains(&plugin.name)).collect())
}

/// Compiles one plugin and says where its component is.
fn compile(plugin: &Plugin, compiler: &Compiler, profile: &str) -> Result<PathBuf> {
    eprintln!("building {} (rustc {})", plugin.name, compiler.version);
    let mut cargo = guest_compiler::cargo(&compiler.rustc);
    // A folder of their own: another compiler and other flags would make cargo build the host's crates again.
    cargo.env("CARGO_TARGET_DIR", workspace::target("guests"));
    cargo.env("CARGO_ENCODED_RUSTFLAGS", format!("-Clink-arg=-zstack-size={STACK_BYTES}"));
    // `cargo rustc` for its `--crate-type`: with an `rlib` beside the `cdylib`, which native tests need, cargo does no
    // link-time optimisation.
    cargo.args(["rustc", "--lib", "--crate-type", "cdylib", "--target", TARGET, "--profile", profile]);
    cargo.args(["--message-format", "json-render-diagnostics", "--manifest-path"]).arg(&plugin.manifest);
    let messages = messages_of(&mut cargo)?;
    artifact(&messages, &plugin.manifest)
        .ok_or_else(|| format!("building {}: cargo reports no .wasm file; is its library a `cdylib`?", plugin.name))
}

/// Runs cargo for its messages on standard output; errors and progress go to the terminal.
fn messages_of(cargo: &mut Command) -> Result<String> {
    let output = cargo.stdin(Stdio::null()).stderr(Stdio::inherit()).output();
    let output = output.map_err(|error| process::not_started(cargo, &error))?;
    process::ended(cargo, output.status)?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The component that cargo's messages report for the crate with this manifest.
fn artifact(messages: &str, manifest: &Path) -> Option<PathBuf> {
    let messages = messages.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let mut ours = messages.filter(|message| {
        text(message, "reason") == Some("compiler-artifact")
            && text(message, "manifest_path").map(Path::new) == Some(manifest)
    });
    ours.find_map(|message| {
        list(&message, "filenames").filter_map(Value::as_str).find(|name| name.ends_with(".wasm")).map(Into::into)
    })
}

/// How to build a plugin without xtask, for one's own build loop.
fn by_hand(compiler: &Compiler) -> String {
    let build = format!("cargo build --release --target {TARGET}");
    if compiler.is_usual() { build } else { format!("RUSTC={} {build}", process::quoted(&compiler.rustc)) }
}

/// Puts the component where gateways look for it. A file that is already the same is not touched, and a new one appears
/// at once and whole, so that a gateway that watches the folder reloads what has changed and reads no half-written file.
pub(crate) fn publish(wasm: &Path, into: &Path, name: &str) -> Result<()> {
    let start = Instant::now();
    let place = into.join(format!("{name}.wasm"));
    let failed = |error: io::Error| format!("copying {} to {}: {error}", wasm.display(), place.display());
    let bytes = fs::read(wasm).map_err(failed)?;
    let same = fs::read(&place).is_ok_and(|there| there == bytes);
    if !same {
        put(&bytes, into, &place).map_err(failed)?;
    }
    let news = if same { "unchanged".into() } else { format!("written in {} ms", start.elapsed().as_millis()) };
    println!("{}  {} bytes, {news}", workspace::shown(&place), bytes.len());
    Ok(())
}

/// Copies the installations in the crate's folder `installations`. One that was edited where it was copied to stays as it
/// is, until the one in the crate is edited after it.
fn install(plugin: &Plugin, into: &Path) -> Result<()> {
    let folder = plugin.manifest.with_file_name("installations");
    let failed = |error: io::Error| format!("copying {} to {}: {error}", folder.display(), into.display());
    let entries = match fs::read_dir(&folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries.map_err(failed)?,
    };
    for entry in entries {
        let ours = entry.map_err(failed)?.path();
        let Some(name) = ours.file_name().filter(|_| ours.extension().is_some_and(|kind| kind == "toml")) else {
            continue;
        };
        let place = into.join(name);
        let changed = |path: &Path| fs::metadata(path).and_then(|data| data.modified());
        let newer = match changed(&place) {
            Ok(theirs) => changed(&ours).map_err(failed)? > theirs,
            Err(_) => true,
        };
        let text = fs::read(&ours).map_err(failed)?;
        if newer && fs::read(&place).ok().as_ref() != Some(&text) {
            put(&text, into, &place).map_err(failed)?;
            println!("{}  written", workspace::shown(&place));
        }
    }
    Ok(())
}

/// Writes a file beside its place and moves it there, so that nobody reads half of it.
pub(crate) fn put(bytes: &[u8], folder: &Path, place: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let name = place.file_name().unwrap_or_default().to_string_lossy();
    let whole = folder.join(format!(".{name}.{}.new", std::process::id()));
    fs::write(&whole, bytes)?;
    fs::rename(&whole, place)
}

fn is_cdylib(target: &Value) -> bool {
    list(target, "crate_types").any(|kind| kind == "cdylib")
}

fn list<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    value.get(key).and_then(Value::as_array).into_iter().flatten()
}

fn text<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    value.get(key).and_then(Value::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plugin(name: &str) -> Plugin {
        Plugin { name: name.into(), manifest: format!("/w/plugins/{name}/Cargo.toml").into() }
    }

    #[test]
    fn a_plugin_is_a_crate_with_a_cdylib() {
        let metadata = r#"{"packages": [
            {"name": "no-op", "manifest_path": "/w/plugins/no-op/Cargo.toml", "targets": [
                {"name": "no_op", "crate_types": ["cdylib", "rlib"]}, {"name": "build", "crate_types": ["bin"]}]},
            {"name": "host", "manifest_path": "/w/host/Cargo.toml", "targets": [{"name": "host", "crate_types": ["lib"]}]}
        ]}"#;
        assert!(in_metadata(metadata).is_ok_and(|found| found == [plugin("no-op")]));
        assert!(in_metadata("error: no such thing").is_err());
    }

    #[test]
    fn no_name_means_all_and_an_unknown_name_is_an_error_that_lists_them() {
        let all = || vec![plugin("no-op"), plugin("pii")];
        assert_eq!(chosen(all(), &[]), Ok(all()));
        assert_eq!(chosen(all(), &["pii".into()]), Ok(vec![plugin("pii")]));
        assert!(chosen(all(), &["pi".into()]).is_err_and(|error| error.contains("no-op, pii")));
    }

    #[test]
    fn the_component_is_the_wasm_file_of_the_crate_itself() {
        let messages = r#"
            {"reason":"compiler-artifact","manifest_path":"/w/plugins/dep/Cargo.toml","filenames":["/t/dep.wasm"]}
            {"reason":"compiler-artifact","manifest_path":"/w/plugins/no-op/Cargo.toml","filenames":["/t/no_op.d","/t/no_op.wasm"]}
            {"reason":"build-finished","success":true}"#;
        assert_eq!(artifact(messages, &plugin("no-op").manifest), Some("/t/no_op.wasm".into()));
        assert_eq!(artifact(messages, &plugin("pii").manifest), None);
    }

    #[test]
    fn a_component_that_has_not_changed_is_not_written_again() -> Result<(), Box<dyn std::error::Error>> {
        let folder = std::env::temp_dir().join(format!("xtask-publish-{}", std::process::id()));
        let (wasm, into) = (folder.join("no_op.wasm"), folder.join("plugins"));
        let place = into.join("no-op.wasm");
        fs::create_dir_all(&folder)?;
        fs::write(&wasm, "one")?;
        publish(&wasm, &into, "no-op")?;
        let mut locked = fs::metadata(&place)?.permissions();
        locked.set_readonly(true);
        fs::set_permissions(&place, locked)?;

        publish(&wasm, &into, "no-op")?;
        assert!(fs::metadata(&place)?.permissions().readonly(), "the same bytes were written again");
        fs::write(&wasm, "two")?;
        publish(&wasm, &into, "no-op")?;
        assert_eq!(fs::read_to_string(&place)?, "two");
        let names: Vec<_> = fs::read_dir(&into)?.filter_map(|entry| Some(entry.ok()?.file_name())).collect();
        assert_eq!(names, ["no-op.wasm"]);
        fs::remove_dir_all(&folder)?;
        Ok(())
    }

    #[test]
    fn an_installation_that_was_edited_stays_until_its_source_is_edited_after_it() -> io::Result<()> {
        let folder = std::env::temp_dir().join(format!("xtask-install-{}", std::process::id()));
        let (source, into) = (folder.join("installations/one.toml"), folder.join("into"));
        let plugin = Plugin { name: "one".into(), manifest: folder.join("Cargo.toml") };
        let place = into.join("one.toml");
        let write = |path: &Path, text: &str, seconds: u64| {
            fs::write(path, text)?;
            let time = std::time::UNIX_EPOCH + std::time::Duration::from_secs(seconds);
            fs::File::options().write(true).open(path)?.set_modified(time)
        };
        assert_eq!(install(&plugin, &into), Ok(()), "a plugin without installations is fine");
        fs::create_dir_all(folder.join("installations"))?;
        write(&source, "order = 1", 1_000)?;
        assert_eq!(install(&plugin, &into), Ok(()));
        assert_eq!(fs::read_to_string(&place)?, "order = 1");

        write(&place, "order = 2", 2_000)?;
        assert_eq!(install(&plugin, &into), Ok(()));
        assert_eq!(fs::read_to_string(&place)?, "order = 2");
        write(&source, "order = 3", 3_000)?;
        assert_eq!(install(&plugin, &into), Ok(()));
        assert_eq!(fs::read_to_string(&place)?, "order = 3");
        fs::remove_dir_all(&folder)
    }
}
