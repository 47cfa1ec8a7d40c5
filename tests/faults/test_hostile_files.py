"""Files that were made to harm, each by the command that people would give: nothing is written outside of the folders
named, one sentence, less than 500 MB and 5 s."""

from __future__ import annotations

import json
import os
import pickle
import resource
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import h5py
import numpy as np
import pytest

import datasets
from datasets.core.sealed import write_sealed
from methods.weights import read_card
from tests.datasets.ops.test_pictures import HOSTILE
from tests.datasets.test_hostile import external_link, external_storage, v5, virtual
from tests.faults.test_strangers import SCORES, shipped_copy
from tests.helpers.command_line import pictures
from tests.helpers.made_records import keep, record

SECONDS, MEMORY = 5, 500 << 20


def limited(*argv: str) -> int:
    """A scenario: the command line, which may take so much memory and time more than its start has."""
    from benchmark.cli import main

    pages = int(Path("/proc/self/statm").read_text().split()[0])
    most = pages * resource.getpagesize() + MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    return main([*argv, "--quiet"])


def picture(name: str) -> Callable[[Path], list[object]]:
    def make(root: Path) -> list[object]:
        (root / "in").mkdir()
        (root / "in" / name).write_bytes(HOSTILE[name])
        return ["prepare", "folder", "--source", root / "in", "--data", root / "data"]

    return make


def pipe(root: Path) -> list[object]:
    (root / "in").mkdir()
    os.mkfifo(root / "in" / "x.png")
    return ["prepare", "folder", "--source", root / "in", "--data", root / "data"]


def huge_mat(root: Path) -> list[object]:
    (root / "in").mkdir()
    for name in ("ValidationNoisyBlocksSrgb", "ValidationGtBlocksSrgb"):
        (root / "in" / f"{name}.mat").write_bytes(v5((40, 32, 25600, 2560, 3), compressed=True))
    return ["prepare", "sidd", "--source", root / "in", "--data", root / "data"]


def hdf5(make: Callable[[h5py.File], None]) -> Callable[[Path], list[object]]:
    def made(root: Path) -> list[object]:
        (root / "secret.bin").write_bytes(b"root:x:0:0:root:")
        with h5py.File(root / "secret.h5", "w") as file:
            file["x"] = np.zeros((4, 4), np.uint8)
        (root / "in").mkdir()
        with h5py.File(root / "in" / "blocks.h5", "w") as file:
            make(file)
        return ["prepare", "sidd", "--source", root / "in" / "blocks.h5", "--data", root / "data"]

    return made


def prepared(root: Path) -> Path:
    datasets.prepare("folder", pictures(root / "in", 2), root / "data")
    return root / "data" / "folder"


def manifest(root: Path) -> list[object]:
    path = prepared(root) / "manifest.csv"
    path.write_text(path.read_text().replace("test/degraded/p0.png", "../../../etc/p0.png"))
    return ["run", "--methods", "input", "--dataset", "folder", "--data", root / "data", "--results", root / "r"]


def outputs(root: Path) -> list[object]:
    prepared(root)
    (root / "theirs").mkdir()
    head = b"{'descr': '<f4', 'fortran_order': False, 'shape': (90000, 90000, 3), }".ljust(117) + b"\n"
    for name in ("p0", "p1"):
        (root / "theirs" / f"{name}.npy").write_bytes(b"\x93NUMPY\x01\0" + len(head).to_bytes(2, "little") + head)
    where = ["--data", root / "data", "--results", root / "r"]
    return ["score", "--folder", root / "theirs", "--dataset", "folder", "--name", "theirs", *where]


def escaping_record(root: Path) -> list[object]:
    keep(root / "theirs", record("r2r"), SCORES)
    (path,) = (root / "theirs").rglob("record.json")
    write_sealed(path, {**json.loads(path.read_text()), "id": "../../escaped"})
    return ["merge", root / "theirs", "--results", root / "r"]


def deep_record(root: Path) -> list[object]:
    keep(root / "theirs", record("r2r"), SCORES)
    (path,) = (root / "theirs").rglob("record.json")
    path.write_text("[" * 1_000_000)
    return ["merge", root / "theirs", "--results", root / "r"]


def run_with(weights: Path, root: Path) -> list[object]:
    prepared(root)
    where = ["--dataset", "folder", "--data", root / "data", "--results", root / "r"]
    return ["run", "--methods", "r2r", "--weights", weights, *where]


def greedy_card(root: Path) -> list[object]:
    path = shipped_copy(root / "theirs")
    settings = {**read_card(path).recipe_settings, "network.depth": 100_000}
    write_sealed(path.with_suffix(".json"), asdict(replace(read_card(path), recipe_settings=settings)))
    pictures(root / "in", 1)
    return ["restore", root / "in", "--methods", "r2r", "--weights", path, "--output", root / "r"]


class Bomb:
    def __init__(self, root: Path) -> None:
        self.root = root

    def __reduce__(self):
        return os.mkdir, (str(self.root / "escaped"),)


def bomb(root: Path) -> list[object]:
    (root / "x.pth").write_bytes(pickle.dumps(Bomb(root)))
    return run_with(root / "x.pth", root)


def header(root: Path) -> list[object]:
    (root / "x.safetensors").write_bytes((1 << 62).to_bytes(8, "little") + b"{" * 100)
    return run_with(root / "x.safetensors", root)


def protocol(root: Path) -> list[object]:
    (root / "x.toml").write_text("a = " + "[" * 200_000)
    return ["reproduce", root / "x.toml", "--data", root / "data", "--results", root / "r"]


KINDS = {
    "PNG with an endless chunk": picture("length.png"), "JPEG of 900 megapixels": picture("wide.jpg"),
    "BMP of 2^60 pixels": picture("wide.bmp"), "TIFF of 2^62 pixels": picture("wide.tif"),
    "pipe": pipe, ".mat of 250 GB": huge_mat, "HDF5 external link": hdf5(external_link),
    "HDF5 external storage": hdf5(external_storage), "HDF5 virtual dataset": hdf5(virtual),
    "manifest that leads out": manifest, ".npy of 97 GB": outputs, "record that leads out": escaping_record,
    "record nested without end": deep_record, "card of 100,000 layers": greedy_card, "pickle that acts": bomb,
    "safetensors with an endless header": header, "TOML nested without end": protocol,
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_one_sentence_and_nothing_outside(killer, tmp_path, kind):
    words = KINDS[kind](tmp_path)
    own = {tmp_path / "data", tmp_path / "r"}

    def others() -> set[Path]:
        return {path for path in tmp_path.rglob("*") if not own & {path, *path.parents}}

    before = others()
    outcome = killer(f"{__name__}:limited", *words)
    said = [line for line in outcome.output.splitlines() if line.strip() and not line.startswith("#")]
    sentences = [line for line in said if "\t" not in line]
    assert outcome.code in (1, 2), outcome
    assert len(sentences) == 1 and "Traceback" not in outcome.output, outcome.output
    assert others() == before
