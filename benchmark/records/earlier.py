"""Records in the flat form that they had first: they are read, and their note says that they do not know the code."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from benchmark.inference.settings import InferenceSettings
from benchmark.records import cell as reasons
from datasets.core.earlier_refs import refs_of

NOTE = "made before records knew the method's code"
_INFERENCE = tuple(f.name for f in fields(InferenceSettings))
_CELL = ("method", "fingerprint", "task", "degradation", "limit", "recipe", "recipe_digest", "settings", "seed")


def is_earlier(value: Any) -> bool:
    """Whether the content of a record.json has the flat form."""
    return isinstance(value, dict) and isinstance(value.get("cell"), str) and "dataset" in value


def upgraded(value: dict[str, Any]) -> dict[str, Any]:
    """The same record in today's form. Damaged values stay as they are; decoding names them."""
    cell = {key: value[key] for key in (*_CELL, "weights", "weights_sha256", "method_version") if key in value}
    cell["data"] = {"name": value.get("dataset"), "options": value.get("options", {}), "split": value.get("split")}
    cell["inference"] = {key: value[key] for key in _INFERENCE if key in value}
    figures = value.get("figures", {})
    return {
        "id": value["cell"],
        "cell": cell,
        "status": value.get("status"),
        "reason": _reason(value),
        "tier": value.get("tier", ""),
        "variant": value.get("variant", ""),
        "data": {
            "partial": value.get("partial", ""),
            "convention": value.get("convention", ""),
            "images": value.get("n", 0),
        },
        "training": _training(value),
        "figures": figures,
        "costs": value.get("costs", {}),
        "environment": {
            key: value[key]
            for key in ("device", "versions", "commit", "deterministic", "started", "seconds")
            if key in value
        },
        "note": "; ".join(filter(None, [value.get("note", ""), NOTE if figures and value.get("recipe") else ""])),
    }


def _reason(value: dict[str, Any]) -> dict[str, Any] | None:
    text = value.get("reason", "")
    if not text:
        return None
    if value.get("status") == "skipped":
        return {"code": reasons.UNSUITABLE, "text": text}
    return {"code": reasons.NO_WEIGHTS if text.startswith("No weights of") else reasons.WRONG, "text": text}


def _training(value: dict[str, Any]) -> dict[str, Any] | None:
    if not value.get("train_data") and value.get("train_steps") is None:
        return None
    refs = refs_of(value.get("train_data", ""))
    return {
        "data": [{"name": ref.name, "options": dict(ref.options), "split": ref.split} for ref in refs],
        "fingerprint": value.get("train_fingerprint", ""),
        "steps": value.get("train_steps"),
        "licence": value.get("train_licence", ""),
        "selected_by": value.get("selected_by", ""),
    }
