"""Guardrails that judge a request as a whole: its scope, its intent, its tools, its size."""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass, field

from .plugin import C, Plugin
from .words import Denial, Edit, Finding, Request


@dataclass(slots=True)
class RequestVerdict:
    """What is to become of a request. With a denial, the edits do not matter."""

    edits: list[tuple[int, Edit]] = field(default_factory=list)
    """Each with the id of its segment."""
    denial: Denial | None = None
    findings: list[Finding] = field(default_factory=list)

    @classmethod
    def allow(cls, *, findings: Iterable[Finding] = ()) -> "RequestVerdict":
        """Nothing to object to."""
        return cls(findings=list(findings))

    @classmethod
    def edit(cls, edits: Iterable[tuple[int, Edit]], *, findings: Iterable[Finding] = ()) -> "RequestVerdict":
        """Change the text; each edit comes with the id of its segment. No edits at all is the same as `allow`."""
        return cls(edits=list(edits), findings=list(findings))

    @classmethod
    def deny(cls, code: str, reason: str, detail: str | None = None, *, findings: Iterable[Finding] = ()) -> "RequestVerdict":
        """Refuse, with a stable code and words for the caller."""
        return cls(denial=Denial(code, reason, detail), findings=list(findings))


class RequestGuardrail(Plugin[C], ABC):
    """Judges requests as a whole."""

    @abstractmethod
    def check(self, request: Request) -> RequestVerdict:
        """The verdict on one request. Raise a `PluginError` when none can be reached."""
