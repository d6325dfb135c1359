//! From many measurements to one figure, and how far they lie apart.

use std::fmt;

/// Measurements of one thing, round by round.
#[derive(Clone, Debug, Default)]
pub(crate) struct Series(pub(crate) Vec<f64>);

impl Series {
    pub(crate) fn median(&self) -> f64 {
        self.quantile(0.5)
    }

    /// The measurement below which this part of all lies.
    pub(crate) fn quantile(&self, part: f64) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        let last = sorted.len().saturating_sub(1) as f64;
        let (below, above) = ((last * part).floor(), (last * part).ceil());
        let at = |index: f64| sorted.get(index as usize).copied().unwrap_or(f64::NAN);
        at(below) + (at(above) - at(below)) * (last * part - below)
    }

    pub(crate) fn least(&self) -> f64 {
        self.quantile(0.0)
    }

    pub(crate) fn most(&self) -> f64 {
        self.quantile(1.0)
    }

    /// Round by round, what `make` makes of both.
    pub(crate) fn with(&self, other: &Self, make: impl Fn(f64, f64) -> f64) -> Self {
        Self(self.0.iter().zip(&other.0).map(|(a, b)| make(*a, *b)).collect())
    }

    /// Round by round.
    pub(crate) fn over(&self, other: &Self) -> Self {
        self.with(other, |a, b| a / b)
    }

    /// Round by round.
    pub(crate) fn minus(&self, other: &Self) -> Self {
        self.with(other, |a, b| a - b)
    }
}

/// Of measurements that were made in turns, those of the half of all rounds that took least in sum: whatever else a machine does
/// adds to them, for seconds on end. No case is preferred to another by that.
pub(crate) fn calmest(all: &[Series]) -> Vec<Series> {
    let rounds = all.iter().map(|series| series.0.len()).min().unwrap_or_default();
    let sum = |round: usize| all.iter().filter_map(|series| series.0.get(round)).sum::<f64>();
    let mut calm: Vec<usize> = (0..rounds).collect();
    calm.sort_by(|one, other| sum(*one).total_cmp(&sum(*other)));
    calm.truncate(rounds.div_ceil(2));
    let of = |series: &Series| calm.iter().filter_map(|round| series.0.get(*round).copied()).collect();
    all.iter().map(of).collect()
}

impl FromIterator<f64> for Series {
    fn from_iter<I: IntoIterator<Item = f64>>(measurements: I) -> Self {
        Self(measurements.into_iter().collect())
    }
}

/// The median, and in brackets the least and the most.
impl fmt::Display for Series {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.2} ({:.2} to {:.2})", self.median(), self.least(), self.most())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_lie_between_the_measurements() {
        let series = Series(vec![4.0, 1.0, 3.0, 2.0]);
        assert_eq!(series.median(), 2.5);
        assert_eq!(series.least(), 1.0);
        assert_eq!(series.most(), 4.0);
        assert!(Series::default().median().is_nan());
    }

    #[test]
    fn the_calm_half_of_the_rounds_is_the_same_for_all() {
        let all = [Series(vec![1.0, 9.0, 2.0]), Series(vec![10.0, 5.0, 11.0])];
        // Sums of 11, 14 and 13.
        let calm: Vec<Vec<f64>> = calmest(&all).into_iter().map(|series| series.0).collect();
        assert_eq!(calm, [[1.0, 2.0], [10.0, 11.0]]);
        assert!(calmest(&[]).is_empty());
    }
}
