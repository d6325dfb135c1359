//! What the operator may set: one setting for each kind of credential.

use serde::Deserialize;
use sluicegate_plugin::scan::Setting;

use crate::rule::{Kind, Rule};

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
    use sluicegate_plugin::scan::testing::{schema_has_every_key, schema_has_the_defaults};

    use super::*;
    use crate::Secrets;

    #[test]
    fn the_schema_knows_every_key_and_no_other() {
        schema_has_every_key::<Secrets>(include_str!("../README.md"), Config::is_off);
    }

    #[test]
    fn the_schema_states_the_defaults_and_the_values() {
        schema_has_the_defaults::<Secrets>();
    }

    #[test]
    fn an_unknown_key_or_value_is_refused() {
        assert!(serde_json::from_str::<Config>(r#"{"jtw":"mask"}"#).is_err());
        assert!(serde_json::from_str::<Config>(r#"{"jwt":"hide"}"#).is_err());
    }
}
