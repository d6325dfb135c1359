"""Regular expressions that the gateway compiles and runs, at native speed. Granted to every plugin.

The syntax is that of the Rust crate `regex`: no look-around, no back-references, linear time. Natively, in tests, Python's `re` stands in;
it refuses those too, and does not know `\\p{...}` and a few others, so try such an expression in the gateway.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ._host import host


@dataclass(slots=True)
class Match:
    """A match of one expression of a set."""

    expression: int
    """Index into the expressions of the set."""
    start: int
    end: int


class Patterns:
    """A set of regular expressions. Make it where the plugin is made: the gateway compiles nothing in a call."""

    __slots__ = ("_compiled",)

    def __init__(self, expressions: Iterable[str]) -> None:
        """Raises `ConfigError` with what is wrong with which expression."""
        self._compiled: Any = host().compile(list(expressions))

    def find(self, text: str) -> list[Match]:
        """All matches, by start, then by expression; those of one expression do not overlap."""
        return [Match(*found) for found in host().find(self._compiled, text)]

    def prefilter(self, tail: str | None) -> None:
        """Tell the gateway what the plugin need not be called for. For the SDK: say it with `TextGuardrail.prefilter`."""
        host().prefilter(self._compiled, tail)


def escape(text: str) -> str:
    """An expression that matches just this text."""
    return "".join("\\" + character if character in r"\.+*?()|[]{}^$#&-~" else character for character in text)


def beginning(words: Iterable[str]) -> str:
    """An expression for what these words may begin with, the whole words not counted: the tail of a `Prefilter` whose triggers are the
    words. Words have at most 200 characters: expressions are nested 250 deep at most."""
    return "|".join(map(_beginning, words))


def _beginning(word: str) -> str:
    """`N(?:i(?:g)?)?` for `Nigh`."""
    *outer, last = map(escape, word[:-1]) if len(word) > 1 else [""]
    for character in reversed(outer):
        last = f"{character}(?:{last})?"
    return last
