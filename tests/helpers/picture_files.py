"""Pictures of every kind, written by independent libraries, and what numpy says that they hold."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import tifffile
from PIL import Image

CHANNELS = {"grey": 1, "rgb": 3}


def pixels(seed, shape, dtype=np.uint8, low=0, high=None):
    rng = np.random.default_rng(seed)
    if np.dtype(dtype).kind == "f":
        return rng.random(shape).astype(dtype)
    return rng.integers(low, np.iinfo(dtype).max + 1 if high is None else high, shape, dtype)


def turned(image, orientation):
    """What must be stored, so that a reader that applies `orientation` shows `image`: the inverse of EXIF's table."""
    stored = {
        1: lambda a: a,
        2: lambda a: a[:, ::-1],
        3: lambda a: a[::-1, ::-1],
        4: lambda a: a[::-1],
        5: lambda a: a.swapaxes(0, 1),
        6: lambda a: np.rot90(a, 1),
        7: lambda a: np.rot90(a, 2).swapaxes(0, 1),
        8: lambda a: np.rot90(a, -1),
    }[orientation](image)
    return np.ascontiguousarray(stored)


def exif(orientation):
    tags = Image.Exif()
    tags[274] = orientation
    return tags


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(image, orientation=1, after=b"", more=b""):
    """Written chunk by chunk, 8 or 16 bits, 1 to 4 channels."""
    stored = turned(image, orientation)
    height, width = stored.shape[:2]
    colours = {1: 0, 2: 4, 3: 2, 4: 6}[stored.shape[2]]
    head = struct.pack(">IIBBBBB", width, height, 8 * stored.itemsize, colours, 0, 0, 0)
    rows = stored.astype(stored.dtype.newbyteorder(">")).reshape(height, -1)
    data = zlib.compress(b"".join(b"\0" + row.tobytes() for row in rows))
    tags = chunk(b"eXIf", exif(orientation).tobytes().removeprefix(b"Exif\0\0")) if orientation != 1 else b""
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + more + tags + chunk(b"IDAT", data) + chunk(b"IEND", b"") + after
    )


def tiff(image, orientation=1, **options):
    stored = turned(image, orientation)
    stored = stored[..., 0] if stored.shape[2] == 1 else stored
    stream = io.BytesIO()
    extra = [(274, "H", 1, orientation, True)] if orientation != 1 else []
    tifffile.imwrite(
        stream, stored, photometric="rgb" if stored.ndim == 3 else "minisblack", extratags=extra, **options
    )
    return stream.getvalue()


def pillow(image, form, orientation=1, **options):
    stored = turned(image, orientation)
    stream = io.BytesIO()
    tags = {"exif": exif(orientation)} if orientation != 1 else {}
    Image.fromarray(stored[..., 0] if stored.shape[2] == 1 else stored).save(stream, form, **tags, **options)
    return stream.getvalue()
