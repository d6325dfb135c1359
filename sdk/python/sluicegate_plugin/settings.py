"""Configurations as classes: the JSON Schema that the gateway checks a configuration against, and the object that the plugin is given.

    @settings
    class Config:
        names: list[str] = setting("The names to mask.", items_min=1, length_min=1)
        refuse: bool = setting("Refuse instead of masking.", default=False)

A setting is a `str`, `bool`, `int`, `float`, `Literal[...]` of texts, a class of settings, a `list[...]` or `dict[str, ...]` of these, or
`... | None`. One without a default must be there.
"""

import dataclasses
import json
from dataclasses import MISSING
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, dataclass_transform, get_args, get_origin, get_type_hints

from .errors import ConfigError

T = TypeVar("T")


def setting(
    description: str,
    *,
    default: Any = MISSING,
    minimum: float | None = None,
    maximum: float | None = None,
    length_min: int | None = None,
    length_max: int | None = None,
    items_min: int | None = None,
) -> Any:
    """One setting of a class that `settings` is put on: what it is for, its default, and the bounds of its numbers, of the length of its
    texts (in characters, those of a list too) and of how many items its list has."""
    bounds = {"minimum": minimum, "maximum": maximum, "minLength": length_min, "maxLength": length_max, "minItems": items_min}
    metadata = {"description": description, "bounds": {name: bound for name, bound in bounds.items() if bound is not None}}
    if isinstance(default, (list, dict)):
        # Each configuration gets its own.
        return dataclasses.field(default_factory=default.copy, metadata=metadata)
    return dataclasses.field(default=default, metadata=metadata)


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(setting,))
def settings(kind: type[T]) -> type[T]:
    """Make a class of settings: a frozen data class with named arguments."""
    return dataclasses.dataclass(frozen=True, kw_only=True, slots=True)(kind)


def schema_of(kind: Any) -> str:
    """The JSON Schema of a configuration of this type: of a class of settings, or of `None`."""
    empty = {"type": "object", "additionalProperties": False}
    schema = empty if kind is None else _schema(kind, {})
    return json.dumps({"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}, ensure_ascii=False)


def read(kind: Any, text: str) -> Any:
    """Read a configuration, a JSON object, as this type: a class of settings, `None`, or a dict as it is. An empty text is an empty object.

    Raises `ConfigError` with what is wrong and where.
    """
    try:
        value = json.loads(text) if text.strip() else {}
    except ValueError as error:
        raise ConfigError(f"the configuration is not JSON: {error}") from None
    return read_value(kind, value)


def read_value(kind: Any, value: Any) -> Any:
    """The same, of a value that was parsed before."""
    if not isinstance(value, dict):
        raise ConfigError("the configuration must be an object")
    if kind is None:
        if value:
            raise ConfigError(f"there is no setting `{next(iter(value))}`; this plugin has none")
        return None
    return _read(kind, value, "", {}) if dataclasses.is_dataclass(kind) else value


_SIMPLE = {str: "string", bool: "boolean", int: "integer", float: "number"}
_WORDS = {str: "a text", bool: "true or false", int: "a whole number", float: "a number"}


def _schema(kind: Any, bounds: dict[str, float]) -> dict[str, Any]:
    if dataclasses.is_dataclass(kind):
        return _schema_of_settings(kind)
    origin, arguments = get_origin(kind), get_args(kind)
    if kind in _SIMPLE:
        return {"type": _SIMPLE[kind], **_bounds_for(kind, bounds)}
    if origin is list:
        return {"type": "array", "items": _schema(arguments[0], bounds), **_bounds_for(list, bounds)}
    if origin is dict and arguments[0] is str:
        return {"type": "object", "additionalProperties": _schema(arguments[1], bounds)}
    if origin is Literal:
        return {"enum": list(arguments)}
    if origin in (Union, UnionType) and len(arguments) == 2 and NoneType in arguments:
        return {"anyOf": [_schema(_other_than_none(arguments), bounds), {"type": "null"}]}
    raise TypeError(f"a setting cannot be of the type {kind}")


def _schema_of_settings(kind: Any) -> dict[str, Any]:
    hints = get_type_hints(kind)
    properties, required = {}, []
    for field in dataclasses.fields(kind):
        known = {"description": field.metadata["description"]} if "description" in field.metadata else {}
        property = {**known, **_schema(hints[field.name], field.metadata.get("bounds", {}))}
        default = field.default_factory() if field.default_factory is not MISSING else field.default
        if default is MISSING:
            required.append(field.name)
        else:
            property["default"] = dataclasses.asdict(default) if dataclasses.is_dataclass(type(default)) else default
        properties[field.name] = property
    schema = {"type": "object", "properties": properties, "additionalProperties": False}
    return {**schema, "required": required} if required else schema


def _bounds_for(kind: Any, bounds: dict[str, float]) -> dict[str, float]:
    names = {str: ["minLength", "maxLength"], list: ["minItems"], int: ["minimum", "maximum"], float: ["minimum", "maximum"]}.get(kind, [])
    return {name: bounds[name] for name in names if name in bounds}


def _read(kind: Any, value: Any, place: str, bounds: dict[str, float]) -> Any:
    """`place` is the name of what is read, empty for the configuration itself."""
    if dataclasses.is_dataclass(kind):
        return _read_settings(kind, value, place)
    origin, arguments = get_origin(kind), get_args(kind)
    if kind in _SIMPLE:
        return _read_simple(kind, value, place, bounds)
    if origin is list:
        if not isinstance(value, list):
            raise ConfigError(f"`{place}` must be a list")
        if len(value) < bounds.get("minItems", 0):
            raise ConfigError(f"`{place}` must have at least {bounds['minItems']} of them")
        return [_read(arguments[0], item, f"{place}[{index}]", bounds) for index, item in enumerate(value)]
    if origin is dict:
        if not isinstance(value, dict):
            raise ConfigError(f"`{place}` must be an object")
        return {name: _read(arguments[1], item, f"{place}.{name}", bounds) for name, item in value.items()}
    if origin is Literal:
        if value not in arguments:
            raise ConfigError(f"`{place}` must be one of {', '.join(map(repr, arguments))}")
        return value
    return None if value is None else _read(_other_than_none(arguments), value, place, bounds)


def _read_settings(kind: Any, value: Any, place: str) -> Any:
    if not isinstance(value, dict):
        raise ConfigError(f"`{place}` must be an object")
    within = f"{place}." if place else ""
    hints = get_type_hints(kind)
    fields = {field.name: field for field in dataclasses.fields(kind)}
    for name in value:
        if name not in fields:
            raise ConfigError(f"there is no setting `{within}{name}`; there is: {', '.join(fields)}")
    given = {}
    for name, field in fields.items():
        if name in value:
            given[name] = _read(hints[name], value[name], within + name, field.metadata.get("bounds", {}))
        elif field.default is MISSING and field.default_factory is MISSING:
            raise ConfigError(f"`{within}{name}` is missing")
    return kind(**given)


def _read_simple(kind: Any, value: Any, place: str, bounds: dict[str, float]) -> Any:
    if kind is float and type(value) is int:
        value = float(value)
    if kind is int and type(value) is float and value.is_integer():
        value = int(value)
    # A bool is an int to `isinstance`.
    if type(value) is not kind:
        raise ConfigError(f"`{place}` must be {_WORDS[kind]}")
    if kind is str and len(value) < bounds.get("minLength", 0):
        raise ConfigError(f"`{place}` must have at least {bounds['minLength']} characters")
    if kind is str and len(value) > bounds.get("maxLength", len(value)):
        raise ConfigError(f"`{place}` must have at most {bounds['maxLength']} characters")
    if kind in (int, float) and value < bounds.get("minimum", value):
        raise ConfigError(f"`{place}` must be at least {bounds['minimum']}")
    if kind in (int, float) and value > bounds.get("maximum", value):
        raise ConfigError(f"`{place}` must be at most {bounds['maximum']}")
    return value


def _other_than_none(arguments: tuple[Any, ...]) -> Any:
    return arguments[0] if arguments[1] is NoneType else arguments[1]
