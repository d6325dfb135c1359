//! A text guardrail for the tests of streams: it does what its configuration says.
//!
//! ```toml
//! [config]
//! do = "mask"
//! word = "secret"
//! ```
//!
//! Each behaviour is right on windows: whatever the cuts of a stream, it decides as on the whole text. Only what was not
//! released yet is searched, and what might become a match is held back.

use serde::Deserialize;
use sluicegate_plugin::{Edit, Finding, Phase, Plugin, Span, TextGuardrail, export, text};

/// What the guest does.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(tag = "do", rename_all = "kebab-case", deny_unknown_fields)]
pub enum TextGuest {
    /// Nothing.
    Allow,
    /// Puts `with` in the place of each `word`.
    Mask {
        /// What is looked for; not empty.
        word: String,
        /// What comes in its place.
        #[serde(default = "mask")]
        with: String,
        /// Give the word back where the answer repeats its replacement.
        #[serde(default)]
        restore: bool,
        /// Only on the way to the model.
        #[serde(default)]
        only_requests: bool,
    },
    /// Denies a text with this word, as `test.denied`.
    Deny {
        /// What is looked for; not empty.
        word: String,
    },
    /// Holds everything back until nothing more follows.
    Hold,
    /// Allows, after so many rounds of computing. The same number burns the same fuel.
    Burn {
        /// How long.
        rounds: u32,
    },
    /// Panics at a text with this word.
    Panic {
        /// What is looked for.
        word: String,
    },
    /// One finding for each window: rule `test.seen`, all that was not released yet, score 0.5.
    Find,
}

fn mask() -> String {
    "[x]".into()
}

impl Plugin for TextGuest {
    const NAME: &'static str = env!("CARGO_PKG_NAME");
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const SUMMARY: &'static str = env!("CARGO_PKG_DESCRIPTION");
    const CONFIG_SCHEMA: Option<&'static str> = Some(
        r#"{
            "type": "object",
            "required": ["do"],
            "properties": { "do": { "enum": ["allow", "mask", "deny", "hold", "burn", "panic", "find"] } }
        }"#,
    );
    type Config = Self;

    fn configure(config: Self) -> Result<Self, String> {
        match &config {
            Self::Mask { word, .. } | Self::Deny { word } if word.is_empty() => Err("`word` is empty".into()),
            _ => Ok(config),
        }
    }
}

impl TextGuardrail for TextGuest {
    #[allow(clippy::panic, reason = "it is one of the behaviours")]
    fn inspect(&self, window: &text::Window) -> text::Verdict {
        let (context, end) = (window.context_len(), window.text.len());
        match self {
            Self::Mask { only_requests: true, .. } if window.phase != Phase::Request => text::Verdict::allow(),
            Self::Mask { word, with, restore, .. } => {
                let found = search(window, word);
                let edit = |start: &usize| Edit {
                    span: Span::new(*start, start + word.len()),
                    replacement: with.clone(),
                    restore: *restore,
                };
                text::Verdict::edit(found.starts.iter().map(edit).collect()).with_hold(found.hold)
            }
            Self::Deny { word } => {
                let found = search(window, word);
                if found.starts.is_empty() {
                    text::Verdict::allow().with_hold(found.hold)
                } else {
                    text::Verdict::deny("test.denied", "A word of the tests is not allowed.")
                }
            }
            Self::Hold => text::Verdict::allow().with_hold(end - context),
            Self::Burn { rounds } => {
                for round in 0..*rounds {
                    std::hint::black_box(round);
                }
                text::Verdict::allow()
            }
            Self::Panic { word } if window.text.contains(word.as_str()) => panic!("on purpose"),
            Self::Panic { .. } => text::Verdict::allow(),
            Self::Find => {
                text::Verdict::allow().with_findings(vec![Finding::at("test.seen", Span::new(context, end), 0.5)])
            }
            Self::Allow => text::Verdict::allow(),
        }
    }
}

export!(TextGuest: text_guardrail);

/// Where a word was found in what is not released yet, and how many bytes at the end may become another one.
struct Found {
    starts: Vec<usize>,
    hold: usize,
}

fn search(window: &text::Window, word: &str) -> Found {
    let context = window.context_len();
    let undecided = window.text.get(context..).unwrap_or_default();
    let starts: Vec<usize> = undecided.match_indices(word).map(|(start, _)| context + start).collect();
    // A word that was found is used up: its end cannot be the beginning of the next.
    let used = starts.last().map_or(context, |start| start + word.len());
    let rest = window.text.get(used..).unwrap_or_default();
    let beginnings = word.char_indices().map(|(at, _)| at).rev();
    let hold = beginnings.filter(|at| word.get(..*at).is_some_and(|part| rest.ends_with(part))).max().unwrap_or(0);
    Found { starts, hold }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use sluicegate_plugin::read_config;
    use sluicegate_plugin::text::{Window, stream};

    use super::*;

    fn guest(config: &str) -> TextGuest {
        TextGuest::configure(read_config(config).unwrap()).unwrap()
    }

    /// Any two cuts of the text, any sight of what was released: the same as without a cut. `None` for a denial.
    fn assert_cuts_make_no_difference(config: &str, text: &str, expected: Option<&str>) {
        let guest = guest(config);
        let cuts: Vec<usize> = (0..=text.len()).filter(|at| text.is_char_boundary(*at)).collect();
        for first in &cuts {
            for second in cuts.iter().filter(|at| *at >= first) {
                for context_bytes in [0, 1, 4, 100] {
                    let chunks = [&text[..*first], &text[*first..*second], &text[*second..]];
                    let streamed = stream(&guest, &Window::answer(""), &chunks, context_bytes);
                    let released = streamed.denied.is_none().then_some(streamed.released.as_str());
                    assert_eq!(released, expected, "{chunks:?} with {context_bytes} bytes of context");
                }
            }
        }
    }

    #[test]
    fn it_decides_on_windows_as_on_the_whole() {
        let mask = r#"{"do": "mask", "word": "secret"}"#;
        assert_cuts_make_no_difference(mask, "sesecret, secrets; secre", Some("se[x], [x]s; secre"));
        assert_cuts_make_no_difference(mask, "a café's secret", Some("a café's [x]"));
        let overlapping = r#"{"do": "mask", "word": "aba", "with": ""}"#;
        assert_cuts_make_no_difference(overlapping, "ababababb aba", Some("bbb "));
        let two_bytes = r#"{"do": "mask", "word": "éé", "with": "é"}"#;
        assert_cuts_make_no_difference(two_bytes, "éééé é", Some("éé é"));
        let grow = r#"{"do": "mask", "word": "x", "with": "xxxxx"}"#;
        assert_cuts_make_no_difference(grow, "axx", Some("axxxxxxxxxx"));
        assert_cuts_make_no_difference(r#"{"do": "deny", "word": "forbidden"}"#, "it is forbidden", None);
        assert_cuts_make_no_difference(r#"{"do": "deny", "word": "forbidden"}"#, "it is forbid", Some("it is forbid"));
        assert_cuts_make_no_difference(r#"{"do": "hold"}"#, "all of it", Some("all of it"));
        assert_cuts_make_no_difference(r#"{"do": "find"}"#, "all of it", Some("all of it"));
    }

    #[test]
    fn what_may_become_the_word_is_held_and_no_more() {
        let guest = guest(r#"{"do": "mask", "word": "secret"}"#);
        let hold = |text: &str| guest.inspect(&Window { final_: false, ..Window::answer(text) }).hold;
        assert_eq!([hold("a s"), hold("a secre"), hold("a secret"), hold("a secrets"), hold("")], [1, 5, 0, 1, 0]);
    }

    #[test]
    fn a_name_is_replaced_only_on_the_way_to_the_model() {
        let config = r#"{"do": "mask", "word": "Alice", "with": "[NAME_{n}]", "restore": true, "only_requests": true}"#;
        let guest = guest(config);
        assert_eq!(
            guest.inspect(&Window::request("Alice")),
            text::Verdict::edit(vec![Edit::restore(Span::new(0, 5), "[NAME_{n}]")])
        );
        assert_eq!(guest.inspect(&Window::answer("Alice")), text::Verdict::allow());
    }

    #[test]
    fn a_configuration_that_means_nothing_is_refused() {
        assert!(read_config::<TextGuest>("").is_err());
        assert!(read_config::<TextGuest>(r#"{"do": "dance"}"#).is_err());
        assert!(read_config::<TextGuest>(r#"{"do": "deny", "word": "a", "wrod": "b"}"#).is_err());
        assert!(TextGuest::configure(TextGuest::Deny { word: String::new() }).is_err());
    }
}
