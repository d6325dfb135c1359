//! `NAME.toml` beside a component: how one plugin is ordered, bounded, configured.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use toml::Spanned;
use toml::de::DeTable;

use super::file::{not_toml, table};
use super::grants::{self, Grants, ModelGrant};
use super::resolve::number;
use super::{Problems, Settings};
use crate::plugin::{Limits, ceiling};

/// How a plugin is installed.
#[derive(Clone, Debug, PartialEq)]
pub struct Installation {
    /// The name of the file without `.toml`.
    pub name: String,
    /// The file of the component, beside this one.
    pub component: String,
    /// Plugins run from the lowest to the highest order, those of the same order by name.
    pub order: i64,
    /// Whether its verdicts count.
    pub mode: Mode,
    /// What happens when it fails.
    pub on_failure: OnFailure,
    /// Whether it sees requests.
    pub on_request: bool,
    /// Whether it sees answers.
    pub on_answer: bool,
    /// What an answer guardrail does with streams.
    pub stream: StreamMode,
    /// The bounds of its calls.
    pub limits: Limits,
    /// What it may call beside `log` and `patterns`.
    pub grants: Arc<Grants>,
    /// What the host does for it, where it decides what may be answered from memory.
    pub cache: CacheUse,
    /// Its own configuration, as JSON.
    pub config: String,
}

/// How a cache policy's answers are kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CacheUse {
    /// All tenants share them, but for those in whose texts a guardrail found something.
    pub shared: bool,
    /// How long a stale answer is given while a fresh one is asked for.
    pub stale: Duration,
    /// What questions are compared with by their meaning; where there is none, they are not.
    pub embedder: Option<String>,
}

/// Whether a plugin's verdicts count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// They do.
    Enforce,
    /// They are noted, and change nothing.
    Observe,
    /// It is loaded and not called.
    Off,
}

/// What happens when a plugin or a store fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnFailure {
    /// The exchange is refused.
    Closed,
    /// The exchange goes on, and its record says so.
    Open,
}

/// What an answer guardrail does with streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamMode {
    /// The stream is withheld until it is complete.
    Withhold,
    /// The stream flows; the verdict is noted.
    Observe,
}

/// The order of a plugin that says nothing about it.
const ORDER: i64 = 100;

impl Installation {
    /// What is not wrong and yet good to know under these settings: targets that it may ask and that are not there, and time
    /// for their answers that it does not have.
    #[must_use]
    pub fn notes(&self, settings: &Settings) -> Vec<String> {
        let Some(ModelGrant { targets, wait, .. }) = &self.grants.model else { return Vec::new() };
        let absent = targets.iter().filter(|target| !settings.targets.contains_key(*target));
        let absent = absent.map(|target| format!("grants.model.targets: there is no target {target:?}"));
        let bounds = [("limits.wall_ms", self.limits.wall), ("plugins.chain_ms", settings.plugins.chain)];
        let shorter = bounds.into_iter().filter(|(_, bound)| bound < wait).map(|(field, bound)| {
            let (bound, wait) = (bound.as_millis(), wait.as_millis());
            format!("{field} is {bound}, and ends a call before grants.model.wait_ms, {wait}, is over")
        });
        absent.chain(shorter).collect()
    }

    /// How a component without a `NAME.toml` is installed.
    #[must_use]
    pub fn default_of(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            component: format!("{name}.wasm"),
            order: ORDER,
            mode: Mode::Enforce,
            on_failure: OnFailure::Closed,
            on_request: true,
            on_answer: true,
            stream: StreamMode::Withhold,
            limits: Limits::default(),
            grants: Arc::default(),
            cache: CacheUse::default(),
            config: "{}".to_owned(),
        }
    }

    /// Read the file `NAME.toml`.
    ///
    /// # Errors
    /// All that is wrong with it.
    pub fn load(path: &Path) -> Result<Self, Problems> {
        let text = std::fs::read_to_string(path).map_err(|error| Problems::unreadable(path, &error))?;
        let name = path.file_stem().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        Self::parse(&name, &path.display().to_string(), &text, path.parent().unwrap_or(Path::new("")))
    }

    /// Read the text of a `NAME.toml`. `file` stands in the problems, relative paths are below `base`.
    ///
    /// # Errors
    /// All that is wrong with it.
    pub fn parse(name: &str, file: &str, text: &str, base: &Path) -> Result<Self, Problems> {
        let mut problems = Problems::new(file, text);
        let written = read(text, &mut problems);
        let resolved = resolve(name, written, base, &mut problems);
        problems.into_result(resolved)
    }
}

/// What a person may write.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    /// The file of the component: `"NAME.wasm"`.
    component: Option<Spanned<String>>,
    /// Lower runs earlier: `100`.
    order: Option<i64>,
    /// `"enforce"`, `"observe"` or `"off"`: `"enforce"`.
    mode: Option<Spanned<String>>,
    /// `"closed"` or `"open"`: `"closed"`.
    on_failure: Option<Spanned<String>>,
    /// `"request"`, `"answer"` or both: both.
    phases: Option<Spanned<Vec<String>>>,
    /// What an answer guardrail does with streams, `"withhold"` or `"observe"`: `"withhold"`.
    stream: Option<Spanned<String>>,
    /// Bounds of a call.
    limits: Option<LimitsFile>,
    /// Capabilities beside `log` and `patterns`, which every plugin has.
    grants: Option<grants::File>,
    /// How the answers of a cache policy are kept.
    cache: Option<CacheFile>,
    /// The plugin's own configuration.
    config: Option<toml::Table>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct CacheFile {
    /// Whether all tenants share its answers: `false`. Those in whose texts a guardrail found something are never shared.
    shared: Option<bool>,
    /// Milliseconds for which a stale answer is given while a fresh one is asked for: `0`.
    stale_ms: Option<Spanned<u64>>,
    /// The embedder by which questions are compared; without one, only equal questions are answered.
    embedder: Option<Spanned<String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct LimitsFile {
    /// Fuel for each started 64 KiB of text: `200000000`.
    fuel: Option<Spanned<u64>>,
    /// Bytes of all memories and tables: `33554432`.
    memory_bytes: Option<Spanned<u64>>,
    /// Milliseconds for each started 64 KiB of text: `50`.
    wall_ms: Option<Spanned<u64>>,
    /// Bytes of one result: `4194304`.
    result_bytes: Option<Spanned<u64>>,
}

fn read(text: &str, problems: &mut Problems) -> File {
    let (document, errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        for error in errors {
            problems.add(error.span().or(Some(0..0)), "", format!("is not TOML: {}", not_toml(error.message())));
        }
        return File::default();
    }
    let span = document.span();
    let whole = toml::de::DeValue::Table(document.into_inner());
    table("", Spanned::new(span, whole), problems).unwrap_or_default()
}

fn resolve(name: &str, file: File, base: &Path, problems: &mut Problems) -> Installation {
    let default = Installation::default_of(name);
    let mode = [("enforce", Mode::Enforce), ("observe", Mode::Observe), ("off", Mode::Off)];
    let on_failure = [("closed", OnFailure::Closed), ("open", OnFailure::Open)];
    let stream = [("withhold", StreamMode::Withhold), ("observe", StreamMode::Observe)];
    let (on_request, on_answer) = phases(file.phases.as_ref(), problems);
    Installation {
        name: name.to_owned(),
        component: component(file.component.as_ref(), &default, problems),
        order: file.order.unwrap_or(default.order),
        mode: word("mode", file.mode.as_ref(), &mode, problems).unwrap_or(default.mode),
        on_failure: word("on_failure", file.on_failure.as_ref(), &on_failure, problems).unwrap_or(default.on_failure),
        on_request,
        on_answer,
        stream: word("stream", file.stream.as_ref(), &stream, problems).unwrap_or(default.stream),
        limits: limits(&file.limits.unwrap_or_default(), problems),
        grants: Arc::new(grants::grants(&file.grants.unwrap_or_default(), base, problems)),
        cache: cache(file.cache.unwrap_or_default(), problems),
        config: file.config.map_or_else(|| default.config, |config| json(&config)),
    }
}

fn cache(file: CacheFile, problems: &mut Problems) -> CacheUse {
    let stale = number(file.stale_ms.as_ref(), 0, 0..=30 * 86_400_000, "cache.stale_ms", problems);
    let embedder = file.embedder.as_ref().filter(|name| match name.get_ref().is_empty() {
        true => {
            problems.add(
                Some(name.span()),
                "cache.embedder",
                "is empty; name one of [embedders.NAME], or leave it out",
            );
            false
        }
        false => true,
    });
    CacheUse {
        shared: file.shared.unwrap_or_default(),
        stale: Duration::from_millis(stale),
        embedder: embedder.map(|name| name.get_ref().clone()),
    }
}

fn json(config: &toml::Table) -> String {
    // A table of TOML has string keys and finite depth, so this does not fail.
    serde_json::to_string(config).unwrap_or_else(|_| "{}".to_owned())
}

fn component(given: Option<&Spanned<String>>, default: &Installation, problems: &mut Problems) -> String {
    let Some(given) = given else { return default.component.clone() };
    let file = given.get_ref();
    let plain = !file.is_empty() && !file.contains(['/', '\\']) && !file.starts_with('.');
    if !plain {
        problems.add(
            Some(given.span()),
            "component",
            format!("{file:?} must be the name of a file in the same directory, as \"{}\"", default.component),
        );
    }
    file.clone()
}

fn word<T: Copy>(
    field: &str,
    given: Option<&Spanned<String>>,
    words: &[(&str, T)],
    problems: &mut Problems,
) -> Option<T> {
    let given = given?;
    let found = words.iter().find(|(word, _)| word == given.get_ref());
    if found.is_none() {
        let known: Vec<String> = words.iter().map(|(word, _)| format!("{word:?}")).collect();
        let message = format!("{:?} is not one of {}", given.get_ref(), known.join(", "));
        problems.add(Some(given.span()), field, message);
    }
    found.map(|(_, value)| *value)
}

fn phases(given: Option<&Spanned<Vec<String>>>, problems: &mut Problems) -> (bool, bool) {
    let Some(given) = given else { return (true, true) };
    let (mut on_request, mut on_answer) = (false, false);
    for phase in given.get_ref() {
        match phase.as_str() {
            "request" => on_request = true,
            "answer" => on_answer = true,
            other => {
                let message = format!("{other:?} is not one of \"request\", \"answer\"");
                problems.add(Some(given.span()), "phases", message);
            }
        }
    }
    if given.get_ref().is_empty() {
        problems.add(Some(given.span()), "phases", "is empty, so the plugin would never run; use mode = \"off\"");
    }
    (on_request, on_answer)
}

fn limits(file: &LimitsFile, problems: &mut Problems) -> Limits {
    let default = Limits::default();
    let mut number = |given: Option<&Spanned<u64>>, least: u64, most: u64, field: &str| {
        let given = given?;
        if (least..=most).contains(given.get_ref()) {
            return Some(*given.get_ref());
        }
        problems.add(Some(given.span()), format!("limits.{field}"), format!("must be from {least} to {most}"));
        None
    };
    let memory_max = ceiling::MEMORY_BYTES as u64;
    let size = |given: Option<u64>, default: usize| given.map_or(default, |n| usize::try_from(n).unwrap_or(usize::MAX));
    Limits {
        fuel: number(file.fuel.as_ref(), 10_000, FUEL_MAX, "fuel").unwrap_or(default.fuel),
        memory_bytes: size(
            number(file.memory_bytes.as_ref(), 64 << 10, memory_max, "memory_bytes"),
            default.memory_bytes,
        ),
        wall: number(file.wall_ms.as_ref(), 1, WALL_MS_MAX, "wall_ms").map_or(default.wall, Duration::from_millis),
        result_bytes: size(number(file.result_bytes.as_ref(), 1 << 10, 64 << 20, "result_bytes"), default.result_bytes),
        handles: default.handles,
    }
}

/// About five minutes of computing; nobody waits longer for a guardrail.
const FUEL_MAX: u64 = 1_000_000_000_000;
/// Five minutes.
const WALL_MS_MAX: u64 = 300_000;
