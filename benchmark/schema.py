"""The JSON schema of record.json, and a light check against it that needs no further package."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_TEXT = {"type": "string"}
_FLAG = {"type": "boolean"}
_COUNT = {"type": "integer", "minimum": 0}
_MAYBE_COUNT = {"type": ["integer", "null"], "minimum": 0}
_NUMBER = {"type": "number"}
_MAYBE_NUMBER = {"type": ["number", "null"]}
_PLAIN = {"type": "object"}


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


# A mean over identical images is infinite, which JSON numbers cannot say; it is written as the text "inf".
_MEAN = {"type": ["number", "string", "null"]}
_INTERVAL = _object(
    {"mean": _MEAN, "low": _MEAN, "high": _MEAN, "kind": _TEXT, "reason": _TEXT, "n": _COUNT, "scenes": _COUNT}
)
_FIGURES = _object(
    {"psnr": _INTERVAL, "ssim": {**_INTERVAL, "type": ["object", "null"]}, "n": _COUNT, "scenes": _COUNT}
)
_COSTS = _object(
    {"params": _MAYBE_COUNT, "gmacs": _MAYBE_NUMBER, "ms_per_megapixel": _MAYBE_NUMBER, "peak_mb": _MAYBE_NUMBER}
)

SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "Record of one benchmark cell",
    **_object(
        {
            "cell": _TEXT,
            "status": {"type": "string", "enum": ["done", "failed", "skipped"]},
            "method": _TEXT,
            "dataset": _TEXT,
            "split": _TEXT,
            "reason": _TEXT,
            "recipe": _TEXT,
            "tier": _TEXT,
            "recipe_digest": _TEXT,
            "settings": _PLAIN,
            "method_version": _TEXT,
            "variant": _TEXT,
            "reference": _FLAG,
            "weights": _TEXT,
            "weights_sha256": _TEXT,
            "train_data": _TEXT,
            "train_fingerprint": _TEXT,
            "train_steps": _MAYBE_COUNT,
            "train_licence": _TEXT,
            "selected_by": _TEXT,
            "options": _PLAIN,
            "task": _TEXT,
            "degradation": _TEXT,
            "fingerprint": _TEXT,
            "partial": _TEXT,
            "convention": _TEXT,
            "seed": {"type": "integer"},
            "noise_seed": {"type": "integer"},
            "limit": _MAYBE_COUNT,
            "ensemble": _FLAG,
            "tile": _COUNT,
            "precision": {"type": "string", "enum": ["fp32", "bf16"]},
            "tf32": _FLAG,
            "grey_as_rgb": _FLAG,
            "figures": {"type": "object", "additionalProperties": _FIGURES},
            "n": _COUNT,
            "costs": _COSTS,
            "device": _TEXT,
            "versions": {"type": "object", "additionalProperties": _TEXT},
            "commit": _TEXT,
            "deterministic": _FLAG,
            "started": _TEXT,
            "seconds": _NUMBER,
            "note": _TEXT,
        }
    ),
}

_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
    "null": (type(None),),
    "object": (dict,),
}


def problem(value: Any, schema: Mapping[str, Any] = SCHEMA, where: str = "record") -> str:
    """What is wrong with a value, in a few words; '' when it fits. Knows the few words of JSON Schema used here."""
    kinds = schema.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if not any(_is(value, kind) for kind in kinds):
        return f"{where} is {type(value).__name__}, expected {' or '.join(kinds)}"
    if "enum" in schema and value not in schema["enum"]:
        return f"{where} is {value!r}, expected one of {', '.join(schema['enum'])}"
    if isinstance(value, dict):
        return _problem_inside(value, schema, where)
    if isinstance(value, int) and "minimum" in schema and value < schema["minimum"]:
        return f"{where} is {value}, expected at least {schema['minimum']}"
    return ""


def _problem_inside(value: dict[str, Any], schema: Mapping[str, Any], where: str) -> str:
    properties = schema.get("properties", {})
    missing = [key for key in schema.get("required", []) if key not in value]
    if missing:
        return f"{where} lacks {', '.join(missing)}"
    other = schema.get("additionalProperties", True)
    for key, inner in value.items():
        expected = properties.get(key, other)
        if expected is False:
            return f"{where} has the unknown field {key!r}"
        if expected is not True and (found := problem(inner, expected, f"{where}.{key}")):
            return found
    return ""


def _is(value: Any, kind: str) -> bool:
    if isinstance(value, bool):
        return kind == "boolean"
    return isinstance(value, _TYPES[kind])
