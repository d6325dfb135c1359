//! A plugin's configuration against the JSON Schema that the plugin described.

use jsonschema::ValidationError;
use jsonschema::error::ValidationErrorKind;
use serde_json::Value;

use super::problem::suggestion;

/// Bytes of a schema: it is written by people.
const SCHEMA_BYTES_MAX: usize = 256 << 10;
/// Mistakes named at once.
const MISTAKES_MAX: usize = 5;
/// Values and settings named that would be right.
const OPTIONS_MAX: usize = 20;

/// Check `config` (JSON) and give it back for `configure`.
///
/// # Errors
/// What is wrong, in the words of the schema, with the path of each field.
pub fn check(config: &str, schema: Option<&str>) -> Result<String, String> {
    let Some(schema) = schema else { return Ok(config.to_owned()) };
    if schema.len() > SCHEMA_BYTES_MAX {
        return Err(format!(
            "the plugin's configuration schema has {} bytes, more than {SCHEMA_BYTES_MAX}",
            schema.len()
        ));
    }
    let schema: Value = serde_json::from_str(schema)
        .map_err(|error| format!("the plugin's configuration schema is not JSON: {error}"))?;
    let validator = jsonschema::options()
        .build(&schema)
        .map_err(|error| format!("the plugin's configuration schema is not a schema: {error}"))?;
    let value: Value =
        serde_json::from_str(config).map_err(|error| format!("the configuration is not JSON: {error}"))?;
    let mistakes: Vec<String> = validator
        .iter_errors(&value)
        .take(MISTAKES_MAX)
        .map(|error| match error.instance_path().as_str() {
            "" => format!("[config]: {}", words(&error, &schema)),
            path => format!("config{}: {}", path.replace('/', "."), words(&error, &schema)),
        })
        .collect();
    if mistakes.is_empty() { Ok(config.to_owned()) } else { Err(mistakes.join("; ")) }
}

/// The crate's own words, save where they hide what would be right, or are those of somebody who writes schemas.
fn words(error: &ValidationError<'_>, schema: &Value) -> String {
    match error.kind() {
        ValidationErrorKind::AdditionalProperties { unexpected }
        | ValidationErrorKind::UnevaluatedProperties { unexpected } => {
            unknown(unexpected, &known(schema, error.schema_path().as_str()))
        }
        ValidationErrorKind::Required { property } => match property.as_str() {
            Some(name) => format!("the setting `{name}` is missing"),
            None => error.to_string(),
        },
        ValidationErrorKind::Enum { options } => {
            let options: Vec<String> =
                options.as_array().into_iter().flatten().take(OPTIONS_MAX).map(ToString::to_string).collect();
            format!("{} is not one of {}", error.instance(), options.join(", "))
        }
        _ => error.to_string(),
    }
}

/// The settings that the schema names beside the keyword at this path.
fn known<'a>(schema: &'a Value, keyword: &str) -> Vec<&'a str> {
    let around = keyword.rsplit_once('/').map_or("", |(around, _)| around);
    let properties = schema.pointer(around).and_then(|around| around.get("properties")?.as_object());
    properties.into_iter().flat_map(|properties| properties.keys().map(String::as_str)).collect()
}

fn unknown(given: &[String], known: &[&str]) -> String {
    let names = quoted(given.iter().map(String::as_str));
    let there_is_no = match given {
        [_] => format!("there is no setting {names}"),
        _ => format!("there are no settings {names}"),
    };
    let expected = match known {
        [] => String::new(),
        [one] => format!("; expected `{one}`"),
        several => format!("; expected one of {}", quoted(several.iter().copied())),
    };
    let close: String = given.iter().take(MISTAKES_MAX).map(|name| suggestion(name, known.iter().copied())).collect();
    format!("{there_is_no}{expected}{close}")
}

fn quoted<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.take(OPTIONS_MAX).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCHEMA: &str = r##"{
        "type": "object",
        "additionalProperties": false,
        "required": ["word"],
        "properties": {
            "word": { "type": "string" },
            "card": { "enum": ["mask", "off"] },
            "rules": { "type": "array", "items": { "$ref": "#/$defs/rule" } }
        },
        "$defs": { "rule": { "additionalProperties": false, "properties": { "only": {} } } }
    }"##;

    fn said(config: &str) -> String {
        check(config, Some(SCHEMA)).err().unwrap_or_default()
    }

    #[test]
    fn a_setting_that_there_is_not() {
        assert_eq!(
            said(r#"{"word": "x", "crad": "mask"}"#),
            "[config]: there is no setting `crad`; expected one of `card`, `rules`, `word`; did you mean \"card\"?"
        );
        assert_eq!(
            said(r#"{"word": "x", "aaaaa": 1, "bbbbb": 2}"#),
            "[config]: there are no settings `aaaaa`, `bbbbb`; expected one of `card`, `rules`, `word`"
        );
        assert_eq!(
            said(r#"{"word": "x", "rules": [{"onyl": 1}]}"#),
            "config.rules.0: there is no setting `onyl`; expected `only`; did you mean \"only\"?"
        );
    }

    #[test]
    fn a_setting_that_is_missing() {
        assert_eq!(said("{}"), "[config]: the setting `word` is missing");
    }

    #[test]
    fn what_is_right_is_given_back() {
        assert_eq!(check(r#"{"word":"x"}"#, Some(SCHEMA)).as_deref(), Ok(r#"{"word":"x"}"#));
        assert_eq!(check("{}", None).as_deref(), Ok("{}"));
    }
}
