//! The targets on golden conversations that were changed at random.

use proptest::collection::vec;
use proptest::prelude::*;

use super::changes::{self, CHANGES_MAX, change, letters};
use super::seeds::{self, Kind};
use super::*;

/// Run a target on changed seeds of a kind.
fn on_changed(dialect: Dialect, kind: Kind, target: fn(Dialect, &[u8])) {
    let seeds = seeds::of(dialect, kind);
    seeds.iter().for_each(|seed| target(dialect, seed));
    proptest!(|(index: usize, changes in vec(change(), 0..CHANGES_MAX))| {
        target(dialect, &changes::made(&seeds, index, &changes));
    });
}

#[test]
fn requests_of_openai() {
    on_changed(Dialect::OpenAi, Kind::Request, request);
}

#[test]
fn requests_of_anthropic() {
    on_changed(Dialect::Anthropic, Kind::Request, request);
}

#[test]
fn requests_of_gemini() {
    on_changed(Dialect::Gemini, Kind::Request, request);
}

#[test]
fn requests_of_responses() {
    on_changed(Dialect::Responses, Kind::Request, request);
}

#[test]
fn answers_of_openai() {
    on_changed(Dialect::OpenAi, Kind::Answer, answer);
}

#[test]
fn answers_of_anthropic() {
    on_changed(Dialect::Anthropic, Kind::Answer, answer);
}

#[test]
fn answers_of_gemini() {
    on_changed(Dialect::Gemini, Kind::Answer, answer);
}

#[test]
fn answers_of_responses() {
    on_changed(Dialect::Responses, Kind::Answer, answer);
}

#[test]
fn events_of_openai() {
    on_changed(Dialect::OpenAi, Kind::Events, events);
}

#[test]
fn events_of_anthropic() {
    on_changed(Dialect::Anthropic, Kind::Events, events);
}

#[test]
fn events_of_gemini() {
    on_changed(Dialect::Gemini, Kind::Events, events);
}

#[test]
fn events_of_responses() {
    on_changed(Dialect::Responses, Kind::Events, events);
}

#[test]
fn streams_are_cut_alike_wherever_their_bytes_are() {
    proptest!(|(bytes in letters(), size in 1_usize..80)| cuts(&bytes, size));
}
