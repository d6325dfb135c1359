//! Plugins: what is loaded and how, what it costs and says, and why what lies in the directory is not in service.

use std::collections::BTreeMap;
use std::time::Duration;

use maud::{Markup, html};

use super::chart::distribution;
use super::overview::colour;
use super::words::{bytes, count, in_path, time};
use super::{Refused, Shown, Visit};
use crate::capability::Capability;
use crate::config::{Mode, OnFailure, StreamMode};
use crate::ledger::{Measure, Minutes, Parts, Verdicts, percentile, top_of};
use crate::moment::now_ms;
use crate::plugin::Plugin;
use crate::plugin::directory::Broken;

/// How far back is looked.
const DAY_MINUTES: u64 = 1_440;

pub(super) async fn list(visit: &Visit<'_>) -> Result<Shown, Refused> {
    let generation = visit.gateway.generation();
    let broken = visit.gateway.broken();
    let (verdicts, fuel, times) = match visit.ledger() {
        Ok(ledger) => {
            let day = last_day();
            let fuel = ledger.distributions(Measure::Fuel, None, day).await?;
            let times = ledger.distributions(Measure::PluginTime, None, day).await?;
            (ledger.verdicts(day).await?, fuel, times)
        }
        Err(_) => Default::default(),
    };
    let body = html! {
        (not_in_service(&broken))
        @if generation.plugins.is_empty() { p.card.none { "No plugin is loaded." } } @else {
            div.card.scroll { table {
                thead { tr {
                    th { "order" } th { "plugin" } th { "state" } th { "does" } th.maybe { "version" }
                    th { "verdicts of a day" } th.num { "fuel, median" } th.num { "time, median" } th.num.maybe { "99 %" }
                } }
                tbody { @for plugin in &generation.plugins { tr data-row {
                    td.num { (plugin.installation.order) }
                    td { a data-open href=(format!("/console/plugins/{}", in_path(&plugin.name))) { (plugin.name) } }
                    td { (state(plugin)) }
                    td { (exports(plugin)) }
                    td.maybe { (plugin.description.version) " " code { (plugin.short_digest) } }
                    td { (said(&verdicts, &plugin.name)) }
                    td.num { (quantile(&fuel, &plugin.name, 50, count)) }
                    td.num { (quantile(&times, &plugin.name, 50, micros)) }
                    td.num.maybe { (quantile(&times, &plugin.name, 99, micros)) }
                } } }
            } }
        }
        p.soft { "Generation " (generation.number) "." }
    };
    Ok(Shown { title: "Plugins".to_owned(), part: "/console/plugins", is_live: true, body })
}

pub(super) async fn one(visit: &Visit<'_>, name: &str) -> Result<Shown, Refused> {
    let generation = visit.gateway.generation();
    let plugin = generation.plugins.iter().find(|plugin| &*plugin.name == name);
    let broken: Vec<Broken> = visit.gateway.broken().iter().filter(|broken| broken.name == name).cloned().collect();
    let verdicts = match visit.ledger() {
        Ok(ledger) => ledger.verdicts(last_day()).await?,
        Err(_) => Vec::new(),
    };
    let is_known = plugin.is_some() || !broken.is_empty() || verdicts.iter().any(|said| said.plugin == name);
    if !is_known {
        return Err(Refused::NotFound);
    }
    let body = html! {
        (not_in_service(&broken))
        @match plugin {
            Some(plugin) => (loaded(plugin)),
            None => p.card.none { "It is not in service." },
        }
        section.card {
            h2 { "Verdicts of a day" }
            p { (said(&verdicts, name)) }
            p { a href=(format!("/console/exchanges?plugin={}", in_path(name))) { "Exchanges in which it found something" } }
        }
        (costs(visit, name).await?)
    };
    Ok(Shown { title: name.to_owned(), part: "/console/plugins", is_live: false, body })
}

fn loaded(plugin: &Plugin) -> Markup {
    let installation = &plugin.installation;
    let limits = &installation.limits;
    let fact = |name: &str, value: Markup| html! { div { dt { (name) } dd { (value) } } };
    html! {
        section.card {
            p { (plugin.description.summary) }
            dl.facts {
                (fact("state", state(plugin)))
                (fact("component", html! { (plugin.description.name) " " (plugin.description.version) }))
                (fact("SHA-256", html! { code { (plugin.digest) } }))
                (fact("file", html! { code { (installation.component) } }))
                (fact("does", exports(plugin)))
                (fact("looks at", html! { @if installation.on_request { "requests " } @if installation.on_answer { "answers" } }))
                (fact("when it fails", html! { @match installation.on_failure { OnFailure::Closed => "the exchange is refused", OnFailure::Open => "the exchange goes on" } }))
                @if plugin.checks_answers() { (fact("streams", html! { @match installation.stream { StreamMode::Withhold => "withheld until they are judged", StreamMode::Observe => "flow, and the verdict is noted" } })) }
                (fact("instances", html! { (plugin.instances()) }))
                (fact("grants", grants(plugin)))
                (fact("fuel, at most", html! { (count(limits.fuel)) " for 16 KiB of text" }))
                (fact("memory, at most", html! { (bytes(u64::try_from(limits.memory_bytes).unwrap_or(u64::MAX))) }))
                (fact("time, at most", html! { (time(limits.wall)) }))
            }
        }
    }
}

/// How a number is written.
type Words = fn(u64) -> String;

/// How its calls are distributed: fuel, time, memory.
async fn costs(visit: &Visit<'_>, name: &str) -> Result<Markup, Refused> {
    let Ok(ledger) = visit.ledger() else { return Ok(html! {}) };
    let mut pictures = Vec::new();
    let said: [(&str, Measure, Words); 3] = [
        ("Fuel of a call", Measure::Fuel, count),
        ("Time of a call", Measure::PluginTime, micros),
        ("Peak memory", Measure::Memory, bytes),
    ];
    for (title, measure, said) in said {
        let parts = ledger.distributions(measure, Some(name), last_day()).await?.remove(name).unwrap_or_default();
        pictures.push(html! {
            section.card {
                h2 { (title) }
                @if let (Some(half), Some(most)) = (percentile(&parts, 50), percentile(&parts, 99)) {
                    p.soft { "median " (said(half)) ", 99 % " (said(most)) }
                }
                (distribution(title, &parts, |bucket| said(top_of(bucket))))
            }
        });
    }
    Ok(html! { div.grid { @for picture in &pictures { (picture) } } })
}

fn not_in_service(broken: &[Broken]) -> Markup {
    html! {
        @for Broken { name, reason, older_in_service } in broken {
            div.card role="alert" {
                h2 { span.badge.bad { "not loaded" } " " (if name.is_empty() { "the plugin directory" } else { name }) }
                p { (reason) }
                @if *older_in_service { p.soft { "The version before it is in service." } }
            }
        }
    }
}

fn state(plugin: &Plugin) -> Markup {
    html! {
        @if plugin.is_taken_out() { span.badge.bad { "taken out after failures" } }
        @else { @match plugin.installation.mode {
            Mode::Enforce => span.badge.good { "in force" },
            Mode::Observe => span.badge.warn { "only observes" },
            Mode::Off => span.badge { "off" },
        } }
    }
}

fn exports(plugin: &Plugin) -> Markup {
    let all = [
        (plugin.inspects_text(), "text"),
        (plugin.checks_requests(), "requests"),
        (plugin.checks_answers(), "answers"),
        (plugin.routes(), "routing"),
        (plugin.caches(), "cache"),
    ];
    let does: Vec<&str> = all.into_iter().filter(|(does, _)| *does).map(|(_, word)| word).collect();
    html! { (does.join(", ")) }
}

fn grants(plugin: &Plugin) -> Markup {
    let granted = Capability::ALL.into_iter().filter(|capability| plugin.installation.grants.has(*capability));
    let words: Vec<&str> = granted.map(Capability::word).collect();
    html! { (if words.is_empty() { "none".to_owned() } else { words.join(", ") }) }
}

fn said(all: &[Verdicts], plugin: &str) -> Markup {
    let its = || all.iter().filter(|said| said.plugin == plugin);
    html! {
        @if its().next().is_none() { span.none { "–" } }
        @for said in its() {
            @let failed = said.outcome != crate::plugin::Outcome::Said.word();
            span class={ "badge " (colour(&said.verdict)) } { (if failed { &said.outcome } else { &said.verdict }) " " (count(said.count)) } " "
        }
    }
}

fn quantile(all: &BTreeMap<String, Parts>, name: &str, percent: u64, said: fn(u64) -> String) -> String {
    all.get(name).and_then(|parts| percentile(parts, percent)).map_or("–".to_owned(), said)
}

fn micros(us: u64) -> String {
    time(Duration::from_micros(us))
}

fn last_day() -> Minutes {
    let now = now_ms() / 60_000;
    Minutes { since: now.saturating_sub(DAY_MINUTES), until: now + 1 }
}
