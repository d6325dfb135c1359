//! What guardrails that scan are held to. For tests.

mod random;

pub use random::Random;

use std::fmt::Debug;
use std::ops::Range;

use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{Match, Reader, Rules, Scan, Setting};
use crate::text::{Window, stream};
use crate::{Plugin, TextGuardrail};

/// The context that the host gives.
const CONTEXT_BYTES: usize = 256;

/// What is released and found does not depend on the chunks. `like` gives the phase, the role and the channel.
///
/// # Panics
/// When it does, and when more is held back than the guardrail's reach.
#[track_caller]
pub fn same<G: Rules + TextGuardrail>(guardrail: &G, like: &Window, chunks: &[&str]) {
    let text = chunks.concat();
    let whole = stream(guardrail, like, &[text.as_str()], CONTEXT_BYTES);
    let streamed = stream(guardrail, like, chunks, CONTEXT_BYTES);
    assert_eq!(streamed.denied, whole.denied, "{chunks:?}");
    if whole.denied.is_none() {
        assert_eq!(streamed.released, whole.released, "{chunks:?}");
        assert_eq!(streamed.findings, whole.findings, "{chunks:?}");
    }
    assert!(streamed.held_bytes_max <= G::REACH_BYTES_MAX, "{} held of {text:?}", streamed.held_bytes_max);
}

/// The text in single characters: the chunks of the slowest stream.
#[must_use]
pub fn characters(text: &str) -> Vec<&str> {
    text.split_inclusive(|_| true).collect()
}

/// The same rules, looking at every place.
struct Everywhere<'a, G>(&'a G);

impl<G: Rules> Rules for Everywhere<'_, G> {
    type Rule = G::Rule;
    const REACH_BYTES_MAX: usize = G::REACH_BYTES_MAX;
    const TAIL_BYTES: usize = usize::MAX;

    fn places(&self, text: &str) -> Vec<Range<usize>> {
        std::iter::once(0..text.len()).collect()
    }

    fn find(&self, reader: &Reader<'_>) -> Option<Match<G::Rule>> {
        self.0.find(reader)
    }
}

/// [`places`](Rules::places) lets nothing pass that the rules would find, and the tail nothing that they wait for.
///
/// # Panics
/// When something is missed.
#[track_caller]
pub fn nothing_missed<G: Rules<Rule: Debug>>(rules: &G, text: &str) {
    for final_ in [true, false] {
        let window = Window { final_, ..Window::answer(text) };
        let (scan, all) = (Scan::of(rules, &window), Scan::of(&Everywhere(rules), &window));
        assert_eq!(scan.found, all.found, "{text:?}");
        assert_eq!(scan.hold, all.hold, "{text:?}");
    }
}

/// The keys in a plugin's schema are those of its configuration, all of them a [`Setting`], and `readme` has a row
/// in a table for each. `is_off` says whether all of them are `off`.
///
/// # Panics
/// When a key is missing somewhere.
#[track_caller]
pub fn schema_has_every_key<P: Plugin<Config: Debug>>(readme: &str, is_off: impl Fn(&P::Config) -> bool) {
    let schema = schema::<P>();
    assert_eq!(schema.get("additionalProperties"), Some(&json!(false)));
    let keys: Vec<&String> = properties(&schema).map(|(key, _)| key).collect();
    let config: P::Config = read(keys.iter().map(|key| ((*key).clone(), json!("off"))).collect());
    assert!(is_off(&config), "a key is missing in the schema: {config:?}");
    for key in keys {
        assert!(readme.contains(&format!("| `{key}` |")), "{key} is missing in the README");
    }
}

/// The defaults in a plugin's schema are those of its configuration, and the values in `$defs.setting` are some that
/// a [`Setting`] is read from.
///
/// # Panics
/// When one is another.
#[track_caller]
#[allow(clippy::expect_used)]
pub fn schema_has_the_defaults<P: Plugin<Config: Debug + Default + PartialEq>>() {
    let schema = schema::<P>();
    let stated = properties(&schema).map(|(key, p)| (key.clone(), p.get("default").cloned().unwrap_or_default()));
    assert_eq!(read::<P::Config>(stated.collect()), P::Config::default());
    let values = schema.pointer("/$defs/setting/enum").and_then(Value::as_array);
    for value in values.expect("the schema has `$defs.setting.enum`") {
        let _: Setting = read(value.clone());
    }
}

#[allow(clippy::expect_used)]
fn schema<P: Plugin>() -> Value {
    let schema = P::CONFIG_SCHEMA.expect("the plugin has a schema");
    serde_json::from_str(schema).expect("the schema is JSON")
}

#[allow(clippy::expect_used)]
fn properties(schema: &Value) -> impl Iterator<Item = (&String, &Value)> {
    schema.get("properties").and_then(Value::as_object).expect("the schema has properties").iter()
}

#[track_caller]
#[allow(clippy::panic)]
fn read<T: DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap_or_else(|error| panic!("the schema and the configuration differ: {error}"))
}
