"""Numbers that stand for meaning, for plugins whose installation has `[grants.embedding]`. Name `embedding` in `imports` of
`[tool.sluicegate]`.

In the gateway the operator's embedder gives them, while the plugin is made too. Natively, in tests, a text's words do: texts with the same
words have the same vector, and those without a word in common are at a right angle.
"""

from collections.abc import Iterable

from ._host import host


def embed(texts: Iterable[str]) -> list[list[float]]:
    """One vector of unit length for each text, of which there may be 1,024. Raises `Unavailable`."""
    return host().embed(list(texts))


def similarity(one: list[float], other: list[float]) -> float:
    """How alike two vectors of unit length are: the cosine of the angle between them, from -1 to 1."""
    return sum(map(lambda a, b: a * b, one, other))
