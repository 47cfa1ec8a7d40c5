"""The JSON schema of record.json, derived from the Record's own fields."""

from __future__ import annotations

from typing import Any

from benchmark.records.record import Record
from datasets.core.codec import mismatch, schema
from datasets.core.sealed import CHECKSUM

SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "Record of one benchmark cell",
    **schema(Record),
}
# of everything else in the file (datasets/core/sealed.py); records of earlier versions have none
SCHEMA["properties"] = {**SCHEMA["properties"], CHECKSUM: {"type": "string"}}


def problem(value: Any) -> str:
    """What is wrong with the content of a record.json, in a few words; '' when it fits."""
    return mismatch(value, SCHEMA, "record")
