//! What a body says, read for translating: objects whose fields are told apart from those that are not there, and know
//! where they stand, for saying what is wrong with them or cannot be translated.

use std::borrow::Cow;
use std::rc::Rc;
use std::str::FromStr;

use bytes::Bytes;
use serde::Serialize;
use serde_json::value::RawValue;

use super::conversation::{Loss, Part};
use super::document::{Wrong, not_json, shown};
use super::raw::{Field, Fields, Kind, Value, repeated};
use crate::chat::Finish;

/// Why a field is lost that the other side has no word for.
pub(super) const NO_COUNTERPART: &str = "has no counterpart in the other dialect";

/// The fields of an object that are not null, which means the same as not being there. None is there twice: one of the
/// two would be lost, nobody could say which.
#[derive(Debug)]
pub(super) struct Object<'a> {
    place: Rc<Place<'a>>,
    pub(super) fields: Vec<Given<'a>>,
}

/// A value that is not null, with its place.
#[derive(Debug)]
pub(super) struct Given<'a> {
    /// The object that it is a field of, or the list that it is an item of.
    within: Rc<Place<'a>>,
    /// Where it stands in a list.
    index: Option<usize>,
    /// Empty if it is not a field.
    pub(super) name: Cow<'a, str>,
    pub(super) value: Value<'a>,
}

/// Where something stands. It is put into words only where there is something to say about it.
#[derive(Debug)]
enum Place<'a> {
    /// Where this path says; that of a body is empty.
    At(String),
    Field(Rc<Place<'a>>, Cow<'a, str>),
    Item(Rc<Place<'a>>, usize),
}

impl Place<'_> {
    /// As `messages[2].content`.
    fn path(&self) -> String {
        match self {
            Self::At(path) => path.clone(),
            Self::Field(of, name) => of.path_of(name),
            Self::Item(of, index) => of.path_at(*index),
        }
    }

    fn path_of(&self, name: &str) -> String {
        let (path, name) = (self.path(), shown(name));
        match (path.is_empty(), name.is_empty()) {
            (true, _) => name,
            (false, true) => path,
            (false, false) => format!("{path}.{name}"),
        }
    }

    fn path_at(&self, index: usize) -> String {
        format!("{}[{index}]", self.path())
    }
}

impl<'a> Object<'a> {
    /// Read a body, which should be `what`.
    ///
    /// # Errors
    /// When it is not an object, or has a field twice.
    pub(super) fn of_body(body: &'a [u8], what: &str) -> Result<Self, Wrong> {
        let text = std::str::from_utf8(body).map_err(|_| Wrong::new("", "the body is not UTF-8"))?;
        let fields = serde_json::from_str(text).map_err(|error| not_json(what, &error))?;
        Self::new(fields, Place::At(String::new()))
    }

    fn new(fields: Fields<'a>, place: Place<'a>) -> Result<Self, Wrong> {
        let place = Rc::new(place);
        let field =
            |field: Field<'a>| Given { within: place.clone(), index: None, name: field.name(), value: field.value };
        let mut fields: Vec<Given<'a>> = fields.0.into_iter().map(field).collect();
        if let Some(name) = repeated(fields.iter().map(|field| Cow::Borrowed(&*field.name))) {
            return Err(Wrong::new(place.path_of(&name), "is there twice; send it once"));
        }
        fields.retain(|field| field.value.kind() != Kind::Null);
        Ok(Self { place, fields })
    }

    pub(super) fn find(&self, name: &str) -> Option<&Given<'a>> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// # Errors
    /// When it is not there.
    pub(super) fn needed(&self, name: &str) -> Result<&Given<'a>, Wrong> {
        self.find(name).ok_or_else(|| self.missing(name))
    }

    /// That a field is not there, which must be.
    pub(super) fn missing(&self, name: &str) -> Wrong {
        Wrong::new(self.place.path_of(name), "is missing")
    }

    /// The text of a field, if it is there.
    ///
    /// # Errors
    /// When it is not a string.
    pub(super) fn text(&self, name: &str) -> Result<Option<String>, Wrong> {
        self.find(name).map(Given::text).transpose()
    }

    /// The fields with other names than these.
    pub(super) fn beyond<'f>(&'f self, known: &'f [&str]) -> impl Iterator<Item = &'f Given<'a>> {
        self.fields.iter().filter(|field| !known.contains(&&*field.name))
    }

    /// Where it stands, as `messages[2]`.
    pub(super) fn path(&self) -> String {
        self.place.path()
    }
}

impl<'a> Given<'a> {
    /// A content: a string, or a list of parts. Empty texts say nothing, and other dialects refuse them.
    ///
    /// # Errors
    /// When it is neither, or what `read` says of a part.
    pub(super) fn parts(
        &self,
        mut read: impl FnMut(&Object<'a>) -> Result<Option<Part>, Wrong>,
    ) -> Result<Vec<Part>, Wrong> {
        let mut parts = Vec::new();
        match self.value.kind() {
            Kind::String => parts.push(Part::Text(self.text()?)),
            Kind::Array => {
                for item in self.items()? {
                    parts.extend(read(&item.object()?)?);
                }
            }
            _ => return Err(self.wrong("must be a string or a list of parts")),
        }
        parts.retain(|part| !matches!(part, Part::Text(text) if text.is_empty()));
        Ok(parts)
    }

    /// A value that stands at `at`.
    #[cfg(test)]
    pub(super) fn at(at: &str, value: Value<'a>) -> Self {
        Self { within: Rc::new(Place::At(at.to_owned())), index: None, name: Cow::Borrowed(""), value }
    }

    fn place(&self) -> Place<'a> {
        match self.index {
            Some(index) => Place::Item(self.within.clone(), index),
            None => Place::Field(self.within.clone(), self.name.clone()),
        }
    }

    /// Where it stands, as `messages[2].content`.
    pub(super) fn path(&self) -> String {
        self.place().path()
    }

    pub(super) fn wrong(&self, message: &str) -> Wrong {
        Wrong::new(self.path(), message)
    }

    /// That it has no counterpart in the other dialect.
    pub(super) fn loss(&self) -> Loss {
        Loss::new(self.path(), NO_COUNTERPART)
    }

    /// What is lost where this says why an answer ended and nobody has a word for that: it would be taken for the usual end.
    pub(super) fn unknown_end(&self, finish: Finish) -> Option<Loss> {
        (finish == Finish::Other).then(|| self.loss())
    }

    /// That it has no counterpart in the other dialect, and changes nothing.
    pub(super) fn harmless(&self, why: &'static str) -> Loss {
        Loss::harmless(self.path(), why)
    }

    /// # Errors
    /// When it is not a string.
    pub(super) fn text(&self) -> Result<String, Wrong> {
        self.value.text().map(Cow::into_owned).ok_or_else(|| self.wrong("must be a string"))
    }

    /// # Errors
    /// When it is neither true nor false.
    pub(super) fn flag(&self) -> Result<bool, Wrong> {
        match self.value.kind() {
            Kind::Bool(flag) => Ok(flag),
            _ => Err(self.wrong("must be true or false")),
        }
    }

    /// # Errors
    /// When it is not a whole number that fits.
    pub(super) fn whole<N: FromStr>(&self) -> Result<N, Wrong> {
        self.value.source().parse().map_err(|_| self.wrong("must be a whole number in its range"))
    }

    /// A number that is finite: JSON has no word for the others, but one for a number that is too large.
    ///
    /// # Errors
    /// When it is none.
    pub(super) fn number(&self) -> Result<f64, Wrong> {
        let number = self.value.source().parse::<f64>().ok().filter(|number| number.is_finite());
        number.ok_or_else(|| self.wrong("must be a number"))
    }

    /// # Errors
    /// When it is not an object, or has a field twice.
    pub(super) fn object(&self) -> Result<Object<'a>, Wrong> {
        match self.value.kind() {
            Kind::Object => Object::new(self.value.fields(), self.place()),
            _ => Err(self.wrong("must be an object")),
        }
    }

    /// The source of an object.
    ///
    /// # Errors
    /// When it is none.
    pub(super) fn source(&self) -> Result<String, Wrong> {
        match self.value.kind() {
            Kind::Object => Ok(self.value.source().to_owned()),
            _ => Err(self.wrong("must be an object")),
        }
    }

    /// The items of a list.
    ///
    /// # Errors
    /// When it is none.
    pub(super) fn items(&self) -> Result<Vec<Given<'a>>, Wrong> {
        if self.value.kind() != Kind::Array {
            return Err(self.wrong("must be a list"));
        }
        let within = Rc::new(self.place());
        let item =
            |(index, value)| Given { within: within.clone(), index: Some(index), name: Cow::Borrowed(""), value };
        Ok(self.value.items().into_iter().enumerate().map(item).collect())
    }

    /// The strings of a list.
    ///
    /// # Errors
    /// When it is none, or has other items.
    pub(super) fn texts(&self) -> Result<Vec<String>, Wrong> {
        self.items()?.iter().map(Given::text).collect()
    }
}

/// JSON to be written as it stands, if it is an object. A call without arguments may come with nothing at all.
pub(super) fn json_object(json: &str) -> Option<&RawValue> {
    let json = if json.trim().is_empty() { "{}" } else { json };
    serde_json::from_str::<&RawValue>(json).ok().filter(|raw| raw.get().starts_with('{'))
}

/// A schema as it was written.
///
/// # Errors
/// When it is not JSON; `at` is its path.
pub(super) fn schema_source(schema: &str, at: impl FnOnce() -> String) -> Result<&RawValue, Wrong> {
    serde_json::from_str(schema).map_err(|_| Wrong::new(at(), "must have a schema that is JSON"))
}

/// What is written, as bytes.
///
/// # Errors
/// When it cannot be said in JSON.
pub(super) fn written(body: &impl Serialize) -> Result<Bytes, Wrong> {
    let mut bytes = Vec::with_capacity(USUAL_BYTES);
    match serde_json::to_writer(&mut bytes, body) {
        Ok(()) => Ok(bytes.into()),
        Err(error) => Err(Wrong::new("", format!("cannot be written: {error}"))),
    }
}

/// Most bodies are no larger, and need not grow while they are written.
const USUAL_BYTES: usize = 2 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_an_object_or_nothing() {
        for (json, expected) in [
            ("", Some("{}")),
            (" \n", Some("{}")),
            (" {\"a\": 1.50} ", Some("{\"a\": 1.50}")),
            ("[]", None),
            ("null", None),
            ("\"{}\"", None),
            ("{", None),
            ("{} {}", None),
            ("{\"a\":1}x", None),
        ] {
            assert_eq!(json_object(json).map(RawValue::get), expected, "{json:?}");
        }
    }
}
