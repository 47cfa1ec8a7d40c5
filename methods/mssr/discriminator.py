"""The discriminator of stage 1: patches of an image's high frequencies, judged real or not."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from datasets.core.registry import unknown
from methods.mssr.highpass import HighPass, Wavelet

FILTERS = ("wavelet", "gaussian", "average")
NORMS = ("instance", "batch", "none")
LAYOUTS = ("fsd", "nld1", "nld2")
BANDS = ("cat", "sum")
SLOPE = 0.2


class Patches(nn.Module):
    """The convolutions, under the name that they have in the authors' keys: ``net`` (fsd) or ``model`` (nld)."""

    def __init__(self, inputs: int, width: int, kernel: int, norm: str, layout: str) -> None:
        super().__init__()
        self.name = "net" if layout == "fsd" else "model"
        layers = _fsd(inputs, width, kernel, norm) if layout == "fsd" else _nld(inputs, width, norm, int(layout[-1]))
        self.add_module(self.name, nn.Sequential(*layers))

    def forward(self, x: Tensor) -> Tensor:
        """(N, inputs, H, W) -> (N, 1, h, w), unbounded."""
        return self.get_submodule(self.name)(x)


def _fsd(inputs: int, width: int, kernel: int, norm: str) -> list[nn.Module]:
    def layer(before: int, after: int) -> nn.Conv2d:
        return nn.Conv2d(before, after, kernel, padding=kernel // 2)

    return [
        *(layer(inputs, width), _leaky()),
        *(layer(width, 2 * width), _norm(norm, 2 * width), _leaky()),
        *(layer(2 * width, 4 * width), _norm(norm, 4 * width), _leaky()),
        nn.Conv2d(4 * width, 1, 1),
    ]


def _nld(inputs: int, width: int, norm: str, stride: int) -> list[nn.Module]:
    return [
        *(nn.Conv2d(inputs, width, 4, stride, 1), _leaky()),
        *(nn.Conv2d(width, 2 * width, 4, stride, 1), _norm(norm, 2 * width), _leaky()),
        *(nn.Conv2d(2 * width, 4 * width, 4, 1, 1), _norm(norm, 4 * width), _leaky()),
        nn.Conv2d(4 * width, 1, 4, 1, 1),
    ]


def _leaky() -> nn.Module:
    return nn.LeakyReLU(SLOPE, inplace=True)


def _norm(norm: str, width: int) -> nn.Module:
    return {"instance": nn.InstanceNorm2d, "batch": nn.BatchNorm2d, "none": nn.Identity}[norm](width)


class Discriminator(nn.Module):
    """Scores of patches: the high frequencies v, as gain * v + offset, through patch convolutions and a sigmoid.

    Args:
        width: features of the first layer; doubled twice. kernel: side of fsd's filters (the others have 4x4).
        filter: ``wavelet`` (the published commands), or an image less its 5x5 ``gaussian`` or ``average``.
        norm: ``instance`` (without parameters), ``batch`` or ``none``, after the second and third convolution.
        layout: ``fsd`` (no strides), or a PatchGAN with two first strides of 1 (``nld1``) or 2 (``nld2``).
        gain, offset: 0.5 both in the authors' code.
        bands: of the wavelet: ``cat`` (9 channels) or ``sum`` (3: their mean).
        levels: of the wavelet, see there; 1 in the authors' code.
        The authors' numbers give 1,039,105 parameters.
    Raises:
        UserError: a value that is not among these.
    """

    def __init__(
        self,
        width: int = 64,
        kernel: int = 5,
        filter: str = "wavelet",
        norm: str = "instance",
        layout: str = "fsd",
        gain: float = 0.5,
        offset: float = 0.5,
        bands: str = "cat",
        levels: int = 1,
    ) -> None:
        super().__init__()
        _check(filter=(filter, FILTERS), norm=(norm, NORMS), layout=(layout, LAYOUTS), bands=(bands, BANDS))
        self.gain, self.offset, self.bands = gain, offset, bands
        self.high_pass = "DWT2" if filter == "wavelet" else "filter"
        self.add_module(self.high_pass, Wavelet(levels) if filter == "wavelet" else HighPass(filter == "gaussian"))
        inputs = 9 * levels if filter == "wavelet" and bands == "cat" else 3
        self.net = Patches(inputs, width, kernel, norm, layout)

    def details(self, image: Tensor) -> Tensor:
        """What is judged: (N, 3, H, W) -> (N, 3 or 9 * levels, H or H / 2, W or W / 2)."""
        parts = self.get_submodule(self.high_pass)(image)
        v = torch.cat(parts, 1) if self.bands == "cat" else torch.stack(parts).mean(0)
        return self.gain * v + self.offset

    def logits(self, image: Tensor) -> Tensor:
        """The scores before the sigmoid."""
        return self.net(self.details(image))

    def forward(self, image: Tensor, other: Tensor | None = None) -> Tensor:
        """Judge patches.

        Args:
            image: (N, 3, H, W). other: images to compare with (RaGAN, an option that no published command uses): at
                each place the mean of their scores over the batch is subtracted before the sigmoid.
        Returns:
            (N, 1, h, w) in (0, 1); 1 = real.
        """
        logits = self.logits(image)
        return (logits if other is None else logits - self.logits(other).mean(0, keepdim=True)).sigmoid()


def _check(**values: tuple[str, Sequence[str]]) -> None:
    for key, (value, known) in values.items():
        if value not in known:
            raise unknown(f"value of train.{key}", value, known)
