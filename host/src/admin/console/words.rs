//! How numbers, times and amounts are written for people.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::money::Money;

/// `312 µs`, `4.5 ms`, `1.23 s`, `2 min 5 s`, `5 h 12 min`, `3 days`.
pub(super) fn time(time: Duration) -> String {
    let us = time.as_micros();
    let seconds = time.as_secs_f64();
    match us {
        0..=999 => format!("{us} µs"),
        1_000..=9_999 => format!("{:.1} ms", seconds * 1e3),
        10_000..=999_999 => format!("{:.0} ms", seconds * 1e3),
        1_000_000..=59_999_999 => format!("{seconds:.2} s"),
        60_000_000..=7_199_999_999 => format!("{} min {} s", time.as_secs() / 60, time.as_secs() % 60),
        7_200_000_000..=172_799_999_999 => format!("{} h {} min", time.as_secs() / 3_600, time.as_secs() / 60 % 60),
        _ => format!("{} days", time.as_secs() / 86_400),
    }
}

/// What several have cost, of so many of which it is not known, or not all of it: `≥ $1.20`, or `?`.
pub(super) fn spent(known: Money, unknown: u64) -> String {
    match (unknown, known) {
        (0, known) => money(known),
        (_, Money::ZERO) => "?".to_owned(),
        (_, known) => format!("≥ {}", money(known)),
    }
}

/// `$0`, `$0.000125`, `$1.20`: as many digits as say something.
pub(super) fn money(money: Money) -> String {
    let dollars = money.dollars();
    let digits = match money.nanodollars() {
        0 => return "$0".to_owned(),
        1..=999 => return "<$0.000001".to_owned(),
        1_000..=999_999 => 6,
        1_000_000..=999_999_999 => 4,
        _ => 2,
    };
    format!("${dollars:.digits$}")
}

/// `950`, `12.3k`, `4.56M`, `1.2G`.
pub(super) fn count(count: u64) -> String {
    // Near enough for people.
    #[allow(clippy::cast_precision_loss)]
    let number = count as f64;
    match count {
        0..=9_999 => count.to_string(),
        10_000..=999_999 => format!("{:.1}k", number / 1e3),
        1_000_000..=999_999_999 => format!("{:.2}M", number / 1e6),
        _ => format!("{:.1}G", number / 1e9),
    }
}

/// `512 B`, `1.3 MiB`.
pub(super) fn bytes(bytes: u64) -> String {
    #[allow(clippy::cast_precision_loss)]
    let number = bytes as f64;
    match bytes {
        0..=1_023 => format!("{bytes} B"),
        1_024..=1_048_575 => format!("{:.1} KiB", number / 1024.0),
        1_048_576..=1_073_741_823 => format!("{:.1} MiB", number / 1_048_576.0),
        _ => format!("{:.1} GiB", number / 1_073_741_824.0),
    }
}

/// `12 %` of something; nothing of nothing.
pub(super) fn share(part: u64, all: u64) -> String {
    if all == 0 {
        return "–".to_owned();
    }
    // Near enough for people.
    #[allow(clippy::cast_precision_loss)]
    let percent = 100.0 * part as f64 / all as f64;
    if percent > 0.0 && percent < 10.0 { format!("{percent:.1} %") } else { format!("{percent:.0} %") }
}

/// Milliseconds since 1970 as `2026-11-29 14:55:01` in UTC.
pub(super) fn moment(ms: u64) -> String {
    let at = UNIX_EPOCH + Duration::from_secs(ms / 1_000);
    humantime::format_rfc3339_seconds(at).to_string().replace('T', " ").replace('Z', "")
}

/// How long ago that was: `12 s ago`, `3 h ago`.
pub(super) fn ago(ms: u64, now: SystemTime) -> String {
    let then = UNIX_EPOCH + Duration::from_millis(ms);
    let seconds = now.duration_since(then).unwrap_or_default().as_secs();
    match seconds {
        0..=1 => "just now".to_owned(),
        2..=119 => format!("{seconds} s ago"),
        120..=7_199 => format!("{} min ago", seconds / 60),
        7_200..=172_799 => format!("{} h ago", seconds / 3_600),
        _ => format!("{} days ago", seconds / 86_400),
    }
}

/// A text as one element of a path.
pub(super) fn in_path(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_as_many_digits_as_say_something() {
        let times = [0, 999, 1_500, 45_200, 1_230_000, 125_000_000].map(|us| time(Duration::from_micros(us)));
        assert_eq!(times, ["0 µs", "999 µs", "1.5 ms", "45 ms", "1.23 s", "2 min 5 s"]);
        assert_eq!(
            [7_199, 18_720, 259_200].map(|seconds| time(Duration::from_secs(seconds))),
            ["119 min 59 s", "5 h 12 min", "3 days"]
        );
        let amounts = [0, 125_000, 12_345_678, 1_200_000_000].map(|nano| money(Money::from_nanodollars(nano)));
        assert_eq!(amounts, ["$0", "$0.000125", "$0.0123", "$1.20"]);
        assert_eq!([950, 12_345, 4_560_000].map(count), ["950", "12.3k", "4.56M"]);
        assert_eq!([512, 1_536, 1_363_149].map(bytes), ["512 B", "1.5 KiB", "1.3 MiB"]);
        assert_eq!([share(0, 0), share(1, 50), share(1, 2), share(0, 9)], ["–", "2.0 %", "50 %", "0 %"]);
        assert_eq!(moment(1_000), "1970-01-01 00:00:01");
        let now = UNIX_EPOCH + Duration::from_secs(10_000);
        assert_eq!([10_000_000, 9_950_000, 5_000_000].map(|ms| ago(ms, now)), ["just now", "50 s ago", "83 min ago"]);
    }
}
