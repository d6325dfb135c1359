//! What the operator may set: one setting for each kind.

use serde::Deserialize;

use crate::rule::Rule;
use crate::verdict::Setting;

/// The installation's `[config]` table. Everything is masked unless it says otherwise.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// E-mail addresses.
    pub email: Setting,
    /// Telephone numbers.
    pub phone: Setting,
    /// Payment card numbers.
    pub card: Setting,
    /// International bank account numbers.
    pub iban: Setting,
    /// US social security numbers.
    pub ssn: Setting,
    /// IP addresses.
    pub ip: Setting,
    /// Dates of birth.
    pub date_of_birth: Setting,
}

impl Config {
    pub(crate) fn setting(&self, rule: Rule) -> Setting {
        match rule {
            Rule::Iban => self.iban,
            Rule::Card => self.card,
            Rule::Ssn => self.ssn,
            Rule::Email => self.email,
            Rule::Ip => self.ip,
            Rule::DateOfBirth => self.date_of_birth,
            Rule::Phone => self.phone,
        }
    }

    pub(crate) fn is_off(&self) -> bool {
        Rule::ALL.iter().all(|rule| self.setting(*rule) == Setting::Off)
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
        assert!(serde_json::from_str::<Config>(r#"{"emial":"mask"}"#).is_err());
        assert!(serde_json::from_str::<Config>(r#"{"email":"hide"}"#).is_err());
    }
}
