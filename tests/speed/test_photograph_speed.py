"""A photograph of 12 megapixels restored in tiles: pixels computed for each of its own, and memory at the most."""

from __future__ import annotations

import pytest

from tests.helpers.speed_record import record, script
from tests.speed.test_restoring_speed import SHIPPED, WEIGHTS

pytestmark = pytest.mark.speed
SIDES, TILE = (3000, 4000), 512
RESTORE = """
import json, sys
import numpy as np
from benchmark.inference.restorer import Restorer
from benchmark.inference.settings import InferenceSettings
from datasets.base import Sample
from methods.loading import load_from
name, weights, height, width, tile = *sys.argv[1:3], *map(int, sys.argv[3:])
def status(field):
    lines = open("/proc/self/status").read().splitlines()
    return int(next(line for line in lines if line.startswith(field)).split()[1]) / 1e6
restorer = Restorer(load_from(name, None, weights).method, settings=InferenceSettings(tile=tile))
computed, inner = [], restorer._fast.restore
def counted(pieces, known):
    computed.append(pieces.shape[0] * pieces.shape[2] * pieces.shape[3])
    return inner(pieces, known)
restorer._fast.restore = counted
channels = max(restorer.method.facts.channels)
image = np.random.default_rng(0).integers(0, 256, (height, width, channels), np.uint8)
open("/proc/self/clear_refs", "w").write("5")
before = status("VmRSS")
list(restorer([Sample("x", image, None, "x", {}, 0.1)]))
print(json.dumps([status("VmHWM") - before, sum(computed) / 1e6]))
"""


@pytest.mark.parametrize("name", ["r2r", "dgunet"])
def test_work_and_memory(name: str) -> None:
    recipe = SHIPPED[name]
    memory, computed = script(RESTORE, name, WEIGHTS / name / f"{recipe}.safetensors", *SIDES, TILE)
    what = f"{name} ({recipe}): {SIDES[0]}x{SIDES[1]} in tiles of {TILE}"
    pixels = SIDES[0] * SIDES[1] / 1e6
    record(f"{what}, pixels computed", [(computed, pixels)], "pixels of the image", "megapixels")
    record(f"{what}, memory over the image", [(memory, 1.0)], "goal", "GB")
    assert memory < 2
