//! What an operator may set.

use serde::{Deserialize, Serialize};

/// The `[config]` table of an installation.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The score from which a text is refused: above 0, at most 1.
    pub threshold: f32,
    /// What happens then.
    pub action: Action,
    /// Whose texts are judged. Passages and tool definitions count as `tool`.
    pub roles: Vec<Speaker>,
    /// Remove invisible characters that have no business where they stand, even below the threshold.
    pub strip_invisible: bool,
}

/// What happens to a text that reaches the threshold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// Refuse it.
    Deny,
    /// Report findings, change nothing.
    Observe,
}

/// Who is taken to have written a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Speaker {
    /// The application.
    System,
    /// The person.
    User,
    /// The model.
    Assistant,
    /// Data: results of tools, passages, descriptions of tools.
    Tool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            threshold: 0.7,
            action: Action::Deny,
            roles: vec![Speaker::User, Speaker::Assistant, Speaker::Tool],
            strip_invisible: true,
        }
    }
}

impl Config {
    /// # Errors
    /// A sentence for the operator that names the field.
    pub(crate) fn check(&self) -> Result<(), String> {
        if !(self.threshold > 0.0 && self.threshold <= 1.0) {
            return Err(format!("threshold is {}; it must be above 0 and at most 1", self.threshold));
        }
        if self.roles.is_empty() {
            return Err("roles is empty, so nothing would be judged; name a role or set mode = \"off\"".into());
        }
        Ok(())
    }

    pub(crate) fn judges(&self, speaker: Speaker) -> bool {
        self.roles.contains(&speaker)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    /// The schema promises the fields and the defaults that the struct has.
    #[test]
    fn the_schema_agrees_with_the_struct() {
        let schema: Value = serde_json::from_str(include_str!("../schema.json")).unwrap();
        assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
        assert_eq!(schema["additionalProperties"], json!(false));
        let properties = schema["properties"].as_object().unwrap();
        let defaults: serde_json::Map<_, _> =
            properties.iter().map(|(name, property)| (name.clone(), property["default"].clone())).collect();
        let from_schema: Config = serde_json::from_value(Value::Object(defaults)).unwrap();
        assert_eq!(from_schema, Config::default());
        let fields = serde_json::to_value(Config::default()).unwrap();
        let names = |object: &serde_json::Map<String, Value>| object.keys().cloned().collect::<Vec<_>>();
        assert_eq!(names(fields.as_object().unwrap()), names(properties));
        for role in schema["properties"]["roles"]["items"]["enum"].as_array().unwrap() {
            serde_json::from_value::<Speaker>(role.clone()).unwrap();
        }
        for action in schema["properties"]["action"]["enum"].as_array().unwrap() {
            serde_json::from_value::<Action>(action.clone()).unwrap();
        }
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        let refused = |json: Value| serde_json::from_value::<Config>(json).map_err(|e| e.to_string())?.check();
        assert!(refused(json!({"treshold": 0.5})).unwrap_err().contains("unknown field"));
        assert!(refused(json!({"threshold": 0.0})).unwrap_err().contains("threshold"));
        assert!(refused(json!({"threshold": 1.01})).unwrap_err().contains("threshold"));
        assert!(refused(json!({"roles": []})).unwrap_err().contains("roles"));
        assert_eq!(refused(json!({"threshold": 1.0})), Ok(()));
    }
}
