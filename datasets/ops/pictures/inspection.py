"""From a path to a header: which format it is by its first bytes, and only ordinary files of a sane size."""

from __future__ import annotations

import io
import struct
from pathlib import Path

from datasets.core.errors import UserError
from datasets.core.files import open_ordinary
from datasets.ops.pictures import jpeg, png, tiff
from datasets.ops.pictures.header import MOST_BYTES, Header, check_budget

_HEAD = 1 << 18  # bytes that hold the header of nearly every file; where they do not, all are read


def inspect(path: Path | str) -> Header:
    """The header of a picture's file, its size within the budget; no pixel is decoded.

    Raises:
        UserError: it cannot be read, is no ordinary file, no picture, broken, or too large (see docs/formats.md).
    """
    with open_ordinary(path, MOST_BYTES) as stream:
        head = stream.read(_HEAD)
        length = stream.seek(0, io.SEEK_END)
        try:
            found = header_of(head, path, whole=length <= _HEAD)
        except UserError:
            if length <= _HEAD:
                raise
            stream.seek(0)
            found = header_of(stream.read(), path)
    check_budget(found, length, path)
    return found


def header_of(data: bytes, path: Path | str, whole: bool = True) -> Header:
    """The header of a file's bytes, or of its first ones. Raises UserError for no picture or a broken one."""
    if data.startswith(png.MAGIC):
        return png.header(data, path)
    if data.startswith(jpeg.MAGIC):
        return jpeg.header(data, path)
    if data[:4] in tiff.MAGIC:
        if not whole:  # its directories may lie anywhere
            raise UserError(f"Expected all bytes of {path}.")
        return tiff.header(data, path)
    if data.startswith(b"BM"):
        return _bmp(data, path)
    return _other(data, path)


def _bmp(data: bytes, path: Path | str) -> Header:
    try:
        size = struct.unpack_from("<I", data, 14)[0]
        if size == 12:
            width, height, _, bits = struct.unpack_from("<HHHH", data, 18)
            packing = 0
        else:
            width, height, _, bits, packing = struct.unpack_from("<iiHHI", data, 18)
    except struct.error as error:
        raise png.broken(path, data, "its header is cut") from error
    grey = bits <= 8 and _grey_palette(data, 14 + size, 3 if size == 12 else 4, bits)
    # Rows may be stored from the top, which a negative height says.
    colours, packed = "palette" if bits <= 8 else "RGB", packing in (1, 2) or bits == 16
    return Header("BMP", width, abs(height), grey, bits=min(8, bits), colours=colours, compressed=packed)


def _grey_palette(data: bytes, start: int, step: int, bits: int) -> bool:
    entries = data[start : min(start + (step << bits), struct.unpack_from("<I", data, 10)[0])]
    return len(entries) >= step and all(entries[k::step] == entries[::step] for k in (1, 2))


def _other(data: bytes, path: Path | str) -> Header:
    """What Pillow knows: WebP, GIF, PPM and its kin. Its own readers look at headers only."""
    from PIL import Image

    try:
        with Image.open(io.BytesIO(data), formats=("WEBP", "GIF", "PPM")) as picture:
            grey = picture.mode in ("1", "L", "LA")
            if picture.mode not in ("1", "L", "LA", "P", "RGB", "RGBA", "RGBX"):
                raise UserError(f"Expected 8 bits per channel in {path}, but it is of the kind {picture.mode!r}.")
            return Header(
                str(picture.format),
                picture.width,
                picture.height,
                grey,
                alpha=picture.mode in ("LA", "RGBA") or "transparency" in picture.info,
                colours="palette" if picture.mode == "P" else "grey" if grey else "RGB",
                orientation=tiff.orientation(_exif(picture.info.get("exif"))),
                pages=getattr(picture, "n_frames", 1),
                profile=picture.info.get("icc_profile") or b"",
            )
    except Image.DecompressionBombError as error:
        raise UserError(f"{path} claims more pixels than are read (16384x16384): cut it into parts.") from error
    except (OSError, SyntaxError, ValueError, struct.error) as error:
        if isinstance(error, UserError):
            raise
        raise png.broken(path, data, "no format that is read") from error


def _exif(block: bytes | None) -> bytes:
    return (block or b"").removeprefix(b"Exif\0\0")
