"""The gateway's functions, as many of them as this component imports."""

from importlib import import_module
from types import ModuleType
from typing import Any

from componentize_py_types import Err
from wit_world.imports import log, patterns

from .._utf8 import Positions
from ..errors import ConfigError, Unavailable
from ..http import HttpError, Request, Response, Timeout, UnknownDestination
from ..http import TooLarge as HttpTooLarge
from ..kv import KvError, QuotaExceeded, TooLarge
from ..model import Prompt


def _imported(name: str) -> ModuleType | None:
    try:
        return import_module(f"wit_world.imports.{name}")
    except ModuleNotFoundError:
        return None


# In the build: there are no files later that something could be imported from.
_CAPABILITIES = {name: _imported(name) for name in ("kv", "clock", "http", "embedding", "model")}


def _capability(name: str) -> Any:
    found = _CAPABILITIES[name]
    if found is None:
        raise Unavailable(f"`{name}` is not among the `imports` of [tool.sluicegate]")
    return found


class ComponentHost:
    """The gateway."""

    def log(self, level: str, message: str) -> None:
        log.write(log.Level[level.upper()], message)

    def compile(self, expressions: list[str]) -> int:
        try:
            number: int = patterns.compile(expressions)
            return number
        except Err as error:
            raise ConfigError(error.value) from None

    def find(self, compiled: int, text: str) -> list[tuple[int, int, int]]:
        found = [(match.expression, match.span.start, match.span.end) for match in patterns.find(compiled, text)]
        if text.isascii():
            return found
        at = Positions(text).to_characters(position for _, start, end in found for position in (start, end))
        return [(expression, at[start], at[end]) for expression, start, end in found]

    def prefilter(self, compiled: int, tail: str | None) -> None:
        try:
            patterns.prefilter(compiled, tail)
        except Err as error:
            raise ConfigError(error.value) from None

    def kv_get(self, key: str) -> bytes | None:
        return _kv("get", key)  # type: ignore[no-any-return]

    def kv_set(self, key: str, value: bytes, ttl_ms: int | None) -> None:
        _kv("set", key, value, ttl_ms)

    def kv_delete(self, key: str) -> None:
        _kv("delete", key)

    def kv_increment(self, key: str, by: int, ttl_ms: int | None) -> int:
        return _kv("increment", key, by, ttl_ms)  # type: ignore[no-any-return]

    def now_ms(self) -> int:
        now: int = _capability("clock").now_ms()
        return now

    def send(self, request: Request) -> Response:
        http = _capability("http")
        asked = http.HttpRequest(request.destination, request.method, request.path, request.headers, request.body)
        try:
            answer = http.send(asked)
        except Err as error:
            raise _http_error(error.value) from None
        return Response(answer.status, answer.headers, answer.body)

    def embed(self, texts: list[str]) -> list[list[float]]:
        try:
            vectors: list[list[float]] = _capability("embedding").embed(texts)
            return vectors
        except Err as error:
            raise Unavailable(error.value) from None

    def complete(self, prompt: Prompt) -> str:
        model = _capability("model")
        asked = model.Prompt(
            prompt.target, prompt.system, prompt.user, prompt.output_tokens_max, prompt.answer_schema
        )
        try:
            answer: str = model.complete(asked)
            return answer
        except Err as error:
            raise Unavailable(error.value) from None


def _kv(function: str, *arguments: Any) -> Any:
    try:
        return getattr(_capability("kv"), function)(*arguments)
    except Err as error:
        raise _kv_error(error.value) from None


def _kv_error(error: Any) -> KvError:
    match type(error).__name__:
        case "KvError_TooLarge":
            return TooLarge("the store: too large")
        case "KvError_QuotaExceeded":
            return QuotaExceeded("the store: quota exceeded")
        case _:
            return KvError(error.value)


def _http_error(error: Any) -> HttpError:
    match type(error).__name__:
        case "HttpError_UnknownDestination":
            return UnknownDestination("no such destination")
        case "HttpError_Timeout":
            return Timeout("the service did not answer in time")
        case "HttpError_TooLarge":
            return HttpTooLarge("the request or the answer is too large")
        case _:
            return HttpError(error.value)


class Output:
    """Where `print` writes: the component has no other output, and to write to that of Python would end the call."""

    encoding = "utf-8"
    errors = "replace"

    def __init__(self) -> None:
        self.line = ""

    def write(self, text: str) -> int:
        *lines, self.line = (self.line + text).split("\n")
        for line in lines:
            log.write(log.Level.INFO, line)
        return len(text)

    def flush(self) -> None:
        if self.line:
            log.write(log.Level.INFO, self.line)
        self.line = ""

    def isatty(self) -> bool:
        return False
