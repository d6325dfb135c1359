"""Models that the operator named, asked through the gateway itself, for plugins whose installation has `[grants.model]`: to judge, to
classify, to rewrite. Name `model` in `imports` of `[tool.sluicegate]`. What is asked and answered passes the guardrails, save those that may
ask models.
"""

from dataclasses import dataclass

from ._host import host


@dataclass(slots=True)
class Prompt:
    """A question for one of the targets that are granted."""

    target: str
    user: str
    output_tokens_max: int
    system: str | None = None
    """What the model is told before."""
    answer_schema: str | None = None
    """JSON Schema that the answer must satisfy."""


def complete(prompt: Prompt) -> str:
    """Ask, and wait for the answer. Raises `Unavailable` when that is not granted or not for so much, when there is no answer in time, or
    when a guardrail refuses it."""
    return host().complete(prompt)
