//! Who is told of exchanges that are over: the metrics, the alerts, the ledger, the sessions that they are steps of, and whoever collects spans.

use std::sync::Arc;
use std::time::Duration;

use crate::alerts::Alerts;
use crate::config::Settings;
use crate::exchange::Over;
use crate::ledger::Ledger;
use crate::metrics::Metrics;
use crate::session::Sessions;
use crate::spans::Spans;
use crate::upstream::Upstream;

/// Those who are told.
#[derive(Debug)]
pub struct Observers {
    /// What counts them.
    pub metrics: Metrics,
    /// What operators are told of as it happens.
    pub alerts: Alerts,
    /// What keeps exchanges, if anything does.
    pub ledger: Option<Arc<Ledger>>,
    /// What exchanges are steps of.
    pub sessions: Sessions,
    /// What sends their spans to a collector, if there is one.
    pub spans: Option<Spans>,
}

impl Observers {
    /// Those that these settings want.
    ///
    /// # Errors
    /// When the address of the ledger's database is none.
    pub fn new(settings: &Settings, upstream: &Upstream) -> Result<Arc<Self>, String> {
        Ok(Arc::new(Self {
            metrics: Metrics::new(settings),
            alerts: Alerts::default(),
            ledger: Ledger::open(settings)?,
            sessions: Sessions::default(),
            spans: Spans::open(settings, upstream),
        }))
    }

    /// Tell them. Nobody waits for what they do.
    pub(crate) fn is_over(&self, mut over: Over) {
        self.metrics.is_over(&over);
        self.alerts.is_over(&over);
        self.sessions.is_over(&over);
        // Who was not let in is in the log and in the metrics, and must not push out the exchanges of others.
        if over.ending.is_a_strangers {
            return;
        }
        // That is known when the exchange is kept, and need not wait with it.
        let conversation = over.record.conversation.take();
        if let (Some(ledger), Some(conversation)) = (&self.ledger, conversation) {
            ledger.conversations().is_over(&over, &conversation);
        }
        let over = Arc::new(over);
        if let Some(spans) = self.spans.as_ref().filter(|_| over.trace.is_sampled) {
            spans.send(over.clone());
        }
        if let Some(ledger) = &self.ledger {
            ledger.keep(over);
        }
    }

    /// Wait until what they were told is where it belongs, for so long at most; says whether it is.
    pub async fn all_told(&self, wait: Duration) -> bool {
        let ledger = async {
            match &self.ledger {
                Some(ledger) => ledger.all_written(wait).await,
                None => true,
            }
        };
        let spans = async {
            match &self.spans {
                Some(spans) => spans.all_sent(wait).await,
                None => true,
            }
        };
        let (ledger, spans) = tokio::join!(ledger, spans);
        ledger && spans
    }
}
