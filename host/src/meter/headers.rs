//! How a caller is told what is left, in the headers that its SDK knows.

use std::time::Duration;

use http::header::{HeaderName, HeaderValue};

use crate::dialect::Dialect;
use crate::store::counters::{Clock, Moment, Room, Standing};

/// Names of the headers about one kind of limit.
struct Names {
    limit: HeaderName,
    remaining: HeaderName,
    reset: HeaderName,
}

const fn names(limit: &'static str, remaining: &'static str, reset: &'static str) -> Names {
    Names {
        limit: HeaderName::from_static(limit),
        remaining: HeaderName::from_static(remaining),
        reset: HeaderName::from_static(reset),
    }
}

/// OpenAI's, which others took over.
static OPENAI: [Names; 2] = [
    names("x-ratelimit-limit-requests", "x-ratelimit-remaining-requests", "x-ratelimit-reset-requests"),
    names("x-ratelimit-limit-tokens", "x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens"),
];

static ANTHROPIC: [Names; 2] = [
    names(
        "anthropic-ratelimit-requests-limit",
        "anthropic-ratelimit-requests-remaining",
        "anthropic-ratelimit-requests-reset",
    ),
    names(
        "anthropic-ratelimit-tokens-limit",
        "anthropic-ratelimit-tokens-remaining",
        "anthropic-ratelimit-tokens-reset",
    ),
];

/// The headers in which a caller of this dialect looks for what is left. OpenAI says when all of it is there again as a
/// time from now, Anthropic as a moment.
#[must_use]
pub fn headers(dialect: Dialect, standing: &Standing) -> Vec<(HeaderName, HeaderValue)> {
    at(dialect, standing, Clock::default().now())
}

fn at(dialect: Dialect, standing: &Standing, now: Moment) -> Vec<(HeaderName, HeaderValue)> {
    let is_anthropic = dialect == Dialect::Anthropic;
    let names = if is_anthropic { &ANTHROPIC } else { &OPENAI };
    let mut headers = Vec::with_capacity(6);
    for (names, room) in names.iter().zip([standing.requests, standing.tokens]) {
        let Some(Room { limit, remaining, renews }) = room else { continue };
        let reset = if is_anthropic { renews.max(now).rfc3339() } else { span(now.until(renews)) };
        headers.push((names.limit.clone(), limit.into()));
        headers.push((names.remaining.clone(), remaining.into()));
        headers.extend(HeaderValue::from_str(&reset).ok().map(|reset| (names.reset.clone(), reset)));
    }
    headers
}

/// As long as `23h59m59.999s`.
const SPAN_BYTES_USUAL: usize = 13;

/// As `6m0s`, `1.5s`, `20ms`.
fn span(time: Duration) -> String {
    let (seconds, ms) = (time.as_secs(), time.subsec_millis());
    let mut text = String::with_capacity(SPAN_BYTES_USUAL);
    // Two of them go with each answer: `format!` would take longer than all else here.
    let mut say = |number: u64, unit: &str| {
        text.push_str(itoa::Buffer::new().format(number));
        text.push_str(unit);
    };
    if seconds == 0 {
        say(ms.into(), "ms");
        return text;
    }
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 {
        say(hours, "h");
    }
    if hours > 0 || minutes > 0 {
        say(minutes, "m");
    }
    say(seconds, "");
    if ms > 0 {
        // Three digits after a one that gives way to the point.
        let at = text.len();
        text.push_str(itoa::Buffer::new().format(1000 + ms));
        text.replace_range(at..=at, ".");
        text.truncate(text.trim_end_matches('0').len());
    }
    text.push('s');
    text
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_openai_writes_them() {
        for (ms, said) in [
            (0, "0ms"),
            (20, "20ms"),
            (1_000, "1s"),
            (1_500, "1.5s"),
            (59_999, "59.999s"),
            (360_000, "6m0s"),
            (86_399_050, "23h59m59.05s"),
        ] {
            assert_eq!(span(Duration::from_millis(ms)), said);
        }
    }

    #[test]
    fn each_dialect_has_its_own_headers() {
        let now = Moment(1_798_761_599_000);
        let room = Room { limit: 60, remaining: 59, renews: Moment(now.0 + 1_000) };
        let standing = Standing { requests: Some(room), tokens: Some(Room { limit: 9, remaining: 0, ..room }) };
        let said = |dialect| {
            let headers = at(dialect, &standing, now).into_iter();
            headers.map(|(name, value)| format!("{name}: {}", value.to_str().unwrap())).collect::<Vec<_>>()
        };
        assert_eq!(
            said(Dialect::OpenAi),
            [
                "x-ratelimit-limit-requests: 60",
                "x-ratelimit-remaining-requests: 59",
                "x-ratelimit-reset-requests: 1s",
                "x-ratelimit-limit-tokens: 9",
                "x-ratelimit-remaining-tokens: 0",
                "x-ratelimit-reset-tokens: 1s",
            ]
        );
        assert_eq!(
            said(Dialect::Anthropic),
            [
                "anthropic-ratelimit-requests-limit: 60",
                "anthropic-ratelimit-requests-remaining: 59",
                "anthropic-ratelimit-requests-reset: 2027-01-01T00:00:00Z",
                "anthropic-ratelimit-tokens-limit: 9",
                "anthropic-ratelimit-tokens-remaining: 0",
                "anthropic-ratelimit-tokens-reset: 2027-01-01T00:00:00Z",
            ]
        );
    }
}
