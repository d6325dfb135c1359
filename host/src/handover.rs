//! What is handed over to a task of its own, and nobody waits for: bounded in number and in bytes. What does not fit is counted,
//! and lost.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{sleep, timeout};

/// Where it is handed over.
#[derive(Debug)]
pub(crate) struct Handover<T> {
    queue: Arc<Queue<T>>,
    pub(crate) state: Arc<State>,
    waiting_max: usize,
    bytes_max: usize,
    /// How many are as many as are taken together.
    together_max: usize,
}

/// The other end, for the task.
#[derive(Debug)]
pub(crate) struct Taking<T> {
    queue: Arc<Queue<T>>,
    pub(crate) state: Arc<State>,
    together_max: usize,
}

/// What waits, the first first.
type Queue<T> = Mutex<VecDeque<Waiting<T>>>;

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
    /// There will be no more.
    is_closed: AtomicBool,
    /// Something waits where nothing did, or there will be no more.
    arrival: Notify,
    /// What waits is to be taken at once.
    hurry: Notify,
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
    /// For so many at a time, and so many bytes, of which the task takes some together; and the other end.
    pub(crate) fn new(waiting_max: usize, bytes_max: usize, together_max: usize) -> (Self, Taking<T>) {
        let (queue, state) = (Arc::<Queue<T>>::default(), Arc::<State>::default());
        let taking = Taking { queue: queue.clone(), state: state.clone(), together_max };
        (Self { queue, state, waiting_max, bytes_max, together_max }, taking)
    }

    /// Hand something over. Waits for nothing; says how many were lost before, if this is.
    ///
    /// # Errors
    /// When too much waits already.
    pub(crate) fn give(&self, what: T, bytes: usize) -> Result<(), u64> {
        let before = self.state.waiting_bytes.fetch_add(bytes, Ordering::Relaxed);
        self.state.waiting.fetch_add(1, Ordering::Relaxed);
        let has_room = before.saturating_add(bytes) <= self.bytes_max;
        let Some(waiting) = has_room.then(|| self.push(Waiting { what, bytes })).flatten() else {
            let lost = self.state.loses(1);
            self.state.is_over(1, bytes);
            return Err(lost);
        };
        if waiting == 1 {
            self.state.arrival.notify_one();
        }
        if waiting == self.together_max {
            self.state.hurry.notify_one();
        }
        Ok(())
    }

    /// Says how many wait then, if there is room.
    fn push(&self, waiting: Waiting<T>) -> Option<usize> {
        let mut queue = lock(&self.queue);
        let has_room = queue.len() < self.waiting_max;
        has_room.then(|| {
            queue.push_back(waiting);
            queue.len()
        })
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

impl<T> Taking<T> {
    /// What waits, as many as are taken together, or those that came while the first of them waited for so long; nothing if
    /// there will be no more. What is dropped before it is ready loses nothing.
    ///
    /// Whoever hands something over wakes nobody but for the first of a batch and for one that makes it full.
    pub(crate) async fn together(&mut self, wait: Duration) -> Option<Vec<Waiting<T>>> {
        if !self.arrives().await {
            return None;
        }
        if self.waiting() < self.together_max {
            tokio::select! {
                () = sleep(wait) => {}
                () = self.state.hurry.notified() => {}
            }
        }
        let mut queue = lock(&self.queue);
        let count = queue.len().min(self.together_max);
        Some(queue.drain(..count).collect())
    }

    /// Wait until something waits; says whether anything does, or nothing ever will.
    async fn arrives(&self) -> bool {
        loop {
            // What was handed over before it was closed is there by then.
            let is_closed = self.state.is_closed.load(Ordering::Acquire);
            if self.waiting() > 0 || is_closed {
                return self.waiting() > 0;
            }
            self.state.arrival.notified().await;
        }
    }

    fn waiting(&self) -> usize {
        lock(&self.queue).len()
    }
}

impl<T> Drop for Handover<T> {
    fn drop(&mut self) {
        self.state.is_closed.store(true, Ordering::Release);
        self.state.arrival.notify_one();
        self.state.hurry.notify_one();
    }
}

fn lock<T>(queue: &Queue<T>) -> MutexGuard<'_, VecDeque<Waiting<T>>> {
    queue.lock().unwrap_or_else(PoisonError::into_inner)
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

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(3_600);

    async fn taken(taking: &mut Taking<u32>, wait: Duration) -> Vec<u32> {
        taking.together(wait).await.unwrap().into_iter().map(|waiting| waiting.what).collect()
    }

    #[tokio::test]
    async fn a_full_batch_waits_for_nobody() {
        let (handover, mut taking) = Handover::new(100, 100, 3);
        (0..7).for_each(|number| handover.give(number, 0).unwrap());
        assert_eq!([taken(&mut taking, LONG).await, taken(&mut taking, LONG).await], [[0, 1, 2], [3, 4, 5]]);
        let (handover, mut taking) = Handover::new(100, 100, 3);
        handover.give(0, 0).unwrap();
        let more = async { (1..4).for_each(|number| handover.give(number, 0).unwrap()) };
        assert_eq!(tokio::join!(taken(&mut taking, LONG), more).0, [0, 1, 2], "it is full by then");
    }

    #[tokio::test]
    async fn the_first_of_a_batch_waits_so_long_for_others() {
        let (handover, mut taking) = Handover::new(100, 100, 3);
        handover.give(1, 0).unwrap();
        assert_eq!(taken(&mut taking, Duration::ZERO).await, [1]);
        drop(handover);
        assert!(taking.together(LONG).await.is_none(), "there will be no more");
    }

    #[tokio::test]
    async fn what_was_taken_is_not_lost_with_whoever_waits() {
        let (handover, mut taking) = Handover::new(100, 100, 3);
        handover.give(1, 0).unwrap();
        tokio::select! {
            biased;
            _ = taking.together(LONG) => unreachable!("it waits for others"),
            () = std::future::ready(()) => {}
        }
        handover.give(2, 0).unwrap();
        assert_eq!(taken(&mut taking, Duration::ZERO).await, [1, 2]);
    }

    #[tokio::test]
    async fn whoever_wants_all_of_it_done_need_not_wait() {
        let (handover, mut taking) = Handover::new(100, 100, 3);
        handover.give(1, 1).unwrap();
        let task = async {
            assert_eq!(taken(&mut taking, LONG).await, [1]);
            taking.state.is_over(1, 1);
        };
        assert!(tokio::join!(handover.all_done(LONG), task).0);
    }
}
