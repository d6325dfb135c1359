"""Plugins in tests, which run natively: what the gateway offers is stood in for, and streams are played as the gateway plays them.

    guardrail = testing.made(Codename, {"names": ["Nightjar"]})
    assert testing.applied("On Nightjar.", guardrail.inspect(Window("On Nightjar."))) == "On [codename]."
    assert testing.stream(guardrail, ["On Night", "jar."]).released == "On [codename]."

`host` is the stand-in: `host.lines` has what was logged, `host.time_ms` is the time, `host.service` and `host.model` answer what is asked.
"""

import re
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from . import _host
from .errors import ConfigError, Unavailable
from .http import HttpError
from .http import Request as HttpRequest
from .http import Response as HttpResponse
from .kv import KvError, TooLarge
from .model import Prompt
from .plugin import Plugin
from .settings import read_value
from .text import Prefilter, TextGuardrail, TextVerdict, Window
from .words import Edit, Finding, Span

P = TypeVar("P", bound=Plugin[Any])


def made(kind: type[P], config: dict[str, Any] | None = None) -> P:
    """A plugin, made from a configuration as an operator writes it. Raises `ConfigError` as the gateway would show it."""
    return kind(read_value(kind.config_type, config or {}))


class NativeHost:
    """Stands in for the gateway."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str]] = []
        """What was logged: the level and the line."""
        self.time_ms: int = 1_767_225_600_000
        """What the clock says; it stands still until a test sets it."""
        self.kept: dict[str, tuple[bytes, int | None]] = {}
        """What is kept under each key, and until when."""
        self.service: Callable[[HttpRequest], HttpResponse] | None = None
        """Who answers what is sent with `http`."""
        self.model: Callable[[Prompt], str] | None = None
        """Who answers what is asked with `model`."""

    def reset(self) -> None:
        """Forget everything, as between two tests."""
        vars(self).update(vars(NativeHost()))

    def log(self, level: str, message: str) -> None:
        self.lines.append((level, message))

    def compile(self, expressions: list[str]) -> list[re.Pattern[str]]:
        return [_compile(expression) for expression in expressions]

    def find(self, compiled: list[re.Pattern[str]], text: str) -> list[tuple[int, int, int]]:
        found = [(index, *match.span()) for index, pattern in enumerate(compiled) for match in pattern.finditer(text)]
        return sorted(found, key=lambda match: (match[1], match[0]))

    def prefilter(self, compiled: list[re.Pattern[str]], tail: str | None) -> None:
        if tail is not None:
            _compile(tail)

    def kv_get(self, key: str) -> bytes | None:
        value, until = self.kept.get(_key(key), (None, None))
        return value if until is None or self.time_ms < until else None

    def kv_set(self, key: str, value: bytes, ttl_ms: int | None) -> None:
        self.kept[_key(key)] = (bytes(value), None if ttl_ms is None else self.time_ms + ttl_ms)

    def kv_delete(self, key: str) -> None:
        self.kept.pop(_key(key), None)

    def kv_increment(self, key: str, by: int, ttl_ms: int | None) -> int:
        value = self.kv_get(key)
        if value is None:
            self.kv_set(key, b"0", ttl_ms)
            value = b"0"
        if not re.fullmatch(rb"-?[0-9]+", value):
            raise KvError("what is kept under this key is no number")
        total = int(value) + by
        self.kept[key] = (str(total).encode(), self.kept[key][1])
        return total

    def now_ms(self) -> int:
        return self.time_ms

    def send(self, request: HttpRequest) -> HttpResponse:
        if self.service is None:
            raise HttpError("nobody is there: set `testing.host.service`")
        return self.service(request)

    def embed(self, texts: list[str]) -> list[list[float]]:
        return [_vector(text) for text in texts]

    def complete(self, prompt: Prompt) -> str:
        if self.model is None:
            raise Unavailable("nobody is there: set `testing.host.model`")
        return self.model(prompt)


host = NativeHost()
"""The stand-in."""

# In a component there is another one, and this module is not in it.
_host.install(host)


def _key(key: str) -> str:
    if len(key.encode()) > 512:
        raise TooLarge("a key has at most 512 bytes")
    return key


# More than two words of a test hardly ever meet in it.
_DIMENSIONS = 1_024


def _vector(text: str) -> list[float]:
    vector = [0.0] * _DIMENSIONS
    for word in re.findall(r"\w+", text.lower()):
        vector[zlib.crc32(word.encode()) % _DIMENSIONS] += 1.0
    length = sum(value * value for value in vector) ** 0.5
    if not length:
        # Nothing is like nothing else.
        return [1.0] + vector[1:]
    return [value / length for value in vector]


def _compile(expression: str) -> re.Pattern[str]:
    """Of the syntax of the gateway, what Python has too. What only Python has is refused."""
    try:
        return re.compile(_in_python(expression))
    except re.error as error:
        raise ConfigError(f"the expression `{expression}`, as Python reads it: {error}") from None


def _in_python(expression: str) -> str:
    """The two differ in the end of a text: Python's `$` also matches before a last line break, and its `\\Z` is `\\z` here."""
    lines = re.match(r"\(\?[a-zA-Z]*m", expression) is not None
    out, at, in_class = "", 0, False
    while at < len(expression):
        taken = expression[at : at + 2] if expression[at] == "\\" else expression[at]
        if not in_class and (re.match(r"\(\?(<?[=!]|P=|>|\()", expression[at:]) or re.match(r"\\[1-9Z]", taken)):
            raise ConfigError(f"the expression `{expression}`: the gateway has no look-around, no back-references and no \\Z")
        if not in_class and taken == "\\z":
            out += "\\Z"
        elif not in_class and taken == "$" and not lines:
            out += "\\Z"
        else:
            out += taken
        in_class = taken == "[" or (in_class and taken != "]")
        at += len(taken)
    return out


def applied(text: str, what: TextVerdict | Iterable[Edit]) -> str:
    """What becomes of a text by a verdict or by edits: what the gateway does.

    Raises `AssertionError` when it is a denial, or when the gateway would refuse the edits.
    """
    if isinstance(what, TextVerdict):
        assert what.denial is None, f"denied: {what.denial.code}"
        what = what.edits
    out, at = "", 0
    for edit in sorted(what, key=lambda edit: edit.span.start):
        assert at <= edit.span.start <= edit.span.end <= len(text), f"{edit.span} overlaps or lies outside of the text"
        out += text[at : edit.span.start] + edit.replacement
        at = edit.span.end
    return out + text[at:]


@dataclass
class Streamed:
    """What came of a stream."""

    released: str = ""
    denied: str | None = None
    """The code of the denial that ended it."""
    findings: list[Finding] = field(default_factory=list)
    """By their place in the whole text."""
    held_max: int = 0
    """The most characters that were held back between two chunks."""


def stream(
    guardrail: TextGuardrail[Any], chunks: Iterable[str], *, like: Window | None = None, context: int = 256
) -> Streamed:
    """Show a guardrail a text in chunks, as the gateway does: each window is up to `context` characters of what is decided, what was held
    back, and the new chunk. `like` gives the phase, the role and the channel.

    What comes of it does not depend on the chunks, if the guardrail holds back what it must.

    Raises `AssertionError` when a verdict is one that the gateway would refuse, or when the prefilter lets pass what the guardrail would
    not.
    """
    pieces = list(chunks) or [""]
    streamed, text, decided = Streamed(), "", 0
    prefilter = guardrail.prefilter()
    for index, piece in enumerate(pieces):
        text += piece
        start = max(decided - context, 0)
        window = replace(
            like or Window(""), text=text[start:], context=decided - start, final=index == len(pieces) - 1
        )
        verdict = _inspected(guardrail, prefilter, window)
        streamed.findings += [_moved(finding, start) for finding in verdict.findings]
        if verdict.denial is not None:
            streamed.denied = verdict.denial.code
            return streamed
        released, decided = _released(verdict, window, text, start, decided)
        streamed.released += released
        streamed.held_max = max(streamed.held_max, len(text) - decided)
    return streamed


def _inspected(guardrail: TextGuardrail[Any], prefilter: Prefilter | None, window: Window) -> TextVerdict:
    verdict = guardrail.inspect(window)
    if prefilter is None or (not window.final and prefilter.tail is None) or prefilter.triggers.find(window.text):
        return verdict
    hold = 0
    if not window.final and prefilter.tail is not None:
        found = _compile(f"(?:{prefilter.tail})\\z").search(window.text)
        hold = min(len(found.group()), len(window.text) - window.context) if found else 0
    undecided = min(verdict.hold, len(window.text) - window.context)
    same = not (verdict.edits or verdict.denial or verdict.findings) and (window.final or undecided <= hold)
    assert same, f"the prefilter lets {window} pass and holds {hold} characters back; the guardrail says {verdict}"
    return TextVerdict(hold=hold)


def _released(verdict: TextVerdict, window: Window, text: str, start: int, since: int) -> tuple[str, int]:
    """What is decided of `text`, and up to where it is."""
    to = max(len(text) - (0 if window.final else verdict.hold), since)
    out, at = "", since
    for edit in sorted(verdict.edits, key=lambda edit: edit.span.start):
        begin, end = edit.span.start + start, edit.span.end + start
        assert begin <= end <= len(text), f"{edit.span} lies outside of the window"
        if end <= since or begin >= to:
            continue
        if end > to:
            to = max(begin, since)
            break
        begin = max(begin, since)
        assert begin >= at, f"{edit.span} overlaps another edit"
        out += text[at:begin] + edit.replacement
        at = end
    return out + text[at:to], to


def _moved(finding: Finding, by: int) -> Finding:
    if finding.span is None:
        return finding
    return replace(finding, span=Span(finding.span.start + by, finding.span.end + by))
