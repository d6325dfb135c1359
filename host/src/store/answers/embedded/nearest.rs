//! Questions by what they mean: vectors by partition, on a thread of its own. After a start it is filled from the file
//! a little at a time, between what is asked: what is not in it yet is not found, and nobody waits for it.

mod vectors;

use std::collections::{BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::Arc;

use tracing::{info, warn};

use super::super::{About, Digest, Failure, Meaning, Near, Purge, Vector, is_unit};
use super::file::Reader;
use crate::config;
use crate::queue::Work;
use crate::store::counters::Clock;
use vectors::Vectors;

/// Bytes that a vector takes beside its numbers: its place in the graph, and what is known of it. 720 were measured.
pub(super) const VECTOR_BYTES: u64 = 768;
/// Vectors that are read from the file at a time: adding one takes a millisecond, and a search waits for all of them.
const READ_TOGETHER: usize = 2;
/// Expired vectors that are forgotten with each step: thousands may expire at once, and a search would wait for them
/// all.
const EXPIRED_MAX: usize = 64;
/// Further vectors that are looked for, as some may have expired and not be forgotten yet.
const FURTHER: usize = 8;

/// What the thread is asked.
#[derive(Debug)]
pub(super) enum Step {
    Find { partition: Digest, vector: Vector, least: f32, most: usize },
    Add(Arc<Meaning>),
    Purge(Purge),
}

impl Step {
    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Find { vector, .. } => size_of_val(&**vector),
            Self::Add(meaning) => size_of_val(&*meaning.vector),
            Self::Purge(_) => 0,
        }
    }
}

/// What it tells.
#[derive(Debug)]
pub(super) enum Told {
    Near(Vec<Near>),
    Done,
}

/// Where a vector is: those of another length are not compared.
type Place = (Digest, usize);

/// All vectors.
pub(super) struct Index {
    path: PathBuf,
    bytes_max: u64,
    clock: Clock,
    places: HashMap<Place, Vectors>,
    /// By their numbers, which are given once.
    known: HashMap<u64, Known>,
    by_key: HashMap<Digest, u64>,
    /// By when the answer was given: the oldest make room.
    by_age: BTreeSet<(u64, u64)>,
    by_end: BTreeSet<(u64, u64)>,
    bytes: u64,
    next: u64,
}

/// What is known of a vector.
struct Known {
    key: Digest,
    about: About,
    place: Place,
}

impl Index {
    pub(super) fn new(bounds: &config::Cache, clock: Clock) -> Self {
        Self {
            path: bounds.path.clone(),
            bytes_max: bounds.vectors_bytes_max,
            clock,
            places: HashMap::new(),
            known: HashMap::new(),
            by_key: HashMap::new(),
            by_age: BTreeSet::new(),
            by_end: BTreeSet::new(),
            bytes: 0,
            next: 0,
        }
    }

    /// Work until nobody can ask any more.
    pub(super) fn work(&mut self, work: &Work<Step, Result<Told, Failure>>) {
        let mut reader = Reader::open(&self.path);
        loop {
            let asked = if reader.is_some() { work.waiting(1) } else { work.together(1) };
            let Some(asked) = asked else { return };
            for one in asked {
                let told = self.done(&one.asked);
                one.tell(told);
            }
            if let Some(reading) = &mut reader
                && !self.read(reading)
            {
                info!(questions = self.known.len(), "the questions of the cache are read");
                reader = None;
            }
        }
    }

    /// Read some further vectors. Says whether there may be more.
    fn read(&mut self, reader: &mut Reader) -> bool {
        let read = reader.next(READ_TOGETHER).unwrap_or_else(|why| {
            warn!(why, "the questions of the cache cannot be read any further");
            Vec::new()
        });
        let now = self.clock.now();
        let mut is_more = !read.is_empty();
        for meaning in read {
            // What came meanwhile is newer.
            if self.by_key.contains_key(&meaning.key) || !is_unit(&meaning.vector) || meaning.about.kept_until <= now {
                continue;
            }
            // The newest are read first: what has no room is older than all that has.
            is_more &= self.bytes.saturating_add(bytes(meaning.vector.len())) <= self.bytes_max;
            if is_more {
                let _ = self.add(&meaning);
            }
        }
        is_more
    }

    fn done(&mut self, step: &Step) -> Result<Told, Failure> {
        self.forget_expired();
        match step {
            Step::Find { partition, vector, least, most } => {
                self.find(partition, vector, *least, *most).map(Told::Near)
            }
            Step::Add(meaning) => self.add(meaning).map(|()| Told::Done),
            Step::Purge(purge) => {
                self.purge(purge);
                Ok(Told::Done)
            }
        }
    }

    fn find(&self, partition: &Digest, vector: &[f32], least: f32, most: usize) -> Result<Vec<Near>, Failure> {
        let Some(vectors) = self.places.get(&(*partition, vector.len())) else { return Ok(Vec::new()) };
        let found = vectors.nearest(&unit(vector), most.saturating_add(FURTHER)).map_err(failed)?;
        let now = self.clock.now();
        let near = found.into_iter().filter_map(|(number, similarity)| {
            let known = self.known.get(&number).filter(|known| now < known.about.kept_until)?;
            (similarity >= least).then_some(Near { key: known.key, similarity: similarity.min(1.0) })
        });
        Ok(near.take(most).collect())
    }

    fn add(&mut self, meaning: &Meaning) -> Result<(), Failure> {
        let Meaning { key, about, vector } = meaning;
        if let Some(number) = self.by_key.get(key) {
            self.forget(*number);
        }
        let bytes = bytes(vector.len());
        if bytes > self.bytes_max {
            return Err(Failure::Full);
        }
        while self.bytes.saturating_add(bytes) > self.bytes_max
            && let Some(number) = self.first_to_go()
        {
            self.forget(number);
        }
        let (place, number) = ((about.partition, vector.len()), self.next);
        let vectors = self.places.entry(place).or_insert_with(|| Vectors::new(vector.len()));
        vectors.add(number, &unit(vector)).map_err(failed)?;
        self.next += 1;
        self.bytes += bytes;
        self.by_key.insert(*key, number);
        self.by_age.insert((about.created.0, number));
        self.by_end.insert((about.kept_until.0, number));
        self.known.insert(number, Known { key: *key, about: about.clone(), place });
        Ok(())
    }

    /// One that has expired, or else the oldest.
    fn first_to_go(&self) -> Option<u64> {
        let expired = self.by_end.first().filter(|(end, _)| *end <= self.clock.now().0);
        expired.or_else(|| self.by_age.first()).map(|(_, number)| *number)
    }

    fn forget_expired(&mut self) {
        let now = self.clock.now().0;
        for _ in 0..EXPIRED_MAX {
            let Some((_, number)) = self.by_end.first().filter(|(end, _)| *end <= now) else { return };
            self.forget(*number);
        }
    }

    fn purge(&mut self, purge: &Purge) {
        let concerned = self.known.iter().filter(|(_, known)| purge.concerns(&known.key, &known.about));
        let numbers: Vec<u64> = concerned.map(|(number, _)| *number).collect();
        numbers.into_iter().for_each(|number| self.forget(number));
    }

    fn forget(&mut self, number: u64) {
        let Some(Known { key, about, place }) = self.known.remove(&number) else { return };
        self.by_key.remove(&key);
        self.by_age.remove(&(about.created.0, number));
        self.by_end.remove(&(about.kept_until.0, number));
        self.bytes = self.bytes.saturating_sub(bytes(place.1));
        if let Some(vectors) = self.places.get_mut(&place) {
            vectors.remove(number);
            if vectors.len() == 0 {
                self.places.remove(&place);
            }
        }
    }
}

fn bytes(dimensions: usize) -> u64 {
    u64::try_from(dimensions * size_of::<f32>()).unwrap_or(u64::MAX).saturating_add(VECTOR_BYTES)
}

/// The vector of exactly unit length in the same direction: what comes is so as near as others compute.
fn unit(vector: &[f32]) -> Vec<f32> {
    let length = vector.iter().map(|value| value * value).sum::<f32>().sqrt();
    vector.iter().map(|value| value / length).collect()
}

fn failed(why: String) -> Failure {
    Failure::Unavailable(format!("the index of vectors: {why}"))
}
