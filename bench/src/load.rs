//! Load: a fixed number of connections, each of which asks, waits for the whole answer, and asks again.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Barrier;
use tokio::task::JoinSet;

use crate::Result;
use crate::child::Child;
use crate::client::{Connection, Reply};
use crate::figures::Series;

/// Makes the next request. Called for each one, so that no two need be alike.
pub(crate) type Ask = Arc<dyn Fn() -> Vec<u8> + Send + Sync>;

/// Unmeasured exchanges of each connection before the others, so that all sockets are open and all code is warm.
const WARM_UP: usize = 12;
/// Between an answer and the next request of a steady load.
const PAUSE: Duration = Duration::from_millis(3);
/// For the last thread to go to sleep: the kernel counts its time when it does.
const SETTLE: Duration = Duration::from_millis(4);

/// How a case is put under load.
#[derive(Clone)]
pub(crate) struct Load {
    pub(crate) ask: Ask,
    pub(crate) connections: usize,
    /// No new exchange begins after this.
    pub(crate) time: Duration,
    /// Exchanges of each connection, at most.
    pub(crate) count_max: usize,
    /// Exchanges of each connection before the measured ones.
    pub(crate) warm_up: usize,
    /// Whether all connections ask at the same moment, and wait for each other before they ask again.
    pub(crate) together: bool,
    /// Time between an answer and the next request.
    pub(crate) pause: Duration,
    /// The connections begin one after the other, spread over this time.
    pub(crate) spread: Duration,
    /// For what the process does later of what it was asked.
    pub(crate) settle: Duration,
}

impl Load {
    /// Eight connections without a pause: the proxy is as busy as it can be.
    pub(crate) fn full(time: Duration, ask: impl Fn() -> Vec<u8> + Send + Sync + 'static) -> Self {
        Self {
            ask: Arc::new(ask),
            connections: 8,
            time,
            count_max: usize::MAX,
            warm_up: WARM_UP,
            together: false,
            pause: Duration::ZERO,
            spread: Duration::ZERO,
            settle: SETTLE,
        }
    }

    /// Eight connections with pauses: about 2,000 exchanges a second, which all proxies here can serve.
    ///
    /// Under full load, proxies differ in more than their own work: behind a slow one the others sleep, and the kernel
    /// has to wake them for each message, which is on the proxy's bill.
    pub(crate) fn steady(time: Duration, ask: impl Fn() -> Vec<u8> + Send + Sync + 'static) -> Self {
        Self { pause: PAUSE, spread: PAUSE, ..Self::full(time, ask) }
    }
}

/// What came of a load.
#[derive(Clone, Debug, Default)]
pub(crate) struct Round {
    pub(crate) exchanges: usize,
    /// Events of all streams.
    pub(crate) events: usize,
    /// Microseconds to the whole answer.
    pub(crate) took: Series,
    /// Microseconds to the first text of a stream.
    pub(crate) first_text: Series,
    /// What the process took for all of it.
    pub(crate) cpu: Duration,
}

impl Round {
    /// Microseconds of CPU time for each exchange.
    pub(crate) fn cpu_per_exchange(&self) -> f64 {
        self.cpu.as_secs_f64() * 1e6 / self.exchanges as f64
    }

    /// Microseconds of CPU time for each event.
    pub(crate) fn cpu_per_event(&self) -> f64 {
        self.cpu.as_secs_f64() * 1e6 / self.events as f64
    }

    fn add(&mut self, reply: &Reply) {
        self.exchanges += 1;
        self.events += reply.events();
        self.took.0.push(reply.took.as_secs_f64() * 1e6);
        self.first_text.0.extend(reply.first_text.map(|first| first.as_secs_f64() * 1e6));
    }
}

/// Puts a process under load and reads what it takes.
pub(crate) async fn run(child: &Child, load: &Load) -> Result<Round> {
    let gate = Arc::new(Barrier::new(load.connections + 1));
    let step = Arc::new(Barrier::new(load.connections));
    let mut tasks = JoinSet::new();
    for index in 0..load.connections {
        let delay = load.spread * u32::try_from(index).unwrap_or(0) / u32::try_from(load.connections).unwrap_or(1);
        tasks.spawn(connection(child.address, load.clone(), delay, gate.clone(), step.clone()));
    }
    gate.wait().await;
    tokio::time::sleep(load.settle).await;
    let before = child.cpu();
    gate.wait().await;
    let mut round = Round::default();
    let mut failure = None;
    while let Some(ended) = tasks.join_next().await {
        let (part, outcome) = ended.map_err(|error| format!("the load generator: {error}"))?;
        round.exchanges += part.exchanges;
        round.events += part.events;
        round.took.0.extend(part.took.0);
        round.first_text.0.extend(part.first_text.0);
        failure = failure.or(outcome.err());
    }
    if let Some(words) = failure {
        return Err(words);
    }
    tokio::time::sleep(load.settle).await;
    round.cpu = child.cpu()?.saturating_sub(before?);
    match round.exchanges {
        0 => Err("no exchange ended in time".to_owned()),
        _ => Ok(round),
    }
}

async fn connection(
    address: SocketAddr,
    load: Load,
    delay: Duration,
    gate: Arc<Barrier>,
    step: Arc<Barrier>,
) -> (Round, Result<()>) {
    let mut round = Round::default();
    let opened = warm(address, &load).await;
    // Whatever happened: the others wait here.
    gate.wait().await;
    gate.wait().await;
    let mut connection = match opened {
        Ok(connection) => connection,
        Err(words) => return (round, Err(words)),
    };
    tokio::time::sleep(delay).await;
    let end = Instant::now() + load.time;
    let mut left = load.count_max;
    while left > 0 && (load.together || Instant::now() < end) {
        left -= 1;
        let request = (load.ask)();
        if load.together {
            step.wait().await;
        }
        match answered(&mut connection, &request).await {
            Ok(reply) => round.add(&reply),
            Err(words) => return (round, Err(words)),
        }
        if !load.pause.is_zero() {
            tokio::time::sleep(load.pause).await;
        }
    }
    (round, Ok(()))
}

async fn warm(address: SocketAddr, load: &Load) -> Result<Connection> {
    let mut connection = Connection::open(address).await?;
    for _ in 0..load.warm_up {
        answered(&mut connection, &(load.ask)()).await?;
    }
    Ok(connection)
}

/// Asks, and takes nothing but success for an answer.
pub(crate) async fn answered(connection: &mut Connection, request: &[u8]) -> Result<Reply> {
    let reply = connection.ask(request).await?;
    match reply.status {
        200 => Ok(reply),
        status => Err(format!("answered with status {status}: {}", String::from_utf8_lossy(&reply.body))),
    }
}

/// A process with its load.
pub(crate) struct Case<'a> {
    pub(crate) child: &'a Child,
    pub(crate) load: Load,
}

/// Rounds in which all cases take turns, and for each case the figures that `read` finds in its rounds.
pub(crate) async fn in_turns(cases: &[Case<'_>], rounds: usize, read: impl Fn(&Round) -> f64) -> Result<Vec<Series>> {
    let mut figures = vec![Series::default(); cases.len()];
    for _ in 0..rounds {
        for (case, figures) in cases.iter().zip(&mut figures) {
            figures.0.push(read(&run(case.child, &case.load).await?));
        }
    }
    Ok(figures)
}
