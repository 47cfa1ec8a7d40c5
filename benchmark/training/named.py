"""The verb `train`: from names and options to a training."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from benchmark.cell import Report
from benchmark.training.data import TrainingData
from benchmark.training.run import train
from benchmark.training.settings import TrainSettings
from datasets.base import Dataset
from datasets.ops.errors import UserError
from methods.base import Method


def train_named(name: str, seed: int, args: Namespace, report: Report = None) -> list[Path]:
    """Train the method `name` with one seed as the options of `train` say.

    Args:
        args: recipe, set, dataset, split, validate, data, results, steps, minutes, device, precision, tf32,
            deterministic, force.
    Returns:
        the weights files, the restorer's first.
    """
    paths = train(*planned(name, seed, args), args.results, report)
    return [paths.pop("restorer"), *paths.values()]


def planned(name: str, seed: int, args: Namespace) -> tuple[Method, TrainingData, TrainSettings]:
    """The training that `train_named` would carry out, its datasets opened. Arguments as there."""
    method = method_of(name, args)
    settings = TrainSettings(
        steps=args.steps,
        minutes=args.minutes,
        seed=seed,
        device=args.device,
        precision=args.precision,
        tf32=args.tf32,
        deterministic=args.deterministic,
        force=args.force,
    )
    return method, TrainingData(_dataset(method, args), validation=_validation(args)), settings


def method_of(name: str, args: Namespace) -> Method:
    """The method under the recipe and with the settings of the options."""
    import methods
    from methods.recipes import recipe

    cls = methods.get(name)
    return cls(recipe(cls, args.recipe, dict(args.set)))


def _validation(args: Namespace) -> Dataset | None:
    import datasets

    if args.validate is None:
        return None
    spec, _, split = args.validate.partition(":")
    return datasets.open_dataset(spec, args.data, split=split or None)


def _dataset(method: Method, args: Namespace) -> Dataset:
    import datasets

    wanted = tuple(args.dataset or method.recipe.data[:1])
    if len(wanted) != 1:
        raise UserError(
            f"{method.name} ({method.recipe.name}) is trained on one dataset; came {', '.join(wanted) or 'none'}: "
            "give --dataset NAME."
        )
    name, _ = datasets.parse_spec(wanted[0])
    split = args.split or datasets.facts(name).train_split
    if split is None:
        raise UserError(f"The dataset {name!r} has no split for training; give --split, or another --dataset.")
    return datasets.open_dataset(wanted[0], args.data, split=split)
