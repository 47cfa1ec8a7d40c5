"""Reading a prepared folder: rows of the manifest, images whose bytes are checked against it."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from datasets.base import Dataset, Row, Sample
from datasets.core.errors import UserError
from datasets.core.files import digest, open_ordinary
from datasets.core.registry import unknown
from datasets.manifest import prepare_command, read_manifest
from datasets.ops.arrays import load_npy
from datasets.ops.images import decode
from datasets.ops.pictures.header import MOST_BYTES
from datasets.ops.ranges import unit
from datasets.options import typed
from datasets.prepare_writer import prepare_items
from datasets.report import Report

__all__ = ["Prepared", "Report", "prepare_items"]


class Prepared(Dataset):
    """A dataset that was prepared: see `Dataset` for what a subclass gives. Reading is safe from several threads.

    Class attributes:
        additive: sources of different splits add up in one prepared folder (SIDD's blocks and its training images
            come in separate packages); otherwise another source replaces everything.
        version: raised when `items` would prepare other files from the same source.
        late_options: options of `items` that came later: a folder prepared before them is one that has their defaults.
        strange: what is said of images that are known not to be the original ones.
    """

    additive: ClassVar[bool] = False
    version: ClassVar[int] = 1
    late_options: ClassVar[tuple[str, ...]] = ()
    strange: ClassVar[str] = "not the original files by hash"

    def __init__(
        self,
        root: Path | str,
        *,
        split: str | None = None,
        options: Mapping[str, Any] | None = None,
        noise_seed: int = 0,
        limit: int | None = None,
    ) -> None:
        self.root, self.noise_seed = Path(root), noise_seed
        self.split = split or self.facts.default_split
        if self.split not in self.facts.splits:
            raise unknown(f"split of dataset {self.facts.name!r}", self.split, self.facts.splits)
        if limit is not None and limit < 1:
            raise UserError(f"Expected a limit of at least one image, but got {limit}.")
        self.options = typed(self.facts, options or {})
        everything = read_manifest(self.root, self.facts.name)
        of_split = [row for row in everything if self.select(row, self.split)]
        self._require(of_split, everything)
        self._whole = self.facts.complete.get(self.split, len(of_split))
        self.rows = of_split if limit is None else of_split[:limit]

    def _require(self, of_split: list[Row], everything: list[Row]) -> None:
        if not of_split:
            there = ", ".join(dict.fromkeys(row.split for row in everything)) or "nothing"
            raise UserError(
                f"The prepared dataset {self.facts.name!r} in {self.root} has no image of split {self.split!r} "
                f"(it holds: {there}). Prepare it from a source that has them: "
                f"{prepare_command(self.facts.name, self.root.parent)}"
            )

    def select(self, row: Row, split: str) -> bool:
        """Whether a row belongs to a split; override for derived splits."""
        return row.split == split

    def degrade(self, clean: np.ndarray, row: Row, options: Mapping[str, Any], seed: int) -> np.ndarray:
        """The degraded image of a synthetic set: (H, W, C) uint8 in, float32 out. Depends on (seed, row.name) only."""
        raise NotImplementedError(f"{type(self).__name__} says that it is synthetic, but has no degrade().")

    def noise_level(self, row: Row) -> float | None:
        """Standard deviation of a row's noise on the [0, 1] scale, None where it is not known."""
        return None

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> Sample:  # type: ignore[override]
        """The sample, degraded and clean. A row that lacks one of them gives None there (an unpaired pool)."""
        row = self.rows[index]
        clean = self.read(index, "clean") if "clean" in row.files else None
        return Sample(row.name, self._degraded(index, clean), clean, row.scene, row.meta, self.noise_level(row))

    def _degraded(self, index: int, clean: np.ndarray | None) -> np.ndarray | None:
        row = self.rows[index]
        if "degraded" in row.files:
            return self.read(index, "degraded")
        if self.facts.synthetic and clean is not None:
            return self.degrade(clean, row, self.options, self.noise_seed)
        return None

    @property
    def fingerprint(self) -> str:
        """SHA-256 over the rows that are open: names, splits, scenes, file hashes and noise laws, in order."""
        return digest([[row.name, row.split, row.scene, dict(row.sha256), dict(row.meta)] for row in self.rows])

    @property
    def degradation(self) -> str:
        """``real``, or for synthetic sets the options in one word, such as ``sigma25-clip``."""
        if not self.facts.synthetic:
            return "real"
        return "-".join(_word(key, value) for key, value in self.options.items() if value is not False) or "synthetic"

    @property
    def partial(self) -> str:
        """'' for the whole official split, else ``partial: 65 of 1280``, or that the images are not the originals."""
        if len(self.rows) != self._whole:
            return f"partial: {len(self.rows)} of {self._whole}"
        strangers = any(row.meta.get("recognised") is False for row in self.rows)
        return f"partial: {self.strange}" if strangers else ""

    def read(self, index: int, role: str) -> np.ndarray:
        """One file of one row. PNG of 8 bits: (H, W, C) uint8; of 16 bits: float32, v / 65535; .npy: the float32 array.

        Raises:
            UserError: the row has no such role; the file is missing, unreadable or changed since `prepare`.
        """
        row = self.rows[index]
        if role not in row.files:
            raise UserError(
                f"The image {row.name!r} of dataset {self.facts.name!r} has no {role!r} file "
                f"(it has: {', '.join(row.files)})."
            )
        path = self.root / row.files[role]
        data = self._bytes(path)
        if hashlib.sha256(data).hexdigest() != row.sha256[role]:
            raise UserError(f"The file {path} was changed since prepare. {self._again()}")
        return _decode(data, path, self.facts.channels)

    def _bytes(self, path: Path) -> bytes:
        try:
            with open_ordinary(path, MOST_BYTES) as stream:
                return stream.read()
        except UserError as error:
            raise UserError(f"{error} {self._again()}") from error

    def _again(self) -> str:
        return f"Make it anew with: {prepare_command(self.facts.name, self.root.parent)}"


def _decode(data: bytes, path: Path, channels: int) -> np.ndarray:
    if path.suffix == ".npy":
        array = load_npy(io.BytesIO(data))
        return np.repeat(array, 3, 2) if array.ndim == 3 and array.shape[2] < channels else array
    image = decode(data, path, channels, deep=True, trusted=True)
    return image if image.dtype == np.uint8 else unit(image)


def _word(key: str, value: Any) -> str:
    if value is True:
        return key
    return f"{key}{value:g}" if isinstance(value, int | float) else f"{key}-{value}"
