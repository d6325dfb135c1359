//! One text of a streaming answer, between the guardrails that it passes one behind the other.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use tokio::time::Instant;

use super::super::restore::Restorations;
use super::super::tagged::{PieceId, Tagged};
use super::super::{denied, failed_as, in_answer, rule};
use super::lay_over;
use crate::chat::{Action, Channel, Edit, Phase, Role, Window};
use crate::config::{Mode, Stream};
use crate::dialect::{Lane, is_name};
use crate::error::Error;
use crate::exchange::Exchange;
use crate::plugin::{Calling, Outcome, Plugin};

/// Bytes of a text that is not taken for a piece of a longer one when it comes again.
const REPEATED_BYTES_MIN: usize = 20;

/// A lane between its guardrails.
#[derive(Debug)]
pub(super) struct LaneState {
    pub(super) role: Role,
    pub(super) name: Option<String>,
    stages: Vec<Stage>,
    /// What has come and no guardrail has seen.
    new: Tagged,
    /// The last text that came, hashed.
    last: Option<u64>,
    hash: RandomState,
    /// Its pieces are looked at one by one as well, when they are decided.
    pub(super) either: bool,
    /// What all guardrails have decided, on its way on.
    decided: Tagged,
    /// What may be the beginning of something to be restored.
    restoring: Tagged,
    /// What is withheld until the answer is complete.
    withheld: Tagged,
    /// The beginning of a piece whose end is not decided.
    begun: String,
    /// All decided text, if an answer guardrail wants to see it.
    said: String,
    last_call: Option<Instant>,
    since: Option<Instant>,
}

/// What one guardrail has before it.
#[derive(Debug, Default)]
struct Stage {
    /// Text does not wait for it.
    observed: bool,
    /// The end of what it decided, as it saw it.
    context: String,
    /// What it holds back, and what is new to it.
    held: Tagged,
    /// How much of it it has seen.
    seen: usize,
    /// Since when it holds something back.
    since: Option<Instant>,
}

impl LaneState {
    pub(super) fn new(role: Role, guardrails: &[Arc<Plugin>]) -> Self {
        let observed = |plugin: &Arc<Plugin>| plugin.installation.mode == Mode::Observe;
        Self {
            role,
            name: None,
            stages: guardrails.iter().map(|p| Stage { observed: observed(p), ..Stage::default() }).collect(),
            new: Tagged::default(),
            last: None,
            hash: RandomState::new(),
            either: false,
            decided: Tagged::default(),
            restoring: Tagged::default(),
            withheld: Tagged::default(),
            begun: String::new(),
            said: String::new(),
            last_call: None,
            since: None,
        }
    }

    pub(super) fn add(&mut self, id: PieceId, name: Option<&str>, text: &str) {
        self.new.push(id, text);
        if let Some(name) = name.filter(|name| self.name.as_deref() != Some(name)) {
            self.name = Some(name.to_owned());
        }
        self.since.get_or_insert_with(Instant::now);
    }

    /// Whether a text is the one that came before, said again. Short ones may be pieces that look alike.
    pub(super) fn repeats(&mut self, text: &str) -> bool {
        let distinct =
            text.len() >= REPEATED_BYTES_MIN || (is_name(text) && text.contains(|c: char| c.is_alphabetic()));
        let hash = self.hash.hash_one(text);
        self.last.replace(hash) == Some(hash) && distinct
    }

    /// Whether it is time to call: enough is new, or what is new has waited long enough, or nothing follows.
    pub(super) fn is_due(&self, now: Instant, stream: &Stream, is_final: bool, unguarded: bool) -> bool {
        if is_final {
            return !self.new.is_empty()
                || !self.restoring.is_empty()
                || self.stages.iter().any(|s| !s.held.is_empty());
        }
        if !self.new.is_empty() && (unguarded || self.new.text.len() >= stream.window_bytes) {
            return true;
        }
        self.wake(stream).is_some_and(|wake| wake <= now)
    }

    /// When it must be called at the latest, if nothing else comes.
    pub(super) fn wake(&self, stream: &Stream) -> Option<Instant> {
        // The first text is looked at at once: the time to the first token is what people feel.
        self.since.map(|since| self.last_call.map_or(since, |last| last + stream.window))
    }

    /// What all guardrails have decided since the last time.
    pub(super) fn decided(&mut self) -> Tagged {
        self.decided.take_all()
    }

    /// The pieces of that which are whole.
    pub(super) fn decided_pieces(&mut self, is_final: bool) -> Vec<(PieceId, String)> {
        match is_final {
            true => self.decided.take_all().last_pieces(),
            false => self.decided.take_whole().pieces().0,
        }
    }

    pub(super) fn keep(&mut self, decided: &Tagged, bytes_max: usize) {
        if self.said.len() + decided.text.len() <= bytes_max {
            self.said.push_str(&decided.text);
        }
    }

    pub(super) fn said(&self) -> &str {
        &self.said
    }

    pub(super) fn withhold(&mut self, decided: Tagged) {
        self.withheld.append(decided);
    }

    /// The pieces of what was withheld, with `text` instead. An empty text leaves them as they are, if they are empty.
    pub(super) fn rewritten(&mut self, text: &str) -> Vec<(PieceId, String)> {
        lay_over(self.withheld.take_all(), text)
    }

    /// Put originals back, and give the pieces that are whole.
    pub(super) fn restore(
        &mut self,
        restorations: &Restorations,
        channel: Channel,
        decided: Tagged,
        is_final: bool,
    ) -> Vec<(PieceId, String)> {
        let ready = if restorations.is_empty() {
            decided
        } else {
            self.restoring.append(decided);
            let text = &self.restoring.text;
            let mut edits = restorations.edits(text, channel);
            let mut end = if is_final { text.len() } else { text.len() - restorations.hold(text) };
            keep_whole(&mut edits, &mut end);
            let mut ready = self.restoring.take(end);
            ready.edit(&edits);
            ready
        };
        let (mut pieces, rest) = match is_final {
            true => (ready.last_pieces(), String::new()),
            false => ready.pieces(),
        };
        match pieces.first_mut() {
            Some((_, first)) => {
                first.insert_str(0, &self.begun);
                self.begun = rest;
            }
            None => self.begun.push_str(&rest),
        }
        pieces
    }
}

/// Drop the edits behind `end`, and move `end` before the one that reaches over it.
fn keep_whole(edits: &mut Vec<Edit>, end: &mut usize) {
    if let Some(over) = edits.iter().find(|edit| edit.span.start < *end && edit.span.end > *end) {
        *end = over.span.start;
    }
    edits.retain(|edit| edit.span.end <= *end && (edit.span.start < *end || edit.span.is_empty()));
}

/// Pass the new text of some lanes through all guardrails: one call a guardrail, for all lanes at once.
pub(super) async fn inspect(
    x: &Exchange,
    guardrails: &[Arc<Plugin>],
    due: &mut [(&Lane, &mut LaneState, bool)],
    now: Instant,
) -> Result<(), Error> {
    for (_, lane, _) in due.iter_mut() {
        let new = lane.new.take_all();
        lane.since = None;
        lane.last_call = Some(now);
        lane.pass_on(0, new);
    }
    let calling = x.calling(Phase::Answer);
    for (index, plugin) in guardrails.iter().enumerate() {
        let mut windows = Vec::with_capacity(due.len());
        let mut asked = Vec::with_capacity(due.len());
        for (position, (key, lane, is_final)) in due.iter().enumerate() {
            if let Some(window) = lane.window(index, key.channel, *is_final) {
                windows.push(window);
                asked.push(position);
            }
        }
        let said = match windows.is_empty() {
            true => Said::All(Vec::new()),
            false => ask(x, plugin, calling, &windows).await?,
        };
        let mut said = said.for_each(&asked, due.len()).into_iter();
        for (_, lane, is_final) in due.iter_mut() {
            let said = said.next().unwrap_or(Ruling::NotAsked);
            lane.settle(x, plugin, index, said, *is_final)?;
        }
    }
    Ok(())
}

/// What a guardrail said about some windows, as far as it counts.
enum Said {
    /// About each of them.
    All(Vec<Ruling>),
    /// Nothing: it failed, and the exchange goes on.
    Nothing,
}

/// What a guardrail said about one lane, as far as it counts.
#[derive(Clone, Debug)]
enum Ruling {
    /// Nothing was new to it.
    NotAsked,
    /// It failed, and the exchange goes on.
    Failed,
    /// It said something.
    Said { action: Action, hold: usize },
}

impl Said {
    /// One ruling for each of `count` lanes, of which those at `asked` were asked.
    fn for_each(self, asked: &[usize], count: usize) -> Vec<Ruling> {
        let mut rulings = vec![Ruling::NotAsked; count];
        match self {
            Self::Nothing => rulings.fill(Ruling::Failed),
            Self::All(said) => {
                for (position, ruling) in asked.iter().zip(said) {
                    if let Some(slot) = rulings.get_mut(*position) {
                        *slot = ruling;
                    }
                }
            }
        }
        rulings
    }
}

async fn ask(x: &Exchange, plugin: &Arc<Plugin>, calling: Calling<'_>, windows: &[Window<'_>]) -> Result<Said, Error> {
    let inspected = x.runtime.inspect(plugin, calling, Phase::Answer, windows).await;
    let holds: Option<Vec<usize>> =
        inspected.said.as_ref().ok().map(|verdicts| verdicts.iter().map(|verdict| verdict.hold).collect());
    let verdicts = rule(x, plugin, inspected, || "text of the stream".to_owned())?;
    Ok(match (verdicts, holds) {
        (Some(verdicts), _) => Said::All(
            verdicts
                .iter()
                .map(|verdict| Ruling::Said { action: verdict.action.clone(), hold: verdict.hold })
                .collect(),
        ),
        // It only observes: what it would hold back stands in its next window again, and flows all the same.
        (None, Some(holds)) => {
            Said::All(holds.into_iter().map(|hold| Ruling::Said { action: Action::Allow, hold }).collect())
        }
        (None, None) => Said::Nothing,
    })
}

impl LaneState {
    /// Hand text to the guardrail `index`, or behind the last one.
    fn pass_on(&mut self, index: usize, text: Tagged) {
        match self.stages.get_mut(index) {
            None => self.decided.append(text),
            Some(stage) if stage.observed => {
                stage.held.text.push_str(&text.text);
                self.pass_on(index + 1, text);
            }
            Some(stage) => stage.held.append(text),
        }
    }

    /// What the guardrail `index` is to look at; nothing if nothing is new to it and more may follow.
    fn window(&self, index: usize, channel: Channel, is_final: bool) -> Option<Window<'static>> {
        let stage = self.stages.get(index)?;
        let something_new = stage.held.text.len() > stage.seen;
        if stage.held.text.is_empty() || !(something_new || is_final) {
            return None;
        }
        Some(Window {
            phase: Phase::Answer,
            role: self.role,
            channel,
            text: format!("{}{}", stage.context, stage.held.text).into(),
            context: stage.context.len(),
            is_final,
            facts: None,
        })
    }

    /// Do what the guardrail `index` said: apply its edits to what it decided, and pass that on.
    fn settle(
        &mut self,
        x: &Exchange,
        plugin: &Plugin,
        index: usize,
        said: Ruling,
        is_final: bool,
    ) -> Result<(), Error> {
        let stream = &x.generation.settings.stream;
        let Some(stage) = self.stages.get_mut(index) else { return Ok(()) };
        let length = stage.held.text.len();
        let mut edits = Vec::new();
        let mut end = match said {
            Ruling::Failed => length,
            // What it holds back it still holds back.
            Ruling::NotAsked => {
                if is_final {
                    let decided = stage.held.take_all();
                    self.pass_on(index + 1, decided);
                }
                return Ok(());
            }
            Ruling::Said { action, hold } => {
                match action {
                    Action::Allow => {}
                    Action::Edit(said) => edits = behind(stage.context.len(), in_answer(&said)),
                    Action::Deny(denial) => return Err(denied(plugin, &denial)),
                }
                if is_final { length } else { length.saturating_sub(hold) }
            }
        };
        keep_whole(&mut edits, &mut end);
        if let Some((outcome, detail)) = stage.holds_too_much(length - end, end, stream) {
            if let Some(error) = failed_as(x, plugin, Phase::Answer, outcome, detail, "text of the stream") {
                return Err(error);
            }
            end = length;
        }
        let mut decided = stage.decide(end, stream.context_bytes);
        if !stage.observed {
            decided.edit(&edits);
            self.pass_on(index + 1, decided);
        }
        Ok(())
    }
}

impl Stage {
    /// Take what is decided, and keep its end for the guardrail to see again.
    fn decide(&mut self, end: usize, context_bytes: usize) -> Tagged {
        let decided = self.held.take(end);
        self.seen = self.held.text.len();
        if end > 0 {
            self.context.push_str(&decided.text);
            let from = self.context.len().saturating_sub(context_bytes);
            self.context = self.context.split_off(self.context.floor_char_boundary(from));
        }
        self.since = match (self.seen, self.since) {
            (0, _) => None,
            (_, Some(since)) if end == 0 => Some(since),
            _ => Some(Instant::now()),
        };
        decided
    }

    /// Whether what it wants to hold back is more than it may, or has been held for too long although more came.
    fn holds_too_much(&self, held: usize, decided: usize, stream: &Stream) -> Option<(Outcome, String)> {
        if self.observed || held == 0 {
            return None;
        }
        if held > stream.hold_bytes_max {
            return Some((Outcome::Malformed, format!("held back {held} bytes, more than {}", stream.hold_bytes_max)));
        }
        let too_long = decided == 0 && self.since.is_some_and(|since| since + stream.hold <= Instant::now());
        too_long.then(|| (Outcome::TimedOut, format!("held text back for more than {} ms", stream.hold.as_millis())))
    }
}

/// The edits behind the context, counted from there. What reaches into the context is clipped: it is released.
fn behind(context: usize, edits: Vec<Edit>) -> Vec<Edit> {
    let clip = |edit: Edit| {
        let Edit { span, replacement, restore } = edit;
        let gone = span.end < context || (span.end == context && !span.is_empty());
        let start = span.start.max(context) - context;
        (!gone).then(|| Edit { span: start..span.end.max(context) - context, replacement, restore })
    };
    edits.into_iter().filter_map(clip).collect()
}
