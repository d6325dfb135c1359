//! The second view of a text: what it says once encodings are undone, laid out in layers.

use crate::{
    encoded::{base64, hex, leet, rot13},
    gate::{Gate, Traces},
    normalise,
    view::{Disguise, View},
};
use std::ops::Range;

/// How often an encoding inside an encoding is undone.
const DEPTH_MAX: usize = 3;

/// A text that came out of a run, and where the run stands in the original.
pub(crate) struct Inner {
    pub(crate) text: String,
    pub(crate) span: Range<usize>,
    pub(crate) disguise: Disguise,
}

/// All layers in one view, so that one search serves them all.
pub(crate) fn view(text: &str, plain: &View, traces: &Traces, hidden: Vec<Inner>, gate: &Gate) -> View {
    let mut view = View::default();
    if traces.leet {
        view.append_rewritten(plain, Disguise::Leet, leet);
    }
    if traces.rot13 {
        view.append_rewritten(plain, Disguise::Rot13, rot13);
    }
    if traces.reversed {
        view.append_reversed(plain);
    }
    for run in &traces.runs {
        spaced(&mut view, text, run);
    }
    let mut inner = hidden;
    inner.extend(decoded(text, &traces.runs));
    for _ in 0..DEPTH_MAX {
        for layer in &inner {
            append(&mut view, layer);
        }
        inner = inner.iter().flat_map(|layer| within(layer, gate)).collect();
    }
    view
}

/// Encodings inside a decoded text; all of it has the span of the run that it came from.
fn within(layer: &Inner, gate: &Gate) -> Vec<Inner> {
    let runs = gate.find(&layer.text).runs;
    let mut found = decoded(&layer.text, &runs);
    found.iter_mut().for_each(|inner| inner.span = layer.span.clone());
    found
}

fn append(view: &mut View, layer: &Inner) {
    let mut folded = View::default();
    normalise::append(&mut folded, &layer.text, &(0..layer.text.len()));
    view.divide();
    view.note(layer.disguise);
    folded.text.chars().for_each(|character| view.push(character, &layer.span));
    view.divide();
}

fn decoded(text: &str, runs: &[Range<usize>]) -> Vec<Inner> {
    let mut found = Vec::new();
    for run in runs {
        let slice = text.get(run.clone()).unwrap_or_default();
        if let Some(text) = hex(slice) {
            found.push(Inner { text, span: run.clone(), disguise: Disguise::Hex });
            continue;
        }
        // The search prefers pairs of digits, which base64 may begin with.
        let rest = text.get(run.start..).unwrap_or_default();
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && !"+/_-=".contains(c)).unwrap_or(rest.len());
        if let Some(text) = rest.get(..end).and_then(base64) {
            found.push(Inner { text, span: run.start..run.start + end, disguise: Disguise::Base64 });
        }
    }
    found
}

/// Letters set apart, put together: a wider gap ends a word, if there are wider gaps.
fn spaced(view: &mut View, text: &str, run: &Range<usize>) {
    let slice = text.get(run.clone()).unwrap_or_default();
    let apart = slice.as_bytes().windows(2).filter(|pair| pair.iter().filter(|b| b.is_ascii_alphabetic()).count() == 2);
    if apart.count() > 0
        || !slice.starts_with(|c: char| c.is_ascii_alphabetic())
        || slice.contains(|c: char| c.is_ascii_digit())
    {
        return;
    }
    view.divide();
    view.note(Disguise::Spaced);
    let mut gap = 0;
    for (at, character) in slice.char_indices() {
        if !character.is_ascii_alphabetic() {
            gap += 1;
            continue;
        }
        let origin = run.start + at..run.start + at + 1;
        if gap > 1 {
            view.push(' ', &origin);
        }
        gap = 0;
        view.push(character.to_ascii_lowercase(), &origin);
    }
    view.divide();
}
