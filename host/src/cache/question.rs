//! What a request is looked for by. A policy says which requests are the same question; what it cannot see, or must not decide,
//! is added here.

use std::sync::Arc;

use http::HeaderMap;
use sha2::{Digest as _, Sha256};

use crate::chat::{Finding, Lookup, Request};
use crate::exchange::Exchange;
use crate::guard::Admitted;
use crate::plugin::Plugin;
use crate::store::answers::Digest;

/// A request that may be answered from memory.
#[derive(Clone, Debug)]
pub(crate) struct Question {
    /// The policy that has said so.
    pub(crate) plugin: Arc<Plugin>,
    pub(crate) request: Arc<Request>,
    pub(crate) lookup: Lookup,
    /// What guardrails have found in the request.
    pub(crate) findings: Vec<Finding>,
    /// Whose answers are looked through; empty where all tenants share them.
    pub(crate) tenant: Arc<str>,
    /// What all answers to such requests have in common.
    pub(crate) partition: Digest,
    /// The answer's key.
    pub(crate) key: Digest,
    /// What is asked in one go for all who wait for it: never for two tenants.
    pub(crate) flight: Digest,
    /// The caller wants a model to be asked.
    pub(crate) is_anew: bool,
}

impl Question {
    pub(super) fn new(
        x: &Exchange,
        plugin: &Arc<Plugin>,
        headers: &HeaderMap,
        admitted: &Admitted,
        lookup: Lookup,
        findings: Vec<Finding>,
        is_anew: bool,
    ) -> Self {
        let shared = plugin.installation.cache.shared;
        let tenant: Arc<str> = if shared { "".into() } else { x.tenant.clone() };
        let request = admitted.shared_request();
        let partition = digest(
            "partition",
            &[
                tenant.as_bytes(),
                &credential(x, headers),
                request.model.as_bytes(),
                &admitted.frame(x),
                x.generation.fingerprint(),
                plugin.name.as_bytes(),
                plugin.identity(),
            ],
        );
        let key = digest("key", &[&partition, lookup.key.as_bytes()]);
        let flight = digest("flight", &[&key, x.tenant.as_bytes()]);
        Self { plugin: plugin.clone(), request, lookup, findings, tenant, partition, key, flight, is_anew }
    }

    /// Where questions are that can be compared by the vectors of this embedder.
    pub(super) fn meanings(&self, embedder: &str) -> Digest {
        digest("meanings", &[&self.partition, embedder.as_bytes()])
    }
}

/// Where callers have their credentials.
const CREDENTIALS: [&str; 4] = ["authorization", "x-api-key", "api-key", "x-goog-api-key"];

/// A caller that has not said who it is may send a credential of its own to the provider: then it is told nothing that another
/// one's was needed for.
fn credential(x: &Exchange, headers: &HeaderMap) -> Vec<u8> {
    if x.caller.is_identified {
        return Vec::new();
    }
    let own = CREDENTIALS.iter().flat_map(|name| headers.get_all(*name)).map(|value| value.as_bytes());
    digest("credential", &own.collect::<Vec<_>>()).to_vec()
}

/// SHA-256 of some parts, each behind its length, so that no two lists of them read alike.
pub(super) fn digest(of: &str, parts: &[&[u8]]) -> Digest {
    let mut hash = Sha256::new().chain_update("sluicegate answers 1 ").chain_update(of);
    for part in parts {
        hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_le_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}
