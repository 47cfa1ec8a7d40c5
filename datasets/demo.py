"""A small set for trying things out, made in seconds from the photographs in scikit-image's wheel.

Each crop is taken back to a camera's linear RGGB mosaic, gets the noise of a sensor there, and both mosaics are
rendered by the same small ISP; interpolation and gamma make the noise correlated and signal-dependent, as a phone's is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np

from datasets import camera
from datasets.added import SIGMA, WithNoise
from datasets.base import DatasetFacts, Item, Row
from datasets.core.errors import UserError
from datasets.ops import isp
from datasets.ops.images import read_image
from datasets.ops.noise import keyed_generator

# Whole photographs are either for the test or for the training; every one is a scene. There are eight colour
# photographs in the wheel, and an interval needs five scenes, so three of the test's are grey ones.
TEST = ("astronaut.png", "camera.png", "chelsea.png", "coins.png", "moon.png")
TRAIN = ("coffee.png", "hubble_deep_field.jpg", "ihc.png", "motorcycle_left.png", "retina.jpg", "rocket.jpg")
TEST_CROPS, TEST_SIDE = 4, 128
TRAIN_CROPS, TRAIN_SIDE = 6, 192
VALIDATION_CROPS = 2

# A camera whose primaries are sRGB's, so that rendering mixes no colours: ColorMatrix2 is XYZ -> linear sRGB itself.
CAMERA: dict[str, Any] = {
    "cfa": list(isp.CFAS["RGGB"]),
    "as_shot_neutral": [0.8, 1.0, 0.9],
    "color_matrix2": [value for row in isp.XYZ_TO_SRGB for value in row],
    "beta": [0.008, 0.0001, 0.008, 0.0001, 0.008, 0.0001],
    "isp": {"demosaicing": "malvar"},
}
EXPOSURE = 0.9
SEED = 20180


@dataclass(frozen=True)
class Crop:
    """A square of a photograph: file, top left corner (even, so that every crop's filter array is the same), side.

    With a `width` it is a rectangle, whose height is `side`.
    """

    photograph: str
    top: int
    left: int
    side: int
    width: int = 0

    @property
    def scene(self) -> str:
        """The photograph."""
        return Path(self.photograph).stem

    @property
    def name(self) -> str:
        """Unique within a split."""
        return f"{self.scene}_{self.top:04d}_{self.left:04d}"

    def pixels(self) -> np.ndarray:
        """(H, W, 3) uint8."""
        right = self.left + (self.width or self.side)
        return photograph(self.photograph)[self.top : self.top + self.side, self.left : right]


class Demo(WithNoise):
    """Denoising at 24-28 dB with correlated noise; roles degraded, clean, raw (noisy mosaic) and raw_clean.

    ``isp.render(raw, cfa, as_shot_neutral, color_matrix2, **isp)`` with the fields of meta, then ``isp.to_uint8``,
    gives `degraded` exactly. ``beta`` is the noise law of the mosaic.

    ``demo[sigma=50]`` is another set on the same clean pictures, of all three splits: they get white Gaussian noise on
    reading, and camera, mosaics and the degraded pictures are left out of it. Without the option nothing of it shows.
    """

    facts = DatasetFacts(
        name="demo",
        title="demo",
        task="denoise",
        splits=("test", "validation", "train"),
        default_split="test",
        train_split="train",
        convention="float-gauss",
        complete={"test": TEST_CROPS * len(TEST), "validation": VALIDATION_CROPS * len(TRAIN)},
        licence=(
            "photographs of scikit-image's wheel: public domain, CC0 or no known restrictions, as skimage.data says; "
            "it says nothing of moon and of motorcycle (Middlebury stereo 2014)"
        ),
        citation=(
            "@article{vanderwalt2014scikit, title={scikit-image: image processing in Python}, author={van der Walt, "
            "St{\\'e}fan and others}, journal={PeerJ}, volume={2}, pages={e453}, year={2014}}"
        ),
        source="made from the photographs that scikit-image ships; nothing is downloaded",
        options={"sigma": (0.0, f"{SIGMA}, in place of the camera's; 0: the camera's")},
        embedded=True,
    )

    def __init__(self, root: Path | str, **given: Any) -> None:
        super().__init__(root, **given)
        if self.options["sigma"]:
            self.facts = replace(self.facts, synthetic=True)  # type: ignore[misc]
            self.rows = [_clean_only(row) for row in self.rows]
        else:
            self.options = {}

    @classmethod
    def items(cls, source: Path | None = None, **options: Any) -> Iterator[Item]:
        """All crops of all three splits; a source is not needed and not looked at."""
        for split, crops in layout().items():
            yield from (_item(crop, split) for crop in crops)

    @property
    def degradation(self) -> str:
        """``raw-isp``: noise in the mosaic, rendered; or ``sigma50``."""
        return super().degradation if self.options else "raw-isp"

    def noise_level(self, row: Row) -> float | None:
        """That of added noise; the camera's depends on the signal."""
        return super().noise_level(row) if self.options else None


def _clean_only(row: Row) -> Row:
    return replace(row, meta={}, files={"clean": row.files["clean"]}, sha256={"clean": row.sha256["clean"]})


def layout() -> Mapping[str, list[Crop]]:
    """Split -> its crops.

    The right-hand edge of each training photograph, as wide as a validation crop, is kept from the training, so that
    a checkpoint can be chosen on it without a look at the test.
    """
    strip = {file: photograph(file).shape[1] - TEST_SIDE for file in TRAIN}
    return {
        "test": [c for file in TEST for c in grid(file, photograph(file).shape[1], TEST_SIDE, TEST_CROPS)],
        "validation": [Crop(file, top, strip[file] // 2 * 2, TEST_SIDE) for file in TRAIN for top in _tops(file)],
        "train": [c for file in TRAIN for c in grid(file, strip[file] // 2 * 2, TRAIN_SIDE, TRAIN_CROPS)],
    }


def _tops(file: str) -> list[int]:
    """Rows of the validation crops: spread evenly, not overlapping."""
    gap = (photograph(file).shape[0] - VALIDATION_CROPS * TEST_SIDE) // (VALIDATION_CROPS + 1)
    return [(gap + k * (TEST_SIDE + gap)) // 2 * 2 for k in range(VALIDATION_CROPS)]


def grid(file: str, width: int, side: int, count: int) -> list[Crop]:
    """At most `count` squares of a photograph's left `width` columns: tiles spread evenly over it, not overlapping."""
    height = photograph(file).shape[0]
    rows, columns = height // side, width // side
    tops = [(height - side) * r // max(rows - 1, 1) // 2 * 2 for r in range(rows)]
    lefts = [(width - side) * c // max(columns - 1, 1) // 2 * 2 for c in range(columns)]
    tiles = [Crop(file, top, left, side) for top in tops for left in lefts]
    chosen = np.linspace(0, len(tiles) - 1, min(count, len(tiles))).round().astype(int)
    return [tiles[k] for k in chosen]


@lru_cache(maxsize=16)
def photograph(file: str) -> np.ndarray:
    """One photograph of the installed scikit-image, (H, W, 3) uint8; grey ones with three equal channels.

    Raises UserError where the installed version does not ship it.
    """
    import skimage

    path = Path(str(skimage.__file__)).parent / "data" / file
    if not path.is_file():
        raise UserError(
            f"Expected the photograph {file} among those of the installed scikit-image, but {path} is not there. "
            "Run: pip install 'scikit-image>=0.24'"
        )
    return read_image(path)


def _item(crop: Crop, split: str) -> Item:
    make = lru_cache(maxsize=1)(partial(images, crop))
    load = {role: partial(_one, make, role) for role in ("degraded", "clean", "raw", "raw_clean")}
    return Item(crop.name, split, crop.scene, load, camera="synthetic", meta=CAMERA)


def _one(make: Any, role: str) -> np.ndarray:
    image: np.ndarray = make()[role]
    return image


def images(crop: Crop) -> dict[str, np.ndarray]:
    """The four images of a crop: clean and noisy mosaic, float32 (H, W), and their renderings, uint8 (H, W, 3)."""
    clean = sensed(crop.pixels())
    noisy = exposed(clean, CAMERA["beta"], crop.name)
    return {"raw_clean": clean, "raw": noisy, "clean": developed(clean), "degraded": developed(noisy)}


def sensed(rgb: np.ndarray) -> np.ndarray:
    """What the camera's mosaic would have been for an sRGB picture: the ISP backwards.

    (H, W, 3) uint8 -> (H, W) float32 in [0, 1].
    """
    return mosaicked(linear_light(rgb))


def exposed(raw: np.ndarray, beta: Sequence[float], name: str) -> np.ndarray:
    """A mosaic with a sensor's noise of the law `beta`, drawn from the name alone: (H, W) float32 -> the same."""
    return camera.exposed(raw, {**CAMERA, "beta": beta}, keyed_generator(SEED, name))


def linear_light(rgb: np.ndarray) -> np.ndarray:
    """The light behind an sRGB picture, under the demo's exposure: (H, W, 3) uint8 -> float64 in [0, EXPOSURE]."""
    return camera.linear_light(rgb, EXPOSURE)


def mosaicked(linear: np.ndarray) -> np.ndarray:
    """What the demo's sensor sees of light: (H, W, 3) linear sRGB, even sides -> (H, W) float32 mosaic."""
    return camera.mosaicked(linear, CAMERA)


def developed(raw: np.ndarray) -> np.ndarray:
    """The ISP forwards: (H, W) mosaic -> (H, W, 3) uint8 sRGB."""
    return camera.developed(raw, CAMERA)
