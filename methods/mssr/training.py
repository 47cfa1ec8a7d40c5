"""The trainings of MSSR in their order, and what their settings may be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from datasets.core.errors import UserError
from datasets.core.registry import unknown
from methods.base import Recipe, StageFactory
from methods.mssr.collaborative import PAIR, Collaboration
from methods.mssr.generators import GeneratorTraining
from methods.mssr.network import KINDS
from methods.mssr.noise import check_std
from methods.mssr.start import Start

PER_GENERATOR = ("generator_steps", "generator_batch", "generator_rate", "noise_rate", "discriminator_rate")


def stages(recipe: Recipe) -> Iterator[StageFactory]:
    """The supervised start, unless its weights are named; one generator after the other; both restorers together."""
    if not recipe.train["start_weights"]:
        yield partial(Start, recipe)
    for number in range(len(PAIR)):
        yield partial(GeneratorTraining, recipe, number)
    yield partial(Collaboration, recipe)


def check_train(train: Mapping[str, Any]) -> None:
    """Raise UserError for settings that no training has."""
    for kind in train["generators"]:
        if kind not in KINDS:
            raise unknown("value of train.generators", kind, KINDS)
    for key in ("generators", *PER_GENERATOR):
        if len(train[key]) != len(PAIR):
            raise UserError(f"train.{key} has one value for each of the two generators; got {train[key]}.")
    check_std(train["noise_std"])
    if train["crop_beyond"] and train["batch"] != 1:
        raise UserError(
            f"train.crop_beyond cuts one whole image per step, as the official code does; it takes train.batch = 1, "
            f"not {train['batch']}."
        )
    if not 0 <= train["decay_epoch"] <= train["epochs"]:
        raise UserError(
            f"train.decay_epoch lies between 0 and train.epochs = {train['epochs']}; got {train['decay_epoch']}."
        )
