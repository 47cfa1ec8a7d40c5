"""Records whose per-image scores are given as arrays, for the tests of comparisons and of the paper kit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from benchmark.leaderboard.contenders import Contender, contenders
from benchmark.records.files import read_records
from benchmark.records.record import Figures, Perceived, Record
from benchmark.scoring.statistics import interval
from tests.helpers.made_records import figures as made_figures
from tests.helpers.made_records import interval as made_interval
from tests.helpers.made_records import keep, record

CONVENTION = "float-gauss"


def scored(
    results: Path, method: str, psnr: Any, *, conventions: dict[str, Any] | None = None, **changes: Any
) -> Record:
    """Write a record whose images have these PSNRs: (scenes,) or (scenes, images of each); SSIM is a fortieth of it.

    Args:
        conventions: further ones -> their PSNRs.
    """
    by_name = {CONVENTION: np.asarray(psnr, float), **{k: np.asarray(v, float) for k, v in (conventions or {}).items()}}
    grids = {name: values.reshape(len(values), -1) for name, values in by_name.items()}
    scenes, images = grids[CONVENTION].shape
    rows: dict[str, dict[str, float | None]] = {}
    for s in range(scenes):
        for i in range(images):
            columns: dict[str, float | None] = {}
            for name, grid in grids.items():
                columns |= {f"psnr[{name}]": float(grid[s, i]), f"ssim[{name}]": float(grid[s, i]) / 40}
            rows[f"s{s:03d}-{i}"] = columns
    places = [name.split("-")[0] for name in rows]
    figures = {}
    for name, grid in grids.items():
        means = [interval(values, places) for values in (grid.ravel(), grid.ravel() / 40)]
        figures[name] = Figures(means[0], means[1], grid.size, scenes)
    plain = {"figures": figures, "convention": CONVENTION, "dataset": "sidd", "images": scenes * images, "variant": ""}
    values = {**plain, **changes}
    cell = f"{method}-{values['dataset']}-{values.pop('key', 'a' * 11 + str(values.get('seed', 0)))}"
    return keep(results, record(method, cell=values.pop("cell", cell), **values), rows)


def rows_of(results: Path) -> list[Contender]:
    """The contenders of a results folder that holds one set of images."""
    (rows,) = contenders(read_records(results)).values()
    return rows


def draws(key: int, *shape: int) -> np.ndarray:
    """Standard normal numbers."""
    return np.random.default_rng(key).standard_normal(shape)


def with_distances(results: Path) -> Path:
    """Three rows under DISTS; the one with the highest PSNR has the highest distance, and the last has none at all."""
    convention = "matlab-volume-float"
    for method, psnr, distance in (("r2r", 33.0, 0.3), ("lir", 31.0, 0.1), ("mssr", 30.0, None)):
        rows: dict[str, dict[str, float | None]] = {}
        for k in range(12):
            rows[f"s{k}-0"] = {f"psnr[{convention}]": psnr + k / 100, f"ssim[{convention}]": 0.9}
            rows[f"s{k}-0"] |= {} if distance is None else {"perceptual[dists]": distance + k / 1000}
        mean = None if distance is None else Perceived(made_interval(distance, 0.01), 12, 12, "what it is", {})
        seen = {} if mean is None else {"dists": mean}
        keep(results, record(method, figures={convention: made_figures(psnr)}, perceptual=seen), rows)
    return results
