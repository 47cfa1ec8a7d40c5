"""SIDD at full size, from synthetic files: conversion to PNG, and an `input` row under all conventions."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import h5py
import numpy as np
import pytest
import scipy.io
import skimage.data

import datasets
from datasets.ops.images import encode_png
from tests.speed.record import record

SCENES, BLOCKS, SIDE = 40, 32, 256
CORES = 2
ROUNDS = 3  # writing thousands of files takes what the disk's cache makes of it
FORMS = ("v5", "v5 compressed", "v7.3")
INPUT_ROW = """
import json, sys, time
from pathlib import Path
from benchmark.cell import Context, run_cell
from benchmark.grid import Selection, cells
data, results = map(Path, sys.argv[1:])
chosen = cells(Selection(methods=("input",), datasets=("sidd",), data=data, results=results, device="cpu"))
cell = next(c for c in chosen if c.method == "input")
start = time.perf_counter()
record = run_cell(cell, Context(data=data, results=results, device="cpu"))
seconds = time.perf_counter() - start
print(json.dumps([record.status, record.reason, len(record.figures), seconds, record.costs.peak_mb / 1e3]))
"""


@pytest.fixture(scope="module")
def blocks() -> dict[str, np.ndarray]:
    """(40, 32, 256, 256, 3) uint8, noisy and clean: crops of a photograph, and noise of 6 grey levels."""
    rng = np.random.default_rng(0)
    photograph = skimage.data.astronaut()
    clean = np.empty((SCENES, BLOCKS, SIDE, SIDE, 3), np.uint8)
    noisy = np.empty_like(clean)
    for index in np.ndindex(SCENES, BLOCKS):
        y, x = rng.integers(0, 512 - SIDE + 1, 2)
        clean[index] = photograph[y : y + SIDE, x : x + SIDE]
        noise = 6 * rng.standard_normal((SIDE, SIDE, 3), np.float32)
        noisy[index] = np.clip(np.rint(clean[index] + noise), 0, 255)
    return {"ValidationNoisyBlocksSrgb": noisy, "ValidationGtBlocksSrgb": clean}


def write(folder: Path, name: str, array: np.ndarray, form: str) -> None:
    path = folder / f"{name}.mat"
    if form == "v7.3":
        with h5py.File(path, "w") as stream:
            stream[name] = array.transpose()  # MATLAB's axes are the other way round
    else:
        scipy.io.savemat(path, {name: array}, do_compression=form != "v5")


def plainly(blocks: dict[str, np.ndarray], folder: Path) -> None:
    """Encode and write all blocks from memory, on two cores."""
    folder.mkdir()
    flat = [block for array in blocks.values() for block in array.reshape(-1, SIDE, SIDE, 3)]
    with ThreadPoolExecutor(CORES) as threads:
        list(threads.map(lambda i: (folder / f"{i}.png").write_bytes(encode_png(flat[i])), range(len(flat))))


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds by the clock and of the processor, all threads together."""
    clock, processor = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - clock, time.process_time() - processor


def _convert(source: Path, folder: Path) -> tuple[float, float]:
    shutil.rmtree(folder, ignore_errors=True)
    return timed(lambda: datasets.prepare("sidd", source, folder, workers=CORES))


def _plain(blocks: dict[str, np.ndarray], folder: Path) -> tuple[float, float]:
    shutil.rmtree(folder, ignore_errors=True)
    return timed(lambda: plainly(blocks, folder))


@pytest.mark.speed
@pytest.mark.parametrize("form", FORMS)
def test_conversion(blocks: dict[str, np.ndarray], tmp_path: Path, form: str) -> None:
    source = tmp_path / "source"
    source.mkdir()
    for name, array in blocks.items():
        write(source, name, array, form)
    rounds = [(_convert(source, tmp_path / "data"), _plain(blocks, tmp_path / "plain")) for _ in range(ROUNDS)]
    # Pairs run in turn, so the median of their ratios holds when the machine's speed drifts.
    rounds.sort(key=lambda pair: pair[1][0] / pair[0][0])
    (ours, our_cpu), (plain, plain_cpu) = rounds[ROUNDS // 2]
    detail = (
        f"{2 * SCENES * BLOCKS} blocks, {CORES} threads, the middle of {ROUNDS} pairs in turn: {ours:.1f} s "
        f"({our_cpu:.1f} s of processor time), encoding and writing alone {plain:.1f} s ({plain_cpu:.1f} s)"
    )
    record(f"SIDD .mat ({form}) to PNG, against encoding and writing the same blocks", plain / ours, detail, ">= 0.7")
    if form == FORMS[0]:
        _input_row(tmp_path)


def _input_row(folder: Path) -> None:
    command = [sys.executable, "-c", INPUT_ROW, str(folder / "data"), str(folder / "results")]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2])
    status, reason, conventions, seconds, peak = json.loads(done.stdout.splitlines()[-1])
    assert status == "done", reason
    detail = f"{SCENES * BLOCKS} blocks, {conventions} conventions: {seconds:.1f} s, {peak:.2f} GB at most"
    record("input row on 1280 blocks: 25 s against the time taken", 25 / seconds, detail, ">= 1")
    record("input row on 1280 blocks: 1.5 GB against the memory taken", 1.5 / peak, detail, ">= 1")
