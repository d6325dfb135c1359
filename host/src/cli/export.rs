//! `sluicegate export`

use std::path::PathBuf;

use clap::Args;

use super::table::say;
use super::{Source, block_on};
use crate::export::{self, Exported, Format, Plan};
use crate::feedback::Score;
use crate::ledger::{Ledger, Wanted};
use crate::moment::Moment;

/// Write what was said, and what people think of it, as JSON lines for training and evaluation.
///
/// Only what was captured is there, as the guardrails let it pass. A manifest beside the file says how it was made.
#[derive(Args, Debug)]
pub(super) struct Export {
    /// What the lines are for.
    #[arg(long, value_enum)]
    format: Format,
    /// The file to write.
    #[arg(long, short, value_name = "FILE")]
    output: PathBuf,
    /// The configuration file, whose [ledger] is read; by default `sluicegate.toml` if there is one here.
    #[arg(long, short, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Exchanges that began then or later: a time, as 2027-01-31T00:00:00Z, or how long ago, as 7d.
    #[arg(long, value_name = "WHEN", value_parser = Moment::in_the_past)]
    since: Option<Moment>,
    /// Exchanges that began before that.
    #[arg(long, value_name = "WHEN", value_parser = Moment::in_the_past)]
    until: Option<Moment>,
    /// Exchanges of this tenant.
    #[arg(long, value_name = "NAME")]
    tenant: Option<String>,
    /// Exchanges for which this model was asked.
    #[arg(long, value_name = "MODEL")]
    model: Option<String>,
    /// Exchanges with such a score at least, from 0 to 1; the one that was given last counts.
    #[arg(long, value_name = "SCORE", value_parser = score)]
    score_min: Option<Score>,
    /// Exchanges with such a score at the most.
    #[arg(long, value_name = "SCORE", value_parser = score)]
    score_max: Option<Score>,
    /// Exchanges in which this rule has found something.
    #[arg(long, value_name = "RULE")]
    rule: Option<String>,
    /// Exchanges in which nothing was found.
    #[arg(long, conflicts_with = "rule")]
    without_findings: bool,
    /// What conversations show counts too: an answer that was changed as corrected, one that was asked for once more as worse
    /// than the next one.
    #[arg(long)]
    noticed: bool,
    /// No more lines than this.
    #[arg(long, value_name = "NUMBER")]
    lines_max: Option<u64>,
}

fn score(text: &str) -> Result<Score, String> {
    let score = text.parse().ok().and_then(Score::new);
    score.ok_or_else(|| "must be a number from 0 to 1".to_owned())
}

impl Export {
    pub(super) fn run(self) -> Result<(), String> {
        let source = Source { config: self.config.clone(), ..Source::default() };
        let (_, settings) = source.settings()?;
        let ms = |moment: Moment| moment.seconds().saturating_mul(1_000);
        let plan = Plan {
            format: self.format,
            wanted: Wanted {
                since_ms: self.since.map(ms),
                until_ms: self.until.map(ms),
                tenant: self.tenant,
                model: self.model,
            },
            score_min: self.score_min,
            score_max: self.score_max,
            rule: self.rule,
            without_findings: self.without_findings,
            noticed: self.noticed,
            lines_max: self.lines_max,
            output: self.output,
        };
        let exported = block_on(async { export::export(&Ledger::to_read(&settings)?, &plan).await })?;
        let Exported { lines, considered, left_out, manifest } = exported;
        say(&format!("{lines} lines of {considered} captured exchanges in {}", plan.output.display()))?;
        left_out.iter().try_for_each(|(why, count)| say(&format!("left out {count}: {why}")))?;
        say(&format!("how it was made: {}", manifest.display()))
    }
}
