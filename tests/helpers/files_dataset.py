"""A dataset of a few small files, read without any check but that they are there."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np

from datasets.base import Dataset, DatasetFacts, Row, Sample
from datasets.core.errors import UserError
from datasets.core.files import replacing
from datasets.ops.arrays import load_npy


class FilesDataset(Dataset):
    """Images of random patterns, `sizes` in pixels of the degraded image; scenes s0, s1 ..., two images each."""

    facts = DatasetFacts("toyset", "Toy set", "denoise", ("train",), "train", "float-gauss", train_split="train")
    partial = ""
    degradation = "real"
    fingerprint = "toyset"

    def __init__(self, root: Path, sizes, *, scale: int = 1, roles=("degraded", "clean"), seed: int = 0) -> None:
        self.root, self.split, self.options, self.noise_seed = Path(root), "train", {}, 0
        self.root.mkdir(parents=True, exist_ok=True)
        self.rows = [self._row(i, size, scale, roles, seed) for i, size in enumerate(sizes)]

    def _row(self, i, size, scale, roles, seed) -> Row:
        rng = np.random.default_rng([seed, i])
        h, w = size
        clean = np.kron(rng.integers(0, 256, (h * scale, w * scale, 3), np.uint8), np.ones((1, 1, 1), np.uint8))
        noisy = np.clip(clean[::scale, ::scale] + rng.normal(0, 20, (h, w, 3)), 0, 255).astype(np.uint8)
        arrays = {"clean": clean, "degraded": noisy, "raw": rng.random((h, w), np.float32)}
        files, hashes = {}, {}
        for role in roles:
            files[role] = f"{i:02d}-{role}.npy"
            _save(self.root / files[role], arrays[role])
            hashes[role] = hashlib.sha256(arrays[role].tobytes()).hexdigest()
        return Row(f"im{i:02d}", "train", f"s{i // 2}", "", None, {"beta": 0.1}, files, hashes)

    def read(self, index: int, role: str) -> np.ndarray:
        path = self.root / self.rows[index].files[role]
        if not path.is_file():
            raise UserError(f"{path} is missing.")
        with path.open("rb") as stream:
            return load_npy(stream)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index):
        row = self.rows[index]
        return Sample(row.name, self.read(index, "degraded"), self.read(index, "clean"), row.scene, row.meta)


def _save(path: Path, array: np.ndarray) -> None:
    """Whole or not there: of several processes that make the same set, one may read while another still writes."""
    with replacing(path, durable=False) as part, part.open("wb") as file:
        np.save(file, array)


def pairs(folder: Path, name: str = "images", count: int = 4, seed: int = 0, scale: int = 1) -> FilesDataset:
    """A few small pairs on disk, as many as `count` of 40 x 44 pixels."""
    return FilesDataset(folder / name, [(40, 44)] * count, seed=seed, scale=scale)
