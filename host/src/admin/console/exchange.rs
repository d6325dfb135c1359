//! One exchange: what came of it, what took the time, what cost the money; then each of its steps, and what was said.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use maud::{Markup, html};

use super::chart::stretch;
use super::exchanges::{asked, cost, outcome, path_of, table};
use super::overview::colour;
use super::words::{ago, bytes, count, in_path, moment, money, share, time};
use super::{Refused, Shown, Visit, feedback, sessions};
use crate::chat::Segment;
use crate::dialect::{Address, Dialect};
use crate::ledger::{Asked, Call, Did, Edit, Entry, Filter, Finding, Said, Step, Texts};
use crate::money::Money;

/// Exchanges within one that are listed.
const WITHIN_MAX: usize = 20;

pub(super) async fn show(visit: &Visit<'_>, id: &str) -> Result<Shown, Refused> {
    let ledger = visit.ledger()?;
    let entry = ledger.find(id).await?.ok_or(Refused::NotFound)?;
    let texts = ledger.texts(id).await?;
    let within = Filter { within: Some(entry.id.to_string()), ..Filter::default() };
    let within = ledger.list(&within, WITHIN_MAX).await?.entries;
    let title = format!("{} · {}", asked(&entry), moment(entry.began_ms));
    let segments = texts.as_ref().map(|texts| request(&entry, texts)).unwrap_or_default();
    let opinions = ledger.feedback_of(id).await?;
    let disliked = opinions.iter().any(|one| one.is_bad_for(id));
    let feedback = feedback::of_exchange(visit, &entry, &opinions);
    let body = html! {
        (answers(&entry, disliked))
        section.card {
            h2 { "Steps" }
            (legend())
            @if entry.details.steps.is_empty() { p.none { "It ended before anything was done for it." } }
            @for step in &entry.details.steps { (self::step(&entry, step, &segments)) }
            @if entry.details.steps_left_out > 0 { p.none { (entry.details.steps_left_out) " more steps are not kept." } }
        }
        @if !within.is_empty() {
            h2 { "What its plugins asked models" }
            (table(&within))
        }
        (coverage(&entry))
        (said(visit, &entry, texts.as_ref(), &segments))
        (feedback)
        (facts(&entry))
    };
    Ok(Shown { title, part: "/console/exchanges", is_live: false, body })
}

/// The three questions that one has of an exchange, with their answers.
fn answers(entry: &Entry, disliked: bool) -> Markup {
    html! {
        div.answers {
            div class=(if entry.has_failed() { "bad" } else if entry.outcome == "answered" { "" } else { "warn" }) {
                h3 { "What came of it?" } p { (outcome(entry)) " " (what_happened(entry, disliked)) }
            }
            div { h3 { "What took the time?" } p { (what_took(entry)) } }
            div { h3 { "What did it cost?" } p { (what_cost(entry)) } }
        }
    }
}

fn what_happened(entry: &Entry, disliked: bool) -> Markup {
    let mut failed = BTreeMap::<(&str, &str), u64>::new();
    for (asked, why) in attempts(entry).filter_map(|asked| Some((asked, asked.failed.as_deref()?))) {
        *failed.entry((&asked.target, why)).or_default() += 1;
    }
    let edits = calls(entry).filter(|call| call.verdict == "edit" && !call.observed);
    let mut edited: Vec<&str> = edits.map(|call| call.plugin.as_str()).collect();
    edited.dedup();
    html! {
        @match (&*entry.outcome, &entry.plugin) {
            ("denied", Some(plugin)) => { "The guardrail " (plugin_link(plugin)) " refused it" @if let Some(code) = &entry.code { ", code " code { (code) } } "." },
            ("guardrail_failed", Some(plugin)) => { "The guardrail " (plugin_link(plugin)) " failed, and is to fail closed." },
            ("answered", _) if entry.escalation.is_some() => { "It was handed over to people" @if let Some(queue) = &entry.queue { " (" (queue) ")" } "." },
            ("answered", _) if matches!(entry.cache.as_deref(), Some("hit" | "stale")) => { "It was answered from memory" @if let Some(age) = entry.age { ", with an answer of " (time(age)) " before" } "." },
            ("answered", _) if entry.routed.as_deref() == Some("answer") => { "A router answered it itself." },
            ("provider_error", _) => { "No target had an answer, and what the last one says of its error was passed on." },
            ("provider_refused", _) => { "The provider" @if let Some(target) = &entry.target { " of " b { (target) } } " refused what was asked." },
            ("answered", _) => {
                @if let Some(target) = &entry.target { "The target " b { (target) } " answered" }
                @if entry.routed.as_deref() == Some("targets") { ", as a router decided" @if let Some(intent) = &entry.intent { ": it was taken for " (intent) } }
                @if entry.target.is_some() { "." }
            },
            ("caller-gone", _) => { "The caller went away before its answer was complete." },
            _ => { @if let Some(code) = &entry.code { "Code " code { (code) } "." } },
        }
        @if let Some(detail) = &entry.detail { " " span.soft { (detail) } }
        @for ((target, why), times) in &failed {
            " The target " b { (target) } " failed" @if *times > 1 { " " (times) " times" } ": " (why) "."
        }
        @for plugin in edited { " " (plugin_link(plugin)) " changed it." }
        @if disliked { " " a href="#feedback" { "Its user was not content." } }
        @if let Some(escalation) = &entry.escalation { " " a href=(format!("/console/escalations/{}", in_path(escalation))) { "See the escalation" } "." }
    }
}

/// The longest of what it did, as shares of the whole.
fn what_took(entry: &Entry) -> Markup {
    // The same step may be taken several times.
    let mut sums = BTreeMap::<String, Duration>::new();
    for step in &entry.details.steps {
        *sums.entry(name(step)).or_default() += took(step);
    }
    // The vector of a question is made while kept answers are looked for.
    if let Some(embedding) = sums.get(EMBEDDING).copied()
        && let Some(lookup) = sums.get_mut(LOOKUP)
    {
        *lookup = lookup.saturating_sub(embedding);
    }
    let own = outside(entry);
    if own > Duration::ZERO {
        sums.insert("the gateway itself, with its stores".to_owned(), own);
    }
    let mut times: Vec<(String, Duration)> = sums.into_iter().collect();
    times.sort_by_key(|(_, time)| std::cmp::Reverse(*time));
    let (all, longest) = (entry.took, times.first());
    let micros = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
    html! {
        (time(all)) " in all"
        @if let Some(first) = entry.first_text { ", first text after " (time(first)) }
        "."
        @if let Some((name, longest)) = longest {
            " The longest of it, " (share(micros(*longest).min(micros(all)), micros(all))) ", was " b { (name) } " with " (time(*longest)) "."
        }
        @if let Some((name, second)) = times.get(1).filter(|(_, second)| *second > all / 100) { " Then " (name) " with " (time(*second)) "." }
    }
}

/// What lies outside of its steps.
fn outside(entry: &Entry) -> Duration {
    let mut covered = 0;
    let mut end = 0;
    for step in &entry.details.steps {
        let (from, to) = (step.at_us.max(end), step.at_us.saturating_add(step.took_us));
        covered += to.saturating_sub(from);
        end = end.max(to);
    }
    entry.took.saturating_sub(Duration::from_micros(covered))
}

fn what_cost(entry: &Entry) -> Markup {
    if entry.usage.is_none()
        && entry.is_cost_known
        && entry.attempts > 0
        && attempts(entry).all(|asked| asked.failed.is_some())
    {
        return html! { b { "Nothing" } ": no provider has answered." };
    }
    html! {
        b { (match cost(entry).as_str() { "?" | "–" => "Nobody knows".to_owned(), known => known.to_owned() }) }
        @if let Some(usage) = &entry.usage {
            ": " (count(usage.input_tokens.into())) " tokens in"
            @if usage.cached_input_tokens > 0 { " (" (count(usage.cached_input_tokens.into())) " of them from the provider's cache)" }
            " and " (count(usage.output_tokens.into())) " out"
            @if usage.reasoning_tokens > 0 { " (" (count(usage.reasoning_tokens.into())) " of them reasoning)" }
            @if let Some(target) = &entry.target { ", at " @if entry.attempts > 1 { "last at " } b { (target) } }
            "."
            @if !entry.is_cost_known { " That is not all, or not all of it has a price." }
        } @else if entry.attempts == 0 { ": no model was asked." } @else { ": the provider did not say what it used." }
        @if entry.plugins_cost > Money::ZERO {
            " Its plugins spent " (money(entry.plugins_cost)) " of that"
            @if let Some((plugin, spent)) = dearest(entry) { ", most of it " (plugin_link(plugin)) " with " (money(spent)) }
            "."
        }
        @if entry.saved > Money::ZERO { " The kept answer saved " (money(entry.saved)) "." }
    }
}

/// The plugin that spent the most.
fn dearest(entry: &Entry) -> Option<(&str, Money)> {
    let mut spent = BTreeMap::<&str, u64>::new();
    for call in calls(entry) {
        *spent.entry(&call.plugin).or_default() += call.used.values().map(|used| used.cost).sum::<u64>();
    }
    spent.into_iter().max_by_key(|(_, cost)| *cost).map(|(plugin, cost)| (plugin, Money::from_nanodollars(cost)))
}

fn legend() -> Markup {
    html! {
        p.legend {
            span { i {} "plugin" } span { i.edit {} "changed something" } span { i.bad {} "refused or failed" }
            span { i.route {} "target" } span { i.cache {} "kept answers" } span { i.soft {} "waiting" }
        }
    }
}

fn step(entry: &Entry, step: &Step, segments: &[Segment]) -> Markup {
    let all = entry.took.as_micros();
    html! {
        details.step {
            summary {
                span.who { (name(step)) " " (brief(step)) }
                (stretch(step_colour(step), step.at_us.into(), step.took_us.into(), all))
                span { @if is_remembered(step) { span.none { "remembered" } } @else { (time(took(step))) } }
            }
            div.inside {
                @match &step.did {
                    Did::Plugin(call) => (plugin_call(step, call, segments)),
                    Did::Attempt(asked) => (attempt(step, asked)),
                    Did::Lookup { found } => p { "Looked for a kept answer: " b { (found) } "." },
                    Did::Embedding { succeeded } => p { "Turned the question into a vector, to be compared by what it means" @if !succeeded { ", which failed" } "." },
                    Did::Wait => p { "All targets had failed: it waited before they were asked once more." },
                }
            }
        }
    }
}

fn name(step: &Step) -> String {
    match &step.did {
        Did::Plugin(call) => format!("{} ({})", call.plugin, call.phase),
        Did::Attempt(asked) => format!("target {}", asked.target),
        Did::Lookup { .. } => LOOKUP.to_owned(),
        Did::Embedding { .. } => EMBEDDING.to_owned(),
        Did::Wait => "waiting".to_owned(),
    }
}

const LOOKUP: &str = "kept answers";
const EMBEDDING: &str = "embedding";

fn brief(step: &Step) -> Markup {
    match &step.did {
        Did::Plugin(call) => html! {
            @if call.is_notable() {
                span class={ "badge " (colour(&call.verdict)) } { @if call.outcome == "said" { (call.verdict) } @else { (call.outcome) } }
            }
            @if call.observed { " " span.badge { "only observed" } }
        },
        Did::Attempt(asked) => html! { @if let Some(why) = &asked.failed { span.badge.bad { (why) } } },
        Did::Lookup { found } => html! { span.badge.cache { (found) } },
        Did::Embedding { succeeded } => html! { @if !succeeded { span.badge.bad { "failed" } } },
        Did::Wait => html! {},
    }
}

/// Whether a plugin's verdicts were all known: nothing of it ran.
fn is_remembered(step: &Step) -> bool {
    matches!(&step.did, Did::Plugin(call) if call.calls == 0 && call.remembered > 0)
}

fn step_colour(step: &Step) -> &'static str {
    match &step.did {
        Did::Plugin(call) => match colour(&call.verdict) {
            "" | "cache" => "plugin",
            colour => colour,
        },
        Did::Attempt(asked) if asked.failed.is_some() => "bad",
        Did::Attempt(_) => "attempt",
        Did::Lookup { .. } | Did::Embedding { .. } => "cache",
        Did::Wait => "soft",
    }
}

fn took(step: &Step) -> Duration {
    match &step.did {
        // Of a stream, the calls and not what lies between them.
        Did::Plugin(call) => Duration::from_micros(call.us),
        Did::Attempt(_) | Did::Lookup { .. } | Did::Embedding { .. } | Did::Wait => Duration::from_micros(step.took_us),
    }
}

fn plugin_call(step: &Step, call: &Call, segments: &[Segment]) -> Markup {
    let windows = if call.windows == 1 { "window" } else { "windows" };
    html! {
        dl.facts {
            (fact("plugin", &html! { (plugin_link(&call.plugin)) " " code { (call.digest) } }))
            (fact("export", &html! { (call.export) }))
            (fact("verdict", &html! { (call.verdict) @if let Some(code) = &call.code { " " code { (code) } } }))
            @if call.outcome != "said" { (fact("outcome", &html! { (call.outcome) })) }
            @if let Some(intent) = &call.intent { (fact("taken for", &html! { (intent) })) }
            (fact("began after", &html! { (time(Duration::from_micros(step.at_us))) }))
            (fact("calls", &html! { (call.calls) ", " (call.windows) " " (windows)
                @if call.remembered > 0 { ", " (call.remembered) " remembered" }
                @if call.prefiltered > 0 { ", " (call.prefiltered) " let pass by its prefilter" } }))
            (fact("text", &html! { (bytes(size(call.bytes))) }))
            (fact("fuel", &html! { (count(call.fuel)) }))
            (fact("memory", &html! { (bytes(size(call.memory))) }))
            @for (capability, used) in &call.used {
                (fact(capability, &html! { (used.calls) " calls, " (bytes(used.bytes)) ", " (time(Duration::from_micros(used.us)))
                    @if used.cost > 0 { ", " (money(Money::from_nanodollars(used.cost))) } }))
            }
        }
        @if let Some(detail) = &call.detail { p.soft { (detail) } }
        @if !call.findings.is_empty() { (findings(&call.findings)) }
        @if !call.edits.is_empty() { (edits(call, segments)) }
    }
}

fn fact(name: &str, value: &Markup) -> Markup {
    html! { div { dt { (name) } dd { (value) } } }
}

fn findings(all: &[Finding]) -> Markup {
    html! {
        h3 { "Findings" }
        table { thead { tr { th { "rule" } th { "where" } th.num { "score" } } }
            tbody { @for found in all { tr {
                td { a href=(format!("/console/exchanges?rule={}", in_path(&found.rule))) { code { (found.rule) } } }
                td { (place(found.segment, found.span)) }
                td.num { (format!("{:.2}", found.score)) }
            } } } }
    }
}

fn place(segment: Option<usize>, span: Option<(usize, usize)>) -> String {
    match (segment, span) {
        (Some(segment), Some((start, end))) => format!("segment {segment}, bytes {start} to {end}"),
        (None, Some((start, end))) => format!("bytes {start} to {end} of its window"),
        (Some(segment), None) => format!("segment {segment}"),
        (None, None) => "–".to_owned(),
    }
}

/// Where texts were changed: each segment as a strip with what was changed in it.
fn edits(call: &Call, segments: &[Segment]) -> Markup {
    let mut by_segment = BTreeMap::<Option<usize>, Vec<&Edit>>::new();
    for edit in &call.edits {
        by_segment.entry(edit.segment).or_default().push(edit);
    }
    html! {
        h3 { "Edits" }
        @for (segment, edits) in &by_segment {
            @let end = edits.iter().map(|edit| edit.span.1).max().unwrap_or_default();
            // The text as it was is not kept; it was at least so long.
            @let all = segment.and_then(|place| segments.get(place)).map_or(end, |segment| segment.text.len().max(end));
            p.soft { (segment.map_or("a window of the stream".to_owned(), |segment| format!("segment {segment}"))) ": "
                @for edit in edits { code { (edit.span.0) "–" (edit.span.1) " → " (edit.bytes) " bytes" } " " } }
            (strip(edits, all))
        }
    }
}

fn strip(edits: &[&Edit], all: usize) -> Markup {
    let place = |at: usize| (at * 1_000).checked_div(all).unwrap_or_default().min(1_000);
    html! {
        svg.map viewBox="0 0 1000 10" preserveAspectRatio="none" aria-hidden="true" {
            rect.all x="0" y="0" width="1000" height="10" {}
            @for edit in edits {
                rect.edit x=(place(edit.span.0).min(996)) y="0" width=(place(edit.span.1).saturating_sub(place(edit.span.0)).max(4)) height="10" {}
            }
        }
    }
}

fn attempt(step: &Step, asked: &Asked) -> Markup {
    html! {
        dl.facts {
            (fact("target", &html! { (asked.target) }))
            (fact("provider", &html! { (asked.provider) }))
            @if let Some(model) = &asked.model { (fact("model there", &html! { (model) })) }
            (fact("began after", &html! { (time(Duration::from_micros(step.at_us))) }))
            (fact("began to answer after", &html! { (asked.answered_us.map_or("never".to_owned(), |us| time(Duration::from_micros(us)))) }))
            @if let Some(why) = &asked.failed { (fact("failed", &html! { (why) })) }
            @if let Some(model) = &asked.answered_by { (fact("answered by", &html! { (model) })) }
            @if !asked.finishes.is_empty() { (fact("ended with", &html! { (asked.finishes.join(", ")) })) }
            @if let Some(id) = &asked.answer { (fact("answer there", &html! { code { (id) } })) }
        }
    }
}

/// What no plugin, or not all of them, looked into.
fn coverage(entry: &Entry) -> Markup {
    let not = &entry.details.not_inspected;
    html! {
        @if !not.is_empty() {
            section.card {
                h2 { "Not inspected" }
                table { thead { tr { th { "what" } th { "way" } th { "plugin" } th { "why" } } }
                    tbody { @for one in not { tr {
                        td { (one.what) } td { (one.phase) } td { (one.plugin.as_deref().unwrap_or("any")) } td { (one.reason) }
                    } } } }
            }
        }
        @if !entry.details.left_out.is_empty() {
            section.card { h2 { "Left out for the target's dialect" } p { @for field in &entry.details.left_out { code { (field) } " " } } }
        }
    }
}

/// The texts of a request, if it is kept and can be read.
fn request(entry: &Entry, texts: &Texts) -> Vec<Segment> {
    let Some(body) = texts.request.clone() else { return Vec::new() };
    let Some(dialect) = Dialect::named(&texts.dialect) else { return Vec::new() };
    let task = crate::endpoint::Does::task_named(&entry.task).unwrap_or_default();
    let address = Address { task, model: Some(entry.model.to_string()), streaming: Some(entry.streaming) };
    dialect.read_request(address, Bytes::from(body)).map(|asked| asked.request.segments).unwrap_or_default()
}

fn said(visit: &Visit<'_>, entry: &Entry, texts: Option<&Texts>, segments: &[Segment]) -> Markup {
    let Some(texts) = texts else {
        let captures = visit.gateway.generation().settings.tenants.captures(&entry.tenant);
        return html! {
            section.card {
                h2 { "What was said" }
                p.none {
                    @if entry.verdict.as_deref() == Some("deny") { "Nothing is kept: a guardrail did not let it pass." }
                    @else if captures { "Nothing is kept: it is too old, or had no text." }
                    @else { "Not kept. Prompts and answers of a tenant are, as the guardrails let them pass, with "
                        code { "[tenants." (toml_name(&entry.tenant)) "] capture = true" } "." }
                }
            }
        };
    };
    html! {
        section.card {
            h2 { "What was said" }
            p.none { "As the guardrails let it pass." @if texts.is_cut { " It is longer than may be kept, and not all here." } }
            @for (number, segment) in segments.iter().enumerate() {
                (turn(segment.role.word(), segment.channel.word(), segment.name.as_deref(), Some(number), &segment.text))
            }
            @if segments.is_empty() && let Some(request) = &texts.request { (turn("user", "other", None, None, request)) }
            @for Said { channel, name, text, .. } in &texts.answer { (turn("assistant", channel, name.as_deref(), None, text)) }
        }
    }
}

fn turn(role: &str, channel: &str, name: Option<&str>, number: Option<usize>, text: &str) -> Markup {
    html! {
        div class={ "turn " (role) } {
            h3 {
                (role)
                @if channel != "content" { " · " (channel) }
                @if let Some(name) = name { " · " code { (name) } }
                @if let Some(number) = number { " " span.none { "segment " (number) } }
            }
            pre class=[(channel == "tool-arguments" || channel == "tool-definition").then_some("code")] { (text) }
        }
    }
}

fn facts(entry: &Entry) -> Markup {
    let text = |text: Option<&str>| html! { (text.unwrap_or("–")) };
    html! {
        section.card {
            h2 { "All else" }
            dl.facts {
                (fact("exchange", &html! { code { (entry.id) } }))
                (fact("began", &html! { time { (moment(entry.began_ms)) " UTC" } " " span.soft { (ago(entry.began_ms, SystemTime::now())) } }))
                (fact("tenant", &html! { a href=(format!("/console/exchanges?tenant={}", in_path(&entry.tenant))) { (entry.tenant) } }))
                (fact("key", &text(entry.key.as_deref())))
                (fact("user", &text(entry.user.as_deref())))
                (fact("tags", &text(entry.tags.as_deref())))
                (fact("asked in", &html! { (entry.dialect) ", " (entry.task) @if entry.streaming { ", as a stream" } }))
                @if let Some(session) = &entry.session {
                    (fact("session", &html! { a href=(sessions::path(session, &entry.tenant)) { (session) } }))
                }
                @if let Some(trace) = &entry.trace { (fact("trace", &html! { code { (trace) } })) }
                @if let Some(within) = &entry.within {
                    (fact("part of", &html! { a href=(path_of(within)) { code { (within) } }
                        @if let Some(plugin) = &entry.asked_by { ", asked by " (plugin_link(plugin)) } }))
                }
                (fact("routing", &html! { (entry.routed.as_deref().unwrap_or("as configured")) @if let Some(intent) = &entry.intent { ", taken for " (intent) } }))
                (fact("kept answers", &text(entry.cache.as_deref())))
                (fact("generation", &html! { (entry.generation) }))
                @if entry.is_unmetered { (fact("limits", &html! { "did not count: the store could not be asked" })) }
            }
        }
    }
}

pub(super) fn plugin_link(plugin: &str) -> Markup {
    html! { a href=(format!("/console/plugins/{}", in_path(plugin))) { (plugin) } }
}

fn toml_name(name: &str) -> String {
    let is_bare = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
    if is_bare { name.to_owned() } else { format!("{name:?}") }
}

fn calls(entry: &Entry) -> impl Iterator<Item = &Call> {
    entry.details.steps.iter().filter_map(|step| match &step.did {
        Did::Plugin(call) => Some(call),
        Did::Attempt(_) | Did::Lookup { .. } | Did::Embedding { .. } | Did::Wait => None,
    })
}

fn attempts(entry: &Entry) -> impl Iterator<Item = &Asked> {
    entry.details.steps.iter().filter_map(|step| match &step.did {
        Did::Attempt(asked) => Some(asked),
        Did::Plugin(_) | Did::Lookup { .. } | Did::Embedding { .. } | Did::Wait => None,
    })
}

fn size(size: usize) -> u64 {
    u64::try_from(size).unwrap_or(u64::MAX)
}
