//! The usage of a stream, for which this dialect wants to be asked.
//!
//! The gateway asks for it in the name of callers who do not, and takes it out of the answer again (`event`).

use std::ops::Range;

use bytes::Bytes;

use super::super::document::Wrong;
use super::super::fields::once;
use super::super::raw::{Kind, Value, splice};

/// A field `stream_options`, and where it stands.
type Options<'a> = (Value<'a>, Range<usize>);

/// What stands there instead.
type Change = Option<(Range<usize>, &'static str)>;

/// What to change in a body so that it asks: the caller's `stream_options`, and where its `stream` ends. Nothing if it
/// asks already.
///
/// # Errors
/// When nobody could tell what a provider makes of it: without usage, nobody could tell either what it costs.
pub(in super::super) fn asking(options: &[Options<'_>], stream_end: Option<usize>) -> Result<Change, Wrong> {
    let Some(stream_end) = stream_end else { return Ok(None) };
    let (value, place) = match options {
        [] => return Ok(Some((stream_end..stream_end, ",\"stream_options\":{\"include_usage\":true}"))),
        [one] => one,
        _ => return Err(Wrong::new("stream_options", "is there twice; send it once")),
    };
    Ok(match value.kind() {
        Kind::Null => Some((place.clone(), "{\"include_usage\":true}")),
        Kind::Object => {
            let fields = value.fields();
            let behind_brace = place.start + 1;
            match once(&fields, "include_usage").map_err(|wrong| wrong.below("stream_options"))? {
                None if fields.0.is_empty() => Some((behind_brace..behind_brace, "\"include_usage\":true")),
                None => Some((behind_brace..behind_brace, "\"include_usage\":true,")),
                Some(says) if matches!(says.kind(), Kind::Null | Kind::Bool(false)) => {
                    let within = says.place(value.source());
                    Some((place.start + within.start..place.start + within.end, "true"))
                }
                Some(says) if says.kind() == Kind::Bool(true) => None,
                Some(_) => return Err(Wrong::new("stream_options.include_usage", "must be true or false")),
            }
        }
        _ => return Err(Wrong::new("stream_options", "must be an object")),
    })
}

/// A request that the gateway has written, without the question.
pub(crate) fn without(body: Bytes) -> Bytes {
    let Ok(text) = std::str::from_utf8(&body) else { return body };
    let fields = Value::or_null(&body).fields();
    let found = fields.0.iter().position(|field| field.is("stream_options"));
    match found.and_then(|index| fields.with_comma(index, text)) {
        Some(place) => splice(&body, &[(place, String::new())]).into(),
        None => body,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::request::read_request;
    use super::*;

    fn asks(options: &str) -> String {
        let body =
            format!(r#"{{"model":"m", "stream" : true {options}, "messages":[{{"role":"user","content":"hi"}}]}}"#);
        let asked = read_request(Bytes::from(body)).unwrap();
        let body = asked.body_for_usage(&asked.request.segments, None, &[]);
        let text = String::from_utf8(body.to_vec()).unwrap();
        let rest = text.strip_prefix(r#"{"model":"m", "stream" : true"#).unwrap();
        rest.strip_suffix(r#", "messages":[{"role":"user","content":"hi"}]}"#).unwrap().to_owned()
    }

    #[test]
    fn a_stream_is_asked_for_its_usage_and_nothing_else_changes() {
        for (options, asked) in [
            ("", r#","stream_options":{"include_usage":true} "#),
            (r#","stream_options":null"#, r#" ,"stream_options":{"include_usage":true}"#),
            (r#","stream_options" : { }"#, r#" ,"stream_options" : {"include_usage":true }"#),
            (
                r#","stream_options":{ "include_obfuscation" : false }"#,
                r#" ,"stream_options":{"include_usage":true, "include_obfuscation" : false }"#,
            ),
            (
                r#","stream_options":{"a":1, "include_usage" : false}"#,
                r#" ,"stream_options":{"a":1, "include_usage" : true}"#,
            ),
            (r#","stream_options":{"include_usage":null}"#, r#" ,"stream_options":{"include_usage":true}"#),
        ] {
            assert_eq!(asks(options), asked, "{options}");
        }
    }

    #[test]
    fn who_asks_already_is_left_alone() {
        let options = r#","stream_options":{"include_usage":true}"#;
        assert_eq!(asks(options), format!(" {options}"));
    }

    #[test]
    fn what_a_provider_may_take_for_no_is_refused() {
        for (options, field) in [
            (r#""stream_options":{"include_usage":"yes"}"#, "stream_options.include_usage"),
            (r#""stream_options":{"include_usage":0}"#, "stream_options.include_usage"),
            (r#""stream_options":{"include_usage":false,"include_\u0075sage":true}"#, "stream_options.include_usage"),
            (r#""stream_options":[]"#, "stream_options"),
            (r#""stream_options":{},"stream_options":{"include_usage":true}"#, "stream_options"),
        ] {
            let body =
                format!(r#"{{"model":"m","stream":true,{options},"messages":[{{"role":"user","content":"hi"}}]}}"#);
            assert_eq!(read_request(Bytes::from(body)).unwrap_err().field, field, "{options}");
        }
    }

    #[test]
    fn a_whole_answer_tells_its_usage_unasked() {
        for stream in ["", r#""stream":false,"#, r#""stream":null,"#] {
            let body = format!(r#"{{"model":"m",{stream}"messages":[{{"role":"user","content":"hi"}}]}}"#);
            assert!(!read_request(Bytes::from(body)).unwrap().leaves_usage_out());
        }
    }

    #[test]
    fn a_question_that_the_gateway_has_written_is_taken_back() {
        let body = br#"{"stream":true,"stream_options":{"include_usage":true},"top_p":1}"#;
        assert_eq!(without(Bytes::from_static(body)), r#"{"stream":true,"top_p":1}"#);
        let body = br#"{"stream_options":{"include_usage":true},"top_p":1}"#;
        assert_eq!(without(Bytes::from_static(body)), r#"{"top_p":1}"#);
        assert_eq!(without(Bytes::from_static(br#"{"stream_options":{}}"#)), "{}");
        assert_eq!(without(Bytes::from_static(b"{}")), "{}");
    }
}
