"""Which method can be run on which dataset, and why not."""

from __future__ import annotations

from datasets.base import DatasetFacts, Sample
from datasets.core.errors import UserError
from methods.base import Facts


class ImpossibleError(UserError):
    """A method that cannot restore a dataset, as an image shows: the cell is skipped, not failed."""


def obstacle(facts: Facts, data: DatasetFacts, grey_as_rgb: bool = False) -> str:
    """Why a method under a recipe cannot do a dataset, as far as their facts tell; '' where it can."""
    if data.task not in facts.tasks:
        return f"{data.name} is for {data.task}; this method is for {', '.join(facts.tasks)}"
    if data.scale != facts.scale:
        return f"{data.name} has scale {data.scale}; this method under this recipe has scale {facts.scale}"
    if data.channels in facts.channels or (data.channels == 1 and grey_as_rgb and 3 in facts.channels):
        return ""
    if data.channels == 1 and 3 in facts.channels:
        return f"{data.name} is grey and this method takes RGB; --grey-as-rgb repeats the channel"
    taken = " or ".join(map(str, facts.channels))
    return f"{data.name} has {data.channels} channels; this method under this recipe takes {taken}"


def check_sample(facts: Facts, sample: Sample) -> None:
    """Raise ImpossibleError where one image cannot be restored by a method: unknown noise level, too small."""
    image = sample.degraded if sample.degraded is not None else sample.clean
    if image is None:
        raise ImpossibleError(f"the image {sample.name!r} has neither a degraded nor a clean file")
    if facts.needs_noise_level and sample.noise_level is None:
        hint = "; --set NAME.restore.sigma=15 tells it one for all images" if facts.architecture else ""
        raise ImpossibleError(f"this method needs the noise level, and that of {sample.name!r} is unknown{hint}")
    if min(image.shape[:2]) < facts.min_side:
        raise ImpossibleError(
            f"the image {sample.name!r} has {image.shape[0]} x {image.shape[1]} pixels; "
            f"this method takes sides of {facts.min_side} or more"
        )
