//! Whether there is room for what an exchange wants, and how long it has to wait if there is none. The script of the
//! shared store decides by the same rule; what it found is put into words here.

use std::sync::Arc;
use std::time::Duration;

use super::meter::{Bound, Kind, Meter, Of};
use super::moment::Moment;
use crate::limits::Amounts;

/// What a bucket counts in: a request or token is this much, and each millisecond drains as much as the limit is. So
/// whole numbers are exact, whatever the limit.
pub(super) const PER_UNIT: u64 = 60_000;
/// How long to wait for a place: nobody knows when one is free.
const FOR_A_PLACE: Duration = Duration::from_secs(1);

/// Why there is no room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The account whose bound it is.
    pub account: Arc<str>,
    /// Who that is, in words that a caller may read.
    pub whose: &'static str,
    /// What there is not enough of.
    pub meter: Meter,
    /// What it may come to.
    pub limit: u64,
    /// When there is enough of it, if ever.
    pub wait: Option<Duration>,
}

/// How much room the tightest account leaves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// For requests.
    pub requests: Option<Room>,
    /// For tokens.
    pub tokens: Option<Room>,
}

/// How much room there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// What the meter may come to.
    pub limit: u64,
    /// What is left of that.
    pub remaining: u64,
    /// When all of it is there again.
    pub renews: Moment,
}

/// How much is taken of a bound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Level {
    /// Whose bound it is.
    pub account: Arc<str>,
    /// What is counted.
    pub meter: Meter,
    /// What it may come to; nothing where it is only counted.
    pub limit: Option<u64>,
    /// What it comes to: requests, tokens, exchanges, or billionths of a dollar.
    pub taken: u64,
    /// When a sum begins anew.
    pub renews: Option<Duration>,
}

/// What is taken of a bound at the moment: of a bucket, in its own small units.
#[derive(Clone, Copy, Debug)]
pub(super) struct Taken<'a> {
    pub(super) bound: Bound<'a>,
    pub(super) taken: u128,
}

impl Taken<'_> {
    fn unit(&self) -> u128 {
        if self.bound.meter.kind() == Kind::Bucket { PER_UNIT.into() } else { 1 }
    }

    pub(super) fn level(&self, now: Moment) -> Level {
        let Bound { account, meter, limit } = self.bound;
        let taken = u64::try_from(self.taken.div_ceil(self.unit())).unwrap_or(u64::MAX);
        let renews = meter.renews(now).map(|then| now.until(then));
        Level { account: account.name.clone(), meter, limit, taken, renews }
    }

    /// Whether there is room. What is used up lets nothing pass, not even what is thought to cost nothing.
    fn has_room(&self, amounts: Amounts) -> bool {
        let Bound { meter, limit: Some(limit), .. } = self.bound else { return true };
        let most = u128::from(limit) * self.unit();
        let wanted = u128::from(meter.of().amount(amounts)) * self.unit();
        self.taken < most && self.taken.saturating_add(wanted) <= most
    }

    /// Why there is no room, where there is a limit.
    fn refusal(&self, amounts: Amounts, now: Moment) -> Option<Refusal> {
        let Bound { account, meter, limit: Some(limit) } = self.bound else { return None };
        let amount = meter.of().amount(amounts);
        let (most, wanted) = (u128::from(limit) * self.unit(), u128::from(amount) * self.unit());
        let wait = match meter.kind() {
            _ if amount > limit => None,
            Kind::Bucket => {
                let too_much = self.taken.saturating_add(wanted.max(1)).saturating_sub(most);
                let ms =
                    too_much.checked_div(limit.into()).map(|ms| ms + u128::from(ms * u128::from(limit) < too_much));
                ms.map(|ms| Duration::from_millis(u64::try_from(ms).unwrap_or(u64::MAX)))
            }
            Kind::Sum => meter.renews(now).map(|then| now.until(then)),
            Kind::Places => Some(FOR_A_PLACE),
        };
        Some(Refusal { account: account.name.clone(), whose: account.kind(), meter, limit, wait })
    }

    fn room(&self, now: Moment) -> Option<Room> {
        let Bound { meter, limit: Some(limit), .. } = self.bound else { return None };
        let left = (u128::from(limit) * self.unit()).saturating_sub(self.taken);
        let number = |number: u128| u64::try_from(number).unwrap_or(u64::MAX);
        let (remaining, renews) = match meter.kind() {
            Kind::Bucket => {
                let ms = self.taken.div_ceil(u128::from(limit.max(1)));
                (number(left / u128::from(PER_UNIT)), now + Duration::from_millis(number(ms)))
            }
            Kind::Sum | Kind::Places => (number(left), meter.renews(now).unwrap_or(now)),
        };
        Some(Room { limit, remaining, renews })
    }
}

/// Whether all of this has room for `amounts`. If not, the bound that takes the longest to have it is the reason: who
/// waits for that waits but once.
pub(super) fn judge(all: &[Taken<'_>], amounts: Amounts, now: Moment) -> Option<Refusal> {
    let full = all.iter().filter(|taken| !taken.has_room(amounts));
    let refusals = full.filter_map(|taken| taken.refusal(amounts, now));
    refusals.max_by_key(|refusal| refusal.wait.unwrap_or(Duration::MAX))
}

/// How much room there is, where it is the least.
pub(super) fn standing(all: &[Taken<'_>], now: Moment) -> Standing {
    let tightest = |of: Of| {
        let rooms = all.iter().filter(|taken| taken.bound.meter.of() == of).filter_map(|taken| taken.room(now));
        rooms.min_by_key(|room| (room.remaining, std::cmp::Reverse(room.renews)))
    };
    Standing { requests: tightest(Of::Requests), tokens: tightest(Of::Tokens) }
}
