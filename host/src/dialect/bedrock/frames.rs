//! Binary frames of `application/vnd.amazon.eventstream`, as server-sent events. Each frame carries the name of an event in
//! its header and JSON behind it: they become one object with one field, as the reference writes the events of a stream.
//!
//! A frame tells its own length before anything else, with a checksum, so that one that is longer than an event may be is
//! refused before its bytes are kept, and what is no frame at all is not waited for. The other checksum is checked by the
//! crate that reads it.

use aws_smithy_eventstream::frame::read_message_from;
use aws_smithy_types::event_stream::Message;
use bytes::{Buf, Bytes, BytesMut};
use serde::Serialize;
use serde_json::value::RawValue;

use super::super::document::is_name;

/// The content type of such a stream.
pub(crate) const FRAMES: &str = "application/vnd.amazon.eventstream";
/// The prelude, and the checksum at the end.
const FRAME_BYTES_MIN: usize = 16;
/// The length, that of the headers, and a checksum of both.
const PRELUDE_BYTES: usize = 12;

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

    /// More bytes have come.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The events of the frames that are whole by now; empty if none is.
    ///
    /// # Errors
    /// When the next frame is too long or spoilt, and each time after.
    pub(crate) fn events(&mut self) -> Result<Bytes, BadFrame> {
        let mut events = Vec::new();
        loop {
            match self.next(&mut events) {
                Ok(true) => {}
                Ok(false) => return Ok(events.into()),
                Err(bad) if events.is_empty() => return Err(bad),
                // What came before it was fine. It is told when that has been heard.
                Err(_) => return Ok(events.into()),
            }
        }
    }

    /// Whether there was another frame.
    fn next(&mut self, events: &mut Vec<u8>) -> Result<bool, BadFrame> {
        let Some(prelude) = self.buffer.first_chunk::<PRELUDE_BYTES>() else { return Ok(false) };
        let number =
            |at: usize| prelude.get(at..).and_then(|rest| rest.first_chunk()).map(|four| u32::from_be_bytes(*four));
        if prelude.get(..8).map(crc32fast::hash) != number(8) {
            return Err(BadFrame::Broken("a frame does not begin as one".to_owned()));
        }
        let length = number(0).and_then(|length| usize::try_from(length).ok()).unwrap_or(usize::MAX);
        if length > self.frame_bytes_max {
            return Err(BadFrame::TooLong);
        }
        if length < FRAME_BYTES_MIN {
            return Err(BadFrame::Broken("a frame is too short to be one".to_owned()));
        }
        let Some(frame) = self.buffer.get(..length) else { return Ok(false) };
        let message = read_message_from(frame).map_err(|error| BadFrame::Broken(error.to_string()))?;
        write_event(&message, events)?;
        self.buffer.advance(length);
        Ok(true)
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
    if name.is_empty() || !is_name(name) || name.contains(['"', '\\']) {
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

    fn pushed(bytes_max: usize, bytes: &[u8]) -> (Frames, Result<Bytes, BadFrame>) {
        let mut frames = Frames::new(bytes_max);
        frames.push(bytes);
        let events = frames.events();
        (frames, events)
    }

    fn read(pieces: &[&[u8]]) -> Result<String, BadFrame> {
        let mut frames = Frames::new(1_000);
        let mut out = Vec::new();
        for piece in pieces {
            frames.push(piece);
            out.extend_from_slice(&frames.events()?);
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
            assert!(matches!(pushed(1_000, &spoilt).1, Err(BadFrame::Broken(_))), "{at}");
        }
    }

    #[test]
    fn a_frame_may_have_the_limit_and_not_a_byte_more_and_is_refused_before_its_bytes_come() {
        let whole = event("a", "{}");
        assert!(pushed(whole.len(), &whole).1.is_ok());
        assert_eq!(pushed(whole.len() - 1, &whole[..12]).1, Err(BadFrame::TooLong));
        let prelude = |length: u32| {
            let lengths = [length.to_be_bytes(), [0; 4]].concat();
            [&*lengths, &crc32fast::hash(&lengths).to_be_bytes()].concat()
        };
        assert_eq!(pushed(1_000, &prelude(u32::MAX)).1, Err(BadFrame::TooLong));
        for length in 0..16 {
            assert!(matches!(pushed(1_000, &prelude(length)).1, Err(BadFrame::Broken(_))), "{length}");
        }
        // Words are none, whatever length they seem to tell.
        assert!(matches!(pushed(1_000, b"data: no sense").1, Err(BadFrame::Broken(_))));
    }

    #[test]
    fn what_came_before_a_spoilt_frame_is_heard_and_then_the_error_each_time() {
        let (mut frames, events) = pushed(1_000, &[event("a", "{}"), event("", "{}")].concat());
        assert_eq!(events.unwrap(), "data: {\"a\":{}}\n\n");
        for _ in 0..2 {
            assert!(matches!(frames.events(), Err(BadFrame::Broken(_))));
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
            let _ = pushed(1_000, &bytes);
            bytes.splice(0..0, u32::try_from(bytes.len() + 4).unwrap().to_be_bytes());
            let _ = pushed(1_000, &bytes);
            let mut named = event(&name, "{}");
            let last = named.len() - 1;
            named.truncate(last.min(bytes.len()).max(4));
            let _ = pushed(1_000, &named);
        }
    }
}
