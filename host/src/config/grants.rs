//! `[grants]` of an installation: which capabilities its plugin has, and their bounds.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use http::header::HeaderName;
use http::{Method, Uri};
use serde::Deserialize;
use toml::Spanned;

use super::file::SecretSource;
use super::resolve::{number, secret, url};
use super::{Problems, Secret};
use crate::capability::Capability;

/// What a plugin may call beside `log` and `patterns`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grants {
    /// The time.
    pub clock: Option<ClockGrant>,
    /// A small store.
    pub kv: Option<KvGrant>,
    /// Calls to services.
    pub http: Option<HttpGrant>,
    /// Numbers that stand for meaning.
    pub embedding: Option<EmbeddingGrant>,
    /// Models, asked through the gateway.
    pub model: Option<ModelGrant>,
}

/// Bounds of the time: none but how often it may be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockGrant {
    /// Calls in an exchange.
    pub calls_max: u64,
}

/// Bounds of the small store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KvGrant {
    /// Calls in an exchange.
    pub calls_max: u64,
    /// Bytes of one value.
    pub value_bytes_max: u64,
    /// Bytes of all keys and values of a tenant, with [`ENTRY_BYTES`](crate::store::kv::ENTRY_BYTES) for each.
    pub bytes_max: u64,
}

/// Bounds of calls to services.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpGrant {
    /// Calls in an exchange.
    pub calls_max: u64,
    /// Bytes of a body that is sent.
    pub request_bytes_max: u64,
    /// Bytes of a body that comes.
    pub response_bytes_max: u64,
    /// Time for an answer.
    pub wait: Duration,
    /// The services, by the names that the plugin knows.
    pub destinations: BTreeMap<String, Destination>,
}

/// Bounds of numbers that stand for meaning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmbeddingGrant {
    /// Calls in an exchange.
    pub calls_max: u64,
    /// Bytes of all texts of a call.
    pub bytes_max: u64,
    /// Time for the vectors.
    pub wait: Duration,
    /// Which embedder; nothing for the only one.
    pub embedder: Option<String>,
}

/// Bounds of models that a plugin asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelGrant {
    /// Calls in an exchange.
    pub calls_max: u64,
    /// The targets that may be asked.
    pub targets: Vec<String>,
    /// Bytes of all texts of a call, the answer's schema included.
    pub bytes_max: u64,
    /// Tokens of an answer.
    pub answer_tokens_max: u32,
    /// Time for an answer.
    pub wait: Duration,
}

/// A service that a plugin may call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destination {
    /// Its address, to which paths are appended.
    pub url: Uri,
    /// The methods that may be used.
    pub methods: Vec<Method>,
    /// What the host adds, such as a credential.
    pub headers: Vec<(HeaderName, Secret)>,
}

impl Grants {
    /// How often a capability may be called in an exchange; nothing if it is not granted.
    #[must_use]
    pub fn calls_max(&self, capability: Capability) -> Option<u64> {
        match capability {
            Capability::Clock => self.clock.map(|clock| clock.calls_max),
            Capability::Kv => self.kv.map(|kv| kv.calls_max),
            Capability::Http => self.http.as_ref().map(|http| http.calls_max),
            Capability::Embedding => self.embedding.as_ref().map(|embedding| embedding.calls_max),
            Capability::Model => self.model.as_ref().map(|model| model.calls_max),
        }
    }

    /// Whether a capability is granted.
    #[must_use]
    pub fn has(&self, capability: Capability) -> bool {
        self.calls_max(capability).is_some()
    }

    /// Whether none is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        !Capability::ALL.into_iter().any(|capability| self.has(capability))
    }

    /// What is left of them under newer ones: what both have, within the newer bounds.
    #[must_use]
    pub fn restrained(&self, newer: &Self) -> Self {
        Self {
            clock: self.clock.and(newer.clock),
            kv: self.kv.and(newer.kv),
            http: self.http.as_ref().zip(newer.http.as_ref()).map(|(older, newer)| HttpGrant {
                destinations: newer
                    .destinations
                    .iter()
                    .filter(|(name, _)| older.destinations.contains_key(*name))
                    .map(|(name, destination)| (name.clone(), destination.clone()))
                    .collect(),
                ..newer.clone()
            }),
            embedding: self.embedding.as_ref().and(newer.embedding.clone()),
            model: self.model.as_ref().zip(newer.model.as_ref()).map(|(older, newer)| ModelGrant {
                targets: newer.targets.iter().filter(|target| older.targets.contains(target)).cloned().collect(),
                ..newer.clone()
            }),
        }
    }

    /// The same while a plugin is loaded: it may embed as many examples as its fuel is for, and nobody waits for it.
    #[must_use]
    pub(crate) fn at_load(&self) -> Self {
        let at_load = |grant: &EmbeddingGrant| EmbeddingGrant {
            calls_max: u64::MAX,
            wait: Duration::from_millis(WAIT_MS_MAX),
            ..grant.clone()
        };
        Self { embedding: self.embedding.as_ref().map(at_load), ..self.clone() }
    }
}

/// What a person may write.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    /// The time.
    clock: Option<ClockFile>,
    /// A small store, kept apart by plugin and tenant.
    kv: Option<KvFile>,
    /// Calls to services that are named here.
    http: Option<HttpFile>,
    /// Numbers that stand for meaning.
    embedding: Option<EmbeddingFile>,
    /// Models, asked through the gateway.
    model: Option<ModelFile>,
}

/// `[grants.clock]`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct ClockFile {
    /// Calls in an exchange: `1000`.
    calls_max: Option<Spanned<u64>>,
}

/// `[grants.kv]`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct KvFile {
    /// Calls in an exchange: `20`.
    calls_max: Option<Spanned<u64>>,
    /// Bytes of one value: `65536`.
    value_bytes_max: Option<Spanned<u64>>,
    /// Bytes of all keys and values of a tenant: `1048576`.
    bytes_max: Option<Spanned<u64>>,
}

/// `[grants.http]`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct HttpFile {
    /// Calls in an exchange: `5`.
    calls_max: Option<Spanned<u64>>,
    /// Bytes of a body that is sent: `65536`.
    request_bytes_max: Option<Spanned<u64>>,
    /// Bytes of a body that comes: `262144`.
    response_bytes_max: Option<Spanned<u64>>,
    /// Milliseconds for an answer: `1000`.
    wait_ms: Option<Spanned<u64>>,
    /// The services.
    #[serde(default)]
    destinations: BTreeMap<String, DestinationFile>,
}

/// `[grants.embedding]`
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct EmbeddingFile {
    /// Calls in an exchange: `10`.
    calls_max: Option<Spanned<u64>>,
    /// Bytes of all texts of a call: `65536`.
    bytes_max: Option<Spanned<u64>>,
    /// Milliseconds for the vectors: `1000`.
    wait_ms: Option<Spanned<u64>>,
    /// A name under `[embedders]`: the only one there is.
    embedder: Option<String>,
}

/// `[grants.model]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ModelFile {
    /// Calls in an exchange: `5`.
    calls_max: Option<Spanned<u64>>,
    /// The targets that may be asked: names under `[targets]`.
    targets: Spanned<Vec<String>>,
    /// Bytes of all texts of a call: `65536`.
    bytes_max: Option<Spanned<u64>>,
    /// Tokens of an answer: `1024`.
    answer_tokens_max: Option<Spanned<u64>>,
    /// Milliseconds for an answer: `10000`.
    wait_ms: Option<Spanned<u64>>,
}

/// `[grants.http.destinations.NAME]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct DestinationFile {
    /// Its address: `"https://crm.example/api"`.
    url: Spanned<String>,
    /// The methods that may be used: `["GET"]`.
    methods: Option<Spanned<Vec<String>>>,
    /// Headers that the gateway adds: `{ authorization = { env = "NAME" } }`.
    #[serde(default)]
    headers: BTreeMap<String, Spanned<SecretSource>>,
}

pub(super) fn grants(file: &File, base: &Path, problems: &mut Problems) -> Grants {
    let http = file.http.as_ref().map(|http| HttpGrant {
        calls_max: number(http.calls_max.as_ref(), 5, 1..=CALLS_MAX, "grants.http.calls_max", problems),
        request_bytes_max: bytes(http.request_bytes_max.as_ref(), 64 << 10, "grants.http.request_bytes_max", problems),
        response_bytes_max: bytes(
            http.response_bytes_max.as_ref(),
            256 << 10,
            "grants.http.response_bytes_max",
            problems,
        ),
        wait: wait(http.wait_ms.as_ref(), 1_000, "grants.http.wait_ms", problems),
        destinations: http
            .destinations
            .iter()
            .filter_map(|(name, written)| Some((name.clone(), destination(name, written, base, problems)?)))
            .collect(),
    });
    Grants {
        clock: file.clock.as_ref().map(|clock| ClockGrant {
            calls_max: number(clock.calls_max.as_ref(), 1_000, 1..=CALLS_MAX, "grants.clock.calls_max", problems),
        }),
        kv: file.kv.as_ref().map(|kv| KvGrant {
            calls_max: number(kv.calls_max.as_ref(), 20, 1..=CALLS_MAX, "grants.kv.calls_max", problems),
            value_bytes_max: bytes(kv.value_bytes_max.as_ref(), 64 << 10, "grants.kv.value_bytes_max", problems),
            bytes_max: number(kv.bytes_max.as_ref(), 1 << 20, 1..=1 << 30, "grants.kv.bytes_max", problems),
        }),
        http,
        embedding: file.embedding.as_ref().map(|embedding| EmbeddingGrant {
            calls_max: number(embedding.calls_max.as_ref(), 10, 1..=CALLS_MAX, "grants.embedding.calls_max", problems),
            bytes_max: bytes(embedding.bytes_max.as_ref(), 64 << 10, "grants.embedding.bytes_max", problems),
            wait: wait(embedding.wait_ms.as_ref(), 1_000, "grants.embedding.wait_ms", problems),
            embedder: embedding.embedder.clone(),
        }),
        model: file.model.as_ref().map(|file| model(file, problems)),
    }
}

fn model(file: &ModelFile, problems: &mut Problems) -> ModelGrant {
    if file.targets.get_ref().is_empty() {
        let message = "is empty; name at least one of [targets]";
        problems.add(Some(file.targets.span()), "grants.model.targets", message);
    }
    let (tokens, field) = (file.answer_tokens_max.as_ref(), "grants.model.answer_tokens_max");
    let answer_tokens_max = number(tokens, 1_024, 1..=1_000_000, field, problems);
    ModelGrant {
        calls_max: number(file.calls_max.as_ref(), 5, 1..=CALLS_MAX, "grants.model.calls_max", problems),
        targets: file.targets.get_ref().clone(),
        bytes_max: bytes(file.bytes_max.as_ref(), 64 << 10, "grants.model.bytes_max", problems),
        answer_tokens_max: u32::try_from(answer_tokens_max).unwrap_or(u32::MAX),
        wait: wait(file.wait_ms.as_ref(), 10_000, "grants.model.wait_ms", problems),
    }
}

/// Bytes that go to the host or come from it at once.
fn bytes(given: Option<&Spanned<u64>>, default: u64, field: &str, problems: &mut Problems) -> u64 {
    number(given, default, 1..=4 << 20, field, problems)
}

/// Time for a service to answer.
fn wait(given: Option<&Spanned<u64>>, default: u64, field: &str, problems: &mut Problems) -> Duration {
    Duration::from_millis(number(given, default, 1..=WAIT_MS_MAX, field, problems))
}

fn destination(name: &str, file: &DestinationFile, base: &Path, problems: &mut Problems) -> Option<Destination> {
    let field = |of: &str| format!("grants.http.destinations.{name}.{of}");
    let url = url(file.url.get_ref(), "https://crm.example/api")
        .map_err(|wrong| problems.add(Some(file.url.span()), field("url"), wrong))
        .ok();
    let mut methods = vec![Method::GET];
    if let Some(given) = &file.methods {
        let known = given.get_ref().iter().map(|method| METHODS.into_iter().find(|known| known.as_str() == method));
        match known.collect::<Option<Vec<Method>>>() {
            Some(known) if !known.is_empty() => methods = known,
            _ => {
                let message = format!("must be some of {}", METHODS.map(|method| method.to_string()).join(", "));
                problems.add(Some(given.span()), field("methods"), message);
            }
        }
    }
    let mut headers = Vec::new();
    for (header, source) in &file.headers {
        let Ok(header) = HeaderName::try_from(header) else {
            problems.add(Some(source.span()), field("headers"), format!("{header:?} is no name of a header"));
            continue;
        };
        headers.extend(secret(source, base, field("headers"), problems).map(|secret| (header, secret)));
    }
    Some(Destination { url: url?, methods, headers })
}

/// Methods that can be granted.
const METHODS: [Method; 5] = [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE];
/// A minute: nobody waits longer for a plugin.
const WAIT_MS_MAX: u64 = 60_000;

/// More than this in one exchange is a mistake.
const CALLS_MAX: u64 = 1_000_000;
