"""Restoring on a CPU: a whole run against a naive loop, each network against how it is written, tiles against none."""

from __future__ import annotations

import copy
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

import datasets
from benchmark.inference.folding import folded
from benchmark.inference.joining import joined
from benchmark.inference.restorer import Restorer
from benchmark.inference.settings import InferenceSettings
from benchmark.inference.winograd import quickened
from datasets.base import Sample
from methods.base import SampleInfo
from methods.loading import load_from
from tests.helpers.material import material, needs_material
from tests.helpers.speed_record import ROOT, cpu_seconds, in_turn, record, rounds, script

pytestmark = pytest.mark.speed
BLOCKS = int(os.environ.get("BENCHMARK_BLOCKS") or 64)
WEIGHTS = ROOT / "results" / "weights"
SHIPPED = {"r2r": "cpu-demo", "dgunet": "cpu-demo", "scpgan": "cpu-demo", "mssr": "cpu-demo", "lir": "cpu-demo-sigma50"}

RUN = """
import json, sys
from pathlib import Path
from benchmark.planning.planner import plan
from benchmark.planning.request import RunRequest
from benchmark.runs.config import RunConfig
from benchmark.runs.runner import run_cell
data, results, weights, limit, *conventions = sys.argv[1:]
data, results = Path(data), Path(results)
request = RunRequest(("r2r",), ("sidd",), data=data, results=results, weights=weights, limit=int(limit))
cell = next(one.cell for one in plan(request) if one.cell.method == "r2r")
config = RunConfig(data, results, "cpu", tuple(conventions), costs=False)
record = run_cell(cell, config)
assert record.status == "done", record.why
print(json.dumps(record.figures["float-gauss"].psnr.mean))
"""
# What a script beside a paper does: the network as it is, one image after another, scikit-image's metrics on floats.
NAIVE = """
import json, sys
from pathlib import Path
import cv2, numpy as np, torch
from skimage.metrics import peak_signal_noise_ratio, structural_similarity
from methods.r2r.network import DnCNN
folder, weights, limit = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
net = DnCNN(3, 20, first_bias=True, eps=1e-4)
state = torch.load(weights, map_location="cpu", weights_only=True)
state = state.get("state_dict", state)
net.load_state_dict({key.removeprefix("module."): value for key, value in state.items()})
net.eval()
psnrs = []
for path in sorted((folder / "noisy").glob("*.png"))[:limit]:
    noisy, clean = (cv2.imread(str(folder / side / path.name)) for side in ("noisy", "clean"))
    x = torch.from_numpy(noisy).permute(2, 0, 1)[None].float() / 255
    with torch.no_grad():
        y = net(x)[0].permute(1, 2, 0).clamp(0, 1).numpy()
    clean = clean.astype(np.float32) / 255
    psnrs.append(peak_signal_noise_ratio(clean, y, data_range=1))
    options = dict(gaussian_weights=True, sigma=1.5, use_sample_covariance=False)
    structural_similarity(clean, y, data_range=1, channel_axis=2, **options)
print(json.dumps(float(np.mean(psnrs))))
"""


def run_against(peer: str, folder: Path) -> tuple[list[tuple[float, float]], float]:
    """CPU seconds of our run and of a peer's program, in turn, and how far their PSNRs lie apart in dB."""
    blocks, weights = material("data/sidd/val_blocks"), material("weights/r2r_sidd_official.pth")
    datasets.prepare("sidd", blocks, folder / "data")
    pairs, found = [], []
    for number in range(rounds(1)):
        own = folder / "data", folder / f"results{number}", weights, BLOCKS, "float-gauss"
        ours = cpu_seconds(lambda own=own: found.append(script(RUN, *own)))
        pairs.append((ours, cpu_seconds(lambda: found.append(script(peer, blocks, weights, BLOCKS)))))
    return pairs, max(found) - min(found)


@needs_material
def test_a_run_against_the_naive_loop(tmp_path: Path) -> None:
    """Whole processes, imports and all; both must find the same PSNR."""
    pairs, apart = run_against(NAIVE, tmp_path)
    assert apart < 1e-3
    record(f"run of R2R, official weights, {BLOCKS} SIDD blocks, one convention", pairs, "naive loop, scikit-image")


@pytest.mark.parametrize("name", SHIPPED)
@torch.no_grad()
def test_networks_against_how_they_are_written(name: str) -> None:
    """Folded, in faster forms and with the channels last against none of it; memory is kept for both."""
    written = load_from(name, None, WEIGHTS / name / f"{SHIPPED[name]}.safetensors").method
    fast = joined(quickened(folded(Restorer(copy.deepcopy(written)).method)))
    written = written.eval()
    x = torch.rand(1, max(written.facts.channels), 256, 256, generator=torch.Generator().manual_seed(0))
    info = [SampleInfo("x", 0.1, 0, {})]
    last = x.contiguous(memory_format=torch.channels_last)
    difference = float((fast.restore(last, info) - written.restore(x, info)).abs().max())
    assert difference < 1e-4
    pairs = in_turn(lambda: fast.restore(last, info), lambda: written.restore(x, info), 5)
    record(f"{name} ({SHIPPED[name]}): 256x256", pairs, "layers as written, channels first")


@pytest.mark.skipif(shutil.which("g++") is None, reason="torch.compile needs a C++ compiler")
@pytest.mark.parametrize("name", SHIPPED)
def test_compiled_networks(name: str) -> None:
    """`--compile` once it has compiled, against the default."""
    method = load_from(name, None, WEIGHTS / name / f"{SHIPPED[name]}.safetensors").method
    image = np.random.default_rng(0).integers(0, 256, (256, 256, max(method.facts.channels)), np.uint8)
    sample = Sample("x", image, None, "x", {}, 0.1)
    compiled, plain = (Restorer(method, settings=InferenceSettings(compile=on)) for on in (True, False))
    assert list(compiled([sample])) and list(plain([sample])) and not compiled.remark
    pairs = in_turn(lambda: list(compiled([sample])), lambda: list(plain([sample])), 5)
    record(f"{name} ({SHIPPED[name]}): 256x256, --compile once compiled", pairs, "without --compile")


@pytest.mark.parametrize("name", ["r2r", "dgunet"])
def test_tiles_against_the_whole(name: str) -> None:
    method = load_from(name, None, WEIGHTS / name / f"{SHIPPED[name]}.safetensors").method
    channels = max(method.facts.channels)
    image = np.random.default_rng(0).integers(0, 256, (1500, 2000, channels), np.uint8)
    sample = Sample("x", image, None, "x", {}, 0.1)
    whole, tiled = (Restorer(method, settings=InferenceSettings(tile=tile)) for tile in (0, 512))
    pairs = in_turn(lambda: list(tiled([sample])), lambda: list(whole([sample])), 1)
    record(f"{name} ({SHIPPED[name]}): 1500x2000 in tiles of 512", pairs, "untiled")
