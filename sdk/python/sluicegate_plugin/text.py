"""Text guardrails: windows, and the verdicts on them."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from .patterns import Patterns
from .plugin import C, Plugin
from .words import Channel, Denial, Edit, Finding, Phase, Role


@dataclass(slots=True)
class Window:
    """A view on one segment. In a stream the gateway calls again as text arrives: what was held back stands in the next window again,
    behind some context that was released before."""

    text: str
    context: int = 0
    """So many characters at the start of `text` are already released. They are there to be looked at; an edit that reaches into them is
    clipped."""
    final: bool = True
    """No more text follows in this segment."""
    phase: Phase = Phase.REQUEST
    role: Role = Role.USER
    channel: Channel = Channel.CONTENT


@dataclass(slots=True)
class TextVerdict:
    """What is to become of a window. With a denial, the edits do not matter."""

    edits: list[Edit] = field(default_factory=list)
    denial: Denial | None = None
    findings: list[Finding] = field(default_factory=list)
    hold: int = 0
    """Keep that many characters at the end back until more text shows whether they belong to a match. Ignored in a final window."""

    @classmethod
    def allow(cls, *, findings: Iterable[Finding] = (), hold: int = 0) -> "TextVerdict":
        """Nothing to object to."""
        return cls(findings=list(findings), hold=hold)

    @classmethod
    def edit(cls, edits: Iterable[Edit], *, findings: Iterable[Finding] = (), hold: int = 0) -> "TextVerdict":
        """Change the text. No edits at all is the same as `allow`."""
        return cls(edits=list(edits), findings=list(findings), hold=hold)

    @classmethod
    def deny(cls, code: str, reason: str, detail: str | None = None, *, findings: Iterable[Finding] = ()) -> "TextVerdict":
        """Refuse, with a stable code and words for the caller."""
        return cls(denial=Denial(code, reason, detail), findings=list(findings))


@dataclass(slots=True)
class Prefilter:
    """What the gateway may let pass without calling the guardrail: a window in which none of the triggers matches is allowed, without
    findings. It must be what `inspect` would have said, but for a longer hold; `testing.stream` holds the guardrail to that."""

    triggers: Patterns
    tail: str | None = None
    """Of a window that is not final, the longest end that this expression matches as a whole is held back. Without it, only final windows
    are let pass."""


class TextGuardrail(Plugin[C], ABC):
    """Inspects text wherever it flows: prompts, answers whole or streaming, tool arguments and results."""

    @abstractmethod
    def inspect(self, window: Window) -> TextVerdict:
        """The verdict on one window. It must depend on the configuration and the window alone: verdicts are remembered."""

    def prefilter(self) -> Prefilter | None:
        """Asked once, when the plugin was made. Worth it for a guardrail of which most text is no concern: a call takes about two
        milliseconds, and the gateway looks for a few expressions in a hundredth of that."""
        return None


def trailing(text: str, belongs: Callable[[str], bool], length_max: int) -> int:
    """How many characters at the end of `text` are of those that `belongs` says yes to, at most `length_max`: the usual hold of a
    guardrail whose matches consist of such characters."""
    held = 0
    while held < min(length_max, len(text)) and belongs(text[-1 - held]):
        held += 1
    return held


def unfinished(text: str, words: Iterable[str]) -> int:
    """How many characters at the end of `text` may be the beginning of one of these words, the whole word not counted: the hold of a
    guardrail that looks for words."""
    words = list(words)
    longest = max(map(len, words), default=0)
    for held in range(min(longest - 1, len(text)), 0, -1):
        end = text[-held:]
        if any(len(word) > held and word.startswith(end) for word in words):
            return held
    return 0
