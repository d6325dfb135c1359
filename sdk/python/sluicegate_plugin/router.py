"""Routers decide who answers: which model, no model, or a person."""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass, field

from .plugin import C, Plugin
from .words import Denial, Finding, Request


@dataclass(slots=True)
class Target:
    """A model at a provider that this caller may use, as things stand now."""

    name: str
    provider: str = "test"
    model: str = "test"
    tags: list[str] = field(default_factory=list)
    healthy: bool = True
    """False while its circuit is open."""
    in_flight: int = 0
    first_token_ms: int | None = None
    """Moving median of the time to the first token; absent before the first call."""
    input_dollars_per_million: float | None = None
    """Absent where nobody knows the price."""
    output_dollars_per_million: float | None = None
    context_tokens: int | None = None
    """Absent where the operator has not said it."""


@dataclass(slots=True)
class Unchanged:
    """What the operator configured for the model asked for, unless the next router says something else."""


@dataclass(slots=True)
class Targets:
    """Try these targets in this order, and no others; indices into the targets, none of them twice."""

    indices: list[int]


@dataclass(slots=True)
class CannedAnswer:
    """Answer without a model."""

    text: str


@dataclass(slots=True)
class Escalation:
    """Hand over to people: the exchange is put into `queue`, and the caller gets `text` with a reference to come back with: in place of
    `{reference}`, or else below the text."""

    queue: str
    text: str


@dataclass(slots=True)
class Routing:
    """Who is to answer."""

    decision: Unchanged | Targets | CannedAnswer | Escalation | Denial = field(default_factory=Unchanged)
    on_rejection: list[int] = field(default_factory=list)
    """With a decision for targets: who is asked in their place, in this order, when a guardrail rejects an answer."""
    intent: str | None = None
    """What the request was taken for, for traces and metrics: `small-talk`, `code`."""
    findings: list[Finding] = field(default_factory=list)

    @classmethod
    def unchanged(cls, *, intent: str | None = None, findings: Iterable[Finding] = ()) -> "Routing":
        """Whoever the operator configured, unless another router says something else."""
        return cls(intent=intent, findings=list(findings))

    @classmethod
    def targets(
        cls,
        indices: Iterable[int],
        *,
        on_rejection: Iterable[int] = (),
        intent: str | None = None,
        findings: Iterable[Finding] = (),
    ) -> "Routing":
        """These targets in this order, by their indices. None at all decide nothing."""
        chosen = list(indices)
        if not chosen:
            return cls.unchanged(intent=intent, findings=findings)
        return cls(Targets(chosen), list(on_rejection), intent, list(findings))

    @classmethod
    def answer(cls, text: str, *, intent: str | None = None, findings: Iterable[Finding] = ()) -> "Routing":
        """This text, and no model."""
        return cls(CannedAnswer(text), intent=intent, findings=list(findings))

    @classmethod
    def escalate(cls, queue: str, text: str, *, intent: str | None = None, findings: Iterable[Finding] = ()) -> "Routing":
        """A person is to answer, one of those who see to `queue`; the caller is told this text meanwhile."""
        return cls(Escalation(queue, text), intent=intent, findings=list(findings))

    @classmethod
    def deny(
        cls,
        code: str,
        reason: str,
        detail: str | None = None,
        *,
        intent: str | None = None,
        findings: Iterable[Finding] = (),
    ) -> "Routing":
        """A refusal, with a stable code and words for the caller."""
        return cls(Denial(code, reason, detail), intent=intent, findings=list(findings))


class Router(Plugin[C], ABC):
    """Decides who answers."""

    @abstractmethod
    def route(self, request: Request, targets: list[Target]) -> Routing:
        """Who is to answer this request. The first of the targets are those of the model asked for, in the order in which they are
        configured. After a `PluginError` all stays as the operator configured it."""
