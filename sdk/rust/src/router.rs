//! Who answers.

pub use crate::bindings::router::exports::sluicegate::plugin::router::{
    CannedAnswer, Decision, Escalation, Routing, Target,
};

use crate::{Denial, Finding};

impl Routing {
    /// Whoever the operator configured, unless another router says something else.
    #[must_use]
    pub fn unchanged() -> Self {
        Decision::Unchanged.into()
    }

    /// These targets in this order, by their indices. None at all decide nothing.
    #[must_use]
    pub fn targets(indices: impl IntoIterator<Item = u32>) -> Self {
        let indices: Vec<u32> = indices.into_iter().collect();
        if indices.is_empty() { Self::unchanged() } else { Decision::Targets(indices).into() }
    }

    /// This text, and no model.
    #[must_use]
    pub fn answer(text: impl Into<String>) -> Self {
        Decision::Answer(CannedAnswer { text: text.into() }).into()
    }

    /// A person is to answer, one of those who see to `queue`; the caller is told this text meanwhile, with a reference to come
    /// back with: where the text says `{reference}`, or else below it.
    #[must_use]
    pub fn escalate(queue: impl Into<String>, text: impl Into<String>) -> Self {
        Decision::Escalate(Escalation { queue: queue.into(), text: text.into() }).into()
    }

    /// A refusal.
    #[must_use]
    pub fn deny(denial: Denial) -> Self {
        Decision::Deny(denial).into()
    }

    /// The same, but when a guardrail rejects an answer, these are asked in place of the targets, in this order.
    #[must_use]
    pub fn on_rejection(self, indices: impl IntoIterator<Item = u32>) -> Self {
        Self { on_rejection: indices.into_iter().collect(), ..self }
    }

    /// The same, with what the request was taken for.
    #[must_use]
    pub fn with_intent(self, intent: impl Into<String>) -> Self {
        Self { intent: Some(intent.into()), ..self }
    }

    /// The same, with something that was noticed.
    #[must_use]
    pub fn with_finding(mut self, finding: Finding) -> Self {
        self.findings.push(finding);
        self
    }
}

impl From<Decision> for Routing {
    fn from(decision: Decision) -> Self {
        Self { decision, on_rejection: Vec::new(), intent: None, findings: Vec::new() }
    }
}

#[cfg(test)]
#[allow(clippy::panic)]
mod tests {
    use super::*;

    #[test]
    fn no_targets_decide_nothing() {
        assert!(matches!(Routing::targets([]).decision, Decision::Unchanged));
        let Decision::Targets(chosen) = Routing::targets([2, 0]).decision else { panic!("nothing was decided") };
        assert_eq!(chosen, [2, 0]);
    }
}
