"""`phone`: a phone's noise on the photographs of BSDS500, for training on real noise without any test set's picture.

Each photograph is taken back to light, exposed anew, seen by a camera of its own (filter array, white balance, colour
matrix, noise law) and rendered by one ISP from the clean and from the noisy mosaic, as the demo's are.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from pathlib import Path
from threading import Lock
from typing import Any, ClassVar

import numpy as np

from datasets import camera
from datasets.base import DatasetFacts, Item
from datasets.bsds500 import BSDS500, LICENCE, photographs
from datasets.classic import BSD68_NUMBERS
from datasets.listing import need_source
from datasets.ops.images import read_image
from datasets.ops.noise import keyed_generator
from datasets.ops.resize import imresize
from datasets.phone_cameras import SEED, STRONG, STRONGER, drawn, log_uniform, recoloured, recolouring
from datasets.prepared import Prepared

# Pictures of each photograph, each with a camera, an exposure and noise of its own. The first shows it as it is; the
# others show parts of it enlarged, since a phone's pixels lie closer than its lens can tell apart.
VERSIONS = {"train": 3, "validation": 2, "test": 2}
ZOOMS = (1.3, 4.0)
SIDE = 256  # of validation and test, cut from the middle
VALIDATION = 20  # photographs of `val` without CBSD68's 68; the other twelve are the test


@dataclass(frozen=True)
class Shot:
    """One picture of a photograph."""

    path: Path
    split: str
    version: int
    strong: tuple[float, float] = STRONG
    recolour: bool = False

    @property
    def name(self) -> str:
        """Unique within the dataset; what all draws depend on."""
        return f"{self.path.stem}_{self.version}"

    @property
    def zoom(self) -> float:
        """Side of the picture's pixels against the photograph's, 1 or more."""
        if not self.version:
            return 1.0
        return float(f"{log_uniform(keyed_generator(SEED, self.name, 'zoom'), *ZOOMS):.4g}")

    def meta(self) -> dict[str, Any]:
        """All that the picture was made with."""
        colours = {"colours": recolouring(self.name)} if self.recolour and self.version else {}
        return {**drawn(self.name, self.strong), "zoom": self.zoom, **colours}


class Phone(Prepared):
    """Denoising of strong, correlated, signal-dependent noise; roles degraded, clean and raw (the noisy mosaic).

    ``isp.render(raw, cfa, as_shot_neutral, color_matrix2, **isp)`` with the fields of meta, then ``isp.to_uint8``,
    gives `degraded` exactly. ``beta`` is the noise law of that mosaic. Each photograph is a scene.

    Class attributes:
        strong: range of the stronger noise, see `phone_cameras`.
        recolour: the enlarged pictures have other colours than their photograph, another hue and saturation each.
    """

    strong: ClassVar[tuple[float, float]] = STRONG
    recolour: ClassVar[bool] = False
    facts = DatasetFacts(
        name="phone",
        title="phone",
        task="denoise",
        splits=("test", "validation", "train"),
        default_split="test",
        train_split="train",
        convention="float-gauss",
        stands_for="real",
        complete={"train": 1200, "validation": 40, "test": 24},
        licence=f"photographs of BSDS500: {LICENCE}; noise laws of SIDD: MIT",
        citation=BSDS500.facts.citation,
        source="made from BSDS500 (python -m benchmark prepare bsds500); --source takes its folder too",
    )

    @classmethod
    def items(cls, source: Path | None, **options: Any) -> Iterator[Item]:
        """All pictures, from BSDS500 in its authors' layout or prepared. Raises UserError as that set does."""
        for split, paths in layout(need_source(source, "BSDS500")).items():
            for path in paths:
                shots = (Shot(path, split, version, cls.strong, cls.recolour) for version in range(VERSIONS[split]))
                yield from map(_item, shots)

    @property
    def degradation(self) -> str:
        """``raw-isp``: noise in the mosaic, rendered."""
        return "raw-isp"


class PhoneStrong(Phone):
    """`phone` with the stronger range of noise twice as strong: the same pictures, cameras and exposures.

    What phones' noise is like in the textured scenes of SIDD lies at the upper end of `phone`, and in the middle here.
    """

    facts = replace(Phone.facts, name="phone-strong", title="phone-strong")
    strong = STRONGER


class PhoneColours(PhoneStrong):
    """`phone-strong` with other colours in two of three pictures: any hue as likely as any other.

    Photographs of nature have few purple or yellow surfaces. Networks that saw no others take strong noise on those for
    noise on a greyer one, and shift them by ten grey levels.
    """

    facts = replace(Phone.facts, name="phone-colours", title="phone-colours")
    recolour = True


def layout(source: Path) -> dict[str, list[Path]]:
    """Split -> photographs: train and test of BSDS500 to train on, those of its val that are not in CBSD68 to look."""
    found = photographs(source)
    known = set(BSD68_NUMBERS.read_text(encoding="utf-8").split())
    held_out = [path for path in found["val"] if path.stem not in known]
    trained = sorted(found["train"] + found["test"], key=lambda path: path.stem)
    return {"test": held_out[VALIDATION:], "validation": held_out[:VALIDATION], "train": trained}


def _item(shot: Shot) -> Item:
    load = {role: partial(_one, shot, role) for role in ("degraded", "clean", "raw")}
    return Item(shot.name, shot.split, shot.path.stem, load, camera="synthetic", meta=shot.meta())


_BUSY = Lock()  # the roles of one picture are asked for by several threads at once


def _one(shot: Shot, role: str) -> np.ndarray:
    with _BUSY:
        return _images(shot)[role]


@lru_cache(maxsize=4)
def _images(shot: Shot) -> dict[str, np.ndarray]:
    return images(view(read_image(shot.path, 3), shot), shot.meta(), shot.name)


def view(rgb: np.ndarray, shot: Shot) -> np.ndarray:
    """What the picture shows of a photograph, (H, W, 3) uint8 -> float on the same scale, even sides.

    An enlarged part has the size of the whole; of validation and test there is the middle.
    """
    height, width = (side // 2 * 2 for side in rgb.shape[:2])
    if shot.zoom > 1:
        rng = keyed_generator(SEED, shot.name, "part")
        part = [int(np.ceil(side / shot.zoom)) for side in (height, width)]
        top, left = (int(rng.integers(whole - cut + 1)) for whole, cut in zip((height, width), part, strict=True))
        rgb = imresize(rgb[top : top + part[0], left : left + part[1]], size=(height, width)) * 255
    else:
        rgb = rgb[:height, :width].astype(np.float64)
    if shot.split == "train":
        return rgb
    top, left = ((side - SIDE) // 4 * 2 for side in (height, width))
    return rgb[top : top + SIDE, left : left + SIDE]


def images(rgb: np.ndarray, meta: dict[str, Any], name: str) -> dict[str, np.ndarray]:
    """A picture's three images: noisy mosaic, float32 (H, W), and both renderings, uint8 (H, W, 3).

    Colours that the camera cannot see are clipped in the clean mosaic, so that both pictures have the same.
    """
    light = recoloured(camera.linear_light(rgb, meta["exposure"]), **meta.get("colours", {}))
    raw_clean = np.clip(camera.mosaicked(light, meta), 0, 1)
    raw = camera.exposed(raw_clean, meta, keyed_generator(SEED, name, "noise"))
    return {"degraded": camera.developed(raw, meta), "clean": camera.developed(raw_clean, meta), "raw": raw}
