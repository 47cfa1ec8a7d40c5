"""The files that the SIDD and DND benchmarks take. Values are rounded to 8 bits, never truncated (0.17 dB)."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from datasets.core.errors import UserError
from datasets.core.files import replacing
from datasets.ops.ranges import unit

SCENES, PER_SCENE, BLOCK = 40, 32, (256, 256, 3)
DND_IMAGES, DND_CROPS = 50, 20


def to_uint8(image: np.ndarray) -> np.ndarray:
    """uint8 as it is; float in [0, 1] clamped, times 255, rounded to the nearest (halves up). NaN is refused."""
    if image.dtype == np.uint8:
        return image
    if not np.isfinite(image).all():
        raise UserError("Expected finite values in the restored images, but found NaN or infinity; nothing is written.")
    return np.floor(np.clip(image.astype(np.float64), 0, 1) * 255 + 0.5).astype(np.uint8)


def write_sidd_csv(path: Path | str, blocks: Iterable[np.ndarray]) -> int:
    """Today's file of the SIDD server (Kaggle), `SubmitSrgb.csv`: header ``ID,BLOCK``, one line per block.

    Args:
        blocks: 1280 restored blocks in the order 32 * scene + block, (256, 256, 3) uint8 or float in [0, 1], RGB.
    Returns:
        Number of blocks. BLOCK is the base64 text of the C-order bytes.
    Raises:
        UserError: another number or shape of blocks, NaN; the file is then not there.
    """
    count = 0
    with replacing(path) as part, part.open("w", encoding="ascii", newline="") as stream:
        stream.write("ID,BLOCK\n")
        for count, block in enumerate(_checked(blocks), 1):
            stream.write(f"{count - 1},{base64.b64encode(block.tobytes()).decode()}\n")
    return count


def write_sidd_mat(
    path: Path | str,
    blocks: Iterable[np.ndarray],
    seconds_per_mp: float,
    *,
    layout: str = "array",
    details: Mapping[str, str] | None = None,
) -> int:
    """The former file of the SIDD server, `SubmitSrgb.mat` (v5): `DenoisedBlocksSrgb`, `TimeMPSrgb`, `OptionalData`.

    Args:
        blocks: as for `write_sidd_csv`. seconds_per_mp: seconds per megapixel (2**20 pixels).
        layout: ``array``, (40, 32, 256, 256, 3) uint8 as published Python codes wrote it, or ``cell``, a 40x32 cell of
            single arrays in [0, 1] as the MATLAB code has it.
        details: MethodName, Authors, PaperTitle, Venue.
    Raises:
        UserError: as `write_sidd_csv`, or an unknown layout.
    """
    import scipy.io

    if layout not in ("array", "cell"):
        raise UserError(f"Expected the layout 'array' or 'cell' for {path}, but got {layout!r}.")
    whole = np.stack(list(_checked(blocks))).reshape(SCENES, PER_SCENE, *BLOCK)
    names = ("MethodName", "Authors", "PaperTitle", "Venue")
    content = {
        "DenoisedBlocksSrgb": whole if layout == "array" else _cell(whole),
        "TimeMPSrgb": float(seconds_per_mp),
        "OptionalData": {name: (details or {}).get(name, "") for name in names},
    }
    with replacing(path) as part:
        scipy.io.savemat(str(part), content, appendmat=False)
    return SCENES * PER_SCENE


def _checked(blocks: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
    count = 0
    for count, block in enumerate(blocks, 1):
        if block.shape != BLOCK or count > SCENES * PER_SCENE:
            raise UserError(
                f"Expected {SCENES * PER_SCENE} restored SIDD blocks of shape {BLOCK}, but block {count} is "
                f"{block.shape}."
            )
        yield np.ascontiguousarray(to_uint8(block))
    if count != SCENES * PER_SCENE:
        raise UserError(
            f"Expected {SCENES * PER_SCENE} restored SIDD blocks, but got {count}; restore the whole split 'benchmark'."
        )


def _cell(whole: np.ndarray) -> np.ndarray:
    cell = np.empty((SCENES, PER_SCENE), object)
    for place in np.ndindex(cell.shape):
        cell[place] = unit(whole[place])
    return cell


def write_dnd(folder: Path | str, images: Iterable[Sequence[np.ndarray]], *, raw: bool = False) -> list[Path]:
    """The 50 files of the DND server, `0001.mat` to `0050.mat`: `Idenoised` (1x20 cell), `israw`, `eval_version`.

    Args:
        images: for each of the 50 images its 20 restored crops, (512, 512, 3) float in [0, 1] (raw: (512, 512)).
    Raises:
        UserError: another number or shape of crops, NaN; files written before that are removed.
    """
    paths: list[Path] = []
    try:
        for number, crops in enumerate(images, 1):
            paths.append(_write_dnd_image(Path(folder) / f"{number:04d}.mat", number, crops, raw))
        if len(paths) != DND_IMAGES:
            raise UserError(f"Expected the crops of {DND_IMAGES} DND images, but got those of {len(paths)}.")
    except BaseException:
        for path in paths:
            path.unlink(missing_ok=True)
        raise
    return paths


def _write_dnd_image(path: Path, number: int, crops: Sequence[np.ndarray], raw: bool) -> Path:
    import scipy.io

    shape = (512, 512) if raw else (512, 512, 3)
    wrong = [crop.shape for crop in crops if crop.shape != shape or not np.isfinite(crop).all()]
    if number > DND_IMAGES or len(crops) != DND_CROPS or wrong:
        came = f"one of {wrong[0]} (or with NaN)" if wrong else f"{len(crops)} crops"
        raise UserError(
            f"Expected {DND_CROPS} finite crops {shape} of DND image {number} of {DND_IMAGES}, but got {came}."
        )
    cell = np.empty((1, DND_CROPS), object)
    for index, crop in enumerate(crops):
        cell[0, index] = unit(crop)
    content: dict[str, Any] = {"Idenoised": cell, "israw": raw, "eval_version": "1.0"}
    with replacing(path) as part:
        scipy.io.savemat(str(part), content, appendmat=False)
    return path
