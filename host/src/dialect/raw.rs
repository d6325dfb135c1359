//! JSON read in place: objects and arrays one level at a time, each value as the slice that it is.
//!
//! A text is checked once, as a whole. After that it is enough to find where each value ends, which the level above has done
//! already for all that is below: so the levels are gone through by a scanner that relies on it.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;
use std::ops::Range;

use memchr::memchr2;
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

/// A value where it stands: one that was checked, without space around it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Value<'a>(&'a str);

impl<'a> From<&'a RawValue> for Value<'a> {
    fn from(value: &'a RawValue) -> Self {
        Self(value.get())
    }
}

impl<'a> Value<'a> {
    /// The value that a text is.
    ///
    /// # Errors
    /// When it is not JSON.
    pub(super) fn read(text: &'a str) -> serde_json::Result<Self> {
        serde_json::from_str::<&RawValue>(text).map(Self::from)
    }

    /// The value that a body is, or null if it is none.
    pub(super) fn or_null(body: &'a [u8]) -> Self {
        std::str::from_utf8(body).ok().and_then(|text| Self::read(text).ok()).unwrap_or(Self("null"))
    }

    /// The text that it is.
    pub(super) fn source(self) -> &'a str {
        self.0
    }

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

    /// A number of tokens: a whole number that fits, also if it is written as `100.0`.
    pub(super) fn tokens(self) -> Option<u32> {
        let whole = self.0.find('.').and_then(|point| {
            let (whole, fraction) = self.0.split_at(point);
            fraction.strip_prefix('.').is_some_and(|zeros| zeros.bytes().all(|digit| digit == b'0')).then_some(whole)
        });
        whole.unwrap_or(self.0).parse().ok()
    }

    /// The number of a whole number; the largest one for a number that is larger, or not written as a whole one.
    pub(super) fn count(self) -> Option<u64> {
        let is_count = self.kind() == Kind::Number && !self.0.starts_with('-');
        is_count.then(|| self.0.parse().unwrap_or(u64::MAX))
    }

    /// The fields of an object; none for anything else.
    pub(super) fn fields(self) -> Fields<'a> {
        let mut fields = Vec::with_capacity(USUAL);
        let mut inside = Scanner::inside(self, b'{');
        while let Some(key) = inside.next() {
            let Some(value) = inside.next() else { break };
            fields.push(Field { key, value });
        }
        Fields(fields)
    }

    /// The items of an array; none for anything else.
    pub(super) fn items(self) -> Vec<Value<'a>> {
        let mut items = Vec::with_capacity(USUAL);
        items.extend(Scanner::inside(self, b'['));
        items
    }

    /// Where it stands in `body`, of which it is a slice.
    pub(super) fn place(self, body: &str) -> Range<usize> {
        let start = (self.0.as_ptr() as usize).saturating_sub(body.as_ptr() as usize);
        start..start.saturating_add(self.0.len())
    }
}

/// Fields of most objects and items of most lists are no more.
const USUAL: usize = 8;

/// The values inside of another, one after the other; of an object its keys too.
#[derive(Debug)]
struct Scanner<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Scanner<'a> {
    /// Nothing is inside of a value that does not open with this.
    fn inside(value: Value<'a>, open: u8) -> Self {
        let text = if value.0.as_bytes().first() == Some(&open) { value.0 } else { "" };
        Self { text, at: 1 }
    }
}

impl<'a> Iterator for Scanner<'a> {
    type Item = Value<'a>;

    fn next(&mut self) -> Option<Value<'a>> {
        let bytes = self.text.as_bytes();
        let between = |byte: &u8| matches!(byte, b' ' | b'\n' | b'\r' | b'\t' | b',' | b':');
        let start = self.at + bytes.get(self.at..)?.iter().position(|byte| !between(byte))?;
        self.at = end(bytes, start);
        self.text.get(start..self.at).filter(|value| !value.is_empty()).map(Value)
    }
}

/// Where a value ends that begins there.
fn end(bytes: &[u8], start: usize) -> usize {
    let rest = bytes.get(start..).unwrap_or_default();
    let ended = match rest.first() {
        Some(b'"') => return end_of_string(bytes, start),
        Some(b'{' | b'[') => return end_of_nested(bytes, start),
        _ => |byte: &u8| matches!(byte, b' ' | b'\n' | b'\r' | b'\t' | b',' | b']' | b'}'),
    };
    start + rest.iter().position(ended).unwrap_or(rest.len())
}

/// Where a string ends that begins there.
fn end_of_string(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while let Some(found) = bytes.get(at..).and_then(|rest| memchr2(b'"', b'\\', rest)) {
        at += found + 1;
        if bytes.get(at - 1) == Some(&b'"') {
            return at;
        }
        // Whatever was escaped is no end.
        at += 1;
    }
    bytes.len()
}

/// Where an object or an array ends that begins there.
fn end_of_nested(bytes: &[u8], start: usize) -> usize {
    let (mut at, mut open) = (start, 0_usize);
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => {
                at = end_of_string(bytes, at);
                continue;
            }
            b'{' | b'[' => open += 1,
            b'}' | b']' if open == 1 => return at + 1,
            b'}' | b']' => open = open.saturating_sub(1),
            _ => {}
        }
        at += 1;
    }
    bytes.len()
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

    /// Whether its key is written with more characters than this name has.
    pub(super) fn is_longer(&self, name: &str) -> bool {
        self.key.0.len() > name.len() + 2
    }

    /// Whether it has this name, however it is spelt.
    pub(super) fn is(&self, name: &str) -> bool {
        let (key, quotes) = (self.key.0, 2);
        // An escape is longer than what it stands for.
        match key.len().cmp(&(name.len() + quotes)) {
            Ordering::Less => false,
            Ordering::Equal => key.get(1..=name.len()) == Some(name),
            Ordering::Greater => key.contains('\\') && self.name() == name,
        }
    }
}

impl<'a> Fields<'a> {
    /// The value of a field that must not be there twice: two readers might not agree on which one counts.
    ///
    /// # Errors
    /// The name, where it is there twice.
    pub(super) fn once(&self, name: &'static str) -> Result<Option<Value<'a>>, &'static str> {
        let mut found = self.0.iter().filter(|field| field.is(name));
        match (found.next(), found.next()) {
            (first, None) => Ok(first.map(|field| field.value)),
            (_, Some(_)) => Err(name),
        }
    }

    /// The name of a field that is there twice, however it is spelt.
    pub(super) fn repeated(&self) -> Option<String> {
        repeated(self.0.iter().map(Field::name)).map(Cow::into_owned)
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
        self.0.iter().rev().find(|field| field.is(name)).map(|field| field.value)
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
                let mut fields = Vec::with_capacity(USUAL);
                while let Some((key, value)) = map.next_entry::<&'de RawValue, &'de RawValue>()? {
                    fields.push(Field { key: key.into(), value: value.into() });
                }
                Ok(Fields(fields))
            }
        }
        deserializer.deserialize_map(FieldsVisitor)
    }
}

/// So few names are compared with each other faster than they are sorted.
const FEW: usize = 16;

/// A name that is there twice.
pub(super) fn repeated<'a>(names: impl Iterator<Item = Cow<'a, str>>) -> Option<Cow<'a, str>> {
    let mut names: Vec<_> = names.collect();
    let at = match names.len() {
        0..=FEW => (1..names.len()).find(|at| names.iter().take(*at).any(|name| Some(name) == names.get(*at))),
        _ => {
            names.sort_unstable();
            names.windows(2).position(|pair| matches!(pair, [a, b] if a == b))
        }
    };
    at.map(|at| names.swap_remove(at))
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
    use proptest::collection::vec;
    use proptest::prelude::*;
    use proptest::sample::select;

    use super::*;

    #[test]
    fn keys_and_values_are_found_where_they_stand() {
        let body = r#"{ "a" : [1, {"b":"x"}], "\u0062":null}"#;
        let fields = Value::read(body).unwrap().fields();
        let names: Vec<_> = fields.0.iter().map(Field::name).collect();
        assert_eq!(names, ["a", "b"]);
        let inner = fields.once("a").unwrap().unwrap().items()[1].fields().once("b").unwrap().unwrap();
        assert_eq!(&body[inner.place(body)], "\"x\"");
    }

    #[test]
    fn a_field_that_counts_may_not_be_there_twice_however_it_is_spelt() {
        let fields = Value::read(r#"{"model":"a","mod\u0065l":"b"}"#).unwrap().fields();
        assert_eq!(fields.once("model").unwrap_err(), "model");
        assert_eq!(fields.repeated().as_deref(), Some("model"));
        assert!(fields.0.iter().all(|field| field.is("model") && !field.is("mode") && !field.is("models")));
        assert_eq!(Value::read(r#"{"a":1,"A":1}"#).unwrap().fields().repeated(), None);
    }

    /// What serde's parser finds in a value.
    fn parsed(value: Value<'_>) -> Vec<&str> {
        match value.kind() {
            Kind::Object => {
                let fields: Fields<'_> = serde_json::from_str(value.0).unwrap();
                fields.0.iter().flat_map(|field| [field.key.0, field.value.0]).collect()
            }
            Kind::Array => {
                let items: Vec<&RawValue> = serde_json::from_str(value.0).unwrap();
                items.into_iter().map(RawValue::get).collect()
            }
            _ => Vec::new(),
        }
    }

    /// All levels are found by the scanner as they are by serde's parser.
    fn agrees(value: Value<'_>) {
        let fields = value.fields();
        let found = match value.kind() {
            Kind::Object => fields.0.iter().flat_map(|field| [field.key, field.value]).collect(),
            _ => value.items(),
        };
        assert_eq!(found.iter().map(|value| value.0).collect::<Vec<_>>(), parsed(value), "{}", value.0);
        found.into_iter().for_each(agrees);
    }

    #[test]
    fn values_end_where_they_end() {
        for text in [
            r#"{ "a\\" : "}]\\\"" , "b":[ [ ] , { } ,"",-1.5e+3 ,true,false , null ] ,"c":{"d":[{"e":"\u005d"}]}, "":0 }"#,
            "[\n]",
            "{\t}",
            "[1]",
            "\"[\"",
            "-0",
            " [ \"a\" , \"\\\"\" ] ",
        ] {
            agrees(Value::read(text).unwrap());
        }
    }

    /// Texts that look like JSON, and some that are.
    fn texts() -> impl Strategy<Value = String> {
        let leaf = select(vec![
            "null",
            "true",
            "-1.5e3",
            "\"\"",
            "\"a\"",
            r#""\\""#,
            r#""\"]""#,
            r#""{\u0022""#,
            "\"\u{fc}\"",
        ]);
        let space = || select(vec!["", " ", "\n", "\t \r"]);
        leaf.prop_map(str::to_owned).prop_recursive(4, 40, 6, move |inner| {
            let item = (space(), inner, space()).prop_map(|(before, value, after)| format!("{before}{value}{after}"));
            let key = select(vec!["\"a\"", "\"\"", r#""\":""#]);
            let field = (key, space(), item.clone()).prop_map(|(key, space, value)| format!("{key}{space}:{value}"));
            prop_oneof![
                vec(item, 0..6).prop_map(|items| format!("[{}]", items.join(","))),
                vec(field, 0..6).prop_map(|fields| format!("{{{}}}", fields.join(","))),
            ]
        })
    }

    proptest! {
        #[test]
        fn the_scanner_finds_what_the_parser_finds(text in texts()) {
            agrees(Value::read(&text).unwrap());
        }
    }
}
