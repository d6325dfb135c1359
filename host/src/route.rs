//! Who answers: the targets that the operator configured for the model that was asked for, those that a router chose, or
//! nobody, as a router knows the answer; and in which order targets are asked.

use std::collections::HashSet;
use std::sync::Arc;

use rand::RngExt;
use tokio::time::Instant;

use crate::chat::{Phase, Request, RouteDecision, RouteTarget, Task};
use crate::config::{Balance, Group, Member, Mode, Model, Settings, Target};
use crate::error::Error;
use crate::exchange::Exchange;
use crate::health::{Health, Rest};
use crate::key::Models;
use crate::plugin::{Decision, Inspected, Plugin};

/// Who is to answer.
#[derive(Debug)]
pub(crate) enum Way {
    /// Whoever is configured for the model that was asked for.
    Configured,
    /// These targets, in this order.
    Chosen(Chosen),
    /// No model: a router has the words.
    Words(Words),
}

/// Targets that a router chose.
#[derive(Debug)]
pub(crate) struct Chosen {
    targets: Vec<Arc<Target>>,
    /// Who is asked in their place when a guardrail rejects the answer.
    on_rejection: Vec<Arc<Target>>,
}

/// What a router itself says.
#[derive(Debug)]
pub(crate) struct Words {
    /// The router.
    pub(crate) router: Arc<str>,
    /// The answer; where people are to answer, what the caller is told meanwhile.
    pub(crate) text: String,
    /// Which people are to answer, if any are.
    pub(crate) queue: Option<String>,
}

impl Way {
    /// One target, and no other.
    pub(crate) fn only(target: Arc<Target>) -> Self {
        Self::Chosen(Chosen { targets: vec![target], on_rejection: Vec::new() })
    }

    /// All targets that may be asked.
    pub(crate) fn targets<'a>(
        &'a self,
        settings: &'a Settings,
        request: &Request,
    ) -> impl Iterator<Item = &'a Arc<Target>> {
        let (configured, chosen) = match self {
            Self::Configured => (Some(settings.model(&request.model).targets()), None),
            Self::Chosen(chosen) => (None, Some(chosen.targets.iter().chain(&chosen.on_rejection))),
            Self::Words(_) => (None, None),
        };
        configured.into_iter().flatten().chain(chosen.into_iter().flatten())
    }

    /// Who is asked when a guardrail rejects the answer of a target, if that is somebody else.
    pub(crate) fn on_rejection_of(&self, rejected: &Target) -> Option<Self> {
        let Self::Chosen(Chosen { on_rejection, .. }) = self else { return None };
        let others = on_rejection.iter().filter(|target| target.name != rejected.name);
        let targets: Vec<Arc<Target>> = others.cloned().collect();
        (!targets.is_empty()).then(|| Self::Chosen(Chosen { targets, on_rejection: Vec::new() }))
    }
}

/// Ask the routers in force, one after the other until one of them says more than that all is to be as it is configured.
/// One that fails leaves it so, too.
///
/// # Errors
/// When a router refuses the request.
pub(crate) async fn decide(x: &Exchange, health: &Health, request: &Request) -> Result<Way, Error> {
    // Vectors of one model are of no use to who has those of another, and counts neither.
    let is_free = request.task == Task::Converse && !request.is_tied;
    if !is_free || x.generation.routers().next().is_none() {
        return Ok(Way::Configured);
    }
    let candidates = candidates(x, request);
    let now = Instant::now();
    let known: Vec<RouteTarget> =
        candidates.iter().map(|target| known(&x.generation.settings, target, request, health, now)).collect();
    // They share a deadline.
    let calling = x.calling(Phase::Request);
    for router in x.generation.routers() {
        let Inspected { said, mut receipt } = x.runtime.route(router, calling, request, &known).await;
        receipt.observed = router.installation.mode == Mode::Observe;
        let counts = !receipt.observed;
        let (decision, intent) = (receipt.decision, receipt.intent.clone());
        x.receipt(receipt);
        let Some(routing) = said.ok().filter(|_| counts) else { continue };
        if decision != Decision::Unchanged || intent.is_some() {
            x.is_routed(decision, intent);
        }
        match routing.decision {
            RouteDecision::Unchanged => {}
            RouteDecision::Targets(chosen) => {
                let these = |indices: Vec<usize>| -> Vec<Arc<Target>> {
                    indices.into_iter().filter_map(|index| candidates.get(index).copied().cloned()).collect()
                };
                let (targets, on_rejection) = (these(chosen), these(routing.on_rejection));
                return Ok(Way::Chosen(Chosen { targets, on_rejection }));
            }
            RouteDecision::Answer(text) => return Ok(words(router, text, None)),
            RouteDecision::Escalate { queue, text } => return Ok(words(router, text, Some(queue))),
            RouteDecision::Deny(denial) => {
                return Err(Error::Denied { plugin: router.name.to_string(), denial });
            }
        }
    }
    Ok(Way::Configured)
}

fn words(router: &Plugin, text: String, queue: Option<String>) -> Way {
    Way::Words(Words { router: router.name.clone(), text, queue })
}

/// The targets that a router may choose: those of the model that was asked for, and of all others that this caller may ask
/// for, as far as these say which model it is at the provider. Each of them once.
///
/// What a caller who has not said who it is sends as a credential is for the provider of the model that it asks for: no other
/// one is sent it.
fn candidates<'a>(x: &'a Exchange, request: &Request) -> Vec<&'a Arc<Target>> {
    let settings = &x.generation.settings;
    let asked = settings.model(&request.model);
    let others: Vec<&str> = match &x.caller.models {
        Models::Any => settings.models.keys().map(String::as_str).collect(),
        Models::Only(names) => names.iter().map(String::as_str).collect(),
    };
    let any = (x.caller.models == Models::Any).then_some(&settings.any_model);
    let others = others.into_iter().map(|name| settings.model(name)).chain(any).flat_map(Model::targets);
    let is_known = |target: &Target| asked.targets().any(|known| known.provider == target.provider);
    let may_be_asked =
        |target: &Target| x.caller.is_identified || target.sandbox || target.has_credential() || is_known(target);
    let others = others.filter(|target| target.model.is_some() && may_be_asked(target));
    let mut names = HashSet::new();
    asked.targets().chain(others).filter(|target| names.insert(target.name.as_str())).collect()
}

/// What a router is told of a target.
fn known(settings: &Settings, target: &Target, request: &Request, health: &Health, now: Instant) -> RouteTarget {
    let standing = health.standing(target, now);
    let prices = settings.prices_of(target, &request.model);
    RouteTarget {
        name: target.name.clone(),
        provider: target.provider.clone(),
        model: target.model.clone().unwrap_or_else(|| request.model.clone()),
        tags: target.tags.clone(),
        healthy: standing.is_ready,
        in_flight: standing.in_flight,
        first_token: standing.first_token,
        dollars: prices.map(|prices| (prices.usual.input.dollars(), prices.usual.output.dollars())),
        context_tokens: target.context_tokens,
    }
}

/// The targets to ask, in order, without those that rest.
///
/// # Errors
/// When no target is configured for the model, or all of them rest.
pub(crate) fn choose(x: &Exchange, health: &Health, request: &Request, way: &Way) -> Result<Vec<Arc<Target>>, Error> {
    let now = Instant::now();
    let mut shortest_rest: Option<Rest> = None;
    let mut is_ready = |target: &Target| match health.resting(target, now) {
        None => true,
        Some(rest) => {
            shortest_rest = Some(shortest_rest.filter(|shortest| shortest.time <= rest.time).unwrap_or(rest));
            false
        }
    };
    let mut targets = Vec::new();
    match way {
        Way::Chosen(chosen) => {
            targets.extend(chosen.targets.iter().filter(|target| is_ready(target)).cloned());
        }
        Way::Configured | Way::Words(_) => {
            let model = x.generation.settings.model(&request.model);
            if model.groups.is_empty() {
                return Err(Error::unknown_model(&request.model));
            }
            for group in &model.groups {
                let ready = group.members.iter().filter(|member| is_ready(&member.target)).collect();
                targets.extend(ordered(group, ready, health, now));
            }
        }
    }
    match shortest_rest {
        Some(rest) if targets.is_empty() => Err(Error::TargetsRest(rest)),
        Some(_) | None => Ok(targets),
    }
}

/// The members of a group in the order in which they are to be asked.
fn ordered(group: &Group, mut ready: Vec<&Member>, health: &Health, now: Instant) -> Vec<Arc<Target>> {
    let first = match group.balance {
        Balance::Order => None,
        Balance::Weight => drawn_by_weight(&ready),
        Balance::Latency => faster_of_two(&ready, health, now),
    };
    if let Some(first) = first
        && first < ready.len()
    {
        let member = ready.remove(first);
        ready.insert(0, member);
    }
    ready.into_iter().map(|member| member.target.clone()).collect()
}

fn drawn_by_weight(members: &[&Member]) -> Option<usize> {
    let all: u64 = members.iter().map(|member| u64::from(member.weight)).sum();
    let mut drawn = if all == 0 { return None } else { rand::rng().random_range(0..all) };
    members.iter().position(|member| match drawn.checked_sub(u64::from(member.weight)) {
        Some(rest) => {
            drawn = rest;
            false
        }
        None => true,
    })
}

/// Two drawn at random, and of these the one with the lighter load: nearly as good as looking at all of them, and not all
/// callers run to the same target at once (Mitzenmacher, "The Power of Two Choices in Randomized Load Balancing", 2001).
fn faster_of_two(members: &[&Member], health: &Health, now: Instant) -> Option<usize> {
    let load = |index: usize| members.get(index).map_or(f64::INFINITY, |member| health.load(&member.target, now));
    if members.len() < 2 {
        return None;
    }
    let mut rng = rand::rng();
    let one = rng.random_range(0..members.len());
    let other = (one + rng.random_range(1..members.len())) % members.len();
    Some(if load(other) < load(one) { other } else { one })
}
