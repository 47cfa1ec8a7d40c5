"""The toy plug-in package, installed for one test, and the command line in processes of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmark.records.cell import Cell
from datasets.options import ref_of
from tests.helpers.plugin_package import Toys, installed

ROOT = Path(__file__).resolve().parents[4]


class Toyshop:
    """Folders, the log of computations, cells of toys, and drivers."""

    def __init__(self, root: Path) -> None:
        self.root, self.results, self.log = root, root / "results", root / "toy.log"
        self.path = installed(root / "site")

    def cell(self, method: str, level: int = 25) -> Cell:
        data = Toys(None, options={"sigma": float(level)})
        recipe = "" if method in ("input", "blur", "nlm") else "plain"
        return Cell(method, ref_of(data), data.fingerprint, "denoise", data.degradation, recipe=recipe)

    def lines(self) -> list[list[str]]:
        """Method, level, process and time of each computation."""
        return [line.split() for line in self.log.read_text().splitlines()] if self.log.exists() else []

    def computed(self) -> Counter[str]:
        """Method and level -> how often it was computed."""
        return Counter(" ".join(line[:2]) for line in self.lines())

    def driver(self, *words: Any, verb: str = "run", **env: str) -> subprocess.Popen[str]:
        """A command line in a process of its own."""
        where = ["--results", str(self.results), *(["--device", "cpu"] if verb == "run" else [])]
        return subprocess.Popen(
            [sys.executable, "-m", "benchmark", verb, *map(str, words), *where],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(self.path)]), **env},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )


@pytest.fixture
def toys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Toyshop]:
    """The toys, known to this process and to those that it starts."""
    shop = Toyshop(tmp_path)
    monkeypatch.syspath_prepend(str(shop.path))
    monkeypatch.setenv("TOY_LOG", str(shop.log))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), str(shop.path)]))
    yield shop
