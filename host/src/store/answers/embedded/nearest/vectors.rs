//! Vectors of one partition and one length. Some hundreds are compared one by one; through all others a graph leads to
//! those that are near. So a small partition, of which there may be thousands, takes no more room than its numbers: a
//! graph takes megabytes of addresses at once. And a growing one moves into its graph one vector at a time.

use usearch::{Index as Graph, IndexOptions, MetricKind, ScalarKind};

/// Vectors that are compared one by one: that takes a tenth of a millisecond.
pub(super) const LISTED_MAX: usize = 512;

/// Vectors by their numbers.
pub(super) struct Vectors {
    dimensions: usize,
    /// The numbers of those that are listed, and their values one after the other.
    listed: Vec<u64>,
    values: Vec<f32>,
    graph: Option<Graph>,
}

impl Vectors {
    pub(super) fn new(dimensions: usize) -> Self {
        Self { dimensions, listed: Vec::new(), values: Vec::new(), graph: None }
    }

    pub(super) fn len(&self) -> usize {
        self.listed.len() + self.graph.as_ref().map_or(0, Graph::size)
    }

    /// Add a vector of unit length, under a number that no other has.
    ///
    /// # Errors
    /// When there is no memory for it; then it is not there, and nothing else has changed.
    pub(super) fn add(&mut self, number: u64, vector: &[f32]) -> Result<(), String> {
        if self.listed.len() >= LISTED_MAX {
            self.move_one()?;
        }
        self.listed.push(number);
        self.values.extend(vector);
        Ok(())
    }

    /// Move one from the list to the graph.
    fn move_one(&mut self) -> Result<(), String> {
        let (Some(number), Some(vector)) = (self.listed.first(), self.values.get(..self.dimensions)) else {
            return Ok(());
        };
        let graph = match &mut self.graph {
            Some(graph) => graph,
            none => none.insert(graph(self.dimensions)?),
        };
        let size = graph.size();
        if size >= graph.capacity() {
            // One thread works on it.
            graph.reserve_capacity_and_threads(size + size / 2 + LISTED_MAX, 1).map_err(|error| error.to_string())?;
        }
        graph.add(*number, vector).map_err(|error| error.to_string())?;
        self.unlist(0);
        Ok(())
    }

    pub(super) fn remove(&mut self, number: u64) {
        if let Some(place) = self.listed.iter().position(|listed| *listed == number) {
            self.unlist(place);
        } else if let Some(graph) = &self.graph {
            let is_out = graph.remove(number).is_ok();
            // An empty one only takes room; and where one cannot be taken out, the graph is of no use.
            if graph.size() == 0 || !is_out {
                self.graph = None;
            }
        }
    }

    /// Take one from the list. The last takes its place.
    fn unlist(&mut self, place: usize) {
        let Some(last) = self.listed.len().checked_sub(1) else { return };
        let (from, to) = (last * self.dimensions, place * self.dimensions);
        self.values.copy_within(from.., to);
        self.values.truncate(from);
        self.listed.swap_remove(place);
    }

    /// Up to so many, and how similar each is to a vector of unit length, the nearest first.
    ///
    /// # Errors
    /// When there is no memory for the search.
    pub(super) fn nearest(&self, vector: &[f32], most: usize) -> Result<Vec<(u64, f32)>, String> {
        let most = most.min(self.len());
        let listed = self.listed.iter().zip(self.values.chunks_exact(self.dimensions.max(1)));
        let mut near: Vec<(u64, f32)> = listed.map(|(number, listed)| (*number, product(vector, listed))).collect();
        if let Some(graph) = &self.graph {
            let found = graph.search(vector, most).map_err(|error| error.to_string())?;
            near.extend(found.keys.into_iter().zip(found.distances.into_iter().map(|distance| 1.0 - distance)));
        }
        near.sort_unstable_by(|(_, one), (_, other)| other.total_cmp(one));
        near.truncate(most);
        Ok(near)
    }
}

/// The inner product, which of vectors of unit length is the cosine of the angle between them.
fn product(one: &[f32], other: &[f32]) -> f32 {
    // Several sums at once, which the processor adds up together.
    const SUMS: usize = 16;
    let ((ones, one_rest), (others, other_rest)) = (one.as_chunks::<SUMS>(), other.as_chunks::<SUMS>());
    let mut sums = [0.0; SUMS];
    for (one, other) in ones.iter().zip(others) {
        for ((sum, one), other) in sums.iter_mut().zip(one).zip(other) {
            *sum += one * other;
        }
    }
    let rest: f32 = one_rest.iter().zip(other_rest).map(|(one, other)| one * other).sum();
    sums.iter().sum::<f32>() + rest
}

fn graph(dimensions: usize) -> Result<Graph, String> {
    let options =
        IndexOptions { dimensions, metric: MetricKind::IP, quantization: ScalarKind::F32, ..IndexOptions::default() };
    Graph::new(&options).map_err(|error| error.to_string())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn list_and_graph_find_what_was_added_and_not_what_was_removed() {
        let mut vectors = Vectors::new(2);
        let many = u64::try_from(3 * LISTED_MAX).unwrap();
        let unit = |number: u64| {
            let angle = number as f32 * std::f32::consts::PI / many as f32;
            [angle.cos(), angle.sin()]
        };
        for number in 0..many {
            vectors.add(number, &unit(number)).unwrap();
        }
        assert_eq!((vectors.listed.len(), vectors.len()), (LISTED_MAX, 3 * LISTED_MAX));
        let nearest = |vectors: &Vectors, number| vectors.nearest(&unit(number), 1).unwrap().first().unwrap().0;
        for number in 0..many {
            assert_eq!(nearest(&vectors, number), number);
        }
        for number in (1..many).step_by(2) {
            vectors.remove(number);
        }
        for number in 0..many - 1 {
            assert_eq!(nearest(&vectors, number) % 2, 0, "{number}");
            assert!(nearest(&vectors, number).abs_diff(number) <= 1, "{number}");
        }
        let all = vectors.nearest(&unit(0), usize::MAX).unwrap();
        assert!(all.is_sorted_by(|(_, one), (_, other)| one >= other));
        (0..many).for_each(|number| vectors.remove(number));
        assert_eq!((vectors.len(), vectors.nearest(&unit(0), 9).unwrap()), (0, vec![]));
        assert!(vectors.graph.is_none());
    }
}
