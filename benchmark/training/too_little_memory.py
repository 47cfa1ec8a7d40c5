"""A training that runs out of memory: one sentence on what to change.

Unlike a batch of images to restore, a step is not halved. A stage computes it whole: with statistics of batch norms,
logarithms of means and pairs over all of the batch, and several optimisers in turn. Done by halves it would be another
recipe without saying so. Several devices share a batch with the same outcome (docs/scale.md).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch

from benchmark.inference.memory import out_of_memory
from datasets.core.errors import UserError
from methods.base import Stage


class TooLittleMemoryError(UserError):
    """A step, or a validation image, did not fit into the memory of the device."""


@contextmanager
def explained(sentence: Callable[[], str]) -> Iterator[None]:
    """Within its context an error of any library that says "no memory" is one with this sentence."""
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if not out_of_memory(error):
            raise
        raise TooLittleMemoryError(sentence()) from error


def of_step(stage: Stage, device: torch.device, precision: str, kept: str) -> str:
    """What to change where a step of a stage did not fit.

    Args:
        precision: of the training. kept: a sentence on the last checkpoint, '' = there is none.
    """
    streams = stage.streams.values()
    batches = " and ".join(dict.fromkeys(_batch(s.batch, s.crop) for s in streams))
    settings = [s.batch_setting for s in streams if s.batch > 1] + [s.setting for s in streams if s.crop]
    smaller = " or ".join(f"--set {name}" for name in dict.fromkeys(filter(None, settings)))
    bf16 = ", or --precision bf16" if precision == "fp32" and device.type == "cuda" else ""
    ways = f"Give a smaller {smaller}{bf16}, which is another training from its start; or let" if smaller else "Let"
    return (
        f"The memory of {_named(device)} is not enough for a step of the stage {stage.name!r}, on {batches}. {ways} "
        f"torchrun share the same batch among several devices, with the same outcome. {kept}"
    ).strip()


def of_validation(device: torch.device, kept: str) -> str:
    """What to change where not even a tile of a validation image fitted. `kept`: as of `of_step`."""
    return (
        f"The memory of {_named(device)} is not enough to restore a validation image beside the training, even in "
        f"small tiles. Free some of it, or leave --validate out, which is another training from its start. {kept}"
    ).strip()


def _named(device: torch.device) -> str:
    return "this machine" if device.type == "cpu" else str(device)


def _batch(count: int, crop: int) -> str:
    if not crop:
        return "a whole image" if count == 1 else f"{count} whole images"
    return f"{'a patch' if count == 1 else f'{count} patches'} of {crop}x{crop}"
