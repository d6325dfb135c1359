//! How things are: how much, how fast, how dear, and what guardrails say of it.

use std::collections::BTreeMap;
use std::time::Duration;

use maud::{Markup, html};

use super::chart::{Bar, bars, lines, number_of};
use super::words::{count, in_path, moment, money, share, spent, time};
use super::{Form, Refused, Shown, Visit};
use crate::ledger::{By, Measure, Minutes, Parts, Scope, Sum, Verdicts, percentile_time, together};
use crate::moment::now_ms;
use crate::plugin::Outcome;

/// Times that can be looked at: how they are called, how many minutes, and how many of them are one bar.
const TIMES: [(&str, u64, u64); 4] = [("1h", 60, 1), ("6h", 360, 5), ("24h", 1_440, 20), ("7d", 10_080, 120)];
/// Models and tenants that are listed.
const NAMES_MAX: usize = 12;

pub(super) async fn show(visit: &Visit<'_>, query: &Form) -> Result<Shown, Refused> {
    let ledger = visit.ledger()?;
    let wanted = query.get("time").unwrap_or_default();
    let (name, length, part) = TIMES.into_iter().find(|(name, _, _)| *name == wanted).unwrap_or(TIMES[0]);
    let now = now_ms() / 60_000;
    // Whole bars, with the one that has just begun.
    let until = (now / part + 1) * part;
    let minutes = Minutes { since: until.saturating_sub(length), until };
    let scope = Scope { tenant: query.text("tenant"), model: query.text("model") };
    let sums = ledger.sums_over_time(minutes, part, &scope).await?;
    let all = sums.values().copied().reduce(Sum::plus).unwrap_or_default();
    let model = scope.model.as_deref();
    let took = ledger.distributions(Measure::Took, model, minutes).await?;
    let first = ledger.distributions(Measure::FirstText, model, minutes).await?;
    let took_over_time = ledger.distributions_over_time(Measure::Took, model, minutes, part).await?;
    let first_over_time = ledger.distributions_over_time(Measure::FirstText, model, minutes, part).await?;
    let by_model = ledger.sums_by(By::Model, minutes, &scope, NAMES_MAX).await?;
    let by_tenant = ledger.sums_by(By::Tenant, minutes, &scope, NAMES_MAX).await?;
    let verdicts = ledger.verdicts(minutes).await?;
    let places: Vec<u64> = (minutes.since..minutes.until).step_by(usize::try_from(part).unwrap_or(1)).collect();
    let body = html! {
        (choices(query, name, &scope))
        (tiles(&all, length, &took, &first))
        div.grid.two {
            (rate(&places, &sums, part))
            (latency(&places, &took_over_time, &first_over_time))
            (tokens(&places, &sums))
            (spending(&places, &sums))
        }
        div.grid.two {
            (named("By model", By::Model, query, &by_model, &took))
            (named("By tenant", By::Tenant, query, &by_tenant, &BTreeMap::new()))
            (said(&verdicts))
        }
    };
    Ok(Shown { title: "Overview".to_owned(), part: "/console", is_live: true, body })
}

fn choices(query: &Form, name: &str, scope: &Scope) -> Markup {
    html! {
        div.choices {
            @for (other, _, _) in TIMES {
                a href=(query.with("time", other)) aria-current=[(other == name).then_some("true")] { (other) }
            }
            @for (of, value) in [("tenant", &scope.tenant), ("model", &scope.model)] {
                @if let Some(value) = value {
                    a href=(query.with(of, "")) aria-current="true" { (of) " " (value) " ×" }
                }
            }
        }
    }
}

fn tiles(all: &Sum, minutes: u64, took: &BTreeMap<String, Parts>, first: &BTreeMap<String, Parts>) -> Markup {
    let (took, first) = (together(took.values()), together(first.values()));
    let quantiles = |parts: &Parts| {
        let of = |percent| percentile_time(parts, percent).map_or("–".to_owned(), time);
        (of(50), of(95))
    };
    let (took, first) = (quantiles(&took), quantiles(&first));
    let a_minute = all.exchanges.checked_div(minutes).unwrap_or_default();
    html! {
        dl.tiles {
            (tile_to("/console/exchanges", "Exchanges", &count(all.exchanges), &format!("{} a minute", count(a_minute))))
            (tile_to("/console/exchanges?outcome=unanswered", "Failed", &share(all.failures, all.exchanges), &format!("{} by providers or plugins", count(all.failures))))
            (tile_to("/console/exchanges?outcome=unanswered", "Refused", &share(all.refusals, all.exchanges), &format!("{} by guardrails, limits or for what was asked", count(all.refusals))))
            (tile("First text of streams, median", &first.0, &format!("95 %: {}", first.1)))
            (tile("Whole exchange, median", &took.0, &format!("95 %: {}", took.1)))
            (tile("Spent", &spent(all.cost, all.unknown), &format!("{} saved by kept answers", money(all.saved))))
            (tile_to("/console/exchanges?cache=hit", "Answered from memory", &share(all.hits, all.exchanges), &count(all.hits)))
            (tile("Tokens", &count(all.input_tokens + all.output_tokens),
                &format!("{} in, {} out", count(all.input_tokens), count(all.output_tokens))))
        }
    }
}

/// A tile that leads to what it counts.
fn tile_to(path: &str, name: &str, value: &str, more: &str) -> Markup {
    html! { div.tile { dt { a href=(path) { (name) } } dd { (value) } small { (more) } } }
}

fn tile(name: &str, value: &str, more: &str) -> Markup {
    html! { div.tile { dt { (name) } dd { (value) } small { (more) } } }
}

fn rate(places: &[u64], sums: &BTreeMap<u64, Sum>, part: u64) -> Markup {
    let bar = |minute: &u64| {
        let sum = sums.get(minute).copied().unwrap_or_default();
        let good = sum.exchanges.saturating_sub(sum.failures + sum.refusals);
        Bar {
            title: format!(
                "{}: {} exchanges, {} failed, {} refused",
                clock(*minute),
                sum.exchanges,
                sum.failures,
                sum.refusals
            ),
            parts: vec![("good", number_of(good)), ("warn", number_of(sum.refusals)), ("bad", number_of(sum.failures))],
        }
    };
    let title = if part == 1 { "Exchanges a minute".to_owned() } else { format!("Exchanges in {part} minutes") };
    html! {
        section.card {
            h2 { (title) }
            p.legend { span { i.good {} "others" } span { i.warn {} "refused" } span { i.bad {} "failed" } }
            (bars(&title, &places.iter().map(bar).collect::<Vec<_>>()))
            (axis(places))
        }
    }
}

fn latency(places: &[u64], took: &BTreeMap<u64, Parts>, first: &BTreeMap<u64, Parts>) -> Markup {
    let line = |all: &BTreeMap<u64, Parts>, percent| -> Vec<Option<f64>> {
        let at = |minute| percentile_time(all.get(minute)?, percent).map(|time| time.as_secs_f64());
        places.iter().map(at).collect()
    };
    let drawn = [("soft", line(took, 95)), ("route", line(took, 50)), ("", line(first, 50))];
    let highest = drawn.iter().flat_map(|(_, line)| line.iter().flatten()).copied().fold(0.0, f64::max);
    html! {
        section.card {
            h2 { "Time" }
            p.legend {
                span { i {} "first text, median" } span { i.route {} "whole, median" } span { i.soft {} "whole, 95 %" }
                span { "highest " (time(Duration::from_secs_f64(highest))) }
            }
            (lines("Time to the first text and of whole exchanges", places.len(), &drawn))
            (axis(places))
        }
    }
}

fn tokens(places: &[u64], sums: &BTreeMap<u64, Sum>) -> Markup {
    let bar = |minute: &u64| {
        let sum = sums.get(minute).copied().unwrap_or_default();
        let (input, output) = (sum.input_tokens, sum.output_tokens);
        Bar {
            title: format!("{}: {input} tokens in, {output} out", clock(*minute)),
            parts: vec![("input", number_of(input)), ("output", number_of(output))],
        }
    };
    html! {
        section.card {
            h2 { "Tokens" }
            p.legend { span { i.input {} "of requests" } span { i.output {} "of answers" } }
            (bars("Tokens", &places.iter().map(bar).collect::<Vec<_>>()))
            (axis(places))
        }
    }
}

fn spending(places: &[u64], sums: &BTreeMap<u64, Sum>) -> Markup {
    let bar = |minute: &u64| {
        let sum = sums.get(minute).copied().unwrap_or_default();
        Bar {
            title: format!("{}: {} spent, {} saved", clock(*minute), spent(sum.cost, sum.unknown), money(sum.saved)),
            parts: vec![("plain", sum.cost.dollars()), ("soft", sum.saved.dollars())],
        }
    };
    html! {
        section.card {
            h2 { "Money" }
            p.legend { span { i {} "spent" } span { i.soft {} "saved by kept answers" } }
            (bars("Money", &places.iter().map(bar).collect::<Vec<_>>()))
            (axis(places))
        }
    }
}

fn named(title: &str, by: By, query: &Form, all: &[(String, Sum)], took: &BTreeMap<String, Parts>) -> Markup {
    let of = match by {
        By::Model => "model",
        By::Tenant => "tenant",
    };
    html! {
        section.card {
            h2 { (title) }
            @if all.is_empty() { p.none { "no exchange in this time" } } @else {
                div.scroll { table {
                    thead { tr {
                        th { (of) } th.num { "exchanges" } th.num { "failed" } th.num { "refused" }
                        @if by == By::Model { th.num { "median" } }
                        th.num { "tokens" } th.num { "spent" }
                    } }
                    tbody { @for (name, sum) in all { tr data-row {
                        td { a data-open href=(query.with(of, name)) { (if name.is_empty() { "(none)" } else { name }) } }
                        td.num { a href=(listed(of, name, "")) { (count(sum.exchanges)) } }
                        td.num { a href=(listed(of, name, "&outcome=unanswered")) { (share(sum.failures, sum.exchanges)) } }
                        td.num { a href=(listed(of, name, "&outcome=unanswered")) { (share(sum.refusals, sum.exchanges)) } }
                        @if by == By::Model {
                            td.num { (took.get(name).and_then(|parts| percentile_time(parts, 50)).map_or("–".to_owned(), time)) }
                        }
                        td.num { (count(sum.input_tokens + sum.output_tokens)) }
                        td.num { (spent(sum.cost, sum.unknown)) }
                    } } }
                } }
            }
        }
    }
}

/// The exchanges behind a number.
fn listed(of: &str, name: &str, more: &str) -> String {
    format!("/console/exchanges?{of}={}{more}", in_path(name))
}

fn said(all: &[Verdicts]) -> Markup {
    let mut plugins = BTreeMap::<&str, Vec<&Verdicts>>::new();
    for one in all {
        plugins.entry(&one.plugin).or_default().push(one);
    }
    html! {
        section.card {
            h2 { "Verdicts" }
            @if plugins.is_empty() { p.none { "no plugin was asked in this time" } } @else {
                table { tbody { @for (plugin, said) in plugins { tr data-row {
                    td { a data-open href=(format!("/console/plugins/{}", in_path(plugin))) { (plugin) } }
                    td { @for one in said {
                        span class={ "badge " (colour(&one.verdict)) } {
                            @if one.outcome == Outcome::Said.word() { (one.verdict) } @else { (one.outcome) }
                            " " (count(one.count))
                        } " "
                    } }
                } } } }
            }
        }
    }
}

/// The colour of a decision.
pub(super) fn colour(verdict: &str) -> &'static str {
    match verdict {
        "deny" | "failed" => "bad",
        "not-inspected" | "retry" => "warn",
        "edit" => "edit",
        "targets" | "answer" | "escalate" => "route",
        "look-up" | "accept" | "keep" => "cache",
        _ => "",
    }
}

fn axis(places: &[u64]) -> Markup {
    html! {
        div.axis {
            @for place in [places.first(), places.get(places.len() / 2), places.last()].into_iter().flatten() {
                span { (clock(*place)) }
            }
        }
    }
}

/// A minute as it stands on the axis: the time of day, in UTC.
fn clock(minute: u64) -> String {
    let moment = moment(minute.saturating_mul(60_000));
    moment.get(5..16).unwrap_or_default().to_owned()
}
