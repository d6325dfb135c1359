//! What an exchange has reserved, and what it has used of that so far.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::timeout;
use tracing::warn;

use super::estimate::{bytes_of, tokens_of};
use crate::chat::Usage;
use crate::limits::Amounts;
use crate::money::Money;
use crate::prices::Prices;
use crate::store::counters::{Counters, Hold};

/// A reservation of one exchange. What a stream does with each of its pieces, [`received`](Self::received) and
/// [`is_on_record`](Self::is_on_record), takes no lock as long as there is nothing to do.
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
    /// Bytes of text that have come of the answer to the attempt under way.
    text_bytes: AtomicU64,
    /// As long as no more bytes than this have come, what was reserved is enough for them.
    enough_bytes: AtomicU64,
    /// Something else has happened since it was looked whether what was reserved is enough.
    is_news: AtomicBool,
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
    /// It has begun to answer, at these prices if they are known.
    began: Option<Option<Prices>>,
    /// It has said its last word.
    is_whole: bool,
}

impl Attempt {
    /// What it counts as, if by the length of what has come it must be `received` at least. Where a provider may have charged and has not said how much, that is the estimate; where it has
    /// broken off, what it said so far is the least, and so is what has come: a caller who leaves before the end, or an
    /// answer that is longer than was thought, is not cheaper for it.
    fn cost(&self, estimate: Amounts, received: Amounts) -> Amounts {
        let asked = Amounts { requests: 1, ..Amounts::default() };
        match self {
            Self { is_sent: false, .. } => Amounts::default(),
            Self { is_free: true, used: None, .. } => asked,
            Self { used: Some(used), is_whole: true, .. } => used.or_more(asked),
            Self { used, .. } => estimate.or_more(used.unwrap_or_default()).or_more(received),
        }
    }

    /// What it has used at least, as far as that has come. What a provider tells in the middle is not the last of it.
    fn known(&self, received: Amounts) -> Amounts {
        match self.used {
            Some(used) if self.is_whole => used,
            used => used.unwrap_or_default().or_more(received),
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
        Self {
            counters,
            estimate,
            input_tokens,
            is_budgeted,
            wait,
            text_bytes: AtomicU64::new(0),
            enough_bytes: AtomicU64::new(0),
            is_news: AtomicBool::new(false),
            state,
        }
    }

    /// Change what is known; it is looked then whether what was reserved is still enough.
    fn change(&self, change: impl FnOnce(&mut State)) {
        let mut state = self.state();
        change(&mut state);
        self.is_news.store(true, Ordering::Relaxed);
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
        self.change(|state| {
            state.earlier = self.so_far(state);
            state.attempt = Attempt { is_sent: true, ..Attempt::default() };
            self.text_bytes.store(0, Ordering::Relaxed);
        });
    }

    /// It turned out that nothing was sent to it.
    pub fn was_not_sent(&self) {
        self.change(|state| state.attempt.is_sent = false);
    }

    /// It answers with an error.
    pub fn was_free(&self) {
        self.change(|state| state.attempt.is_free = true);
    }

    /// Somebody is asked, if anybody, who charges nothing for it.
    pub fn is_a_request_alone(&self) {
        self.asks();
        self.was_free();
    }

    /// It begins to answer, at these prices if they are known.
    pub fn begins(&self, prices: Option<Prices>) {
        self.change(|state| state.attempt.began = Some(prices));
    }

    /// It says what was used so far, and what that costs.
    pub fn used(&self, usage: Usage, money: Money) {
        self.change(|state| state.attempt.used = Some(amounts(usage, money)));
    }

    /// So many more bytes of the text of its answer have come.
    pub fn received(&self, text_bytes: usize) {
        // A sum of what is in memory, or was, is far from the largest number.
        self.text_bytes.fetch_add(text_bytes as u64, Ordering::Relaxed);
    }

    /// It has said its last word: what it said of usage is all.
    pub fn is_whole(&self) {
        self.change(|state| state.attempt.is_whole = true);
    }

    /// The exchange is over. Only the first call counts.
    pub fn settle(&self) {
        let mut state = self.state();
        if std::mem::replace(&mut state.is_settled, true) {
            return;
        }
        let all = self.so_far(&state);
        self.counters.settle(&mut state.hold, all, true);
        self.is_news.store(true, Ordering::Relaxed);
    }

    /// Where the answer is whole or the exchange over, wait until what it has used would survive the end of this process, as
    /// long as that may take: before that no caller is told the end. In the middle of an answer nobody waits, and it is looked
    /// whether what was reserved is still enough.
    pub async fn is_on_record(&self) {
        if let Some(number) = self.recorded()
            && !self.counters.is_written(number)
        {
            // On the heap, as hardly anybody waits: what asks with each piece of an answer stays small.
            Box::pin(self.waits_for(number)).await;
        }
    }

    async fn waits_for(&self, number: u64) {
        if timeout(self.wait, self.counters.written(number)).await.is_err() {
            warn!("what an exchange has used is not written in time; a crash now would lose it");
        }
    }

    /// The number to wait for, if there is something to wait for. Where more is used than was reserved, that is reserved too,
    /// and a part of it more: not with each word of a long answer.
    fn recorded(&self) -> Option<u64> {
        let has_enough = self.text_bytes.load(Ordering::Relaxed) <= self.enough_bytes.load(Ordering::Relaxed);
        if has_enough && !self.is_news.load(Ordering::Relaxed) {
            return None;
        }
        let mut state = self.state();
        if state.is_settled {
            return Some(state.hold.number);
        }
        let known = self.known(&state);
        if !known.is_within(state.hold.amounts) {
            let more = known.and_a_quarter().or_more(state.hold.amounts).countable();
            self.counters.settle(&mut state.hold, more, false);
        }
        if state.attempt.is_whole {
            return Some(state.hold.number);
        }
        self.is_news.store(false, Ordering::Relaxed);
        self.enough_bytes.store(self.enough(&state, known), Ordering::Relaxed);
        None
    }

    /// With how many bytes of text what was reserved is still enough, if `known` is used so far.
    fn enough(&self, state: &State, known: Amounts) -> u64 {
        let reserved = state.hold.amounts;
        let tokens = reserved.tokens.saturating_sub(known.tokens);
        let money = reserved.money.saturating_sub(known.money);
        let affordable = state.attempt.began.flatten().map_or(u64::MAX, |prices| {
            prices.usual.output.max(prices.long.map_or(Money::ZERO, |long| long.rates.output)).tokens_for(money)
        });
        self.text_bytes.load(Ordering::Relaxed).saturating_add(bytes_of(tokens.min(affordable)))
    }

    /// What it counts as so far, with earlier attempts.
    fn so_far(&self, state: &State) -> Amounts {
        once(state.earlier + state.attempt.cost(self.estimate, self.received_by(&state.attempt)))
    }

    /// What is known to be used so far, with earlier attempts.
    fn known(&self, state: &State) -> Amounts {
        once(state.earlier + state.attempt.known(self.received_by(&state.attempt)))
    }

    /// What an attempt has used at least, by the length of what has come of its answer.
    fn received_by(&self, attempt: &Attempt) -> Amounts {
        let Some(prices) = attempt.began else { return Amounts::default() };
        let tokens = |tokens: u64| u32::try_from(tokens).unwrap_or(u32::MAX);
        let output_tokens = tokens(tokens_of(self.text_bytes.load(Ordering::Relaxed)));
        let usage = Usage { input_tokens: tokens(self.input_tokens), output_tokens, ..Usage::default() };
        amounts(usage, prices.map(|prices| prices.of(&usage)).unwrap_or_default())
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

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use super::*;
    use crate::config::OnFailure;
    use crate::limits::{Account, Budget, Limits};
    use crate::prices::Rates;
    use crate::store::counters::{Clock, Embedded, Reserved};

    const TOKENS: u64 = 100;

    /// A reservation of so much money, a hundred tokens of which none are the request's, and what looks after it.
    fn reserved(nanodollars: u64) -> (Arc<Embedded>, Reservation) {
        let limits = Limits { tokens_per_day: Some(1_000_000), ..Limits::default() };
        let budget = Budget { total: Some("1".parse().unwrap()), ..Budget::default() };
        let accounts = Arc::new([Account { name: "key:k".into(), limits, budget }]);
        let counters = Arc::new(Embedded::open(None, OnFailure::Closed, Clock::default()).unwrap());
        let amounts = Amounts { requests: 1, tokens: TOKENS, money: Money::from_nanodollars(nanodollars) };
        let Reserved::Granted(hold, _) = counters.reserve_now(&(accounts as Arc<[Account]>), amounts).unwrap() else {
            panic!("there is no room");
        };
        (counters.clone(), Reservation::new(counters, hold, 0, true, Duration::from_secs(1)))
    }

    /// A token of the answer costs so many billionths of a dollar.
    fn prices(nanodollars: u64) -> Prices {
        let output = Money::from_nanodollars(nanodollars * 1_000_000);
        Prices { usual: Rates { output, ..Rates::default() }, long: None }
    }

    fn holds(reservation: &Reservation) -> (u64, u64) {
        let amounts = reservation.state().hold.amounts;
        (amounts.tokens, amounts.money.nanodollars())
    }

    /// Let an answer come in pieces of a token; gives with which of them more was reserved.
    async fn comes(reservation: &Reservation, pieces: u64) -> Vec<u64> {
        let mut more = Vec::new();
        for piece in 1..=pieces {
            let before = holds(reservation);
            reservation.received(usize::try_from(bytes_of(1)).unwrap());
            reservation.is_on_record().await;
            more.extend((holds(reservation) != before).then_some(piece));
        }
        more
    }

    #[tokio::test]
    async fn more_is_reserved_with_the_first_piece_that_there_is_not_enough_for_and_a_quarter_ahead() {
        // Tokens are used up first, or money; the price may be higher than was thought.
        for (money, price, expected) in [(1_000, 1, [101, 127]), (50, 1, [51, 64]), (50, 5, [11, 14])] {
            let (_counters, reservation) = reserved(money);
            reservation.asks();
            reservation.begins(Some(prices(price)));
            let more = comes(&reservation, expected[1]).await;
            assert_eq!(more, expected, "{money} for tokens at {price}");
        }
    }

    #[tokio::test]
    async fn an_answer_of_which_no_price_is_known_takes_tokens_alone() {
        let (_counters, reservation) = reserved(1);
        reservation.asks();
        reservation.begins(None);
        assert_eq!(comes(&reservation, TOKENS + 1).await, [TOKENS + 1]);
        assert_eq!(holds(&reservation), (126, 1));
    }

    #[tokio::test]
    async fn what_an_earlier_attempt_has_used_is_not_there_for_the_next() {
        let (_counters, reservation) = reserved(1_000);
        reservation.asks();
        reservation.begins(Some(prices(1)));
        assert_eq!(comes(&reservation, 60).await, [0; 0]);
        reservation.used(Usage { output_tokens: 60, ..Usage::default() }, Money::from_nanodollars(60));
        reservation.is_whole();
        reservation.asks();
        assert_eq!(comes(&reservation, 50).await, [0; 0], "nobody has begun to answer");
        reservation.begins(Some(prices(1)));
        reservation.is_on_record().await;
        assert_eq!(holds(&reservation).0, (60 + 50) * 5 / 4);
    }

    #[tokio::test]
    async fn what_is_said_of_usage_counts_at_once() {
        let (_counters, reservation) = reserved(1_000);
        reservation.asks();
        reservation.begins(Some(prices(1)));
        assert_eq!(comes(&reservation, 1).await, [0; 0]);
        reservation.used(Usage { output_tokens: 200, ..Usage::default() }, Money::from_nanodollars(200));
        reservation.is_on_record().await;
        assert_eq!(holds(&reservation).0, 250);
        reservation.is_whole();
        reservation.settle();
        assert_eq!(holds(&reservation), (200, 200));
    }
}
