//! {{summary}}

use schemars::JsonSchema;
use serde::Deserialize;
use sluicegate_plugin::{Edit, Finding, Plugin, Span, TextGuardrail, export, schema_of, text};

/// What the operator configures.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// What is masked, exactly as it is written.
    #[schemars(length(min = 1))]
    pub word: String,
}

impl Default for Config {
    fn default() -> Self {
        Self { word: "Nightjar".to_owned() }
    }
}

/// The guardrail.
#[derive(Debug)]
pub struct {{type}} {
    word: String,
}

impl Plugin for {{type}} {
    const NAME: &'static str = "{{name}}";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const SUMMARY: &'static str = "{{summary}}";
    type Config = Config;

    fn config_schema() -> Option<String> {
        Some(schema_of::<Config>())
    }

    fn configure(Config { word }: Config) -> Result<Self, String> {
        if word.is_empty() { Err("`word` must not be empty".to_owned()) } else { Ok(Self { word }) }
    }
}

impl TextGuardrail for {{type}} {
    fn inspect(&self, window: &text::Window) -> text::Verdict {
        let found = window.text.match_indices(&self.word).map(|(at, word)| Span::new(at, at + word.len()));
        // What ends in the context was released before.
        let found: Vec<Span> = found.filter(|span| span.end > window.context).collect();
        // A stream may be cut inside the word: an end that could become it waits for more text.
        let behind = found.last().map_or(window.context_len(), |span| span.range().end);
        let hold = text::unfinished(window.text.get(behind..).unwrap_or_default(), &[&self.word]);
        let findings = found.iter().map(|span| Finding::at("word", *span, 1.0)).collect();
        let edits = found.into_iter().map(|span| Edit::mask(span, "[masked]")).collect();
        text::Verdict::edit(edits).with_findings(findings).with_hold(hold)
    }
}

export!({{type}}: text_guardrail);

#[cfg(test)]
mod tests {
    use sluicegate_plugin::text::{Window, stream};

    use super::*;

    #[test]
    fn the_word_is_masked_wherever_a_stream_is_cut() {
        let guardrail = {{type}}::configure(Config::default()).expect("a word");
        let streamed = stream(&guardrail, &Window::answer(""), &["When will Nigh", "tjar fly?"], 256);
        assert_eq!(streamed.released, "When will [masked] fly?");
    }

    #[test]
    fn an_empty_word_is_refused() {
        assert!({{type}}::configure(Config { word: String::new() }).is_err());
    }
}
