"""The time, for plugins whose installation has `[grants.clock]`. Name `clock` in `imports` of `[tool.sluicegate]`.

The standard library's clocks stop a component: it has nothing but what it imports.
"""

from ._host import host


def now_ms() -> int:
    """Milliseconds since the beginning of 1970, in UTC. Not while the plugin is made: in the snapshot of that, the time would stand still."""
    return host().now_ms()
