"""The images of the regression check: small, made from the project's own photographs, a set for each kind of weights.

Two of the sets go the way of real ones, through `prepare` and the prepared files; the others are made in memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np

from datasets import open_dataset, prepare
from datasets.base import Dataset, DatasetFacts, Sample
from datasets.core.files import digest
from datasets.ops.noise import gaussian, keyed_generator
from datasets.ops.resize import imresize

# The demo's test crops that show most: dark and saturated parts (clamps), colour (a swapped channel), grey texture.
CROPS = ("astronaut_0384_0384", "chelsea_0172_0322", "astronaut_0128_0128", "camera_0128_0128")
# Photograph -> top left corners of its blocks. The second block of the first scene and the first of the second are
# looked at: a reader that mixes up scenes and blocks swaps the two.
BLOCKS = {"astronaut.png": ((0, 0), (256, 256)), "chelsea.png": ((0, 0), (44, 194))}
LOOKED_AT, SIDE = (1, 2), 256
SIGMA = 25 / 255
SCALE = 4


class Made(Dataset):
    """Samples made in memory.

    Args:
        facts: of the set. samples: in order.
    """

    def __init__(self, facts: DatasetFacts, samples: Iterable[Sample]) -> None:
        self.facts = facts  # type: ignore[misc]  # of the instance: each set has its own
        self.samples = list(samples)
        self.split, self.options, self.noise_seed, self.rows = facts.default_split, {}, 0, []

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> Sample:  # type: ignore[override]
        return self.samples[index]

    @property
    def fingerprint(self) -> str:
        """Over the pixels."""
        return digest([[s.name, _bytes(s.degraded), _bytes(s.clean)] for s in self.samples])

    @property
    def degradation(self) -> str:
        """The set's name says it."""
        return self.facts.name

    @property
    def partial(self) -> str:
        """Never: there is no more of it."""
        return ""


def sets(root: Path) -> list[Dataset]:
    """Every set, made below `root` (an empty folder).

    demo, sidd: RGB photographs with a camera's noise, 8 bits. awgn, awgn-grey: white noise of known level, floats that
    leave [0, 1]. x4: RGB reduced to a quarter by MATLAB's imresize, 8 bits.
    """
    prepare("demo", None, root)
    demo = open_dataset("demo", root)
    rows = {row.name: row for row in demo.rows}
    demo.rows = [rows[name] for name in CROPS]  # a few of its test crops
    blocks = _blocks(root)
    return [
        demo,
        blocks,
        _made("awgn", "denoise", demo, CROPS[:2], _noisy),
        _made("awgn-grey", "denoise", demo, CROPS[2:], lambda sample: _noisy(_grey(sample)), channels=1),
        _made("x4", "super-resolve", blocks, None, _reduced, scale=SCALE),
    ]


def _blocks(root: Path) -> Dataset:
    """Blocks in SIDD's containers: two .mat files of (scenes, blocks, 256, 256, 3) bytes, read as SIDD's are."""
    from scipy.io import savemat

    from datasets.demo import Crop, images

    pairs = [[images(Crop(file, *corner, SIDE)) for corner in corners] for file, corners in BLOCKS.items()]
    source = root / "blocks"
    source.mkdir(parents=True)
    for variable, role in (("ValidationNoisyBlocksSrgb", "degraded"), ("ValidationGtBlocksSrgb", "clean")):
        savemat(source / f"{variable}.mat", {variable: np.stack([[pair[role] for pair in row] for row in pairs])})
    prepare("sidd", source, root)
    blocks = open_dataset("sidd", root)
    blocks.rows = [blocks.rows[index] for index in LOOKED_AT]
    return blocks


def _made(
    name: str,
    task: str,
    origin: Dataset,
    names: Sequence[str] | None,
    degraded: Callable[[Sample], Sample],
    channels: int = 3,
    scale: int = 1,
) -> Dataset:
    facts = DatasetFacts(name, name, task, ("check",), "check", "float-gauss", channels=channels, scale=scale)
    return Made(facts, [degraded(sample) for sample in origin if names is None or sample.name in names])


def _noisy(sample: Sample) -> Sample:
    """White Gaussian noise on the clean image, not clipped."""
    noisy = gaussian(_clean(sample), SIGMA, keyed_generator("check", sample.name))
    return Sample(sample.name, noisy, sample.clean, sample.scene, {}, SIGMA)


def _grey(sample: Sample) -> Sample:
    """The middle of the green channel: small, since weights for grey noise may ask for many passes."""
    return Sample(sample.name, None, _clean(sample)[32:96, 32:96, 1:2], sample.scene)


def _reduced(sample: Sample) -> Sample:
    """A quarter of the side, rounded to 8 bits."""
    small = np.rint(imresize(_clean(sample), 1 / SCALE) * 255).astype(np.uint8)
    return Sample(sample.name, small, sample.clean, sample.scene)


def _clean(sample: Sample) -> np.ndarray:
    assert sample.clean is not None  # all of these sets have a ground truth
    return sample.clean


def _bytes(image: np.ndarray | None) -> str:
    return "" if image is None else digest([image.shape, str(image.dtype), image.tobytes().hex()])
