//! What a person can ask `cargo xtask` for.

use std::ffi::OsString;
use std::path::PathBuf;

use crate::Result;

/// The answer to `cargo xtask` alone.
pub(crate) const HELP: &str = "\
Everything one does with a clone of Sluicegate, one command each.

Usage: cargo xtask COMMAND [ARGUMENTS]

  demo [ARGS]               Build the plugins, then start the gateway in front of a make-believe model; no key is needed.
                            It has a plugin directory of its own, target/demo/plugins, laid anew each time; what was
                            dropped in there stays. Where there is Python, a sentence transformer (83 MB) is fetched
                            once. `--once` ends it after one round.
  plugins [NAME...]         Build the plugins in plugins/, all or those named, to target/plugins/NAME.wasm, and
                            copy their installations (NAME.toml) there; those edited there since then stay.
                            A running gateway that watches this folder reloads what has changed.
  plugin PATH [--into DIR]  Build a plugin of your own: PATH is the folder of its crate, anywhere.
                            The result goes to DIR (target/plugins unless said otherwise).
  test [ARGS]               Build the plugins, then run all tests. ARGS go to `cargo test`.
  eval [NAMES]              Build the plugins, then say how well they decide on labelled texts; no name means all.
  bench [ARGS]              Build the plugins, then run the benchmarks. ARGS go to the program `bench`.
  ci [STEP...]              All that CI does, in its order, up to the first failure; or only the steps named:
                            fmt, plugins, clippy, features, doc, deny, test.
  help                      This text.

Plugins are compiled for wasm32-unknown-unknown. If your Rust lacks that target, it is added with rustup; where
rustup has no way out but Debian's archive can be reached, a compiler is made below target/, once, in some minutes.
";

/// One thing to do.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Task {
    /// Print the help text.
    Help,
    /// Build the workspace's plugins; no name means all.
    Plugins { names: Vec<String> },
    /// Build a plugin crate wherever it is.
    Plugin { path: PathBuf, into: Option<PathBuf> },
    /// Run the gateway's demo.
    Demo { arguments: Vec<OsString> },
    /// Run the tests.
    Test { arguments: Vec<OsString> },
    /// Say how well the plugins decide.
    Eval { names: Vec<String> },
    /// Run the benchmarks.
    Bench { arguments: Vec<OsString> },
    /// Run CI's steps; no name means all.
    Ci { steps: Vec<String> },
}

/// Reads the command line, without the program's name.
pub(crate) fn parse(arguments: impl Iterator<Item = OsString>) -> Result<Task> {
    let mut arguments = arguments;
    let Some(command) = arguments.next() else { return Ok(Task::Help) };
    let rest: Vec<OsString> = arguments.collect();
    match command.to_str() {
        Some("help" | "--help" | "-h") => Ok(Task::Help),
        // What follows these is for the program that they start, `--help` included.
        Some("demo") => Ok(Task::Demo { arguments: rest }),
        Some("test") => Ok(Task::Test { arguments: rest }),
        Some("bench") => Ok(Task::Bench { arguments: rest }),
        Some("plugins" | "plugin" | "eval" | "ci")
            if rest.iter().any(|argument| argument == "--help" || argument == "-h") =>
        {
            Ok(Task::Help)
        }
        Some("plugins") => Ok(Task::Plugins { names: names(rest)? }),
        Some("plugin") => plugin(rest),
        Some("eval") => Ok(Task::Eval { names: names(rest)? }),
        Some("ci") => Ok(Task::Ci { steps: names(rest)? }),
        _ => Err(format!("there is no command {}: `cargo xtask` alone lists them", command.display())),
    }
}

/// Arguments that are names of plugins or steps: plain words, no options.
fn names(arguments: Vec<OsString>) -> Result<Vec<String>> {
    arguments
        .into_iter()
        .map(|argument| match argument.into_string() {
            Ok(name) if !name.starts_with('-') => Ok(name),
            Ok(option) => Err(format!("there is no option {option} here: `cargo xtask` alone lists what there is")),
            Err(bytes) => Err(format!("reading the argument {}: it is not UTF-8", bytes.display())),
        })
        .collect()
}

/// `PATH [--into DIR]`, in either order.
fn plugin(arguments: Vec<OsString>) -> Result<Task> {
    const USAGE: &str = "usage: cargo xtask plugin PATH [--into DIR], where PATH is the folder of a plugin's crate";
    let (mut path, mut into) = (None, None);
    let mut arguments = arguments.into_iter();
    while let Some(argument) = arguments.next() {
        let place = if argument == "--into" {
            into.replace(PathBuf::from(arguments.next().ok_or(USAGE)?))
        } else if argument.to_str().is_some_and(|argument| argument.starts_with('-')) {
            return Err(format!("there is no option {}: {USAGE}", argument.display()));
        } else {
            path.replace(PathBuf::from(argument))
        };
        if let Some(first) = place {
            return Err(format!("{} and one more were given where one is wanted: {USAGE}", first.display()));
        }
    }
    Ok(Task::Plugin { path: path.ok_or(USAGE)?, into })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Task> {
        parse(line.split_whitespace().map(OsString::from))
    }

    fn words(line: &str) -> Vec<OsString> {
        line.split_whitespace().map(OsString::from).collect()
    }

    #[test]
    fn help_is_what_one_gets_without_a_command_or_by_asking() {
        for line in ["", "help", "--help", "-h", "plugins --help", "plugin x -h", "ci --help"] {
            assert_eq!(read(line), Ok(Task::Help), "{line}");
        }
    }

    #[test]
    fn arguments_for_other_programs_pass_untouched() {
        assert_eq!(read("demo --once --help"), Ok(Task::Demo { arguments: words("--once --help") }));
        assert_eq!(read("test -p host -- --nocapture"), Ok(Task::Test { arguments: words("-p host -- --nocapture") }));
        assert_eq!(read("eval a"), Ok(Task::Eval { names: vec!["a".to_owned()] }));
        assert_eq!(read("bench"), Ok(Task::Bench { arguments: vec![] }));
    }

    #[test]
    fn names_are_plain_words() {
        assert_eq!(read("plugins no-op pii"), Ok(Task::Plugins { names: vec!["no-op".into(), "pii".into()] }));
        assert_eq!(read("ci fmt"), Ok(Task::Ci { steps: vec!["fmt".into()] }));
        assert!(read("plugins --watch").is_err_and(|error| error.contains("--watch")));
        assert!(read("ci --fast").is_err());
    }

    #[test]
    fn a_plugin_has_one_path_and_at_most_one_place() {
        let plugin =
            |path: &str, into: Option<&str>| Ok(Task::Plugin { path: path.into(), into: into.map(Into::into) });
        assert_eq!(read("plugin ../mine"), plugin("../mine", None));
        assert_eq!(read("plugin ../mine --into out"), plugin("../mine", Some("out")));
        assert_eq!(read("plugin --into out ../mine"), plugin("../mine", Some("out")));
        for line in [
            "plugin",
            "plugin --into out",
            "plugin a b",
            "plugin a --into",
            "plugin a --into b --into c",
            "plugin -x a",
        ] {
            assert!(read(line).is_err_and(|error| error.contains("usage:")), "{line}");
        }
    }

    #[test]
    fn an_unknown_command_is_named() {
        assert!(read("plugns").is_err_and(|error| error.contains("plugns") && error.contains("cargo xtask")));
    }

    #[test]
    fn the_help_text_knows_every_step_of_ci() {
        let steps = crate::ci::step_names().join(", ");
        assert!(HELP.contains(&format!("{steps}.")), "the help text does not list {steps}");
    }
}
