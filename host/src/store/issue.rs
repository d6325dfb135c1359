//! Keys are created, rotated and revoked here, for the command line and for the admin API alike.

use std::time::Duration;

use super::{Error, Keys};
use crate::config::Secret;
use crate::key::{Draft, Hash, Key, Older, secret};
use crate::moment::Moment;

/// How long the older secret of a rotated key works where nobody says otherwise: a day to bring the new one everywhere.
pub const GRACE: Duration = Duration::from_secs(24 * 60 * 60);
/// The longest that may be said: who needs more has two keys, not one.
pub const GRACE_MAX: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// Make a key. Its secret is seen here and never again.
///
/// # Errors
/// When the draft is wrong, or the store cannot be written.
pub fn create(store: &dyn Keys, draft: Draft) -> Result<(Key, Secret), Error> {
    draft.check().map_err(|(field, why)| Error::Wrong(field, why))?;
    let id = secret::new_id().map_err(Error::Failed)?;
    let text = secret::new_text(&id).map_err(Error::Failed)?;
    let Draft { name, tenant, models, tags, limits, budget, expires } = draft;
    let key = Key {
        id,
        name,
        tenant,
        models,
        tags,
        limits,
        budget,
        created: Moment::now(),
        expires,
        rotated: None,
        revoked: None,
        hash: Hash::of(text.reveal()),
        older: None,
    };
    store.insert(&key)?;
    Ok((key, text))
}

/// Give a key another secret. The one that it has works for the time of `grace`; one before that no longer.
///
/// # Errors
/// When there is no such key, it is revoked, the grace is too long, or the store cannot be written.
pub fn rotate(store: &dyn Keys, id: &str, grace: Duration) -> Result<(Key, Secret), Error> {
    if grace > GRACE_MAX {
        return Err(Error::Wrong("grace", format!("must be at most {} days", GRACE_MAX.as_secs() / 86_400)));
    }
    let text = secret::new_text(id).map_err(Error::Failed)?;
    let now = Moment::now();
    let key = store.change(id, &mut |key| {
        if key.revoked.is_some() {
            return Err(Error::Revoked);
        }
        key.older = (!grace.is_zero()).then(|| Older { hash: key.hash, until: now.after(grace) });
        key.hash = Hash::of(text.reveal());
        key.rotated = Some(now);
        Ok(())
    })?;
    Ok((key.ok_or(Error::NoSuchKey)?, text))
}

/// Take a key back, with all of its secrets, for good. One that is revoked already stays as it is.
///
/// # Errors
/// When there is no such key, or the store cannot be written.
pub fn revoke(store: &dyn Keys, id: &str) -> Result<Key, Error> {
    let now = Moment::now();
    let key = store.change(id, &mut |key| {
        key.revoked = key.revoked.or(Some(now));
        key.older = None;
        Ok(())
    })?;
    key.ok_or(Error::NoSuchKey)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::sqlite::Sqlite;
    use super::*;
    use crate::key::Models;
    use crate::limits::{Budget, Limits};

    fn draft(name: &str) -> Draft {
        Draft {
            name: name.to_owned(),
            tenant: "blue".to_owned(),
            models: Models::from_names(["small".to_owned()]),
            tags: vec!["team=search".to_owned()],
            limits: Limits { concurrent: Some(2), ..Limits::default() },
            budget: Budget { day: Some("1.5".parse().unwrap()), ..Budget::default() },
            expires: Some("1d".parse().unwrap()),
        }
    }

    fn store() -> (tempfile::TempDir, Sqlite) {
        let folder = tempfile::tempdir().unwrap();
        let store = Sqlite::open(&folder.path().join("s.db")).unwrap();
        (folder, store)
    }

    #[test]
    fn a_key_is_kept_as_it_was_made_and_its_secret_is_not() {
        let (folder, store) = store();
        let (key, text) = create(&store, draft("first")).unwrap();
        create(&store, draft("second")).unwrap();
        let all = store.all().unwrap();
        assert_eq!(all.len(), 2);
        assert!(all.contains(&key));
        assert_eq!(secret::id_of(text.reveal()), Some(&*key.id));
        assert!(key.is(Hash::of(text.reveal()), Moment::now()));
        for file in std::fs::read_dir(folder.path()).unwrap() {
            let bytes = std::fs::read(file.unwrap().path()).unwrap();
            let secret = &text.reveal().as_bytes()[14..];
            assert!(!bytes.windows(secret.len()).any(|window| window == secret));
        }
        assert!(!format!("{key:?} {text:?} {store:?}").contains(&text.reveal()[14..]));
    }

    #[test]
    fn a_rotated_key_has_two_secrets_for_a_while_and_never_three() {
        let (_folder, store) = store();
        let (key, first) = create(&store, draft("a")).unwrap();
        let (_, second) = rotate(&store, &key.id, Duration::from_secs(60)).unwrap();
        let (key, third) = rotate(&store, &key.id, GRACE_MAX).unwrap();
        let now = Moment::now();
        let works = |text: &Secret, at| key.is(Hash::of(text.reveal()), at);
        assert_eq!([works(&first, now), works(&second, now), works(&third, now)], [false, true, true]);
        let later = now.after(GRACE_MAX + Duration::from_secs(1));
        assert_eq!([works(&second, later), works(&third, later)], [false, true]);
        let (key, fourth) = rotate(&store, &key.id, Duration::ZERO).unwrap();
        assert!(!key.is(Hash::of(third.reveal()), now) && key.is(Hash::of(fourth.reveal()), now));
        let too_long = rotate(&store, &key.id, GRACE_MAX + Duration::from_secs(1));
        assert!(matches!(too_long, Err(Error::Wrong("grace", _))));
        assert_eq!(rotate(&store, "nobody", GRACE).unwrap_err(), Error::NoSuchKey);
    }

    #[test]
    fn a_revoked_key_stays_revoked() {
        let (_folder, store) = store();
        let (key, _) = create(&store, draft("a")).unwrap();
        rotate(&store, &key.id, GRACE).unwrap();
        let revoked = revoke(&store, &key.id).unwrap();
        assert_eq!((revoked.state(Moment::now()), revoked.older), ("revoked", None));
        assert_eq!(revoke(&store, &key.id).unwrap().revoked, revoked.revoked);
        assert_eq!(rotate(&store, &key.id, GRACE).unwrap_err(), Error::Revoked);
        assert_eq!(store.all().unwrap(), [revoked]);
        assert_eq!(revoke(&store, "nobody").unwrap_err(), Error::NoSuchKey);
    }

    #[test]
    fn what_others_change_is_noticed_by_the_version() {
        let (folder, store) = store();
        let before = store.version().unwrap();
        assert_eq!(store.version().unwrap(), before);
        let other = Sqlite::open(&folder.path().join("s.db")).unwrap();
        let (key, _) = create(&other, draft("a")).unwrap();
        let created = store.version().unwrap();
        assert_ne!(created, before);
        revoke(&other, &key.id).unwrap();
        assert_ne!(store.version().unwrap(), created);
    }

    #[test]
    fn what_is_written_beside_the_keys_leaves_their_version() {
        let (folder, store) = store();
        let before = store.version().unwrap();
        let beside = rusqlite::Connection::open(folder.path().join("s.db")).unwrap();
        beside.execute("INSERT INTO taken VALUES ('tenant:a', 'day', 1, 1)", []).unwrap();
        assert_eq!(store.version().unwrap(), before);
    }

    #[test]
    fn changes_at_the_same_time_do_not_overwrite_each_other() {
        let (folder, store) = store();
        let (key, _) = create(&store, draft("a")).unwrap();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    let own = Sqlite::open(&folder.path().join("s.db")).unwrap();
                    for _ in 0..10 {
                        let add = &mut |key: &mut Key| {
                            key.tags.push("x".to_owned());
                            Ok(())
                        };
                        own.change(&key.id, add).unwrap();
                    }
                });
            }
        });
        assert_eq!(store.all().unwrap()[0].tags.len(), 41);
    }

    #[test]
    fn a_wrong_draft_makes_no_key() {
        let (_folder, store) = store();
        let wrong = Draft { name: String::new(), ..draft("a") };
        assert!(matches!(create(&store, wrong), Err(Error::Wrong("name", _))));
        assert_eq!(store.all().unwrap(), []);
    }
}
