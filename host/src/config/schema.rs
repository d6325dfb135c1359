//! A plugin's configuration against the JSON Schema that the plugin described.

use jsonschema::ValidationError;
use jsonschema::error::ValidationErrorKind;

/// Bytes of a schema: it is written by people.
const SCHEMA_BYTES_MAX: usize = 256 << 10;
/// Mistakes named at once.
const MISTAKES_MAX: usize = 5;
/// Values named that would be right.
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
    let schema: serde_json::Value = serde_json::from_str(schema)
        .map_err(|error| format!("the plugin's configuration schema is not JSON: {error}"))?;
    let validator = jsonschema::options()
        .build(&schema)
        .map_err(|error| format!("the plugin's configuration schema is not a schema: {error}"))?;
    let value: serde_json::Value =
        serde_json::from_str(config).map_err(|error| format!("the configuration is not JSON: {error}"))?;
    let mistakes: Vec<String> = validator
        .iter_errors(&value)
        .take(MISTAKES_MAX)
        .map(|error| match error.instance_path().as_str() {
            "" => format!("[config]: {}", words(&error)),
            path => format!("config{}: {}", path.replace('/', "."), words(&error)),
        })
        .collect();
    if mistakes.is_empty() { Ok(config.to_owned()) } else { Err(mistakes.join("; ")) }
}

/// The crate's own words, save where they hide what would be right.
fn words(error: &ValidationError<'_>) -> String {
    match error.kind() {
        ValidationErrorKind::Enum { options } => {
            let options: Vec<String> =
                options.as_array().into_iter().flatten().take(OPTIONS_MAX).map(ToString::to_string).collect();
            format!("{} is not one of {}", error.instance(), options.join(", "))
        }
        _ => error.to_string(),
    }
}
