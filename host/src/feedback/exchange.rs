//! Feedback within an exchange: whose it is, what becomes of its texts, and what its sender is told.

use std::time::Duration;

use bytes::Bytes;
use serde::Serialize;
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use super::given::{About, Given};
use super::{Feedback, OF_ONE_MAX, Opinion, Source};
use crate::error::Error;
use crate::exchange::Exchange;
use crate::ledger::{Kept, Ledger};
use crate::moment::now_ms;
use crate::observe::Observers;
use crate::store::ledger::Failure;

/// The longest wait for an exchange that is over, and not written yet.
const WRITTEN: Duration = Duration::from_secs(2);
/// How often it is looked for: another gateway may write it.
const LOOKED: Duration = Duration::from_millis(100);

/// Whether an exchange's tenant may say something of what this is about.
///
/// # Errors
/// When there is no such exchange or session of it, or the ledger cannot be asked.
pub(crate) async fn check(observers: &Observers, x: &Exchange, given: &Given) -> Result<(), Error> {
    let ledger = ledger(observers)?;
    // What is kept already may be about something that is not, any more.
    if let Some(id) = &given.id
        && ledger.has_feedback(&x.tenant, id).await.map_err(failed)?
    {
        return Ok(());
    }
    let until = Instant::now() + WRITTEN;
    while !is_there(ledger, &x.tenant, given).await.map_err(failed)? {
        if Instant::now() >= until || !may_come(x, given) {
            return Err(Error::NoSuchExchange);
        }
        ledger.all_written(LOOKED).await;
        sleep(LOOKED).await;
    }
    Ok(())
}

/// Whether what is not there may have ended just now: an exchange takes no longer than this, and its id says when it began.
fn may_come(x: &Exchange, given: &Given) -> bool {
    let (exchange, _) = given.about.parts();
    let Some(began) = exchange.and_then(began_ms) else { return true };
    let total = x.generation.settings.upstream.total + WRITTEN;
    let now = now_ms();
    began <= now && now - began <= u64::try_from(total.as_millis()).unwrap_or(u64::MAX)
}

/// When an exchange began, in milliseconds since 1970: ids are UUIDs of version 7 (RFC 9562, section 5.7).
fn began_ms(id: &str) -> Option<u64> {
    u64::from_str_radix(id.get(..12)?, 16).ok()
}

/// Keep it. What is kept survives the end of the machine's power.
///
/// # Errors
/// When something else goes by its name, enough was said already, or the ledger cannot be written.
pub(crate) async fn keep(observers: &Observers, x: &Exchange, given: Given) -> Result<Feedback, Error> {
    let by = x.caller.author().map(str::to_owned);
    let feedback = given.feedback(&x.tenant, Source::Caller, by);
    match ledger(observers)?.give(&feedback).await.map_err(failed)? {
        Kept::New => Ok(feedback),
        Kept::Before(feedback) => Ok(*feedback),
        Kept::Another => Err(Error::FeedbackConflict),
        Kept::Full => Err(Error::TooMuchFeedback(OF_ONE_MAX)),
    }
}

impl Given {
    /// What is kept of it.
    pub(crate) fn feedback(self, tenant: &str, source: Source, by: Option<String>) -> Feedback {
        let (exchange, session) = match self.about {
            About::Exchange(id) => (Some(id), None),
            About::Session(name) => (None, Some(name)),
        };
        Feedback {
            id: self.id.unwrap_or_else(|| format!("fb_{}", Uuid::now_v7().simple())),
            tenant: tenant.to_owned(),
            exchange,
            session,
            at_ms: now_ms(),
            source,
            by,
            opinion: self.opinion,
        }
    }
}

/// All exchanges that it names are there, and of this tenant.
async fn is_there(ledger: &Ledger, tenant: &str, given: &Given) -> Result<bool, Failure> {
    let Opinion { preferred_over, regenerated_by, .. } = &given.opinion;
    let (exchange, session) = given.about.parts();
    for id in [exchange, preferred_over.as_deref(), regenerated_by.as_deref()].into_iter().flatten() {
        if !ledger.has_exchange(tenant, id).await? {
            return Ok(false);
        }
    }
    match session {
        Some(name) => Ok(ledger.session(tenant, name).await?.is_some()),
        None => Ok(true),
    }
}

fn ledger(observers: &Observers) -> Result<&Ledger, Error> {
    let ledger = observers.ledger.as_deref();
    ledger.ok_or_else(|| Error::FeedbackFailed("nothing is kept: [ledger] enabled is false".to_owned()))
}

fn failed(failure: Failure) -> Error {
    Error::FeedbackFailed(failure.to_string())
}

impl About {
    /// The exchange, or the session.
    pub(super) fn parts(&self) -> (Option<&str>, Option<&str>) {
        match self {
            Self::Exchange(id) => (Some(id), None),
            Self::Session(name) => (None, Some(name)),
        }
    }
}

#[derive(Serialize)]
struct Told<'a> {
    object: &'static str,
    id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    exchange: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    session: Option<&'a str>,
    created: String,
}

/// What its sender is told: the same, however often it is sent.
pub(crate) fn body(feedback: &Feedback) -> Bytes {
    let Feedback { id, exchange, session, .. } = feedback;
    let (exchange, session) = (exchange.as_deref(), session.as_deref());
    let told = Told { object: "feedback", id, exchange, session, created: feedback.at().to_string() };
    serde_json::to_vec(&told).unwrap_or_default().into()
}
