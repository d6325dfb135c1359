//! Signatures of tokens, verified with ring: the cryptography that TLS uses here too. Only public keys: a secret that
//! issuer and gateway share (HS256) would let whoever reads the configuration make tokens.

use jsonwebtoken::crypto::{CryptoProvider, JwtSigner, JwtVerifier, KeyUtils};
use jsonwebtoken::errors::{Error, ErrorKind};
use jsonwebtoken::signature::{self, Verifier};
use jsonwebtoken::{Algorithm, AlgorithmFamily, DecodingKey, DecodingKeyKind, EncodingKey};
use ring::signature::{
    self as ring_signature, RsaParameters, RsaPublicKeyComponents, UnparsedPublicKey, VerificationAlgorithm,
};

/// What the gateway gives `jsonwebtoken`: verifying, and nothing else.
static PROVIDER: CryptoProvider = CryptoProvider {
    signer_factory: sign_nothing,
    verifier_factory: verifier,
    key_utils: KeyUtils::new_unimplemented(),
};

/// Have tokens verified this way in this process.
pub(super) fn install() {
    // The second of two gateways in a process finds it installed.
    let _ = PROVIDER.install_default();
}

fn sign_nothing(_: &Algorithm, _: &EncodingKey) -> Result<Box<dyn JwtSigner>, Error> {
    Err(ErrorKind::InvalidAlgorithm.into())
}

fn verifier(algorithm: &Algorithm, key: &DecodingKey) -> Result<Box<dyn JwtVerifier>, Error> {
    let with = with(*algorithm).filter(|_| key.family() == algorithm.family());
    let with = with.ok_or_else(|| Error::from(ErrorKind::InvalidAlgorithm))?;
    Ok(Box::new(Ring { algorithm: *algorithm, with, key: key.clone() }))
}

/// How signatures of an algorithm are verified.
#[derive(Clone, Copy)]
enum With {
    Rsa(&'static RsaParameters),
    Curve(&'static dyn VerificationAlgorithm),
}

fn with(algorithm: Algorithm) -> Option<With> {
    Some(match algorithm {
        Algorithm::RS256 => With::Rsa(&ring_signature::RSA_PKCS1_2048_8192_SHA256),
        Algorithm::RS384 => With::Rsa(&ring_signature::RSA_PKCS1_2048_8192_SHA384),
        Algorithm::RS512 => With::Rsa(&ring_signature::RSA_PKCS1_2048_8192_SHA512),
        Algorithm::PS256 => With::Rsa(&ring_signature::RSA_PSS_2048_8192_SHA256),
        Algorithm::PS384 => With::Rsa(&ring_signature::RSA_PSS_2048_8192_SHA384),
        Algorithm::PS512 => With::Rsa(&ring_signature::RSA_PSS_2048_8192_SHA512),
        Algorithm::ES256 => With::Curve(&ring_signature::ECDSA_P256_SHA256_FIXED),
        Algorithm::ES384 => With::Curve(&ring_signature::ECDSA_P384_SHA384_FIXED),
        Algorithm::EdDSA => With::Curve(&ring_signature::ED25519),
        _ => return None,
    })
}

/// Whether tokens of this algorithm are taken at all.
pub(super) fn is_taken(algorithm: Algorithm) -> bool {
    with(algorithm).is_some()
}

/// Whether keys of this family verify anything here.
pub(super) fn is_taken_of(family: AlgorithmFamily) -> bool {
    family.algorithms().iter().any(|algorithm| is_taken(*algorithm))
}

struct Ring {
    algorithm: Algorithm,
    with: With,
    key: DecodingKey,
}

impl Verifier<Vec<u8>> for Ring {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> Result<(), signature::Error> {
        let verified = match (self.with, self.key.kind()) {
            (With::Rsa(parameters), DecodingKeyKind::RsaModulusExponent { n, e }) => {
                // Leading zeros, which some issuers write, are none of the number.
                let (n, e) = (without_zeros(n), without_zeros(e));
                RsaPublicKeyComponents { n, e }.verify(parameters, message, signature)
            }
            (With::Curve(algorithm), DecodingKeyKind::SecretOrDer(key)) => {
                UnparsedPublicKey::new(algorithm, key).verify(message, signature)
            }
            (With::Rsa(_) | With::Curve(_), _) => return Err(signature::Error::new()),
        };
        verified.map_err(|_| signature::Error::new())
    }
}

impl JwtVerifier for Ring {
    fn algorithm(&self) -> Algorithm {
        self.algorithm
    }
}

fn without_zeros(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    number.get(zeros..).unwrap_or_default()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// The key of RFC 7515, appendix A.2.
    const MODULUS: &str = "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-\
                           yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-\
                           KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_\
                           h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ";
    /// The token there, to its last dot.
    const MESSAGE: &str = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19y\
                           b290Ijp0cnVlfQ";
    const SIGNATURE: &str = "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds\
                             9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZR\
                             mB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs9\
                             8rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";

    fn verifies(message: &str, key: &DecodingKey, algorithm: Algorithm) -> Result<bool, Error> {
        install();
        jsonwebtoken::crypto::verify(SIGNATURE, message.as_bytes(), key, algorithm)
    }

    #[test]
    fn the_example_of_the_standard_is_verified() {
        let key = DecodingKey::from_rsa_components(MODULUS, "AQAB").unwrap();
        assert!(verifies(MESSAGE, &key, Algorithm::RS256).unwrap());
        assert!(!verifies(&MESSAGE[1..], &key, Algorithm::RS256).unwrap());
        assert!(!verifies(MESSAGE, &key, Algorithm::PS256).unwrap());
        assert!(!verifies(MESSAGE, &key, Algorithm::RS384).unwrap());
        // The same number, written with a zero before it.
        let zero = DecodingKey::from_rsa_components(MODULUS, "AAEAAQ").unwrap();
        assert!(verifies(MESSAGE, &zero, Algorithm::RS256).unwrap());
    }

    #[test]
    fn a_key_is_for_its_own_kind_of_algorithm() {
        let key = DecodingKey::from_rsa_components(MODULUS, "AQAB").unwrap();
        for algorithm in [Algorithm::ES256, Algorithm::EdDSA, Algorithm::HS256] {
            assert!(verifies(MESSAGE, &key, algorithm).is_err(), "{algorithm:?}");
        }
        let secret = DecodingKey::from_secret(b"x");
        assert!(verifies(MESSAGE, &secret, Algorithm::HS256).is_err());
        assert!(!is_taken(Algorithm::HS256) && !is_taken_of(AlgorithmFamily::Hmac) && is_taken(Algorithm::RS256));
        assert!(sign_nothing(&Algorithm::HS256, &EncodingKey::from_secret(b"x")).is_err());
    }
}
