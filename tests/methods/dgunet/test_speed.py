"""How near the networks come to what their convolutions alone allow; processor time, ratios within one run."""

from time import process_time

import pytest
import torch
from torch import nn

from tests.helpers.dgunet_networks import NETS
from tests.helpers.speed_record import in_turn, record

pytestmark = pytest.mark.speed


class Clock:
    """Processor time inside a network's convolutions."""

    def __init__(self, net):
        self.total = 0.0
        for module in net.modules():
            if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
                module.register_forward_pre_hook(self._begin)
                module.register_forward_hook(self._end)

    def _begin(self, *_):
        self._start = process_time()

    def _end(self, *_):
        self.total += process_time() - self._start


@torch.no_grad()
def test_a_forward_pass_against_its_convolutions():
    net = NETS["dgunet_deraining"]().eval()
    x = torch.rand(1, 3, 256, 256)
    net(x[..., :64, :64])
    clock = Clock(net)
    start = process_time()
    net(x)
    whole = process_time() - start
    record("dgunet (deraining): 256x256 forward, 193.9 GMAC", [(whole, clock.total)], "its convolutions alone")


@torch.no_grad()
def test_a_batch_in_channels_last_against_single_images():
    net = NETS["dgunet_deraining"]().eval()
    x = torch.rand(8, 3, 64, 64)
    fast, last = NETS["dgunet_deraining"]().eval(), x.to(memory_format=torch.channels_last)
    fast = fast.to(memory_format=torch.channels_last)
    pairs = in_turn(lambda: fast(last), lambda: [net(image[None]) for image in x], 2)
    record("dgunet (deraining): eight 64x64 images together, channels last", pairs, "one by one, channels first")
