//! Models that plugins ask, through the gateway itself: to judge, to classify, to rewrite.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use futures_util::future::BoxFuture;

use super::Use;
use crate::caller::Caller;
use crate::generation::Generation;
use crate::money::Money;
use crate::trace::Trace;

/// In whose name a model is asked: an exchange, as far as another one within it has to know of it.
#[derive(Clone, Debug)]
pub struct Origin {
    /// The exchange's id.
    pub exchange: Arc<str>,
    /// The plugin that asks.
    pub plugin: Arc<str>,
    /// Who pays.
    pub caller: Arc<Caller>,
    /// The plugins and settings that the exchange has begun with.
    pub generation: Arc<Generation>,
    /// Where the exchange stands in a trace.
    pub trace: Trace,
    /// What it costs.
    pub bill: Arc<Bill>,
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

/// What models have cost that one call of a plugin has asked, also where it has not waited for all that they said.
#[derive(Debug, Default)]
pub struct Bill {
    nanodollars: AtomicU64,
    is_partly_unknown: AtomicBool,
}

impl Bill {
    /// Add what is known, and whether that is all.
    pub fn add(&self, known: Money, is_whole: bool) {
        self.nanodollars.fetch_add(known.nanodollars(), Ordering::Relaxed);
        self.is_partly_unknown.fetch_or(!is_whole, Ordering::Relaxed);
    }

    /// All of it so far.
    pub(crate) fn sum(&self) -> Use {
        let cost = Money::from_nanodollars(self.nanodollars.load(Ordering::Relaxed));
        Use { cost, is_partly_unknown: self.is_partly_unknown.load(Ordering::Relaxed), ..Use::default() }
    }
}

/// Asks models.
pub trait Models: fmt::Debug + Send + Sync {
    /// Ask for a plugin, and wait no longer than so. What it costs is on the bill when this is over, or given up. Without an
    /// answer there are words for the plugin.
    fn ask(
        self: Arc<Self>,
        origin: Origin,
        prompt: Prompt,
        wait: Duration,
    ) -> BoxFuture<'static, Result<String, String>>;
}
