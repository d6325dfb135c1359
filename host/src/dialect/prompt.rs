//! What a plugin asks a model, as OpenAI's dialect says it; and what comes of it.

use bytes::Bytes;
use jsonschema::{PatternOptions, Validator};
use serde_json::{Value, json};

use crate::capability::model::Prompt;

/// The request, for what the provider calls the model.
pub(crate) fn asking(model: &str, prompt: &Prompt, schema: Option<&AnswerSchema>) -> Bytes {
    let system = prompt.system.iter().map(|text| json!({"role": "system", "content": text}));
    let messages: Vec<Value> = system.chain([json!({"role": "user", "content": prompt.user})]).collect();
    let mut body = json!({"model": model, "messages": messages, "max_completion_tokens": prompt.answer_tokens_max});
    if let (Some(AnswerSchema { schema, .. }), Some(body)) = (schema, body.as_object_mut()) {
        let format = json!({"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}});
        body.insert("response_format".to_owned(), format);
    }
    body.to_string().into()
}

/// The text of an answer, if it has any.
pub(crate) fn said(answer: &[u8]) -> Option<String> {
    let answer: Value = serde_json::from_slice(answer).ok()?;
    answer.pointer("/choices/0/message/content").and_then(Value::as_str).map(str::to_owned)
}

/// A JSON Schema that an answer must satisfy.
#[derive(Debug)]
pub(crate) struct AnswerSchema {
    schema: Value,
    validator: Validator,
}

/// Bytes of a schema: it is written by people, or made of a few types.
const SCHEMA_BYTES_MAX: usize = 32 << 10;
/// Parts of a schema, those that it refers to counted each time: for each of them an answer may be looked at.
const PARTS_MAX: usize = 4_096;
/// Parts within parts within parts.
const LEVELS_MAX: usize = 64;
/// Patterns of a schema, and bytes that each may take when it is compiled.
const PATTERNS_MAX: usize = 32;
const PATTERN_BYTES_MAX: usize = 100 << 10;
/// Ways to refer to a part beside `$ref`, whose target depends on where one is.
const REFERENCES: [&str; 5] = ["$dynamicRef", "$recursiveRef", "$id", "$anchor", "$dynamicAnchor"];

impl AnswerSchema {
    /// The schema that is written like this. Its patterns are of the kind whose search takes no longer than their text is
    /// long, and it refers to its own parts alone, and to none that holds the reference.
    ///
    /// # Errors
    /// When it is none, or one whose answers would take too long to check.
    pub(crate) fn read(text: &str) -> Result<Self, String> {
        if text.len() > SCHEMA_BYTES_MAX {
            return Err(format!("the answer's schema has more than {SCHEMA_BYTES_MAX} bytes"));
        }
        let schema = serde_json::from_str(text).map_err(|error| format!("the answer's schema is not JSON: {error}"))?;
        let mut left = Left { parts: PARTS_MAX, levels: LEVELS_MAX, patterns: PATTERNS_MAX };
        left.look_at(&schema, &schema).map_err(|wrong| format!("the answer's schema {wrong}"))?;
        let patterns = PatternOptions::regex().size_limit(PATTERN_BYTES_MAX).dfa_size_limit(PATTERN_BYTES_MAX);
        let options = jsonschema::options().with_pattern_options(patterns);
        let validator =
            options.build(&schema).map_err(|error| format!("the answer's schema is not a schema: {error}"))?;
        Ok(Self { schema, validator })
    }

    /// Look whether an answer is as it must be.
    ///
    /// # Errors
    /// When it is not. What is wrong is not said: it may be text of the answer.
    pub(crate) fn check(&self, answer: &str) -> Result<(), String> {
        let answer: Value = serde_json::from_str(answer).map_err(|_| "the answer is not JSON".to_owned())?;
        match self.validator.is_valid(&answer) {
            true => Ok(()),
            false => Err("the answer does not satisfy the schema".to_owned()),
        }
    }
}

/// What a schema may still have.
struct Left {
    parts: usize,
    /// Parts within parts.
    levels: usize,
    patterns: usize,
}

impl Left {
    /// Look at a part and all that is in it. What refers to itself comes to no end, and so is too much.
    fn look_at(&mut self, part: &Value, whole: &Value) -> Result<(), String> {
        const TOO_MANY: &str = "has too many parts, or one that refers to itself";
        self.parts = self.parts.checked_sub(1).ok_or(TOO_MANY)?;
        self.levels = self.levels.checked_sub(1).ok_or(TOO_MANY)?;
        match part {
            Value::Array(parts) => parts.iter().try_for_each(|part| self.look_at(part, whole))?,
            Value::Object(fields) => {
                fields.iter().try_for_each(|(name, part)| self.look_at_field(name, part, whole))?
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
        self.levels += 1;
        Ok(())
    }

    fn look_at_field(&mut self, name: &str, part: &Value, whole: &Value) -> Result<(), String> {
        if REFERENCES.contains(&name) && part.is_string() {
            return Err(format!("has `{name}`; write `$ref` with a path, as \"#/$defs/name\""));
        }
        let patterns = match (name, part) {
            ("pattern", Value::String(_)) => 1,
            ("patternProperties", Value::Object(patterns)) => patterns.len(),
            _ => 0,
        };
        self.patterns = self.patterns.checked_sub(patterns).ok_or("has too many patterns")?;
        if let ("$ref", Value::String(reference)) = (name, part) {
            let part = reference.strip_prefix('#').and_then(|path| whole.pointer(path));
            return self.look_at(part.ok_or("refers to what is not in it")?, whole);
        }
        self.look_at(part, whole)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_held_against_its_schema() {
        let schema =
            AnswerSchema::read(r#"{"type":"object","required":["safe"],"properties":{"safe":{"type":"boolean"}}}"#);
        let schema = schema.unwrap();
        assert_eq!(schema.check(r#"{"safe": true}"#), Ok(()));
        assert_eq!(schema.check(r#"{"safe": "yes"}"#).unwrap_err(), "the answer does not satisfy the schema");
        assert_eq!(schema.check("It is safe.").unwrap_err(), "the answer is not JSON");
        for (wrong, why) in [
            ("{", "is not JSON"),
            (r#"{"type": 7}"#, "is not a schema"),
            (r#"{"$ref": "http://example.com/schema.json"}"#, "refers to what is not in it"),
            (r##"{"$ref": "#"}"##, "refers to itself"),
            (r##"{"$defs": {"a": {"items": {"$ref": "#/$defs/a"}}}}"##, "refers to itself"),
            (r##"{"$dynamicRef": "#a"}"##, "has `$dynamicRef`"),
            (r#"{"pattern": "\\p{L}{200}0"}"#, "is not a schema"),
            (r#"{"pattern": "(a)\\1"}"#, "is not a schema"),
        ] {
            assert!(AnswerSchema::read(wrong).unwrap_err().contains(why), "{wrong}");
        }
    }

    #[test]
    fn a_schema_that_would_take_long_is_refused() {
        let (began, levels) = (std::time::Instant::now(), 40);
        let twice =
            |next: usize| format!(r##"{{"allOf":[{{"$ref":"#/$defs/a{next}"}},{{"$ref":"#/$defs/a{next}"}}]}}"##);
        let levels: Vec<String> = (0..levels).map(|level| format!(r#""a{level}":{}"#, twice(level + 1))).collect();
        let doubling = format!(r##"{{"$defs":{{{},"a40":{{}}}},"$ref":"#/$defs/a0"}}"##, levels.join(","));
        let patterns = format!(r#"{{"anyOf":[{}]}}"#, vec![r#"{"pattern":"a"}"#; PATTERNS_MAX + 1].join(","));
        let deep = format!("{}{}", r#"{"not":"#.repeat(100), "}".repeat(100));
        let long = format!(r#"{{"title":"{}"}}"#, "x".repeat(SCHEMA_BYTES_MAX));
        for schema in [doubling, patterns, deep, long] {
            assert!(AnswerSchema::read(&schema).is_err(), "{schema}");
        }
        assert!(began.elapsed() < std::time::Duration::from_secs(5));
        let nested = r##"{"$defs":{"a":{"type":"string","pattern":"^[a-z]+$"}},"items":{"$ref":"#/$defs/a"}}"##;
        let nested = AnswerSchema::read(nested).unwrap();
        assert!(nested.check(r#"["b"]"#).is_ok() && nested.check("[7]").is_err());
    }

    #[test]
    fn a_prompt_is_a_request_and_its_answer_has_text() {
        let schema = AnswerSchema::read(r#"{"type":"boolean"}"#).unwrap();
        let prompt = Prompt {
            target: "judge".to_owned(),
            system: Some("Be brief.".to_owned()),
            user: "Is it high?".to_owned(),
            answer_tokens_max: 5,
            answer_schema: None,
        };
        let asked: Value = serde_json::from_slice(&asking("judge-1", &prompt, Some(&schema))).unwrap();
        let expected = json!({
            "model": "judge-1",
            "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Is it high?"}],
            "max_completion_tokens": 5,
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "answer", "schema": {"type": "boolean"}},
            },
        });
        assert_eq!(asked, expected);
        assert_eq!(said(br#"{"choices":[{"message":{"content":"yes"}}]}"#).as_deref(), Some("yes"));
        for none in ["", "{}", r#"{"choices":[]}"#, r#"{"choices":[{"message":{"content":null}}]}"#] {
            assert_eq!(said(none.as_bytes()), None);
        }
    }
}
