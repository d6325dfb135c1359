//! What a column can hold, and the values of a statement.

use std::borrow::Cow;
use std::mem;

/// What a column can hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    /// Nothing.
    Null,
    /// A number: `BIGINT`.
    Int(i64),
    /// `TEXT`.
    Text(Cow<'a, str>),
}

impl From<i64> for Value<'_> {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}

/// The largest number that can be kept in its place, if it is larger.
impl From<u64> for Value<'_> {
    fn from(number: u64) -> Self {
        Self::Int(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

impl From<u32> for Value<'_> {
    fn from(number: u32) -> Self {
        Self::Int(number.into())
    }
}

impl From<usize> for Value<'_> {
    fn from(number: usize) -> Self {
        Self::Int(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

impl From<bool> for Value<'_> {
    fn from(truth: bool) -> Self {
        Self::Int(truth.into())
    }
}

// PostgreSQL has no place for this one character.
impl<'a> From<Cow<'a, str>> for Value<'a> {
    fn from(text: Cow<'a, str>) -> Self {
        Self::Text(if text.contains('\0') { text.replace('\0', "\u{fffd}").into() } else { text })
    }
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(text: &'a str) -> Self {
        Cow::Borrowed(text).into()
    }
}

impl From<String> for Value<'_> {
    fn from(text: String) -> Self {
        Cow::<str>::Owned(text).into()
    }
}

impl<'a, T: Into<Self>> From<Option<T>> for Value<'a> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// Values one behind the other. All of their texts are one: of thousands of rows that are written together, each value would be
/// an allocation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Values {
    places: Vec<Place>,
    texts: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Null,
    Int(i64),
    /// The text up to here, from where the one before ends.
    Text(usize),
}

impl Values {
    /// None yet, and room for so many, and for so many bytes of texts.
    pub(crate) fn with_room(values: usize, bytes: usize) -> Self {
        Self { places: Vec::with_capacity(values), texts: String::with_capacity(bytes) }
    }

    /// The values, the first first.
    pub fn iter(&self) -> impl Iterator<Item = Value<'_>> {
        let mut begins = 0;
        self.places.iter().map(move |place| match place {
            Place::Null => Value::Null,
            Place::Int(number) => Value::Int(*number),
            Place::Text(ends) => {
                let text = self.texts.get(mem::replace(&mut begins, *ends)..*ends);
                Value::Text(text.unwrap_or_default().into())
            }
        })
    }
}

impl<'a> Extend<Value<'a>> for Values {
    fn extend<I: IntoIterator<Item = Value<'a>>>(&mut self, values: I) {
        let texts = &mut self.texts;
        self.places.extend(values.into_iter().map(|value| match value {
            Value::Null => Place::Null,
            Value::Int(number) => Place::Int(number),
            Value::Text(text) => {
                texts.push_str(&text);
                Place::Text(texts.len())
            }
        }));
    }
}

impl<'a> FromIterator<Value<'a>> for Values {
    fn from_iter<I: IntoIterator<Item = Value<'a>>>(values: I) -> Self {
        let mut all = Self::default();
        all.extend(values);
        all
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn values() -> impl Strategy<Value = Vec<Value<'static>>> {
        let value = prop_oneof![
            Just(Value::Null),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            ".{0,300}".prop_map(Value::from),
        ];
        proptest::collection::vec(value, 0..50)
    }

    proptest! {
        #[test]
        fn what_is_kept_is_as_it_was(first in values(), then in values()) {
            let mut kept: Values = first.iter().cloned().collect();
            kept.extend(then.iter().cloned());
            prop_assert_eq!(kept.iter().collect::<Vec<_>>(), [first, then].concat());
        }
    }

    #[test]
    fn the_character_that_has_no_place_is_replaced() {
        assert_eq!(Value::from("a\0b"), Value::from("a\u{fffd}b".to_owned()));
        assert_eq!(Value::from("a\0b".to_owned()), Value::from("a\u{fffd}b"));
    }
}
