"""3x3 convolutions in Winograd's form F(4, 3), down the columns: six products of rows for four rows, instead of twelve.

S. Winograd, "Arithmetic Complexity of Computations", 1980; for convolutions of networks A. Lavin, S. Gray, "Fast
Algorithms for Convolutional Neural Networks", CVPR 2016, section 4. Theirs is nested in both directions; here the other
one is left to an ordinary convolution of 1x3, since the libraries' are fast and one direction's sums cost little.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self, TypeGuard

import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmark.environment import processor
from benchmark.inference.joining import JoinedConv2d
from benchmark.inference.twins import M, plain, twin

# Of both sides of a convolution, and of the values of one image: below, the sums cost what the products save.
_CHANNELS, _VALUES = 64, 1 << 18
_STRIP = 1 << 18  # values that are in work together for each thread, so that sums are made within the caches
# A kernel's three rows at the points 0, 1, -1, 2, -2 and infinity, scaled so that the sums of rows have whole factors.
_POINTS = (
    (1 / 4, 0, 0),
    (-1 / 6, -1 / 6, -1 / 6),
    (-1 / 6, 1 / 6, -1 / 6),
    (1 / 24, 1 / 12, 1 / 6),
    (1 / 24, -1 / 12, 1 / 6),
    (0, 0, 1),
)


def quickened(module: M) -> M:
    """A twin of a module in eval mode, in which wide 3x3 convolutions on a CPU are in Winograd's form.

    The module itself where it has none.

    Outputs differ from the direct form's by rounding, some 1e-6 of the values. On processors whose direct form is the
    faster one (`pays_on`) it is the module itself.
    """
    return _quickened(module) if pays_on(processor(), torch.backends.cpu.get_cpu_capability()) else module


def pays_on(name: str, instructions: str) -> bool:
    """Whether this form is the faster one on a processor.

    On Intel's, with units of 512 bits, sums of rows take as long as the products that they save: the direct form was
    the faster one where it was tried. AMD's, with units half as wide, gain, and so do those without AVX-512.

    Args:
        name: of the processor. instructions: what torch uses of it, such as ``AVX512``.
    """
    return not ("intel" in name.lower() and instructions == "AVX512")


def _quickened(module: M) -> M:
    children = {
        name: _WinogradConv2d.of(child) if _suited(child) else _quickened(child)
        for name, child in module._modules.items()
        if child is not None
    }
    return twin(module, children)


def _suited(module: nn.Module) -> TypeGuard[nn.Conv2d]:
    if type(module) is not nn.Conv2d or not plain(module) or module.padding_mode != "zeros":
        return False
    shape = module.kernel_size, module.stride, module.padding, module.dilation, module.groups
    ordinary = shape == ((3, 3), (1, 1), (1, 1), (1, 1), 1)
    held = module.weight.device.type == "cpu" and module.weight.dtype == torch.float32
    return ordinary and held and min(module.in_channels, module.out_channels) >= _CHANNELS


class _WinogradConv2d(JoinedConv2d):
    """A convolution that shares another's weights; as an ordinary one where this form does not pay or apply."""

    rows: Sequence[Tensor]  # of the kernels at the six points, each (O, I, 1, 3)

    @classmethod
    def of(cls, conv: nn.Conv2d) -> Self:
        """The convolution in this form, its ReLU still apart; the one given is left as it is."""
        made = super().of(conv)
        points = torch.tensor(_POINTS, dtype=torch.float64)
        kernels = torch.einsum("pr,oirc->poic", points, conv.weight.detach().double()).to(conv.weight)
        made.rows = [k.unsqueeze(2).contiguous(memory_format=torch.channels_last) for k in kernels]
        return made

    def forward(self, input: Tensor) -> Tensor:
        """(N, I, H, W) -> (N, O, H, W)."""
        if not self._pays(input):
            return super().forward(input)
        number, _, height, width = input.shape
        found = torch.empty((number, self.out_channels, height, width), memory_format=torch.channels_last)
        step = 4 * max(1, _STRIP * torch.get_num_threads() // (width * self.in_channels))
        for image, out in zip(input.permute(0, 2, 3, 1), found.permute(0, 2, 3, 1), strict=True):
            for top in range(0, height, step):
                self._strip(image, top, out[top : top + step])
        return found

    def _pays(self, x: Tensor) -> bool:
        ordinary = torch.is_grad_enabled() or torch.is_autocast_enabled("cpu") or x.dtype != torch.float32
        return not ordinary and x[0].numel() >= _VALUES and x.is_contiguous(memory_format=torch.channels_last)

    def _strip(self, image: Tensor, top: int, out: Tensor) -> None:
        """Rows of one image, (H, W, I), into `out`, those from `top` on, (up to 4 times as many, W, O)."""
        fours = -(-len(out) // 4)
        first, last = top - 1, top + 4 * fours + 1
        rows = image[max(first, 0) : last]
        if first < 0 or last > len(image):
            rows = functional.pad(rows, (0, 0, 0, 0, max(-first, 0), max(last - len(image), 0)))
        sums = _six([rows[k::4][:fours] for k in range(6)])
        # at the point 1 all four rows have the factor 1: added there, the bias comes to each of them once
        biases = [self.bias if k == 1 else None for k in range(6)]
        products = [
            functional.conv2d(part.permute(2, 0, 1)[None], kernel, bias, padding=(0, 1))[0].permute(1, 2, 0)
            for part, kernel, bias in zip(sums, self.rows, biases, strict=True)
        ]
        for k, row in enumerate(_four(products)):
            place = out[k::4]
            torch.clamp_min(row[: len(place)], 0, out=place) if self.relu else place.copy_(row[: len(place)])


def _six(x: Sequence[Tensor]) -> list[Tensor]:
    """What is multiplied at each of the points, of six rows that follow each other."""
    even, odd = torch.sub(x[4], x[2], alpha=4), torch.sub(x[3], x[1], alpha=4)
    outer, inner = x[4] - x[2], x[3] - x[1]
    return [
        torch.sub(x[4], x[2], alpha=5).add_(x[0], alpha=4),
        even + odd,
        even.sub_(odd),
        torch.add(outer, inner, alpha=2),
        outer.sub_(inner, alpha=2),
        torch.sub(x[5], x[3], alpha=5).add_(x[1], alpha=4),
    ]


def _four(m: Sequence[Tensor]) -> list[Tensor]:
    """Four rows of the output from the products at the points, which are used up."""
    near, far = m[1] + m[2], m[3] + m[4]
    across, beyond = m[1].sub_(m[2]), m[3].sub_(m[4])
    return [
        m[0].add_(near).add_(far),
        torch.add(across, beyond, alpha=2),
        near.add_(far, alpha=4),
        across.add_(beyond, alpha=8).add_(m[5]),
    ]
