//! A text guardrail that finds credentials and masks, pseudonymises or refuses them.
//!
//! In reading order: `rule` names what is found, `config` says what to do about it, `places` finds where to
//! look with the host's regular expressions, and one module for each family of credentials decides. How that
//! becomes matches, a hold and a verdict is [`scan`]'s.

mod assigned;
mod config;
mod connection;
mod jwt;
mod pem;
mod places;
mod rule;
mod shape;
mod token;

#[cfg(test)]
mod tests;

use std::ops::Range;

use sluicegate_plugin::scan::{self, Match, Reader, Rules, Scan};
use sluicegate_plugin::{Patterns, Plugin, TextGuardrail, export, text};

pub use config::Config;
pub use scan::Setting;

use rule::Rule;

/// Finds credentials.
#[derive(Debug)]
pub struct Secrets {
    config: Config,
    patterns: Patterns,
}

impl Plugin for Secrets {
    const NAME: &'static str = "secrets";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const SUMMARY: &'static str = "Masks, pseudonymises or refuses credentials.";
    const CONFIG_SCHEMA: Option<&'static str> = Some(include_str!("../schema.json"));
    type Config = Config;

    fn configure(config: Config) -> Result<Self, String> {
        Ok(Self { config, patterns: places::patterns()? })
    }
}

impl TextGuardrail for Secrets {
    fn inspect(&self, window: &text::Window) -> text::Verdict {
        if self.config.is_off() {
            return text::Verdict::allow();
        }
        Scan::of(self, window).verdict("secrets.blocked", |rule| self.config.setting(rule))
    }

    fn prefilter(&self) -> Option<text::Prefilter<'_>> {
        Some(text::Prefilter::new(&self.patterns).with_tail(places::TAIL))
    }
}

impl Rules for Secrets {
    type Rule = Rule;

    /// A private key of 4096 bits takes 3,272 bytes as PKCS #8, and some more with escaped line ends. Together
    /// with the newest chunk that stays below the 4,096 bytes that the host holds unless configured.
    const REACH_BYTES_MAX: usize = 3_900;
    /// More than the longest beginning that a pattern waits for, `hooks.slack.com/`.
    const TAIL_BYTES: usize = 32;

    fn places(&self, text: &str) -> Vec<Range<usize>> {
        places::places(&self.patterns, text)
    }

    fn find(&self, reader: &Reader<'_>) -> Option<Match<Rule>> {
        let found = [token::find, jwt::find, pem::find, connection::find, assigned::find]
            .into_iter()
            .filter_map(|find| find(reader))
            .filter(|found| self.config.setting(found.rule) != Setting::Off);
        found.reduce(Match::join)
    }
}

export!(Secrets: text_guardrail);
