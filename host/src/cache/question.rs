//! What a request is looked for by. A policy says which requests are the same question; what it cannot see, or must not decide,
//! is added here.

use std::sync::Arc;
use std::time::Instant;

use http::HeaderMap;
use sha2::{Digest as _, Sha256};

use super::plans::Plan;
use crate::chat::{Finding, Lookup, Phase, Request};
use crate::exchange::Exchange;
use crate::guard::Admitted;
use crate::hashing::in_parts;
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
    /// They have found and changed nothing.
    pub(crate) is_clean: bool,
    /// Whose answers are looked through; empty where all tenants share them.
    pub(crate) tenant: Arc<str>,
    pub(crate) digests: Digests,
    /// The caller wants a model to be asked.
    pub(crate) is_anew: bool,
    /// How often this gateway had purged answers when it was asked.
    pub(crate) purges: u64,
    /// When it was asked.
    pub(crate) asked: Instant,
}

/// What a question is known by.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Digests {
    /// What all answers to such requests have in common.
    pub(crate) partition: Digest,
    /// The answer's key.
    pub(crate) key: Digest,
}

impl Digests {
    /// Of a request that a policy wants to be looked for under this key.
    pub(super) fn new(x: &Exchange, plugin: &Plugin, headers: &[u8], admitted: &Admitted, key: &str) -> Self {
        let request = admitted.request();
        let partition = digest(
            "partition",
            &[
                whose(x, plugin).as_bytes(),
                headers,
                &[u8::from(request.streaming && x.generation.looks_at_answers())],
                request.model.as_bytes(),
                &admitted.frame(x),
                x.generation.fingerprint(),
                plugin.name.as_bytes(),
                plugin.identity(),
            ],
        );
        let key = digest("key", &[&partition, key.as_bytes()]);
        Self { partition, key }
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
        let (plugin, tenant, is_clean) = (plugin.clone(), whose(x, plugin), x.is_clean(Phase::Request));
        Self {
            plugin,
            request: admitted.shared_request(),
            lookup,
            findings,
            is_clean,
            tenant,
            digests,
            is_anew,
            purges,
            asked: Instant::now(),
        }
    }

    /// What is asked in one go for all who wait for it: never for two tenants, nor for who asks after a purge.
    pub(super) fn flight(&self, x: &Exchange) -> Digest {
        digest("flight", &[&self.digests.key, x.tenant.as_bytes(), &self.purges.to_le_bytes()])
    }

    /// Where questions are that can be compared by the vectors of this embedder.
    pub(super) fn meanings(&self, embedder: &str) -> Digest {
        digest("meanings", &[&self.digests.partition, embedder.as_bytes()])
    }
}

/// Beginnings of the names of headers that are passed on to a provider, and may change what it answers.
const PASSED_ON: [&str; 2] = ["anthropic-", "openai-"];
/// Where callers have their credentials.
const CREDENTIALS: [&str; 4] = ["authorization", "x-api-key", "api-key", "x-goog-api-key"];

/// What the headers say that counts. A caller that has not said who it is may send a credential of its own to the provider:
/// then it is told nothing that another one's was needed for.
pub(super) fn said_in_headers(x: &Exchange, headers: &HeaderMap) -> Digest {
    let mut counted: Vec<(&str, &[u8])> = headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_bytes()))
        .filter(|(name, _)| {
            PASSED_ON.iter().any(|beginning| name.starts_with(beginning))
                || (!x.caller.is_identified && CREDENTIALS.contains(name))
        })
        .collect();
    counted.sort_unstable();
    let parts: Vec<&[u8]> = counted.into_iter().flat_map(|(name, value)| [name.as_bytes(), value]).collect();
    digest("headers", &parts)
}

/// SHA-256 of some parts.
fn digest(of: &str, parts: &[&[u8]]) -> Digest {
    let mut hash = Sha256::new().chain_update("sluicegate answers 1 ").chain_update(of);
    in_parts(parts.iter().copied(), |bytes| hash.update(bytes));
    hash.finalize().into()
}
