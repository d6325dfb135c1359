//! Who an exchange is for: what was found out about a caller before a byte of its body was read.

use std::sync::Arc;

use crate::key::Models;
use crate::limits::Account;

/// The partition of callers that nothing is said about.
pub const DEFAULT_TENANT: &str = "default";

/// A caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Whose caches and budgets count.
    pub tenant: Arc<str>,
    /// The id of its key, if it came with one.
    pub key: Option<Arc<str>>,
    /// Who it is within the tenant, if its token says so.
    pub user: Option<Arc<str>>,
    /// What it may ask for.
    pub models: Models,
    /// How much its key may take, if it came with one.
    pub account: Option<Account>,
    /// Words about its key.
    pub tags: Arc<[String]>,
    /// Whether it said who it is, with a key or a token. What one who did not sends as a credential is for the provider.
    pub is_identified: bool,
}

impl Caller {
    /// One who has not said who it is.
    #[must_use]
    pub fn anonymous() -> Self {
        Self {
            tenant: DEFAULT_TENANT.into(),
            key: None,
            user: None,
            models: Models::Any,
            account: None,
            tags: Arc::default(),
            is_identified: false,
        }
    }

    /// What is known of who it is: the user, or else the key.
    #[must_use]
    pub fn author(&self) -> Option<&str> {
        self.user.as_deref().or(self.key.as_deref())
    }

    /// One with a token that says no more than this.
    #[must_use]
    pub fn identified(tenant: Arc<str>, user: Option<Arc<str>>, models: Models) -> Self {
        Self { tenant, user, models, is_identified: true, ..Self::anonymous() }
    }
}
