"""One level of the orthonormal Haar transform."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional


def haar(x: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The bands LL, LH, HL, HH of a batch.

    Of each block [[a, b], [c, d]]: LL = (a + b + c + d) / 2 (twice the mean), LH = (a + b - c - d) / 2 (rows differ),
    HL = (a - b + c - d) / 2 (columns differ), HH = (a - b - c + d) / 2. An odd side is continued by one mirrored row
    or column, the border not repeated, so it must be 3 or more.

    Args:
        x: (N, C, H, W).
    Returns:
        four tensors (N, C, ceil(H / 2), ceil(W / 2)).
    """
    height, width = x.shape[-2:]
    if height % 2 or width % 2:
        x = functional.pad(x, [0, width % 2, 0, height % 2], mode="reflect")
    top, bottom = x[..., 0::2, :], x[..., 1::2, :]
    sums, gaps = (top + bottom) / 2, (top - bottom) / 2
    left, right = (..., slice(0, None, 2)), (..., slice(1, None, 2))
    return (
        sums[left] + sums[right],
        gaps[left] + gaps[right],
        sums[left] - sums[right],
        gaps[left] - gaps[right],
    )
