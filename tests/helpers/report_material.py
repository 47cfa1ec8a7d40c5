"""Results folders for the tests of the report page: small pictures, methods without weights, rows of every kind."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmark.cli import main
from benchmark.records.record import ImageScore
from datasets.ops.images import write_png
from methods.base import Facts
from methods.registry import METHODS
from tests.helpers.command_line import NotANumber, Plain
from tests.helpers.made_records import figures, keep, record

HEIGHT, WIDTH, PICTURES = 48, 64, 6
TAG = "<img src=x onerror=window.hit=1>"
ARABIC = "\u0635\u0648\u0631\u0629\u202e'\""
LONG = "long" * 75


class Dim(Plain):
    """Darker than `plain`, so that the two differ."""

    name = "dim"
    recipes = {"only": {"tier": "tiny", "network": {}, "train": {}, "restore": {"gain": 0.8}}}


class Wave(Plain):
    """Right on one half of the picture, wrong on the other: crops have something to find."""

    name = "wave"

    @property
    def facts(self) -> Facts:
        return Facts(("denoise",), "unpaired", context=0)

    def restore(self, x: torch.Tensor, info: Any = None) -> torch.Tensor:
        ramp = torch.linspace(0.7, 1.0, x.shape[-1])
        return x * ramp


class Deblurrer(Plain):
    """Suits no image of noise: its cell is skipped."""

    name = "deblurrer"

    @property
    def facts(self) -> Facts:
        return Facts(("deblur",), "paired", context=0)


KINDS = {method.name: method for method in (Plain, Dim, Wave, NotANumber, Deblurrer)}


def pictures(folder: Path) -> Path:
    """Pairs of smooth pictures and the same with noise, as the dataset `folder` takes them."""
    draw = np.random.default_rng(7)
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH]
    for index in range(PICTURES):
        waves = [np.sin(rows / (4 + index) + phase) * np.cos(columns / 7) for phase in range(3)]
        clean = np.clip(120 + 70 * np.stack(waves, 2), 0, 255).astype(np.uint8)
        noisy = np.clip(np.rint(clean + draw.normal(0, 20, clean.shape)), 0, 255).astype(np.uint8)
        write_png(folder / "clean" / f"p{index}.png", clean)
        write_png(folder / "degraded" / f"p{index}.png", noisy)
    return folder


@contextmanager
def added() -> Iterator[None]:
    """The methods of this module, where a page is made or a run is done."""
    with METHODS.added(KINDS):
        yield


def run(root: Path, methods: str = "plain,dim,wave,nan,deblurrer", *words: str) -> Path:
    """A results folder with finished, failed and skipped cells, and kept images; data lie in ``root/data``."""
    data, results = root / "data", root / "results"
    with added():
        source = pictures(root / "source")
        assert main(["prepare", "folder", "--source", str(source), "--data", str(data), "--quiet"]) == 0
        where = ["--data", str(data), "--results", str(results), "--save-images", "--quiet"]
        main(["run", "--dataset", "folder", "--methods", methods, *where, *words])
    return results


def foreign_rows(results: Path) -> None:
    """Rows beside published figures, and rows whose names would break a careless page."""
    keep(results, record("r2r", "sidd"), scores("matlab-volume-float"))
    keep(
        results,
        record("r2r", "polyu", cell="failed-0", status="failed", reason="No weights of r2r fit polyu.", figures={}),
    )
    keep(results, record(TAG, "sidd", cell=f"{TAG}-sidd-1"), scores("matlab-volume-float", shift=0.3))
    keep(
        results,
        record(ARABIC, "sidd", cell="rtl-sidd-2", note=f"{TAG} {ARABIC}"),
        scores("matlab-volume-float", shift=0.6),
    )
    keep(results, record("x" * 300, "sidd", cell="long-sidd-3"), scores("matlab-volume-float", shift=0.9))


def scores(convention: str, shift: float = 0.0) -> dict[str, dict[str, float]]:
    """Twelve images, three of which have names that are hard to show."""
    names = [TAG, ARABIC, LONG, *(f"s{index}-a" for index in range(9))]
    return {name: {f"psnr[{convention}]": 33.0 + shift + index / 10} for index, name in enumerate(names)}


def many(results: Path, images: int, rows: int) -> None:
    """Records of so many rows over so many images of 50 scenes."""
    from benchmark.records.files import write_record

    draw = np.random.default_rng(3)
    base = draw.normal(30, 3, images)
    for row in range(rows):
        values = base + row / 4 + draw.normal(0, 0.5, images)
        lines = [
            ImageScore(f"image{i:05d}", f"scene{i % 50}", {"psnr[float-gauss]": float(value)})
            for i, value in enumerate(values)
        ]
        kept = {"float-gauss": figures(float(values.mean()), None, n=images)}
        made = record(f"method{row}", "big", cell=f"m{row}-big", convention="float-gauss", figures=kept, images=images)
        write_record(results, made, lines)


def training_log(results: Path) -> None:
    """A training of two stages with its losses."""
    lines = ["stage,step,lr,seconds,loss,psnr"]
    for stage, scale in (("warm", 1.0), ("main", 0.1)):
        for step in range(1, 601):
            score_text = f"{20 + step / 100:.2f}" if step % 200 == 0 else ""
            lines.append(f"{stage},{step},0.001,{step},{scale / step:.6g},{score_text}")
    folder = results / "training" / "made-up-training"
    folder.mkdir(parents=True)
    (folder / "log.csv").write_text("\n".join(lines) + "\n")
