"""LIR for the harness."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from torch import Tensor

from methods import features
from methods.base import Match, Method, Recipe, SampleInfo, StageFactory, State
from methods.lir import checkpoints
from methods.lir.description import DESCRIPTION
from methods.lir.inference import restore
from methods.lir.network import restorer
from methods.lir.training import translation


class LIR(Method):
    """Learning invariant representation: denoising from unpaired degraded and clean images.

    Its only role, the restorer, is the encoder of degraded and the decoder of clean images: the other parts of the
    generators serve training only.
    """

    described_by = DESCRIPTION

    def __init__(self, recipe: Recipe) -> None:
        super().__init__(recipe)
        self.restorer = restorer(recipe.network)

    def restore(self, x: Tensor, info: Sequence[SampleInfo] | None = None) -> Tensor:
        """See methods.lir.inference.restore."""
        return restore(self.restorer, x)

    def stages(self) -> Iterator[StageFactory]:
        """One. Raises UserError where semantic consistency has a weight, but there is no file for it."""
        yield partial(translation, self.recipe)

    @classmethod
    def available(cls, recipe: Recipe) -> tuple[Recipe, str]:
        """Without a file of VGG-19 the semantic term is off: its weight is 0, so the recipe's hash tells."""
        return features.without_absent(recipe, "train.semantic", {"vgg19": "train.vgg_file"})

    @classmethod
    def recognise(cls, state: State) -> list[Match]:
        """See methods.lir.checkpoints."""
        return checkpoints.recognise(cls, state)
