//! What is handed over to a task of its own, and nobody waits for: bounded in number and in bytes. What does not fit is counted,
//! and lost.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{Notify, mpsc};
use tokio::time::timeout;

/// Where it is handed over.
#[derive(Debug)]
pub(crate) struct Handover<T> {
    queue: mpsc::Sender<Waiting<T>>,
    pub(crate) state: Arc<State>,
    bytes_max: usize,
}

/// Something that waits, and the bytes that it takes.
#[derive(Debug)]
pub(crate) struct Waiting<T> {
    pub(crate) what: T,
    pub(crate) bytes: usize,
}

/// How it goes, for the task and for whoever watches it.
#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) waiting: AtomicUsize,
    pub(crate) waiting_bytes: AtomicUsize,
    done: AtomicU64,
    dropped: AtomicU64,
    /// All that had been handed over before is to be done at once.
    pub(crate) hurry: Notify,
    /// Something was done, or given up.
    progress: Notify,
}

/// The same, told.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Told {
    pub(crate) waiting: u64,
    pub(crate) done: u64,
    pub(crate) dropped: u64,
}

impl<T> Handover<T> {
    /// For so many at a time, and so many bytes; the other end is for the task.
    pub(crate) fn new(waiting_max: usize, bytes_max: usize) -> (Self, mpsc::Receiver<Waiting<T>>) {
        let (queue, waiting) = mpsc::channel(waiting_max);
        (Self { queue, state: Arc::default(), bytes_max }, waiting)
    }

    /// Hand something over. Waits for nothing; says how many were lost before, if this is.
    ///
    /// # Errors
    /// When too much waits already.
    pub(crate) fn give(&self, what: T, bytes: usize) -> Result<(), u64> {
        let before = self.state.waiting_bytes.fetch_add(bytes, Ordering::Relaxed);
        self.state.waiting.fetch_add(1, Ordering::Relaxed);
        let is_full = before.saturating_add(bytes) > self.bytes_max;
        if is_full || self.queue.try_send(Waiting { what, bytes }).is_err() {
            let lost = self.state.loses(1);
            self.state.is_over(1, bytes);
            return Err(lost);
        }
        Ok(())
    }

    /// Wait until all that was handed over so far is done or lost, for so long at most; says whether it is.
    pub(crate) async fn all_done(&self, wait: Duration) -> bool {
        let all = async {
            loop {
                let progress = self.state.progress.notified();
                if self.state.waiting.load(Ordering::Acquire) == 0 {
                    return;
                }
                self.state.hurry.notify_one();
                progress.await;
            }
        };
        timeout(wait, all).await.is_ok()
    }

    /// How it goes.
    pub(crate) fn told(&self) -> Told {
        Told {
            waiting: u64::try_from(self.state.waiting.load(Ordering::Relaxed)).unwrap_or(u64::MAX),
            done: self.state.done.load(Ordering::Relaxed),
            dropped: self.state.dropped.load(Ordering::Relaxed),
        }
    }
}

impl State {
    /// Count what was done.
    pub(crate) fn does(&self, count: usize) {
        self.done.fetch_add(u64::try_from(count).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// Count what is lost; says how many were before.
    pub(crate) fn loses(&self, count: usize) -> u64 {
        self.dropped.fetch_add(u64::try_from(count).unwrap_or(u64::MAX), Ordering::Relaxed)
    }

    /// So many no longer wait: they are counted by now.
    pub(crate) fn is_over(&self, count: usize, bytes: usize) {
        self.waiting_bytes.fetch_sub(bytes, Ordering::Relaxed);
        self.waiting.fetch_sub(count, Ordering::Release);
        self.progress.notify_waiters();
    }
}

/// A task on the threads that serve, where there are some: settings are also looked at without.
pub(crate) fn spawn(task: impl Future<Output = ()> + Send + 'static) {
    if let Ok(threads) = tokio::runtime::Handle::try_current() {
        threads.spawn(task);
    }
}
