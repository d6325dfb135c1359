//! Verdicts of unchanged segments.
//!
//! A text guardrail without grants is a pure function of its configuration and its window, so the verdict on a
//! final window can be remembered. An agent that sends its history again at each step pays for what is new.

use std::sync::Arc;

use highway::{HighwayHash, HighwayHasher, Key};
use quick_cache::Weighter;
use quick_cache::sync::Cache;

use crate::chat::{Action, Phase, Verdict, Window};
use crate::hashing::{in_parts, random_key};

/// Names a verdict: everything that it depends on, hashed with a key that nobody outside knows, so that
/// nobody can make two texts that collide.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct MemoKey {
    scope: Scope,
    window: [u64; 4],
}

/// Whose verdicts: a plugin's for a tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Scope([u64; 4]);

/// Remembered verdicts, bounded by bytes.
pub(super) struct Memo {
    key: Key,
    verdicts: Cache<MemoKey, Arc<Verdict>, Bytes>,
}

/// What an entry takes beside the verdict's own strings: key, pointers, the cache's own bookkeeping.
const ENTRY_BYTES: usize = 200;
/// The weight that the cache is planned for: nearly all verdicts are a bare allow.
const USUAL_BYTES: u64 = 256;

#[derive(Clone)]
struct Bytes;

impl Weighter<MemoKey, Arc<Verdict>> for Bytes {
    fn weight(&self, _: &MemoKey, verdict: &Arc<Verdict>) -> u64 {
        let action = match &verdict.action {
            Action::Allow => 0,
            Action::Edit(edits) => edits.iter().map(|e| e.replacement.len() + size_of_val(e)).sum(),
            Action::Deny(denial) => {
                denial.code.len() + denial.reason.len() + denial.detail.as_ref().map_or(0, String::len)
            }
        };
        let findings: usize = verdict.findings.iter().map(|f| f.rule.len() + size_of_val(f)).sum();
        u64::try_from(ENTRY_BYTES + action + findings).unwrap_or(u64::MAX)
    }
}

impl Memo {
    pub(super) fn new(bytes_max: u64) -> Self {
        let entries = usize::try_from(bytes_max / USUAL_BYTES).unwrap_or(usize::MAX);
        Self { key: random_key(), verdicts: Cache::with_weighter(entries, bytes_max, Bytes) }
    }

    /// The verdicts for `tenant` of the plugin with this `identity`: digests of component and configuration.
    pub(super) fn scope(&self, tenant: &str, identity: &[u8]) -> Scope {
        let mut hasher = HighwayHasher::new(self.key);
        in_parts([tenant.as_bytes(), identity], |bytes| hasher.append(bytes));
        Scope(hasher.finalize256())
    }

    /// The name of the verdict on `window`.
    pub(super) fn key(&self, scope: Scope, window: &Window<'_>) -> MemoKey {
        let take = || self.fingerprint(window);
        MemoKey { scope, window: window.facts.map_or_else(take, |facts| *facts.fingerprint.get_or_init(take)) }
    }

    fn fingerprint(&self, window: &Window<'_>) -> [u64; 4] {
        let mut hasher = HighwayHasher::new(self.key);
        let phase = match window.phase {
            Phase::Request => 0,
            Phase::Answer => 1,
        };
        hasher.append(&[phase, window.role as u8, window.channel as u8]);
        hasher.append(window.text.as_bytes());
        hasher.finalize256()
    }

    pub(super) fn get(&self, key: &MemoKey) -> Option<Arc<Verdict>> {
        self.verdicts.get(key)
    }

    pub(super) fn put(&self, key: MemoKey, verdict: Arc<Verdict>) {
        self.verdicts.insert(key, verdict);
    }
}
