//! The targets on golden conversations that were changed at random.

use aws_smithy_eventstream::frame::write_message_to;
use aws_smithy_types::event_stream::{Header, HeaderValue, Message};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use super::changes::{self, CHANGES_MAX, change, letters};
use super::seeds::{self, Kind};
use super::*;

const OPENAI: Wire = Wire::Dialect(Dialect::OpenAi);
const ANTHROPIC: Wire = Wire::Dialect(Dialect::Anthropic);
const GEMINI: Wire = Wire::Dialect(Dialect::Gemini);
const RESPONSES: Wire = Wire::Dialect(Dialect::Responses);

/// The same cases each time, so that nobody's change fails for what was there before it; `PROPTEST_RNG_SEED` says others.
fn config() -> ProptestConfig {
    let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::default() };
    match config.rng_seed {
        RngSeed::Random => ProptestConfig { rng_seed: RngSeed::Fixed(1), ..config },
        RngSeed::Fixed(_) => config,
    }
}

/// Run a target on the seeds of a kind, as they are and changed.
fn on_changed(dialect: Wire, kind: Kind, target: impl Fn(&[u8])) {
    let seeds = seeds::of(dialect, kind);
    seeds.iter().for_each(|seed| target(seed));
    proptest!(config(), |(index: usize, changes in vec(change(), 0..CHANGES_MAX))| target(&changes::made(&seeds, index, &changes)));
}

#[test]
fn requests_of_openai() {
    on_changed(OPENAI, Kind::Request, |body| request(Dialect::OpenAi, body));
}

#[test]
fn answers_of_openai() {
    on_changed(OPENAI, Kind::Answer, |body| answer(OPENAI, body));
}

#[test]
fn events_of_openai() {
    on_changed(OPENAI, Kind::Events, |stream| events(OPENAI, stream));
}

#[test]
fn requests_of_anthropic() {
    on_changed(ANTHROPIC, Kind::Request, |body| request(Dialect::Anthropic, body));
}

#[test]
fn answers_of_anthropic() {
    on_changed(ANTHROPIC, Kind::Answer, |body| answer(ANTHROPIC, body));
}

#[test]
fn events_of_anthropic() {
    on_changed(ANTHROPIC, Kind::Events, |stream| events(ANTHROPIC, stream));
}

#[test]
fn requests_of_gemini() {
    on_changed(GEMINI, Kind::Request, |body| request(Dialect::Gemini, body));
}

#[test]
fn answers_of_gemini() {
    on_changed(GEMINI, Kind::Answer, |body| answer(GEMINI, body));
}

#[test]
fn events_of_gemini() {
    on_changed(GEMINI, Kind::Events, |stream| events(GEMINI, stream));
}

#[test]
fn requests_of_responses() {
    on_changed(RESPONSES, Kind::Request, |body| request(Dialect::Responses, body));
}

#[test]
fn answers_of_responses() {
    on_changed(RESPONSES, Kind::Answer, |body| answer(RESPONSES, body));
}

#[test]
fn events_of_responses() {
    on_changed(RESPONSES, Kind::Events, |stream| events(RESPONSES, stream));
}

#[test]
fn frames_of_bedrock() {
    let event = |(kind, payload): (String, Vec<u8>)| {
        let header = Header::new(":event-type", HeaderValue::String(kind.into()));
        let mut frame = Vec::new();
        write_message_to(&Message::new(payload).add_header(header), &mut frame).unwrap();
        frame
    };
    let frame = ("[a-zA-Z]{1,20}", vec(any::<u8>(), 0..80)).prop_map(event);
    proptest!(config(), |(all in vec(frame, 0..4), spoilt: Option<(u16, u8)>, size in 1_usize..80)| {
        let mut bytes = all.concat();
        if let Some((at, byte)) = spoilt.filter(|_| !bytes.is_empty()) {
            let at = usize::from(at) % bytes.len();
            bytes[at] = byte;
        }
        frames(&bytes, size);
    });
}

#[test]
fn streams_are_cut_alike_wherever_their_bytes_are() {
    proptest!(config(), |(bytes in letters(), size in 1_usize..80)| cuts(&bytes, size));
}
