"""DND: 1000 crops of 50 noisy photographs whose clean images only the benchmark's server has (Plötz and Roth 2017)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from datasets.base import DatasetFacts, Item, Row
from datasets.core.errors import UserError
from datasets.hdf5 import open_hdf5, referred
from datasets.listing import need_source
from datasets.ops.isp import to_uint8
from datasets.prepared import Prepared

_WHAT = "DND: info.mat and the folder images_srgb with 0001.mat to 0050.mat"
Box = tuple[int, int, int, int]


class DND(Prepared):
    """The crops of the benchmark's bounding boxes, degraded only: they can be restored and submitted, not scored.

    Crops are named as the server wants them, ``0001_01`` (image, box, both from 1). They are prepared as PNGs, so the
    sRGB values in [0, 1] are rounded to 8 bits.
    """

    facts = DatasetFacts(
        name="dnd",
        title="DND",
        task="denoise",
        splits=("test",),
        default_split="test",
        convention="float-gauss",
        complete={"test": 1000},
        licence="see https://noise.visinf.tu-darmstadt.de",
        citation=(
            "@inproceedings{plotz2017benchmarking, title={Benchmarking Denoising Algorithms with Real Photographs}, "
            'author={Pl{\\"o}tz, Tobias and Roth, Stefan}, booktitle={CVPR}, year={2017}}'
        ),
        source="https://noise.visinf.tu-darmstadt.de: dnd_2017 (info.mat, images_srgb/0001.mat to 0050.mat)",
    )

    @classmethod
    def items(cls, source: Path | None, **options: Any) -> Iterator[Item]:
        """All crops of all images that info.mat lists. Raises UserError for a missing or foreign file."""
        folder = _package(need_source(source, _WHAT))
        for number, (boxes, sigmas) in enumerate(_info(folder / "info.mat"), 1):
            path = folder / "images_srgb" / f"{number:04d}.mat"
            if not path.is_file():
                raise UserError(f"Expected {path}, which info.mat lists, but it is not there; unpack DND again.")
            for k, box in enumerate(boxes, 1):
                meta: dict[str, Any] = {"box": list(box)}
                if sigmas:
                    meta["sigma_srgb"] = sigmas[k - 1]
                load = {"degraded": partial(read_crop, path, box)}
                yield Item(f"{number:04d}_{k:02d}", "test", f"{number:04d}", load, meta=meta)

    def noise_level(self, row: Row) -> float | None:
        """The standard deviation that info.mat gives for the crop."""
        return row.meta.get("sigma_srgb")


def _package(folder: Path) -> Path:
    """The folder that holds info.mat: this one, one below it, such as dnd_2017, or the one above images_srgb."""
    below = sorted(path.parent for path in folder.glob("*/info.mat"))
    return next((place for place in (folder, *below, folder.parent) if (place / "info.mat").is_file()), folder)


def _info(path: Path) -> list[tuple[list[Box], list[float]]]:
    """For each image its boxes (y1, x1, y2, x2), 1-based and inclusive, and their noise levels (empty where absent)."""
    try:
        with open_hdf5(path) as file:
            info = file["info"]
            boxes = [_boxes(found) for found in referred(info, "boundingboxes", path)]
            sigmas = [_sigmas(found) for found in referred(info, "sigma_srgb", path)] if "sigma_srgb" in info else []
    except UserError:
        raise
    except (OSError, KeyError, ValueError, TypeError) as error:
        raise UserError(f"Expected {_WHAT}; but {path} cannot be read as DND's info.mat ({error}).") from error
    return list(zip(boxes, sigmas or [[]] * len(boxes), strict=True))


def _boxes(stored: Any) -> list[Box]:
    rows = np.asarray(stored).T  # HDF5 holds MATLAB's arrays with the axes reversed
    if rows.ndim != 2 or rows.shape[1] != 4:
        raise ValueError(f"bounding boxes of shape {rows.shape}")
    return [(int(a), int(b), int(c), int(d)) for a, b, c, d in rows]


def _sigmas(stored: Any) -> list[float]:
    return [float(v) for v in np.ravel(np.asarray(stored))]


def read_crop(path: Path, box: Box) -> np.ndarray:
    """One crop of an image file, read without the rest of it: (H, W, 3) uint8.

    Args:
        box: (y1, x1, y2, x2), 1-based and inclusive.
    Raises:
        UserError: the file cannot be read, has no `InoisySRGB`, or is smaller than the box.
    """
    top, left, bottom, right = box
    try:
        with open_hdf5(path) as file:
            stored = file["InoisySRGB"][:, left - 1 : right, top - 1 : bottom]  # C x W x H
    except UserError:
        raise
    except (OSError, KeyError, ValueError, TypeError) as error:
        raise UserError(f"Expected {path} to hold InoisySRGB in MATLAB's v7.3 format, but: {error}.") from error
    if stored.shape != (3, right - left + 1, bottom - top + 1):
        raise UserError(f"The box {box} of info.mat lies outside the image of {path}; unpack DND again.")
    return to_uint8(stored.transpose(2, 1, 0))
