//! Models that plugins ask, through the gateway itself: to judge, to classify, to rewrite.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;

use crate::caller::Caller;
use crate::generation::Generation;
use crate::money::Money;

/// In whose name a model is asked: an exchange, as far as another one within it has to know of it.
#[derive(Clone, Debug)]
pub struct Origin {
    /// The exchange's id.
    pub exchange: Arc<str>,
    /// Who pays.
    pub caller: Arc<Caller>,
    /// The plugins and settings that the exchange has begun with.
    pub generation: Arc<Generation>,
}

/// What a model is asked.
#[derive(Debug)]
pub struct Prompt {
    /// Which one: a name under `[targets]`.
    pub target: String,
    /// What it is told before.
    pub system: Option<String>,
    /// What it is to answer.
    pub user: String,
    /// The most tokens that its answer may have.
    pub answer_tokens_max: u32,
    /// A JSON Schema that the answer must satisfy.
    pub answer_schema: Option<String>,
}

/// What came of it.
#[derive(Debug)]
pub struct Told {
    /// The answer; or why there is none, in words for the plugin.
    pub answer: Result<String, String>,
    /// What it has cost, as far as that is known.
    pub cost: Money,
}

/// Asks models.
pub trait Models: fmt::Debug + Send + Sync {
    /// Ask for a plugin, and wait no longer than so.
    fn ask(
        self: Arc<Self>,
        origin: Origin,
        plugin: Arc<str>,
        prompt: Prompt,
        wait: Duration,
    ) -> BoxFuture<'static, Told>;
}
