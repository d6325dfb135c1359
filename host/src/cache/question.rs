//! What a request is looked for by. A policy says which requests are the same question; what it cannot see, or must not decide,
//! is added here.

use std::sync::Arc;

use http::HeaderMap;
use sha2::{Digest as _, Sha256};

use super::plans::Plan;
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
    pub(crate) digests: Digests,
    /// The caller wants a model to be asked.
    pub(crate) is_anew: bool,
    /// How often answers had been purged when it was asked.
    pub(crate) purges: u64,
}

/// What a question is known by.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Digests {
    /// What all answers to such requests have in common.
    pub(crate) partition: Digest,
    /// The answer's key.
    pub(crate) key: Digest,
    /// What is asked in one go for all who wait for it: never for two tenants.
    pub(crate) flight: Digest,
}

impl Digests {
    /// Of a request that a policy wants to be looked for under this key.
    pub(super) fn new(x: &Exchange, plugin: &Plugin, credential: &[u8], admitted: &Admitted, key: &str) -> Self {
        let request = admitted.request();
        let partition = digest(
            "partition",
            &[
                whose(x, plugin).as_bytes(),
                credential,
                request.model.as_bytes(),
                &admitted.frame(x),
                x.generation.fingerprint(),
                plugin.name.as_bytes(),
                plugin.identity(),
            ],
        );
        let key = digest("key", &[&partition, key.as_bytes()]);
        let flight = digest("flight", &[&key, x.tenant.as_bytes()]);
        Self { partition, key, flight }
    }
}

/// The tenant whose answers a policy looks through; empty where all tenants share them.
fn whose(x: &Exchange, plugin: &Plugin) -> Arc<str> {
    if plugin.installation.cache.shared { "".into() } else { x.tenant.clone() }
}

impl Question {
    pub(super) fn new(
        x: &Exchange,
        plugin: &Arc<Plugin>,
        admitted: &Admitted,
        Plan { lookup, digests }: Plan,
        findings: Vec<Finding>,
        is_anew: bool,
        purges: u64,
    ) -> Self {
        let (plugin, tenant) = (plugin.clone(), whose(x, plugin));
        Self { plugin, request: admitted.shared_request(), lookup, findings, tenant, digests, is_anew, purges }
    }

    /// Where questions are that can be compared by the vectors of this embedder.
    pub(super) fn meanings(&self, embedder: &str) -> Digest {
        digest("meanings", &[&self.digests.partition, embedder.as_bytes()])
    }
}

/// Where callers have their credentials.
const CREDENTIALS: [&str; 4] = ["authorization", "x-api-key", "api-key", "x-goog-api-key"];

/// A caller that has not said who it is may send a credential of its own to the provider: then it is told nothing that another
/// one's was needed for.
pub(super) fn credential(x: &Exchange, headers: &HeaderMap) -> Vec<u8> {
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
