"""Which of the three networks a recipe means."""

from __future__ import annotations

from methods.base import Recipe
from methods.dgunet.description import SENSING
from methods.dgunet.network import DGUNet, DGUNetPlus
from methods.dgunet.sensing import SensingDGUNet

Network = DGUNet | DGUNetPlus | SensingDGUNet


def network(recipe: Recipe) -> Network:
    """The network of a recipe: class by task and ``plus``, arguments from its ``network`` table."""
    if recipe.train["task"] == SENSING:
        return SensingDGUNet(recipe.train["ratio"], **recipe.network)
    return rgb_network(recipe)


def rgb_network(recipe: Recipe) -> DGUNet | DGUNetPlus:
    """The network of a recipe whose task has a degraded RGB image."""
    given = dict(recipe.network)
    if given.pop("plus"):
        given.pop("tail")  # DGUNet+ does not widen its last stage
        return DGUNetPlus(**given)
    return DGUNet(**given)
