//! A value that fits a JSON schema, for tool calls and answers that nobody wrote out.
//!
//! Not a validator's counterpart: it knows what tools and response formats use in practice. It is bounded in depth and
//! bytes, since a schema may refer to itself or ask for a million items.

use serde_json::{Map, Value, json};

const DEPTH_MAX: usize = 16;
const BYTES_MAX: usize = 1 << 20;
const ITEMS_MAX: u64 = 8;

/// A value that fits the schema, with the text in its free strings.
pub(super) fn example(schema: &Value, text: &str) -> Value {
    let bytes_left = BYTES_MAX.saturating_add(text.len());
    Maker { root: schema, text, bytes_left }.make(schema, 0)
}

struct Maker<'a> {
    root: &'a Value,
    text: &'a str,
    bytes_left: usize,
}

impl Maker<'_> {
    fn make(&mut self, schema: &Value, depth: usize) -> Value {
        if depth > DEPTH_MAX || !self.afford(8) {
            return Value::Null;
        }
        let get = |name: &str| schema.get(name);
        if let Some(reference) = get("$ref").and_then(Value::as_str) {
            let target = reference.strip_prefix('#').and_then(|pointer| self.root.pointer(pointer));
            return target.map_or(Value::Null, |target| self.make(target, depth.saturating_add(1)));
        }
        let given = get("const").or_else(|| get("default"));
        let first = |name| get(name).and_then(|list| list.get(0));
        if let Some(value) = given.or_else(|| first("enum")).or_else(|| first("examples")) {
            return if self.afford(weight(value)) { value.clone() } else { Value::Null };
        }
        if let Some(choice) = first("anyOf").or_else(|| first("oneOf")) {
            return self.make(choice, depth.saturating_add(1));
        }
        if let Some(all) = get("allOf").and_then(Value::as_array) {
            let made = all.iter().map(|part| self.make(part, depth.saturating_add(1)));
            return made.reduce(merge).unwrap_or_default();
        }
        match kind(schema) {
            "object" => self.object(schema, depth),
            "array" => self.array(schema, depth),
            "string" => self.string(schema),
            "integer" | "number" => {
                get("minimum").or_else(|| get("maximum")).filter(|value| value.is_number()).cloned().unwrap_or(json!(1))
            }
            "boolean" => json!(true),
            _ => Value::Null,
        }
    }

    /// The required properties, or all where none is said to be required.
    fn object(&mut self, schema: &Value, depth: usize) -> Value {
        let required = schema.get("required").and_then(Value::as_array).filter(|names| !names.is_empty());
        let mut object = Map::new();
        for (name, property) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
            let wanted = required.is_none_or(|names| names.iter().any(|required| required == name));
            if wanted && self.afford(name.len()) {
                object.insert(name.clone(), self.make(property, depth.saturating_add(1)));
            }
        }
        Value::Object(object)
    }

    fn array(&mut self, schema: &Value, depth: usize) -> Value {
        let items = schema.get("items").cloned().unwrap_or_default();
        let count = schema.get("minItems").and_then(Value::as_u64).unwrap_or(1).min(ITEMS_MAX);
        (0..count).map(|_| self.make(&items, depth.saturating_add(1))).collect()
    }

    fn string(&mut self, schema: &Value) -> Value {
        let text = match schema.get("format").and_then(Value::as_str) {
            Some("email") => "ada@example.com",
            Some("date") => "2025-01-31",
            Some("date-time") => "2025-01-31T12:00:00Z",
            Some("time") => "12:00:00Z",
            Some("uuid") => "00000000-0000-4000-8000-000000000000",
            Some("uri") => "https://example.com/",
            _ => self.text,
        };
        if !self.afford(text.len()) {
            return Value::Null;
        }
        let bound = |name| schema.get(name).and_then(Value::as_u64).and_then(|bound| usize::try_from(bound).ok());
        let mut text: String = text.chars().take(bound("maxLength").unwrap_or(usize::MAX)).collect();
        let missing = bound("minLength").unwrap_or(0).saturating_sub(text.chars().count());
        if missing > 0 && self.afford(missing) {
            text.extend(std::iter::repeat_n('x', missing));
        }
        Value::String(text)
    }

    fn afford(&mut self, bytes: usize) -> bool {
        let left = self.bytes_left.checked_sub(bytes);
        self.bytes_left = left.unwrap_or(self.bytes_left);
        left.is_some()
    }
}

/// The type, or what the keywords suggest.
fn kind(schema: &Value) -> &str {
    let kind = match schema.get("type") {
        Some(Value::Array(kinds)) => kinds.iter().find(|kind| **kind != "null"),
        kind => kind,
    };
    match kind.and_then(Value::as_str) {
        Some(kind) => kind,
        None if schema.get("properties").is_some() => "object",
        None if schema.get("items").is_some() => "array",
        None => "string",
    }
}

fn merge(left: Value, right: Value) -> Value {
    match (left, right) {
        (Value::Object(mut left), Value::Object(right)) => {
            left.extend(right);
            Value::Object(left)
        }
        (left, _) => left,
    }
}

/// About how many bytes a copy takes. The parser has bounded the depth.
fn weight(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len(),
        Value::Array(items) => items.iter().fold(8, |sum, item| sum.saturating_add(weight(item))),
        Value::Object(fields) => {
            fields.iter().fold(8, |sum, (name, value)| sum.saturating_add(name.len()).saturating_add(weight(value)))
        }
        _ => 8,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::example;

    #[test]
    fn makes_what_the_schema_wants() {
        let schema = json!({
            "type": "object",
            "properties": {
                "city": {"type": "string"},
                "unit": {"enum": ["celsius", "kelvin"]},
                "days": {"type": ["null", "integer"], "minimum": 2},
                "mail": {"type": "string", "format": "email"},
                "tags": {"type": "array", "items": {"$ref": "#/$defs/tag"}, "minItems": 2},
                "code": {"anyOf": [{"type": "string", "minLength": 8}, {"type": "null"}]},
                "spare": {"type": "string"},
            },
            "required": ["city", "unit", "days", "mail", "tags", "code"],
            "$defs": {"tag": {"type": "string", "maxLength": 2}},
        });
        let made = json!({"city": "Rome", "unit": "celsius", "days": 2, "mail": "ada@example.com", "tags": ["Ro", "Ro"],
            "code": "Romexxxx"});
        assert_eq!(example(&schema, "Rome"), made);
    }

    #[test]
    fn endless_and_greedy_schemas_end() {
        let endless = json!({"type": "array", "minItems": 1_000_000, "items": {"$ref": "#"}});
        assert!(example(&endless, &"x".repeat(100_000)).is_array());
        let greedy = json!({"type": "string", "minLength": u64::MAX});
        assert_eq!(example(&greedy, "x"), json!("x"));
        assert_eq!(example(&json!({"$ref": "#"}), ""), Value::Null);
        assert_eq!(example(&json!(true), "x"), json!("x"));
    }
}
