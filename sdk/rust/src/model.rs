//! Models that the operator named, asked through the gateway itself, for plugins whose installation has `[grants.model]`: to
//! judge, to classify, to rewrite. What is asked and answered passes the guardrails, save those that may ask models.

pub use crate::bindings::imports::sluicegate::plugin::model::Prompt;

impl Prompt {
    /// A prompt for one of the targets that are granted, with up to so many tokens for the answer.
    #[must_use]
    pub fn new(target: impl Into<String>, user: impl Into<String>, output_tokens_max: u32) -> Self {
        Self { target: target.into(), system: None, user: user.into(), output_tokens_max, answer_schema: None }
    }

    /// The same, with what the model is told before.
    #[must_use]
    pub fn with_system(self, system: impl Into<String>) -> Self {
        Self { system: Some(system.into()), ..self }
    }

    /// The same, with a JSON Schema that the answer must satisfy.
    #[must_use]
    pub fn with_answer_schema(self, schema: impl Into<String>) -> Self {
        Self { answer_schema: Some(schema.into()), ..self }
    }

    /// Ask, and wait for the answer.
    ///
    /// # Errors
    /// When that is not granted, or not for so much; when the model does not answer in time, a guardrail refuses what it is
    /// asked or says, or the answer does not satisfy the schema.
    pub fn complete(&self) -> Result<String, String> {
        #[cfg(target_arch = "wasm32")]
        return crate::bindings::imports::sluicegate::plugin::model::complete(self);
        #[cfg(not(target_arch = "wasm32"))]
        native::complete(self)
    }
}

/// For tests, which run natively: what [`Prompt::complete`] answers from now on, on this thread. Before that nobody is there.
#[cfg(not(target_arch = "wasm32"))]
pub fn answer_with(model: impl Fn(&Prompt) -> Result<String, String> + 'static) {
    native::MODEL.set(Some(Box::new(model)));
}

#[cfg(not(target_arch = "wasm32"))]
mod native {
    use std::cell::RefCell;

    use super::Prompt;

    /// What a test has for a model.
    type Model = Box<dyn Fn(&Prompt) -> Result<String, String>>;

    thread_local! {
        pub(super) static MODEL: RefCell<Option<Model>> = const { RefCell::new(None) };
    }

    pub(super) fn complete(prompt: &Prompt) -> Result<String, String> {
        MODEL.with_borrow(|model| match model {
            Some(model) => model(prompt),
            None => Err("nobody is there: say who answers with answer_with".to_owned()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn natively_a_test_says_what_is_answered() {
        let prompt = Prompt::new("judge", "Is it safe?", 5).with_system("Be brief.").with_answer_schema("{}");
        assert!(prompt.complete().is_err());
        answer_with(|prompt| Ok(format!("{:?} {} {:?}", prompt.system, prompt.user, prompt.answer_schema)));
        assert_eq!(prompt.complete().as_deref(), Ok(r#"Some("Be brief.") Is it safe? Some("{}")"#));
    }
}
