//! Callers with a signed token (JWT, RFC 7519) of an issuer that the operator trusts.

use std::collections::BTreeMap;

use jsonwebtoken::{Algorithm, Validation, decode, decode_header};
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::key_set::KeySet;
use super::verify;
use crate::caller::{Caller, DEFAULT_TENANT};
use crate::config::Jwt;
use crate::key::{MODELS_MAX, Models, is_label};
use crate::upstream::Upstream;

/// Bytes of a token: with the claims of a directory's groups they grow to some kilobytes.
const BYTES_MAX: usize = 16 << 10;

/// What is known about tokens.
#[derive(Debug)]
pub(super) struct Tokens {
    settings: Jwt,
    keys: KeySet,
}

/// A claim, as far as it can say anything here.
#[derive(Deserialize)]
#[serde(untagged)]
enum Claim {
    Text(String),
    Texts(Vec<String>),
    Other(IgnoredAny),
}

/// Whether a text is one that only a token can be: three parts of base64.
pub(super) fn looks_like(text: &str) -> bool {
    text.starts_with("eyJ") && text.bytes().filter(|byte| *byte == b'.').count() == 2
}

impl Tokens {
    pub(super) fn new(settings: &Jwt) -> Result<Self, String> {
        verify::install();
        let keys = KeySet::new(&settings.keys, settings.refresh).map_err(|why| format!("[auth.jwt] {why}"))?;
        Ok(Self { settings: settings.clone(), keys })
    }

    pub(super) fn has_keys(&self) -> bool {
        self.keys.is_known()
    }

    pub(super) async fn keep_fresh(&self, upstream: &Upstream) {
        self.keys.keep_fresh(upstream).await;
    }

    /// Whose token this is. If it is nobody's, why, in a word for the operator.
    pub(super) async fn identify(&self, token: &str, upstream: &Upstream) -> Result<Caller, &'static str> {
        if token.len() > BYTES_MAX {
            return Err("token too long");
        }
        let header = decode_header(token).map_err(|_| "token unreadable")?;
        if !verify::is_taken(header.alg) {
            return Err("token with an algorithm that is not taken");
        }
        // Whoever puts something there wants it to be understood: RFC 7515, section 4.1.11.
        if header.crit.is_some() {
            return Err("token with critical extensions");
        }
        let keys = self.keys.candidates(&header, upstream).await;
        if keys.is_empty() {
            return Err("token of an unknown key");
        }
        let validation = self.validation(header.alg);
        let mut why = "token unreadable";
        for key in &keys {
            match decode::<BTreeMap<String, Claim>>(token, key, &validation) {
                Ok(read) => return self.caller(&read.claims),
                Err(error) => why = reason(&error),
            }
        }
        Err(why)
    }

    fn validation(&self, algorithm: Algorithm) -> Validation {
        let mut validation = Validation::new(algorithm);
        validation.set_issuer(&[&self.settings.issuer]);
        validation.set_audience(&[&self.settings.audience]);
        validation.set_required_spec_claims(&["exp", "iss", "aud"]);
        validation.validate_nbf = true;
        validation.leeway = self.settings.leeway.as_secs();
        validation
    }

    /// What the claims say. A claim that is configured and missing is no claim to everything.
    fn caller(&self, claims: &BTreeMap<String, Claim>) -> Result<Caller, &'static str> {
        let label = |name: &str| match claims.get(name) {
            Some(Claim::Text(text)) if is_label(text) => Some(text.as_str()),
            _ => None,
        };
        let tenant = match &self.settings.tenant_claim {
            Some(name) => label(name).ok_or("token without a tenant")?,
            None => DEFAULT_TENANT,
        };
        let user = label(&self.settings.user_claim);
        let models = match self.settings.models_claim.as_deref().map(|name| claims.get(name)) {
            None => Models::Any,
            Some(Some(Claim::Text(name))) => Models::from_names([name.clone()]),
            Some(Some(Claim::Texts(names))) if names.len() <= MODELS_MAX => Models::from_names(names.iter().cloned()),
            Some(_) => return Err("token without models"),
        };
        Ok(Caller::identified(tenant.into(), user.map(Into::into), models))
    }
}

/// Why a token is not taken, without any of its words.
fn reason(error: &jsonwebtoken::errors::Error) -> &'static str {
    use jsonwebtoken::errors::ErrorKind;
    match error.kind() {
        ErrorKind::InvalidSignature => "token with a wrong signature",
        ErrorKind::ExpiredSignature => "token expired",
        ErrorKind::ImmatureSignature => "token not valid yet",
        ErrorKind::InvalidIssuer => "token of another issuer",
        ErrorKind::InvalidAudience => "token for another audience",
        ErrorKind::MissingRequiredClaim(_) | ErrorKind::InvalidClaimFormat(_) => "token without a needed claim",
        _ => "token unreadable",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_tokens_look_like_tokens() {
        assert!(looks_like("eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJ4In0.c2ln"));
        for other in ["", "eyJ", "sk-proj-a.b.c", "eyJ.a.b.c.d", "a.b.c"] {
            assert!(!looks_like(other), "{other}");
        }
    }
}
