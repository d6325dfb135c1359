//! What an exchange has reserved, and what it has used of that so far.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::timeout;
use tracing::warn;

use super::estimate::tokens_of;
use crate::chat::Usage;
use crate::limits::Amounts;
use crate::money::Money;
use crate::store::counters::{Counters, Hold};

/// A reservation of one exchange.
#[derive(Debug)]
pub struct Reservation {
    counters: Arc<dyn Counters>,
    estimate: Amounts,
    /// Tokens that the request is thought to have.
    input_tokens: u64,
    /// Money is bounded, and not only requests and tokens.
    is_budgeted: bool,
    /// The longest wait for the store at the end.
    wait: Duration,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    hold: Hold,
    /// What earlier attempts have used.
    earlier: Amounts,
    attempt: Attempt,
    is_settled: bool,
}

/// What one attempt to get an answer costs.
#[derive(Clone, Copy, Debug, Default)]
struct Attempt {
    /// A provider was sent the request.
    is_sent: bool,
    /// It has answered with an error, which nobody charges unless the provider says so.
    is_free: bool,
    /// What it said that was used, so far.
    used: Option<Amounts>,
    /// What that must be at least, by the length of what has come.
    received: Amounts,
    /// It has said its last word.
    is_whole: bool,
}

impl Attempt {
    /// What it counts as. Where a provider may have charged and has not said how much, that is the estimate; where it has
    /// broken off, what it said so far is the least, and so is what has come: a caller who leaves before the end, or an
    /// answer that is longer than was thought, is not cheaper for it.
    fn cost(self, estimate: Amounts) -> Amounts {
        let asked = Amounts { requests: 1, ..Amounts::default() };
        match self {
            Self { is_sent: false, .. } => Amounts::default(),
            Self { is_free: true, used: None, .. } => asked,
            Self { used: Some(used), is_whole: true, .. } => used.or_more(asked),
            Self { used, received, .. } => estimate.or_more(used.unwrap_or_default()).or_more(received),
        }
    }
}

impl Attempt {
    /// What it has used at least, as far as that has come. What a provider tells in the middle is not the last of it.
    fn known(self) -> Amounts {
        match self.used {
            Some(used) if self.is_whole => used,
            used => used.unwrap_or_default().or_more(self.received),
        }
    }
}

impl Reservation {
    pub(super) fn new(
        counters: Arc<dyn Counters>,
        hold: Hold,
        input_tokens: u64,
        is_budgeted: bool,
        wait: Duration,
    ) -> Self {
        let (estimate, earlier) = (hold.amounts, Amounts::default());
        let state = Mutex::new(State { hold, earlier, attempt: Attempt::default(), is_settled: false });
        Self { counters, estimate, input_tokens, is_budgeted, wait, state }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a budget is among what it counts for.
    #[must_use]
    pub fn is_budgeted(&self) -> bool {
        self.is_budgeted
    }

    /// A provider is about to be asked: for the first time, or once more.
    pub fn asks(&self) {
        let mut state = self.state();
        state.earlier = state.so_far(self.estimate);
        state.attempt = Attempt { is_sent: true, ..Attempt::default() };
    }

    /// It turned out that nothing was sent to it.
    pub fn was_not_sent(&self) {
        self.state().attempt.is_sent = false;
    }

    /// It answers with an error.
    pub fn was_free(&self) {
        self.state().attempt.is_free = true;
    }

    /// Somebody is asked, if anybody, who charges nothing for it.
    pub fn is_a_request_alone(&self) {
        self.asks();
        self.was_free();
    }

    /// It says what was used so far, and what that costs.
    pub fn used(&self, usage: Usage, money: Money) {
        self.state().attempt.used = Some(amounts(usage, money));
    }

    /// The usage of an answer of which so much text has come, as long as it is not said.
    #[must_use]
    pub fn usage_of(&self, text_bytes: usize) -> Usage {
        let tokens = |tokens: u64| u32::try_from(tokens).unwrap_or(u32::MAX);
        let (input_tokens, output_tokens) = (tokens(self.input_tokens), tokens(tokens_of(text_bytes)));
        Usage { input_tokens, output_tokens, ..Usage::default() }
    }

    /// So much has come of its answer, by the length of the text, and that costs so much.
    pub fn received(&self, usage: Usage, money: Money) {
        self.state().attempt.received = amounts(usage, money);
    }

    /// It has said its last word: what it said of usage is all.
    pub fn is_whole(&self) {
        self.state().attempt.is_whole = true;
    }

    /// The exchange is over. Only the first call counts.
    pub fn settle(&self) {
        let mut state = self.state();
        if std::mem::replace(&mut state.is_settled, true) {
            return;
        }
        let all = state.so_far(self.estimate);
        self.counters.settle(&mut state.hold, all, true);
    }

    /// Where the answer is whole or the exchange over, wait until what it has used would survive the end of this process, as
    /// long as that may take: before that no caller is told the end. In the middle of an answer nobody waits, and it is looked
    /// whether what was reserved is still enough.
    pub async fn is_on_record(&self) {
        let Some(number) = self.recorded() else { return };
        if self.counters.is_written(number) {
            return;
        }
        if timeout(self.wait, self.counters.written(number)).await.is_err() {
            warn!("what an exchange has used is not written in time; a crash now would lose it");
        }
    }

    /// The number to wait for, if there is something to wait for. Where more is used than was reserved, that is reserved too,
    /// and a part of it more: not with each word of a long answer.
    fn recorded(&self) -> Option<u64> {
        let mut state = self.state();
        if state.is_settled {
            return Some(state.hold.number);
        }
        let known = once(state.earlier + state.attempt.known());
        if !known.is_within(state.hold.amounts) {
            let more = known.and_a_quarter().or_more(state.hold.amounts).countable();
            self.counters.settle(&mut state.hold, more, false);
        }
        state.attempt.is_whole.then_some(state.hold.number)
    }
}

impl State {
    fn so_far(&self, estimate: Amounts) -> Amounts {
        once(self.earlier + self.attempt.cost(estimate))
    }
}

/// What one attempt has used.
fn amounts(usage: Usage, money: Money) -> Amounts {
    let tokens = u64::from(usage.input_tokens).saturating_add(usage.output_tokens.into());
    Amounts { requests: 1, tokens, money }.countable()
}

/// However often providers were asked for it, it is one request.
fn once(all: Amounts) -> Amounts {
    Amounts { requests: all.requests.min(1), ..all }.countable()
}

/// Whoever holds it may be gone without a word.
impl Drop for Reservation {
    fn drop(&mut self) {
        self.settle();
    }
}
