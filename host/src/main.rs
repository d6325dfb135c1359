//! The binary: parse, start, wait, drain. The only exit codes: 0 when all went well, 1 when something did not, 2 for a
//! command line that is not understood.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use clap::Parser;
use sluicegate::cli::Cli;

/// Keeps less memory than glibc's allocator, and takes less time. Its settings are in `.cargo/config.toml`.
#[cfg(target_os = "linux")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    match Cli::parse().run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(words) => {
            eprintln!("{words}");
            ExitCode::FAILURE
        }
    }
}
