"""PNG: the header, and whether every chunk is whole, before a decoder sees them."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

from datasets.core.errors import UserError
from datasets.ops.pictures import tiff
from datasets.ops.pictures.header import Header

MAGIC = b"\x89PNG\r\n\x1a\n"
_GREY, _RGB, _PALETTE, _GREY_ALPHA, _RGBA = 0, 2, 3, 4, 6
_MOST_PROFILE = 1 << 22


def _chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """(type, start, end) of each chunk's data, through IEND; what lies behind it is nobody's business.

    Raises ValueError for one that leaves the file.
    """
    at = len(MAGIC)
    while True:
        if at + 12 > len(data):
            raise ValueError("it ends before its end mark")
        length, kind = struct.unpack_from(">I4s", data, at)
        if at + 12 + length > len(data):
            raise ValueError(f"a chunk claims {length} bytes, more than there are")
        yield kind, at + 8, at + 8 + length
        if kind == b"IEND":
            return
        at += 12 + length


def header(data: bytes, path: Path | str) -> Header:
    """The header of a PNG file's bytes; stops at the first pixels. Raises UserError for a broken one."""
    try:
        return _header(data)
    except (ValueError, struct.error, zlib.error) as error:
        raise broken(path, data, str(error)) from error


def _header(data: bytes) -> Header:
    if data[12:16] != b"IHDR":
        raise ValueError("it does not begin with its header")
    width, height, bits, colours = struct.unpack_from(">IIBB", data, 16)
    more: dict[str, object] = {}
    alpha = colours in (_GREY_ALPHA, _RGBA)
    for kind, start, end in _chunks(data):
        if kind == b"eXIf":
            more["orientation"] = tiff.orientation(data[start:end])
        elif kind == b"iCCP":
            _, _, packed = data[start:end].partition(b"\0")
            more["profile"] = zlib.decompressobj().decompress(packed[1:], _MOST_PROFILE)
        elif kind == b"acTL":
            more["pages"] = max(1, struct.unpack_from(">I", data, start)[0])
        elif kind == b"tRNS":
            alpha = True
        elif kind in (b"IDAT", b"IEND"):
            break
    grey = colours in (_GREY, _GREY_ALPHA)
    name = {_PALETTE: "palette", _GREY: "grey", _GREY_ALPHA: "grey"}.get(colours, "RGB")
    return Header("PNG", width, height, grey, depth=max(8, bits), bits=bits, alpha=alpha, colours=name, **more)  # type: ignore[arg-type]


def check(data: bytes, path: Path | str) -> None:
    """Look at every chunk: lengths and check sums. Raises UserError for a cut or changed file."""
    try:
        for kind, start, end in _chunks(data):
            if zlib.crc32(data[start - 4 : end]) != struct.unpack_from(">I", data, end)[0]:
                raise ValueError(f"the check sum of its chunk {kind.decode('latin-1')!r} is wrong")
    except (ValueError, struct.error) as error:
        raise broken(path, data, str(error)) from error


def broken(path: Path | str, data: bytes, reason: str) -> UserError:
    """The error for a file that cannot be decoded."""
    return UserError(
        f"Expected a picture in {path}, but its {len(data)} bytes cannot be decoded: {reason} (empty, truncated, "
        "damaged or another format); fetch that file again."
    )
