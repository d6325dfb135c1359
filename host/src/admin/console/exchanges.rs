//! The list of exchanges, by what one looks for.

use std::time::SystemTime;

use maud::{Markup, html};

use super::overview::colour;
use super::words::{ago, count, in_path, moment, spent, time};
use super::{Form, ROWS, Refused, Shown, Visit};
use crate::ledger::{Entry, Filter};
use crate::moment::Moment;
use crate::money::Money;

/// Fields of the search that are texts: their name, and what they are called.
const TEXTS: [(&str, &str); 9] = [
    ("tenant", "tenant"),
    ("model", "model"),
    ("target", "target"),
    ("session", "session"),
    ("user", "user"),
    ("key", "key"),
    ("intent", "intent"),
    ("plugin", "found by plugin"),
    ("rule", "found by rule"),
];
const OUTCOMES: [&str; 14] = [
    "answered",
    "unanswered",
    "denied",
    "guardrail_failed",
    "rate_limit_exceeded",
    "budget_exceeded",
    "session_limit_exceeded",
    "session_loop",
    "invalid_request",
    "provider_error",
    "provider_refused",
    "upstream_unreachable",
    "upstream_timeout",
    "caller-gone",
];
const VERDICTS: [&str; 5] = ["edit", "deny", "retry", "not-inspected", "failed"];
const CACHES: [&str; 4] = ["hit", "stale", "miss", "bypass"];

pub(super) async fn show(visit: &Visit<'_>, query: &Form) -> Result<Shown, Refused> {
    let ledger = visit.ledger()?;
    // Whoever has an id wants that exchange.
    if let Some(id) = query.get("id") {
        let found = ledger.find(id).await?;
        if found.is_some() {
            return super::exchange::show(visit, id).await;
        }
    }
    let filter = filter(query)?;
    let found = ledger.list(&filter, ROWS).await?;
    let body = html! {
        (search(query))
        (table(&found.entries))
        div.pages {
            @if filter.before.is_some() { a href=(query.with("before", "")) { "← the newest" } }
            @if let Some(last) = &found.looked_up_to {
                a href=(query.with("before", last)) { @if found.entries.len() < ROWS { "look further back →" } @else { "older →" } }
            }
        }
    };
    Ok(Shown { title: "Exchanges".to_owned(), part: "/console/exchanges", is_live: query.is_empty(), body })
}

pub(super) fn filter(query: &Form) -> Result<Filter, Refused> {
    let number = |name: &'static str| {
        let read = |text: &str| text.parse::<u64>().map_err(|_| wrong(name, "must be a whole number of milliseconds"));
        query.get(name).map(read).transpose()
    };
    let at = |name: &'static str| {
        let read = |text: &str| {
            Moment::in_the_past(text)
                .map_err(|_| wrong(name, "must be a time, as 2026-11-29T18:00:00Z, or how long ago, as 2h"))
        };
        Ok::<_, Refused>(query.get(name).map(read).transpose()?.map(|at| at.seconds().saturating_mul(1_000)))
    };
    let money = |name: &'static str| {
        let read = |text: &str| text.parse::<Money>().map_err(|_| wrong(name, "must be dollars, as 0.01"));
        Ok::<_, Refused>(query.get(name).map(read).transpose()?.map(Money::nanodollars))
    };
    Ok(Filter {
        tenant: query.text("tenant"),
        model: query.text("model"),
        outcome: query.text("outcome"),
        verdict: query.text("verdict"),
        cache: query.text("cache"),
        session: query.text("session"),
        target: query.text("target"),
        key: query.text("key"),
        user: query.text("user"),
        intent: query.text("intent"),
        plugin: query.text("plugin"),
        rule: query.text("rule"),
        within: query.text("within"),
        escalation: query.text("escalation"),
        took_ms_min: number("took")?,
        cost_min: money("cost")?,
        since_ms: at("since")?,
        until_ms: at("until")?,
        before: query.text("before"),
        begins_with: query.text("id").map(|id| id.to_ascii_lowercase()),
    })
}

fn wrong(field: &'static str, why: &str) -> Refused {
    Refused::Wrong(Some(field), why.to_owned())
}

fn search(query: &Form) -> Markup {
    let choice = |name: &str, said: &str, all: &[&str]| {
        html! {
            label { (said)
                select name=(name) {
                    option value="" { "any" }
                    @for one in all { option value=(one) selected[query.get(name) == Some(one)] { (one) } }
                }
            }
        }
    };
    let is_more = TEXTS.iter().skip(2).any(|(name, _)| query.get(name).is_some())
        || ["took", "cost", "since", "until"].iter().any(|name| query.get(name).is_some());
    html! {
        form.filter method="get" action="/console/exchanges" role="search" {
            label { "exchange"
                input name="id" data-search placeholder="id, or its beginning" value=[query.get("id")] size="16";
            }
            (choice("outcome", "outcome", &OUTCOMES))
            (choice("verdict", "verdict", &VERDICTS))
            (choice("cache", "cache", &CACHES))
            @for (name, said) in &TEXTS[..2] { (field(query, name, said)) }
            button.main type="submit" { "Search" }
            @if !query.is_empty() { a href="/console/exchanges" { "all" } }
            details open[is_more] {
                summary { "more" }
                div.filter {
                    @for (name, said) in &TEXTS[2..] { (field(query, name, said)) }
                    (field(query, "took", "ms at least"))
                    (field(query, "cost", "$ at least"))
                    (field(query, "since", "since, as 2h"))
                    (field(query, "until", "until"))
                }
            }
        }
    }
}

fn field(query: &Form, name: &str, said: &str) -> Markup {
    html! { label { (said) input name=(name) value=[query.get(name)] size="12"; } }
}

/// Exchanges, one a row.
pub(super) fn table(entries: &[Entry]) -> Markup {
    let now = SystemTime::now();
    html! {
        @if entries.is_empty() { p.card.none { "No exchange is like this." } } @else {
            div.card.scroll { table.lines {
                thead { tr {
                    th { "when" } th { "outcome" } th { "model" } th.maybe { "target" } th.maybe { "tenant" }
                    th { "noted" } th.num.maybe { "first text" } th.num { "took" } th.num.maybe { "tokens" } th.num { "cost" }
                } }
                tbody { @for entry in entries { (row(entry, now)) } }
            } }
        }
    }
}

fn row(entry: &Entry, now: SystemTime) -> Markup {
    html! {
        tr data-row {
            td { a data-open href=(path(entry)) title=(moment(entry.began_ms)) { (ago(entry.began_ms, now)) } }
            td { (outcome(entry)) }
            td { (asked(entry)) }
            td.maybe { (entry.target.as_deref().unwrap_or("–")) @if entry.attempts > 1 { " " span.soft { "(" (entry.attempts) " tries)" } } }
            td.maybe { (entry.tenant) }
            td.beneath { (noted(entry)) }
            td.num.maybe { (entry.first_text.map_or("–".to_owned(), time)) }
            td.num { (time(entry.took)) }
            td.num.maybe { (entry.usage.map_or("–".to_owned(), |usage| count((usage.input_tokens + usage.output_tokens).into()))) }
            td.num { (cost(entry)) }
        }
    }
}

/// Where an exchange is shown.
pub(super) fn path(entry: &Entry) -> String {
    path_of(&entry.id)
}

/// The same by its id.
pub(super) fn path_of(id: &str) -> String {
    format!("/console/exchanges/{}", in_path(id))
}

/// What was asked: a model, or what else it was about.
pub(super) fn asked(entry: &Entry) -> &str {
    if entry.model.is_empty() { &entry.task } else { &entry.model }
}

/// What it cost, as far as that is known.
pub(super) fn cost(entry: &Entry) -> String {
    match (entry.is_cost_known, entry.attempts, entry.usage) {
        (false, 0, None) => "–".to_owned(),
        (is_known, ..) => spent(entry.known_cost(), u64::from(!is_known)),
    }
}

pub(super) fn outcome(entry: &Entry) -> Markup {
    let colour = match &*entry.outcome {
        _ if entry.has_failed() => "bad",
        "answered" => "good",
        _ => "warn",
    };
    html! { span class={ "badge " (colour) } { (entry.outcome) @if let Some(status) = entry.status.filter(|status| *status != 200) { " " (status) } } }
}

/// What is worth a look.
fn noted(entry: &Entry) -> Markup {
    html! {
        @if let Some(verdict) = &entry.verdict { span class={ "badge " (colour(verdict)) } { (verdict) } " " }
        @if let Some(code) = entry.code.as_ref().filter(|code| **code != entry.outcome) { code { (code) } " " }
        @if entry.findings > 0 { span.badge { (entry.findings) " found" } " " }
        @if let Some(cache) = entry.cache.as_deref().filter(|cache| matches!(*cache, "hit" | "stale")) {
            span.badge.cache { "cache " (cache) } " "
        }
        @if let Some(routed) = entry.routed.as_ref().filter(|routed| *routed != "unchanged") {
            span.badge.route { (routed) @if let Some(intent) = &entry.intent { ": " (intent) } } " "
        }
        @if entry.escalation.is_some() { span.badge.route { "for people" } " " }
        @if entry.not_inspected > 0 { span.badge.warn { "not all inspected" } " " }
        @if let Some(plugin) = &entry.asked_by { span.badge { "asked by " (plugin) } }
    }
}
