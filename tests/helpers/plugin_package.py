"""Toy methods and a toy dataset as an installed plug-in, so that other processes know them; each computation is logged.

`installed` writes the announcement that `pip install` would; the code is this module. TOY_LOG names a file that gets a
line for each cell computed: method, level, process, time.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from datasets.base import DatasetFacts
from tests.helpers.small_world import Half, Squares


class Toys(Squares):
    """One image; its `sigma` makes a cell of its own."""

    facts = DatasetFacts(
        "toys", "Toys", "denoise", ("test",), "test", "float-gauss", options={"sigma": (25.0, "noise level")}
    )
    count = 1

    @property
    def fingerprint(self) -> str:
        return f"toys {self.options['sigma']}"

    @property
    def partial(self) -> str:
        return ""


class Toy(Half):
    """Logs that it was at work, then takes TOY_SECONDS."""

    name = "toy"

    def restore(self, x: Tensor, info=None) -> Any:
        log = os.environ.get("TOY_LOG")
        if log:
            with open(log, "a") as stream:
                stream.write(f"{self.name} {info[0].noise_level * 255:g} {os.getpid()} {time.time()}\n")
        time.sleep(float(os.environ.get("TOY_SECONDS", "0")))
        self.behave(x, info)
        return super().restore(x, info)

    def behave(self, x: Tensor, info: Any) -> None:
        """What a subclass does besides."""


class KilledOnce(Toy):
    """Is killed at every tenth level, once."""

    name = "toy-killed"

    def behave(self, x, info) -> None:
        level = round(info[0].noise_level * 255)
        mark = Path(f"{os.environ['TOY_LOG']}.killed-{level}")
        if level % 10 == 0 and not mark.exists():
            mark.write_text("")
            os.kill(os.getpid(), signal.SIGKILL)


def _eat() -> None:
    kept = []
    while True:
        kept.append(np.empty(1 << 27, np.uint8))


def _close_all() -> None:
    os.closerange(3, 64)
    time.sleep(60)


def _fork_and_die() -> None:
    if os.fork() == 0:
        time.sleep(600)
    os._exit(5)


def _raise(error: BaseException) -> None:
    raise error


BAD = {
    "exit": lambda: sys.exit(0),
    "os-exit": lambda: os._exit(0),
    "segfault": lambda: ctypes.string_at(0),
    "abort": os.abort,
    "hang": lambda: time.sleep(600),
    "memory": _eat,
    "recursion": lambda: BAD["recursion"](),
    "interrupt": lambda: _raise(KeyboardInterrupt()),
    "closes": _close_all,
    "forks": _fork_and_die,
    "terminates": lambda: os.kill(os.getpid(), signal.SIGTERM),
    "raises": lambda: _raise(KeyError("gain")),
}


class Bad(Toy):
    def behave(self, x, info) -> None:
        print("a method speaks")
        os.system("echo a method speaks in C")
        BAD[self.name.removeprefix("bad-")]()


METHODS: Mapping[str, type[Toy]] = {
    **{f"toy{n}": type(f"Toy{n}", (Toy,), {"name": f"toy{n}"}) for n in range(8)},
    **{f"bad-{kind}": type(f"Bad{kind.title().replace('-', '')}", (Bad,), {"name": f"bad-{kind}"}) for kind in BAD},
    KilledOnce.name: KilledOnce,
}
globals().update({cls.__name__: cls for cls in METHODS.values()})


def installed(folder: Path) -> Path:
    """Announce everything above from a folder for sys.path, as an installed distribution."""
    info = folder / "toys-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: toys\nVersion: 1.0\n")
    methods = "".join(f"{name} = {__name__}:{cls.__name__}\n" for name, cls in METHODS.items())
    (info / "entry_points.txt").write_text(
        f"[benchmark.methods]\n{methods}\n[benchmark.datasets]\ntoys = {__name__}:Toys\n"
    )
    return folder
