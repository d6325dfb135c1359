//! What the operator may set: one setting for each kind.

use serde::Deserialize;
use sluicegate_plugin::scan::Setting;

use crate::rule::Rule;

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
    use sluicegate_plugin::scan::testing::{schema_has_every_key, schema_has_the_defaults};

    use super::*;
    use crate::Pii;

    #[test]
    fn the_schema_knows_every_key_and_no_other() {
        schema_has_every_key::<Pii>(include_str!("../README.md"), Config::is_off);
    }

    #[test]
    fn the_schema_states_the_defaults_and_the_values() {
        schema_has_the_defaults::<Pii>();
    }

    #[test]
    fn an_unknown_key_or_value_is_refused() {
        assert!(serde_json::from_str::<Config>(r#"{"emial":"mask"}"#).is_err());
        assert!(serde_json::from_str::<Config>(r#"{"email":"hide"}"#).is_err());
    }
}
