"""The tags of TIFF, plain or Big, which EXIF has too. Pixels are OpenCV's to decode."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

from datasets.core.errors import UserError
from datasets.ops.pictures.header import Header

MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
ORIENTATION = 274
_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC, _SAMPLES = 256, 257, 258, 259, 262, 277
_EXTRA, _FORMAT, _PROFILE = 338, 339, 34675
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 6: 1, 7: 1, 8: 2, 9: 4, 13: 4, 16: 8, 18: 8}
_CODES = {1: "B", 3: "H", 4: "I", 6: "b", 8: "h", 9: "i", 13: "I", 16: "Q", 18: "Q"}
_COLOURS = {0: "grey", 1: "grey", 2: "RGB", 3: "palette", 5: "CMYK", 6: "YCbCr", 8: "CIELab", 9: "CIELab"}
_MOST_TAGS, _MOST_PAGES, _MOST_VALUES = 4096, 10_000, 1 << 24


@dataclass(frozen=True)
class Tag:
    """Where a tag's values lie in the file, how many, and of which type."""

    kind: int
    count: int
    at: int


class Tags:
    """The first directory of a TIFF structure. Raises ValueError where it leaves the bytes at hand."""

    def __init__(self, data: bytes) -> None:
        if data[:4] not in MAGIC:
            raise ValueError("no TIFF mark")
        self.data = data
        self.order = "<" if data[:1] == b"I" else ">"
        self.big = data[2:4] in (b"+\0", b"\0+")
        self.first = self._number("Q", 8) if self.big else self._number("I", 4)
        self.found, self.next = self._directory(self.first)

    def _number(self, code: str, at: int) -> int:
        try:
            return int(struct.unpack_from(self.order + code, self.data, at)[0])
        except (struct.error, OverflowError) as error:
            raise ValueError("a directory lies outside of the file") from error

    def _directory(self, at: int) -> tuple[dict[int, Tag], int]:
        head, step, wide = (8, 20, "Q") if self.big else (2, 12, "I")
        count = self._number("Q" if self.big else "H", at)
        if count > _MOST_TAGS:
            raise ValueError(f"a directory of {count} tags")
        found = dict(self._tag(at + head + step * index, wide) for index in range(count))
        return found, self._number(wide, at + head + step * count)

    def _tag(self, at: int, wide: str) -> tuple[int, Tag]:
        name, kind, count = self._number("H", at), self._number("H", at + 2), self._number(wide, at + 4)
        value = at + (12 if self.big else 8)
        inside = _SIZES.get(kind, 1) * count <= (8 if self.big else 4)
        return name, Tag(kind, count, value if inside else self._number(wide, value))

    def values(self, name: int, default: int) -> list[int]:
        """The whole numbers of a tag, [default] where it is not there."""
        tag = self.found.get(name)
        if tag is None or tag.kind not in _CODES or not tag.count:
            return [default]
        size = _SIZES[tag.kind]
        return [self._number(_CODES[tag.kind], tag.at + size * index) for index in range(min(tag.count, 16))]

    def bytes(self, name: int) -> bytes:
        """The bytes of a tag, b"" where it is not there or too long."""
        tag = self.found.get(name)
        if tag is None or tag.count > _MOST_VALUES:
            return b""
        return self.data[tag.at : tag.at + tag.count * _SIZES.get(tag.kind, 1)]

    def pages(self) -> int:
        """Number of directories in the chain; one that points back or astray ends it."""
        seen, at = {self.first}, self.next
        while at and at not in seen and len(seen) < _MOST_PAGES:
            try:
                _, following = self._directory(at)
            except ValueError:
                break
            seen.add(at)
            at = following
        return len(seen)


def orientation(data: bytes) -> int:
    """The orientation tag of an EXIF block (a TIFF structure); 1 where there is none or it makes no sense."""
    try:
        value = Tags(data).values(ORIENTATION, 1)[0]
    except ValueError:
        return 1
    return value if 1 <= value <= 8 else 1


def header(data: bytes, path: Path | str) -> Header:
    """The header of a TIFF file's bytes. Raises UserError for broken directories and for kinds of numbers not read."""
    try:
        return _header(Tags(data), path)
    except ValueError as error:
        raise UserError(f"Expected a TIFF picture in {path}, but {error}; fetch that file again.") from error


def _header(tags: Tags, path: Path | str) -> Header:
    bits, form = tags.values(_BITS, 1)[0], tags.values(_FORMAT, 1)[0]
    samples, colours = tags.values(_SAMPLES, 1)[0], _COLOURS.get(tags.values(_PHOTOMETRIC, 1)[0], "other colours")
    kind = {1: "uint", 2: "int", 3: "float", 4: "uint"}.get(form, "complex")
    if (kind, bits) not in {("uint", 1), ("uint", 2), ("uint", 4), ("uint", 8), ("uint", 16), ("float", 32), ("float", 64)}:  # fmt: skip # noqa: E501
        raise UserError(
            f"Expected 8 or 16 bits or 32-bit floats per channel in {path}, but it stores {bits}-bit {kind} numbers; "
            "convert it first."
        )
    if kind == "float" and colours not in ("grey", "RGB"):
        raise UserError(f"Expected grey or RGB floats in {path}, but it stores {colours}; convert it first.")
    plain = {"grey": 1, "RGB": 3, "CMYK": 4, "palette": 1}.get(colours, 3)
    turned = tags.values(ORIENTATION, 1)[0]
    return Header(
        "TIFF",
        tags.values(_WIDTH, 0)[0],
        tags.values(_HEIGHT, 0)[0],
        grey=colours == "grey",
        depth=32 if kind == "float" else max(8, bits),
        kind=kind,
        bits=bits,
        alpha=samples > plain,
        colours=colours,
        orientation=turned if 1 <= turned <= 8 else 1,
        pages=tags.pages(),
        profile=tags.bytes(_PROFILE),
        compressed=tags.values(_COMPRESSION, 1)[0] != 1,
    )


def unturned(data: bytes) -> bytes:
    """The same file with its orientation set to 1: OpenCV would apply it, whatever it is told."""
    tags = Tags(data)
    tag = tags.found.get(ORIENTATION)
    if tag is None or tag.kind != 3:
        return data
    return data[: tag.at] + struct.pack(tags.order + "H", 1) + data[tag.at + 2 :]
