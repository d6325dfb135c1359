//! What an operator may set.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// The `[config]` table of an installation.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The models for which it decides: requests for any other are left as they are.
    pub models: Vec<String>,
    /// Who may answer: names or tags of targets; empty for all that the caller may use.
    pub among: Vec<String>,
    /// Who answers hard questions: names or tags of targets.
    pub strong: Vec<String>,
    /// How sure it must be that a question is hard: above 0, below 1.
    pub threshold: f32,
    /// Tokens of an answer, for telling which target is the cheapest.
    pub answer_tokens: u32,
    /// The tag of targets that call tools; without one, all are taken to do so.
    pub tools_tag: Option<String>,
    /// The tag of targets that answer by a schema; without one, all are taken to do so.
    pub schema_tag: Option<String>,
    /// What speaks for a hard question or against it, beside what is built in; one of the same name takes its place.
    pub signals: BTreeMap<String, Signal>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            models: vec!["auto".to_owned()],
            among: Vec::new(),
            strong: vec!["strong".to_owned()],
            threshold: 0.5,
            answer_tokens: 500,
            tools_tag: None,
            schema_tag: None,
            signals: BTreeMap::new(),
        }
    }
}

/// A regular expression, and what its match says.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Signal {
    /// The expression.
    pub pattern: String,
    /// By how much it changes the logarithm of the odds that the question is hard: from -10 to 10.
    pub weight: f32,
}

/// What is known of the words of hard and easy questions. The weights are those of a logistic regression on every other of
/// the labelled questions in `eval/`, rounded.
const BUILT_IN: [(&str, &str, f32); 9] = [
    (
        "proof",
        r"(?i)\b(prove|disprove|proof|refute|derive|show (that|each|your)|counter-?example|deduc\w+|justify)\b",
        2.4,
    ),
    (
        "code",
        r"(?i)\b(implement|refactor|rewrite|port|debug|deadlocks?|race|leaks?|bugs?|algorithm|parser|compiler|macro|operator|concurren\w+|async|thread-?safe|lock-free|complexity)\b",
        1.4,
    ),
    (
        "design",
        r"(?i)\b(design|architect\w*|migrat\w+|schedul\w+|plan|trade-?offs?|strateg\w+|optimi[sz]\w+|trial|roadmap)\b",
        1.1,
    ),
    (
        "analysis",
        r"(?i)\b(step by step|each step|work (out|through)|determine|analy[sz]e|compare|estimate|assumptions?|causes?|conflicts?|consequences|pros and cons|evaluate|diagnose|why (does|do|is|are))\b",
        3.0,
    ),
    (
        "conditions",
        r"(?i)\b(must|at (least|most)|no more than|nobody|exactly|unless|provided|cannot|can't|given (that|this)|so that|such that|subject to)\b",
        0.4,
    ),
    (
        "mathematics",
        r"(?i)(\b(integers?|primes?|eigen\w+|matri(x|ces)|probabilit\w+|recurrence|converg\w+|polynomial|integral|equations?|variance|boolean)\b|\^|[a-z]\s?[=<>]\s?[-\w]|\bO\(|T\(n\))",
        2.3,
    ),
    ("listing", r"(?m)(```|^\s*(def|fn|class|import|for|if|return|static|SELECT)\b|[;{]\s*$)", 0.2),
    (
        "fact",
        r"(?i)^\W*(what|who|when|where|which|whose|is|are|was|does|how (many|much|long|old|far|tall|do you (say|spell|write)))\b",
        -2.6,
    ),
    (
        "small-task",
        r"(?i)\b(translate|spell|synonym|opposite|capital of|convert|define|meaning|stand for|in short|in one (word|sentence)|alphabetical\w*|shorten|list (the|of|three|five)|name (the|a|three)|thanks?|thank you|hello|hi|hey|good (morning|evening|night)|bye)\b",
        -3.1,
    ),
];

/// Bytes of a name: it becomes a label.
const NAME_BYTES_MAX: usize = 64;

impl Config {
    /// All signals, those that are built in among them.
    pub(crate) fn all_signals(&self) -> Vec<(String, Signal)> {
        let built_in = BUILT_IN.iter().map(|(name, pattern, weight)| {
            ((*name).to_owned(), Signal { pattern: (*pattern).to_owned(), weight: *weight })
        });
        let mut all: BTreeMap<String, Signal> = built_in.collect();
        all.extend(self.signals.clone());
        all.into_iter().collect()
    }

    /// # Errors
    /// A sentence for the operator that names the field.
    pub(crate) fn check(&self) -> Result<(), String> {
        if !(self.threshold > 0.0 && self.threshold < 1.0) {
            return Err(format!("threshold is {}; it must be above 0 and below 1", self.threshold));
        }
        if self.strong.is_empty() {
            return Err("strong is empty, so nobody would answer hard questions; name targets or tags".to_owned());
        }
        let doubled: BTreeSet<&String> = self.models.iter().collect();
        if self.models.is_empty() || doubled.len() < self.models.len() {
            return Err("models must be names of models, each of them once".to_owned());
        }
        for (name, signal) in &self.signals {
            let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
            if name.is_empty() || name.len() > NAME_BYTES_MAX || !name.chars().all(allowed) {
                return Err(format!("{name:?} is no name of a signal: use letters, digits, dots and hyphens"));
            }
            if !(-10.0..=10.0).contains(&signal.weight) {
                return Err(format!("the signal {name} has a weight of {}; it must be from -10 to 10", signal.weight));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// The schema promises the fields that the structs have.
    #[test]
    fn the_schema_agrees_with_the_structs() {
        let schema: Value = serde_json::from_str(include_str!("../schema.json")).unwrap();
        let names = |object: &Value| object.as_object().unwrap().keys().cloned().collect::<BTreeSet<_>>();
        let default = serde_json::to_value(Config::default()).unwrap();
        assert_eq!(names(&default), names(&schema["properties"]));
        for field in ["models", "among", "strong", "threshold", "answer_tokens"] {
            assert_eq!(schema["properties"][field]["default"], default[field], "{field}");
        }
        assert_eq!(schema["additionalProperties"], json!(false));
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        let check = |json: Value| serde_json::from_value::<Config>(json).map_err(|e| e.to_string())?.check();
        assert_eq!(check(json!({})), Ok(()));
        assert_eq!(check(json!({"signals": {"tax": {"pattern": "(?i)\\btax\\b", "weight": 2.0}}})), Ok(()));
        for (config, why) in [
            (json!({"threshold": 1.0}), "threshold"),
            (json!({"strong": []}), "strong is empty"),
            (json!({"models": []}), "models"),
            (json!({"models": ["a", "a"]}), "each of them once"),
            (json!({"signals": {"a b": {"pattern": "x", "weight": 1}}}), "no name"),
            (json!({"signals": {"a": {"pattern": "x", "weight": 11}}}), "weight of 11"),
            (json!({"cheap": 1}), "unknown field"),
        ] {
            let refused = check(config.clone()).unwrap_err();
            assert!(refused.contains(why), "{config}: {refused}");
        }
    }

    #[test]
    fn a_signal_of_the_same_name_takes_the_place_of_the_one_that_is_built_in() {
        let config: Config =
            serde_json::from_value(json!({"signals": {"proof": {"pattern": "x", "weight": 1.0}}})).unwrap();
        let all = config.all_signals();
        assert_eq!(all.len(), BUILT_IN.len());
        assert_eq!(all.iter().find(|(name, _)| name == "proof").unwrap().1.pattern, "x");
    }
}
