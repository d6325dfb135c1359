//! Callers with a signed token.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm,
    Ed25519KeyPair, KeyPair as _,
};
use serde_json::{Value, json};
use sluicegate_tests::{Answer, Call, Gateway, Provider, Reply, chat, completion};

/// A key of an issuer.
enum Signer {
    Ed(Ed25519KeyPair),
    Ec(Box<EcdsaKeyPair>, &'static str),
}

struct IssuerKey {
    id: &'static str,
    signer: Signer,
}

impl IssuerKey {
    fn ed(id: &'static str) -> Self {
        let pair = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
        Self { id, signer: Signer::Ed(Ed25519KeyPair::from_pkcs8(pair.as_ref()).unwrap()) }
    }

    fn ec(id: &'static str, algorithm: &'static EcdsaSigningAlgorithm, curve: &'static str) -> Self {
        let random = SystemRandom::new();
        let pair = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
        Self {
            id,
            signer: Signer::Ec(Box::new(EcdsaKeyPair::from_pkcs8(algorithm, pair.as_ref(), &random).unwrap()), curve),
        }
    }

    fn algorithm(&self) -> &'static str {
        match &self.signer {
            Signer::Ed(_) => "EdDSA",
            Signer::Ec(_, "P-256") => "ES256",
            Signer::Ec(..) => "ES384",
        }
    }

    fn jwk(&self) -> Value {
        let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        match &self.signer {
            Signer::Ed(pair) => {
                json!({"kty": "OKP", "crv": "Ed25519", "kid": self.id, "use": "sig", "x": encode(pair.public_key().as_ref())})
            }
            Signer::Ec(pair, curve) => {
                let (x, y) = pair.public_key().as_ref()[1..].split_at((pair.public_key().as_ref().len() - 1) / 2);
                json!({"kty": "EC", "crv": curve, "kid": self.id, "alg": self.algorithm(), "x": encode(x), "y": encode(y)})
            }
        }
    }

    fn sign(&self, message: &str) -> Vec<u8> {
        match &self.signer {
            Signer::Ed(pair) => pair.sign(message.as_bytes()).as_ref().to_vec(),
            Signer::Ec(pair, _) => pair.sign(&SystemRandom::new(), message.as_bytes()).unwrap().as_ref().to_vec(),
        }
    }

    fn header(&self) -> Value {
        json!({"typ": "JWT", "alg": self.algorithm(), "kid": self.id})
    }

    fn token(&self, claims: &Value) -> String {
        self.token_with(&self.header(), claims)
    }

    fn token_with(&self, header: &Value, claims: &Value) -> String {
        let message = unsigned(header, claims);
        let signature = URL_SAFE_NO_PAD.encode(self.sign(&message));
        format!("{message}.{signature}")
    }
}

fn unsigned(header: &Value, claims: &Value) -> String {
    let encode = |json: &Value| URL_SAFE_NO_PAD.encode(json.to_string());
    format!("{}.{}", encode(header), encode(claims))
}

fn set(keys: &[&IssuerKey]) -> Reply {
    Reply::json(json!({"keys": keys.iter().map(|key| key.jwk()).collect::<Vec<_>>()}).to_string())
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

fn claims() -> Value {
    json!({"iss": "https://issuer.example/", "aud": ["other", "sluicegate"], "exp": now() + 600, "sub": "ada", "org": "blue", "models": ["small"]})
}

/// The same with this instead.
fn with(field: &str, value: Value) -> Value {
    let mut claims = claims();
    match value {
        Value::Null => drop(claims.as_object_mut().unwrap().remove(field)),
        value => claims[field] = value,
    }
    claims
}

/// A question to the model that the claims name.
fn small(text: &str) -> Value {
    let mut request = chat(text);
    request["model"] = "small".into();
    request
}

struct Place {
    model: Provider,
    issuer: Provider,
    gateway: Gateway,
}

async fn place(replies: impl IntoIterator<Item = Reply>) -> Place {
    let (model, issuer) =
        (Provider::saying(Reply::json(completion("hello"))).await, Provider::saying_in_turn(replies).await);
    let settings = format!(
        "[auth.jwt]\njwks_url = 'http://{}/keys'\nissuer = 'https://issuer.example/'\naudience = 'sluicegate'\n\
         tenant_claim = 'org'\nmodels_claim = 'models'\nrefresh_ms = 20\nleeway_ms = 1_000\n\
         [models]\nsmall = {{ targets = ['target-1'] }}\nlarge = {{ targets = ['target-1'] }}",
        issuer.address
    );
    let gateway = Gateway::without_plugins().upstream(&model).settings(&settings).start().await;
    Place { model, issuer, gateway }
}

impl Place {
    fn ask(&self, token: &str) -> Call {
        self.gateway.ask(small("x")).header("authorization", &format!("Bearer {token}"))
    }

    /// Wait until this token is taken.
    async fn takes(&self, token: &str) {
        let look = async { while self.ask(token).await.status != 200 {} };
        tokio::time::timeout(Duration::from_secs(30), look).await.expect("the token is taken in time");
    }
}

fn is_unknown(answer: &Answer) -> bool {
    (answer.status, answer.code().as_str()) == (401, "invalid_api_key")
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_of_the_issuer_let_in_and_no_provider_sees_them() {
    let keys = [
        IssuerKey::ed("ed"),
        IssuerKey::ec("p256", &ECDSA_P256_SHA256_FIXED_SIGNING, "P-256"),
        IssuerKey::ec("p384", &ECDSA_P384_SHA384_FIXED_SIGNING, "P-384"),
    ];
    let place = place([set(&keys.each_ref())]).await;
    for key in &keys {
        place.takes(&key.token(&claims())).await;
        let token = key.token(&with("aud", json!("sluicegate")));
        assert_eq!(place.ask(&token).await.status, 200, "{}", key.id);
        // Wherever an SDK sends its key.
        for header in ["x-api-key", "x-goog-api-key", "api-key"] {
            assert_eq!(place.gateway.ask(small("x")).header(header, &token).await.status, 200, "{header}");
        }
        let models = place.gateway.call("GET", "/v1/models").header("authorization", &format!("Bearer {token}")).await;
        assert!(models.text().contains("\"small\"") && !models.text().contains("\"large\""), "{}", models.text());
    }
    let mut large = chat("x");
    large["model"] = "large".into();
    let token = keys[0].token(&claims());
    let answer = place.gateway.ask(large).header("authorization", &format!("Bearer {token}")).await;
    assert_eq!(answer.code(), "model_not_found");
    for request in place.model.received() {
        for header in ["authorization", "x-api-key", "x-goog-api-key", "api-key"] {
            assert_eq!(request.header(header), None);
        }
    }
    assert!(is_unknown(&place.gateway.ask(chat("x")).await));
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_wrong_with_a_token_looks_alike() {
    let (key, other) = (IssuerKey::ed("ed"), IssuerKey::ed("ed"));
    let curve = IssuerKey::ec("p256", &ECDSA_P256_SHA256_FIXED_SIGNING, "P-256");
    let place = place([set(&[&key, &curve])]).await;
    place.takes(&key.token(&claims())).await;
    let header = |field: &str, value: Value| {
        let mut header = key.header();
        header[field] = value;
        key.token_with(&header, &claims())
    };
    let good = key.token(&claims());
    let public = URL_SAFE_NO_PAD.decode(key.jwk()["x"].as_str().unwrap()).unwrap();
    let message = unsigned(&json!({"alg": "HS256", "kid": "ed"}), &claims());
    let hmac = ring::hmac::sign(&ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &public), message.as_bytes());
    let shared = format!("{message}.{}", URL_SAFE_NO_PAD.encode(hmac));
    let nothing = place.gateway.ask(chat("x")).await;
    for (what, token) in [
        ("another's signature", other.token(&claims())),
        ("no signature", format!("{}.", unsigned(&key.header(), &claims()))),
        ("no algorithm", format!("{}.", unsigned(&json!({"alg": "none"}), &claims()))),
        ("the public key as a secret", shared),
        ("a signature cut off", good[..good.len() - 4].to_owned()),
        ("other claims under the same signature", {
            let (_, signature) = good.rsplit_once('.').unwrap();
            format!("{}.{signature}", unsigned(&key.header(), &with("org", json!("red"))))
        }),
        ("the key of another algorithm", header("kid", json!("p256"))),
        ("another algorithm", header("alg", json!("ES256"))),
        ("an unknown key", header("kid", json!("nobody"))),
        ("no key named where there are two of a kind or more", curve.token_with(&json!({"alg": "RS256"}), &claims())),
        ("critical extensions", header("crit", json!(["b64"]))),
        ("another issuer", key.token(&with("iss", json!("https://other.example/")))),
        ("no issuer", key.token(&with("iss", Value::Null))),
        ("another audience", key.token(&with("aud", json!("other")))),
        ("no audience", key.token(&with("aud", Value::Null))),
        ("expired", key.token(&with("exp", json!(now() - 5)))),
        ("never expires", key.token(&with("exp", Value::Null))),
        ("expires in words", key.token(&with("exp", json!("never")))),
        ("not yet valid", key.token(&with("nbf", json!(now() + 600)))),
        ("no tenant", key.token(&with("org", Value::Null))),
        ("a tenant that is none", key.token(&with("org", json!(["blue"])))),
        ("an empty tenant", key.token(&with("org", json!(" ")))),
        ("no models", key.token(&with("models", Value::Null))),
        ("models that are none", key.token(&with("models", json!(7)))),
        ("no claims", key.token(&json!([1]))),
        ("too long", key.token(&with("groups", json!("x".repeat(17_000))))),
        ("nonsense", "eyJ.eyJ.x".to_owned()),
    ] {
        let answer = place.ask(&token).await;
        assert!(is_unknown(&answer), "{what}: {} {}", answer.status, answer.text());
        assert_eq!(answer.text(), nothing.text(), "{what}");
    }
    assert_eq!(place.ask(&good).await.status, 200);
    // Clocks may differ by what is configured.
    assert_eq!(place.ask(&key.token(&with("exp", json!(now() + 1)))).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_allows_no_model_allows_none() {
    let key = IssuerKey::ed("ed");
    let place = place([set(&[&key])]).await;
    place.takes(&key.token(&claims())).await;
    let answer = place.ask(&key.token(&with("models", json!([])))).await;
    assert_eq!((answer.status, answer.code().as_str()), (404, "model_not_found"));
    assert_eq!(place.ask(&key.token(&with("models", json!("*")))).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_that_the_issuer_replaces_are_followed_and_the_last_good_ones_stay() {
    let (first, second) = (IssuerKey::ed("first"), IssuerKey::ed("second"));
    let place = place([set(&[&first])]).await;
    place.takes(&first.token(&claims())).await;
    place.issuer.now_says([set(&[&first, &second])]);
    place.takes(&second.token(&claims())).await;
    assert_eq!(place.ask(&first.token(&claims())).await.status, 200);
    place.issuer.now_says([set(&[&second])]);
    let gone = async { while place.ask(&first.token(&claims())).await.status == 200 {} };
    tokio::time::timeout(Duration::from_secs(30), gone).await.expect("a key that is gone lets nobody in");

    let elsewhere = Provider::saying(set(&[&first])).await;
    let large = json!({"keys": [first.jwk()], "padding": "x".repeat(300_000)}).to_string();
    for wrong in [
        Reply::json("{}").status(500),
        Reply::json("no JSON"),
        Reply::json("{\"keys\": []}"),
        Reply::json(large),
        Reply::json("").status(302).header("location", &format!("http://{}/keys", elsewhere.address)),
        Reply::hangs_up(),
    ] {
        let asked = place.issuer.received().len();
        place.issuer.now_says([wrong]);
        place.issuer.has_received(asked + 2).await;
        assert_eq!(place.ask(&second.token(&claims())).await.status, 200);
        assert!(is_unknown(&place.ask(&first.token(&claims())).await));
    }
    assert_eq!(elsewhere.received().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_with_unknown_keys_do_not_flood_the_issuer() {
    let (key, other) = (IssuerKey::ed("ed"), IssuerKey::ed("other"));
    let mut place = place([set(&[&key])]).await;
    place.takes(&key.token(&claims())).await;
    place.gateway.stop_watching().await;
    // Another gateway, whose background does nothing for the time of the test.
    let text = format!("http://{}/keys", place.issuer.address);
    let slow = Gateway::without_plugins()
        .upstream(&place.model)
        .settings(&format!(
            "auth.jwt.jwks_url = '{text}'\nauth.jwt.issuer = 'https://issuer.example/'\nauth.jwt.audience = 'sluicegate'"
        ))
        .settings("auth.jwt.refresh_ms = 3_600_000")
        .start()
        .await;
    let before = place.issuer.received().len();
    for _ in 0..20 {
        let call = slow.ask(chat("x")).header("authorization", &format!("Bearer {}", other.token(&claims())));
        assert!(is_unknown(&call.await));
    }
    assert!(place.issuer.received().len() - before <= 2, "{}", place.issuer.received().len() - before);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_keys_may_be_in_a_file() {
    let key = IssuerKey::ed("ed");
    let model = Provider::saying(Reply::json(completion("hello"))).await;
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), json!({"keys": [key.jwk()]}).to_string()).unwrap();
    let settings = format!(
        "[auth.jwt]\njwks_file = '{}'\nissuer = 'https://issuer.example/'\naudience = 'sluicegate'\n[admin]\nlisten = '127.0.0.1:0'",
        file.path().display()
    );
    let gateway = Gateway::without_plugins().upstream(&model).settings(&settings).start().await;
    assert_eq!(gateway.admin("GET", "/readyz").await.status, 200);
    let ask = |token: &str| gateway.ask(chat("x")).header("authorization", &format!("Bearer {token}"));
    assert_eq!(ask(&key.token(&claims())).await.status, 200);
    assert!(is_unknown(&ask(&IssuerKey::ed("ed").token(&claims())).await));
    // A key, where the tokens' header leaves its name out.
    assert_eq!(ask(&key.token_with(&json!({"alg": "EdDSA"}), &claims())).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_not_ready_before_it_has_the_issuers_keys() {
    let (key, model) = (IssuerKey::ed("ed"), Provider::saying(Reply::json(completion("hello"))).await);
    let issuer = Provider::saying(Reply::json("").status(503)).await;
    let settings = format!(
        "[auth.jwt]\njwks_url = 'http://{}/keys'\nissuer = 'https://issuer.example/'\naudience = 'sluicegate'\n\
         refresh_ms = 20\n[admin]\nlisten = '127.0.0.1:0'",
        issuer.address
    );
    let gateway = Gateway::without_plugins().upstream(&model).settings(&settings).start().await;
    assert_eq!(gateway.admin("GET", "/readyz").await.status, 503);
    assert_eq!(gateway.admin("GET", "/healthz").await.status, 200);
    let call = gateway.ask(chat("x")).header("authorization", &format!("Bearer {}", key.token(&claims())));
    assert!(is_unknown(&call.await));
    issuer.now_says([set(&[&key])]);
    let ready = async { while gateway.admin("GET", "/readyz").await.status != 200 {} };
    tokio::time::timeout(Duration::from_secs(30), ready).await.expect("it is ready in time");
}
