//! Searching long texts away from the threads that serve, so that nobody else waits for it.

use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio::task::{spawn_blocking, yield_now};

use super::Triggers;
use super::patterns::Compiled;
use crate::chat::{Verdict, Window};

/// Bytes that are searched on the spot: some hundred microseconds at the worst.
pub(super) const ON_THE_SPOT_BYTES_MAX: usize = 64 << 10;

/// The same where each expression of a set may have to be looked for.
const EACH_BYTES_MAX: usize = 8 << 10;

/// How many long texts are searched at the same time.
#[derive(Clone)]
pub(super) struct Scans(Arc<Semaphore>);

impl Scans {
    /// As many as there are processors; others wait.
    pub(super) fn new() -> Self {
        let count = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Self(Arc::new(Semaphore::new(count)))
    }

    /// Whether a text is so long that others would feel it when it is looked through once.
    pub(super) fn is_long(text: &str) -> bool {
        text.len() > ON_THE_SPOT_BYTES_MAX
    }

    /// The same when it may be looked through again for each of many expressions.
    pub(super) fn is_long_for_each(text: &str) -> bool {
        text.len() > EACH_BYTES_MAX
    }

    /// Search a long text. Whoever stops waiting for it leaves a search behind that ends by itself: it takes linear
    /// time.
    ///
    /// # Errors
    /// When the search broke off.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        text: String,
        search: impl FnOnce(&str) -> T + Send + 'static,
    ) -> wasmtime::Result<T> {
        let broke_off = || wasmtime::Error::msg("the search of a long text broke off");
        let place = self.0.clone().acquire_owned().await.map_err(|_| broke_off())?;
        let searching = spawn_blocking(move || {
            let found = search(&text);
            drop(place);
            found
        });
        searching.await.map_err(|_| broke_off())
    }

    /// Give the windows without a verdict that a prefilter lets pass theirs, and say how many these are.
    ///
    /// # Errors
    /// When a search broke off.
    pub(super) async fn let_pass(
        &self,
        patterns: &Arc<Compiled>,
        triggers: Option<&Arc<Triggers>>,
        windows: &[Window<'_>],
        verdicts: &mut [Option<Arc<Verdict>>],
    ) -> wasmtime::Result<usize> {
        let (mut passed, mut since_others) = (0, 0);
        for (window, slot) in windows.iter().zip(verdicts).filter(|(_, slot)| slot.is_none()) {
            let facts = window.facts.filter(|_| window.is_final && window.context == 0);
            let look = Look {
                patterns: patterns.clone(),
                triggers: facts.and(triggers).cloned(),
                untriggered: facts.and_then(|facts| facts.untriggered.get().copied()),
                context: window.context,
                is_final: window.is_final,
            };
            let (untriggered, hold) = if Self::is_long(&window.text) {
                self.run(window.text.to_string(), move |text: &str| look.through(text)).await?
            } else {
                since_others += window.text.len();
                if since_others > ON_THE_SPOT_BYTES_MAX {
                    since_others = window.text.len();
                    yield_now().await;
                }
                look.through(&window.text)
            };
            if let Some(facts) = facts {
                facts.untriggered.get_or_init(|| untriggered);
            }
            if let Some(hold) = hold {
                *slot = Some(Arc::new(Verdict::allow(hold)));
                passed += 1;
            }
        }
        Ok(passed)
    }
}

/// A look through one window with a plugin's prefilter.
struct Look {
    patterns: Arc<Compiled>,
    /// Those of the whole chain, if the window is a whole segment.
    triggers: Option<Arc<Triggers>>,
    /// What is known from the plugins that ran before.
    untriggered: Option<bool>,
    context: usize,
    is_final: bool,
}

impl Look {
    /// Whether nothing in `text` triggers any plugin of the chain, and what is held back if this plugin lets it pass.
    fn through(&self, text: &str) -> (bool, Option<usize>) {
        let look = || self.triggers.as_ref().is_some_and(|triggers| triggers.none_in(text));
        let untriggered = self.untriggered.unwrap_or_else(look);
        let prefilter = self.patterns.prefilter.as_ref();
        let hold = prefilter.and_then(|prefilter| prefilter.hold(text, self.context, self.is_final, untriggered));
        (untriggered, hold)
    }
}
