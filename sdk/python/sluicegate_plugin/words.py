"""The words that every kind of plugin shares: `types` in the contract, with positions in characters.

Change nothing in what you are given: it is not frozen only because that would make each object twice as dear, and a call makes many.
"""

from dataclasses import dataclass, field
from enum import StrEnum


class Role(StrEnum):
    """Who speaks."""

    SYSTEM = "system"
    """The application's instructions; `developer` messages too."""
    USER = "user"
    ASSISTANT = "assistant"
    TOOL = "tool"
    """The result of a tool that was called for the model."""


class Channel(StrEnum):
    """What kind of text it is."""

    CONTENT = "content"
    REASONING = "reasoning"
    REFUSAL = "refusal"
    TOOL_ARGUMENTS = "tool-arguments"
    """The arguments of a tool call, as the model wrote them (usually JSON)."""
    TOOL_RESULT = "tool-result"
    PASSAGE = "passage"
    """Text fetched by a context plugin and put into the prompt."""
    TOOL_DEFINITION = "tool-definition"
    """What the application tells the model about a tool: its description and the texts in its schema."""
    NAME = "name"
    """The name of a speaker or of a tool. Applications look these up: an edit may break them."""
    OTHER = "other"
    """Text in a field that the dialect does not know."""


class Phase(StrEnum):
    """Which way the text travels."""

    REQUEST = "request"
    """From the caller to the model."""
    ANSWER = "answer"
    """From the model to the caller."""


class Finish(StrEnum):
    """Why an answer ended."""

    STOP = "stop"
    LENGTH = "length"
    TOOL_CALLS = "tool-calls"
    CONTENT_FILTER = "content-filter"
    OTHER = "other"


@dataclass(slots=True)
class Span:
    """The characters from `start` up to, not including, `end`: `text[start:end]`."""

    start: int
    end: int


@dataclass(slots=True)
class Edit:
    """Put `replacement` where `span` was. The edits of one verdict must not overlap."""

    span: Span
    replacement: str
    restore: bool = False
    """Remember the original for this exchange: where the answer repeats the replacement, the caller gets the original back. Put `{n}`
    into the replacement, so that the gateway can make it unique."""

    @classmethod
    def mask(cls, start: int, end: int, replacement: str) -> "Edit":
        """Replace `text[start:end]` for good."""
        return cls(Span(start, end), replacement)

    @classmethod
    def restored(cls, start: int, end: int, replacement: str) -> "Edit":
        """Replace `text[start:end]`, and give the original back to the caller where the answer repeats the replacement."""
        return cls(Span(start, end), replacement, restore=True)


@dataclass(slots=True)
class Finding:
    """Something noticed, whether or not it changes the outcome. Never put text of an exchange into it."""

    rule: str
    """The rule that matched, stable over versions: `email`, `jailbreak.role-play`."""
    span: Span | None = None
    """Where, in the text of a window. Of a whole request or answer, whose findings do not say in which segment they are, no place is told."""
    score: float = 1.0
    """How sure, from 0 to 1."""

    @classmethod
    def at(cls, start: int, end: int, rule: str, score: float = 1.0) -> "Finding":
        """Something noticed in `text[start:end]`."""
        return cls(rule, Span(start, end), score)


@dataclass(slots=True)
class Denial:
    """A refusal, in words for its two audiences."""

    code: str
    """Stable and machine-readable, as `pii.blocked`."""
    reason: str
    """For the caller. Must not repeat the refused text."""
    detail: str | None = None
    """For the operator's trace alone."""


@dataclass(slots=True)
class Segment:
    """One piece of text of an exchange."""

    text: str
    role: Role = Role.USER
    channel: Channel = Channel.CONTENT
    id: int = 0
    """Names this segment within the exchange."""
    choice: int = 0
    """Which of several alternative answers; 0 in a request."""
    name: str | None = None
    """The tool's or the speaker's name, where the wire format gives one."""


@dataclass(slots=True)
class ToolDefinition:
    """A tool that the model may call."""

    name: str
    description: str = ""
    parameters: str = "{}"
    """JSON Schema of the arguments."""


@dataclass(slots=True)
class Exchange:
    """What is known about an exchange beside its text."""

    id: str = "test"
    """Unique; also in the caller's `x-sluicegate-exchange` response header."""
    tenant: str = "test"
    """The partition that caches, `kv` and budgets are kept in."""
    user: str | None = None
    session: str | None = None
    """Ties the steps of one agent run or conversation together."""
    step: int = 0
    """How many exchanges of this session came before."""
    model: str = "test"
    """The model that the caller asked for."""
    streaming: bool = False
    attributes: list[tuple[str, str]] = field(default_factory=list)
    """Headers and tags that the operator lets plugins see."""


@dataclass(slots=True)
class Request:
    """A request on its way to a model."""

    segments: list[Segment]
    """In the order of the conversation."""
    tools: list[ToolDefinition] = field(default_factory=list)
    answer_schema: str | None = None
    """JSON Schema that the caller wants the answer to satisfy."""
    tokens_estimate: int = 0
    exchange: Exchange = field(default_factory=Exchange)

    def said_last(self) -> list[Segment]:
        """What the person has said last, in one go. What the model and its tools have said since belongs to the same task."""
        said = [segment for segment in self.segments if segment.channel is Channel.CONTENT]
        while said and said[-1].role is not Role.USER:
            said.pop()
        start = len(said)
        while start and said[start - 1].role is Role.USER:
            start -= 1
        return said[start:]


@dataclass(slots=True)
class Usage:
    """What an answer took."""

    input_tokens: int
    cached_input_tokens: int
    output_tokens: int
    reasoning_tokens: int


@dataclass(slots=True)
class Answer:
    """A complete answer."""

    segments: list[Segment]
    finish: Finish = Finish.STOP
    target: str = "test"
    """The target that gave it."""
    usage: Usage | None = None
