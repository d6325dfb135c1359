//! Answers and meanings of one gateway: in memory, and in a file of their own behind it. What a cache keeps may be lost
//! at any time, so the file is written without waiting for the disk, and one that cannot be read is made anew.

mod file;
mod memory;
mod nearest;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, ready};
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::{Answers, Digest, Failure, Kept, Meaning, Meanings, Near, PURGE_TIME, Purge, Vector, is_unit};
use crate::config;
use crate::queue::{Queue, Refused, on_thread};
use crate::store::counters::Clock;
use file::{File, Step, Told};
use memory::Memory;
use nearest::Index;

/// Steps that wait for a thread; further ones are refused.
const WAITING_MAX: usize = 4_096;
/// Bytes of all that waits for a thread.
const WAITING_BYTES_MAX: usize = 64 << 20;

/// The answers and meanings of one gateway.
#[derive(Debug)]
pub struct Embedded(Arc<Threads>);

/// What a thread is asked, and tells.
type Steps<Asked, Told> = Queue<Asked, Result<Told, Failure>>;

/// The memory, and the threads behind it.
#[derive(Debug)]
struct Threads {
    bounds: config::Cache,
    clock: Clock,
    memory: Arc<Memory>,
    /// Started with the first step: where nothing is kept, no file is made.
    file: OnceLock<Result<Steps<Step, Told>, String>>,
    index: OnceLock<Result<Steps<nearest::Step, nearest::Told>, String>>,
}

impl Embedded {
    /// A cache within these bounds.
    #[must_use]
    pub fn new(bounds: config::Cache, clock: Clock) -> Self {
        let memory = Arc::new(Memory::new(bounds.memory_bytes_max));
        Self(Arc::new(Threads { bounds, clock, memory, file: OnceLock::new(), index: OnceLock::new() }))
    }
}

impl Threads {
    fn ask_file(&self, step: Step) -> Asked<Told> {
        let start = || {
            let mut file = File::new(&self.bounds, self.clock.clone(), self.memory.clone());
            let queue = on_thread("cache", WAITING_MAX, WAITING_BYTES_MAX, move |work| file.work(&work));
            queue.map_err(|error| format!("starting the thread of the cache: {error}"))
        };
        let bytes = step.bytes();
        ask(self.file.get_or_init(start), step, bytes)
    }

    fn ask_index(&self, step: nearest::Step) -> Asked<nearest::Told> {
        let start = || {
            let mut index = Index::new(&self.bounds, self.clock.clone());
            let queue = on_thread("cache-vectors", WAITING_MAX, WAITING_BYTES_MAX, move |work| index.work(&work));
            queue.map_err(|error| format!("starting the thread of the vectors: {error}"))
        };
        let bytes = step.bytes();
        ask(self.index.get_or_init(start), step, bytes)
    }
}

/// What will be told, unless the step was refused.
type Asked<Told> = Result<oneshot::Receiver<Result<Told, Failure>>, Failure>;

/// Hand a step that takes so many bytes to a thread, if there is one.
fn ask<Step, Told>(thread: &Result<Steps<Step, Told>, String>, step: Step, bytes: usize) -> Asked<Told> {
    let queue = thread.as_ref().map_err(|why| Failure::Unavailable(why.clone()))?;
    queue.send(step, bytes).map_err(|refused| match refused {
        Refused::Full => Failure::Busy,
        Refused::Gone => Failure::Unavailable(GONE.to_owned()),
    })
}

/// Said where the thread has ended.
const GONE: &str = "the thread of the cache is gone";

/// What a thread tells, in time.
async fn told<T>(asked: Asked<T>, wait: Duration) -> Result<T, Failure> {
    let told = timeout(wait, asked?).await.map_err(|_| Failure::Timeout)?;
    told.unwrap_or(Err(Failure::Unavailable(GONE.to_owned())))
}

impl Answers for Embedded {
    fn get(&self, key: Digest) -> BoxFuture<'static, Result<Option<Arc<Kept>>, Failure>> {
        if let Some(kept) = self.0.memory.get(&key, self.0.clock.now()) {
            return ready(Ok(Some(kept))).boxed();
        }
        let (asked, wait) = (self.0.ask_file(Step::Get(key)), self.0.bounds.wait);
        async move {
            match told(asked, wait).await? {
                Told::Kept(kept) => Ok(kept),
                Told::Done | Told::Purged(_) => Err(Failure::Garbage),
            }
        }
        .boxed()
    }

    fn put(&self, kept: Arc<Kept>) -> BoxFuture<'static, Result<(), Failure>> {
        if kept.bytes() > self.0.bounds.entry_bytes_max {
            return ready(Err(Failure::Full)).boxed();
        }
        self.0.memory.put(kept.clone());
        let (asked, wait) = (self.0.ask_file(Step::Put(kept)), self.0.bounds.wait);
        async move { told(asked, wait).await.map(drop) }.boxed()
    }

    fn purge(&self, purge: Purge) -> BoxFuture<'static, Result<u64, Failure>> {
        // Also where the file cannot be asked; and once more in its turn, as what is read there meanwhile comes back.
        self.0.memory.purge(&purge);
        let asked = self.0.ask_file(Step::Purge(purge));
        async move {
            match told(asked, PURGE_TIME).await? {
                Told::Purged(count) => Ok(count),
                Told::Done | Told::Kept(_) => Err(Failure::Garbage),
            }
        }
        .boxed()
    }
}

impl Meanings for Embedded {
    fn nearest(
        &self,
        partition: Digest,
        vector: Vector,
        least: f32,
        most: usize,
    ) -> BoxFuture<'static, Result<Vec<Near>, Failure>> {
        if !is_unit(&vector) {
            return ready(Err(Failure::Garbage)).boxed();
        }
        let asked = self.0.ask_index(nearest::Step::Find { partition, vector, least, most });
        let wait = self.0.bounds.wait;
        async move {
            match told(asked, wait).await? {
                nearest::Told::Near(near) => Ok(near),
                nearest::Told::Done => Err(Failure::Garbage),
            }
        }
        .boxed()
    }

    fn put(&self, meaning: Arc<Meaning>) -> BoxFuture<'static, Result<(), Failure>> {
        if !is_unit(&meaning.vector) {
            return ready(Err(Failure::Garbage)).boxed();
        }
        let indexed = self.0.ask_index(nearest::Step::Add(meaning.clone()));
        let (written, wait) = (self.0.ask_file(Step::PutMeaning(meaning)), self.0.bounds.wait);
        async move {
            let (indexed, written) = tokio::join!(told(indexed, wait), told(written, wait));
            indexed.and(written.map(drop))
        }
        .boxed()
    }

    fn purge(&self, purge: Purge) -> BoxFuture<'static, Result<u64, Failure>> {
        let threads = self.0.clone();
        async move {
            // The file first: the index is filled from it. And the index in any case.
            let written = told(threads.ask_file(Step::PurgeMeanings(purge.clone())), PURGE_TIME).await;
            told(threads.ask_index(nearest::Step::Purge(purge)), PURGE_TIME).await?;
            match written? {
                Told::Purged(count) => Ok(count),
                Told::Done | Told::Kept(_) => Err(Failure::Garbage),
            }
        }
        .boxed()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
