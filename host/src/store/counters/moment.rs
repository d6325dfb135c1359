//! Points in time as the counters know them: days and months are those of UTC.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use time::format_description::well_known::Rfc3339;
use time::{Date, OffsetDateTime};

use crate::moment::now_ms;

/// Milliseconds since 1970.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(pub u64);

const DAY_MS: u64 = 86_400_000;

/// The day and the month of a moment, counted as [`Moment::day`] and [`Moment::month`] are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Periods {
    pub(super) day: u64,
    pub(super) month: u64,
}

impl Moment {
    /// What sums of this moment belong to.
    pub(super) fn periods(self) -> Periods {
        Periods { day: self.day(), month: self.month() }
    }

    /// The day, counted from the first of 1970.
    #[must_use]
    pub fn day(self) -> u64 {
        self.0 / DAY_MS
    }

    /// The first moment of a day, counted like that.
    #[must_use]
    pub fn of_day(day: u64) -> Self {
        Self(day.saturating_mul(DAY_MS))
    }

    /// The month, counted from the year 0.
    #[must_use]
    pub fn month(self) -> u64 {
        let date = self.date_time().date();
        let year = u64::try_from(date.year()).unwrap_or_default();
        year * 12 + u64::from(u8::from(date.month())) - 1
    }

    /// The first moment of the next day.
    #[must_use]
    pub fn next_day(self) -> Self {
        Self::of_day(self.day().saturating_add(1))
    }

    /// The first moment of the next month.
    #[must_use]
    pub fn next_month(self) -> Self {
        let date = self.date_time().date();
        let month = date.month().next();
        let year = date.year() + i32::from(u8::from(month) == 1);
        let first = Date::from_calendar_date(year, month, 1).ok();
        let seconds = first.and_then(|first| u64::try_from(first.midnight().assume_utc().unix_timestamp()).ok());
        seconds.map_or(self, |seconds| Self(seconds * 1000))
    }

    /// How long it is until `later`; nothing if that is past.
    #[must_use]
    pub fn until(self, later: Self) -> Duration {
        Duration::from_millis(later.0.saturating_sub(self.0))
    }

    /// So much later.
    #[must_use]
    pub fn after(self, time: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(time.as_millis()).unwrap_or(u64::MAX)))
    }

    /// As in RFC 3339, to the second, rounded up.
    #[must_use]
    pub fn rfc3339(self) -> String {
        Self(self.0.div_ceil(1000).saturating_mul(1000)).date_time().format(&Rfc3339).unwrap_or_default()
    }

    fn date_time(self) -> OffsetDateTime {
        let seconds = i64::try_from(self.0 / 1000).unwrap_or_default();
        // A clock that says another millennium is wrong, and no reason to stop.
        OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH)
    }
}

impl std::ops::Add<Duration> for Moment {
    type Output = Self;

    fn add(self, time: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(time.as_millis()).unwrap_or(u64::MAX)))
    }
}

/// Says what time it is: the system's clock, or another one in tests.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> Moment + Send + Sync>);

impl Clock {
    /// A clock that asks this.
    #[must_use]
    pub fn new(now: impl Fn() -> Moment + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    /// What it says.
    #[must_use]
    pub fn now(&self) -> Moment {
        self.0()
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::new(|| Moment(now_ms()))
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The last second of February 2028, which is a leap year.
    const LEAP_DAY: Moment = Moment(1_835_481_599_000);

    #[test]
    fn months_are_those_of_the_calendar() {
        assert_eq!(LEAP_DAY.rfc3339(), "2028-02-29T23:59:59Z");
        assert_eq!(LEAP_DAY.month(), 2028 * 12 + 1);
        assert_eq!(LEAP_DAY.next_month().rfc3339(), "2028-03-01T00:00:00Z");
        assert_eq!(LEAP_DAY.next_day(), LEAP_DAY.next_month());
        assert_eq!(LEAP_DAY.next_month().month(), LEAP_DAY.month() + 1);
        let december = Moment(1_798_761_599_999);
        assert_eq!(december.next_month().rfc3339(), "2027-01-01T00:00:00Z");
        assert_eq!(december.rfc3339(), "2027-01-01T00:00:00Z");
        assert_eq!(december.next_month().month(), december.month() + 1);
    }

    #[test]
    fn a_clock_that_is_far_off_breaks_nothing() {
        let far = Moment(u64::MAX);
        assert_eq!((far.month(), far.until(Moment(0))), (1970 * 12, Duration::ZERO));
        assert_eq!(far.next_day(), far);
        assert_eq!(far + Duration::MAX, far);
        assert!(!far.rfc3339().is_empty());
    }
}
