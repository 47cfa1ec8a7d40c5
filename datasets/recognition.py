"""Whether files are those that the authors published: by their own hash, or by that of their pixels."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np

from datasets.base import Item
from datasets.core.files import sha256_file
from datasets.ops.images import read_image
from datasets.sources import SOURCES, hashes, pixel_hashes

KNOWN, STRANGE = "the original by its hash", "not the original files by hash"


def is_original(name: str, path: Path, channels: int) -> bool | None:
    """Whether a picture is one of a set's published ones, in whatever lossless file; None for a set without hashes."""
    if name not in SOURCES:
        return None
    if sha256_file(path) in set(hashes(name).values()):
        return True
    pixels = np.ascontiguousarray(read_image(path, channels))
    return hashlib.sha256(pixels.tobytes()).hexdigest() in pixel_hashes(name)


def marked(item: Item, name: str, *paths: Path, channels: int = 3) -> Item:
    """The item with what the hashes of its files say.

    Of the original files nothing changes but the notes for the report: what is known of them stays the same data.
    """
    found = [is_original(name, path, channels) for path in paths]
    if None in found:
        return item
    if all(found):
        return replace(item, notes=(*item.notes, KNOWN))
    return replace(item, meta={**item.meta, "recognised": False, "note": STRANGE}, notes=(*item.notes, STRANGE))
