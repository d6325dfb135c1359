//! JSON read in place: objects and arrays one level at a time, each value as the slice that it is.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;
use std::ops::Range;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::text::decode;

/// What a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Null,
    Bool(bool),
    Number,
    String,
    Array,
    Object,
}

/// A value where it stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Value<'a>(pub(super) &'a str);

impl<'a> Value<'a> {
    pub(super) fn kind(self) -> Kind {
        match self.0.as_bytes().first() {
            Some(b'{') => Kind::Object,
            Some(b'[') => Kind::Array,
            Some(b'"') => Kind::String,
            Some(b't') => Kind::Bool(true),
            Some(b'f') => Kind::Bool(false),
            Some(b'n') | None => Kind::Null,
            Some(_) => Kind::Number,
        }
    }

    /// The text of a string.
    pub(super) fn text(self) -> Option<Cow<'a, str>> {
        (self.kind() == Kind::String).then(|| decode(self.0))
    }

    /// The number of a whole number that fits.
    pub(super) fn number(self) -> Option<u32> {
        self.0.parse().ok()
    }

    /// The number of a whole number; the largest one for a number that is larger, or not written as a whole one.
    pub(super) fn count(self) -> Option<u64> {
        let is_count = self.kind() == Kind::Number && !self.0.starts_with('-');
        is_count.then(|| self.0.parse().unwrap_or(u64::MAX))
    }

    /// The fields of an object; none for anything else.
    pub(super) fn fields(self) -> Fields<'a> {
        serde_json::from_str(self.0).unwrap_or_default()
    }

    /// The items of an array; none for anything else.
    pub(super) fn items(self) -> Vec<Value<'a>> {
        let items: Vec<&'a RawValue> = serde_json::from_str(self.0).unwrap_or_default();
        items.into_iter().map(|item| Value(item.get())).collect()
    }

    /// Where it stands in `body`, of which it is a slice.
    pub(super) fn place(self, body: &str) -> Range<usize> {
        let start = (self.0.as_ptr() as usize).saturating_sub(body.as_ptr() as usize);
        start..start.saturating_add(self.0.len())
    }
}

/// The fields of an object, in order, with all their repetitions.
#[derive(Debug, Default)]
pub(super) struct Fields<'a>(pub(super) Vec<Field<'a>>);

/// One field of an object.
#[derive(Debug)]
pub(super) struct Field<'a> {
    /// The source of its key.
    pub(super) key: Value<'a>,
    pub(super) value: Value<'a>,
}

impl<'a> Field<'a> {
    pub(super) fn name(&self) -> Cow<'a, str> {
        decode(self.key.0)
    }
}

impl<'a> Fields<'a> {
    /// The value of a field that must not be there twice: two readers might not agree on which one counts.
    ///
    /// # Errors
    /// The name, where it is there twice.
    pub(super) fn once(&self, name: &'static str) -> Result<Option<Value<'a>>, &'static str> {
        let mut found = self.0.iter().filter(|field| field.name() == name);
        match (found.next(), found.next()) {
            (first, None) => Ok(first.map(|field| field.value)),
            (_, Some(_)) => Err(name),
        }
    }

    /// The name of a field that is there twice, however it is spelt.
    pub(super) fn repeated(&self) -> Option<String> {
        let mut names = BTreeSet::new();
        self.0.iter().map(Field::name).find(|name| !names.insert(name.clone())).map(Cow::into_owned)
    }

    /// Where a field of an object of `body` stands, with the comma that is too much without it.
    pub(super) fn with_comma(&self, index: usize, body: &str) -> Option<Range<usize>> {
        let field = self.0.get(index)?;
        let (key, value) = (field.key.place(body), field.value.place(body));
        let before = index.checked_sub(1).and_then(|before| self.0.get(before));
        Some(match (before, self.0.get(index + 1)) {
            (Some(before), _) => before.value.place(body).end..value.end,
            (None, Some(next)) => key.start..next.key.place(body).start,
            (None, None) => key.start..value.end,
        })
    }

    /// The value of a field, the last one where there are several, as most readers have it.
    pub(super) fn last(&self, name: &str) -> Option<Value<'a>> {
        self.0.iter().rev().find(|field| field.name() == name).map(|field| field.value)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Fields<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct FieldsVisitor;
        impl<'de> Visitor<'de> for FieldsVisitor {
            type Value = Fields<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut fields = Vec::new();
                while let Some((key, value)) = map.next_entry::<&'de RawValue, &'de RawValue>()? {
                    fields.push(Field { key: Value(key.get()), value: Value(value.get()) });
                }
                Ok(Fields(fields))
            }
        }
        deserializer.deserialize_map(FieldsVisitor)
    }
}

/// Whether a text is a document of JSON with something in it.
pub(crate) fn is_json(text: &str) -> bool {
    text.trim_start().starts_with(['{', '[', '"']) && serde_json::from_str::<IgnoredAny>(text).is_ok()
}

/// What a piece of a JSON string stands for; nothing if it is not one.
pub(crate) fn unescaped(piece: &str) -> Option<String> {
    serde_json::from_str(&format!("\"{piece}\"")).ok()
}

/// Replace ranges of `source`, which must be sorted and apart.
pub(super) fn splice(source: &[u8], changes: &[(Range<usize>, String)]) -> Vec<u8> {
    let grown: usize = changes.iter().map(|(_, replacement)| replacement.len()).sum();
    let mut out = Vec::with_capacity(source.len() + grown);
    let mut at = 0;
    for (range, replacement) in changes {
        out.extend_from_slice(source.get(at..range.start).unwrap_or_default());
        out.extend_from_slice(replacement.as_bytes());
        at = range.end;
    }
    out.extend_from_slice(source.get(at..).unwrap_or_default());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_values_are_found_where_they_stand() {
        let body = r#"{ "a" : [1, {"b":"x"}], "\u0062":null}"#;
        let fields = Value(body).fields();
        let names: Vec<_> = fields.0.iter().map(Field::name).collect();
        assert_eq!(names, ["a", "b"]);
        let inner = fields.once("a").unwrap().unwrap().items()[1].fields().once("b").unwrap().unwrap();
        assert_eq!(&body[inner.place(body)], "\"x\"");
    }

    #[test]
    fn a_field_that_counts_may_not_be_there_twice_however_it_is_spelt() {
        let fields = Value(r#"{"model":"a","mod\u0065l":"b"}"#).fields();
        assert_eq!(fields.once("model").unwrap_err(), "model");
        assert_eq!(fields.repeated().as_deref(), Some("model"));
        assert_eq!(Value(r#"{"a":1,"A":1}"#).fields().repeated(), None);
    }
}
