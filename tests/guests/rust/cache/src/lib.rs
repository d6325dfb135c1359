//! A cache policy for the tests: it does what its configuration says. Without one, requests with the same texts are the same
//! question, and all answers are kept for a minute.
//!
//! ```toml
//! [config]
//! key = "one for all"
//! threshold = 0.8
//! accepts = "Paris"
//! ```

use std::time::Duration;

use serde::Deserialize;
use sluicegate_plugin::cache::{Admission, Candidate, Intention, Lookup};
use sluicegate_plugin::{Answer, Cache, Finding, Plugin, PluginError, Request, export};

/// What the guest does.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(default)]
pub struct CacheGuest {
    /// Requests that hold this word are not looked up.
    pub bypasses: Option<String>,
    /// All requests have this key.
    pub key: Option<String>,
    /// The last text is looked for by its meaning, too.
    pub threshold: Option<f32>,
    /// A similar question is the same one if its answer holds this word.
    pub accepts: String,
    /// Answers that hold this word are not kept.
    pub forgets: Option<String>,
    /// For how long the others are kept.
    pub ttl_ms: u64,
    /// How old they may be.
    pub age_ms: Option<u64>,
    /// It says that it could not do its work, where it is asked for this: `plan`, `accept`, `admit`.
    pub fails: Option<String>,
    /// It bypasses requests in which guardrails found something, and keeps no answers in which they did.
    pub clean: bool,
}

impl Default for CacheGuest {
    fn default() -> Self {
        Self {
            bypasses: None,
            key: None,
            threshold: None,
            accepts: String::new(),
            forgets: None,
            ttl_ms: 60_000,
            age_ms: None,
            fails: None,
            clean: false,
        }
    }
}

impl Plugin for CacheGuest {
    const NAME: &'static str = env!("CARGO_PKG_NAME");
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const SUMMARY: &'static str = env!("CARGO_PKG_DESCRIPTION");
    type Config = Option<Self>;

    fn configure(config: Option<Self>) -> Result<Self, String> {
        Ok(config.unwrap_or_default())
    }
}

impl CacheGuest {
    fn works(&self, at: &str, text: &str) -> Result<(), PluginError> {
        let fails = self.fails.as_deref() == Some(at) && text.contains("attack");
        if fails { Err(PluginError::Other("as it was told to".to_owned())) } else { Ok(()) }
    }
}

/// All texts of a request.
fn texts(request: &Request) -> String {
    request.segments.iter().map(|segment| format!("{:?}: {}\n", segment.role, segment.text)).collect()
}

impl Cache for CacheGuest {
    fn plan(&self, request: &Request, findings: &[Finding]) -> Result<Intention, PluginError> {
        let texts = texts(request);
        self.works("plan", &texts)?;
        let is_bypassed = self.bypasses.as_ref().is_some_and(|word| texts.contains(word));
        if is_bypassed || (self.clean && !findings.is_empty()) {
            return Ok(Intention::Bypass);
        }
        let mut lookup = Lookup::exact(self.key.clone().unwrap_or(texts));
        if let (Some(threshold), Some(last)) = (self.threshold, request.segments.last()) {
            lookup = lookup.or_by_meaning(&last.text, threshold);
        }
        if let Some(age_ms) = self.age_ms {
            lookup = lookup.no_older_than(Duration::from_millis(age_ms));
        }
        Ok(lookup.into())
    }

    fn accept(&self, request: &Request, candidate: &Candidate) -> Result<bool, PluginError> {
        self.works("accept", &texts(request))?;
        Ok(candidate.answer.segments.iter().any(|segment| segment.text.contains(&self.accepts)))
    }

    fn admit(
        &self,
        request: &Request,
        answer: &Answer,
        findings: &[Finding],
    ) -> Result<Option<Admission>, PluginError> {
        self.works("admit", &texts(request))?;
        let holds = |word: &String| answer.segments.iter().any(|segment| segment.text.contains(word));
        let is_forgotten = self.forgets.as_ref().is_some_and(holds) || (self.clean && !findings.is_empty());
        Ok((!is_forgotten).then(|| Admission::fresh_for(Duration::from_millis(self.ttl_ms))))
    }
}

export!(CacheGuest: cache);
