//! Our own words for a conversation: request, segment, answer, and what guardrails say about them.
//!
//! No provider's JSON and no generated type comes in here: dialects convert to these at one edge,
//! `plugin/convert.rs` at the other.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::OnceLock;
use std::time::Duration;

use smol_str::SmolStr;

/// A short text: nothing is allocated for it, and a longer one is had in common with its copies.
pub type Word = SmolStr;

/// Who speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// The application's instructions.
    System,
    /// The person, or the application on their behalf.
    User,
    /// The model.
    Assistant,
    /// A tool that was called for the model.
    Tool,
}

impl Role {
    /// The word used in the contract, and by all dialects with lists of messages.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::User => "user",
            Self::Assistant => "assistant",
            Self::Tool => "tool",
        }
    }
}

/// What kind of text a segment holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Channel {
    /// What is said.
    Content,
    /// What the model thinks aloud.
    Reasoning,
    /// Why the model will not answer.
    Refusal,
    /// The arguments of a tool call, as the model wrote them.
    ToolArguments,
    /// What a tool answered.
    ToolResult,
    /// Text that a context plugin fetched.
    Passage,
    /// What the application tells the model about a tool.
    ToolDefinition,
    /// The name of a speaker or a tool.
    Name,
    /// Text in a field that the dialect does not know.
    Other,
}

impl Channel {
    /// The word used in the contract, in receipts and in logs.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Content => "content",
            Self::Reasoning => "reasoning",
            Self::Refusal => "refusal",
            Self::ToolArguments => "tool-arguments",
            Self::ToolResult => "tool-result",
            Self::Passage => "passage",
            Self::ToolDefinition => "tool-definition",
            Self::Name => "name",
            Self::Other => "other",
        }
    }
}

/// Which way text travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Phase {
    /// From the caller to the model.
    Request,
    /// From the model to the caller.
    Answer,
}

impl Phase {
    /// The word used in the contract, in receipts and in logs.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Answer => "answer",
        }
    }
}

/// One piece of text of an exchange.
#[derive(Clone, Debug, PartialEq)]
pub struct Segment {
    /// Who says it.
    pub role: Role,
    /// What kind of text it is.
    pub channel: Channel,
    /// Which of several alternative answers; 0 in a request.
    pub choice: u32,
    /// The tool's or the speaker's name, where the wire format gives one.
    pub name: Option<String>,
    /// The text itself.
    pub text: String,
    /// The text is JSON that stands as it is in the wire format: an edit must leave it JSON.
    pub is_json: bool,
}

/// A part of an exchange that no text guardrail can look into.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Opaque {
    /// A picture.
    Image,
    /// Sound.
    Audio,
    /// A document.
    File,
    /// The alternatives that a model weighed for each token.
    Logprobs,
    /// Thoughts that only the provider can read, or its seal on some.
    Sealed,
}

impl Opaque {
    /// The word used in receipts and in logs.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Audio => "audio",
            Self::File => "file",
            Self::Logprobs => "logprobs",
            Self::Sealed => "sealed-thinking",
        }
    }
}

/// A tool that the model may call.
#[derive(Clone, Debug, PartialEq)]
pub struct ToolDefinition {
    /// The name that the model calls it by.
    pub name: String,
    /// What it does.
    pub description: String,
    /// JSON Schema of its arguments.
    pub parameters: String,
}

/// What is asked of a model.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Task {
    /// To go on with a conversation or a text.
    #[default]
    Converse,
    /// To turn texts into vectors.
    Embed,
    /// To say how many tokens a conversation has, and not to answer it.
    CountTokens,
}

/// A request on its way to a model. A segment's id is its index.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Request {
    /// What is asked.
    pub task: Task,
    /// The model that the caller asked for.
    pub model: String,
    /// Whether the answer is to come as a stream of events.
    pub streaming: bool,
    /// All its text, in the order of the conversation.
    pub segments: Vec<Segment>,
    /// What no text guardrail can look into.
    pub opaque: Vec<Opaque>,
    /// The tools that the model may call.
    pub tools: Vec<ToolDefinition>,
    /// JSON Schema that the caller wants the answer to satisfy.
    pub answer_schema: Option<String>,
    /// The provider may call tools of its own for it, and what they did cannot be undone.
    pub acts: bool,
    /// It goes on from what its provider keeps, which no other one has.
    pub is_tied: bool,
    /// The most tokens that an answer may have, if the request says so.
    pub answer_tokens_max: Option<u64>,
    /// How many answers are asked for, if the request says so.
    pub answers: Option<u64>,
    /// It says in a field of its own for which of the application's users it is.
    pub names_user: bool,
    /// The provider's name for the conversation, if the request says it.
    pub conversation: Option<Word>,
    /// The id of the first call of a tool in the conversation.
    pub call: Option<Word>,
}

impl Request {
    /// Bytes of all its text.
    #[must_use]
    pub fn text_bytes(&self) -> usize {
        self.segments.iter().map(|segment| segment.text.len()).sum()
    }

    /// A rough count of tokens: a quarter of the bytes, which is near the truth for English text.
    #[must_use]
    pub fn tokens_estimate(&self) -> u32 {
        u32::try_from(self.text_bytes() / 4).unwrap_or(u32::MAX)
    }
}

/// Why an answer ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Finish {
    /// The model had said all.
    Stop,
    /// A bound on the tokens was reached.
    Length,
    /// The model wants tools to be called.
    ToolCalls,
    /// The provider withheld something.
    ContentFilter,
    /// Anything else, or nothing was said about it.
    #[default]
    Other,
}

impl Finish {
    /// The word for it, as OpenAI's API has it; nothing where none is known.
    #[must_use]
    pub fn word(self) -> Option<&'static str> {
        match self {
            Self::Stop => Some("stop"),
            Self::Length => Some("length"),
            Self::ToolCalls => Some("tool_calls"),
            Self::ContentFilter => Some("content_filter"),
            Self::Other => None,
        }
    }
}

/// Tokens that an answer used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Tokens of the request.
    pub input_tokens: u32,
    /// Those of them that the provider had in its cache.
    pub cached_input_tokens: u32,
    /// Those of them that the provider wrote to its cache.
    pub cache_write_tokens: u32,
    /// Tokens of the answer.
    pub output_tokens: u32,
    /// Those of them spent on reasoning.
    pub reasoning_tokens: u32,
}

impl Usage {
    /// The same, where parts are not more than what they are parts of: providers may say anything.
    #[must_use]
    pub fn cut(self) -> Self {
        let cached_input_tokens = self.cached_input_tokens.min(self.input_tokens);
        Self {
            cached_input_tokens,
            cache_write_tokens: self.cache_write_tokens.min(self.input_tokens.saturating_sub(cached_input_tokens)),
            reasoning_tokens: self.reasoning_tokens.min(self.output_tokens),
            ..self
        }
    }

    /// The larger number of each.
    #[must_use]
    pub fn or_more(self, other: Self) -> Self {
        Self {
            input_tokens: self.input_tokens.max(other.input_tokens),
            cached_input_tokens: self.cached_input_tokens.max(other.cached_input_tokens),
            cache_write_tokens: self.cache_write_tokens.max(other.cache_write_tokens),
            output_tokens: self.output_tokens.max(other.output_tokens),
            reasoning_tokens: self.reasoning_tokens.max(other.reasoning_tokens),
        }
    }

    /// Both together.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            input_tokens: self.input_tokens.saturating_add(other.input_tokens),
            cached_input_tokens: self.cached_input_tokens.saturating_add(other.cached_input_tokens),
            cache_write_tokens: self.cache_write_tokens.saturating_add(other.cache_write_tokens),
            output_tokens: self.output_tokens.saturating_add(other.output_tokens),
            reasoning_tokens: self.reasoning_tokens.saturating_add(other.reasoning_tokens),
        }
    }
}

/// A complete answer. A segment's id is its index.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answer {
    /// The target that gave it.
    pub target: String,
    /// All its text.
    pub segments: Vec<Segment>,
    /// Why it ended.
    pub finish: Finish,
    /// What it used, if the provider said so.
    pub usage: Option<Usage>,
    /// The id of the first call of a tool in it.
    pub call: Option<Word>,
    /// What its provider calls it.
    pub names: Names,
    /// There, it is none: the provider says in it that it has failed, or, where this is true, that the request is wrong.
    pub blames_request: Option<bool>,
}

/// What a provider calls an answer of its own, and the model that gave it, if both are names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// The answer's id there, by which the provider's own log may be searched.
    pub id: Option<Word>,
    /// The model, as with the day of its version: more than was asked for, or something else.
    pub model: Option<Word>,
}

/// Put `replacement` where `span` was.
#[derive(Clone, Debug, PartialEq)]
pub struct Edit {
    /// A range of bytes on character boundaries.
    pub span: Range<usize>,
    /// What to put there.
    pub replacement: String,
    /// Give the original back to the caller where the answer repeats the replacement.
    pub restore: bool,
}

/// Something noticed; never the text itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// The rule that matched.
    pub rule: String,
    /// Where, in bytes of the segment or window.
    pub span: Option<Range<usize>>,
    /// How sure, from 0 to 1.
    pub score: f32,
}

/// A plugin's refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denial {
    /// Stable and machine-readable.
    pub code: String,
    /// For the caller.
    pub reason: String,
    /// For the operator alone.
    pub detail: Option<String>,
}

/// What is to be done with one text.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Nothing.
    Allow,
    /// Change it. The edits are sorted and do not overlap.
    Edit(Vec<Edit>),
    /// Refuse it.
    Deny(Denial),
}

/// A text guardrail's verdict on one window.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// What to do.
    pub action: Action,
    /// What was noticed.
    pub findings: Vec<Finding>,
    /// How many bytes at the end to keep back until more text has come.
    pub hold: usize,
}

impl Verdict {
    /// Nothing to object to, but for that many bytes at the end that are not decided.
    #[must_use]
    pub fn allow(hold: usize) -> Self {
        Self { action: Action::Allow, findings: Vec::new(), hold }
    }
}

/// A request or answer guardrail's verdict; edits carry the index of their segment.
#[derive(Clone, Debug, PartialEq)]
pub enum WholeAction {
    /// Nothing.
    Allow,
    /// Change segments.
    Edit(Vec<(usize, Edit)>),
    /// Ask the model once more, with these words added. Answer guardrails only.
    Retry(String),
    /// Refuse.
    Deny(Denial),
}

/// A request or answer guardrail's verdict.
#[derive(Clone, Debug, PartialEq)]
pub struct WholeVerdict {
    /// What to do.
    pub action: WholeAction,
    /// What was noticed.
    pub findings: Vec<Finding>,
}

/// What a router knows of a target that it may choose.
#[derive(Clone, Debug, PartialEq)]
pub struct RouteTarget {
    /// Its name in the configuration.
    pub name: String,
    /// Its provider's.
    pub provider: String,
    /// What the provider calls the model.
    pub model: String,
    /// The operator's words about it.
    pub tags: Vec<String>,
    /// Whether it can be asked: it rests after failures otherwise.
    pub healthy: bool,
    /// Exchanges that it is answering.
    pub in_flight: u64,
    /// Median of the last times to the first token, if there were any.
    pub first_token: Option<Duration>,
    /// Dollars for a million tokens of the request and of the answer, if that is known.
    pub dollars: Option<(f64, f64)>,
    /// Tokens that it can read at once, if the operator said so.
    pub context_tokens: Option<u32>,
}

/// Who is to answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RouteDecision {
    /// Whoever is configured.
    Unchanged,
    /// These of the targets, in this order.
    Targets(Vec<usize>),
    /// Nobody: this is the answer.
    Answer(String),
    /// A person.
    Escalate {
        /// Which people.
        queue: String,
        /// What the caller is told meanwhile.
        text: String,
    },
    /// Nobody: the request is refused.
    Deny(Denial),
}

/// What a router says.
#[derive(Clone, Debug, PartialEq)]
pub struct Routing {
    /// Who is to answer.
    pub decision: RouteDecision,
    /// Who is asked in place of the targets when a guardrail rejects an answer.
    pub on_rejection: Vec<usize>,
    /// What the request was taken for, in a word.
    pub intent: Option<String>,
    /// What was noticed.
    pub findings: Vec<Finding>,
}

/// Where the answer to a request may be found, by what a cache policy says.
#[derive(Clone, Debug, PartialEq)]
pub enum Intention {
    /// Nowhere: a model is to be asked.
    Bypass,
    /// Among what is kept.
    LookUp(Lookup),
}

/// What to look for.
#[derive(Clone, Debug, PartialEq)]
pub struct Lookup {
    /// Requests with equal keys are the same question.
    pub key: String,
    /// A text to look for by what it means, and the least cosine similarity.
    pub by_meaning: Option<(String, f32)>,
    /// Answers older than that are stale.
    pub age_max: Duration,
}

/// A kept answer that was found by meaning.
#[derive(Clone, Copy, Debug)]
pub struct Candidate<'a> {
    /// The text that was looked for when it was kept.
    pub question: &'a str,
    /// The answer.
    pub answer: &'a Answer,
    /// Cosine similarity.
    pub similarity: f32,
    /// How long ago it was given.
    pub age: Duration,
}

/// What a text guardrail sees of a segment.
#[derive(Clone, Debug, PartialEq)]
pub struct Window<'a> {
    /// Which way the text travels.
    pub phase: Phase,
    /// Who says it.
    pub role: Role,
    /// What kind of text it is.
    pub channel: Channel,
    /// Context, then what is to be decided.
    pub text: Cow<'a, str>,
    /// How many bytes at the start were released before.
    pub context: usize,
    /// Nothing follows in this segment.
    pub is_final: bool,
    /// The same for all windows on an unchanged segment, where somebody keeps it.
    pub facts: Option<&'a SegmentFacts>,
}

/// What is worked out once about a whole segment, when it is first asked for, since all plugins of a chain look at the
/// same text. It counts until one of them edits the text.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SegmentFacts {
    /// A hash of the final window on it.
    pub fingerprint: OnceLock<[u64; 4]>,
    /// Nothing in it triggers any prefilter of the chain.
    pub untriggered: OnceLock<bool>,
}

/// Apply sorted, non-overlapping edits to a text.
#[must_use]
pub fn apply(text: &str, edits: &[Edit]) -> String {
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for edit in edits {
        out.push_str(text.get(at..edit.span.start).unwrap_or_default());
        out.push_str(&edit.replacement);
        at = edit.span.end;
    }
    out.push_str(text.get(at..).unwrap_or_default());
    out
}
