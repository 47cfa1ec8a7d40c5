"""Where the measured material lies (golden files, real images, official weights): beside the project, or nowhere.

Tests that need it skip with a reason where it is absent. Its place can be named by the variable BENCHMARK_MATERIAL.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(os.environ.get("BENCHMARK_MATERIAL") or Path(__file__).resolve().parents[3] / "shared")
needs_material = pytest.mark.skipif(
    not ROOT.is_dir(), reason="the golden files, real images and official weights are not beside the project"
)


def material(relative: str) -> Path:
    """Path of a file or folder of the material."""
    return ROOT / relative
