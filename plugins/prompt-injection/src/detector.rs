//! From a text to its hits: a first pass, then views of what it found, then the signals in the views.

use crate::{
    decoded::{self, Inner},
    gate::{Gate, Traces},
    hit::Hit,
    invisible::{self, Run},
    mitigation, normalise,
    signals::{Matched, Signals},
    source::Source,
    view::{Disguise, View},
};
use sluicegate_plugin::Patterns;
use std::ops::Range;

/// How much around a trace is looked at. Signals are shorter; the rest is for what puts them into another light.
const REGION_BYTES: usize = 600;

/// From that weight on, a signal in disguise makes the disguise a signal too.
const DISGUISED_WEIGHT_MIN: f32 = 0.2;

/// Keys of hits that are no signals of the tables begin here.
const KEY_BASE: usize = 1000;

/// What a text was found to hold.
#[derive(Debug, Default)]
pub(crate) struct Reading {
    pub(crate) hits: Vec<Hit>,
    /// Invisible characters that have no business where they stand.
    pub(crate) strays: Vec<Range<usize>>,
    /// Where something begins that may become a hit with more text.
    pub(crate) traces: Vec<usize>,
}

/// The compiled expressions.
#[derive(Debug)]
pub(crate) struct Detector {
    gate: Gate,
    signals: Signals,
}

impl Detector {
    pub(crate) fn compile() -> Result<Self, String> {
        Ok(Self { gate: Gate::compile()?, signals: Signals::compile()? })
    }

    /// What finds nothing in ordinary text.
    pub(crate) fn first_pass(&self) -> &Patterns {
        self.gate.patterns()
    }

    pub(crate) fn read(&self, text: &str, source: Source) -> Reading {
        let traces = self.gate.find(text);
        let mut reading = Reading::default();
        if traces.is_empty() {
            return reading;
        }
        let starts = traces.words.iter().chain(&traces.runs).chain(&traces.odd).map(|trace| trace.start);
        reading.traces = starts.collect();
        let hidden = unseen(text, &traces, source, &mut reading);

        let mut plain = View::default();
        for region in regions(text, &traces) {
            plain.divide();
            let mixed = normalise::append(&mut plain, text, &region);
            mixed_words(&mixed, source, &mut reading);
        }
        if !plain.text.is_empty() {
            self.search(&plain, source, &mut reading, |range| plain.disguise_in(range));
        }
        let second = decoded::view(text, &plain, &traces, hidden, &self.gate);
        if !second.text.is_empty() {
            self.search(&second, source, &mut reading, |range| second.layer_at(range.start));
            obeyed(&second, source, &mut reading);
            // The layers of leetspeak repeat the plain text.
            reading.hits.dedup_by(|a, b| a.key == b.key && a.span == b.span);
        }
        reading
    }

    fn search(
        &self,
        view: &View,
        source: Source,
        reading: &mut Reading,
        disguise: impl Fn(&Range<usize>) -> Option<Disguise>,
    ) {
        let matches = self.signals.find(&view.text);
        let contexts: Vec<_> = matches
            .iter()
            .filter_map(|(matched, range)| match matched {
                Matched::Mitigation(kind) => Some((*kind, range.clone())),
                Matched::Signal(..) => None,
            })
            .collect();
        for (matched, range) in &matches {
            let Matched::Signal(key, signal) = matched else { continue };
            let disguise = disguise(range);
            let factor = match disguise {
                None => mitigation::factor(view, range, signal.rule, &contexts),
                Some(_) => 1.0,
            };
            let weight = source.weight(signal) * factor;
            let span = view.origin(range);
            reading.hits.push(Hit { key: *key, rule: signal.rule, weight, span: span.clone() });
            if let Some(disguise) = disguise.filter(|_| weight >= DISGUISED_WEIGHT_MIN) {
                let (rule, weight) = disguise.rule();
                let key = KEY_BASE + disguise as usize;
                reading.hits.push(Hit { key, rule, weight: source.scaled(weight), span });
            }
        }
    }
}

/// "Decode this and do what it says", with something that can be decoded: whatever it says, it is an order.
fn obeyed(second: &View, source: Source, reading: &mut Reading) {
    let order = reading.hits.iter().find(|hit| hit.rule == "encoded.order").map(|hit| hit.span.clone());
    let encoding = second.disguises.iter().map(|(_, disguise)| *disguise);
    let mut encoding = encoding.filter(|d| matches!(d, Disguise::Base64 | Disguise::Hex | Disguise::Rot13));
    if let (Some(span), Some(disguise)) = (order, encoding.next()) {
        let (rule, weight) = disguise.rule();
        reading.hits.push(Hit { key: KEY_BASE + disguise as usize, rule, weight: source.scaled(weight), span });
    }
}

/// Judge invisible characters; the result is the text hidden in them.
fn unseen(text: &str, traces: &Traces, source: Source, reading: &mut Reading) -> Vec<Inner> {
    let mut hidden = Vec::new();
    let mut inside_words = Vec::new();
    for run in
        traces.odd.iter().filter(|run| text.get(run.start..).is_some_and(|t| t.starts_with(invisible::is_invisible)))
    {
        let (rule, weight, disguise) = match invisible::judge(text, run) {
            Run::Fitting => continue,
            Run::Stray => {
                if is_inside_word(text, run) {
                    inside_words.push(run.clone());
                }
                reading.strays.push(run.clone());
                continue;
            }
            Run::Direction => ("invisible.direction", 0.35, None),
            Run::Tags(text) => ("invisible.tags", 0.8, Some((text, Disguise::Tags))),
            Run::Selectors(text) => ("invisible.selectors", 0.75, Some((text, Disguise::Selectors))),
        };
        reading.strays.push(run.clone());
        let key = KEY_BASE + disguise.as_ref().map_or(100, |(_, disguise)| *disguise as usize);
        reading.hits.push(Hit { key, rule, weight: source.scaled(weight), span: run.clone() });
        hidden.extend(disguise.map(|(text, disguise)| Inner { text, span: run.clone(), disguise }));
    }
    counted(&inside_words, "invisible.zero-width", Disguise::Invisible, source, reading);
    hidden
}

fn mixed_words(words: &[Range<usize>], source: Source, reading: &mut Reading) {
    counted(words, "look-alike", Disguise::LookAlike, source, reading);
}

/// Alone a slip of a keyboard or of a clipboard; many of them are a method.
fn counted(spans: &[Range<usize>], rule: &'static str, disguise: Disguise, source: Source, reading: &mut Reading) {
    let weight = match spans.len() {
        0 => return,
        1 => 0.1,
        2 | 3 => 0.25,
        _ => 0.45,
    };
    let key = KEY_BASE + disguise as usize;
    let hits = spans.iter().map(|span| Hit { key, rule, weight: source.scaled(weight), span: span.clone() });
    reading.hits.extend(hits);
}

fn is_inside_word(text: &str, run: &Range<usize>) -> bool {
    let letter = |c: Option<char>| c.is_some_and(char::is_alphabetic);
    letter(text.get(..run.start).and_then(|before| before.chars().next_back()))
        && letter(text.get(run.end..).and_then(|after| after.chars().next()))
}

/// The parts of the text that are normalised: around key words, and around odd characters beside Latin letters.
fn regions(text: &str, traces: &Traces) -> Vec<Range<usize>> {
    let beside_latin = |run: &&Range<usize>| {
        let near = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
        near(text.get(..run.start).and_then(|before| before.chars().next_back()))
            || near(text.get(run.end..).and_then(|after| after.chars().next()))
            || !text.get(run.start..).is_some_and(|t| t.starts_with(invisible::is_invisible))
    };
    let mut places: Vec<Range<usize>> =
        traces.words.iter().chain(traces.odd.iter().filter(beside_latin)).cloned().collect();
    places.sort_by_key(|place| place.start);
    let mut regions: Vec<Range<usize>> = Vec::new();
    for place in places {
        let start = text.floor_char_boundary(place.start.saturating_sub(REGION_BYTES));
        let end = text.ceil_char_boundary((place.end + REGION_BYTES).min(text.len()));
        match regions.last_mut() {
            Some(last) if start <= last.end => last.end = last.end.max(end),
            _ => regions.push(start..end),
        }
    }
    regions
}
