//! A text guardrail that finds personal data and masks, pseudonymises or refuses it.
//!
//! In reading order: `rule` names what is found, `config` says what to do about it, `places` finds where to
//! look with the host's regular expressions, and one module for each kind decides. How that becomes matches, a
//! hold and a verdict is [`scan`]'s.

mod birth;
mod card;
mod config;
mod date;
mod email;
mod groups;
mod iban;
mod ip;
mod phone;
mod places;
mod rule;
mod ssn;

#[cfg(test)]
mod tests;

use std::ops::Range;

use sluicegate_plugin::scan::{self, Match, Reader, Rules, Scan};
use sluicegate_plugin::{Patterns, Plugin, TextGuardrail, export, text};

pub use config::Config;
pub use scan::Setting;

use groups::Groups;
use rule::Rule;

/// Finds personal data.
#[derive(Debug)]
pub struct Pii {
    config: Config,
    patterns: Patterns,
    tail: String,
}

impl Plugin for Pii {
    const NAME: &'static str = "pii";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const SUMMARY: &'static str = "Masks, pseudonymises or refuses personal data.";
    const CONFIG_SCHEMA: Option<&'static str> = Some(include_str!("../schema.json"));
    type Config = Config;

    fn configure(config: Config) -> Result<Self, String> {
        Ok(Self { config, patterns: places::patterns()?, tail: places::tail() })
    }
}

impl TextGuardrail for Pii {
    fn inspect(&self, window: &text::Window) -> text::Verdict {
        if self.config.is_off() {
            return text::Verdict::allow();
        }
        Scan::of(self, window).verdict("pii.blocked", |rule| self.config.setting(rule))
    }

    fn prefilter(&self) -> Option<text::Prefilter<'_>> {
        Some(text::Prefilter::new(&self.patterns).with_tail(&self.tail))
    }
}

impl Rules for Pii {
    type Rule = Rule;

    /// The longest match is an e-mail address of 254 bytes; written in `\u` escapes it is six times as long.
    const REACH_BYTES_MAX: usize = 1536;
    /// The most that a match shows of itself before a pattern sees it: a date whose birth word is to follow.
    const TAIL_BYTES: usize = 128;

    fn places(&self, text: &str) -> Vec<Range<usize>> {
        places::places(&self.patterns, text)
    }

    fn find(&self, reader: &Reader<'_>) -> Option<Match<Rule>> {
        let start = reader.start();
        // What does not start a word: a telephone number's `+` or `(`, an address's `::`.
        let punctuation = reader.is(start, |byte| matches!(byte, b'+' | b'(' | b':'));
        if !punctuation && (!reader.word_at(start) || reader.word_before(start)) {
            return None;
        }
        let groups = Groups::find(reader);
        Rule::ALL.iter().filter_map(|rule| self.match_of(*rule, reader, groups.as_ref())).reduce(Match::join)
    }
}

impl Pii {
    fn match_of(&self, rule: Rule, reader: &Reader<'_>, groups: Option<&Groups>) -> Option<Match<Rule>> {
        if self.config.setting(rule) == Setting::Off {
            return None;
        }
        let (end, score) = match rule {
            Rule::Iban => (iban::end(reader)?, 1.0),
            Rule::Card => (card::end(reader, groups?)?, 0.95),
            Rule::Ssn => (ssn::end(reader, groups?)?, 0.8),
            Rule::Email => (email::end(reader)?, 0.95),
            Rule::Ip => (ip::end(reader)?, 0.8),
            Rule::DateOfBirth => (birth::end(reader)?, 0.85),
            Rule::Phone => phone::end(reader, groups?)?,
        };
        Some(Match { rule, end, score })
    }
}

export!(Pii: text_guardrail);
