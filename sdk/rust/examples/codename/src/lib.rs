//! Masks, or refuses, names of projects that are not announced yet.

use schemars::JsonSchema;
use serde::Deserialize;
use sluicegate_plugin::{Edit, Finding, Plugin, Span, TextGuardrail, export, schema_of, text};

/// What the operator configures.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The names, exactly as they are written.
    #[schemars(length(min = 1), inner(length(min = 1)))]
    pub names: Vec<String>,
    /// Refuse texts with one of them, in place of masking it.
    #[serde(default)]
    pub refuse: bool,
}

/// The guardrail.
#[derive(Debug)]
pub struct Codename {
    /// The longest first: of two that begin alike it counts.
    names: Vec<String>,
    refuse: bool,
}

impl Plugin for Codename {
    const NAME: &'static str = "codename";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const SUMMARY: &'static str = "Masks names of projects that are not announced yet.";
    type Config = Config;

    fn config_schema() -> Option<String> {
        Some(schema_of::<Config>())
    }

    fn configure(Config { mut names, refuse }: Config) -> Result<Self, String> {
        if names.is_empty() || names.iter().any(String::is_empty) {
            return Err("`names` needs at least one name, and none may be empty".to_owned());
        }
        names.sort_by_key(|name| std::cmp::Reverse(name.len()));
        Ok(Self { names, refuse })
    }
}

impl Codename {
    /// Where names stand, and how much of the end may be the beginning of one.
    fn find(&self, text: &str, is_final: bool) -> (Vec<Span>, usize) {
        let mut found = Vec::new();
        let mut at = 0;
        while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
            if !is_final && self.names.iter().any(|name| name.len() > rest.len() && name.starts_with(rest)) {
                return (found, rest.len());
            }
            if let Some(name) = self.names.iter().find(|name| rest.starts_with(name.as_str())) {
                found.push(Span::new(at, at + name.len()));
                at += name.len();
            } else {
                at += rest.chars().next().map_or(1, char::len_utf8);
            }
        }
        (found, 0)
    }
}

impl TextGuardrail for Codename {
    fn inspect(&self, window: &text::Window) -> text::Verdict {
        let (mut found, hold) = self.find(&window.text, window.final_);
        // What was released before is not for us to decide.
        found.retain(|span| span.end > window.context);
        let finding = |span: &Span| Finding { rule: "codename".to_owned(), span: Some(*span), score: 1.0 };
        let findings = found.iter().map(finding).collect();
        let verdict = match self.refuse && !found.is_empty() {
            true => text::Verdict::deny("codename.blocked", "A code name must not be named here."),
            false => text::Verdict::edit(found.into_iter().map(|span| Edit::mask(span, "[codename]")).collect()),
        };
        verdict.with_findings(findings).with_hold(hold.min(window.text.len() - window.context_len()))
    }
}

export!(Codename: text_guardrail);

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use sluicegate_plugin::text::{Window, stream};

    use super::*;

    fn codename(refuse: bool) -> Codename {
        Codename::configure(Config { names: vec!["Blue".to_owned(), "Bluebird".to_owned()], refuse }).unwrap()
    }

    #[test]
    fn the_longer_of_two_names_counts() {
        let text = "😀 Bluebird, Blue";
        let verdict = codename(false).inspect(&Window::request(text));
        assert_eq!(verdict.applied_to(text), "😀 [codename], [codename]");
    }

    #[test]
    fn a_stream_may_be_cut_anywhere() {
        let whole = "We ship Bluebird, not Bluebell.";
        for (at, _) in whole.char_indices() {
            let (one, other) = whole.split_at(at);
            let released = stream(&codename(false), &Window::answer(""), &[one, other], 64).released;
            assert_eq!(released, "We ship [codename], not [codename]bell.", "{one:?} {other:?}");
        }
    }

    #[test]
    fn without_names_there_is_nothing_to_do() {
        assert!(Codename::configure(Config { names: Vec::new(), refuse: false }).is_err());
    }
}
