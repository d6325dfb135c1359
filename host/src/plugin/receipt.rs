//! The record of one plugin call.

use std::fmt::{self, Write as _};
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::capability::Used;
use crate::chat::{Finding, Phase};

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// The plugin said something.
    Said,
    /// It trapped.
    Trapped,
    /// It used up its fuel.
    OutOfFuel,
    /// It wanted more memory than it may have.
    OutOfMemory,
    /// It took too long, or waited too long for a place.
    TimedOut,
    /// What it said is not a verdict by the contract.
    Malformed,
    /// It said that it could not do its work, or the host did not let it: its breaker is open.
    Refused,
}

impl Outcome {
    /// The word used in receipts, logs and metrics.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Said => "said",
            Self::Trapped => "trapped",
            Self::OutOfFuel => "out-of-fuel",
            Self::OutOfMemory => "out-of-memory",
            Self::TimedOut => "timed-out",
            Self::Malformed => "malformed",
            Self::Refused => "refused",
        }
    }
}

/// What a plugin decided, in one word, where it decided anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Decision {
    /// Nothing to object to.
    Allow,
    /// Text was changed.
    Edit,
    /// Ask the model once more.
    Retry,
    /// Refused.
    Deny,
    /// A router leaves it to what is configured.
    Unchanged,
    /// A router chose the targets.
    Targets,
    /// A router answered itself.
    Answer,
    /// A router handed over to people.
    Escalate,
    /// A cache policy wants a model to be asked.
    Bypass,
    /// A cache policy wants what is kept to be looked through.
    LookUp,
    /// A cache policy takes a kept answer for an answer to this request.
    Accept,
    /// A cache policy does not.
    Reject,
    /// A cache policy lets the answer be kept.
    Keep,
    /// A cache policy does not.
    Pass,
    /// It failed, and the operator chose that the exchange goes on.
    NotInspected,
    /// It failed, and the exchange is refused; of a router or a cache policy, and the exchange goes on without it.
    Failed,
}

impl Decision {
    /// The word used in receipts, logs and metrics.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Edit => "edit",
            Self::Retry => "retry",
            Self::Deny => "deny",
            Self::Unchanged => "unchanged",
            Self::Escalate => "escalate",
            Self::Targets => "targets",
            Self::Answer => "answer",
            Self::Bypass => "bypass",
            Self::LookUp => "look-up",
            Self::Accept => "accept",
            Self::Reject => "reject",
            Self::Keep => "keep",
            Self::Pass => "pass",
            Self::NotInspected => "not-inspected",
            Self::Failed => "failed",
        }
    }
}

/// The record of one plugin call.
#[derive(Clone, Debug)]
pub struct Receipt {
    /// The installation's name.
    pub plugin: Arc<str>,
    /// The first digits of the component's SHA-256.
    pub digest: Arc<str>,
    /// Which of its exports was called.
    pub export: &'static str,
    /// Which way the text travelled.
    pub phase: Phase,
    /// What came of it.
    pub decision: Decision,
    /// Whether the decision was only noted.
    pub observed: bool,
    /// How the call ended.
    pub outcome: Outcome,
    /// What happened, where the outcome is a failure. For the operator.
    pub detail: Option<String>,
    /// The code and the detail of a denial. For the operator.
    pub denial: Option<(String, Option<String>)>,
    /// What a router took the request for.
    pub intent: Option<String>,
    /// What was noticed.
    pub findings: Vec<Found>,
    /// What was changed.
    pub edits: Vec<Edited>,
    /// Windows or segments that were looked at.
    pub windows: usize,
    /// Those of them whose verdict was remembered.
    pub remembered: usize,
    /// Those that the plugin's prefilter let pass without a call.
    pub prefiltered: usize,
    /// Bytes of text handed over, without the remembered.
    pub bytes: usize,
    /// Fuel used.
    pub fuel: u64,
    /// Time on the clock.
    pub time: Duration,
    /// Peak of all memories and tables, in bytes.
    pub memory_bytes: usize,
    /// What it used of what it was granted.
    pub used: Used,
    /// When it began.
    pub began: Instant,
}

/// Something that was noticed, and where.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// In which segment, where a whole one was looked at; of a window of a stream it is not known.
    pub segment: Option<usize>,
    /// What.
    pub finding: Finding,
}

/// A part of a text that was changed; never the text itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edited {
    /// As of [`Found`].
    pub segment: Option<usize>,
    /// Where, in bytes of the segment or window.
    pub span: Range<usize>,
    /// How many bytes stand there now; of one that is to be restored, of its template.
    pub bytes: usize,
}

/// One entry of the header `x-sluicegate-plugins`, with its parameters in the form of RFC 9651's list items.
impl fmt::Display for Receipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{};digest={};export={};phase={};verdict={};outcome={};windows={};remembered={};prefiltered={};bytes={};fuel={};us={};memory={}",
            self.plugin,
            self.digest,
            self.export,
            self.phase.word(),
            self.decision.word(),
            self.outcome.word(),
            self.windows,
            self.remembered,
            self.prefiltered,
            self.bytes,
            self.fuel,
            self.time.as_micros(),
            self.memory_bytes,
        )?;
        self.used.fmt(f)?;
        if self.observed {
            f.write_str(";observed")?;
        }
        if let Some((code, _)) = &self.denial {
            write!(f, ";code=\"{code}\"")?;
        }
        if let Some(intent) = &self.intent {
            write!(f, ";intent=\"{intent}\"")?;
        }
        if !self.findings.is_empty() {
            let mut rules: Vec<&str> = self.findings.iter().map(|found| found.finding.rule.as_str()).collect();
            rules.sort_unstable();
            rules.dedup();
            rules.truncate(RULES_MAX);
            write!(f, ";findings={};rules=\"{}\"", self.findings.len(), rules.join(" "))?;
        }
        Ok(())
    }
}

/// Findings and edits that a sum keeps.
const FINDINGS_MAX: usize = 1_000;
/// Rules named in one entry: a header has its bounds too.
const RULES_MAX: usize = 8;

/// The receipts of an exchange for the log: the calls of one export in one phase summed up, with their gravest
/// decision.
#[must_use]
pub fn summary(receipts: &[Receipt]) -> String {
    listed(&sums(receipts), usize::MAX)
}

/// The receipts of an exchange in so many bytes: one entry a call, or as in [`summary`] where these are too many. What
/// then still has no room is left out, with the least grave decisions first.
#[must_use]
pub fn header(receipts: &[Receipt], bytes_max: usize) -> String {
    let each: Vec<(Receipt, usize)> = receipts.iter().map(|receipt| (receipt.clone(), 1)).collect();
    let all = listed(&each, bytes_max);
    if receipts.len() < 2 || !all.contains(AND_MORE) {
        return all;
    }
    let mut sums = sums(receipts);
    let summed_up = listed(&sums, bytes_max);
    if !summed_up.contains(AND_MORE) {
        return summed_up;
    }
    sums.sort_by_key(|(sum, _)| std::cmp::Reverse(sum.decision.gravity()));
    listed(&sums, bytes_max)
}

/// Stands for entries that had no room.
const AND_MORE: &str = ", and-more;count=";

fn listed(entries: &[(Receipt, usize)], bytes_max: usize) -> String {
    let mut out = String::new();
    for (index, (sum, calls)) in entries.iter().enumerate() {
        let separator = if out.is_empty() { "" } else { ", " };
        let mut entry = format!("{separator}{sum}");
        if *calls > 1 {
            let _ = write!(entry, ";calls={calls}");
        }
        if out.len() + entry.len() > bytes_max {
            let _ = write!(out, "{AND_MORE}{}", entries.len() - index);
            break;
        }
        out.push_str(&entry);
    }
    out
}

fn sums(receipts: &[Receipt]) -> Vec<(Receipt, usize)> {
    let mut sums: Vec<(Receipt, usize)> = Vec::new();
    for receipt in receipts {
        match sums.iter_mut().find(|(sum, _)| sum.is_like(receipt)) {
            None => sums.push((receipt.clone(), usize::from(receipt.was_called()))),
            Some((sum, calls)) => {
                sum.add(receipt);
                *calls += usize::from(receipt.was_called());
            }
        }
    }
    sums
}

impl Receipt {
    /// That of a call which begins now, and has nothing to tell yet.
    pub(crate) fn begins(plugin: Arc<str>, digest: Arc<str>, export: &'static str, phase: Phase) -> Self {
        Self {
            plugin,
            digest,
            export,
            phase,
            decision: Decision::Allow,
            observed: false,
            outcome: Outcome::Said,
            detail: None,
            denial: None,
            intent: None,
            findings: Vec::new(),
            edits: Vec::new(),
            windows: 0,
            remembered: 0,
            prefiltered: 0,
            bytes: 0,
            fuel: 0,
            time: Duration::ZERO,
            memory_bytes: 0,
            used: Used::default(),
            began: Instant::now(),
        }
    }

    /// Whether an instance ran for it, or should have: not where all verdicts were remembered or the prefilter's.
    #[must_use]
    pub fn was_called(&self) -> bool {
        self.windows > self.remembered + self.prefiltered || self.outcome != Outcome::Said
    }

    /// Whether the other is of the same export in the same phase.
    #[must_use]
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        self.plugin == other.plugin && self.export == other.export && self.phase == other.phase
    }

    pub(crate) fn add(&mut self, other: &Self) {
        self.windows += other.windows;
        self.remembered += other.remembered;
        self.prefiltered += other.prefiltered;
        self.bytes += other.bytes;
        self.fuel = self.fuel.saturating_add(other.fuel);
        self.time += other.time;
        self.memory_bytes = self.memory_bytes.max(other.memory_bytes);
        self.used.add_all(&other.used);
        let room = FINDINGS_MAX.saturating_sub(self.findings.len());
        self.findings.extend(other.findings.iter().take(room).cloned());
        let room = FINDINGS_MAX.saturating_sub(self.edits.len());
        self.edits.extend(other.edits.iter().take(room).cloned());
        if other.decision.gravity() > self.decision.gravity() {
            self.decision = other.decision;
            self.outcome = other.outcome;
            self.denial.clone_from(&other.denial);
        }
    }
}

impl Decision {
    /// How grave it is: what is refused is graver than what is changed.
    #[must_use]
    pub fn gravity(self) -> u8 {
        match self {
            Self::Allow | Self::Unchanged | Self::Bypass | Self::LookUp | Self::Reject | Self::Pass => 0,
            Self::Edit | Self::Targets | Self::Answer | Self::Escalate | Self::Accept | Self::Keep => 1,
            Self::NotInspected => 2,
            Self::Retry => 3,
            Self::Deny => 4,
            Self::Failed => 5,
        }
    }
}
