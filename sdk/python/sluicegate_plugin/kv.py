"""A small store, kept apart by plugin and tenant, for plugins whose installation has `[grants.kv]`. Name `kv` in `imports` of
`[tool.sluicegate]`.

Natively, in tests, it is in memory, and its time is the one that `testing` is set to.
"""

from ._host import host
from .errors import Unavailable


class KvError(Unavailable):
    """The store cannot be asked."""


class TooLarge(KvError):
    """The key has more than 512 bytes, or the value is too long."""


class QuotaExceeded(KvError):
    """There is no room."""


def get(key: str) -> bytes | None:
    """What is kept under a key."""
    return host().kv_get(key)


def set(key: str, value: bytes, ttl_ms: int | None = None) -> None:
    """Keep a value for so long; without a time, until it is deleted."""
    host().kv_set(key, value, ttl_ms)


def delete(key: str) -> None:
    """Forget what is kept under a key."""
    host().kv_delete(key)


def increment(key: str, by: int = 1, ttl_ms: int | None = None) -> int:
    """Add to a number, which is 0 where there was none and then kept for so long; gives the sum. Of many who add at the same time each
    counts."""
    return host().kv_increment(key, by, ttl_ms)
