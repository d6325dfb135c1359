//! Field names. Google's servers take each in two spellings, `systemInstruction` and `system_instruction`: so does
//! every reader here, and a field that is there in both is refused, since nobody could say which one counts.

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::super::document::{Wrong, shown};
use super::super::given::{Given, Object};
use super::super::raw::{Field, Fields, Value, repeated};

/// The usual one of the two spellings.
pub(super) fn camel(name: &str) -> Cow<'_, str> {
    if !name.as_bytes().contains(&b'_') || !name.trim_start_matches('_').contains('_') {
        return Cow::Borrowed(name);
    }
    let rest = name.trim_start_matches('_');
    let mut camel = "_".repeat(name.len() - rest.len());
    let mut is_behind = false;
    for character in rest.chars() {
        match character {
            '_' => is_behind = true,
            _ if std::mem::take(&mut is_behind) => camel.push(character.to_ascii_uppercase()),
            _ => camel.push(character),
        }
    }
    Cow::Owned(camel)
}

/// The name of a field, in the usual spelling.
pub(super) fn usual<'a>(field: &Field<'a>) -> Cow<'a, str> {
    match field.name() {
        Cow::Borrowed(name) => camel(name),
        Cow::Owned(name) => Cow::Owned(camel(&name).into_owned()),
    }
}

/// The last value of a field in either spelling.
pub(super) fn last<'a>(fields: &Fields<'a>, name: &str) -> Option<Value<'a>> {
    // Both the other spelling and escapes are longer than the name.
    let is_it = |field: &&Field<'a>| field.is(name) || (field.is_longer(name) && usual(field) == name);
    fields.0.iter().rev().find(is_it).map(|field| field.value)
}

/// # Errors
/// When a field is there twice, in whichever spelling.
pub(super) fn unrepeated(fields: &Fields<'_>) -> Result<(), Wrong> {
    match repeated(fields.0.iter().map(usual)) {
        None => Ok(()),
        Some(name) => Err(Wrong::new(shown(&name), "is there twice; send it once")),
    }
}

/// An object whose fields are found by the usual spelling.
#[derive(Debug)]
pub(super) struct Spelt<'a> {
    object: Object<'a>,
}

impl<'a> Spelt<'a> {
    /// # Errors
    /// When a field is there in both spellings.
    pub(super) fn new(object: Object<'a>) -> Result<Self, Wrong> {
        // None is there twice in one spelling.
        if object.fields.iter().any(|field| matches!(camel(&field.name), Cow::Owned(_))) {
            let mut names = BTreeSet::new();
            if let Some(field) = object.fields.iter().find(|field| !names.insert(camel(&field.name))) {
                return Err(field.wrong("is there twice, in two spellings; send it once"));
            }
        }
        Ok(Self { object })
    }

    /// # Errors
    /// When it is not an object, or has a field twice.
    pub(super) fn of(given: &Given<'a>) -> Result<Self, Wrong> {
        Self::new(given.object()?)
    }

    /// All fields that are not null, by their usual spelling.
    pub(super) fn fields(&self) -> impl Iterator<Item = (Cow<'_, str>, &Given<'a>)> {
        self.object.fields.iter().map(|field| (camel(&field.name), field))
    }

    pub(super) fn find(&self, name: &str) -> Option<&Given<'a>> {
        self.object.fields.iter().find(|field| camel(&field.name) == name)
    }

    /// # Errors
    /// When it is not there.
    pub(super) fn needed(&self, name: &str) -> Result<&Given<'a>, Wrong> {
        self.find(name).ok_or_else(|| self.object.missing(name))
    }

    /// The text of a field, if it is there.
    ///
    /// # Errors
    /// When it is not a string.
    pub(super) fn text(&self, name: &str) -> Result<Option<String>, Wrong> {
        self.find(name).map(Given::text).transpose()
    }

    /// Where it stands, as `contents[2]`.
    pub(super) fn path(&self) -> String {
        self.object.path()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_spellings_are_one_name() {
        for (name, expected) in [
            ("text", "text"),
            ("systemInstruction", "systemInstruction"),
            ("system_instruction", "systemInstruction"),
            ("_response_json_schema", "_responseJsonSchema"),
            ("a__b_", "aB"),
            ("_", "_"),
            ("f\u{fc}r_\u{fc}ber", "f\u{fc}r\u{fc}ber"),
        ] {
            assert_eq!(camel(name), expected, "{name}");
        }
    }

    #[test]
    fn a_field_in_both_spellings_is_refused() {
        let both = r#"{"inline_data":1,"inlineData":2}"#;
        assert_eq!(unrepeated(&Value::read(both).unwrap().fields()).unwrap_err().field, "inlineData");
        assert_eq!(
            Spelt::of(&Given::at("parts[0]", Value::read(both).unwrap())).unwrap_err().field,
            "parts[0].inlineData"
        );
        assert_eq!(last(&Value::read(both).unwrap().fields(), "inlineData").map(|value| value.source()), Some("2"));
    }
}
