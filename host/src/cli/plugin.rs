//! `sluicegate plugin ...`

pub(super) mod bench;
mod build;
mod new;
pub(super) mod test;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use clap::Subcommand;

use super::serve::about;
use super::table::{say, table};
use super::{Source, block_on};
use crate::config::{Installation, Mode, OnFailure};
use crate::kit::with_lines;
use crate::plugin::{self, Anatomy, Form, Runtime, directory};

/// Make, build, look at and test plugins.
#[derive(Debug, Subcommand)]
pub(super) enum Plugin {
    /// Load all plugins of the directory and list them.
    List(Source),
    /// Load one file and say what it is, what it needs, what it costs to load, and whether it could be in service.
    #[command(alias = "inspect")]
    Check {
        /// A component, a core module as `cargo build` leaves it, or a directory with one of them.
        #[arg(default_value = ".")]
        file: PathBuf,
        /// How it is installed, with its `[config]`; by default the `NAME.toml` beside `NAME.wasm`, if there is one.
        #[arg(long, value_name = "NAME.toml")]
        installation: Option<PathBuf>,
    },
    New(new::New),
    Build(build::Build),
    Test(test::Test),
    Bench(bench::Bench),
}

impl Plugin {
    pub(super) fn run(self) -> Result<(), String> {
        match self {
            Self::List(source) => list(&source),
            Self::Check { file, installation } => check(&test::component(&file)?, installation.as_deref()),
            Self::New(new) => new.run(),
            Self::Build(build) => build.run(),
            Self::Test(test) => test.run(),
            Self::Bench(bench) => bench.run(),
        }
    }
}

/// Where the kit keeps compiled components: `$XDG_CACHE_HOME/sluicegate/compiled`, by the XDG base directory specification.
pub(super) fn compiled_directory() -> Option<PathBuf> {
    let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let cache = absolute("XDG_CACHE_HOME").or_else(|| absolute("HOME").map(|home| home.join(".cache")))?;
    let folder = cache.join("sluicegate");
    std::fs::create_dir_all(&folder).ok().map(|()| folder.join("compiled"))
}

fn list(source: &Source) -> Result<(), String> {
    let (_, settings) = source.settings()?;
    let Some(directory) = settings.plugins.directory.clone() else {
        return Err("no plugin directory is configured; name one with --plugins".to_owned());
    };
    let loaded = block_on(async move {
        let runtime = Arc::new(Runtime::for_authors()?);
        Ok(directory::load(&runtime, &settings.plugins, &[]).await)
    })?;
    let mut plugins = loaded.plugins;
    plugins.sort_by(|a, b| (a.installation.order, &a.name).cmp(&(b.installation.order, &b.name)));
    let rows: Vec<Vec<String>> = plugins.iter().map(|plugin| row(plugin)).collect();
    if rows.is_empty() {
        say(&format!("no plugins in {}", directory.display()))?;
    } else {
        let header = ["order", "name", "version", "digest", "kind", "mode", "on failure", "instances"];
        say(table(&header, &rows).trim_end())?;
    }
    let broken: Vec<String> = loaded.broken.iter().map(|broken| format!("not in service: {}", about(broken))).collect();
    if broken.is_empty() { Ok(()) } else { Err(broken.join("\n")) }
}

fn row(plugin: &plugin::Plugin) -> Vec<String> {
    let installation = &plugin.installation;
    vec![
        installation.order.to_string(),
        plugin.name.to_string(),
        plugin.description.version.clone(),
        plugin.short_digest.to_string(),
        kinds(plugin),
        mode(installation.mode).to_owned(),
        on_failure(installation.on_failure).to_owned(),
        plugin.way_of_instances().to_owned(),
    ]
}

fn kinds(plugin: &plugin::Plugin) -> String {
    plugin.anatomy.kinds().collect::<Vec<_>>().join(", ")
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

fn check(file: &Path, installation: Option<&Path>) -> Result<(), String> {
    let bytes = std::fs::read(file).map_err(|error| format!("reading {}: {error}", file.display()))?;
    let digest = plugin::digest(&bytes);
    // What cannot be read of it is what loading says.
    let anatomy = plugin::outline(&bytes).ok();
    say(&outside(file, bytes.len(), &digest, anatomy.as_ref()))?;
    let (installation, installed) = installation_of(file, installation)?;
    say(&format!("installed  {installed}"))?;
    if let Some(anatomy) = &anatomy {
        say(&needs(anatomy, &installation))?;
    }
    let source = plugin::Source {
        installation,
        component: bytes.into(),
        digest,
        breaker_failures: 0,
        breaker_probe: std::time::Duration::from_secs(1),
    };
    let (plugin, took, heard) = block_on(async move {
        let runtime = Arc::new(Runtime::for_authors()?.hearing());
        let started = Instant::now();
        let loaded = runtime.load(source).await;
        let (took, heard) = (started.elapsed(), runtime.heard());
        let plugin = loaded.map_err(|reason| with_lines(reason, &heard))?;
        Ok((plugin, took, heard))
    })
    .map_err(|reason| format!("{}: cannot be in service: {reason}", file.display()))?;
    heard.iter().try_for_each(|line| say(&format!("wrote      {line}")))?;
    say(&format!(
        "name       {} {}\nsummary    {}\nkind       {}\ninstances  {}\nloaded in  {} ms, of which compiling took {} ms",
        plugin.description.name,
        plugin.description.version,
        plugin.description.summary,
        kinds(&plugin),
        plugin.instances(),
        took.as_millis(),
        plugin.compiled_in.as_millis(),
    ))
}

/// What a file is made for, and what it wants.
fn needs(anatomy: &Anatomy, installation: &Installation) -> String {
    let contract = anatomy.contract().map_or_else(|| "none".to_owned(), |version| version.escape_debug().to_string());
    let tables = |is_granted: bool| -> Vec<String> {
        let needed = anatomy.needs().filter(|needed| installation.grants.has(*needed) == is_granted);
        needed.map(|needed| format!("[grants.{}]", needed.word())).collect()
    };
    let granted = match tables(true).join(", ") {
        none if none.is_empty() => "nothing beyond log and patterns".to_owned(),
        granted => granted,
    };
    let missing = match tables(false).join(", ") {
        none if none.is_empty() => String::new(),
        missing => format!("; it needs {missing} in its NAME.toml, too"),
    };
    format!(
        "contract   {contract}, and this gateway runs {}\ngrants     {granted}{missing}\nmemories   {} with {} KiB at the start",
        plugin::CONTRACT,
        anatomy.memories,
        anatomy.memory_bytes.div_ceil(1 << 10),
    )
}

/// Names of imports or exports that are shown.
const NAMES_MAX: usize = 64;
/// Characters of a name that are shown.
const NAME_CHARACTERS_MAX: usize = 128;

/// What a file is, seen from outside.
fn outside(file: &Path, size: usize, digest: &str, anatomy: Option<&Anatomy>) -> String {
    let form = match anatomy.map(|anatomy| anatomy.form) {
        None => "",
        Some(Form::Component) => ", component",
        Some(Form::CoreModule) => ", core module, wrapped at load",
    };
    let mut told = format!("file       {} ({size} bytes{form})\nsha256     {digest}", file.display());
    if let Some(anatomy) = anatomy {
        for (heading, names) in [("exports", &anatomy.exports), ("imports", &anatomy.imports)] {
            told.push_str(&format!("\n{heading}    {}", lines(names)));
        }
    }
    told
}

/// Names of a file that may hold anything, one a line.
fn lines(names: &BTreeSet<String>) -> String {
    if names.is_empty() {
        return "nothing".to_owned();
    }
    let shown = |name: &String| name.chars().take(NAME_CHARACTERS_MAX).flat_map(char::escape_debug).collect::<String>();
    let mut lines: Vec<String> = names.iter().take(NAMES_MAX).map(shown).collect();
    if names.len() > NAMES_MAX {
        lines.push(format!("and {} more", names.len() - NAMES_MAX));
    }
    lines.join("\n           ")
}

/// How to install a file, and how that is known: by what was named, or by the `NAME.toml` beside it.
fn installation_of(file: &Path, named: Option<&Path>) -> Result<(Installation, String), String> {
    let read = |path: &Path| -> Result<(Installation, String), String> {
        let installation = Installation::load(path).map_err(|problems| problems.to_string())?;
        let installed = format!("as {}, by {}", installation.name, path.display());
        Ok((installation, installed))
    };
    if let Some(path) = named {
        return read(path);
    }
    let name = file.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let beside = file.with_extension("toml");
    let default = Installation::default_of(&name);
    if !beside.is_file() {
        return Ok((default, format!("as {name}, with the defaults")));
    }
    let (installation, installed) = read(&beside)?;
    if is_for(&installation, file) {
        return Ok((installation, installed));
    }
    let component = &installation.component;
    let installed = format!("as {name}, with the defaults: {} is for {component:?}", beside.display());
    Ok((default, installed))
}

/// What the `NAME.toml` beside `NAME.wasm` says, if there is one and it is for that file.
fn installed_beside(file: &Path) -> Result<Option<toml::Table>, String> {
    let beside = file.with_extension("toml");
    if !beside.is_file() {
        return Ok(None);
    }
    // All that is wrong with it is told at once.
    let installation = Installation::load(&beside).map_err(|problems| problems.to_string())?;
    let wrong = |error: &dyn std::fmt::Display| format!("reading {}: {error}", beside.display());
    let text = std::fs::read_to_string(&beside).map_err(|error| wrong(&error))?;
    let tables = text.parse().map_err(|error| wrong(&error))?;
    Ok(Some(tables).filter(|_| is_for(&installation, file)))
}

fn is_for(installation: &Installation, file: &Path) -> bool {
    file.file_name().is_some_and(|file| file == installation.component.as_str())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_of_a_file_is_shown_and_what_is_not_is_left_out() {
        let anatomy = Anatomy {
            form: Form::CoreModule,
            imports: BTreeSet::new(),
            exports: ["a".to_owned(), "b\u{1b}[2J".to_owned()].into(),
            ..Anatomy::default()
        };
        assert_eq!(
            outside(Path::new("x.wasm"), 7, "0123", Some(&anatomy)),
            "file       x.wasm (7 bytes, core module, wrapped at load)\nsha256     0123\n\
             exports    a\n           b\\u{1b}[2J\nimports    nothing"
        );
        let nothing = "file       x.wasm (7 bytes)\nsha256     0123";
        assert_eq!(outside(Path::new("x.wasm"), 7, "0123", None), nothing);
    }

    #[test]
    fn names_are_bounded() {
        let names: BTreeSet<String> = (0..NAMES_MAX + 2).map(|number| format!("{number:0>200}")).collect();
        let shown = lines(&names);
        assert_eq!(shown.lines().count(), NAMES_MAX + 1);
        assert!(shown.lines().all(|line| line.trim_start().len() <= NAME_CHARACTERS_MAX), "{shown}");
        assert!(shown.ends_with("and 2 more"), "{shown}");
    }

    #[test]
    fn a_file_is_installed_by_what_was_named_or_by_the_installation_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let of = |file: &str, named: Option<&Path>| {
            let (installation, installed) = installation_of(&at(file), named)?;
            Ok::<_, String>((installation.name, installation.config, installed))
        };
        std::fs::write(at("one.toml"), "config.word = 'x'").unwrap();
        std::fs::write(at("two.toml"), "component = 'one.wasm'").unwrap();
        std::fs::write(at("wrong.toml"), "ordre = 1").unwrap();

        let (name, config, installed) = of("one.wasm", None).unwrap();
        assert_eq!((name.as_str(), config.as_str()), ("one", r#"{"word":"x"}"#));
        assert_eq!(installed, format!("as one, by {}", at("one.toml").display()));
        let (name, config, installed) = of("two.wasm", None).unwrap();
        assert_eq!((name.as_str(), config.as_str()), ("two", "{}"));
        assert!(installed.ends_with("two.toml is for \"one.wasm\""), "{installed}");
        assert_eq!(of("three.wasm", None).unwrap().2, "as three, with the defaults");
        assert_eq!(of("three.wasm", Some(at("one.toml").as_path())).unwrap().1, r#"{"word":"x"}"#);
        assert!(of("wrong.wasm", None).unwrap_err().contains("did you mean \"order\"?"));
        assert!(of("one.wasm", Some(at("none.toml").as_path())).unwrap_err().contains("cannot be read"));
    }
}
