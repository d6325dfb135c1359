//! Work for a thread of its own, bounded in number and bytes: what does not fit is refused at once, and what nobody waits for
//! any more is not done.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, TrySendError, sync_channel};

use tokio::sync::oneshot;

/// Where work is handed in.
#[derive(Debug)]
pub(crate) struct Queue<Asked, Told> {
    sender: SyncSender<Waiting<Asked, Told>>,
    bytes: Arc<AtomicUsize>,
    bytes_max: usize,
}

/// Why work is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// Too much waits already.
    Full,
    /// The thread has ended.
    Gone,
}

/// Work that waits, and whom to tell what came of it.
#[derive(Debug)]
pub(crate) struct Waiting<Asked, Told> {
    pub(crate) asked: Asked,
    teller: oneshot::Sender<Told>,
    room: Room,
}

/// The bytes that something takes as long as it waits.
#[derive(Debug)]
struct Room {
    bytes: usize,
    all: Arc<AtomicUsize>,
}

impl Drop for Room {
    fn drop(&mut self) {
        self.all.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// What the thread takes its work from.
#[derive(Debug)]
pub(crate) struct Work<Asked, Told>(Receiver<Waiting<Asked, Told>>);

/// A queue for so many pieces of work and so many bytes, and a thread of this name that works on them.
///
/// # Errors
/// When there can be no thread.
pub(crate) fn on_thread<Asked: Send + 'static, Told: Send + 'static>(
    name: &str,
    waiting_max: usize,
    bytes_max: usize,
    work: impl FnOnce(Work<Asked, Told>) + Send + 'static,
) -> std::io::Result<Queue<Asked, Told>> {
    let (queue, waiting) = queue(waiting_max, bytes_max);
    std::thread::Builder::new().name(name.to_owned()).spawn(move || work(waiting))?;
    Ok(queue)
}

pub(crate) fn queue<Asked, Told>(waiting_max: usize, bytes_max: usize) -> (Queue<Asked, Told>, Work<Asked, Told>) {
    let (sender, work) = sync_channel(waiting_max);
    (Queue { sender, bytes: Arc::default(), bytes_max }, Work(work))
}

impl<Asked, Told> Queue<Asked, Told> {
    /// Hand in some work that takes so many bytes.
    ///
    /// # Errors
    /// When it does not fit, or nobody works any more.
    pub(crate) fn send(&self, asked: Asked, bytes: usize) -> Result<oneshot::Receiver<Told>, Refused> {
        let (teller, told) = oneshot::channel();
        let before = self.bytes.fetch_add(bytes, Ordering::Relaxed);
        let room = Room { bytes, all: self.bytes.clone() };
        if before.saturating_add(bytes) > self.bytes_max {
            return Err(Refused::Full);
        }
        self.sender.try_send(Waiting { asked, teller, room }).map(|()| told).map_err(|error| match error {
            TrySendError::Full(_) => Refused::Full,
            TrySendError::Disconnected(_) => Refused::Gone,
        })
    }

    /// Bytes of all that waits.
    #[cfg(test)]
    pub(crate) fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }
}

impl<Asked, Told> Work<Asked, Told> {
    /// What waits, up to so many pieces, without those whose time was up; nothing when nobody can hand in any more.
    pub(crate) fn together(&self, most: usize) -> Option<Vec<Waiting<Asked, Told>>> {
        let mut together = vec![self.0.recv().ok()?];
        while together.len() < most
            && let Ok(next) = self.0.try_recv()
        {
            together.push(next);
        }
        together.retain(|waiting| !waiting.teller.is_closed());
        Some(together)
    }

    /// The same, but nothing is waited for: there is something else to do. There may be none.
    pub(crate) fn waiting(&self, most: usize) -> Option<Vec<Waiting<Asked, Told>>> {
        let mut waiting = Vec::new();
        while waiting.len() < most {
            match self.0.try_recv() {
                Ok(next) => waiting.push(next),
                Err(TryRecvError::Empty) => break,
                Err(TryRecvError::Disconnected) if waiting.is_empty() => return None,
                Err(TryRecvError::Disconnected) => break,
            }
        }
        waiting.retain(|waiting| !waiting.teller.is_closed());
        Some(waiting)
    }
}

impl<Asked, Told> Waiting<Asked, Told> {
    /// Tell what came of it. It waits no more when that is told.
    pub(crate) fn tell(self, told: Told) {
        let Self { teller, room, .. } = self;
        drop(room);
        let _ = teller.send(told);
    }
}
