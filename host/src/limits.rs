//! What callers may take: requests, tokens and money.

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
