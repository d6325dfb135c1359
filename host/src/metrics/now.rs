//! What the metrics tell of the moment: looked up when somebody asks, and kept by nobody.

use tokio::time::Instant;

use super::instruments::{Label, Page};
use super::{
    ALERTS, ALERTS_TOLD, BROKEN, BUILD, CACHE_FAILURES, CACHE_FOLLOWERS, CACHE_KEPT, ESCALATIONS_OLDEST,
    ESCALATIONS_OPEN, GENERATION, LEDGER_DROPPED, LEDGER_FAILING, LEDGER_WAITING, LEDGER_WRITTEN, POOL_CALLS,
    POOL_PLACES, SPANS_DROPPED, SPANS_SENT, SPANS_WAITING, TAKEN_OUT, TARGET_IN_FLIGHT, TARGET_RESTING,
};
use crate::gateway::Gateway;
use crate::moment::Moment;
use crate::plugin::ceiling;
use crate::store::Unanswered;

/// How the gateway is now.
pub(super) fn page(gateway: &Gateway, escalations: Option<Unanswered>) -> Page {
    let mut page = Page::default();
    service(&mut page, gateway);
    targets(&mut page, gateway);
    let told = gateway.cache.told();
    page.counter(CACHE_KEPT).add([], told.kept);
    page.counter(CACHE_FAILURES).add([], told.failures);
    page.gauge(CACHE_FOLLOWERS).set([], gateway.cache.followers());
    page.gauge(POOL_CALLS).set([], gateway.runtime.pool().calls);
    page.gauge(POOL_PLACES).set([], ceiling::INSTANCES);
    if let Some(ledger) = &gateway.observers.ledger {
        let told = ledger.told();
        page.gauge(LEDGER_WAITING).set([], told.waiting);
        page.counter(LEDGER_WRITTEN).add([], told.written);
        page.counter(LEDGER_DROPPED).add([], told.dropped);
        page.gauge(LEDGER_FAILING).set([], told.trouble.is_some());
    }
    if let Some(spans) = &gateway.observers.spans {
        let told = spans.told();
        page.gauge(SPANS_WAITING).set([], told.waiting);
        page.counter(SPANS_SENT).add([], told.sent);
        page.counter(SPANS_DROPPED).add([], told.dropped);
    }
    if let Some(Unanswered { count, oldest }) = escalations {
        let waited = oldest.map(|oldest| oldest.until(Moment::now()).as_secs()).unwrap_or_default();
        page.gauge(ESCALATIONS_OPEN).set([], count);
        page.gauge(ESCALATIONS_OLDEST).set([], waited);
    }
    alerts(&mut page, gateway);
    page.gauge(BUILD).set([Label::Word(env!("CARGO_PKG_VERSION"))], 1);
    page
}

/// What is in service, and what is not.
fn service(page: &mut Page, gateway: &Gateway) {
    let generation = gateway.generation();
    page.gauge(GENERATION).set([], generation.number);
    page.gauge(BROKEN).set([], gateway.broken().len());
    let taken_out = page.gauge(TAKEN_OUT);
    for plugin in &generation.plugins {
        taken_out.set([Label::Name(plugin.name.clone())], plugin.is_taken_out());
    }
}

/// What operators are told of, and whether that can be told.
fn alerts(page: &mut Page, gateway: &Gateway) {
    let (active, told) = (page.gauge(ALERTS), page.counter(ALERTS_TOLD));
    let alerts = &gateway.observers.alerts;
    for standing in alerts.standing().iter() {
        active.set([Label::Name(standing.rule.as_str().into())], standing.active);
    }
    // What is seen for the first time when it is 1 has not grown, as far as Prometheus can tell.
    for (outcome, count) in alerts.told() {
        told.add([Label::Word(outcome)], count);
    }
}

/// How the targets are.
fn targets(page: &mut Page, gateway: &Gateway) {
    let (resting, in_flight) = (page.gauge(TARGET_RESTING), page.gauge(TARGET_IN_FLIGHT));
    let (health, now) = (gateway.upstream.health(), Instant::now());
    for target in gateway.generation().settings.all_targets() {
        let (name, standing) = (Label::Name(target.name.as_str().into()), health.standing(target, now));
        resting.set([name.clone()], !standing.is_ready);
        in_flight.set([name], standing.in_flight);
    }
}
