//! What is to be told of alerts, until the webhook has taken it or it is too old to be of use. One that hangs or fails keeps nothing
//! waiting but what is told of the same alert: that comes in order.

use std::collections::{HashSet, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep};
use tracing::{info, warn};

use super::message::Message;
use crate::config::Webhook;
use crate::webhook;

/// Messages that may wait: a few for each of hundreds of budgets. Each is less than a kilobyte.
const WAITING_MAX: usize = 1_000;
/// Messages that are under way at the same time.
const UNDER_WAY_MAX: usize = 8;
/// Tries of a message: with the pauses between them, two and a half hours. An alert of this morning is of no use tonight.
const TRIES_MAX: u32 = 5;
/// The longest time between two looks at where messages go: the settings may have changed.
const LOOK: Duration = Duration::from_secs(5);

/// Messages that wait.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    waiting: Mutex<VecDeque<Waiting>>,
    news: Notify,
    counts: Counts,
}

/// What came of messages since the process began.
#[derive(Debug, Default)]
struct Counts {
    /// Those that were taken.
    delivered: AtomicU64,
    /// Tries that failed.
    failed: AtomicU64,
    /// Those whose last try has failed.
    given_up: AtomicU64,
    /// Those for which there was no room, or no webhook any more.
    dropped: AtomicU64,
}

#[derive(Clone, Debug)]
struct Waiting {
    message: Message,
    /// Those that have failed.
    tries: u32,
    next: Instant,
    is_under_way: bool,
}

impl Outbox {
    /// Put a message in. Waits for nothing.
    pub(super) fn put(&self, message: Message) {
        let rule = message.rule.as_str();
        let mut waiting = self.waiting();
        if waiting.len() >= WAITING_MAX {
            warn!(rule, waiting = waiting.len(), "an alert is told to nobody: too much waits for the webhook");
            add(&self.counts.dropped);
            return;
        }
        waiting.push_back(Waiting { message, tries: 0, next: Instant::now(), is_under_way: false });
        self.news.notify_one();
    }

    /// How many messages wait.
    pub(super) fn len(&self) -> usize {
        self.waiting().len()
    }

    /// What came of messages so far, by its word.
    pub(super) fn told(&self) -> [(&'static str, u64); 4] {
        let Counts { delivered, failed, given_up, dropped } = &self.counts;
        let all = [("delivered", delivered), ("failed", failed), ("given-up", given_up), ("dropped", dropped)];
        all.map(|(word, count)| (word, count.load(Ordering::Relaxed)))
    }

    /// Send what is put in, by `send`, to where `webhook` says at each time. Never ends.
    pub(super) async fn deliver<S: Future<Output = Result<(), String>>>(
        &self,
        webhook: impl Fn() -> Option<Webhook>,
        send: impl Fn(Webhook, Message) -> S,
    ) {
        let mut under_way = FuturesUnordered::new();
        let mut last = None;
        loop {
            let now = webhook();
            // Whoever was away may be reached at another address.
            if now != last {
                self.try_all_again(Instant::now());
                last.clone_from(&now);
            }
            match &now {
                Some(webhook) => {
                    let room = UNDER_WAY_MAX.saturating_sub(under_way.len());
                    for message in self.due(room, Instant::now()) {
                        let (id, sending) = (message.id.clone(), send(webhook.clone(), message));
                        under_way.push(async move { (id, sending.await) });
                    }
                }
                None => self.forget_all(),
            }
            let wait = self.until_due(under_way.len(), Instant::now());
            tokio::select! {
                Some((id, sent)) = under_way.next() => self.was_sent(&id, sent, Instant::now()),
                () = self.news.notified() => {}
                () = sleep(wait) => {}
            }
        }
    }

    /// Up to so many messages that are due, of each alert the oldest; they are under way from now on.
    fn due(&self, most: usize, now: Instant) -> Vec<Message> {
        let (mut alerts, mut due) = (HashSet::new(), Vec::new());
        for waiting in self.waiting().iter_mut() {
            let is_first = alerts.insert(waiting.message.alert.clone());
            if due.len() < most && is_first && !waiting.is_under_way && waiting.next <= now {
                waiting.is_under_way = true;
                due.push(waiting.message.clone());
            }
        }
        due
    }

    /// How long it is to the next one that is due, or to the next look.
    fn until_due(&self, under_way: usize, now: Instant) -> Duration {
        if under_way >= UNDER_WAY_MAX {
            return LOOK;
        }
        let mut alerts = HashSet::new();
        let waiting = self.waiting();
        let firsts = waiting.iter().filter(|waiting| alerts.insert(&waiting.message.alert));
        let nexts = firsts.filter(|waiting| !waiting.is_under_way).map(|waiting| waiting.next);
        nexts.min().map_or(LOOK, |next| next.saturating_duration_since(now).min(LOOK))
    }

    fn was_sent(&self, id: &str, sent: Result<(), String>, now: Instant) {
        let mut waiting = self.waiting();
        let Some(index) = waiting.iter().position(|waiting| &*waiting.message.id == id) else { return };
        let Some(one) = waiting.get_mut(index) else { return };
        let (rule, alert) = (one.message.rule.as_str(), &*one.message.alert);
        let is_done = match sent {
            Ok(()) => {
                info!(rule, alert, "the webhook has taken what was told of an alert");
                add(&self.counts.delivered);
                true
            }
            Err(why) if one.tries + 1 >= TRIES_MAX => {
                warn!(rule, alert, why, tries = TRIES_MAX, "the webhook was not told of an alert, and will not be");
                add(&self.counts.failed);
                add(&self.counts.given_up);
                true
            }
            Err(why) => {
                let pause = webhook::pause(one.tries);
                let next_ms = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX);
                warn!(rule, alert, why, next_ms, "the webhook was not told of an alert; it is tried again");
                add(&self.counts.failed);
                (one.tries, one.next, one.is_under_way) = (one.tries + 1, now + pause, false);
                false
            }
        };
        if is_done {
            waiting.remove(index);
        }
    }

    fn try_all_again(&self, now: Instant) {
        self.waiting().iter_mut().for_each(|waiting| waiting.next = now);
    }

    fn forget_all(&self) {
        for _ in self.waiting().drain(..) {
            add(&self.counts.dropped);
        }
    }

    fn waiting(&self) -> MutexGuard<'_, VecDeque<Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn add(count: &AtomicU64) {
    count.fetch_add(1, Ordering::Relaxed);
}

#[cfg(test)]
mod tests;
