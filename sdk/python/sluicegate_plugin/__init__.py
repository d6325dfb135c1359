"""Write Sluicegate plugins in Python.

Subclass `TextGuardrail`, `RequestGuardrail`, `AnswerGuardrail`, `Router` or `Cache`:

    from sluicegate_plugin import TextGuardrail, TextVerdict, Window, setting, settings

    @settings
    class Config:
        letters: int = setting("So many letters may be capitals.", default=20, minimum=1)

    class NoShouting(TextGuardrail[Config]):
        def __init__(self, config: Config) -> None:
            self.letters = config.letters

        def inspect(self, window: Window) -> TextVerdict:
            if len(window.text) > self.letters and window.text.isupper():
                return TextVerdict.deny("shouting", "Please do not shout.")
            return TextVerdict.allow()

`python -m sluicegate_plugin.build` makes a component of it; its name, version and summary are those of `pyproject.toml`. The same
code runs natively, so a plugin is tested like any other module; see `sluicegate_plugin.testing`.

Positions and lengths count what Python counts, characters (code points); the SDK translates them to the bytes of the contract.

Regular expressions that the gateway runs are in `patterns`, lines of its log in `log`. What an installation must grant is in modules
of its own: `kv`, `clock`, `http`, `embedding`, `model`.

The plugin is made once, by calling its class with the configuration, and every call gets a fresh copy of what it was then: do the slow
work there, and keep what must outlive a call in `kv`.
"""

from .answer import AnswerGuardrail, AnswerVerdict
from .cache import Admission, ByMeaning, Cache, Candidate, Lookup
from .errors import ConfigError, PluginError, Unavailable, Unsupported
from .patterns import Match, Patterns
from .plugin import Plugin
from .request import RequestGuardrail, RequestVerdict
from .router import CannedAnswer, Escalation, Router, Routing, Target, Targets, Unchanged
from .settings import setting, settings
from .text import Prefilter, TextGuardrail, TextVerdict, Window, trailing, unfinished
from .words import (
    Answer,
    Channel,
    Denial,
    Edit,
    Exchange,
    Finding,
    Finish,
    Phase,
    Request,
    Role,
    Segment,
    Span,
    ToolDefinition,
    Usage,
)

__all__ = [
    "Admission",
    "Answer",
    "AnswerGuardrail",
    "AnswerVerdict",
    "ByMeaning",
    "Cache",
    "Candidate",
    "CannedAnswer",
    "Channel",
    "ConfigError",
    "Denial",
    "Edit",
    "Escalation",
    "Exchange",
    "Finding",
    "Finish",
    "Lookup",
    "Match",
    "Patterns",
    "Phase",
    "Plugin",
    "PluginError",
    "Prefilter",
    "Request",
    "RequestGuardrail",
    "RequestVerdict",
    "Role",
    "Router",
    "Routing",
    "Segment",
    "Span",
    "Target",
    "Targets",
    "TextGuardrail",
    "TextVerdict",
    "ToolDefinition",
    "Unavailable",
    "Unchanged",
    "Unsupported",
    "Usage",
    "Window",
    "setting",
    "settings",
    "trailing",
    "unfinished",
]
