//! What an operator may set.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// The `[config]` table of an installation.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The score from which a request is taken for an intent: above 0, at most 1.
    pub threshold: f32,
    /// The similarity to an intent's examples that makes it as likely as not: above 0, below 1. It depends on the embedder; the default is
    /// for all-MiniLM-L6-v2.
    pub likeness: f32,
    /// What requests may be about. Of those with the same score the first counts.
    pub intents: Vec<Intent>,
}

impl Default for Config {
    fn default() -> Self {
        Self { threshold: 0.5, likeness: 0.22, intents: Vec::new() }
    }
}

/// Something that requests may be about, and who answers them then.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Intent {
    /// A word for it: letters, digits, dots and hyphens.
    pub name: String,
    /// What speaks for it. Several that match make it surer.
    #[serde(default)]
    pub patterns: Vec<Pattern>,
    /// Sentences that mean it. What is like one of them speaks for it, whatever its words are.
    #[serde(default)]
    pub examples: Vec<String>,
    /// What speaks against it: where one of these matches, it is not meant.
    #[serde(default)]
    pub unless: Vec<String>,
    /// The most words that may be said: small talk is short.
    #[serde(default)]
    pub words_max: Option<usize>,
    /// Who answers: names or tags of targets, the best first.
    #[serde(default)]
    pub targets: Vec<String>,
    /// The answer, where no model is needed for it; with `queue`, what the caller is told meanwhile.
    #[serde(default)]
    pub answer: Option<String>,
    /// Which people answer.
    #[serde(default)]
    pub queue: Option<String>,
}

/// A regular expression, and how sure it makes: certain, where nothing is said.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(untagged)]
pub enum Pattern {
    /// The expression alone.
    Certain(String),
    /// With its score.
    Scored(Scored),
}

/// An expression that speaks for an intent, and yet does not prove it.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Scored {
    /// The expression.
    pub pattern: String,
    /// How sure it makes: above 0, at most 1.
    pub score: f32,
}

impl Pattern {
    pub(crate) fn expression(&self) -> &str {
        match self {
            Self::Certain(expression) | Self::Scored(Scored { pattern: expression, .. }) => expression,
        }
    }

    pub(crate) fn score(&self) -> f32 {
        match self {
            Self::Certain(_) => 1.0,
            Self::Scored(Scored { score, .. }) => *score,
        }
    }
}

/// Examples of an intent: each is compared with every request.
const EXAMPLES_MAX: usize = 128;
/// Bytes of a name: it becomes a label.
const NAME_BYTES_MAX: usize = 64;

impl Config {
    /// # Errors
    /// A sentence for the operator that names the field.
    pub(crate) fn check(&self) -> Result<(), String> {
        if !is_score(self.threshold) {
            return Err(format!("threshold is {}; it must be above 0 and at most 1", self.threshold));
        }
        if !is_score(self.likeness) || self.likeness >= 1.0 {
            return Err(format!("likeness is {}; it must be above 0 and below 1", self.likeness));
        }
        let mut names = BTreeSet::new();
        for intent in &self.intents {
            let name = &intent.name;
            if !is_name(name) {
                return Err(format!("{name:?} is no name of an intent: use letters, digits, dots and hyphens"));
            }
            if !names.insert(name) {
                return Err(format!("there are two intents with the name {name}"));
            }
            intent.check().map_err(|wrong| format!("the intent {name} {wrong}"))?;
        }
        Ok(())
    }
}

impl Intent {
    fn check(&self) -> Result<(), String> {
        if self.patterns.is_empty() && self.examples.is_empty() {
            return Err("has neither patterns nor examples, so nothing would be taken for it".to_owned());
        }
        if self.examples.len() > EXAMPLES_MAX {
            return Err(format!("has more than {EXAMPLES_MAX} examples"));
        }
        if self.examples.iter().any(|example| example.trim().is_empty()) {
            return Err("has an example without a word".to_owned());
        }
        if let Some(pattern) = self.patterns.iter().find(|pattern| !is_score(pattern.score())) {
            return Err(format!("has a score of {}; it must be above 0 and at most 1", pattern.score()));
        }
        if self.queue.as_ref().is_some_and(|queue| !is_name(queue)) {
            return Err("has a queue with another name than letters, digits, dots and hyphens".to_owned());
        }
        match (self.targets.is_empty(), &self.answer, &self.queue) {
            (true, None, Some(_)) => Err("says no answer, and a caller is to be told that people see to it".to_owned()),
            (true, None, None) => Err("says neither targets nor an answer".to_owned()),
            (false, None, Some(_)) => Err("says both targets and a queue; one of them can count".to_owned()),
            (false, Some(_), _) => Err("says both targets and an answer; one of them can count".to_owned()),
            (true, Some(answer), _) if answer.is_empty() => Err("has an answer without a word".to_owned()),
            (true, Some(_), _) | (false, None, None) => Ok(()),
        }
    }
}

fn is_name(name: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    !name.is_empty() && name.len() <= NAME_BYTES_MAX && name.chars().all(allowed)
}

fn is_score(score: f32) -> bool {
    score > 0.0 && score <= 1.0
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
        assert_eq!(names(&serde_json::to_value(Config::default()).unwrap()), names(&schema["properties"]));
        let intent = &schema["properties"]["intents"]["items"];
        assert_eq!(names(&serde_json::to_value(Intent::default()).unwrap()), names(&intent["properties"]));
        assert_eq!(schema["properties"]["threshold"]["default"], json!(0.5));
        for object in [&schema, intent] {
            assert_eq!(object["additionalProperties"], json!(false));
        }
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        let check = |json: Value| serde_json::from_value::<Config>(json).map_err(|e| e.to_string())?.check();
        let intent = |change: Value| {
            let mut intent = json!({"name": "a", "patterns": ["x"], "targets": ["small"]});
            intent.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
            check(json!({"intents": [intent]}))
        };
        assert_eq!(intent(json!({})), Ok(()));
        assert_eq!(intent(json!({"patterns": [{"pattern": "x", "score": 0.4}]})), Ok(()));
        assert_eq!(intent(json!({"patterns": [], "examples": ["It is like this."]})), Ok(()));
        assert_eq!(intent(json!({"targets": [], "answer": "Wait.", "queue": "billing"})), Ok(()));
        for (change, why) in [
            (json!({"name": "a b"}), "no name"),
            (json!({"name": ""}), "no name"),
            (json!({"patterns": []}), "neither patterns nor examples"),
            (json!({"examples": [" "]}), "without a word"),
            (json!({"examples": vec!["x"; 129]}), "more than 128"),
            (json!({"patterns": [{"pattern": "x", "score": 1.5}]}), "score of 1.5"),
            (json!({"targets": []}), "neither targets nor an answer"),
            (json!({"answer": "hello"}), "both"),
            (json!({"targets": [], "answer": ""}), "without a word"),
            (json!({"queue": "billing"}), "targets and a queue"),
            (json!({"targets": [], "queue": "billing"}), "no answer"),
            (json!({"targets": [], "answer": "Wait.", "queue": "a b"}), "queue with another name"),
            (json!({"words": 3}), "unknown field"),
        ] {
            let refused = intent(change.clone()).unwrap_err();
            assert!(refused.contains(why), "{change}: {refused}");
        }
        let one = json!({"name": "a", "patterns": ["x"], "targets": ["small"]});
        assert!(check(json!({"intents": [one, one]})).unwrap_err().contains("two intents"));
        assert!(check(json!({"threshold": 0})).unwrap_err().contains("threshold"));
        assert!(check(json!({"likeness": 1})).unwrap_err().contains("likeness"));
    }
}
