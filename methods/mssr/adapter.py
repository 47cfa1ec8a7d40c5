"""MSSR for the harness."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from torch import Tensor, nn

from methods.base import Match, Method, Recipe, SampleInfo, StageFactory, State
from methods.mssr import checkpoints, perceptual, training
from methods.mssr.description import DESCRIPTION
from methods.mssr.inference import restore
from methods.mssr.network import generators, restorer
from methods.mssr.sampling import sample


class MSSR(Method):
    """Real-world super-resolution learnt with several probabilistic degradation generators; at scale 1 denoising."""

    described_by = DESCRIPTION

    def __init__(self, recipe: Recipe) -> None:
        super().__init__(recipe)
        training.check_train(recipe.train)
        self.restorer = restorer(recipe.network)
        # Restoring needs no generators, and the published ones are four times the restorers' size: see `network_of`.
        self.generators: nn.ModuleDict | None = None

    def restore(self, x: Tensor, info: Sequence[SampleInfo] | None = None) -> Tensor:
        """The mean of both restorers' outputs, unclamped."""
        return restore(self.restorer, x)

    def degrade(self, x: Tensor, info: Sequence[SampleInfo], draw: int = 0) -> Tensor:
        """A sample of what the generators make of clean images; see methods.mssr.sampling.sample."""
        return sample(self.network_of("generator").to(x.device), x, info, draw)

    def role_names(self) -> tuple[str, ...]:
        """Both restorers in one file, and the generators in another, which restoring does not need."""
        return "restorer", "generator"

    def network_of(self, role: str) -> nn.Module:
        """The network of a role; the generators are made at the first call."""
        if role != "generator":
            return super().network_of(role)
        self.generators = self.generators or generators(self.recipe.train, self.restorer.scale).eval()
        return self.generators

    def stages(self) -> Iterator[StageFactory]:
        """A supervised start, the generators one after the other, both restorers together."""
        return training.stages(self.recipe)

    @classmethod
    def available(cls, recipe: Recipe) -> tuple[Recipe, str]:
        """Without LPIPS where its files are missing."""
        return perceptual.available(recipe)

    @classmethod
    def recognise(cls, state: State) -> list[Match]:
        """ESRGAN's checkpoints under any of its key names; see methods.mssr.checkpoints."""
        return checkpoints.recognise(cls, state)
