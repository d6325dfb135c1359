//! Counters whose file is opened with the first exchange that has limits: where nobody has any, no file is made.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, ready};
use tokio::sync::OnceCell;
use tokio::task::spawn_blocking;

use super::{Clock, Counters, Embedded, Hold, Level, Reserved, Unavailable};
use crate::config::OnFailure;
use crate::limits::{Account, Amounts};

/// Counters in a file that may not be open yet.
#[derive(Debug)]
pub(super) struct Late {
    path: PathBuf,
    on_failure: OnFailure,
    opened: OnceCell<Arc<Embedded>>,
}

impl Late {
    pub(super) fn new(path: &Path, on_failure: OnFailure) -> Self {
        Self { path: path.to_owned(), on_failure, opened: OnceCell::new() }
    }

    /// Open the file at once.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub(super) fn open_now(&self) -> Result<(), String> {
        let embedded = Embedded::open(Some(&self.path), self.on_failure, Clock::default())?;
        // Nobody else has had the time to.
        let _ = self.opened.set(Arc::new(embedded));
        Ok(())
    }

    async fn opened(&self) -> Result<&Arc<Embedded>, Unavailable> {
        let open = || async {
            let (path, on_failure) = (self.path.clone(), self.on_failure);
            let opening = spawn_blocking(move || Embedded::open(Some(&path), on_failure, Clock::default()));
            let opened = opening.await.map_err(|error| Unavailable(format!("opening the store: {error}")))?;
            opened.map(Arc::new).map_err(Unavailable)
        };
        self.opened.get_or_try_init(open).await
    }
}

/// Whoever holds something has it from the open file.
impl Counters for Late {
    fn reserve<'a>(
        &'a self,
        accounts: &'a Arc<[Account]>,
        amounts: Amounts,
    ) -> BoxFuture<'a, Result<Reserved, Unavailable>> {
        async move { self.opened().await?.reserve(accounts, amounts).await }.boxed()
    }

    fn taken<'a>(&'a self, accounts: &'a Arc<[Account]>) -> BoxFuture<'a, Result<Vec<Level>, Unavailable>> {
        async move { self.opened().await?.taken(accounts).await }.boxed()
    }

    fn settle(&self, hold: &mut Hold, amounts: Amounts, is_over: bool) {
        if let Some(opened) = self.opened.get() {
            opened.settle(hold, amounts, is_over);
        }
    }

    fn is_written(&self, number: u64) -> bool {
        self.opened.get().is_none_or(|opened| opened.is_written(number))
    }

    fn written(&self, number: u64) -> BoxFuture<'_, ()> {
        self.opened.get().map_or_else(|| ready(()).boxed(), |opened| opened.written(number))
    }

    fn all_written(&self) -> BoxFuture<'_, ()> {
        self.opened.get().map_or_else(|| ready(()).boxed(), |opened| opened.all_written())
    }
}
