"""Student's quantile against scipy's, and that a row's intervals do without importing it."""

from __future__ import annotations

import pytest
import scipy
from packaging.version import Version
from scipy.special import stdtrit

from benchmark.scoring.student import student_quantile
from tests.helpers.speed_record import script

FREEDOMS = (0.7, 1, 1.3, 2, 4, 5.5, 9, 30, 100.3, 199, 201, 511, 1279, 1e4)


@pytest.mark.parametrize("probability", [0.025, 0.4, 0.5, 0.6, 0.8, 0.9, 0.975, 0.9999])
def test_the_quantile_is_scipys(probability: float) -> None:
    # SciPy's own were off by up to 1e-11 before they came from Boost
    rel = 1e-12 if Version(scipy.__version__) >= Version("1.15") else 1e-10
    for freedom in FREEDOMS:
        assert student_quantile(freedom, probability) == pytest.approx(stdtrit(freedom, probability), rel=rel)


def test_many_degrees_of_freedom_are_nearly_the_normal_distribution() -> None:
    assert student_quantile(1e6, 0.975) == pytest.approx(1.9599663568, abs=1e-9)


def test_the_intervals_of_a_row_do_not_import_scipy() -> None:
    """It takes half a second of the processor, several times as much as all intervals of a run."""
    code = """
import json, sys
from benchmark.scoring.statistics import interval
found = interval([30.0, 31.0, 33.0, 32.5, 29.0, 31.5], list("abcdef"))
print(json.dumps([found.kind, sorted(name for name in sys.modules if name.startswith("scipy"))]))
"""
    assert script(code) == ["skew-t", []]
