"""The subspace projection that hands full-resolution features from one stage to the next."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from methods.dgunet.blocks import conv
from methods.dgunet.precision import at_least_float32, precisely


def project(features: Tensor, basis: Tensor) -> Tensor:
    """Orthogonal projection of every channel on the span of the basis: V (V^T V)^-1 V^T b, for each image.

    The authors invert V^T V as it is, which fails where columns are dependent (flat images, dead channels). Here the
    columns are scaled to length 1, which leaves the projection as it is (theirs have L1 length 1 for the same reason),
    V^T V is summed and factorised in float64, and its diagonal is raised by a few units of the features' precision:
    always positive definite, and beyond that no change that the features could show.

    Args:
        features: b, (N, C, H, W). basis: V, (N, R, H, W), one image per basis vector.
    Returns:
        (N, C, H, W), of the type of `features`. Computed in float32 or better whatever autocast says. NaN in, NaN out.
    """
    with precisely(features):
        b, v = at_least_float32(features).flatten(2), at_least_float32(basis).flatten(2)
        v = nn.functional.normalize(v, dim=-1, eps=1e-6)
        weights = _solve(v, v @ b.mT).to(v.dtype)
        return (weights.mT @ v).view_as(features).to(features.dtype)


def _solve(v: Tensor, products: Tensor) -> Tensor:
    """(V^T V + ridge) w = products, for v (N, R, HW), products (N, R, C)."""
    wide = v.double()
    gram = wide @ wide.mT
    ridge = v.shape[1] * torch.finfo(v.dtype).eps
    # cholesky_ex does not raise: what is not finite must reach the loss, where the training names the step
    factor, _ = torch.linalg.cholesky_ex(gram + ridge * torch.eye(v.shape[1], dtype=gram.dtype, device=gram.device))
    return torch.cholesky_solve(products.double(), factor)


class Merge(nn.Module):
    """Features x of this stage plus what those of the previous one, projected, add to them.

    Args:
        width: channels of both. rank: dimension of the subspace (16 in the paper's networks).
    """

    def __init__(self, width: int, rank: int) -> None:
        super().__init__()
        self.conv_block = conv(2 * width, width, bias=True)
        self.subnet = conv(2 * width, rank, bias=True)

    def forward(self, x: Tensor, previous: Tensor) -> Tensor:
        """(N, width, H, W) twice -> the same; H * W must not be below the rank."""
        bridged = project(previous, self.subnet(torch.cat([x, previous], dim=1)))
        return x + self.conv_block(torch.cat([x, bridged], dim=1))
