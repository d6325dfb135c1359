//! Spans of exchanges that are over, for a collector: by the OpenTelemetry Protocol, in the words of its conventions for GenAI.
//!
//! Exchanges are handed over through a queue that has bounds in number and bytes, and a task of its own sends them, many at a
//! time. What does not fit, and what the collector does not take, is counted and lost: no exchange waits for it.

mod conventions;
mod send;
mod wire;
mod write;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::time::sleep;
use tracing::{info, warn};

use crate::config::Settings;
use crate::exchange::Over;
use crate::handover::{self, Handover, State, Taking, Waiting, spawn};
use crate::upstream::Upstream;
use send::{Collector, Failure};
use write::Writer;

/// Exchanges that may wait to be sent: a second of them and more, at the most that two cores can serve.
const WAITING_MAX: usize = 32_768;
/// Bytes that they may take meanwhile.
const WAITING_BYTES_MAX: usize = 64 << 20;
/// Spans that are sent together, and those of one exchange more: each is about half a kilobyte, and collectors take 4 MiB.
const SPANS_MAX: usize = 4_096;
/// Exchanges that are taken together.
const TOGETHER_MAX: usize = 512;
/// How long the first of them waits for others. What waits for longer is out of the processor's caches, and takes longer.
const GATHER: Duration = Duration::from_millis(200);
/// The pauses after the collector has failed; after the last of them, what it has not taken is lost.
const PAUSES: [Duration; 4] =
    [Duration::from_millis(500), Duration::from_secs(1), Duration::from_secs(2), Duration::from_secs(4)];

/// Where exchanges are handed over.
#[derive(Debug)]
pub struct Spans {
    handover: Handover<Arc<Over>>,
}

/// How it goes, for whoever watches it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// Exchanges whose spans wait to be sent.
    pub waiting: u64,
    /// Exchanges whose spans the collector has taken.
    pub sent: u64,
    /// Exchanges whose spans are lost.
    pub dropped: u64,
}

impl Spans {
    /// What sends spans, with these settings; nothing if nobody is named who takes them.
    #[must_use]
    pub fn open(settings: &Settings, upstream: &Upstream) -> Option<Self> {
        let otlp = settings.telemetry.otlp.as_ref()?;
        let (handover, taking) = Handover::new(WAITING_MAX, WAITING_BYTES_MAX, TOGETHER_MAX);
        let state = taking.state.clone();
        let collector = Collector::new(otlp, settings.telemetry.timeout, upstream);
        let writer = Writer::new(&settings.telemetry.service_name);
        spawn(Task { writer, collector, state, is_failing: AtomicBool::new(false) }.run(taking));
        Some(Self { handover })
    }

    /// Hand an exchange over. Waits for nothing.
    pub(crate) fn send(&self, over: Arc<Over>) {
        let bytes = over.bytes();
        // Whoever watches sees the count.
        let _ = self.handover.give(over, bytes);
    }

    /// How it goes.
    #[must_use]
    pub fn told(&self) -> Told {
        let handover::Told { waiting, done, dropped } = self.handover.told();
        Told { waiting, sent: done, dropped }
    }

    /// Wait until all that was handed over so far is sent or lost, for so long at most; says whether it is.
    pub async fn all_sent(&self, wait: Duration) -> bool {
        self.handover.all_done(wait).await
    }
}

/// The task that sends.
struct Task {
    writer: Writer,
    collector: Collector,
    state: Arc<State>,
    is_failing: AtomicBool,
}

impl Task {
    async fn run(self, mut taking: Taking<Arc<Over>>) {
        while let Some(mut waiting) = taking.together(GATHER).await {
            while !waiting.is_empty() {
                let rest = waiting.split_off(fitting(&waiting));
                self.send(waiting).await;
                waiting = rest;
            }
        }
    }

    /// Send what fits into one message.
    async fn send(&self, waiting: Vec<Waiting<Arc<Over>>>) {
        let (count, bytes) = (waiting.len(), waiting.iter().map(|waiting| waiting.bytes).sum());
        let message = self.writer.message(waiting.iter().map(|waiting| &*waiting.what));
        // They are in the message now.
        drop(waiting);
        match self.deliver(&message).await {
            true => self.state.does(count),
            false => _ = self.state.loses(count),
        }
        self.state.is_over(count, bytes);
    }

    /// Send a message, and again where that may help. Says whether it was taken.
    async fn deliver(&self, message: &bytes::Bytes) -> bool {
        let mut pauses = PAUSES.into_iter();
        loop {
            let failure = match self.collector.send(message.clone()).await {
                Ok(()) => {
                    if self.is_failing.swap(false, Ordering::Relaxed) {
                        info!("the collector takes spans again");
                    }
                    return true;
                }
                Err(failure) => failure,
            };
            let (why, pause) = match failure {
                Failure::Refused(why) => (why, None),
                Failure::Unavailable(why) => (why, pauses.next()),
            };
            if !self.is_failing.swap(true, Ordering::Relaxed) {
                warn!(why, "the collector does not take spans; what does not fit meanwhile is lost");
            }
            let Some(pause) = pause else { return false };
            sleep(pause).await;
        }
    }
}

/// How many of these, from the first on, fit into one message.
fn fitting(waiting: &[Waiting<Arc<Over>>]) -> usize {
    let mut spans = 0;
    let fits = |waiting: &&Waiting<Arc<Over>>| {
        let is_room_left = spans < SPANS_MAX;
        spans += write::spans_of(&waiting.what);
        is_room_left
    };
    waiting.iter().take_while(fits).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spans(waiting_max: usize) -> (Spans, Taking<Arc<Over>>) {
        let (handover, taking) = Handover::new(waiting_max, WAITING_BYTES_MAX, TOGETHER_MAX);
        (Spans { handover }, taking)
    }

    fn over() -> Arc<Over> {
        Arc::new(Over::of("converse", false, Vec::new()))
    }

    #[test]
    fn what_does_not_fit_is_counted_and_lost() {
        let (spans, _taking) = spans(2);
        (0..3).for_each(|_| spans.send(over()));
        assert_eq!(spans.told(), Told { waiting: 2, sent: 0, dropped: 1 });
        assert_eq!(spans.handover.state.waiting_bytes.load(Ordering::Relaxed), 2 * over().bytes());
    }

    #[test]
    fn their_bytes_have_a_bound() {
        let (spans, _taking) = spans(2);
        spans.handover.state.waiting_bytes.store(WAITING_BYTES_MAX - over().bytes(), Ordering::Relaxed);
        (0..2).for_each(|_| spans.send(over()));
        assert_eq!(spans.told(), Told { waiting: 1, sent: 0, dropped: 1 });
    }
}
