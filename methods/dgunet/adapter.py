"""DGUNet and DGUNet+ for the harness."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial

import torch
from torch import Tensor, nn

from datasets.ops.errors import UserError
from methods.base import Facts, Match, Method, Recipe, SampleInfo, Stage, StageFactory, State
from methods.dgunet.inference import MULTIPLE, measure, recover, restore
from methods.dgunet.network import DGUNet as Shared
from methods.dgunet.network import DGUNetPlus
from methods.dgunet.sensing import SensingDGUNet
from methods.dgunet.training import Restoring, Sensing
from methods.recipes import recipes, remarks
from methods.weights import recognise_by_shape

SENSING = "compressive-sensing"


class DGUNet(Method):
    """Deep generalised unfolding: DGUNet, or DGUNet+ where the recipe's network says ``plus``."""

    name = "dgunet"
    title = "DGUNet"
    version = "1"
    paper = """@inproceedings{mou2022dgunet,
  author    = {Mou, Chong and Wang, Qian and Zhang, Jian},
  title     = {Deep Generalized Unfolding Networks for Image Restoration},
  booktitle = {Proceedings of the IEEE/CVF Conference on Computer Vision and Pattern Recognition (CVPR)},
  year      = {2022},
  note      = {arXiv 2204.13348},
}"""

    def __init__(self, recipe: Recipe) -> None:
        super().__init__(recipe)
        self.restorer: Shared | DGUNetPlus | SensingDGUNet = network(recipe)
        self._facts = self._described()

    @property
    def facts(self) -> Facts:
        """Facts under this recipe."""
        return self._facts

    def _described(self) -> Facts:
        task, notes = self.recipe.train["task"], self._notes()
        title = "DGUNet+" if self.recipe.network["plus"] else "DGUNet"
        sizes: dict[str, int | None] = {"multiple": MULTIPLE, "min_side": 16, "context": None}
        if task == SENSING:
            # patches are recovered each for itself, so tiles that begin where they do need no surroundings
            patch = self.recipe.restore["patch"]
            sizes = {"multiple": patch or self.recipe.network["block"], "context": 0 if patch else None}
        return Facts(
            tasks=(task,),
            supervision="paired",
            channels=(1,) if task == SENSING else (3,),
            note="; ".join(notes),
            variant="" if notes else title,
            **sizes,  # type: ignore[arg-type]
        )

    def _notes(self) -> list[str]:
        """Why this is not the paper's. Its sensing networks exist for any ratio."""
        return remarks(type(self), self.recipe, ("train.ratio",))

    @property
    def measure(self) -> Callable[[Tensor], Tensor]:
        """Clean (N, 1, H, W) -> the initial estimate, padded to whole patches. Only where the task is sensing."""
        if not isinstance(self.restorer, SensingDGUNet):
            raise AttributeError("measure")  # so that hasattr tells
        return partial(measure, self.restorer, patch=self.recipe.restore["patch"])

    def restore(self, x: Tensor, info: Sequence[SampleInfo] | None = None) -> Tensor:
        """The last stage's image; see methods.dgunet.inference. For sensing `x` is what `measure` gave."""
        if isinstance(self.restorer, SensingDGUNet):
            return recover(self.restorer, x, self.recipe.restore["patch"], info)
        return restore(self.restorer, x)

    def roles(self) -> dict[str, nn.Module]:
        """One network."""
        return {"restorer": self.restorer}

    def stages(self) -> Iterator[StageFactory]:
        """One stage for RGB tasks; for sensing single blocks, then, from the best of those, patches of several."""
        if not isinstance(self.restorer, SensingDGUNet):
            yield lambda artefacts: Restoring(self.recipe, network(self.recipe))  # type: ignore[arg-type]
            return
        yield lambda artefacts: self._sensing(network(self.recipe).state_dict(), False)
        yield lambda artefacts: self._sensing(artefacts["blocks/restorer"], True)

    def _sensing(self, start: State, deblock: bool) -> Stage:
        assert isinstance(self.restorer, SensingDGUNet)
        return Sensing(self.recipe, self.restorer, start, deblock)

    @classmethod
    def recognise(cls, state: State) -> list[Match]:
        """By shape. Slopes that are one tensor in the network must be equal under all their keys."""
        matches = recognise_by_shape(cls, state)
        for match in matches[:1]:
            with torch.device("meta"):
                _check_shared(network(recipes(cls)[match.recipe]), match.roles["restorer"])
        return matches


def network(recipe: Recipe) -> Shared | DGUNetPlus | SensingDGUNet:
    """The network of a recipe: class by task and ``plus``, arguments from its ``network`` table."""
    given = dict(recipe.network)
    if recipe.train["task"] == SENSING:
        return SensingDGUNet(recipe.train["ratio"], **given)
    if given.pop("plus"):
        given.pop("tail")  # DGUNet+ does not widen its last stage
        return DGUNetPlus(**given)
    return Shared(**given)


def _check_shared(net: nn.Module, state: State) -> None:
    groups: dict[int, list[str]] = {}
    for key, parameter in net.named_parameters(remove_duplicate=False):
        groups.setdefault(id(parameter), []).append(key)
    for first, *others in groups.values():
        for key in others:
            if not torch.equal(state[first], state[key]):
                raise UserError(
                    f"DGUNet shares the slope {first} with {key}, but these weights hold {state[first].item():g} and "
                    f"{state[key].item():g}; they were trained with another network, and have no place in this one."
                )
