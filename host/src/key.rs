//! What a virtual key is: whom it lets in, to which models, for how long. The gateway gives keys out itself; a provider
//! never sees one.

pub mod secret;

use std::collections::BTreeSet;

pub use secret::Hash;

use crate::limits::{Budget, Limits};
use crate::moment::Moment;

/// Bytes of a name, of a tenant, of a tag, of a model's name.
pub const NAME_BYTES_MAX: usize = 128;
/// Tags of a key. They go into the record of every exchange.
pub const TAGS_MAX: usize = 16;
/// Models that a key names: more is what `*` is for.
pub const MODELS_MAX: usize = 256;

/// A key, as it is kept: everything but its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// The public part of its text.
    pub id: String,
    /// What it is called.
    pub name: String,
    /// Whose caches and budgets count.
    pub tenant: String,
    /// What may be asked for with it.
    pub models: Models,
    /// Words about it, for the record.
    pub tags: Vec<String>,
    /// How much may be asked for with it.
    pub limits: Limits,
    /// How much may be spent with it.
    pub budget: Budget,
    /// When it was made.
    pub created: Moment,
    /// From when on it is no longer valid.
    pub expires: Option<Moment>,
    /// When it got another secret.
    pub rotated: Option<Moment>,
    /// When it was taken back.
    pub revoked: Option<Moment>,
    /// Of its whole text.
    pub hash: Hash,
    /// The one that it had before, for as long as that still works.
    pub older: Option<Older>,
}

impl Key {
    /// Whether it lets anybody in.
    #[must_use]
    pub fn is_valid(&self, now: Moment) -> bool {
        self.revoked.is_none() && self.expires.is_none_or(|expires| now < expires)
    }

    /// A word for that.
    #[must_use]
    pub fn state(&self, now: Moment) -> &'static str {
        match (self.revoked, self.is_valid(now)) {
            (Some(_), _) => "revoked",
            (None, false) => "expired",
            (None, true) => "valid",
        }
    }

    /// Whether this is the text of one of its secrets that work. Whether the key is valid is another question.
    #[must_use]
    pub fn is(&self, hash: Hash, now: Moment) -> bool {
        // Both are compared, so that the time does not tell which it was.
        let is_older = self.older.is_some_and(|older| (older.hash == hash) & (now < older.until));
        (self.hash == hash) | is_older
    }
}

/// The secret that a key had before it was rotated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Older {
    /// Of the whole text.
    pub hash: Hash,
    /// From when on it no longer works.
    pub until: Moment,
}

/// Which models a caller may ask for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Models {
    /// All of them.
    #[default]
    Any,
    /// Those with one of these names, and no other.
    Only(BTreeSet<String>),
}

impl Models {
    /// From names, of which `*` is all.
    #[must_use]
    pub fn from_names(names: impl IntoIterator<Item = String>) -> Self {
        let names: BTreeSet<String> = names.into_iter().collect();
        if names.contains("*") { Self::Any } else { Self::Only(names) }
    }

    /// Whether this one may be asked for.
    #[must_use]
    pub fn allow(&self, model: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Only(names) => names.contains(model),
        }
    }

    /// Their names, or `*`.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let (any, names) = match self {
            Self::Any => (Some("*"), None),
            Self::Only(names) => (None, Some(names)),
        };
        any.into_iter().chain(names.into_iter().flatten().map(String::as_str))
    }
}

/// What is said about a key that is to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// As of [`Key`].
    pub name: String,
    /// As of [`Key`].
    pub tenant: String,
    /// As of [`Key`].
    pub models: Models,
    /// As of [`Key`].
    pub tags: Vec<String>,
    /// As of [`Key`].
    pub limits: Limits,
    /// As of [`Key`].
    pub budget: Budget,
    /// As of [`Key`].
    pub expires: Option<Moment>,
}

impl Draft {
    /// Look whether a key can be made of it.
    ///
    /// # Errors
    /// The field that is wrong, and why.
    pub fn check(&self) -> Result<(), (&'static str, String)> {
        let named = |field, text: &str| match is_label(text) {
            true => Ok(()),
            false => Err((field, format!("must be 1 to {NAME_BYTES_MAX} bytes without control characters"))),
        };
        named("name", &self.name)?;
        named("tenant", &self.tenant)?;
        self.tags.iter().try_for_each(|tag| named("tags", tag))?;
        if self.tags.len() > TAGS_MAX {
            return Err(("tags", format!("are more than {TAGS_MAX}")));
        }
        if let Models::Only(names) = &self.models {
            names.iter().try_for_each(|name| named("models", name))?;
            if names.is_empty() || names.len() > MODELS_MAX {
                return Err(("models", format!("must be 1 to {MODELS_MAX} names, or \"*\" for all models")));
            }
        }
        self.limits.check()?;
        self.budget.check()?;
        match self.expires {
            Some(expires) if expires <= Moment::now() => Err(("expires", format!("{expires} is over already"))),
            _ => Ok(()),
        }
    }
}

/// Whether a text can name a key, a tenant or a user: it stands in logs and on terminals.
#[must_use]
pub fn is_label(text: &str) -> bool {
    !text.trim().is_empty() && text.len() <= NAME_BYTES_MAX && !text.chars().any(char::is_control)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::money::Money;

    fn draft() -> Draft {
        let (limits, budget) = (Limits::default(), Budget::default());
        let (name, tenant) = ("a".to_owned(), "t".to_owned());
        Draft { name, tenant, models: Models::Any, tags: Vec::new(), limits, budget, expires: None }
    }

    fn wrong(draft: Draft) -> Option<&'static str> {
        draft.check().err().map(|(field, _)| field)
    }

    #[test]
    fn labels_have_bounds() {
        assert_eq!(wrong(Draft { name: "x".repeat(NAME_BYTES_MAX), ..draft() }), None);
        assert_eq!(wrong(Draft { name: "x".repeat(NAME_BYTES_MAX + 1), ..draft() }), Some("name"));
        assert_eq!(wrong(Draft { tenant: " ".to_owned(), ..draft() }), Some("tenant"));
        let limits = Limits { concurrent: Some(0), ..Limits::default() };
        assert_eq!(wrong(Draft { limits, ..draft() }), Some("limits.concurrent"));
        let budget = Budget { total: Some(Money::ZERO), ..Budget::default() };
        assert_eq!(wrong(Draft { budget, ..draft() }), Some("budget.total"));
        assert_eq!(wrong(Draft { tags: vec!["a\u{1b}[0m".to_owned()], ..draft() }), Some("tags"));
    }

    #[test]
    fn lists_have_bounds() {
        let many = |count: usize| (0..count).map(|number| number.to_string());
        assert_eq!(wrong(Draft { tags: many(TAGS_MAX).collect(), ..draft() }), None);
        assert_eq!(wrong(Draft { tags: many(TAGS_MAX + 1).collect(), ..draft() }), Some("tags"));
        assert_eq!(wrong(Draft { models: Models::from_names(many(MODELS_MAX)), ..draft() }), None);
        assert_eq!(wrong(Draft { models: Models::from_names(many(MODELS_MAX + 1)), ..draft() }), Some("models"));
        assert_eq!(wrong(Draft { models: Models::from_names([]), ..draft() }), Some("models"));
        assert_eq!(wrong(Draft { expires: Some(Moment::from_seconds(1)), ..draft() }), Some("expires"));
    }

    #[test]
    fn a_star_is_all_models_and_a_name_is_one() {
        let some = Models::from_names(["a".to_owned(), "b".to_owned()]);
        assert!(some.allow("a") && !some.allow("A") && !some.allow(""));
        assert_eq!(some.names().collect::<Vec<_>>(), ["a", "b"]);
        let all = Models::from_names(["a".to_owned(), "*".to_owned()]);
        assert!(all.allow("c"));
        assert_eq!(all.names().collect::<Vec<_>>(), ["*"]);
    }
}
