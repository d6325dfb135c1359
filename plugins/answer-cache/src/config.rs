//! What an operator may set.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The `[config]` table of an installation.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The models whose answers it keeps; empty for all.
    pub models: Vec<String>,
    /// For how long an answer is fresh.
    pub ttl_s: u64,
    /// How old an answer may be that is served; as old as it is kept, where nothing is said.
    pub age_s_max: Option<u64>,
    /// Whether questions that mean the same are looked for, beside equal ones.
    pub by_meaning: bool,
    /// The least cosine similarity of two questions that are compared: above 0, at most 1. It depends on the embedder; the
    /// default is for all-MiniLM-L6-v2.
    pub threshold: f32,
    /// Bytes of the longest question that is looked for by its meaning.
    pub question_bytes_max: usize,
    /// What an answer depends on when it is asked, beside what is built in: expressions. Nothing that matches is kept.
    pub volatile: Vec<String>,
    /// What an answer depends on who asks, beside what is built in: expressions. What matches is kept for equal
    /// questions alone.
    pub personal: Vec<String>,
    /// Rules whose findings do not matter, as `email`, or a beginning with an asterisk, as `jailbreak.*`.
    pub findings_allowed: Vec<String>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            models: Vec::new(),
            ttl_s: 86_400,
            age_s_max: None,
            by_meaning: true,
            threshold: 0.8,
            // A small model reads some 256 tokens. A question that is longer has more facts than words can be compared for.
            question_bytes_max: 400,
            volatile: Vec::new(),
            personal: Vec::new(),
            findings_allowed: Vec::new(),
        }
    }
}

/// Seconds in a year: what is older was written for another model.
const SECONDS_MAX: u64 = 366 * 86_400;
/// Bytes of a question: more is no question, and comparing takes fuel.
const QUESTION_BYTES_MAX: usize = 2_048;

impl Config {
    /// # Errors
    /// A sentence for the operator that names the field.
    pub(crate) fn check(&self) -> Result<(), String> {
        if !(self.threshold > 0.0 && self.threshold <= 1.0) {
            return Err(format!("threshold is {}; it must be above 0 and at most 1", self.threshold));
        }
        for (name, seconds) in [("ttl_s", Some(self.ttl_s)), ("age_s_max", self.age_s_max)] {
            if seconds.is_some_and(|seconds| seconds == 0 || seconds > SECONDS_MAX) {
                return Err(format!("{name} must be from 1 to {SECONDS_MAX} seconds"));
            }
        }
        if self.question_bytes_max > QUESTION_BYTES_MAX {
            return Err(format!(
                "question_bytes_max must be at most {QUESTION_BYTES_MAX}; to look for none by meaning, set by_meaning to false"
            ));
        }
        if self.findings_allowed.iter().any(|rule| rule.trim().is_empty()) {
            return Err("findings_allowed has a rule without a name".to_owned());
        }
        Ok(())
    }

    pub(crate) fn ttl(&self) -> Duration {
        Duration::from_secs(self.ttl_s)
    }

    pub(crate) fn age_max(&self) -> Option<Duration> {
        self.age_s_max.map(Duration::from_secs)
    }

    /// Whether a finding of this rule keeps an answer from being kept, or a question from being looked for by its meaning.
    pub(crate) fn matters(&self, rule: &str) -> bool {
        !self.findings_allowed.iter().any(|allowed| match allowed.strip_suffix('*') {
            Some(beginning) => rule.starts_with(beginning),
            None => rule == allowed,
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::{Value, json};

    use super::*;

    /// The schema promises the fields that the struct has.
    #[test]
    fn the_schema_agrees_with_the_struct() {
        let schema: Value = serde_json::from_str(include_str!("../schema.json")).unwrap();
        let names = |object: &Value| object.as_object().unwrap().keys().cloned().collect::<BTreeSet<_>>();
        let default = serde_json::to_value(Config::default()).unwrap();
        assert_eq!(names(&default), names(&schema["properties"]));
        for (field, property) in schema["properties"].as_object().unwrap() {
            let (promised, given) = (property.get("default").unwrap_or(&Value::Null), &default[field]);
            let is_same = match (promised.as_f64(), given.as_f64()) {
                (Some(promised), Some(given)) => (promised - given).abs() < 1e-6,
                _ => promised == given,
            };
            assert!(is_same, "{field}: {promised} and {given}");
        }
        assert_eq!(schema["properties"]["ttl_s"]["maximum"], json!(SECONDS_MAX));
        assert_eq!(schema["properties"]["question_bytes_max"]["maximum"], json!(QUESTION_BYTES_MAX));
        assert_eq!(schema["additionalProperties"], json!(false));
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        let check = |json: Value| serde_json::from_value::<Config>(json).map_err(|e| e.to_string())?.check();
        assert_eq!(check(json!({})), Ok(()));
        assert_eq!(check(json!({"threshold": 1.0, "ttl_s": SECONDS_MAX, "question_bytes_max": 2_048})), Ok(()));
        for (config, why) in [
            (json!({"threshold": 0.0}), "threshold"),
            (json!({"threshold": 1.1}), "threshold"),
            (json!({"ttl_s": 0}), "ttl_s"),
            (json!({"ttl_s": SECONDS_MAX + 1}), "ttl_s"),
            (json!({"age_s_max": 0}), "age_s_max"),
            (json!({"question_bytes_max": 2_049}), "question_bytes_max"),
            (json!({"findings_allowed": [" "]}), "findings_allowed"),
            (json!({"ttl": 1}), "unknown field"),
        ] {
            let refused = check(config.clone()).unwrap_err();
            assert!(refused.contains(why), "{config}: {refused}");
        }
    }
}
