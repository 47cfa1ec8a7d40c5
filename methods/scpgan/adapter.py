"""SCPGabNet and RSCP2GAN for the harness."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from torch import Tensor, nn

from datasets.ops.names import unknown
from methods.base import Facts, Match, Method, Recipe, SampleInfo, StageFactory, State
from methods.recipes import remarks
from methods.scpgan import network
from methods.scpgan.inference import restore
from methods.scpgan.training import STAGES, check_train
from methods.weights import networks_in, recognise_by_shape

TASKS = ("denoise", "derain")
VARIANTS = {"scpgabnet-paper": "SCPGabNet", "rscp2gan-paper": "RSCP2GAN"}
# What chose the weights, for the record.
CHOSEN_BY = {
    "validation": "selected by ground truth of the validation data where training had any",
    "proxy": "selected by a no-reference proxy",
    "none": "last step, nothing selected",
}


class SCPGAN(Method):
    """Self-collaboration parallel prompt GAN: denoising (or deraining) from unpaired degraded and clean images."""

    name = "scpgan"
    title = "SCPGAN"
    version = "1"
    paper = """@inproceedings{lin2023scpgabnet,
  author    = {Lin, Xin and Ren, Chao and Liu, Xiao and Huang, Jie and Lei, Yinjie},
  title     = {Unsupervised Image Denoising in Real-World Scenarios via Self-Collaboration Parallel Generative
               Adversarial Branches},
  booktitle = {Proceedings of the IEEE/CVF International Conference on Computer Vision (ICCV)},
  year      = {2023},
  eprint    = {2308.06776},
}
@article{lin2025rscp2gan,
  author  = {Lin, Xin and others},
  title   = {Re-boosting Self-Collaboration Parallel Prompt {GAN} for Unsupervised Image Restoration},
  journal = {IEEE Transactions on Pattern Analysis and Machine Intelligence},
  year    = {2025},
  eprint  = {2408.09241},
}"""

    def __init__(self, recipe: Recipe) -> None:
        super().__init__(recipe)
        check_train(recipe.train)
        if recipe.train["task"] not in TASKS:
            raise unknown("value of train.task", recipe.train["task"], TASKS)
        self.restorer = network.restorer(recipe.network)
        self._facts = self._described()

    @property
    def facts(self) -> Facts:
        """Facts under this recipe. Published figures are those of the two papers' own settings only."""
        return self._facts

    def _described(self) -> Facts:
        notes = remarks(type(self), self.recipe)
        return Facts(
            tasks=(self.recipe.train["task"],),
            supervision="unpaired",
            multiple=self.restorer.multiple,
            # both restorers reach further than images are wide
            context=None,
            note="; ".join([*notes, CHOSEN_BY[self.recipe.train["score"]]]),
            variant=VARIANTS.get(self.recipe.name, "") if not notes else "",
        )

    def restore(self, x: Tensor, info: Sequence[SampleInfo] | None = None) -> Tensor:
        """See methods.scpgan.inference.restore."""
        return restore(self.restorer, x, self.recipe.restore)

    def roles(self) -> dict[str, nn.Module]:
        """The restorer. Generator and discriminator pass from stage to stage, but are not kept as weights."""
        return {"restorer": self.restorer}

    def stages(self) -> Iterator[StageFactory]:
        """PGabNet, then what the recipe names."""
        for index, name in enumerate(self.recipe.train["stages"]):
            yield partial(STAGES[name], self.recipe, index)

    @classmethod
    def recognise(cls, state: State) -> list[Match]:
        """By shape. Of the authors' four networks D is the restorer; E has its keys too, but is an older one."""
        parts = networks_in(state)
        if "D" not in parts:
            return recognise_by_shape(cls, state)
        matches = recognise_by_shape(cls, {f"D/{key}": value for key, value in parts["D"].items()})
        return [Match(m.recipe, m.roles, f"{m.note}, of {', '.join(sorted(parts))}", m.needs_recipe) for m in matches]
