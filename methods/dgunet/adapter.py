"""DGUNet and DGUNet+ for the harness."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from torch import Tensor

from methods.base import Match, Method, Recipe, SampleInfo, StageFactory, State
from methods.dgunet import checkpoints
from methods.dgunet.build import Network, network, rgb_network
from methods.dgunet.description import DESCRIPTION
from methods.dgunet.inference import measure, recover, restore
from methods.dgunet.sensing import SensingDGUNet
from methods.dgunet.training import Restoring, Sensing


class DGUNet(Method):
    """Deep generalised unfolding: DGUNet, or DGUNet+ where the recipe's network says ``plus``."""

    described_by = DESCRIPTION

    def __init__(self, recipe: Recipe) -> None:
        super().__init__(recipe)
        self.restorer: Network = network(recipe)

    def measure(self, clean: Tensor) -> Tensor:
        """The initial estimate, padded to whole patches. Only where the task is sensing; see the base class."""
        if not isinstance(self.restorer, SensingDGUNet):
            return super().measure(clean)
        return measure(self.restorer, clean, self.recipe.restore["patch"])

    def restore(self, x: Tensor, info: Sequence[SampleInfo] | None = None) -> Tensor:
        """The last stage's image; see methods.dgunet.inference. For sensing `x` is what `measure` gave."""
        if isinstance(self.restorer, SensingDGUNet):
            return recover(self.restorer, x, self.recipe.restore["patch"], info)
        return restore(self.restorer, x)

    def stages(self) -> Iterator[StageFactory]:
        """One stage for RGB tasks; for sensing single blocks, then, from the best of those, patches of several."""
        recipe, own = self.recipe, self.restorer
        if isinstance(own, SensingDGUNet):  # trained in place: validation images are measured by the method
            yield lambda artefacts: Sensing(recipe, own, network(recipe).state_dict(), False)
            yield lambda artefacts: Sensing(recipe, own, artefacts["blocks/restorer"], True)
        else:
            yield lambda artefacts: Restoring(recipe, rgb_network(recipe))

    @classmethod
    def recognise(cls, state: State) -> list[Match]:
        """See methods.dgunet.checkpoints."""
        return checkpoints.recognise(cls, state)
