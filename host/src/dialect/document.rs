//! A body and where its texts stand in it, so that edits can be spliced in and everything else stays byte for byte.

use std::ops::Range;

use bytes::Bytes;

use super::raw::{Field, Fields, Kind, Value, splice};
use super::text::change;
use crate::chat::{Answer, Channel, Names, Opaque, Role, Segment, Word};

/// What is wrong with a body: which field, and a sentence that helps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// The path of the field, as `messages[2].role`; empty for the body as a whole.
    pub field: String,
    /// What is wrong with it.
    pub message: String,
}

impl Wrong {
    pub(super) fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { field: field.into(), message: message.into() }
    }

    /// The same, for a field that stands below another.
    pub(super) fn below(self, at: &str) -> Self {
        match self.field.is_empty() {
            true => Self { field: at.to_owned(), ..self },
            false => Self { field: format!("{at}.{}", self.field), ..self },
        }
    }
}

/// A body with the places of its texts; the place of segment `i` is `places[i]`.
#[derive(Clone, Debug)]
pub(crate) struct Document {
    body: Bytes,
    places: Vec<Range<usize>>,
    /// Parts that repeat the texts in another form, to be struck out when one of them is edited.
    shadows: Vec<Range<usize>>,
}

impl Document {
    /// The body with the texts of `segments`. Where nothing changed it is the same bytes. `further` are changes of
    /// other places that the gateway must make.
    pub(crate) fn write(&self, before: &[Segment], after: &[Segment], further: Vec<(Range<usize>, String)>) -> Bytes {
        let mut changes = Vec::new();
        for (place, (before, after)) in self.places.iter().zip(before.iter().zip(after)) {
            if before.text == after.text {
                continue;
            }
            let literal = self.body.get(place.clone()).and_then(|literal| std::str::from_utf8(literal).ok());
            // What the gateway must set, it sets.
            if further.iter().any(|(other, _)| other == place) {
                continue;
            }
            if before.is_json {
                changes.push((place.clone(), after.text.clone()));
                continue;
            }
            let (range, replacement) = change(literal.unwrap_or_default(), &after.text);
            changes.push((place.start + range.start..place.start + range.end, replacement));
        }
        if !changes.is_empty() {
            changes.extend(self.shadows.iter().map(|place| (place.clone(), "null".to_owned())));
        }
        changes.extend(further);
        if changes.is_empty() {
            return self.body.clone();
        }
        // What is put in front of a text comes before what is put in its place.
        changes.sort_by_key(|(range, _)| (range.start, range.end));
        splice(&self.body, &changes).into()
    }
}

/// Objects in objects that are looked into; real requests have about ten.
const DEPTH_MAX: usize = 48;
/// How often a body is read through in search of texts, once for each level that they stand at. Real requests have
/// theirs near the surface; one that has megabytes at the deepest level is there to keep the gateway busy.
const READINGS_MAX: usize = 16;
/// Bytes that any body may have read, however small it is.
const READ_BYTES_MIN: usize = 1 << 20;
/// Texts of one body. A conversation of a thousand messages with as many tool calls has fewer.
const TEXTS_MAX: usize = 100_000;

/// Bytes of the name of a speaker or tool that go with each of its texts; providers allow 64. The name is a text too,
/// and that one is whole.
const NAME_BYTES_MAX: usize = 256;
/// Bytes of the path to a text.
const PATH_BYTES_MAX: usize = 512;
/// Bytes of a field's name in a path.
const KEY_BYTES_MAX: usize = 64;

/// A name as it goes with each text.
pub(super) fn shown(name: &str) -> String {
    name.get(..name.floor_char_boundary(NAME_BYTES_MAX)).unwrap_or_default().to_owned()
}

/// Collects the texts of a body, as its reader comes across them.
#[derive(Debug)]
pub(super) struct Texts<'a> {
    body: &'a str,
    /// Bytes read on all levels.
    read: usize,
    /// Where the reader is, if paths are wanted.
    path: Option<String>,
    /// The path of each text, if they are wanted.
    pub(super) paths: Vec<String>,
    pub(super) segments: Vec<Segment>,
    pub(super) places: Vec<Range<usize>>,
    pub(super) opaque: Vec<Opaque>,
    pub(super) shadows: Vec<Range<usize>>,
    /// The id of the first call of a tool.
    pub(super) call: Option<Word>,
}

/// Whose text it is and of what kind.
#[derive(Clone, Debug)]
pub(super) struct Of {
    pub(super) role: Role,
    pub(super) channel: Channel,
    pub(super) choice: u32,
    pub(super) name: Option<String>,
}

impl Of {
    pub(super) fn new(role: Role, channel: Channel) -> Self {
        Self { role, channel, choice: 0, name: None }
    }

    /// The same speaker, another kind of text.
    pub(super) fn on(&self, channel: Channel) -> Self {
        Self { channel, ..self.clone() }
    }
}

impl<'a> Texts<'a> {
    pub(super) fn new(body: &'a str) -> Self {
        Self {
            body,
            read: 0,
            path: None,
            paths: Vec::new(),
            segments: Vec::new(),
            places: Vec::new(),
            opaque: Vec::new(),
            shadows: Vec::new(),
            call: None,
        }
    }

    /// Note the id of a call of a tool: the first counts.
    pub(super) fn calls(&mut self, id: Value<'_>) {
        if self.call.is_none() {
            self.call = id_of(id);
        }
    }

    /// For a part of a stream, in which texts go on where they stood before: with their paths, and without fields that
    /// are there twice, of which two readers might take another.
    pub(super) fn of_stream(body: &'a str, at: String) -> Self {
        Self { path: Some(at), ..Self::new(body) }
    }

    fn at(
        &mut self,
        step: impl FnOnce(&mut String),
        read: impl FnOnce(&mut Self) -> Result<(), Wrong>,
    ) -> Result<(), Wrong> {
        let Some(path) = &mut self.path else { return read(self) };
        let length = path.len();
        step(path);
        if path.len() > PATH_BYTES_MAX {
            return Err(Wrong::new(
                "",
                format!("an event has fields under a path of more than {PATH_BYTES_MAX} bytes"),
            ));
        }
        read(self)?;
        if let Some(path) = &mut self.path {
            path.truncate(length);
        }
        Ok(())
    }

    pub(super) fn place(&self, value: Value<'_>) -> Range<usize> {
        value.place(self.body)
    }

    /// The texts, and the body with their places.
    pub(super) fn into_document(self, body: Bytes) -> (Vec<Segment>, Document) {
        (self.segments, Document { body, places: self.places, shadows: self.shadows })
    }

    /// A string is a segment. Empty ones hold nothing to look at.
    pub(super) fn text(&mut self, literal: Value<'_>, of: &Of) -> Result<(), Wrong> {
        let Some(text) = literal.text().filter(|text| !text.is_empty()) else { return Ok(()) };
        self.segment(literal, text.into_owned(), of, false)
    }

    /// JSON that other dialects write into a string is one segment, as it is there, so that the same is seen of it: keys
    /// and numbers too, and in a stream the same as in a whole answer.
    pub(super) fn json(&mut self, value: Value<'_>, of: &Of) -> Result<(), Wrong> {
        match value.kind() {
            Kind::Object | Kind::Array => self.segment(value, value.source().to_owned(), of, true),
            _ => self.anything(value, of),
        }
    }

    fn segment(&mut self, value: Value<'_>, text: String, of: &Of, is_json: bool) -> Result<(), Wrong> {
        if self.segments.len() >= TEXTS_MAX {
            return Err(Wrong::new("", format!("the body has more than {TEXTS_MAX} texts")));
        }
        self.places.push(self.place(value));
        self.paths.extend(self.path.clone());
        self.segments.push(Segment {
            role: of.role,
            channel: of.channel,
            choice: of.choice,
            name: of.name.clone(),
            text,
            is_json,
        });
        Ok(())
    }

    /// Every string at any depth is a segment, keys too, save for words that only name something.
    pub(super) fn anything(&mut self, value: Value<'_>, of: &Of) -> Result<(), Wrong> {
        self.below(value, None, of, 0)
    }

    /// The same for a field of an object: its key, if that is more than a name, and its value.
    pub(super) fn field(&mut self, field: &Field<'_>, of: &Of) -> Result<(), Wrong> {
        self.field_below(field, of, 0)
    }

    fn field_below(&mut self, field: &Field<'_>, of: &Of, depth: usize) -> Result<(), Wrong> {
        let name = field.name();
        let step = |path: &mut String| {
            path.push('.');
            path.push_str(name.get(..name.floor_char_boundary(KEY_BYTES_MAX)).unwrap_or_default());
        };
        self.at(step, |texts| {
            if !is_name(&name) {
                texts.at(|path| path.push(':'), |texts| texts.text(field.key, of))?;
            }
            texts.below(field.value, Some(&name), of, depth)
        })
    }

    fn below(&mut self, value: Value<'_>, key: Option<&str>, of: &Of, depth: usize) -> Result<(), Wrong> {
        if depth > DEPTH_MAX {
            return Err(Wrong::new("", format!("the body is nested deeper than {DEPTH_MAX} levels")));
        }
        if matches!(value.kind(), Kind::Array | Kind::Object) {
            self.read += value.source().len();
            if self.read > READ_BYTES_MIN.max(READINGS_MAX * self.body.len()) {
                return Err(Wrong::new("", format!("most of the body is nested deeper than {READINGS_MAX} levels")));
            }
        }
        match value.kind() {
            Kind::Null | Kind::Bool(_) | Kind::Number => Ok(()),
            Kind::String => {
                if key.is_some_and(names_something) && value.text().is_some_and(|text| is_name(&text)) {
                    return Ok(());
                }
                self.text(value, of)
            }
            Kind::Array => value.items().into_iter().enumerate().try_for_each(|(position, item)| {
                let step = |path: &mut String| path.push_str(&format!("[{}]", index_or(item, position)));
                self.at(step, |texts| texts.below(item, key, of, depth + 1))
            }),
            Kind::Object => {
                let fields = value.fields();
                if self.path.is_some() {
                    unrepeated(&fields)?;
                }
                fields.0.iter().try_for_each(|field| self.field_below(field, of, depth + 1))
            }
        }
    }
}

/// The number under which an item of a list goes on in later events: its own, or its place.
fn index_or(item: Value<'_>, position: usize) -> usize {
    let own = (item.kind() == Kind::Object).then(|| item.fields().last("index").and_then(Value::number)).flatten();
    own.and_then(|own| usize::try_from(own).ok()).unwrap_or(position)
}

/// # Errors
/// When the data of an event is not JSON.
pub(super) fn checked_event(data: &str) -> Result<Value<'_>, Wrong> {
    Value::read(data).map_err(|error| Wrong::new("", format!("an event is not JSON: {error}")))
}

/// # Errors
/// When a field is there twice.
pub(super) fn unrepeated(fields: &Fields<'_>) -> Result<(), Wrong> {
    match fields.repeated() {
        None => Ok(()),
        Some(name) => Err(Wrong::new("", format!("an event has the field {:?} twice", names_of(&name)))),
    }
}

/// The body of an answer as text, and the one JSON value in it. Places count from the start of the text, space included.
pub(super) fn checked(body: &Bytes) -> Result<(&str, Value<'_>), Wrong> {
    let text = std::str::from_utf8(body).map_err(|_| Wrong::new("", "the answer is not UTF-8"))?;
    let value = Value::read(text).map_err(|error| Wrong::new("", format!("the answer is not JSON: {error}")))?;
    Ok((text, value))
}

/// What is wrong with the body of a request that cannot be read as `what`.
pub(super) fn not_json(what: &str, error: &serde_json::Error) -> Wrong {
    let message = match error.classify() {
        serde_json::error::Category::Eof => format!("the body ends too early: {error}"),
        serde_json::error::Category::Syntax | serde_json::error::Category::Io => {
            format!("the body is not JSON: {error}")
        }
        serde_json::error::Category::Data => format!("the body is not {what}: {error}"),
    };
    Wrong::new("", message)
}

/// Read any other answer, such as an error: every text in it is a segment.
///
/// # Errors
/// Why nothing of it can be passed on.
pub(crate) fn read_words(body: Bytes) -> Result<(Answer, Document, Vec<Opaque>), Wrong> {
    let (text, value) = checked(&body)?;
    let mut texts = Texts::new(text);
    texts.anything(value, &Of::new(Role::Assistant, Channel::Other))?;
    let opaque = std::mem::take(&mut texts.opaque);
    let (segments, document) = texts.into_document(body.clone());
    Ok((Answer { segments, ..Answer::default() }, document, opaque))
}

/// Fields whose values are words of the wire format or identifiers, as long as they look like it.
fn names_something(key: &str) -> bool {
    matches!(
        key,
        "id" | "object"
            | "type"
            | "model"
            | "role"
            | "status"
            | "finish_reason"
            | "system_fingerprint"
            | "service_tier"
            | "tool_call_id"
            | "tool_use_id"
            | "media_type"
            | "stop_reason"
            | "call_id"
            | "format"
            | "detail"
            | "encoding_format"
            | "reasoning_effort"
            | "effort"
            | "verbosity"
            | "voice"
            | "modalities"
            | "tool_choice"
            | "prompt_cache_retention"
            | "$ref"
            | "$schema"
            | "required"
            | "code"
            | "param"
            | "syntax"
            | "search_context_size"
            | "include"
            | "truncation"
            | "mimeType"
            | "mime_type"
            | "finishReason"
            | "blockReason"
            | "responseId"
            | "toolUseId"
            | "stopReason"
            | "modelVersion"
            | "responseMimeType"
            | "response_mime_type"
            | "thinkingLevel"
            | "thinking_level"
            | "category"
            | "threshold"
            | "probability"
            | "severity"
            | "modality"
    )
}

/// Letters, digits and a few signs, and no longer than an identifier is.
pub(crate) fn is_name(text: &str) -> bool {
    text.len() <= 64
        && text.bytes().all(|byte| {
            byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b':' | b'/' | b'#' | b'$' | b'+')
        })
}

/// An id that a provider has given.
pub(super) fn id_of(value: Value<'_>) -> Option<Word> {
    value.text().filter(|id| !id.is_empty() && is_name(id)).map(Word::from)
}

/// Note a field of an answer that says where it comes from, in whichever dialect; others say nothing of that.
pub(super) fn note_name(names: &mut Names, name: &str, value: Value<'_>) {
    match name {
        "id" | "responseId" | "response_id" => names.id = id_of(value),
        "model" | "modelVersion" | "model_version" => names.model = id_of(value),
        _ => {}
    }
}

/// What stands in a log for text that names nothing.
const NO_NAME: &str = "(not a name)";

/// The text where it is a name, and else what stands in a log for it.
pub(crate) fn as_name(text: &str) -> &str {
    if is_name(text) { text } else { NO_NAME }
}

/// A path as a log may have it: without what names nothing, since keys may be any text.
pub(crate) fn names_of(path: &str) -> String {
    let shown = |step: &str| {
        let (name, places) = step.split_at(step.find('[').unwrap_or(step.len()));
        let is_place = |c: char| matches!(c, '[' | ']') || c.is_ascii_digit();
        if is_name(name) && places.chars().all(is_place) { step.to_owned() } else { NO_NAME.to_owned() }
    };
    path.split('.').map(shown).collect::<Vec<_>>().join(".")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_in_a_log_has_nothing_but_names() {
        assert_eq!(names_of("messages[2].content[0].text"), "messages[2].content[0].text");
        assert_eq!(names_of(""), "");
        assert_eq!(names_of("messages[0].The patient Jane Roe.x"), "messages[0].(not a name).x");
        assert_eq!(names_of("a[0]Jane"), "(not a name)");
    }
}
