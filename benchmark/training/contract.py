"""What a stage and its images must have before the first step, so that hours of training do not end in an error."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from benchmark.inference.memory import out_of_memory
from datasets.base import Dataset
from datasets.core.errors import UserError
from datasets.streams import Stream
from methods.base import Facts, Stage

if TYPE_CHECKING:
    from torch import Tensor

    from benchmark.training.loop import StageLoop
    from datasets.pool.store import Store

_SHAPES = ("size", "shape", "dimension", "channel", "pad", "broadcast")  # of the sentences that torch has on them


def check_stage(stage: Stage, validation: Dataset | None) -> None:
    """Raise UserError, naming what is missing, for a stage that could leave nothing or could not be scored."""
    if not (_overrides(stage, "artefacts") or "restorer" in stage.networks):
        raise UserError(
            f"The stage {stage.name!r} has no way to leave weights: give it artefacts(), or a network named 'restorer'."
        )
    if validation is not None and not (_overrides(stage, "restorer") or "restorer" in stage.networks):
        raise UserError(
            f"The stage {stage.name!r} cannot be scored on validation data: give it restorer(), or a network named "
            "'restorer', or train without validation data."
        )


def _overrides(stage: Stage, name: str) -> bool:
    return getattr(getattr(stage, name), "__func__", None) is not getattr(Stage, name)


def check_crop(name: str, stream: Stream, facts: Facts) -> None:
    """Raise UserError for patches that the method's networks cannot halve, naming the setting and what would do.

    Args:
        name: of the stream's stage. facts: of the method; its `multiple` is what sides must be multiples of.
    """
    crop, multiple = _degraded(stream, stream.crop, facts), facts.multiple
    if not stream.crop or crop % multiple == 0 or stream.source == "measured":  # a measurement has sizes of its own
        return
    below, above = crop // multiple * multiple, -(-crop // multiple) * multiple
    fitting = f"{below} or {above}" if below else str(above)
    raise UserError(
        f"The stage {name!r} would train on patches of {crop}x{crop}, and its networks take multiples of {multiple}: "
        f"give --set {stream.setting}={above} ({fitting} would do)."
    )


def check_images(name: str, stream: Stream, dataset: Dataset, indices: Sequence[int], facts: Facts) -> None:
    """Raise UserError for grey images where the recipe's networks take colour only; the first image is looked at.

    Colour images are let through everywhere: networks for one channel take the luma of them.
    """
    role = next((role for role in stream.roles if indices and role in dataset.rows[indices[0]].files), None)
    if role not in ("degraded", "clean") or 1 in facts.channels:
        return
    image = dataset.read(indices[0], role)
    if image.ndim == 3 and image.shape[2] > 1:
        return
    raise UserError(
        f"The stage {name!r} trains on images of {_listed(facts.channels)} channels, but "
        f"{dataset.rows[indices[0]].name!r} of {dataset.facts.name} is grey: choose a recipe for grey images "
        "(see: list recipes), or prepare the images as RGB."
    )


def check_sizes(name: str, stream: Stream, store: Store, facts: Facts) -> None:
    """Raise UserError for an image that is smaller than the patches, naming the setting and the largest crop that fits.

    Args:
        store: the stream's images as they are cut.
    """
    if not stream.crop:
        return
    for member, shapes in store.shapes.items():
        scale = stream.scale if member.startswith("clean") else 1
        small = (shapes // scale < stream.crop).any(axis=1)
        if small.any():
            least = int((shapes // scale).min())
            height, width = shapes[int(small.argmax())]
            raise UserError(
                f"The stage {name!r} cuts patches of {stream.crop * scale}x{stream.crop * scale}, but the image "
                f"{store.names[int(small.argmax())]!r} is only {height}x{width}; {_smaller(stream, least, facts)}."
            )


def _smaller(stream: Stream, least: int, facts: Facts) -> str:
    """What to do about images that are too small. `least`: the smallest side of all, in the stream's pixels."""
    step = math.lcm(facts.multiple, 2 if stream.mosaic else 1)
    largest = _degraded(stream, least, facts) // step * step
    if stream.setting == "":
        return "give smaller patches, or leave such images out"
    if stream.source == "measured":
        largest = 0
    if largest < max(facts.multiple, 2):
        return "leave such images out: no patches of theirs are large enough for the network"
    return f"give --set {stream.setting}={largest}, or leave such images out"


def _degraded(stream: Stream, side: int, facts: Facts) -> int:
    """A side of the stream's patches as the setting counts it: in pixels of the degraded image."""
    clean_alone = stream.roles == ("clean",) and stream.scale == 1
    return side // facts.scale if clean_alone else side


def first_step(loop: StageLoop, facts: Facts) -> dict[str, Tensor]:
    """Run the first step of a stage.

    Raises:
        UserError: it failed on the shapes of its batches, before anything was learnt: by settings, or by the images.
    """
    try:
        return loop.run_step()
    except (IndexError, RuntimeError, ValueError) as error:
        text = (str(error).strip().splitlines() or [""])[0].rstrip(".")
        named = any(word in text.lower() for word in _SHAPES)
        if isinstance(error, UserError) or out_of_memory(error) or not named:
            raise
        stage = loop.stage
        crops = {s.setting: _degraded(s, s.crop, facts) for s in stage.streams.values() if s.crop and s.setting}
        which = " or ".join(f"{setting} = {crop}" for setting, crop in crops.items()) or "the streams' sizes"
        raise UserError(
            f"The first step of the stage {stage.name!r} failed on the size of its patches ({which}) or on their "
            f"channels (the recipe takes {_listed(facts.channels)}): {text}. Give --set another size, a multiple of 8 "
            "at best, or another recipe; --debug shows where."
        ) from error


def _listed(channels: tuple[int, ...]) -> str:
    return " or ".join(map(str, channels))
