"""The quantile of Student's t, in plain Python.

SciPy has it, but takes longer to be imported than a short run has for all of its intervals.
"""

from __future__ import annotations

import math
from functools import lru_cache
from statistics import NormalDist

_ENOUGH = 1e-14  # relative: of a step of Newton's, and of a factor of the continued fraction
_MOST = 1000
_TINY = 1e-300  # in place of a zero that would be divided by


@lru_cache
def student_quantile(freedom: float, probability: float) -> float:
    """The value below which Student's t lies with that probability.

    Args:
        freedom: degrees of it, 1 or more; may be a fraction. probability: in (0, 1).
    """
    if probability == 0.5:
        return 0.0
    if probability < 0.5:
        return -student_quantile(freedom, 1 - probability)
    beyond = 1 - probability
    normal = NormalDist().inv_cdf(probability)
    value = normal + (normal**3 + normal) / (4 * freedom)  # with the first correction for the degrees of freedom
    scale = _ratio(freedom / 2) / math.sqrt(freedom * math.pi)  # of the density
    for _ in range(_MOST):
        # Newton's method on the logarithm, which is nearly straight in the tail and concave: no step overshoots far.
        tail = _tail(freedom, value)
        density = scale * math.exp(-(freedom + 1) / 2 * math.log1p(value * value / freedom))
        step = tail * math.log(tail / beyond) / density
        value = max(value + step, value / 2)
        if abs(step) <= _ENOUGH * value:
            break
    return value


def _tail(freedom: float, value: float) -> float:
    """The probability of lying beyond a value above 0: half an incomplete beta function (NIST DLMF 8.17.22).

    Its continued fraction converges fast on one side of x = (a + 1) / (a + b + 2), the mirrored one on the other.
    """
    a, b = freedom / 2, 0.5
    x, rest = freedom / (freedom + value * value), value * value / (freedom + value * value)
    front = _ratio(a) * math.sqrt(rest / math.pi) * math.exp(-a * math.log1p(value * value / freedom))
    if x < (a + 1) / (a + b + 2):
        return front * _fraction(a, b, x) / a / 2
    return (1 - front * _fraction(b, a, rest) / b) / 2


def _ratio(half: float) -> float:
    """gamma(half + 1/2) / gamma(half), without the difference of two large logarithms (NIST DLMF 5.11.13)."""
    if half < 100:
        return math.exp(math.lgamma(half + 0.5) - math.lgamma(half))
    u = 1 / half
    series = 1 + u * (-1 / 8 + u * (1 / 128 + u * (5 / 1024 + u * (-21 / 32768 + u * (-399 / 262144)))))
    return math.sqrt(half) * series


def _fraction(a: float, b: float, x: float) -> float:
    """The continued fraction of the incomplete beta function, from its front (modified Lentz)."""
    c, d = 1.0, 1 / (1 - (a + b) * x / (a + 1) or _TINY)
    value = d
    for m in range(1, _MOST):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for term in (even, odd):
            d = 1 / (1 + term * d or _TINY)
            c = 1 + term / c or _TINY
            value *= c * d
        if abs(c * d - 1) <= _ENOUGH:
            break
    return value
