"""Synthetic images as a dataset, and training batches cut from it for the streams that a stage asks for."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmark.conformance.subject import LARGEST_BATCH, NOISE_LEVEL, picture
from benchmark.training.data import TrainingData, pools
from benchmark.training.fabric import launch_fabric
from benchmark.training.layout import FIRST
from benchmark.training.loop import StageLoop
from benchmark.training.settings import TrainSettings
from datasets.base import Dataset, DatasetFacts, Row, Sample
from methods.base import Stage

IMAGES = 4
# What a camera says of a raw mosaic; see datasets.ops.isp.
META: dict[str, Any] = {
    "cfa": [0, 1, 1, 2],
    "beta": [0.01, 1e-4] * 3,
    "as_shot_neutral": [0.5, 1.0, 0.6],
    "color_matrix2": [0.9, -0.3, -0.1, -0.4, 1.2, 0.2, -0.1, 0.2, 0.6],
}


@dataclass
class Synthetic(Dataset):
    """Smooth pictures with noise, every role of them: degraded, clean, raw and raw_clean; a scene each."""

    channels: int
    scale: int
    side: int

    facts = DatasetFacts("synthetic", "Synthetic", "denoise", ("train",), "train", "")

    def __post_init__(self) -> None:
        self.split, self.options, self.noise_seed = "train", {}, 0
        roles = ("degraded", "clean", "raw", "raw_clean")
        self.rows = [
            Row(f"image{i}", "train", f"scene{i}", "", None, META, {r: r for r in roles}, {r: f"{r}{i}" for r in roles})
            for i in range(IMAGES)
        ]

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: Any) -> Any:
        row = self.rows[index]
        return Sample(row.name, self.read(index, "degraded"), self.read(index, "clean"), row.scene, META, NOISE_LEVEL)

    def noise_level(self, row: Row) -> float:
        """Standard deviation of the noise on the [0, 1] scale."""
        return NOISE_LEVEL

    def read(self, index: int, role: str) -> np.ndarray:
        """(H, W, C) uint8, or (H, W) float32 for raw roles."""
        if role.startswith("raw"):
            return picture((1, self.side, self.side), role, index)[0]
        side = self.side * (self.scale if role == "clean" else 1)
        image = picture((self.channels, side, side), role, index).transpose(1, 2, 0)
        return np.ascontiguousarray(np.rint(255 * image)).astype(np.uint8)


def loop_of(stage: Stage, channels: int, scale: int, steps: int, cache: Path) -> StageLoop:
    """The harness's own loop around a stage, with its own pools: one process on the CPU in float32.

    Args:
        stage: its streams are given small batches. channels, scale: of the method. steps: that schedules stretch over.
        cache: an empty folder.
    """
    stage.streams = {name: replace(s, batch=min(s.batch, LARGEST_BATCH)) for name, s in stage.streams.items()}
    # twice the crop: preparations shrink images to 0.7 and less, and a crop must still fit
    side = max(64, *(2 * s.crop for s in stage.streams.values()))
    batches = pools(stage, TrainingData(Synthetic(channels, scale, side)), cache, 0, torch.device("cpu"))
    return StageLoop(launch_fabric(TrainSettings(device="cpu")), stage, batches, 0, steps, FIRST)
