//! What people think of answers: all of it, and what was said of one exchange, with a form to say more.

use std::time::SystemTime;

use http::Response;
use maud::{Markup, html};

use super::exchanges::{path, path_of};
use super::page::{see_other, token};
use super::words::{ago, count, share};
use super::{Form, ROWS, Refused, Shown, Visit, me, sessions};
use crate::chat::Task;
use crate::endpoint::Does;
use crate::feedback::{
    About, COMMENT_BYTES_MAX, CORRECTED_BYTES_MAX, Feedback, Given, NAME_BYTES_MAX, OF_ONE_MAX, Opinion, Score, Source,
};
use crate::ledger::{Entry, Kept, Opinions, Place};
use crate::moment::now_ms;
use crate::reply::Body;

/// What the sums at the top of the list are about.
const SUMMED_DAYS: u64 = 7;
const DAY_MS: u64 = 86_400_000;
/// From here on people were content.
const CONTENT: Score = Score::HALF;

pub(super) async fn list(visit: &Visit<'_>, query: &Form) -> Result<Shown, Refused> {
    let ledger = visit.ledger()?;
    let (name, which) = KINDS.iter().find(|(name, _)| Some(*name) == query.get("show")).unwrap_or(&KINDS[0]);
    let which = Opinions { tenant: query.text("tenant"), ..which.clone() };
    let behind = query.place();
    let place = behind.clone().unwrap_or_else(Place::newest);
    let (listed, more) = ledger.feedback(&which, &place, ROWS).await?;
    let sums = ledger.opinions_since(now_ms().saturating_sub(SUMMED_DAYS * DAY_MS), CONTENT).await?;
    let scored = sums.content + sums.discontent;
    let body = html! {
        dl.tiles {
            div.tile { dt { "Satisfied" } dd { (share(sums.content, scored)) } small { "of " (count(scored)) " scores in " (SUMMED_DAYS) " days" } }
            div.tile { dt { "Not satisfied" } dd { (count(sums.discontent)) } small { "scores below " (CONTENT) } }
            div.tile { dt { "Corrected" } dd { (count(sums.corrected)) } small { "answers that were changed" } }
            div.tile { dt { "Asked again" } dd { (count(sums.regenerated)) } small { "for another answer" } }
            div.tile { dt { "Compared" } dd { (count(sums.preferred)) } small { "answers preferred over others" } }
        }
        div.choices {
            @for (kind, _) in &KINDS {
                a href=(query.with("show", if *kind == KINDS[0].0 { "" } else { kind })) aria-current=[(kind == name).then_some("true")] { (kind) }
            }
        }
        @if listed.is_empty() {
            p.card.none { "Nobody has said anything here yet. Applications do with " code { "POST /v1/feedback" }
                ", people on the page of an exchange; that the same is asked again, or an answer changed, is noticed." }
        } @else {
            div.card.scroll { (table(&listed)) }
        }
        @if let Some(more) = more { div.pages { a href=(query.behind(&more)) { "older →" } } }
    };
    Ok(Shown { title: "Feedback".to_owned(), part: "/console/feedback", is_live: behind.is_none(), body })
}

/// What may be shown, the first if nothing is chosen.
static KINDS: [(&str, Opinions); 5] = [
    ("all", ALL),
    ("not satisfied", Opinions { score_max: Some(Score::BELOW_HALF), ..ALL }),
    ("with words", Opinions { says_more: true, ..ALL }),
    ("by applications", Opinions { source: Some(Source::Caller), ..ALL }),
    ("noticed", Opinions { source: Some(Source::Traffic), ..ALL }),
];
const ALL: Opinions = Opinions { tenant: None, source: None, score_max: None, says_more: false };

fn table(all: &[Feedback]) -> Markup {
    let now = SystemTime::now();
    html! {
        table {
            thead { tr { th { "when" } th { "what" } th.wide { "words" } th.maybe { "tenant" } th.maybe { "by" } } }
            tbody { @for one in all { tr data-row {
                td { @match about(one) {
                    Some(path) => a data-open href=(path) { (ago(one.at_ms, now)) },
                    None => (ago(one.at_ms, now)),
                } }
                td { (badges(&one.opinion)) }
                td.wide { (words(&one.opinion)) }
                td.maybe { (one.tenant) }
                td.maybe { (by(one)) }
            } } }
        }
    }
}

/// What was said of one exchange, and a form to say more.
pub(super) fn of_exchange(visit: &Visit<'_>, entry: &Entry, all: &[Feedback]) -> Markup {
    let now = SystemTime::now();
    // Only what a model was to answer can be judged.
    if all.is_empty() && Does::task_named(&entry.task) != Some(Task::Converse) {
        return html! {};
    }
    html! {
        section.card #feedback {
            h2 { "Feedback" }
            @if all.is_empty() { p.none { "Nobody has said what they think of it." } }
            @for one in all {
                div.turn {
                    h3 {
                        @match &one.exchange {
                            Some(other) if *other != entry.id => a.badge.warn href=(path_of(other)) { "another was preferred" },
                            _ => (badges(&one.opinion)),
                        }
                        " " (by(one)) ", " (ago(one.at_ms, now))
                    }
                    (words(&one.opinion))
                }
            }
            details {
                summary { "Say what you think of it" }
                form method="post" action=(format!("{}/feedback", path(entry))) {
                    (token(&visit.form_token()))
                    fieldset {
                        @for (value, said) in [("", "no score"), ("up", "a good answer"), ("down", "a bad answer")] {
                            label.choice { input type="radio" name="thumbs" value=(value) checked[value.is_empty()]; " " (said) }
                        }
                    }
                    label { "your name" input name="by" value=[me::name(visit)] maxlength=(NAME_BYTES_MAX) autocomplete="name"; }
                    label { "comment" textarea name="comment" maxlength=(COMMENT_BYTES_MAX) {} }
                    label { "the answer as it should have been" textarea name="corrected" maxlength=(CORRECTED_BYTES_MAX) {} }
                    p.none { "Words pass the text guardrails before they are kept." }
                    button.main type="submit" { "Keep it" }
                }
            }
        }
    }
}

/// What was said of a session as a whole, and of its steps.
pub(super) async fn of_session(visit: &Visit<'_>, tenant: &str, name: &str) -> Result<Markup, Refused> {
    let all = visit.ledger()?.feedback_of_session(tenant, name).await?;
    Ok(html! { @if !all.is_empty() { section.card.scroll { h2 { "Feedback" } (table(&all)) } } })
}

/// What an operator says of an exchange.
pub(super) async fn take(visit: &Visit<'_>, id: &str, form: &Form) -> Result<Response<Body>, Refused> {
    let ledger = visit.ledger()?;
    let entry = ledger.find(id).await?.ok_or(Refused::NotFound)?;
    let by = form.text("by").unwrap_or_default();
    for (field, bytes_max) in
        [("by", NAME_BYTES_MAX), ("comment", COMMENT_BYTES_MAX), ("corrected", CORRECTED_BYTES_MAX)]
    {
        if form.get(field).is_some_and(|text| text.len() > bytes_max) {
            return Err(Refused::Wrong(Some(field), format!("is longer than {bytes_max} bytes")));
        }
    }
    let score = match form.get("thumbs") {
        Some("up") => Some(Score::UP),
        Some("down") => Some(Score::DOWN),
        Some(_) | None => None,
    };
    let corrected = form.text("corrected");
    let opinion = Opinion {
        score,
        comment: form.text("comment"),
        is_corrected: corrected.is_some(),
        corrected,
        ..Opinion::default()
    };
    if opinion.is_empty() {
        return Err(Refused::Wrong(None, "nothing is said: give a score, a comment or an answer".to_owned()));
    }
    let given = Given { id: None, about: About::Exchange(entry.id.to_string()), opinion };
    let given = crate::proxy::operators_words(visit.gateway, &entry.tenant, given).await;
    let given = given.map_err(|error| Refused::Wrong(None, error.message().into_owned()))?;
    let feedback = given.feedback(&entry.tenant, Source::Console, (!by.is_empty()).then(|| by.clone()));
    match ledger.give(&feedback).await? {
        Kept::New | Kept::Before(_) => {}
        Kept::Another | Kept::Full => {
            return Err(Refused::Wrong(None, format!("{OF_ONE_MAX} opinions of it are kept already")));
        }
    }
    let mut response = see_other(&format!("{}#feedback", path(&entry)));
    me::is_called(&mut response, &by);
    Ok(response)
}

/// The page of what it is about.
fn about(one: &Feedback) -> Option<String> {
    let exchange = one.exchange.as_ref().map(|id| format!("{}#feedback", path_of(id)));
    let session = || Some(sessions::path(one.session.as_ref()?, &one.tenant));
    exchange.or_else(session)
}

fn by(one: &Feedback) -> Markup {
    html! {
        @match (one.source, &one.by) {
            (Source::Traffic, _) => "noticed",
            (Source::Console, Some(by)) => { (by) ", here" },
            (Source::Console, None) => "an operator",
            (Source::Caller, Some(by)) => (by),
            (Source::Caller, None) => "an application",
        }
    }
}

fn badges(opinion: &Opinion) -> Markup {
    html! {
        @match opinion.score {
            Some(Score::UP) => { span.badge.good { "good" } " " },
            Some(Score::DOWN) => { span.badge.bad { "bad" } " " },
            Some(score) => { span class={ "badge " (if score >= CONTENT { "good" } else { "bad" }) } { (score) } " " },
            None => {},
        }
        @if opinion.is_corrected { span.badge.edit { "corrected" } " " }
        @if let Some(other) = &opinion.preferred_over {
            a.badge.route href=(path_of(other)) { "preferred over another" } " "
        }
        @if opinion.is_regenerated {
            @match &opinion.regenerated_by {
                Some(other) => a.badge.warn href=(path_of(other)) { "asked again" },
                None => span.badge.warn { "asked again" },
            }
        }
        @if opinion.comment.is_some() && opinion.score.is_none() && !opinion.is_corrected { span.badge { "comment" } }
    }
}

fn words(opinion: &Opinion) -> Markup {
    html! {
        @if let Some(comment) = &opinion.comment { p { (comment) } }
        @match &opinion.corrected {
            Some(corrected) => details { summary { "the corrected answer" } pre.text { (corrected) } },
            None if opinion.is_corrected => p.none { "what the answer was changed to is not kept" },
            None => {},
        }
    }
}
