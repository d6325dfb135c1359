"""The gateway as a plugin sees it. In a component it is the gateway; natively, in tests, what `testing` puts in its place."""

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from .http import Request, Response
    from .model import Prompt


class Host(Protocol):
    """What the gateway offers, in Python's own types."""

    def log(self, level: str, message: str) -> None: ...
    def compile(self, expressions: list[str]) -> Any: ...
    def find(self, compiled: Any, text: str) -> list[tuple[int, int, int]]:
        """For each match the index of its expression, its start and its end, in characters."""
        ...

    def prefilter(self, compiled: Any, tail: str | None) -> None: ...
    def kv_get(self, key: str) -> bytes | None: ...
    def kv_set(self, key: str, value: bytes, ttl_ms: int | None) -> None: ...
    def kv_delete(self, key: str) -> None: ...
    def kv_increment(self, key: str, by: int, ttl_ms: int | None) -> int: ...
    def now_ms(self) -> int: ...
    def send(self, request: "Request") -> "Response": ...
    def embed(self, texts: list[str]) -> list[list[float]]: ...
    def complete(self, prompt: "Prompt") -> str: ...


_installed: Host | None = None


def install(host: Host) -> None:
    """This is the host from now on."""
    global _installed
    _installed = host


def host() -> Host:
    """The host that was installed, or else the one for tests."""
    if _installed is None:
        from . import testing

        install(testing.host)
    assert _installed is not None
    return _installed
