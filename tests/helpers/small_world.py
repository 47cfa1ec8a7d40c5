"""A small world for tests of running: a dataset in memory and methods that do one thing right, or wrong."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from benchmark.inference.settings import InferenceSettings
from benchmark.records.cell import Cell
from benchmark.runs.config import RunConfig
from datasets.base import Dataset, DatasetFacts, Sample
from datasets.core.earlier_refs import refs_of
from datasets.core.files import digest
from datasets.ops.noise import keyed_generator
from datasets.options import ref_of
from datasets.registry import DATASETS
from methods.base import Facts, Method

SIGMA = 0.1


class Squares(Dataset):
    """Twelve smooth colour images with Gaussian noise, made on reading; two images a scene."""

    facts = DatasetFacts(
        "squares",
        "Squares",
        "denoise",
        ("test", "other"),
        "test",
        "float-gauss",
        complete={"test": 12},
        options={"sigma": (25.0, "noise level")},
        synthetic=True,
    )
    count, truth, shapes, known_noise = 12, True, ((24, 20),), True

    def __init__(self, root, *, split=None, options=None, noise_seed=0, limit=None) -> None:
        self.split, self.noise_seed = split or "test", noise_seed
        self.options = {"sigma": 25.0, **(options or {})}
        self.count = min(self.count, limit or self.count)

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> Sample:
        if not 0 <= index < len(self):
            raise IndexError(index)
        name = f"image{index:02d}"
        height, width = self.shapes[index % len(self.shapes)]
        ramp = np.linspace(0.2, 0.8, height * width * self.facts.channels, dtype=np.float32)
        clean = np.roll(ramp, 7 * index).reshape(height, width, self.facts.channels)
        noise = keyed_generator(self.noise_seed, name).standard_normal(clean.shape, np.float32)
        level = self.options["sigma"] / 255
        degraded = (clean + level * noise).astype(np.float32)
        return Sample(
            name, degraded, clean if self.truth else None, f"scene{index // 2}", {}, level if self.known_noise else None
        )

    @property
    def fingerprint(self) -> str:
        return digest([self.facts.name, self.split, self.count])

    @property
    def degradation(self) -> str:
        return f"sigma{self.options['sigma']:g}"

    @property
    def partial(self) -> str:
        return "" if self.count == 12 else f"partial: {self.count} of 12"


class GreySquares(Squares):
    facts = DatasetFacts("greys", "Grey squares", "denoise", ("test",), "test", "float-gauss", channels=1)


class Unknown(Squares):
    """No ground truth, the noise level not known."""

    facts = DatasetFacts("unknown", "No truth", "denoise", ("test",), "test", "float-gauss")
    truth = known_noise = False


class Half(Method):
    """Halves the distance to grey; counts its calls. A method without networks: it needs no weights."""

    name = "half"
    recipes = {"plain": {"tier": "cpu", "restore": {"part": 0.5}}}
    given = Facts(("denoise",), "degraded", context=0)
    calls = 0

    @property
    def facts(self) -> Facts:
        return self.given

    def restore(self, x: Tensor, info=None) -> Any:
        type(self).calls += 1
        return 0.5 + (x - 0.5) * self.recipe.restore["part"]

    def roles(self) -> dict[str, nn.Module]:
        return {}

    def stages(self) -> Iterator[Any]:
        return iter(())


class NotANumber(Half):
    name = "nan"

    def restore(self, x: Tensor, info=None) -> Any:
        y = x.clone()
        for image, known in zip(y, info, strict=True):
            if known.name == "image07":
                image[0, 3, 3] = float("nan")
        return y


class Pair(Half):
    name = "pair"

    def restore(self, x: Tensor, info=None) -> Any:
        return x, x


class Broken(Half):
    name = "broken"

    def restore(self, x: Tensor, info=None) -> Any:
        raise RuntimeError("the convolution burst")


class Interrupted(Half):
    name = "interrupted"

    def restore(self, x: Tensor, info=None) -> Any:
        raise KeyboardInterrupt


class Picky(Half):
    name = "picky"
    given = Facts(("denoise",), "degraded", channels=(3,), needs_noise_level=True)


class Deblurrer(Half):
    name = "deblurrer"
    given = Facts(("deblur",), "paired")


class Net(Half):
    """One 5x5 convolution: needs weights."""

    name = "net"
    recipes = {
        "budget": {"tier": "budget", "data": ["squares"], "restore": {"part": 1.0}, "train": {"sigma": 25.0}},
        "cpu": {"extends": "budget", "tier": "cpu"},
        "paper": {"extends": "budget", "tier": "paper", "data": []},
    }
    given = Facts(("denoise",), "paired", context=2)

    def __init__(self, recipe) -> None:
        super().__init__(recipe)
        self.layer = nn.Conv2d(3, 3, 5, padding=2)

    def restore(self, x: Tensor, info=None) -> Any:
        return x + 0.1 * self.layer(x)

    def roles(self) -> dict[str, nn.Module]:
        return {"restorer": self.layer}


SMALL_DATASETS = {d.facts.name: d for d in (Squares, GreySquares, Unknown)}
SMALL_METHODS = {m.name: m for m in (Half, NotANumber, Pair, Broken, Interrupted, Picky, Deblurrer, Net)}


def context(tmp_path, **more) -> RunConfig:
    where = {"data": tmp_path / "data", "results": tmp_path / "results", "device": "cpu", "threads": 1}
    return RunConfig(**{**where, "conventions": ("float-gauss", "uint8-gauss"), **more})


def cell(method: str, dataset: str = "squares", **more) -> Cell:
    opened = DATASETS.get(dataset)(None, limit=more.get("limit"))
    recipe = "" if method in ("input", "blur", "nlm") else "plain"
    how = {f.name: more.pop(f.name) for f in fields(InferenceSettings) if f.name in more}
    settings = {"recipe": recipe, "inference": InferenceSettings(**how), **more}
    return Cell(method, ref_of(opened), opened.fingerprint, opened.facts.task, opened.degradation, **settings)


def weights(path, seed: int = 0, **card):
    """A weights file of `Net` with its card."""
    from methods.loading import build
    from methods.recipes import recipe, settings_of
    from methods.weights import Card, save_weights

    chosen = recipe(Net, card.pop("recipe", "budget"))
    torch_state = {k: v + 0.01 * seed for k, v in build(Net, chosen).layer.state_dict().items()}
    card["train_data"] = refs_of(card.get("train_data", "squares"))
    facts = {"steps": 10, "seed": seed, "recipe_settings": settings_of(chosen), **card}
    path.parent.mkdir(parents=True, exist_ok=True)
    save_weights(path, torch_state, Card("net", chosen.name, chosen.digest, **facts))
    return path


def tensor(*shape: int) -> Tensor:
    return torch.from_numpy(keyed_generator("test", shape).random(shape, np.float32))
