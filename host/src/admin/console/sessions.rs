//! Runs of agents, step by step.

use std::time::SystemTime;

use maud::{Markup, html};

use super::chart::{Bar, bars, number_of};
use super::exchanges::{self, cost, outcome};
use super::words::{ago, count, in_path, moment, spent, time};
use super::{Form, ROWS, Refused, Shown, Visit, feedback};
use crate::ledger::{Entry, Place};

/// Sessions of one step are no runs of agents: they are shown to whoever asks.
const STEPS_MIN: u64 = 2;

pub(super) async fn list(visit: &Visit<'_>, query: &Form) -> Result<Shown, Refused> {
    let ledger = visit.ledger()?;
    let shows_all = query.get("all").is_some();
    let behind = query.place();
    let steps_min = if shows_all { 1 } else { STEPS_MIN };
    let place = behind.clone().unwrap_or_else(Place::newest);
    let listed = ledger.sessions(query.get("tenant"), steps_min, &place, ROWS).await?;
    let now = SystemTime::now();
    let body = html! {
        div.choices {
            a href=(query.with("all", "")) aria-current=[(!shows_all).then_some("true")] { "two steps and more" }
            a href=(query.with("all", "1")) aria-current=[shows_all.then_some("true")] { "all" }
        }
        @if listed.is_empty() {
            p.card.none { "No run of an agent yet. Steps belong together by the header " code { "x-sluicegate-session" }
                ", by their trace, or by the id of the first call of a tool in the conversation." }
        } @else {
            div.card.scroll { table {
                thead { tr {
                    th { "last step" } th { "session" } th.maybe { "tenant" } th { "model" } th.num { "steps" } th.num.maybe { "unanswered" }
                    th.num { "lasted" } th.num { "tokens" } th.num { "cost" }
                } }
                tbody { @for session in &listed { tr data-row {
                    td { (ago(session.last_ms, now)) }
                    td { a data-open href=(path(&session.name, &session.tenant)) { (session.name) } }
                    td.maybe { (session.tenant) }
                    td { (session.model) }
                    td.num { (session.steps) }
                    td.num.maybe { (session.failures) }
                    td.num { (time(session.lasted())) }
                    td.num { (count(session.input_tokens + session.output_tokens)) }
                    td.num { (spent(session.cost, session.unknown)) }
                } } }
            } }
            @if let Some(last) = listed.last().filter(|_| listed.len() >= ROWS) {
                div.pages { a href=(query.behind(&last.place())) { "older →" } }
            }
        }
    };
    Ok(Shown { title: "Sessions".to_owned(), part: "/console/sessions", is_live: behind.is_none(), body })
}

pub(super) async fn one(visit: &Visit<'_>, query: &Form) -> Result<Shown, Refused> {
    let ledger = visit.ledger()?;
    // In the query: callers name sessions, and a browser takes `..` in a path for another page.
    let name = query.get("name").unwrap_or_default();
    let wanted = query.get("tenant");
    let named = ledger.sessions_named(name).await?;
    let session = named.iter().find(|session| wanted.is_none_or(|tenant| session.tenant == tenant));
    let session = session.ok_or(Refused::NotFound)?;
    let steps = ledger.steps_of(&session.tenant, name).await?;
    let feedback = feedback::of_session(visit, &session.tenant, name).await?;
    let body = html! {
        @if named.len() > 1 { div.choices { @for other in &named {
            a href=(path(&other.name, &other.tenant)) aria-current=[(other.tenant == session.tenant).then_some("true")] { (other.tenant) }
        } } }
        dl.tiles {
            div.tile { dt { "Steps" } dd { (session.steps) } small { (session.failures) " without an answer" } }
            div.tile { dt { "Lasted" } dd { (time(session.lasted())) } small { "since " (moment(session.began_ms)) } }
            div.tile { dt { "Tokens" } dd { (count(session.input_tokens + session.output_tokens)) }
                small { (count(session.input_tokens)) " in, " (count(session.output_tokens)) " out" } }
            div.tile { dt { "Cost" } dd { (spent(session.cost, session.unknown)) } small { "tenant " (session.tenant) } }
        }
        (pictures(&steps))
        (feedback)
        section.card { h2 { "Step by step" } @for (number, entry) in (1..).zip(&steps) { (step(number, entry, steps.get(number))) } }
    };
    Ok(Shown { title: format!("Session {name}"), part: "/console/sessions", is_live: false, body })
}

/// Where a session is shown.
pub(super) fn path(name: &str, tenant: &str) -> String {
    format!("/console/session?name={}&tenant={}", in_path(name), in_path(tenant))
}

fn pictures(steps: &[Entry]) -> Markup {
    let tokens = |(number, entry): (usize, &Entry)| {
        let usage = entry.usage.unwrap_or_default();
        Bar {
            title: format!("step {number}: {} tokens in, {} out", usage.input_tokens, usage.output_tokens),
            parts: vec![
                ("input", number_of(usage.input_tokens.into())),
                ("output", number_of(usage.output_tokens.into())),
            ],
        }
    };
    let spent = |(number, entry): (usize, &Entry)| Bar {
        title: format!("step {number}: {}", cost(entry)),
        parts: vec![("plain", entry.known_cost().dollars())],
    };
    html! {
        div.grid {
            section.card {
                h2 { "Tokens of each step" }
                p.legend { span { i.input {} "of the request" } span { i.output {} "of the answer" } }
                (bars("Tokens of each step", &(1..).zip(steps).map(tokens).collect::<Vec<_>>()))
                div.axis { span { "step 1" } span { "step " (steps.len()) } }
            }
            section.card {
                h2 { "Money of each step" }
                p.legend { span { i {} "spent" } }
                (bars("Money of each step", &(1..).zip(steps).map(spent).collect::<Vec<_>>()))
                div.axis { span { "step 1" } span { "step " (steps.len()) } }
            }
        }
    }
}

/// A step, and what lies between it and the next.
fn step(number: usize, entry: &Entry, next: Option<&Entry>) -> Markup {
    let end = entry.began_ms.saturating_add(u64::try_from(entry.took.as_millis()).unwrap_or(u64::MAX));
    let pause = next.map(|next| std::time::Duration::from_millis(next.began_ms.saturating_sub(end)));
    html! {
        div.turn.assistant data-row {
            h3 { a data-open href=(exchanges::path(entry)) { "Step " (number) } " · " (entry.model) " " (outcome(entry)) }
            p { (time(entry.took)) ", " (cost(entry))
                @if let Some(usage) = entry.usage { ", " (count(usage.input_tokens.into())) " tokens in, " (count(usage.output_tokens.into())) " out" }
                @if let Some(code) = &entry.code { ", " code { (code) } } }
        }
        @if !entry.details.tools.is_empty() {
            div.turn.tool {
                h3 { "calls " @for tool in &entry.details.tools { code { (tool) } " " } }
                @if let Some(pause) = pause { p.soft { "the next step came " (time(pause)) " later" } }
            }
        }
    }
}
