"""Calls to services that the operator named, for plugins whose installation has `[grants.http]`. Name `http` in `imports` of
`[tool.sluicegate]`.

A plugin says the name of a destination and a path; where that is, and what credential it wants, the gateway knows.
"""

from dataclasses import dataclass, field

from ._host import host
from .errors import Unavailable


class HttpError(Unavailable):
    """The service cannot be reached. A status like 404 is an answer."""


class UnknownDestination(HttpError):
    """The operator has named no such destination."""


class Timeout(HttpError):
    """It did not answer in time."""


class TooLarge(HttpError):
    """What is sent or what comes is too long."""


@dataclass(slots=True)
class Request:
    """A request to a service."""

    destination: str
    path: str = ""
    """Appended to the destination's address."""
    method: str = "GET"
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""


@dataclass(slots=True)
class Response:
    """What the service answered. Redirects are not followed."""

    status: int
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""

    def header(self, name: str) -> str | None:
        """The first header of this name, in whatever case."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)


def send(request: Request) -> Response:
    """Send it. Raises an `HttpError`."""
    return host().send(request)


def get(destination: str, path: str = "", headers: list[tuple[str, str]] | None = None) -> Response:
    """Send a GET. Raises an `HttpError`."""
    return send(Request(destination, path, "GET", headers or []))


def post(destination: str, path: str, body: bytes, headers: list[tuple[str, str]] | None = None) -> Response:
    """Send a POST. Raises an `HttpError`."""
    return send(Request(destination, path, "POST", headers or [], body))
