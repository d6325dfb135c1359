//! What policies have said of requests, as long as they would say the same: a policy without grants is a function of what it is
//! given. Who asks the same again is not to pay for a call of a plugin, nor for reading the request once more.

use highway::{HighwayHash, HighwayHasher, Key};
use quick_cache::Weighter;
use quick_cache::sync::Cache;

use super::question::Digests;
use crate::chat::{Finding, Lookup};
use crate::exchange::Exchange;
use crate::guard::Admitted;
use crate::hashing::{in_parts, random_key};

/// Bytes of what is remembered.
const BYTES_MAX: u64 = 16 << 20;
/// The weight that the cache is planned for.
const USUAL_BYTES: usize = 512;

/// A request, and all that a plan depends on: hashed with a key that nobody outside knows, so that nobody can make two that
/// collide.
pub(super) type Fingerprint = [u64; 4];

/// What was planned.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) lookup: Lookup,
    pub(super) digests: Digests,
}

/// Remembered plans.
pub(super) struct Plans {
    key: Key,
    plans: Cache<Fingerprint, Plan, Bytes>,
}

impl std::fmt::Debug for Plans {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Plans").finish_non_exhaustive()
    }
}

#[derive(Clone)]
struct Bytes;

impl Weighter<Fingerprint, Plan> for Bytes {
    fn weight(&self, _: &Fingerprint, plan: &Plan) -> u64 {
        let text = plan.lookup.by_meaning.as_ref().map_or(0, |(text, _)| text.len());
        u64::try_from(plan.lookup.key.len() + text + size_of::<Plan>() + 100).unwrap_or(u64::MAX)
    }
}

impl Plans {
    pub(super) fn new() -> Self {
        let entries = usize::try_from(BYTES_MAX).unwrap_or(usize::MAX) / USUAL_BYTES;
        Self { key: random_key(), plans: Cache::with_weighter(entries, BYTES_MAX, Bytes) }
    }

    /// The name of a plan. Plugins and settings are those of a generation.
    pub(super) fn fingerprint(
        &self,
        x: &Exchange,
        admitted: &Admitted,
        headers: &[u8],
        findings: &[Finding],
    ) -> Fingerprint {
        let mut hasher = HighwayHasher::new(self.key);
        let request = admitted.request();
        let (generation, body) = (x.generation.number.to_le_bytes(), admitted.body());
        let said: [&[u8]; 7] = [
            &generation,
            x.tenant.as_bytes(),
            headers,
            x.dialect.word().as_bytes(),
            request.model.as_bytes(),
            &[u8::from(request.streaming)],
            &body,
        ];
        in_parts(said, |bytes| hasher.append(bytes));
        for Finding { rule, score, .. } in findings {
            in_parts([rule.as_bytes(), &score.to_le_bytes()], |bytes| hasher.append(bytes));
        }
        hasher.finalize256()
    }

    pub(super) fn get(&self, fingerprint: &Fingerprint) -> Option<Plan> {
        self.plans.get(fingerprint)
    }

    pub(super) fn put(&self, fingerprint: Fingerprint, plan: Plan) {
        self.plans.insert(fingerprint, plan);
    }
}
