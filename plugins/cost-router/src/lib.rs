//! A router that chooses the cheapest target that is up to the question: that is well, can read all of it, has what the request
//! needs, and is strong enough for how hard it seems.

pub mod config;
#[cfg(test)]
mod tests;

use sluicegate_plugin::router::{Routing, Target};
use sluicegate_plugin::{Finding, Patterns, Plugin, PluginError, Request, Router, export};

pub use config::{Config, Signal};

/// The router.
#[derive(Debug)]
pub struct CostRouter {
    config: Config,
    patterns: Patterns,
    /// The name and weight of each pattern.
    signals: Vec<(String, f32)>,
}

/// How hard a question seems.
#[derive(Clone, Debug)]
struct Estimate {
    /// How sure it is that it is hard, from 0 to 1.
    hard: f32,
    /// The signals that matched.
    signals: Vec<usize>,
}

impl Plugin for CostRouter {
    const NAME: &'static str = "cost-router";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const SUMMARY: &'static str = "Chooses the cheapest target that is up to the question.";
    const CONFIG_SCHEMA: Option<&'static str> = Some(include_str!("../schema.json"));
    type Config = Config;

    fn configure(config: Config) -> Result<Self, String> {
        config.check()?;
        let signals = config.all_signals();
        let expressions: Vec<&str> = signals.iter().map(|(_, signal)| signal.pattern.as_str()).collect();
        let patterns = Patterns::compile(&expressions)?;
        let signals = signals.into_iter().map(|(name, signal)| (name, signal.weight)).collect();
        Ok(Self { config, patterns, signals })
    }
}

impl Router for CostRouter {
    fn route(&self, request: &Request, targets: &[Target]) -> Result<Routing, PluginError> {
        if !self.config.models.contains(&request.exchange.model) {
            return Ok(Routing::unchanged());
        }
        let able: Vec<(u32, &Target)> =
            (0..).zip(targets).filter(|(_, target)| self.is_able(target, request)).collect();
        let estimate = self.estimate(request);
        let is_hard = estimate.hard >= self.config.threshold;
        let (mut strong, mut others): (Vec<_>, Vec<_>) =
            able.into_iter().partition(|(_, target)| is_one_of(target, &self.config.strong));
        let why = self.findings(&estimate);
        let routing = match is_hard {
            // The others are not up to it, however cheap they are; if the strong ones rest, one of them is better than none.
            true if !strong.is_empty() => {
                self.cheapest_first(&mut strong, request);
                self.cheapest_first(&mut others, request);
                Routing::targets(strong.into_iter().chain(others).map(|(index, _)| index))
            }
            true => Routing::unchanged().with_finding(Finding {
                rule: "no-strong-target".to_owned(),
                span: None,
                score: 1.0,
            }),
            false => {
                self.cheapest_first(&mut strong, request);
                let on_rejection: Vec<u32> = strong.iter().map(|(index, _)| *index).collect();
                others.extend(strong);
                self.cheapest_first(&mut others, request);
                match others.is_empty() {
                    true => Routing::unchanged().with_finding(Finding {
                        rule: "no-target".to_owned(),
                        span: None,
                        score: 1.0,
                    }),
                    false => Routing::targets(others.into_iter().map(|(index, _)| index)).on_rejection(on_rejection),
                }
            }
        };
        let intent = if is_hard { "hard" } else { "easy" };
        Ok(why.into_iter().fold(routing, Routing::with_finding).with_intent(intent))
    }
}

impl CostRouter {
    /// Whether a target can answer a request at all.
    fn is_able(&self, target: &Target, request: &Request) -> bool {
        let has = |tag: &Option<String>| tag.as_ref().is_none_or(|tag| target.tags.contains(tag));
        let tokens = request.tokens_estimate.saturating_add(self.config.answer_tokens);
        (self.config.among.is_empty() || is_one_of(target, &self.config.among))
            && target.context_tokens.is_none_or(|most| tokens <= most)
            && (request.tools.is_empty() || has(&self.config.tools_tag))
            && (request.answer_schema.is_none() || has(&self.config.schema_tag))
    }

    /// Those that are well before those that are not, then by what the request costs there; what nobody knows the price of
    /// comes last.
    fn cheapest_first(&self, targets: &mut [(u32, &Target)], request: &Request) {
        let dollars = |target: &Target| {
            let (input, output) = (target.input_dollars_per_million?, target.output_dollars_per_million?);
            Some(f64::from(request.tokens_estimate) * input + f64::from(self.config.answer_tokens) * output)
        };
        let rank = |target: &Target| (!target.healthy, dollars(target).unwrap_or(f64::INFINITY));
        targets.sort_by(|(_, a), (_, b)| {
            let (a, b) = (rank(a), rank(b));
            a.0.cmp(&b.0).then(a.1.total_cmp(&b.1))
        });
    }

    /// How hard what the person has said last seems to be.
    fn estimate(&self, request: &Request) -> Estimate {
        let said = request.said_last();
        let mut signals: Vec<usize> =
            said.iter().flat_map(|segment| self.patterns.find(&segment.text)).map(|found| found.expression).collect();
        signals.sort_unstable();
        signals.dedup();
        let words: usize = said.iter().map(|segment| segment.text.split_whitespace().count()).sum();
        let words = u16::try_from(words.max(1)).unwrap_or(u16::MAX);
        let weights = signals.iter().filter_map(|index| self.signals.get(*index)).map(|(_, weight)| weight);
        let odds = BIAS + weights.sum::<f32>() + WORDS_WEIGHT * (f32::from(words) / USUAL_WORDS).log2();
        Estimate { hard: 1.0 / (1.0 + (-odds).exp()), signals }
    }

    /// How hard it seems, and why.
    fn findings(&self, estimate: &Estimate) -> Vec<Finding> {
        let difficulty = Finding { rule: "difficulty".to_owned(), span: None, score: estimate.hard };
        let named = estimate.signals.iter().filter_map(|index| self.signals.get(*index));
        // A score is from 0 to 1: what a signal alone would make of an even chance.
        let signal = |(name, weight): &(String, f32)| Finding {
            rule: format!("signal.{name}"),
            span: None,
            score: 1.0 / (1.0 + (-weight).exp()),
        };
        std::iter::once(difficulty).chain(named.map(signal)).collect()
    }
}

/// The logarithm of the odds that a question of the usual length is hard if nothing else is known; from the same regression as
/// the weights.
const BIAS: f32 = 0.1;
/// What a doubling of the length adds.
const WORDS_WEIGHT: f32 = 0.2;
/// Words of a question of the usual length.
const USUAL_WORDS: f32 = 16.0;

fn is_one_of(target: &Target, wanted: &[String]) -> bool {
    wanted.iter().any(|wanted| target.name == *wanted || target.tags.contains(wanted))
}

export!(CostRouter: router);
