//! Who is told of exchanges that are over: the ledger, and the sessions that they are steps of.

use std::sync::Arc;
use std::time::Duration;

use crate::config::Settings;
use crate::exchange::Over;
use crate::ledger::Ledger;
use crate::session::Sessions;

/// Those who are told.
#[derive(Debug)]
pub struct Observers {
    /// What keeps exchanges, if anything does.
    pub ledger: Option<Arc<Ledger>>,
    /// What exchanges are steps of.
    pub sessions: Sessions,
}

impl Observers {
    /// Those that these settings want.
    ///
    /// # Errors
    /// When the address of the ledger's database is none.
    pub fn new(settings: &Settings) -> Result<Arc<Self>, String> {
        Ok(Arc::new(Self { ledger: Ledger::open(settings)?, sessions: Sessions::default() }))
    }

    /// Tell them. Nobody waits for what they do.
    pub(crate) fn is_over(&self, over: Over) {
        let over = Arc::new(over);
        self.sessions.is_over(&over);
        // Who was not let in is in the log and in the metrics, and must not push out the exchanges of others.
        if let Some(ledger) = self.ledger.as_ref().filter(|_| !over.ending.is_a_strangers) {
            ledger.keep(over);
        }
    }

    /// Wait until what they were told is where it belongs, for so long at most; says whether it is.
    pub async fn all_told(&self, wait: Duration) -> bool {
        match &self.ledger {
            Some(ledger) => ledger.all_written(wait).await,
            None => true,
        }
    }
}
