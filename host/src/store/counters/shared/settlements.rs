//! Settlements on their way to the shared store, from one task of the gateway. Exchanges hand them over and go on. What
//! cannot be sent is tried again until it is; what is lost with the process counts as it was reserved.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::join_all;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval, sleep};
use tracing::{info, warn};
use uuid::Uuid;

use super::Server;
use crate::limits::{Account, Amounts};
use crate::store::counters::{Hold, Moment};

/// Settlements that wait while the store is away: an hour at thirty a second. Those past it count as they were reserved.
const WAITING_MAX: usize = 100_000;
/// Settlements that are under way at the same time.
const AT_ONCE: usize = 64;
/// Time between two tries.
const AGAIN: Duration = Duration::from_millis(100);

/// What a hold is to count as.
#[derive(Clone, Debug)]
pub(super) struct Settlement {
    pub(super) id: Uuid,
    pub(super) accounts: Arc<[Account]>,
    pub(super) at: Moment,
    pub(super) amounts: Amounts,
    pub(super) over: bool,
    number: u64,
}

impl Settlement {
    pub(super) fn of(hold: &Hold, amounts: Amounts, over: bool) -> Self {
        Self { id: hold.id, accounts: hold.accounts.clone(), at: hold.at, amounts, over, number: 0 }
    }
}

/// The settlements of a gateway.
#[derive(Debug)]
pub(super) struct Settlements {
    waiting: Arc<Waiting>,
    done: watch::Receiver<u64>,
    sending: JoinHandle<()>,
}

#[derive(Debug, Default)]
struct Waiting {
    queue: Mutex<VecDeque<Settlement>>,
    number: AtomicU64,
    more: Notify,
}

impl Waiting {
    fn queue(&self) -> MutexGuard<'_, VecDeque<Settlement>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Settlements {
    pub(super) fn start(server: Arc<Server>) -> Self {
        let waiting = Arc::new(Waiting::default());
        let (told, done) = watch::channel(0);
        let sending = tokio::spawn(send_all(server, waiting.clone(), told));
        Self { waiting, done, sending }
    }

    /// Hand one over; gives its number.
    pub(super) fn add(&self, settlement: Settlement) -> u64 {
        let mut queue = self.waiting.queue();
        if queue.len() >= WAITING_MAX {
            drop(queue);
            warn!(
                waiting = WAITING_MAX,
                "too many settlements wait for the shared store; one counts as it was reserved"
            );
            return 0;
        }
        let number = self.waiting.number.fetch_add(1, Ordering::Relaxed) + 1;
        queue.push_back(Settlement { number, ..settlement });
        drop(queue);
        self.waiting.more.notify_one();
        number
    }

    /// The number of the last one.
    pub(super) fn last(&self) -> u64 {
        self.waiting.number.load(Ordering::Relaxed)
    }

    pub(super) fn is_done(&self, number: u64) -> bool {
        *self.done.borrow() >= number
    }

    pub(super) async fn done(&self, number: u64) {
        let _ = self.done.clone().wait_for(|done| *done >= number).await;
    }
}

impl Drop for Settlements {
    fn drop(&mut self) {
        self.sending.abort();
    }
}

/// Send settlements in their order, and say now and then that this gateway is there.
async fn send_all(server: Arc<Server>, waiting: Arc<Waiting>, told: watch::Sender<u64>) {
    let mut here = interval(server.lease / 3);
    here.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut away = false;
    loop {
        let batch: Vec<Settlement> = waiting.queue().iter().take(AT_ONCE).cloned().collect();
        let sent = if batch.is_empty() {
            tokio::select! {
                () = waiting.more.notified() => continue,
                _ = here.tick() => server.is_here().await,
            }
        } else {
            // One connection: they arrive in this order. Which of them did is not asked; to send them again is harmless.
            let all = join_all(batch.iter().map(|settlement| server.settle(settlement))).await;
            all.into_iter().collect::<Result<Vec<u64>, String>>().map(drop)
        };
        match sent {
            Ok(()) => {
                if std::mem::replace(&mut away, false) {
                    info!("the shared store is there again");
                }
                if let Some(last) = batch.last() {
                    waiting.queue().drain(..batch.len());
                    told.send_replace(last.number);
                }
            }
            Err(why) => {
                if !std::mem::replace(&mut away, true) {
                    warn!(why, "the shared store cannot be asked");
                }
                sleep(AGAIN).await;
            }
        }
    }
}
