"""What the first bytes of a picture say, and the budget that they must keep before memory is taken."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from datasets.core.errors import UserError

# The largest picture that is read: 16384 x 16384, which takes 0.8 GB as 8-bit RGB.
MOST_PIXELS = 1 << 28
# The largest file that is read.
MOST_BYTES = 1 << 31
# How many bytes of pixels one byte of a file can stand for, at most, rounded up generously. Deflate reaches 1032,
# a JPEG of one colour some 500 pixels a byte, run lengths 128; GIF and WebP can have more, but are small by their form.
_RATIO = {"PNG": 1100, "JPEG": 6000, "TIFF": 2000, "BMP": 255}
_SMALL = 1 << 24  # bytes of pixels that are never worth a question


@dataclass(frozen=True)
class Header:
    """What a picture's file says of itself.

    Attributes:
        format: PNG, JPEG, BMP, TIFF, WEBP, GIF or PPM. width, height: as stored, before it is turned upright.
        grey: one channel of intensity (beside alpha). depth: bits per channel as they are kept: 8, 16, or 32 (float).
        kind: ``uint`` or ``float``; other kinds of numbers are refused by name. bits: what is stored.
        alpha: whether it has one. colours: RGB, grey, palette, CMYK or another word for what is stored.
        orientation: 1 to 8 as in EXIF and TIFF. pages: number of pages or frames. profile: ICC bytes.
    """

    format: str
    width: int
    height: int
    grey: bool
    depth: int = 8
    kind: str = "uint"
    bits: int = 8
    alpha: bool = False
    colours: str = "RGB"
    orientation: int = 1
    pages: int = 1
    profile: bytes = b""
    compressed: bool = True

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of the upright picture."""
        return (self.width, self.height) if self.orientation >= 5 else (self.height, self.width)

    @property
    def channels(self) -> int:
        """1 for grey, else 3; alpha does not count."""
        return 1 if self.grey else 3


def check_budget(header: Header, length: int, path: Path | str) -> None:
    """Refuse a picture that is too large, or that claims more pixels than its bytes can hold.

    Raises:
        UserError: names the file, its size and the limit; nothing of it was decoded.
    """
    pixels = header.width * header.height
    what = f"{path} is a {header.format} picture of {header.width}x{header.height} pixels"
    if pixels <= 0:
        raise UserError(f"Expected a picture in {path}, but it is {header.width}x{header.height}; fetch it again.")
    if pixels > MOST_PIXELS:
        raise UserError(f"{what}; up to {MOST_PIXELS} pixels (16384x16384) are read: cut it into parts.")
    stored = pixels * (3 if header.colours == "RGB" and not header.grey else 1) * header.bits // 8
    ratio = _RATIO.get(header.format, 0) if header.compressed else 1
    if ratio and stored > length * ratio and (stored > _SMALL or not header.compressed):
        raise UserError(f"{what} by its header, which its {length} bytes cannot hold: it is cut or damaged.")
