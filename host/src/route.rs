//! Who answers: the targets that the operator configured for the model that was asked for, in the order in which they
//! are to be asked.

use std::sync::Arc;

use rand::RngExt;
use tokio::time::Instant;

use crate::chat::Request;
use crate::config::{Balance, Group, Member, Target};
use crate::error::Error;
use crate::exchange::Exchange;
use crate::health::{Health, Rest};

/// The targets to ask, in order, without those that rest.
///
/// # Errors
/// When no target is configured for the model, or all of them rest.
pub(crate) fn choose(x: &Exchange, health: &Health, request: &Request) -> Result<Vec<Arc<Target>>, Error> {
    let model = x.generation.settings.model(&request.model);
    if model.groups.is_empty() {
        return Err(Error::unknown_model(&request.model));
    }
    let now = Instant::now();
    let mut targets = Vec::new();
    let mut shortest_rest: Option<Rest> = None;
    for group in &model.groups {
        let mut ready = Vec::new();
        for member in &group.members {
            match health.resting(&member.target, now) {
                None => ready.push(member),
                Some(rest) if shortest_rest.is_none_or(|shortest| rest.time < shortest.time) => {
                    shortest_rest = Some(rest)
                }
                Some(_) => {}
            }
        }
        targets.extend(ordered(group, ready, health, now));
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
