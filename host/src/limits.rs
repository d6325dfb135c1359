//! What callers may take: requests, tokens and money.

use std::ops::Add;
use std::sync::Arc;

use crate::money::Money;

/// The largest limit: stores that count in doubles are exact up to here, a minute in milliseconds included.
pub const LIMIT_MAX: u64 = 10_000_000_000;
/// The largest budget, for the same reason.
pub const BUDGET_MAX: Money = Money::from_nanodollars(9_000_000_000_000_000);

/// How much a key or a tenant may ask for; nothing where there is no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Requests in a minute.
    pub requests_per_minute: Option<u64>,
    /// Requests in a day.
    pub requests_per_day: Option<u64>,
    /// Tokens in a minute, of requests and answers together.
    pub tokens_per_minute: Option<u64>,
    /// Tokens in a day, of requests and answers together.
    pub tokens_per_day: Option<u64>,
    /// Exchanges at the same time.
    pub concurrent: Option<u64>,
}

/// How much a key or a tenant may spend; nothing where there is no bound. Days and months are those of UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Budget {
    /// In a day.
    pub day: Option<Money>,
    /// In a month of the calendar.
    pub month: Option<Money>,
    /// In all.
    pub total: Option<Money>,
}

impl Limits {
    /// Look whether all of them can be kept.
    ///
    /// # Errors
    /// The field that is wrong, and why.
    pub fn check(&self) -> Result<(), (&'static str, String)> {
        let all = [
            ("limits.requests_per_minute", self.requests_per_minute),
            ("limits.requests_per_day", self.requests_per_day),
            ("limits.tokens_per_minute", self.tokens_per_minute),
            ("limits.tokens_per_day", self.tokens_per_day),
            ("limits.concurrent", self.concurrent),
        ];
        let wrong = all.into_iter().find(|(_, limit)| limit.is_some_and(|limit| !(1..=LIMIT_MAX).contains(&limit)));
        wrong.map_or(Ok(()), |(field, _)| Err((field, format!("must be from 1 to {LIMIT_MAX}"))))
    }
}

impl Budget {
    /// Look whether all of it can be kept.
    ///
    /// # Errors
    /// The field that is wrong, and why.
    pub fn check(&self) -> Result<(), (&'static str, String)> {
        let all = [("budget.day", self.day), ("budget.month", self.month), ("budget.total", self.total)];
        let wrong = all.into_iter().find(|(_, most)| most.is_some_and(|most| !is_budget(most)));
        wrong.map_or(Ok(()), |(field, _)| Err((field, format!("must be more than 0 and at most {BUDGET_MAX} dollars"))))
    }
}

/// Whether this can be a budget: one of nothing would let nothing pass, not even what costs nothing.
#[must_use]
pub fn is_budget(money: Money) -> bool {
    money > Money::ZERO && money <= BUDGET_MAX
}

/// Somebody whose limits and budget an exchange has to keep to: a key, a tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// What its counters are kept under: `key:ID` or `tenant:NAME`.
    pub name: Arc<str>,
    /// How much it may ask for.
    pub limits: Limits,
    /// How much it may spend.
    pub budget: Budget,
}

impl Account {
    /// Whether there is anything to count.
    #[must_use]
    pub fn is_bounded(&self) -> bool {
        self.limits != Limits::default() || self.budget != Budget::default()
    }

    /// The same for what is no request of its own, but takes tokens and money.
    #[must_use]
    pub(crate) fn without_requests(self) -> Self {
        let limits = Limits { requests_per_minute: None, requests_per_day: None, concurrent: None, ..self.limits };
        Self { limits, ..self }
    }

    /// Who is meant, in words that a caller may read: the name holds the id of a key.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        if self.name.starts_with("key:") { "key" } else { "tenant" }
    }
}

/// What an exchange takes, as an estimate or as it turned out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Amounts {
    /// Requests: one, or none if no provider was asked.
    pub requests: u64,
    /// Tokens, of the request and the answer together.
    pub tokens: u64,
    /// What they cost.
    pub money: Money,
}

/// The largest amount that is counted. Stores that count in doubles are exact up to here.
const AMOUNT_MAX: u64 = 1 << 53;

impl Amounts {
    /// Of each the larger one.
    #[must_use]
    pub fn or_more(self, other: Self) -> Self {
        Self {
            requests: self.requests.max(other.requests),
            tokens: self.tokens.max(other.tokens),
            money: self.money.max(other.money),
        }
    }

    /// Of tokens and money a quarter more.
    #[must_use]
    pub fn and_a_quarter(self) -> Self {
        let more = |amount: u64| amount.saturating_add(amount / 4);
        let money = Money::from_nanodollars(more(self.money.nanodollars()));
        Self { requests: self.requests, tokens: more(self.tokens), money }
    }

    /// Whether all of it is within `other`.
    #[must_use]
    pub fn is_within(self, other: Self) -> bool {
        self.or_more(other) == other
    }

    /// The same, with nothing that is too large to be counted.
    #[must_use]
    pub fn countable(self) -> Self {
        let Self { requests, tokens, money } = self;
        let money = money.min(Money::from_nanodollars(AMOUNT_MAX));
        Self { requests: requests.min(AMOUNT_MAX), tokens: tokens.min(AMOUNT_MAX), money }
    }
}

impl Add for Amounts {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            requests: self.requests.saturating_add(other.requests),
            tokens: self.tokens.saturating_add(other.tokens),
            money: self.money + other.money,
        }
    }
}
