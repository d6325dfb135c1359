//! Questions that several callers ask at the same moment: the first asks a model, and what it is told, all are told.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::watch::{Receiver, Sender};

use crate::money::Money;
use crate::store::answers::Digest;

/// What is asked right now.
#[derive(Debug, Default)]
pub(super) struct Flights(Mutex<HashMap<Digest, Flight>>);

/// A question that is asked right now.
#[derive(Debug, Default)]
struct Flight {
    /// What those are told who ask; more than one where somebody did not want to wait. Never none.
    asking: Vec<Arc<Sender<Progress>>>,
    /// How many have asked since nobody did.
    asked: usize,
}

/// An answer as far as it has come, as it was released to who asked for it: in the dialect that answers are kept in.
#[derive(Debug, Default)]
struct Progress {
    events: Vec<Bytes>,
    /// When it has come to its end: all of it, if that may be told once more, and what it has cost.
    end: Option<(Option<Bytes>, Option<Money>)>,
}

/// Who asks the model.
#[derive(Debug)]
pub(crate) enum Joined {
    /// This one.
    Leads(Leading),
    /// Another one.
    Follows(Following),
}

/// Who asks a model for all who wait. When it is dropped, whoever still waits goes on alone.
#[derive(Debug)]
pub(crate) struct Leading {
    flight: Digest,
    /// How many had asked with this one.
    number: usize,
    flights: Arc<Flights>,
    sender: Arc<Sender<Progress>>,
}

/// Who waits for what another one asks for.
#[derive(Debug)]
pub(crate) struct Following {
    receiver: Receiver<Progress>,
    /// Events that it has had.
    had: usize,
}

/// What comes next.
#[derive(Debug)]
pub(crate) enum Next {
    /// Some events.
    Events(Bytes),
    /// Nothing more: that was all of it.
    End,
    /// Nothing more: whoever asked has been told something that is not for others.
    Lost,
}

impl Flights {
    pub(super) fn join(self: &Arc<Self>, flight: Digest) -> Joined {
        let mut all = self.all();
        match all.get(&flight).and_then(|known| known.asking.last()) {
            Some(newest) => Joined::Follows(Following { receiver: newest.subscribe(), had: 0 }),
            None => Joined::Leads(self.leading(flight, all.entry(flight).or_default())),
        }
    }

    /// Ask in any case. Whoever comes later is told what this one is told.
    pub(super) fn lead(self: &Arc<Self>, flight: Digest) -> Leading {
        self.leading(flight, self.all().entry(flight).or_default())
    }

    fn leading(self: &Arc<Self>, flight: Digest, known: &mut Flight) -> Leading {
        let sender = Arc::new(Sender::new(Progress::default()));
        known.asking.push(sender.clone());
        known.asked += 1;
        Leading { flight, number: known.asked, flights: self.clone(), sender }
    }

    pub(super) fn count(&self) -> usize {
        self.all().values().map(|flight| flight.asking.len()).sum()
    }

    pub(super) fn followers(&self) -> usize {
        self.all().values().flat_map(|flight| &flight.asking).map(|sender| sender.receiver_count()).sum()
    }

    fn all(&self) -> MutexGuard<'_, HashMap<Digest, Flight>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Leading {
    /// Events have been released.
    pub(super) fn says(&self, events: Bytes) {
        if !events.is_empty() {
            self.sender.send_modify(|progress| progress.events.push(events));
        }
    }

    /// The answer has come to its end.
    pub(super) fn ends(&self, whole: Option<Bytes>, cost: Option<Money>) {
        self.sender.send_modify(|progress| progress.end = Some((whole, cost)));
    }

    /// When nobody waits for it.
    pub(super) async fn is_alone(&self) {
        self.sender.closed().await;
    }

    /// How many wait for it.
    pub(super) fn followers(&self) -> usize {
        self.sender.receiver_count()
    }

    /// Whether nobody has asked the same in any case since then.
    pub(super) fn is_newest(&self) -> bool {
        self.flights.all().get(&self.flight).is_some_and(|flight| flight.asked == self.number)
    }
}

impl Drop for Leading {
    fn drop(&mut self) {
        if let Entry::Occupied(mut flight) = self.flights.all().entry(self.flight) {
            flight.get_mut().asking.retain(|sender| !Arc::ptr_eq(sender, &self.sender));
            if flight.get().asking.is_empty() {
                flight.remove();
            }
        }
    }
}

impl Following {
    /// What comes next of the events.
    pub(crate) async fn next(&mut self) -> Next {
        loop {
            let is_over = {
                let progress = self.receiver.borrow_and_update();
                let new: Vec<Bytes> = progress.events.get(self.had..).unwrap_or_default().to_vec();
                self.had = progress.events.len();
                match (new.is_empty(), &progress.end) {
                    (false, _) => return Next::Events(new.concat().into()),
                    (true, end) => end.is_some(),
                }
            };
            if is_over {
                return Next::End;
            }
            if self.receiver.changed().await.is_err() && !self.has_more() {
                return Next::Lost;
            }
        }
    }

    /// All of it, when it has come to its end; nothing if it does not.
    pub(crate) async fn whole(&mut self) -> Option<(Bytes, Option<Money>)> {
        let ended = self.receiver.wait_for(|progress| progress.end.is_some()).await.ok()?;
        let (whole, cost) = ended.end.clone()?;
        Some((whole?, cost))
    }

    /// What it has cost, if it has come to its end and that is known.
    pub(crate) fn cost(&self) -> Option<Money> {
        self.receiver.borrow().end.as_ref().and_then(|(_, cost)| *cost)
    }

    fn has_more(&self) -> bool {
        let progress = self.receiver.borrow();
        progress.end.is_some() || progress.events.len() > self.had
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn leads(flights: &Arc<Flights>) -> Leading {
        match flights.join([1; 32]) {
            Joined::Leads(leading) => leading,
            Joined::Follows(_) => panic!("somebody leads already"),
        }
    }

    fn follows(flights: &Arc<Flights>) -> Following {
        match flights.join([1; 32]) {
            Joined::Follows(following) => following,
            Joined::Leads(_) => panic!("nobody leads"),
        }
    }

    async fn events(following: &mut Following) -> String {
        match following.next().await {
            Next::Events(events) => String::from_utf8(events.to_vec()).unwrap(),
            other => format!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn whoever_comes_later_hears_all_from_the_beginning() {
        let flights = Arc::default();
        let leading = leads(&flights);
        let mut early = follows(&flights);
        leading.says(Bytes::from_static(b"a"));
        assert_eq!(events(&mut early).await, "a");
        leading.says(Bytes::from_static(b"b"));
        let mut late = follows(&flights);
        assert_eq!(leading.followers(), 2);
        assert_eq!((events(&mut early).await, events(&mut late).await), ("b".to_owned(), "ab".to_owned()));
        leading.ends(Some(Bytes::from_static(b"ab")), Some(Money::from_nanodollars(7)));
        drop(leading);
        assert!(matches!((early.next().await, late.next().await), (Next::End, Next::End)));
        assert_eq!(late.whole().await.unwrap().0, "ab");
        assert_eq!(late.cost(), Some(Money::from_nanodollars(7)));
        leads(&flights);
    }

    #[tokio::test]
    async fn whoever_waits_for_what_does_not_end_is_told_so() {
        let flights = Arc::default();
        let leading = leads(&flights);
        let (mut one, mut other) = (follows(&flights), follows(&flights));
        leading.says(Bytes::from_static(b"a"));
        drop(leading);
        assert_eq!(events(&mut one).await, "a");
        assert!(matches!(one.next().await, Next::Lost));
        assert_eq!(other.whole().await, None);
    }

    #[tokio::test]
    async fn whoever_asks_in_any_case_is_the_newest_and_takes_nobody_from_the_older() {
        let flights = Arc::default();
        let older = leads(&flights);
        let mut of_older = follows(&flights);
        let newer = flights.lead([1; 32]);
        let mut of_newer = follows(&flights);
        assert_eq!((older.is_newest(), newer.is_newest()), (false, true));
        older.says(Bytes::from_static(b"older"));
        newer.says(Bytes::from_static(b"newer"));
        assert_eq!((&*events(&mut of_older).await, &*events(&mut of_newer).await), ("older", "newer"));
        drop(older);
        assert_eq!((flights.count(), newer.is_newest()), (1, true));
        drop(newer);
        assert_eq!(flights.count(), 0);
        let older = leads(&flights);
        drop(flights.lead([1; 32]));
        assert_eq!((flights.count(), older.is_newest()), (1, false), "the newer one has had its answer");
    }
}
