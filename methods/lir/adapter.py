"""LIR for the harness."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

import torch
from torch import Tensor, nn

from datasets.ops.errors import UserError
from methods import features
from methods.base import Artefacts, Facts, Match, Method, Recipe, SampleInfo, StageFactory, State
from methods.lir.inference import restore
from methods.lir.network import PARTS, generator, restorer
from methods.lir.training import Translation
from methods.recipes import recipes, remarks
from methods.weights import networks_in, recognise_by_shape, signature

# Where a file lies says nothing about what is computed: it is found, or the semantic weight is 0.
PLACES = ("train.vgg_file",)


class LIR(Method):
    """Learning invariant representation: denoising from unpaired degraded and clean images."""

    name = "lir"
    title = "LIR"
    version = "1"
    paper = """@inproceedings{du2020learning,
  author    = {Du, Wenchao and Chen, Hu and Yang, Hongyu},
  title     = {Learning Invariant Representation for Unsupervised Image Restoration},
  booktitle = {Proceedings of the IEEE/CVF Conference on Computer Vision and Pattern Recognition (CVPR)},
  pages     = {14483--14492},
  year      = {2020},
  eprint    = {2003.12769},
}"""

    def __init__(self, recipe: Recipe) -> None:
        super().__init__(recipe)
        self.restorer = restorer(recipe.network)
        self._facts = self._described()

    @property
    def facts(self) -> Facts:
        """Facts under this recipe. Published figures are those of the paper's own settings only."""
        return self._facts

    def _described(self) -> Facts:
        notes = remarks(type(self), self.recipe, PLACES)
        return Facts(
            tasks=("denoise",),
            supervision="unpaired",
            channels=(1,) if self.restorer.grey else (3,),
            multiple=self.restorer.multiple,
            context=None,  # the layer norms look at the whole image
            min_side=self.restorer.smallest,
            note="; ".join(notes),
            variant="" if notes else self.title,
        )

    def restore(self, x: Tensor, info: Sequence[SampleInfo] | None = None) -> Tensor:
        """See methods.lir.inference.restore."""
        return restore(self.restorer, x)

    def roles(self) -> dict[str, nn.Module]:
        """The encoder of degraded and the decoder of clean images: the other generators' parts serve training only."""
        return {"restorer": self.restorer}

    @classmethod
    def equipped(cls, recipe: Recipe) -> tuple[Recipe, str]:
        """Without a file of VGG-19 the semantic term is off: its weight is 0, so the recipe's hash tells."""
        return features.without_absent(recipe, "train.semantic", {"vgg19": "train.vgg_file"})

    def stages(self) -> Iterator[StageFactory]:
        """One. Raises UserError where semantic consistency has a weight, but there is no file for it."""
        yield partial(_stage, self.recipe)

    @classmethod
    def recognise(cls, state: State) -> list[Match]:
        """The authors' ``gen_XXXXXXXX.pt``: generators ``a`` and ``b``; parts that stay idle may be absent."""
        sides = networks_in(state)
        if set(sides) != {"a", "b"}:
            return recognise_by_shape(cls, state)
        path = {f"{part}.": sides[side] for side, part in (("a", "enc"), ("b", "dec_cont"))}
        taken = {key: value for prefix, tensors in path.items() for key, value in _below(prefix, tensors).items()}
        matches = recognise_by_shape(cls, taken)
        return [m for m in matches if all(_idle_fit(recipes(cls)[m.recipe], tensors) for tensors in sides.values())]


def _stage(recipe: Recipe, artefacts: Artefacts) -> Translation:
    train = recipe.train
    if not train["semantic"]:
        return Translation(recipe, None)
    path = features.find("vgg19", train["vgg_file"])
    if path is None:
        raise UserError(f"{features.absent('vgg19')} Without it, train with --set train.semantic=0.")
    return Translation(recipe, features.read_vgg19(path, train["vgg_layer"]))


def _below(prefix: str, tensors: State) -> State:
    return {key: value for key, value in tensors.items() if key.startswith(prefix)}


def _idle_fit(recipe: Recipe, tensors: State) -> bool:
    """Whether each part of a generator that a file has is whole and of the recipe's shape; other keys do not fit."""
    with torch.device("meta"):
        wanted = generator(recipe.network)
    found = {key.partition(".")[0] for key in tensors}
    if not found <= PARTS.keys():
        return False
    return all(signature(_below(f"{part}.", tensors)) == _prefixed(part, wanted[part]) for part in found)


def _prefixed(part: str, net: nn.Module) -> dict[str, tuple[int, ...]]:
    return {f"{part}.{key}": shape for key, shape in signature(net).items()}
