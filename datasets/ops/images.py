"""PNG and JPEG: reading and writing 8-bit pictures as RGB or grey, so that a broken file is named."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from datasets.ops.errors import UserError
from datasets.ops.files import write_bytes

_PNG = b"\x89PNG\r\n\x1a\n"
SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff")


def decode(data: bytes, path: Path | str, channels: int = 3) -> np.ndarray:
    """Decode the bytes of an 8-bit picture.

    Args:
        data: the file's bytes. path: its name, for messages.
        channels: 3 for RGB (a grey file is repeated), 1 for grey (a colour file is converted by BT.601 weights).
    Returns:
        (H, W, channels) uint8, RGB order. The orientation tag of a JPEG is ignored: pixels as they are stored.
    Raises:
        UserError: empty, truncated or not a picture.
    """
    import cv2

    colour = cv2.IMREAD_COLOR if channels == 3 else cv2.IMREAD_GRAYSCALE
    picture = cv2.imdecode(np.frombuffer(data, np.uint8), colour | cv2.IMREAD_IGNORE_ORIENTATION) if data else None
    if picture is None or _truncated(data):
        raise UserError(
            f"Expected a PNG or JPEG picture in {path}, but its {len(data)} bytes cannot be decoded "
            "(empty, truncated or another format); fetch that file again."
        )
    if data.startswith(_PNG) and data[24] == 16:
        raise UserError(f"Expected 8 bits per channel in {path}, but it is a 16-bit PNG; convert it to 8 bits first.")
    return cv2.cvtColor(picture, cv2.COLOR_BGR2RGB) if channels == 3 else picture[..., None]


def _truncated(data: bytes) -> bool:
    """OpenCV fills the missing part of a cut file with grey and only warns; the end marks tell."""
    if data.startswith(_PNG):
        return b"IEND" not in data[-64:]
    if data.startswith(b"\xff\xd8"):
        # A thumbnail in the header has an end mark of its own, and some cameras append data after the last one.
        return data.rfind(b"\xff\xd9") < len(data) // 2
    return False


def read_image(path: Path | str, channels: int = 3) -> np.ndarray:
    """Read a picture as (H, W, channels) uint8, RGB or grey. Raises UserError naming a missing or broken file."""
    path = Path(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UserError(f"Expected a picture at {path}, but it cannot be read: {error.strerror}.") from error
    return decode(data, path, channels)


def encode_png(array: np.ndarray) -> bytes:
    """PNG bytes of a (H, W), (H, W, 1) grey or (H, W, 3) RGB uint8 array.

    OpenCV's own parameters: naming a compression level explicitly switches off the filter that makes them fast.
    """
    import cv2

    if array.dtype != np.uint8 or array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in (1, 3)):
        raise ValueError(f"Expected a uint8 array (H, W), (H, W, 1) or (H, W, 3), but got {array.dtype} {array.shape}.")
    if array.ndim == 3 and array.shape[2] == 3:
        array = cv2.cvtColor(np.ascontiguousarray(array), cv2.COLOR_RGB2BGR)
    done, data = cv2.imencode(".png", np.ascontiguousarray(array))
    if not done:
        raise ValueError(f"OpenCV could not encode an array of shape {array.shape} as PNG.")
    return data.tobytes()


def write_png(path: Path | str, array: np.ndarray) -> None:
    """Write a uint8 (H, W), (H, W, 1) or (H, W, 3) RGB array as PNG, whole or not at all, without fsync."""
    write_bytes(path, encode_png(array), durable=False)
