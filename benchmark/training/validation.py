"""Scoring a stage on validation data: mean PSNR in dB of the clamped float output."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor

from benchmark.inference.restorer import Restored, Restorer
from benchmark.progress import Report, Task
from benchmark.scoring.metrics import psnr
from benchmark.training.loop import NotFiniteError
from benchmark.training.settings import TrainSettings
from datasets.base import Dataset
from datasets.core.errors import UserError
from datasets.ops.ranges import unit
from methods.base import Facts, Method, SampleInfo, Stage, State

_DEGRADED = ("degraded", "input", "noisy", "raw")  # members of a batch that look like what is restored
_LEVEL = 25 / 255  # of the noise, told to methods that need one
_TRIED = 2  # images of a batch
MOST = 100.0  # dB; counted for an image that is restored exactly


def validate(
    stage: Stage,
    method: Method,
    dataset: Dataset,
    device: torch.device,
    settings: TrainSettings,
    report: Report = None,
) -> float:
    """Mean over the images of the PSNR over all pixels and channels, output clamped to [0, 1], nothing rounded.

    Restored as everywhere else, in float32: one image at a time on a CPU, in batches on a GPU, which a single small
    image would leave idle; in tiles where its memory is not enough. The networks' train or eval modes are afterwards
    what they were before.

    Raises:
        NotFiniteError: a restored image is not finite. UserError: an image without a clean one.
    """
    with torch.no_grad(), _modes_kept(stage):
        wrapped, pixels = StageMethod(stage, method), 1 if device.type == "cpu" else 0
        restorer = Restorer(wrapped, device, settings.inference, batch_pixels=pixels, check_range=False)
        scores = []
        for number, restored in enumerate(restorer(dataset), 1):
            scores.append(min(_score(restored), MOST))
            if report:
                report(Task("validating", "image"), number, len(dataset))
    return sum(scores) / len(scores)


def restores(method: Method, tensors: State, batch: Mapping[str, Tensor]) -> bool:
    """Whether a restorer's weights give finite images for a training batch; True where that cannot be tried.

    Args:
        method: its own weights and device are afterwards what they were. tensors: of the role ``restorer``.
        batch: member -> (N, C, H, W); what is degraded is restored, or measured where the method senses.
    """
    facts = method.facts
    members = (*_DEGRADED, *batch)
    grey = {m: x.mean(1, keepdim=True) if facts.channels == (1,) else x for m, x in batch.items()}
    x = next((grey[m] for m in members if m in grey and grey[m].shape[1] in facts.channels), None)
    if x is None or "restorer" not in method.roles():
        return True
    network = method.network_of("restorer")
    before = {key: value.clone() for key, value in network.state_dict().items()}
    infos = [SampleInfo(f"first batch {i}", _LEVEL) for i in range(len(x[:_TRIED]))]
    try:
        network.load_state_dict(tensors, strict=True)
        with torch.no_grad(), torch.random.fork_rng(devices=[]):
            x = x[:_TRIED].detach().to("cpu", torch.float32)
            y = method.eval().restore(method.measure(x) if facts.measures else x, infos)
        return bool(torch.isfinite(y).all())
    except (AttributeError, TypeError, ValueError, RuntimeError, UserError):  # of a method that takes no such batch
        return True
    finally:
        network.load_state_dict(before)


class StageMethod(Method):
    """A stage in the midst of its training, as a method that the Restorer can run.

    It keeps functions, not modules: putting it on a device or into eval mode must not touch the networks that train.
    """

    def __init__(self, stage: Stage, method: Method) -> None:
        super().__init__(method.recipe)
        self.name = method.name  # type: ignore[misc]  # of the method, not of a class
        self._restore, self._facts = stage.restorer(), method.facts
        self._measure = method.measure

    @property
    def facts(self) -> Facts:
        """Those of the method."""
        return self._facts

    def measure(self, clean: Tensor) -> Tensor:
        """That of the method."""
        return self._measure(clean)

    def restore(self, x: Tensor, info: Sequence[SampleInfo] | None = None) -> Tensor:
        """What the stage's `restorer` makes of a batch. Raises NotFiniteError where that is not finite."""
        y = self._restore(x, info)
        if isinstance(y, Tensor) and not bool(torch.isfinite(y).all()):
            name = info[0].name if info else ""
            raise NotFiniteError(f"The restored validation image {name!r} is not finite; train with a smaller rate.")
        return y


@contextmanager
def _modes_kept(stage: Stage) -> Iterator[None]:
    modes = [(module, module.training) for net in stage.networks.values() for module in net.modules()]
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training


def _score(restored: Restored) -> float:
    name, clean = restored.sample.name, restored.sample.clean
    if clean is None:
        raise UserError(f"Validation needs clean images, and {name!r} has none; choose another validation set.")
    output = np.clip(restored.output, 0, 1)
    score = psnr(output.astype(np.float64), unit(clean).astype(np.float64), 1.0)
    if math.isnan(score):
        raise UserError(f"The clean validation image {name!r} is not finite; prepare the dataset again.")
    return score
