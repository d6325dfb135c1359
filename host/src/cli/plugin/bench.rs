//! `sluicegate plugin bench`

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;

use super::super::block_on;
use super::super::table::{say_to, table};
use super::test::component;
use super::{compiled_directory, installation_of};
use crate::kit::case::{Case, Message};
use crate::kit::play::kind;
use crate::kit::{Measured, Stage};

/// Measure what a call costs, from the fork to the end of it, with texts of several sizes.
#[derive(Args, Debug)]
pub(in crate::cli) struct Bench {
    /// The component, or a directory with one.
    #[arg(default_value = ".")]
    plugin: PathBuf,
    /// How it is installed, with its `[config]`; by default the `NAME.toml` beside `NAME.wasm`, if there is one.
    #[arg(long, value_name = "NAME.toml")]
    installation: Option<PathBuf>,
    /// Which of its exports is called, where it has several.
    #[arg(long)]
    kind: Option<String>,
    /// Bytes of the texts.
    #[arg(long, value_delimiter = ',', default_values_t = BYTES)]
    bytes: Vec<usize>,
    /// The most seconds for each size.
    #[arg(long, default_value = "1", value_parser = seconds)]
    seconds: Duration,
}

/// Sizes that show what a call costs, and how that grows.
const BYTES: [usize; 5] = [0, 200, 2_000, 20_000, 60_000];
/// As it is if nothing else is said: enough for a few hundred calls.
const SECONDS: Duration = Duration::from_secs(1);
/// Calls for each size, at most.
const CALLS_MAX: usize = 2_000;
/// Calls before those that count.
const WARM_UP: usize = 10;
/// Characters of the longest bar.
const BAR: f64 = 32.0;

impl Bench {
    /// Of this component, as it is if nothing else is said.
    pub(in crate::cli) fn of(plugin: PathBuf) -> Self {
        Self { plugin, installation: None, kind: None, bytes: BYTES.to_vec(), seconds: SECONDS }
    }

    pub(super) fn run(self) -> Result<(), String> {
        block_on(self.measure(compiled_directory().as_deref(), &mut std::io::stdout()))
    }

    /// Measure, and say what was measured.
    pub(in crate::cli) async fn measure(
        &self,
        compiled: Option<&Path>,
        output: &mut (dyn Write + Send),
    ) -> Result<(), String> {
        let file = component(&self.plugin)?;
        let (installation, installed) = installation_of(&file, self.installation.as_deref())?;
        say_to(output, &format!("{}, installed {installed}", file.display()))?;
        let stage = Stage::set(&file, installation, compiled).await?;
        let kind = kind(&stage.plugin.anatomy, self.kind.as_deref())?;
        say_to(output, &format!("{kind}, {}\n", stage.plugin.instances()))?;
        let mut all = Vec::new();
        for bytes in &self.bytes {
            all.push((*bytes, measure(&stage, kind, *bytes, self.seconds).await?));
        }
        say_to(output, &shown(&all))?;
        match all.iter().any(|(_, measured)| measured.failure.is_some()) {
            true => stage.heard().iter().try_for_each(|line| say_to(output, line)),
            false => Ok(()),
        }
    }
}

/// A time that is given in seconds.
fn seconds(given: &str) -> Result<Duration, String> {
    let seconds: f64 = given.parse().map_err(|_| "not a number of seconds".to_owned())?;
    Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())
}

/// Calls with texts of one size, from the shortest to the longest.
async fn measure(stage: &Stage, kind: &str, bytes: usize, most: Duration) -> Result<Measured, String> {
    let text = prose(bytes);
    let answer = matches!(kind, "answer-guardrail").then(|| text.clone());
    let message = Message { role: None, channel: None, name: None, text: text.clone() };
    let case = match kind {
        "text-guardrail" => Case { text: Some(text), ..Case::default() },
        _ => Case { messages: Some(vec![message]), answer, ..Case::default() },
    };
    stage.measure(kind, WARM_UP, most, || case.clone()).await?;
    let mut measured = stage.measure(kind, CALLS_MAX, most, || case.clone()).await?;
    measured.times.sort_unstable();
    Ok(measured)
}

/// Plain text of so many bytes, in which nothing repeats too soon.
fn prose(bytes: usize) -> String {
    const WORDS: [&str; 12] =
        ["the", "tide", "turns", "at", "noon", "and", "boats", "leave", "harbour", "before", "it", "falls"];
    let mut text = String::with_capacity(bytes + 8);
    let mut number = 1_usize;
    while text.len() < bytes {
        number = number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        text.push_str(WORDS.get((number >> 33) % WORDS.len()).copied().unwrap_or_default());
        text.push(' ');
    }
    text.truncate(bytes);
    text
}

fn shown(all: &[(usize, Measured)]) -> String {
    let at = |measured: &Measured, part: usize| -> f64 {
        let index = (measured.times.len() * part / 100).min(measured.times.len().saturating_sub(1));
        measured.times.get(index).map_or(0.0, |time| time.as_secs_f64() * 1e6)
    };
    let longest = all.iter().map(|(_, measured)| at(measured, 50)).fold(1.0, f64::max);
    let rows: Vec<Vec<String>> = all
        .iter()
        .map(|(bytes, measured)| {
            let median = at(measured, 50);
            // Beside the longest, none is so short that nothing of it can be seen.
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            let bar = "█".repeat(((median / longest * BAR).round() as usize).max(1));
            vec![
                bytes.to_string(),
                measured.times.len().to_string(),
                format!("{median:.0}"),
                format!("{:.0}", at(measured, 99)),
                measured.last.fuel.to_string(),
                measured.last.memory_bytes.div_ceil(1 << 10).to_string(),
                measured.failure.clone().unwrap_or(bar),
            ]
        })
        .collect();
    table(&["bytes", "calls", "median µs", "p99 µs", "fuel", "KiB", "median"], &rows).trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prose_has_the_length_that_is_wanted() {
        for bytes in [0, 1, 200, 20_000] {
            assert_eq!(prose(bytes).len(), bytes);
        }
    }

    #[test]
    fn parts_of_a_second_are_enough() {
        assert_eq!(seconds("0.2"), Ok(Duration::from_millis(200)));
        for wrong in ["", "x", "-1", "NaN", "1e99"] {
            assert!(seconds(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_failure_stands_in_place_of_the_bar() {
        let times = vec![Duration::from_micros(10); 3];
        let good = Measured { times, ..Measured::default() };
        let bad = Measured { failure: Some("out-of-fuel".to_owned()), ..good.clone() };
        let shown = shown(&[(0, good), (200, bad)]);
        assert!(shown.contains('█') && shown.contains("out-of-fuel"), "{shown}");
    }
}
