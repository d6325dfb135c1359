//! Binary frames of `application/vnd.amazon.eventstream`, as server-sent events. Each frame carries the name of an event in
//! its header and JSON behind it: they become one object with one field, as the reference writes the events of a stream.
//!
//! A frame tells its own length before anything else, so that one that is longer than an event may be is refused before
//! its bytes are kept. Both of its checksums are checked by the crate that reads it.

use aws_smithy_eventstream::frame::read_message_from;
use aws_smithy_types::event_stream::Message;
use bytes::{Bytes, BytesMut};
use serde::Serialize;
use serde_json::value::RawValue;

use super::super::document::is_name;

/// The content type of such a stream.
pub(crate) const FRAMES: &str = "application/vnd.amazon.eventstream";
/// The length, that of the headers, and three checksums' worth of the least that a frame has.
const FRAME_BYTES_MIN: usize = 16;

/// Cuts bytes into frames.
#[derive(Debug)]
pub(crate) struct Frames {
    buffer: BytesMut,
    frame_bytes_max: usize,
}

/// What is wrong with a frame.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum BadFrame {
    /// It is longer than an event may be.
    TooLong,
    /// It is no frame, or is spoilt; why.
    Broken(String),
}

impl Frames {
    pub(crate) fn new(frame_bytes_max: usize) -> Self {
        Self { buffer: BytesMut::new(), frame_bytes_max }
    }

    /// The events of the frames that are whole with these bytes; empty if none is.
    ///
    /// # Errors
    /// When a frame is too long or spoilt.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Result<Bytes, BadFrame> {
        self.buffer.extend_from_slice(bytes);
        let mut events = Vec::new();
        while let Some(length) = self.buffer.first_chunk().map(|length| u32::from_be_bytes(*length)) {
            let length = usize::try_from(length).unwrap_or(usize::MAX);
            if length > self.frame_bytes_max {
                return Err(BadFrame::TooLong);
            }
            if length < FRAME_BYTES_MIN {
                return Err(BadFrame::Broken("a frame is too short to be one".to_owned()));
            }
            if self.buffer.len() < length {
                break;
            }
            let frame = self.buffer.split_to(length).freeze();
            let message = read_message_from(frame).map_err(|error| BadFrame::Broken(error.to_string()))?;
            write_event(&message, &mut events)?;
        }
        Ok(events.into())
    }

    /// Whether the stream may end here: between two frames.
    pub(crate) fn is_between(&self) -> bool {
        self.buffer.is_empty()
    }
}

fn write_event(message: &Message, out: &mut Vec<u8>) -> Result<(), BadFrame> {
    #[derive(Serialize)]
    struct ErrorJson<'a> {
        message: &'a str,
        code: &'a str,
    }
    let header = |name: &str| {
        let header = message.headers().iter().find(|header| header.name().as_str() == name);
        header.and_then(|header| header.value().as_string().ok()).map_or("", |value| value.as_str())
    };
    let (name, data) = match header(":message-type") {
        "event" => (header(":event-type"), payload(message)?),
        "exception" => (header(":exception-type"), payload(message)?),
        "error" => {
            let error = ErrorJson { message: header(":error-message"), code: header(":error-code") };
            // Serialising strings cannot fail.
            ("errorException", serde_json::to_string(&error).unwrap_or_default())
        }
        _ => return Err(BadFrame::Broken("a frame does not say what it is".to_owned())),
    };
    if !is_name(name) || name.contains(['"', '\\']) {
        return Err(BadFrame::Broken("a frame has no event that can be named".to_owned()));
    }
    for part in ["data: {\"", name, "\":", &data, "}\n\n"] {
        out.extend_from_slice(part.as_bytes());
    }
    Ok(())
}

/// The JSON of a frame on one line: a line break can only stand between tokens.
fn payload(message: &Message) -> Result<String, BadFrame> {
    let payload = message.payload();
    if payload.is_empty() {
        return Ok("{}".to_owned());
    }
    let json: &RawValue =
        serde_json::from_slice(payload).map_err(|error| BadFrame::Broken(format!("a frame holds no JSON: {error}")))?;
    Ok(json.get().replace(['\n', '\r'], " "))
}

#[cfg(test)]
mod tests {
    use aws_smithy_eventstream::frame::write_message_to;
    use aws_smithy_types::event_stream::{Header, HeaderValue};
    use proptest::prelude::*;

    use super::*;

    fn frame(kind: &str, name: (&str, &str), payload: &str) -> Vec<u8> {
        let header =
            |name: &str, value: &str| Header::new(name.to_owned(), HeaderValue::String(value.to_owned().into()));
        let message = Message::new(payload.to_owned())
            .add_header(header(":message-type", kind))
            .add_header(header(name.0, name.1))
            .add_header(header(":content-type", "application/json"));
        let mut bytes = Vec::new();
        write_message_to(&message, &mut bytes).unwrap();
        bytes
    }

    fn event(name: &str, payload: &str) -> Vec<u8> {
        frame("event", (":event-type", name), payload)
    }

    fn read(pieces: &[&[u8]]) -> Result<String, BadFrame> {
        let mut frames = Frames::new(1_000);
        let mut out = Vec::new();
        for piece in pieces {
            out.extend_from_slice(&frames.push(piece)?);
        }
        assert!(frames.is_between());
        Ok(String::from_utf8(out).unwrap())
    }

    #[test]
    fn frames_are_the_same_events_wherever_the_bytes_are_cut() {
        let stream =
            [event("messageStart", "{\"role\":\"assistant\"}"), event("a", "{\n \"b\": \"\\n\"}"), event("c", "")];
        let stream = stream.concat();
        let expected = "data: {\"messageStart\":{\"role\":\"assistant\"}}\n\ndata: {\"a\":{  \"b\": \"\\n\"}}\n\n\
                        data: {\"c\":{}}\n\n";
        assert_eq!(read(&[&stream]).unwrap(), expected);
        for at in 0..stream.len() {
            let (first, second) = stream.split_at(at);
            assert_eq!(read(&[first, second]).unwrap(), expected, "cut at {at}");
        }
        let bytes: Vec<&[u8]> = stream.chunks(1).collect();
        assert_eq!(read(&bytes).unwrap(), expected);
    }

    #[test]
    fn exceptions_and_errors_are_events_too() {
        let exception = frame("exception", (":exception-type", "throttlingException"), "{\"message\":\"slow down\"}");
        assert_eq!(read(&[&exception]).unwrap(), "data: {\"throttlingException\":{\"message\":\"slow down\"}}\n\n");
        let error = frame("error", (":error-code", "Internal\"Error"), "");
        let expected = "data: {\"errorException\":{\"message\":\"\",\"code\":\"Internal\\\"Error\"}}\n\n";
        assert_eq!(read(&[&error]).unwrap(), expected);
    }

    #[test]
    fn a_spoilt_byte_anywhere_is_noticed() {
        let whole = event("contentBlockDelta", "{\"delta\":{\"text\":\"hi\"}}");
        for at in 0..whole.len() {
            let mut spoilt = whole.clone();
            spoilt[at] ^= 1;
            let mut frames = Frames::new(1_000_000_000);
            // A length that is another waits for bytes that never come.
            let pushed = frames.push(&spoilt);
            assert!(pushed.is_err() || !frames.is_between() && pushed.unwrap().is_empty(), "{at}");
        }
    }

    #[test]
    fn a_frame_may_have_the_limit_and_not_a_byte_more_and_is_refused_before_its_bytes_come() {
        let whole = event("a", "{}");
        assert!(Frames::new(whole.len()).push(&whole).is_ok());
        assert_eq!(Frames::new(whole.len() - 1).push(&whole[..4]), Err(BadFrame::TooLong));
        assert_eq!(Frames::new(1_000).push(&u32::MAX.to_be_bytes()), Err(BadFrame::TooLong));
        for length in 0..16_u32 {
            assert!(matches!(Frames::new(1_000).push(&length.to_be_bytes()), Err(BadFrame::Broken(_))), "{length}");
        }
    }

    #[test]
    fn what_is_no_event_is_refused() {
        for spoilt in [
            event("a", "{\"b\":"),
            event("a", "1},\"x\":{2"),
            event("a\":1,\"b", "{}"),
            event("", "{}"),
            frame("event", (":event-typ", "a"), "{}"),
            frame("nothing", (":event-type", "a"), "{}"),
        ] {
            assert!(matches!(read(&[&spoilt]), Err(BadFrame::Broken(_))));
        }
    }

    proptest! {
        #[test]
        fn no_bytes_of_a_provider_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..200), name in ".{0,20}") {
            let _ = Frames::new(1_000).push(&bytes);
            bytes.splice(0..0, u32::try_from(bytes.len() + 4).unwrap().to_be_bytes());
            let _ = Frames::new(1_000).push(&bytes);
            let mut named = event(&name, "{}");
            let last = named.len() - 1;
            named.truncate(last.min(bytes.len()).max(4));
            let _ = Frames::new(1_000).push(&named);
        }
    }
}
