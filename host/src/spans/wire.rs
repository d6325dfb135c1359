//! Protocol buffers, as far as spans need them (<https://protobuf.dev/programming-guides/encoding/>). Generated types would own
//! a text for each key and each value, and measure each message once for every message around it: that took five times as
//! long as all of this.

/// A message as it is written, field by field.
#[derive(Clone, Debug, Default)]
pub(super) struct Message(Vec<u8>);

/// What an attribute can say.
#[derive(Clone, Copy, Debug)]
pub(super) enum Value<'a> {
    Text(&'a str),
    Yes,
    Number(i64),
    Real(f64),
    Texts(&'a [&'a str]),
}

/// How a field is written.
#[derive(Clone, Copy)]
enum Form {
    Varint = 0,
    Fixed64 = 1,
    Bytes = 2,
    Fixed32 = 5,
}

/// The fields of `KeyValue` and `AnyValue` in `opentelemetry/proto/common/v1/common.proto`.
mod field {
    pub(super) const KEY: u32 = 1;
    pub(super) const VALUE: u32 = 2;
    pub(super) const TEXT: u32 = 1;
    pub(super) const YES: u32 = 2;
    pub(super) const NUMBER: u32 = 3;
    pub(super) const REAL: u32 = 4;
    pub(super) const TEXTS: u32 = 5;
    /// Of `ArrayValue`.
    pub(super) const ITEM: u32 = 1;
}

/// Bytes in which the length of a message is noted that is written after them: as many as readers accept for a length. A varint
/// may be longer than it need be.
const LENGTH: usize = 5;
/// Bytes of the head of a field with a number below 16.
const HEAD: usize = 1;

impl Message {
    pub(super) fn with_room(bytes: usize) -> Self {
        Self(Vec::with_capacity(bytes))
    }

    /// All that is written.
    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    /// A message within this one, as it is written: it is copied nowhere, and how long it is is noted behind it.
    pub(super) fn nested(&mut self, field: u32, write: impl FnOnce(&mut Self)) {
        self.head(field, Form::Bytes);
        let at = self.0.len();
        self.0.extend_from_slice(&[0; LENGTH]);
        write(self);
        let mut left = self.0.len() - at - LENGTH;
        for (index, byte) in self.0.iter_mut().skip(at).take(LENGTH).enumerate() {
            let [low, ..] = left.to_le_bytes();
            *byte = if index + 1 < LENGTH { low | 0x80 } else { low & 0x7f };
            left >>= 7;
        }
    }

    fn begin(&mut self, field: u32, bytes: usize) {
        self.head(field, Form::Bytes);
        self.varint(length(bytes));
    }

    pub(super) fn bytes(&mut self, field: u32, bytes: &[u8]) {
        self.begin(field, bytes.len());
        self.0.extend_from_slice(bytes);
    }

    pub(super) fn text(&mut self, field: u32, text: &str) {
        self.bytes(field, text.as_bytes());
    }

    pub(super) fn message(&mut self, field: u32, message: &Self) {
        self.bytes(field, &message.0);
    }

    pub(super) fn number(&mut self, field: u32, number: u64) {
        self.head(field, Form::Varint);
        self.varint(number);
    }

    pub(super) fn fixed64(&mut self, field: u32, number: u64) {
        self.head(field, Form::Fixed64);
        self.0.extend_from_slice(&number.to_le_bytes());
    }

    pub(super) fn fixed32(&mut self, field: u32, number: u32) {
        self.head(field, Form::Fixed32);
        self.0.extend_from_slice(&number.to_le_bytes());
    }

    /// A `KeyValue`. How long it is is known before it is written, so nothing is written twice.
    pub(super) fn attribute(&mut self, field: u32, key: &str, value: Value<'_>) {
        let value_bytes = HEAD + value.bytes();
        self.begin(field, HEAD + delimited(key.len()) + HEAD + delimited(value_bytes));
        self.text(field::KEY, key);
        self.begin(field::VALUE, value_bytes);
        match value {
            Value::Text(text) => self.text(field::TEXT, text),
            Value::Yes => self.number(field::YES, 1),
            Value::Number(number) => self.number(field::NUMBER, number.cast_unsigned()),
            Value::Real(number) => self.fixed64(field::REAL, number.to_bits()),
            Value::Texts(texts) => {
                self.begin(field::TEXTS, items(texts));
                for text in texts {
                    self.begin(field::ITEM, HEAD + delimited(text.len()));
                    self.text(field::TEXT, text);
                }
            }
        }
    }

    fn head(&mut self, field: u32, form: Form) {
        self.varint(u64::from(field) << 3 | form as u64);
    }

    fn varint(&mut self, mut number: u64) {
        while let [low, ..] = number.to_le_bytes()
            && number >= 0x80
        {
            self.0.push(low | 0x80);
            number >>= 7;
        }
        let [low, ..] = number.to_le_bytes();
        self.0.push(low);
    }
}

impl Value<'_> {
    /// How many it takes behind its head.
    fn bytes(self) -> usize {
        match self {
            Self::Text(text) => delimited(text.len()),
            Self::Yes => 1,
            Self::Number(number) => varint_bytes(number.cast_unsigned()),
            Self::Real(_) => 8,
            Self::Texts(texts) => delimited(items(texts)),
        }
    }
}

/// Bytes of a list of texts.
fn items(texts: &[&str]) -> usize {
    texts.iter().map(|text| HEAD + delimited(HEAD + delimited(text.len()))).sum()
}

/// Bytes of so many bytes with their length before them.
fn delimited(bytes: usize) -> usize {
    varint_bytes(length(bytes)) + bytes
}

fn varint_bytes(number: u64) -> usize {
    let bits = 64 - (number | 1).leading_zeros();
    usize::try_from(bits.div_ceil(7)).unwrap_or_default()
}

fn length(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use opentelemetry_proto::tonic::common::v1::any_value::Value as Read;
    use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue};
    use opentelemetry_proto::tonic::trace::v1::ResourceSpans;
    use proptest::prelude::*;
    use prost::Message as _;

    use super::*;

    proptest! {
        #[test]
        fn what_is_written_is_read_by_others(
            key in ".{0,200}", said in ".{0,300}", number: i64, real in proptest::num::f64::NORMAL,
        ) {
            let mut message = Message::default();
            message.nested(1, |resource| {
                for value in
                    [Value::Text(&said), Value::Yes, Value::Number(number), Value::Real(real), Value::Texts(&[&said, ""])]
                {
                    resource.attribute(1, &key, value);
                }
            });
            let spans = ResourceSpans::decode(&*message.into_bytes()).unwrap();
            let resource = spans.resource.unwrap();
            prop_assert!(resource.attributes.iter().all(|attribute| attribute.key == key));
            let values: Vec<Read> =
                resource.attributes.into_iter().map(|attribute| attribute.value.unwrap().value.unwrap()).collect();
            let text = |text: &str| Read::StringValue(text.to_owned());
            let item = |read| AnyValue { value: Some(read) };
            let expected = [
                text(&said),
                Read::BoolValue(true),
                Read::IntValue(number),
                Read::DoubleValue(real),
                Read::ArrayValue(ArrayValue { values: vec![item(text(&said)), item(text(""))] }),
            ];
            prop_assert_eq!(values, expected);
        }
    }
}
