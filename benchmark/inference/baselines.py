"""The rows that every table has: `input`; for denoising, super-resolution and snow `blur`; for the first two `nlm`.

They run like any method. At scale > 1 what they give is enlarged by MATLAB's bicubic interpolation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from benchmark.compatibility import ImpossibleError
from datasets.base import DatasetFacts, Sample
from datasets.core.registry import unknown
from datasets.ops.ranges import unit
from datasets.ops.resize import imresize
from methods.base import Facts, Method, Recipe, SampleInfo, StageFactory

# Non-local means' h where the noise level is unknown: what OpenCV's documentation recommends for colour photographs.
_NLM_H = 10.0
_SIGMAS = np.geomspace(0.3, 6.0, 9)


class Baseline(Method):
    """A row to compare with: no weights, no training, any channel count.

    Args:
        scale: clean size / degraded size.
    """

    tasks: ClassVar[tuple[str, ...]] = ("denoise",)

    def __init__(self, scale: int = 1) -> None:
        super().__init__(Recipe(self.name, "", "baseline"))
        self.scale = scale

    @property
    def facts(self) -> Facts:
        return Facts(tasks=self.tasks, supervision="degraded", channels=(1, 3), scale=self.scale, note=self.note())

    def note(self) -> str:
        """What the record says of this row."""
        return ""

    def fit(self, samples: Callable[[], Iterator[Sample]]) -> None:
        """Look at the test images before restoring them; `samples` gives them anew at each call."""

    def enlarged(self, image: np.ndarray) -> np.ndarray:
        """An (H, W, C) image at the clean size."""
        return image if self.scale == 1 else imresize(np.atleast_3d(image), self.scale, clip=False)

    def roles(self) -> dict[str, nn.Module]:
        return {}

    def stages(self) -> Iterator[StageFactory]:
        return iter(())


class Input(Baseline):
    """The degraded image itself, enlarged at scale > 1.

    Not for sensing: what is measured, and so the initial estimate, is each method's own (its operator may be learned).
    """

    name = "input"
    title = "Input"
    tasks = ("denoise", "super-resolve", "deblur", "derain", "desnow")

    def restore(self, x: Tensor, info: Sequence[SampleInfo] | None = None) -> Tensor:
        return x if self.scale == 1 else _each(x, self.enlarged)


class Blur(Baseline):
    """The best Gaussian blur: one sigma for the whole split, chosen on its clean images. A bar, not a competitor."""

    name = "blur"
    title = "Gaussian blur"
    tasks = ("denoise", "super-resolve", "desnow")

    def __init__(self, scale: int = 1) -> None:
        super().__init__(scale)
        self.sigma = 1.0

    def note(self) -> str:
        return f"sigma {self.sigma:.3g} chosen on the test images"

    def fit(self, samples: Callable[[], Iterator[Sample]]) -> None:
        """Choose the sigma of the highest mean PSNR (clipped float): a coarse grid, then one between its neighbours."""
        best = int(np.argmax(self._mean_psnr(samples(), _SIGMAS)))
        around = np.geomspace(_SIGMAS[max(best - 1, 0)], _SIGMAS[min(best + 1, len(_SIGMAS) - 1)], 9)
        self.sigma = float(around[int(np.argmax(self._mean_psnr(samples(), around)))])

    def restore(self, x: Tensor, info: Sequence[SampleInfo] | None = None) -> Tensor:
        return _each(x, lambda image: self.enlarged(_blurred(image, self.sigma)))

    def _mean_psnr(self, samples: Iterator[Sample], sigmas: np.ndarray) -> np.ndarray:
        """Mean PSNR in dB (peak 1) of the samples under each sigma; those without a clean image do not count."""
        rows = []
        for sample in samples:
            if sample.clean is not None and sample.degraded is not None:
                degraded, clean = unit(sample.degraded), unit(sample.clean)
                blurred = (self.enlarged(_blurred(degraded, s)).reshape(clean.shape) for s in sigmas)
                errors = [np.mean((np.clip(image, 0, 1) - clean) ** 2) for image in blurred]
                rows.append(-10 * np.log10(np.maximum(errors, 1e-12)))
        if not rows:
            raise ImpossibleError("the sigma of the best blur is chosen on clean images, and there are none")
        return np.mean(rows, axis=0)


class NonLocalMeans(Baseline):
    """OpenCV's fastNlMeansDenoising(Colored) on the image rounded to 8 bits, its default windows (7, 21).

    h is 255 * noise level where that is known, else 10 (the library's recommendation), for luma and colour alike.
    """

    name = "nlm"
    title = "Non-local means"
    tasks = ("denoise", "super-resolve")

    def note(self) -> str:
        return "OpenCV, h = 255 * noise level, or 10 where unknown"

    def restore(self, x: Tensor, info: Sequence[SampleInfo] | None = None) -> Tensor:
        levels = [i.noise_level for i in info] if info else [None] * len(x)
        strengths = iter([_NLM_H if level is None else 255 * level for level in levels])
        return _each(x, lambda image: self.enlarged(_nlm(image, next(strengths))))


_CLASSES: dict[str, type[Baseline]] = {cls.name: cls for cls in (Input, Blur, NonLocalMeans)}


def baseline(name: str, scale: int = 1) -> Baseline:
    """The baseline of that name. Raises UserError for an unknown one."""
    if name not in _CLASSES:
        raise unknown("baseline", name, _CLASSES)
    return _CLASSES[name](scale)


def baselines_for(facts: DatasetFacts) -> list[str]:
    """Names of the baselines that a dataset gets."""
    return [name for name, cls in _CLASSES.items() if facts.task in cls.tasks]


def _each(x: Tensor, restore: Callable[[np.ndarray], np.ndarray]) -> Tensor:
    """Apply a function of one float32 (H, W, C) image to each of a batch."""
    images = x.detach().permute(0, 2, 3, 1).contiguous().cpu().numpy()
    restored = [np.atleast_3d(restore(image)) for image in images]  # OpenCV drops a single channel
    return torch.from_numpy(np.stack(restored).astype(np.float32)).permute(0, 3, 1, 2).contiguous().to(x.device)


def _blurred(image: np.ndarray, sigma: float) -> np.ndarray:
    import cv2

    return cv2.GaussianBlur(image, (0, 0), sigma)


def _nlm(image: np.ndarray, h: float) -> np.ndarray:
    import cv2

    eight = np.rint(np.clip(image, 0, 1) * 255).astype(np.uint8)
    if image.shape[2] == 1:
        return cv2.fastNlMeansDenoising(eight, None, h).astype(np.float32) / 255
    colour = cv2.cvtColor(eight, cv2.COLOR_RGB2BGR)
    restored = cv2.fastNlMeansDenoisingColored(colour, None, h, h)
    return cv2.cvtColor(restored, cv2.COLOR_BGR2RGB).astype(np.float32) / 255
