//! One case under load for as long as a profiler needs: `bench profile guarded --seconds 20`, then
//! `perf record -p PID -- sleep 10`.

use std::time::Duration;

use clap::ValueEnum;

use crate::Result;
use crate::child::{self, Child};
use crate::lab::{Lab, Scale};
use crate::load::{self, Load};
use crate::prose::Chat;
use crate::rows::fork::Bench;
use crate::rows::{Conversation, paced};
use crate::table::us;

/// What is kept busy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Case {
    /// The bare proxy, 1 KB.
    Bare,
    /// The gateway without plugins, 1 KB.
    Plain,
    /// The gateway without plugins, kept in the ledger, 1 KB.
    Recorded,
    /// The same, and told a collector.
    Traced,
    /// Three guardrails, 1 KB.
    Guarded,
    /// Three guardrails, 20 KB.
    #[value(name = "guarded-20k")]
    Guarded20k,
    /// Streams through the bare proxy, 100 chunks a second each.
    ChunksBare,
    /// Streams without plugins.
    ChunksPlain,
    /// Streams with three guardrails.
    ChunksGuarded,
    /// A history of 100 KB sent again, without plugins.
    HistoryPlain,
    /// A history of 100 KB sent again, with three guardrails.
    History,
    /// Calls of the no-op guardrail, in this process.
    Fork,
}

pub(crate) async fn run(case: Case, seconds: u64, guardrails: Vec<String>) -> Result<()> {
    let time = Duration::from_secs(seconds);
    if case == Case::Fork {
        let bench = Bench::load("no-op").await?;
        println!("process {}", std::process::id());
        let before = child::cpu("self")?;
        let count = bench.call_for(time).await?;
        let cpu = (child::cpu("self")?.saturating_sub(before)).as_secs_f64() * 1e6;
        println!("{count} calls, CPU {} each, the making of texts included", us(cpu / count as f64));
        return Ok(());
    }
    let lab = Lab::open(Scale::QUICK, guardrails).await?;
    let bytes = |bytes| Load::full(time, move || Chat::of_body(bytes).request());
    let streams = || paced("sandbox-slow-10", 10, time);
    let again = || {
        let conversation = Conversation::new();
        Load { connections: 4, ..Load::full(time, move || conversation.continued()) }
    };

    match case {
        Case::Bare => busy(&lab.bare, &bytes(1024)).await,
        Case::Plain => busy(lab.plain().await?, &bytes(1024)).await,
        Case::Recorded => busy(&lab.recorded()?, &bytes(1024)).await,
        Case::Traced => {
            let collector = Lab::collector()?;
            busy(&lab.traced(&collector)?, &bytes(1024)).await
        }
        Case::Guarded => busy(lab.guarded().await?, &bytes(1024)).await,
        Case::Guarded20k => busy(lab.guarded().await?, &bytes(20 << 10)).await,
        Case::ChunksBare => busy(&lab.bare, &streams()).await,
        Case::ChunksPlain => busy(lab.plain().await?, &streams()).await,
        Case::ChunksGuarded => busy(lab.guarded().await?, &streams()).await,
        Case::HistoryPlain => busy(lab.plain().await?, &again()).await,
        Case::History => busy(lab.guarded().await?, &again()).await,
        Case::Fork => Ok(()),
    }
}

async fn busy(child: &Child, load: &Load) -> Result<()> {
    println!("process {}", child.id());
    let round = load::run(child, load).await?;
    println!("{} exchanges, CPU {} each", round.exchanges, us(round.cpu_per_exchange()));
    if round.events > 0 {
        println!("{} events, CPU {} each", round.events, us(round.cpu_per_event()));
    }
    Ok(())
}
