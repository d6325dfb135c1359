//! The counters of one gateway: in memory, under one lock that is held for less than a microsecond. Sums of days, months
//! and in all go into the file behind the back of the request; minutes and places begin anew with the process.

use std::future::ready;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use foldhash::HashMap;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use uuid::Uuid;

use super::journal::{Change, GATHER, Journal, Kept};
use super::meter::{Bound, Kind, Meter, bounds};
use super::moment::{Clock, Moment, Periods};
use super::rule::{Level, PER_UNIT, Taken, judge, standing};
use super::{Counters, Hold, Reserved, Unavailable};
use crate::config::OnFailure;
use crate::limits::{Account, Amounts};

/// Counts in this process.
#[derive(Debug)]
pub struct Embedded {
    accounts: Mutex<Accounts>,
    journal: Option<Journal>,
    on_failure: OnFailure,
    clock: Clock,
}

/// What was taken of accounts, by their names.
type Accounts = HashMap<Arc<str>, Counts>;

/// What was taken of one account.
#[derive(Debug, Default)]
struct Counts {
    requests: Bucket,
    tokens: Bucket,
    open: u64,
    requests_per_day: Sum,
    tokens_per_day: Sum,
    money_per_day: Sum,
    money_per_month: Sum,
    money_in_all: Sum,
}

/// What was taken, and when that was counted last: it drains all the time.
#[derive(Clone, Copy, Debug, Default)]
struct Bucket {
    level: u128,
    at: Moment,
}

impl Bucket {
    fn level(self, limit: u64, now: Moment) -> u128 {
        let drained = u128::from(now.0.saturating_sub(self.at.0)) * u128::from(limit);
        self.level.saturating_sub(drained)
    }
}

/// What was taken in a period.
#[derive(Clone, Copy, Debug, Default)]
struct Sum {
    period: u64,
    amount: u64,
}

/// Where a meter is counted.
enum Place<'a> {
    Bucket(&'a mut Bucket),
    Sum(&'a mut Sum),
    Places(&'a mut u64),
}

impl Counts {
    fn place(&mut self, meter: Meter) -> Place<'_> {
        match meter {
            Meter::RequestsPerMinute => Place::Bucket(&mut self.requests),
            Meter::TokensPerMinute => Place::Bucket(&mut self.tokens),
            Meter::RequestsPerDay => Place::Sum(&mut self.requests_per_day),
            Meter::TokensPerDay => Place::Sum(&mut self.tokens_per_day),
            Meter::MoneyPerDay => Place::Sum(&mut self.money_per_day),
            Meter::MoneyPerMonth => Place::Sum(&mut self.money_per_month),
            Meter::MoneyInAll => Place::Sum(&mut self.money_in_all),
            Meter::Concurrent => Place::Places(&mut self.open),
        }
    }

    /// What is taken now, which is in these periods. One that has begun meanwhile begins here.
    fn taken(&mut self, bound: Bound<'_>, now: Moment, periods: Periods) -> u128 {
        let Bound { meter, limit, .. } = bound;
        match self.place(meter) {
            Place::Bucket(bucket) => {
                // Where the clock was put back, time goes on from there.
                bucket.at = bucket.at.min(now);
                bucket.level(limit.unwrap_or_default(), now)
            }
            Place::Sum(sum) => {
                let period = meter.period(periods);
                if sum.period != period {
                    *sum = Sum { period, amount: 0 };
                }
                sum.amount.into()
            }
            Place::Places(open) => (*open).into(),
        }
    }

    /// Take so much more of what [`taken`](Self::taken) was asked about at the same moment.
    fn take(&mut self, Taken { bound, taken }: &mut Taken<'_>, amount: u64, now: Moment) {
        let more = u128::from(amount);
        match self.place(bound.meter) {
            Place::Bucket(bucket) => {
                *taken = taken.saturating_add(more * u128::from(PER_UNIT));
                *bucket = Bucket { level: *taken, at: now };
            }
            Place::Sum(Sum { amount: count, .. }) | Place::Places(count) => {
                *taken = taken.saturating_add(more);
                *count = count.saturating_add(amount);
            }
        }
    }

    /// Count `to` instead of `from`, which was counted in these periods.
    fn change(&mut self, bound: Bound<'_>, from: u64, to: u64, periods: Periods, now: Moment) {
        let Bound { meter, limit, .. } = bound;
        match self.place(meter) {
            Place::Bucket(bucket) => {
                let (more, less) = (u128::from(to) * u128::from(PER_UNIT), u128::from(from) * u128::from(PER_UNIT));
                let level = bucket.level(limit.unwrap_or_default(), now);
                *bucket = Bucket { level: level.saturating_add(more).saturating_sub(less), at: now };
            }
            Place::Sum(sum) => {
                // What is settled in another period than it was reserved in changes the file alone.
                if sum.period == meter.period(periods) {
                    sum.amount = sum.amount.saturating_add(to).saturating_sub(from);
                }
            }
            Place::Places(open) => *open = open.saturating_add(to).saturating_sub(from),
        }
    }
}

impl Embedded {
    /// Counters that are kept in this file; without one, for as long as the process runs.
    ///
    /// # Errors
    /// When the file cannot be opened.
    pub fn open(path: Option<&Path>, on_failure: OnFailure, clock: Clock) -> Result<Self, String> {
        let mut accounts = Accounts::default();
        let Some(path) = path else {
            return Ok(Self { accounts: Mutex::default(), journal: None, on_failure, clock });
        };
        let (journal, kept) = Journal::open(path, clock.now(), GATHER)?;
        for Kept { account, meter, period, amount } in kept {
            if let Place::Sum(sum) = accounts.entry(account).or_default().place(meter) {
                *sum = Sum { period, amount };
            }
        }
        Ok(Self { accounts: Mutex::new(accounts), journal: Some(journal), on_failure, clock })
    }

    /// What is taken of these accounts.
    fn levels(&self, accounts: &[Account]) -> Vec<Level> {
        let mut counts = self.accounts();
        let now = self.clock.now();
        taken(&mut counts, accounts, now).iter().map(|taken| taken.level(now)).collect()
    }

    fn accounts(&self) -> MutexGuard<'_, Accounts> {
        self.accounts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Take these amounts, or say why not.
    ///
    /// # Errors
    /// When the file cannot be written, and nothing may pass without.
    pub fn reserve_now(&self, accounts: &Arc<[Account]>, amounts: Amounts) -> Result<Reserved, Unavailable> {
        if self.on_failure == OnFailure::Closed
            && let Some(why) = self.journal.as_ref().and_then(Journal::failure)
            && accounts.iter().flat_map(bounds).any(|bound| bound.meter.kind() == Kind::Sum)
        {
            return Err(Unavailable(why));
        }
        let mut counts = self.accounts();
        // Within the lock, or time would run backwards for whoever had to wait for it.
        let now = self.clock.now();
        let mut all = taken(&mut counts, accounts, now);
        if let Some(refusal) = judge(&all, amounts, now) {
            return Ok(Reserved::Refused(refusal, standing(&all, now)));
        }
        for account in accounts.iter() {
            let Some(counts) = counts.get_mut(&account.name) else { continue };
            for taken in all.iter_mut().filter(|taken| std::ptr::eq(taken.bound.account, account)) {
                let amount = taken.bound.meter.of().amount(amounts);
                counts.take(taken, amount, now);
            }
        }
        drop(counts);
        let number = self.write(accounts, Amounts::default(), amounts, now);
        let hold = Hold { id: Uuid::nil(), accounts: accounts.clone(), amounts, at: now, number };
        Ok(Reserved::Granted(hold, standing(&all, now)))
    }

    /// Let the file know of sums that have changed; gives the number to wait for.
    fn write(&self, accounts: &[Account], from: Amounts, to: Amounts, at: Moment) -> u64 {
        let Some(journal) = &self.journal else { return 0 };
        let (day, change) = (at.day(), Change::between(from, to));
        let changes = accounts.iter().filter_map(|account| {
            let change = change.lasting(account);
            (change != Change::default()).then(|| (account.name.clone(), day, change))
        });
        journal.add(changes)
    }
}

/// What is taken now of each bound.
fn taken<'a>(counts: &mut Accounts, accounts: &'a [Account], now: Moment) -> Vec<Taken<'a>> {
    let periods = now.periods();
    let mut all = Vec::with_capacity(accounts.len() * Meter::COUNT);
    for account in accounts {
        let counts = counts.entry(account.name.clone()).or_default();
        all.extend(bounds(account).map(|bound| Taken { bound, taken: counts.taken(bound, now, periods) }));
    }
    all
}

impl Counters for Embedded {
    fn taken<'a>(&'a self, accounts: &'a Arc<[Account]>) -> BoxFuture<'a, Result<Vec<Level>, Unavailable>> {
        ready(Ok(self.levels(accounts))).boxed()
    }

    fn reserve<'a>(
        &'a self,
        accounts: &'a Arc<[Account]>,
        amounts: Amounts,
    ) -> BoxFuture<'a, Result<Reserved, Unavailable>> {
        ready(self.reserve_now(accounts, amounts)).boxed()
    }

    fn settle(&self, hold: &mut Hold, amounts: Amounts, is_over: bool) {
        let periods = hold.at.periods();
        let mut counts = self.accounts();
        let now = self.clock.now();
        for account in hold.accounts.iter() {
            let Some(counts) = counts.get_mut(&account.name) else { continue };
            for bound in bounds(account) {
                let of = bound.meter.of();
                let (from, to) = match bound.meter.kind() {
                    Kind::Places => (1, u64::from(!is_over)),
                    Kind::Bucket | Kind::Sum => (of.amount(hold.amounts), of.amount(amounts)),
                };
                counts.change(bound, from, to, periods, now);
            }
        }
        drop(counts);
        let number = self.write(&hold.accounts, hold.amounts, amounts, hold.at);
        // What was reserved is written already, or is waited for: only what is more must be, too.
        if !amounts.is_within(hold.amounts) {
            // It may be more in something that is not written at all.
            hold.number = hold.number.max(number);
        }
        hold.amounts = amounts;
    }

    fn is_written(&self, number: u64) -> bool {
        self.journal.as_ref().is_none_or(|journal| journal.is_written(number))
    }

    fn all_written(&self) -> BoxFuture<'_, ()> {
        self.written(self.journal.as_ref().map_or(0, Journal::last))
    }

    fn written(&self, number: u64) -> BoxFuture<'_, ()> {
        match &self.journal {
            Some(journal) => journal.written(number).boxed(),
            None => ready(()).boxed(),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests;
