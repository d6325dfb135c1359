//! What callers may take: requests, tokens and money.

use std::ops::Add;
use std::sync::Arc;

use crate::money::Money;

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
