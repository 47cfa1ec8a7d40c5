"""The trainings of a protocol: as the verb `train` does them, and recognised where they are done already."""

from __future__ import annotations

import json
import shlex
from argparse import Namespace
from dataclasses import dataclass
from pathlib import Path

from benchmark.cell import Report
from benchmark.describing import own_steps
from benchmark.protocols import Entry
from datasets import facts, parse_spec
from datasets.ops.errors import UserError
from methods.weights import Card


@dataclass(frozen=True)
class TrainOptions:
    """How a row is trained; `train` is the training data as ``spec`` or ``spec:split``."""

    entry: Entry
    train: str
    data: Path
    results: Path
    device: str = "auto"
    precision: str = "fp32"
    tf32: bool = False
    deterministic: bool = False

    def namespace(self) -> Namespace:
        """The options as the verb `train` has them."""
        spec, _, split = self.train.partition(":")
        return Namespace(
            recipe=self.entry.recipe,
            set=list(self.entry.settings.items()),
            dataset=(spec,),
            split=split or None,
            validate=None,
            steps=self.entry.steps,
            minutes=None,
            data=self.data,
            results=self.results,
            device=self.device,
            precision=self.precision,
            tf32=self.tf32,
            deterministic=self.deterministic,
            force=False,
        )


def train_words(options: TrainOptions, seed: int) -> str:
    """The command line of `train` that makes the same weights."""
    entry, (spec, _, split) = options.entry, options.train.partition(":")
    words = ["python", "-m", "benchmark", "train", "--methods", entry.method, "--recipe", entry.recipe]
    words += ["--dataset", spec, *(["--split", split] if split else [])]
    for key, value in entry.settings.items():
        words += ["--set", f"{key}={json.dumps(value)}"]
    words += ["--steps", str(entry.steps)] if entry.steps else []
    words += ["--seeds", str(seed), "--data", str(options.data), "--results", str(options.results)]
    words += ["--device", options.device] if options.device != "auto" else []
    for name in ("tf32", "deterministic"):
        words += [f"--{name}"] if getattr(options, name) else []
    words += ["--precision", options.precision] if options.precision != "fp32" else []
    return shlex.join(words)


def trained(options: TrainOptions, seed: int, report: Report = None) -> Path:
    """Train, or go on, or take what is finished; the restorer's weights. Raises UserError as `train` does."""
    from benchmark.training import train_named

    return train_named(options.entry.method, seed, options.namespace(), report)[0]


def made_by(card: Card, options: TrainOptions, seed: int) -> bool:
    """Whether weights are those of this training: recipe and settings, data, steps and seed, by their card.

    Precision and device do not matter, and where the training data are not prepared here their name has to do.
    """
    from benchmark.training.equipment import equipped
    from benchmark.training.named import method_of

    if (card.recipe, card.seed) != (options.entry.recipe, seed):
        return False  # the cheap question first
    method = method_of(options.entry.method, options.namespace())
    recipe = method.recipe
    wanted = options.entry.steps
    return (
        card.recipe_digest in (recipe.digest, equipped(method)[0].recipe.digest)
        and card.code_version == method.version
        and not card.selected_by
        and (card.steps == wanted if wanted else card.steps >= own_steps(recipe))
        and _same_data(card, options, seed)
    )


def _same_data(card: Card, options: TrainOptions, seed: int) -> bool:
    from benchmark.training.named import planned

    try:
        method, data, _ = planned(options.entry.method, seed, options.namespace())
    except UserError:  # not prepared
        spec, _, split = options.train.partition(":")
        name = parse_spec(spec)[0]
        return card.train_data == f"{name}-{split or facts(name).train_split}"
    return card.train_fingerprint == data.fingerprint(method)


def step_pixels(options: TrainOptions) -> int:
    """Pixels of the patches that one step of the first stage looks at, in its largest stream: batch x crop x crop."""
    from benchmark.training.named import method_of

    method = method_of(options.entry.method, options.namespace())
    stage = next(iter(method.stages()))({})
    return max(stream.batch * stream.crop**2 for stream in stage.streams.values())
