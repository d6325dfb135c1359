//! Why an exchange was not answered: one enum, with the status, the stable code, words for the caller and words for
//! the operator. A plugin's denial and a plugin's failure are different things.

use std::borrow::Cow;
use std::time::Duration;

use http::{Method, StatusCode};

use crate::chat::{Denial, Task};
use crate::dialect::{ErrorWords, Loss, Wire, Wrong, names_of};
use crate::health::Rest;
use crate::meter::Reached;
use crate::plugin::Outcome;
use crate::session;

/// Why an exchange was not answered.
#[derive(Debug)]
pub enum Error {
    /// There is nothing at this path.
    NoSuchPath,
    /// There is something, but only for this method.
    NoSuchMethod(&'static Method),
    /// Who is calling is not said, or what is said is not true: why, in a word for the operator.
    UnknownCaller(&'static str),
    /// A browser has sent it for a page of another site, and nobody has to say who they are.
    AnotherSite,
    /// The request's body is longer than the limit, in bytes.
    BodyTooLarge(usize),
    /// The request's body did not arrive in time.
    BodyTooSlow,
    /// The caller was gone before the body was whole.
    BodyBroken,
    /// The request's body is compressed.
    BodyEncoded,
    /// The request is not one of its dialect.
    Malformed(Malformed),
    /// The dialect of the target has no word for something that the request says.
    Untranslatable {
        /// What the target is spoken to in.
        dialect: Wire,
        /// The field, and why it cannot be said.
        lost: Malformed,
    },
    /// Providers of the target's dialect have no endpoint for what is asked.
    NotThere {
        /// The target's dialect.
        dialect: Wire,
        /// What is asked.
        task: Task,
    },
    /// No target is configured for this model.
    UnknownModel(String),
    /// More texts of the request would have to be restored in the answer than this.
    TooManyOriginals(usize),
    /// A limit or a budget has no room for it.
    LimitReached(Reached),
    /// A limit of the session that it is a step of leaves no room, or the session goes round in circles.
    SessionLimit(session::Reached),
    /// Nobody knows what the target costs, and whoever asks has a budget; the target.
    PriceUnknown(String),
    /// The store cannot be asked whether there is room, and nothing may pass without; why.
    StoreFailed(String),
    /// There is no such escalation, at least not for this caller.
    NoSuchEscalation,
    /// It is for a person, and cannot be handed over, or cannot be looked for; why.
    EscalationFailed(String),
    /// There is no such exchange or session, at least not for this caller.
    NoSuchExchange,
    /// Feedback with this name is there already, and says something else.
    FeedbackConflict,
    /// So much was said of this exchange already.
    TooMuchFeedback(u32),
    /// Feedback cannot be kept at the moment; why.
    FeedbackFailed(String),
    /// A guardrail refused.
    Denied {
        /// The installation that refused.
        plugin: String,
        /// What it said.
        denial: Denial,
    },
    /// A guardrail failed, and its failure mode is `closed`.
    GuardFailed {
        /// The installation that failed.
        plugin: String,
        /// How.
        outcome: Outcome,
        /// What happened, for the operator.
        detail: String,
    },
    /// An answer guardrail wanted another answer after the last try too, and its failure mode is `closed`.
    NotContent {
        /// The installation.
        plugin: String,
    },
    /// All targets that could answer have failed of late or have asked to be left alone; the shortest of their rests.
    TargetsRest(Rest),
    /// The provider does not take the credential that the gateway has for it; the status.
    CredentialRefused(StatusCode),
    /// The provider cannot be reached.
    Unreachable(String),
    /// The provider did not answer in time.
    TooSlow(&'static str),
    /// The provider's answer broke off, or cannot be read.
    Broken(String),
    /// The dialect of the caller has no word for the provider's answer.
    Unsayable(String),
    /// The answer is longer than the limit, in bytes.
    AnswerTooLarge(usize),
    /// The exchange as a whole took too long.
    OutOfTime,
}

/// What is wrong with a request.
#[derive(Debug)]
pub struct Malformed {
    /// The path of the field; empty for the body as a whole.
    pub field: String,
    /// What is wrong with it, and how to mend it.
    pub message: String,
}

impl From<Wrong> for Malformed {
    fn from(wrong: Wrong) -> Self {
        Self { field: wrong.field, message: wrong.message }
    }
}

impl From<Loss> for Malformed {
    fn from(loss: Loss) -> Self {
        Self { field: loss.field, message: loss.why.to_owned() }
    }
}

/// Characters of a model's name that are said back: callers may write anything.
const MODEL_CHARS_MAX: usize = 100;

impl Error {
    /// Whether a guardrail does not want what a model said.
    pub(crate) fn is_a_rejection(&self) -> bool {
        matches!(self, Self::Denied { .. } | Self::NotContent { .. })
    }

    /// There is no such model, at least not for this caller.
    #[must_use]
    pub fn unknown_model(name: &str) -> Self {
        Self::UnknownModel(name.chars().take(MODEL_CHARS_MAX).collect())
    }

    /// The HTTP status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self {
            Self::NoSuchPath | Self::UnknownModel(_) | Self::NoSuchEscalation | Self::NoSuchExchange => {
                StatusCode::NOT_FOUND
            }
            Self::FeedbackConflict => StatusCode::CONFLICT,
            Self::NoSuchMethod(_) => StatusCode::METHOD_NOT_ALLOWED,
            Self::UnknownCaller(_) => StatusCode::UNAUTHORIZED,
            Self::AnotherSite | Self::PriceUnknown(_) => StatusCode::FORBIDDEN,
            Self::BodyTooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::BodyTooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::BodyEncoded => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::BodyBroken
            | Self::Malformed(_)
            | Self::Untranslatable { .. }
            | Self::NotThere { .. }
            | Self::TooManyOriginals(_)
            | Self::TooMuchFeedback(_)
            | Self::Denied { .. } => StatusCode::BAD_REQUEST,
            Self::SessionLimit(reached) if reached.is_a_loop() => StatusCode::BAD_REQUEST,
            Self::LimitReached(_) | Self::SessionLimit(_) | Self::TargetsRest(Rest { is_asked_for: true, .. }) => {
                StatusCode::TOO_MANY_REQUESTS
            }
            Self::StoreFailed(_)
            | Self::EscalationFailed(_)
            | Self::FeedbackFailed(_)
            | Self::GuardFailed { .. }
            | Self::NotContent { .. }
            | Self::TargetsRest(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::CredentialRefused(_)
            | Self::Unreachable(_)
            | Self::Broken(_)
            | Self::Unsayable(_)
            | Self::AnswerTooLarge(_) => StatusCode::BAD_GATEWAY,
            Self::TooSlow(_) | Self::OutOfTime => StatusCode::GATEWAY_TIMEOUT,
        }
    }

    /// The stable code. A denial's is the plugin's own.
    #[must_use]
    pub fn code(&self) -> &str {
        match self {
            Self::Denied { denial, .. } => &denial.code,
            other => other.label(),
        }
    }

    /// A word for metrics and logs, one for each kind of error.
    #[must_use]
    pub fn label(&self) -> &'static str {
        match self {
            Self::NoSuchPath => "not_found",
            Self::NoSuchMethod(_) => "method_not_allowed",
            Self::UnknownCaller(_) => "invalid_api_key",
            Self::AnotherSite => "another_site",
            Self::BodyTooLarge(_) => "body_too_large",
            Self::BodyTooSlow => "body_too_slow",
            Self::BodyBroken => "body_broken",
            Self::BodyEncoded => "body_encoded",
            Self::Malformed(_) => "invalid_request",
            Self::Untranslatable { .. } | Self::NotThere { .. } => "untranslatable",
            Self::TooManyOriginals(_) => "too_many_originals",
            Self::UnknownModel(_) => "model_not_found",
            Self::LimitReached(reached) if reached.is_budget() => "budget_exceeded",
            Self::LimitReached(_) => "rate_limit_exceeded",
            Self::SessionLimit(reached) if reached.is_a_loop() => "session_loop",
            Self::SessionLimit(_) => "session_limit_exceeded",
            Self::PriceUnknown(_) => "price_unknown",
            Self::StoreFailed(_) => "store_unavailable",
            Self::NoSuchEscalation => "escalation_not_found",
            Self::EscalationFailed(_) => "escalation_unavailable",
            Self::NoSuchExchange => "exchange_not_found",
            Self::FeedbackConflict => "feedback_conflict",
            Self::TooMuchFeedback(_) => "too_much_feedback",
            Self::FeedbackFailed(_) => "feedback_unavailable",
            Self::Denied { .. } => "denied",
            Self::GuardFailed { .. } | Self::NotContent { .. } => "guardrail_failed",
            Self::TargetsRest(_) => "upstream_resting",
            Self::CredentialRefused(_) => "upstream_credential_refused",
            Self::Unreachable(_) => "upstream_unreachable",
            Self::TooSlow(_) => "upstream_timeout",
            Self::Broken(_) => "upstream_broken",
            Self::Unsayable(_) => "answer_untranslatable",
            Self::AnswerTooLarge(_) => "answer_too_large",
            Self::OutOfTime => "timeout",
        }
    }

    /// The kind that SDKs show.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::NoSuchPath
            | Self::NoSuchMethod(_)
            | Self::UnknownCaller(_)
            | Self::AnotherSite
            | Self::BodyTooLarge(_)
            | Self::BodyTooSlow
            | Self::BodyBroken
            | Self::BodyEncoded
            | Self::Malformed(_)
            | Self::Untranslatable { .. }
            | Self::NotThere { .. }
            | Self::TooManyOriginals(_)
            | Self::UnknownModel(_)
            | Self::NoSuchEscalation
            | Self::NoSuchExchange
            | Self::FeedbackConflict
            | Self::TooMuchFeedback(_)
            | Self::PriceUnknown(_) => "invalid_request_error",
            // As OpenAI has it: the SDKs and what is built on them know these words.
            Self::LimitReached(reached) if reached.is_budget() => "insufficient_quota",
            Self::SessionLimit(reached) if reached.is_a_loop() => "invalid_request_error",
            Self::LimitReached(_) | Self::SessionLimit(_) => "rate_limit_error",
            Self::StoreFailed(_) | Self::EscalationFailed(_) | Self::FeedbackFailed(_) => "server_error",
            Self::Denied { .. } => "guardrail_denied",
            Self::GuardFailed { .. } | Self::NotContent { .. } => "guardrail_failed",
            Self::TargetsRest(_)
            | Self::CredentialRefused(_)
            | Self::Unreachable(_)
            | Self::TooSlow(_)
            | Self::Broken(_)
            | Self::Unsayable(_)
            | Self::AnswerTooLarge(_) => "upstream_error",
            Self::OutOfTime => "timeout",
        }
    }

    /// The field of the request that is meant, if one is.
    #[must_use]
    pub fn field(&self) -> Option<&str> {
        match self {
            Self::Malformed(Malformed { field, .. }) | Self::Untranslatable { lost: Malformed { field, .. }, .. }
                if !field.is_empty() =>
            {
                Some(field)
            }
            Self::UnknownModel(_) => Some("model"),
            _ => None,
        }
    }

    /// Words for the caller: what happened and what to do, nothing of the gateway's inside.
    #[must_use]
    pub fn message(&self) -> Cow<'_, str> {
        match self {
            Self::NoSuchPath => {
                "there is nothing at this path; the gateway answers POST /v1/chat/completions, POST /v1/completions, \
                 POST /v1/embeddings, POST /v1/messages and /v1/messages/count_tokens, POST /v1/responses, \
                 GET /v1/models, POST /v1beta/models/{model}:generateContent and :streamGenerateContent, \
                 GET /v1beta/models, GET /v1/escalations/{reference}, and POST /v1/feedback"
                    .into()
            }
            Self::NoSuchMethod(_) => "this path is not for this method".into(),
            // Whether a key is unknown, expired or revoked is nobody's business but its owner's.
            Self::UnknownCaller(_) => {
                "no valid key: send one of this gateway's (sg-...), or a token that it takes, where your SDK sends its API key"
                    .into()
            }
            Self::AnotherSite => {
                "a page of another site has sent this; where no key is needed, browsers are answered for pages of this machine \
                 alone"
                    .into()
            }
            Self::BodyTooLarge(limit) => format!("the request's body is longer than {limit} bytes").into(),
            Self::BodyTooSlow => "the request's body did not arrive in time".into(),
            Self::BodyBroken => "the request's body broke off".into(),
            Self::BodyEncoded => "the request's body is compressed; send it as it is".into(),
            Self::Malformed(Malformed { field, message }) if field.is_empty() => message.as_str().into(),
            Self::Malformed(Malformed { field, message }) => format!("{field}: {message}").into(),
            Self::Untranslatable { dialect, lost: Malformed { field, message } } => format!(
                "{field}: {message}; this model is at a provider with the dialect {:?}, and the operator has not allowed \
                 to leave this out",
                dialect.word()
            )
            .into(),
            Self::NotThere { dialect, task } => format!(
                "this model is at a provider with the dialect {:?}, which {}",
                dialect.word(),
                match task {
                    Task::Embed => "turns no text into vectors",
                    Task::CountTokens => "does not count tokens",
                    Task::Converse => "does not answer",
                }
            )
            .into(),
            Self::UnknownModel(model) => {
                format!("there is no model {model:?} here; GET /v1/models lists those that there are").into()
            }
            Self::TooManyOriginals(limit) => format!(
                "the request has more than {limit} different texts to be restored in the answer; send fewer at once"
            )
            .into(),
            Self::LimitReached(reached) => reached.message().into(),
            Self::SessionLimit(reached) => reached.message().into(),
            Self::PriceUnknown(_) => {
                "what this model costs is not known here, and whoever has a budget may only ask for models with a price; the \
                 gateway's operator can name it"
                    .into()
            }
            Self::StoreFailed(_) => {
                "whether the limits leave room for this request cannot be said at the moment; try again later".into()
            }
            Self::NoSuchEscalation => "there is no escalation with this reference here".into(),
            Self::EscalationFailed(_) => {
                "people are to answer this, and cannot be reached at the moment; try again later".into()
            }
            Self::NoSuchExchange => "there is no such exchange or session here, or nothing is kept of it".into(),
            Self::FeedbackConflict => {
                "other feedback was given under this id; give another id, or send the same again".into()
            }
            Self::TooMuchFeedback(most) => format!("{most} opinions of this exchange or session are kept already").into(),
            Self::FeedbackFailed(_) => "feedback cannot be kept at the moment; try again later".into(),
            Self::Denied { denial, .. } => denial.reason.as_str().into(),
            Self::GuardFailed { plugin, outcome, .. } => format!(
                "the guardrail {plugin:?} failed ({}), and what it did not inspect does not pass",
                outcome.word()
            )
            .into(),
            Self::NotContent { plugin } => format!(
                "the guardrail {plugin:?} was not content with the model's answer, also when it was asked again"
            )
            .into(),
            Self::TargetsRest(Rest { is_asked_for: true, .. }) => {
                "the providers of this model have asked not to be asked for a while".into()
            }
            Self::TargetsRest(_) => {
                "the providers of this model have failed several times in a row, and are asked again in a while".into()
            }
            // What the provider says of it is about the operator's account.
            Self::CredentialRefused(_) => {
                "the provider does not take the credential that this gateway has for it; its operator can mend that".into()
            }
            Self::Unreachable(_) => "the provider cannot be reached".into(),
            Self::TooSlow(what) => format!("the provider took too long: {what}").into(),
            Self::Broken(_) => "the provider's answer broke off or cannot be read".into(),
            Self::Unsayable(_) => "the provider's answer cannot be said in the dialect of the request".into(),
            Self::AnswerTooLarge(limit) => format!("the provider's answer is longer than {limit} bytes").into(),
            Self::OutOfTime => "the exchange took too long".into(),
        }
    }

    /// What of it the caller's dialect puts into its own shape; `message` is [`Error::message`].
    pub(crate) fn words<'a>(&'a self, message: &'a str) -> ErrorWords<'a> {
        ErrorWords { status: self.status(), message, kind: self.kind(), field: self.field(), code: self.code() }
    }

    /// Words for the operator. Never text of the exchange.
    #[must_use]
    pub fn detail(&self) -> Option<Cow<'_, str>> {
        match self {
            Self::UnknownCaller(why) => Some((*why).into()),
            Self::PriceUnknown(target) => Some(format!("targets.{target} has no price").into()),
            Self::CredentialRefused(status) => Some(format!("the provider answers {}", status.as_u16()).into()),
            Self::Unreachable(detail)
            | Self::Broken(detail)
            | Self::Unsayable(detail)
            | Self::StoreFailed(detail)
            | Self::EscalationFailed(detail)
            | Self::FeedbackFailed(detail)
            | Self::GuardFailed { detail, .. } => Some(detail.into()),
            Self::LimitReached(reached) => Some(reached.detail().into()),
            Self::SessionLimit(reached) => Some(reached.detail().into()),
            Self::Denied { denial, .. } => denial.detail.as_deref().map(Cow::from),
            // Callers may write anything there, and no text belongs into a log.
            Self::Malformed(Malformed { field, .. }) | Self::Untranslatable { lost: Malformed { field, .. }, .. } => {
                Some(names_of(field).into())
            }
            _ => None,
        }
    }

    /// The installation that refused or failed.
    #[must_use]
    pub fn plugin(&self) -> Option<&str> {
        match self {
            Self::Denied { plugin, .. } | Self::GuardFailed { plugin, .. } | Self::NotContent { plugin } => {
                Some(plugin)
            }
            _ => None,
        }
    }

    /// Whether an SDK that tries the same again by itself does any good.
    #[must_use]
    pub fn is_worth_a_retry(&self) -> bool {
        match self {
            // The answer was paid for, and the next one is likely to be like it.
            Self::GuardFailed { .. } | Self::NotContent { .. } | Self::Unsayable(_) | Self::CredentialRefused(_) => {
                false
            }
            Self::LimitReached(reached) => reached.is_worth_a_retry(),
            Self::SessionLimit(_) | Self::FeedbackConflict => false,
            _ => true,
        }
    }

    /// Whether nothing was sent to a provider.
    #[must_use]
    pub fn is_before_sending(&self) -> bool {
        matches!(
            self,
            Self::Unreachable(_)
                | Self::TargetsRest(_)
                | Self::Untranslatable { .. }
                | Self::NotThere { .. }
                | Self::PriceUnknown(_)
                | Self::Malformed(_)
        )
    }

    /// Whether another target might do better, as long as nothing was released.
    #[must_use]
    pub fn is_the_targets(&self) -> bool {
        matches!(
            self,
            Self::TargetsRest(_)
                | Self::CredentialRefused(_)
                | Self::Unreachable(_)
                | Self::TooSlow(_)
                | Self::Broken(_)
                | Self::AnswerTooLarge(_)
        )
    }

    /// Whether it says something about the target's state. How long an answer is, is up to who asks, and a credential is the
    /// operator's.
    #[must_use]
    pub fn is_a_failure_of_the_target(&self) -> bool {
        self.is_the_targets() && !matches!(self, Self::AnswerTooLarge(_) | Self::CredentialRefused(_))
    }

    /// Whether the target may have begun to work on the request before this happened.
    #[must_use]
    pub fn was_underway(&self) -> bool {
        self.is_the_targets()
            && !matches!(self, Self::TargetsRest(_) | Self::Unreachable(_) | Self::CredentialRefused(_))
    }

    /// After which time the caller may try again, where that is known.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::TargetsRest(rest) => Some(rest.time),
            Self::LimitReached(reached) => reached.retry_after(),
            _ => None,
        }
    }
}
