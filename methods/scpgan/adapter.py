"""SCPGabNet and RSCP2GAN for the harness."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from torch import Tensor

from methods.base import Match, Method, Recipe, SampleInfo, StageFactory, State
from methods.scpgan import checkpoints, network
from methods.scpgan.description import DESCRIPTION
from methods.scpgan.inference import restore
from methods.scpgan.training import STAGES, check_train


class SCPGAN(Method):
    """Self-collaboration parallel prompt GAN: noise, rain or snow, from unpaired degraded and clean images.

    Its only role is the restorer: generator and discriminator pass from stage to stage, but are not kept as weights.
    """

    described_by = DESCRIPTION

    def __init__(self, recipe: Recipe) -> None:
        super().__init__(recipe)
        check_train(recipe.train)
        self.restorer = network.restorer(recipe.network)

    def restore(self, x: Tensor, info: Sequence[SampleInfo] | None = None) -> Tensor:
        """See methods.scpgan.inference.restore."""
        return restore(self.restorer, x, self.recipe.restore)

    def stages(self) -> Iterator[StageFactory]:
        """PGabNet, then what the recipe names."""
        for index, name in enumerate(self.recipe.train["stages"]):
            yield partial(STAGES[name], self.recipe, index)

    @classmethod
    def recognise(cls, state: State) -> list[Match]:
        """See methods.scpgan.checkpoints."""
        return checkpoints.recognise(cls, state)
