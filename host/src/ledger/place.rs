//! Where a list that is read page by page goes on.

use crate::store::ledger::Value;

/// A place in a list that is sorted by time, the newest first, and by tenant and name where that is the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Milliseconds since 1970.
    pub at_ms: u64,
    /// Whose it is.
    pub tenant: String,
    /// What it is called there.
    pub name: String,
}

impl Place {
    /// Before the newest.
    #[must_use]
    pub fn newest() -> Self {
        // More is no number of a database.
        Self { at_ms: i64::MAX.unsigned_abs(), tenant: String::new(), name: String::new() }
    }

    /// Its three values, in the order in which a list is sorted.
    pub(super) fn values(&self) -> [Value<'_>; 3] {
        [self.at_ms.into(), self.tenant.as_str().into(), self.name.as_str().into()]
    }
}
