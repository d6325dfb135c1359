"""Guardrails that judge an answer as a whole, beside the request that it answers. A streamed answer is withheld until it is complete,
unless the operator set the plugin to only observe streams."""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass, field

from .plugin import C, Plugin
from .words import Answer, Denial, Edit, Finding, Request


@dataclass(slots=True)
class AnswerVerdict:
    """What is to become of an answer. A denial comes before a retry, and both before edits."""

    edits: list[tuple[int, Edit]] = field(default_factory=list)
    """Each with the id of its segment."""
    retry_with: str | None = None
    """Ask the model once more, with these words of correction added."""
    denial: Denial | None = None
    findings: list[Finding] = field(default_factory=list)

    @classmethod
    def allow(cls, *, findings: Iterable[Finding] = ()) -> "AnswerVerdict":
        """Nothing to object to."""
        return cls(findings=list(findings))

    @classmethod
    def edit(cls, edits: Iterable[tuple[int, Edit]], *, findings: Iterable[Finding] = ()) -> "AnswerVerdict":
        """Change the text; each edit comes with the id of its segment. No edits at all is the same as `allow`."""
        return cls(edits=list(edits), findings=list(findings))

    @classmethod
    def retry(cls, words: str, *, findings: Iterable[Finding] = ()) -> "AnswerVerdict":
        """Ask the model once more, with these words of correction added. The gateway bounds how often; after the last try the operator's
        failure mode applies."""
        return cls(retry_with=words, findings=list(findings))

    @classmethod
    def deny(cls, code: str, reason: str, detail: str | None = None, *, findings: Iterable[Finding] = ()) -> "AnswerVerdict":
        """Refuse, with a stable code and words for the caller."""
        return cls(denial=Denial(code, reason, detail), findings=list(findings))


class AnswerGuardrail(Plugin[C], ABC):
    """Judges answers as a whole."""

    @abstractmethod
    def check(self, request: Request, answer: Answer) -> AnswerVerdict:
        """The verdict on one answer. Raise a `PluginError` when none can be reached."""
