"""R2R for the harness."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from torch import Tensor

from methods.base import Match, Method, Recipe, SampleInfo, StageFactory, State
from methods.r2r import checkpoints
from methods.r2r.description import DESCRIPTION
from methods.r2r.inference import restore
from methods.r2r.network import DnCNN
from methods.r2r.training import Recorrupted


class R2R(Method):
    """Recorrupted-to-Recorrupted: denoising learnt from noisy images alone, whose noise law is known."""

    described_by = DESCRIPTION

    def __init__(self, recipe: Recipe) -> None:
        super().__init__(recipe)
        self.restorer = DnCNN(**recipe.network)

    def restore(self, x: Tensor, info: Sequence[SampleInfo] | None = None) -> Tensor:
        """See methods.r2r.inference.restore."""
        return restore(self.restorer, x, info, self.recipe.restore)

    def stages(self) -> Iterator[StageFactory]:
        """One stage."""
        yield lambda artefacts: Recorrupted(self.recipe)

    @classmethod
    def recognise(cls, state: State) -> list[Match]:
        """See methods.r2r.checkpoints."""
        return checkpoints.recognise(cls, state)
