"""The plugin as a component: only here is it known what is generated from the contract. Natively nothing of it is imported.

The module that a build makes calls `start`, and hands on `Lifecycle` and the class of its kind, by which the generated code finds them.
"""

import gc
import sys
from types import ModuleType, TracebackType
from typing import Any, NoReturn

from componentize_py_types import Err
from wit_world.exports import lifecycle
from wit_world.imports import types as wit

from .. import _host
from ..errors import ConfigError, PluginError, Unavailable, Unsupported
from ..plugin import Plugin, defined_in
from ..settings import read, schema_of
from ..text import TextGuardrail
from .host import ComponentHost, Output


class _Started:
    """What the build said, and the plugin once it is made."""

    kind: type[Plugin[Any]]
    description: Any
    plugin: Any = None


def start(module: ModuleType, kind: type[Plugin[Any]], name: str, version: str, summary: str) -> None:
    """The plugin of this kind that the module defines is the one of this component."""
    _host.install(ComponentHost())
    sys.stdout = sys.stderr = Output()
    _Started.kind = defined_in(module, kind)
    _Started.description = lifecycle.Description(name, version, summary, schema(_Started.kind))


def schema(kind: type[Plugin[Any]]) -> str | None:
    """The JSON Schema of a plugin's configuration."""
    return kind.config_schema if getattr(kind.config_type, "__origin__", None) is dict else schema_of(kind.config_type)


def plugin() -> Any:
    """The plugin that was made."""
    # The host calls `configure` first; a call before it is the host's mistake.
    assert _Started.plugin is not None, "the plugin is used before it is configured"
    return _Started.plugin


class Lifecycle:
    """The export `lifecycle`."""

    def describe(self) -> Any:
        return _Started.description

    def configure(self, config: str) -> None:
        seal()
        try:
            made = _Started.kind(read(_Started.kind.config_type, config))
            if isinstance(made, TextGuardrail) and (prefilter := made.prefilter()):
                prefilter.triggers.prefilter(prefilter.tail)
        except (ConfigError, PluginError) as error:
            raise Err(str(error)) from None
        except Exception as error:
            # There is no text of an exchange yet that the message could hold.
            raise Err(f"{_place(error)}: {error}") from None
        _Started.plugin = made
        # What a call leaves behind is thrown away with its instance. A collection would touch all objects there are, and so copy all
        # pages of the snapshot.
        gc.collect()
        gc.freeze()
        gc.disable()


def seal() -> None:
    """From now on there are no files. Have Python say so, where it would otherwise stop without a word."""
    sys.addaudithook(_refuse)


def _refuse(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "import":
        raise PluginError(f"`{arguments[0]}` is imported too late: import it at the top of the module")
    if event == "open":
        raise PluginError("there are no files in a component: read them at the top of the module")


def fail(error: Exception) -> NoReturn:
    """End a call without a result. What a message of Python's says may be text of the exchange, so of those only the place is told."""
    if isinstance(error, Unsupported):
        raise Err(wit.PluginError_Unsupported(str(error))) from None
    if isinstance(error, Unavailable):
        raise Err(wit.PluginError_Unavailable(str(error) or type(error).__name__)) from None
    if isinstance(error, PluginError):
        raise Err(wit.PluginError_Other(str(error))) from None
    raise Err(wit.PluginError_Other(_place(error))) from None


def _place(error: Exception) -> str:
    at: TracebackType | None = error.__traceback__
    where = ""
    while at is not None:
        file = at.tb_frame.f_code.co_filename.rpartition("/")[2]
        where, at = f" at {file}:{at.tb_lineno}", at.tb_next
    return f"{type(error).__name__}{where}"
