"""Pictures as arrays: what `datasets.ops.pictures` reads, in the forms that are asked for, and PNG as it is written."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np

from datasets.core.files import write_bytes
from datasets.ops.pictures.formats import SUFFIXES
from datasets.ops.pictures.reading import decode, read_bytes

__all__ = ["SUFFIXES", "decode", "encode_png", "read_image", "write_png"]

_AFTER_HEADER = 33  # bytes of the mark and of the header's chunk, behind which further chunks may come


def read_image(path: Path | str, channels: int = 3) -> np.ndarray:
    """Read a picture as (H, W, channels) uint8, RGB or grey. Raises UserError naming a missing or broken file."""
    return decode(read_bytes(path), path, channels)


def encode_png(array: np.ndarray, profile: bytes = b"") -> bytes:
    """PNG bytes of a (H, W), (H, W, 1) grey, (H, W, 3) RGB or (H, W, 4) RGBA array of uint8 or uint16.

    Args:
        profile: the ICC profile to put in, none where it is empty.

    OpenCV's own parameters: naming a compression level explicitly switches off the filter that makes them fast.
    """
    import cv2

    good = array.dtype in (np.uint8, np.uint16) and array.ndim in (2, 3)
    if not good or (array.ndim == 3 and array.shape[2] not in (1, 3, 4)):
        raise ValueError(
            f"Expected a uint8 or uint16 array (H, W), (H, W, 1), (H, W, 3) or (H, W, 4), but got {array.dtype} "
            f"{array.shape}."
        )
    if array.ndim == 3 and array.shape[2] > 1:
        swap = cv2.COLOR_RGB2BGR if array.shape[2] == 3 else cv2.COLOR_RGBA2BGRA
        array = cv2.cvtColor(np.ascontiguousarray(array), swap)
    done, data = cv2.imencode(".png", np.ascontiguousarray(array))
    if not done:
        raise ValueError(f"OpenCV could not encode an array of shape {array.shape} as PNG.")
    return _with_profile(data.tobytes(), profile) if profile else data.tobytes()


def _with_profile(data: bytes, profile: bytes) -> bytes:
    content = b"iCCP" + b"profile\0\0" + zlib.compress(profile)
    chunk = struct.pack(">I", len(content) - 4) + content + struct.pack(">I", zlib.crc32(content))
    return data[:_AFTER_HEADER] + chunk + data[_AFTER_HEADER:]


def write_png(path: Path | str, array: np.ndarray, profile: bytes = b"") -> None:
    """Write an array as `encode_png` takes it, whole or not at all, without fsync."""
    write_bytes(path, encode_png(array, profile), durable=False)
