"""MATLAB files: v5 (compressed or not) by scipy, v7.3 (HDF5) by h5py, and arrays of blocks cut lazily.

MATLAB stores arrays column-major: the first axis runs fastest. scipy gives such an array as it lies, h5py shows the
same bytes with the axes reversed. Both are turned into MATLAB's axis order here, without copying.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from datasets.core.errors import UserError
from datasets.core.files import open_ordinary
from datasets.hdf5 import MOST_BYTES, open_hdf5, referred
from datasets.mat_check import check_v5
from datasets.mat_plain import read_plain

_SLAB_BYTES = 48 << 20
_STRIP_ROWS = 1024


def is_hdf5(path: Path | str) -> bool:
    """Whether a file is HDF5 (MATLAB v7.3). Raises UserError when it is missing or unreadable."""
    import h5py

    with open_ordinary(path, MOST_BYTES):
        return bool(h5py.is_hdf5(path))


def variables(path: Path | str) -> dict[str, tuple[int, ...]]:
    """Name -> shape (MATLAB's axis order) of what a file holds; headers only, no data is read.

    Raises:
        UserError: missing, truncated or not a MATLAB file.
    """
    import scipy.io

    hdf5 = is_hdf5(path)
    with _whole(path):
        if hdf5:
            with open_hdf5(path) as file:
                found = {name: file[name] for name in file if not name.startswith("#")}
                return {name: tuple(reversed(getattr(item, "shape", ()))) for name, item in found.items()}
        check_v5(path)
        return {name: tuple(shape) for name, shape, _ in scipy.io.whosmat(str(path))}


def dtype_of(path: Path | str, variable: str) -> str:
    """The type of a variable's elements: ``uint8``, ``float64`` and so on, ``cell``, or another class of MATLAB's.

    Raises UserError as `variables`, or for a variable that is not there.
    """
    import h5py
    import scipy.io

    name = _choose(path, variable)
    if not is_hdf5(path):
        with _whole(path):
            kinds = {found: kind for found, _, kind in scipy.io.whosmat(str(path))}
        return {"double": "float64", "single": "float32"}.get(kinds[name], kinds[name])
    with _whole(path), open_hdf5(path) as file:
        item = file[name]
        if isinstance(item, h5py.Dataset) and item.dtype != h5py.ref_dtype:
            return str(item.dtype)
        kind = item.attrs.get("MATLAB_class", b"group")
        return "cell" if isinstance(item, h5py.Dataset) else str(np.bytes_(kind).decode())


def read_cell(path: Path | str, variable: str) -> np.ndarray:
    """A cell array as an array of objects, in MATLAB's axis order, each an array in MATLAB's axis order.

    Raises UserError as `read_array`, or for a variable that is no cell.
    """
    import scipy.io

    if dtype_of(path, variable) != "cell":
        raise UserError(f"Expected a cell {variable!r} in {path}, but it is {dtype_of(path, variable)}.")
    with _whole(path):
        if not is_hdf5(path):
            cell: np.ndarray = scipy.io.loadmat(str(path), variable_names=[variable])[variable]
            return cell
        with open_hdf5(path) as file:
            shape = file[variable].shape
            cell = np.empty(int(np.prod(shape)), object)
            for index, item in enumerate(referred(file["/"], variable, path)):
                cell[index] = item[()].T
            return cell.reshape(shape).T


def read_array(path: Path | str, variable: str | None = None) -> np.ndarray:
    """One array of a MATLAB file, in MATLAB's axis order (column-major in memory), its stored dtype.

    An uncompressed uint8 array is mapped and read-only; others are read.

    Args:
        path: v5 or v7.3 file; told apart by content. variable: its name; None takes the only one there is.
    Raises:
        UserError: missing or truncated file, no such variable (lists those present), not a numeric array.
    """
    name = _choose(path, variable)
    hdf5 = is_hdf5(path)
    with _whole(path):
        array = read_plain(path, name, hdf5)
        if array is None:
            array = _read_hdf5(path, name) if hdf5 else _read_v5(path, name)
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "biuf":
        kind = getattr(array, "dtype", type(array).__name__)
        raise UserError(f"Expected a numeric array {name!r} in {path}, but it is {kind} (a cell, struct or text).")
    return array


def read_struct(path: Path | str, variable: str) -> dict[str, Any]:
    """The fields of a struct of a v5 file, scipy's arrays as values, such as SIDD's `metadata`."""
    import scipy.io

    name = _choose(path, variable)
    with _whole(path):
        value = scipy.io.loadmat(str(path), variable_names=[name])[name]
        return {field: value[field][0, 0] for field in value.dtype.names}


def _read_hdf5(path: Path | str, name: str) -> Any:
    import h5py

    with open_hdf5(path) as file:
        item = file[name]
        return item[()].T if isinstance(item, h5py.Dataset) else item.attrs.get("MATLAB_class", "group")


def _read_v5(path: Path | str, name: str) -> Any:
    import scipy.io

    return scipy.io.loadmat(str(path), variable_names=[name])[name]


def _choose(path: Path | str, variable: str | None) -> str:
    found = variables(path)
    if variable is None and len(found) == 1:
        return next(iter(found))
    if variable is not None and variable in found:
        return variable
    wanted = f"the variable {variable!r}" if variable else "exactly one variable"
    listing = ", ".join(f"{name} {shape}" for name, shape in found.items()) or "no variable at all"
    raise UserError(f"Expected {wanted} in {path}, but found {listing}; name the right file or save it again.")


@contextmanager
def _whole(path: Path | str) -> Iterator[None]:
    """Name the file in whatever a reader raises: scipy and h5py meet a cut file with a dozen kinds of exceptions."""
    try:
        yield
    except UserError:
        raise
    except MemoryError as error:
        raise UserError(f"The arrays of {path} do not fit in this machine's memory.") from error
    except Exception as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise UserError(
            f"Expected a whole MATLAB file (v5 or v7.3) at {path}, but it is truncated or of another format "
            f"({reason}); fetch that file again."
        ) from error


class Blocks:
    """Image blocks inside one MATLAB array, cut one by one; the blocks come in C order as fast as plain copying.

    The array is column-major: neighbouring blocks lie one byte apart, so copying a single block touches every cache
    line of the file. A few scenes are therefore transposed together, in strips, and kept until others are asked for.
    Memory: the array itself and two slabs of about 48 MiB. Safe to use from several threads.

    Args:
        path, variable: where the array is. It is read when the first block is asked for.
        channels: 3 for (S, B, H, W, 3) or (N, H, W, 3); 0 for mosaics (S, B, H, W) or (N, H, W).
        kind: allowed dtype kinds: ``u`` (uint8 only) or ``f``.
    Raises:
        UserError: from `shape` on: wrong shape; from `block` on: truncated file, wrong dtype.
    """

    def __init__(self, path: Path | str, variable: str | None = None, channels: int = 3, kind: str = "u") -> None:
        self.path, self.channels, self.kind = Path(path), channels, kind
        self.variable = _choose(path, variable)
        self.shape = variables(path)[self.variable]
        self._lock = threading.Lock()
        self._flat: np.ndarray | None = None
        self._slabs: dict[int, np.ndarray] = {}
        self._check_shape()

    def _check_shape(self) -> None:
        image = 3 if self.channels else 2
        good = len(self.shape) in (image + 1, image + 2) and all(self.shape)
        if not good or (self.channels and self.shape[-1] != self.channels):
            tail = f", {self.channels}" if self.channels else ""
            raise UserError(
                f"Expected {self.variable!r} in {self.path} to have the shape (scenes, blocks, height, width{tail}), "
                f"but it is {self.shape}."
            )
        self.groups = self.shape[: len(self.shape) - image]
        self.image = self.shape[len(self.shape) - image :]

    @property
    def per_scene(self) -> int:
        """Blocks of one scene; 1 where the array is a plain list of images."""
        return self.groups[1] if len(self.groups) == 2 else 1

    def __len__(self) -> int:
        return self.groups[0] * self.per_scene

    def block(self, index: int) -> np.ndarray:
        """Block ``index = scene * per_scene + block``, as (H, W, C) uint8, or (H, W) float32 for mosaics."""
        scene, block = divmod(index, self.per_scene)
        slab, first = self._slab(scene)
        width = slab.shape[0] // self.per_scene
        return self._upright(slab[(scene - first) + width * block])

    def _upright(self, column: np.ndarray) -> np.ndarray:
        """(H W C) values in column-major order -> a C-ordered (H, W, C) or (H, W) image."""
        import cv2

        planes = column.reshape(-1, self.image[1], self.image[0])
        if not self.channels:
            return cv2.transpose(planes[0]).astype(np.float32)
        return cv2.merge([cv2.transpose(plane) for plane in planes]).reshape(self.image)

    def _slab(self, scene: int) -> tuple[np.ndarray, int]:
        with self._lock:
            flat = self._load()
            size = flat.itemsize * int(np.prod(self.image)) * self.per_scene
            step = max(1, _SLAB_BYTES // size)
            first = scene - scene % step
            if first not in self._slabs:
                while len(self._slabs) > 1:
                    self._slabs.pop(next(iter(self._slabs)))
                self._slabs[first] = _rows(flat[:, :, first : first + step])
            return self._slabs[first], first

    def _load(self) -> np.ndarray:
        """The array as (H W C, B, S), a view of the column-major bytes."""
        if self._flat is None:
            array = read_array(self.path, self.variable)
            good = array.dtype == np.uint8 if self.kind == "u" else array.dtype in (np.float32, np.float64)
            if not good:
                wanted = "uint8" if self.kind == "u" else "float32 or float64"
                raise UserError(f"Expected {self.variable!r} in {self.path} to be {wanted}, but it is {array.dtype}.")
            # Reversing the axes of a column-major array is free; anything else is copied once.
            reversed_axes = np.ascontiguousarray(array.T)
            self._flat = reversed_axes.reshape(int(np.prod(self.image)), self.per_scene, self.groups[0])
        return self._flat

    def close(self) -> None:
        """Let go of the array and the slabs; the next block reads the file again."""
        with self._lock:
            self._flat = None
            self._slabs.clear()


def _rows(flat: np.ndarray) -> np.ndarray:
    """(pixels, B, s) -> (B s, pixels), transposed in strips that fit the cache (five times as fast as one copy)."""
    import cv2

    pixels, blocks, scenes = flat.shape
    out = np.empty((blocks * scenes, pixels), flat.dtype)
    for start in range(0, pixels, _STRIP_ROWS):
        strip = np.ascontiguousarray(flat[start : start + _STRIP_ROWS]).reshape(-1, blocks * scenes)
        out[:, start : start + _STRIP_ROWS] = cv2.transpose(strip)
    return out
