//! The tasks that are a command of cargo after the plugins are built: test, bench, eval.

use std::ffi::OsString;
use std::fmt;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::languages::Languages;
use crate::{Result, embedder, guest_compiler, node, plugins, postgres, process, python, tools, workspace};

/// Tells tests and benchmarks where the built plugins are.
const PLUGINS: &str = "SLUICEGATE_PLUGINS";

/// Tells tests where the plugins are that only they use.
const TEST_GUESTS: &str = "SLUICEGATE_GUESTS";

/// Tells the tests that run SDKs which Python has them. Empty: there is none, skip; absent: the tests fail, so
/// that nobody who calls `cargo test` by himself believes it has passed.
const PYTHON: &str = "SLUICEGATE_PYTHON";

/// The same for those for Node: a folder `node_modules` that has them.
const NODE_MODULES: &str = "SLUICEGATE_NODE_MODULES";

/// Tells the tests that need one where a sentence transformer is, in the same way.
const EMBEDDER: &str = "SLUICEGATE_EMBEDDER";

/// And those that need one, where a PostgreSQL is.
const POSTGRES: &str = "SLUICEGATE_POSTGRES";

/// What runs the SDKs, the model that gives vectors, and the database; an empty path where there is nothing. And what plugins
/// of other languages are built with.
#[derive(Default)]
struct Runtimes {
    python: PathBuf,
    node_modules: PathBuf,
    embedder: PathBuf,
    postgres: PathBuf,
    languages: Languages,
}

/// `cargo xtask bench`
pub(crate) fn bench(arguments: &[OsString]) -> Result<()> {
    tools::ensure()?;
    plugins::build(&[])?;
    let languages = Languages::ensure(&guest_compiler::ensure()?, python::ensure_bare().as_deref());
    let mut cargo = process::cargo();
    cargo.env(PLUGINS, workspace::plugins());
    languages.tell(&mut cargo)?;
    process::become_it(cargo.args(["run", "--release", "--package", "bench", "--"]).args(arguments))
}

/// `cargo xtask eval`
pub(crate) fn eval(names: &[String]) -> Result<()> {
    tools::ensure()?;
    plugins::build(&[])?;
    let mut cargo = process::cargo();
    cargo.env(PLUGINS, workspace::plugins()).env(EMBEDDER, embedder::ensure(&python::ensure()?)?);
    process::become_it(cargo.args(["run", "--quiet", "--package", "eval", "--"]).args(names))
}

/// `cargo xtask test`. Without Python or Node all but some tests run, and the last lines say so.
pub(crate) fn test(arguments: &[OsString]) -> Result<()> {
    tools::ensure_for_tests()?;
    plugins::build(&[])?;
    plugins::build_test_guests()?;
    let (python, node) = (python::ensure(), node::ensure());
    let with_python =
        |ensure: fn(&Path) -> Result<PathBuf>| python.as_ref().map_err(Clone::clone).and_then(|python| ensure(python));
    let (embedder, postgres) = (with_python(embedder::ensure), with_python(postgres::ensure));
    let skipped = [
        ("the SDKs for Python", python.as_ref().err()),
        ("the SDKs for Node", node.as_ref().err()),
        ("a sentence transformer", embedder.as_ref().err()),
        ("a PostgreSQL", postgres.as_ref().err()),
    ];
    let languages = Languages::ensure(&guest_compiler::ensure()?, python.as_deref());
    let plugins = languages.missing.iter().map(|(language, error)| (format!("plugins in {language}"), error));
    let skipped = skipped.into_iter().filter_map(|(what, error)| Some((what.to_owned(), error?))).chain(plugins);
    let skipped: Vec<String> =
        skipped.map(|(what, error)| format!("SKIPPED: the tests with {what}: {error}")).collect();
    skipped.iter().for_each(|skipped| eprintln!("xtask: {skipped}"));
    let runtimes = Runtimes {
        embedder: embedder.unwrap_or_default(),
        postgres: postgres.unwrap_or_default(),
        node_modules: node.unwrap_or_default(),
        python: python.unwrap_or_default(),
        languages,
    };
    let (totals, outcome) = run_tests(&runtimes, arguments);
    println!("{totals}");
    skipped.iter().for_each(|skipped| println!("{skipped}"));
    outcome
}

/// The tests as CI runs them: all of them, also after a failure.
pub(crate) fn test_all() -> (Totals, Result<()>) {
    let ready = || {
        plugins::build(&[])?;
        plugins::build_test_guests()?;
        let python = python::ensure()?;
        let (embedder, postgres) = (embedder::ensure(&python)?, postgres::ensure(&python)?);
        let languages = Languages::ensure(&guest_compiler::ensure()?, Ok(&python));
        if let Some((language, error)) = languages.missing.first() {
            return Err(format!("plugins in {language} cannot be built: {error}"));
        }
        Ok(Runtimes { embedder, postgres, node_modules: node::ensure()?, python, languages })
    };
    match ready() {
        Ok(runtimes) => run_tests(&runtimes, &["--no-fail-fast".into()]),
        Err(error) => (Totals::default(), Err(error)),
    }
}

/// Runs cargo test, passes on what it prints and adds up the results of its many test programs.
fn run_tests(runtimes: &Runtimes, arguments: &[OsString]) -> (Totals, Result<()>) {
    let mut cargo = process::cargo();
    cargo.arg("test").args((!names_packages(arguments)).then_some("--workspace")).args(arguments);
    cargo.env(PLUGINS, workspace::plugins()).env(TEST_GUESTS, workspace::test_guests());
    cargo
        .env(PYTHON, &runtimes.python)
        .env(NODE_MODULES, &runtimes.node_modules)
        .env(EMBEDDER, &runtimes.embedder)
        .env(POSTGRES, &runtimes.postgres);
    let mut totals = Totals::default();
    let outcome = runtimes.languages.tell(&mut cargo).and_then(|()| pass_on(&mut cargo, |line| totals.add(line)));
    (totals, outcome)
}

/// Whether the arguments for cargo say which packages are meant. Beside them, `--workspace` would still mean all.
fn names_packages(arguments: &[OsString]) -> bool {
    let mut for_cargo =
        arguments.iter().take_while(|argument| *argument != "--").filter_map(|argument| argument.to_str());
    for_cargo.any(|argument| argument.starts_with("-p") || argument.starts_with("--package"))
}

/// Runs a command and shows each line of its standard output to `look` on the way to ours.
fn pass_on(command: &mut Command, mut look: impl FnMut(&str)) -> Result<()> {
    eprintln!("$ {}", process::shown(command));
    let started = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn();
    let mut child = started.map_err(|error| process::not_started(command, &error))?;
    let mut out = std::io::stdout();
    let mut lines = child.stdout.take().map(BufReader::new);
    let mut line = Vec::new();
    while let Some(lines) = &mut lines {
        line.clear();
        match lines.read_until(b'\n', &mut line) {
            Ok(1..) => look(&String::from_utf8_lossy(&line)),
            Ok(0) | Err(_) => break,
        }
        // Nobody may be reading any more; the tests go on, and the exit code still counts.
        let _ = out.write_all(&line).and_then(|()| out.flush());
    }
    let status = child.wait().map_err(|error| format!("waiting for `{}`: {error}", process::shown(command)))?;
    process::ended(command, status)
}

/// The results of all test programs together.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    programs: u64,
    passed: u64,
    failed: u64,
    ignored: u64,
}

impl Totals {
    /// Adds the line if it is a result, like `test result: ok. 3 passed; 0 failed; 1 ignored; ...`.
    fn add(&mut self, line: &str) {
        let Some((_, counts)) = line.strip_prefix("test result: ").and_then(|result| result.split_once(". ")) else {
            return;
        };
        self.programs += 1;
        for count in counts.split(';') {
            match count.trim().split_once(' ').map(|(number, what)| (number.parse().unwrap_or(0), what)) {
                Some((number, "passed")) => self.passed += number,
                Some((number, "failed")) => self.failed += number,
                Some((number, "ignored")) => self.ignored += number,
                Some((_, _)) | None => {}
            }
        }
    }
}

impl fmt::Display for Totals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { programs, passed, failed, ignored } = self;
        write!(
            f,
            "all tests together: {passed} passed; {failed} failed; {ignored} ignored; in {programs} test programs"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_results_of_all_test_programs_are_added_up() {
        let mut totals = Totals::default();
        for line in [
            "running 3 tests\n",
            "test a ... ok\n",
            "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 2 filtered out; finished in 0.00s\n",
            "test result: FAILED. 10 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.30s\n",
            "test result: unheard of\n",
        ] {
            totals.add(line);
        }
        assert_eq!(totals, Totals { programs: 2, passed: 13, failed: 2, ignored: 1 });
        assert_eq!(totals.to_string(), "all tests together: 13 passed; 2 failed; 1 ignored; in 2 test programs");
    }

    #[test]
    fn all_packages_are_meant_unless_some_are_named() {
        let named = |line: &str| names_packages(&line.split_whitespace().map(OsString::from).collect::<Vec<_>>());
        assert!(named("-p xtask") && named("-pxtask") && named("--no-run --package=xtask"));
        assert!(!named("") && !named("streams --release") && !named("-- -p"));
    }

    #[test]
    fn what_a_command_prints_is_seen_and_its_failure_told() {
        let mut seen = String::new();
        let outcome =
            pass_on(Command::new("sh").args(["-c", "echo one; echo two; exit 4"]), |line| seen.push_str(line));
        assert_eq!(seen, "one\ntwo\n");
        assert!(outcome.is_err_and(|error| error.contains("exit status: 4")));
    }
}
