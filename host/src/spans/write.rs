//! From exchanges that are over to spans: one for each exchange, and below it one for each plugin call, attempt, look-up and
//! embedding. No text of the exchange is in any of them, and nothing that a finding has matched.

use std::borrow::Cow;
use std::time::{Duration, UNIX_EPOCH};

use bytes::Bytes;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};
use prost::Message as _;

use super::conventions as name;
use crate::config::{Platform, Target};
use crate::dialect::{Dialect, Wire};
use crate::endpoint::Does;
use crate::exchange::{Attempt, Over, Sought, What};
use crate::money::Money;
use crate::plugin::{Decision, Outcome, Receipt};
use crate::trace::SpanId;

/// Spans below that of one exchange; a request of many segments has a plugin call for each.
const CHILDREN_MAX: usize = 256;
/// The flag of spans that are recorded; others are not sent.
const SAMPLED: u32 = 1;

/// Writes the messages of one gateway.
#[derive(Debug)]
pub(super) struct Writer {
    resource: Resource,
}

impl Writer {
    pub(super) fn new(service_name: &str) -> Self {
        let attributes = Attributes::default()
            .text(name::SERVICE_NAME, service_name)
            .text(name::SERVICE_VERSION, env!("CARGO_PKG_VERSION"))
            .text(name::SERVICE_INSTANCE, uuid::Uuid::new_v4());
        Self { resource: Resource { attributes: attributes.0, ..Resource::default() } }
    }

    /// The message with the spans of these exchanges, in its bytes.
    pub(super) fn message<'a>(&self, exchanges: impl Iterator<Item = &'a Over>) -> Bytes {
        let scope = InstrumentationScope {
            name: env!("CARGO_PKG_NAME").to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            ..InstrumentationScope::default()
        };
        let scope_spans =
            ScopeSpans { scope: Some(scope), spans: exchanges.flat_map(spans).collect(), ..ScopeSpans::default() };
        let resource = Some(self.resource.clone());
        let spans = ResourceSpans { resource, scope_spans: vec![scope_spans], ..ResourceSpans::default() };
        ExportTraceServiceRequest { resource_spans: vec![spans] }.encode_to_vec().into()
    }
}

/// What a span says beside its name and its times.
#[derive(Default)]
struct Attributes(Vec<KeyValue>);

impl Attributes {
    fn text(self, key: &str, value: impl ToString) -> Self {
        self.with(key, Value::StringValue(value.to_string()))
    }

    fn number(self, key: &str, value: impl TryInto<i64>) -> Self {
        self.with(key, Value::IntValue(value.try_into().unwrap_or(i64::MAX)))
    }

    fn real(self, key: &str, value: f64) -> Self {
        self.with(key, Value::DoubleValue(value))
    }

    fn yes(self, key: &str, value: bool) -> Self {
        if value { self.with(key, Value::BoolValue(true)) } else { self }
    }

    fn money(self, key: &str, value: Money) -> Self {
        if value > Money::ZERO { self.real(key, value.dollars()) } else { self }
    }

    fn maybe<T>(self, value: Option<T>, with: impl FnOnce(Self, T) -> Self) -> Self {
        match value {
            Some(value) => with(self, value),
            None => self,
        }
    }

    fn with(mut self, key: &str, value: Value) -> Self {
        self.0.push(KeyValue {
            key: key.to_owned(),
            value: Some(AnyValue { value: Some(value) }),
            ..KeyValue::default()
        });
        self
    }
}

/// How many spans an exchange has at most.
pub(super) fn spans_of(over: &Over) -> usize {
    let record = &over.record;
    1 + CHILDREN_MAX.min(record.receipts.len() + record.attempts.len() + record.lookups.len())
}

/// All spans of an exchange.
fn spans(over: &Over) -> Vec<Span> {
    let mut children = children(over);
    let left_out = children.len().saturating_sub(CHILDREN_MAX);
    children.truncate(CHILDREN_MAX);
    let mut spans = Vec::with_capacity(children.len() + 1);
    spans.push(exchange(over, left_out));
    spans.extend(children);
    spans
}

/// The span of the exchange itself.
fn exchange(over: &Over, left_out: usize) -> Span {
    let (record, ending) = (&over.record, &over.ending);
    let attempt = record.attempts.last();
    let verdict = record.receipts.iter().filter(|receipt| receipt.export.ends_with("-guardrail"));
    let verdict = verdict.map(|receipt| receipt.decision).max_by_key(|decision| decision.gravity());
    let (cost, plugins_cost) = (record.cost(), record.plugins_cost());
    let attributes = Attributes(Vec::with_capacity(24))
        .maybe(operation(over), |it, operation| it.text(name::OPERATION, operation))
        .maybe(is_said(&record.model), |it, model| it.text(name::REQUEST_MODEL, model))
        .yes(name::REQUEST_STREAM, record.streaming)
        .text(name::EXCHANGE, &over.id)
        .text(name::TENANT, &over.caller.tenant)
        .text(name::DIALECT, over.dialect.word())
        .text(name::OUTCOME, ending.outcome)
        .number(name::GENERATION, over.generation)
        .maybe(attempt, |it, attempt| it.text(name::PROVIDER, provider(&attempt.target)))
        .maybe(over.first_text(), |it, first| it.real(name::TIME_TO_FIRST_CHUNK, first.as_secs_f64()))
        .maybe(record.usage(), |it, usage| {
            it.number(name::INPUT_TOKENS, usage.input_tokens)
                .number(name::OUTPUT_TOKENS, usage.output_tokens)
                .number(name::CACHE_READ_TOKENS, usage.cached_input_tokens)
                .number(name::CACHE_WRITE_TOKENS, usage.cache_write_tokens)
                .number(name::REASONING_TOKENS, usage.reasoning_tokens)
        })
        .maybe(record.status, |it, status| it.number(name::STATUS_CODE, status.as_u16()))
        .maybe(over.caller.key.as_ref(), |it, key| it.text(name::KEY, key))
        .maybe(verdict, |it, verdict| it.text(name::VERDICT, verdict.word()))
        .maybe(ending.code.as_ref(), |it, code| it.text(name::CODE, code))
        .maybe(ending.plugin.as_ref(), |it, plugin| it.text(name::PLUGIN, plugin))
        .maybe(record.served.as_ref(), |it, served| it.text(name::CACHE, served.state.word()))
        .maybe(record.routed.as_ref(), |it, (decision, _)| it.text(name::ROUTED, decision.word()))
        .maybe(over.within.as_ref(), |it, within| it.text(name::ASKED_BY, &within.plugin))
        .maybe(is_some(record.not_inspected.len()), |it, count| it.number(name::NOT_INSPECTED, count))
        .maybe(is_some(left_out), |it, count| it.number(name::SPANS_LEFT_OUT, count))
        .money(name::COST, cost.known)
        .money(name::PLUGINS_COST, plugins_cost);
    let failure = (ending.outcome != "answered").then_some(ending.outcome);
    // What is wrong with a request is no failure of who serves it, by the conventions for HTTP.
    let is_ours = record.status.is_none_or(|status| status.is_server_error());
    let trace = &over.trace;
    let span = span(over, (trace.span, trace.parent), (Duration::ZERO, over.took), failure, attributes);
    let status = span.status.filter(|_| is_ours);
    Span { name: called(over, &record.model), kind: SpanKind::Server.into(), status, ..span }
}

/// The spans below it. What a plugin is asked again and again, of the windows of a stream, is one of them.
fn children(over: &Over) -> Vec<Span> {
    let mut calls: Vec<Calls<'_>> = Vec::new();
    let mut spans = Vec::new();
    for step in over.steps() {
        let times = (step.at, step.at + step.took);
        match step.what {
            What::Plugin(receipt) => {
                let mut before = calls.iter_mut().filter(|_| over.record.streaming);
                match before.find(|calls| calls.sum.is_like(receipt)) {
                    Some(calls) => calls.add(receipt, times.1),
                    None => {
                        calls.push(Calls { sum: Cow::Borrowed(receipt), times, count: receipt.was_called().into() })
                    }
                }
            }
            What::Attempt(attempt, answered) => spans.push(asked(over, attempt, answered, times)),
            What::Lookup(sought) => spans.push(lookup(over, sought, times)),
            // The gap between two attempts says it.
            What::Wait => {}
        }
    }
    spans.extend(calls.iter().map(|calls| calls.span(over)));
    spans
}

/// What a plugin was asked, once or for the windows of a stream.
struct Calls<'a> {
    sum: Cow<'a, Receipt>,
    times: (Duration, Duration),
    count: usize,
}

impl Calls<'_> {
    fn add(&mut self, receipt: &Receipt, end: Duration) {
        self.sum.to_mut().add(receipt);
        self.times.1 = self.times.1.max(end);
        self.count += usize::from(receipt.was_called());
    }

    fn span(&self, over: &Over) -> Span {
        let receipt = &*self.sum;
        let attributes = Attributes(Vec::with_capacity(16))
            .text(name::PLUGIN, &receipt.plugin)
            .text(name::DIGEST, &receipt.digest)
            .text(name::EXPORT, receipt.export)
            .text(name::PHASE, receipt.phase.word())
            .text(name::VERDICT, receipt.decision.word())
            .text(name::OUTCOME, receipt.outcome.word())
            .number(name::CALLS, self.count)
            .number(name::FUEL, receipt.fuel)
            .number(name::MEMORY, receipt.memory_bytes)
            .number(name::WINDOWS, receipt.windows)
            .number(name::REMEMBERED, receipt.remembered)
            .number(name::PREFILTERED, receipt.prefiltered)
            .number(name::FINDINGS, receipt.findings.len())
            .yes(name::OBSERVED, receipt.observed)
            .maybe(receipt.denial.as_ref(), |it, (code, _)| it.text(name::CODE, code))
            .money(name::PLUGINS_COST, receipt.used.cost());
        let has_failed = receipt.outcome != Outcome::Said || receipt.decision == Decision::Failed;
        let failure = has_failed.then_some(receipt.outcome.word());
        let span = child(over, self.times, failure, attributes);
        Span { name: format!("{} {}", receipt.export, receipt.plugin), kind: SpanKind::Internal.into(), ..span }
    }
}

/// The span of a target that was asked.
fn asked(over: &Over, attempt: &Attempt, answered: Option<Duration>, times: (Duration, Duration)) -> Span {
    let target = &*attempt.target;
    let model = target.model.as_ref().unwrap_or(&over.record.model);
    let port = target.base_url.port_u16().or(match target.base_url.scheme_str() {
        Some("https") => Some(443),
        _ => Some(80),
    });
    let attributes = Attributes(Vec::with_capacity(8))
        .maybe(operation(over), |it, operation| it.text(name::OPERATION, operation))
        .maybe(is_said(model), |it, model| it.text(name::REQUEST_MODEL, model))
        .text(name::PROVIDER, provider(target))
        .text(name::TARGET, &target.name)
        .maybe(target.base_url.host(), |it, host| it.text(name::SERVER_ADDRESS, host))
        .maybe(port, |it, port| it.number(name::SERVER_PORT, port))
        .maybe(answered.filter(|_| over.record.streaming), |it, answered| {
            it.real(name::TIME_TO_FIRST_CHUNK, answered.as_secs_f64())
        });
    let span = span(over, (attempt.span, Some(over.trace.span)), times, attempt.failure(), attributes);
    Span { name: called(over, model), kind: SpanKind::Client.into(), ..span }
}

/// The span of a look for a kept answer.
fn lookup(over: &Over, sought: Sought, times: (Duration, Duration)) -> Span {
    let (name, attributes, failure) = match sought {
        Sought::Answer(state) => ("cache look-up", Attributes::default().text(name::FOUND, state.word()), None),
        Sought::Meaning(has_come) => {
            let attributes = Attributes::default().text(name::OPERATION, EMBEDDINGS);
            (EMBEDDINGS, attributes, (!has_come).then_some("embedding_failed"))
        }
    };
    Span { name: name.to_owned(), kind: SpanKind::Internal.into(), ..child(over, times, failure, attributes) }
}

fn child(over: &Over, times: (Duration, Duration), failure: Option<&str>, attributes: Attributes) -> Span {
    span(over, (SpanId::new(), Some(over.trace.span)), times, failure, attributes)
}

/// What all spans of an exchange have.
fn span(
    over: &Over,
    (own, parent): (SpanId, Option<SpanId>),
    (began, ended): (Duration, Duration),
    failure: Option<&str>,
    attributes: Attributes,
) -> Span {
    let at = |since: Duration| {
        let since_1970 = over.at.duration_since(UNIX_EPOCH).unwrap_or_default() + since;
        u64::try_from(since_1970.as_nanos()).unwrap_or(u64::MAX)
    };
    let attributes = attributes.maybe(failure, |it, failure| it.text(name::ERROR_TYPE, failure));
    let status = failure.map(|_| Status { code: StatusCode::Error.into(), message: String::new() });
    Span {
        trace_id: over.trace.id.bytes().to_vec(),
        span_id: own.bytes().to_vec(),
        parent_span_id: parent.map(|parent| parent.bytes().to_vec()).unwrap_or_default(),
        trace_state: over.trace.state.as_deref().unwrap_or_default().to_owned(),
        flags: SAMPLED,
        start_time_unix_nano: at(began),
        end_time_unix_nano: at(ended),
        attributes: attributes.0,
        status,
        ..Span::default()
    }
}

/// The name of a span in which this model is asked: the conventions want the operation and the model.
fn called(over: &Over, model: &str) -> String {
    let what = operation(over).or(is_said(over.record.task)).unwrap_or("exchange");
    is_said(model).map_or_else(|| what.to_owned(), |model| format!("{what} {model}"))
}

const EMBEDDINGS: &str = "embeddings";

/// What the conventions call what is asked of a model, if one is asked.
fn operation(over: &Over) -> Option<&'static str> {
    let task = over.record.task;
    match over.dialect {
        Dialect::Completions if task == Does::Converse.word() => Some("text_completion"),
        Dialect::Gemini if task == Does::Converse.word() => Some("generate_content"),
        _ if task == Does::Converse.word() => Some("chat"),
        _ if task == Does::Embed.word() => Some(EMBEDDINGS),
        // They have no word for it.
        _ if task == Does::CountTokens.word() => Some("count_tokens"),
        _ => None,
    }
}

/// What the conventions call who is asked: by what is spoken, and by whose prices count where that is known.
fn provider(target: &Target) -> &str {
    match (&target.platform, target.dialect, target.prices_as.as_deref()) {
        (Platform::Azure(_), _, _) => "azure.ai.openai",
        (Platform::Aws(_), _, _) | (_, Wire::Bedrock, _) => "aws.bedrock",
        (_, Wire::Dialect(Dialect::Anthropic), _) => "anthropic",
        (_, Wire::Dialect(Dialect::Gemini), _) => "gcp.gemini",
        (_, _, Some("google")) => "gcp.gemini",
        (_, _, Some("mistral")) => "mistral_ai",
        (_, _, Some("xai")) => "x_ai",
        (_, _, Some(seller)) => seller,
        (_, _, None) if target.sandbox => "sluicegate.sandbox",
        (_, _, None) => "openai",
    }
}

fn is_said(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

fn is_some(count: usize) -> Option<usize> {
    (count > 0).then_some(count)
}
