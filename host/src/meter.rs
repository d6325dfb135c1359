//! What callers may take: reserved before the call, settled after it. Checking before and charging after would let every
//! exchange that is under way through on the same last dollar.

mod estimate;
mod headers;
mod reservation;

use std::sync::Arc;
use std::time::Duration;

use tracing::warn;

pub(crate) use headers::headers;
pub use reservation::Reservation;

use crate::chat::{Request, Task};
use crate::config::{OnFailure, Target};
use crate::dialect::Loss;
use crate::error::Error;
use crate::exchange::Exchange;
use crate::limits::{Account, Amounts};
use crate::store::counters::{Counters, Meter, Refusal, Reserved, Unavailable};

/// Waits past this are for people, not for the loops of SDKs.
const WORTH_WAITING: Duration = Duration::from_secs(60);

/// Reserve what an exchange is thought to take, for all of its accounts or for none. Whatever becomes of it, the exchange
/// settles it when it ends.
///
/// # Errors
/// When a limit or a budget has no room for it; when the store cannot be asked, and nothing may pass without.
pub(crate) async fn reserve(counters: &Arc<dyn Counters>, x: &Exchange, request: &Request) -> Result<(), Error> {
    let accounts = accounts(x);
    if accounts.is_empty() {
        return Ok(());
    }
    let settings = &x.generation.settings;
    let estimate = estimate::estimate(request, settings.reservation.answer_tokens);
    let money = settings.dearest(&request.model, estimate.input, estimate.output);
    let amounts = match request.task {
        Task::Converse | Task::Embed => Amounts { requests: 1, tokens: estimate.tokens(), money }.countable(),
        // To count costs nothing.
        Task::CountTokens => Amounts { requests: 1, ..Amounts::default() },
    };
    match counters.reserve(&accounts, amounts).await {
        Ok(Reserved::Granted(hold, standing)) => {
            x.stands(standing);
            x.holds(Reservation::new(counters.clone(), hold, estimate.input, settings.store.wait));
            Ok(())
        }
        Ok(Reserved::Refused(refusal, standing)) => {
            x.stands(standing);
            Err(Error::LimitReached(refusal.into()))
        }
        Err(Unavailable(why)) if settings.store.on_failure == OnFailure::Closed => Err(Error::StoreFailed(why)),
        Err(Unavailable(why)) => {
            let exchange = &*x.id;
            warn!(exchange, why, "limits and budgets do not count: the store cannot be asked");
            x.is_unmetered();
            Ok(())
        }
    }
}

/// How many tokens a conversation is thought to have, where they are to be counted and the target cannot. That is no count,
/// and so the operator has to allow it.
///
/// # Errors
/// When the operator has not.
pub(crate) fn estimated(x: &Exchange, request: &Request, target: &Target) -> Result<Option<u64>, Error> {
    let dialect = target.dialect_for(x.dialect, request.task);
    if request.task != Task::CountTokens || dialect.has(request.task) {
        return Ok(None);
    }
    x.loses(vec![Loss::new("input_tokens", "would be an estimate, as this provider does not count")], dialect)?;
    // It is a request all the same.
    if let Some(reservation) = x.reservation() {
        reservation.asks();
        reservation.was_free();
    }
    Ok(Some(estimate::estimate(request, 0).input))
}

/// Whose limits and budgets count.
fn accounts(x: &Exchange) -> Arc<[Account]> {
    let caller = &x.caller;
    let key = caller.key.as_ref().map(|id| Account {
        name: format!("key:{id}").into(),
        limits: caller.limits,
        budget: caller.budget,
    });
    let tenant = x.generation.settings.tenants.account(&x.tenant);
    key.into_iter().chain(tenant).filter(Account::is_bounded).collect()
}

/// A limit or a budget that has no room, for the caller and for the operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reached {
    refusal: Refusal,
    /// The account and the meter, for the operator.
    detail: String,
}

impl From<Refusal> for Reached {
    fn from(refusal: Refusal) -> Self {
        let detail = format!("{} {}", refusal.account, refusal.meter.word());
        Self { refusal, detail }
    }
}

impl Reached {
    /// Whether it is a budget rather than a limit.
    #[must_use]
    pub fn is_budget(&self) -> bool {
        self.refusal.meter.is_budget()
    }

    /// The account and the meter, for the operator.
    #[must_use]
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// What a caller should know.
    #[must_use]
    pub fn message(&self) -> String {
        let Refusal { whose, meter, limit, wait, .. } = &self.refusal;
        let bound = meter.says(*limit);
        match wait {
            None if meter.is_budget() => format!("the budget of this {whose} is used up, or too small: {bound}"),
            None => format!("this request is larger than the limit of this {whose}: {bound}"),
            Some(_) if *meter == Meter::Concurrent => format!("the limit of this {whose} is reached: {bound}"),
            Some(wait) => {
                let seconds = whole_seconds(*wait);
                let what = if meter.is_budget() { "budget" } else { "limit" };
                format!("the {what} of this {whose} is reached: {bound}; there is room again in {seconds} s")
            }
        }
    }

    /// How long to wait, if waiting helps.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.refusal.wait.map(|wait| Duration::from_secs(whole_seconds(wait)))
    }

    /// Whether an SDK that tries again by itself does any good. It counts seconds, and a few times.
    #[must_use]
    pub fn is_worth_a_retry(&self) -> bool {
        !self.is_budget() && self.refusal.wait.is_some_and(|wait| wait <= WORTH_WAITING)
    }
}

/// Rounded up, and at least one: to come back at once would be too early.
fn whole_seconds(wait: Duration) -> u64 {
    u64::try_from(wait.as_millis().div_ceil(1000)).unwrap_or(u64::MAX).max(1)
}
