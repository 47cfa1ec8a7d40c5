"""The four networks, made as a recipe says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from datasets.core.registry import unknown
from methods.scpgan import deamnet, nafnet, restormer
from methods.scpgan.deamnet import DeamNet
from methods.scpgan.discriminator import HIGH_PASSES, Discriminator
from methods.scpgan.discriminator import initialise as initialise_normal
from methods.scpgan.generator import Generator, hand_on
from methods.scpgan.nafnet import NAFNet
from methods.scpgan.restormer import Restormer

Restorer = DeamNet | Restormer | NAFNet
# Class, and what gives it its initial weights.
RESTORERS: dict[str, tuple[type[Restorer], Any]] = {
    "deam": (DeamNet, deamnet.initialise),
    "restormer": (Restormer, restormer.initialise),
    "nafnet": (NAFNet, nafnet.initialise),
}


def restorer(network: Mapping[str, Any], identity: float = 0.0) -> Restorer:
    """The restorer of a recipe's ``network`` table, with its authors' initial weights (torch's default generator).

    Args:
        identity: share, 0 to 1, of weights that return the image unchanged; see the networks' ``initialise``.
    """
    arguments = dict(network)
    kind = arguments.pop("restorer")
    if kind not in RESTORERS:
        raise unknown("value of network.restorer", kind, RESTORERS)
    made, initialise = RESTORERS[kind]
    net = made(**arguments)
    initialise(net, identity)
    return net


def generator(train: Mapping[str, Any]) -> Generator:
    """The generator of a recipe's ``train`` table, with its initial weights."""
    net = Generator(train["generator_width"], train["generator_blocks"], train["generator_kernel"])
    initialise_normal(net, train["generator_initial"])
    if train["generator_hands_on"]:
        hand_on(net, train["generator_hands_on"])
    return net


def discriminator(train: Mapping[str, Any]) -> Discriminator:
    """The discriminator of a recipe's ``train`` table, with its initial weights."""
    if train["high_pass"] not in HIGH_PASSES:
        raise unknown("value of train.high_pass", train["high_pass"], HIGH_PASSES)
    size = train["discriminator_width"], train["discriminator_layers"]
    net = Discriminator(*size, train["high_pass"], train["gain"], train["sigma"])
    initialise_normal(net)
    return net
