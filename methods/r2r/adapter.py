"""R2R for the harness."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from torch import Tensor, nn

from methods.base import Facts, Match, Method, Recipe, SampleInfo, StageFactory, State
from methods.r2r.inference import restore
from methods.r2r.network import DnCNN
from methods.r2r.training import Recorrupted
from methods.recipes import remarks
from methods.weights import recognise_by_shape


class R2R(Method):
    """Recorrupted-to-Recorrupted: denoising learnt from noisy images alone, whose noise law is known."""

    name = "r2r"
    title = "R2R"
    version = "1"
    paper = """@inproceedings{pang2021r2r,
  author    = {Pang, Tongyao and Zheng, Huan and Quan, Yuhui and Ji, Hui},
  title     = {Recorrupted-to-Recorrupted: Unsupervised Deep Learning for Image Denoising},
  booktitle = {Proceedings of the IEEE/CVF Conference on Computer Vision and Pattern Recognition (CVPR)},
  pages     = {2043--2052},
  year      = {2021},
  doi       = {10.1109/CVPR46437.2021.00208},
}"""

    def __init__(self, recipe: Recipe) -> None:
        super().__init__(recipe)
        self.restorer = DnCNN(**recipe.network)
        self._facts = self._described()

    @property
    def facts(self) -> Facts:
        """Facts under this recipe. Published figures are R2R's own settings' only; the noise level is a parameter."""
        return self._facts

    def _described(self) -> Facts:
        recipe, notes = self.recipe, self._notes()
        supervised = recipe.train["target"] == "clean"
        return Facts(
            tasks=("denoise",),
            supervision="paired" if supervised else "degraded",
            channels=(self.restorer.channels,),
            context=self.restorer.depth,
            needs_noise_level=recipe.restore["draws"] > 0,
            note="; ".join(notes),
            variant="" if notes else self.title,
        )

    def _notes(self) -> list[str]:
        """Why this is not the paper's R2R."""
        supervised = ["supervised reference, not R2R"] if self.recipe.train["target"] == "clean" else []
        return remarks(type(self), self.recipe, ("train.sigma",)) + supervised

    def restore(self, x: Tensor, info: Sequence[SampleInfo] | None = None) -> Tensor:
        """See methods.r2r.inference.restore."""
        return restore(self.restorer, x, info, self.recipe.restore)

    def roles(self) -> dict[str, nn.Module]:
        """One network."""
        return {"restorer": self.restorer}

    def stages(self) -> Iterator[StageFactory]:
        """One stage."""
        yield lambda artefacts: Recorrupted(self.recipe)

    @classmethod
    def recognise(cls, state: State) -> list[Match]:
        """By shape; a grey net of 17 layers may be R2R's (recorrupted draws) or a supervised one (a single pass)."""
        matches = recognise_by_shape(cls, state)
        if not any(match.recipe == "dncnn-noise" for match in matches):
            return matches
        note = "R2R's own weights are run on recorrupted draws, a supervised DnCNN's, which give the noise, once"
        return [replace(match, note=note, needs_recipe=True) for match in matches]
