"""The perceptual term's network, which comes from two files that the user has or has not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import nn

from datasets.core.errors import UserError
from methods.base import Recipe
from methods.features import absent, find, read_lpips, without_absent

WEIGHT = "perceptual_weight"
FILES = {"alexnet": "perceptual_backbone", "lpips-alex": "perceptual_heads"}


def available(recipe: Recipe) -> tuple[Recipe, str]:
    """The recipe as this machine can train it, and a sentence: without LPIPS where one of its files is missing."""
    return without_absent(recipe, f"train.{WEIGHT}", {name: f"train.{key}" for name, key in FILES.items()})


def lpips(train: Mapping[str, Any]) -> nn.Module:
    """LPIPS on AlexNet, frozen. Raises UserError where a file is missing."""
    paths = {name: find(name, train[key]) for name, key in FILES.items()}
    for name, path in paths.items():
        if path is None:
            raise UserError(f"{absent(name)} Or train without it: --set train.{WEIGHT}=0")
    return read_lpips(*(path for path in paths.values() if path))
