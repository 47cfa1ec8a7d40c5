"""MSSR for the harness."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from torch import Tensor, nn

from methods.base import Facts, Match, Method, Recipe, SampleInfo, StageFactory, State
from methods.mssr import checkpoints, network, perceptual, training
from methods.mssr.inference import restore
from methods.mssr.sampling import Roles, sample
from methods.recipes import remarks


class MSSR(Method):
    """Real-world super-resolution learnt with several probabilistic degradation generators; at scale 1 denoising."""

    name = "mssr"
    title = "MSSR"
    version = "1"
    paper = """@inproceedings{lee2022mssr,
  author    = {Lee, Sangyun and Ahn, Sewoong and Yoon, Kwangjin},
  title     = {Learning Multiple Probabilistic Degradation Generators for Unsupervised Real World Image Super
               Resolution},
  booktitle = {European Conference on Computer Vision (ECCV) Workshops},
  year      = {2022},
  eprint    = {2201.10747},
}"""

    def __init__(self, recipe: Recipe) -> None:
        super().__init__(recipe)
        training.check_train(recipe.train)
        self.restorer = network.restorer(recipe.network)
        # Not a sub-module: restoring needs no generators, and the published ones are four times the restorers' size.
        self._generators: list[nn.ModuleDict] = []
        self._facts = self._described()

    @property
    def facts(self) -> Facts:
        """Facts under this recipe."""
        return self._facts

    def _described(self) -> Facts:
        scale, notes = self.restorer.scale, remarks(type(self), self.recipe)
        if scale == 1 and self.recipe.tier == "paper":  # a setting made it so: the paper has no scale 1
            notes.insert(0, "adapted: not in the paper")
        return Facts(
            tasks=("denoise",) if scale == 1 else ("super-resolve",),
            supervision="unpaired",
            scale=scale,
            multiple=self.restorer.shrink,
            context=self.restorer.context,
            note="; ".join(notes),
            variant="" if notes else self.title,
        )

    def restore(self, x: Tensor, info: Sequence[SampleInfo] | None = None) -> Tensor:
        """The mean of both restorers' outputs, unclamped; see methods.mssr.inference.restore."""
        return restore(self.restorer, x)

    def degrade(self, x: Tensor, info: Sequence[SampleInfo], draw: int = 0) -> Tensor:
        """A sample of what the generators make of clean images; see methods.mssr.sampling.sample."""
        return sample(self.generators.to(x.device), x, info, draw)

    @property
    def generators(self) -> nn.ModuleDict:
        """The generators, made when they are first asked for."""
        if not self._generators:
            self._generators.append(network.generators(self.recipe.train, self.restorer.scale).eval())
        return self._generators[0]

    def roles(self) -> Mapping[str, nn.Module]:
        """Both restorers in one file, and the generators in another, which restoring does not need."""
        return Roles(restorer=lambda: self.restorer, generator=lambda: self.generators)

    def stages(self) -> Iterator[StageFactory]:
        """A supervised start, the generators one after the other, both restorers together."""
        return training.stages(self.recipe)

    @classmethod
    def equipped(cls, recipe: Recipe) -> tuple[Recipe, str]:
        """Without LPIPS where its files are missing."""
        return perceptual.equipped(recipe)

    @classmethod
    def recognise(cls, state: State) -> list[Match]:
        """ESRGAN's checkpoints under any of its key names; see methods.mssr.checkpoints."""
        return checkpoints.recognise(cls, state)
