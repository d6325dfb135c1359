//! The targets on golden conversations that were changed at random.

use aws_smithy_eventstream::frame::write_message_to;
use aws_smithy_types::event_stream::{Header, HeaderValue, Message};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::RngSeed;

use super::changes::{self, CHANGES_MAX, change, letters};
use super::seeds::{self, Kind};
use super::*;

const OPENAI: Wire = Wire::Dialect(Dialect::OpenAi);
const ANTHROPIC: Wire = Wire::Dialect(Dialect::Anthropic);
const GEMINI: Wire = Wire::Dialect(Dialect::Gemini);
const RESPONSES: Wire = Wire::Dialect(Dialect::Responses);
const COMPLETIONS: Wire = Wire::Dialect(Dialect::Completions);

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
    on_seeds(&seeds::of(dialect, kind), target);
}

fn on_seeds(seeds: &[Vec<u8>], target: impl Fn(&[u8])) {
    seeds.iter().for_each(|seed| target(seed));
    proptest!(config(), |(index: usize, changes in vec(change(), 0..CHANGES_MAX))| target(&changes::made(seeds, index, &changes)));
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
fn requests_of_completions() {
    on_changed(COMPLETIONS, Kind::Request, |body| request(Dialect::Completions, body));
}

#[test]
fn answers_of_completions() {
    on_changed(COMPLETIONS, Kind::Answer, |body| answer(COMPLETIONS, body));
}

#[test]
fn events_of_completions() {
    on_changed(COMPLETIONS, Kind::Events, |stream| events(COMPLETIONS, stream));
}

#[test]
fn answers_of_bedrock() {
    on_changed(Wire::Bedrock, Kind::Answer, |body| answer(Wire::Bedrock, body));
}

/// As they are once they are no frames any more.
#[test]
fn events_of_bedrock() {
    let event = |(name, said): (String, Vec<u8>)| {
        let mut frames = Frames::new(EVENT_BYTES_MAX);
        frames.push(&frame(&name, said));
        frames.events().unwrap()
    };
    let seeds = seeds::of_bedrock().into_iter().map(|stream| stream.into_iter().flat_map(event).collect());
    on_seeds(&seeds.collect::<Vec<_>>(), |stream| events(Wire::Bedrock, stream));
}

/// An event as it comes from there.
fn frame(name: &str, said: Vec<u8>) -> Vec<u8> {
    let kind = if name.ends_with("Exception") { "exception" } else { "event" };
    let header = |name: &str, value: &str| Header::new(name.to_owned(), HeaderValue::String(value.to_owned().into()));
    let message = Message::new(said).add_header(header(":message-type", kind));
    let mut frame = Vec::new();
    write_message_to(&message.add_header(header(&format!(":{kind}-type"), name)), &mut frame).unwrap();
    frame
}

#[test]
fn frames_of_bedrock() {
    let seeds: Vec<_> = seeds::of_bedrock().into_iter().flatten().collect();
    let event = prop_oneof![select(seeds), ("[a-zA-Z]{1,20}", vec(any::<u8>(), 0..80))];
    let frame = event.prop_map(|(name, said)| frame(&name, said));
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
