"""Noise with a key: the same image gets the same noise whatever else is read, in whatever order."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np

from datasets.ops.files import canonical


def keyed_generator(*key: Any) -> np.random.Generator:
    """A numpy generator that depends on the key's values alone (Philox, seeded by their SHA-256)."""
    seed = int.from_bytes(hashlib.sha256(canonical(list(key)).encode()).digest()[:16], "little")
    return np.random.Generator(np.random.Philox(seed))
