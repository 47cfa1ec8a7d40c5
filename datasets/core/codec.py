"""Dataclasses of plain values <-> JSON, and the JSON schema that follows from their annotations.

Known annotations: str, bool, int, float, Any, ``X | None``, ``Mapping[str, X]``, ``tuple[X, ...]`` and dataclasses.
A field's metadata may hold ``minimum`` or ``enum``. Floats that JSON cannot say: NaN is null, infinities are texts.
"""

from __future__ import annotations

import math
import types
import typing
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from typing import Any

from datasets.core.errors import UserError

_PLAIN: dict[Any, str] = {str: "string", bool: "boolean", int: "integer"}


def encode(value: Any) -> Any:
    """A dataclass, and whatever it holds, as JSON values."""
    if is_dataclass(value):
        return {f.name: encode(getattr(value, f.name)) for f in fields(value) if not f.metadata.get("transient")}
    if isinstance(value, Mapping):
        return {str(key): encode(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [encode(inner) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else str(value)
    return value


def decode(kind: Any, value: Any, where: str = "record") -> Any:
    """The inverse of `encode`: a dataclass from JSON values; fields with a default may be absent.

    Raises:
        UserError: a value of another type, an unknown field, a field that is missing; names its place.
    """
    if problem := mismatch(value, schema(kind), where):
        raise UserError(problem)
    try:
        return _decoded(kind, value)
    except (ValueError, OverflowError) as error:  # a text where a number belongs, other than "inf"
        raise UserError(f"{where} holds a number that is none: {error}") from error


def _decoded(kind: Any, value: Any) -> Any:
    inner, optional = _optional(kind)
    if value is None:
        return math.nan if inner is float and not optional else None
    origin, arguments = typing.get_origin(inner), typing.get_args(inner)
    if origin is tuple:
        return tuple(_decoded(arguments[0], one) for one in value)
    if origin is not None and issubclass(origin, Mapping):
        return {key: _decoded(arguments[1], one) for key, one in value.items()}
    if is_dataclass(inner):
        hints = _hints(inner)  # type: ignore[arg-type]
        return inner(**{key: _decoded(hints[key], one) for key, one in value.items()})  # type: ignore[operator]
    return float(value) if inner is float else value


@cache
def _hints(kind: Any) -> dict[str, Any]:
    return typing.get_type_hints(kind)


def _optional(kind: Any) -> tuple[Any, bool]:
    """``X | None`` -> (X, True); X -> (X, False)."""
    if isinstance(kind, types.UnionType) or typing.get_origin(kind) is typing.Union:
        inner = [argument for argument in typing.get_args(kind) if argument is not type(None)]
        if len(inner) == 1:
            return inner[0], True
    return kind, False


@cache
def schema(kind: Any) -> dict[str, Any]:
    """The JSON schema of an annotation."""
    inner, optional = _optional(kind)
    result = dict(_schema_of(inner))
    if optional and "type" in result:
        types_ = result["type"] if isinstance(result["type"], list) else [result["type"]]
        result["type"] = list(dict.fromkeys([*types_, "null"]))
    return result


def _schema_of(kind: Any) -> dict[str, Any]:
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if is_dataclass(kind):
        hints = _hints(kind)  # type: ignore[arg-type]
        stored = [f for f in fields(kind) if not f.metadata.get("transient")]
        properties = {}
        for f in stored:
            limits = {key: f.metadata[key] for key in ("minimum", "enum") if key in f.metadata}
            limits |= {"enum": list(f.metadata["choices"])} if "choices" in f.metadata else {}
            properties[f.name] = {**schema(hints[f.name]), **limits}
        required = [f.name for f in stored if f.default is MISSING and f.default_factory is MISSING]
        return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}
    if origin is tuple:
        return {"type": "array", "items": schema(arguments[0])}
    if origin is not None and issubclass(origin, Mapping):
        return {"type": "object", "additionalProperties": schema(arguments[1])}
    if kind is float:
        return {"type": ["number", "string", "null"]}  # "inf", and null for NaN
    if kind in _PLAIN:
        return {"type": _PLAIN[kind]}
    if kind is Any:
        return {}
    raise TypeError(f"{kind!r} has no JSON form.")


_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
    "null": (type(None),),
    "object": (dict,),
    "array": (list,),
}


def mismatch(value: Any, expected: Mapping[str, Any], where: str) -> str:
    """What is wrong with a value, in a few words; '' when it fits. Knows the part of JSON Schema that is used here."""
    kinds = expected.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    # a bool is an int for Python, but no number in JSON
    fits = (kind == "boolean" if isinstance(value, bool) else isinstance(value, _TYPES[kind]) for kind in kinds)
    if kinds and not any(fits):
        return f"{where} is {type(value).__name__}, expected {' or '.join(kinds)}"
    if "enum" in expected and value not in expected["enum"]:
        return f"{where} is {value!r}, expected one of {', '.join(map(str, expected['enum']))}"
    if isinstance(value, dict):
        return _inside(value, expected, where)
    if isinstance(value, list):
        problems = (mismatch(inner, expected.get("items", {}), f"{where}[{i}]") for i, inner in enumerate(value))
        return next(filter(None, problems), "")
    if "minimum" in expected and isinstance(value, int) and value < expected["minimum"]:
        return f"{where} is {value}, expected at least {expected['minimum']}"
    return ""


def _inside(value: dict[str, Any], expected: Mapping[str, Any], where: str) -> str:
    properties = expected.get("properties", {})
    missing = [key for key in expected.get("required", []) if key not in value]
    if missing:
        return f"{where} lacks {', '.join(missing)}"
    other = expected.get("additionalProperties", True)
    for key, inner in value.items():
        allowed = properties.get(key, other)
        if allowed is False:
            return f"{where} has the unknown field {key!r}"
        if allowed is not True and (problem := mismatch(inner, allowed, f"{where}.{key}")):
            return problem
    return ""
