//! What may be answered from memory.

use std::time::Duration;

pub use crate::bindings::cache::exports::sluicegate::plugin::cache::{
    Admission, ByMeaning, Candidate, Intention, Lookup,
};

impl Lookup {
    /// An answer to a request with this key, however old it is.
    #[must_use]
    pub fn exact(key: impl Into<String>) -> Self {
        Self { key: key.into(), by_meaning: None, age_ms_max: u64::MAX }
    }

    /// The same, or one to a question that means nearly the same: `threshold` is the least cosine similarity.
    #[must_use]
    pub fn or_by_meaning(self, text: impl Into<String>, threshold: f32) -> Self {
        Self { by_meaning: Some(ByMeaning { text: text.into(), threshold }), ..self }
    }

    /// The same, but answers older than that are stale.
    #[must_use]
    pub fn no_older_than(self, age: Duration) -> Self {
        Self { age_ms_max: milliseconds(age), ..self }
    }
}

impl From<Lookup> for Intention {
    fn from(lookup: Lookup) -> Self {
        Self::LookUp(lookup)
    }
}

impl Admission {
    /// Fresh for so long.
    #[must_use]
    pub fn fresh_for(time: Duration) -> Self {
        Self { ttl_ms: milliseconds(time) }
    }
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
