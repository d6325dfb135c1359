//! What a person reads in the end.

use crate::figures::Series;

/// One line of the table.
#[derive(Clone, Debug, Default)]
pub(crate) struct Line {
    what: String,
    measured: String,
    ratio: String,
    budget: String,
    met: Option<bool>,
    why_not: Option<String>,
}

impl Line {
    pub(crate) fn new(what: impl Into<String>, measured: impl Into<String>) -> Self {
        Self { what: what.into(), measured: measured.into(), ..Self::default() }
    }

    /// Beside the row above: for understanding it, without a budget of its own.
    pub(crate) fn note(what: impl AsRef<str>, measured: impl Into<String>) -> Self {
        Self::new(format!("  {}", what.as_ref()), measured)
    }

    /// A row that could not be measured; the reason stands below the table.
    pub(crate) fn unmeasured(what: impl Into<String>, why: String) -> Self {
        Self { why_not: Some(why), ..Self::new(what, "could not be measured") }
    }

    pub(crate) fn ratio(mut self, ratio: &Series) -> Self {
        self.ratio = ratio.to_string();
        self
    }

    /// A ratio with its budget.
    pub(crate) fn at_most(self, ratio: &Series, budget: f64) -> Self {
        let met = ratio.median() <= budget;
        self.ratio(ratio).budget(format!("at most {budget} times"), met)
    }

    pub(crate) fn budget(mut self, budget: impl Into<String>, met: bool) -> Self {
        self.budget = budget.into();
        self.met = Some(met);
        self
    }
}

/// The lines under each other, in columns.
pub(crate) fn shown(lines: &[Line]) -> String {
    let head = ["what", "measured", "ratio", "budget", ""].map(str::to_owned);
    let cells = lines.iter().map(|line| {
        let met = match line.met {
            Some(true) => "met",
            Some(false) => "NOT MET",
            None => "",
        };
        [line.what.clone(), line.measured.clone(), line.ratio.clone(), line.budget.clone(), met.to_owned()]
    });
    let rows: Vec<[String; 5]> = std::iter::once(head).chain(cells).collect();
    let mut widths = [0; 5];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut text = String::new();
    for row in &rows {
        let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}"));
        text.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
        text.push('\n');
    }
    for line in lines {
        text.extend(line.why_not.iter().map(|why| format!("\n{}: {why}\n", line.what)));
    }
    text
}

/// Microseconds, as short as it is exact.
pub(crate) fn us(microseconds: f64) -> String {
    match microseconds {
        us if us.abs() >= 10_000.0 => format!("{:.1} ms", us / 1000.0),
        us if us.abs() >= 100.0 => format!("{us:.0} µs"),
        us => format!("{us:.1} µs"),
    }
}
