"""The loss terms of MSSR: pure functions of images (N, C, H, W) in [0, 1] and of scores, means over all elements.

The generators' outputs are judged as they come, unclamped; the restorers' are clamped, so that what leaves [0, 1] costs
nothing and learns nothing.
"""

from __future__ import annotations

from torch import Tensor

from methods.mssr.wavelet import haar

EPSILON = 1e-8  # inside the logarithms


def judged_real(scores: Tensor) -> Tensor:
    """Mean of -log D: small where the discriminator takes the images for real. `scores` in (0, 1), any shape."""
    return -(scores + EPSILON).log().mean()


def judged_fake(scores: Tensor) -> Tensor:
    """Mean of -log(1 - D): small where the discriminator takes the images for synthesised."""
    return -(1 - scores + EPSILON).log().mean()


def discriminator(real: Tensor, fake: Tensor) -> Tensor:
    """L_D: real images shall score 1, synthesised ones 0. The generator's own term is `judged_real` of its scores."""
    return judged_real(real) + judged_fake(fake)


def lowpass(x: Tensor, level: int = 1) -> Tensor:
    """Means over blocks of 2^level pixels: Haar's coarsest band, halved at each level; odd sides mirrored as there."""
    for _ in range(level):
        x = 0.5 * haar(x)[0]
    return x


def colour(fake: Tensor, target: Tensor, level: int = 1) -> Tensor:
    """L_col: mean absolute difference of the two at low frequencies, which a degradation shall leave alone.

    Args:
        level: 1 in the paper. At scale 1 noise is left of a pixel's deviation s as s / 2^level in the means, and the
            generator pays for that; a higher level makes it pay less.
    """
    return l1(lowpass(fake, level), lowpass(target, level))


def l1(a: Tensor, b: Tensor) -> Tensor:
    """Mean absolute difference."""
    return (a - b).abs().mean()


def supervised(restored: Tensor, clean: Tensor) -> Tensor:
    """L1 of the clamped output."""
    return l1(restored.clamp(0, 1), clean)


def collaborative(restored: Tensor, other: Tensor) -> Tensor:
    """L1 towards what the other network makes of its own generator's image, which gets no gradient; both clamped."""
    return l1(restored.clamp(0, 1), other.detach().clamp(0, 1))


def adaptation(first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
    """L1 of each network's clamped output for a real image towards the mean of both, which gets no gradient."""
    first, second = first.clamp(0, 1), second.clamp(0, 1)
    mean = (0.5 * first + 0.5 * second).detach()
    return l1(mean, first), l1(mean, second)
