//! What callers may take: reserved before the call, settled after it. Checking before and charging after would let every
//! exchange that is under way through on the same last dollar.

mod estimate;
mod headers;
mod reservation;

use std::sync::Arc;
use std::time::Duration;

use tracing::warn;

pub(crate) use estimate::tokens_of;
pub use headers::headers;
pub use reservation::Reservation;

use crate::chat::{Request, Task};
use crate::config::{OnFailure, Target};
use crate::dialect::Loss;
use crate::error::Error;
use crate::exchange::Exchange;
use crate::limits::{Account, Amounts, Budget};
use crate::money::Money;
use crate::store::counters::{Counters, Meter, Refusal, Reserved, Unavailable};

/// Waits past this are for people, not for the loops of SDKs.
const WORTH_WAITING: Duration = Duration::from_secs(60);

/// Reserve what an exchange is thought to take, whichever of the targets answers, for all of its accounts or for none.
/// Whatever becomes of it, the exchange settles it when it ends.
///
/// # Errors
/// When a limit or a budget has no room for it; when the store cannot be asked, and nothing may pass without.
pub async fn reserve<'a>(
    counters: &Arc<dyn Counters>,
    x: &Exchange,
    request: &Request,
    targets: impl Iterator<Item = &'a Arc<Target>>,
) -> Result<(), Error> {
    let accounts = accounts(x);
    // It may have been done already, so that plugins could ask models for it.
    if accounts.is_empty() || x.reservation().is_some() {
        return Ok(());
    }
    let settings = &x.generation.settings;
    let estimate = estimate::estimate(request, settings.reservation.answer_tokens);
    let money = settings.dearest(targets, &request.model, estimate.input, estimate.output);
    let amounts = match request.task {
        Task::Converse | Task::Embed => Amounts { requests: 1, tokens: estimate.tokens(), money }.countable(),
        // To count costs nothing.
        Task::CountTokens => ONE_REQUEST,
    };
    take(counters, x, &accounts, amounts, estimate.input).await
}

/// The same for a request that asks no model: it is one all the same, and costs nothing.
///
/// # Errors
/// As [`reserve`].
pub(crate) async fn count_request(counters: &Arc<dyn Counters>, x: &Exchange) -> Result<(), Error> {
    let accounts = accounts(x);
    if accounts.is_empty() {
        return Ok(());
    }
    if x.reservation().is_none() {
        take(counters, x, &accounts, ONE_REQUEST, 0).await?;
    }
    if let Some(reservation) = x.reservation() {
        reservation.is_a_request_alone();
    }
    Ok(())
}

const ONE_REQUEST: Amounts = Amounts { requests: 1, tokens: 0, money: Money::ZERO };

async fn take(
    counters: &Arc<dyn Counters>,
    x: &Exchange,
    accounts: &Arc<[Account]>,
    amounts: Amounts,
    input_tokens: u64,
) -> Result<(), Error> {
    let store = &x.generation.settings.store;
    match counters.reserve(accounts, amounts).await {
        Ok(Reserved::Granted(hold, standing)) => {
            x.stands(standing);
            let is_budgeted = accounts.iter().any(|account| account.budget != Budget::default());
            x.holds(Reservation::new(counters.clone(), hold, input_tokens, is_budgeted, store.wait));
            Ok(())
        }
        Ok(Reserved::Refused(refusal, standing)) => {
            x.stands(standing);
            Err(Error::LimitReached(Reached::new(refusal, amounts)))
        }
        Err(Unavailable(why)) if store.on_failure == OnFailure::Closed => Err(Error::StoreFailed(why)),
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
        reservation.is_a_request_alone();
    }
    Ok(Some(input_tokens(request)))
}

/// How many tokens a request is thought to have.
pub(crate) fn input_tokens(request: &Request) -> u64 {
    estimate::estimate(request, 0).input
}

/// Look whether a target has a price, where a budget counts, or a bound on the money of a session.
///
/// # Errors
/// When it has none: it would cost nothing as far as anybody can tell, and no budget would ever be used up.
pub(crate) fn has_price(x: &Exchange, request: &Request, target: &Target) -> Result<(), Error> {
    let is_budgeted = x.reservation().is_some_and(Reservation::is_budgeted) || x.has_budget_of_session();
    let costs = request.task != Task::CountTokens && is_budgeted;
    if costs && x.generation.settings.prices_of(target, &request.model).is_none() {
        return Err(Error::PriceUnknown(target.name.clone()));
    }
    Ok(())
}

/// Whose limits and budgets count.
fn accounts(x: &Exchange) -> Arc<[Account]> {
    // What is part of an exchange is counted as a request with that one.
    let counts = |account: Account| if x.within.is_some() { account.without_requests() } else { account };
    let key = x.caller.account.clone().map(counts).filter(Account::is_bounded);
    let tenant = x.generation.settings.tenants.account(&x.tenant).map(counts).filter(Account::is_bounded);
    match (key, tenant) {
        (Some(key), Some(tenant)) => Arc::new([key, tenant]),
        (Some(one), None) | (None, Some(one)) => Arc::new([one]),
        (None, None) => Arc::new([]),
    }
}

/// A limit or a budget that has no room, for the caller and for the operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reached {
    refusal: Refusal,
    /// What was to be reserved.
    wanted: Amounts,
    /// The account and the meter, for the operator.
    detail: String,
}

impl Reached {
    fn new(refusal: Refusal, wanted: Amounts) -> Self {
        let detail = format!("{} {}", refusal.account, refusal.meter.word());
        Self { refusal, wanted, detail }
    }

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
        let (what, bound) = (if meter.is_budget() { "budget" } else { "limit" }, meter.says(*limit));
        match wait {
            None => {
                let wanted = self.wanted();
                format!("the {what} of this {whose} has no room for this request, which {wanted}: {bound}")
            }
            Some(_) if *meter == Meter::Concurrent => format!("the {what} of this {whose} is reached: {bound}"),
            Some(wait) => {
                let seconds = whole_seconds(*wait);
                format!("the {what} of this {whose} is reached: {bound}; there is room again in {seconds} s")
            }
        }
    }

    fn wanted(&self) -> String {
        let Amounts { requests, tokens, money } = self.wanted;
        match self.refusal.meter {
            // Callers have a hand in it.
            Meter::TokensPerMinute | Meter::TokensPerDay => {
                format!("may take {tokens} tokens with as many in its answer as it allows (max_tokens)")
            }
            Meter::MoneyPerDay | Meter::MoneyPerMonth | Meter::MoneyInAll => {
                format!("may cost {money} dollars with as many tokens in its answer as it allows (max_tokens)")
            }
            Meter::RequestsPerMinute | Meter::RequestsPerDay | Meter::Concurrent => format!("counts as {requests}"),
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
