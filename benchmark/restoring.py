"""Applying a method to samples: batches of equal sizes, tiles, self-ensemble, precision; and checking the outcome."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from benchmark.tiling import tiled
from datasets.base import Sample
from datasets.ops.errors import UserError
from datasets.ops.flips import MODES, flip, unflip
from datasets.ops.names import unknown
from datasets.ops.phases import passing
from methods.base import Method, SampleInfo

PRECISIONS = ("fp32", "bf16")
# Pixels restored together: on a CPU a few small blocks fill the caches, a GPU wants more.
_BATCH_PIXELS = {"cpu": 1 << 18, "cuda": 1 << 21}


@dataclass(frozen=True)
class Restored:
    """A sample and its restored image: (H, W, C) float32, unclamped unless the method clamps."""

    sample: Sample
    output: np.ndarray


class Restorer:
    """A method made ready to restore samples; call it with samples, get Restored in the same order.

    Args:
        method: in eval mode after this, moved to `device`.
        device: torch device. precision: fp32, or bf16 (autocast). tf32: allow TF32 products on CUDA.
        tile: side of tiles in pixels, 0 = whole images. ensemble: mean over the 8 flips and rotations.
        batch_pixels: images of equal size are restored together up to so many pixels; 0 = by the kind of device.
        channels_last: memory layout. noise_seed: of the method's own draws.
        grey_as_rgb: grey images are repeated three times, the outputs averaged back.

    Attributes:
        seconds, pixels: wall time of restoring and input pixels, without the first batch where there are several
            (it includes the device's warming up).
    """

    def __init__(
        self,
        method: Method,
        device: torch.device | str = "cpu",
        precision: str = "fp32",
        tf32: bool = False,
        tile: int = 0,
        ensemble: bool = False,
        *,
        batch_pixels: int = 0,
        channels_last: bool = False,
        noise_seed: int = 0,
        grey_as_rgb: bool = False,
    ) -> None:
        if precision not in PRECISIONS:
            raise unknown("precision", precision, PRECISIONS)
        self.device = torch.device(device)
        layout: dict[str, Any] = {"memory_format": torch.channels_last} if channels_last else {}
        self.method = method.to(self.device, **layout).eval()
        self.precision, self.tf32, self.tile, self.ensemble = precision, tf32, tile, ensemble
        self.batch_pixels = batch_pixels or _BATCH_PIXELS.get(self.device.type, 1 << 20)
        self.channels_last, self.noise_seed, self.grey_as_rgb = channels_last, noise_seed, grey_as_rgb
        self.seconds, self.pixels, self._batches = 0.0, 0, 0

    def __call__(self, samples: Iterable[Sample]) -> Iterator[Restored]:
        """Restore lazily, in order. Raises UserError for an output that is no image, of a wrong shape or not finite."""
        for batch in batches(samples, self.batch_pixels):
            outputs = self._timed(batch)
            passing("run.restore")
            for sample, output in zip(batch, outputs, strict=True):
                yield Restored(sample, output)

    def _timed(self, batch: Sequence[Sample]) -> list[np.ndarray]:
        start = time.perf_counter()
        outputs = self._restore_batch(batch)
        if self._batches == 1:
            self.seconds, self.pixels = 0.0, 0
        self._batches += 1
        self.seconds += time.perf_counter() - start
        self.pixels += sum(int(np.prod(_source(sample).shape[:2])) for sample in batch)
        return outputs

    def _restore_batch(self, batch: Sequence[Sample]) -> list[np.ndarray]:
        x = self.tensor(batch)
        infos = [SampleInfo(s.name, s.noise_level, self.noise_seed, s.meta) for s in batch]
        with torch.no_grad(), products(self.tf32), self._autocast():
            if batch[0].degraded is None:
                x = self.method.measure(x)  # type: ignore[operator]  # methods.base.Senses
            wide = self.widened(x)
            y = self._ensembled(wide, infos).float()
            y = y.mean(1, keepdim=True) if wide is not x else y
            if batch[0].clean is not None and batch[0].degraded is None:
                # A sensing method may measure an image padded to whole blocks.
                y = y[..., : batch[0].clean.shape[0], : batch[0].clean.shape[1]]
        _check_finite(y, batch)
        return list(y.permute(0, 2, 3, 1).contiguous().cpu().numpy())

    @property
    def speed(self) -> float | None:
        """Milliseconds per 10^6 input pixels so far."""
        return self.seconds * 1e9 / self.pixels if self.pixels else None

    def tensor(self, batch: Sequence[Sample]) -> Tensor:
        """(N, C, H, W) float32 on the device; uint8 travels as uint8 and is divided there."""
        stacked = torch.from_numpy(np.stack([_source(sample) for sample in batch])).to(self.device)
        x = stacked.permute(0, 3, 1, 2)
        x = x.to(torch.float32) / 255 if stacked.dtype == torch.uint8 else x.to(torch.float32)
        return x.contiguous(memory_format=torch.channels_last if self.channels_last else torch.contiguous_format)

    def widened(self, x: Tensor) -> Tensor:
        """What the method is given: grey images three times over where that was asked for."""
        return x.expand(-1, 3, -1, -1) if self.grey_as_rgb and x.shape[1] == 1 else x

    def _autocast(self) -> AbstractContextManager[Any]:
        return torch.autocast(self.device.type, torch.bfloat16) if self.precision == "bf16" else nullcontext()

    def _ensembled(self, x: Tensor, infos: Sequence[SampleInfo]) -> Tensor:
        if not self.ensemble:
            return self._tiled(x, infos)
        total = self._tiled(x, infos).float()
        for mode in list(MODES)[1:]:
            turned = [info.variant(f"flip{mode}") for info in infos]
            total = total + unflip(self._tiled(flip(x, mode), turned).float(), mode)
        return total / len(MODES)

    def _tiled(self, x: Tensor, infos: Sequence[SampleInfo]) -> Tensor:
        def restore(piece: Tensor, tag: str) -> Tensor:
            known = [info.variant(tag) for info in infos] if tag else infos
            return _checked(self.method.restore(piece, known), piece, self.method)

        return tiled(restore, x, self.tile, self.method.facts) if self.tile else restore(x, "")


def batches(samples: Iterable[Sample], pixels: int) -> Iterator[list[Sample]]:
    """Group neighbouring samples of equal shape and type, up to `pixels` pixels in a group (at least one image)."""
    batch: list[Sample] = []
    for sample in samples:
        source = _source(sample)
        room = max(1, pixels // int(np.prod(source.shape[:2])))
        if batch and (len(batch) >= room or _kind(batch[0]) != _kind(sample)):
            yield batch
            batch = []
        batch.append(sample)
    if batch:
        yield batch


@contextmanager
def products(tf32: bool) -> Iterator[None]:
    """Allow or forbid TF32 in CUDA matrix products and convolutions; the former state comes back afterwards."""
    matmul, cudnn = torch.backends.cuda.matmul, torch.backends.cudnn
    before = matmul.allow_tf32, cudnn.allow_tf32
    matmul.allow_tf32 = cudnn.allow_tf32 = tf32
    try:
        yield
    finally:
        matmul.allow_tf32, cudnn.allow_tf32 = before


def _source(sample: Sample) -> np.ndarray:
    source = sample.clean if sample.degraded is None else sample.degraded
    if source is None:
        raise UserError(f"The sample {sample.name!r} has neither a degraded nor a clean image; prepare it again.")
    return source


def _kind(sample: Sample) -> tuple[Any, ...]:
    source = _source(sample)
    return source.shape, source.dtype, sample.degraded is None


def _checked(y: Any, x: Tensor, method: Method) -> Tensor:
    """One tensor of the right shape, or a sentence that says what came instead."""
    name = getattr(method, "name", type(method).__name__)
    if isinstance(y, (tuple, list, dict)):
        raise UserError(f"{name} returned a {type(y).__name__} of {len(y)}; name the one to score by output=...")
    if not isinstance(y, Tensor):
        raise UserError(f"{name} returned {type(y).__name__}; a method's restore() returns one torch.Tensor.")
    scale = method.facts.scale
    expected = (*x.shape[:2], x.shape[2] * scale, x.shape[3] * scale)
    if tuple(y.shape) != expected:
        raise UserError(f"{name} returned shape {tuple(y.shape)} for an input of {tuple(x.shape)}, not {expected}.")
    return y


def _check_finite(y: Tensor, batch: Sequence[Sample]) -> None:
    broken = ~torch.isfinite(y).flatten(1).all(1)
    if bool(broken.any()):
        name = batch[int(broken.nonzero()[0, 0])].name
        raise UserError(
            f"The restored image {name!r} holds NaN or infinite values; check the weights, or give --precision fp32."
        )
