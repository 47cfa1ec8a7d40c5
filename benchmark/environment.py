"""Where a cell runs: the choice of the device; device, versions and commit as a record names them."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

from benchmark.version import __version__
from datasets.core.errors import UserError

if TYPE_CHECKING:
    import torch

_PACKAGES = (
    *("torch", "numpy", "scipy", "opencv-python", "scikit-image", "h5py", "safetensors", "lightning-fabric"),
    *("spandrel", "spandrel_extra_arches", "einops"),  # of the extra `zoo`
)


def device(name: str = "auto") -> torch.device:
    """The torch device of a name: auto (CUDA where there is one), cpu, cuda or cuda:i. Raises UserError."""
    import torch

    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        chosen = torch.device(name)
    except RuntimeError as error:
        raise UserError(f"Unknown device {name!r}: expected auto, cpu, cuda or cuda:0 (--device).") from error
    if chosen.type == "mps":
        raise UserError(
            "The device 'mps' has no float64, in which DGUNet's projection is solved and batch norms are folded: "
            "use --device cpu."
        )
    if chosen.type not in ("cpu", "cuda"):
        raise UserError(f"The device {name!r} is none that methods run on: expected auto, cpu, cuda or cuda:0.")
    count = torch.cuda.device_count()
    if chosen.type == "cuda" and (chosen.index or 0) >= count:
        raise UserError(f"The device {name!r} was asked for, but torch sees {count} CUDA devices; use --device auto.")
    return chosen


def describe(chosen: torch.device, threads: int | None = None) -> str:
    """A device in words, such as ``cuda (NVIDIA H200)`` or ``cpu (Intel(R) Xeon(R), 2 threads)``.

    Args:
        threads: of the work that is described; None = those that torch has in this process.
    """
    import torch

    if chosen.type == "cuda":
        return f"cuda ({torch.cuda.get_device_name(chosen)})"
    return f"{chosen.type} ({processor()}, {threads or torch.get_num_threads()} threads)"


@cache
def processor() -> str:
    """The name of the processor, such as ``Intel(R) Xeon(R)``; its architecture where the system does not say."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


@cache
def _versions() -> tuple[tuple[str, str], ...]:
    pairs = [("restoration-benchmark", __version__), ("python", platform.python_version())]
    for package in _PACKAGES:
        try:
            pairs.append((package, version(package)))
        except PackageNotFoundError:
            continue
    return tuple(pairs)


def versions() -> dict[str, str]:
    """Versions of this project, of Python and of the packages that can change a figure."""
    return dict(_versions())


@cache
def commit() -> str:
    """Git commit of the checkout that this package lies in, ``+`` appended where it has changes; '' elsewhere."""
    root = Path(__file__).resolve().parent.parent
    if not (root / ".git").exists():
        return ""
    head = _git(root, "rev-parse", "HEAD")
    return f"{head}+" if head and _git(root, "status", "--porcelain", "--untracked-files=no") else head


def _git(root: Path, *words: str) -> str:
    try:
        done = subprocess.run(["git", "-C", str(root), *words], capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()


@contextmanager
def deterministic(on: bool) -> Iterator[None]:
    """Torch's deterministic algorithms, or an error from torch where an operation has none (``--deterministic``).

    Mirrored and replicated borders have no deterministic backward on CUDA: they are put together from slices there.
    """
    if not on:
        yield
        return
    import torch

    from methods.padding import SlicedPadding

    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    before = torch.are_deterministic_algorithms_enabled(), torch.backends.cudnn.benchmark
    torch.use_deterministic_algorithms(True)
    torch.backends.cudnn.benchmark = False
    try:
        with SlicedPadding():
            yield
    finally:
        torch.use_deterministic_algorithms(before[0])
        torch.backends.cudnn.benchmark = before[1]


@contextmanager
def single_thread(on: bool) -> Iterator[None]:
    """One torch thread while the work is too small for more: idle threads would take cores from the scoring."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1 if on else before)
    try:
        yield
    finally:
        torch.set_num_threads(before)
