"""A checkpoint of an architecture that spandrel recognises, as a method."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

from torch import Tensor

from methods.base import Facts, Method, Recipe, SampleInfo, StageFactory, State
from methods.outside.architectures import Recognised, recognise
from methods.outside.feeding import levels, padded, with_level_map
from methods.outside.library import versions

# What a network at the size of its input may be for: its tensors do not say.
SAME_SIZE = ("denoise", "deblur", "derain", "desnow")
LARGER = ("super-resolve",)
# Tiles start at multiples of a network's grid up to this one; a coarser grid would leave no room for them, and tiles of
# networks that see the whole image are faded into each other anyway.
_COARSEST = 16


class Checkpoint(Method):
    """The network of a file, called as its authors call it; what it gives is neither clamped nor rounded.

    Setting ``restore.sigma``: a noise level, on the scale of 0 to 255, that a network which is told one gets for every
    image; 0 = each sample's own.
    """

    title = "a checkpoint"
    paper = ""
    recipes: ClassVar[Any] = {"": {"tier": "paper", "restore": {"sigma": 0.0}}}

    def __init__(self, recipe: Recipe, found: Recognised) -> None:
        super().__init__(replace(recipe, tier=""))
        self.restorer, self.found = found.network, found

    @classmethod
    def from_file(cls, recipe: Recipe, path: Path, read: Callable[[], State]) -> Method:
        """See methods.outside.architectures.recognise."""
        return cls(recipe, recognise(read(), path))

    @property
    def facts(self) -> Facts:
        found, sigma = self.found, self.recipe.restore["sigma"]
        notes = [f"{found.architecture}, recognised by {versions()}", found.note]
        notes += [f"told the noise level {sigma:g}/255 for every image"] if found.takes_level and sigma else []
        return Facts(
            tasks=("denoise",) if found.takes_level else SAME_SIZE if found.scale == 1 else LARGER,
            supervision="paired",
            channels=(found.channels,),
            scale=found.scale,
            multiple=found.multiple if found.multiple <= _COARSEST else 1,
            needs_noise_level=found.takes_level and not sigma,
            note="; ".join(filter(None, notes)),
            tiling=found.tiling,
            architecture=found.architecture,
            licence=found.licence,
        )

    def restore(self, x: Tensor, info: Sequence[SampleInfo] | None = None) -> Tensor:
        """Padded to sides that the network takes, with the noise level where it wants one, and cropped again."""
        found, scale = self.found, self.found.scale
        given = padded(x, found.multiple, found.minimum, found.square)
        if found.takes_level:
            given = with_level_map(given, levels(x, info, self.recipe.restore["sigma"]))
        return found(self.restorer, given)[..., : x.shape[-2] * scale, : x.shape[-1] * scale]

    def stages(self) -> Iterator[StageFactory]:
        """None: how it was trained is its authors' business."""
        return iter(())
