"""What a record says of its surroundings: device, versions, commit; and choosing the device."""

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

from benchmark import __version__
from datasets.ops.errors import UserError

if TYPE_CHECKING:
    import torch

_PACKAGES = ("torch", "numpy", "scipy", "opencv-python", "scikit-image", "h5py", "safetensors", "lightning-fabric")


def device(name: str = "auto") -> torch.device:
    """The torch device of a name: auto (CUDA where there is one), cpu, cuda or cuda:i. Raises UserError."""
    import torch

    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        found = torch.device(name)
    except RuntimeError as error:
        raise UserError(f"Unknown device {name!r}: expected auto, cpu, cuda or cuda:0 (--device).") from error
    there = torch.cuda.device_count()
    if found.type == "cuda" and (found.index or 0) >= there:
        raise UserError(f"The device {name!r} was asked for, but torch sees {there} CUDA devices; use --device auto.")
    return found


def describe(found: torch.device) -> str:
    """A device in words, such as ``cuda (NVIDIA H200)`` or ``cpu (Intel(R) Xeon(R), 2 threads)``."""
    import torch

    if found.type == "cuda":
        return f"cuda ({torch.cuda.get_device_name(found)})"
    return f"{found.type} ({_cpu()}, {torch.get_num_threads()} threads)"


@cache
def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


@cache
def _versions() -> tuple[tuple[str, str], ...]:
    found = [("restoration-benchmark", __version__), ("python", platform.python_version())]
    for package in _PACKAGES:
        try:
            found.append((package, version(package)))
        except PackageNotFoundError:
            continue
    return tuple(found)


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
def deterministic(wanted: bool) -> Iterator[None]:
    """Torch's deterministic algorithms, or an error from torch where an operation has none (``--deterministic``)."""
    import torch

    if not wanted:
        yield
        return
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    before = torch.are_deterministic_algorithms_enabled(), torch.backends.cudnn.benchmark
    torch.use_deterministic_algorithms(True)
    torch.backends.cudnn.benchmark = False
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before[0])
        torch.backends.cudnn.benchmark = before[1]


@contextmanager
def single_thread(wanted: bool) -> Iterator[None]:
    """One torch thread while the work is too small for more: waiting threads would only take the scoring's cores."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1 if wanted else before)
    try:
        yield
    finally:
        torch.set_num_threads(before)
