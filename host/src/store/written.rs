//! Keys as JSON: how the admin API shows them, and how limits and budgets stand in the store. Money is text, in dollars:
//! numbers of JSON are doubles to many who read them.

use serde::{Deserialize, Serialize};

use crate::key::Key;
use crate::limits::{Budget, Limits};
use crate::moment::Moment;

/// Of a key's limits; nothing where there is none.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct WrittenLimits {
    /// Requests in a minute.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requests_per_minute: Option<u64>,
    /// Requests in a day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requests_per_day: Option<u64>,
    /// Tokens in a minute.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens_per_minute: Option<u64>,
    /// Tokens in a day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens_per_day: Option<u64>,
    /// Exchanges at the same time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub concurrent: Option<u64>,
}

impl From<Limits> for WrittenLimits {
    fn from(limits: Limits) -> Self {
        let Limits { requests_per_minute, requests_per_day, tokens_per_minute, tokens_per_day, concurrent } = limits;
        Self { requests_per_minute, requests_per_day, tokens_per_minute, tokens_per_day, concurrent }
    }
}

impl From<WrittenLimits> for Limits {
    fn from(written: WrittenLimits) -> Self {
        let WrittenLimits { requests_per_minute, requests_per_day, tokens_per_minute, tokens_per_day, concurrent } =
            written;
        Self { requests_per_minute, requests_per_day, tokens_per_minute, tokens_per_day, concurrent }
    }
}

/// Of a key's budget, in dollars; nothing where there is none.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct WrittenBudget {
    /// In a day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub day: Option<String>,
    /// In a month.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub month: Option<String>,
    /// In all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total: Option<String>,
}

impl From<Budget> for WrittenBudget {
    fn from(Budget { day, month, total }: Budget) -> Self {
        let text = |amount: crate::money::Money| amount.to_string();
        Self { day: day.map(text), month: month.map(text), total: total.map(text) }
    }
}

impl TryFrom<WrittenBudget> for Budget {
    type Error = (&'static str, String);

    fn try_from(WrittenBudget { day, month, total }: WrittenBudget) -> Result<Self, Self::Error> {
        let read = |field, text: Option<String>| {
            let amount = text.map(|text| text.parse().map_err(|wrong| (field, format!("{text:?} {wrong}"))));
            amount.transpose()
        };
        Ok(Self {
            day: read("budget.day", day)?,
            month: read("budget.month", month)?,
            total: read("budget.total", total)?,
        })
    }
}

/// A key, for whoever administers it: everything but its hashes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WrittenKey {
    id: String,
    name: String,
    tenant: String,
    state: &'static str,
    models: Vec<String>,
    tags: Vec<String>,
    limits: WrittenLimits,
    budget: WrittenBudget,
    created: String,
    expires: Option<String>,
    rotated: Option<String>,
    older_secret_until: Option<String>,
    revoked: Option<String>,
}

impl From<&Key> for WrittenKey {
    fn from(key: &Key) -> Self {
        let now = Moment::now();
        let text = |moment: Moment| moment.to_string();
        let older = key.older.map(|older| older.until).filter(|until| *until > now && key.is_valid(now));
        Self {
            id: key.id.clone(),
            name: key.name.clone(),
            tenant: key.tenant.clone(),
            state: key.state(now),
            models: key.models.names().map(str::to_owned).collect(),
            tags: key.tags.clone(),
            limits: key.limits.into(),
            budget: key.budget.into(),
            created: text(key.created),
            expires: key.expires.map(text),
            rotated: key.rotated.map(text),
            older_secret_until: older.map(text),
            revoked: key.revoked.map(text),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn limits_and_budgets_read_as_they_are_written() {
        let limits = Limits { requests_per_day: Some(u64::MAX), concurrent: Some(0), ..Limits::default() };
        let text = serde_json::to_string(&WrittenLimits::from(limits)).unwrap();
        assert_eq!(text, "{\"requests_per_day\":18446744073709551615,\"concurrent\":0}");
        assert_eq!(Limits::from(serde_json::from_str::<WrittenLimits>(&text).unwrap()), limits);
        let budget = Budget { month: Some("12.5".parse().unwrap()), ..Budget::default() };
        let text = serde_json::to_string(&WrittenBudget::from(budget)).unwrap();
        assert_eq!(text, "{\"month\":\"12.5\"}");
        assert_eq!(Budget::try_from(serde_json::from_str::<WrittenBudget>(&text).unwrap()), Ok(budget));
        assert!(serde_json::from_str::<WrittenLimits>("{\"requests\":1}").is_err());
        let wrong = WrittenBudget { day: Some("much".to_owned()), ..WrittenBudget::default() };
        assert_eq!(Budget::try_from(wrong).unwrap_err().0, "budget.day");
    }
}
