"""The pixels of a picture at their own depth, upright, and what was converted or left out on the way."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from datasets.core.errors import UserError
from datasets.core.files import open_ordinary
from datasets.ops.pictures import jpeg, png, tiff
from datasets.ops.pictures.header import MOST_BYTES, Header, check_budget
from datasets.ops.pictures.inspection import header_of, inspect

# What floats may be beyond [0, 1]: noise overshoots a little, another scale does much more.
_LOWEST, _HIGHEST = -0.5, 1.5
_WORKING = ("sRGB".encode("ascii"), "sRGB".encode("utf-16-be"))  # how a profile's text names the usual colours


@dataclass(frozen=True)
class Picture:
    """A decoded picture.

    Attributes:
        pixels: (H, W, 1) grey or (H, W, 3) RGB; uint8, uint16, or float32 with white at 1. Upright.
        alpha: (H, W) of the same type, or None. header: as the file has it. notes: what was converted or left out.
    """

    pixels: np.ndarray
    alpha: np.ndarray | None
    header: Header
    notes: tuple[str, ...]


def read_bytes(path: Path | str) -> bytes:
    """The bytes of a picture's file. Raises UserError for a missing file, one that is not ordinary, or too large."""
    with open_ordinary(path, MOST_BYTES) as stream:
        return stream.read()


def read_picture(path: Path | str, *, alpha: bool = False) -> Picture:
    """Read a picture at its own depth, grey or RGB as it is.

    Args:
        alpha: read the alpha channel too, where there is one.
    Raises:
        UserError: missing, no ordinary file, no picture, broken, too large, of a kind that is not read; floats beyond
            what white at 1 allows.
    """
    data = read_bytes(path)
    header = checked(data, path)
    pixels = decoded(data, header, path, header.channels)
    cover = _alpha(data, header) if alpha and header.alpha else None
    kept = header.alpha and cover is not None
    return Picture(pixels, cover, header, notes_of(header, alpha=kept))


def checked(data: bytes, path: Path | str) -> Header:
    """The header of a file's bytes, after its size and, where the format allows, its wholeness were looked at."""
    header = header_of(data, path)
    check_budget(header, len(data), path)
    look: Callable[[bytes, Path | str], None] | None = {"PNG": png.check, "JPEG": jpeg.check}.get(header.format)
    if look:
        look(data, path)
    return header


def decode(
    data: bytes, path: Path | str, channels: int = 3, *, deep: bool = False, trusted: bool = False
) -> np.ndarray:
    """Decode the bytes of a picture, upright as its orientation tag says.

    Args:
        data: the file's bytes. path: its name, for messages.
        channels: 3 for RGB (a grey file is repeated), 1 for grey (a colour file is converted by BT.601 weights).
        deep: keep more than 8 bits. trusted: the bytes were checked against a hash, so their check sums are not again.
    Returns:
        (H, W, channels), RGB order, uint8, or, where `deep`, also uint16 and float32.
    Raises:
        UserError: empty, truncated, damaged or not a picture; too large; of more than 8 bits unless `deep`.
    """
    if not data:
        raise png.broken(path, data, "there are none")
    header = header_of(data, path) if trusted else checked(data, path)
    if header.depth > 8 and not deep:
        what = "a 16-bit" if header.depth == 16 else "a floating-point"
        raise UserError(
            f"Expected 8 bits per channel in {path}, but it is {what} {header.format}; convert it to 8 bits first."
        )
    return decoded(data, header, path, channels)


def decoded(data: bytes, header: Header, path: Path | str, channels: int) -> np.ndarray:
    """Upright pixels (H, W, channels) at the file's depth; `channels` 3 repeats grey, 1 takes BT.601's luma."""
    found = _eight(data, header, channels) if header.depth == 8 else _deep(data, header, path, channels)
    if found is None or found.shape[:2] != (header.height, header.width):
        raise png.broken(path, data, "OpenCV cannot decode it")
    return upright(found.reshape(*found.shape[:2], channels), header.orientation)


def _eight(data: bytes, header: Header, channels: int) -> np.ndarray | None:
    import cv2

    colour = cv2.IMREAD_COLOR if channels == 3 else cv2.IMREAD_GRAYSCALE
    picture = _opencv(data, header, colour | cv2.IMREAD_IGNORE_ORIENTATION)
    if picture is None and header.format in ("WEBP", "GIF", "PPM"):
        return _pillow(data, channels)
    if picture is None or channels == 1:
        return picture
    return cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)


def _deep(data: bytes, header: Header, path: Path | str, channels: int) -> np.ndarray | None:
    """More than 8 bits: as stored, floats within what white at 1 allows."""
    import cv2

    picture = _opencv(data, header, cv2.IMREAD_UNCHANGED)
    if picture is None or picture.dtype not in (np.uint16, np.float32, np.float64):
        return None
    if header.kind == "float":
        picture = _white_at_one(picture.astype(np.float32), path)
    if picture.ndim == 3 and header.grey:
        picture = np.ascontiguousarray(picture[..., 0])
    elif picture.ndim == 3:
        picture = cv2.cvtColor(np.ascontiguousarray(picture[..., :3]), cv2.COLOR_BGR2RGB)
    if picture.ndim == 3 and channels == 1:
        return cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    return np.repeat(picture[..., None], 3, 2) if picture.ndim == 2 and channels == 3 else picture


def _white_at_one(image: np.ndarray, path: Path | str) -> np.ndarray:
    low, high = float(image.min()), float(image.max())
    if not (low >= _LOWEST and high <= _HIGHEST):  # not so with NaN either
        raise UserError(
            f"Expected floats with white at 1 in {path}, but the values are {low:g} to {high:g}; divide them by their "
            "white first."
        )
    return image


def _opencv(data: bytes, header: Header, flags: int) -> np.ndarray | None:
    import cv2

    data = tiff.unturned(data) if header.format == "TIFF" else data
    try:
        found: np.ndarray | None = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error:
        return None
    return found


def _pillow(data: bytes, channels: int) -> np.ndarray | None:
    """The first frame, by Pillow, where OpenCV was built without the format."""
    from PIL import Image

    try:
        with Image.open(io.BytesIO(data)) as picture:
            colour = np.asarray(picture.convert("RGB"))
    except (OSError, SyntaxError, ValueError):
        return None
    import cv2

    return colour if channels == 3 else cv2.cvtColor(colour, cv2.COLOR_RGB2GRAY)


def _alpha(data: bytes, header: Header) -> np.ndarray | None:
    import cv2

    picture = _opencv(data, header, cv2.IMREAD_UNCHANGED | cv2.IMREAD_IGNORE_ORIENTATION)
    if picture is None or picture.ndim != 3 or picture.shape[2] != 4 or header.colours == "CMYK":
        return None
    cover = np.ascontiguousarray(picture[..., 3])
    return upright(cover.astype(np.float32) if cover.dtype == np.float64 else cover, header.orientation)


def upright(image: np.ndarray, orientation: int) -> np.ndarray:
    """Apply an orientation of EXIF (1 to 8) to (H, W) or (H, W, C) pixels."""
    if orientation >= 5:
        image = image.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        image = image[::-1]
    if orientation in (2, 3, 6, 7):
        image = image[:, ::-1]
    return np.ascontiguousarray(image)


def notes_of(header: Header, alpha: bool = False) -> tuple[str, ...]:
    """What reading a picture of this header converts or leaves out, one phrase each.

    Args:
        alpha: whether the alpha channel is kept.
    """
    found = []
    if header.orientation != 1:
        found.append("turned upright, as the orientation tag says")
    if header.alpha and not alpha:
        found.append("alpha channel left out")
    if header.colours not in ("RGB", "grey", "palette"):
        found.append(f"{header.colours} converted to RGB without a profile")
    if header.pages > 1:
        found.append("the first of several pages or frames taken")
    if header.bits == 64:
        found.append("64-bit floats kept in 32 bits")
    if header.profile and not any(mark in header.profile for mark in _WORKING):
        found.append(f"colour profile {_profile_name(header.profile)} not applied: values as they are stored")
    return tuple(found)


def _profile_name(profile: bytes) -> str:
    from PIL import ImageCms

    try:
        name = ImageCms.getProfileDescription(ImageCms.ImageCmsProfile(io.BytesIO(profile))).strip()
    except (OSError, ImageCms.PyCMSError, ValueError):
        name = ""
    return repr(name.encode("ascii", "replace").decode()[:40]) if name else "without a name"


@dataclass(frozen=True)
class Reader:
    """A loader of an `Item`: reads one picture when called, and can say beforehand what will be converted.

    Args:
        path: the file. channels: 3 or 1. deep: keep more than 8 bits; otherwise such a file is refused.
        peak: white of whole-number pixels, where it is not their type's: they are divided by it and become float32.
    """

    path: Path
    channels: int = 3
    deep: bool = False
    peak: int = 0

    def __call__(self) -> np.ndarray:
        """(H, W, channels) uint8, or uint16 or float32 where `deep`. Raises UserError as `read_picture`."""
        image = decode(read_bytes(self.path), self.path, self.channels, deep=self.deep)
        return image if not self.peak else scaled(image, self.peak, self.path)

    def notes(self) -> tuple[str, ...]:
        """See `notes_of`."""
        return notes_of(inspect(self.path))


def scaled(image: np.ndarray, peak: int, path: Path | str) -> np.ndarray:
    """Whole numbers divided by their white, float32. Raises UserError for values beyond it, and for floats."""
    if image.dtype.kind == "f":
        raise UserError(f"The option peak is for whole numbers, but {path} holds floats, whose white is 1.")
    highest = int(image.max())
    if highest > peak:
        raise UserError(f"Expected values up to peak={peak} in {path}, but there are some up to {highest}.")
    return (image / np.float64(peak)).astype(np.float32)
