//! What an alert is about: one budget, plugin, target or tenant, by the names that operators have for them.

use std::fmt;

use serde::Serialize;

use crate::limits::Account;
use crate::store::counters::{Level, Meter};

/// One budget, plugin, target or tenant.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(crate) struct Subject {
    /// The id of a key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) key: Option<String>,
    /// A tenant; of a key, whose it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) tenant: Option<String>,
    /// Which budget, in the word of its meter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) budget: Option<&'static str>,
    /// The name of a plugin.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) plugin: Option<String>,
    /// The name of a target.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) target: Option<String>,
}

impl Subject {
    pub(super) fn plugin(name: &str) -> Self {
        Self { plugin: Some(name.to_owned()), ..Self::default() }
    }

    pub(super) fn target(name: &str) -> Self {
        Self { target: Some(name.to_owned()), ..Self::default() }
    }

    pub(super) fn tenant(name: &str) -> Self {
        Self { tenant: Some(name.to_owned()), ..Self::default() }
    }

    fn budget(self, meter: Meter) -> Self {
        Self { budget: Some(meter.word()), ..self }
    }
}

/// For the log and the command line.
impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = [
            ("key", self.key.as_deref()),
            ("tenant", self.tenant.as_deref()),
            ("budget", self.budget),
            ("plugin", self.plugin.as_deref()),
            ("target", self.target.as_deref()),
        ];
        let said = all.into_iter().filter_map(|(what, name)| Some((what, name?)));
        for (index, (what, name)) in said.enumerate() {
            let separator = if index == 0 { "" } else { ", " };
            write!(f, "{separator}{what} {name}")?;
        }
        Ok(())
    }
}

/// A budget, and how much of it is taken.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Budgeted {
    pub(super) subject: Subject,
    /// From 0; past 1 where more was used than reserved.
    pub(super) share: f64,
}

impl Budgeted {
    /// What a level tells of a budget; nothing of what comes back within a minute, or is no bound. `owner` is the key or tenant.
    pub(super) fn of(level: &Level, owner: Subject) -> Option<Self> {
        let limit = level.limit.filter(|_| is_budget(level.meter))?;
        Some(Self { subject: owner.budget(level.meter), share: super::window::ratio(level.taken, limit) })
    }
}

fn is_budget(meter: Meter) -> bool {
    match meter {
        Meter::TokensPerDay | Meter::MoneyPerDay | Meter::MoneyPerMonth | Meter::MoneyInAll => true,
        Meter::RequestsPerMinute | Meter::RequestsPerDay | Meter::TokensPerMinute | Meter::Concurrent => false,
    }
}

/// Whether there is a budget to watch.
pub(super) fn has_budget(account: &Account) -> bool {
    account.limits.tokens_per_day.is_some() || account.budget != crate::limits::Budget::default()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_is_what_does_not_come_back_within_a_minute() {
        let level = |meter, limit| Level { account: "key:k".into(), meter, limit, taken: 8, renews: None };
        let share =
            |meter, limit| Budgeted::of(&level(meter, limit), Subject::default()).map(|budgeted| budgeted.share);
        assert_eq!(share(Meter::MoneyPerDay, Some(10)), Some(0.8));
        assert_eq!(share(Meter::TokensPerDay, Some(4)), Some(2.0));
        assert_eq!(share(Meter::MoneyPerDay, None), None, "it is counted for another one");
        assert_eq!(share(Meter::TokensPerMinute, Some(10)), None);
    }

    #[test]
    fn a_subject_is_said_in_words_and_in_fields() {
        let subject = Subject { key: Some("k".to_owned()), ..Subject::tenant("blue") }.budget(Meter::MoneyPerDay);
        assert_eq!(subject.to_string(), "key k, tenant blue, budget money_per_day");
        assert_eq!(serde_json::to_string(&subject).unwrap(), r#"{"key":"k","tenant":"blue","budget":"money_per_day"}"#);
    }
}
