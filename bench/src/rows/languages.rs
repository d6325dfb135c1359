//! What a plugin costs by the language that it is written in: the guardrail that `sluicegate plugin new` writes, built with the
//! language's own tools. And a restart with ten of them.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::ValueEnum as _;
use sluicegate::config::{self, Installation, Settings};
use sluicegate::kit::Stage;
use sluicegate::kit::build::build;
use sluicegate::kit::case::Case;
use sluicegate::kit::project::{self, Kind, Language};
use sluicegate::plugin::directory;
use sluicegate::plugin::{CompiledCache, Runtime};

use crate::Result;
use crate::figures::Series;
use crate::lab::{Lab, SANDBOX, write};
use crate::prose::{fresh, prose};
use crate::table::{Line, us};

/// Bytes of the texts.
const TEXTS: [usize; 2] = [200, 20_000];
/// Calls with each text, of a quick language and of a slow one.
const CALLS: usize = 300;
/// The most time for them.
const TIME: Duration = Duration::from_secs(5);
/// Plugins of the restart.
const INSTALLED: usize = 10;
/// What a restart with them may take, in milliseconds.
const RESTART_MS_MAX: f64 = 1_000.0;
/// Restarts.
const RESTARTS: usize = 5;

/// A plugin of a language.
struct Made {
    language: String,
    component: PathBuf,
}

pub(super) async fn measure(lab: &Lab) -> Result<Vec<Line>> {
    let folder = lab.folder("languages")?;
    let mut lines = Vec::new();
    let mut all = Vec::new();
    for language in Language::value_variants() {
        let name = language.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default();
        match make(&folder, &name, *language) {
            Ok(component) => {
                let made = Made { language: name, component };
                lines.extend(calls(&made).await?);
                all.push(made);
            }
            Err(why) => lines.push(Line::unmeasured(name, why)),
        }
    }
    lines.push(restart(&folder, &all).await?);
    Ok(lines)
}

fn make(folder: &Path, name: &str, language: Language) -> Result<PathBuf> {
    let project = folder.join(name);
    project::write(&project, &format!("in-{name}"), language, Kind::TextGuardrail)?;
    // Where `cargo xtask` had to make a compiler that compiles Rust for plugins. In the folder above: the project has settings
    // of its own, which cargo takes too.
    if let Some(rustc) = std::env::var_os("SLUICEGATE_GUEST_RUSTC") {
        let cargo = folder.join(".cargo");
        fs::create_dir_all(&cargo).map_err(|error| format!("making {}: {error}", cargo.display()))?;
        write(&cargo.join("config.toml"), format!("[build]\nrustc = {:?}\n", rustc.display().to_string()).as_bytes())?;
    }
    build(&project)
}

/// Compile it, and call it with texts in which it finds nothing.
async fn calls(Made { language, component }: &Made) -> Result<Vec<Line>> {
    let stage = Stage::set(component, Installation::default_of(language), None).await?;
    let bytes = fs::metadata(component).map_or(0, |about| about.len());
    let mut lines = vec![Line::new(
        format!("{language}: {} KB, {}", bytes / 1_000, stage.plugin.way_of_instances()),
        format!("{:.2} s to compile", stage.plugin.compiled_in.as_secs_f64()),
    )];
    for bytes in TEXTS {
        let case = || Case { text: Some(prose(fresh(), bytes)), ..Case::default() };
        let measured = stage.measure("text-guardrail", CALLS, TIME, case).await?;
        if let Some(failure) = measured.failure {
            return Err(format!("{language} with {bytes} bytes: {failure}"));
        }
        let took = Series(measured.times.iter().map(|time| time.as_secs_f64() * 1e6).collect());
        let fuel = measured.last.fuel;
        lines.push(Line::note(format!("fork, call, drop, {bytes} bytes, {fuel} fuel"), us(took.median())));
    }
    Ok(lines)
}

/// From nothing to plugins that could be called, compiled at an earlier start.
async fn restart(folder: &Path, all: &[Made]) -> Result<Line> {
    let installed = folder.join("installed");
    fs::create_dir_all(&installed).map_err(|error| format!("making {}: {error}", installed.display()))?;
    for (number, Made { component, .. }) in (0..INSTALLED).zip(all.iter().cycle()) {
        let bytes = fs::read(component).map_err(|error| format!("reading {}: {error}", component.display()))?;
        write(&installed.join(format!("plugin-{number}.wasm")), &bytes)?;
    }
    let text = format!("{SANDBOX}[plugins]\ndirectory = '{}'\n", installed.display());
    let settings = config::parse("bench", &text, folder).map_err(|problems| problems.to_string())?;
    let compiled = folder.join("compiled");
    start(&settings, &compiled).await?;
    let mut took = Series::default();
    for _ in 0..RESTARTS {
        took.0.push(start(&settings, &compiled).await?.as_secs_f64() * 1e3);
    }
    let ratio = Series(took.0.iter().map(|ms| ms / RESTART_MS_MAX).collect());
    let what = format!("restart with {INSTALLED} plugins in {} languages, of 1 s", all.len());
    Ok(Line::new(what, us(took.median() * 1e3)).at_most(&ratio, 1.0))
}

async fn start(settings: &Settings, compiled: &Path) -> Result<Duration> {
    let began = Instant::now();
    let runtime = Arc::new(Runtime::new(0)?.keeping_compiled(CompiledCache::open(compiled)?));
    let loaded = directory::load(&runtime, &settings.plugins, &[]).await;
    if let Some(broken) = loaded.broken.first() {
        return Err(format!("{}: {}", broken.name, broken.reason));
    }
    Ok(began.elapsed())
}
