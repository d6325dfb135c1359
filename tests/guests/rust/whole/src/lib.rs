//! A request and answer guardrail for the tests: it does what its configuration says, and without one it allows.
//!
//! ```toml
//! [config.request]
//! do = "deny-longer"
//! segments_max = 3
//!
//! [config.answer]
//! do = "require"
//! word = "please"
//! say = "say please"
//! ```

use serde::Deserialize;
use sluicegate_plugin::{
    Answer, AnswerGuardrail, Denial, Edit, Plugin, PluginError, Request, RequestGuardrail, Segment, Span, answer,
    export, request,
};

/// What the guest does.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct WholeGuest {
    /// With a request.
    #[serde(default)]
    pub request: OnRequest,
    /// With an answer.
    #[serde(default)]
    pub answer: OnAnswer,
}

/// What it does with a request.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(tag = "do", rename_all = "kebab-case", deny_unknown_fields)]
pub enum OnRequest {
    /// Nothing.
    #[default]
    Allow,
    /// Denies one of more segments than that, as `test.too-long`.
    DenyLonger {
        /// So many are allowed.
        segments_max: usize,
    },
    /// Puts this in the place of the first segment's text.
    Edit {
        /// The new text.
        with: String,
    },
    /// Says of a text with this word that it could not do its work.
    Fail {
        /// The word; without one the gateway's probe fails too.
        word: String,
    },
}

/// What it does with an answer.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(tag = "do", rename_all = "kebab-case", deny_unknown_fields)]
pub enum OnAnswer {
    /// Nothing.
    #[default]
    Allow,
    /// Has the model asked once more where no segment holds a word.
    Require {
        /// The word.
        word: String,
        /// The words of correction.
        say: String,
    },
    /// Denies an answer with this word, as `test.denied`; with the empty word, every answer.
    Deny {
        /// The word.
        #[serde(default)]
        word: String,
        /// Only where the request holds this one.
        #[serde(default)]
        asked: String,
    },
    /// Puts this in the place of the first segment's text.
    Edit {
        /// The new text.
        with: String,
    },
    /// Says of a text with this word that it could not do its work.
    Fail {
        /// The word; without one the gateway's probe fails too.
        word: String,
    },
}

impl Plugin for WholeGuest {
    const NAME: &'static str = env!("CARGO_PKG_NAME");
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const SUMMARY: &'static str = env!("CARGO_PKG_DESCRIPTION");
    type Config = Self;

    fn configure(config: Self) -> Result<Self, String> {
        Ok(config)
    }
}

impl RequestGuardrail for WholeGuest {
    fn check(&self, request: &Request) -> Result<request::Verdict, PluginError> {
        let action = match &self.request {
            OnRequest::DenyLonger { segments_max } if request.segments.len() > *segments_max => {
                request::Action::Deny(Denial::new("test.too-long", "The request has too many parts."))
            }
            OnRequest::Edit { with } => request::Action::Edit(first_replaced(&request.segments, with)),
            OnRequest::Fail { word } if holds(&request.segments, word) => return Err(failed()),
            OnRequest::Allow | OnRequest::DenyLonger { .. } | OnRequest::Fail { .. } => request::Action::Allow,
        };
        Ok(request::Verdict { action, findings: Vec::new() })
    }
}

impl AnswerGuardrail for WholeGuest {
    fn check(&self, request: &Request, answer: &Answer) -> Result<answer::Verdict, PluginError> {
        let is_asked = |word: &str| word.is_empty() || holds(&request.segments, word);
        let holds = |word: &str| word.is_empty() || holds(&answer.segments, word);
        let action = match &self.answer {
            OnAnswer::Require { word, say } if !holds(word) => answer::Action::Retry(say.clone()),
            OnAnswer::Deny { word, asked } if holds(word) && is_asked(asked) => {
                answer::Action::Deny(Denial::new("test.denied", "A word of the tests is not allowed."))
            }
            OnAnswer::Edit { with } => answer::Action::Edit(first_replaced(&answer.segments, with)),
            OnAnswer::Fail { word } if holds(word) => return Err(failed()),
            OnAnswer::Allow | OnAnswer::Require { .. } | OnAnswer::Deny { .. } | OnAnswer::Fail { .. } => {
                answer::Action::Allow
            }
        };
        Ok(answer::Verdict { action, findings: Vec::new() })
    }
}

export!(WholeGuest: request_guardrail, answer_guardrail);

fn holds(segments: &[Segment], word: &str) -> bool {
    segments.iter().any(|segment| segment.text.contains(word))
}

fn first_replaced(segments: &[Segment], with: &str) -> Vec<(u32, Edit)> {
    let replaced = |segment: &Segment| (segment.id, Edit::mask(Span::new(0, segment.text.len()), with));
    segments.first().map(replaced).into_iter().collect()
}

fn failed() -> PluginError {
    PluginError::Other("the tests want it so".into())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use sluicegate_plugin::{Channel, Exchange, Finish, Role, read_config};

    use super::*;

    fn segment(id: u32, text: &str) -> Segment {
        Segment { id, role: Role::User, channel: Channel::Content, choice: 0, name: None, text: text.into() }
    }

    fn request(texts: &[&str]) -> Request {
        Request {
            exchange: Exchange {
                id: "e".into(),
                tenant: "t".into(),
                user: None,
                session: None,
                step: 0,
                model: "m".into(),
                streaming: false,
                attributes: Vec::new(),
            },
            segments: (0..).zip(texts).map(|(id, text)| segment(id, text)).collect(),
            tools: Vec::new(),
            answer_schema: None,
            tokens_estimate: 0,
        }
    }

    fn on_request(config: &str, texts: &[&str]) -> Result<request::Action, PluginError> {
        let guest: WholeGuest = read_config(config).unwrap();
        RequestGuardrail::check(&guest, &request(texts)).map(|verdict| verdict.action)
    }

    fn on_answer(config: &str, text: &str) -> Result<answer::Action, PluginError> {
        let guest: WholeGuest = read_config(config).unwrap();
        let answer = Answer { target: "t".into(), segments: vec![segment(7, text)], finish: Finish::Stop, usage: None };
        AnswerGuardrail::check(&guest, &request(&[]), &answer).map(|verdict| verdict.action)
    }

    #[test]
    fn without_a_configuration_it_allows() {
        assert_eq!(on_request("", &["a"]), Ok(request::Action::Allow));
        assert_eq!(on_answer("", "a"), Ok(answer::Action::Allow));
    }

    #[test]
    fn it_does_with_a_request_what_its_configuration_says() {
        let longer = r#"{"request": {"do": "deny-longer", "segments_max": 1}}"#;
        assert_eq!(on_request(longer, &["a"]), Ok(request::Action::Allow));
        assert!(
            matches!(on_request(longer, &["a", "b"]), Ok(request::Action::Deny(denial)) if denial.code == "test.too-long")
        );
        let edit = (0, Edit::mask(Span::new(0, 2), "new"));
        assert_eq!(
            on_request(r#"{"request": {"do": "edit", "with": "new"}}"#, &["ab", "c"]),
            Ok(request::Action::Edit(vec![edit]))
        );
        let fail = r#"{"request": {"do": "fail", "word": "b"}}"#;
        assert_eq!(on_request(fail, &["a"]), Ok(request::Action::Allow));
        assert_eq!(on_request(fail, &["a", "b"]), Err(failed()));
    }

    #[test]
    fn it_does_with_an_answer_what_its_configuration_says() {
        let require = r#"{"answer": {"do": "require", "word": "please", "say": "say please"}}"#;
        assert_eq!(on_answer(require, "do it"), Ok(answer::Action::Retry("say please".into())));
        assert_eq!(on_answer(require, "please do it"), Ok(answer::Action::Allow));
        assert!(matches!(on_answer(r#"{"answer": {"do": "deny"}}"#, "a"), Ok(answer::Action::Deny(_))));
        assert_eq!(on_answer(r#"{"answer": {"do": "deny", "word": "b"}}"#, "a"), Ok(answer::Action::Allow));
        let edit = (7, Edit::mask(Span::new(0, 1), "new"));
        assert_eq!(
            on_answer(r#"{"answer": {"do": "edit", "with": "new"}}"#, "a"),
            Ok(answer::Action::Edit(vec![edit]))
        );
        let fail = r#"{"answer": {"do": "fail", "word": "b"}}"#;
        assert_eq!(on_answer(fail, "a"), Ok(answer::Action::Allow));
        assert_eq!(on_answer(fail, "b"), Err(failed()));
    }
}
