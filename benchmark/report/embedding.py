"""Values on their way into a page: JSON that no HTML parser can take for markup, and arrays as base64."""

from __future__ import annotations

import base64
import json
from typing import Any

import numpy as np

from datasets.core.names import printable

# As escapes of JSON: no tag, comment or entity can begin, and no line ends where only JavaScript sees one.
_ESCAPED = {ord(sign): f"\\u{ord(sign):04x}" for sign in "<>&\u2028\u2029"}


def page_json(value: Any) -> str:
    """JSON for a script element or a script file. Control characters and what reorders text are spelled out.

    Raises ValueError for NaN and infinities: JSON has none.
    """
    return json.dumps(_printable(value), separators=(",", ":"), allow_nan=False).translate(_ESCAPED)


def _printable(value: Any) -> Any:
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, dict):
        return {printable(str(key)): _printable(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_printable(inner) for inner in value]
    return value


def packed(array: Any, kind: str) -> str:
    """Numbers as base64 of their bytes, little-endian: `kind` is ``f4`` or ``u4``. Lists of 20,000 parse at once."""
    return base64.b64encode(np.ascontiguousarray(array, dtype=f"<{kind}").tobytes()).decode("ascii")
