//! The keys in memory, in step with the store. A request looks its key up here: nothing waits, nothing is read.
//!
//! The command line writes the same file while the gateway runs, so the file is asked several times a second whether
//! anybody has changed it, which takes microseconds.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use tracing::{error, info};

use crate::caller::Caller;
use crate::key::{Hash, Key, secret};
use crate::limits::Account;
use crate::moment::Moment;
use crate::store::sqlite::Sqlite;
use crate::store::{Error, Keys};

/// How often the store is asked whether it has changed.
const LOOK: Duration = Duration::from_millis(250);

/// The keys, and the store that they are from.
#[derive(Debug)]
pub(super) struct Keyring {
    path: PathBuf,
    known: ArcSwap<Known>,
    anonymous: Arc<Caller>,
    store: Mutex<Opened>,
}

/// The store, as far as it is open, and what was seen in it.
#[derive(Debug, Default)]
struct Opened {
    store: Option<Sqlite>,
    version: Option<u64>,
    /// Of which the log knows.
    failure: Option<Error>,
}

#[derive(Debug, Default)]
struct Known {
    keys: HashMap<String, Entry>,
    /// Whether there has been any: if all are gone, nobody is let in for that.
    has_been_any: bool,
}

#[derive(Debug)]
struct Entry {
    key: Key,
    caller: Arc<Caller>,
}

impl Keyring {
    pub(super) fn new(path: &Path) -> Self {
        let (known, store) = (ArcSwap::default(), Mutex::default());
        Self { path: path.to_owned(), known, anonymous: Arc::new(Caller::anonymous()), store }
    }

    /// Who has said nothing.
    pub(super) fn anonymous(&self) -> Arc<Caller> {
        self.anonymous.clone()
    }

    pub(super) fn has_keys(&self) -> bool {
        self.known.load().has_been_any
    }

    /// Whose key this is, if it is one that lets in.
    pub(super) fn find(&self, text: &str) -> Option<Arc<Caller>> {
        let known = self.known.load();
        // The id is public: it may be looked up in any way. The secret is compared as a hash, in constant time.
        let entry = known.keys.get(secret::id_of(text)?)?;
        let now = Moment::now();
        let is_its = entry.key.is(Hash::of(text), now);
        (is_its && entry.key.is_valid(now)).then(|| entry.caller.clone())
    }

    /// Look whether the store has changed, and take what is in it if it has.
    pub(super) fn look(&self) -> Result<(), Error> {
        let mut opened = self.opened();
        if opened.store.as_ref().is_some_and(Sqlite::was_replaced) {
            *opened = Opened { failure: opened.failure.take(), ..Opened::default() };
        }
        if opened.store.is_none() {
            // Not made for a look: whoever has no keys has no file.
            opened.store = Sqlite::open_existing(&self.path)?;
        }
        let Opened { store: Some(store), version, .. } = &mut *opened else { return Ok(()) };
        if *version != Some(store.version()?) {
            *version = Some(self.take(store)?);
        }
        Ok(())
    }

    /// Work with the store, which is made if it is not there.
    pub(super) fn with_store<T>(&self, work: impl FnOnce(&dyn Keys) -> Result<T, Error>) -> Result<T, Error> {
        let mut opened = self.opened();
        if opened.store.as_ref().is_none_or(Sqlite::was_replaced) {
            opened.store = Some(Sqlite::open(&self.path)?);
            // Another file counts from the beginning, and may have come as far.
            opened.version = None;
        }
        let Opened { store: Some(store), version, .. } = &mut *opened else {
            return Err(Error::Failed("the store is gone".to_owned()));
        };
        let done = work(store)?;
        *version = Some(self.take(store)?);
        Ok(done)
    }

    fn opened(&self) -> MutexGuard<'_, Opened> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All keys, the oldest first, as the store has them now.
    pub(super) fn keys(&self) -> Result<Vec<Key>, Error> {
        self.look()?;
        let mut keys: Vec<Key> = self.known.load().keys.values().map(|entry| entry.key.clone()).collect();
        keys.sort_by(|a, b| (a.created, &a.id).cmp(&(b.created, &b.id)));
        Ok(keys)
    }

    /// Those whose keys let them in, as they were read last.
    pub(super) fn callers(&self) -> Vec<Arc<Caller>> {
        let now = Moment::now();
        let known = self.known.load();
        known.keys.values().filter(|entry| entry.key.is_valid(now)).map(|entry| entry.caller.clone()).collect()
    }

    /// Take what is in the store, and give its version.
    fn take(&self, store: &Sqlite) -> Result<u64, Error> {
        // Asked before the keys are read: what changes in between is seen at the next look.
        let version = store.version()?;
        let keys = store.all()?;
        let has_been_any = self.has_keys() || !keys.is_empty();
        let keys: HashMap<String, Entry> =
            keys.into_iter().map(|key| (key.id.clone(), Entry { caller: Arc::new(caller(&key)), key })).collect();
        info!(keys = keys.len(), "keys read");
        self.known.store(Arc::new(Known { keys, has_been_any }));
        Ok(version)
    }

    /// Look, and tell the log if that fails. What was read last stays in force then.
    fn look_and_tell(&self) {
        let failure = self.look().err();
        let mut opened = self.opened();
        if let Some(why) = failure.as_ref().filter(|_| opened.failure != failure) {
            error!(%why, "keys cannot be read; those that were read last stay in force");
        }
        opened.failure = failure;
    }

    /// Look again and again. Never ends.
    pub(super) async fn keep_in_step(self: &Arc<Self>) {
        loop {
            tokio::time::sleep(LOOK).await;
            let keyring = self.clone();
            // It may wait for another process: not on a thread that serves.
            let _ = tokio::task::spawn_blocking(move || keyring.look_and_tell()).await;
        }
    }
}

fn caller(key: &Key) -> Caller {
    Caller {
        tenant: key.tenant.as_str().into(),
        key: Some(key.id.as_str().into()),
        user: None,
        models: key.models.clone(),
        account: Some(Account { name: format!("key:{}", key.id).into(), limits: key.limits, budget: key.budget }),
        tags: key.tags.clone().into(),
        is_identified: true,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::key::{Draft, Models};
    use crate::limits::{Budget, Limits};
    use crate::store::issue::{create, revoke, rotate};

    fn draft(expires: Option<Moment>) -> Draft {
        let (name, tenant, models, tags) = ("a".to_owned(), "blue".to_owned(), Models::Any, vec!["x".to_owned()]);
        Draft { name, tenant, models, tags, limits: Limits::default(), budget: Budget::default(), expires }
    }

    fn keyring() -> (tempfile::TempDir, Keyring) {
        let folder = tempfile::tempdir().unwrap();
        let keyring = Keyring::new(&folder.path().join("s.db"));
        (folder, keyring)
    }

    #[test]
    fn what_is_written_by_another_is_known_after_a_look_and_what_is_written_here_at_once() {
        let (folder, keyring) = keyring();
        keyring.look().unwrap();
        assert!(!keyring.has_keys() && !folder.path().join("s.db").exists());

        let other = Sqlite::open(&folder.path().join("s.db")).unwrap();
        let (key, text) = create(&other, draft(None)).unwrap();
        assert_eq!(keyring.find(text.reveal()), None);
        keyring.look().unwrap();
        let found = keyring.find(text.reveal()).unwrap();
        assert_eq!(
            (&*found.tenant, found.key.as_deref(), &found.tags[..]),
            ("blue", Some(&*key.id), &["x".to_owned()][..])
        );

        let (_, newer) = rotate(&other, &key.id, Duration::ZERO).unwrap();
        keyring.look().unwrap();
        assert!(keyring.find(text.reveal()).is_none() && keyring.find(newer.reveal()).is_some());

        let id = key.id.clone();
        keyring.with_store(move |store| revoke(store, &id)).unwrap();
        assert_eq!(keyring.find(newer.reveal()), None);
        assert!(keyring.has_keys());
    }

    #[test]
    fn nothing_but_the_whole_text_of_a_valid_key_lets_in() {
        let (_folder, keyring) = keyring();
        let (key, text) = keyring.with_store(|store| create(store, draft(None))).unwrap();
        let (_, other) = keyring.with_store(|store| create(store, draft(None))).unwrap();
        // The secret of one with the id of another, its checksum put right.
        let forged = secret::new_text(&key.id).unwrap();
        assert!(keyring.find(text.reveal()).is_some() && keyring.find(other.reveal()).is_some());
        for wrong in [forged.reveal(), &text.reveal()[..72], &key.id, "", "sg-"] {
            assert_eq!(keyring.find(wrong), None);
        }
    }

    #[test]
    fn an_expired_key_does_not_let_in() {
        let (_folder, keyring) = keyring();
        let (key, text) = keyring.with_store(|store| create(store, draft(None))).unwrap();
        keyring
            .with_store(move |store| {
                store.change(&key.id, &mut |key| {
                    key.expires = Some(Moment::now());
                    Ok(())
                })
            })
            .unwrap();
        assert_eq!(keyring.find(text.reveal()), None);
    }

    #[test]
    fn a_store_that_is_gone_lets_nobody_in_for_that_and_another_one_counts() {
        let (folder, keyring) = keyring();
        let (_, text) = keyring.with_store(|store| create(store, draft(None))).unwrap();
        for file in std::fs::read_dir(folder.path()).unwrap() {
            std::fs::remove_file(file.unwrap().path()).unwrap();
        }
        keyring.look().unwrap();
        assert!(keyring.has_keys() && keyring.find(text.reveal()).is_some());
        let other = Sqlite::open(&folder.path().join("s.db")).unwrap();
        keyring.look().unwrap();
        assert!(keyring.has_keys() && keyring.find(text.reveal()).is_none());
        let (_, newer) = create(&other, draft(None)).unwrap();
        keyring.look().unwrap();
        assert!(keyring.find(newer.reveal()).is_some());
    }
}
