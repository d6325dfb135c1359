"""What every plugin is."""

from types import ModuleType
from typing import Any, ClassVar, Generic, TypeVar, get_args

C = TypeVar("C")


class Plugin(Generic[C]):
    """Made once from its configuration. Subclass one of the kinds, with the type of the configuration in brackets: a class that `settings`
    was put on, `None` for a plugin without settings, or `dict[str, Any]` for the JSON object as it is.

    Attributes that `__init__` sets are there in each call; what a call changes is gone after it.
    """

    config_type: ClassVar[Any] = None
    """What stands in the brackets; set by the class statement."""

    config_schema: ClassVar[str | None] = None
    """JSON Schema of a configuration that is read as `dict[str, Any]`; that of `settings` is derived."""

    def __init__(self, config: C) -> None:
        """Build the plugin. Raise `ConfigError` with a sentence for the operator if that cannot be. Of the host functions only those of
        `log`, `patterns` and `embedding` are there."""

    def __init_subclass__(cls, **arguments: Any) -> None:
        super().__init_subclass__(**arguments)
        for base in cls.__dict__.get("__orig_bases__", ()):
            for argument in get_args(base):
                if not isinstance(argument, TypeVar):
                    cls.config_type = None if argument is type(None) else argument


P = TypeVar("P", bound=Plugin[Any])


def defined_in(module: ModuleType, kind: type[P]) -> type[P]:
    """The one plugin of this kind that a module defines. What it only imports does not count.

    Raises `LookupError` when there is none, or more than one.
    """
    classes = [value for value in vars(module).values() if isinstance(value, type) and issubclass(value, kind)]
    found: list[type[P]] = [value for value in classes if value.__module__ == module.__name__]
    if len(found) != 1:
        names = ", ".join(value.__name__ for value in found) or "none"
        raise LookupError(f"the module `{module.__name__}` must define one subclass of {kind.__name__}; there is: {names}")
    return found[0]
