"""How near the networks come to what their convolutions alone allow; processor time, ratios within one run."""

from time import process_time

import pytest
import torch
from torch import nn

from tests.methods.dgunet.nets import NETS
from tests.speed.record import cpu_seconds, record

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
def test_convolutions_take_most_of_a_forward_pass():
    net = NETS["dgunet_deraining"]().eval()
    x = torch.rand(1, 3, 256, 256)
    net(x[..., :64, :64])
    clock = Clock(net)
    start = process_time()
    net(x)
    whole = process_time() - start
    ratio = clock.total / whole
    detail = f"193.9 GMAC in {whole:.1f} s, convolutions alone {clock.total:.1f} s of processor time"
    record("dgunet: 256x256 forward, share of the convolutions' GMAC/s", ratio, detail, ">= 0.6")
    print(f"\n{detail}: {ratio:.2f}")
    assert ratio >= 0.6


@torch.no_grad()
def test_a_batch_in_channels_last_is_faster_than_single_images():
    net = NETS["dgunet_deraining"]().eval()
    x = torch.rand(8, 3, 64, 64)
    single = cpu_seconds(lambda: [net(image[None]) for image in x], 2)
    net, last = net.to(memory_format=torch.channels_last), x.to(memory_format=torch.channels_last)
    together = cpu_seconds(lambda: net(last), 2)
    detail = f"eight 64x64 images: one by one {single:.2f} s, together {together:.2f} s of processor time"
    record("dgunet: batch in channels_last over batch 1", single / together, detail, "> 1")
    print(f"\n{detail}: {single / together:.2f}")
    assert single / together > 1
