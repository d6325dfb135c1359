//! The table of escalations.

use rusqlite::types::ValueRef;
use rusqlite::{OptionalExtension as _, Row, Transaction, TransactionBehavior, named_params};

use super::columns::{from_json, json, moment, seconds};
use super::sqlite::Sqlite;
use super::{Error, Escalations};
use crate::escalation::{Answered, Conversation, Escalation, State, Taken};
use crate::moment::Moment;

/// Moments are seconds since 1970; the conversation is JSON. What is to be announced has the moment of the next try.
pub(super) const TABLE: &str = "
CREATE TABLE escalations (
    reference    TEXT PRIMARY KEY NOT NULL,
    queue        TEXT NOT NULL,
    tenant       TEXT NOT NULL,
    exchange     TEXT NOT NULL,
    model        TEXT NOT NULL,
    conversation TEXT NOT NULL,
    created      INTEGER NOT NULL,
    expires      INTEGER NOT NULL,
    taken_by     TEXT,
    taken        INTEGER,
    answer       TEXT,
    answered_by  TEXT,
    answered     INTEGER,
    tries        INTEGER NOT NULL DEFAULT 0,
    next_try     INTEGER
) STRICT;
CREATE INDEX escalations_created ON escalations (created);
CREATE INDEX escalations_over ON escalations (coalesce(answered, expires));
CREATE INDEX escalations_open ON escalations (tenant, expires) WHERE answered IS NULL;
CREATE INDEX escalations_unannounced ON escalations (next_try) WHERE next_try IS NOT NULL;
";

const INSERT: &str = "
INSERT INTO escalations (reference, queue, tenant, exchange, model, conversation, created, expires, next_try)
SELECT :reference, :queue, :tenant, :exchange, :model, :conversation, :created, :expires, :created
WHERE (SELECT count(*) FROM escalations WHERE tenant = :tenant AND answered IS NULL AND expires > :created) < :open_max
";
const ONE: &str = "SELECT * FROM escalations WHERE reference = :reference";
const REPLACE: &str = "
UPDATE escalations SET taken_by = :taken_by, taken = :taken, answer = :answer, answered_by = :answered_by,
    answered = :answered
WHERE reference = :reference
";
/// Without the conversation, which is long. The states are those of [`Escalation::state`].
const LIST: &str = "
SELECT reference, queue, tenant, exchange, model, NULL AS conversation, created, expires, taken_by, taken, answer, answered_by,
    answered
FROM escalations
WHERE (:queue IS NULL OR queue = :queue)
  AND (:state IS NULL OR :state = CASE
        WHEN answered IS NOT NULL THEN 'answered'
        WHEN expires <= :now THEN 'expired'
        WHEN taken IS NOT NULL THEN 'taken'
        ELSE 'waiting' END)
ORDER BY created, reference LIMIT :most
";
const UNANSWERED: &str = "
SELECT count(*) AS count, min(created) AS oldest FROM escalations WHERE answered IS NULL AND expires > :now
";
const UNANNOUNCED: &str = "
SELECT reference, queue, tenant, exchange, model, NULL AS conversation, created, expires, taken_by, taken, answer, answered_by,
    answered, tries
FROM escalations WHERE next_try <= :now ORDER BY next_try, reference LIMIT :most
";
const NEXT_TRY: &str = "SELECT min(next_try) AS next_try FROM escalations WHERE next_try IS NOT NULL";
const TRIED: &str = "UPDATE escalations SET tries = tries + 1, next_try = :next_try WHERE reference = :reference";
const TRY_AGAIN: &str = "UPDATE escalations SET next_try = :now WHERE next_try > :now";
/// Those who asked had until then to fetch the answer, or to learn that there is none.
const FORGET: &str = "DELETE FROM escalations WHERE coalesce(answered, expires) < :before";

/// Which escalations are asked for.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Those of this queue only.
    pub queue: Option<String>,
    /// Those that have come so far only.
    pub state: Option<State>,
}

/// The escalations that wait for somebody's answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unanswered {
    /// How many there are.
    pub count: u64,
    /// When the oldest of them came.
    pub oldest: Option<Moment>,
}

/// An escalation that is to be announced.
#[derive(Clone, Debug)]
pub struct Unannounced {
    /// It.
    pub escalation: Escalation,
    /// How often that was tried.
    pub tries: u32,
}

impl Escalations for Sqlite {
    fn insert(&self, new: &Escalation, open_max: u64) -> Result<(), Error> {
        let inserted = self.with("writing", |connection| {
            connection.prepare_cached(INSERT)?.execute(named_params! {
                ":reference": new.reference,
                ":queue": new.queue,
                ":tenant": new.tenant,
                ":exchange": new.exchange,
                ":model": new.model,
                ":conversation": json(&new.conversation)?,
                ":created": seconds(new.created),
                ":expires": seconds(new.expires),
                ":open_max": i64::try_from(open_max).unwrap_or(i64::MAX),
            })
        })?;
        if inserted == 0 { Err(Error::QueueFull) } else { Ok(()) }
    }

    fn find(&self, reference: &str) -> Result<Option<Escalation>, Error> {
        self.with("reading", |connection| {
            connection.prepare_cached(ONE)?.query_row(named_params! {":reference": reference}, read).optional()
        })
    }

    fn list(&self, filter: &Filter, now: Moment, most: usize) -> Result<Vec<Escalation>, Error> {
        self.with("reading", |connection| {
            let wanted = named_params! {
                ":queue": filter.queue,
                ":state": filter.state.map(State::word),
                ":now": seconds(now),
                ":most": number(most),
            };
            connection.prepare_cached(LIST)?.query_map(wanted, read)?.collect()
        })
    }

    fn change(
        &self,
        reference: &str,
        change: &mut dyn FnMut(&mut Escalation) -> Result<(), Error>,
    ) -> Result<Option<Escalation>, Error> {
        self.with("writing", |connection| {
            // At once for writing, or two that have read the same would overwrite each other.
            let within = Transaction::new(connection, TransactionBehavior::Immediate)?;
            let named = named_params! {":reference": reference};
            let Some(mut one) = within.prepare_cached(ONE)?.query_row(named, read).optional()? else {
                return Ok(Ok(None));
            };
            if let Err(refused) = change(&mut one) {
                return Ok(Err(refused));
            }
            let (taken, answered) = (one.taken.as_ref(), one.answered.as_ref());
            within.prepare_cached(REPLACE)?.execute(named_params! {
                ":reference": reference,
                ":taken_by": taken.map(|taken| &taken.by),
                ":taken": taken.map(|taken| seconds(taken.at)),
                ":answer": answered.map(|answered| &answered.text),
                ":answered_by": answered.map(|answered| &answered.by),
                ":answered": answered.map(|answered| seconds(answered.at)),
            })?;
            within.commit()?;
            Ok(Ok(Some(one)))
        })?
    }

    fn unanswered(&self, now: Moment) -> Result<Unanswered, Error> {
        self.with("reading", |connection| {
            connection.prepare_cached(UNANSWERED)?.query_row(named_params! {":now": seconds(now)}, |row| {
                let count = u64::try_from(row.get::<_, i64>("count")?).unwrap_or_default();
                Ok(Unanswered { count, oldest: moment(row, "oldest")? })
            })
        })
    }

    fn unannounced(&self, now: Moment, most: usize) -> Result<Vec<Unannounced>, Error> {
        let read = |row: &Row<'_>| {
            let tries = u32::try_from(row.get::<_, i64>("tries")?).unwrap_or_default();
            Ok(Unannounced { escalation: read(row)?, tries })
        };
        self.with("reading", |connection| {
            let wanted = named_params! {":now": seconds(now), ":most": number(most)};
            connection.prepare_cached(UNANNOUNCED)?.query_map(wanted, read)?.collect()
        })
    }

    fn next_try(&self) -> Result<Option<Moment>, Error> {
        self.with("reading", |connection| connection.query_row(NEXT_TRY, [], |row| moment(row, "next_try")))
    }

    fn tried(&self, reference: &str, next_try: Option<Moment>) -> Result<(), Error> {
        self.with("writing", |connection| {
            let next_try = next_try.map(seconds);
            connection
                .prepare_cached(TRIED)?
                .execute(named_params! {":reference": reference, ":next_try": next_try})
                .map(drop)
        })
    }

    fn try_all_again(&self, now: Moment) -> Result<(), Error> {
        self.with("writing", |connection| connection.execute(TRY_AGAIN, named_params! {":now": seconds(now)}).map(drop))
    }

    fn forget(&self, before: Moment) -> Result<usize, Error> {
        self.with("writing", |connection| connection.execute(FORGET, named_params! {":before": seconds(before)}))
    }
}

fn read(row: &Row<'_>) -> rusqlite::Result<Escalation> {
    let at = |column: &str| Ok::<_, rusqlite::Error>(moment(row, column)?.unwrap_or(Moment::from_seconds(0)));
    let taken = match (row.get("taken_by")?, moment(row, "taken")?) {
        (Some(by), Some(at)) => Some(Taken { by, at }),
        _ => None,
    };
    let answered = match (row.get("answer")?, row.get("answered_by")?, moment(row, "answered")?) {
        (Some(text), Some(by), Some(at)) => Some(Answered { text, by, at }),
        _ => None,
    };
    Ok(Escalation {
        reference: row.get("reference")?,
        queue: row.get("queue")?,
        tenant: row.get("tenant")?,
        exchange: row.get("exchange")?,
        model: row.get("model")?,
        conversation: match row.get_ref("conversation")? {
            ValueRef::Null => Conversation::default(),
            _ => from_json(row, "conversation")?,
        },
        created: at("created")?,
        expires: at("expires")?,
        taken,
        answered,
    })
}

fn number(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::escalation::sample;

    fn at(seconds: u64) -> Moment {
        Moment::from_seconds(seconds)
    }

    fn store() -> (tempfile::TempDir, Sqlite) {
        let folder = tempfile::tempdir().unwrap();
        let store = Sqlite::open(&folder.path().join("s.db")).unwrap();
        (folder, store)
    }

    fn references(listed: &[Escalation]) -> Vec<&str> {
        listed.iter().map(|one| one.reference.as_str()).collect()
    }

    #[test]
    fn what_is_kept_is_found_as_it_was_and_as_it_was_changed() {
        let (_folder, store) = store();
        let one = sample("a", 1);
        store.insert(&one, 10).unwrap();
        assert_eq!(store.find("a").unwrap(), Some(one.clone()));
        assert_eq!(store.find("b").unwrap(), None);
        let mut answer = |one: &mut Escalation| {
            one.take("ann", at(2)).unwrap();
            one.answer("42", "ann", at(3)).unwrap();
            Ok(())
        };
        let changed = store.change("a", &mut answer).unwrap().unwrap();
        assert_eq!(changed.answered.as_ref().unwrap().text, "42");
        assert_eq!(store.find("a").unwrap(), Some(changed.clone()));
        assert_eq!(store.change("a", &mut |_| Err(Error::NoSuchKey)), Err(Error::NoSuchKey));
        assert_eq!(store.find("a").unwrap(), Some(changed));
        assert_eq!(store.change("b", &mut |_| Ok(())), Ok(None));
    }

    #[test]
    fn a_tenant_has_so_many_open_at_a_time() {
        let (_folder, store) = store();
        store.insert(&sample("a", 1), 2).unwrap();
        store.insert(&sample("b", 2), 2).unwrap();
        assert_eq!(store.insert(&sample("c", 3), 2), Err(Error::QueueFull));
        store.insert(&Escalation { tenant: "red".to_owned(), ..sample("d", 3) }, 2).unwrap();
        // One has expired by then, and one is answered.
        store.insert(&sample("e", 101), 2).unwrap();
        assert_eq!(store.insert(&sample("f", 101), 2), Err(Error::QueueFull));
        store.change("b", &mut |one| one.answer("x", "ann", at(101)).map_err(|_| Error::NoSuchKey)).unwrap();
        store.insert(&sample("f", 101), 2).unwrap();
    }

    #[test]
    fn they_are_listed_by_queue_and_state_as_the_program_has_them() {
        let (_folder, store) = store();
        for (reference, created) in [("late", 1), ("waits", 50), ("taken", 51), ("done", 52)] {
            store.insert(&sample(reference, created), 10).unwrap();
        }
        store.insert(&Escalation { queue: "legal".to_owned(), ..sample("other", 53) }, 10).unwrap();
        store.change("taken", &mut |one| one.take("ann", at(60)).map_err(|_| Error::NoSuchKey)).unwrap();
        store.change("done", &mut |one| one.answer("x", "ann", at(60)).map_err(|_| Error::NoSuchKey)).unwrap();
        let now = at(101);
        let listed = |queue: Option<&str>, state| {
            store.list(&Filter { queue: queue.map(str::to_owned), state }, now, 10).unwrap()
        };
        assert_eq!(references(&listed(None, None)), ["late", "waits", "taken", "done", "other"]);
        assert_eq!(references(&listed(Some("legal"), None)), ["other"]);
        for state in State::ALL {
            let found = listed(None, Some(state));
            assert!(!found.is_empty() && found.iter().all(|one| one.state(now) == state), "{state:?}: {found:?}");
        }
        assert_eq!(store.list(&Filter::default(), now, 2).unwrap().len(), 2);
        assert_eq!(
            store.unanswered(now),
            Ok(Unanswered { count: 3, oldest: Some(at(50)) }),
            "one is answered, and one is too late"
        );
        assert_eq!(store.unanswered(at(1_000)), Ok(Unanswered::default()));
    }

    #[test]
    fn what_is_not_announced_is_tried_again_when_it_is_time() {
        let (_folder, store) = store();
        store.insert(&sample("a", 1), 10).unwrap();
        store.insert(&sample("b", 2), 10).unwrap();
        let due = |now| -> Vec<(String, u32)> {
            let due = store.unannounced(at(now), 10).unwrap().into_iter();
            due.map(|one| (one.escalation.reference, one.tries)).collect()
        };
        assert_eq!(due(2), [("a".to_owned(), 0), ("b".to_owned(), 0)]);
        store.tried("a", None).unwrap();
        store.tried("b", Some(at(30))).unwrap();
        assert_eq!((due(29), store.next_try().unwrap()), (vec![], Some(at(30))));
        assert_eq!(due(30), [("b".to_owned(), 1)]);
        store.try_all_again(at(5)).unwrap();
        assert_eq!(due(5), [("b".to_owned(), 1)]);
        store.tried("b", None).unwrap();
        assert_eq!((due(1_000), store.next_try().unwrap()), (vec![], None));
    }

    #[test]
    fn what_is_over_for_long_is_forgotten() {
        let (_folder, store) = store();
        store.insert(&sample("expired", 1), 10).unwrap();
        store.insert(&sample("answered", 1), 10).unwrap();
        store.change("answered", &mut |one| one.answer("x", "ann", at(50)).map_err(|_| Error::NoSuchKey)).unwrap();
        assert_eq!(store.forget(at(50)).unwrap(), 0);
        assert_eq!(store.forget(at(51)).unwrap(), 1);
        assert_eq!(references(&store.list(&Filter::default(), at(0), 10).unwrap()), ["expired"]);
        assert_eq!(store.forget(at(102)).unwrap(), 1);
    }
}
