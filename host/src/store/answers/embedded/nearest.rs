//! Questions by what they mean: an index of vectors for each partition, on a thread of its own. After a start it is filled from
//! the file a little at a time, between what is asked: what is not in it yet is not found, and nobody waits for it.

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use tracing::{info, warn};
use usearch::{Index as Graph, IndexOptions, MetricKind, ScalarKind};

use super::super::{About, Digest, Failure, Meaning, Near, Purge, Vector};
use super::file::Reader;
use super::is_unit;
use crate::config;
use crate::queue::Work;
use crate::store::counters::Clock;

/// Bytes that a vector takes beside its numbers: its place in the graph, and what is known of it.
pub(super) const VECTOR_BYTES: u64 = 1_024;
/// Vectors that are read from the file at a time: adding one takes a millisecond.
const READ_TOGETHER: usize = 8;
/// Further vectors that a search gives, as some of them may be gone by now.
const FURTHER: usize = 4;

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
    graphs: HashMap<Place, Graph>,
    /// By their numbers in their graphs.
    known: HashMap<u64, Known>,
    by_key: HashMap<Digest, u64>,
    /// By when the answer was given: the oldest make room.
    by_age: BTreeSet<(u64, u64)>,
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
            graphs: HashMap::new(),
            known: HashMap::new(),
            by_key: HashMap::new(),
            by_age: BTreeSet::new(),
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
        // The newest are read first: what has no room is older than all that has.
        let has_room = |index: &Self| index.bytes < index.bytes_max;
        let is_more = !read.is_empty() && has_room(self);
        for meaning in read {
            // What came meanwhile is newer.
            if !self.by_key.contains_key(&meaning.key) && is_unit(&meaning.vector) {
                let _ = self.add(&meaning);
            }
        }
        is_more
    }

    fn done(&mut self, step: &Step) -> Result<Told, Failure> {
        match step {
            Step::Find { partition, vector, least, most } => {
                self.find(partition, vector, *least, *most).map(Told::Near)
            }
            Step::Add(meaning) => self.add(meaning).map(|()| Told::Done),
            Step::Purge(purge) => {
                let concerned = self.known.iter().filter(|(_, known)| purge.concerns(&known.key, &known.about));
                let numbers: Vec<u64> = concerned.map(|(number, _)| *number).collect();
                numbers.into_iter().for_each(|number| self.forget(number));
                Ok(Told::Done)
            }
        }
    }

    fn find(&self, partition: &Digest, vector: &[f32], least: f32, most: usize) -> Result<Vec<Near>, Failure> {
        let Some(graph) = self.graphs.get(&(*partition, vector.len())) else { return Ok(Vec::new()) };
        let found = graph.search(vector, most.saturating_add(FURTHER)).map_err(|error| failed(&error))?;
        let now = self.clock.now();
        let near = found.keys.into_iter().zip(found.distances).filter_map(|(number, distance)| {
            let known = self.known.get(&number).filter(|known| now < known.about.kept_until)?;
            let similarity = 1.0 - distance;
            (similarity >= least).then_some(Near { key: known.key, similarity })
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
            && let Some((_, oldest)) = self.by_age.first()
        {
            self.forget(*oldest);
        }
        let place = (about.partition, vector.len());
        let graph = match self.graphs.entry(place) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(free) => free.insert(graph(vector.len())?),
        };
        let (size, number) = (graph.size(), self.next);
        if size >= graph.capacity() {
            graph.reserve(size + size / 2 + 16).map_err(|error| failed(&error))?;
        }
        graph.add(number, vector).map_err(|error| failed(&error))?;
        self.next += 1;
        self.bytes += bytes;
        self.by_key.insert(*key, number);
        self.by_age.insert((about.created.0, number));
        self.known.insert(number, Known { key: *key, about: about.clone(), place });
        Ok(())
    }

    fn forget(&mut self, number: u64) {
        let Some(Known { key, about, place }) = self.known.remove(&number) else { return };
        self.by_key.remove(&key);
        self.by_age.remove(&(about.created.0, number));
        self.bytes = self.bytes.saturating_sub(bytes(place.1));
        if let Some(graph) = self.graphs.get(&place) {
            let is_out = graph.remove(number).is_ok();
            // An empty one only takes room; and where one cannot be taken out, its graph is of no use.
            if graph.size() == 0 || !is_out {
                self.graphs.remove(&place);
            }
        }
    }
}

fn bytes(dimensions: usize) -> u64 {
    u64::try_from(dimensions * size_of::<f32>()).unwrap_or(u64::MAX).saturating_add(VECTOR_BYTES)
}

fn graph(dimensions: usize) -> Result<Graph, Failure> {
    // Of vectors of unit length, the inner product is the cosine of the angle between them.
    let options =
        IndexOptions { dimensions, metric: MetricKind::IP, quantization: ScalarKind::F32, ..IndexOptions::default() };
    Graph::new(&options).map_err(|error| failed(&error))
}

fn failed(error: &dyn fmt::Display) -> Failure {
    Failure::Unavailable(format!("the index of vectors: {error}"))
}
