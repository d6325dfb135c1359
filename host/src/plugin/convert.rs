//! Between the contract's types and ours. Whatever comes from a guest is checked here: past this file, offsets
//! lie on character boundaries, edits are sorted and apart, scores are between 0 and 1.

use std::ops::Range;
use std::time::Duration;

use super::bindings::exports::sluicegate::plugin::{
    answer_guardrail, cache, request_guardrail, router, text_guardrail,
};
use super::bindings::sluicegate::plugin::types as wit;
use crate::chat;

/// Findings that one window, request or answer may have.
pub(super) const FINDINGS_MAX: usize = 1_000;
/// Edits that one window, request or answer may have: a page of a thousand e-mail addresses is fine.
pub(super) const EDITS_MAX: usize = 10_000;
/// Bytes of a rule's name and of a denial's code: they become labels.
const CODE_BYTES_MAX: usize = 128;
/// Bytes of a denial's reason and detail.
const REASON_BYTES_MAX: usize = 2_048;

/// Why a result is not one that the contract allows: words for the operator.
pub(super) type Malformed = String;

/// What a guardrail may be told of an exchange.
#[derive(Debug)]
pub(crate) struct ExchangeFacts<'a> {
    pub(crate) id: &'a str,
    pub(crate) tenant: &'a str,
}

pub(super) fn window(window: &chat::Window<'_>) -> text_guardrail::Window {
    text_guardrail::Window {
        phase: match window.phase {
            chat::Phase::Request => wit::Phase::Request,
            chat::Phase::Answer => wit::Phase::Answer,
        },
        role: role(window.role),
        channel: channel(window.channel),
        text: window.text.clone().into_owned(),
        context: count(window.context),
        final_: window.is_final,
    }
}

pub(super) fn request(exchange: &ExchangeFacts<'_>, request: &chat::Request) -> wit::Request {
    wit::Request {
        exchange: wit::Exchange {
            id: exchange.id.to_owned(),
            tenant: exchange.tenant.to_owned(),
            user: None,
            session: None,
            step: 0,
            model: request.model.clone(),
            streaming: request.streaming,
            attributes: Vec::new(),
        },
        segments: segments(&request.segments),
        tools: request.tools.iter().map(tool).collect(),
        answer_schema: request.answer_schema.clone(),
        tokens_estimate: request.tokens_estimate(),
    }
}

pub(super) fn answer(answer: &chat::Answer) -> wit::Answer {
    wit::Answer {
        target: answer.target.clone(),
        segments: segments(&answer.segments),
        finish: match answer.finish {
            chat::Finish::Stop => wit::Finish::Stop,
            chat::Finish::Length => wit::Finish::Length,
            chat::Finish::ToolCalls => wit::Finish::ToolCalls,
            chat::Finish::ContentFilter => wit::Finish::ContentFilter,
            chat::Finish::Other => wit::Finish::Other,
        },
        usage: answer.usage.map(|usage| wit::Usage {
            input_tokens: usage.input_tokens,
            cached_input_tokens: usage.cached_input_tokens,
            output_tokens: usage.output_tokens,
            reasoning_tokens: usage.reasoning_tokens,
        }),
    }
}

fn segments(segments: &[chat::Segment]) -> Vec<wit::Segment> {
    let segment = |(id, segment): (usize, &chat::Segment)| wit::Segment {
        id: count(id),
        role: role(segment.role),
        channel: channel(segment.channel),
        choice: segment.choice,
        name: segment.name.clone(),
        text: segment.text.clone(),
    };
    segments.iter().enumerate().map(segment).collect()
}

fn tool(tool: &chat::ToolDefinition) -> wit::ToolDefinition {
    wit::ToolDefinition {
        name: tool.name.clone(),
        description: tool.description.clone(),
        parameters: tool.parameters.clone(),
    }
}

fn role(role: chat::Role) -> wit::Role {
    match role {
        chat::Role::System => wit::Role::System,
        chat::Role::User => wit::Role::User,
        chat::Role::Assistant => wit::Role::Assistant,
        chat::Role::Tool => wit::Role::Tool,
    }
}

fn channel(channel: chat::Channel) -> wit::Channel {
    match channel {
        chat::Channel::Content => wit::Channel::Content,
        chat::Channel::Reasoning => wit::Channel::Reasoning,
        chat::Channel::Refusal => wit::Channel::Refusal,
        chat::Channel::ToolArguments => wit::Channel::ToolArguments,
        chat::Channel::ToolResult => wit::Channel::ToolResult,
        chat::Channel::Passage => wit::Channel::Passage,
        chat::Channel::ToolDefinition => wit::Channel::ToolDefinition,
        chat::Channel::Name => wit::Channel::Name,
        chat::Channel::Other => wit::Channel::Other,
    }
}

/// The host's texts are far below 4 GiB; a count past that could only be refused by the guest.
fn count(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// The verdicts on `windows`, in their order.
pub(super) fn verdicts(
    windows: &[&chat::Window<'_>],
    verdicts: Vec<text_guardrail::Verdict>,
) -> Result<Vec<chat::Verdict>, Malformed> {
    if verdicts.len() != windows.len() {
        return Err(format!("{} verdicts for {} windows", verdicts.len(), windows.len()));
    }
    windows.iter().zip(verdicts).map(|(window, said)| verdict(window, said)).collect()
}

fn verdict(window: &chat::Window<'_>, said: text_guardrail::Verdict) -> Result<chat::Verdict, Malformed> {
    let action = match said.action {
        text_guardrail::Action::Allow => chat::Action::Allow,
        text_guardrail::Action::Edit(edits) => chat::Action::Edit(checked_edits(&window.text, edits)?),
        text_guardrail::Action::Deny(denial) => chat::Action::Deny(checked_denial(denial)?),
    };
    let hold = if window.is_final { 0 } else { checked_hold(window, said.hold)? };
    Ok(chat::Verdict { action, findings: findings(said.findings, Some(&window.text))?, hold })
}

fn checked_hold(window: &chat::Window<'_>, hold: u32) -> Result<usize, Malformed> {
    let hold = usize::try_from(hold).map_err(|_| "a hold past the text".to_owned())?;
    let undecided = window.text.len().saturating_sub(window.context);
    if hold > undecided {
        return Err(format!("a hold of {hold} bytes where {undecided} are undecided"));
    }
    if !window.text.is_char_boundary(window.text.len() - hold) {
        return Err(format!("a hold of {hold} bytes, which ends inside a character"));
    }
    Ok(hold)
}

/// A request or answer guardrail's verdict, of which every edit names one of `segments`.
pub(super) fn request_verdict(
    segments: &[chat::Segment],
    verdict: request_guardrail::Verdict,
) -> Result<chat::WholeVerdict, Malformed> {
    let action = match verdict.action {
        request_guardrail::Action::Allow => chat::WholeAction::Allow,
        request_guardrail::Action::Edit(edits) => chat::WholeAction::Edit(segment_edits(segments, edits)?),
        request_guardrail::Action::Deny(denial) => chat::WholeAction::Deny(checked_denial(denial)?),
    };
    Ok(chat::WholeVerdict { action, findings: findings(verdict.findings, None)? })
}

/// The same for an answer.
pub(super) fn answer_verdict(
    segments: &[chat::Segment],
    verdict: answer_guardrail::Verdict,
) -> Result<chat::WholeVerdict, Malformed> {
    let action = match verdict.action {
        answer_guardrail::Action::Allow => chat::WholeAction::Allow,
        answer_guardrail::Action::Edit(edits) => chat::WholeAction::Edit(segment_edits(segments, edits)?),
        answer_guardrail::Action::Deny(denial) => chat::WholeAction::Deny(checked_denial(denial)?),
        answer_guardrail::Action::Retry(words) => {
            chat::WholeAction::Retry(bounded(words, REASON_BYTES_MAX, "words of correction")?)
        }
    };
    Ok(chat::WholeVerdict { action, findings: findings(verdict.findings, None)? })
}

pub(super) fn target(target: &chat::RouteTarget) -> router::Target {
    let (input, output) = target.dollars.unzip();
    let first_token_ms = |time: std::time::Duration| u32::try_from(time.as_millis()).unwrap_or(u32::MAX);
    router::Target {
        name: target.name.clone(),
        provider: target.provider.clone(),
        model: target.model.clone(),
        tags: target.tags.clone(),
        healthy: target.healthy,
        in_flight: u32::try_from(target.in_flight).unwrap_or(u32::MAX),
        first_token_ms: target.first_token.map(first_token_ms),
        input_dollars_per_million: input,
        output_dollars_per_million: output,
        context_tokens: target.context_tokens,
    }
}

/// Bytes of an answer that a router gives itself.
const CANNED_BYTES_MAX: usize = 64 << 10;

/// What a router says, who was given so many targets.
pub(super) fn routing(targets: usize, routing: router::Routing) -> Result<chat::Routing, Malformed> {
    let decision = match routing.decision {
        router::Decision::Unchanged => chat::RouteDecision::Unchanged,
        router::Decision::Targets(chosen) => chat::RouteDecision::Targets(checked_targets(targets, &chosen)?),
        router::Decision::Answer(answer) => chat::RouteDecision::Answer(words(answer.text)?),
        router::Decision::Escalate(escalation) => {
            chat::RouteDecision::Escalate { queue: code(escalation.queue, "a queue")?, text: words(escalation.text)? }
        }
        router::Decision::Deny(denial) => chat::RouteDecision::Deny(checked_denial(denial)?),
    };
    let on_rejection = match (routing.on_rejection.is_empty(), &decision) {
        (true, _) => Vec::new(),
        (false, chat::RouteDecision::Targets(_)) => checked_targets(targets, &routing.on_rejection)?,
        (false, _) => return Err("others on a rejection, and no targets that could be rejected".to_owned()),
    };
    Ok(chat::Routing {
        decision,
        on_rejection,
        intent: routing.intent.map(|intent| code(intent, "an intent")).transpose()?,
        findings: findings(routing.findings, None)?,
    })
}

/// What a router itself says to a caller.
fn words(text: String) -> Result<String, Malformed> {
    match text.is_empty() {
        true => Err("an answer without a word".to_owned()),
        false => bounded(text, CANNED_BYTES_MAX, "an answer"),
    }
}

fn checked_targets(count: usize, chosen: &[u32]) -> Result<Vec<usize>, Malformed> {
    if chosen.is_empty() {
        return Err("a choice of no target".to_owned());
    }
    let mut checked = Vec::with_capacity(chosen.len().min(count));
    for number in chosen {
        let index = usize::try_from(*number).unwrap_or(usize::MAX);
        if index >= count {
            return Err(format!("target {number} of {count}"));
        }
        if checked.contains(&index) {
            return Err(format!("target {number} twice"));
        }
        checked.push(index);
    }
    Ok(checked)
}

/// Bytes of a key and of a text to look for by its meaning.
const LOOKUP_BYTES_MAX: usize = 64 << 10;
/// The longest time that an answer may be kept, and its greatest age.
const AGE_MAX: Duration = Duration::from_secs(400 * 86_400);

/// Findings, for a cache policy. Their places are within texts that it is not told of.
pub(super) fn found(findings: &[chat::Finding]) -> Vec<wit::Finding> {
    let finding =
        |finding: &chat::Finding| wit::Finding { rule: finding.rule.clone(), span: None, score: finding.score };
    findings.iter().map(finding).collect()
}

pub(super) fn candidate(candidate: chat::Candidate<'_>) -> cache::Candidate {
    cache::Candidate {
        question: candidate.question.to_owned(),
        answer: answer(candidate.answer),
        similarity: candidate.similarity,
        age_ms: u64::try_from(candidate.age.as_millis()).unwrap_or(u64::MAX),
    }
}

/// Where a cache policy wants an answer to be looked for.
pub(super) fn intention(said: cache::Intention) -> Result<chat::Intention, Malformed> {
    let lookup = match said {
        cache::Intention::Bypass => return Ok(chat::Intention::Bypass),
        cache::Intention::LookUp(lookup) => lookup,
    };
    if lookup.key.is_empty() {
        return Err("an empty key".to_owned());
    }
    let by_meaning = |by: cache::ByMeaning| match (0.0..=1.0).contains(&by.threshold) {
        true => Ok((bounded(by.text, LOOKUP_BYTES_MAX, "a text to look for")?, by.threshold)),
        false => Err(format!("a threshold of {}, which is not from 0 to 1", by.threshold)),
    };
    Ok(chat::Intention::LookUp(chat::Lookup {
        key: bounded(lookup.key, LOOKUP_BYTES_MAX, "a key")?,
        by_meaning: lookup.by_meaning.map(by_meaning).transpose()?.filter(|(text, _)| !text.trim().is_empty()),
        age_max: AGE_MAX.min(Duration::from_millis(lookup.age_ms_max)),
    }))
}

/// For how long an answer may be kept.
pub(super) fn admission(said: Option<cache::Admission>) -> Option<Duration> {
    let time = AGE_MAX.min(Duration::from_millis(said?.ttl_ms));
    (!time.is_zero()).then_some(time)
}

/// Edits by segment, each segment's checked against its text and against each other.
fn segment_edits(
    segments: &[chat::Segment],
    edits: Vec<(u32, wit::Edit)>,
) -> Result<Vec<(usize, chat::Edit)>, Malformed> {
    let mut edits = edits;
    if edits.len() > EDITS_MAX {
        return Err(format!("{} edits, more than {EDITS_MAX}", edits.len()));
    }
    edits.sort_by_key(|(id, _)| *id);
    let mut checked = Vec::with_capacity(edits.len());
    for group in edits.chunk_by(|(a, _), (b, _)| a == b) {
        let Some((id, _)) = group.first() else { continue };
        let index = usize::try_from(*id).unwrap_or(usize::MAX);
        let segment = segments.get(index).ok_or_else(|| format!("an edit of segment {id}, which there is not"))?;
        let edits = checked_edits(&segment.text, group.iter().map(|(_, edit)| edit.clone()).collect())?;
        checked.extend(edits.into_iter().map(|edit| (index, edit)));
    }
    Ok(checked)
}

fn checked_edits(text: &str, edits: Vec<wit::Edit>) -> Result<Vec<chat::Edit>, Malformed> {
    if edits.len() > EDITS_MAX {
        return Err(format!("{} edits, more than {EDITS_MAX}", edits.len()));
    }
    let edit = |edit: wit::Edit| {
        Ok(chat::Edit { span: span(edit.span, text)?, replacement: edit.replacement, restore: edit.restore })
    };
    let mut edits: Vec<chat::Edit> = edits.into_iter().map(edit).collect::<Result<_, Malformed>>()?;
    edits.sort_by_key(|edit| (edit.span.start, edit.span.end));
    match edits.windows(2).find(|pair| matches!(pair, [a, b] if b.span.start < a.span.end)) {
        Some(_) => Err("edits that overlap".to_owned()),
        None => Ok(edits),
    }
}

fn span(span: wit::Span, text: &str) -> Result<Range<usize>, Malformed> {
    let at = |offset: u32| usize::try_from(offset).unwrap_or(usize::MAX);
    let (start, end) = (at(span.start), at(span.end));
    if start > end {
        return Err(format!("a span that ends before it starts ({start} to {end})"));
    }
    if end > text.len() {
        return Err(format!("a span to byte {end} of a text of {} bytes", text.len()));
    }
    if !text.is_char_boundary(start) || !text.is_char_boundary(end) {
        return Err(format!("a span ({start} to {end}) that cuts a character"));
    }
    Ok(start..end)
}

/// Findings on a window point into its text; those on a whole request or answer only carry the span along.
fn findings(findings: Vec<wit::Finding>, text: Option<&str>) -> Result<Vec<chat::Finding>, Malformed> {
    if findings.len() > FINDINGS_MAX {
        return Err(format!("{} findings, more than {FINDINGS_MAX}", findings.len()));
    }
    let finding = |finding: wit::Finding| {
        if !(0.0..=1.0).contains(&finding.score) {
            return Err(format!("a score of {}, which is not from 0 to 1", finding.score));
        }
        let span = match (finding.span, text) {
            (Some(found), Some(text)) => Some(span(found, text)?),
            (Some(found), None) => Some(found.start as usize..found.end as usize),
            (None, _) => None,
        };
        Ok(chat::Finding { rule: code(finding.rule, "a rule's name")?, span, score: finding.score })
    };
    findings.into_iter().map(finding).collect()
}

fn checked_denial(denial: wit::Denial) -> Result<chat::Denial, Malformed> {
    Ok(chat::Denial {
        code: code(denial.code, "a denial's code")?,
        reason: bounded(denial.reason, REASON_BYTES_MAX, "a denial's reason")?,
        detail: denial.detail.map(|detail| bounded(detail, REASON_BYTES_MAX, "a denial's detail")).transpose()?,
    })
}

/// Codes and rules become labels, headers and log fields: visible ASCII without spaces or quotes.
fn code(code: String, what: &str) -> Result<String, Malformed> {
    let allowed = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\' | b',' | b';');
    if code.is_empty() || !code.bytes().all(allowed) {
        return Err(format!("{what} that is empty or has other characters than letters, digits, dots and hyphens"));
    }
    bounded(code, CODE_BYTES_MAX, what)
}

fn bounded(text: String, bytes_max: usize, what: &str) -> Result<String, Malformed> {
    if text.len() > bytes_max {
        return Err(format!("{what} of {} bytes, more than {bytes_max}", text.len()));
    }
    Ok(text)
}
