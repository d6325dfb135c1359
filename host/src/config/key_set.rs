//! The public keys of an issuer of tokens, as JSON has them: RFC 7517.

use jsonwebtoken::jwk::{JwkSet, KeyAlgorithm, PublicKeyUse};
use jsonwebtoken::{Algorithm, AlgorithmFamily, DecodingKey};

/// Keys of a set: issuers have two or three at a time.
const KEYS_MAX: usize = 64;

/// A key that tokens are verified with.
#[derive(Clone, Debug)]
pub struct PublicKey {
    /// What tokens call it.
    pub id: Option<String>,
    /// The only algorithm that it is for, if that is said.
    pub algorithm: Option<Algorithm>,
    /// The key itself.
    pub key: DecodingKey,
}

/// Read a set. Keys for something else, and those of a kind that is not known, are left out.
///
/// # Errors
/// Why it is none.
pub fn read_key_set(bytes: &[u8]) -> Result<Vec<PublicKey>, String> {
    // Not with the parser's own words: they may repeat what stands there.
    let set: JwkSet = serde_json::from_slice(bytes).map_err(|error| {
        format!("it is no set of keys as in RFC 7517 (line {}, column {})", error.line(), error.column())
    })?;
    if set.keys.len() > KEYS_MAX {
        return Err(format!("it has more than {KEYS_MAX} keys"));
    }
    let mut keys = Vec::new();
    for jwk in &set.keys {
        let is_for_signatures = jwk.common.public_key_use.as_ref().is_none_or(|only| *only == PublicKeyUse::Signature);
        let Ok(key) = DecodingKey::from_jwk(jwk) else { continue };
        let algorithm = match jwk.common.key_algorithm {
            None => None,
            Some(algorithm) => match taken(algorithm) {
                Some(algorithm) => Some(algorithm),
                None => continue,
            },
        };
        // A secret has no place in a public set: whoever reads the set could sign.
        if is_for_signatures && key.family() != AlgorithmFamily::Hmac {
            keys.push(PublicKey { id: jwk.common.key_id.clone(), algorithm, key });
        }
    }
    Ok(keys)
}

fn taken(algorithm: KeyAlgorithm) -> Option<Algorithm> {
    Some(match algorithm {
        KeyAlgorithm::RS256 => Algorithm::RS256,
        KeyAlgorithm::RS384 => Algorithm::RS384,
        KeyAlgorithm::RS512 => Algorithm::RS512,
        KeyAlgorithm::PS256 => Algorithm::PS256,
        KeyAlgorithm::PS384 => Algorithm::PS384,
        KeyAlgorithm::PS512 => Algorithm::PS512,
        KeyAlgorithm::ES256 => Algorithm::ES256,
        KeyAlgorithm::ES384 => Algorithm::ES384,
        KeyAlgorithm::EdDSA => Algorithm::EdDSA,
        _ => return None,
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn what_signs_nothing_or_with_a_shared_secret_is_left_out() {
        let text = r#"{"keys": [
            {"kty": "OKP", "crv": "Ed25519", "x": "AAAA", "kid": "a", "alg": "EdDSA"},
            {"kty": "OKP", "crv": "Ed25519", "x": "AAAA", "kid": "b", "use": "enc"},
            {"kty": "oct", "k": "AAAA", "kid": "c"},
            {"kty": "oct", "k": "AAAA", "kid": "d", "alg": "HS256"},
            {"kty": "strange", "kid": "e"},
            {"kty": "RSA", "n": "AQAB", "e": "AQAB", "kid": "f", "use": "sig", "x5c": ["z"]}
        ]}"#;
        let keys = read_key_set(text.as_bytes()).unwrap();
        let ids: Vec<_> = keys.iter().map(|key| key.id.as_deref().unwrap()).collect();
        assert_eq!(ids, ["a", "f"]);
        assert_eq!((keys[0].algorithm, keys[1].algorithm), (Some(Algorithm::EdDSA), None));
    }

    #[test]
    fn what_is_no_set_is_refused() {
        for text in ["", "[]", "{}", "{\"keys\": 1}", "<html>"] {
            assert!(read_key_set(text.as_bytes()).unwrap_err().starts_with("it is no set"), "{text}");
        }
        let many = |count| format!("{{\"keys\": [{}]}}", vec!["{\"kty\": \"oct\", \"k\": \"AAAA\"}"; count].join(","));
        assert_eq!(read_key_set(many(KEYS_MAX).as_bytes()).unwrap().len(), 0);
        assert!(read_key_set(many(KEYS_MAX + 1).as_bytes()).is_err());
    }
}
