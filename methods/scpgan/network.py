"""The four networks, made as a recipe says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from datasets.ops.names import unknown
from methods.scpgan import deamnet, discriminator, restormer
from methods.scpgan.deamnet import DeamNet
from methods.scpgan.discriminator import HIGH_PASSES, Discriminator
from methods.scpgan.generator import Generator, hand_on
from methods.scpgan.restormer import Restormer

Restorer = DeamNet | Restormer
RESTORERS: dict[str, type[DeamNet] | type[Restormer]] = {"deam": DeamNet, "restormer": Restormer}


def restorer(network: Mapping[str, Any], identity: float = 0.0) -> Restorer:
    """The restorer of a recipe's ``network`` table, with its authors' initial weights (torch's default generator).

    Args:
        identity: share, 0 to 1, of weights that return the image unchanged; see the networks' ``initialise``.
    """
    arguments = dict(network)
    kind = arguments.pop("restorer")
    if kind not in RESTORERS:
        raise unknown("value of network.restorer", kind, RESTORERS)
    net = RESTORERS[kind](**arguments)
    if isinstance(net, DeamNet):
        deamnet.initialise(net, identity)
    else:
        restormer.initialise(net, identity)
    return net


def generator(train: Mapping[str, Any]) -> Generator:
    """The generator of a recipe's ``train`` table, with its initial weights."""
    net = Generator(train["generator_width"], train["generator_blocks"], train["generator_kernel"])
    discriminator.initialise(net, train["generator_initial"])
    if train["generator_hands_on"]:
        hand_on(net, train["generator_hands_on"])
    return net


def judge(train: Mapping[str, Any]) -> Discriminator:
    """The discriminator of a recipe's ``train`` table, with its initial weights."""
    if train["high_pass"] not in HIGH_PASSES:
        raise unknown("value of train.high_pass", train["high_pass"], HIGH_PASSES)
    size = train["discriminator_width"], train["discriminator_layers"]
    net = Discriminator(*size, train["high_pass"], train["gain"], train["sigma"])
    discriminator.initialise(net)
    return net
