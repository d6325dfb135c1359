//! What `cargo xtask ...` does: build the plugins, run the demo, the tests and the benchmarks, run everything CI runs.
//!
//! It exists so that each of these is one command on a fresh clone, also on a machine whose Rust cannot compile guests
//! yet. `cli.rs` says what can be asked for; each task is a function of the file named like it.

mod ci;
mod cli;
mod demo;
mod embedder;
mod guest_compiler;
mod languages;
mod lock;
mod node;
mod plugins;
mod postgres;
mod process;
mod python;
mod tasks;
mod tools;
mod wheel;
mod workspace;

use std::process::ExitCode;

use cli::Task;

/// What went wrong, in words: what was being done, why it failed, how to mend it. Nobody matches on it; it is printed.
type Result<T, E = String> = std::result::Result<T, E>;

fn main() -> ExitCode {
    match cli::parse(std::env::args_os().skip(1)).and_then(run) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(task: Task) -> Result<()> {
    match task {
        Task::Help => {
            print!("{}", cli::HELP);
            Ok(())
        }
        Task::Plugins { names } => plugins::build(&names),
        Task::Plugin { path, into } => plugins::build_outside(&path, into.as_deref()),
        Task::Demo { arguments } => demo::run(&arguments),
        Task::Test { arguments } => tasks::test(&arguments),
        Task::Eval { names } => tasks::eval(&names),
        Task::Bench { arguments } => tasks::bench(&arguments),
        Task::Ci { steps } => ci::run(&steps),
    }
}
