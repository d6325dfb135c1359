//! Where an exchange stands in a trace, as W3C Trace Context has it: <https://www.w3.org/TR/trace-context-2/>.

use std::fmt;
use std::sync::Arc;

use http::header::{HeaderMap, HeaderName, HeaderValue};

/// The header that says which span a request belongs to.
pub(crate) const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
/// The header in which tracing systems say more of a trace, each in its own words.
const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");
/// Bytes of it that are kept: as many as the recommendation wants to be passed on.
const STATE_BYTES_MAX: usize = 512;
/// The flag by which whoever began a trace says that it is recorded.
const SAMPLED: u8 = 1;

/// What a trace is called by; never all zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceId([u8; 16]);

/// What a span of a trace is called by; never all zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpanId([u8; 8]);

/// Where an exchange stands in a trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    /// The trace.
    pub id: TraceId,
    /// The exchange's own span.
    pub span: SpanId,
    /// The span that this one is a child of: the caller's, or that of the exchange which it is part of.
    pub parent: Option<SpanId>,
    /// Whether it is recorded.
    pub is_sampled: bool,
    /// What tracing systems have said of the trace. It is for the collector alone: a caller can write any text there.
    pub state: Option<Arc<str>>,
}

impl Trace {
    /// The caller's, if it says that it has one; else a new one, of which this part is recorded.
    #[must_use]
    pub fn of(headers: &HeaderMap, ratio: f64) -> Self {
        Self::continued(headers).unwrap_or_else(|| Self::begin(ratio))
    }

    /// A new one. Which of them are recorded follows from their ids, so that others who go by the same rule agree.
    #[must_use]
    pub fn begin(ratio: f64) -> Self {
        let id = TraceId::new();
        Self { id, span: SpanId::new(), parent: None, is_sampled: id.is_among(ratio), state: None }
    }

    fn continued(headers: &HeaderMap) -> Option<Self> {
        let mut given = headers.get_all(TRACEPARENT).iter();
        let (Some(given), None) = (given.next(), given.next()) else { return None };
        let (id, parent, flags) = read(given.as_bytes())?;
        let is_sampled = flags & SAMPLED != 0;
        Some(Self { id, span: SpanId::new(), parent: Some(parent), is_sampled, state: state(headers) })
    }

    /// That of an exchange which is part of this one.
    #[must_use]
    pub fn within(&self) -> Self {
        Self { span: SpanId::new(), parent: Some(self.span), ..self.clone() }
    }

    /// What somebody is told who is asked for this span.
    #[must_use]
    pub fn parent_of(&self, span: SpanId) -> Option<HeaderValue> {
        let flags = if self.is_sampled { SAMPLED } else { 0 };
        HeaderValue::try_from(format!("00-{}-{span}-{flags:02x}", self.id)).ok()
    }
}

/// The parts of a `traceparent`: `00-TRACE-SPAN-FLAGS`. Later versions may have more behind them.
fn read(text: &[u8]) -> Option<(TraceId, SpanId, u8)> {
    let (known, more) = text.split_at_checked("00-".len() + 32 + "-".len() + 16 + "-00".len())?;
    let mut parts = known.split(|byte| *byte == b'-');
    let [version] = digits(parts.next()?)?;
    let (id, span) = (digits(parts.next()?)?, digits(parts.next()?)?);
    let [flags] = digits(parts.next()?)?;
    let is_whole = if version == 0 { more.is_empty() } else { more.first().is_none_or(|byte| *byte == b'-') };
    let is_it = is_whole && version != 0xff && parts.next().is_none() && id != [0; 16] && span != [0; 8];
    is_it.then_some((TraceId(id), SpanId(span), flags))
}

/// Bytes as hexadecimal digits, of which only the small ones count.
fn digits<const BYTES: usize>(text: &[u8]) -> Option<[u8; BYTES]> {
    let mut bytes = [0; BYTES];
    let are_small = !text.iter().any(u8::is_ascii_uppercase);
    (are_small && hex::decode_to_slice(text, &mut bytes).is_ok()).then_some(bytes)
}

fn state(headers: &HeaderMap) -> Option<Arc<str>> {
    let given: Vec<&str> =
        headers.get_all(TRACESTATE).iter().map(HeaderValue::to_str).collect::<Result<_, _>>().ok()?;
    let state = given.join(",");
    (!state.is_empty() && state.len() <= STATE_BYTES_MAX).then(|| state.into())
}

impl TraceId {
    fn new() -> Self {
        // All zero comes as often as any other, which is never.
        Self(rand::random())
    }

    fn is_among(self, ratio: f64) -> bool {
        let [.., a, b, c, d] = self.0;
        f64::from(u32::from_be_bytes([a, b, c, d])) < ratio * 2_f64.powi(32)
    }

    /// Its bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl SpanId {
    /// A new one.
    #[must_use]
    pub fn new() -> Self {
        Self(rand::random())
    }

    /// Its bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl Default for SpanId {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        hex_of(&self.0, &mut [0; 32], f)
    }
}

impl fmt::Display for SpanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        hex_of(&self.0, &mut [0; 16], f)
    }
}

/// Write these bytes; the digits have room for them.
fn hex_of(bytes: &[u8], digits: &mut [u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    hex::encode_to_slice(bytes, digits).map_err(|_| fmt::Error)?;
    f.write_str(str::from_utf8(digits).map_err(|_| fmt::Error)?)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn headers(given: &[(&'static str, &str)]) -> HeaderMap {
        let value = |text: &str| HeaderValue::from_str(text).unwrap();
        let mut headers = HeaderMap::new();
        for (name, text) in given {
            headers.append(*name, value(text));
        }
        headers
    }

    #[test]
    fn the_callers_trace_goes_on() {
        let trace = Trace::of(&headers(&[("traceparent", PARENT), ("tracestate", "a=1"), ("tracestate", "b=2")]), 0.0);
        assert_eq!(trace.id.to_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_eq!(trace.parent.unwrap().to_string(), "00f067aa0ba902b7");
        assert_eq!((trace.is_sampled, trace.state.as_deref()), (true, Some("a=1,b=2")));
        let told = trace.parent_of(trace.span).unwrap();
        assert_eq!(told, format!("00-{}-{}-01", trace.id, trace.span));
        let again = Trace::of(&headers(&[("traceparent", told.to_str().unwrap())]), 0.0);
        assert_eq!((again.id, again.parent), (trace.id, Some(trace.span)));
    }

    #[test]
    fn what_is_not_recorded_stays_so() {
        let trace = Trace::of(&headers(&[("traceparent", &PARENT.replace("-01", "-00"))]), 1.0);
        assert!(!trace.is_sampled && !trace.within().is_sampled);
        assert!(trace.parent_of(trace.span).unwrap().to_str().unwrap().ends_with("-00"));
    }

    #[test]
    fn what_is_no_parent_begins_anew() {
        let anew = |given: &[&str]| {
            let given: Vec<_> = given.iter().map(|text| ("traceparent", *text)).collect();
            let trace = Trace::of(&headers(&given), 1.0);
            trace.parent.is_none() && trace.is_sampled
        };
        assert!(anew(&[]) && anew(&[PARENT, PARENT]));
        for wrong in [
            "",
            "00",
            &PARENT.to_uppercase(),
            &PARENT.replace("00-", "ff-"),
            &PARENT.replace("4bf92f3577b34da6a3ce929d0e0e4736", &"0".repeat(32)),
            &PARENT.replace("00f067aa0ba902b7", &"0".repeat(16)),
            &PARENT.replace("-01", "-0g"),
            &format!("{PARENT}-00"),
            &PARENT.replace("00-", "01-").replace("-01", "-010"),
            &PARENT.replace('-', "_"),
        ] {
            assert!(anew(&[wrong]), "{wrong}");
        }
        assert!(
            !anew(&[PARENT]) && !anew(&[&(PARENT.replace("00-4", "01-4") + "-more")]),
            "later versions may have more"
        );
    }

    #[test]
    fn too_much_of_a_state_is_none() {
        let with = |bytes: usize| {
            Trace::of(&headers(&[("traceparent", PARENT), ("tracestate", &"x".repeat(bytes))]), 0.0).state.is_some()
        };
        assert!(with(STATE_BYTES_MAX) && !with(STATE_BYTES_MAX + 1) && !with(0));
    }

    #[test]
    fn a_part_of_all_is_recorded() {
        let count = |ratio: f64| (0..10_000).filter(|_| Trace::begin(ratio).is_sampled).count();
        assert_eq!((count(0.0), count(1.0)), (0, 10_000));
        assert!((4_000..6_000).contains(&count(0.5)));
    }

    #[test]
    fn exchanges_within_are_children() {
        let outer = Trace::begin(1.0);
        let inner = outer.within();
        assert_eq!((inner.id, inner.parent, inner.is_sampled), (outer.id, Some(outer.span), true));
        assert_ne!(inner.span, outer.span);
    }
}
