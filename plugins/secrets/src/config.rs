//! What the operator may set: one setting for each kind of credential.

use serde::Deserialize;

use crate::rule::{Kind, Rule};
use crate::verdict::Setting;

/// The installation's `[config]` table. Everything is masked unless it says otherwise.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Keys for model providers.
    pub ai_key: Setting,
    /// Keys for clouds.
    pub cloud_key: Setting,
    /// Tokens for code and package hosts.
    pub repository_token: Setting,
    /// Tokens and webhooks of messaging services.
    pub messaging_token: Setting,
    /// Keys for payment services.
    pub payment_key: Setting,
    /// JSON web tokens.
    pub jwt: Setting,
    /// Private key blocks.
    pub private_key: Setting,
    /// Passwords in connection strings.
    pub connection_string: Setting,
    /// Values with a name that says what they are: `api_key = "..."`.
    pub assigned_key: Setting,
}

impl Config {
    pub(crate) fn setting(&self, rule: Rule) -> Setting {
        match self.setting_of(rule.kind()) {
            // What cannot be replaced as a whole may not pass.
            Setting::Mask | Setting::Restore if rule == Rule::PrivateKeyTooLong => Setting::Block,
            setting => setting,
        }
    }

    pub(crate) fn is_off(&self) -> bool {
        *self == Self::all(Setting::Off)
    }

    fn setting_of(&self, kind: Kind) -> Setting {
        match kind {
            Kind::AiKey => self.ai_key,
            Kind::CloudKey => self.cloud_key,
            Kind::RepositoryToken => self.repository_token,
            Kind::MessagingToken => self.messaging_token,
            Kind::PaymentKey => self.payment_key,
            Kind::Jwt => self.jwt,
            Kind::PrivateKey => self.private_key,
            Kind::ConnectionString => self.connection_string,
            Kind::AssignedKey => self.assigned_key,
        }
    }

    fn all(setting: Setting) -> Self {
        Self {
            ai_key: setting,
            cloud_key: setting,
            repository_token: setting,
            messaging_token: setting,
            payment_key: setting,
            jwt: setting,
            private_key: setting,
            connection_string: setting,
            assigned_key: setting,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]

    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn the_schema_knows_every_key_and_no_other() {
        let schema: Value = serde_json::from_str(include_str!("../schema.json")).unwrap();
        assert_eq!(schema["additionalProperties"], json!(false));
        let properties = schema["properties"].as_object().unwrap();
        let all_off: Value = properties.keys().map(|key| (key.clone(), json!("off"))).collect();
        let config: Config = serde_json::from_value(all_off).unwrap();
        assert!(config.is_off(), "a key is missing in schema.json: {config:?}");
        let readme = include_str!("../README.md");
        for key in properties.keys() {
            assert!(readme.contains(&format!("| `{key}` |")), "{key} is missing in README.md");
        }
    }

    #[test]
    fn the_schema_states_the_defaults_and_the_values() {
        let schema: Value = serde_json::from_str(include_str!("../schema.json")).unwrap();
        let stated: Value = schema["properties"]
            .as_object()
            .unwrap()
            .iter()
            .map(|(key, p)| (key.clone(), p["default"].clone()))
            .collect();
        assert_eq!(serde_json::from_value::<Config>(stated).unwrap(), Config::default());
        for value in schema["$defs"]["setting"]["enum"].as_array().unwrap() {
            serde_json::from_value::<Setting>(value.clone()).unwrap();
        }
    }

    #[test]
    fn an_unknown_key_or_value_is_refused() {
        assert!(serde_json::from_str::<Config>(r#"{"jtw":"mask"}"#).is_err());
        assert!(serde_json::from_str::<Config>(r#"{"jwt":"hide"}"#).is_err());
    }
}
