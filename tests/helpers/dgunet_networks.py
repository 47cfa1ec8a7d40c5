"""The nine official networks, by the names of their recorded outputs, with weights by rule."""

import json
from pathlib import Path

from methods.dgunet.network import DGUNet, DGUNetPlus
from methods.dgunet.sensing import SensingDGUNet
from tests.helpers.rule_weights import ruled

RECORDED = Path(__file__).parents[1] / "golden" / "dgunet"
FACTS = json.loads((RECORDED / "networks.json").read_text())
NETS = {
    "dgunet_denoising": lambda: DGUNet(80, 48, 32),
    "dgunet_deraining": lambda: DGUNet(40, 20, 16),
    "dgunet_plus_denoising": lambda: DGUNetPlus(80, 40),
    "dgunet_plus_deblurring": lambda: DGUNetPlus(96, 48),
    "dgunet_plus_deraining": lambda: DGUNetPlus(40, 20),
    "dgunet_cs_r10": lambda: SensingDGUNet(10),
    "dgunet_cs_deblock_r10": lambda: SensingDGUNet(10),
    "dgunet_plus_cs_r10": lambda: SensingDGUNet(10, plus=True),
    "dgunet_plus_cs_deblock_r10": lambda: SensingDGUNet(10, plus=True),
}


def with_rule(net):
    """The network in float64 with weights by rule; PReLU slopes are its weights of one element."""
    slopes = [key for key, value in net.state_dict().items() if key.endswith("weight") and value.numel() == 1]
    return ruled(net, slopes=slopes)
