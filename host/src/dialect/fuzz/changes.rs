//! Changes of a body: those that random bytes hardly ever make, since what they make is no JSON.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

/// Changes of one body, so that something is left of it.
pub(super) const CHANGES_MAX: usize = 8;

/// What stands for something in JSON and in events, and what some readers take for something else than others.
const TOKENS: [&str; 24] = [
    "null",
    "true",
    "-1",
    "1e999",
    "4294967296",
    "\"\"",
    "{}",
    "[]",
    "{",
    "}",
    "[",
    "]",
    "\"",
    ",",
    ":",
    "\\u0000",
    "\\ud800",
    "\\\"",
    "\n\n",
    "\r",
    "data: ",
    "event: x\n",
    "\u{feff}",
    "\"text\":",
];

/// A change somewhere; places are counted from the start, and go round.
#[derive(Clone, Debug)]
pub(super) enum Change {
    Set {
        at: u16,
        byte: u8,
    },
    Remove {
        at: u16,
        count: u8,
    },
    /// Something from elsewhere, once more.
    Repeat {
        from: u16,
        count: u8,
        at: u16,
    },
    Insert {
        at: u16,
        token: &'static str,
    },
    /// A whole value for another: from one comma or colon to the next.
    Replace {
        at: u16,
        token: &'static str,
    },
    /// A part of another seed.
    Graft {
        seed: usize,
        from: u16,
        count: u8,
        at: u16,
    },
}

pub(super) fn change() -> impl Strategy<Value = Change> {
    let (at, count, token) = (any::<u16>, 1_u8..100, || select(&TOKENS[..]));
    prop_oneof![
        1 => (at(), any::<u8>()).prop_map(|(at, byte)| Change::Set { at, byte }),
        1 => (at(), count.clone()).prop_map(|(at, count)| Change::Remove { at, count }),
        1 => (at(), count.clone(), at()).prop_map(|(from, count, at)| Change::Repeat { from, count, at }),
        1 => (at(), token()).prop_map(|(at, token)| Change::Insert { at, token }),
        4 => (at(), token()).prop_map(|(at, token)| Change::Replace { at, token }),
        1 => (any::<usize>(), at(), count, at()).prop_map(|(seed, from, count, at)| Change::Graft { seed, from, count, at }),
    ]
}

/// A seed with these changes.
pub(super) fn made(seeds: &[Vec<u8>], index: usize, changes: &[Change]) -> Vec<u8> {
    let seed = |index: usize| seeds.get(index % seeds.len().max(1)).cloned().unwrap_or_default();
    let mut body = seed(index);
    for change in changes {
        let length = body.len().max(1);
        let place = |at: u16| (usize::from(at) % length).min(body.len());
        let range = |from: u16, count: u8| place(from)..(place(from) + usize::from(count)).min(body.len());
        match change {
            Change::Set { at, byte } => {
                let at = place(*at);
                if let Some(place) = body.get_mut(at) {
                    *place = *byte;
                }
            }
            Change::Remove { at, count } => drop(body.drain(range(*at, *count))),
            Change::Repeat { from, count, at } => {
                let part = body[range(*from, *count)].to_vec();
                let at = place(*at);
                drop(body.splice(at..at, part));
            }
            Change::Insert { at, token } => {
                let at = place(*at);
                drop(body.splice(at..at, token.bytes()));
            }
            Change::Replace { at, token } => {
                let ends = |byte: &u8| matches!(byte, b',' | b':' | b'}' | b']');
                let start = body[place(*at)..].iter().position(ends).map_or(body.len(), |found| place(*at) + found + 1);
                let start = start.min(body.len());
                let end = body[start..].iter().position(ends).map_or(body.len(), |found| start + found);
                drop(body.splice(start..end, token.bytes()));
            }
            Change::Graft { seed: other, from, count, at } => {
                let other = seed(*other);
                let from = usize::from(*from) % other.len().max(1);
                let part = other[from..(from + usize::from(*count)).min(other.len())].to_vec();
                let at = place(*at);
                drop(body.splice(at..at, part));
            }
        }
    }
    body
}

/// What streams are made of.
pub(super) fn letters() -> impl Strategy<Value = Vec<u8>> {
    let letter = prop_oneof![
        3 => select(&["\n", "\r", "\r\n", "data: x", "\u{feff}", ":"][..]).prop_map(|text| text.as_bytes().to_vec()),
        1 => any::<u8>().prop_map(|byte| vec![byte]),
    ];
    vec(letter, 0..60).prop_map(|letters| letters.concat())
}
