//! `sluicegate plugin test`

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::super::block_on;
use super::super::table::say;
use super::compiled_directory;
use crate::kit::case::{Case, File};
use crate::kit::compare::differences;
use crate::kit::play::{Played, Took};
use crate::kit::{Stage, Stages, files_with};

/// Growth of fuel that is no regression, in percent.
const GROWTH_PERCENT: u64 = 5;

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
        match self.failed().len() {
            0 => Ok(format!("{} cases: all as expected", self.cases().count())),
            failed => Err(format!("{failed} of {} cases are not as expected", self.cases().count())),
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
    let files = files.iter().map(|path| Ok((path, File::load(path)?)));
    let files: Vec<(&PathBuf, File)> = files.collect::<Result<_, String>>()?;
    let mut stages = Stages::default();
    let mut number = 0;
    let mut all = Vec::new();
    for (path, file) in &files {
        let mut ended = Vec::new();
        for case in &file.case {
            let wrong = |error: String| format!("{}: case {:?}: {error}", path.display(), case.name);
            let stage = stages.of(component, &installation(file, case), compiled).await.map_err(wrong)?;
            let kind = stage.kind(file.kind.as_deref()).map_err(wrong)?;
            number += 1;
            let played = stage.play(kind, number, case).await.map_err(wrong)?;
            let mut case_ended = compared(case, &played).map_err(wrong)?;
            if all_splits && kind == "text-guardrail" {
                case_ended.wrong.extend(splits(stage, case, &mut number).await.map_err(wrong)?);
            }
            ended.push(case_ended);
        }
        all.push((path.display().to_string(), ended));
    }
    Ok(Results(all))
}

fn compared(case: &Case, Played { said, words, took }: &Played) -> Result<Ended, String> {
    let mut wrong = differences(case.expected()?, said, words)?;
    if let Some(failure) = said.get("failure").filter(|_| !case.expect.contains_key("failure")) {
        wrong.insert(0, format!("the plugin failed: {failure}"));
    }
    if let Some(most) = case.fuel_max.filter(|most| took.fuel > *most) {
        wrong.push(format!("- fuel_max = {most}\n+ fuel = {}", took.fuel));
    }
    Ok(Ended { name: case.name.clone(), took: *took, wrong })
}

/// The text of a `NAME.toml` for a case.
fn installation(file: &File, case: &Case) -> String {
    let mut all = toml::Table::new();
    let parts = [
        ("config", case.config.as_ref().or(file.config.as_ref())),
        ("grants", file.grants.as_ref()),
        ("limits", file.limits.as_ref()),
    ];
    for (name, part) in parts {
        if let Some(part) = part {
            all.insert(name.to_owned(), part.clone().into());
        }
    }
    all.to_string()
}

/// What a stream of a case's text says that is not what the whole text says, wherever it is cut.
async fn splits(stage: &Stage, case: &Case, number: &mut usize) -> Result<Vec<String>, String> {
    let Some(text) = case.text.clone().or_else(|| case.pieces.as_ref().map(|pieces| pieces.concat())) else {
        return Ok(Vec::new());
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
    let mut wrong = Vec::new();
    for pieces in cuts {
        let said = in_pieces(pieces.clone()).await?;
        if said != whole {
            let shown = |said: &[Option<toml::Value>; 4]| {
                let words: Vec<String> = said.iter().flatten().map(ToString::to_string).collect();
                words.join(" ")
            };
            wrong.push(format!("cut as {pieces:?}\n- {}\n+ {}", shown(&whole), shown(&said)));
        }
    }
    Ok(wrong)
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

fn line(Ended { name, took, wrong }: &Ended) -> String {
    let Took { fuel, time, memory_bytes } = took;
    let state = if wrong.is_empty() { "ok    " } else { "FAILED" };
    let kib = memory_bytes.div_ceil(1 << 10);
    let mut line = format!("  {state} {name}  ({fuel} fuel, {} µs, {kib} KiB)", time.as_micros());
    for wrong in wrong {
        line.push_str(&format!("\n         {}", wrong.replace('\n', "\n         ")));
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
            suite.add_test_case(of_case);
        }
        report.add_test_suite(suite);
    }
    report
}
