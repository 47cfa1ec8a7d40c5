"""What is run on the device: each scenario is a function of (folder, the machine); an error is its failure."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from unittest import mock

import numpy as np
import torch

from benchmark.inference.restorer import Restorer
from benchmark.inference.settings import InferenceSettings
from benchmark.records.record import DONE
from benchmark.runs.runner import run_cell
from benchmark.training import TrainingData
from benchmark.training.checkpoint import read_checkpoint
from benchmark.training.data import pools
from datasets.base import Sample
from datasets.core.files import sha256_file
from datasets.registry import DATASETS
from methods.r2r.training import Recorrupted
from methods.registry import METHODS
from methods.weights import read_card
from tests.helpers.fake_cuda.faults import FAULTS, planted
from tests.helpers.fake_cuda.machine import NAME, Machine
from tests.helpers.fake_cuda.trainings import GREY, TRAININGS, built, same, trained
from tests.helpers.files_dataset import pairs
from tests.helpers.small_world import SMALL_DATASETS, SMALL_METHODS, cell, context, weights

Scenario = Callable[[Path, Machine], None]
GPU = "cuda:0"
WAYS = {
    "plain": InferenceSettings(),
    "tiled": InferenceSettings(tile=88, channels_last="on"),
    "ensemble": InferenceSettings(ensemble=True, exact=True),
    "bf16": InferenceSettings(precision="bf16"),
}


def cells(folder: Path, machine: Machine) -> None:
    """Rows of references and of a method with weights; the first of them is the first use of the device."""
    assert not machine.initialised
    path = weights(folder / "results" / "weights" / "net.safetensors")
    found = {"weights": str(path), "weights_sha256": sha256_file(path), "recipe": "budget"}
    with DATASETS.added(SMALL_DATASETS), METHODS.added(SMALL_METHODS):
        for name in ("input", "blur", "nlm", "net"):
            found = (
                {"weights": str(path), "weights_sha256": sha256_file(path), "recipe": "budget"} if name == "net" else {}
            )
            one = cell(name, limit=3, **found)
            record = run_cell(one, context(folder, device=GPU, costs=True))
            assert record.status == DONE, record.reason
            assert record.environment.device == f"cuda ({NAME})" and record.costs.peak_mb == 1.0
            assert (record.costs.gmacs or 0) > 0 or name != "net"


def restoring(name: str, folder: Path, machine: Machine) -> None:
    """A method in every way of restoring; in float32 as on the CPU."""
    method, rng = built(name), np.random.default_rng(0)
    channels = 1 if name in GREY else 3
    samples = []
    for i in range(2):
        image = rng.integers(0, 256, (48, 96, channels), np.uint8)
        samples.append(Sample(f"im{i}", None if channels == 1 else image, image, "s", {}, 0.1))
    for way, settings in WAYS.items():
        if way in ("tiled", "ensemble") and channels == 1:  # what is sensed is restored whole and as it lies
            continue
        there = [r.output for r in Restorer(method, GPU, settings, check_range=False)(samples)]
        if settings.precision == "fp32":
            here = [r.output for r in Restorer(method.to("cpu"), "cpu", settings, check_range=False)(samples)]
            gap = max(float(np.abs(a - b).max()) for a, b in zip(there, here, strict=True))
            assert gap < 1e-4 * max(1.0, float(np.abs(here[0]).max())), f"{way}: {gap}"


def training(name: str, precision: str, folder: Path, machine: Machine) -> None:
    """Two steps of every stage, with checkpoints, an evaluation and the weights.

    In float32 the weights are those of the CPU, bit for bit; in bfloat16 it is done by deterministic algorithms alone,
    as ``--deterministic`` wants it.
    """
    before, strict = machine.pinned, precision == "bf16"
    there = trained(name, folder / "gpu", folder / "images", device=GPU, precision=precision, deterministic=strict)
    assert all(torch.isfinite(value.float()).all() for value in there.values())
    assert machine.pinned > before
    if precision == "fp32":
        same(there, trained(name, folder / "cpu", folder / "images", device="cpu", precision=precision), 0.0)


def resumed_elsewhere(folder: Path, machine: Machine) -> None:
    """A training that was begun on the device goes on on the CPU, and says so; the draws are the same ones."""
    step = Recorrupted.step

    def stopping(self, batch, loop):
        if loop.step == 1:
            raise InterruptedError("stopped")
        return step(self, batch, loop)

    name, results, images = "r2r-gaussian", folder / "results", folder / "images"
    with mock.patch.object(Recorrupted, "step", stopping):
        try:
            trained(name, results, images, device=GPU)
            raise AssertionError("it was not stopped")
        except InterruptedError:
            pass
    (last,) = results.glob("training/*/last.pt")
    state = read_checkpoint(last, {})
    assert state is not None and state.step == 1 and state.made_on["device"] == NAME
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        again = trained(name, results, images, device="cpu")
    assert any(f"device {NAME}, then cpu" in str(w.message) for w in said), [str(w.message) for w in said]
    (path,) = results.glob("weights/*/*.safetensors")
    assert f"device {NAME}, then cpu" in read_card(path).note
    same(again, trained(name, folder / "whole", images, device="cpu"), 1e-6)


def one_budget(folder: Path, machine: Machine) -> None:
    """Half of the free memory is for all pools together: of two the second one stays on the CPU, and gives the same."""
    method, data = built("lir"), TrainingData(pairs(folder / "images"))
    stage = next(iter(method.stages()))({})
    opened = partial(pools, stage, data, folder / "cache", 0, unpaired=True)
    size = 40 * 44 * 3 * 2  # bytes of the images of one pool
    machine.free = 3 * size  # half of it holds one, and not two
    there, here = opened(torch.device(GPU)), opened(torch.device("cpu"))
    homes = {name: {pixels.device.type for pixels in pool._pixels.values()} for name, pool in there.items()}
    assert sorted(map(sorted, homes.values())) == [["cpu"], ["cuda"]], homes
    for name, pool in there.items():
        for member, value in pool.batch(3).items():
            assert value.device.type == "cuda" and torch.equal(value.cpu(), here[name].batch(3)[member])
    machine.free = 1 << 34


def faulty(name: str, folder: Path, machine: Machine) -> None:
    """A planted mistake; passes only where nothing notices it."""
    fault = FAULTS[name]
    with planted(fault):
        if fault.training:
            training(fault.training, fault.precision, folder, machine)
        else:
            restoring("r2r", folder, machine)


AGAIN = ("dgunet", "scpgan")  # whose stages others of TRAININGS have too

SCENARIOS: dict[str, Scenario] = {
    "cells": cells,
    **{f"restoring {name}": partial(restoring, name) for name in TRAININGS},
    **{f"training {name} fp32": partial(training, name, "fp32") for name in TRAININGS},
    **{f"training {name} bf16": partial(training, name, "bf16") for name in TRAININGS if name not in AGAIN},
    "resumed elsewhere": resumed_elsewhere,
    "one budget": one_budget,
    **{f"fault: {name}": partial(faulty, name) for name in FAULTS},
}
