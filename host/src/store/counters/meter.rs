//! What is counted of an account, and how.

use super::moment::{Moment, Periods};
use crate::limits::{Account, Amounts, Budget};
use crate::money::Money;

/// One thing that is counted of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Meter {
    /// Requests in a minute.
    RequestsPerMinute,
    /// Requests in a day.
    RequestsPerDay,
    /// Tokens in a minute.
    TokensPerMinute,
    /// Tokens in a day.
    TokensPerDay,
    /// Exchanges at the same time.
    Concurrent,
    /// Money in a day.
    MoneyPerDay,
    /// Money in a month.
    MoneyPerMonth,
    /// Money in all.
    MoneyInAll,
}

/// How a meter counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A bucket that a minute fills, evenly: what was taken drains away again. This is how the providers limit minutes;
    /// nobody has to wait longer than until there is enough for one request, and a minute that begins does not let twice
    /// as much through at once.
    Bucket,
    /// A sum that begins anew with each period.
    Sum,
    /// Places that are taken and given back.
    Places,
}

/// What of an exchange a meter counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Of {
    Requests,
    Tokens,
    Money,
    Exchanges,
}

impl Meter {
    /// How many there are.
    pub(super) const COUNT: usize = 8;
    /// All that are kept in the file of the embedded store.
    pub(super) const LASTING: [Self; 5] =
        [Self::RequestsPerDay, Self::TokensPerDay, Self::MoneyPerDay, Self::MoneyPerMonth, Self::MoneyInAll];

    /// The word for it in stores and in the log; for limits, that of the configuration.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::RequestsPerMinute => "requests_per_minute",
            Self::RequestsPerDay => "requests_per_day",
            Self::TokensPerMinute => "tokens_per_minute",
            Self::TokensPerDay => "tokens_per_day",
            Self::Concurrent => "concurrent",
            Self::MoneyPerDay => "money_per_day",
            Self::MoneyPerMonth => "money_per_month",
            Self::MoneyInAll => "money_in_all",
        }
    }

    /// The bound in words for a caller.
    #[must_use]
    pub fn says(self, limit: u64) -> String {
        let money = Money::from_nanodollars(limit);
        match self {
            Self::RequestsPerMinute => format!("{limit} requests a minute"),
            Self::RequestsPerDay => format!("{limit} requests a day"),
            Self::TokensPerMinute => format!("{limit} tokens a minute"),
            Self::TokensPerDay => format!("{limit} tokens a day"),
            Self::Concurrent => format!("{limit} requests at the same time"),
            Self::MoneyPerDay => format!("{money} dollars a day"),
            Self::MoneyPerMonth => format!("{money} dollars a month"),
            Self::MoneyInAll => format!("{money} dollars in all"),
        }
    }

    /// Whether it is a budget rather than a limit.
    #[must_use]
    pub fn is_budget(self) -> bool {
        self.of() == Of::Money
    }

    pub(super) fn kind(self) -> Kind {
        match self {
            Self::RequestsPerMinute | Self::TokensPerMinute => Kind::Bucket,
            Self::Concurrent => Kind::Places,
            Self::RequestsPerDay | Self::TokensPerDay | Self::MoneyPerDay | Self::MoneyPerMonth | Self::MoneyInAll => {
                Kind::Sum
            }
        }
    }

    pub(super) fn of(self) -> Of {
        match self {
            Self::RequestsPerMinute | Self::RequestsPerDay => Of::Requests,
            Self::TokensPerMinute | Self::TokensPerDay => Of::Tokens,
            Self::MoneyPerDay | Self::MoneyPerMonth | Self::MoneyInAll => Of::Money,
            Self::Concurrent => Of::Exchanges,
        }
    }

    /// That of these periods which a sum belongs to; 0 where there are none.
    pub(super) fn period(self, at: Periods) -> u64 {
        match self {
            Self::RequestsPerDay | Self::TokensPerDay | Self::MoneyPerDay => at.day,
            Self::MoneyPerMonth => at.month,
            Self::MoneyInAll | Self::RequestsPerMinute | Self::TokensPerMinute | Self::Concurrent => 0,
        }
    }

    /// When a sum begins anew, if it ever does.
    pub(super) fn renews(self, at: Moment) -> Option<Moment> {
        match self {
            Self::RequestsPerDay | Self::TokensPerDay | Self::MoneyPerDay => Some(at.next_day()),
            Self::MoneyPerMonth => Some(at.next_month()),
            Self::MoneyInAll | Self::RequestsPerMinute | Self::TokensPerMinute | Self::Concurrent => None,
        }
    }
}

impl Of {
    pub(super) fn amount(self, amounts: Amounts) -> u64 {
        match self {
            Self::Requests => amounts.requests,
            Self::Tokens => amounts.tokens,
            Self::Money => amounts.money.nanodollars(),
            Self::Exchanges => 1,
        }
    }
}

/// A meter of an account, with what it may come to. Money is counted in all its periods as soon as there is any budget:
/// one that is set in the middle of a month knows what the month has cost.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bound<'a> {
    pub(super) account: &'a Account,
    pub(super) meter: Meter,
    pub(super) limit: Option<u64>,
}

/// All that is to be counted of an account, in a fixed order.
pub(super) fn bounds(account: &Account) -> impl Iterator<Item = Bound<'_>> {
    let (limits, Budget { day, month, total }) = (account.limits, account.budget);
    let is_budgeted = account.budget != Budget::default();
    let money = |most: Option<Money>| most.map(Money::nanodollars);
    let all = [
        (Meter::RequestsPerMinute, limits.requests_per_minute),
        (Meter::RequestsPerDay, limits.requests_per_day),
        (Meter::TokensPerMinute, limits.tokens_per_minute),
        (Meter::TokensPerDay, limits.tokens_per_day),
        (Meter::Concurrent, limits.concurrent),
        (Meter::MoneyPerDay, money(day)),
        (Meter::MoneyPerMonth, money(month)),
        (Meter::MoneyInAll, money(total)),
    ];
    let counts = move |(meter, limit): &(Meter, Option<u64>)| limit.is_some() || (is_budgeted && meter.is_budget());
    all.into_iter().filter(counts).map(move |(meter, limit)| Bound { account, meter, limit })
}
