//! All that CI does, so that it is one command for a person too.

mod deny;
mod wasmtime_features;

use std::time::{Duration, Instant};

use crate::{Result, plugins, process, tasks};

/// One step: what it is called on the command line, what it does in a few words, how.
struct Step {
    name: &'static str,
    about: &'static str,
    /// Says what a reader of the summary should know, or nothing.
    run: fn() -> (String, Result<()>),
}

/// In the order in which they run: what fails fast comes first, and the tests close, so that the end of the output is
/// their result.
const STEPS: [Step; 7] = [
    Step { name: "fmt", about: "the code is formatted", run: fmt },
    Step { name: "plugins", about: "the plugins compile", run: || plain(plugins::build(&[])) },
    Step { name: "clippy", about: "the linter has no warning", run: clippy },
    Step {
        name: "features",
        about: "wasmtime has no feature that is not needed",
        run: || plain(wasmtime_features::check()),
    },
    Step { name: "doc", about: "the documentation has no warning", run: doc },
    Step { name: "deny", about: "the dependencies are allowed", run: deny::check },
    Step { name: "test", about: "the tests pass", run: test },
];

/// How a step went.
struct Outcome {
    name: &'static str,
    took: Duration,
    failed: bool,
    note: String,
}

/// The names of all steps, in order.
pub(crate) fn step_names() -> Vec<&'static str> {
    STEPS.iter().map(|step| step.name).collect()
}

/// Runs the steps, all or those named, up to the first that fails, and ends with a summary.
pub(crate) fn run(names: &[String]) -> Result<()> {
    let all = step_names();
    if let Some(unknown) = names.iter().find(|name| !all.contains(&name.as_str())) {
        return Err(format!("ci has no step {unknown}: there are {}", all.join(", ")));
    }
    let chosen = STEPS.iter().filter(|step| names.is_empty() || names.iter().any(|name| name == step.name));
    let start = Instant::now();
    let mut outcomes = Vec::new();
    let mut failure = None;
    for step in chosen {
        if failure.is_some() {
            break;
        }
        eprintln!("\n==== {}: {}", step.name, step.about);
        let start = Instant::now();
        let (note, outcome) = (step.run)();
        let took = start.elapsed();
        eprintln!("==== {}: {} after {}", step.name, if outcome.is_ok() { "ok" } else { "FAILED" }, shown(took));
        outcomes.push(Outcome { name: step.name, took, failed: outcome.is_err(), note });
        failure = outcome.err().map(|error| format!("ci failed at the step {}: {error}", step.name));
    }
    println!("\n{}all     {:>8}", summary(&outcomes), shown(start.elapsed()));
    failure.map_or(Ok(()), Err)
}

/// A line for each step: name, time, result, note.
fn summary(outcomes: &[Outcome]) -> String {
    let line = |Outcome { name, took, failed, note }: &Outcome| {
        let line = format!("{name:<8}{:>8}  {:<6}  {note}", shown(*took), if *failed { "FAILED" } else { "ok" });
        format!("{}\n", line.trim_end())
    };
    outcomes.iter().map(line).collect()
}

/// A time for people: `4.2 s`, `2m 06s`.
fn shown(time: Duration) -> String {
    match time.as_secs() {
        0..60 => format!("{:.1} s", time.as_secs_f64()),
        seconds => format!("{}m {:02}s", seconds / 60, seconds % 60),
    }
}

/// The outcome of a step that has nothing to add.
fn plain(outcome: Result<()>) -> (String, Result<()>) {
    (String::new(), outcome)
}

fn fmt() -> (String, Result<()>) {
    let outcome = process::run(process::cargo().args(["fmt", "--all", "--check"]));
    plain(outcome.map_err(|error| format!("{error}; `cargo fmt --all` mends it")))
}

fn clippy() -> (String, Result<()>) {
    plain(process::run(process::cargo().args(["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"])))
}

fn doc() -> (String, Result<()>) {
    let mut cargo = process::cargo();
    cargo.args(["doc", "--no-deps", "--workspace"]).env("RUSTDOCFLAGS", "-D warnings");
    // Set by somebody, it would count instead of the other.
    cargo.env_remove("CARGO_ENCODED_RUSTDOCFLAGS");
    plain(process::run(&mut cargo))
}

fn test() -> (String, Result<()>) {
    let (totals, outcome) = tasks::test_all();
    // Without any result, what is missing is in the error.
    (if totals == tasks::Totals::default() { String::new() } else { totals.to_string() }, outcome)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_has_a_line_for_each_step() {
        let outcome = |name, millis, failed, note: &str| Outcome {
            name,
            took: Duration::from_millis(millis),
            failed,
            note: note.into(),
        };
        let outcomes = [outcome("fmt", 412, false, ""), outcome("test", 126_090, true, "1 failed")];
        assert_eq!(summary(&outcomes), "fmt        0.4 s  ok\ntest      2m 06s  FAILED  1 failed\n");
    }

    #[test]
    fn an_unknown_step_is_an_error_that_lists_them() {
        let error = run(&["fmt".into(), "lint".into()]);
        assert!(error.is_err_and(|error| error.contains("no step lint") && error.contains("clippy")));
    }

    #[test]
    fn times_are_short() {
        assert_eq!(shown(Duration::from_millis(59_900)), "59.9 s");
        assert_eq!(shown(Duration::from_secs(60)), "1m 00s");
        assert_eq!(shown(Duration::from_secs(3_725)), "62m 05s");
    }
}
