//! What is logged on the thread of a test, where nothing runs on another.

use std::sync::{Arc, Mutex, OnceLock};

use tracing::Dispatch;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::util::SubscriberInitExt as _;

/// Keeps what this thread logs, until it is dropped.
pub struct Log {
    kept: Kept,
    _in_force: tracing::subscriber::DefaultGuard,
}

#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Log {
    /// Keep what an operator sees by default.
    #[must_use]
    pub fn begin() -> Self {
        Self::with(LevelFilter::INFO)
    }

    /// Keep everything that there is.
    #[must_use]
    pub fn begin_with_all() -> Self {
        Self::with(LevelFilter::TRACE)
    }

    fn with(level: LevelFilter) -> Self {
        // Where there is just one log, `tracing` asks the thread that comes first to a line whether anybody wants it, and
        // remembers the answer for all threads. With another one it asks all of them.
        static ANOTHER: OnceLock<Dispatch> = OnceLock::new();
        ANOTHER.get_or_init(|| Dispatch::new(tracing_subscriber::fmt().with_max_level(LevelFilter::OFF).finish()));
        let kept = Kept::default();
        let writer = kept.clone();
        let log = tracing_subscriber::fmt().with_max_level(level).with_ansi(false);
        let in_force = log.with_writer(move || writer.clone()).finish().set_default();
        Self { kept, _in_force: in_force }
    }

    /// All of it so far.
    ///
    /// # Panics
    /// When it is not text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8(self.kept.0.lock().unwrap().clone()).unwrap()
    }

    /// The lines that say this.
    #[must_use]
    pub fn saying(&self, words: &str) -> Vec<String> {
        self.text().lines().filter(|line| line.contains(words)).map(str::to_owned).collect()
    }
}
