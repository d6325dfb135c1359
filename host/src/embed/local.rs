//! A sentence transformer in this process: one thread takes what waits together, and computes it with so many threads.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, try_join_all};
use rayon::ThreadPool;
use tokio::sync::oneshot;

use super::transformer::{Tokens, Transformer};
use super::{Computed, Embedder, Failure};
use crate::queue::{Queue, Refused, Waiting, Work, on_thread};

/// Texts that wait; further ones are refused.
const WAITING_MAX: usize = 1_024;
/// Bytes of all that wait.
const WAITING_BYTES_MAX: usize = 16 << 20;
/// Texts that are computed together.
const TOGETHER_MAX: usize = 64;
/// Tokens that are computed together, those that fill up shorter texts counted: about 0.2 s of one core with 384 dimensions.
const TOGETHER_TOKENS_MAX: usize = 4_096;

/// A sentence transformer, and the thread that runs it.
#[derive(Debug)]
pub struct Local {
    identity: String,
    queue: Queue<String, Vector>,
}

/// A vector, or why there is none.
type Vector = Result<Vec<f32>, String>;
/// A text.
type Task = Waiting<String, Vector>;

impl Local {
    /// Load the model in this directory, to be run with so many threads.
    ///
    /// # Errors
    /// When there is none that can be run, or there can be no threads.
    pub fn start(directory: &Path, threads: usize) -> Result<Self, String> {
        // Whatever a file says that the crates below do not expect.
        let loaded = catch_unwind(AssertUnwindSafe(|| Transformer::load(directory)));
        let (transformer, identity) = loaded.unwrap_or_else(|_| Err("it broke the loader".to_owned()))?;
        let starting = |error: &dyn std::fmt::Display| format!("starting its threads: {error}");
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .thread_name(|number| format!("embed-{number}"))
            .build()
            .map_err(|error| starting(&error))?;
        let work = move |tasks| work(&transformer, &pool, &tasks);
        let queue = on_thread("embed", WAITING_MAX, WAITING_BYTES_MAX, work).map_err(|error| starting(&error))?;
        Ok(Self { identity, queue })
    }

    fn send(&self, text: String) -> Result<oneshot::Receiver<Vector>, Failure> {
        let bytes = text.len();
        self.queue.send(text, bytes).map_err(|refused| match refused {
            Refused::Full => Failure::Busy,
            Refused::Gone => Failure::Unavailable("the embedder's thread is gone".to_owned()),
        })
    }
}

impl Embedder for Local {
    fn embed(&self, texts: Vec<String>) -> BoxFuture<'static, Result<Computed, Failure>> {
        // Where one is refused, the others are dropped, and not computed either.
        let sent: Result<Vec<_>, Failure> = texts.into_iter().map(|text| self.send(text)).collect();
        async move {
            let vector = |told: oneshot::Receiver<Vector>| async {
                let gone = |_| Failure::Unavailable("a text broke the embedder".to_owned());
                told.await.map_err(gone)?.map_err(Failure::Unavailable)
            };
            let vectors = try_join_all(sent?.into_iter().map(vector)).await?;
            Ok(Computed { vectors, tokens: 0 })
        }
        .boxed()
    }

    fn identity(&self) -> &str {
        &self.identity
    }
}

/// Work until nobody can ask any more.
fn work(transformer: &Transformer, pool: &ThreadPool, tasks: &Work<String, Vector>) {
    while let Some(together) = tasks.together(TOGETHER_MAX) {
        // Who waits for a text that breaks it learns of that by the end of its channel.
        let _ = catch_unwind(AssertUnwindSafe(|| pool.install(|| tell_all(transformer, together))));
    }
}

/// Compute the vectors of some texts, the short ones with the short ones.
fn tell_all(transformer: &Transformer, tasks: Vec<Task>) {
    let mut waiting = Vec::with_capacity(tasks.len());
    for task in tasks {
        match transformer.tokens(&task.asked) {
            Ok(tokens) => waiting.push((tokens, task)),
            Err(why) => task.tell(Err(why)),
        }
    }
    waiting.sort_by_key(|(tokens, _)| tokens.len());
    let mut waiting = waiting.into_iter().peekable();
    let mut batch: Vec<(Tokens, Task)> = Vec::new();
    while let Some(one) = waiting.next() {
        batch.push(one);
        let next_is_too_much =
            waiting.peek().is_none_or(|(next, _)| next.len().saturating_mul(batch.len() + 1) > TOGETHER_TOKENS_MAX);
        if next_is_too_much {
            tell(transformer, std::mem::take(&mut batch));
        }
    }
}

fn tell(transformer: &Transformer, batch: Vec<(Tokens, Task)>) {
    let tokens: Vec<&Tokens> = batch.iter().map(|(tokens, _)| tokens).collect();
    match transformer.vectors(&tokens) {
        Ok(vectors) => batch.into_iter().zip(vectors).for_each(|((_, task), vector)| task.tell(Ok(vector))),
        Err(why) => batch.into_iter().for_each(|(_, task)| task.tell(Err(why.clone()))),
    }
}
