//! Schemas. Google's servers take JSON Schema, and a form of their own that was there first: OpenAPI's, with types in
//! capital letters, `nullable`, and numbers in quotation marks. Here that one becomes JSON Schema, as far as it must;
//! everything else stays as it was written.

use std::ops::Range;

use crate::dialect::document::Wrong;
use crate::dialect::gemini::spelling::camel;
use crate::dialect::given::Given;
use crate::dialect::raw::{Kind, Value, splice};
use crate::dialect::text::encode;

/// Schemas in schemas. Real ones have about ten.
const DEPTH_MAX: usize = 48;

/// Words of the form whose two spellings are one.
const WORDS: &[&str] =
    &["anyOf", "minItems", "maxItems", "minLength", "maxLength", "minProperties", "maxProperties", "propertyOrdering"];

/// A schema of Google's form, as JSON Schema.
///
/// # Errors
/// When it is not an object, or nested too deep.
pub(super) fn json_schema(given: &Given<'_>) -> Result<String, Wrong> {
    let source = given.source()?;
    let mut changes = Vec::new();
    if collect(&source, Value::or_null(source.as_bytes()), DEPTH_MAX, &mut changes).is_none() {
        return Err(given.wrong(&format!("is nested deeper than {DEPTH_MAX} levels")));
    }
    changes.sort_by_key(|(range, _): &(Range<usize>, String)| range.start);
    Ok(String::from_utf8(splice(source.as_bytes(), &changes)).unwrap_or(source))
}

/// Nothing if it is nested too deep.
fn collect(whole: &str, schema: Value<'_>, depth: usize, changes: &mut Vec<(Range<usize>, String)>) -> Option<()> {
    let fields = schema.fields();
    let depth = depth.checked_sub(1)?;
    let is_nullable = fields.0.iter().any(|field| field.is("nullable") && field.value.kind() == Kind::Bool(true));
    for field in &fields.0 {
        let (name, value) = (field.name(), field.value);
        let word = camel(&name);
        if *word != *name && WORDS.contains(&&*word) {
            changes.push((field.key.place(whole), encode(&word)));
        }
        match (&*word, value.kind()) {
            ("type", Kind::String) => {
                let kind = encode(&value.text().unwrap_or_default().to_ascii_lowercase());
                let kind = if is_nullable { format!("[{kind},\"null\"]") } else { kind };
                if kind != value.source() {
                    changes.push((value.place(whole), kind));
                }
            }
            ("properties" | "defs" | "$defs" | "definitions", Kind::Object) => {
                for field in &value.fields().0 {
                    collect(whole, field.value, depth, changes)?;
                }
            }
            ("items" | "additionalProperties", Kind::Object) => collect(whole, value, depth, changes)?,
            ("anyOf" | "oneOf" | "allOf" | "prefixItems", Kind::Array) => {
                for item in value.items() {
                    collect(whole, item, depth, changes)?;
                }
            }
            ("minItems" | "maxItems" | "minLength" | "maxLength" | "minProperties" | "maxProperties", Kind::String) => {
                let number = value.text().and_then(|text| text.parse::<u64>().ok());
                changes.extend(number.map(|number| (value.place(whole), number.to_string())));
            }
            _ => {}
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn converted(schema: &str) -> Result<String, Wrong> {
        json_schema(&Given::at("tools[0].parameters", Value::or_null(schema.as_bytes())))
    }

    #[test]
    fn googles_form_becomes_json_schema_and_the_rest_stays() {
        let theirs = r#"{"type": "OBJECT", "properties": {
            "type": {"type": "STRING", "nullable": true, "enum": ["OBJECT", "b"], "maxLength": "9"},
            "list": {"type": "ARRAY", "items": {"any_of": [{"type": "INTEGER"}, {"type": "number"}]}, "min_items": 1}},
            "default": {"type": "STRING"}, "propertyOrdering": ["type"], "required": ["type"]}"#;
        let expected = r#"{"type": "object", "properties": {
            "type": {"type": ["string","null"], "nullable": true, "enum": ["OBJECT", "b"], "maxLength": 9},
            "list": {"type": "array", "items": {"anyOf": [{"type": "integer"}, {"type": "number"}]}, "minItems": 1}},
            "default": {"type": "STRING"}, "propertyOrdering": ["type"], "required": ["type"]}"#;
        assert_eq!(converted(theirs).unwrap(), expected);
        assert_eq!(converted(expected).unwrap(), expected);
    }

    #[test]
    fn schemas_may_be_nested_to_the_limit_and_no_deeper() {
        let nested = |levels: usize| {
            let (open, close) = (r#"{"items":"#.repeat(levels - 1), "}".repeat(levels - 1));
            converted(&format!(r#"{open}{{"type":"STRING"}}{close}"#))
        };
        assert!(nested(DEPTH_MAX).unwrap().contains("\"string\""));
        let wrong = nested(DEPTH_MAX + 1).unwrap_err();
        assert_eq!((&*wrong.field, &*wrong.message), ("tools[0].parameters", "is nested deeper than 48 levels"));
        assert!(converted("[]").is_err());
    }
}
