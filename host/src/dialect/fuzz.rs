//! Fuzz targets: everything that reads what callers and providers send. Beside that nothing panics they hold: what was
//! read is written again byte for byte, what was translated is read by its own dialect, and no word is in a translation
//! that the guardrails have not seen.
//!
//! They run on the golden conversations of `tests/fixtures/wire`, changed at random. `PROPTEST_CASES=1000000 cargo test -p
//! sluicegate --lib fuzz` does so for longer.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod changes;
mod seeds;
mod tests;

use std::collections::BTreeSet;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde_json::value::RawValue;

use super::sse::{Cutter, Unit};
use super::{Address, Dialect, EventReader, Frames, Translation, Wire};
use crate::chat::{Segment, Task};

/// What callers speak.
const CALLERS: [Dialect; 5] =
    [Dialect::OpenAi, Dialect::Anthropic, Dialect::Gemini, Dialect::Responses, Dialect::Completions];
/// What providers are translated to.
const TARGETS: [Wire; 5] = [
    Wire::Dialect(Dialect::OpenAi),
    Wire::Dialect(Dialect::Anthropic),
    Wire::Dialect(Dialect::Gemini),
    Wire::Dialect(Dialect::Responses),
    Wire::Bedrock,
];
/// Longer words that only one side has are something that passed by the guardrails; shorter ones are keywords.
const WORD_CHARS_MIN: usize = 12;
const EVENT_BYTES_MAX: usize = 1 << 20;

fn address() -> Address {
    Address { task: Task::Converse, model: Some("m".to_owned()), streaming: Some(false) }
}

/// What a caller of a dialect may send.
fn request(dialect: Dialect, body: &[u8]) {
    let body = Bytes::copy_from_slice(body);
    let Ok(asked) = dialect.read_request(address(), body.clone()) else { return };
    assert_eq!(asked.body(&asked.request.segments, None, &[]), body);
    let seen = joined(&asked.request.segments);
    for target in TARGETS.into_iter().filter(|target| *target != Wire::Dialect(dialect)) {
        let translated = Translation::of_request(dialect, target, &body, &address(), &mut Vec::new());
        let Ok((_, written)) = translated else { continue };
        let Wire::Dialect(target) = target else {
            // Nobody asks in it, so there is no reader; it has to be JSON.
            assert!(serde_json::from_slice::<&RawValue>(&written).is_ok(), "{written:?}");
            continue;
        };
        let read = target.read_request(address(), written.clone());
        let read = read.unwrap_or_else(|wrong| panic!("{dialect:?} to {target:?}: {wrong:?}: {written:?}"));
        no_other_words(&seen, &read.request.segments, &written);
    }
}

/// What a provider of a dialect may answer whole.
fn answer(dialect: Wire, body: &[u8]) {
    let body = Bytes::copy_from_slice(body);
    let Ok((answer, document, _)) = dialect.read_answer(Task::Converse, body.clone()) else { return };
    assert_eq!(document.write(&answer.segments, &answer.segments, Vec::new()), body);
    let seen = joined(&answer.segments);
    for caller in others(dialect) {
        let way = Translation::back(caller, dialect);
        if let Ok(written) = way.answer_as_events(&body, &mut Vec::new()) {
            let read = texts(Wire::Dialect(caller), &written);
            let (_, read) = read.unwrap_or_else(|| {
                panic!("{dialect:?} to events of {caller:?} is not read: {}", String::from_utf8_lossy(&written))
            });
            no_other_words(&seen, &read, &written);
        }
        let Ok(written) = way.answer(StatusCode::OK, &HeaderMap::new(), &body, &mut Vec::new()) else { continue };
        let read = caller.read_answer(Task::Converse, written.clone());
        let (read, ..) = read.unwrap_or_else(|wrong| panic!("{dialect:?} to {caller:?}: {wrong:?}: {written:?}"));
        no_other_words(&seen, &read.segments, &written);
    }
}

/// What a provider of a dialect may answer as events.
fn events(dialect: Wire, stream: &[u8]) {
    let Some((passed, seen)) = texts(dialect, stream) else { return };
    let seen = joined(&seen);
    for caller in others(dialect) {
        let mut events = Translation::back(caller, dialect).events();
        let mut losses = Vec::new();
        let Ok(mut written) = events.translate(&passed, &mut losses) else { continue };
        let Ok(end) = events.end(&mut losses) else { continue };
        written.extend(end);
        let read = texts(Wire::Dialect(caller), &written);
        let (_, read) = read
            .unwrap_or_else(|| panic!("{dialect:?} to {caller:?} is not read: {}", String::from_utf8_lossy(&written)));
        no_other_words(&seen, &read, &written);
    }
}

/// A stream cut anyhow: the events are those of the whole, none is longer than the limit, and nothing gets lost.
fn cuts(bytes: &[u8], size: usize) {
    const LIMIT: usize = 64;
    let cut = |chunks: &mut dyn Iterator<Item = &[u8]>| {
        let mut cutter = Cutter::new(LIMIT);
        let mut events = Vec::new();
        for chunk in chunks {
            cutter.push(chunk);
            loop {
                match cutter.next() {
                    Ok(Some(event)) => events.push(event),
                    Ok(None) => break,
                    Err(_) => return (events, None),
                }
            }
        }
        let rest = cutter.rest();
        (events, Some(rest))
    };
    let whole = cut(&mut std::iter::once(bytes));
    let parts = cut(&mut bytes.chunks(size.max(1)));
    assert_eq!(whole, parts);
    assert!(whole.0.iter().all(|event| event.len() <= LIMIT));
    if let (events, Some(rest)) = whole {
        let unbroken = |byte: &u8| !matches!(byte, b'\r' | b'\n');
        let all: Vec<u8> = events.into_iter().flatten().chain(rest).filter(unbroken).collect();
        let expected: Vec<u8> = bytes.iter().copied().filter(unbroken).collect();
        assert_eq!(all, expected);
    }
}

/// Frames cut anyhow: the events are those of the whole, and what is broken stays so.
fn frames(bytes: &[u8], size: usize) {
    const LIMIT: usize = 1 << 10;
    let read = |chunks: &mut dyn Iterator<Item = &[u8]>| {
        let mut frames = Frames::new(LIMIT);
        let mut events = Vec::new();
        for chunk in chunks {
            frames.push(chunk);
            while let Ok(more) = frames.events() {
                if more.is_empty() {
                    break;
                }
                events.extend(more);
            }
        }
        (events, frames.events().is_ok(), frames.is_between())
    };
    let whole = read(&mut std::iter::once(bytes));
    let parts = read(&mut bytes.chunks(size.max(1)));
    assert_eq!((&whole.0, whole.1), (&parts.0, parts.1));
    assert!(!whole.1 || whole.2 == parts.2);
}

fn others(dialect: Wire) -> impl Iterator<Item = Dialect> {
    CALLERS.into_iter().filter(move |other| Wire::Dialect(*other) != dialect)
}

/// What is passed on of a stream, and its texts, each lane's in one; nothing if some of it is not read.
fn texts(dialect: Wire, stream: &[u8]) -> Option<(Vec<u8>, Vec<Segment>)> {
    let mut reader = EventReader::new(dialect);
    let mut cutter = Cutter::new(EVENT_BYTES_MAX);
    cutter.push(stream);
    let mut passed = Vec::new();
    let mut lanes: Vec<(_, Segment)> = Vec::new();
    loop {
        let event = match cutter.next() {
            Ok(Some(event)) => event,
            Ok(None) => match cutter.rest() {
                rest if rest.is_empty() => break,
                rest => rest,
            },
            Err(_) => return None,
        };
        let event = reader.read(&event).ok()?;
        for piece in &event.pieces {
            let place = lanes.iter().position(|(lane, _)| *lane == piece.lane).unwrap_or_else(|| {
                let segment = Segment {
                    role: piece.role,
                    channel: piece.lane.channel,
                    choice: piece.lane.choice,
                    name: piece.name.clone(),
                    text: String::new(),
                    is_json: piece.is_json,
                };
                lanes.push((piece.lane.clone(), segment));
                lanes.len() - 1
            });
            // Only pieces are strung together.
            let space = if piece.unit == Unit::Piece { "" } else { "\n" };
            lanes[place].1.text.extend([space, &piece.text, space]);
        }
        let unchanged: Vec<String> = event.pieces.iter().map(|piece| piece.text.clone()).collect();
        passed.extend(event.write(&unchanged, &BTreeSet::new()));
        reader.has_left(&event);
    }
    Some((passed, lanes.into_iter().map(|(_, segment)| segment).collect()))
}

fn joined(segments: &[Segment]) -> String {
    segments.iter().fold(String::new(), |all, segment| all + &segment.text + "\n")
}

#[track_caller]
fn no_other_words(seen: &str, read: &[Segment], written: &[u8]) {
    for segment in read {
        let words = segment.text.split(|c: char| !c.is_alphanumeric());
        // The kind of an error is a name, wherever it stands.
        let words = words.filter(|word| !word.ends_with("Exception"));
        for word in words.filter(|word| word.chars().count() >= WORD_CHARS_MIN) {
            assert!(seen.contains(word), "{word} was not seen: {}", String::from_utf8_lossy(written));
        }
    }
}
