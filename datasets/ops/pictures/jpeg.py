"""JPEG: the header, and whether its scans hold the pixels that it claims, which decoders only warn of."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from datasets.ops.pictures import tiff
from datasets.ops.pictures.header import Header
from datasets.ops.pictures.png import broken

MAGIC = b"\xff\xd8"
_SOF = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_SOS, _EOI, _APP1, _APP2, _DRI = 0xDA, 0xD9, 0xE1, 0xE2, 0xDD
_PROGRESSIVE = (0xC2, 0xC6, 0xCA, 0xCE)
_MOST_CHECKED = 1 << 26  # pixels; Pillow warns of more
_TAIL = 16
# Bytes that a decoder takes for entropy-coded data: pseudo-random, no 0xFF.
_FILLING = bytes(np.random.default_rng(0).integers(0, 255, 1 << 14, np.uint8))


@dataclass(frozen=True)
class Segment:
    """A marker and where its content lies; of a scan (`SOS`) also where its data begin and end."""

    marker: int
    start: int
    end: int
    scan_end: int = 0


def _segments(data: bytes, scans: bool) -> Iterator[Segment]:
    """The markers up to the end mark, or, without `scans`, to the first scan. Raises ValueError for broken ones."""
    at = 2
    while at + 4 <= len(data):
        if data[at] != 0xFF:  # strays between segments, which decoders skip too
            at = data.find(b"\xff", at)
            if at < 0:
                break
            continue
        marker = data[at + 1]
        if marker == 0xFF:  # a filling byte
            at += 1
            continue
        if marker == _EOI:
            return
        length = struct.unpack_from(">H", data, at + 2)[0]
        start, end = at + 4, at + 2 + length
        if length < 2 or end > len(data):
            raise ValueError("a segment leaves the file")
        if marker != _SOS:
            yield Segment(marker, start, end)
            at = end
            continue
        if not scans:
            return
        at = _scan_end(data, end)
        yield Segment(marker, start, end, at)
    if at < 0 or data[at : at + 2] != b"\xff\xd9":
        raise ValueError("it ends before its end mark")


def _scan_end(data: bytes, at: int) -> int:
    """Where the entropy-coded data end: at the first marker that is neither a stuffed zero nor a restart."""
    while True:
        at = data.find(b"\xff", at)
        if at < 0 or at + 1 >= len(data):
            raise ValueError("it ends before its end mark")
        if data[at + 1] != 0 and not 0xD0 <= data[at + 1] <= 0xD7:
            return at
        at += 2


def header(data: bytes, path: Path | str) -> Header:
    """The header of a JPEG file's bytes. Raises UserError for a broken one."""
    try:
        return _header(list(_segments(data, scans=False)), data)
    except (ValueError, struct.error) as error:
        raise broken(path, data, str(error)) from error


def _header(segments: list[Segment], data: bytes) -> Header:
    frame = next((s for s in segments if s.marker in _SOF), None)
    if frame is None:
        raise ValueError("it has no frame")
    bits, height, width, parts = struct.unpack_from(">BHHB", data, frame.start)
    if bits != 8:
        raise ValueError(f"it has {bits} bits per channel, where 8 are read")
    exif = next((s for s in segments if s.marker == _APP1 and data[s.start : s.start + 6] == b"Exif\0\0"), None)
    parts_of_profile = [s for s in segments if s.marker == _APP2 and data[s.start : s.start + 11] == b"ICC_PROFILE"]
    profile = b"".join(data[s.start + 14 : s.end] for s in parts_of_profile)
    turned = tiff.orientation(data[exif.start + 6 : exif.end]) if exif else 1
    colours = {1: "grey", 3: "RGB", 4: "CMYK"}.get(parts, "other colours")
    return Header("JPEG", width, height, parts == 1, colours=colours, orientation=turned, profile=profile)


def check(data: bytes, path: Path | str) -> None:
    """Whether the scans hold what the header claims, no less and no more.

    Decoders fill what is missing and only warn. A scan that is whole needs nothing behind it, so its picture stays the
    same when other data follow; one that is cut takes them for its own. And its last bytes matter: where they can be
    exchanged and nothing changes, there are more data than pixels, as after a change of the claimed size or of a bit.

    Raises:
        UserError: data are missing, or left over.
    """
    try:
        segments = list(_segments(data, scans=True))
        scans = [segment for segment in segments if segment.marker == _SOS]
        frame = next((segment for segment in segments if segment.marker in _SOF), None)
        if frame is None or not scans:
            raise ValueError("it has no picture")
        if frame.marker in _PROGRESSIVE:
            _check_refined(data, frame, scans)
        _check_length(data, frame, scans)
        if len(scans) == 1:
            _check_restarts(data, frame, scans[0], segments)
    except (ValueError, struct.error, IndexError) as error:
        raise broken(path, data, str(error)) from error


def _check_length(data: bytes, frame: Segment, scans: list[Segment]) -> None:
    height, width = struct.unpack_from(">HH", data, frame.start + 1)
    if height * width > _MOST_CHECKED:
        return
    end = scans[-1].scan_end
    # The last scan of several may refine what an eighth of the size does not show.
    if not _same(data, data[:end] + _FILLING + b"\xff\xd9", whole=len(scans) > 1):
        raise ValueError(f"its data end before the {width}x{height} pixels that it claims")
    tail = data[end - _TAIL : end]
    if len(scans) > 1 or end - scans[0].end < 2 * _TAIL or len(set(tail)) == 1:  # some cameras pad with one byte
        return
    other = data[: end - _TAIL] + _FILLING + b"\xff\xd9"
    # A picture of one colour may have a code that takes anything for that colour: then nothing ever shows.
    nothing = data[: scans[0].end] + _FILLING + b"\xff\xd9"
    if _same(data, other) and _same(data, other, whole=True) and not _same(data, nothing, whole=True):
        raise ValueError(f"it holds more data than the {width}x{height} pixels that it claims")


def _check_restarts(data: bytes, frame: Segment, scan: Segment, segments: list[Segment]) -> None:
    """A scan with restart marks has one for each interval but the last."""
    every = next((struct.unpack_from(">H", data, s.start)[0] for s in segments if s.marker == _DRI), 0)
    height, width = struct.unpack_from(">HH", data, frame.start + 1)
    count = data[frame.start + 5]
    if not every or data[scan.start] != count:
        return
    factors = [divmod(data[frame.start + 7 + 3 * k], 16) for k in range(count)]
    across, down = (8 * max(factor[k] for factor in factors) if count > 1 else 8 for k in (0, 1))
    blocks = -(-width // across) * -(-height // down)
    found = sum(data.count(bytes((0xFF, mark)), scan.end, scan.scan_end) for mark in range(0xD0, 0xD8))
    if found != -(-blocks // every) - 1:
        raise ValueError(f"it has {found} restart marks, not {-(-blocks // every) - 1}")


def _check_refined(data: bytes, frame: Segment, scans: list[Segment]) -> None:
    """Every coefficient of every component of a progressive picture must have come down to its last bit."""
    parts = [data[frame.start + 6 + 3 * k] for k in range(data[frame.start + 5])]
    missing = {(part, k) for part in parts for k in range(64)}
    for scan in scans:
        count = data[scan.start]
        first, last, shift = data[scan.start + 1 + 2 * count : scan.start + 4 + 2 * count]
        if shift & 15 == 0:
            missing -= {(data[scan.start + 1 + 2 * p], k) for p in range(count) for k in range(first, last + 1)}
    if missing:
        raise ValueError("scans are missing")


def _same(data: bytes, changed: bytes, whole: bool = False) -> bool:
    """Whether a change shows. Data that cannot be decoded once they are changed mattered."""
    before = _seen(data, whole)
    try:
        return bool(np.array_equal(before, _seen(changed, whole)))
    except ValueError:
        return False


def _seen(data: bytes, whole: bool) -> Any:
    """The picture, at an eighth of its size unless `whole`, by Pillow, which keeps silent about what is broken."""
    from PIL import Image

    try:
        with Image.open(io.BytesIO(data)) as picture:
            if not whole:
                picture.draft(picture.mode, (max(1, picture.width // 8), max(1, picture.height // 8)))
            return np.asarray(picture)
    except (OSError, SyntaxError) as error:
        raise ValueError(str(error)) from error
