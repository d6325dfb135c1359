//! The thread that reads and compiles what comes from outside. It is one: what compiling leaves behind in the
//! allocator serves the next that is compiled.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc;

use tokio::sync::oneshot;

/// The stack: parsers recurse into what they read.
const STACK_BYTES: usize = 16 << 20;

type Job = Box<dyn FnOnce() + Send>;

/// Runs one job after the other on a thread of its own, with low priority. The thread ends with it.
pub(super) struct Loader(mpsc::Sender<Job>);

impl Loader {
    /// # Errors
    /// When there can be no thread.
    pub(super) fn start() -> std::io::Result<Self> {
        let (sender, jobs) = mpsc::channel::<Job>();
        std::thread::Builder::new().name("plugin-load".to_owned()).stack_size(STACK_BYTES).spawn(move || {
            // On Linux, a thread's own priority. Without it loading still works.
            let _ = rustix::process::nice(5);
            for job in jobs {
                // Not even a bug in a parser or compiler that a hostile file sets off takes anything else down. Who
                // waits for the job learns of it by the end of its channel.
                let _ = catch_unwind(AssertUnwindSafe(job));
            }
        })?;
        Ok(Self(sender))
    }

    /// Do some work, when what came before is done.
    ///
    /// # Errors
    /// When the work panicked.
    pub(super) async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, String> {
        let broken = || "the file broke the loader; please report it as a bug".to_owned();
        let (sender, receiver) = oneshot::channel();
        let job = move || {
            let _ = sender.send(work());
        };
        self.0.send(Box::new(job)).map_err(|_| broken())?;
        receiver.await.map_err(|_| broken())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn work_that_panics_is_an_error_and_the_next_is_done() {
        let loader = Loader::start().unwrap();
        let broken: Result<(), String> = loader.run(|| panic!("on purpose")).await;
        assert!(broken.unwrap_err().contains("broke the loader"));
        assert_eq!(loader.run(|| 1).await, Ok(1));
    }
}
