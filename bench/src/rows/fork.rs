//! One call of a guardrail, in this process and through the runtime's own interface: from the windows in hand to the
//! verdicts and the receipt.

use std::sync::Arc;
use std::time::{Duration, Instant};

use sluicegate::capability::Counts;
use sluicegate::chat::{Channel, Phase, Role, Window};
use sluicegate::config::Installation;
use sluicegate::plugin::{Calling, Plugin, Runtime, Source, digest};

use crate::Result;
use crate::child;
use crate::figures::Series;
use crate::lab::{Lab, built};
use crate::prose::{fresh, prose};
use crate::table::{Line, us};

/// A question of one sentence.
const WINDOW_BYTES: usize = 151;

/// A guardrail in this process.
pub(crate) struct Bench {
    runtime: Arc<Runtime>,
    plugin: Arc<Plugin>,
    exchange: Arc<str>,
}

/// Microseconds of many calls.
#[derive(Debug, Default)]
struct Calls {
    /// The whole call.
    whole: Series,
    /// What the receipt says: waiting for a place, store, instance, call.
    on_receipt: Series,
    fuel: Series,
    memory: Series,
}

impl Bench {
    pub(crate) async fn load(name: &str) -> Result<Self> {
        Self::load_into(Arc::new(Runtime::new(32 << 20)?), name).await
    }

    /// Another guardrail in the same runtime.
    async fn beside(&self, name: &str) -> Result<Self> {
        Self::load_into(self.runtime.clone(), name).await
    }

    async fn load_into(runtime: Arc<Runtime>, name: &str) -> Result<Self> {
        let component = built(name)?;
        let source = Source {
            installation: Installation::default_of(name),
            digest: digest(&component),
            component: component.into(),
            breaker_failures: 0,
            breaker_probe: Duration::from_secs(1),
        };
        let plugin = Arc::new(runtime.load(source).await.map_err(|error| format!("loading {name}: {error}"))?);
        Ok(Self { runtime, plugin, exchange: "bench".into() })
    }

    async fn call(&self, text: String, calls: &mut Calls) -> Result<()> {
        let window = Window {
            phase: Phase::Request,
            role: Role::User,
            channel: Channel::Content,
            text: text.into(),
            context: 0,
            is_final: true,
            facts: None,
        };
        let started = Instant::now();
        let deadline = tokio::time::Instant::now() + Duration::from_secs(1);
        let (tenant, counts) = (&self.exchange, &Counts::default());
        let calling = Calling { exchange: &self.exchange, tenant, counts, deadline, triggers: None, behalf: None };
        let inspected = self.runtime.inspect(&self.plugin, calling, Phase::Request, &[window]).await;
        let took = started.elapsed();
        inspected.said.map_err(|failure| format!("{} failed: {}", self.plugin.name, failure.detail))?;
        calls.whole.0.push(took.as_secs_f64() * 1e6);
        calls.on_receipt.0.push(inspected.receipt.time.as_secs_f64() * 1e6);
        calls.fuel.0.push(inspected.receipt.fuel as f64);
        calls.memory.0.push(inspected.receipt.memory_bytes as f64);
        Ok(())
    }

    /// Calls with texts that nobody has seen.
    async fn calls(&self, count: usize, bytes: usize) -> Result<Calls> {
        let mut calls = Calls::default();
        for _ in 0..count {
            self.call(prose(fresh(), bytes), &mut calls).await?;
        }
        Ok(calls)
    }

    /// Calls for so long, for a profiler. Says how many there were.
    pub(crate) async fn call_for(&self, time: Duration) -> Result<usize> {
        let started = Instant::now();
        let mut count = 0;
        while started.elapsed() < time {
            count += self.calls(1_000, WINDOW_BYTES).await?.whole.0.len();
        }
        Ok(count)
    }
}

pub(super) async fn measure(lab: &Lab) -> Result<Vec<Line>> {
    const BUDGET_US: f64 = 15.0;
    let no_op = Bench::load("no-op").await?;
    let count = lab.scale.calls;
    no_op.calls(count / 10, WINDOW_BYTES).await?;
    let before = own_cpu().await?;
    let calls = no_op.calls(count, WINDOW_BYTES).await?;
    // Making the text is not part of the call, nor of what is timed above.
    let between = own_cpu().await?;
    (0..count).for_each(|_| drop(std::hint::black_box(prose(fresh(), WINDOW_BYTES))));
    let after = own_cpu().await?;
    let cpu = (between - before).saturating_sub(after - between).as_secs_f64() * 1e6 / count as f64;
    let mut known = Calls::default();
    for _ in 0..count / 10 {
        no_op.call(prose(0, WINDOW_BYTES), &mut known).await?;
    }
    let median = calls.whole.median();
    let mut lines = vec![
        Line::new(
            "fork, no-op call and receipt, 151 bytes",
            format!("{} (p99 {}, CPU {})", us(median), us(calls.whole.quantile(0.99)), us(cpu)),
        )
        .budget("at most 15 µs at the median", median <= BUDGET_US),
        Line::note("of which store, instance and call", us(calls.on_receipt.median())),
        Line::note(
            "of which the rest: windows, memo, drop, receipt",
            us(calls.whole.minus(&calls.on_receipt).median()),
        ),
        Line::note("remembered: no fork", us(known.whole.median())),
    ];
    let mut guardrails = Vec::new();
    for name in &lab.guardrails {
        let guardrail = no_op.beside(name).await?;
        let calls = guardrail.calls(count / 20, 1024).await?;
        let (took, fuel, memory) = (us(calls.whole.median()), calls.fuel.median(), calls.memory.median() / 1e6);
        lines.push(Line::note(format!("{name}, 1 KB"), format!("{took} ({fuel:.0} fuel, {memory:.1} MB)")));
        guardrails.push(guardrail);
    }
    // One after the other they do not find their memory in the caches.
    let mut in_turn = Series::default();
    for _ in 0..count / 20 {
        let mut turn = Calls::default();
        for guardrail in &guardrails {
            guardrail.call(prose(fresh(), 1024), &mut turn).await?;
        }
        in_turn.0.push(turn.whole.0.iter().sum());
    }
    lines.push(Line::note("all of them in turn, 1 KB", us(in_turn.median())));
    Ok(lines)
}
/// The time that this process has spent on a CPU, up to date because it has just slept.
pub(crate) async fn own_cpu() -> Result<Duration> {
    tokio::time::sleep(Duration::from_millis(4)).await;
    child::cpu("self")
}
