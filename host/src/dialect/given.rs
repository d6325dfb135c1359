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
use super::raw::{Fields, Kind, Value};
use crate::chat::Finish;

/// Why a field is lost that the other side has no word for.
pub(super) const NO_COUNTERPART: &str = "has no counterpart in the other dialect";

/// The fields of an object that are not null, which means the same as not being there. None is there twice: one of the
/// two would be lost, nobody could say which.
#[derive(Debug)]
pub(super) struct Object<'a> {
    at: Rc<str>,
    pub(super) fields: Vec<Given<'a>>,
}

/// A value that is not null, with its path.
#[derive(Debug)]
pub(super) struct Given<'a> {
    /// The path of the object that it is a field of, or its own path if it is an item of a list.
    at: Rc<str>,
    /// Empty for an item of a list.
    pub(super) name: Cow<'a, str>,
    pub(super) value: Value<'a>,
}

impl<'a> Object<'a> {
    /// Read a body, which should be `what`.
    ///
    /// # Errors
    /// When it is not an object, or has a field twice.
    pub(super) fn of_body(body: &'a [u8], what: &str) -> Result<Self, Wrong> {
        let text = std::str::from_utf8(body).map_err(|_| Wrong::new("", "the body is not UTF-8"))?;
        let fields = serde_json::from_str(text).map_err(|error| not_json(what, &error))?;
        Self::new(fields, "".into())
    }

    fn new(fields: Fields<'a>, at: Rc<str>) -> Result<Self, Wrong> {
        if let Some(name) = fields.repeated() {
            return Err(Wrong::new(path(&at, &name), "is there twice; send it once"));
        }
        let fields = fields.0.into_iter().filter(|field| field.value.kind() != Kind::Null);
        let fields = fields.map(|field| Given { at: at.clone(), name: field.name(), value: field.value }).collect();
        Ok(Self { at, fields })
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
        Wrong::new(path(&self.at, name), "is missing")
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
    pub(super) fn path(&self) -> &str {
        &self.at
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
    pub(super) fn at(at: &str, value: Value<'a>) -> Self {
        Self { at: at.into(), name: Cow::Borrowed(""), value }
    }

    /// Where it stands, as `messages[2].content`.
    pub(super) fn path(&self) -> String {
        path(&self.at, &self.name)
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
            Kind::Object => Object::new(self.value.fields(), self.path().into()),
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
        let path = self.path();
        let items = self.value.items().into_iter().enumerate();
        Ok(items.map(|(index, item)| Given::at(&format!("{path}[{index}]"), item)).collect())
    }

    /// The strings of a list.
    ///
    /// # Errors
    /// When it is none, or has other items.
    pub(super) fn texts(&self) -> Result<Vec<String>, Wrong> {
        self.items()?.iter().map(Given::text).collect()
    }
}

fn path(at: &str, name: &str) -> String {
    match (at, name) {
        ("", _) => shown(name),
        (_, "") => at.to_owned(),
        _ => format!("{at}.{}", shown(name)),
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
    serde_json::to_vec(body).map(Bytes::from).map_err(|error| Wrong::new("", format!("cannot be written: {error}")))
}

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
