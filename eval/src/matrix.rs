//! Which labels were taken for which.

use std::collections::BTreeMap;
use std::fmt;

/// Counts by what is true and what was said.
#[derive(Debug)]
pub(crate) struct Matrix {
    labels: Vec<String>,
    counts: BTreeMap<(String, String), u32>,
}

impl Matrix {
    /// For these labels, in this order.
    pub(crate) fn new<'a>(labels: impl IntoIterator<Item = &'a str>) -> Self {
        Self { labels: labels.into_iter().map(str::to_owned).collect(), counts: BTreeMap::new() }
    }

    pub(crate) fn add(&mut self, truth: &str, said: &str) {
        *self.counts.entry((truth.to_owned(), said.to_owned())).or_default() += 1;
    }

    fn count(&self, truth: &str, said: &str) -> u32 {
        self.counts.get(&(truth.to_owned(), said.to_owned())).copied().unwrap_or_default()
    }

    /// How many of those that were taken for it are it.
    pub(crate) fn precision(&self, label: &str) -> f64 {
        ratio(self.count(label, label), self.labels.iter().map(|truth| self.count(truth, label)).sum())
    }

    /// How many of those that are it were taken for it.
    pub(crate) fn recall(&self, label: &str) -> f64 {
        ratio(self.count(label, label), self.labels.iter().map(|said| self.count(label, said)).sum())
    }

    /// How many are right.
    pub(crate) fn accuracy(&self) -> f64 {
        let right = self.labels.iter().map(|label| self.count(label, label)).sum();
        ratio(right, self.counts.values().sum())
    }
}

fn ratio(part: u32, whole: u32) -> f64 {
    if whole == 0 { 1.0 } else { f64::from(part) / f64::from(whole) }
}

/// A line for each truth, with how often what was said.
impl fmt::Display for Matrix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const TITLE: &str = "truth \\ said";
        let widest = self.labels.iter().map(String::len).max().unwrap_or_default();
        let (first, width) = (widest.max(TITLE.len()), widest.max("precision".len()) + 2);
        write!(f, "{TITLE:>first$}")?;
        for label in self.labels.iter().map(String::as_str).chain(["precision", "recall"]) {
            write!(f, "{label:>width$}")?;
        }
        for truth in &self.labels {
            write!(f, "\n{truth:>first$}")?;
            for said in &self.labels {
                write!(f, "{:>width$}", self.count(truth, said))?;
            }
            write!(f, "{:>width$.3}{:>width$.3}", self.precision(truth), self.recall(truth))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_counts_what_was_taken_for_what() {
        let mut matrix = Matrix::new(["hit", "miss"]);
        for (truth, said) in [("hit", "hit"), ("hit", "hit"), ("hit", "miss"), ("miss", "hit"), ("miss", "miss")] {
            matrix.add(truth, said);
        }
        let near = |value: f64, expected: f64| (value - expected).abs() < 1e-9;
        assert!(near(matrix.precision("hit"), 2.0 / 3.0) && near(matrix.recall("hit"), 2.0 / 3.0));
        assert!(near(matrix.recall("miss"), 0.5) && near(matrix.accuracy(), 0.6));
        assert!(matrix.to_string().contains("\n         hit          2          1      0.667      0.667"), "{matrix}");
    }
}
