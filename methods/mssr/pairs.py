"""What the stages are fed beyond plain crops: pairs made of clean images, and two mistakes of the official loaders."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from datasets.ops.resize import imresize
from methods.base import Draws, Preparation, SampleInfo


def downscaled(clean: Tensor, scale: int) -> Tensor:
    """Bicubic reduction of (N, C, H, W) by `scale`, as MATLAB's imresize, clamped, not rounded; scale 1 is the image.

    In the image's own precision, whatever precision the networks run in.
    """
    if scale == 1:
        return clean
    with torch.autocast(clean.device.type, enabled=False):
        rows, columns = (_reduction(side, scale, clean.dtype, clean.device) for side in clean.shape[2:])
        return (rows @ clean @ columns.T).clamp(0, 1)


@lru_cache(maxsize=32)
def _reduction(side: int, scale: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """The matrix (side / scale, side) of one axis: what becomes of each single pixel."""
    small = -(-side // scale)
    return torch.from_numpy(imresize(np.eye(side), size=(small, side), clip=False)).to(device, dtype)


def noisy(clean: Tensor, sigma: float, draws: Draws) -> Tensor:
    """White Gaussian noise, its deviation uniform in [0, sigma / 255] for each image, neither clipped nor rounded."""
    level = sigma / 255 * draws.uniform(len(clean), 1, 1, 1).to(clean)
    return clean + level * draws.normal(*clean.shape).to(clean)


def recoloured(clean: Tensor, draws: Draws) -> Tensor:
    """Other colours for each image, (N, C, H, W) in [0, 1]: its channels in a random order, half of them as negatives.

    Stands in for photographs of other things where there are few. Channels keep going up and down together, as a
    restorer has to learn that they do: negatives of single channels cost 1 dB.
    """
    n, channels = clean.shape[:2]
    order = draws.uniform(n, channels).to(clean.device).argsort(1).view(n, channels, 1, 1)
    negative = draws.integers(0, 2, n).to(clean.device).bool().view(n, 1, 1, 1)
    turned = clean.take_along_dim(order, 1)
    return torch.where(negative, 1 - turned, turned)


def beyond(image: Tensor, side: int, scale: int, draws: Draws) -> Tensor:
    """A crop as the released configuration cuts it: places of the low-resolution grid drawn over the large image.

    Most lie outside, where the image is black. (N, C, H, W) -> (N, C, side * scale, side * scale).
    """
    top, left = (int(draws.integers(0, length - side + 1)) * scale for length in image.shape[2:])
    cut = image[..., top : top + side * scale, left : left + side * scale]
    return functional.pad(cut, (0, side * scale - cut.shape[3], 0, side * scale - cut.shape[2]))


def turned_whole() -> Preparation:
    """Each image as it is, and turned by a quarter within its own frame as the official loader does before it crops.

    What does not fit into the frame is lost, and bars are black where an image is not square.
    """
    return Preparation(["mssr", "turned whole", 1], _turned_whole)


def _turned_whole(
    arrays: Mapping[str, np.ndarray], info: SampleInfo, rng: np.random.Generator
) -> list[dict[str, np.ndarray]]:
    image = arrays["degraded"]
    return [{"degraded": image}, {"degraded": turned_within(image)}]


def turned_within(image: np.ndarray) -> np.ndarray:
    """A quarter turn about the centre that keeps the frame: (H, W, C) -> (H, W, C)."""
    turned, frame = np.rot90(image), np.zeros_like(image)
    taken, placed = [], []
    for have, room in zip(turned.shape[:2], image.shape[:2], strict=True):
        both = min(have, room)
        taken.append(slice((have - both) // 2, (have - both) // 2 + both))
        placed.append(slice((room - both) // 2, (room - both) // 2 + both))
    frame[tuple(placed)] = turned[tuple(taken)]
    return frame


def upside_down(images: Tensor, draws: Draws) -> Tensor:
    """Each image upside down with a probability of one half; with left-right flips, the four that keep a frame."""
    chosen = draws.integers(0, 2, len(images)).to(images.device).bool()
    return torch.where(chosen.view(-1, 1, 1, 1), images.flip(-2), images)
