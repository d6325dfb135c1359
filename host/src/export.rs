//! What was said, and what people think of it, as lines of JSON for training and for evaluation: only what was captured, as
//! the guardrails let it pass.

mod line;
mod write;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde::Serialize;

use crate::feedback::{Feedback, Score, Source};
use crate::ledger::{Captured, Did, Ledger, Wanted};
use crate::store::ledger::Failure;
use line::{Conversation, Line};
use write::Writer;

/// What the lines are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Fine-tuning: `messages`, in OpenAI's form; the last is the answer, the corrected one where there is one.
    Chat,
    /// Preference tuning: `prompt`, `chosen` and `rejected`.
    Preference,
    /// Evaluation: input, answer, findings, feedback.
    Evaluation,
}

/// What is exported, and where to.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What the lines are for.
    pub format: Format,
    /// Which exchanges.
    pub wanted: Wanted,
    /// Only those with such a score at least.
    pub score_min: Option<Score>,
    /// Only those with such a score at the most.
    pub score_max: Option<Score>,
    /// Only those in which this rule has found something.
    pub rule: Option<String>,
    /// Only those in which nothing was found.
    pub without_findings: bool,
    /// What conversations show counts too: an answer that was changed as corrected, one that was asked for once more as worse
    /// than the next one.
    pub noticed: bool,
    /// No more lines than this.
    pub lines_max: Option<u64>,
    /// The file with the lines; the manifest is beside it, with `.manifest.json` behind its name.
    pub output: PathBuf,
}

/// What came of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exported {
    /// Lines that were written.
    pub lines: u64,
    /// Exchanges that were looked at.
    pub considered: u64,
    /// What was left out, and why.
    pub left_out: BTreeMap<&'static str, u64>,
    /// The manifest.
    pub manifest: PathBuf,
}

/// Export.
///
/// # Errors
/// When the ledger cannot be read, or a file not be written.
pub async fn export(ledger: &Ledger, plan: &Plan) -> Result<Exported, String> {
    let writer = Writer::create(&plan.output)?;
    let mut export = Export { ledger, plan, writer, compared: BTreeSet::new(), exported: Exported::default() };
    let mut behind = String::new();
    while !export.is_full() {
        let (page, last) = ledger.captured(&plan.wanted, &behind).await.map_err(unread)?;
        let Some(last) = last else { break };
        behind = last;
        for one in &page {
            if export.is_full() {
                break;
            }
            export.exported.considered += 1;
            export.take(one).await?;
        }
    }
    let Export { writer, mut exported, .. } = export;
    exported.manifest = writer.finish(plan, &exported, &ledger.name())?;
    Ok(exported)
}

fn unread(failure: Failure) -> String {
    format!("reading the ledger: {failure}")
}

struct Export<'a> {
    ledger: &'a Ledger,
    plan: &'a Plan,
    writer: Writer,
    /// Exchanges that were compared with each other.
    compared: BTreeSet<[String; 2]>,
    exported: Exported,
}

impl Export<'_> {
    fn is_full(&self) -> bool {
        self.plan.lines_max.is_some_and(|most| self.exported.lines >= most)
    }

    async fn take(&mut self, one: &Captured) -> Result<(), String> {
        if let Err(why) = self.plan.wants(one) {
            self.leaves_out(why);
            return Ok(());
        }
        let conversation = match Conversation::of(one) {
            Ok(conversation) => conversation,
            Err(why) => {
                self.leaves_out(why);
                return Ok(());
            }
        };
        match self.plan.format {
            Format::Chat => self.write_or_leave_out(line::chat(&conversation, self.corrected(one))),
            Format::Evaluation => self.write(&line::evaluation(one, &conversation)),
            Format::Preference => self.take_preferences(one, &conversation).await,
        }
    }

    async fn take_preferences(&mut self, one: &Captured, conversation: &Conversation) -> Result<(), String> {
        let mut pairs = 0;
        if let Some(corrected) = self.corrected(one) {
            pairs += 1;
            self.write_or_leave_out(line::corrected(conversation, corrected))?;
        }
        for (other, said) in self.compared(one) {
            if self.is_full() {
                return Ok(());
            }
            pairs += 1;
            // Something may be said of both: they are one pair.
            let mut pair = [one.entry.id.to_string(), other.to_owned()];
            pair.sort_unstable();
            if !self.compared.insert(pair) {
                continue;
            }
            let found = self.ledger.captured_with(&[other]).await.map_err(unread)?;
            // Who may say something of one may not bring another's words into it.
            let found = found.into_iter().next().filter(|found| found.entry.tenant == one.entry.tenant);
            let other = found.ok_or(NOT_CAPTURED).and_then(|found| {
                self.plan.allows(&found)?;
                let of_this = self.compared(&found).remove(&*one.entry.id).map(Comparison::turned);
                Ok((Conversation::of(&found)?, of_this.map_or(said, |turned| turned.max(said)).is_chosen))
            });
            let line = other.and_then(|(other, is_chosen)| match is_chosen {
                true => line::preferred(conversation, &other),
                false => line::preferred(&other, conversation),
            });
            self.write_or_leave_out(line)?;
        }
        if pairs == 0 {
            self.leaves_out("nothing was preferred to it, nor it to anything");
        }
        Ok(())
    }

    /// The exchanges that this one is compared with, each once, with what counts of all that was said of both here.
    fn compared<'f>(&self, one: &'f Captured) -> BTreeMap<&'f str, Comparison> {
        let mut compared = BTreeMap::<&str, Comparison>::new();
        for Feedback { opinion, source, at_ms, .. } in &one.feedback {
            let is_said = *source != Source::Traffic;
            let regenerated = opinion.regenerated_by.as_deref().filter(|_| is_said || self.plan.noticed);
            let regenerated =
                regenerated.map(|other| (other, if is_said { Weight::Told } else { Weight::Noticed }, false));
            let preferred = opinion.preferred_over.as_deref().map(|other| (other, Weight::Preferred, true));
            for (other, weight, is_chosen) in regenerated.into_iter().chain(preferred) {
                let new = Comparison { weight, at_ms: *at_ms, is_chosen };
                let known = compared.entry(other).or_insert(new);
                *known = new.max(*known);
            }
        }
        compared
    }

    /// The answer as it should have been: what people said last counts before what they did.
    fn corrected<'f>(&self, one: &'f Captured) -> Option<&'f str> {
        let of = |is_said: bool| {
            let all = one.feedback.iter().rev().filter(move |feedback| (feedback.source != Source::Traffic) == is_said);
            all.filter_map(|feedback| feedback.opinion.corrected.as_deref())
        };
        of(true).next().or_else(|| of(false).next().filter(|_| self.plan.noticed))
    }

    fn write_or_leave_out(&mut self, line: Result<Line, &'static str>) -> Result<(), String> {
        match line {
            Ok(_) if self.is_full() => Ok(()),
            Ok(line) => self.write(&line),
            Err(why) => {
                self.leaves_out(why);
                Ok(())
            }
        }
    }

    fn write(&mut self, line: &Line) -> Result<(), String> {
        self.exported.lines += 1;
        self.writer.line(line)
    }

    fn leaves_out(&mut self, why: &'static str) {
        *self.exported.left_out.entry(why).or_default() += 1;
    }
}

/// What was said of two answers to the same; of several, the largest counts: the one with more weight, then the later one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Comparison {
    weight: Weight,
    at_ms: u64,
    /// The answer of which it was said is the better one.
    is_chosen: bool,
}

/// What people say counts for more than what they do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Weight {
    /// The conversation shows that another answer was asked for.
    Noticed,
    /// An application tells that.
    Told,
    /// One is preferred.
    Preferred,
}

impl Comparison {
    /// The same, of the other one.
    fn turned(self) -> Self {
        Self { is_chosen: !self.is_chosen, ..self }
    }
}

const NOT_CAPTURED: &str = "the other exchange is not captured";

impl Plan {
    /// Whether the texts of an exchange may be in a line at all, be it in that of another one; why not.
    fn allows(&self, one: &Captured) -> Result<(), &'static str> {
        let entry = &one.entry;
        let is_a_models = entry.target.is_some() || matches!(entry.cache.as_deref(), Some("hit" | "stale"));
        if one.texts.is_cut {
            return Err("its texts are not all kept");
        }
        if entry.escalation.is_some() || !is_a_models {
            return Err("no model has answered it");
        }
        if self.without_findings && entry.findings > 0 {
            return Err("its findings");
        }
        Ok(())
    }

    /// Whether an exchange is wanted, by what was found in it and said of it; why not.
    fn wants(&self, one: &Captured) -> Result<(), &'static str> {
        self.allows(one)?;
        let score = score(one);
        let is_within = |score: Score| {
            self.score_min.is_none_or(|least| score >= least) && self.score_max.is_none_or(|most| score <= most)
        };
        let wants_score = self.score_min.is_some() || self.score_max.is_some();
        match score {
            None if wants_score => return Err("nobody gave it a score"),
            Some(score) if !is_within(score) => return Err("its score"),
            Some(_) | None => {}
        }
        match &self.rule {
            Some(rule) if !findings(one).keys().any(|(_, found)| found == rule) => Err("its findings"),
            Some(_) | None => Ok(()),
        }
    }
}

/// The score that was given last.
fn score(one: &Captured) -> Option<Score> {
    one.feedback.iter().rev().find_map(|feedback| feedback.opinion.score)
}

/// How often each rule of each plugin has found something.
fn findings(one: &Captured) -> BTreeMap<(&str, &str), usize> {
    let mut findings = BTreeMap::new();
    for step in &one.entry.details.steps {
        if let Did::Plugin(call) = &step.did {
            for found in &call.findings {
                *findings.entry((call.plugin.as_str(), found.rule.as_str())).or_default() += 1;
            }
        }
    }
    findings
}
