//! A router that knows what a request is about by patterns and by sentences that mean it, and chooses who answers by that: a
//! target with a name or a tag, people, or nobody, as the answer stands in the configuration.

pub mod config;
#[cfg(test)]
mod tests;

use sluicegate_plugin::router::{Routing, Target};
use sluicegate_plugin::{
    Channel, Finding, Patterns, Plugin, PluginError, Request, Role, Router, Segment, Span, embedding, export,
};

pub use config::{Config, Intent, Pattern};

/// The router.
#[derive(Debug)]
pub struct IntentRouter {
    config: Config,
    /// The patterns of all intents, then what speaks against each.
    patterns: Patterns,
    /// What each expression of the set says.
    says: Vec<Says>,
    /// The vectors of the examples of each intent.
    examples: Vec<Vec<Vec<f32>>>,
}

/// What a match of an expression says.
#[derive(Clone, Copy, Debug)]
struct Says {
    /// About which intent.
    intent: usize,
    /// Which of its patterns it is; nothing where it speaks against it.
    pattern: Option<usize>,
}

/// What speaks for an intent.
#[derive(Clone, Debug, Default)]
struct Case {
    is_ruled_out: bool,
    /// Where each of its patterns matched first.
    matched: Vec<(usize, Span)>,
    /// How like its examples it is what was said.
    likeness: Option<Likeness>,
}

/// How like the examples of an intent something is.
#[derive(Clone, Copy, Debug)]
struct Likeness {
    /// The example that is most like it.
    nearest: usize,
    /// How sure that makes.
    score: f32,
}

impl Plugin for IntentRouter {
    const NAME: &'static str = "intent-router";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const SUMMARY: &'static str = "Chooses who answers by what a request is about.";
    const CONFIG_SCHEMA: Option<&'static str> = Some(include_str!("../schema.json"));
    type Config = Config;

    fn configure(config: Config) -> Result<Self, String> {
        config.check()?;
        let (mut expressions, mut says) = (Vec::new(), Vec::new());
        for (index, intent) in config.intents.iter().enumerate() {
            for (number, pattern) in intent.patterns.iter().enumerate() {
                expressions.push(pattern.expression());
                says.push(Says { intent: index, pattern: Some(number) });
            }
            for against in &intent.unless {
                expressions.push(against);
                says.push(Says { intent: index, pattern: None });
            }
        }
        let patterns = Patterns::compile(&expressions)?;
        let examples = config.intents.iter().map(vectors).collect::<Result<_, _>>()?;
        Ok(Self { patterns, says, examples, config })
    }
}

impl Router for IntentRouter {
    fn route(&self, request: &Request, targets: &[Target]) -> Result<Routing, PluginError> {
        let said = request.said_last();
        let mut cases = self.cases(&said);
        let mut is_blind = false;
        // Where patterns are sure, nobody has to be asked what it means.
        if self.best(&cases).is_none_or(|(.., score)| score < self.config.threshold) && self.has_examples() {
            is_blind = self.compare(&said, &mut cases).is_err();
        }
        let unchanged = match is_blind {
            true => {
                Routing::unchanged().with_finding(Finding { rule: "not-compared".to_owned(), span: None, score: 1.0 })
            }
            false => Routing::unchanged(),
        };
        let Some((intent, case, score)) = self.best(&cases) else { return Ok(unchanged) };
        let why = case.findings(intent);
        if score < self.config.threshold {
            // What it might have been, for whoever looks for the right threshold.
            return Ok(why.into_iter().fold(unchanged, Routing::with_finding));
        }
        Ok(why.into_iter().fold(decide(intent, request, targets), Routing::with_finding).with_intent(&intent.name))
    }
}

impl IntentRouter {
    /// The intent for which most speaks, if anything does; the first of those with the same score.
    fn best<'a>(&'a self, cases: &'a [Case]) -> Option<(&'a Intent, &'a Case, f32)> {
        let scored = self.config.intents.iter().zip(cases).map(|(intent, case)| (intent, case, case.score(intent)));
        scored.rev().max_by(|(.., a), (.., b)| a.total_cmp(b)).filter(|(.., score)| *score > 0.0)
    }

    fn has_examples(&self) -> bool {
        self.examples.iter().any(|examples| !examples.is_empty())
    }

    /// Look how like the examples it is what was said.
    fn compare(&self, said: &[&Segment], cases: &mut [Case]) -> Result<(), String> {
        let text = said.iter().map(|segment| segment.text.as_str()).collect::<Vec<_>>().join("\n");
        let text = text.get(..text.floor_char_boundary(TEXT_BYTES_MAX)).unwrap_or_default();
        if text.trim().is_empty() {
            return Ok(());
        }
        let vector = embedding::embed(&[text])?.pop().ok_or("there is no vector")?;
        for (case, examples) in cases.iter_mut().zip(&self.examples) {
            case.likeness = Likeness::of(&vector, examples, self.config.likeness);
        }
        Ok(())
    }

    /// What speaks for each intent by its patterns.
    fn cases(&self, said: &[&Segment]) -> Vec<Case> {
        // Most requests are longer than any bound, and all words of a long one take longer to count than the rest.
        let most = self.config.intents.iter().filter_map(|intent| intent.words_max).max();
        let counted = most.map_or(0, |most| most.saturating_add(1));
        let words = said.iter().flat_map(|segment| segment.text.split_whitespace()).take(counted).count();
        let too_long = |intent: &Intent| intent.words_max.is_some_and(|most| words > most);
        let case = |intent| Case { is_ruled_out: too_long(intent), ..Case::default() };
        let mut cases: Vec<Case> = self.config.intents.iter().map(case).collect();
        for found in said.iter().flat_map(|segment| self.patterns.find(&segment.text)) {
            let Some(Says { intent, pattern }) = self.says.get(found.expression) else { continue };
            let Some(case) = cases.get_mut(*intent) else { continue };
            match pattern {
                None => case.is_ruled_out = true,
                Some(number) if case.matched.iter().all(|(known, _)| known != number) => {
                    case.matched.push((*number, found.span));
                }
                Some(_) => {}
            }
        }
        cases
    }
}

impl Case {
    /// How sure it is: each pattern leaves as much doubt as its score lacks to one, and so does what its examples are like.
    fn score(&self, intent: &Intent) -> f32 {
        if self.is_ruled_out {
            return 0.0;
        }
        let scores = self.matched.iter().filter_map(|(number, _)| intent.patterns.get(*number)).map(Pattern::score);
        let alike = self.likeness.map(|likeness| likeness.score);
        let doubt: f64 = scores.chain(alike).map(|score| 1.0 - f64::from(score)).product();
        // In so many digits that a single score comes out as it went in, and reaches a threshold that is the same.
        #[allow(clippy::cast_possible_truncation)]
        let score = (1.0 - doubt) as f32;
        score
    }

    /// Which patterns matched, and where; and what it is like.
    fn findings(&self, intent: &Intent) -> Vec<Finding> {
        let finding = |(number, span): &(usize, Span)| {
            let score = intent.patterns.get(*number).map_or(0.0, Pattern::score);
            Finding::at(format!("{}.pattern-{}", intent.name, number + 1), *span, score)
        };
        let nearest = self.likeness.map(|Likeness { nearest, score }| Finding {
            rule: format!("{}.example-{}", intent.name, nearest + 1),
            span: None,
            score,
        });
        self.matched.iter().map(finding).chain(nearest).collect()
    }
}

impl Likeness {
    /// By the mean similarity to the two examples that are most like it: one alone may be like it by chance.
    fn of(vector: &[f32], examples: &[Vec<f32>], as_likely_as_not: f32) -> Option<Self> {
        let alike = examples.iter().map(|example| embedding::similarity(example, vector)).enumerate();
        let mut alike: Vec<(usize, f32)> = alike.collect();
        alike.sort_by(|(_, a), (_, b)| b.total_cmp(a));
        let (nearest, first) = *alike.first()?;
        let second = alike.get(1).map_or(first, |(_, second)| *second);
        let similarity = f32::midpoint(first, second);
        let score = 1.0 / (1.0 + ((as_likely_as_not - similarity) / STEP).exp());
        Some(Self { nearest, score })
    }
}

/// How much more similarity makes the odds of an intent 2.7 times what they were.
const STEP: f32 = 0.05;
/// Bytes of what was said that are compared: what a small model reads.
const TEXT_BYTES_MAX: usize = 2_048;

/// The vectors of an intent's examples.
fn vectors(intent: &Intent) -> Result<Vec<Vec<f32>>, String> {
    if intent.examples.is_empty() {
        return Ok(Vec::new());
    }
    let examples: Vec<&str> = intent.examples.iter().map(String::as_str).collect();
    embedding::embed(&examples).map_err(|why| format!("the examples of the intent {}: {why}", intent.name))
}

/// Whether the person has the last word, and no model is in the middle of something.
fn is_persons_turn(request: &Request) -> bool {
    let is_said =
        |segment: &&Segment| !matches!(segment.channel, Channel::ToolDefinition | Channel::Name | Channel::Other);
    request.segments.iter().rev().find(is_said).is_some_and(|segment| segment.role == Role::User)
}

/// Who answers a request with this intent.
fn decide(intent: &Intent, request: &Request, targets: &[Target]) -> Routing {
    match (&intent.answer, &intent.queue) {
        (Some(answer), Some(queue)) if is_persons_turn(request) => return Routing::escalate(queue, answer),
        // Whoever wants an answer of a certain form gets none from here.
        (Some(answer), None) if is_persons_turn(request) && request.answer_schema.is_none() => {
            return Routing::answer(answer);
        }
        (Some(_), _) => return Routing::unchanged(),
        (None, _) => {}
    }
    let reads = |target: &Target| target.context_tokens.is_none_or(|most| request.tokens_estimate <= most);
    let mut chosen: Vec<u32> = Vec::new();
    for wanted in &intent.targets {
        let is_it = |target: &Target| target.name == *wanted || target.tags.contains(wanted);
        let these = (0..).zip(targets).filter(|(_, target)| is_it(target) && reads(target)).map(|(index, _)| index);
        let these: Vec<u32> = these.filter(|index| !chosen.contains(index)).collect();
        chosen.extend(these);
    }
    if chosen.is_empty() {
        // This caller may use none of them: it is for the operator to say who answers then.
        let rule = format!("{}.no-target", intent.name);
        return Routing::unchanged().with_finding(Finding { rule, span: None, score: 1.0 });
    }
    Routing::targets(chosen)
}

export!(IntentRouter: router);
