"""Cache policies decide what may be answered from memory. The gateway stores, finds and expires; it keeps tenants apart, and adds the
model, the tools, the sampling parameters, the system prompt and the versions of the guardrails to the key."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

from .plugin import C, Plugin
from .words import Answer, Finding, Request

AGE_MS_MAX = (1 << 64) - 1


@dataclass(slots=True)
class ByMeaning:
    """Also look for questions that mean nearly the same, if the operator named an embedder."""

    text: str
    """What is embedded and compared. What it leaves out, `accept` has to look at."""
    threshold: float
    """Least cosine similarity for a candidate, from 0 to 1."""


@dataclass(slots=True)
class Lookup:
    """Where an answer may be found."""

    key: str
    """Requests with equal keys are the same question."""
    by_meaning: ByMeaning | None = None
    age_ms_max: int = AGE_MS_MAX
    """Answers older than that are stale for this request."""


@dataclass(slots=True)
class Candidate:
    """A stored exchange that was found by meaning."""

    question: str
    """The text that was embedded for it."""
    answer: Answer
    similarity: float = 1.0
    age_ms: int = 0


@dataclass(slots=True)
class Admission:
    """An answer may be stored."""

    ttl_ms: int
    """For how long it is fresh."""


class Cache(Plugin[C], ABC):
    """Decides what may be answered from memory. After a `PluginError` the model is asked."""

    @abstractmethod
    def plan(self, request: Request, findings: list[Finding]) -> Lookup | None:
        """Where the answer to this request may be found, of which guardrails said `findings`; `None` to leave the cache out."""

    def accept(self, request: Request, candidate: Candidate) -> bool:
        """Whether a stored answer that was found by meaning answers this request too. Unless you say so, it does not."""
        return False

    @abstractmethod
    def admit(self, request: Request, answer: Answer, findings: list[Finding]) -> Admission | None:
        """Whether and for how long this answer may be stored; guardrails said `findings` of the request and of the answer."""
