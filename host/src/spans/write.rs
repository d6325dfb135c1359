//! From exchanges that are over to spans: one for each exchange, and below it one for each plugin call, attempt, look-up and
//! embedding. No text of the exchange is in any of them, and nothing that a finding has matched.

use std::time::{Duration, UNIX_EPOCH};

use bytes::Bytes;

use super::conventions as name;
use super::wire::{Message, Value};
use crate::config::{Platform, Target};
use crate::dialect::{Dialect, Wire};
use crate::endpoint::Does;
use crate::exchange::{Attempt, Calls, Over, Sought, Step, What, is_upstreams};
use crate::money::Money;
use crate::plugin::{Decision, Outcome};
use crate::trace::SpanId;

/// Spans below that of one exchange; a request of many segments has a plugin call for each.
const CHILDREN_MAX: usize = 256;
/// Bytes that a span nearly never exceeds.
const SPAN_BYTES: usize = 768;
/// Spans that most exchanges have at most.
const SPANS: usize = 4;

/// The numbers of fields, in `opentelemetry/proto/trace/v1/trace.proto` and in what it is built of.
mod field {
    pub(super) const RESOURCE_SPANS: u32 = 1;
    pub(super) const RESOURCE: u32 = 1;
    pub(super) const RESOURCE_ATTRIBUTE: u32 = 1;
    pub(super) const SCOPE_SPANS: u32 = 2;
    pub(super) const SCOPE: u32 = 1;
    pub(super) const SCOPE_NAME: u32 = 1;
    pub(super) const SCOPE_VERSION: u32 = 2;
    pub(super) const SPAN: u32 = 2;
    pub(super) const TRACE: u32 = 1;
    pub(super) const ID: u32 = 2;
    pub(super) const STATE: u32 = 3;
    pub(super) const PARENT: u32 = 4;
    pub(super) const NAME: u32 = 5;
    pub(super) const KIND: u32 = 6;
    pub(super) const BEGAN: u32 = 7;
    pub(super) const ENDED: u32 = 8;
    pub(super) const ATTRIBUTE: u32 = 9;
    pub(super) const STATUS: u32 = 15;
    pub(super) const STATUS_CODE: u32 = 3;
    pub(super) const FLAGS: u32 = 16;
}

/// The flag of spans that are recorded; others are not sent.
const SAMPLED: u32 = 1;
/// The code of a span's status that says that it has failed.
const FAILED: u64 = 2;

/// Writes the messages of one gateway.
#[derive(Debug)]
pub(super) struct Writer {
    resource: Message,
    scope: Message,
}

impl Writer {
    pub(super) fn new(service_name: &str) -> Self {
        let instance = uuid::Uuid::new_v4().to_string();
        let mut resource = Message::default();
        for (key, value) in [
            (name::SERVICE_NAME, service_name),
            (name::SERVICE_VERSION, env!("CARGO_PKG_VERSION")),
            (name::SERVICE_INSTANCE, &instance),
        ] {
            resource.attribute(field::RESOURCE_ATTRIBUTE, key, Value::Text(value));
        }
        let mut scope = Message::default();
        scope.text(field::SCOPE_NAME, env!("CARGO_PKG_NAME"));
        scope.text(field::SCOPE_VERSION, env!("CARGO_PKG_VERSION"));
        Self { resource, scope }
    }

    /// The message with the spans of these exchanges, in its bytes.
    pub(super) fn message<'a>(&self, exchanges: impl ExactSizeIterator<Item = &'a Over>) -> Bytes {
        let mut all = Message::with_room(SPANS * SPAN_BYTES * exchanges.len());
        all.nested(field::RESOURCE_SPANS, |of_resource| {
            of_resource.message(field::RESOURCE, &self.resource);
            of_resource.nested(field::SCOPE_SPANS, |of_scope| {
                of_scope.message(field::SCOPE, &self.scope);
                exchanges.for_each(|over| spans(over, of_scope));
            });
        });
        all.into_bytes().into()
    }
}

/// A span beside its attributes.
struct Span<'a> {
    name: &'a str,
    kind: Kind,
    id: SpanId,
    parent: Option<SpanId>,
    /// Since the exchange began.
    times: (Duration, Duration),
    has_failed: bool,
}

/// What a span is to those before and behind it, with the number that it has in a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Internal = 1,
    Server = 2,
    Client = 3,
}

impl Span<'_> {
    /// Write it among those of its exchange.
    fn write(&self, over: &Over, spans: &mut Message, attributes: impl FnOnce(Attributes<'_>)) {
        let at = |since: Duration| {
            let since_1970 = over.at.duration_since(UNIX_EPOCH).unwrap_or_default() + since;
            u64::try_from(since_1970.as_nanos()).unwrap_or(u64::MAX)
        };
        spans.nested(field::SPAN, |span| {
            span.bytes(field::TRACE, over.trace.id.bytes());
            span.bytes(field::ID, self.id.bytes());
            if let Some(state) = &over.trace.state {
                span.text(field::STATE, state);
            }
            if let Some(parent) = &self.parent {
                span.bytes(field::PARENT, parent.bytes());
            }
            span.text(field::NAME, self.name);
            span.number(field::KIND, self.kind as u64);
            span.fixed64(field::BEGAN, at(self.times.0));
            span.fixed64(field::ENDED, at(self.times.1));
            attributes(Attributes(span));
            if self.has_failed {
                span.nested(field::STATUS, |status| status.number(field::STATUS_CODE, FAILED));
            }
            span.fixed32(field::FLAGS, SAMPLED);
        });
    }
}

/// What a span says beside its name and its times.
struct Attributes<'a>(&'a mut Message);

impl Attributes<'_> {
    fn text(self, key: &str, value: &str) -> Self {
        self.with(key, Value::Text(value))
    }

    fn number(self, key: &str, value: impl TryInto<i64>) -> Self {
        self.with(key, Value::Number(value.try_into().unwrap_or(i64::MAX)))
    }

    /// Nothing is said of what is not there.
    fn count(self, key: &str, count: impl TryInto<i64>) -> Self {
        match count.try_into().unwrap_or(i64::MAX) {
            0 => self,
            count => self.number(key, count),
        }
    }

    fn yes(self, key: &str, value: bool) -> Self {
        if value { self.with(key, Value::Yes) } else { self }
    }

    fn money(self, key: &str, value: Money) -> Self {
        if value > Money::ZERO { self.with(key, Value::Real(value.dollars())) } else { self }
    }

    fn time(self, key: &str, value: Option<Duration>) -> Self {
        self.maybe(value, |it, time| it.with(key, Value::Real(time.as_secs_f64())))
    }

    /// Nothing is said of what is not there.
    fn texts(self, key: &str, values: &[&str]) -> Self {
        if values.is_empty() { self } else { self.with(key, Value::Texts(values)) }
    }

    /// What the provider calls an answer, and why it has ended.
    fn answer(self, attempt: &Attempt) -> Self {
        let finishes: Vec<&str> = attempt.finishes().collect();
        self.maybe_text(name::RESPONSE_ID, attempt.names.id.as_deref())
            .maybe_text(name::RESPONSE_MODEL, attempt.names.model.as_deref())
            .texts(name::FINISH_REASONS, &finishes)
    }

    fn maybe_text(self, key: &str, value: Option<&str>) -> Self {
        self.maybe(value, |it, text| it.text(key, text))
    }

    fn maybe<T>(self, value: Option<T>, with: impl FnOnce(Self, T) -> Self) -> Self {
        match value {
            Some(value) => with(self, value),
            None => self,
        }
    }

    fn with(self, key: &str, value: Value<'_>) -> Self {
        self.0.attribute(field::ATTRIBUTE, key, value);
        self
    }
}

/// How many spans an exchange has at most.
pub(super) fn spans_of(over: &Over) -> usize {
    let record = &over.record;
    1 + CHILDREN_MAX.min(record.receipts.len() + record.attempts.len() + record.lookups.len())
}

/// All spans of an exchange, its own first.
fn spans(over: &Over, spans: &mut Message) {
    let steps = over.steps();
    // Of a wait nothing is said but the gap between two attempts.
    let children = || steps.iter().filter(|step| !matches!(step.what, What::Wait));
    exchange(over, children().count().saturating_sub(CHILDREN_MAX), spans);
    children().take(CHILDREN_MAX).for_each(|step| child(over, step, spans));
}

/// The span of the exchange itself.
fn exchange(over: &Over, left_out: usize, spans: &mut Message) {
    let (record, ending, trace) = (&over.record, &over.ending, &over.trace);
    let attempt = record.attempts.last();
    let failure = (!over.is_answered()).then_some(ending.outcome);
    let attributes = |it: Attributes<'_>| {
        it.maybe_text(name::OPERATION, operation(over))
            .maybe_text(name::PROVIDER, attempt.map(|attempt| provider(&attempt.target)))
            .maybe_text(name::CONVERSATION, over.session.as_deref())
            .maybe_text(name::REQUEST_MODEL, is_said(&record.model))
            .yes(name::REQUEST_STREAM, record.streaming)
            .time(name::TIME_TO_FIRST_CHUNK, over.first_text())
            .maybe(attempt, Attributes::answer)
            .maybe(record.usage(), |it, usage| {
                it.number(name::INPUT_TOKENS, usage.input_tokens)
                    .number(name::OUTPUT_TOKENS, usage.output_tokens)
                    .count(name::CACHE_READ_TOKENS, usage.cached_input_tokens)
                    .count(name::CACHE_WRITE_TOKENS, usage.cache_write_tokens)
                    .count(name::REASONING_TOKENS, usage.reasoning_tokens)
            })
            .maybe(record.status, |it, status| it.number(name::STATUS_CODE, status.as_u16()))
            .maybe_text(name::ERROR_TYPE, failure)
            .text(name::EXCHANGE, &over.id)
            .text(name::TENANT, &over.caller.tenant)
            .maybe_text(name::KEY, over.caller.key.as_deref())
            .text(name::DIALECT, over.dialect.word())
            .text(name::OUTCOME, ending.outcome)
            .maybe_text(name::CODE, ending.code.as_deref())
            .maybe_text(name::PLUGIN, ending.plugin.as_deref())
            .maybe_text(name::VERDICT, record.verdict().map(Decision::word))
            .maybe_text(name::CACHE, record.served.as_ref().map(|served| served.state.word()))
            .maybe_text(name::ROUTED, record.routed.as_ref().map(|(decision, _)| decision.word()))
            .maybe_text(name::ASKED_BY, over.within.as_ref().map(|within| &*within.plugin))
            .number(name::GENERATION, over.generation)
            .count(name::NOT_INSPECTED, record.not_inspected.len())
            .count(name::SPANS_LEFT_OUT, left_out)
            .money(name::COST, record.cost().known)
            .money(name::PLUGINS_COST, record.plugins_cost());
    };
    // What is wrong with a request is no failure of who serves it, by the conventions for HTTP.
    let broke_off = is_upstreams(ending.outcome);
    let is_ours = record.status.is_none_or(|status| status.is_server_error() || (status.is_success() && broke_off));
    let span = Span {
        name: &called(over, &record.model),
        kind: Kind::Server,
        id: trace.span,
        parent: trace.parent,
        times: (Duration::ZERO, over.took),
        has_failed: failure.is_some() && is_ours,
    };
    span.write(over, spans, attributes);
}

/// A span below it. What a plugin is asked again and again, of the windows of a stream, is one of them.
fn child(over: &Over, step: &Step<'_>, spans: &mut Message) {
    let times = (step.at, step.at + step.took);
    match &step.what {
        What::Plugin(calls) => called_plugin(over, calls, times, spans),
        What::Attempt(attempt, answered) => asked(over, attempt, *answered, times, spans),
        What::Lookup(sought) => lookup(over, *sought, times, spans),
        What::Wait => {}
    }
}

/// The span of what a plugin was asked, once or of the windows of a stream.
fn called_plugin(over: &Over, calls: &Calls<'_>, times: (Duration, Duration), spans: &mut Message) {
    let receipt = &*calls.receipt;
    let has_failed = receipt.outcome != Outcome::Said || receipt.decision == Decision::Failed;
    let attributes = |it: Attributes<'_>| {
        it.maybe_text(name::ERROR_TYPE, has_failed.then_some(receipt.outcome.word()))
            .text(name::PLUGIN, &receipt.plugin)
            .text(name::DIGEST, &receipt.digest)
            .text(name::EXPORT, receipt.export)
            .text(name::PHASE, receipt.phase.word())
            .text(name::VERDICT, receipt.decision.word())
            .text(name::OUTCOME, receipt.outcome.word())
            .maybe_text(name::CODE, receipt.denial.as_ref().map(|(code, _)| code.as_str()))
            .number(name::CALLS, calls.count)
            .number(name::FUEL, receipt.fuel)
            .number(name::MEMORY, receipt.memory_bytes)
            .number(name::WINDOWS, receipt.windows)
            .count(name::REMEMBERED, receipt.remembered)
            .count(name::PREFILTERED, receipt.prefiltered)
            .count(name::FINDINGS, receipt.findings.len())
            .yes(name::OBSERVED, receipt.observed)
            .money(name::PLUGINS_COST, receipt.used.cost());
    };
    let name = &format!("{} {}", receipt.export, receipt.plugin);
    let (id, parent) = (SpanId::new(), Some(over.trace.span));
    Span { name, kind: Kind::Internal, id, parent, times, has_failed }.write(over, spans, attributes);
}

/// The span of a target that was asked.
fn asked(over: &Over, attempt: &Attempt, answered: Option<Duration>, times: (Duration, Duration), spans: &mut Message) {
    let target = &*attempt.target;
    let model = target.model.as_deref().unwrap_or(&over.record.model);
    let failure = attempt.failure_or_refusal();
    let usual_port = if target.base_url.scheme_str() == Some("https") { 443 } else { 80 };
    let attributes = |it: Attributes<'_>| {
        it.maybe_text(name::OPERATION, operation(over))
            .text(name::PROVIDER, provider(target))
            .maybe_text(name::REQUEST_MODEL, is_said(model))
            .time(name::TIME_TO_FIRST_CHUNK, answered.filter(|_| over.record.streaming))
            .answer(attempt)
            .maybe_text(name::SERVER_ADDRESS, target.base_url.host())
            .number(name::SERVER_PORT, target.base_url.port_u16().unwrap_or(usual_port))
            .maybe_text(name::ERROR_TYPE, failure)
            .text(name::TARGET, &target.name);
    };
    let (name, has_failed) = (&called(over, model), failure.is_some());
    let (id, parent) = (attempt.span, Some(over.trace.span));
    Span { name, kind: Kind::Client, id, parent, times, has_failed }.write(over, spans, attributes);
}

/// The span of a look for a kept answer, or for the vector of a question.
fn lookup(over: &Over, sought: Sought, times: (Duration, Duration), spans: &mut Message) {
    let (name, has_failed) = match sought {
        Sought::Answer(_) => ("cache look-up", false),
        Sought::Meaning(has_come) => (EMBEDDINGS, !has_come),
    };
    let (id, parent) = (SpanId::new(), Some(over.trace.span));
    let span = Span { name, kind: Kind::Internal, id, parent, times, has_failed };
    span.write(over, spans, |it| {
        match sought {
            Sought::Answer(state) => it.text(name::FOUND, state.word()),
            Sought::Meaning(_) => it
                .text(name::OPERATION, EMBEDDINGS)
                .maybe_text(name::ERROR_TYPE, has_failed.then_some("embedding_failed")),
        };
    });
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
        (_, Wire::Dialect(Dialect::Gemini), _) | (_, _, Some("google")) => "gcp.gemini",
        (_, _, Some("mistral")) => "mistral_ai",
        (_, _, Some(seller)) => seller,
        (_, _, None) if target.sandbox => "sluicegate.sandbox",
        (_, _, None) => "openai",
    }
}

fn is_said(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
    use opentelemetry_proto::tonic::common::v1::any_value::Value as Read;
    use opentelemetry_proto::tonic::trace::v1::Span as ReadSpan;
    use prost::Message as _;

    use super::*;
    use crate::chat::Phase;
    use crate::plugin::Receipt;

    /// The spans of an exchange with these plugin calls, as a collector reads them.
    fn read(task: &'static str, streaming: bool, receipts: Vec<Receipt>) -> Vec<ReadSpan> {
        let message = Writer::new("x").message([&Over::of(task, streaming, receipts)].into_iter());
        let mut message = ExportTraceServiceRequest::decode(message).unwrap();
        message.resource_spans.remove(0).scope_spans.remove(0).spans
    }

    fn receipt(plugin: &str) -> Receipt {
        Receipt {
            windows: 1,
            bytes: 1,
            fuel: 10,
            time: Duration::from_millis(2),
            memory_bytes: 1,
            ..Receipt::begins(plugin.into(), "0123456789ab".into(), "text-guardrail", Phase::Answer)
        }
    }

    fn said(span: &ReadSpan, key: &str) -> Option<Read> {
        span.attributes.iter().find(|attribute| attribute.key == key)?.value.clone()?.value
    }

    #[test]
    fn spans_of_one_exchange_have_a_bound() {
        for (receipts, left_out) in [(CHILDREN_MAX, None), (CHILDREN_MAX + 1, Some(Read::IntValue(1)))] {
            let receipts = (0..receipts).map(|number| receipt(&number.to_string())).collect();
            let spans = read("converse", false, receipts);
            assert_eq!(spans.len(), CHILDREN_MAX + 1);
            assert_eq!(said(&spans[0], name::SPANS_LEFT_OUT), left_out);
        }
    }

    #[test]
    fn windows_of_a_stream_are_summed_up() {
        for (streaming, calls, fuel) in [(true, 1, 30), (false, 3, 10)] {
            let receipts = (0..3).map(|_| receipt("pii")).collect();
            let spans = read("converse", streaming, receipts);
            assert_eq!(spans.len(), 1 + calls);
            assert_eq!(said(&spans[1], name::FUEL), Some(Read::IntValue(fuel)));
            let ended = spans[1..].iter().map(|span| span.end_time_unix_nano - span.start_time_unix_nano).max();
            assert!(ended.is_some_and(|ended| ended >= 2_000_000), "{ended:?}");
        }
    }

    #[test]
    fn what_asks_no_model_is_called_by_what_it_does() {
        let name = |task| read(task, false, Vec::new()).remove(0).name;
        assert_eq!(["", "list-models", "converse"].map(name), ["exchange", "list-models", "chat"]);
    }
}
