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

impl AnswerSchema {
    /// The schema that is written like this. Its patterns are of the kind whose search takes no longer than their text is
    /// long, and it refers to nothing outside.
    ///
    /// # Errors
    /// When it is none.
    pub(crate) fn read(text: &str) -> Result<Self, String> {
        let schema = serde_json::from_str(text).map_err(|error| format!("the answer's schema is not JSON: {error}"))?;
        let options = jsonschema::options().with_pattern_options(PatternOptions::regex());
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
            (r#"{"$ref": "http://example.com/schema.json"}"#, "is not a schema"),
            (r#"{"pattern": "(a)\\1"}"#, "is not a schema"),
        ] {
            assert!(AnswerSchema::read(wrong).unwrap_err().contains(why), "{wrong}");
        }
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
