//! `sluicegate plugin test`

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::super::block_on;
use super::super::table::say;
use super::{compiled_directory, installed_beside};
use crate::kit::build::is_project;
use crate::kit::case::{Case, File};
use crate::kit::compare::differences;
use crate::kit::play::{Played, Took, check, kind};
use crate::kit::sources::newer_than;
use crate::kit::{Stage, Stages, files_with};
use crate::plugin::outline;

/// Growth of fuel that is no regression, in percent.
const GROWTH_PERCENT: u64 = 5;
/// Cuts that are shown of a text which is not the same wherever it is cut.
const CUTS_SHOWN: usize = 3;
/// Time for a call, unless a file of cases says otherwise: a busy machine makes nothing wrong.
const WALL_MS: i64 = 60_000;

/// Play the cases of a plugin, which are data, and compare what it says with what they expect.
#[derive(Args, Debug)]
pub(in crate::cli) struct Test {
    /// The component, or a directory with one.
    #[arg(default_value = ".")]
    plugin: PathBuf,
    /// Files of cases: all `tests/*.toml` beside the component.
    #[arg(long, value_name = "FILE")]
    cases: Vec<PathBuf>,
    /// Cut each text of a text guardrail at every character, and expect the same as of the whole.
    #[arg(long)]
    all_splits: bool,
    /// The fuel of each case at an earlier time: more than 5 % above it is a failure. Without such a file, it is written.
    #[arg(long, value_name = "FILE")]
    fuel_baseline: Option<PathBuf>,
    /// Where compiled components are kept: `sluicegate/compiled` in the user's directory for caches.
    #[arg(long, value_name = "DIRECTORY")]
    compiled: Option<PathBuf>,
    /// Write the results as JUnit XML, too.
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
}

/// A case that was played.
struct Ended {
    name: String,
    took: Took,
    /// What was wrong; nothing if all was as expected.
    wrong: Vec<String>,
    /// In how many ways its text was cut.
    cuts: usize,
    /// What the plugin wrote into its log.
    heard: Vec<String>,
}

/// What came of the cases of a component, file by file.
pub(in crate::cli) struct Results(Vec<(String, Vec<Ended>)>);

impl Test {
    pub(super) fn run(self) -> Result<(), String> {
        let component = component(&self.plugin)?;
        let files = match self.cases.is_empty() {
            true => beside(&component),
            false => self.cases.clone(),
        };
        if files.is_empty() {
            let folder = tests_of(&component);
            return Err(format!("there are no cases in {}: write some, or name them with --cases", folder.display()));
        }
        let project = component.parent().filter(|parent| *parent != "").unwrap_or(Path::new("."));
        if let Some(source) = is_project(project).ok().and_then(|()| newer_than(project, &component)) {
            let (source, component) = (source.display(), component.display());
            say(&format!("{source} is newer than {component}: `sluicegate plugin build` makes it anew"))?;
        }
        let compiled = self.compiled.clone().or_else(compiled_directory);
        let mut results = block_on(play(&component, &files, compiled.as_deref(), self.all_splits))?;
        if let Some(baseline) = &self.fuel_baseline {
            compare_fuel(baseline, &mut results.0)?;
        }
        results.lines().iter().try_for_each(|line| say(line))?;
        if let Some(junit) = &self.junit {
            let report = report(&results.0).to_string().map_err(|error| format!("writing JUnit: {error}"))?;
            std::fs::write(junit, report).map_err(|error| format!("writing {}: {error}", junit.display()))?;
        }
        say(&results.sum()?)
    }
}

impl Results {
    /// The files, with a line for each case below.
    pub(in crate::cli) fn lines(&self) -> Vec<String> {
        let of_file =
            |(file, cases): &(String, Vec<Ended>)| [file.clone()].into_iter().chain(cases.iter().map(line)).collect();
        self.0.iter().flat_map::<Vec<String>, _>(of_file).collect()
    }

    /// A line for each case that is not as expected.
    pub(in crate::cli) fn failed(&self) -> Vec<String> {
        self.cases().filter(|case| !case.wrong.is_empty()).map(line).collect()
    }

    /// How many there are, and as an error how many are not as expected.
    pub(in crate::cli) fn sum(&self) -> Result<String, String> {
        let (count, cuts) = (self.cases().count(), self.cases().map(|case| case.cuts).sum::<usize>());
        let cases = if count == 1 { "1 case".to_owned() } else { format!("{count} cases") };
        let cut = if cuts == 0 { String::new() } else { format!(", with {cuts} cuts of their texts") };
        match self.failed().len() {
            0 => Ok(format!("{cases}: all as expected{cut}")),
            failed => Err(format!("{failed} of {cases} not as expected{cut}")),
        }
    }

    fn cases(&self) -> impl Iterator<Item = &Ended> {
        self.0.iter().flat_map(|(_, cases)| cases)
    }
}

/// Play the cases of these files, and with `all_splits` each text of a text guardrail in pieces, too.
pub(in crate::cli) async fn play(
    component: &Path,
    files: &[PathBuf],
    compiled: Option<&Path>,
    all_splits: bool,
) -> Result<Results, String> {
    let installed = Installed::beside(component)?;
    let files = understood(component, files)?;
    let mut stages = Stages::default();
    let mut number = 0;
    let mut all = Vec::new();
    for (path, kind, file) in &files {
        let mut ended = Vec::new();
        for case in &file.case {
            let wrong = |error: String| format!("{}: case {:?}: {error}", path.display(), case.name);
            let installation = installed.with(file, case);
            let stage = stages.of(component, &installation, &case.mocks, compiled).await.map_err(wrong)?;
            number += 1;
            let played = stage.play(kind, number, case).await.map_err(wrong)?;
            let mut case_ended = compared(case, &played);
            if all_splits && *kind == "text-guardrail" {
                let (cuts, differing) = splits(stage, case, &mut number).await.map_err(wrong)?;
                case_ended.cuts = cuts;
                case_ended.wrong.extend(differing);
            }
            case_ended.heard = stage.heard();
            ended.push(case_ended);
        }
        all.push((path.display().to_string(), ended));
    }
    Ok(Results(all))
}

/// Files of cases, each with the kind of plugin that it is for. All are read before anything is compiled.
fn understood<'a>(component: &Path, files: &'a [PathBuf]) -> Result<Vec<(&'a PathBuf, &'static str, File)>, String> {
    let bytes = std::fs::read(component).map_err(|error| format!("reading {}: {error}", component.display()))?;
    let anatomy = outline(&bytes).map_err(|error| format!("{}: {error}", component.display()))?;
    let mut all = Vec::new();
    let mut wrong = Vec::new();
    for path in files {
        let file = File::load(path)?;
        let kind = kind(&anatomy, file.kind.as_deref()).map_err(|error| format!("{}: {error}", path.display()))?;
        for case in &file.case {
            if let Err(error) = check(kind, case) {
                wrong.push(format!("{}: case {:?}: {error}", path.display(), case.name));
            }
        }
        all.push((path, kind, file));
    }
    if wrong.is_empty() { Ok(all) } else { Err(wrong.join("\n")) }
}

fn compared(case: &Case, Played { said, took }: &Played) -> Ended {
    let mut wrong = differences(&case.expect, said);
    if let Some(failure) = said.get("failure").filter(|_| !case.expect.contains_key("failure")) {
        wrong.insert(0, format!("the plugin failed: {failure}"));
    }
    if let Some(most) = case.fuel_max.filter(|most| took.fuel > *most) {
        wrong.push(format!("- fuel_max = {most}\n+ fuel = {}", took.fuel));
    }
    Ended { name: case.name.clone(), took: *took, wrong, cuts: 0, heard: Vec::new() }
}

/// What the `NAME.toml` beside a component says that holds in its cases, too.
struct Installed {
    grants: Option<toml::Table>,
    limits: toml::Table,
}

impl Installed {
    fn beside(component: &Path) -> Result<Self, String> {
        let mut tables = installed_beside(component)?.unwrap_or_default();
        let mut table = |name: &str| match tables.remove(name) {
            Some(toml::Value::Table(table)) => Some(table),
            _ => None,
        };
        let (grants, mut limits) = (table("grants"), table("limits").unwrap_or_default());
        // A case that is slow is not wrong, unless its file says so; fuel bounds what never ends.
        limits.insert("wall_ms".to_owned(), WALL_MS.into());
        Ok(Self { grants, limits })
    }

    /// The text of a `NAME.toml` for a case.
    fn with(&self, file: &File, case: &Case) -> String {
        let mut limits = self.limits.clone();
        limits.extend(file.limits.clone().unwrap_or_default());
        let mut all = toml::Table::from_iter([("limits".to_owned(), limits.into())]);
        let parts = [
            ("config", case.config.as_ref().or(file.config.as_ref())),
            ("grants", file.grants.as_ref().or(self.grants.as_ref())),
        ];
        for (name, part) in parts {
            if let Some(part) = part {
                all.insert(name.to_owned(), part.clone().into());
            }
        }
        all.to_string()
    }
}

/// In how many ways a case's text was cut, and what such a stream says that is not what the whole text says.
async fn splits(stage: &Stage, case: &Case, number: &mut usize) -> Result<(usize, Vec<String>), String> {
    let Some(text) = case.text.clone().or_else(|| case.pieces.as_ref().map(|pieces| pieces.concat())) else {
        return Ok((0, Vec::new()));
    };
    let mut in_pieces = async |pieces: Vec<String>| {
        *number += 1;
        let case = Case { pieces: Some(pieces), ..case.clone() };
        let said = stage.play("text-guardrail", *number, &case).await?.said;
        Ok::<_, String>(["verdict", "text", "code", "failure"].map(|word| said.get(word).cloned()))
    };
    let whole = in_pieces(vec![text.clone()]).await?;
    let mut cuts: Vec<Vec<String>> = text
        .char_indices()
        .skip(1)
        .map(|(at, _)| {
            let (one, other) = text.split_at(at);
            vec![one.to_owned(), other.to_owned()]
        })
        .collect();
    cuts.push(text.chars().map(String::from).collect());
    let count = cuts.len();
    let (mut wrong, mut differing) = (Vec::new(), 0);
    for pieces in cuts {
        let said = in_pieces(pieces.clone()).await?;
        if said == whole {
            continue;
        }
        differing += 1;
        if differing <= CUTS_SHOWN {
            let shown = |said: &[Option<toml::Value>; 4]| {
                let words: Vec<String> = said.iter().flatten().map(ToString::to_string).collect();
                words.join(" ")
            };
            wrong.push(format!("cut as {pieces:?}\n- {}\n+ {}", shown(&whole), shown(&said)));
        }
    }
    if differing > CUTS_SHOWN {
        wrong.push(format!("and {} more of {count} cuts", differing - CUTS_SHOWN));
    }
    Ok((count, wrong))
}

/// The component that is meant.
pub(super) fn component(given: &Path) -> Result<PathBuf, String> {
    if !given.is_dir() {
        return Ok(given.to_owned());
    }
    match files_with(given, "wasm")?.as_slice() {
        [only] => Ok(only.clone()),
        [] => Err(format!("there is no .wasm in {}: build it first, with `sluicegate plugin build`", given.display())),
        _ => Err(format!("there are several .wasm in {}: say which", given.display())),
    }
}

/// All `tests/*.toml` beside a component.
pub(in crate::cli) fn beside(component: &Path) -> Vec<PathBuf> {
    files_with(&tests_of(component), "toml").unwrap_or_default()
}

/// Where the cases of a component are.
fn tests_of(component: &Path) -> PathBuf {
    component.parent().unwrap_or(Path::new("")).join("tests")
}

fn line(Ended { name, took, wrong, heard, cuts: _ }: &Ended) -> String {
    let Took { fuel, time, memory_bytes } = took;
    let state = if wrong.is_empty() { "ok    " } else { "FAILED" };
    let kib = memory_bytes.div_ceil(1 << 10);
    let mut line = format!("  {state} {name}  ({fuel} fuel, {} µs, {kib} KiB)", time.as_micros());
    for wrong in wrong {
        line.push_str(&format!("\n         {}", wrong.replace('\n', "\n         ")));
    }
    // What it says when all is well is nobody's concern.
    for heard in heard.iter().filter(|_| !wrong.is_empty()) {
        line.push_str(&format!("\n         it wrote {heard}"));
    }
    line
}

/// Fail the cases that take more fuel than they took; or write down what they take.
fn compare_fuel(baseline: &Path, all: &mut [(String, Vec<Ended>)]) -> Result<(), String> {
    let wrong = |error: &dyn std::fmt::Display| format!("{}: {error}", baseline.display());
    if !baseline.exists() {
        let fuel = all.iter().flat_map(|(_, cases)| cases).map(|case| (case.name.clone(), case.took.fuel));
        let fuel: BTreeMap<String, u64> = fuel.collect();
        let text = toml::to_string(&fuel).map_err(|error| wrong(&error))?;
        std::fs::write(baseline, text).map_err(|error| wrong(&error))?;
        return say(&format!("{} is written: from now on, more than it says is a failure", baseline.display()));
    }
    let text = std::fs::read_to_string(baseline).map_err(|error| wrong(&error))?;
    let before: BTreeMap<String, u64> = toml::from_str(&text).map_err(|error| wrong(&error))?;
    for case in all.iter_mut().flat_map(|(_, cases)| cases) {
        let Some(before) = before.get(&case.name) else {
            case.wrong
                .push(format!("{} has no fuel of it: delete the file, and it is written anew", baseline.display()));
            continue;
        };
        if case.took.fuel > before.saturating_add(before.saturating_mul(GROWTH_PERCENT) / 100) {
            case.wrong
                .push(format!("- fuel = {before}\n+ fuel = {}, more than {GROWTH_PERCENT} % above", case.took.fuel));
        }
    }
    Ok(())
}

fn report(all: &[(String, Vec<Ended>)]) -> Report {
    let mut report = Report::new("sluicegate plugin test");
    for (file, cases) in all {
        let mut suite = TestSuite::new(file.as_str());
        for case in cases {
            let status = match case.wrong.is_empty() {
                true => TestCaseStatus::success(),
                false => {
                    let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
                    status.set_message("not as expected").set_description(case.wrong.join("\n"));
                    status
                }
            };
            let mut of_case = TestCase::new(case.name.as_str(), status);
            of_case.set_time(Duration::from_micros(u64::try_from(case.took.time.as_micros()).unwrap_or(u64::MAX)));
            of_case.set_system_out(case.heard.join("\n"));
            suite.add_test_case(of_case);
        }
        report.add_test_suite(suite);
    }
    report
}
