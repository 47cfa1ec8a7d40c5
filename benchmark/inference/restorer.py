"""Applying a method to samples: batches of equal sizes, tiles, self-ensemble, precision; and checking the outcome."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from benchmark.inference.compiling import Compiled
from benchmark.inference.folding import folded
from benchmark.inference.joining import joined
from benchmark.inference.memory import keep_freed_memory
from benchmark.inference.portion import smaller
from benchmark.inference.settings import InferenceSettings
from benchmark.inference.tiling import tiled
from benchmark.inference.winograd import quickened
from benchmark.inference.within import Layers
from benchmark.progress import Report, Task
from benchmark.scoring.output_check import check_form, check_values
from datasets.base import Sample
from datasets.core.errors import UserError
from datasets.core.fault_points import fault_point
from datasets.ops.flips import MODES, flip, unflip
from datasets.ops.ranges import unit
from datasets.pool import moved
from methods.base import Method, SampleInfo

DEFAULTS = InferenceSettings()
# Pixels restored together: on a CPU one block of 256 x 256 fills the caches, a GPU wants more.
_BATCH_PIXELS = {"cpu": 1 << 16, "cuda": 1 << 21}
# Kinds of device on which all built-in methods were measured to gain by having the channels last (docs/performance.md).
_CHANNELS_LAST = ("cpu",)


@dataclass(frozen=True)
class Restored:
    """A sample and its restored image: (H, W, C) float32, unclamped unless the method clamps."""

    sample: Sample
    output: np.ndarray


class Restorer:
    """A method made ready to restore samples; call it with samples, get Restored in the same order.

    Args:
        method: in eval mode after this, moved to `device`. What restores is a twin of it where layers are folded or
            take a faster form (`benchmark.inference.folding`, `.winograd`, `.joining`); parameters and costs stay those
            of the method.
        device: torch device. settings: see InferenceSettings.
        batch_pixels: images of equal size are restored together up to so many pixels; 0 = by the kind of device.
        check_range: refuse outputs whose white is not 1; off while a network is still in training.

    Attributes:
        report: told what goes on within an image: flips, tiles, layers.
        batch_pixels, tile: less than was asked for once the device's memory was not enough.
        seconds, pixels: wall time of restoring and input pixels, without the first batch where there are several
            (it includes the device's warming up).
    """

    def __init__(
        self,
        method: Method,
        device: torch.device | str = "cpu",
        settings: InferenceSettings = DEFAULTS,
        *,
        batch_pixels: int = 0,
        check_range: bool = True,
    ) -> None:
        self.device = torch.device(device)
        self.channels_last = settings.channels_last == "on" or (
            settings.channels_last == "auto" and self.device.type in _CHANNELS_LAST
        )
        layout: dict[str, Any] = {"memory_format": torch.channels_last} if self.channels_last else {}
        self.method = method.to(self.device, **layout).eval()
        self._fast = self.method if settings.exact else folded(self.method)
        self._compiled = Compiled(self._fast) if settings.compile else None
        if not settings.exact and not settings.compile:
            self._fast = joined(quickened(self._fast))
        self._layers = Layers(self._fast)
        if self.device.type == "cpu":
            keep_freed_memory()
        self.settings, self.tile = settings, settings.tile
        self.batch_pixels = batch_pixels or _BATCH_PIXELS.get(self.device.type, 1 << 20)
        self.check_range = check_range
        self.report: Report = None
        self.seconds, self.pixels, self._batches = 0.0, 0, 0
        self._short = ""

    def __call__(self, samples: Iterable[Sample]) -> Iterator[Restored]:
        """Restore lazily, in order.

        Raises UserError for an output that is no image, or that `benchmark.scoring.output_check` refuses.
        """
        for batch in batches(samples, lambda: self.batch_pixels):
            outputs = self._timed(batch)
            fault_point("run.restore")
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
        """Restore a batch; where the device's memory is not enough, by halves, and one image in tiles."""
        try:
            return self._restored(batch)
        except torch.OutOfMemoryError:
            less = smaller(len(batch), _source(batch[0]).shape[:2], self.batch_pixels, self.tile, self.method.facts)
            if less is None:
                raise
        # Outside of the handler, whose traceback would keep the tensors of the failed attempt.
        self.batch_pixels, self.tile, self._short = less
        if self.device.type == "cuda":
            torch.cuda.empty_cache()
        half = -(-len(batch) // 2)
        return [output for part in (batch[:half], batch[half:]) if part for output in self._restore_batch(part)]

    def _restored(self, batch: Sequence[Sample]) -> list[np.ndarray]:
        x = self.tensor(batch)
        infos = [SampleInfo(s.name, s.noise_level, self.settings.noise_seed, s.meta) for s in batch]
        half = self.settings.precision == "bf16"
        autocast: AbstractContextManager[Any] = (
            torch.autocast(self.device.type, torch.bfloat16) if half else nullcontext()
        )
        with torch.no_grad(), products(self.settings.tf32), autocast:
            if batch[0].degraded is None:
                x = self._fast.measure(x)
            wide = self.widened(x)
            y = self._ensembled(wide, infos).float()
            y = y.mean(1, keepdim=True) if wide is not x else y
            if batch[0].clean is not None and batch[0].degraded is None:
                # A sensing method may measure an image padded to whole blocks.
                y = y[..., : batch[0].clean.shape[0], : batch[0].clean.shape[1]]
        outputs = list(y.permute(0, 2, 3, 1).contiguous().cpu().numpy())
        for sample, output in zip(batch, outputs, strict=True):
            self._check_values(sample, output)
        return outputs

    def _check_values(self, sample: Sample, output: np.ndarray) -> None:
        reference = _source(sample) if self.check_range else None
        remedy = "a method takes images whose white is 1 and gives such; divide in its restore()"
        try:
            check_values(output, reference, f"The restored image {sample.name!r}", remedy)
        except UserError as error:
            if np.isfinite(output).all():
                raise
            raise UserError(f"{error} Check the weights, or give --precision fp32.") from error

    @property
    def remark(self) -> str:
        """What the record says of memory that was not enough and of networks that were not compiled ('' = nothing)."""
        return "; ".join(filter(None, [self._short, self._compiled.remark if self._compiled else ""]))

    @property
    def speed(self) -> float | None:
        """Milliseconds per 10^6 input pixels so far."""
        return self.seconds * 1e9 / self.pixels if self.pixels else None

    def tensor(self, batch: Sequence[Sample]) -> Tensor:
        """(N, C, H, W) float32 on the device; uint8 travels as uint8 and is divided there, uint16 by 65535 before."""
        images = [_source(sample) for sample in batch]
        images = [unit(image) if image.dtype == np.uint16 else image for image in images]
        stacked = moved(torch.from_numpy(np.stack(images)), self.device)
        x = stacked.permute(0, 3, 1, 2)
        x = x.to(torch.float32) / 255 if stacked.dtype == torch.uint8 else x.to(torch.float32)
        return x.contiguous(memory_format=torch.channels_last if self.channels_last else torch.contiguous_format)

    def widened(self, x: Tensor) -> Tensor:
        """What the method is given: grey images three times over where that was asked for."""
        return x.expand(-1, 3, -1, -1) if self.settings.grey_as_rgb and x.shape[1] == 1 else x

    def _ensembled(self, x: Tensor, infos: Sequence[SampleInfo]) -> Tensor:
        if not self.settings.ensemble:
            return self._tiled(x, infos)
        total = self._tiled(x, infos).float()
        for done, mode in enumerate(list(MODES)[1:], 1):
            if self.report:
                self.report(Task(unit="flip", current=True), done, len(MODES))
            turned = [info.variant(f"flip{mode}") for info in infos]
            total = total + unflip(self._tiled(flip(x, mode), turned).float(), mode)
        return total / len(MODES)

    def _tiled(self, x: Tensor, infos: Sequence[SampleInfo]) -> Tensor:
        def restore(pieces: Tensor, tags: Sequence[str]) -> Tensor:
            known = [info.variant(tag) if tag else info for tag in tags for info in infos]
            return _checked(self._given(pieces, known), pieces, self.method)

        if not self.tile:
            return restore(x, [""])
        return tiled(restore, x, self.tile, self.method.facts, self.batch_pixels, self.report)

    def _given(self, pieces: Tensor, known: Sequence[SampleInfo]) -> Any:
        """What the method makes of them; compiled layers are not counted, since each hook would compile them anew."""
        found = self._compiled.restore(pieces, known) if self._compiled else None
        if found is not None:
            return found
        with self._layers.counted(self.report, tuple(pieces.shape)):
            return self._fast.restore(pieces, known)


def batches(samples: Iterable[Sample], pixels: Callable[[], int]) -> Iterator[list[Sample]]:
    """Group neighbouring samples of equal shape and type, up to `pixels()` pixels in a group (at least one image)."""
    batch: list[Sample] = []
    for sample in samples:
        source = _source(sample)
        room = max(1, pixels() // int(np.prod(source.shape[:2])))
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
    check_form(y, expected, f"What {name} returned for an input of {tuple(x.shape)}")
    return y
