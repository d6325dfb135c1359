//! A second of the calendar, in UTC: when a key was made, when it expires.

use std::fmt;
use std::str::FromStr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Seconds since 1970, within the years that RFC 3339 can write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(u64);

/// The last second of the year 9999.
const LAST: u64 = 253_402_300_799;

/// A time in milliseconds since 1970, and 0 for what was before.
pub(crate) fn milliseconds_since_1970(at: SystemTime) -> u64 {
    let since = at.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// What the clock says, in milliseconds since 1970.
pub(crate) fn now_ms() -> u64 {
    milliseconds_since_1970(SystemTime::now())
}

impl Moment {
    /// This second.
    #[must_use]
    pub fn now() -> Self {
        // A clock that stands before 1970 is no reason to stop.
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self::from_seconds(since.as_secs())
    }

    /// So many seconds after the beginning of 1970; the last second that can be written if they are more.
    #[must_use]
    pub fn from_seconds(seconds: u64) -> Self {
        Self(seconds.min(LAST))
    }

    /// Seconds since the beginning of 1970.
    #[must_use]
    pub fn seconds(self) -> u64 {
        self.0
    }

    /// So much earlier, but not before 1970.
    #[must_use]
    pub fn before(self, time: Duration) -> Self {
        Self(self.0.saturating_sub(time.as_secs()))
    }

    /// How long it is until `later`; nothing if that is past.
    #[must_use]
    pub fn until(self, later: Self) -> Duration {
        Duration::from_secs(later.0.saturating_sub(self.0))
    }

    /// So much later.
    #[must_use]
    pub fn after(self, time: Duration) -> Self {
        Self::from_seconds(self.0.saturating_add(time.as_secs()))
    }
}

impl Moment {
    /// From a time as RFC 3339 has it, in UTC, or from how long ago it was: `90d`, `12h 30m`.
    ///
    /// # Errors
    /// When it is neither.
    pub fn in_the_past(text: &str) -> Result<Self, NotAMoment> {
        match humantime::parse_duration(text) {
            Ok(time) => Ok(Self::now().before(time)),
            Err(_) => text.parse(),
        }
    }
}

/// As RFC 3339 has it: `2027-01-31T00:00:00Z`.
impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        humantime::format_rfc3339_seconds(UNIX_EPOCH + Duration::from_secs(self.0)).fmt(f)
    }
}

/// A text is no moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotAMoment;

impl fmt::Display for NotAMoment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("is neither a time as \"2027-01-31T00:00:00Z\" nor for how long, as \"90d\" or \"12h\"")
    }
}

impl std::error::Error for NotAMoment {}

/// From a time as RFC 3339 has it, in UTC, or from how long it is from now: `90d`, `12h 30m`.
impl FromStr for Moment {
    type Err = NotAMoment;

    fn from_str(text: &str) -> Result<Self, NotAMoment> {
        if let Ok(time) = humantime::parse_duration(text) {
            return Ok(Self::now().after(time));
        }
        let time = humantime::parse_rfc3339(text).map_err(|_| NotAMoment)?;
        let since = time.duration_since(UNIX_EPOCH).map_err(|_| NotAMoment)?;
        Ok(Self::from_seconds(since.as_secs()))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_reads_as_it_is_written() {
        for text in ["1970-01-01T00:00:00Z", "2027-01-31T23:59:59Z", "9999-12-31T23:59:59Z"] {
            assert_eq!(text.parse::<Moment>().unwrap().to_string(), text);
        }
        assert_eq!(Moment::from_seconds(u64::MAX).to_string(), "9999-12-31T23:59:59Z");
        for text in ["", "soon", "2027-01-31", "1969-12-31T23:59:59Z", "2027-13-01T00:00:00Z", "-1d"] {
            assert_eq!(text.parse::<Moment>(), Err(NotAMoment), "{text}");
        }
    }

    #[test]
    fn a_time_from_now_is_after_now() {
        let (now, later) = (Moment::now(), "1d".parse::<Moment>().unwrap());
        assert!((86_400..86_410).contains(&(later.seconds() - now.seconds())));
    }
}
