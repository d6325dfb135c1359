//! What the gateway costs, measured and not guessed: as ratios to a bare hyper reverse proxy in the same run, beside the
//! budget of each row.
//!
//! The proxy under test is a process of its own with one worker thread, so that its CPU time can be read from the
//! kernel: `bare.rs` is the yardstick, and the gateway is the real command line (`sluicegate serve`) in this binary.
//! The model behind both is the sandbox model in a third process. Load comes from `load.rs`. Rounds of all that is
//! compared take turns, so that what disturbs the machine disturbs all of them, and ratios are taken round by round.

mod bare;
mod child;
mod client;
mod collector;
mod figures;
mod lab;
mod load;
mod model;
mod profile;
mod prose;
mod rows;
mod table;

use std::ffi::OsString;
use std::net::SocketAddr;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use lab::{Lab, Scale};
use rows::Row;

/// The allocator of the binary `sluicegate`. Its settings are in `.cargo/config.toml`.
#[cfg(target_os = "linux")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// What went wrong, in words. Nobody matches on it; it is printed.
type Result<T, E = String> = std::result::Result<T, E>;

/// Measure what the gateway costs, and compare it with the budgets.
#[derive(Debug, Parser)]
#[command(max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    /// Fewer and shorter rounds: below 40 seconds in all, and less certain.
    #[arg(long)]
    quick: bool,
    /// Measure these rows only.
    #[arg(long = "row", value_name = "NAME")]
    rows: Vec<Row>,
    /// Measure with other guardrails than the standard ones; all rows with guardrails then have these.
    #[arg(long, value_name = "NAME", value_delimiter = ',', default_value = lab::STANDARD, global = true)]
    guardrails: Vec<String>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Keep one case under load and say the process's number, so that a profiler can be attached.
    Profile {
        /// What to keep busy.
        case: profile::Case,
        /// For how long.
        #[arg(long, default_value_t = 20)]
        seconds: u64,
    },
    /// The bare proxy.
    #[command(hide = true)]
    Bare { upstream: SocketAddr },
    /// The model.
    #[command(hide = true)]
    Model,
    /// A collector of spans.
    #[command(hide = true)]
    Collector,
    /// The gateway: what follows is its command line.
    #[command(hide = true)]
    Gateway {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let result = match arguments.command {
        None => measure(&arguments.rows, arguments.quick, arguments.guardrails),
        Some(Command::Profile { case, seconds }) => block_on(profile::run(case, seconds, arguments.guardrails)),
        Some(Command::Bare { upstream }) => child::begin().and_then(|()| bare::run(upstream)),
        Some(Command::Model) => child::begin().and_then(|()| model::run()),
        Some(Command::Collector) => child::begin().and_then(|()| collector::run()),
        Some(Command::Gateway { arguments }) => child::begin().and_then(|()| gateway(arguments)),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(words) => {
            eprintln!("bench: {words}");
            ExitCode::FAILURE
        }
    }
}

/// The real thing: the same function that the binary `sluicegate` calls.
fn gateway(arguments: Vec<OsString>) -> Result<()> {
    sluicegate::cli::Cli::parse_from(std::iter::once("sluicegate".into()).chain(arguments)).run()
}

/// Measure rows, all or those named, and print the table. One that cannot be measured does not hinder the others.
fn measure(chosen: &[Row], quick: bool, guardrails: Vec<String>) -> Result<()> {
    block_on(async {
        let lab = Lab::open(if quick { Scale::QUICK } else { Scale::FULL }, guardrails).await?;
        let mut lines = Vec::new();
        let mut unmeasured = Vec::new();
        for row in Row::ALL.into_iter().filter(|row| chosen.is_empty() || chosen.contains(row)) {
            eprintln!("measuring {}", row.name());
            match row.measure(&lab).await {
                Ok(measured) => lines.extend(measured),
                Err(words) => {
                    lines.push(table::Line::unmeasured(row.name(), words));
                    unmeasured.push(row.name());
                }
            }
        }
        println!("{}", lab.heading());
        print!("{}", table::shown(&lines));
        match unmeasured.as_slice() {
            [] => Ok(()),
            rows => Err(format!("could not be measured: {}", rows.join(", "))),
        }
    })
}

/// The load generator and the rows run on one thread: there are two cores on the test machine, and one is the proxy's.
fn block_on<T>(future: impl Future<Output = Result<T>>) -> Result<T> {
    child::stay_beside_the_proxy();
    // For the many open streams, here and in the children, which have the limit from here.
    sluicegate::server::raise_limit(rows::STREAMS);
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("starting the runtime: {error}"))?
        .block_on(future)
}
