"""Compiling the device's dozen lines, and loading them before torch."""

from __future__ import annotations

import ctypes
import importlib.util
import os
import shutil
import subprocess
from pathlib import Path

SOURCE = Path(__file__).with_name("device.cpp")


def compiler() -> str | None:
    """The C++ compiler: $CXX, or one of the usual names; None where there is none."""
    names = (os.environ.get("CXX", ""), "g++", "c++", "clang++")
    return next((found for name in names if name and (found := shutil.which(name))), None)


def compiled(folder: Path) -> Path:
    """The shared library, made in a folder of the caller's: nothing of torch's own cache is used."""
    import torch
    from torch.utils.cpp_extension import include_paths, library_paths

    program = compiler()
    assert program is not None, "no C++ compiler: install g++ or set CXX"
    library = folder / "fake_cuda.so"
    where = [*(f"-I{path}" for path in include_paths()), *(f"-L{path}" for path in library_paths())]
    abi = f"-D_GLIBCXX_USE_CXX11_ABI={int(torch._C._GLIBCXX_USE_CXX11_ABI)}"
    command = [program, "-shared", "-fPIC", "-std=c++20", "-O0", abi, *where, str(SOURCE), "-o", str(library)]
    done = subprocess.run([*command, "-lc10", "-ltorch_cpu"], capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    return library


def load(library: Path) -> None:
    """Load it. Only before torch is imported: torch asks once whether there are hooks."""
    spec = importlib.util.find_spec("torch")
    assert spec is not None and spec.origin is not None
    for name in ("libtorch_global_deps.so", "libc10.so", "libtorch_cpu.so"):
        ctypes.CDLL(str(Path(spec.origin).parent / "lib" / name), mode=ctypes.RTLD_GLOBAL)
    ctypes.CDLL(str(library), mode=ctypes.RTLD_GLOBAL)
