//! Feedback as an application sends it: one JSON object.

use http::HeaderMap;
use http::header::HeaderName;
use serde_json::{Map, Value};

use super::{COMMENT_BYTES_MAX, CORRECTED_BYTES_MAX, NAME_BYTES_MAX, Opinion, Score, is_exchange, is_name};
use crate::error::{Error, Malformed};

/// In which applications name what they send twice.
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// What an application has sent.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Given {
    /// Its name, if it has one: sent again it is the same.
    pub(crate) id: Option<String>,
    pub(crate) about: About,
    pub(crate) opinion: Opinion,
}

/// What it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum About {
    Exchange(String),
    Session(String),
}

impl Default for About {
    fn default() -> Self {
        Self::Session(String::new())
    }
}

/// Read it.
///
/// # Errors
/// When it is something else; which field, and how to mend it.
pub(crate) fn read(body: &[u8], headers: &HeaderMap) -> Result<Given, Error> {
    // What the parser says may repeat the text.
    let Ok(Value::Object(fields)) = serde_json::from_slice(body) else {
        return Err(wrong("", "the body is no JSON object; send {\"exchange\": \"...\", \"thumbs\": \"up\"}"));
    };
    let mut fields = Fields(fields);
    let id = match (fields.text("id", NAME_BYTES_MAX)?, header(headers)?) {
        (Some(one), Some(other)) if one != other => {
            return Err(wrong("id", "is another than the header idempotency-key says; send one of them"));
        }
        (one, other) => one.or(other),
    };
    if id.as_ref().is_some_and(|id| !is_name(id)) {
        return Err(wrong("id", "must be a name of visible ASCII characters"));
    }
    let (about, opinion) = (about(&mut fields)?, opinion(&mut fields)?);
    fields.end()?;
    if opinion.is_empty() {
        let message = "nothing is said: send thumbs, score, comment, corrected, preferred_over or regenerated";
        return Err(wrong("", message));
    }
    let given = Given { id, about, opinion };
    let Opinion { preferred_over, regenerated_by, .. } = &given.opinion;
    match &given.about {
        About::Exchange(id) if preferred_over.as_ref() == Some(id) || regenerated_by.as_ref() == Some(id) => {
            Err(wrong("exchange", "is compared with itself"))
        }
        About::Session(_) if preferred_over.is_some() || given.opinion.is_corrected || given.opinion.is_regenerated => {
            Err(wrong("session", "has no single answer; say which exchange is corrected, preferred or regenerated"))
        }
        About::Exchange(_) | About::Session(_) => Ok(given),
    }
}

fn header(headers: &HeaderMap) -> Result<Option<String>, Error> {
    let Some(given) = headers.get(IDEMPOTENCY_KEY) else { return Ok(None) };
    let name = given.to_str().ok().filter(|name| is_name(name));
    let name =
        name.ok_or_else(|| wrong("idempotency-key", "must be a name of at most 128 visible ASCII characters"))?;
    Ok(Some(name.to_owned()))
}

fn about(fields: &mut Fields) -> Result<About, Error> {
    let exchange = fields.exchange("exchange")?;
    let session = fields.text("session", NAME_BYTES_MAX)?;
    match (exchange, session) {
        (Some(id), None) => Ok(About::Exchange(id)),
        (None, Some(name)) if is_name(&name) => Ok(About::Session(name)),
        (None, Some(_)) => Err(wrong("session", "must be the name of a session")),
        (Some(_), Some(_)) => Err(wrong("session", "cannot be sent with an exchange; send one of them")),
        (None, None) => Err(wrong("exchange", "is missing: the id that the answer's header x-sluicegate-exchange has")),
    }
}

fn opinion(fields: &mut Fields) -> Result<Opinion, Error> {
    let thumbs = match fields.text("thumbs", NAME_BYTES_MAX)?.as_deref() {
        None => None,
        Some("up") => Some(Score::UP),
        Some("down") => Some(Score::DOWN),
        Some(_) => return Err(wrong("thumbs", "must be \"up\" or \"down\"")),
    };
    let score = match fields.take("score") {
        None => None,
        Some(value) => {
            let score = value.as_f64().and_then(Score::new);
            Some(score.ok_or_else(|| wrong("score", "must be a number from 0 to 1"))?)
        }
    };
    if thumbs.is_some() && score.is_some() {
        return Err(wrong("score", "cannot be sent with thumbs; send one of them"));
    }
    let corrected = fields.text("corrected", CORRECTED_BYTES_MAX)?;
    let (is_regenerated, regenerated_by) = match fields.take("regenerated") {
        None | Some(Value::Bool(false)) => (false, None),
        Some(Value::Bool(true)) => (true, None),
        Some(Value::String(id)) if is_exchange(&id) => (true, Some(id)),
        Some(_) => return Err(wrong("regenerated", "must be true, or the id of the exchange with the new answer")),
    };
    Ok(Opinion {
        score: thumbs.or(score),
        comment: fields.text("comment", COMMENT_BYTES_MAX)?,
        is_corrected: corrected.is_some(),
        corrected,
        preferred_over: fields.exchange("preferred_over")?,
        is_regenerated,
        regenerated_by,
    })
}

/// What has not been read yet.
struct Fields(Map<String, Value>);

impl Fields {
    fn take(&mut self, name: &str) -> Option<Value> {
        self.0.remove(name).filter(|value| !value.is_null())
    }

    fn text(&mut self, name: &str, bytes_max: usize) -> Result<Option<String>, Error> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::String(text)) if text.trim().is_empty() => Err(wrong(name, "is empty")),
            Some(Value::String(text)) if text.len() > bytes_max => {
                Err(wrong(name, &format!("is longer than {bytes_max} bytes")))
            }
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(wrong(name, "must be a text")),
        }
    }

    fn exchange(&mut self, name: &str) -> Result<Option<String>, Error> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::String(id)) if is_exchange(&id) => Ok(Some(id)),
            Some(_) => Err(wrong(name, "must be the id that an answer's header x-sluicegate-exchange has")),
        }
    }

    /// Nothing may be left: what is misspelt would be lost in silence.
    fn end(self) -> Result<(), Error> {
        let Some(unknown) = self.0.keys().next() else { return Ok(()) };
        let name: String = unknown.chars().take(NAME_BYTES_MAX).collect();
        let known = "exchange, session, id, thumbs, score, comment, corrected, preferred_over and regenerated";
        Err(wrong(&name, &format!("is not known here; there are {known}")))
    }
}

fn wrong(field: &str, message: &str) -> Error {
    Error::Malformed(Malformed { field: field.to_owned(), message: message.to_owned() })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use http::HeaderValue;
    use serde_json::json;

    use super::*;

    const ONE: &str = "0199f0a0b1c27d3e8f90a1b2c3d4e5f6";
    const OTHER: &str = "0199f0a0b1c27d3e8f90a1b2c3d4e5f7";

    fn given(body: &Value) -> Result<Given, String> {
        let read = read(body.to_string().as_bytes(), &HeaderMap::new());
        read.map_err(|error| error.message().into_owned())
    }

    #[test]
    fn all_that_can_be_said_is_read() {
        let all = json!({
            "exchange": ONE, "id": "f-1", "score": 0.5, "comment": "so so", "corrected": "At noon.",
            "preferred_over": OTHER, "regenerated": OTHER
        });
        let given = given(&all).unwrap();
        assert_eq!((given.id.as_deref(), given.about), (Some("f-1"), About::Exchange(ONE.to_owned())));
        let opinion = Opinion {
            score: Score::new(0.5),
            comment: Some("so so".to_owned()),
            is_corrected: true,
            corrected: Some("At noon.".to_owned()),
            preferred_over: Some(OTHER.to_owned()),
            is_regenerated: true,
            regenerated_by: Some(OTHER.to_owned()),
        };
        assert_eq!(given.opinion, opinion);
    }

    #[test]
    fn a_session_is_judged_as_a_whole() {
        let whole = given(&json!({"session": "run-1", "thumbs": "down", "comment": null})).unwrap();
        assert_eq!((whole.about, whole.opinion.score), (About::Session("run-1".to_owned()), Some(Score::DOWN)));
    }

    #[test]
    fn whatever_is_wrong_is_named_and_no_text_is_repeated() {
        let about = |more: Value| {
            let mut body = json!({"exchange": ONE, "thumbs": "up"});
            body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            body
        };
        for (body, field) in [
            (json!([]), "the body"),
            (json!({"thumbs": "up"}), "exchange: is missing"),
            (json!({"exchange": ONE}), "nothing is said"),
            (about(json!({"exchange": "secret"})), "exchange: must be"),
            (about(json!({"exchange": 7})), "exchange: must be"),
            (about(json!({"session": "run"})), "session: cannot be sent with"),
            (about(json!({"thumbs": "secret"})), "thumbs: must be"),
            (about(json!({"score": 1})), "score: cannot be sent with thumbs"),
            (json!({"exchange": ONE, "score": 1.01}), "score: must be"),
            (json!({"exchange": ONE, "score": "1"}), "score: must be"),
            (about(json!({"comment": " "})), "comment: is empty"),
            (about(json!({"comment": "x".repeat(COMMENT_BYTES_MAX + 1)})), "comment: is longer"),
            (about(json!({"corrected": "x".repeat(CORRECTED_BYTES_MAX + 1)})), "corrected: is longer"),
            (about(json!({"corrected": ["secret"]})), "corrected: must be a text"),
            (about(json!({"preferred_over": ONE})), "exchange: is compared with itself"),
            (about(json!({"regenerated": "secret"})), "regenerated: must be"),
            (about(json!({"id": "a b"})), "id: must be"),
            (about(json!({"thumb": "up"})), "thumb: is not known"),
            (json!({"exchange": ONE, "thumb": "up"}), "thumb: is not known"),
            (json!({"session": "run-1", "corrected": "x"}), "session: has no single answer"),
            (json!({"session": "a b", "thumbs": "up"}), "session: must be"),
        ] {
            let said = given(&body).unwrap_err();
            assert!(said.starts_with(field) && !said.contains("secret"), "{body}: {said}");
        }
        assert!(given(&about(json!({"comment": "x".repeat(COMMENT_BYTES_MAX)}))).is_ok());
        assert!(given(&about(json!({"corrected": "x".repeat(CORRECTED_BYTES_MAX)}))).is_ok());
    }

    #[test]
    fn a_header_names_it_too() {
        let headers = HeaderMap::from_iter([(IDEMPOTENCY_KEY, HeaderValue::from_static("f-1"))]);
        let named = |id: Value| {
            let body = json!({"exchange": ONE, "thumbs": "up", "id": id}).to_string();
            read(body.as_bytes(), &headers).map(|given| given.id)
        };
        assert_eq!(named(Value::Null).unwrap().as_deref(), Some("f-1"));
        assert_eq!(named(json!("f-1")).unwrap().as_deref(), Some("f-1"));
        assert!(named(json!("f-2")).is_err());
    }
}
