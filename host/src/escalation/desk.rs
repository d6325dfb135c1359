//! Where escalations are put and looked at: the store, which is opened with the first of them, and the task that
//! announces them.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::Escalation;
use crate::moment::Moment;
use crate::store::sqlite::Sqlite;
use crate::store::{Error, Escalations, Filter, Unanswered, aside};

/// The escalations of a gateway.
#[derive(Debug)]
pub struct Desk {
    path: PathBuf,
    opened: Mutex<Option<Arc<Sqlite>>>,
    /// There is something to announce.
    pub(super) news: Notify,
}

impl Desk {
    /// Escalations that are kept in this file.
    #[must_use]
    pub fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), opened: Mutex::default(), news: Notify::new() }
    }

    /// Hand an exchange over, unless its tenant has this many open already.
    ///
    /// # Errors
    /// When it has, or the store cannot be written. Otherwise it survives the end of this process.
    pub async fn put(self: &Arc<Self>, new: Escalation, open_max: u64) -> Result<(), Error> {
        let desk = self.clone();
        // Told from there: whoever waits here may be gone when it is written.
        self.with_store(move |store| store.insert(&new, open_max).map(|()| desk.news.notify_one())).await
    }

    /// The escalation with this reference.
    ///
    /// # Errors
    /// When there is none, or the store cannot be read.
    pub async fn find(self: &Arc<Self>, reference: &str) -> Result<Escalation, Error> {
        let reference = reference.to_owned();
        self.with_existing(move |store| store.find(&reference)).await?.flatten().ok_or(Error::NoSuchEscalation)
    }

    /// The oldest that pass the filter.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn list(self: &Arc<Self>, filter: Filter, most: usize) -> Result<Vec<Escalation>, Error> {
        let listed = self.with_existing(move |store| store.list(&filter, Moment::now(), most)).await?;
        Ok(listed.unwrap_or_default())
    }

    /// Those that wait for an answer.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn unanswered(self: &Arc<Self>) -> Result<Unanswered, Error> {
        Ok(self.with_existing(|store| store.unanswered(Moment::now())).await?.unwrap_or_default())
    }

    /// Change who has it or what is answered.
    ///
    /// # Errors
    /// When there is none, when `change` refuses, or the store cannot be written.
    pub async fn change(
        self: &Arc<Self>,
        reference: &str,
        mut change: impl FnMut(&mut Escalation) -> Result<(), super::Refused> + Send + 'static,
    ) -> Result<Escalation, Error> {
        let reference = reference.to_owned();
        let changing =
            self.with_existing(move |store| store.change(&reference, &mut |one| change(one).map_err(Error::from)));
        changing.await?.flatten().ok_or(Error::NoSuchEscalation)
    }

    /// Work with the store, on a thread that serves nobody; it is made if it is not there.
    async fn with_store<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&dyn Escalations) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let desk = self.clone();
        aside(move || {
            let opened = desk.current();
            let store = match opened {
                Some(store) => store,
                None => desk.keep(Sqlite::open(&desk.path)?),
            };
            work(&*store)
        })
        .await
    }

    /// The same where there is one: nothing is made for a look.
    pub(super) async fn with_existing<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&dyn Escalations) -> Result<T, Error> + Send + 'static,
    ) -> Result<Option<T>, Error> {
        let desk = self.clone();
        aside(move || {
            let store = match desk.current() {
                Some(store) => Some(store),
                None => Sqlite::open_existing(&desk.path)?.map(|store| desk.keep(store)),
            };
            store.map(|store| work(&*store)).transpose()
        })
        .await
    }

    /// The open store, unless another file lies at its path by now.
    fn current(&self) -> Option<Arc<Sqlite>> {
        self.opened().clone().filter(|store| !store.was_replaced())
    }

    fn keep(&self, store: Sqlite) -> Arc<Sqlite> {
        self.opened().insert(Arc::new(store)).clone()
    }

    fn opened(&self) -> MutexGuard<'_, Option<Arc<Sqlite>>> {
        self.opened.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
