"""SIDD at full size, from synthetic files: conversion to PNG, and an `input` row under all conventions."""

from __future__ import annotations

import os
import shutil
import time
import zlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import h5py
import numpy as np
import pytest
import scipy.io
import skimage.data

import datasets
from datasets.ops.images import encode_png
from tests.helpers.speed_record import record, rounds, script

SCENES, BLOCKS, SIDE = int(os.environ.get("BENCHMARK_SCENES") or 40), 32, 256
CORES = 2
ROUNDS = 3  # writing thousands of files takes what the disk's cache makes of it
FORMS = ("v5", "v5 compressed", "v7.3")
INPUT_ROW = """
import json, sys, time
from pathlib import Path
from benchmark.runs.config import RunConfig
from benchmark.runs.runner import run_cell
from benchmark.planning.planner import plan
from benchmark.planning.request import RunRequest
data, results = map(Path, sys.argv[1:])
request = RunRequest(methods=("input",), datasets=("sidd",), data=data, results=results)
chosen = [one.cell for one in plan(request)]
cell = next(c for c in chosen if c.method == "input")
start = time.perf_counter()
record = run_cell(cell, RunConfig(data=data, results=results, device="cpu"))
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


def plainly(blocks: dict[str, np.ndarray], folder: Path, inflated: Sequence[Path] = ()) -> None:
    """Encode and write all blocks from memory, on two cores, and inflate files meanwhile, if there are any."""
    folder.mkdir()
    flat = [block for array in blocks.values() for block in array.reshape(-1, SIDE, SIDE, 3)]
    with ThreadPoolExecutor(CORES) as threads:
        beside = threads.map(inflate, inflated)
        list(threads.map(lambda i: (folder / f"{i}.png").write_bytes(encode_png(flat[i])), range(len(flat))))
        list(beside)


def inflate(path: Path) -> None:
    """All that a compressed file's one variable takes whatever is done with it, in pieces, which are thrown away."""
    with path.open("rb") as stream:
        stream.seek(128 + 8)  # the file's header, and the tag of its only element
        inflating = zlib.decompressobj()
        while piece := inflating.unconsumed_tail or stream.read(1 << 16):
            inflating.decompress(piece, 1 << 20)


def timed(work: Callable[[], object]) -> float:
    """Seconds by the clock: two threads are what is measured."""
    clock = time.perf_counter()
    work()
    return time.perf_counter() - clock


def _convert(source: Path, folder: Path) -> float:
    shutil.rmtree(folder, ignore_errors=True)
    return timed(lambda: datasets.prepare("sidd", source, folder, workers=CORES))


def _plain(blocks: dict[str, np.ndarray], folder: Path, inflated: Sequence[Path] = ()) -> float:
    shutil.rmtree(folder, ignore_errors=True)
    return timed(lambda: plainly(blocks, folder, inflated))


@pytest.mark.speed
@pytest.mark.parametrize("form", FORMS)
def test_conversion(blocks: dict[str, np.ndarray], tmp_path: Path, form: str) -> None:
    source = tmp_path / "source"
    source.mkdir()
    for name, array in blocks.items():
        write(source, name, array, form)
    files = sorted(source.iterdir()) if form == "v5 compressed" else []
    plain = tmp_path / "plain"
    turns = [
        (_convert(source, tmp_path / "data"), _plain(blocks, plain), _plain(blocks, plain, files) if files else 0.0)
        for _ in range(rounds(ROUNDS))
    ]
    what = f"SIDD .mat ({form}) to PNG, {2 * SCENES * BLOCKS} blocks, {CORES} threads"
    record(what, [(ours, alone) for ours, alone, _ in turns], "encoding and writing alone", "s")
    if files:
        floor = [(ours, inflated) for ours, _, inflated in turns]
        record(f"{what}: its floor", floor, "inflating, encoding and writing alone", "s")
    if form == FORMS[0]:
        _input_row(tmp_path)


def _input_row(folder: Path) -> None:
    status, reason, conventions, seconds, peak = script(INPUT_ROW, folder / "data", folder / "results")
    assert status == "done", reason
    what = f"input row on {SCENES * BLOCKS} blocks, {conventions} conventions"
    record(what, [(seconds, 25)], "goal", "s")
    record(f"{what}: memory", [(peak, 1.5)], "goal", "GB")
