//! What waits for people: the queue, and one of it, to be taken and answered.

use std::time::SystemTime;

use http::Response;
use maud::{Markup, html};
use tracing::info;

use super::exchanges::path_of;
use super::page::{see_other, token};
use super::words::{ago, in_path};
use super::{Form, Refused, Shown, Visit, me};
use crate::escalation::{Escalation, Said, State};
use crate::moment::Moment;
use crate::reply::Body;
use crate::store::Filter;

/// Escalations in one list: more are there when these are answered.
const LISTED_MAX: usize = 100;

pub(super) async fn list(visit: &Visit<'_>, query: &Form) -> Result<Shown, Refused> {
    let state = query.get("state").and_then(|word| State::ALL.into_iter().find(|state| state.word() == word));
    let filter = Filter { queue: query.text("queue"), state };
    let listed = visit.gateway.escalations.list(filter, LISTED_MAX).await?;
    let now = SystemTime::now();
    let body = html! {
        div.choices {
            a href="/console/escalations" aria-current=[state.is_none().then_some("true")] { "all" }
            @for one in State::ALL {
                a href=(query.with("state", one.word())) aria-current=[(state == Some(one)).then_some("true")] { (one.word()) }
            }
        }
        @if listed.is_empty() { p.card.none { "Nothing waits for people." } } @else {
            div.card.scroll { table {
                thead { tr { th { "handed over" } th { "state" } th { "queue" } th { "tenant" } th { "model" } th { "expires" } } }
                tbody { @for one in &listed { tr data-row {
                    td { a data-open href=(path(one)) { (ago(ms(one.created), now)) } }
                    td { (badge(one)) @if let Some(taken) = &one.taken { " by " (taken.by) } }
                    td { (one.queue) }
                    td { (one.tenant) }
                    td { (one.model) }
                    td { (one.expires) }
                } } }
            } }
        }
    };
    Ok(Shown { title: "Escalations".to_owned(), part: "/console/escalations", is_live: true, body })
}

pub(super) async fn one(visit: &Visit<'_>, reference: &str) -> Result<Shown, Refused> {
    let one = visit.gateway.escalations.find(reference).await?;
    let me = me::name(visit).unwrap_or_default();
    let form_token = visit.form_token();
    let is_open = matches!(one.state(Moment::now()), State::Waiting | State::Taken);
    let mine = one.answered.as_ref().is_some_and(|answered| answered.by == me);
    let body = html! {
        p { (badge(&one)) " in the queue " b { (one.queue) } ", handed over " (ago(ms(one.created), SystemTime::now()))
            ", expires " (one.expires) ". "
            a href=(path_of(&one.exchange)) { "The exchange" } }
        section.card {
            h2 { "What was said" }
            @if one.conversation.left_out > 0 { p.none { (one.conversation.left_out) " older texts are not kept." } }
            @for Said { role, channel, text } in &one.conversation.texts {
                div class={ "turn " (role) } {
                    h3 { (role) @if let Some(channel) = channel { " · " (channel) } }
                    pre { (text) }
                }
            }
        }
        @if let Some(answered) = &one.answered {
            section.card {
                h2 { "Answered by " (answered.by) ", " (ago(ms(answered.at), SystemTime::now())) }
                div.turn.assistant { pre { (answered.text) } }
            }
        }
        @if let Some(taken) = one.taken.as_ref().filter(|_| is_open) {
            form.card method="post" action=(format!("{}/release", path(&one))) {
                (token(&form_token))
                p { (taken.by) " is at it. " button type="submit" { "Leave it to others" } }
            }
        }
        @if is_open || mine {
            form.card method="post" action=(format!("{}/answer", path(&one))) {
                h2 { (if mine { "Mend the answer" } else { "Answer" }) }
                (token(&form_token))
                label { "your name" input name="by" value=(me) required maxlength="128" autocomplete="name"; }
                label { "answer" textarea name="text" required[is_open] { @if mine && let Some(answered) = &one.answered { (answered.text) } } }
                p {}
                button.main type="submit" { "Answer" } " "
                @if is_open { button type="submit" formaction=(format!("{}/take", path(&one))) formnovalidate { "Take it" } }
            }
        }
    };
    Ok(Shown { title: format!("Escalation {}", one.reference), part: "/console/escalations", is_live: false, body })
}

/// What a person does with one.
pub(super) async fn take(
    visit: &Visit<'_>,
    reference: &str,
    what: &str,
    form: &Form,
) -> Result<Response<Body>, Refused> {
    let desk = &visit.gateway.escalations;
    let by = form.text("by").unwrap_or_default();
    let changed = match what {
        "take" => {
            let by = by.clone();
            desk.change(reference, move |one| one.take(&by, Moment::now())).await?
        }
        "release" => desk.change(reference, |one| one.release(Moment::now())).await?,
        "answer" => {
            let (by, text) = (by.clone(), form.text("text").unwrap_or_default());
            let answered = desk.change(reference, move |one| one.answer(&text, &by, Moment::now())).await?;
            info!(reference = answered.reference, queue = answered.queue, "escalation answered");
            answered
        }
        _ => return Err(Refused::NotFound),
    };
    let mut response = see_other(&path(&changed));
    me::is_called(&mut response, &by);
    Ok(response)
}

fn path(one: &Escalation) -> String {
    format!("/console/escalations/{}", in_path(&one.reference))
}

fn ms(at: Moment) -> u64 {
    at.seconds().saturating_mul(1_000)
}

fn badge(one: &Escalation) -> Markup {
    let state = one.state(Moment::now());
    let colour = match state {
        State::Waiting => "warn",
        State::Taken => "route",
        State::Answered => "good",
        State::Expired => "bad",
    };
    html! { span class={ "badge " (colour) } { (state.word()) } }
}
